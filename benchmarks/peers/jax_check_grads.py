"""JAX's own check: derivatives along one random direction against differences, same precision."""

import jax
from jax.test_util import check_grads

NAME = "jax.test_util.check_grads, order 2"


def prepare(case):
    """One direction at first order in both modes, and one for each of them at second order."""

    def check():
        with jax.enable_x64(True):
            check_grads(lambda params: case.loss(params, *case.args), (case.params,), order=2)

    return check
