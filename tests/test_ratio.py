"""The logarithm of a ratio, wherever both numbers are, against mpmath."""

import itertools

import jax
import mpmath as mp
import numpy as np
import pytest

from benchmarks.kernels import calls
from jaxmath.special.entropy import kl_div
from jaxmath.special.ratio import far_log_ratio, log_ratio

SIZES = {
    "float64": (2.3e-308, 1e-160, 1e-150, 0.7, 1.0, 2.9, 1e150, 1e160, 1.7e308),
    "float32": (1.2e-38, 1e-20, 1e-19, 0.7, 1.0, 2.9, 1e19, 1e20, 3.3e38),
}
NEAR = (1.0, 0.51, 0.6, 0.999, 1.001, 1.4, 1.49)


@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("fn", [log_ratio, far_log_ratio])
def test_the_logarithm_of_a_ratio_of_any_size(fn, dtype):
    """Also where the quotient would leave the dtype, by much."""
    x, y = np.array(list(itertools.product(SIZES[dtype], SIZES[dtype])), dtype).T
    if fn is log_ratio:
        close = np.array(list(itertools.product(SIZES[dtype][1:-1], NEAR))).T
        x = np.append(x, (close[0] * close[1]).astype(dtype))
        y = np.append(y, close[0].astype(dtype))
    with mp.workdps(50):
        true = [
            float(mp.log(mp.mpf(float(a)) / mp.mpf(float(b)))) for a, b in zip(x, y, strict=True)
        ]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(jax.jit(fn)(x, y), true, rtol=2 * eps, atol=0)


def test_ends_of_ratios():
    inf = np.inf
    x, y = np.array([0.0, 0.0, inf, 1.0, 1.0, 1e-300]), np.array([1.0, 1e-300, 1.0, inf, 0.0, 0.0])
    expected = [-inf, -inf, inf, -inf, inf, inf]
    for fn in (log_ratio, far_log_ratio):
        np.testing.assert_array_equal(fn(x, y), expected)
        assert np.isnan(fn(0.0, 0.0))
        assert np.isnan(fn(inf, inf))


def test_a_ratio_takes_one_logarithm():
    x = np.linspace(0.5, 2.0, 10)
    assert [len(calls(fn, x, x + 0.1)) for fn in (log_ratio, far_log_ratio, kl_div)] == [1, 1, 1]
