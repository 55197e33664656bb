"""Functions of balls and jets against mpmath at 50 digits, and the rules of IEEE at the ends."""

import math

import mpmath as mp
import numpy as np
import pytest

pytest.importorskip("flint")
from jaxmath.exact import compare, functions, gamma, incomplete, powers, twins
from jaxmath.exact.ball import arb, arb_series
from jaxmath.exact.ieee import INF, NAN, NEG_INF, element
from jaxmath.exact.jet import Jet
from jaxmath.exact.rules_elementwise import divide
from jaxmath.exact.work import Undecided, Work, working

mp.mp.dps = 50
A, B, ONE = element(2.5), element(3.25), element(1.0)


def mills(x):
    return mp.exp(x * x) * mp.erfc(x)


CASES = {
    "exp": (functions.exp, mp.exp, (0.3, -40.0, 700.0)),
    "expm1": (functions.expm1, mp.expm1, (1e-9, -3.0)),
    "exp2": (functions.exp2, lambda x: mp.mpf(2) ** x, (0.7, -30.5)),
    "log": (functions.log, mp.log, (0.3, 1e-300, 1e300)),
    "log1p": (functions.log1p, mp.log1p, (1e-9, -0.999)),
    "sin": (functions.sin, mp.sin, (0.3, 1e6)),
    "cos": (functions.cos, mp.cos, (0.3, 1e6)),
    "tan": (functions.tan, mp.tan, (0.3, 1.57)),
    "asin": (functions.asin, mp.asin, (0.3, -0.999)),
    "acos": (functions.acos, mp.acos, (0.3, -0.999)),
    "atan": (functions.atan, mp.atan, (0.3, -1e9)),
    "sinh": (functions.sinh, mp.sinh, (0.3, -20.0)),
    "cosh": (functions.cosh, mp.cosh, (0.3, -20.0)),
    "tanh": (functions.tanh, mp.tanh, (0.3, 20.0, -9.01)),
    "asinh": (functions.asinh, mp.asinh, (0.3, -1e9)),
    "acosh": (functions.acosh, mp.acosh, (1.0001, 1e9)),
    "atanh": (functions.atanh, mp.atanh, (0.3, -0.9999)),
    "logistic": (functions.logistic, lambda x: 1 / (1 + mp.exp(-x)), (0.3, 40.0, -700.0)),
    "erf": (functions.erf, mp.erf, (0.3, 5.0)),
    "erfc": (functions.erfc, mp.erfc, (0.3, 20.0)),
    "logaddexp": (
        lambda x: functions.logaddexp(x, element(0.0)),
        lambda x: mp.log1p(mp.exp(x)),
        (-40.0, 0.0, 40.0),
    ),
    "sqrt": (powers.sqrt, mp.sqrt, (2.0, 1e-300)),
    "rsqrt": (powers.rsqrt, lambda x: 1 / mp.sqrt(x), (2.0, 1e-300)),
    "cbrt": (powers.cbrt, lambda x: mp.sign(x) * mp.cbrt(abs(x)), (2.0, -5.0)),
    "power": (lambda x: powers.power(x, A), lambda x: x ** mp.mpf(2.5), (0.3, 1e9)),
    "exponent": (lambda x: powers.power(A, x), lambda x: mp.mpf(2.5) ** x, (0.3, -9.0)),
    "cube": (lambda x: powers.power(x, element(3.0)), lambda x: x**3, (0.3, -9.0)),
    "many": (lambda x: powers.power(x, element(1e6)), lambda x: x ** (10**6), (1.000001, -1.00001)),
    "inverse": (lambda x: powers.integer_power(x, -2), lambda x: x**-2, (0.3, -9.0)),
    "atan2": (lambda x: powers.atan2(x, -A), lambda x: mp.atan2(x, -2.5), (0.3, -9.0)),
    "lgamma": (gamma.lgamma, lambda x: mp.log(abs(mp.gamma(x))), (0.3, -2.3, 40.5, -3.6)),
    "digamma": (gamma.digamma, mp.digamma, (0.3, -2.3, 40.5)),
    "polygamma": (lambda x: gamma.polygamma(arb(2), x), lambda x: mp.polygamma(2, x), (0.3, 4.5)),
    "zeta in q": (lambda x: incomplete.zeta(A, x), lambda x: mp.zeta(2.5, x), (0.3, 4.5)),
    "zeta in s": (lambda x: incomplete.zeta(x, A), lambda x: mp.zeta(x, 2.5), (1.3, 4.5)),
    "erf_inv": (gamma.erf_inv, mp.erfinv, (0.3, -0.99)),
    "i0e": (gamma.bessel_i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), (0.3, -7.0)),
    "i1e": (gamma.bessel_i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), (0.3, -7.0)),
    "igamma": (
        lambda x: incomplete.igamma(A, x),
        lambda x: mp.gammainc(2.5, 0, x, regularized=True),
        (0.3, 7.0),
    ),
    "igammac": (
        lambda x: incomplete.igammac(A, x),
        lambda x: mp.gammainc(2.5, x, mp.inf, regularized=True),
        (0.3, 7.0),
    ),
    "betainc": (
        lambda x: incomplete.incomplete_beta(A, B, x),
        lambda x: mp.betainc(2.5, 3.25, 0, x, regularized=True),
        (0.3, 0.9),
    ),
    "betainc of ones": (lambda x: incomplete.incomplete_beta(ONE, ONE, x), lambda x: x, (0.3, 0.9)),
    "igamma in a": (
        lambda a: incomplete.igamma(a, A),
        lambda a: mp.gammainc(a, 0, 2.5, regularized=True),
        (0.3, 7.0),
    ),
    "igammac in a": (
        lambda a: incomplete.igammac(a, A),
        lambda a: mp.gammainc(a, 2.5, mp.inf, regularized=True),
        (0.3, 7.0),
    ),
    "betainc in a": (
        lambda a: incomplete.incomplete_beta(a, B, element(0.3)),
        lambda a: mp.betainc(a, 3.25, 0, 0.3, regularized=True),
        (0.3, 7.0),
    ),
    "log_ndtr": (twins.log_ndtr, lambda x: mp.log(mp.ncdf(x)), (0.3, -20.01)),
    "ndtri": (twins.ndtri, lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), (0.3, 0.99)),
    "betaln": (lambda x: twins.log_beta(A, x), lambda x: mp.log(mp.beta(2.5, x)), (0.3, 9.0)),
    "beta": (lambda x: twins.beta(A, x), lambda x: mp.beta(2.5, x), (-0.3, 9.0, -2.7)),
    "gamma": (twins.gamma_function, mp.gamma, (-0.3, 4.5)),
    "expi": (twins._ei, mp.ei, (0.3, -4.5)),
    "exp1": (twins.exp1, mp.e1, (0.3, 4.5)),
    "expn": (lambda x: twins.expn(arb(3), x), lambda x: mp.expint(3, x), (0.3, 4.5)),
    "spence": (twins._spence, lambda x: mp.polylog(2, 1 - x), (0.3, 4.5)),
    "dawsn": (
        twins.dawson,
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
        (0.3, -4.5),
    ),
    "erfcx": (twins.erfcx, mills, (0.3, 9.0, 25.5)),
    "poch": (lambda x: twins.rising(x, A), lambda x: mp.rf(x, 2.5), (0.3, 4.5)),
}


def taylor(fn, x):
    """mpmath's first four coefficients; it takes steps that fit numbers near one."""
    unit = x or mp.mpf(1)
    found = mp.taylor(lambda s: fn(x + unit * s), 0, 3, chop=False)
    return [c / unit**k for k, c in enumerate(found)]


def interval(ball, digits=45):
    """A ball as mpmath numbers: middle and radius."""
    return mp.mpf(ball.mid().str(digits, radius=False)), mp.mpf(ball.rad().str(20, radius=False))


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_and_three_derivatives_contain_what_mpmath_says(name):
    ours, theirs, points = CASES[name]
    for x in points:
        with working(Work(256, 4)):
            value, jet = ours(element(x)), ours(Jet(arb_series([arb(x), 1])))
        # mpmath rounds its differences to half of the digits that it works with.
        with mp.workdps(120):
            truth = taylor(theirs, mp.mpf(x))
        assert jet.shift == 0
        size = max(map(abs, truth))
        for k, c in enumerate([value, *(jet.series[j] for j in range(4))]):
            middle, radius = interval(c)
            true = truth[max(k - 1, 0)]
            bar = radius + abs(true) * mp.mpf(10) ** (-40 if k < 2 else -25) + mp.mpf(10) ** -340
            assert abs(middle - true) <= bar, (x, k, middle, true)
            assert radius <= max(abs(true), size) * mp.mpf(10) ** -40, (x, k)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (functions.exp, np.exp),
        (functions.expm1, np.expm1),
        (functions.log, np.log),
        (functions.log1p, np.log1p),
        (functions.sin, np.sin),
        (functions.atan, np.arctan),
        (functions.asin, np.arcsin),
        (functions.sinh, np.sinh),
        (functions.cosh, np.cosh),
        (functions.tanh, np.tanh),
        (functions.asinh, np.arcsinh),
        (functions.acosh, np.arccosh),
        (functions.atanh, np.arctanh),
        (functions.erf, np.vectorize(math.erf)),
        (functions.erfc, np.vectorize(math.erfc)),
        (powers.sqrt, np.sqrt),
        (powers.cbrt, np.cbrt),
        (powers.rsqrt, lambda x: 1 / np.sqrt(x)),
        (compare.floor, np.floor),
        (compare.ceil, np.ceil),
        (compare.round_even, np.round),
        (compare.sign, np.sign),
        (abs, np.abs),
    ],
)
def test_ends_and_outside_are_as_numpy_has_them(ours, theirs):
    points = (0.0, 1.0, -1.0, 2.5, -2.5, 3.5, math.inf, -math.inf, math.nan)
    with np.errstate(all="ignore"), working(Work(128)):
        for x in points:
            expected = float(theirs(np.float64(x)))
            found = ours(element(x))
            got = found.value if hasattr(found, "value") else float(found)
            assert np.isclose(got, expected, rtol=1e-15, atol=0, equal_nan=True), (x, got, expected)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda a, b: a + b, np.add),
        (lambda a, b: a - b, np.subtract),
        (lambda a, b: a * b, np.multiply),
        (divide, np.divide),
        (compare.maximum, np.maximum),
        (compare.minimum, np.minimum),
        (compare.remainder, np.fmod),
        (powers.power, np.power),
        (powers.atan2, np.arctan2),
        (compare.less, np.less),
        (compare.less_equal, np.less_equal),
        (compare.greater, np.greater),
        (compare.greater_equal, np.greater_equal),
        (compare.equal, np.equal),
        (compare.different, np.not_equal),
    ],
)
def test_pairs_of_ordinary_and_extraordinary_numbers_follow_ieee(ours, theirs):
    points = (0.0, 1.0, -1.0, 2.5, -3.0, math.inf, -math.inf, math.nan)
    with np.errstate(all="ignore"), working(Work(128)):
        for x in points:
            for y in points:
                expected = float(theirs(np.float64(x), np.float64(y)))
                found = ours(element(x), element(y))
                got = found.value if hasattr(found, "value") else float(found)
                assert np.isclose(got, expected, rtol=1e-15, atol=0, equal_nan=True), (x, y, got)


def test_nothing_is_known_after_an_unknown_number():
    with working(Work(128, 3)):
        x = Jet(arb_series([2, 1]))
        unknown = arb.nan()
        for result in (
            x + unknown,
            unknown + x,
            x * unknown,
            x - unknown,
            unknown / x,
            x / unknown,
        ):
            assert type(result) is not Jet or not result.series[0].is_finite()
            assert type(result) is not Jet or not result.series[1].is_finite()


def test_comparisons_have_three_outcomes():
    third = element(1) / 3
    with working(Work(128)):
        assert compare.compare(third, element(0.3)) == 1
        assert compare.compare(A, element(2.5)) == 0
        assert compare.compare(NAN, A) is None
        with pytest.raises(Undecided):
            compare.compare(functions.log(functions.exp(A)), A)
    with working(Work(128, tie=0)) as work:
        assert compare.compare(functions.log(functions.exp(A)), A) == 0
        assert work.notes == {"tie assumed": True}


def test_signs_beside_zero_are_those_of_the_first_coefficient():
    with working(Work(128, 6)) as work:
        t = Jet(arb_series([0, 1]))
        assert compare.sign(t) == 1
        assert compare.sign(-t * t * t) == -1
        assert work.sided
        assert compare.compare(t * t, t) == -1
        assert divide(t, t).regular()[0] == 1
        assert divide(functions.sin(t), t).regular()[2] * -6 - 1 < arb(1e-30)
    assert INF.sign() == 1
    assert NEG_INF.sign() == -1


def test_a_gamma_draw_moves_with_its_parameter_as_its_quantile_does():
    a, x = element(1.7), element(0.9)
    with working(Work(128, 3)):
        slope = incomplete.random_gamma_grad(a, x)
        jet = incomplete.random_gamma_grad(Jet(arb_series([1.7, 1])), x)
    with mp.workdps(60):

        def grad(a, x):
            def lower(a):
                return mp.gammainc(a, 0, x, regularized=True)

            return -mp.diff(lower, a) / (x ** (a - 1) * mp.exp(-x) / mp.gamma(a))

        a, x = mp.mpf(1.7), mp.mpf(0.9)
        true, further = grad(a, x), mp.diff(lambda a: grad(a, x), a)
    assert float(slope) == pytest.approx(float(true), rel=1e-15)
    assert float(jet.series[1]) == pytest.approx(float(further), rel=1e-12)


@pytest.mark.parametrize("a", [1e4, 1e6])
def test_large_parameters_of_the_incomplete_gamma_function(a):
    x = a + 0.7 * math.sqrt(a)
    with working(Work(128, 2)):
        value = incomplete.igamma(Jet(arb_series([a, 1])), element(x))
    # Temme's expansion: P = erfc(-eta sqrt(a/2))/2 - R, its slope by differences of it.
    middle, radius = interval(value.series[0])
    assert radius < 1e-30

    def temme(a):
        lam = mp.mpf(x) / a
        eta = mp.sqrt(2 * (lam - 1 - mp.log(lam)))
        c0 = 1 / (lam - 1) - 1 / eta
        c1 = 1 / eta**3 - 1 / (lam - 1) ** 3 - 1 / (lam - 1) ** 2 - 1 / (12 * (lam - 1))
        rest = mp.exp(-a * eta**2 / 2) / mp.sqrt(2 * mp.pi * a) * (c0 + c1 / a)
        return mp.erfc(-eta * mp.sqrt(a / 2)) / 2 - rest

    with mp.workdps(60):
        assert abs(middle - temme(mp.mpf(a))) < 10 / a**2.5
        slope = mp.diff(temme, mp.mpf(a))
    assert float(value.series[1]) == pytest.approx(float(slope), rel=10 / a**1.5)


def test_incomplete_functions_of_wide_balls_say_what_is_known_and_do_not_search():
    over_zero = arb(0, 8)
    with working(Work(128, 2)):
        x, half = Jet(arb_series([32, 1])), Jet(arb_series([0.5, 1]))
        for value in (
            incomplete.igamma(over_zero, x),
            incomplete.incomplete_beta(over_zero, A, half),
        ):
            assert not value.is_finite()
        # The series of positive terms would have 5e8 terms.
        assert incomplete.igamma(element(2.0**26 + 1), element(2.0**29)) > 1 - arb(2) ** -128
        assert abs(incomplete.igamma(element(2.0**25), arb(2.0**27, 2.0**26))) < 2
        wide = incomplete.igammac(arb(4, 3.99), arb(20, 19))
    with mp.workdps(30):
        for a, x in ((0.25, 2), (1, 1.5), (7, 30), (7.5, 1.01)):
            assert wide.contains(arb(str(mp.gammainc(a, x, regularized=True))))
