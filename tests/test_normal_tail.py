"""The normal tails, log1p and what is left of x without it, against 50 digits and more."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special
from tests.accuracy import points, routes, worst

DTYPES = (np.float32, np.float64)
FORMULAS = {formula.name: formula for formula in special.SPECIAL}


def density(z):
    return mp.npdf(z) if abs(z) < 1e4 else mp.mpf(0)


def below(z):
    return mp.ncdf(z) if abs(z) < 1e4 else mp.mpf(z > 0)


def moments(x):
    """The integrals of t^n exp(-xt - t^2/2) over t > 0, n = 0 to 3, with 50 digits."""
    if x < -1e4:  # no number of any dtype
        return [mp.mpf("1e4000")] * 4
    if x > 40:  # the continued fraction from far down
        ratio = mp.mpf(0)
        ratios = []
        for n in range(4 + int(4000 / x) + 60, 0, -1):
            ratio = n / (x + ratio)
            ratios.append(ratio)
        values = [1 / (x + ratios[-1])]
        for n in range(1, 4):
            values.append(values[-1] * ratios[-n])
        return values
    with mp.workdps(100):
        values = [mp.ncdf(-x) / mp.npdf(x)]
        values.append(1 - x * values[0])
        for n in (1, 2):
            values.append(n * values[-2] - x * values[-1])
        return values


def hazard(z, order):
    """The density over the distribution function, and its first two derivatives."""
    if z > 1e4:
        return mp.mpf(0)
    if z < -1e6:  # leading terms of the asymptotic series
        return (-z - 1 / z, -1 + 1 / z**2, -2 / z**3 + 24 / z**5)[order]
    with mp.workdps(100):
        m = moments(-z)
        return (1 / m[0], -m[1] / m[0] ** 2, 2 * m[1] ** 2 / m[0] ** 3 - m[2] / m[0] ** 2)[order]


def log_below(z):
    if z > 0:
        return mp.log1p(-below(-z))
    return -z * z / 2 - mp.log(2 * mp.pi) / 2 + mp.log(moments(-z)[0])


def scaled(y, order):
    return (mp.sqrt(2 / mp.pi) * (-mp.sqrt(2)) ** order) * moments(mp.sqrt(2) * y)[order]


def gap(x):
    with mp.workdps(700):
        return x - mp.log1p(x)


TRUTHS = {
    "ndtr": (below, density, lambda z: -z * density(z)),
    "log_ndtr": (log_below, lambda z: hazard(z, 0), lambda z: hazard(z, 1)),
    "inverse_mills": tuple(lambda z, n=n: hazard(z, n) for n in range(3)),
    "mills_ratio": tuple(lambda x, n=n: (-1) ** n * moments(x)[n] for n in range(3)),
    "erfcx": tuple(lambda y, n=n: scaled(y, n) for n in range(3)),
    "log1p": (mp.log1p, lambda x: 1 / (1 + x), lambda x: -1 / (1 + x) ** 2),
    "log1p_gap": (gap, lambda x: x / (1 + x), lambda x: 1 / (1 + x) ** 2),
}
# In ulp of the result, beyond what half an ulp of the argument changes: value, slope, curvature.
BARS = {
    "ndtr": (4, 3, 3),
    "log_ndtr": (4, 4, 8),
    "inverse_mills": (4, 8, 45),  # the curvature at 0+ is a difference, a fifth of its terms
    "mills_ratio": (4, 4, 4),
    "erfcx": (4, 4, 4),
    "log1p": (2, 2, 3),
    "log1p_gap": (8, 2, 3),
}


def arguments(name, dtype):
    x = points(dtype, count=10)
    if name.startswith("log1p"):
        x = np.concatenate([x, np.linspace(-0.999, -0.1, 40).astype(dtype)])
        return x[x > -1]
    return x


@pytest.mark.parametrize("name", TRUTHS)
def test_the_truths_are_derivatives_of_each_other(name):
    value, slope, curvature = TRUTHS[name]
    for x in map(mp.mpf, (-0.75, -0.3, 0.2, 1.75, 6.5, 45)):
        with mp.workdps(50):
            assert mp.almosteq(mp.diff(value, x), slope(x), 1e-18, 1e-40)
            assert mp.almosteq(mp.diff(slope, x), curvature(x), 1e-18, 1e-40)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    x = arguments(name, dtype)
    answers = routes(FORMULAS[name])(x)
    orders = ((), ("x",), ("x", "x"))
    if "z" in FORMULAS[name].arguments:
        orders = ((), ("z",), ("z", "z"))
    for order, truth, bar in zip(orders, TRUTHS[name], BARS[name], strict=True):
        error, where = worst(answers[order], truth, (x,), conditioned=True)
        assert error <= bar, (order, where)


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfcx_is_finite_as_far_as_the_truth_is(dtype):
    most = mp.mpf(float(np.finfo(dtype).max))
    x = np.nextafter(dtype(-mp.sqrt(mp.log(most / 2))), dtype(0))
    x = np.array([x, np.nextafter(x, dtype(0))])
    assert all(TRUTHS["erfcx"][0](mp.mpf(float(one))) < most for one in x)
    error, where = worst(routes(FORMULAS["erfcx"])(x)[()], TRUTHS["erfcx"][0], (x,), True)
    assert error <= BARS["erfcx"][0], where


def quantile(p, start):
    """Newton's method on the distribution function, from an approximation."""
    z = mp.mpf(start)
    for _ in range(6):
        z -= (mp.ncdf(z) - p) / mp.npdf(z)
    return z


@pytest.mark.parametrize("dtype", DTYPES)
def test_quantile_accuracy(dtype):
    random = np.random.default_rng(3)
    tiny = float(np.finfo(dtype).tiny)
    p = np.concatenate([
        tiny ** random.uniform(0, 1, 40),
        random.uniform(0, 1, 20),
        1 - 2.0 ** random.uniform(np.log2(np.finfo(dtype).eps), -1, 20),
        [tiny, 0.5, 1 - np.finfo(dtype).eps],
    ]).astype(dtype)  # fmt: skip
    p = p[p < 1]
    answers = routes(special.normal_tail.NDTRI)(p)
    starts = {mp.mpf(float(one)): float(z) for one, z in zip(p, answers[()][0], strict=True)}

    def value(p):
        return quantile(p, starts[min(starts, key=lambda one: abs(one - p))])

    truths = {
        (): value,
        ("p",): lambda p: 1 / mp.npdf(value(p)),
        ("p", "p"): lambda p: value(p) / mp.npdf(value(p)) ** 2,
    }
    for order, truth in truths.items():
        error, where = worst(answers[order], truth, (p,), conditioned=True)
        assert error <= 6, (order, where)


def test_third_derivative_keeps_its_digits():
    z = np.array([-1e4, -300.0, -38.0, -5.0, -1.0, -0.3, 0.0, 0.7, 3.0, 20.0])
    third = jax.jit(jax.vmap(jax.grad(jax.grad(jax.grad(special.log_ndtr)))))(z)
    np.testing.assert_allclose(third, [float(hazard(mp.mpf(x), 2)) for x in z], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "values", "slopes", "curvatures"),
    [
        ("ndtr", [0, 1], [0, 0], [0, 0]),
        ("log_ndtr", [-np.inf, 0], [np.inf, 0], [-1, 0]),
        ("inverse_mills", [np.inf, 0], [-1, 0], [0, 0]),
        ("mills_ratio", [np.inf, 0], [-np.inf, 0], [np.inf, 0]),
        ("erfcx", [np.inf, 0], [-np.inf, 0], [np.inf, 0]),
    ],
)
def test_limits_and_nan(name, values, slopes, curvatures):
    fn = FORMULAS[name].fn
    orders = jax.jit(jax.vmap(lambda x: (fn(x), jax.grad(fn)(x), jax.grad(jax.grad(fn))(x))))
    found = [order.tolist() for order in orders(np.array([-np.inf, np.inf, np.nan]))]
    assert [order[:2] for order in found] == [values, slopes, curvatures]
    assert np.isnan([order[2] for order in found]).all()


def test_reported_failures_of_other_libraries():
    # Each value, and the slope beside it, with 50 digits; jax.scipy loses up to all of them.
    cases = [
        (special.log_ndtr, -1e4, log_below, lambda z: hazard(z, 0)),
        (special.log_ndtr, -20.0, log_below, lambda z: hazard(z, 0)),
        (special.log_ndtr, np.float32(-6.0), log_below, lambda z: hazard(z, 0)),
        (special.ndtr, -10.0, below, density),
    ]
    for fn, x, value, slope in cases:
        x, tolerance = jnp.asarray(x), 2 * np.finfo(np.asarray(x).dtype).eps
        exact = mp.mpf(float(x))
        np.testing.assert_allclose(fn(x), float(value(exact)), rtol=tolerance)
        np.testing.assert_allclose(jax.grad(fn)(x), float(slope(exact)), rtol=tolerance)


def test_log1p_where_that_of_xla_is_wrong():
    x = np.linspace(-0.42, -0.29, 500)
    exact = np.array([float(mp.log1p(mp.mpf(float(one)))) for one in x])
    np.testing.assert_allclose(jax.jit(special.log1p)(x), exact, rtol=5e-16)
    assert special.log1p(-1.0) == -jnp.inf
    assert np.isnan(special.log1p(-1.5))
    assert special.log1p_gap(0.0) == 0
    assert special.log1p_gap(jnp.inf) == jnp.inf
