"""A few lines that show a fault to somebody else: import, input, answer and truth."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import dis
import inspect
import linecache
import math
import platform
import sys
import textwrap
import types
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify import given
from jaxmath.verify.verdict import Finding

KNOWN = {"jax": "import jax", "jnp": "import jax.numpy as jnp", "np": "import numpy as np",
         "lax": "from jax import lax"}  # fmt: skip
"""What a function may use so that its source can be pasted, and how it is imported."""


def reproducer(finding: Finding, formula: Formula) -> str:
    """Python code that prints the answer at fault, with the truth beside it as a comment."""
    name, lines = written(_function(finding, formula))
    imports = {KNOWN["jax"], KNOWN["jnp"], *(line for line in lines if line.startswith(_IMPORTS))}
    point = [_typed(n, value, imports) for n, value in finding.point.items()]
    body = [line for line in lines if line not in imports]
    versions = f"jax {jax.__version__}, jaxmath {version('jaxmath')}, "
    versions += f"Python {platform.python_version()}, {jax.default_backend()}"
    answers = f"an error: {finding.note}" if finding.kind == "not available" else (
        repr(finding.answer))  # fmt: skip
    return "\n".join(
        [
            f"# {_title(finding, name)}",
            f"# {versions}",
            *sorted(imports, key=lambda line: (line.startswith("from"), line)),
            "",
            'jax.config.update("jax_enable_x64", True)',
            *([*body, ""] if body else []),
            *point,
            f"print({_call(finding, name, formula)})",
            f"# answers {answers}",
            f"# truth   {finding.truth.strip('[]')} ({finding.proof})",
        ]
    )


_IMPORTS = ("import ", "from ")


def _arguments(finding: Finding) -> list[str]:
    """The arguments differentiated in, as many as the order says."""
    names = finding.argument.split(", ") if finding.order else []
    return (names * finding.order)[: finding.order]


def _function(finding: Finding, formula: Formula):
    """The function that is called: the formula's, or its closed form."""
    names = _arguments(finding)
    if finding.who != "closed form":
        return formula.fn
    return formula.partials[names[0]] if finding.order == 1 else formula.seconds[names[0], names[1]]


def _title(finding: Finding, name: str) -> str:
    order = ("", "the derivative of ", "the second derivative of ")[finding.order]
    inside = f" in {finding.argument}" if finding.order else ""
    who = f" by {finding.who}" if finding.order and finding.who != "all" else ""
    return f"{finding.kind}: {order}{name}{inside}{who}, {_dtype(finding.point)}"


def _dtype(point) -> str:
    floats = [np.asarray(leaf).dtype for leaf in jax.tree.leaves(point)]
    return next((d.name for d in floats if jnp.issubdtype(d, jnp.floating)), "no floats")


def _call(finding: Finding, name: str, formula: Formula) -> str:
    """The expression for one entry of the answer."""
    given = ", ".join(formula.arguments)
    point = tuple(finding.point[n] for n in formula.arguments)
    out, index = _entry(jax.eval_shape(formula.fn, *point), finding.place[0])
    scalar, called = not out and not index, name
    if finding.order and finding.who == "closed form":
        out, index = "", ()
    for k, argument in enumerate(_arguments(finding)):
        path, own = _entry(finding.point[argument], finding.place[1 + k])
        out, index = out + path, index + own
        if finding.who != "closed form":
            forward = finding.who.startswith("forward") and k == finding.order - 1
            mode = "jacfwd" if forward else "grad" if scalar and k == 0 else "jacrev"
            place = formula.arguments.index(argument)
            called = f"jax.{mode}({called}, {place})" if place else f"jax.{mode}({called})"
    return f"{called}({given}){out}{_index(index)}"


def _entry(tree, place: int) -> tuple[str, tuple[int, ...]]:
    """How a flat place in a pytree is reached: the path to its leaf, and the index in that."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        shape = np.shape(leaf)
        if place < math.prod(shape):
            return jax.tree_util.keystr(path), tuple(map(int, np.unravel_index(place, shape)))
        place -= math.prod(shape)
    raise IndexError(place)


def _index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def written(fn: Callable[..., Any]) -> tuple[str, list[str]]:
    """A name for a function, and the lines after which it stands for it.

    An import where the function can be imported, its source where that needs nothing but JAX;
    otherwise a comment that says what to put there.
    """
    if getattr(fn, "__module__", "") == given.__name__:  # of some of its arguments
        name, lines = written(inspect.unwrap(fn))
        some = ", ".join(inspect.signature(fn).parameters)
        by_name = ", ".join(f"{n}={n}" for n in inspect.signature(fn).parameters)
        return "function", [*lines, f"function = lambda {some}: {name}({by_name})"]
    name = getattr(fn, "__name__", "f")
    home = _home(fn, name)
    if home is not None:
        return name, [f"from {home} import {name}"]
    source = _source(fn)
    if source is None:
        place = getattr(getattr(fn, "__code__", None), "co_filename", "")
        return "f", [f"f = ...  # {name}, the function examined{f', of {place}' if place else ''}"]
    text, used = source
    imports = [KNOWN[word] for word in sorted(used)]
    if name == "<lambda>":
        return "f", [*imports, f"f = {text}"]
    return name, [*imports, text]


def _home(fn, name: str) -> str | None:
    """The module that the function is imported from: the shortest public one."""
    own = getattr(fn, "__module__", None) or ""
    root = own.split(".")[0]
    found = [
        key
        for key, module in list(sys.modules.items())
        if key.split(".")[0] == root and "._" not in key and not key.startswith("_")
        and isinstance(module, types.ModuleType) and vars(module).get(name) is fn
    ]  # fmt: skip
    return min(found, key=lambda key: (key != own, len(key))) if found else None


def _source(fn) -> tuple[str, set[str]] | None:
    """The source of a function that uses nothing around it, and the modules that it names."""
    code = getattr(fn, "__code__", None)
    if code is None or code.co_freevars:
        return None
    names = _globals(code)
    if not names <= {*KNOWN, *dir(builtins)}:
        return None
    try:
        text = textwrap.dedent(inspect.getsource(fn))
    except (OSError, TypeError):
        return None
    used = names & set(KNOWN)
    if fn.__name__ != "<lambda>":
        return text.rstrip(), used
    tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    lambdas = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda)]
    here = [n for n in lambdas if n.lineno <= code.co_firstlineno <= (n.end_lineno or 0)]
    same = [
        n for n in here if [a.arg for a in n.args.args] == list(inspect.signature(fn).parameters)
    ]
    return (ast.unparse(same[0]), used) if len(same) == 1 else None


def _globals(code: types.CodeType) -> set[str]:
    """The global names that a function and those inside it load."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _globals(constant)
    return names


def _typed(name: str, value: Any, imports: set[str]) -> str:
    """The line that gives an argument its value, with what has to be imported for it."""
    needed: set[str] = set()
    try:
        line = f"{name} = {literal(value, needed)}"
    except TypeError:
        leaves = ", ".join(literal(leaf, imports) for leaf in jax.tree.leaves(value))
        return f"{name} = ...  # a {type(value).__name__} with the leaves {leaves}"
    imports |= needed
    return line


def literal(value: Any, imports: set[str]) -> str:
    """A pytree as an expression; adds what has to be imported for it.

    Raises:
        TypeError: an object in it is not made of its fields.
    """
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k!r}: {literal(v, imports)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple) and (names := getattr(value, "_fields", None)):
        return _built(type(value), zip(names, value, strict=True), imports)
    if isinstance(value, tuple | list):
        inside = ", ".join(literal(v, imports) for v in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
        inspect.signature(type(value)).bind(**dict(fields))
        return _built(type(value), fields, imports)
    array = np.asarray(value)
    if array.dtype == object:
        raise TypeError(f"{type(value).__name__} is no array.")
    if array.dtype.kind in "iub" and array.ndim == 0:
        return repr(array.item())
    return f"jnp.array({_nested(array)}, jnp.{array.dtype.name})"


def _built(kind: type, fields, imports: set[str]) -> str:
    imports.add(f"from {kind.__module__} import {kind.__qualname__}")
    return f"{kind.__name__}(" + ", ".join(f"{k}={literal(v, imports)}" for k, v in fields) + ")"


def _nested(array) -> str:
    if np.ndim(array):
        return "[" + ", ".join(map(_nested, array)) + "]"
    if not np.isfinite(array):
        return "jnp.nan" if np.isnan(array) else ("jnp.inf" if array > 0 else "-jnp.inf")
    return str(array)
