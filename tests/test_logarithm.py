"""The logarithm of one plus x against 50 digits, where its rounding is what is left of it."""

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special.logarithm import log1p


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_all_digits_near_zero_and_minus_one(dtype):
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    least = np.log10(float(info.tiny))
    x = np.concatenate([
        rng.uniform(-1, 1, 2000),
        10.0 ** rng.uniform(least, -least - 1, 1000),
        -(10.0 ** rng.uniform(least, -0.01, 1000)),
    ]).astype(dtype)  # fmt: skip
    with mp.workdps(50):
        truth = np.array([float(mp.log1p(mp.mpf(float(one)))) for one in x])
    for answer in (jax.jit(log1p)(x), [log1p(one) for one in x[::40]]):
        expected = truth[:: len(x) // len(answer)]
        off = np.abs(np.asarray(answer, float) - expected) / np.abs(expected)
        assert off.max() < 2 * info.eps


def test_ends_and_the_sign_of_zero():
    answers = np.asarray(jax.jit(log1p)(np.array([-1.0, np.inf, -2.0, np.nan, 0.0, -0.0])))
    np.testing.assert_array_equal(answers, [-np.inf, np.inf, np.nan, np.nan, 0.0, -0.0])
    np.testing.assert_array_equal(np.signbit(answers[4:]), [False, True])
