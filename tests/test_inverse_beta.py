"""The inverses of the incomplete beta functions, put back into Arb's own at 60 digits."""

import itertools

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special

from jaxmath.special import betainc, betaincc, betainccinv, betaincinv
from jaxmath.special.inverse_beta import betainccinv_shares
from tests.marks import long_but
from tests.test_incomplete_beta import tails

BAR = 200
"""In units of what half an epsilon of shapes, probability and answer explains."""
BOTH = pytest.mark.parametrize(("fn", "lower"), [(betaincinv, True), (betainccinv, False)])


def batch(dtype, count=120, most=3.0):
    """Shapes of all sizes; probabilities of all sizes on both sides of the median."""
    rng = np.random.default_rng(5)
    a, b = 10.0 ** rng.uniform(-2, most, (2, count))
    least = -290 if dtype == np.float64 else -30
    p = np.where(rng.random(count) < 0.5, rng.random(count), 10.0 ** rng.uniform(least, 0, count))
    return a.astype(dtype), b.astype(dtype), p.astype(dtype)


def excess(lower, a, b, p, x, eps):
    """How far the tail at the answer is from p."""
    a, b, p, x = (mp.mpf(float(part)) for part in (a, b, p, x))
    with mp.workdps(60):

        def tail(a, b, x):
            return tails(a, b, x)[0 if lower else 1]

        powers = (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x)
        density = mp.exp(powers + mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b))
        step = mp.mpf(10) ** -18
        moved = abs(tail(a + a * step, b, x) - tail(a - a * step, b, x)) / (2 * step)
        moved += abs(tail(a, b + b * step, x) - tail(a, b - b * step, x)) / (2 * step)
        return float(abs(tail(a, b, x) - p) / (eps / 2 * (p + x * density + moved)))


@pytest.mark.parametrize("fn", long_but([betaincinv], [betaincinv, betainccinv]))
def test_slopes_by_the_implicit_function_theorem(fn):
    """In the shapes and in p, on both sides of the median."""
    shapes = [(2.5, 3.5), (0.5, 0.75), (80.0, 120.0), (3.0, 0.5)]
    args = np.array([(*pair, p) for pair in shapes for p in (0.0625, 0.875)])
    found = jax.jit(jax.vmap(jax.grad(fn, (0, 1, 2))))(*args.T)
    with mp.workdps(40):
        for k, (a, b, p) in enumerate(args):

            def tail(a, b, x):
                ends = (0, x) if fn is betaincinv else (x, 1)
                return mp.betainc(a, b, *ends, regularized=True)

            near = float(fn(a, b, p))
            ends = (0.999 * near, near + 0.001 * (1 - near))
            x = mp.findroot(lambda x, a=a, b=b, p=p: tail(a, b, x) - p, ends, solver="anderson")
            orders = (1, 0, 0), (0, 1, 0), (0, 0, 1)
            in_a, in_b, density = (mp.diff(tail, (a, b, x), order) for order in orders)
            truth = np.array([-in_a / density, -in_b / density, 1 / density], float)
            np.testing.assert_allclose([slope[k] for slope in found], truth, 2e-12)


def bends(function, args):
    """The second derivatives of a function of 60 digits, by differences."""
    steps = [mp.mpf(arg) * mp.mpf(10) ** -14 for arg in args]

    def moved(*ways):
        at = list(args)
        for k, sign in ways:
            at[k] += sign * steps[k]
        return function(*at)

    signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    return [
        [
            sum(one * two * moved((i, one), (j, two)) for one, two in signs)
            / (4 * steps[i] * steps[j])
            for j in range(len(args))
        ]
        for i in range(len(args))
    ]


@BOTH
@pytest.mark.full
def test_second_slopes(fn, lower):
    """In the shapes and in p."""
    places = [(2.5, 3.5, 0.6), (0.5, 0.75, 1e-5), (80.0, 300.0, 1e-8), (3.0, 0.5, 0.875)]
    args = np.array([*places, (1e5, 4e5, 0.625)])
    truth = []
    for place in args:

        def answer(a, b, p, start):
            """The logarithm of the odds, by the secant through those that are nearly right."""
            near = float(fn(*start))
            log = mp.log(near) - mp.log1p(-near)

            def off(log):
                tail = tails(a, b, 1 / (1 + mp.exp(-log)))[0 if lower else 1]
                return mp.log(tail) - mp.log(p)

            log = mp.findroot(off, (log, log + mp.mpf(10) ** -15), tol=1e-100)
            return 1 / (1 + mp.exp(-log))

        with mp.workdps(58):
            at = tuple(map(mp.mpf, place))
            truth.append(np.array(bends(lambda *at, p=place: answer(*at, p), at), float))
    bends_of = jax.jit(jax.vmap(jax.jacfwd(jax.grad(fn, (0, 1, 2)), (0, 1, 2))))
    found = np.moveaxis(np.array(bends_of(*args.T)), -1, 0)
    np.testing.assert_allclose(found, truth, 1e-12)


@pytest.mark.full
def test_slopes_where_the_answer_itself_is_too_small():
    """By the first term of the series: x = (a B(a, b) p)^(1 / a), and from the other end alike."""
    a, b, p = 0.75, 0.25, 2.0**-900
    with mp.workdps(40):

        def answer(a, b, log_p):
            return mp.exp((mp.log(a * mp.beta(a, b)) + log_p) / a)

        at, orders = (a, b, mp.log(p)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))
        truth = [mp.diff(answer, at, n) / (p if n[2] else 1) for n in orders]
        truth = np.array(truth, float)
    assert truth[2] > 1e-200
    found = jax.jit(jax.grad(betaincinv, (0, 1, 2)))(a, b, p)
    np.testing.assert_allclose(found, truth, 1e-12, 1e-300)
    turned = jax.jit(jax.grad(betainccinv, (1, 0, 2)))(b, a, p)
    np.testing.assert_allclose(turned, -truth, 1e-12, 1e-300)
    # Just below what is taken for tiny, the slopes in the shapes are numbers as well.
    p = 0.4375 * 2.0**-766
    with mp.workdps(40):
        at = a, b, mp.log(p)
        truth = np.array([mp.diff(answer, at, n) for n in orders[:2]], float)
        assert 4e-308 < answer(*at) < 8e-308
    in_shapes = jax.jit(jax.grad(betaincinv, (0, 1)))(a, b, p)
    np.testing.assert_allclose(in_shapes[0], truth[0], 1e-12)
    np.testing.assert_allclose(in_shapes[1], truth[1], 1e-12)
    small = jax.jit(jax.grad(betaincinv, 1))(*map(np.float32, (3.875, 2.0**27, 2.0**-120)))
    with mp.workdps(40):
        lead = (mp.log(3.875) + mp.log(mp.beta(3.875, 2**27)) - 120 * mp.log(2)) / 3.875
        slope = -mp.exp(lead) * (mp.digamma(3.875 + 2**27) - mp.digamma(2**27)) / 3.875
    np.testing.assert_allclose(small, float(slope), 1e-5)


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.full
def test_the_tail_at_the_answer_is_the_probability(fn, lower, dtype):
    a, b, p = batch(dtype)
    answers = np.asarray(fn(a, b, p))
    assert answers.dtype == dtype
    info = np.finfo(dtype)
    kept = (answers > info.tiny) & (answers < 1)
    assert kept.mean() > 0.5
    found = [
        (excess(lower, *args, float(info.eps)), args)
        for args in zip(a[kept], b[kept], p[kept], answers[kept], strict=True)
    ]
    worst = max(found)
    assert worst[0] <= BAR, worst


@BOTH
@pytest.mark.full
def test_large_shapes(fn, lower):
    a, b, p = batch(np.float64, 4000, most=8.0)
    x = fn(a, b, p)
    forward, slope = (betainc if lower else betaincc), jax.vmap(jax.grad(betainc, 2))
    known = (x > 1e-300) & (x < 1 - 1e-9)
    allowed = 1e-12 * p * (1 + np.abs(np.log(p))) + 1e-15 * x * slope(a, b, jnp.clip(x, 1e-300))
    assert np.mean(known) > 0.4
    assert np.all(np.where(known, np.abs(forward(a, b, x) - p) <= allowed, True))


@pytest.mark.full
def test_both_ends_keep_their_digits():
    """Turned round, an answer that is close to one is one that is close to zero."""
    p = jnp.array([1e-300, 1e-40, 1e-5, 0.3])
    np.testing.assert_allclose(betaincinv(1.0, 3.0, p), -np.expm1(np.log1p(-p) / 3), 1e-13)
    np.testing.assert_allclose(betaincinv(3.0, 1.0, p), p ** (1 / 3), 1e-13)
    np.testing.assert_allclose(betainccinv(1.0, 2.5, p), 1 - p ** (1 / 2.5), 1e-13)
    assert betaincinv(1e-3, 2.0, 0.3) == 0
    assert betaincinv(2.0, 1e-3, 0.7) == 1


def test_limits():
    inf, nan = jnp.inf, jnp.nan
    assert betaincinv(2.5, 1.5, 0.0) == betainccinv(2.5, 1.5, 1.0) == 0
    assert betaincinv(2.5, 1.5, 1.0) == betainccinv(2.5, 1.5, 0.0) == 1
    outside = ((nan, 1, 0.5), (1, nan, 0.5), (1, 1, nan), (-1, 1, 0.5), (1, 0, 0.5))
    for fn in (betaincinv, betainccinv):
        for args in (*outside, (1, 1, -0.1), (1, 1, 1.1), (inf, 1, 0.5), (1, inf, 0.5)):
            assert np.isnan(fn(*map(float, args))), args


@BOTH
def test_agrees_with_scipy(fn, lower):
    a = np.array([0.05, 0.4, 1.0, 3.0, 50.0, 1e3])[:, None, None] + np.zeros((6, 5, 5))
    b, p = np.array([0.3, 1.0, 2.5, 80.0, 1e4])[:, None], np.array([1e-3, 0.1, 0.5, 0.9, 0.999])
    other = scipy.special.betaincinv if lower else scipy.special.betainccinv
    a, b, p = np.broadcast_arrays(a, b, p)
    np.testing.assert_allclose(fn(a, b, p), other(a, b, p), 1e-10, 1e-300)


@BOTH
@pytest.mark.full
def test_slopes_against_differences_of_scipy(fn, lower):
    other = scipy.special.betaincinv if lower else scipy.special.betainccinv
    for args in ((0.7, 1.4, 0.2), (3.0, 0.5, 0.6), (40.0, 70.0, 0.01)):
        h = 1e-6
        slopes = []
        for k in range(3):
            step = np.eye(3)[k] * h * args[k]
            change = other(*(args + step)) - other(*(args - step))
            slopes.append(change / (2 * h * args[k]))
        np.testing.assert_allclose(jax.grad(fn, (0, 1, 2))(*args), slopes, 1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.4, 3.0), (0.5, 2.5), (0.9, 0.9)])
def test_the_third_step_is_taken_where_two_do_not_suffice(a, b):
    p = np.linspace(0.01, 0.99, 99)
    tail = scipy.special.betainc(a, b, np.asarray(betaincinv(a, b, p)))
    np.testing.assert_allclose(tail, p, rtol=2e-14)


@pytest.mark.full
def test_second_slopes_of_the_first_term():
    """Where it is all of a tail: x is the root of p a B(a, b) of order a."""

    def first(a, b, p):
        return mp.exp((mp.log(p) + mp.log(a) + mp.log(mp.beta(a, b))) / a)

    bend = jax.jit(lambda a, b, p: jax.hessian(betaincinv, (0, 1))(a, b, p))
    for a, b, p in ((1.15, 2.0**27, 1e-140), (2.5, 0.2, 1e-250)):
        (aa, ab), (_, bb) = bend(a, b, p)
        with mp.workdps(60):
            at, log_p = (mp.mpf(a), mp.mpf(b)), mp.mpf(p)
            for found, order in ((aa, (2, 0)), (ab, (1, 1)), (bb, (0, 2))):
                h = [part * mp.mpf(10) ** -15 for part in at]
                true = sum(
                    weight * first(at[0] + i * h[0], at[1] + k * h[1], log_p)
                    for (i, k), weight in _differences(order).items()
                ) / (h[0] ** order[0] * h[1] ** order[1])
                assert abs(float(found) - true) < 1e-13 * abs(true), (a, b, order)


def _differences(order):
    """The weights of central differences, by steps."""
    if order == (1, 1):
        return {(i, k): i * k / 4 for i in (-1, 1) for k in (-1, 1)}
    return {
        (step if order[0] else 0, step if order[1] else 0): (-2 if step == 0 else 1)
        for step in (-1, 0, 1)
    }


def test_the_first_term_for_a_tiny_shape():
    """Over which its logarithm is divided, with what has been rounded of it."""
    a, b, p = 2.0**-14, 1883696.2671103966, 0.016374503207204346
    with mp.workdps(40):
        log = mp.log(1 - mp.mpf(p)) + mp.log(a) + mp.log(mp.beta(a, b))
        true = float(mp.exp(log / a))
    np.testing.assert_allclose(betainccinv(a, b, p), true, rtol=5e-14)


def test_the_first_term_wherever_it_is_all():
    """Just beyond where a step could still reach it, and far beyond."""
    shapes = list(itertools.product((0.02, 0.5, 3.0), (0.3, 4.0, 1e6)))
    cases, truth = [], []
    with mp.workdps(40):
        for (a, b), log_x in itertools.product(shapes, (-81, -120, -200)):
            log_p = mp.mpf(a) * log_x - mp.log(a) - mp.log(mp.beta(a, b))
            if -700 < log_p < -0.1:
                cases.append((a, b, float(mp.exp(log_p))))
                log = mp.log(mp.mpf(cases[-1][2])) + mp.log(a) + mp.log(mp.beta(a, b))
                truth.append(float(log / mp.mpf(a)))
    assert len(cases) > 20
    # One after the other: of an array all entries go the way that one of them needs.
    x, one = jax.lax.map(
        lambda case: (betaincinv(*case), betainccinv(case[1], case[0], case[2])),
        tuple(np.array(cases).T),
    )
    np.testing.assert_allclose(np.log(x), truth, 1e-14)
    np.testing.assert_array_equal(one, 1.0)


def test_slopes_of_shares_keep_the_dtype_of_the_arrays():
    """With float64 switched on, beside a Python number."""
    b, q = np.float32(2), np.float32(0.25)
    moved = jax.eval_shape(jax.jacrev(betainccinv_shares, 2), 0.5, b, q)
    assert [slope.dtype for slope in moved] == [np.float32] * 2
