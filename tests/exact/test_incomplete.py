"""The incomplete functions and their inverses, with their derivatives, against 60 digits."""

import jax
import mpmath
import pytest

from jaxmath import exact
from jaxmath.distributions import beta, f, gamma, student_t
from jaxmath.exact import incomplete, inverse
from jaxmath.exact.ball import arb, arb_series
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import Work, working
from tests.marks import long_but

BETAS = (
    *((2.0, 3.0, 0.25), (0.5, 1e6, 2.0**-20), (6.0, 0.5, 0.999), (1e-4, 2.0, 2.0**-40)),
    *((40.0, 7.0, 0.75), (1e-3, 1e-3, 0.5), (300.0, 4000.0, 0.0625)),
)
GAMMAS = ((0.5, 0.25), (3.0, 0.9990234375), (50.0, 2.0**-40), (0.25, 0.75), (700.0, 0.5))


def number(value):
    """A ball's middle as one of mpmath."""
    with mpmath.workdps(60):
        return mpmath.mpf(value.str(50, radius=False, more=True))


def close(ball, expected, digits=25):
    with mpmath.workdps(60):
        return abs(number(ball) - expected) <= abs(expected) * mpmath.mpf(10) ** -digits


def lower(a, b, x):
    return mpmath.betainc(a, b, 0, x, regularized=True)


def upper(a, b, x):
    return mpmath.betainc(b, a, 0, 1 - mpmath.mpf(x), regularized=True)


def moved(values, place, terms=3):
    """The numbers as elements, one of them moving."""
    balls = [arb(value) for value in values]
    balls[place] = Jet(arb_series([balls[place], 1], terms))
    return balls


@pytest.mark.parametrize("point", BETAS)
def test_incomplete_beta_and_slopes(point):
    pairs = (
        (incomplete.incomplete_beta, lower),
        (incomplete.incomplete_beta_complement, upper),
    )
    with mpmath.workdps(60), working(Work(320, 3)):
        for function, expected in pairs:
            assert close(function(*map(arb, point)), expected(*point))
            for place in range(3):
                orders = tuple(int(k == place) for k in range(3))
                jet = function(*moved(point, place))
                slope = mpmath.diff(expected, point, orders)
                assert close(jet.series[1], slope, 15)


def test_incomplete_beta_from_the_smaller_share():
    y = mpmath.mpf(2) ** -300
    with mpmath.workdps(150), working(Work(128, 1)):
        share = arb(2) ** -300
        found = incomplete.incomplete_beta_shares(arb(2), arb("0.5"), 1 - share, share)
        rest = incomplete.incomplete_beta_shares(arb("0.5"), arb(2), share, 1 - share)
        assert close(rest, lower(0.5, 2, y))
        assert close(found, 1 - lower(0.5, 2, y))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("point", BETAS)
def test_inverse_beta_is_the_root(point, turned):
    a, b, p = point
    function = inverse.betainccinv_shares if turned else inverse.betaincinv_shares
    tail = upper if turned else lower
    with mpmath.workdps(60), working(Work(256, 3)):
        x, y = function(*map(arb, point))
        assert (x + y).contains(1)
        if x > arb("1e-40") and y > arb("1e-40"):
            assert close(arb(p), tail(a, b, number(x)), 20)
        orders = tuple(int(k == 0) for k in range(3))
        if 1e-3 < float(x) < 0.999:
            rate = mpmath.diff(tail, (a, b, number(x)), (0, 0, 1))
            jet = function(*moved(point, 2))[0]
            assert close(jet.series[1], 1 / rate, 15)
            jet = function(*moved(point, 0))[0]
            slope = -mpmath.diff(tail, (a, b, number(x)), orders) / rate
            assert close(jet.series[1], slope, 15)


@pytest.mark.parametrize("point", GAMMAS)
def test_inverse_gamma_is_the_root(point):
    a, p = point
    with mpmath.workdps(60), working(Work(256, 3)):
        for function, ends in (
            (inverse.gammaincinv, lambda x: (0, x)),
            (inverse.gammainccinv, lambda x: (x, mpmath.inf)),
        ):
            x = function(*map(arb, point))

            def tail(a, x, ends=ends):
                return mpmath.gammainc(a, *ends(x), regularized=True)

            assert close(arb(p), tail(a, number(x)), 20)
            rate = mpmath.diff(tail, (a, number(x)), (0, 1))
            jet = function(*moved(point, 0))
            slope = -mpmath.diff(tail, (a, number(x)), (1, 0)) / rate
            assert close(jet.series[1], slope, 12)


def test_inverses_at_the_ends():
    zero, one = arb(0), arb(1)
    assert inverse.gammaincinv(one, zero).is_zero()
    assert inverse.gammainccinv(one, one).is_zero()
    assert float(inverse.gammaincinv(one, one).value) == float("inf")
    assert inverse.betaincinv(one, one, zero).is_zero()
    assert inverse.betainccinv(one, one, zero) == 1


FUNCTIONS = [
    *((function, (0.3, 2.5, 4.0)) for function in (beta.cdf, beta.log_sf, beta.quantile)),
    *((function, (0.3, 2.5, 4.0)) for function in (f.cdf, f.log_sf, f.quantile, f.isf)),
    *((function, (0.3, 2.5, 4.0)) for function in (gamma.quantile, gamma.isf)),
    *(
        (function, (0.3, 2.5, 1.0, 2.0))
        for function in (student_t.cdf, student_t.log_sf, student_t.quantile)
    ),
]


@pytest.mark.parametrize("case", long_but(FUNCTIONS[:3], FUNCTIONS))
def test_families_mean_them(case):
    """No loop of a truncated series stands in their truth."""
    function, args = case
    with jax.enable_x64(True):
        found = exact.evaluate(exact.trace(function, *args), args)
        assert any("inc" in note for note in found.notes)
        assert float(found.results) == pytest.approx(float(function(*args)), rel=1e-14)


@pytest.mark.parametrize("point", [(30.0, 40.0, 0.6), (3.0, 5.0, 0.125), (300.0, 20.0, 0.75)])
def test_bounds_of_incomplete_beta_hold_it(point):
    with working(Work(320, 3)):
        a, b, x = map(arb, point)
        assert incomplete._bounded(a, b, x, 1 - x).contains(incomplete.incomplete_beta(a, b, x))


def test_far_beyond_the_mean_of_large_shapes_incomplete_beta_is_one():
    with working(Work(320, 3)):
        value = incomplete.incomplete_beta(arb(50799.5), arb(2) ** 27, arb(2) ** -9)
        assert value.rel_accuracy_bits() > 300
        assert value > 0.99
