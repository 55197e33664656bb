"""Conic programs: planted and published answers, certificates, lanes, derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.constrained import (
    Cones,
    Multipliers,
    Solution,
    Status,
    conic_problem,
    describe,
    kkt_residuals,
    smat,
    solve_cone,
    svec,
)
from tests.test_degenerate_programs import padded, programs

N, P = 6, 1
CONES = Cones(nonnegative=2, second_order=(3,), semidefinite=(2,))
M = CONES.size
"""One shape for most tests, so that the solver compiles once."""
solve = functools.partial(solve_cone, cones=CONES)


def nearest(v):
    """The nearest member of CONES, by its definition."""
    t, u, (a, b, c) = v[2], v[3:5], v[5:]
    size = np.linalg.norm(u)
    if size <= abs(t):
        ball = v[2:5] * (t > 0)
    else:
        ball = (t + size) / 2 * np.append(1, u / size)
    values, V = np.linalg.eigh(np.array([[a, b / np.sqrt(2)], [b / np.sqrt(2), c]]))
    X = V * np.maximum(values, 0) @ V.T
    return np.concatenate([np.maximum(v[:2], 0), ball, [X[0, 0], np.sqrt(2) * X[0, 1], X[1, 1]]])


def planted(seed, dtype=np.float64):
    """A strictly convex program made around its solution: the data, and x, y, z.

    One number, the second-order cone and one eigenvalue hold x back.
    """
    rng = np.random.default_rng(seed)
    v = np.array([1.0, -1, 0.3, *rng.normal(size=2), 1, 0, -1]) * (1 + rng.random())
    v[3:5] /= np.linalg.norm(v[3:5])
    turn = rng.normal()
    w = np.array([np.cos(turn), np.sin(turn)])
    v[5:] = np.asarray(svec(np.outer(w, w) - 0.5 * np.outer([-w[1], w[0]], [-w[1], w[0]])))
    s, z = nearest(v), nearest(-v)
    root, x, y = rng.normal(size=(N, N)), rng.normal(size=N), rng.normal(size=P)
    A, G, Q = rng.normal(size=(P, N)), rng.normal(size=(M, N)), root @ root.T + 0.1 * np.eye(N)
    data = Q, -(Q @ x + y @ A + z @ G), A, A @ x, G, G @ x + s
    return tuple(part.astype(dtype) for part in data), (x, y, z)


def judged(data, found, cones=CONES):
    return kkt_residuals(conic_problem(*data, cones=cones), found)


@pytest.mark.parametrize("seed", range(6))
def test_the_solution_is_the_planted_one(seed):
    data, (x, y, z) = planted(seed)
    found = solve(*data)
    assert describe(found.info).endswith("No allowed point is better, since the problem is convex.")
    assert found.info.regular
    assert found.info.iterations <= 10
    np.testing.assert_allclose(found.x, x, atol=1e-11)
    np.testing.assert_allclose(found.multipliers.equality, y, atol=1e-11)
    np.testing.assert_allclose(found.multipliers.inequality, z, atol=1e-11)
    assert judged(data, found).error < 1e-12


@pytest.mark.parametrize(
    ("change", "name", "size"),
    [
        (dict(s=-0.25), "primal", 0.25),
        (dict(z=-0.5), "dual", 0.5),
        (dict(q=0.125), "stationarity", 0.125),
        (dict(z=0.5), "complementarity", 1.0),
    ],
)
def test_the_judge_sees_each_mistake(change, name, size):
    """At x = 0 with G = 0: the slack is h, a multiple of the cones' unit, and z is another."""
    unit = np.array([1, 1, 1, 0, 0, 1, 0, 1.0])
    z, s = change.get("z", 0.0) * unit, change.get("s", 0.4) * unit
    data = np.eye(N), np.full(N, change.get("q", 0.0)), None, None, np.zeros((M, N)), s
    found = judged(data, Solution(np.zeros(N), Multipliers(None, jnp.asarray(z), None), None))
    np.testing.assert_allclose(getattr(found, name), size, rtol=1e-12)
    assert found.error > 0.05
    rest = "stationarity", "primal", "dual"
    assert all(getattr(found, other) == 0 for other in rest if other != name)


def test_vectors_of_matrices_keep_products():
    rng = np.random.default_rng(0)
    X, Y = (root + root.T for root in rng.normal(size=(2, 3, 3)))
    np.testing.assert_allclose(svec(X) @ svec(Y), np.trace(X @ Y), rtol=1e-12)
    np.testing.assert_allclose(smat(svec(X)), X, rtol=1e-15)
    np.testing.assert_array_equal(svec(np.diag([1.0, 2, 3])), [1, 0, 2, 0, 0, 3])


# One shape for plane geometry: x of three numbers, three rows, four second-order cones.
PLANE = Cones(3, (3, 3, 3, 3))
FLAT = np.zeros((3, 3))
LOOSE = FLAT, np.ones(3)
NOTHING = FLAT, np.array([1.0, 0, 0])


def plane(q, cones, rows=LOOSE, square=FLAT):
    """A program of that shape: pairs (G, h) of cones, those left out say nothing."""
    parts = [rows, *cones, *[NOTHING] * (4 - len(cones))]
    G, h = (np.concatenate(part) for part in zip(*parts, strict=True))
    data = square, np.asarray(q, float), None, None, G, h
    found = solve_cone(*data, PLANE)
    assert found.info.status == Status.OPTIMAL
    assert judged(data, found, PLANE).error < 1e-10
    return found


def test_the_smallest_ball_around_points():
    """(centre, radius) of the smallest; of a triangle with a right angle half its longest side."""
    points = np.array([[0.0, 0], [4, 0], [0, 3], [1, 1]])
    around = [(-np.eye(3)[[2, 0, 1]], -np.append(0, point)) for point in points]
    found = plane([0, 0, 1], around)
    np.testing.assert_allclose(found.x, [2, 1.5, 2.5], atol=1e-9)


def test_the_centre_of_a_polygon():
    """Chebyshev's centre of a triangle with sides 3, 4, 5: its incircle has the radius one."""
    sides = np.array([[-1.0, 0], [0, -1], [0.6, 0.8]])
    rows = np.column_stack([sides, np.ones(3)]), np.array([0, 0, 2.4])
    found = plane([0, 0, -1], [], rows)
    np.testing.assert_allclose(found.x, [1, 1, 1], atol=1e-9)
    np.testing.assert_allclose(found.multipliers.inequality[:3], [1 / 4, 1 / 3, 5 / 12], atol=1e-9)


def test_the_nearest_point_of_a_ball():
    p = np.array([3.0, 4])
    unit_ball = -np.eye(3)[[2, 0, 1]] * np.array([0, 1, 1])[:, None], np.array([1.0, 0, 0])
    found = plane([*-p, 0], [unit_ball], square=np.eye(3))
    np.testing.assert_allclose(found.x, [0.6, 0.8, 0], atol=1e-12)
    np.testing.assert_allclose(found.multipliers.inequality[3:6], [4, -2.4, -3.2], atol=1e-11)
    np.testing.assert_allclose(found.info.objective, 8 - 12.5, rtol=1e-12)


def test_robust_least_squares():
    """|a x - b| + r |x|, which is |(a + c) x - b| at the worst c of norm r (El Ghaoui 1997).

    With a = (1, 0), b = (3, 4), r = 0.28 the slope vanishes at x = 3 - 4 r / sqrt(1 - r^2).
    """
    fit = np.array([[0, -1.0, 0], [-1, 0, 0], [0, 0, 0]]), np.array([0, -3.0, -4])
    size = np.array([[0, 0, -1.0], [-1, 0, 0], [0, 0, 0]]), np.zeros(3)
    found = plane([0, 1, 0.28], [fit, size])
    np.testing.assert_allclose(found.x, [11 / 6, np.hypot(7 / 6, 4), 11 / 6], atol=1e-9)


PENTAGON = [(i, (i + 1) % 5) for i in range(5)]


def semidefinite(C, rows, b, square=False):
    """Least trace of C X, or distance of X from C, over semidefinite X with traces b."""
    q, A = np.asarray(svec(C)), np.stack([svec(row) for row in rows])
    n = q.size
    cones = Cones(semidefinite=(len(C),))
    data = np.eye(n) * square, -q if square else q, A, np.asarray(b, float), -np.eye(n), np.zeros(n)
    found = solve_cone(*data, cones)
    assert found.info.status == Status.OPTIMAL
    assert judged(data, found, cones).error < 1e-10
    return found


def edge(i, j):
    matrix = np.zeros((5, 5))
    matrix[i, j] = matrix[j, i] = 1
    return matrix


@pytest.mark.full
def test_theta_of_the_pentagon():
    """Its largest independent set in the sense of Lovasz (1979): the root of five."""
    rows = [np.eye(5), *(edge(i, j) for i, j in PENTAGON)]
    found = semidefinite(-np.ones((5, 5)), rows, [1, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(found.info.objective, -np.sqrt(5), rtol=1e-10)


@pytest.mark.full
def test_the_relaxed_cut_of_the_pentagon():
    """(25 + 5 sqrt 5) / 8 (Goemans and Williamson 1995, section 4); a row of zeros does no harm."""
    laplacian = 2 * np.eye(5) - sum(edge(i, j) for i, j in PENTAGON)
    rows = [np.diag(row) for row in np.eye(5)]
    found = semidefinite(-laplacian / 4, [*rows, np.zeros((5, 5))], [1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(-found.info.objective, (25 + 5 * np.sqrt(5)) / 8, rtol=1e-10)


@pytest.mark.full
def test_the_nearest_correlation_matrix():
    """Higham (2002), section 4: four digits of it are published."""
    given = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    found = semidefinite(given, [np.diag(row) for row in np.eye(4)], np.ones(4), square=True)
    published = [
        [1, -0.8084, 0.1916, 0.1068],
        [-0.8084, 1, -0.6562, 0.1916],
        [0.1916, -0.6562, 1, -0.8084],
        [0.1068, 0.1916, -0.8084, 1],
    ]
    np.testing.assert_allclose(smat(found.x), published, atol=5e-5)
    distance = jnp.linalg.norm(smat(found.x) - given)
    np.testing.assert_allclose(distance, 2.13, atol=5e-3)


def test_the_least_eigenvalue_and_its_slopes():
    """The largest t with M - t I semidefinite: v'dM v, and 2 sum (v_k'dM v)^2 / (t - t_k)."""
    rng = np.random.default_rng(1)
    M, change = (root + root.T for root in rng.normal(size=(2, 3, 3)))
    G, one = svec(np.eye(3))[:, None], np.ones(1)

    def least(t):
        cones = Cones(semidefinite=(3,))
        h = svec(M + t * change)
        return solve_cone(np.zeros((1, 1)), -one, G=G, h=h, cones=cones).x[0]

    values, V = np.linalg.eigh(M)
    moved = V.T @ change @ V
    bend = 2 * sum(moved[0, k] ** 2 / (values[0] - values[k]) for k in (1, 2))
    value, slope, second = (f(0.0) for f in (least, jax.grad(least), jax.jacfwd(jax.grad(least))))
    np.testing.assert_allclose(value, values[0], rtol=1e-12)
    np.testing.assert_allclose(slope, moved[0, 0], rtol=1e-10)
    np.testing.assert_allclose(second, bend, rtol=1e-8)


def test_slopes_of_the_optimal_value_are_the_multipliers():
    """The envelope theorem, in all the data at once."""
    data, (x, y, z) = planted(3)
    slopes = jax.grad(lambda data: solve(*data).info.objective)(data)
    truth = np.outer(x, x) / 2, x, np.outer(y, x), -y, np.outer(z, x), -z
    for slope, expected in zip(slopes, truth, strict=True):
        np.testing.assert_allclose(slope, expected, atol=1e-10)


@pytest.mark.full
def test_slopes_of_the_solution():
    """Along a direction of all the data: differences, forward mode, and reverse mode."""
    data, _ = planted(4)
    rng = np.random.default_rng(0)
    change = tuple(rng.normal(size=part.shape) for part in data)

    def root(data):
        found = solve(*data)
        return jnp.concatenate([found.x, *found.multipliers[:2]])

    def moved(size):
        return root(tuple(a + size * b for a, b in zip(data, change, strict=True)))

    step = 1e-5
    _, forward = jax.jvp(root, (data,), (change,))
    np.testing.assert_allclose(forward, (moved(step) - moved(-step)) / (2 * step), atol=1e-7)
    weights = rng.normal(size=forward.size)
    back = jax.grad(lambda data: weights @ root(data))(data)
    back = sum(np.sum(a * b) for a, b in zip(back, change, strict=True))
    np.testing.assert_allclose(back, weights @ forward, rtol=1e-9)


def test_without_strict_complementarity_there_is_no_slope():
    """The nearest point of |x| <= t to a point on the boundary: the multiplier is zero there."""
    data, (x, y, z) = planted(0)
    z = np.where(np.arange(M) < 2, z, 0)  # what was held by cones lies on them now
    data = data[0], -(data[0] @ x + y @ data[2] + z @ data[4]), *data[2:]
    found, slope = jax.value_and_grad(lambda q: solve(data[0], q, *data[2:]).x[0])(data[1])
    np.testing.assert_allclose(found, x[0], atol=1e-6)
    assert solve(*data).info.status == Status.OPTIMAL
    assert not solve(*data).info.regular
    assert np.isnan(slope).all()


def mixed(seed):
    """Programs of one shape, and how the search for each has to end."""
    data, (x, y, z) = planted(seed)
    Q, q, A, b, G, h = data
    rng = np.random.default_rng(seed + 1000)
    s = h - G @ x
    yield data, Status.OPTIMAL

    proof = nearest(rng.normal(size=M)) + 0.1 * np.array([1, 1, 1, 0, 0, 1, 0, 1])
    clash = G - np.outer(proof, proof @ G + y @ A) / (proof @ proof)
    ends = h - proof * (proof @ h + y @ b + 10 ** rng.uniform(-2, 1)) / (proof @ proof)
    yield (Q, q, A, b, clash, ends), Status.INFEASIBLE

    ray = rng.normal(size=N)
    ray /= np.linalg.norm(ray)
    across = np.eye(N) - np.outer(ray, ray)
    flat, level = across @ Q @ across, A @ across
    fall = across @ q - ray * rng.uniform(0.1, 1)
    away = G @ across - np.outer(nearest(rng.normal(size=M)), ray)
    yield (flat, fall, level, level @ x, away, away @ x + s), Status.UNBOUNDED
    yield (0 * Q, fall, level, level @ x, away, away @ x + s), Status.UNBOUNDED

    away = G @ across - np.outer(s, ray)  # beside z, which proves a contradiction
    away -= np.outer(z, z @ away + y @ level) / (z @ z)
    yield (flat, fall, level, b, away, h - z * (z @ h + y @ b + 1) / (z @ z)), Status.INFEASIBLE

    broken = [part.copy() for part in data]
    part = broken[rng.integers(6)]
    part.flat[rng.integers(part.size)] = np.nan
    yield tuple(broken), Status.NOT_FINITE
    yield (-Q, q, A, b, G, h), Status.NOT_CONVEX


@functools.cache
def together(seeds):
    """Lanes of all kinds, solved in one program."""
    cases = [case for seed in range(seeds) for case in mixed(seed)]
    data = [np.stack(parts) for parts in zip(*(data for data, _ in cases), strict=True)]
    return cases, jax.jit(jax.vmap(solve))(*data)


def test_lanes_have_their_own_status_and_harm_nobody():
    cases, found = together(29)
    assert len(cases) > 200
    for lane, (_, status) in enumerate(cases):
        assert Status(int(found.info.status[lane])) == status, (lane, lane % 7)
    for lane in range(0, 210, 14):
        np.testing.assert_allclose(found.x[lane], planted(lane // 7)[1][0], atol=1e-10)


def test_certificates_hold():
    """Both proofs, checked in NumPy from the data alone."""
    cases, found = together(29)
    directions, proofs = jax.tree.map(np.asarray, found.info.certificate)
    for lane, (data, status) in enumerate(cases):
        Q, q, A, b, G, h = data
        d, y, z = directions[lane], proofs.equality[lane], proofs.inequality[lane]
        if status == Status.UNBOUNDED:
            np.testing.assert_allclose(np.abs(d).max(), 1, rtol=1e-15)
            assert not y.any() | z.any()
            assert q @ d < 0
            assert max(d @ Q @ d, np.abs(A @ d).max()) < 1e-7
            assert np.abs(nearest(-G @ d) + G @ d).max() < 1e-7
            s = h - G @ found.x[lane]
            assert np.abs(nearest(s) - s).max() < 1e-7 * (1 + np.abs(s).max())
        elif status == Status.INFEASIBLE:
            assert not d.any()
            assert np.abs(y @ A + z @ G).max() < 1e-7
            assert np.abs(nearest(z) - z).max() < 1e-12 * np.abs(z).max()
            np.testing.assert_allclose(b @ y + h @ z, -1, rtol=1e-9)
        else:
            assert not d.any() | y.any() | z.any()


def test_single_precision_ends_and_says_so():
    data, (x, *_) = planted(1, np.float32)
    found = solve(*data)
    assert found.info.status == Status.OPTIMAL
    assert found.x.dtype == np.float32
    np.testing.assert_allclose(found.x, x, atol=1e-3)
    strict = solve(*data, tolerance=1e-9)
    assert strict.info.status in (Status.STALLED, Status.ITERATION_LIMIT)
    assert "jax_enable_x64" in describe(strict.info)


@pytest.mark.full
def test_degenerate_programs_end_as_they_have_to():
    """Contradictions, rays, dependent rows, no interior: rows with ends as equalities and cones."""

    def sides(Q, q, G, lower, upper):
        equal = lower == upper
        ends = [(G, upper, np.isfinite(upper) & ~equal), (-G, -lower, np.isfinite(lower) & ~equal)]
        rows = np.vstack([np.where(some[:, None], side, 0) for side, _, some in ends])
        h = np.concatenate([np.where(some, end, 1) for _, end, some in ends])
        return Q, q, np.where(equal[:, None], G, 0), np.where(equal, upper, 0), rows, h

    cases = [case for seed in range(20) for case in programs(seed)]
    data = [sides(*padded(*data)) for _, data, _ in cases]
    found = jax.jit(jax.vmap(solve_cone))(*(np.stack(part) for part in zip(*data, strict=True)))
    status = np.asarray(found.info.status)
    wrong = [(what, status[i]) for i, (what, _, right) in enumerate(cases) if status[i] != right]
    assert not wrong


@pytest.mark.full
def test_a_linear_program_of_the_textbook():
    """Wyndor Glass (Hillier and Lieberman, chapter 3): plants, profits and shadow prices."""
    G = np.vstack([[[1.0, 0], [0, 2], [3, 2]], -np.eye(2)])
    q, h = np.array([-3.0, -5]), np.array([4.0, 12, 18, 0, 0])
    found = solve_cone(np.zeros((2, 2)), q, G=G, h=h)
    np.testing.assert_allclose(found.x, [2, 6], rtol=1e-10)
    np.testing.assert_allclose(found.multipliers.inequality, [0, 1.5, 1, 0, 0], atol=1e-10)


@pytest.mark.full
def test_without_cones_it_is_a_linear_system():
    rng = np.random.default_rng(0)
    root, A, q, b = rng.normal(size=(3, 3)), rng.normal(size=(1, 3)), rng.normal(size=3), np.ones(1)
    matrix = np.block([[root @ root.T, A.T], [A, np.zeros((1, 1))]])
    found = solve_cone(root @ root.T, q, A, b)
    truth = np.linalg.solve(matrix, np.append(-q, b))
    np.testing.assert_allclose(np.append(found.x, found.multipliers.equality), truth, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(P=np.ones((3, 2))), "P is a matrix of 3 by 3"),
        (dict(q=np.ones((3, 1))), "q is a vector"),
        (dict(A=np.ones((1, 3))), "need both A and b"),
        (dict(G=np.ones((1, 3))), "need both G and h"),
        (dict(G=np.ones((2, 4)), h=np.ones(2)), "G is a matrix of rows by 3"),
        (dict(G=np.ones((2, 3)), h=np.ones(3)), "h is 2 numbers or one"),
        (
            dict(G=np.ones((6, 3)), h=np.ones(6), cones=Cones(1, (3,), (2,))),
            "has 7 rows, and G has 6",
        ),
    ],
)
def test_shapes_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        solve_cone(**{**dict(P=np.eye(3), q=np.ones(3)), **change})
