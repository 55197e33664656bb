"""The next point of a polyhedron, against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import Status, describe, project_polyhedron


def test_a_halfspace_within_a_plane_in_closed_form():
    """On x + y + z = 1 with z <= 0: half of what is over goes from each of x and y."""
    x, G = jnp.array([0.9, 0.3, 0.8]), jnp.array([[0.0, 0.0, 1.0]])

    def next_point(x, upper):
        return project_polyhedron(x, jnp.ones((1, 3)), jnp.ones(1), G, upper=upper)

    found = jax.jit(next_point)(x, jnp.zeros(1))
    assert Status(int(found.info.status)) is Status.OPTIMAL, describe(found.info)
    np.testing.assert_allclose(found.x, [0.8, 0.2, 0.0], rtol=0, atol=1e-9)
    # u - x + y (1, 1, 1) + z (0, 0, 1) = 0.
    np.testing.assert_allclose(found.multipliers.equality, 0.1, rtol=1e-7)
    np.testing.assert_allclose(found.multipliers.inequality, 0.7, rtol=1e-7)
    assert found.info.objective == pytest.approx((0.1**2 + 0.1**2 + 0.8**2) / 2, rel=1e-8)
    slope, more = jax.jit(jax.jacrev(lambda *args: next_point(*args).x, (0, 1)))(x, jnp.zeros(1))
    closed = [[0.5, -0.5, 0.0], [-0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(slope, closed, rtol=0, atol=1e-8)
    np.testing.assert_allclose(more[:, 0], [-0.5, -0.5, 1.0], rtol=0, atol=1e-8)
    # The slope of half the squared distance is the way from the point to x.
    way = jax.jit(jax.grad(lambda x: next_point(x, jnp.zeros(1)).info.objective))(x)
    np.testing.assert_allclose(way, x - found.x, rtol=0, atol=1e-8)


def test_lanes_and_what_is_empty():
    """Between bounds that cross there is nothing, and the others do not mind."""
    x, highs = jnp.array([[2.0, -3.0], [0.5, 0.5], [jnp.nan, 0.0]]), jnp.array([1.0, -1.0, 1.0])
    found = jax.vmap(lambda x, high: project_polyhedron(x, bounds=(0.0, high)))(x, highs)
    expected = [Status.OPTIMAL, Status.INFEASIBLE, Status.NOT_FINITE]
    assert [Status(int(code)) for code in found.info.status] == expected
    np.testing.assert_allclose(found.x[0], [1.0, 0.0], rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="is a vector"):
        project_polyhedron(jnp.ones((2, 2)))
