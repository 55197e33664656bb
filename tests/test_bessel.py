"""The Bessel functions of the von Mises distribution, against 50 digits."""

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special
from jaxmath.special import bessel, bessel_divergence
from tests.accuracy import routes, worst
from tests.marks import long_but

DTYPES = (np.float32, np.float64)
FORMULAS = {formula.name: formula for formula in bessel.BESSEL}


def ratio(x, order=0):
    """I_1 / I_0 and its first two derivatives."""
    with mp.workdps(150):
        a = mp.besseli(1, x) / mp.besseli(0, x)
        if order == 0:
            return a
        slope = (1 + mp.besseli(2, x) / mp.besseli(0, x)) / 2 - a * a
        if order == 1:
            return slope
        # A / x is 1 - A^2 - A', whose slope this equation of Riccati gives.
        return (a / x - slope) / x - 2 * a * slope


def log_i0(x):
    with mp.workdps(150):
        return mp.log(mp.besseli(0, x))


def complement(x):
    with mp.workdps(150):
        return 1 - ratio(x)


def inverse(r, start):
    x = mp.mpf(start)
    for _ in range(5):
        x -= (ratio(x) - r) / ratio(x, 1)
    return x


TRUTHS = {
    "log_i0": (log_i0, ratio, lambda x: ratio(x, 1)),
    "i0e": (
        lambda x: mp.exp(-x) * mp.besseli(0, x),
        lambda x: -mp.exp(-x) * mp.besseli(0, x) * complement(x),
        lambda x: mp.exp(-x) * mp.besseli(0, x) * (ratio(x, 1) + complement(x) ** 2),
    ),
    "log_i0e": (lambda x: log_i0(x) - x, lambda x: -complement(x), lambda x: ratio(x, 1)),
    "bessel_ratio": (ratio, lambda x: ratio(x, 1), lambda x: ratio(x, 2)),
    "bessel_ratio_complement": (complement, lambda x: -ratio(x, 1), lambda x: -ratio(x, 2)),
}


def batch(dtype):
    rng = np.random.default_rng(7)
    top = 4 if dtype == np.float64 else 3
    x = np.concatenate([10.0 ** rng.uniform(-6, top, 40), rng.uniform(0, 25, 60), [10, 9.999, 1]])
    return np.concatenate([x, -x[::7]]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    x = batch(dtype)
    x = x[x > 0] if name == "i0e" else x
    answers = routes(FORMULAS[name])(x)
    for order, truth in enumerate(TRUTHS[name]):
        error, where = worst(answers[("x",) * order], truth, (x,))
        assert error <= (6, 6, 10)[order], (order, error, where)


@pytest.mark.full
@pytest.mark.parametrize("dtype", DTYPES)
def test_inverse(dtype):
    rng = np.random.default_rng(8)
    eps = float(np.finfo(dtype).eps)
    r = np.concatenate([rng.uniform(0, 1, 40), 1 - 10.0 ** rng.uniform(np.log10(eps), 0, 40)])
    r = np.concatenate([r, 10.0 ** rng.uniform(-9, 0, 20)]).astype(dtype)
    r = r[(r > 0) & (r < 1)]
    r[::5] *= -1
    answers = routes(FORMULAS["bessel_ratio_inverse"])(r)
    starts = {mp.mpf(float(at)): float(x) for at, x in zip(r, answers[()][0], strict=True)}
    truths = {
        (): lambda r: inverse(r, starts[r]),
        ("r",): lambda r: 1 / ratio(inverse(r, starts[r]), 1),
        ("r", "r"): lambda r: (lambda x: -ratio(x, 2) / ratio(x, 1) ** 3)(inverse(r, starts[r])),
    }
    for order, truth in truths.items():
        error, where = worst(answers[order], truth, (r,))
        assert error <= (6, 16, 40)[len(order)], (order, error, where)


def test_ends_and_outside():
    ends = jnp.array([-jnp.inf, 0.0, jnp.inf])
    assert special.log_i0(ends).tolist() == [np.inf, 0, np.inf]
    assert special.bessel_ratio(ends).tolist() == [-1, 0, 1]
    assert special.bessel_ratio_complement(ends).tolist() == [2, 1, 0]
    assert special.bessel_ratio_inverse(jnp.array([-1.0, 0.0, 1.0])).tolist() == ends.tolist()
    assert np.isnan(special.bessel_ratio_inverse(1.5))
    for fn in (special.log_i0, special.log_i0e, special.bessel_ratio, special.bessel_ratio_inverse):
        assert np.isnan(fn(jnp.nan))


def test_far_out():
    """Where the square of x overflows: from the leading terms of the asymptotic series."""
    x = np.array([1e8, 1e150, 1e300])
    np.testing.assert_allclose(special.bessel_ratio_complement(x), 1 / (2 * x), rtol=1e-8)
    np.testing.assert_allclose(special.log_i0(x), x, rtol=1e-6)
    rest = special.log_i0e(x) + np.log(2 * np.pi * x) / 2
    np.testing.assert_allclose(rest, 0, atol=1e-8)


def divergence(a, b):
    with mp.workdps(100):
        return log_i0(b) - log_i0(a) - (b - a) * ratio(a)


PAIRS = {
    "bessel_ratio_difference": {
        (): lambda a, b: ratio(b) - ratio(a),
        ("a",): lambda a, b: -ratio(a, 1),
        ("b",): lambda a, b: ratio(b, 1),
    },
    "log_i0_divergence": {
        (): divergence,
        ("a",): lambda a, b: (a - b) * ratio(a, 1),
        ("b",): lambda a, b: ratio(b) - ratio(a),
        ("b", "b"): lambda a, b: ratio(b, 1),
    },
}


@pytest.mark.parametrize("dtype", long_but([np.float64], DTYPES))
@pytest.mark.parametrize("name", PAIRS)
def test_differences_keep_their_digits(name, dtype):
    rng = np.random.default_rng(9)
    a = 10.0 ** rng.uniform(-3, 3, 60)
    b = a * np.where(rng.random(60) < 0.7, 2.0 ** rng.uniform(-1.2, 1.2, 60), 30.0)
    b[::6] = a[::6] * (1 + 1e-4)
    a, b = a.astype(dtype), b.astype(dtype)
    formula = next(f for f in bessel_divergence.BESSEL_DIVERGENCE if f.name == name)
    answers = routes(formula)(a, b)
    for order, truth in PAIRS[name].items():
        error, where = worst(answers[order], truth, (a, b))
        assert error <= 20, (order, error, where)
    assert special.log_i0_divergence(3.0, 3.0) == 0


def test_differences_of_numbers_whose_inverse_leaves_the_dtype():
    a, b = np.float32(3.4e38), np.float32(3.3e35)
    truth = 1 / (2 * float(a)) - 1 / (2 * float(b))
    np.testing.assert_allclose(special.bessel_ratio_difference(a, b), truth, 1e-6)
    np.testing.assert_allclose(special.bessel_ratio_difference(b, a), -truth, 1e-6)
