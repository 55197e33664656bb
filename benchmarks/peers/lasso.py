"""Solvers of the lasso's path: prepared, then called for coefficients of each penalty, a row each.

Each function takes features, targets and penalties, the largest first.
"""

from importlib import import_module

import jax
import jax.numpy as jnp

TOLERANCE = 1e-12
"""Of ours: the residual of the proximal step; the gap is some ten times as large."""
SHARE = 4e-11
"""Of scikit-learn: the gap as a share of the sum of squares of the targets, twice what counts."""


def _path(solve_one, start, penalties):
    """One penalty after the other, each from the last one's solution."""

    def step(beta, penalty):
        beta = solve_one(beta, penalty)
        return beta, beta

    return jax.lax.scan(step, start, penalties)[1]


def _moments(features, targets):
    n = len(targets)
    return features.T @ features / n, targets @ features / n


def _ours(prepare):
    """A program of features, targets and penalties, compiled once."""

    def prepared(features, targets, penalties):
        given = tuple(map(jnp.asarray, (features, targets, penalties)))
        run = jax.jit(prepare)
        return lambda: jax.block_until_ready(run(*given))

    return prepared


def _fista(gram, pull, start, penalty):
    from jaxmath.optimize import proximal_gradient
    from jaxmath.proximal import l1

    return proximal_gradient(
        lambda beta, _: beta @ gram @ beta / 2 - pull @ beta,
        lambda v, step, penalty: l1(v, step * penalty),
        start,
        penalty,
        tolerance=TOLERANCE,
        second_look=False,
    ).x


@_ours
def gradient_path(features, targets, penalties):
    """`proximal_gradient` on the moments, one penalty after the other."""
    gram, pull = _moments(features, targets)
    return _path(
        lambda beta, penalty: _fista(gram, pull, beta, penalty), jnp.zeros_like(pull), penalties
    )


@_ours
def gradient_lanes(features, targets, penalties):
    """`proximal_gradient` on the moments, all penalties side by side."""
    gram, pull = _moments(features, targets)
    return jax.vmap(lambda penalty: _fista(gram, pull, jnp.zeros_like(pull), penalty))(penalties)


def _scikit_learn(precompute):
    def prepare(features, targets, penalties):
        models = import_module("sklearn.linear_model")
        options = dict(tol=SHARE, max_iter=1_000_000, precompute=precompute)
        return lambda: models.lasso_path(features, targets, alphas=penalties, **options)[1].T

    return prepare


OURS = {
    "jaxmath proximal_gradient, in turn": gradient_path,
    "jaxmath proximal_gradient, side by side": gradient_lanes,
}
PEERS = {
    "scikit-learn lasso_path": _scikit_learn(False),
    "scikit-learn lasso_path, moments": _scikit_learn(True),
}
