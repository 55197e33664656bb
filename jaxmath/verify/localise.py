"""Which equation of a program an error comes from.

The rounding error that each equation adds by itself is put into the exact evaluation, in this
equation alone; how far the result moves is the equation's share of the error. So log(1 + exp(x)) at
-40 is the fault of the sum, although the sum's exact value would round to 1 again. A NaN or an
infinity comes from the first equation whose float result is one, and spoils the result, while the
exact one is a number.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxmath.exact import Missing, Program
from jaxmath.exact.arrays import boxed, by_jax, filled, is_real
from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.enclosure import narrow, nearest
from jaxmath.exact.ieee import Special, element
from jaxmath.exact.work import Late, Undecided, Work, working
from jaxmath.verify.sources import Line, line_of
from jaxmath.verify.tape import Step, Tape

BITS = (256, 1024, 4096)
SECONDS = 2.0
"""What one localisation may take."""
EVIDENT = 0.2
"""The share of an error from which an equation is named."""


@dataclass(frozen=True)
class Culprit:
    """The equation that an error comes from.

    Attributes:
        primitive: what it computes, such as "add".
        line: where it was written; None if no source is known.
        callee: the function with a name of its own that it is inside of, "" if none.
        computed, exact: its result in floats and in truth, of the worst element.
        share: its part of the whole error; 1 of what is not finite.
        derivative: whether it stands in the derivative of the line and not in the line itself.
    """

    primitive: str
    line: Line | None
    callee: str
    computed: float
    exact: str
    share: float
    derivative: bool = False

    def __str__(self) -> str:
        inside = f"inside {self.callee}" if self.callee else "a place without source"
        what = f"`{self.primitive}` gives {self.computed!r}"
        if self.exact != str(self.computed):
            what += f", exactly {self.exact}"
        of = "in the derivative of this line, " if self.derivative and self.line else ""
        return f"{self.line or inside}: {of}{what}"


def localise(
    program: Program,
    args: tuple[Any, ...],
    place: int = 0,
    fn: Callable[..., Any] | None = None,
    seconds: float = SECONDS,
) -> Culprit | None:
    """The equation that the error of one result comes from, None where none stands out.

    Args:
        program: a traced function, such as a gradient; `trace` it in the dtype that is judged.
        args: the point.
        place: which flat real result.
        fn: the function examined, for its source where it is a function of a library.
        seconds: of processor time.
    """
    deadline = time.thread_time() + seconds
    with jax.enable_x64(program.x64), np.errstate(all="ignore"):
        tape = _taped(program, args, place)
        if tape is None:
            return None
        try:
            errors = [_error(step, tape.bits, deadline) for step in tape.steps]
            if isinstance(tape.result, Special):
                return _origin(tape, fn)
            return _spoilt(tape, errors, fn) or _largest(tape, errors, fn, deadline)
        except (Late, Undecided, ValueError, ZeroDivisionError):  # Arb's, of 1 / (0 +/- r)
            return None


def _taped(program, args, place) -> Tape | None:
    for bits in BITS:
        try:
            tape = Tape(program, args, place, bits)
        except (Undecided, ValueError, ZeroDivisionError):
            continue
        except Missing:
            return None
        if narrow(tape.result, 64, ZERO) or tape.result == 0:
            return tape
    return None


def _error(step: Step, bits: int, deadline: float):
    """What a step computes in floats and what it should, at the floats nearest to its operands.

    None where that is not known, or there is no time left.
    """
    if time.thread_time() > deadline:
        return None
    try:
        rounded = tuple(
            _rounded(value, v.aval) for value, v in zip(step.ins, step.eqn.invars, strict=True)
        )
        computed = by_jax(step.eqn)(*rounded)
        with working(Work(bits)):
            should = step.run(*rounded)
    except (Undecided, TypeError, ValueError, NotImplementedError, ZeroDivisionError):
        return None
    if len(step.eqn.outvars) == 1:
        computed, should = (computed,), (should,)
    return computed, should


def _rounded(value, aval):
    if not is_real(aval):
        return value
    flat = [element(float(nearest(e, aval.dtype))) for e in boxed(value).ravel().tolist()]
    return filled(flat, boxed(value).shape)


def _moved(step: Step, error):
    """The results of a step with its own error in them; None if it has none."""
    moved, any_moved = [], False
    for v, exact, computed, should in zip(step.eqn.outvars, step.outs, *error, strict=True):
        if not is_real(v.aval):
            moved.append(exact)
            continue
        rows = [boxed(x).ravel().tolist() for x in (exact, computed, should)]
        flat = []
        for e, c, s in zip(*rows, strict=True):
            finite = all(isinstance(x, arb) for x in (e, c, s))
            new = e + (c - s) if finite else e
            any_moved |= finite and bool(c != s)
            flat.append(new)
        moved.append(filled(flat, boxed(exact).shape))
    return tuple(moved) if any_moved else None


def _largest(tape: Tape, errors, fn, deadline) -> Culprit | None:
    """The equation with the largest share of the rounding errors that reach the result."""
    groups: dict[tuple[int, ...], dict[int, tuple[Any, ...]]] = {}
    with working(Work(tape.bits)):
        for k, (step, error) in enumerate(zip(tape.steps, errors, strict=True)):
            moved = _moved(step, error) if error is not None else None
            if moved is not None:
                groups.setdefault(tuple(map(id, step.path)), {})[k] = moved
    effects = {}
    for key, changes in groups.items():
        if time.thread_time() > deadline:
            break
        result = tape.changed(changes)
        if isinstance(result, Special):
            return _worst(tape, errors, changes, 1.0, fn)
        with working(Work(tape.bits)):
            gap = abs(result - tape.result) if isinstance(result, arb) else ZERO
            effects[key] = gap.mid() if gap.is_finite() else ZERO
    with working(Work(tape.bits)):
        total = sum(effects.values(), ZERO)
        if not effects or not total > 0:
            return None
        key = max(effects, key=lambda k: float((effects[k] / total).mid()))
        share = float((effects[key] / total).mid())
    if share < EVIDENT:
        return None
    return _worst(tape, errors, groups[key], share, fn)


def _worst(tape: Tape, errors, changes, share: float, fn) -> Culprit:
    """Of the turns of one equation the one that is furthest off."""
    sizes = {k: max(size for size, _, _ in _gaps(tape.steps[k], errors[k])) for k in changes}
    k = max(sizes, key=lambda k: sizes[k])
    return _culprit(tape.steps[k], errors[k], share, fn)


def _gaps(step, error):
    """Relative error, float and exact result of each real element of a step."""
    for v, computed, should in zip(step.eqn.outvars, *error, strict=True):
        if not is_real(v.aval):
            continue
        rows = [boxed(x).ravel().tolist() for x in (computed, should)]
        for c, s in zip(*rows, strict=True):
            if isinstance(c, Special) or isinstance(s, Special):
                yield (math.inf if isinstance(s, arb) else 0.0), c, s
            else:
                with working(Work(256)):
                    size = abs(c - s) / abs(s) if s != 0 else abs(c)
                    yield float(size.mid()), c, s


def _culprit(step, error, share, fn) -> Culprit:
    _, computed, exact = max(_gaps(step, error), key=lambda g: g[0])
    return _named(step, fn, computed, exact, share)


def _named(step, fn, computed, exact, share=1.0) -> Culprit:
    names = [eqn.params["name"] for eqn in step.path[:-1] if "name" in eqn.params]
    return Culprit(
        primitive=step.eqn.primitive.name,
        line=line_of(step.path, fn),
        callee=names[-1] if names else getattr(fn, "__name__", ""),
        computed=computed.value if isinstance(computed, Special) else float(computed.mid()),
        exact=str(exact.value) if isinstance(exact, Special) else exact.str(20, radius=False),
        share=share,
        derivative=any("jvp(" in str(eqn.source_info.name_stack) for eqn in step.path),
    )


def _spoilt(tape: Tape, errors, fn) -> Culprit | None:
    """The first step that is finite in truth, not in floats, and whose float spoils the result."""
    for k, (step, error) in enumerate(zip(tape.steps, errors, strict=True)):
        if error is None:
            continue
        spoilt, found = [], False
        for v, exact, computed in zip(step.eqn.outvars, step.outs, error[0], strict=True):
            if not is_real(v.aval):
                spoilt.append(exact)
                continue
            rows = [boxed(x).ravel().tolist() for x in (exact, computed)]
            pairs = list(zip(*rows, strict=True))
            bad = [isinstance(c, Special) and isinstance(e, arb) for e, c in pairs]
            found |= any(bad)
            flat = [c if b else e for (e, c), b in zip(pairs, bad, strict=True)]
            spoilt.append(filled(flat, boxed(exact).shape))
        if found and isinstance(tape.changed({k: tuple(spoilt)}), Special):
            return _culprit(step, error, 1.0, fn)
    return None


def _origin(tape: Tape, fn) -> Culprit | None:
    """Of a program whose truth is no number: the step that makes the first one of these, of the
    first one without which the result is a number.
    """
    origins = []
    for k, step in enumerate(tape.steps):
        entering = zip(step.eqn.invars, step.ins, strict=True)
        if not any(is_real(v.aval) and _strange(value) for v, value in entering):
            leaving = zip(step.eqn.outvars, step.outs, strict=True)
            found = [e for v, o in leaving if is_real(v.aval) for e in _strange(o)]
            if found:
                origins.append((k, found[0]))
    for k, found in origins:
        step = tape.steps[k]
        leaving = zip(step.eqn.outvars, step.outs, strict=True)
        mended = tuple(_mended(o) if is_real(v.aval) else o for v, o in leaving)
        if not isinstance(tape.changed({k: mended}), Special):
            return _named(step, fn, found, found)
    return _named(tape.steps[origins[0][0]], fn, *origins[0][1:] * 2) if origins else None


def _strange(value) -> list[Special]:
    return [e for e in boxed(value).ravel().tolist() if isinstance(e, Special)]


def _mended(value):
    flat = [arb(1) if isinstance(e, Special) else e for e in boxed(value).ravel().tolist()]
    return filled(flat, boxed(value).shape)
