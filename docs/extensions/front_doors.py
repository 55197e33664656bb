"""What the package offers: its rooms, and the names at the front door of each.

A room says what it offers by `__all__`, or by what it defines and imports from its own files.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jaxmath.typing
from jaxmath.distributions.family import Family


def rooms() -> Iterator[ModuleType]:
    """The packages and modules right below jaxmath."""
    for module in pkgutil.iter_modules(jaxmath.__path__, "jaxmath."):
        if not module.name.startswith("jaxmath._"):
            yield importlib.import_module(module.name)


def modules(room: ModuleType) -> list[ModuleType]:
    """The modules that a room offers as such: `from jaxmath.distributions import normal`."""
    return [
        getattr(room, alias.name)
        for node in _body(room)
        if isinstance(node, ast.ImportFrom) and node.module == room.__name__
        for alias in node.names
        if inspect.ismodule(getattr(room, alias.name))
    ]


def types_of(module: ModuleType) -> dict[Any, str]:
    """The classes that a module offers, by the name under which it does; and those of arrays."""
    family = family_of(module)
    things = [("Params", family.params, None)] if family else offered(module)
    return {
        thing: f"{module.__name__}.{name}"
        for name, thing, _ in things
        if inspect.isclass(thing) or module is jaxmath.typing
    }


def family_of(module: ModuleType) -> Family | None:
    """The family of distributions that a module is of."""
    found = vars(module).get(module.__name__.rpartition(".")[2].upper())
    return found if isinstance(found, Family) else None


def offered(module: ModuleType) -> Iterator[tuple[str, Any, str | None]]:
    """The public functions and classes of a module, and the values of which it says something."""
    written = names_of(module)
    for name in getattr(module, "__all__", written):
        thing, said = getattr(module, name), written.get(name)
        if name.startswith("_") or inspect.ismodule(thing):
            continue
        if said or inspect.isclass(thing) or (callable(thing) and inspect.getdoc(thing)):
            yield name, thing, said


def names_of(module: ModuleType) -> dict[str, str | None]:
    """What a module defines and, if a package, imports of ours; values with their docstring."""
    found: dict[str, str | None] = {}
    body = _body(module)
    for node, after in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = None
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                match after:
                    case ast.Expr(value=ast.Constant(value=str(said))):
                        found[name] = inspect.cleandoc(said)
                    case _:
                        found[name] = None
            case ast.ImportFrom(module=str(source)) if source.startswith("jaxmath."):
                if hasattr(module, "__path__"):
                    found |= {alias.asname or alias.name: None for alias in node.names}
    return found


def home(module: ModuleType, thing: Any) -> str:
    """The module that a name of a package comes from."""
    place = getattr(thing, "__module__", None) or ""
    inside = hasattr(module, "__path__") and place.startswith("jaxmath.")
    return place if inside and place in sys.modules else module.__name__


def _body(module: ModuleType) -> list[ast.stmt]:
    return ast.parse(inspect.getsource(module)).body


def first(module: ModuleType) -> str:
    """The first sentence of its docstring."""
    return " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split()).rstrip(".:")
