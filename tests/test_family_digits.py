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
from tests.marks import long_but

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


SLOW = (
    *("beta.kl", "beta.cross_entropy", "beta_binomial.log_prob", "f.log_cdf", "f.log_sf"),
    *("von_mises.renyi", "von_mises.squared_hellinger"),
)


@pytest.mark.parametrize(
    "name",
    long_but(CASES.keys() - SLOW, CASES),
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


@pytest.mark.full
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


@pytest.mark.full
@pytest.mark.parametrize("name", ["cdf", "sf", "log_cdf", "log_sf"])
def test_tails_of_f_where_its_odds_leave_the_dtype(name):
    points = [(2.3e-308, 0.0625, 1024.0), (1.79e308, 1.0, 1.0), (1e308, 900.0, 0.1)]
    # The other shape is above one, or the share times the density leaves the dtype.
    points = np.array([*points, (1e-300, 6.0, 3.0), (4e-139, 4.625, 4.875)])
    tail = f_log_tail if name.startswith("log") else f_tail
    values, slopes = jax.vmap(jax.value_and_grad(getattr(d.f, name), (0, 1, 2)))(*points.T)
    with mp.workdps(400):
        for k, point in enumerate(points):
            exact, first, _ = derivatives(
                lambda *at: tail(*at, name.endswith("sf")), point, (0, 1, 2)
            )
            found = [values[k], *(slope[k] for slope in slopes)]
            truth = np.array([exact, *first], float)
            np.testing.assert_allclose(found, truth, 1e-12, 1e-307, err_msg=str(point))
    least = np.float32(1.18e-38), np.float32(0.0625), np.float32(1024)
    np.testing.assert_allclose(d.f.cdf(*least), 0.05959197, 1e-5)


@pytest.mark.full
def test_slopes_of_f_tails_far_out():
    """Where a slope is a small rest of large ones, or a share's square leaves the dtype."""
    points = [(1e-60, 2.5, 1024.0), (1e200, 9.0, 0.0625), (1e-100, 0.0625, 900.0)]
    points = np.array([*points, (4.5, 1024.0, 3.5), (0.7, 10.0, 20.0), (0.01, 0.125, 0.25)])
    slopes = jax.jit(jax.vmap(jax.grad(d.f.log_sf, (0, 1, 2))))(*points.T)
    bends = d.f.F.seconds["log_sf"]
    pairs = ("x", "x"), ("dfn", "dfd"), ("x", "dfn"), ("x", "dfd")
    bends = [jax.jit(jax.vmap(bends[pair]))(*points.T) for pair in pairs]
    found = np.stack([*slopes, *bends], 1)
    with mp.workdps(200):
        step = mp.mpf(10) ** -25
        for k, point in enumerate(points):
            at = [mp.mpf(number) for number in point]

            def tail(*turns, at=at):
                moved = (part * (1 + step * turn) for part, turn in zip(at, turns, strict=True))
                return f_log_tail(*moved, True)

            x, n, m = (step * part for part in at)
            truth = [
                (tail(1, 0, 0) - tail(-1, 0, 0)) / (2 * x),
                (tail(0, 1, 0) - tail(0, -1, 0)) / (2 * n),
                (tail(0, 0, 1) - tail(0, 0, -1)) / (2 * m),
                (tail(1, 0, 0) - 2 * tail(0, 0, 0) + tail(-1, 0, 0)) / x**2,
                (tail(0, 1, 1) - tail(0, 1, -1) - tail(0, -1, 1) + tail(0, -1, -1)) / (4 * n * m),
                (tail(1, 1, 0) - tail(1, -1, 0) - tail(-1, 1, 0) + tail(-1, -1, 0)) / (4 * x * n),
                (tail(1, 0, 1) - tail(1, 0, -1) - tail(-1, 0, 1) + tail(-1, 0, -1)) / (4 * x * m),
            ]
            truth = np.array(truth, float)
            np.testing.assert_allclose(found[k], truth, 1e-12, 1e-300, err_msg=str(point))


@pytest.mark.full
def test_slopes_of_beta_tails_at_the_ends_of_x():
    assert np.isnan(jax.grad(d.beta.cdf)(np.nan, 2.0, 3.0))
    bend = jax.jit(jax.vmap(jax.grad(jax.grad(d.beta.cdf, 1), 1)))
    found = bend(np.array([2.3e-308, 1e-156]), np.array([2.0, 1.5]), np.array([3.0, 3.0]))
    with mp.workdps(40):
        cdf = lambda a: mp.betainc(a, 3, 0, mp.mpf(1e-156), regularized=True)  # noqa: E731
        np.testing.assert_allclose(found, [0.0, float(mp.diff(cdf, 1.5, 2))], 1e-12)


@pytest.mark.full
def test_counts_at_the_end_of_their_integers():
    """Far below a count the tail's logarithm is that of a power of the rate."""
    most, rate = np.iinfo(np.int32).max, 1e-3
    bend = jax.grad(jax.grad(d.poisson.log_sf, 1), 1)(np.int32(most), rate)
    np.testing.assert_allclose(bend, -(most + 1) / rate**2, rtol=1e-9)


def laplace_dscale(loc, scale, loc_q, scale_q):
    far = abs(loc - loc_q) / scale
    return (1 + far) * mp.exp(-far) / scale_q


def weibull_quantile_dp(p, concentration, scale):
    hazard = -mp.log1p(-p)
    return scale * hazard ** (1 / concentration) / concentration / hazard / (1 - p)


def gumbel_dscale(x, loc, scale):
    z = (x - loc) / scale
    return (z * (1 - mp.exp(-z)) - 1) / scale


def gumbel_log_cdf_dscale(x, loc, scale):
    z = (x - loc) / scale
    return -z * mp.exp(-z) / scale


AT_THE_ENDS = {
    "gumbel.log_cdf": (gumbel_log_cdf_dscale, 2, (-629.73761, 2.9437902, 7.48755741)),
    "gumbel.log_prob": (gumbel_dscale, 2, (-629.73761, 2.9437902, 7.48755741)),
    "weibull.quantile": (weibull_quantile_dp, 0, (2.08790983e-32, 4.22690725, 5.776191e11)),
    "laplace.cross_entropy": (laplace_dscale, 1, (-629.73761, 7.18221283, -1.0, 2.4366138)),
}


@pytest.mark.parametrize("name", AT_THE_ENDS)
def test_slopes_in_single_precision_are_numbers_where_the_truth_is_one(name):
    truth, place, point = AT_THE_ENDS[name]
    family, function = name.split(".")
    fn, point = getattr(getattr(d, family), function), [np.float32(part) for part in point]
    exact = truth(*(mp.mpf(float(part)) for part in point))
    np.testing.assert_allclose(jax.grad(fn, place)(*point), float(exact), 1e-4)


def test_a_slope_of_improbable_labels():
    logits, other = np.float32([0.0, 0.0, 100.5]), np.float32([3.0, -1.25e8, -8.0])
    found = jax.grad(d.categorical.cross_entropy)(logits, other)
    np.testing.assert_allclose(found[1], 1.25e8 * np.exp(-100.5), 1e-4)


@pytest.mark.parametrize("step", [2.0**-25, 2.0**-8])
def test_dirichlet_divergences_of_neighbours_beside_a_large_concentration(step):
    a = np.array([2.0**27, 2.0**-14, 3 * 2.0**-14])
    b = a + np.array([step, 0.0, 0.0])
    with mp.workdps(120):
        p, q = ([mp.mpf(float(part)) for part in each] for each in (a, b))
        means = [mp.psi(0, each) - mp.psi(0, mp.fsum(p)) for each in p]
        log_b = [mp.fsum(map(mp.loggamma, each)) - mp.loggamma(mp.fsum(each)) for each in (p, q)]
        gap = mp.fsum((x - y) * m for x, y, m in zip(p, q, means, strict=True))
        truth = float(log_b[1] - log_b[0] + gap)
    np.testing.assert_allclose(d.dirichlet.kl(a, b), truth, 1e-12)


@pytest.mark.parametrize("x", [3.0, 132692.0])
@pytest.mark.parametrize("r", [6.10351621e-05, 0.7])
def test_probabilities_of_rare_counts(x, r):
    p = 2.0**-20
    with mp.workdps(60):
        truth = float(mp.exp(negative_binomial_log_prob(mp.mpf(x), mp.mpf(r), mp.mpf(p))))
    np.testing.assert_allclose(d.negative_binomial.prob(x, r, p), truth, 2e-15)


@pytest.mark.full
@pytest.mark.parametrize("r", [1e-3, 0.8, 4.0, 1e3, 1e7])
@pytest.mark.parametrize("p", [1e-6, 0.02, 0.5, 0.99])
def test_negative_binomial_quantiles_are_where_the_distribution_function_passes(r, p):
    u = np.array([1e-9, 0.1, 0.5, 0.9, 1 - 1e-9])
    k = np.asarray(d.negative_binomial.quantile(u, r, p))
    assert np.all(d.negative_binomial.cdf(k, r, p) >= u)
    assert np.all((k == 0) | (d.negative_binomial.cdf(k - 1, r, p) < u))
    k = np.asarray(d.negative_binomial.isf(u, r, p))
    assert np.all(d.negative_binomial.sf(k, r, p) <= u)
    assert np.all((k == 0) | (d.negative_binomial.sf(k - 1, r, p) > u))


@pytest.mark.parametrize("other", [(0.5, 2.0), (0.0, 1.0 + 1e-6), (10.0, 3.0)])
def test_divergences_of_cauchy_distributions_are_integrals(other):
    def share(x):
        return (other[1] * (1 + x * x)) / ((x - other[0]) ** 2 + mp.mpf(other[1]) ** 2)

    def mean(fn):  # under the standard member, over its angle
        angles = [-mp.pi / 2, -1, 0, 1, 1.4, mp.pi / 2]
        return mp.quad(lambda u: fn(share(mp.tan(u))), angles) / mp.pi

    with mp.workdps(40):
        half = mean(lambda r: (1 - mp.sqrt(r)) ** 2) / 2
        both = mean(lambda r: mp.log(2 / (1 + r)) + r * mp.log(2 * r / (1 + r))) / 2
    params = (0.0, 1.0, *other)
    np.testing.assert_allclose(d.cauchy.squared_hellinger(*params), float(half), 1e-9)
    np.testing.assert_allclose(d.cauchy.jensen_shannon(*params), float(both), 1e-9)


@pytest.mark.full
def test_beta_divergences_where_digamma_differences_do_not_cancel():
    point = 1.0, 2.0**-14, 2.0**27, 1.0

    def truth(a, b, c, e):
        own = (a - c) * mp.digamma(a) + (b - e) * mp.digamma(b)
        both = (c + e - a - b) * mp.digamma(a + b)
        return mp.log(mp.beta(c, e)) - mp.log(mp.beta(a, b)) + own + both

    with mp.workdps(60):
        np.testing.assert_allclose(d.beta.kl(*point), float(truth(*point)), rtol=1e-14)
        point = np.float32((134217264.0, 5.98632622, 8.58436203, 6.10351562e-05))
        place = tuple(map(float, point))
        exact = [float(mp.diff(truth, place, n)) for n in ((1, 0, 0, 0), (0, 1, 0, 0))]
    slopes = jax.grad(d.beta.kl, (0, 1))(*point)
    np.testing.assert_allclose(slopes, exact, rtol=1e-5)
    for one in np.float64(1), np.float32(1):
        assert d.beta.entropy(one, one) == 0
        assert d.beta.cross_entropy(one, one, one, one) == 0


@pytest.mark.full
@pytest.mark.parametrize("name", ["quantile", "isf"])
def test_slopes_of_inverse_gamma_quantiles(name):
    """By the implicit function theorem; 1 / gamma's where that alone is no number."""
    at, fn = (0.3, 2.5, 1.75), getattr(d.inverse_gamma, name)
    x = fn(*at)
    tail = d.inverse_gamma.cdf if name == "quantile" else d.inverse_gamma.sf
    moves = jax.grad(tail, (0, 1, 2))(x, *at[1:])
    expected = [1 / moves[0], -moves[1] / moves[0], -moves[2] / moves[0]]
    np.testing.assert_allclose(jax.grad(fn, (0, 1, 2))(*at), expected, rtol=1e-12)
    lost = fn(*((1e-3, 2.0**-8, 1e-300) if name == "isf" else (0.999, 2.0**-8, 1e-300)))
    with mp.workdps(40):
        a, small = mp.mpf(2.0**-8), mp.mpf(0.001 if name == "isf" else 1 - 0.999)
        first = (small * mp.gamma(1 + a)) ** (1 / a)
        np.testing.assert_allclose(lost, float(mp.mpf(1e-300) / first), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cauchy_beside_places_whose_squares_leave_the_dtype(dtype):
    x = np.array([0.5, -3e20, 1e36, 7.0], dtype)
    with mp.workdps(40):
        truth = [
            float(-mp.log(mp.pi / 4) - mp.log1p((4 * (mp.mpf(float(place)) + 1)) ** 2))
            for place in x
        ]
    found = d.cauchy.log_prob(x, dtype(-1), dtype(0.25))
    np.testing.assert_allclose(found, truth, 4 * np.finfo(dtype).eps)
