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


def ours(P, q, G, h):
    """`solve_qp` at its defaults, vectorised, with all that it says of the solution."""
    from jaxmath.constrained import solve_qp

    def one(P, q, G, h):
        found = solve_qp(P, q, G=G, upper=h)
        return found.x, found.multipliers.inequality, found

    return _batch(one, P, q, G, h)


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


PEERS = dict(OSQP=osqp, Clarabel=clarabel, ProxQP=proxqp, qpax=qpax, jaxopt=jaxopt)
