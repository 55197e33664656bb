"""The incomplete beta functions and their logarithms, against Arb at 60 digits and more."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from jaxmath.special import incomplete_beta as special
from jaxmath.special import ndtr
from tests.marks import long_but
from tests.tails import DIGITS, LOG, LOWER, PLAIN, UPPER, worst

flint = pytest.importorskip("flint")

FUNCTIONS = {
    "betainc": (special.betainc, LOWER, PLAIN),
    "betaincc": (special.betaincc, UPPER, PLAIN),
    "log_betainc": (special.log_betainc, LOWER, LOG),
    "log_betaincc": (special.log_betaincc, UPPER, LOG),
}
BAR = 500
"""In units of half an epsilon; the worst is where a vanishes at x = 3 / (b + 15), and Q cancels."""


def exact(number):
    """An mpmath number as a ball."""
    return flint.arb(mp.nstr(number, DIGITS + 20))


def tails(a, b, x):
    """The lower and the upper tail, each to 60 digits: balls whose radius is looked at."""
    return [lower(a, b, x, turned=turned) for turned in (False, True)]


def lower(a, b, x, *, turned):
    """The lower tail, or turned round the upper one."""
    for bits in (400, 1600, 6400, 25600):
        with flint.ctx.workprec(bits):
            p, q, place = map(exact, (b, a, x) if turned else (a, b, x))
            value = (1 - place if turned else place).beta_lower(p, q, regularized=1)
            if value.rel_accuracy_bits() > 200:
                return mp.mpf(value.str(DIGITS, radius=False))
    raise AssertionError(f"no truth at {a}, {b}, {x}")


def batch(count=60):
    """Parameters of all sizes; around the mean, far from it, and at the borders of all ways."""
    rng = np.random.default_rng(11)
    a, b = 10.0 ** rng.uniform(-4, 2.7, (2, count))
    mean = a / (a + b)
    spread = np.sqrt(mean * (1 - mean) / (a + b + 1))
    x = mean + spread * rng.normal(size=count) * rng.choice([0.5, 2.0, 5.0], count)
    x = np.where((x > 0) & (x < 1) & (rng.random(count) < 0.6), x, rng.random(count))
    borders = [(a, b, 3 / (b + 15) * k) for a in (1e-4, 0.4, 0.99) for b in (0.5, 6.0, 200.0)
               for k in (0.5, 0.999, 1.001, 2.0)]  # fmt: skip
    for a_, b_ in itertools.product((1.1, 4.5, 59.9, 60.1, 250.0), (1.3, 300.0)):
        middle = a_ / (a_ + b_)
        borders += [(a_, b_, x_) for x_ in (0.75 * middle, middle, middle + 0.1 * (1 - middle))]
    return tuple(
        np.append(part, more) for part, more in zip((a, b, x), np.array(borders).T, strict=True)
    )


def in_float32():
    return tuple(part.astype(np.float32) for part in batch(20))


functions = long_but(["betainc"], FUNCTIONS)
slopes = long_but([], range(3))
arguments = pytest.mark.parametrize(
    "argnum", [None, *slopes], ids=["value", "in a", "in b", "in x"]
)


@arguments
@pytest.mark.parametrize("name", functions)
def test_accuracy(name, argnum):
    error, where = worst(*FUNCTIONS[name], tails, batch(), argnum)
    assert error <= BAR, where


@pytest.mark.full
@arguments
def test_accuracy_in_float32(argnum):
    error, where = worst(*FUNCTIONS["betaincc"], tails, in_float32(), argnum)
    assert error <= BAR, where


def test_slope_of_a_logarithm_whose_tail_underflows():
    """I_x(1, b) is nearly b x."""
    slope = jax.jit(special.log_betainc_dx)(1.0, 2.0**-14, 2.0**-1022)
    np.testing.assert_allclose(slope, 2.0**1022, rtol=1e-12)


def test_slope_of_the_density_at_the_ends_and_where_the_density_underflows():
    at = {
        (2.0, 3.0, 0.0): 12.0,
        (1.0, 3.0, 0.0): -6.0,
        (3.0, 1.0, 1.0): 6.0,
        (3.0, 2.0, 1.0): -12.0,
        (1.5, 2.0, 1.0): -3.75,
        (1.5, 2.0, 0.0): np.inf,
        (0.5, 2.0, 0.0): -np.inf,
        (4.0, 2.0, 0.0): 0.0,
        (6.5, 2.0**27, 2.0**-1022): 0.0,
    }
    for point, expected in at.items():
        np.testing.assert_allclose(special.betainc_dx_dx(*point), expected, rtol=1e-13)
    # There the density is 3 x^2, the exponential of -1247, which is rounded by 1.1e-13.
    slope = special.betainc_dx_dx(3.0, 1.0, 2.0**-600)
    np.testing.assert_allclose(slope, 6 * 2.0**-600, rtol=2e-13)


@pytest.mark.full
def test_limits():
    inf, nan = jnp.inf, jnp.nan
    for fn, at_zero, at_one in (
        (special.betainc, 0, 1),
        (special.betaincc, 1, 0),
        (special.log_betainc, -inf, 0),
        (special.log_betaincc, 0, -inf),
    ):
        assert fn(2.5, 1.5, 0.0) == fn(inf, 3.0, 0.9) == at_zero
        assert fn(2.5, 1.5, 1.0) == fn(3.0, inf, 0.1) == at_one
        outside = ((nan, 1, 0.5), (1, nan, 0.5), (1, 1, nan), (-1, 2, 0.5), (1, -2, 0.5))
        for args in (*outside, (1, 2, -0.1), (1, 2, 1.1), (0, 1, 0.5), (inf, inf, 0.5)):
            assert np.isnan(fn(*map(float, args))), args
    slope = jax.grad(special.betainc, 2)
    assert slope(1.0, 3.0, 0.0) == slope(3.0, 1.0, 1.0) == 3
    assert slope(2.0, 3.0, 0.0) == slope(2.0, 3.0, 1.0) == 0
    assert slope(0.5, 3.0, 0.0) == slope(3.0, 0.5, 1.0) == inf


@pytest.mark.parametrize("size", [1e6, 1e10, 1e14])
@pytest.mark.parametrize("ratio", [1.0, 30.0, 1e5])
def test_large_parameters(size, ratio):
    """Edgeworth's expansion, whose next term is of the order of one over the smaller one."""
    a, b = size, size * ratio
    n = a + b
    spread = np.sqrt(a / n * (b / n) / (n + 1))
    skewness = 2 * (b - a) / (n + 2) * np.sqrt((n + 1) / a / b)
    for z in (-3.0, -1.0, 0.0, 2.0):
        x = a / n + z * spread
        z = (x - a / n) / spread
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        expected = ndtr(z) + skewness / 6 * (1 - z**2) * density
        np.testing.assert_allclose(special.betainc(a, b, x), expected, rtol=20 / a + 3e-9)


def test_agrees_with_scipy():
    a, b, x = batch(400)
    np.testing.assert_allclose(special.betainc(a, b, x), scipy.special.betainc(a, b, x), 1e-12)


@pytest.mark.parametrize("log", long_but([True], [True, False]))
@pytest.mark.parametrize("lower", long_but([True], [False, True]))
def test_slopes_of_the_functions_of_both_shares(lower, log):
    named = "log_" * log + ("betainc" if lower else "betaincc") + "_shares"
    fn = getattr(special, named)
    for a, b, x in ((0.5, 2.5, 0.3), (3.0, 0.7, 0.9), (80.0, 120.0, 0.42)):

        def truth(a, b, x):
            ends = (0, x) if lower else (x, 1)
            tail = mp.betainc(a, b, *ends, regularized=True)
            return mp.log(tail) if log else tail

        with mp.workdps(40):
            slopes = [
                float(mp.diff(truth, (a, b, x), order))
                for order in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
            ]
        found = jax.grad(fn, (0, 1, 2, 3))(a, b, x, 1 - x)
        np.testing.assert_allclose(found, [*slopes, 0.0], rtol=1e-11)


@pytest.mark.full
def test_slopes_in_a_tiny_shape_of_the_tail_that_is_left():
    """Nearly all lies at zero: its slope is small, that of its height one over the shape."""
    a, b, x = 2.0**-14, 2.5, np.array([2.0**-6, 0.0625, 0.125])
    with mp.workdps(40):

        def tail(a, b, x):
            return mp.log(mp.betainc(a, b, x, 1, regularized=True))

        truth = [[float(mp.diff(tail, (a, b, t), n)) for t in x] for n in ((1, 0, 0), (0, 1, 0))]
    found = jax.vmap(jax.grad(special.log_betaincc, (0, 1)), (None, None, 0))(a, b, x)
    np.testing.assert_allclose(found, truth, 4e-15)


@pytest.mark.full
@pytest.mark.parametrize("lower", [False, True])
def test_bend_of_the_logarithms_in_x(lower):
    """At both ends, in the middle and near them, for shapes below one and large ones."""
    fn = special.log_betainc if lower else special.log_betaincc
    points = [
        *((0.5, 2.5, x) for x in (1e-9, 0.01, 0.3, 0.9)),
        *((3.0, 0.7, x) for x in (1e-9, 0.4, 0.99)),
        *((80.0, 120.0, x) for x in (0.2, 0.42, 0.6)),
    ]
    with mp.workdps(60):
        ends = (lambda x: (0, x)) if lower else (lambda x: (x, 1))
        truth = [
            float(
                mp.diff(
                    lambda t, a=a, b=b: mp.log(mp.betainc(a, b, *ends(t), regularized=True)), x, 2
                )
            )
            for a, b, x in points
        ]
    found = jax.vmap(jax.grad(jax.grad(fn, 2), 2))(*np.array(points).T)
    np.testing.assert_allclose(found, truth, rtol=1e-11)


@pytest.mark.full
@pytest.mark.parametrize(
    "point",
    [(2.0**27, 3532675.5, 2.0**-900), (1.125, 2.0**27, 2.0**-57), (2.5, 2.0**-14, 0.0625)],
)
def test_second_derivatives_of_the_logarithm_of_a_tail_far_out(point):
    """From the series of the tail at zero, in 700 digits: the second derivatives may be tiny."""

    def log_tail(a, b, log_x):
        log_beta = mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
        series = mp.hyp2f1(a, 1 - b, a + 1, mp.exp(log_x))
        return a * log_x - mp.log(a) - log_beta + mp.log(series)

    def slopes(a, b, x):
        return [
            jax.grad(jax.grad(special.log_betainc, one), two)(a, b, x)
            for one, two in ((0, 0), (0, 1), (1, 2))
        ]

    with mp.workdps(700):
        a, b, x = map(mp.mpf, point)
        orders = ((2, 0, 0), (1, 1, 0), (0, 1, 1))
        truth = [mp.diff(log_tail, (a, b, mp.log(x)), n) / x ** n[2] for n in orders]
        truth = [float(number) for number in truth]
    np.testing.assert_allclose(jax.jit(slopes)(*point), truth, rtol=1e-11)
