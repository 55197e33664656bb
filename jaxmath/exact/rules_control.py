"""Rules of calls, branches and loops."""

from __future__ import annotations

import numpy as np

from jaxmath.exact.arrays import filled, is_real
from jaxmath.exact.work import TIE, note, now


def call(name):
    """A rule for what calls an inner jaxpr, the parameter of this name."""

    def rule(eqn, build):
        inner = build(eqn.params[name])
        if len(eqn.outvars) == 1:
            return lambda *values: inner(*values)[0]
        return inner

    return rule


def cond(eqn, build):
    """The branch that the first operand numbers."""
    branches = [build(branch) for branch in eqn.params["branches"]]
    last = len(branches) - 1

    def run(index, *values):
        results = branches[min(max(int(index), 0), last)](*values)
        return results[0] if len(results) == 1 else results

    return run


def while_loop(eqn, build):
    """The body as long as the condition holds."""
    params = eqn.params
    condition, body = build(params["cond_jaxpr"]), build(params["body_jaxpr"])
    first, second = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    closed = params["cond_jaxpr"].jaxpr
    real = any(is_real(v.aval) for eqn in closed.eqns for v in eqn.invars)

    def run(*values):
        if real:  # its end may be that of a rounded number, and its derivative knows none
            note("loop on real numbers")
        asked, given, state = values[:first], values[first:second], values[second:]
        while np.any(going := _asked(condition, *asked, *state)):
            after = body(*given, *state)
            state = _where(going, after, state) if np.ndim(going) else after
            now().clock()
        return state[0] if len(state) == 1 else tuple(state)

    return run


def _asked(condition, *values):
    """Whether to go on; where only an assumed tie ends a loop, rounding ends it in floats."""
    before = TIE in now().notes
    going = condition(*values)[0]
    if not before and TIE in now().notes:
        note("depends on rounding", "a loop until nothing changes")
    return going


def _where(going, after, before):
    """The lanes of a batched loop that still run move on, the others stay."""
    if going.all():
        return after
    return tuple(
        np.where(going.reshape(going.shape + (1,) * (np.ndim(a) - going.ndim)), a, b)
        for a, b in zip(after, before, strict=True)
    )


def scan(eqn, build):
    """The body over the leading axis of its operands, in order or reversed."""
    params = eqn.params
    body, length = build(params["jaxpr"]), params["length"]
    consts, carried = params["num_consts"], params["num_carry"]
    outs = [v.aval for v in eqn.outvars[carried:]]
    order = range(length - 1, -1, -1) if params["reverse"] else range(length)

    def run(*values):
        given, state = values[:consts], values[consts : consts + carried]
        rows = values[consts + carried :]
        found = [[None] * length for _ in outs]
        for k in order:
            results = body(*given, *state, *(row[k] for row in rows))
            state = results[:carried]
            for column, value in zip(found, results[carried:], strict=True):
                column[k] = value
            now().clock()
        stacked = [_stacked(column, aval) for column, aval in zip(found, outs, strict=True)]
        results = (*state, *stacked)
        return results[0] if len(results) == 1 else results

    return run


def _stacked(column, aval):
    if not is_real(aval):
        return np.array([np.asarray(c) for c in column], aval.dtype).reshape(aval.shape)
    if len(aval.shape) == 1:
        return filled(column, aval.shape)
    result = np.empty(aval.shape, object)
    for k, value in enumerate(column):
        result[k] = value
    return result


def sink(eqn, build):
    """What only keeps its operands from being removed."""
    return lambda *values: ()


RULES = {
    "closed_call": call("call_jaxpr"),
    "cond": cond,
    "custom_jvp_call": call("call_jaxpr"),
    "custom_vjp_call": call("call_jaxpr"),
    "dce_sink": sink,
    "jit": call("jaxpr"),
    "remat2": call("jaxpr"),
    "scan": scan,
    "while": while_loop,
}
