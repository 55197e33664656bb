"""Solvers of quadratic programs x'Px / 2 + q'x, G x <= h: prepared, then called for a batch.

Each function takes arrays with a leading axis of problems and returns what solves all of them: a
function without arguments whose answer is x and the multipliers of the rows.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

TOLERANCE = 1e-9
"""Asked of each where it can be asked: the residuals are to be below 1e-8, as we judge them."""


def osqp(P, q, G, h):
    """OSQP, polished."""
    solvers = import_module("osqp")
    from scipy import sparse

    def one(P, q, G, h):
        solver = solvers.OSQP()
        solver.setup(
            sparse.csc_matrix(np.triu(P)), q, sparse.csc_matrix(G), np.full(len(h), -np.inf), h,
            eps_abs=TOLERANCE, eps_rel=0.0, polishing=True, verbose=False, max_iter=100_000,
        )  # fmt: skip
        found = solver.solve()
        return found.x, found.y

    return _each(one, P, q, G, h)


def clarabel(P, q, G, h):
    """Clarabel, at its defaults."""
    solvers = import_module("clarabel")
    from scipy import sparse

    settings = solvers.DefaultSettings()
    settings.verbose = False

    def one(P, q, G, h):
        cones = [solvers.NonnegativeConeT(len(h))]
        solver = solvers.DefaultSolver(
            sparse.csc_matrix(np.triu(P)), q, sparse.csc_matrix(G), h, cones, settings
        )
        found = solver.solve()
        return np.array(found.x), np.array(found.z)

    return _each(one, P, q, G, h)


def proxqp(P, q, G, h):
    """ProxQP, dense."""
    solvers = import_module("proxsuite")

    def one(P, q, G, h):
        solver = solvers.proxqp.dense.QP(len(q), 0, len(h))
        solver.settings.eps_abs = TOLERANCE
        solver.init(P, q, None, None, G, np.full(len(h), -1e20), h)
        solver.solve()
        return np.array(solver.results.x), np.array(solver.results.z)

    return _each(one, P, q, G, h)


def proxqp_threads(P, q, G, h):
    """ProxQP, dense, its batch on two threads."""
    dense = import_module("proxsuite").proxqp.dense

    def solve():
        batch = dense.BatchQP(len(P))
        for parts in zip(P, q, G, h, strict=True):
            solver = batch.init_qp_in_place(q.shape[1], 0, h.shape[1])
            solver.settings.eps_abs = TOLERANCE
            solver.init(*parts[:2], None, None, parts[2], np.full(h.shape[1], -1e20), parts[3])
        dense.solve_in_parallel(batch, 2)
        found = [batch.get(i).results for i in range(len(P))]
        return np.stack([one.x for one in found]), np.stack([one.z for one in found])

    return solve


def qpax(P, q, G, h):
    """qpax, vectorised."""
    solvers = import_module("qpax")

    n = q.shape[1]

    def one(P, q, G, h):
        found = solvers.solve_qp(P, q, jnp.zeros((0, n)), jnp.zeros(0), G, h, solver_tol=TOLERANCE)
        return found[0], found[2]

    return _batch(one, P, q, G, h)


def jaxopt(P, q, G, h):
    """OSQP of jaxopt, vectorised."""
    solver = import_module("jaxopt").OSQP(tol=TOLERANCE, maxiter=100_000)

    def one(P, q, G, h):
        found = solver.run(params_obj=(P, q), params_ineq=(G, h)).params
        return found.primal, found.dual_ineq

    return _batch(one, P, q, G, h)


def _ours(P, q, G, h):
    from jaxmath.constrained import solve_qp

    found = solve_qp(P, q, G=G, upper=h)
    return found.x, found.multipliers.inequality, found


def ours(P, q, G, h):
    """`solve_qp` at its defaults, vectorised, with all that it says of the solution."""
    return _batch(_ours, P, q, G, h)


def ours_on_devices(P, q, G, h):
    """The same on two devices of one processor, half of the batch on each."""
    mesh = jax.sharding.Mesh(jax.devices()[:2], "lanes")
    lanes = jax.sharding.PartitionSpec("lanes")
    halves = jax.shard_map(
        jax.vmap(_ours), mesh=mesh, in_specs=lanes, out_specs=lanes, check_vma=False
    )
    data = jax.device_put((P, q, G, h), jax.sharding.NamedSharding(mesh, lanes))
    compiled = jax.jit(halves)
    return lambda: jax.block_until_ready(compiled(*data))[:2]


def _each(one, *data) -> Callable[[], Any]:
    def solve():
        found = [one(*parts) for parts in zip(*data, strict=True)]
        return tuple(np.stack(parts) for parts in zip(*found, strict=True))

    return solve


def _batch(one, *data) -> Callable[[], Any]:
    alone = len(data[0]) == 1
    compiled = jax.jit(one if alone else jax.vmap(one))
    parts = tuple(jnp.asarray(part[0] if alone else part) for part in data)

    def solve():
        x, z, *_ = jax.block_until_ready(compiled(*parts))
        return (x[None], z[None]) if alone else (x, z)

    return solve


OURS = {"jaxmath": ours}
PEERS = dict(OSQP=osqp, Clarabel=clarabel, ProxQP=proxqp, qpax=qpax, jaxopt=jaxopt)
ON_TWO_CORES = {"jaxmath, 2 devices": ours_on_devices}, {"ProxQP, 2 threads": proxqp_threads}
"""Of a batch: ours, and those of peers that have such a way."""
