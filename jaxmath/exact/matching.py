"""Which values a written-out call was given, and in which order: by tracing the callee again.

The equations of a call show the values that enter it, but neither their order nor which of the
constants among them was an argument. The callee traced with each assignment in question tells: the
right one writes the same equations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend import core

MOST_TRIALS = 24


def arguments_of(fn: Callable[..., Any], arity: int, run: Sequence[Any], enter: Sequence[Any]):
    """The operands of the call that these equations are, variables or literals; None if unclear.

    Where two assignments write the same equations they mean the same, and either will do.
    """
    literals = [v for eqn in run for v in eqn.invars if isinstance(v, core.Literal)]
    own = _constants(fn, arity, enter)
    given = {}
    for v in literals:
        if np.ndim(v.val) == 0 and _key(v) not in own:
            given.setdefault(_key(v), v)
    missing = arity - len(enter)
    if missing < 0 or not enter:
        return None
    trials = itertools.product(*[given.values()] * missing)
    for constants in itertools.islice(trials, MOST_TRIALS):
        for order in itertools.permutations([*enter, *constants]):
            if _same(fn, run, enter, order):
                return order
    return None


def _key(literal):
    return float(literal.val)


def _constants(fn, arity, enter):
    """The constants that the function writes by itself."""
    try:
        shape = jax.ShapeDtypeStruct(enter[0].aval.shape, enter[0].aval.dtype)
        program = jax.make_jaxpr(fn)(*[shape] * arity)
    except (TypeError, ValueError, IndexError):
        return set()
    return {
        _key(v)
        for eqn in program.jaxpr.eqns
        for v in eqn.invars
        if isinstance(v, core.Literal) and np.ndim(v.val) == 0
    }


def _same(fn, run, enter, order) -> bool:
    """Whether the function writes these equations when it is given these operands."""
    shapes = [
        jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype, weak_type=v.aval.weak_type) for v in enter
    ]

    def call(*values):
        by_variable = dict(zip(enter, values, strict=True))
        return fn(*(v.val if isinstance(v, core.Literal) else by_variable[v] for v in order))

    try:
        program = jax.make_jaxpr(call)(*shapes)
    except (TypeError, ValueError):
        return False
    eqns = program.jaxpr.eqns
    if len(eqns) != len(run):
        return False
    place = dict(zip(program.jaxpr.invars, enter, strict=True))
    for theirs, ours in zip(eqns, run, strict=True):
        if theirs.primitive is not ours.primitive or len(theirs.invars) != len(ours.invars):
            return False
        for a, b in zip(theirs.invars, ours.invars, strict=True):
            if isinstance(a, core.Literal) != isinstance(b, core.Literal):
                return False
            if isinstance(a, core.Literal):
                if not np.array_equal(a.val, b.val, equal_nan=True):
                    return False
            elif place.get(a) is not b:
                return False
        place.update(zip(theirs.outvars, ours.outvars, strict=True))
    return True
