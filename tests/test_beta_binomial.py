"""Tails of the beta-binomial distribution, against sums of 60 digits."""

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.distributions import beta_binomial
from tests.marks import long_but

CASES = [
    (3.0, 9.0, 0.01, 0.02),
    (50.0, 120.0, 2.0, 0.3),
    (10.0, 120.0, 300.0, 20.0),
    (119.0, 120.0, 0.5, 7.0),
    (5.0, 40.0, 2.0**27, 1e3),
]


def mass(k, n, a, b):
    return mp.binomial(n, k) * mp.beta(k + a, n - k + b) / mp.beta(a, b)


def nearly(p, q):
    """The logarithm of p = 1 - q, from the smaller one."""
    return mp.log(p) if p < 0.5 else mp.log1p(-q)


@pytest.mark.parametrize("case", long_but(CASES[3:], CASES))
def test_tails_and_their_slopes_keep_their_digits(case):
    k, n, a, b = (mp.mpf(each) for each in case)
    with mp.workdps(60):

        def logs(a, b):
            parts = [mass(j, n, a, b) for j in range(int(n) + 1)]
            cut = int(k) + 1
            low, high = mp.fsum(parts[:cut]), mp.fsum(parts[cut:])
            return nearly(low, high), nearly(high, low)

        step = mp.mpf(10) ** -20
        values = logs(a, b)
        ends = [(logs(a + s * a, b), logs(a, b + s * b)) for s in (step, -step)]
        moves = [
            [(ends[0][i][side] - ends[1][i][side]) / (2 * step) for i in range(2)]
            for side in range(2)
        ]
    for side, name in enumerate(("cdf", "sf")):
        log = jax.value_and_grad(getattr(beta_binomial, f"log_{name}"), (2, 3))
        found, slopes = log(*case)
        close = 4e-15 * (1 + abs(float(values[side])))
        np.testing.assert_allclose(found, float(values[side]), close / 4, close)
        value = getattr(beta_binomial, name)(*case)
        np.testing.assert_allclose(value, float(mp.exp(values[side])), 4 * close)
        moved = np.asarray(slopes) * case[2:]
        np.testing.assert_allclose(moved, [float(m) for m in moves[side]], 2e-12)
