"""Small infeasible, unbounded and degenerate quadratic programs: the right status of each."""

import jax
import numpy as np
import pytest

from jaxmath.constrained import Status, solve_qp

N, M = 9, 48
"""All are padded to these sizes by free variables and empty rows, which must do no harm."""


def padded(P, q, G, lower, upper):
    n, m = len(q), len(lower)
    Q, C = np.zeros((N, N)), np.zeros((M, N))
    Q[:n, :n], C[:m, :n] = P, G
    ends = (
        np.pad(lower, (0, M - m), constant_values=-np.inf),
        np.pad(upper, (0, M - m), constant_values=np.inf),
    )
    return Q, np.pad(q, (0, N - n)), C, *ends


def programs(seed):
    """Nine programs at random: what is special about each, its data, and its status."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 9), rng.integers(1, 12)
    size, rank = 10 ** rng.uniform(-3, 3), rng.integers(0, n + 1)
    root = rng.normal(size=(n, rank))
    P, q, G = root @ root.T * size, rng.normal(size=n) * size, rng.normal(size=(m, n))
    x = rng.normal(size=n) * 10 ** rng.uniform(-2, 3)
    none, some = np.full(m, -np.inf), np.eye(n)

    k = rng.integers(2, 5)
    weights, C, h = rng.random(k) + 0.1, rng.normal(size=(k, n)), rng.normal(size=k)
    C[-1] = -(weights[:-1] @ C[:-1]) / weights[-1]  # the rows, weighted, sum to nothing
    h[-1] = -(weights[:-1] @ h[:-1]) / weights[-1] - 10 ** rng.uniform(-4, 2)
    above = np.full(m + k, -np.inf), np.r_[G @ x + 1, h]
    yield "rows that contradict", (P, q, np.vstack([G, C]), *above), Status.INFEASIBLE
    yield "equalities that contradict", (P, q, C, h, h), Status.INFEASIBLE

    ray = rng.normal(size=n)
    ray /= np.linalg.norm(ray)
    across = some - np.outer(ray, ray)
    flat, fall = across @ P @ across, q - (q @ ray + size * (0.01 + rng.random())) * ray
    away = np.where((G @ ray > 0)[:, None], -G, G)
    ends = none, away @ x + rng.random(m)
    yield "a ray within rows", (flat, fall, away, *ends), Status.UNBOUNDED
    free = np.zeros((1, n)), np.array([-np.inf]), np.array([np.inf])
    yield "a ray and no rows", (flat, fall, *free), Status.UNBOUNDED
    along = G @ across
    yield "a ray along equalities", (flat, fall, along, along @ x, along @ x), Status.UNBOUNDED

    twice = np.vstack([G, G, some, np.zeros((1, n))])
    ends = np.r_[none, none, x - 2, 0], np.r_[G @ x + 1, G @ x + 1, x + 2, 0]
    yield "rows twice, and an empty one", (P, q, twice, *ends), Status.OPTIMAL
    dependent = np.vstack([G[:1], 2 * G[:1], some])
    fixed = np.where(rng.random(n) < 0.5, x, x - 1)
    ends = np.r_[dependent[:2] @ x, fixed], np.r_[dependent[:2] @ x, x]
    yield "dependent equalities, fixed variables", (P, q, dependent, *ends), Status.OPTIMAL
    point = np.vstack([some, -some])
    yield "one feasible point", (P, q, point, np.full(2 * n, -np.inf), np.r_[x, -x]), Status.OPTIMAL
    simplex = np.vstack([some, np.ones((2, n))])
    ends = np.r_[np.zeros(n), -np.inf, -np.inf], np.r_[np.full(n, np.inf), 1, 1]
    yield "a linear program, a row twice", (0 * P, q, simplex, *ends), Status.OPTIMAL


@pytest.mark.full
@pytest.mark.parametrize("seed", range(120))
def test_the_status_is_right(seed):
    for what, data, status in programs(seed):
        Q, q, G, lower, upper = padded(*data)
        found = solve_qp(Q, q, G=G, lower=lower, upper=upper)
        assert found.info.status == status, (what, Status(int(found.info.status)), found.info)


def mixed(seeds):
    """Programs of all kinds by turns, every tenth with a NaN somewhere in its data."""
    rng, found = np.random.default_rng(7), []
    for seed in seeds:
        for what, data, status in programs(seed):
            found.append((what, padded(*data), status))
        what, data, _ = found[rng.integers(len(found))]
        broken = [array.copy() for array in data]
        part = broken[rng.integers(len(broken))]
        part.flat[rng.integers(part.size)] = np.nan
        found.append((f"NaN in {what}", tuple(broken), Status.NOT_FINITE))
    return found


@pytest.mark.full
def test_a_thousand_lanes_do_each_other_no_harm():
    """Solvable, infeasible, unbounded and broken programs: each as if it were alone."""
    lanes = mixed(range(100))
    data = tuple(np.stack(parts) for parts in zip(*(data for _, data, _ in lanes), strict=True))

    def solve(Q, q, G, lower, upper):
        return solve_qp(Q, q, G=G, lower=lower, upper=upper)

    together = jax.jit(jax.vmap(solve))(*data)
    wrong = [
        (what, Status(int(got)))
        for (what, _, status), got in zip(lanes, together.info.status, strict=True)
        if got != status
    ]
    assert not wrong
    assert len(lanes) == 1000
    alone, healthy = jax.jit(solve), np.asarray(together.info.status) == Status.OPTIMAL
    for lane in np.flatnonzero(healthy)[::7]:
        one = alone(*(array[lane] for array in data))
        np.testing.assert_allclose(
            together.info.objective[lane], one.info.objective, rtol=1e-6, atol=1e-6
        )
