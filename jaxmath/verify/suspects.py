"""Which function's own derivative rule is wrong, in which argument, and in what way."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import Missing, Program, derivatives, evaluate, trace
from jaxmath.exact.arrays import boxed, is_real
from jaxmath.exact.enclosure import nearest
from jaxmath.exact.work import Undecided
from jaxmath.verify.branches import bound
from jaxmath.verify.sources import Line, tree_of
from jaxmath.verify.tape import Tape

BITS = 256
MOVES = (0.0, 0.25, -0.25, 0.5, 1.0)
"""How far the operands of the call are moved, to see what stays the same."""
MOST = 12
"""So many coordinates and results of one call are looked at."""
SECONDS = 0.25
NEAR = 1e-12


@dataclass(frozen=True)
class Suspect:
    """A rule that is not the derivative of its function.

    Attributes:
        function: whose rule it is.
        line: where the rule begins, None if that is not known.
        rule: its name.
        argument: in which argument it is wrong.
        returned: the expression that it returns for this argument, "" if none is seen.
        said, truth: the slope by the rule and the true one, at the call in question.
        pattern: what they have to do with each other, "" if nothing was recognised.
    """

    function: str
    line: Line | None
    rule: str
    argument: str
    returned: str
    said: float
    truth: float
    pattern: str

    def __str__(self) -> str:
        where = f"{self.line.place}: " if self.line else ""
        text = f"{where}the rule {self.rule} of {self.function} gives for {self.argument} "
        text += f"{self.pattern or 'another number'}: {self.said:.6g}, truth {self.truth:.6g}"
        return text + (f"; what it returns there is `{self.returned}`" if self.returned else "")


def suspects(program: Program, args: tuple[Any, ...]) -> tuple[Suspect, ...]:
    """What the rules inside a traced function, not of its derivative, have wrong at a point.

    For each argument of each call the worst slope, the worst first.
    """
    with jax.enable_x64(program.x64):
        try:
            tape = Tape(program, args, 0, BITS)
        except (Undecided, Missing, ValueError, ZeroDivisionError):
            return ()
        found: dict[Any, tuple[float, Suspect]] = {}
        for eqn, values in {id(eqn): (eqn, values) for eqn, values in tape.called}.values():
            try:
                for gap, one in _wrong(eqn, _floats(eqn, values)):
                    key = id(eqn), one.argument
                    found[key] = max(found.get(key, (0.0, one)), (gap, one), key=lambda p: p[0])
            except Missing:
                continue
    return tuple(one for _, one in sorted(found.values(), key=lambda pair: -pair[0]))


def _floats(eqn, values) -> tuple[np.ndarray, ...]:
    """The operands of a call as arrays of their dtypes."""
    arrays = []
    for v, value in zip(eqn.invars, values, strict=True):
        if is_real(v.aval):
            flat = [nearest(e, v.aval.dtype) for e in boxed(value).ravel().tolist()]
            value = np.array(flat, v.aval.dtype).reshape(v.aval.shape)
        arrays.append(np.asarray(value, v.aval.dtype))
    return tuple(arrays)


def _wrong(eqn, operands):
    """Each slope that a rule has wrong, after how far it is off."""
    call = _Call(eqn, operands)
    said, truth = zip(*(call.jacobians(operands, move) for move in MOVES), strict=True)
    said, truth = np.array(said), np.array(truth)
    gap = np.abs(said - truth) / np.maximum(np.abs(truth), 1e-300)
    with np.errstate(invalid="ignore"):
        wrong = np.nanmax(np.where(np.isfinite(gap), gap, 0), axis=0) > NEAR
    for r, c in np.argwhere(wrong).tolist():
        at = int(np.argmax(np.where(np.isfinite(gap[:, r, c]), gap[:, r, c], -1) > NEAR))
        yield float(gap[at, r, c]), call.suspect(r, c, said, truth, at)


class _Call:
    """One call of a function with a rule of its own, apart from the program around it."""

    def __init__(self, eqn, operands):
        self.eqn = eqn
        self.forward = eqn.primitive.name == "custom_jvp_call"
        told = eqn.params["call_jaxpr"].jaxpr if self.forward else eqn.params["fwd_jaxpr_thunk"]
        self.names = tuple(told.debug_info.arg_names or ())
        self.program = trace(self.call, *operands)
        self.columns = self.program.coordinates()[:MOST]
        self.results = min(sum(math.prod(a.shape) for a in self.program.outputs), MOST)
        push = lambda p, t: jax.jvp(self.call, p, t)[1]  # noqa: E731
        self.rule = trace(push, operands, self._tangent(operands, 0)) if self.forward else (
            trace(self._pull, operands, self._cotangents(0)))  # fmt: skip

    def call(self, *values):
        return bound(self.eqn, values)

    def _pull(self, values, cotangents):
        return jax.vjp(self.call, *values)[1](cotangents)

    def jacobians(self, operands, move: float):
        """By the rule and in truth, `(results, columns)`, at operands moved by so much or less."""
        operands = tuple(_moved(o, k, move) for k, o in enumerate(operands))
        said = np.zeros((self.results, len(self.columns)))
        truth = np.zeros_like(said)
        units = np.eye(len(self.program.coordinates()))
        for c in range(len(self.columns)):
            found = derivatives(self.program, operands, units[c], budget=SECONDS)
            smooth = found.behaviour[0] == "smooth"
            slopes = [float(n) if s else math.nan for n, s in
                      zip(found.right[1, 0], smooth, strict=True)]  # fmt: skip
            truth[:, c] = slopes[: self.results]
            if self.forward:
                said[:, c] = self._ruled(operands, self._tangent(operands, c))[: self.results]
        for r in range(0 if self.forward else self.results):
            said[r] = self._ruled(operands, self._cotangents(r))[: len(self.columns)]
        return said, truth

    def _ruled(self, *args) -> list[float]:
        return [float(n) for n in evaluate(self.rule, args, "program", SECONDS).flat]

    def _tangent(self, operands, column: int):
        place, entry = self.columns[column]
        moved = []
        for k, operand in enumerate(operands):
            if not jnp.issubdtype(operand.dtype, jnp.floating):
                moved.append(np.zeros(operand.shape, jax.dtypes.float0))
                continue
            moved.append(np.zeros_like(operand))
            if k == place:
                moved[-1].reshape(-1)[entry] = 1
        return tuple(moved)

    def _cotangents(self, result: int):
        flat = np.eye(self.results + 1, sum(math.prod(a.shape) for a in self.program.outputs))
        row, made, start = flat[result], [], 0
        for aval in self.program.outputs:
            stop = start + math.prod(aval.shape)
            made.append(row[start:stop].reshape(aval.shape).astype(aval.dtype))
            start = stop
        return made

    def suspect(self, r: int, c: int, said, truth, at: int) -> Suspect:
        """What is to be told about one wrong slope."""
        inner = self.eqn.params["call_jaxpr"]
        function, own = _source(inner.jaxpr.debug_info)
        key = "jvp_jaxpr_fun" if self.forward else "bwd"
        rule, line = _source(self.eqn.params[key].debug_info)
        if line is None or "/jax/" in line.file.replace("\\", "/"):  # made by `defjvps`
            rule, line = f"given for {function}", own
        place = self._argument(c)
        return Suspect(
            function=function,
            line=line,
            rule=rule,
            argument=self.names[place] if place < len(self.names) else f"argument {place}",
            returned="" if self.forward else _returned(line, rule, self._root(place)),
            said=float(said[at, r, c]),
            truth=float(truth[at, r, c]),
            pattern=self._pattern(r, c, said, truth),
        )

    def _argument(self, column: int) -> int:
        """The leaf of the arguments that a coordinate lies in."""
        return self.columns[column][0] - self.eqn.params.get("num_consts", 0)

    def _root(self, place: int) -> int:
        """The argument that a leaf belongs to: of ("p['w']", "p['b']", "x") the last is 1."""
        roots = [re.split(r"[.\[]", name)[0] for name in self.names[: place + 1]]
        return len(set(roots)) - 1

    def _pattern(self, r: int, c: int, said, truth) -> str:
        """What the rule has to do with the derivative at all points of the call tried."""
        s, t = said[:, r, c], truth[:, r, c]
        known = np.isfinite(s) & np.isfinite(t) & ((s != 0) | (t != 0))
        if known.sum() < 2:
            return ""
        s, t = s[known], t[known]
        if (s == 0).all():
            return "zero"
        with np.errstate(all="ignore"):
            ratio, gap = s / t, s - t
        if np.allclose(ratio, ratio[0], 1e-9, 0):
            return "the derivative with the wrong sign" if abs(ratio[0] + 1) < 1e-9 else (
                f"{ratio[0]:.10g} times the derivative")  # fmt: skip
        for other in range(len(self.columns)):
            place = self._argument(other)
            alike = np.allclose(s, truth[known, r, other], 1e-9, 0)
            if alike and place != self._argument(c) and place < len(self.names):
                return f"the derivative with respect to {self.names[place]}"
        if np.allclose(gap, gap[0], 1e-9, 0):
            return f"the derivative and {gap[0]:.6g} more"
        return ""


def _moved(operand: np.ndarray, k: int, size: float) -> np.ndarray:
    """An operand moved by so much or less, each and every entry differently; labels stay."""
    if not jnp.issubdtype(operand.dtype, jnp.floating):
        return operand
    steps = np.linspace(0.5 + 0.5 / (k + 1), 1, operand.size).reshape(operand.shape)
    return np.asarray(operand + size * steps, operand.dtype)


def _source(debug_info) -> tuple[str, Line | None]:
    """A function's name and where it begins."""
    name, _, place = (debug_info.func_src_info or "").partition(" at ")
    file, _, number = place.rpartition(":")
    return name or "a function", Line(file, int(number), name) if number.isdigit() else None


def _definition(line: Line | None, name: str) -> ast.FunctionDef | None:
    tree = tree_of(line.file) if line is not None else None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == name.rsplit(".", 1)[-1]:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if line is not None and first == line.number:
                return node
    return None


def _returned(line: Line | None, name: str, place: int) -> str:
    """The expression for one argument in what a rule returns."""
    node = _definition(line, name)
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return)] if node is not None else []
    value = returns[-1].value if returns else None
    if isinstance(value, ast.Tuple) and place < len(value.elts):
        return ast.unparse(value.elts[place])
    return ""
