r"""Iteratively reweighted least squares: Newton's method for losses of a linear model.

For the mean of losses $\ell(x_i^T w, y_i)$ with a penalty $\tfrac12 \sum_j \lambda_j w_j^2$,

$$ g = \tfrac1n X^T \ell' + \lambda w, \qquad
H = \tfrac1n X^T \mathrm{diag}(\ell'') X + \mathrm{diag}(\lambda) $$

(Bishop 2006, section 4.3.3; McCullagh and Nelder 1989, section 2.5). The Hessian costs d times as
much as the gradient and only steers: it is formed in half the precision, while the gradient, which
decides what is found, keeps its own. The error of the step is that of rounding in float32 times the
condition number, a digit or two fewer per step than Newton's method would gain in the end. Where a
step leaves little of the error, the next one has the same Hessian (Shamanskii 1967).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.optimize.flat import SHARP, all_finite, bottom, choose, largest
from jaxmath.optimize.implicit import differentiable_if, implicit_root, solve_or_nan
from jaxmath.optimize.minimum import RUNNING
from jaxmath.optimize.solution import Info, Kind, Solution, Status

ARMIJO = 1e-4
FAST = 0.03
"""A step that leaves so small a share of the error is followed by one with the same Hessian."""


class Local(NamedTuple):
    """What is known at the coefficients w."""

    w: Array
    scores: Array  # X w
    objective: Array
    gradient: Array
    error: Array


@functools.partial(jax.jit, static_argnames=("loss", "mixed"))
def irls(
    loss: Callable[[Any, Any], Any],
    features: Float[Array, "n d"],
    targets: Array,
    penalty: Any = 0.0,
    *,
    start: Any = None,
    tolerance: Any = None,
    max_iterations: Any = 100,
    mixed: bool = True,
) -> Solution:
    """Fit the linear model whose mean loss, with a penalty of squares, is least.

    Args:
        loss: a function of one score and one target, convex and twice differentiable in the score:
            `losses.logistic`, or minus the log-likelihood of a generalised linear model.
        features: a row for each example; a column of ones gives an intercept.
        targets: one for each example.
        penalty: the factor of half the square of each coefficient, a number or one for each; zero
            leaves an intercept free.
        start: coefficients to begin with; by default zeros.
        tolerance: the largest entry of the gradient, each relative to 1 plus the terms that it
            sums; by default the dtype's spacing to the power 3/4.
        max_iterations: the number of Newton steps after which to give up.
        mixed: whether the Hessian of float64 features is formed in float32.

    Returns:
        A `Solution` without multipliers: the coefficients, in the dtype of the features, and an
        `Info` that `describe` puts in words. Data that a plane separates have no minimum without a
        penalty: the curvature vanishes on the way out, `info.kind` is UNDECIDED.

    Derivatives in features, targets and penalty are those of the root of the gradient, to any
    order and in both modes, with the Hessian in full precision; NaN where that is singular.
    """
    X, y = features, targets
    n, d = X.shape
    penalty = jnp.broadcast_to(jnp.asarray(penalty, X.dtype), (d,))
    tolerance = X.dtype.type(jnp.finfo(X.dtype).eps ** SHARP) if tolerance is None else tolerance
    tolerance = jnp.asarray(tolerance, X.dtype)
    begin = jnp.zeros(d, X.dtype) if start is None else jnp.asarray(start, X.dtype)
    slopes = jax.vmap(jax.grad(loss))
    bends = jax.vmap(jax.grad(jax.grad(loss)))

    def objective(w):
        return jnp.mean(jax.vmap(loss)(X @ w, y)) + 0.5 * penalty @ jnp.square(w)

    def gradient(w):
        return slopes(X @ w, y) @ X / n + penalty * w

    def find(w):
        data = jax.lax.stop_gradient((X, y, penalty))
        return _search(loss, slopes, bends, *data, w, tolerance, max_iterations, mixed)

    w, info = implicit_root(gradient, begin, find, solve_or_nan)
    w = differentiable_if(w, (info.status == Status.OPTIMAL) & (info.kind == Kind.MINIMUM))
    return Solution(w, (), jax.lax.stop_gradient(info)._replace(objective=objective(w)))


def _search(loss, slopes, bends, X, y, penalty, w, tolerance, max_iterations, mixed):
    narrow = X.astype(jnp.float32) if mixed else X
    n = len(X)
    lengths = jnp.linalg.norm(X, axis=0)

    def mean_loss(w, scores):
        return jnp.mean(jax.vmap(loss)(scores, y)) + 0.5 * penalty @ jnp.square(w)

    def look(w, scores) -> Local:
        slope = slopes(scores, y)
        gradient = slope @ X / n + penalty * w
        # Their bound by the inequality of Cauchy and Schwarz, which needs no second pass.
        terms = jnp.linalg.norm(slope) * lengths / n + penalty * jnp.abs(w)
        error = jnp.max(jnp.abs(gradient) / (1 + terms))
        return Local(w, scores, mean_loss(w, scores), gradient, error)

    def factor(scores):
        """The Cholesky factor of the Hessian."""
        weights = jnp.sqrt(jnp.maximum(bends(scores, y), 0) / n).astype(narrow.dtype)
        rows = weights[:, None] * narrow
        hessian = (rows.T @ rows).astype(X.dtype) + jnp.diag(penalty)
        # What rounding may have taken from the diagonal, so that the factor exists.
        lift = 10 * jnp.finfo(narrow.dtype).eps * jnp.diag(hessian)
        return jnp.linalg.cholesky(hessian + jnp.diag(lift)), jnp.diag(hessian)

    def solve(root, right):
        half = jax.scipy.linalg.solve_triangular(root, right, lower=True)
        return jax.scipy.linalg.solve_triangular(root, half, lower=True, trans=1)

    def repeat(state):
        here, count, _, fast, *last = state
        root, diagonal = jax.lax.cond(fast, lambda: tuple(last), lambda: factor(here.scores))
        step = -solve(root, here.gradient)
        moved, slope = X @ step, here.gradient @ step
        eps = jnp.finfo(X.dtype).eps
        noise = 10 * eps * jnp.abs(here.objective)

        def refused(length):
            there = mean_loss(here.w + length * step, here.scores + length * moved)
            low = there <= here.objective + ARMIJO * length * slope + noise
            return ~low & (length > eps)

        one = jnp.ones((), X.dtype)
        length = jax.lax.while_loop(refused, lambda length: 0.5 * length, one)
        there = look(here.w + length * step, here.scores + length * moved)
        usable = all_finite(there.objective, there.gradient, step)
        faint = -slope <= noise
        stuck = ~usable | (length <= eps) | (faint & (there.error > 0.5 * here.error))
        better = usable & (~faint | (there.error <= here.error))
        fast = better & (there.error <= FAST * here.error)
        there = choose(better, there, here)
        status = judge(there, count + 1, stuck)
        return there, count + 1, status, fast, root, diagonal

    def judge(local: Local, count, stuck):
        status = jnp.where(count >= max_iterations, Status.ITERATION_LIMIT, RUNNING)
        status = jnp.where(stuck, Status.STALLED, status)
        status = jnp.where(local.error <= tolerance, Status.OPTIMAL, status)
        return jnp.where(local.objective < bottom(X.dtype), Status.UNBOUNDED, status)

    here = look(w, X @ w)
    status = judge(here, jnp.asarray(0), jnp.asarray(False))
    status = jnp.where(all_finite(here.objective, here.gradient), status, Status.NOT_FINITE)
    unknown = jnp.zeros((X.shape[1],) * 2, X.dtype), jnp.zeros(X.shape[1], X.dtype)
    begin = here, jnp.asarray(0), status, jnp.asarray(False), *unknown
    end = jax.lax.while_loop(lambda state: state[2] == RUNNING, repeat, begin)
    here, count, status, _, root, diagonal = end
    # No step was taken where the start was the minimum already.
    taken = (root, diagonal)
    root, diagonal = jax.lax.cond(count == 0, lambda: factor(here.scores), lambda: taken)
    # Where one more step moves no score by much, no curvature changes by much on the way to the
    # minimum; on data that a plane separates every step moves them by about one.
    moved = largest(X @ solve(root, here.gradient))
    clear = (_share(root, diagonal) > 100 * jnp.finfo(narrow.dtype).eps) & (moved < 0.1)
    info = Info(
        status=status,
        kind=jnp.where(clear, Kind.MINIMUM, Kind.UNDECIDED),
        regular=jnp.asarray(True),
        iterations=count,
        objective=here.objective,
        stationarity=largest(here.gradient),
        primal=jnp.zeros((), X.dtype),
        error=here.error,
        tolerance=tolerance,
    )
    return here.w, info


def _share(root, diagonal):
    """The least share of a diagonal entry that is left when the columns before it are removed."""
    left = jnp.square(jnp.diag(root)) / jnp.where(diagonal > 0, diagonal, 1)
    return jnp.where(jnp.all(diagonal > 0), jnp.min(left), 0)
