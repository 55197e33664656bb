"""The double `where` that cures a trap, in the words of the user's own line."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxmath.verify.sources import Line, assigned, call_at, name_of

LONG = 80
"""Characters from which a branch is not written out in place of its name."""

MODULES = ("jnp", "np", "jax", "lax", "math")


class Selection:
    """What a line says that selects: the branch that is a trap, and what stands in its stead.

    Attributes:
        call: the call, such as `jnp.where(x > 0, jnp.sqrt(x), 0.0)`.
        branch: the expression of the branch, `jnp.sqrt(x)`.
        ok: the condition under which it is taken, "" of max, min and clip.
        other: what is taken instead, for these.
    """

    def __init__(self, line: Line, primitive: str, operand: int):
        call = call_at(line, CALLS[primitive])
        self.call, self.line, self.branch, self.ok, self.other = call, line, None, "", ""
        if call is None:
            return
        given = dict(enumerate(call.args))
        named = {word.arg: word.value for word in call.keywords}
        function = name_of(call.func)
        if function in ("where", "select") and len(given) >= 3:
            self.ok = ast.unparse(given[0])
            self.negated = operand == 1
            self.branch = given[2 if self.negated else 1]
        elif function in ("maximum", "minimum", "max", "min") and len(given) == 2:
            self.branch, self.other = given[operand], ast.unparse(given[1 - operand])
        elif function in ("clip", "clamp") and given:
            low = given.get(1, named.get("min", named.get("a_min")))
            high = given.get(2, named.get("max", named.get("a_max")))
            other = low if primitive == "max" else high
            self.branch, self.other = given[0], ast.unparse(other) if other else ""


CALLS = {
    "select_n": ("where", "select"),
    "max": ("maximum", "max", "clip"),
    "min": ("minimum", "min", "clip"),
    "clamp": ("clamp", "clip"),
    "reduce_max": ("max", "amax"),
    "reduce_min": ("min", "amin"),
}
"""By primitive the functions that people call."""


def cure(
    line: Line | None,
    primitive: str,
    operand: int,
    good: Mapping[str, np.ndarray],
    bad: Mapping[str, np.ndarray],
) -> str:
    """Lines of code that take the place of the selection; a sentence if its source is not known.

    Args:
        line: where the selection is written.
        primitive: what selects.
        operand: which of its operands is the branch.
        good: scalar arguments at points where the branch has a finite slope, those where it is
            taken first.
        bad: scalar arguments at points where it is a trap.
    """
    found = Selection(line, primitive, operand) if line is not None else None
    if found is None or found.call is None or found.branch is None:
        return SENTENCE
    known = _mentioned(found)
    expression = _expanded(found.branch, found.line, known)
    inside = variables(expression)
    both = [v for v in inside if v in known and v != found.ok] or inside
    if not both:
        return SENTENCE
    where = _where(found.call)
    lines, safe = [], {}
    ok = found.ok or _condition(both[0], good, bad)
    if not ok:
        return SENTENCE
    for name in both:
        safe[name] = "safe_" + re.sub(r"\W+", "_", name).strip("_")
        value = _simplest(good.get(name))
        kept = f"{value}, {name}" if found.ok and found.negated else f"{name}, {value}"
        lines.append(f"{safe[name]} = {where}({ok}, {kept})")
    branch = ast.unparse(_replaced(expression, safe))
    if len(branch) > LONG and isinstance(found.branch, ast.Name):
        instead = ", ".join(f"{new} in place of {old}" for old, new in safe.items())
        branch = found.branch.id
        lines.append(f"{branch} = ...  # as it is, with {instead}")
    call = ast.unparse(found.call).replace(ast.unparse(found.branch), branch, 1)
    lines.append(call if found.ok else f"{where}({ok}, {call}, {found.other})")
    return "\n".join(lines)


SENTENCE = (
    "give the branch an argument that is harmless where it is not taken: a second where, "
    "around its argument"
)


def variables(node: ast.AST) -> list[str]:
    """The variables of an expression, such as `x` and `p["w"]`, without functions and modules."""
    found: list[str] = []

    def visit(node):
        if isinstance(node, ast.Call):
            for child in (*node.args, *(word.value for word in node.keywords)):
                visit(child)
            if isinstance(node.func, ast.Attribute) and _root(node.func) not in MODULES:
                visit(node.func.value)
        elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and _root(node):
            if _root(node) not in MODULES:
                found.append(ast.unparse(node))
        else:
            for child in ast.iter_child_nodes(node):
                visit(child)

    visit(node)
    return list(dict.fromkeys(found))


def _root(node) -> str:
    """The name that an attribute or item is taken of; "" if that is no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _where(call: ast.Call) -> str:
    if name_of(call.func) == "where":
        return ast.unparse(call.func)
    root = _root(call.func)
    return f"{root}.where" if root in ("jnp", "np") else "jnp.where"


def _mentioned(found: Selection) -> list[str]:
    """The variables of the condition, through a local name that stands for it."""
    if not found.ok:
        return []
    condition = ast.parse(found.ok, mode="eval").body
    names = variables(condition)
    for name in list(names):
        if name.isidentifier() and (value := assigned(found.line, name)) is not None:
            names += variables(value)
    return names


def _condition(name: str, good, bad) -> str:
    """Where a branch without a condition of its own has a finite slope, from what was seen."""
    if name not in good or not len(good[name]) or not len(bad[name]):
        return ""
    low, high = float(np.max(bad[name])), float(np.min(bad[name]))
    if np.min(good[name]) > low:
        return f"{name} > {low!r}"
    if np.max(good[name]) < high:
        return f"{name} < {high!r}"
    return f"{name} != {low!r}" if low == high else ""


def _simplest(values: np.ndarray | None) -> str:
    """A plain number among values, 1.0 if nothing is known."""
    plain = (1.0, 2.0, 0.5, 0.0, -1.0, 10.0)
    if values is None or not len(values):
        return "1.0"
    known = [v for v in plain if v in values]
    if known:
        return repr(known[0])
    return repr(float(min(values, key=lambda v: abs(math.log(abs(v))) if v else math.inf)))


def _expanded(node: ast.expr, line: Line, known: Sequence[str], depth: int = 3) -> ast.expr:
    """An expression with its local names written out, but for those already known."""
    local = {v: assigned(line, v) for v in variables(node) if v.isidentifier() and v not in known}
    found = {name: value for name, value in local.items() if value is not None}
    if not found or depth == 0:
        return node
    return _expanded(_replaced(node, found), line, known, depth - 1)


def _replaced(node: ast.expr, new: Mapping[str, Any]) -> ast.expr:
    """An expression with other variables or expressions in the place of some variables."""

    class Replacer(ast.NodeTransformer):
        def visit(self, node) -> Any:
            if isinstance(node, ast.Lambda):  # its arguments are others
                return node
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                other = new.get(ast.unparse(node))
                if other is not None:
                    return other if isinstance(other, ast.AST) else ast.Name(other, ast.Load())
            return self.generic_visit(node)

    return Replacer().visit(ast.parse(ast.unparse(node), mode="eval").body)
