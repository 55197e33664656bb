"""Somebody's function by its name: FILE.py:FUNCTION, MODULE:FUNCTION, or one of our formulas."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import nearest, suggest
from jaxmath.formula import Formula


def find(name: str, folder: Path | None = None) -> Any:
    """What a name means; files and modules are looked for in the folder, by default the current.

    Raises:
        InputError: there is no such file, module, function or formula.
        Exception: whatever the module's own code raises.
    """
    place, colon, attribute = name.rpartition(":")
    if not colon:
        return _formula(name)
    folder = folder or Path.cwd()
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    module = _file_module(folder / place) if place.endswith(".py") else _named_module(place)
    found: Any = module
    for part in attribute.split("."):
        known = [key for key in dir(found) if callable(getattr(found, key, None)) and key[0] != "_"]
        found = getattr(found, part, None)
        if found is None:
            hint = suggest(part, known)
            raise InputError(Problem(f"{place} has no function {show(attribute)}", hint=hint))
    return found


def find_function(name: str, folder: Path | None = None) -> Any:
    """A function or a Formula by its name; see `find`."""
    found = find(name, folder)
    if not isinstance(found, Formula) and not callable(found):
        raise InputError(f"{name} is no function but a {type(found).__name__}")
    return found


def _formula(name: str) -> Formula:
    from jaxmath.examine.catalog import rooms

    known = {e.name: e for _, entries in rooms() for e in entries if isinstance(e, Formula)}
    if name not in known:
        hint = suggest(name, known, every=False) or "write FILE.py:FUNCTION or MODULE:FUNCTION"
        raise InputError(Problem(f"there is no formula {show(name)}", hint=hint))
    return known[name]


def _file_module(path: Path) -> ModuleType:
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.glob("*.py")])
        hint = f"did you mean {path.parent / near}?" if near else ""
        raise InputError(Problem(f"there is no file {path}", hint=hint))
    path = path.resolve()
    folder = str(path.parent)  # a file finds its neighbours, as when Python runs it
    if folder not in sys.path:
        sys.path.insert(1, folder)
    name = path.stem
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) == str(path):
        return taken
    if taken is not None or name in sys.stdlib_module_names:
        name = f"{name} of {folder}"  # somebody's math.py is not the module math
        if name in sys.modules:
            return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _named_module(name: str) -> ModuleType:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
        raise InputError(f"{show(name)} is no name of a module; a file ends with .py")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # the module is there, and one that it imports is not
        raise InputError(f"there is no module {name}") from None
