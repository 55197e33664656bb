"""The inverses of the incomplete gamma functions, put back into mpmath's own at 60 digits.

And the tails of the inverse gamma distribution with their slopes, to both ends of the dtype.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from jaxmath.distributions import gamma, inverse_gamma
from jaxmath.special import beta_tail, gammainccinv, gammaincinv, incomplete_gamma, tails
from tests.marks import long_but

BAR = 64
"""In units of what half an epsilon of shape, probability and answer explains."""


def batch(dtype, count=120):
    """Shapes of all sizes; probabilities of all sizes on both sides of the median."""
    rng = np.random.default_rng(7)
    a = 10.0 ** rng.uniform(-2, 3, count)
    least = -290 if dtype == np.float64 else -30
    p = np.where(rng.random(count) < 0.5, rng.random(count), 10.0 ** rng.uniform(least, 0, count))
    return a.astype(dtype), p.astype(dtype)


@pytest.mark.parametrize(("fn", "lower"), [(gammaincinv, True), (gammainccinv, False)])
def test_slopes_by_the_implicit_function_theorem(fn, lower):
    """In the shape and in p, on both sides of the median."""
    args = np.array([(a, p) for a in (0.25, 3.0, 90.0) for p in (0.0625, 0.875)])
    found = jax.jit(jax.vmap(jax.grad(fn, (0, 1))))(*args.T)
    with mp.workdps(40):
        for k, (a, p) in enumerate(args):

            def tail(a, x):
                return mp.gammainc(a, *((0, x) if lower else (x, mp.inf)), regularized=True)

            x = mp.findroot(lambda x, a=a, p=p: tail(a, x) - p, float(fn(a, p)))
            in_a, density = (mp.diff(tail, (a, x), order) for order in ((1, 0), (0, 1)))
            truth = np.array([-in_a / density, 1 / density], float)
            np.testing.assert_allclose([slope[k] for slope in found], truth, 2e-12)


QUANTILES = {  # which tail of x for rate one, and whether the answer is x or one over it
    "gamma.quantile": (gamma.quantile, True, 1),
    "gamma.isf": (gamma.isf, False, 1),
    "inverse_gamma.quantile": (inverse_gamma.quantile, False, -1),
    "inverse_gamma.isf": (inverse_gamma.isf, True, -1),
}


@pytest.mark.full
@pytest.mark.parametrize("name", QUANTILES)
def test_second_slopes_of_quantiles(name):
    """In p, the shape and the scale, from both sides of shape one; symmetric in reverse mode."""
    fn, lower, power = QUANTILES[name]
    first = jax.grad(fn, (0, 1, 2))
    forward, reverse = (jax.jit(over(first, (0, 1, 2))) for over in (jax.jacfwd, jax.jacrev))
    for a, p in ((2.5, 0.6), (0.4, 1e-5), (30.0, 1e-8), (1000.0, 0.2)):
        with mp.workdps(50):

            def answer(p, a, scale):
                def off(log):
                    ends = (0, mp.exp(log)) if lower else (mp.exp(log), mp.inf)
                    return mp.log(mp.gammainc(a, *ends, regularized=True)) - mp.log(p)

                start = (gammaincinv if lower else gammainccinv)(float(a), float(p))
                x = mp.exp(mp.findroot(off, math.log(start)))
                return x / scale if power == 1 else scale / x

            at = mp.mpf(p), mp.mpf(a), mp.mpf(1.75)
            units = np.eye(3, dtype=int)
            truth = [
                [float(mp.diff(answer, at, tuple(map(int, row + column)))) for column in units]
                for row in units
            ]
        for found in (forward(p, a, 1.75), reverse(p, a, 1.75)):
            np.testing.assert_allclose(found, truth, 1e-12, 1e-300 if power == 1 else 1e-12)


@pytest.mark.full
def test_slopes_where_only_the_quantile_itself_is_too_small():
    """The answer for rate one is a number, that over the rate is none, its slope is one again."""
    p, a, rate = np.float32(9.55e-29), np.float32(0.75), np.float32(1.09868e12)
    assert gamma.quantile(p, a, rate) == 0
    with mp.workdps(30):
        a_, p_, rate_ = (mp.mpf(float(part)) for part in (a, p, rate))
        x = (mp.gamma(1 + a_) * p_) ** (1 / a_) / rate_
        truth = float(x / a_ / p_)
    assert truth > 1e-25
    np.testing.assert_allclose(jax.grad(gamma.quantile)(p, a, rate), truth, 1e-4)


@pytest.mark.full
def test_slopes_of_a_quantile_that_is_none_or_not_a_number():
    """Zero where the answer is far too small, though one over its p is infinite; NaN of NaN."""
    slopes = jax.jit(jax.grad(gamma.quantile, (0, 1, 2)))
    np.testing.assert_array_equal(slopes(2.3e-308, 2.0**-14, 1.0), (0.0, 0.0, 0.0))
    assert np.isnan(slopes(np.nan, 2.5, 1.0)).all()
    assert np.isnan(jax.grad(gammaincinv, 1)(2.5, np.nan))


def test_slope_in_the_probability_far_out():
    """One over the density at the answer, whose exponential alone would have lost three digits."""
    a, p = 1615.75, 2.0**-826
    x = gammaincinv(a, p)
    with mp.workdps(60):
        place = mp.findroot(
            lambda t: mp.log(mp.gammainc(a, 0, t, regularized=True)) - mp.log(p), float(x)
        )
        slope = mp.exp(mp.loggamma(a) + place - (a - 1) * mp.log(place))
    np.testing.assert_allclose(jax.grad(gammaincinv, 1)(a, p), float(slope), 5e-14)


def excess(lower, a, p, x, eps):
    """How far the tail at the answer is from p."""
    a, p, x = (mp.mpf(float(part)) for part in (a, p, x))
    with mp.workdps(60):

        def tail(a, x):
            ends = (0, x) if lower else (x, mp.inf)
            return mp.gammainc(a, *ends, regularized=True)

        density = mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))
        step = a * mp.mpf(10) ** -20
        moved = abs(tail(a + step, x) - tail(a - step, x)) / (2 * step)
        return float(abs(tail(a, x) - p) / (eps / 2 * (p + x * density + a * moved)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("fn", "lower"), [(gammaincinv, True), (gammainccinv, False)])
def test_the_tail_at_the_answer_is_the_probability(fn, lower, dtype):
    a, p = batch(dtype)
    answers = np.asarray(fn(a, p))
    assert answers.dtype == dtype
    info = np.finfo(dtype)
    kept = answers > info.tiny
    assert kept.mean() > 0.8
    found = [
        (excess(lower, *args, float(info.eps)), args)
        for args in zip(a[kept], p[kept], answers[kept], strict=True)
    ]
    worst = max(found)
    assert worst[0] <= BAR, worst


def test_underflow_is_zero():
    assert gammaincinv(1e-3, 0.3) == 0
    assert gammainccinv(1e-4, 0.5) == 0


def test_first_term_of_a_tiny_shape():
    """Its logarithm of the gamma function has all digits before it is divided by the shape."""
    a, q = 2.0**-14, 0.0133906791
    with mp.workdps(40):
        log = (mp.log1p(-mp.mpf(q)) + mp.loggamma(1 + mp.mpf(a))) / mp.mpf(a)
        truth = float(mp.exp(log))
    np.testing.assert_allclose(gammainccinv(a, q), truth, 5e-14)


def test_limits():
    inf, nan = jnp.inf, jnp.nan
    assert gammaincinv(2.5, 0.0) == gammainccinv(2.5, 1.0) == 0
    assert gammaincinv(2.5, 1.0) == gammainccinv(2.5, 0.0) == inf
    for fn in (gammaincinv, gammainccinv):
        for args in ((nan, 0.5), (1.0, nan), (-1.0, 0.5), (1.0, -0.1), (1.0, 1.1), (inf, 0.5)):
            assert np.isnan(fn(*args)), args


def test_agrees_with_scipy():
    a = np.array([0.05, 0.4, 1.0, 3.0, 50.0, 1e3, 1e5])[:, None] + np.zeros(5)
    p = np.array([1e-3, 0.1, 0.5, 0.9, 1 - 1e-9]) + np.zeros((7, 1))
    truth = scipy.special.gammaincinv(a, p), scipy.special.gammainccinv(a, p)
    np.testing.assert_allclose(gammaincinv(a, p), truth[0], 1e-11)
    np.testing.assert_allclose(gammainccinv(a, p), truth[1], 1e-11)


@pytest.mark.full
@pytest.mark.parametrize("fn", [gammaincinv, gammainccinv])
def test_slopes_against_differences_of_scipy(fn):
    other = scipy.special.gammaincinv if fn is gammaincinv else scipy.special.gammainccinv
    for a, p in ((0.7, 0.2), (3.0, 0.6), (40.0, 0.01)):
        h = 1e-6
        slopes = (
            (other(a + h, p) - other(a - h, p)) / (2 * h),
            (other(a, p + h * p) - other(a, p - h * p)) / (2 * h * p),
        )
        np.testing.assert_allclose(jax.grad(fn, (0, 1))(a, p), slopes, 1e-7)


EXPLAINED = 16
"""In units of what an epsilon of answer and arguments explains; measured are four."""
TAILS = ("cdf", "sf", "log_cdf", "log_sf")
SHAPES, SCALES = (1e-4, 0.5, 3.0, 1e4, 1e8), (1e-10, 1.0, 1e10)
NEAR = [
    (b / (a + step * math.sqrt(a)), a, b)
    for a in SHAPES[1:]
    for b, steps in ((1e-10, (-1, 8)), (1.0, (-8, -1, 0, 1, 8)), (1e10, (-8, 1)))
    for step in steps
    if a + step * math.sqrt(a) > 0
]
"""Within so many deviations of where the mass is."""
FAR = list(itertools.product((1e-300, 1e-3, 1.0, 1e3, 1e300, 1.7e308), SHAPES, SCALES))


def lower_series(a, z):
    """P(a, z) by its power series, whose sum is counted in integers."""
    one = 1 << 400
    top, bottom = (int(mp.nint(part * one)) for part in (z, a))
    total = term = one
    while term:
        bottom += one
        term = term * top // bottom
        total += term
    return mp.exp(a * mp.log(z) - z - mp.loggamma(a + 1)) * total / one


def upper_fraction(a, z):
    """Q(a, z) by Legendre's continued fraction, from its far end."""
    depth = 400
    value = z + 2 * depth + 1 - a
    for k in range(depth, 0, -1):
        value = z + 2 * k - 1 - a - k * (k - a) / value
    return mp.exp(a * mp.log(z) - z - mp.loggamma(a)) / value


@functools.cache
def truths(x, a, b):
    """Of each tail the value and slopes, each with what half a unit of the arguments explains."""
    with mp.workdps(100):
        x, a, b = map(mp.mpf, (x, a, b))
        z = b / x
        series = z < a + 12 * mp.sqrt(a) + 30
        h = a * mp.mpf(10) ** -20
        own = [(lower_series if series else upper_fraction)(a + k * h, z) for k in (-1, 0, 1)]
        sign = 1 if series else -1
        p, q = (own[1], 1 - own[1]) if series else (1 - own[1], own[1])
        log_p, log_q = (mp.log(p), mp.log1p(-p)) if series else (mp.log1p(-q), mp.log(q))
        # In the logarithm u of z and in a.
        u = mp.exp(a * mp.log(z) - z - mp.loggamma(a))
        da, uu, ua = sign * (own[2] - own[0]) / (2 * h), u * (a - z), u * (mp.log(z) - mp.psi(0, a))
        daa = sign * (own[2] - 2 * own[1] + own[0]) / h**2
        found = {}
        for name, value, log, turn in (("sf", p, log_p, 1), ("cdf", q, log_q, -1)):
            parts = [turn * part for part in (u, da, uu, ua, daa)]
            found[name] = answers(x, a, b, value, *parts)
            u_, a_, uu_, ua_, aa_ = (part / value for part in parts)
            bends = uu_ - u_**2, ua_ - u_ * a_, aa_ - a_**2
            found[f"log_{name}"] = answers(x, a, b, log, u_, a_, *bends)
        return found


def answers(x, a, b, value, u, da, uu, ua, aa):
    """Value and slopes in x, a and b, of the derivatives in log z and a; each with its reach."""
    return (
        (value, 2 * abs(u) + abs(a * da)),
        (-u / x, (abs(uu + u) + abs(uu) + abs(a * ua)) / x),
        (da, 2 * abs(ua) + abs(a * aa)),
        (u / b, (abs(uu) + abs(uu - u) + abs(a * ua)) / b),
    )


def errors(name, places):
    """How far value and slopes are from the truth, in units of what roundings explain."""
    slopes = jax.jit(jax.vmap(jax.value_and_grad(getattr(inverse_gamma, name), (0, 1, 2))))
    value, slopes = slopes(*np.array(places).T)
    info = np.finfo(float)
    for place, *found in zip(places, value, *slopes, strict=True):
        for entry, (truth, reach) in zip(found, truths(*place)[name], strict=True):
            if abs(truth) > info.max:
                assert entry == (np.inf if truth > 0 else -np.inf), (place, entry)
                continue
            assert np.isfinite(entry), (place, entry, mp.nstr(truth, 8))
            allowed = info.eps * (abs(truth) + reach) + info.tiny
            yield float(abs(mp.mpf(float(entry)) - truth) / allowed), place


@pytest.mark.parametrize("name", long_but(["cdf"], TAILS))
def test_tails_and_their_slopes_keep_their_digits(name):
    worst = max(errors(name, NEAR + FAR))
    assert worst[0] <= EXPLAINED, worst


@pytest.mark.full
def test_small_answers_of_float32():
    # Where a step would meet powers below the least number.
    cases = {
        (gammaincinv, scipy.special.gammaincinv): (
            [0.85, 0.84685993, 1.2],
            [1e-32, 1.352076e-35, 1e-35],
        ),
        (gammainccinv, scipy.special.gammainccinv): ([0.3, 3.3396957e-4], [0.9999, 0.03092983]),
    }
    for (fn, truth), args in cases.items():
        a, p = np.float32(args)
        expected = truth(a.astype(float), p.astype(float))
        np.testing.assert_allclose(fn(a, p), expected, rtol=1e-3, atol=np.finfo(np.float32).tiny)


@pytest.mark.parametrize("dtype", long_but([np.float64], [np.float64, np.float32]))
def test_slopes_in_p_do_not_hang_on_the_rounding_of_the_answer(dtype):
    """For a large shape the density changes by many roundings from one number to the next."""

    def lower(a, x):
        term = total = mp.mpf(1)
        n = 0
        while term > mp.eps * total:
            n += 1
            term *= x / (a + n)
            total += term
        return total * mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1))

    slope = jax.jit(jax.grad(gammaincinv, 1))
    for point in ((1.2e7, 0.004), (1.1e6, 0.73), (3.1e5, 1e-20)):
        a, p = map(dtype, point)
        with mp.workdps(40):
            shape, x = mp.mpf(float(a)), mp.mpf(float(gammaincinv(a, p)))
            for _ in range(3):
                density = mp.exp((shape - 1) * mp.log(x) - x - mp.loggamma(shape))
                x -= (lower(shape, x) - mp.mpf(float(p))) / density
            true = float(1 / density)
        np.testing.assert_allclose(slope(a, p), true, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("lower", [True, False])
def test_a_step_to_a_quantile_is_of_the_fourth_order(lower):
    """Half as far away, it leaves a sixteenth: in the gamma and in the beta distribution."""
    a, b, x, y = 2.5, 4.0, 3.0, 0.375
    p = scipy.special.gammainc(a, x), scipy.special.betainc(a, b, y)
    p_gamma, p_beta = p if lower else (1 - p[0], 1 - p[1])
    away = 2.0 ** -np.arange(3.0, 6.0)
    place = x * np.exp(away)
    tail = incomplete_gamma.tail_of(a, place)
    left = away - tails.step_to(p_gamma, lower, tail, a - place, place)
    np.testing.assert_allclose(left[:-1] / left[1:], 16, rtol=0.2)
    odds = y / (1 - y) * np.exp(away)
    y, z = odds / (1 + odds), 1 / (1 + odds)
    tail = beta_tail.tail_of(a, b, y, z)
    left = away - tails.step_to(p_beta, lower, tail, a * z - b * y, (a + b) * y * z)
    np.testing.assert_allclose(left[:-1] / left[1:], 16, rtol=0.2)


def test_the_first_term_wherever_it_is_all():
    """Just beyond where a step could still reach it, and far beyond."""
    cases, truth = [], []
    with mp.workdps(40):
        for a, log_x in itertools.product((1e-3, 0.02, 0.5, 1.2), (-201, -300, -480)):
            p = float(mp.exp(mp.mpf(a) * log_x - mp.loggamma(1 + mp.mpf(a))))
            cases.append((a, p))
            truth.append(float((mp.log(p) + mp.loggamma(1 + mp.mpf(a))) / mp.mpf(a)))
    # One after the other: of an array all entries go the way that one of them needs.
    x = jax.lax.map(lambda case: gammaincinv(*case), tuple(np.array(cases).T))
    np.testing.assert_allclose(np.log(x), truth, 1e-14)
