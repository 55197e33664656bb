"""The second slopes of the quantiles of F against those of an answer of 60 digits."""

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.distributions import f
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
