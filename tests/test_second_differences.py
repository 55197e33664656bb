"""Second differences of log-gamma and its derivatives, against 60 digits."""

import itertools

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import gamma_twice

SIZES = (2.0**-14, 0.3, 1.0, 60.0, 1e5, 2.0**27)
POINTS = list(itertools.product(SIZES, (0.0, 0.5, *SIZES[2:]), (1.0, 7.0, 2.0**20)))
EPS = float(np.finfo(np.float64).eps)


FUNCTIONS = {
    "gammaln": mp.loggamma,
    "digamma": mp.digamma,
    "trigamma": lambda x: mp.polygamma(1, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_differences_keep_their_digits(name):
    exact = FUNCTIONS[name]
    found = jax.jit(getattr(gamma_twice, f"{name}_twice"))(*np.array(POINTS).T)
    with mp.workdps(60):
        for (x, h, k), ours in zip(POINTS, found, strict=True):
            x, h, k = (mp.mpf(each) for each in (x, h, k))
            truth = exact(x + h + k) - exact(x + h) - exact(x + k) + exact(x)
            terms = abs(truth)
            if min(h, k) > x:  # two differences of their own size
                least, most = min(h, k), max(h, k)
                terms += abs(exact(x + most) - exact(x)) + abs(exact(x + least + most))
            assert abs(mp.mpf(float(ours)) - truth) <= 16 * EPS * terms + mp.mpf(10) ** -50
