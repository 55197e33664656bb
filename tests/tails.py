"""How far both tails of a distribution, their logarithms and derivatives, are from the truth.

The error is counted in units of what the rounding of the answer and of all arguments explains.
"""

import operator

import jax
import mpmath as mp
import numpy as np

DIGITS = 60
STEP = mp.mpf(10) ** -16

LOWER, UPPER = True, False
PLAIN = (lambda t: t, lambda t: 1 - t)
LOG = (mp.log, lambda t: mp.log1p(-t))
"""What a function makes of the smaller tail, where that is its own and where it is the other."""


def worst(fn, lower, makers, truth, batch, argnum):
    """The largest excess of the value, or of the derivative in one argument; and where.

    `truth(*args)` gives both tails to `DIGITS` digits.
    """
    dtype = batch[0].dtype
    function = fn if argnum is None else jax.vmap(jax.grad(fn, argnum))
    answers = np.asarray(jax.jit(function)(*batch))
    assert answers.dtype == dtype
    info, found = np.finfo(dtype), (0.0, None)
    for answer, *args in zip(answers, *batch, strict=True):
        args = [mp.mpf(float(arg)) for arg in args]
        with mp.workdps(DIGITS):
            both = truth(*args)
            below = both[0] < both[1]
            if min(both) < (1e-290 if dtype == np.float64 else 1e-30):
                continue
            made = makers[below != lower]
            if made(mp.mpf(0)) == 1 and argnum is not None:
                made = operator.neg  # the same slopes, to all digits
            exact, allowed = derivative(_composed(made, truth, 1 - below), args, argnum)
            allowed = allowed * float(info.eps) / 2 + float(info.tiny)
            excess = float(abs(mp.mpf(float(answer)) - exact) / allowed)
        if not excess <= found[0]:
            found = excess, ([float(arg) for arg in args], float(exact), float(answer))
    return found


def _composed(made, truth, which):
    return lambda *args: made(truth(*args)[which])


def derivative(function, args, argnum):
    """The truth, and the sum of its size and of what relative changes of all arguments change."""
    units = [arg * STEP for arg in args]

    def at(*moves):
        steps = np.sum([np.eye(len(args), dtype=int)[k] * by for k, by in moves], axis=0)
        moved = zip(args, units, steps.tolist() if moves else [0] * len(args), strict=True)
        return function(*(arg + unit * by for arg, unit, by in moved))

    def change(k, *moves):
        return (at((k, 1), *moves) - at((k, -1), *moves)) / 2

    every = range(len(args))
    if argnum is None:
        truth, changes = at(), [change(k) for k in every]
    else:
        truth = change(argnum) / units[argnum]
        bend = at((argnum, 1)) - 2 * at() + at((argnum, -1))
        mixed = [(change(k, (argnum, 1)) - change(k, (argnum, -1))) / 2 for k in every]
        changes = [(bend if k == argnum else mixed[k]) / units[argnum] for k in every]
    return truth, abs(truth) + sum(abs(part) for part in changes) / STEP
