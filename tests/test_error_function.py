"""The error function and its complement, against 50 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import erf, erfc, error_function, log_erfc
from tests.accuracy import points, routes, worst

FORMULAS = {formula.name: formula for formula in error_function.ERROR_FUNCTION}


def bell(x):
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x) if abs(x) < 1e4 else mp.mpf(0)


def scaled(x):
    """The complement over the bell, by a continued fraction from far down where x is large."""
    if x < 30:
        with mp.workdps(60):
            return mp.erfc(x) / bell(x)
    rest = mp.mpf(0)
    for n in range(400 if x < 1e6 else 40, 0, -1):
        rest = n / (x + rest) / 2
    return 1 / (x + rest) / 2


def log_complement(x):
    with mp.workdps(400 if abs(x) < 1 else 60):  # near zero it is a small difference
        return mp.log(mp.erfc(x)) if x < 30 else mp.log(2 / mp.sqrt(mp.pi) * scaled(x)) - x * x


def slope(x):
    return -1 / scaled(x) if x > -1e4 else mp.mpf(0)


def curvature(x):
    if x > 1e6:  # leading terms of the asymptotic series
        return -2 + 2 / x**2
    with mp.workdps(100):
        return slope(x) * (-2 * x - slope(x)) if x > -1e4 else mp.mpf(0)


TRUTHS = {
    "erf": (mp.erf, bell, lambda x: -2 * x * bell(x)),
    "erfc": (
        lambda x: mp.erfc(x) if x < 1e4 else mp.mpf(0),
        lambda x: -bell(x),
        lambda x: 2 * x * bell(x),
    ),
    "log_erfc": (log_complement, slope, curvature),
}
BARS = {"erf": (4, 4, 4), "erfc": (4, 4, 4), "log_erfc": (4, 4, 10)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    x = points(dtype, count=10)
    answers = routes(FORMULAS[name])(x)
    for order, truth, bar in zip(((), ("x",), ("x", "x")), TRUTHS[name], BARS[name], strict=True):
        error, where = worst(answers[order], truth, (x,), conditioned=True)
        assert error <= bar, (order, error, where)


def test_digits_of_the_tail_are_kept():
    """Without conditioning: the square of x is not rounded."""
    x = np.linspace(0.4, 26.0, 400)
    error, where = worst([np.asarray(erfc(x))], mp.erfc, (x,))
    assert error <= 6, where


def test_limits_and_nan():
    ends = jnp.array([-jnp.inf, jnp.inf])
    assert erf(ends).tolist() == [-1, 1]
    assert erfc(ends).tolist() == [2, 0]
    assert log_erfc(ends).tolist() == [np.log(2), -np.inf]
    assert log_erfc(0.0) == 0
    for fn in (erf, erfc, log_erfc):
        assert np.isnan(fn(jnp.nan))
        assert np.isnan(jax.grad(fn)(jnp.nan))
