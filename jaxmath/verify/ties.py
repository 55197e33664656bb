"""Where a program sits on the edge between two branches: the equation whose operands are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from jaxmath.exact import Missing, Program
from jaxmath.exact.arrays import boxed, is_real
from jaxmath.exact.ball import arb
from jaxmath.exact.work import Undecided
from jaxmath.verify.sources import line_of
from jaxmath.verify.tape import Step, Tape

BITS = 256

COMPARED = {"eq", "ne", "lt", "le", "gt", "ge", "max", "min"}
AT_ZERO = {"abs", "sign"}


def tie(program: Program, args: tuple[Any, ...], fn: Callable[..., Any] | None = None) -> str:
    """The first equation with a tie at a point, with its line; "" if there is none."""
    with jax.enable_x64(program.x64):
        try:
            steps = Tape(program, args, 0, BITS).steps
        except (Undecided, Missing, ValueError, ZeroDivisionError):
            return ""
        for step in steps:
            if _tied(step):
                line = line_of(step.path, fn)
                what = f"`{step.eqn.primitive.name}` is at its tie"
                return f"{line}: {what}" if line is not None else what
    return ""


def _tied(step: Step) -> bool:
    name = step.eqn.primitive.name
    if name not in COMPARED | AT_ZERO or not is_real(step.eqn.invars[0].aval):
        return False
    rows = [boxed(value).ravel().tolist() for value in step.ins]
    if name in AT_ZERO:
        return any(isinstance(e, arb) and e.is_zero() for e in rows[0])
    longest = max(map(len, rows))
    first, second = (row * longest if len(row) == 1 else row for row in rows)
    pairs = zip(first, second, strict=True)
    return any(isinstance(a, arb) and isinstance(b, arb) and (a - b).is_zero() for a, b in pairs)
