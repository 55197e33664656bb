"""`jaxmath verify`: find somebody's function, state the domain, compare its derivatives."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jax

from jaxmath.domains import NONNEGATIVE, OPEN_UNIT, POSITIVE, REAL, UNIT, Box, Choices, Interval
from jaxmath.formula import Formula
from jaxmath.lab.document import nearest, show, suggest
from jaxmath.lab.errors import Exit, InputError, Problem
from jaxmath.verify import derivatives, examine

NAMED = {
    "real": REAL,
    "positive": POSITIVE,
    "nonnegative": NONNEGATIVE,
    "unit": UNIT,
    "open_unit": OPEN_UNIT,
}
NUMBER = r"[+-]?(?:inf|∞|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"


def verify(
    name: str,
    wrt: str | None,
    domains: list[str],
    dtype: str = "float64",
    search: bool = False,
    budget: int = 400,
) -> tuple[str, Exit]:
    """The report in words, and PASS only if every derivative agrees.

    With `search` the worst points are looked for and judged by exact arithmetic.

    Raises:
        InputError: there is no such function, argument or domain.
        Exception: whatever the function's own module raises.
    """
    function = find(name)
    parameters = list(inspect.signature(getattr(function, "fn", function)).parameters)
    chosen = tuple(part.strip() for part in wrt.split(",")) if wrt else None
    for argument in chosen or ():
        if argument not in parameters:
            hint = suggest(argument, parameters)
            raise InputError(Problem(f"{name} has no argument {show(argument)}", hint=hint))
    stated = dict(parse_domain(word, parameters) for word in domains)
    domain = _whole_domain(function, stated) if stated else None
    if search:
        verdict = examine(function, domain=domain, wrt=chosen, dtype=dtype, budget=budget)
        return str(verdict), Exit.PASS if verdict.ok else Exit.FAIL
    with jax.enable_x64(True):
        report = derivatives(function, domain=domain, wrt=chosen, dtype=dtype)
    return str(report), Exit.PASS if report.ok else Exit.FAIL


def find(name: str) -> Any:
    """The function or Formula that FILE.py:FUNCTION, MODULE:FUNCTION or a formula's name means."""
    place, colon, attribute = name.rpartition(":")
    if not colon:
        return _formula(name)
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
    module = _file_module(Path(place)) if place.endswith(".py") else _named_module(place)
    function = getattr(module, attribute, None)
    if function is None:
        known = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        hint = suggest(attribute, known)
        raise InputError(Problem(f"{place} has no function {show(attribute)}", hint=hint))
    if not isinstance(function, Formula) and not callable(function):
        raise InputError(f"{name} is no function but a {type(function).__name__}")
    return function


def _formula(name: str) -> Formula:
    from jaxmath.lab.catalog import rooms

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
    folder = str(path.resolve().parent)  # a file finds its neighbours, as when Python runs it
    if folder not in sys.path:
        sys.path.insert(1, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
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


def parse_domain(word: str, parameters: list[str]) -> tuple[str, Any]:
    """`x=(0, inf)`, `p=[0,1]`, `w=real^3`, `y={0,1}` or `z=real|inf|nan^2`: an argument's set."""
    argument, equals, text = (part.strip() for part in word.partition("="))
    if argument not in parameters or not equals:
        hint = suggest(argument, parameters)
        raise InputError(Problem(f"there is no argument {show(argument)}", hint=hint))
    of, _, size = text.partition("^")
    of, *extra = (part.strip() for part in of.split("|"))
    interval = re.fullmatch(rf"([(\[])\s*({NUMBER})\s*,\s*({NUMBER})\s*([)\]])", of)
    if of in NAMED:
        found: Any = NAMED[of]
    elif interval:
        left, low, high, right = interval.groups()
        ends = [float(end.replace("∞", "inf")) for end in (low, high)]
        if not ends[0] < ends[1]:
            raise InputError(f"the domain {show(text)} of {argument} is empty")
        found = Interval(*ends, closed=(left == "[", right == "]"))
    elif re.fullmatch(rf"\{{\s*{NUMBER}(\s*,\s*{NUMBER})*\s*\}}", of):
        found = Choices(tuple(map(float, of.strip("{} ").split(","))))
    else:
        hint = f"such as (0, inf), [0, 1], {{0, 1}}, real^3; words are {', '.join(NAMED)}"
        raise InputError(Problem(f"{show(text)} is no domain", hint=hint))
    if extra:
        if not isinstance(found, Interval) or set(extra) - {"inf", "-inf", "nan"}:
            hint = "after | stand inf, -inf or nan, and before it an interval or a word"
            raise InputError(Problem(f"{show(text)} is no domain", hint=hint))
        found = dataclasses.replace(found, extra=tuple(map(float, extra)))
    if not size:
        return argument, found
    if not re.fullmatch(r"\d{1,3}(x\d{1,3})*", size.strip()):
        raise InputError(f"{show(size)} is no shape, such as 3 or 2x3")
    return argument, Box(tuple(map(int, size.strip().split("x"))), found)


def _whole_domain(function: Any, stated: dict[str, Any]) -> dict[str, Any]:
    """The stated sets, and the reals for what is not stated and has no default."""
    if isinstance(function, Formula):
        return {**function.domain, **stated}
    domain = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name in stated or parameter.default is parameter.empty:
            domain[name] = stated.get(name, REAL)
    return domain
