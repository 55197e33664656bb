"""The incomplete gamma functions and their logarithms, against mpmath at 60 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import incomplete_gamma as special
from jaxmath.special import ndtr
from tests.marks import long_but
from tests.tails import LOG, LOWER, PLAIN, UPPER, worst

FUNCTIONS = {
    "gammainc": (special.gammainc, LOWER, PLAIN),
    "gammaincc": (special.gammaincc, UPPER, PLAIN),
    "log_gammainc": (special.log_gammainc, LOWER, LOG),
    "log_gammaincc": (special.log_gammaincc, UPPER, LOG),
}
BAR = 300
"""In units of half an epsilon; the worst is where a vanishes below x = 3, and Q cancels."""


def tails(a, x):
    """P and Q, each to all digits."""
    lower = mp.gammainc(a, 0, x, regularized=True)
    return lower, mp.gammainc(a, x, mp.inf, regularized=True)


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


def in_float32():
    return tuple(part.astype(np.float32) for part in batch())


slopes = long_but([], [0, 1])


@pytest.mark.parametrize("argnum", [None, *slopes], ids=["value", "in a", "in x"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy(name, argnum):
    error, where = worst(*FUNCTIONS[name], tails, batch(), argnum)
    assert error <= BAR, where


@pytest.mark.parametrize("argnum", [None, *slopes], ids=["value", "in a", "in x"])
def test_accuracy_in_float32(argnum):
    error, where = worst(*FUNCTIONS["gammaincc"], tails, in_float32(), argnum)
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
