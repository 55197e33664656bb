"""Large and sparse programs by products alone: known answers, certificates, lanes, slopes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from jax.experimental.sparse import BCOO, BCSR

from jaxmath.constrained import Status, describe, kkt_residuals, pdhg, quadratic_problem
from jaxmath.optimize.minres import solve_symmetric
from tests.test_quadratic import active_set, mixed, program

SHARP = 1e-12


def sparse(matrix):
    """The entries that are not zero."""
    return BCOO.fromdense(jnp.asarray(matrix))


def whole(matrix):
    """All entries, as a sparse matrix of a shape that does not depend on them."""
    return BCOO.fromdense(jnp.asarray(matrix), nse=np.size(matrix))


@pytest.mark.parametrize("seed", range(6))
def test_the_solution_is_that_of_the_right_active_set(seed):
    data = program(seed)
    x, y, z = active_set(*data)
    found = pdhg(*data, tolerance=SHARP)
    assert describe(found.info).endswith("No allowed point is better, since the problem is convex.")
    assert found.info.regular
    np.testing.assert_allclose(found.x, x, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.equality, y, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.inequality, z, atol=1e-8)
    np.testing.assert_array_equal(found.multipliers.inequality == 0, z == 0)
    assert kkt_residuals(quadratic_problem(*data), found).error < 1e-10


def stored(P, q, A, b, G, lower, upper):
    """The same program in sparse matrices."""
    return whole(P), q, whole(A), b, whole(G), lower, upper


@pytest.mark.parametrize("seed", range(6, 9))
def test_sparse_matrices_have_the_same_solution(seed):
    data = program(seed)
    x, y, z = active_set(*data)
    found = pdhg(*stored(*data), tolerance=SHARP)
    np.testing.assert_allclose(found.x, x, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.equality, y, atol=1e-8)
    np.testing.assert_allclose(found.multipliers.inequality, z, atol=1e-8)
    assert kkt_residuals(quadratic_problem(*stored(*data)), found).error < 1e-10


def system(data):
    """The inverse of the matrix that x and the multipliers that are not zero solve, and which."""
    P, _, A, _, G, *_ = data
    x, y, z = active_set(*data)
    C = np.vstack([A, G[z != 0]])
    matrix = np.block([[P, C.T], [C, np.zeros((len(C), len(C)))]])
    return np.linalg.inv(matrix), x, y, z


@pytest.mark.parametrize("second_look", [None, False])
def test_slopes_are_those_of_the_active_set(second_look):
    """In closed form, in q, b and the ends: by the matrix, and by products alone."""
    data = program(2)
    P, q, A, b, G, lower, upper = data
    inverse, *_, z = system(data)

    def solution(q, b, upper):
        options = dict(tolerance=SHARP, second_look=second_look)
        found = pdhg(P, q, A, b, G, lower, upper, **options)
        return found.x, found.info.objective

    @jax.jit
    def slopes(q, b, upper):
        in_all, value = jax.jacobian(solution, (0, 1, 2))(q, b, upper)
        forward = jax.jacfwd(lambda q: solution(q, b, upper)[0])(q)
        return in_all, value, forward, jax.hessian(lambda q: solution(q, b, upper)[1])(q)

    (in_q, in_b, in_upper), value, forward, second = slopes(q, b, upper)
    np.testing.assert_allclose(in_q, -inverse[:3, :3], atol=1e-9)
    np.testing.assert_allclose(in_b, inverse[:3, 3:4], atol=1e-9)
    held = np.zeros((3, 4))
    held[:, z != 0] = inverse[:3, 4:]
    np.testing.assert_allclose(in_upper, np.where(z > 0, held, 0), atol=1e-9)
    np.testing.assert_allclose(forward, in_q, atol=1e-12)
    np.testing.assert_allclose(value[2], -np.maximum(z, 0), atol=1e-9)
    np.testing.assert_allclose(second, -inverse[:3, :3], atol=1e-9)


def test_slopes_in_the_entries_of_sparse_matrices():
    """In closed form: what a change of P, A and G adds to the conditions, through their inverse."""
    data = program(2)
    P, q, A, b, G, lower, upper = stored(*data)
    inverse, x, y, z = system(data)
    rng = np.random.default_rng(0)
    E, F, H = (rng.normal(size=part.shape) for part in (data[0], data[2], data[4]))

    def moved(matrix, change):
        entries = change[tuple(matrix.indices.T)]
        return lambda t: BCOO((matrix.data + t * entries, matrix.indices), shape=matrix.shape)

    into = moved(P, E), moved(A, F), moved(G, H)

    def solution(t):
        P, A, G = (matrix(t) for matrix in into)
        found = pdhg(P, q, A, b, G, lower, upper, tolerance=SHARP)
        return found.x, found.multipliers.inequality

    _, (dx, dz) = jax.jit(lambda t: jax.jvp(solution, (t,), (1.0,)))(0.0)
    left = np.concatenate([(E + E.T) @ x / 2 + y @ F + z @ H, F @ x, (H @ x)[z != 0]])
    np.testing.assert_allclose(dx, -(inverse @ left)[:3], atol=1e-8)
    np.testing.assert_allclose(dz[z != 0], -(inverse @ left)[4:], atol=1e-8)


def test_lanes_have_their_own_status_and_harm_nobody():
    """And both proofs, checked in NumPy from the data alone."""
    cases = mixed()
    together = [np.stack(parts) for parts in zip(*(data for data, _ in cases), strict=True)]
    found = jax.jit(jax.vmap(pdhg))(*together)
    assert [Status(int(s)) for s in found.info.status] == [status for _, status in cases]
    directions, (ys, zs, _) = found.info.certificate
    lanes = (np.asarray(part) for part in (found.x, directions, ys, zs))
    for (data, status), x, d, y, z in zip(cases, *lanes, strict=True):
        P, q, A, b, G, lower, upper = data
        if status == Status.OPTIMAL:
            np.testing.assert_allclose(x, active_set(*data)[0], atol=1e-7)
        if status == Status.UNBOUNDED:
            assert np.abs(d).max() == 1
            assert q @ d < 0
            assert max(np.abs(P @ d).max(), np.abs(A @ d).max()) < 1e-7
            assert np.all((G @ d)[np.isfinite(upper)] < 1e-7)
            assert np.all((G @ d)[np.isfinite(lower)] > -1e-7)
            outside = np.r_[A @ x - b, np.maximum(G @ x - upper, 0), np.maximum(lower - G @ x, 0)]
            assert np.abs(outside).max() < 1e-8
        else:
            assert not d.any()
        if status == Status.INFEASIBLE:
            assert np.abs(y @ A + z @ G).max() < 1e-7
            ends = np.where(z > 0, upper, lower)
            most = b @ y + np.sum(np.where(z == 0, 0, ends) * z)
            np.testing.assert_allclose(most, -1, rtol=1e-9)
        else:
            assert not y.any() | z.any()


def test_bounds_that_prove_that_no_point_is_feasible():
    """Shares of at most 0.3 each that shall sum to one: x1 + x2 + x3 <= 0.9."""
    found = pdhg(None, np.ones(3), np.ones((1, 3)), np.ones(1), bounds=(0, 0.3))
    assert found.info.status == Status.INFEASIBLE
    y, _, bounds = found.info.certificate.multipliers
    np.testing.assert_allclose(y + bounds, 0, atol=1e-7)
    np.testing.assert_allclose(y[0] + 0.3 * bounds.sum(), -1, rtol=1e-9)
    crossed = pdhg(None, np.ones(3), np.ones((1, 3)), np.ones(1), bounds=(0, -0.3))
    assert crossed.info.status == Status.INFEASIBLE


def test_a_linear_program_of_the_textbook():
    """Wyndor Glass (Hillier and Lieberman, chapter 3): plants, profits and shadow prices."""
    G = sparse([[1.0, 0], [0, 2], [3, 2]])
    q, upper = np.array([-3.0, -5]), np.array([4.0, 12, 18])

    def solve(upper):
        return pdhg(None, q, G=G, upper=upper, bounds=(0, None), tolerance=SHARP)

    found = solve(upper)
    np.testing.assert_allclose(found.x, [2, 6], rtol=1e-9)
    np.testing.assert_allclose(found.info.objective, -36, rtol=1e-9)
    np.testing.assert_allclose(found.multipliers.inequality, [0, 1.5, 1], atol=1e-9)
    np.testing.assert_allclose(found.multipliers.bounds, [0, 0], atol=1e-9)
    value, slope = jax.jit(jax.value_and_grad(lambda h: solve(h).info.objective))(upper)
    np.testing.assert_allclose(value, -36, rtol=1e-9)
    np.testing.assert_allclose(slope, [0, -1.5, -1], atol=1e-9)


def transport(sources, sinks):
    """The sums of the rows and columns of a plan, but the last, which follows from the others."""
    a, b = len(sources), len(sinks)
    sums = np.vstack([np.kron(np.eye(a), np.ones(b)), np.kron(np.ones(a), np.eye(b))])
    return sparse(sums[:-1]), np.r_[sources, sinks][:-1]


def corner(sources, sinks):
    """The plan that moves the least mass to the left first (north-west corner)."""
    s, t = np.cumsum(sources), np.cumsum(sinks)
    high = np.minimum(s[:, None], t[None])
    low = np.maximum((s - sources)[:, None], (t - sinks)[None])
    return np.maximum(high - low, 0)


def test_transport_on_a_line_is_monotone():
    """With a strictly convex cost of the distance (Villani 2003, section 2.2)."""
    rng = np.random.default_rng(0)
    sources, sinks = rng.random(6) + 0.1, rng.random(8) + 0.1
    sources, sinks = sources / sources.sum(), sinks / sinks.sum()
    places = np.sort(rng.random(6)), np.sort(rng.random(8))
    cost = np.square(places[0][:, None] - places[1][None])
    A, b = transport(sources, sinks)
    found = pdhg(None, cost.ravel(), A, b, bounds=(0, None), tolerance=SHARP)
    plan = corner(sources, sinks)
    np.testing.assert_allclose(found.x.reshape(6, 8), plan, atol=1e-9)
    np.testing.assert_allclose(found.info.objective, np.sum(cost * plan), rtol=1e-9)
    problem = quadratic_problem(None, cost.ravel(), A, b, bounds=(0, None))
    assert kkt_residuals(problem, found).error < 1e-10
    # A start at the solution needs one look, one near it fewer steps than zeros do.
    again = pdhg(None, cost.ravel(), A, b, bounds=(0, None), tolerance=SHARP, start=found)
    assert again.info.iterations <= 40
    near = pdhg(None, 1.001 * cost.ravel(), A, b, bounds=(0, None), tolerance=SHARP, start=found)
    assert near.info.status == Status.OPTIMAL
    assert near.info.iterations < found.info.iterations
    np.testing.assert_allclose(near.x, plan.ravel(), atol=1e-9)


def total_variation(y, strength):
    """Least half the squared distance to y plus the strength times the sum of sizes of jumps."""
    n = len(y)
    steps = np.arange(n - 1)
    index = np.r_[steps, steps], np.r_[steps, steps + 1]
    jump = BCOO(
        (jnp.r_[-jnp.ones(n - 1), jnp.ones(n - 1)], jnp.stack(index, 1)), shape=(n - 1, n)
    ).todense()
    G = sparse(np.block([[jump, -np.eye(n - 1)], [jump, np.eye(n - 1)]]))
    P = BCOO((jnp.ones(n), jnp.stack([jnp.arange(n)] * 2, 1)), shape=(2 * n - 1, 2 * n - 1))
    q = np.r_[-y, np.full(n - 1, strength)]
    far = np.full(n - 1, np.inf)
    return P, q, None, None, G, np.r_[-far, 0 * steps], np.r_[0 * steps, far]


def test_total_variation_moves_two_levels_towards_each_other():
    """A step of 12 entries below and 8 above: each level moves by the strength over its length."""
    y = np.r_[np.zeros(12), np.ones(8)]
    data = total_variation(y, 0.6)
    found = pdhg(*data, tolerance=1e-11)
    expected = np.r_[np.full(12, 0.6 / 12), np.full(8, 1 - 0.6 / 8)]
    assert found.info.status == Status.OPTIMAL
    np.testing.assert_allclose(found.x[:20], expected, atol=1e-9)
    assert kkt_residuals(quadratic_problem(*data), found).error < 1e-9
    assert found.info.regular


def portfolio(n=30, k=5):
    """Least risk less gain of shares that sum to one, by factors (Boyd et al. 2017, section 4)."""
    rng = np.random.default_rng(3)
    factors = rng.normal(size=(k, n)) * (rng.random((k, n)) < 0.5)
    own, gain = rng.random(n) * np.sqrt(k), rng.normal(size=n)
    A = np.block([[factors, -np.eye(k)], [np.ones((1, n)), np.zeros((1, k))]])
    bounds = np.r_[np.zeros(n), np.full(k, -np.inf)], None
    P = sparse(np.diag(np.r_[own, np.ones(k)]))
    return P, np.r_[-gain, np.zeros(k)], sparse(A), np.r_[np.zeros(k), 1], bounds


VALUE = -1.767029819955385
SHARES = {
    5: 0.5757397256419491,
    6: 0.012306661309970705,
    16: 0.0811388890916862,
    19: 0.1793266784045257,
    28: 0.1514880455518373,
}
"""Clarabel 0.11.1 with tolerances of 1e-13; OSQP 1.1.3, polished, agrees to 1e-12."""


def test_a_portfolio_is_that_of_clarabel():
    P, q, A, b, bounds = portfolio()
    expected = np.zeros(30)
    expected[list(SHARES)] = list(SHARES.values())
    found = pdhg(P, q, A, b, bounds=bounds, tolerance=SHARP)
    np.testing.assert_allclose(found.x[:30], expected, atol=1e-8)
    np.testing.assert_allclose(found.info.objective, VALUE, rtol=1e-9)
    assert found.info.regular
    early = pdhg(P, q, A, b, bounds=bounds, tolerance=SHARP, max_iterations=40)
    assert early.info.status == Status.ITERATION_LIMIT
    assert early.info.iterations == 40
    assert "Reached a relative residual of" in describe(early.info)


def test_single_precision_ends_and_says_so():
    data = program(1, np.float32)
    found = pdhg(*data)
    assert found.info.status == Status.OPTIMAL
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, active_set(*program(1))[0], atol=2e-3)
    strict = pdhg(*data, tolerance=1e-9)
    assert strict.info.status == Status.STALLED
    assert strict.info.iterations < 50_000
    assert "jax_enable_x64" in describe(strict.info)


def test_a_weakly_active_end_is_not_regular():
    """Least (x - 1)^2 where x <= h: at h = 1 the price is zero, and has a kink."""

    @jax.jit
    @jax.vmap
    def price(h):
        def at(h):
            found = pdhg(2 * jnp.eye(1), -2 * jnp.ones(1), G=jnp.eye(1), upper=h)
            return found.multipliers.inequality[0], found.info.regular

        return jax.value_and_grad(at, has_aux=True)(h)

    (value, regular), slope = price(jnp.array([[1.0], [0.99], [1.01]]))
    np.testing.assert_array_equal(regular, [False, True, True])
    np.testing.assert_allclose(value, [0, 0.02, 0], atol=1e-8)
    assert jnp.isnan(slope[0]).all()
    np.testing.assert_allclose(slope[1:, 0], [-2, 0], atol=1e-8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(P=np.ones((3, 2))), "P is a matrix of 3 by 3"),
        (dict(q=np.ones((3, 1))), "q is a vector"),
        (dict(A=sparse(np.ones((1, 3)))), "need both A and b"),
        (dict(upper=np.ones(2)), "without a matrix G"),
        (dict(G=sparse(np.ones((2, 4)))), "G is a matrix of rows by 3"),
        (dict(G=BCSR.fromdense(jnp.ones((2, 3)))), "G is a sparse matrix of a kind"),
        (dict(G=np.ones((2, 3)), upper=np.ones(3)), "upper is 2 numbers or one"),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        pdhg(**{**dict(P=np.eye(3), q=np.ones(3)), **change})


def test_minimal_residuals_solve_an_indefinite_system_and_refuse_a_singular_one():
    rng = np.random.default_rng(0)
    root, right = rng.normal(size=(30, 30)), rng.normal(size=30)
    matrix = root + root.T

    @jax.jit
    def solve(matrix, right):
        return solve_symmetric(lambda v: matrix @ v, right, jnp.ones(30))

    np.testing.assert_allclose(solve(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9)
    first = np.where(np.arange(30) == 7, 0, 1)
    assert np.isnan(solve(matrix * np.outer(first, first), right)).all()


def linear_program(n, m, each, seed):
    """A sparse program with as many entries a column, made around its solution x."""
    rng = np.random.default_rng(seed)
    count = each * n
    index = np.r_[np.arange(m), rng.integers(0, m, count - m)]
    index = np.stack([index, np.r_[rng.permutation(n)[:m], rng.integers(0, n, count - m)]], 1)
    A = BCOO((jnp.asarray(rng.normal(size=count)), jnp.asarray(index)), shape=(m, n))
    x = np.where(rng.random(n) < 0.9 * m / n, rng.random(n) + 0.1, 0)
    y = rng.normal(size=m)
    q = np.asarray(jnp.asarray(y) @ A) + np.where(x > 0, 0, rng.random(n) + 0.1)
    return A, np.asarray(A @ x), q, x


@pytest.mark.full
def test_a_linear_program_of_ten_thousand_unknowns():
    """A hundred thousand entries; as a dense matrix it would take 320 MB."""
    A, b, q, x = linear_program(10_000, 4_000, 10, 0)
    found = pdhg(None, q, A, b, bounds=(0, None))
    assert found.info.status == Status.OPTIMAL
    np.testing.assert_allclose(found.x, x, atol=1e-7)
    np.testing.assert_allclose(found.info.objective, q @ x, rtol=1e-9)
    problem = quadratic_problem(None, q, A, b, bounds=(0, None))
    assert kkt_residuals(problem, found).error < 1e-8
    np.testing.assert_array_equal(np.asarray(found.x) == 0, x == 0)


@pytest.mark.full
def test_slopes_of_ten_thousand_unknowns():
    """A bent string within bounds, in its load: P_FF^{-1} where it is free, by a direct solve."""
    n = 10_000
    i = np.arange(n)
    index = np.r_[np.stack([i, i], 1), np.stack([i[1:], i[:-1]], 1), np.stack([i[:-1], i[1:]], 1)]
    data = np.r_[np.full(n, 2.01), np.full(2 * n - 2, -1.0)]
    P = BCOO((jnp.asarray(data), jnp.asarray(index)), shape=(n, n))
    rng = np.random.default_rng(0)
    load, change, weights = rng.normal(size=(3, n))

    def solution(load):
        found = pdhg(P, load, bounds=(-1.0, 1.5), tolerance=1e-11)
        return found.x, found.info

    x, slope, info = jax.jit(lambda load, t: jax.jvp(solution, (load,), (t,), has_aux=True))(
        load, change
    )
    assert info.status == Status.OPTIMAL
    free = (x > -1) & (x < 1.5)
    assert 100 < free.sum() < n - 100
    part = scipy.sparse.csc_matrix((data, index.T), shape=(n, n))[free][:, free]
    expected = np.zeros(n)
    expected[free] = -scipy.sparse.linalg.spsolve(part, change[free])
    np.testing.assert_allclose(slope, expected, atol=1e-8)
    back = jax.jit(jax.grad(lambda load: weights @ solution(load)[0]))(load)
    np.testing.assert_allclose(back @ change, weights @ expected, rtol=1e-8)
