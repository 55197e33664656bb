"""Where experiments live, what can be known of them without running them, and their import.

An experiment is built in, or a file of the project's `experiments/` folder. Names are looked up
among the files that are there: never by path, never by import path, and only a named file is ever
imported.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from functools import cached_property
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

BUILT_IN = ("train", "derivatives", "accuracy")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


OWN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class Project:
    """The `experiments` folder that serves a config, and the built-in experiments beside it."""

    def __init__(self, start: Path):
        self.folder = _nearest_folder(start)

    def below(self, folder: Path) -> Path:
        """The project's root, if a folder lies below it, or else the folder itself."""
        folder = folder.resolve()
        root = self.folder.parent.resolve() if self.folder else folder
        return root if folder.is_relative_to(root) else folder

    @cached_property
    def modules(self) -> dict[str, Path]:
        """The files of the folder whose names can stand in a config."""
        if self.folder is None:
            return {}
        files = sorted(self.folder.glob("*.py"))
        return {file.stem: file for file in files if NAME.fullmatch(file.stem) and file.is_file()}

    @cached_property
    def experiments(self) -> tuple[str, ...]:
        """The experiments that a config can name: built in, then those with a `Config`."""
        own = (name for name, file in self.modules.items() if "Config" in _classes(file))
        return (*BUILT_IN, *(name for name in own if name not in BUILT_IN))

    def source(self, experiment: str) -> Path | None:
        """The file of an experiment, or None if there is no such experiment."""
        if experiment in BUILT_IN:
            return Path(__file__).parents[1] / "lab" / f"{experiment}.py"
        return self.modules.get(experiment)

    def load(self, name: str) -> ModuleType:
        """Import an experiment by name, again if its file has changed since.

        Raises:
            Exception: whatever the module's own code raises.
        """
        if name in BUILT_IN:
            return importlib.import_module(f"jaxmath.lab.{name}")
        return self.load_own(name)

    def mentions(self, module: str, name: str) -> bool:
        """Whether a file of the folder has a name in its source; only then is it worth importing.

        A slip in a config, or worse, thus never runs anybody's code.
        """
        if module not in self.modules or not OWN_NAME.fullmatch(name):
            return False
        return name in _words(self.modules[module])

    def offers(self, module: str, listed: str) -> list[str]:
        """What a module's tuple seems to list, read and not run: for suggestions."""
        for node in _parse(self.modules[module]).body:
            targets = [t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)]
            if isinstance(node, ast.Assign) and targets == [listed]:
                names = [n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)]
                return [f"{module}.{name}" for name in names]
        return []

    def load_own(self, name: str) -> ModuleType:
        """Import a file of the `experiments` folder."""
        assert self.folder is not None
        file = self.modules[name]
        package = _package(self.folder)
        full = f"{package}.{name}"
        stamp = (file.stat().st_mtime_ns, file.stat().st_size)
        module = sys.modules.get(full)
        if module is not None and getattr(module, "__stamp__", stamp) == stamp:
            module.__dict__["__stamp__"] = stamp
            return module
        sys.modules.pop(full, None)
        importlib.invalidate_caches()
        writes_bytecode = sys.dont_write_bytecode
        sys.dont_write_bytecode = True  # a run writes into its own folder and nowhere else
        try:
            module = importlib.import_module(full)
        finally:
            sys.dont_write_bytecode = writes_bytecode
        module.__dict__["__stamp__"] = stamp
        return module


def fields(source: Path, name: str = "Config") -> tuple[str, ...] | None:
    """The fields of a dataclass, read from its source; None where only running it would tell."""
    for node in _parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            if node.bases:
                return None
            return tuple(
                item.target.id
                for item in node.body
                if isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and "ClassVar" not in ast.unparse(item.annotation)
            )
    return None


def _classes(file: Path) -> set[str]:
    return {node.name for node in _parse(file).body if isinstance(node, ast.ClassDef)}


def _words(file: Path) -> set[str]:
    return set(re.findall(r"\w+", file.read_text("utf-8", "replace")))


def _parse(file: Path) -> ast.Module:
    """The syntax tree of a file; an empty one where there is none, which its import will tell."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ast.Module([], [])


def _nearest_folder(start: Path) -> Path | None:
    """The `experiments` folder beside or above a config, else that of the current folder."""
    start = start.resolve()
    for folder in (start, *start.parents, Path.cwd()):
        if (folder / "experiments").is_dir():
            return folder / "experiments"
    return None


def _package(folder: Path) -> str:
    """The package under which a folder's modules are imported, so that they can import each other.

    It is called `experiments`, unless another project of the same process has taken that name.
    """
    number = 1
    while True:
        name = "experiments" if number == 1 else f"experiments_{number}"
        package = sys.modules.get(name)
        if package is None:
            package = ModuleType(name)
            package.__path__ = [str(folder)]
            package.__spec__ = ModuleSpec(name, None, is_package=True)
            sys.modules[name] = package
            return name
        if str(folder) in map(str, getattr(package, "__path__", ())):
            return name
        number += 1
