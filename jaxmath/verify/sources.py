"""Where in the source an equation of a program was written."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jax.extend.source_info_util import summarize

from jaxmath import formula

_FRAME = re.compile(r"(?P<file>.+?):(?P<number>\d+)(?::(?P<column>\d+))?(?:-\S+)? \((?P<name>.*)\)")
_OURS = tuple(
    os.path.join(os.path.dirname(formula.__file__), *part)
    for part in (("verify", ""), ("exact", ""), ("formula",))
)
"""The machinery through which a function is called; no user wrote the function there."""


@dataclass(frozen=True)
class Line:
    """A line of source: `column` is where the expression begins, -1 if that is not known."""

    file: str
    number: int
    function: str
    column: int = -1

    @property
    def text(self) -> str:
        """What stands there without its comment, "" where the source is not to be had."""
        text = linecache.getline(self.file, self.number).split("  #")[0].strip()
        return text if len(text) <= 100 else text[:99] + "…"

    @property
    def place(self) -> str:
        """File and number: the file as seen from here, or from the folder of packages."""
        path = Path(self.file)
        for base in (Path.cwd(), *(p for p in path.parents if p.name == "site-packages")):
            if path.is_relative_to(base):
                return f"{path.relative_to(base).as_posix()}:{self.number}"
        return f"{path.name}:{self.number}"

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.text else f"{self.place}, in {self.function}"


def line_of(eqns: Iterable[Any], fn: Callable[..., Any] | None = None) -> Line | None:
    """Where the user wrote an equation, given after those that call it, the outermost first.

    What JAX writes on its own, such as the inside of `jnp.where`, belongs to the line that calls
    it. If `fn` is itself a function of JAX, no line of a user exists and one of JAX's is named.
    """
    eqns = [eqn for eqn in eqns if getattr(eqn, "source_info", None) is not None]
    for eqn in reversed(eqns):
        innermost = summarize(eqn.source_info).strip()
        found = _FRAME.fullmatch(innermost)
        if found and not found["file"].startswith(_OURS):
            column = int(found["column"]) if found["column"] else -1
            return Line(found["file"], int(found["number"]), found["name"], column)
    file = _file_of(fn)
    for eqn in reversed(eqns):
        traceback = eqn.source_info.traceback
        for frame in traceback.frames if traceback is not None else ():
            if frame.file_name == file:
                return Line(frame.file_name, frame.line_num, frame.function_name)
    return None


def _file_of(fn) -> str | None:
    try:
        return inspect.getsourcefile(inspect.unwrap(fn))
    except TypeError:  # None, or a function of C
        return None


@functools.lru_cache(maxsize=64)
def tree_of(file: str) -> ast.Module | None:
    """The syntax of a file; None where it cannot be read."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return None


def call_at(line: Line, names: tuple[str, ...]) -> ast.Call | None:
    """The call of a function of one of these names on a line, if there is one such call there."""
    tree = tree_of(line.file)
    calls = [
        node
        for node in ast.walk(tree or ast.Module([], []))
        if isinstance(node, ast.Call) and name_of(node.func) in names
        and node.lineno <= line.number <= (node.end_lineno or node.lineno)
    ]  # fmt: skip
    exact = [c for c in calls if (c.lineno, c.col_offset) == (line.number, line.column)]
    calls = exact or calls
    return calls[0] if len(calls) == 1 else None


def name_of(node: ast.expr) -> str:
    """The last part of a name: "where" of `jnp.where`."""
    return getattr(node, "attr", getattr(node, "id", ""))


def assigned(line: Line, name: str) -> ast.expr | None:
    """The expression that a local name of the line's function was last given before it."""
    found = None
    for function in ast.walk(tree_of(line.file) or ast.Module([], [])):
        if not isinstance(function, ast.FunctionDef):
            continue
        if function.lineno <= line.number <= (function.end_lineno or 0):
            for node in ast.walk(function):
                if not isinstance(node, ast.Assign) or node.lineno >= line.number:
                    continue
                if any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                    found = node.value
    return found
