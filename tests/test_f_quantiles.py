"""The second slopes of the quantiles of F against those of an answer of 60 digits."""

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.distributions import f
from jaxmath.distributions.f_quantiles import QUANTILES
from jaxmath.distributions.f_tails import TAILS
from tests.test_incomplete_beta import tails
from tests.test_inverse_beta import bends


@pytest.mark.full
@pytest.mark.parametrize(("fn", "lower"), [(f.quantile, True), (f.isf, False)])
def test_second_slopes(fn, lower):
    """In p and both degrees of freedom, from few to many."""
    args = np.array([(0.6, 2.5, 3.5), (1e-5, 0.5, 0.75), (1e-8, 80.0, 300.0), (0.875, 3.0, 1.5)])
    truth = []
    for place in args:
        near = mp.mpf(float(fn(*place)))

        def answer(p, dfn, dfd, near=near):
            def off(log):
                x = mp.exp(log)
                tail = tails(dfn / 2, dfd / 2, x * dfn / (x * dfn + dfd))[0 if lower else 1]
                return mp.log(tail) - mp.log(p)

            log = mp.log(near)
            return mp.exp(mp.findroot(off, (log, log + mp.mpf(10) ** -15), tol=1e-100))

        with mp.workdps(58):
            truth.append(np.array(bends(answer, tuple(map(mp.mpf, place))), float))
    bends_of = jax.jit(jax.vmap(jax.jacfwd(jax.grad(fn, (0, 1, 2)), (0, 1, 2))))
    found = np.moveaxis(np.array(bends_of(*args.T)), -1, 0)
    np.testing.assert_allclose(found, truth, 2e-13)


@pytest.mark.full
def test_slopes_where_the_answer_is_too_small():
    """For one degree of freedom it is a number times the square of p."""
    p, n, d = 2.0**-1022, 1.0, 0.0625
    a, b = mp.mpf(n) / 2, mp.mpf(d) / 2
    factor = b / a * (a * mp.beta(a, b)) ** 2
    rule = QUANTILES["quantile"]
    assert f.quantile(p, n, d) == 0
    rise, bend = (jax.jit(slope)(p, n, d) for slope in (rule.partials["p"], rule.seconds["p", "p"]))
    np.testing.assert_allclose(rise, float(2 * factor * p), 1e-12)
    np.testing.assert_allclose(bend, float(2 * factor), 1e-12)


@pytest.mark.full
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_mixed_slopes_of_the_logarithms_of_tails_where_the_first_term_is_all(dtype):
    """In x and the other end's parameter they are those of the second term."""
    n, d, x = dtype(3), dtype(5), 4 * np.finfo(dtype).tiny
    expected = n**3 / (2 * d**2) / (n + 2)  # with a = n / 2, b = d / 2: a^3 / (2 b^2 (a + 1))
    low = jax.jit(TAILS["log_cdf"].seconds["x", "dfd"])(x, n, d)
    np.testing.assert_allclose(low, expected, 8 * np.finfo(dtype).eps)
    far = dtype(1e18)
    high = jax.jit(TAILS["log_sf"].seconds["x", "dfn"])(far, d, n)
    np.testing.assert_allclose(high, -expected / far / far, 8 * np.finfo(dtype).eps)


def test_a_share_may_leave_the_dtype_where_the_quantile_does_not():
    """By 80 digits of the first term of the series, which is all of it."""
    at = map(np.float32, (0.939474463, 0.0625076294, 4.92044258))
    np.testing.assert_allclose(f.isf(*at), 2.41535887e-38, 2e-5)
    at = 0.05 * 2.0**-1000, 2.0, 1000.0
    np.testing.assert_allclose(f.quantile(*at), 0.05 * 2.0**-1000, 1e-12)
