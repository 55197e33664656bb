"""From a jaxpr to a function of elements, looked at once and then run at many points."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from jaxmath.exact.arrays import by_jax, is_real, lift, missing
from jaxmath.exact.meanings import Meanings
from jaxmath.exact.rules import RULES
from jaxmath.exact.work import note

Values = tuple[Any, ...]
Rule = Callable[..., Callable[..., Any]]


def built(
    closed,
    rules: Mapping[str, Rule] = RULES,
    meanings: Meanings | None = None,
    tap: Callable[[Any, Callable[..., Any]], Callable[..., Any]] | None = None,
) -> Callable[..., Values]:
    """A function of values that computes what a (closed) jaxpr says.

    `meanings` knows which calls are to be replaced by what they mean; `tap(eqn, run)` returns what
    runs in place of each equation, of inner jaxprs too.
    """
    memory: dict[int, tuple[Any, Callable[..., Values]]] = {}

    def build(inner):
        if id(inner) not in memory:
            memory[id(inner)] = (inner, _machine(inner, build, rules, meanings, tap))
        return memory[id(inner)][1]

    return build(closed)


def _machine(closed, build, rules, meanings, tap):
    jaxpr, consts = (
        (closed.jaxpr, closed.consts) if isinstance(closed, core.ClosedJaxpr) else (closed, [])
    )
    slots: dict[Any, int] = {}
    start: list[Any] = []

    def slot(variable):
        if isinstance(variable, core.Literal):
            start.append(_constant(variable.val, variable.aval))
            return len(start) - 1
        if variable not in slots:
            slots[variable] = len(start)
            start.append(None)
        return slots[variable]

    for variable, value in zip(jaxpr.constvars, consts, strict=True):
        start[slot(variable)] = _constant(value, variable.aval)
    inputs = [slot(v) for v in jaxpr.invars]
    steps = []
    rounding = {id(eqn) for eqn in undone(jaxpr)}
    for eqn in meanings.equations(jaxpr) if meanings else jaxpr.eqns:
        run = _run(eqn, build, rules, meanings)
        if id(eqn) in rounding:
            run = _noted(run)
        if tap is not None:
            run = tap(eqn, run)
        ins = tuple(slot(v) for v in eqn.invars)
        outs = tuple(slot(v) for v in eqn.outvars)
        steps.append((run, ins, outs[0] if len(outs) == 1 else outs, len(outs) == 1))
    outputs = [slot(v) for v in jaxpr.outvars]

    def machine(*values):
        held = start.copy()
        for k, value in zip(inputs, values, strict=True):
            held[k] = value
        for run, ins, outs, single in steps:
            found = run(*[held[k] for k in ins])
            if single:
                held[outs] = found
            else:
                for k, value in zip(outs, found, strict=True):
                    held[k] = value
        return tuple([held[k] for k in outputs])

    return machine


def undone(jaxpr):
    """The equations that take away a number so large that adding it rounded: x + 2^52 - 2^52."""
    added: dict[Any, float] = {}
    for eqn in jaxpr.eqns:
        if eqn.primitive.name not in ("add", "sub") or not is_real(eqn.outvars[0].aval):
            continue
        sign = 1 if eqn.primitive.name == "add" else -1
        first, second = eqn.invars
        literal, other = (second, first) if isinstance(second, core.Literal) else (first, second)
        if not isinstance(literal, core.Literal) or isinstance(other, core.Literal):
            continue
        size = float(np.max(literal.val)) * (sign if literal is second else 1)
        if other in added and added[other] == -size:
            yield eqn
        elif abs(size) >= 2.0 ** int(jnp.finfo(eqn.outvars[0].aval.dtype).nmant - 1):
            added[eqn.outvars[0]] = size


def _noted(run):
    def noted(*values):
        note("depends on rounding", "a large number added and taken away")
        return run(*values)

    return noted


def _constant(value, aval):
    if is_real(aval):
        return lift(value)
    return value if not hasattr(aval.dtype, "itemsize") else _concrete(value, aval)


def _concrete(value, aval):
    try:
        return np.asarray(value, aval.dtype)[()]
    except TypeError:  # a key
        return value


def _run(eqn, build, rules, meanings):
    """What one equation does."""
    if meanings is not None and (meaning := meanings.of(eqn)) is not None:
        return meaning
    name = eqn.primitive.name
    kinds = {getattr(v.aval.dtype, "kind", "") for v in (*eqn.invars, *eqn.outvars)}
    if "c" in kinds and not list(_inner(eqn)):  # complex numbers are no elements
        return rules[name](eqn, build) if name not in RULES and name in rules else missing(eqn)
    if not _touches_reals(eqn):
        return _whole(eqn) or by_jax(eqn)
    if name in rules:
        return rules[name](eqn, build)
    if not any(is_real(v.aval) for v in eqn.invars) and not list(_inner(eqn)):
        return by_jax(eqn)

    return missing(eqn)


def _inner(eqn):
    return core.jaxprs_in_params(eqn.params)


def _touches_reals(eqn) -> bool:
    if any(is_real(v.aval) for v in (*eqn.invars, *eqn.outvars)):
        return True
    return any(_touches_reals(e) for jaxpr in _inner(eqn) for e in jaxpr.eqns)


# Integers and conditions as NumPy computes them: the same bits as JAX, and thirty times sooner.
WHOLE = {
    "add": operator.add,
    "and": operator.and_,
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "max": np.maximum,
    "min": np.minimum,
    "mul": operator.mul,
    "ne": operator.ne,
    "neg": np.negative,
    "not": np.invert,
    "or": operator.or_,
    "sub": operator.sub,
    "xor": operator.xor,
}


def _whole(eqn):
    function = WHOLE.get(eqn.primitive.name)
    if eqn.primitive.name == "convert_element_type":
        function = np.asarray
    elif eqn.primitive.name == "reduce_sum":
        axes, kept = eqn.params["axes"], eqn.outvars[0].aval.dtype
        function = lambda value: np.sum(value, axis=axes, dtype=kept)  # noqa: E731
    kinds = [getattr(v.aval.dtype, "kind", "V") for v in (*eqn.invars, *eqn.outvars)]
    if function is None or any(kind not in "iub" for kind in kinds):
        return None
    dtype = eqn.outvars[0].aval.dtype

    def run(*values):
        with np.errstate(over="ignore"):
            return np.asarray(function(*values)).astype(dtype, copy=False)[()]

    return run
