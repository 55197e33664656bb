"""A way that no entry needs is not walked; where it is, and in a batch, nothing changes."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.special.loops import if_any


def way(x, y):
    return {"sum": x + y, "sign": x > 0}


def test_zeros_where_nobody_asks():
    x = jnp.array([1.0, -2.0])
    found = if_any(x > 3, way, x, 1.0)
    np.testing.assert_array_equal(found["sum"], [0.0, 0.0])
    np.testing.assert_array_equal(found["sign"], [False, False])
    assert found["sum"].dtype == x.dtype


def test_every_entry_where_one_asks():
    x = jnp.array([1.0, -2.0])
    for found in (if_any(x > 0, way, x, 1.0), if_any(x > 3, way, x, 1.0, rolled=True)):
        np.testing.assert_array_equal(found["sum"], [2.0, -1.0])


def test_the_way_is_not_in_the_program_that_runs():
    def count(x):
        return if_any(x > 3, lambda x: jnp.where(x > 0, jnp.nan, x), x)

    assert not jnp.isnan(jax.jit(count)(jnp.array([1.0, 2.0]))).any()


def test_in_a_batch_each_row_asks_for_itself():
    rows = jnp.array([[1.0, -2.0], [-1.0, -2.0]])
    found = jax.vmap(lambda x: if_any(x > 0, lambda x: x + 1, x))(rows)
    np.testing.assert_array_equal(found, [[2.0, -1.0], [0.0, 0.0]])
