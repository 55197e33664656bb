"""Quadratic programs: textbook answers, optimality from outside, certificates, lanes, slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import (
    Status,
    describe,
    kkt_residuals,
    quadratic_problem,
    solve_qp,
)

N, P, M = 3, 1, 4
"""One shape for all quick tests, so that the solver compiles once."""


def program(seed, dtype=np.float64):
    """A strictly convex program that has a feasible point; half of the rows have one end."""
    rng = np.random.default_rng(seed)
    root, x = rng.normal(size=(N, N)), rng.normal(size=N)
    A, G = rng.normal(size=(P, N)), rng.normal(size=(M, N))
    lower = np.where(np.arange(M) % 2, -np.inf, G @ x - rng.random(M))
    data = root @ root.T + 0.1 * np.eye(N), 3 * rng.normal(size=N), A, A @ x, G, lower
    return tuple(part.astype(dtype) for part in (*data, G @ x + rng.random(M)))


def active_set(P, q, A, b, G, lower, upper):
    """The solution by trying every set of ends that hold x back: x, y, z."""
    n, m = len(q), len(lower)
    for pattern in np.ndindex(*(3,) * m):
        side = np.array(pattern)
        rows, ends = side > 0, np.where(side == 1, lower, upper)
        if not np.all(np.isfinite(ends[rows])) or rows.sum() + len(b) > n:
            continue
        C = np.vstack([A, G[rows]])
        matrix = np.block([[P, C.T], [C, np.zeros((len(C), len(C)))]])
        found = np.linalg.solve(matrix, np.concatenate([-q, b, ends[rows]]))
        x, y, z = found[:n], found[n : n + len(b)], np.zeros(m)
        z[rows] = found[n + len(b) :]
        inside = np.all(G @ x <= upper + 1e-12) and np.all(G @ x >= lower - 1e-12)
        if inside and np.all(z[side == 1] <= 0) and np.all(z[side == 2] >= 0):
            return x, y, z
    raise AssertionError("no active set fits")


@pytest.mark.parametrize("seed", range(8))
def test_the_solution_is_that_of_the_right_active_set(seed):
    data = program(seed)
    x, y, z = active_set(*data)
    found = solve_qp(*data, tolerance=1e-12)
    assert describe(found.info).endswith("No allowed point is better, since the problem is convex.")
    np.testing.assert_allclose(found.x, x, atol=1e-9)
    np.testing.assert_allclose(found.multipliers.equality, y, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.inequality, z, atol=1e-8)
    assert kkt_residuals(quadratic_problem(*data), found).error < 1e-10


def test_slopes_are_those_of_the_active_set():
    """In closed form: of x and the multipliers in q, b and the ends, at a fixed active set."""
    data = program(2)
    P, q, A, b, G, lower, upper = data
    z = active_set(*data)[2]
    assert np.any(z != 0), "this seed shows nothing of the ends"
    C = np.vstack([A, G[z != 0]])
    matrix = np.block([[P, C.T], [C, np.zeros((len(C), len(C)))]])
    inverse = np.linalg.inv(matrix)

    def solution(q, b, upper):
        return solve_qp(P, q, A, b, G, lower, upper, tolerance=1e-13)

    args = q, b, upper
    in_q, in_b, in_upper = jax.jacobian(lambda *args: solution(*args).x, (0, 1, 2))(*args)
    np.testing.assert_allclose(in_q, -inverse[:N, :N], atol=1e-9)
    np.testing.assert_allclose(in_b, inverse[:N, N : N + 1], atol=1e-9)
    held = np.zeros((N, M))
    held[:, z != 0] = inverse[:N, N + 1 :]
    np.testing.assert_allclose(in_upper, np.where(z > 0, held, 0), atol=1e-9)
    forward = jax.jacfwd(lambda q: solution(q, b, upper).x)(q)
    np.testing.assert_allclose(forward, in_q, atol=1e-12)


def test_multipliers_are_shadow_prices():
    """The optimal value changes by less the multiplier as a right-hand side is raised."""
    data = program(2)
    P, q, A, b, G, lower, upper = data

    def value(b, lower, upper):
        return solve_qp(P, q, A, b, G, lower, upper, tolerance=1e-13).info.objective

    y, z = (np.asarray(part) for part in solve_qp(*data, tolerance=1e-13).multipliers[:2])
    in_b, in_lower, in_upper = jax.grad(value, (0, 1, 2))(b, lower, upper)
    np.testing.assert_allclose(in_b, -y, atol=1e-9)
    np.testing.assert_allclose(in_upper, -np.maximum(z, 0), atol=1e-9)
    np.testing.assert_allclose(in_lower, -np.minimum(z, 0), atol=1e-9)


def mixed():
    """Programs of one shape, and how the search for each has to end."""
    P, q, A, b, G, lower, upper = program(0)
    none = np.zeros_like(P)
    ray = np.linalg.svd(A)[2][-1]  # along the equality
    flat = G - np.outer(G @ ray, ray)  # rows that say nothing along it
    back = np.full(M, -np.inf), np.full(M, np.inf)
    ends = np.r_[G[:2] @ ray + 1, back[0][:2]], np.r_[back[1][:2], G[:2] @ ray]
    clash = np.vstack([G[:2], G[:2]]), *ends
    nan = np.where(np.eye(N) > 0, np.nan, P)
    return [
        (program(1), Status.OPTIMAL),
        ((P, q, A, b, *clash), Status.INFEASIBLE),
        ((none, -ray, A, b, flat, lower, upper), Status.UNBOUNDED),
        ((none, -ray, A, b, *clash), Status.INFEASIBLE),
        ((nan, q, A, b, G, lower, upper), Status.NOT_FINITE),
        ((-P, q, A, b, G, *back), Status.NOT_CONVEX),
        (program(3), Status.OPTIMAL),
    ]


def test_lanes_have_their_own_status_and_harm_nobody():
    cases = mixed()
    together = [np.stack(parts) for parts in zip(*(data for data, _ in cases), strict=True)]
    found = jax.jit(jax.vmap(solve_qp))(*together)
    assert [Status(int(s)) for s in found.info.status] == [status for _, status in cases]
    for lane, (data, status) in enumerate(cases):
        alone = solve_qp(*data)
        assert alone.info.status == status
        if status == Status.OPTIMAL:
            np.testing.assert_allclose(found.x[lane], alone.x, atol=1e-8)


def test_certificates_hold():
    """Both proofs, checked in NumPy from the data alone."""
    for data, status in mixed():
        if status not in (Status.INFEASIBLE, Status.UNBOUNDED):
            continue
        P, q, A, b, G, lower, upper = data
        found = solve_qp(*data)
        assert found.info.status == status
        direction, multipliers = found.info.certificate
        d, y, z = (np.asarray(part) for part in (direction, *multipliers[:2]))
        if status == Status.UNBOUNDED:
            assert np.abs(d).max() == 1
            assert not y.any() | z.any()
            assert q @ d < 0
            assert max(np.abs(P @ d).max(), np.abs(A @ d).max()) < 1e-7
            assert np.all((G @ d)[np.isfinite(upper)] < 1e-7)
            assert np.all((G @ d)[np.isfinite(lower)] > -1e-7)
            assert kkt_residuals(quadratic_problem(*data), found).primal < 1e-6
        else:
            assert not d.any()
            assert np.abs(y @ A + z @ G).max() < 1e-7
            ends = np.where(z > 0, upper, lower)
            most = b @ y + np.sum(np.where(z == 0, 0, ends) * z)
            np.testing.assert_allclose(most, -1, rtol=1e-9)


@pytest.mark.full
def test_a_linear_program_of_the_textbook():
    """Wyndor Glass (Hillier and Lieberman, chapter 3): plants, profits and shadow prices."""
    G = np.array([[1.0, 0], [0, 2], [3, 2]])
    q, upper = np.array([-3.0, -5]), np.array([4.0, 12, 18])
    found = solve_qp(np.zeros((2, 2)), q, G=G, upper=upper, bounds=(0, None), tolerance=1e-11)
    np.testing.assert_allclose(found.x, [2, 6], rtol=1e-8)
    np.testing.assert_allclose(found.info.objective, -36, rtol=1e-9)
    np.testing.assert_allclose(found.multipliers.inequality, [0, 1.5, 1], atol=1e-8)
    np.testing.assert_allclose(found.multipliers.bounds, [0, 0], atol=1e-8)


def test_single_precision_ends_and_says_so():
    data = program(1, np.float32)
    found = solve_qp(*data)
    assert found.info.status == Status.OPTIMAL
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, active_set(*program(1))[0], atol=2e-3)
    strict = solve_qp(*data, tolerance=1e-9)
    assert strict.info.status in (Status.STALLED, Status.ITERATION_LIMIT)
    assert "jax_enable_x64" in describe(strict.info)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(P=np.ones((3, 2))), "P is a matrix of 3 by 3"),
        (dict(q=np.ones((3, 1))), "q is a vector"),
        (dict(A=np.ones((1, 3))), "need both A and b"),
        (dict(upper=np.ones(2)), "without a matrix G"),
        (dict(G=np.ones((2, 4))), "G is a matrix of rows by 3"),
        (dict(G=np.ones((2, 3)), upper=np.ones(3)), "upper is 2 numbers or one"),
        (dict(bounds=(np.zeros(2), None)), "bounds[0] is 3 numbers or one"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words.replace("[", r"\[").replace("]", r"\]")):
        solve_qp(**{**dict(P=np.eye(3), q=np.ones(3)), **change})


def test_a_weakly_active_end_is_not_regular_at_the_default_tolerance():
    """Least (x - 1)^2 where x <= h: at h = 1 the price is zero, and has a kink."""

    def price(h):
        found = solve_qp(2 * np.eye(1), -2 * np.ones(1), G=np.eye(1), upper=h)
        return found.multipliers.inequality[0], found.info.regular

    slope, regular = jax.grad(price, has_aux=True)(jnp.ones(1))
    assert not regular
    assert jnp.isnan(slope).all()
    for h, expected in ((0.99, -2.0), (1.01, 0.0)):
        slope, regular = jax.grad(price, has_aux=True)(jnp.full(1, h))
        assert regular
        np.testing.assert_allclose(slope, expected, atol=1e-8)


def test_no_derivative_is_none_under_another_one_either():
    def price(h):
        return solve_qp(2 * np.eye(1), -2 * np.ones(1), G=np.eye(1), upper=h).multipliers[1][0]

    one = jnp.ones(1)
    (_, slope), (moved, _) = jax.jvp(jax.value_and_grad(price), (one,), (one,))
    assert jnp.isnan(slope).all()
    assert jnp.isnan(moved)


@pytest.mark.parametrize("seed", [3, 4])
def test_terms_that_cancel_do_not_excuse_a_gradient(seed):
    """Px and q are of 1e5 and their sum of nothing: what is left of it counts by itself."""
    rng = np.random.default_rng(seed)
    root, x, G = rng.normal(size=(5, 5)), rng.normal(size=5) * 10, rng.normal(size=(5, 5))
    P = 1e4 * root @ root.T
    data = dict(P=P, q=-P @ x, G=G, upper=G @ x + rng.random(5) * np.array([0, 0, 1, 1, 1]))
    found = solve_qp(**data)
    assert found.info.status == Status.OPTIMAL
    assert kkt_residuals(quadratic_problem(**data), found).error < 1e-8


def test_a_start_nearby_saves_steps_and_changes_no_answer():
    """Lanes: near the start, its opposite, without a solution, and a start that is not finite."""
    data = program(0)
    cold = solve_qp(*data)
    q, upper = data[1], data[6]
    lanes = np.stack([1.001 * q, -q, q, 1.001 * q])
    uppers = np.stack([upper, upper, np.where(np.arange(M) == 0, -50.0, upper), upper])
    starts = jax.tree.map(lambda part: jnp.stack([part] * 3 + [jnp.full_like(part, jnp.nan)]), cold)

    def solve(q, upper, start):
        return solve_qp(data[0], q, *data[2:6], upper, start=start)

    warm = jax.jit(jax.vmap(solve))(lanes, uppers, starts._replace(info=None))
    again = jax.vmap(lambda q, upper: solve(q, upper, None))(lanes, uppers)
    np.testing.assert_array_equal(warm.info.status, [0, 0, Status.INFEASIBLE, 0])
    np.testing.assert_array_equal(again.info.status, warm.info.status)
    solved = np.array([0, 1, 3])
    np.testing.assert_allclose(warm.x[solved], again.x[solved], atol=1e-8)
    assert 2 * warm.info.iterations[0] < again.info.iterations[0]
    assert warm.info.iterations[3] == again.info.iterations[3]
    with pytest.raises(ValueError, match=r"start.x is 3 numbers or one, and has the shape \(2,\)"):
        solve_qp(*data, start=cold._replace(x=jnp.zeros(2)))
