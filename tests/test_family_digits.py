"""Densities, entropies and divergences of families with shapes, against 90 digits.

Shapes of 1e-4 to 1e8, values far out and at the mean. An error counts in roundings of the result
and of what one rounding of each argument changes, by the derivatives of the truth.
"""

import functools
import itertools

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath import distributions as d

SHAPES = (2.0**-14, 0.7, 60.0, 2.0**27)
FAR = (1e-9, 0.5, 1.0, 1.001, 4.0)
FACTORS = ((1 + 1e-7, 1 - 2e-7), (0.02, 5.0), (0.01, 0.01))


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def beta_log_prob(x, a, b):
    return (a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x) - log_beta(a, b)


def beta_entropy(a, b):
    n, psi = a + b, mp.digamma
    return log_beta(a, b) - (a - 1) * psi(a) - (b - 1) * psi(b) + (n - 2) * psi(n)


def beta_cross_entropy(a, b, c, d):
    of_sum = mp.digamma(a + b)
    rest = (c - 1) * (mp.digamma(a) - of_sum) + (d - 1) * (mp.digamma(b) - of_sum)
    return log_beta(c, d) - rest


def inverse_gamma_log_prob(x, a, b):
    return a * mp.log(b) - (a + 1) * mp.log(x) - b / x - mp.loggamma(a)


def f_log_prob(x, n, m):
    a, b = n / 2, m / 2
    return a * mp.log(a / b) + (a - 1) * mp.log(x) - (a + b) * mp.log1p(a / b * x) - log_beta(a, b)


def f_tail(x, n, m, upper):
    a, b, y = (m / 2, n / 2, 1 / (1 + n / m * x)) if upper else (n / 2, m / 2, 1 / (1 + m / n / x))
    return mp.betainc(a, b, 0, y, regularized=True)


def f_log_tail(x, n, m, upper):
    other = f_tail(x, n, m, not upper)
    return mp.log1p(-other) if other < 0.5 else mp.log(f_tail(x, n, m, upper))


def f_entropy(n, m):
    a, b = n / 2, m / 2
    psi = mp.digamma
    rest = (1 - a) * psi(a) - (1 + b) * psi(b) + (a + b) * psi(a + b)
    return mp.log(b / a) + log_beta(a, b) + rest


def gumbel_kl(loc, scale, loc_q, scale_q):
    r, far = scale / scale_q, (loc - loc_q) / scale_q
    return mp.euler * (r - 1) - mp.log(r) + far + mp.exp(-far) * mp.gamma(1 + r) - 1


def gumbel_cross_entropy(loc, scale, loc_q, scale_q):
    return gumbel_kl(loc, scale, loc_q, scale_q) + mp.log(scale) + 1 + mp.euler


def log_normal_wasserstein(loc, scale, loc_q, scale_q):
    def moment(a, b):
        return mp.exp(a + b / 2)

    squares = moment(2 * loc, 4 * scale**2) + moment(2 * loc_q, 4 * scale_q**2)
    return squares - 2 * moment(loc + loc_q, (scale + scale_q) ** 2)


def weibull_wasserstein(k, s, q, t):
    cross = mp.gamma(1 + 1 / k + 1 / q)
    return s * s * mp.gamma(1 + 2 / k) + t * t * mp.gamma(1 + 2 / q) - 2 * s * t * cross


def von_mises_overlap(share, loc, k, loc_q, q):
    a, b = share * k, (1 - share) * q
    length = mp.sqrt(a * a + b * b + 2 * a * b * mp.cos(loc - loc_q))
    return mp.besseli(0, length) / mp.besseli(0, k) ** share / mp.besseli(0, q) ** (1 - share)


def negative_binomial_log_prob(x, r, p):
    ways = mp.loggamma(x + r) - mp.loggamma(x + 1) - mp.loggamma(r)
    return ways + r * mp.log(p) + x * mp.log(1 - p)


def beta_binomial_log_prob(x, n, a, b):
    return mp.log(mp.binomial(n, x)) + log_beta(x + a, n - x + b) - log_beta(a, b)


def beta_binomial_skewness(n, a, b):
    s = a + b
    return (s + 2 * n) * (b - a) / (s + 2) * mp.sqrt((1 + s) / (n * a * b * (n + s)))


def beta_binomial_kurtosis(n, a, b):
    s = a + b
    most = s * (s - 1 + 6 * n) + 3 * a * b * (n - 2) + 6 * n * n
    most = most - 3 * a * b * n * (6 - n) / s - 18 * a * b * n * n / s**2
    return s**2 * (1 + s) / (n * a * b * (s + 2) * (s + 3) * (s + n)) * most - 3


def inside(a, b):
    return min(a, b) >= 2.0**-14 and max(a, b) <= 2.0**27


TWO = list(itertools.product(SHAPES, SHAPES))
BETA_VALUES = [
    (x, a, b)
    for a, b in TWO
    for x in (1e-300, a / (a + b), a / (a + b) * 0.99, 1 - 2.0**-53)
    if x < 1
]
BETA_PAIRS = [
    (a, b, a * one, b * other)
    for (a, b), (one, other) in itertools.product(TWO, FACTORS)
    if inside(a * one, b * other)
]
INVERSE_GAMMA_VALUES = [
    (b / (a * share), a, b) for a in SHAPES for b in (2.0**-40, 3.0, 2.0**40) for share in FAR
]
COUNTS = [
    (x, r, p)
    for r in SHAPES
    for x in (0.0, 1.0, 40.0, 1e5)
    for p in (2.0**-20, 0.4, r / (r + x), 1 - 2.0**-20)
    if 2.0**-20 <= p < 1
]
TRIALS = (1.0, 7.0, 2.0**20)
SUCCESSES = [
    (x, n, a, b)
    for n in TRIALS
    for a, b in TWO
    for x in sorted({0.0, 1.0, n, float(round(n * (a / (a + b))))})
]
FREEDOMS = [(n, m) for n in (2.0**-4, 3.0, 900.0) for m in (2.0**-4, 7.5, 2.0**10)]
F_VALUES = [(x, n, m) for x in (1e-9, 0.3, 1.0, 8.0, 1e6) for n, m in FREEDOMS]
PLACES = [
    (0.3, 1.5, 0.3, 1.5 + 2.0**-30),
    (0.3, 1.5, 0.3 + 2.0**-30, 1.5),
    (0.3, 1.5, -2.0, 1.0),
    (-4.0, 0.5, 3.0, 2.5),
    (1.0, 2.0**-9, 1.0, 2.0**-3),
    (1.0, 3.0, 1.5, 0.5),
]
ANGLES = [
    (0.3, 1.5, 0.3, 1.5 + 2.0**-30),
    (0.3, 1.5, 0.3 + 2.0**-30, 1.5),
    (0.3, 1.5, -2.0, 30.0),
    (3.0, 700.0, -3.0, 650.0),
    (1.0, 1e-9, 2.0, 1e-3),
]
CASES = {
    "gumbel.kl": (d.gumbel.kl, gumbel_kl, PLACES, (0, 1, 2, 3)),
    "gumbel.cross_entropy": (d.gumbel.cross_entropy, gumbel_cross_entropy, PLACES, (0, 1, 2, 3)),
    "log_normal.squared_wasserstein": (
        d.log_normal.squared_wasserstein,
        log_normal_wasserstein,
        PLACES,
        (0, 1, 2, 3),
    ),
    "weibull.squared_wasserstein": (
        d.weibull.squared_wasserstein,
        weibull_wasserstein,
        [
            (1.5, 2.0, 1.5 + 2.0**-30, 2.0),
            (1.5, 2.0, 1.5, 2.0 + 2.0**-30),
            (0.5, 1.0, 8.0, 3.0),
            (1e4, 1.0, 2e4, 1.0),
            (2.0, 1e-9, 3.0, 1e9),
        ],
        (0, 1, 2, 3),
    ),
    "von_mises.squared_hellinger": (
        d.von_mises.squared_hellinger,
        lambda *at: 1 - von_mises_overlap(mp.mpf(1) / 2, *at),
        ANGLES,
        (0, 1, 2, 3),
    ),
    "von_mises.renyi": (
        functools.partial(d.von_mises.renyi, 2.5),
        lambda *at: mp.log(von_mises_overlap(mp.mpf(5) / 2, *at)) * 2 / 3,
        ANGLES,
        (0, 1, 2, 3),
    ),
    "beta_binomial.log_prob": (
        d.beta_binomial.log_prob,
        beta_binomial_log_prob,
        SUCCESSES,
        (2, 3),
    ),
    "beta_binomial.skewness": (
        d.beta_binomial.skewness,
        beta_binomial_skewness,
        [(n, a, b) for n in TRIALS for a, b in TWO],
        (1, 2),
    ),
    "beta_binomial.kurtosis": (
        d.beta_binomial.kurtosis,
        beta_binomial_kurtosis,
        [(n, a, b) for n in TRIALS for a, b in TWO],
        (1, 2),
    ),
    "beta.log_prob": (d.beta.log_prob, beta_log_prob, BETA_VALUES, (0, 1, 2)),
    "beta.entropy": (d.beta.entropy, beta_entropy, TWO, (0, 1)),
    "beta.cross_entropy": (
        d.beta.cross_entropy,
        beta_cross_entropy,
        BETA_PAIRS,
        (0, 1, 2, 3),
    ),
    "beta.kl": (
        d.beta.kl,
        lambda a, b, c, d: beta_cross_entropy(a, b, c, d) - beta_entropy(a, b),
        BETA_PAIRS,
        (0, 1, 2, 3),
    ),
    "beta.mean": (d.beta.mean, lambda a, b: a / (a + b), TWO, (0, 1)),
    "beta.skewness": (
        d.beta.skewness,
        lambda a, b: 2 * (b - a) * mp.sqrt((a + b + 1) / a / b) / (a + b + 2),
        TWO,
        (0, 1),
    ),
    "beta.kurtosis": (
        d.beta.kurtosis,
        lambda a, b: 6 * ((a - b) ** 2 * (a + b + 1) / a / b / (a + b + 2) - 1) / (a + b + 3),
        TWO,
        (0, 1),
    ),
    "inverse_gamma.log_prob": (
        d.inverse_gamma.log_prob,
        inverse_gamma_log_prob,
        INVERSE_GAMMA_VALUES,
        (0, 1, 2),
    ),
    "inverse_gamma.entropy": (
        d.inverse_gamma.entropy,
        lambda a, b: a + mp.log(b) + mp.loggamma(a) - (1 + a) * mp.digamma(a),
        [(a, b) for a in SHAPES for b in (2.0**-40, 3.0, 2.0**40)],
        (0, 1),
    ),
    "f.log_prob": (d.f.log_prob, f_log_prob, F_VALUES, (0, 1, 2)),
    "f.entropy": (d.f.entropy, f_entropy, FREEDOMS, (0, 1)),
    "f.log_cdf": (d.f.log_cdf, lambda *at: f_log_tail(*at, False), F_VALUES, (0, 1, 2)),
    "f.log_sf": (d.f.log_sf, lambda *at: f_log_tail(*at, True), F_VALUES, (0, 1, 2)),
    "negative_binomial.log_prob": (
        d.negative_binomial.log_prob,
        negative_binomial_log_prob,
        COUNTS,
        (1, 2),
    ),
}
ROUNDINGS = {"beta.kl": 400, "f.log_cdf": 1024, "f.log_sf": 1024}
"""More than 16 are lost where one shape is far larger and both distributions differ in it alone,
and in the slopes of F's tails in a thousand degrees of freedom, differences of larger terms."""


def derivatives(exact, point, places):
    """Of the truth: the value, the slopes, and the second derivatives, by central differences."""
    at = [mp.mpf(float(part)) for part in point]
    steps = {k: abs(at[k]) * mp.mpf(10) ** -25 for k in places}

    def moved(*moves):
        return exact(*(part + sum(s for j, s in moves if j == k) for k, part in enumerate(at)))

    def mixed(j, k):
        h, g = steps[j], steps[k]
        ends = ((s, t, moved((j, s * h), (k, t * g))) for s in (1, -1) for t in (1, -1))
        return sum(s * t * end for s, t, end in ends) / (4 * h * g)

    slopes = [(moved((k, h)) - moved((k, -h))) / (2 * h) for k, h in steps.items()]
    return exact(*at), slopes, [[mixed(j, k) for k in places] for j in places]


SLOW = ("beta.kl", "beta.cross_entropy", "beta_binomial.log_prob")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.full if name in SLOW else ()) for name in CASES],
)
def test_values_and_slopes_keep_their_digits(name):
    fn, exact, points, places = CASES[name]
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(fn, places)))(*np.array(points).T)
    found = np.stack([values, *slopes], -1)
    allowed = ROUNDINGS.get(name, 16) * float(np.finfo(np.float64).eps)
    with mp.workdps(90):
        for point, ours in zip(points, found, strict=True):
            value, first, second = derivatives(exact, point, places)
            rows = zip([value, *first], [first, *second], ours, strict=True)
            for order, (truth, moves, answer) in enumerate(rows):
                size = [abs(m * float(point[k])) for k, m in zip(places, moves, strict=True)]
                slack = allowed * (abs(truth) + sum(size)) + mp.mpf(10) ** -300
                if order == 0:  # of size one, near a zero of the value
                    slack += allowed / 16
                assert abs(mp.mpf(float(answer)) - truth) <= slack, (point, order)


@pytest.mark.parametrize("share", [0.94, 0.97, 0.999, 1.0, 1.01])
def test_slopes_of_the_upper_tail_between_median_and_mean(share):
    """There the upper tail is below a half and still not the one that is computed."""
    a, rate = 5.0, 3.5
    x = a * share / rate
    slopes = jax.grad(d.gamma.log_sf)(x, a, rate), jax.grad(jax.grad(d.gamma.log_sf))(x, a, rate)
    with mp.workdps(40):
        z = mp.mpf(x) * rate
        hazard = rate * z ** (a - 1) * mp.exp(-z) / mp.gammainc(a, z)
        truth = -hazard, -hazard * ((a - 1) / mp.mpf(x) - rate + hazard)
        np.testing.assert_allclose(slopes, np.array(truth, float), rtol=1e-14)


def f_log_prob(x, dfn, dfd):
    a, b, x = mp.mpf(dfn) / 2, mp.mpf(dfd) / 2, mp.mpf(x)
    spread = a * mp.log(a / b) + (a - 1) * mp.log(x) - (a + b) * mp.log1p(a / b * x)
    return spread - log_beta(a, b)


@pytest.mark.parametrize(
    "at",
    [
        (1.6999894344175145e306, 1023.9999999999591, 2.1684103651660123),
        (1.797e308, 5.0, 1024.0),
        (1e308, 0.1, 0.1),
        (1e-307, 0.1, 900.0),
    ],
)
def test_f_where_its_odds_leave_the_dtype(at):
    with mp.workdps(60):
        value, *slopes = (
            float(mp.diff(lambda n, m: f_log_prob(at[0], n, m), at[1:], order))
            for order in ((0, 0), (1, 0), (0, 1))
        )
    np.testing.assert_allclose(d.f.log_prob(*at), value, rtol=4e-15)
    np.testing.assert_allclose(d.f.score(*at), slopes, rtol=1e-12)


def test_counts_at_the_end_of_their_integers():
    """Far below a count the tail's logarithm is that of a power of the rate."""
    most, rate = np.iinfo(np.int32).max, 1e-3
    bend = jax.grad(jax.grad(d.poisson.log_sf, 1), 1)(np.int32(most), rate)
    np.testing.assert_allclose(bend, -(most + 1) / rate**2, rtol=1e-9)
