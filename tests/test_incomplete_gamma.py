"""The incomplete gamma functions and their logarithms, against mpmath at 60 digits.

The error is counted in units of what the rounding of the answer and of both arguments explains.
"""

import functools
import operator

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import incomplete_gamma as special
from jaxmath.special import ndtr

# Each with what it makes of the smaller tail, from which both follow without cancellation: where
# that is its own tail, and where it is the other.
FUNCTIONS = {
    "gammainc": (special.gammainc, True, lambda t: t, lambda t: 1 - t),
    "gammaincc": (special.gammaincc, False, lambda t: t, lambda t: 1 - t),
    "log_gammainc": (special.log_gammainc, True, mp.log, lambda t: mp.log1p(-t)),
    "log_gammaincc": (special.log_gammaincc, False, mp.log, lambda t: mp.log1p(-t)),
}
BAR = 300
"""In units of half an epsilon; the worst is where a vanishes below x = 3, and Q cancels."""
DIGITS = 60
STEP = mp.mpf(10) ** -16


def tails(a, x):
    """P and Q, each to all digits."""
    with mp.workdps(DIGITS):
        lower = mp.gammainc(a, 0, x, regularized=True)
        upper = mp.gammainc(a, x, mp.inf, regularized=True)
    return lower, upper


def batch(count=60):
    """Shapes of all sizes; on both sides of the transition, far from it, and at the borders."""
    rng = np.random.default_rng(11)
    a = 10.0 ** rng.uniform(-4, 3, count)
    near = a * np.exp(1.5 * rng.normal(size=count) / np.sqrt(1 + a / 3))
    x = np.where(rng.random(count) < 0.6, near, 10.0 ** rng.uniform(-4, 3, count))
    borders = [(a, a * k) for a in (1.0, 1.5, 20.0, 300.0) for k in (0.2499, 0.25, 1, 3, 3.01)]
    borders += [(a, x) for a in (1e-4, 0.3, 0.999) for x in (1e-3, 1.0, 2.999, 3.0, 30.0)]
    a, x = (np.append(part, more) for part, more in zip((a, x), np.array(borders).T, strict=True))
    return a, np.minimum(x, a + 650)


def worst(fn, lower, own, other, dtype, argnum):
    """The largest excess of the value, or of the derivative in one argument."""
    args = tuple(part.astype(dtype) for part in batch())
    function = fn if argnum is None else jax.vmap(jax.grad(fn, argnum))
    answers = np.asarray(jax.jit(function)(*args))
    assert answers.dtype == dtype
    info, found = np.finfo(dtype), (0.0, None)
    for answer, a, x in zip(answers, *args, strict=True):
        a, x = mp.mpf(float(a)), mp.mpf(float(x))
        both = tails(a, x)
        below = both[0] < both[1]
        if min(both) < (1e-290 if dtype == np.float64 else 1e-30):
            continue
        made = own if below == lower else other
        if made(mp.mpf(0)) == 1 and argnum is not None:
            made = operator.neg  # the same slopes, to all digits
        with mp.workdps(DIGITS):
            truth, allowed = derivative(functools.partial(value, made, below), a, x, argnum)
            allowed = allowed * float(info.eps) / 2 + float(info.tiny)
            excess = float(abs(mp.mpf(float(answer)) - truth) / allowed)
        if not excess <= found[0]:
            found = excess, (float(a), float(x), float(truth), float(answer))
    return found


def value(made, below, a, x):
    """What a function makes of the smaller tail."""
    return made(tails(a, x)[0 if below else 1])


def derivative(function, a, x, argnum):
    """The truth, and the sum of its size and of what relative changes of both arguments change."""
    h, k = a * STEP, x * STEP

    def at(i, j):
        return function(a + i * h, x + j * k)

    if argnum is None:
        truth = at(0, 0)
        changes = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    else:
        step, unit = ((1, 0), h) if argnum == 0 else ((0, 1), k)
        truth = (at(*step) - at(-step[0], -step[1])) / (2 * unit)
        both = at(*step) - 2 * at(0, 0) + at(-step[0], -step[1])
        mixed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
        changes = both / unit, mixed / unit
    return truth, abs(truth) + sum(abs(change) for change in changes) / STEP


slopes = [pytest.param(0, marks=pytest.mark.full), pytest.param(1, marks=pytest.mark.full)]


@pytest.mark.parametrize("argnum", [None, *slopes], ids=["value", "in a", "in x"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy(name, argnum):
    error, where = worst(*FUNCTIONS[name], np.float64, argnum)
    assert error <= BAR, where


@pytest.mark.parametrize("argnum", [None, *slopes], ids=["value", "in a", "in x"])
def test_accuracy_in_float32(argnum):
    error, where = worst(*FUNCTIONS["gammaincc"], np.float32, argnum)
    assert error <= BAR, where


def test_limits():
    inf, nan = jnp.inf, jnp.nan
    for fn, at_zero, at_infinity in (
        (special.gammainc, 0, 1),
        (special.gammaincc, 1, 0),
        (special.log_gammainc, -inf, 0),
        (special.log_gammaincc, 0, -inf),
    ):
        assert fn(2.5, 0.0) == fn(inf, 3.0) == at_zero
        assert fn(2.5, inf) == at_infinity
        for args in ((nan, 1.0), (1.0, nan), (-1.0, 2.0), (1.0, -2.0), (0.0, 1.0), (inf, inf)):
            assert np.isnan(fn(*args)), args
    assert jax.grad(special.gammainc, 1)(1.0, 0.0) == 1
    assert jax.grad(special.gammainc, 1)(2.0, 0.0) == jax.grad(special.gammainc, 0)(2.0, 0.0) == 0
    assert jax.grad(special.gammainc, 1)(0.5, 0.0) == inf


@pytest.mark.parametrize("a", [1e6, 1e10, 1e14])
def test_large_shapes(a):
    """Edgeworth's expansion, whose next term is of the order of 1/a."""
    for z in (-3.0, -1.0, 0.0, 2.0):
        x = a + z * np.sqrt(a)
        z = (x - a) / np.sqrt(a)
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        expected = ndtr(z) + (1 - z**2) * density / (3 * np.sqrt(a))
        np.testing.assert_allclose(special.gammainc(a, x), expected, rtol=20 / a + 1e-12)
