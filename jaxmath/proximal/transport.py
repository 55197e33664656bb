r"""Projections on matrices with given sums of rows and columns: transport, and Birkhoff's polytope.

With a price $u_i$ of each row the columns part: each is the projection of its numbers plus the
prices on a simplex of its own, whose sum is right by construction. The prices that make the sums of
rows right are the minimum of a convex function, the semi-dual (Blondel, Seguy and Rolet 2018,
section 3), whose Hessian is the Laplacian of a graph: with the weights W of the free entries,
$H = \operatorname{diag}(W 1) - W \operatorname{diag}(W^\top 1)^{-1} W^\top$. That is so in the
Euclidean norm, where W says which entries are positive, and for the Kullback-Leibler divergence,
where W is the matrix itself. Digits are those of the largest entry of x.

The search begins with x flattened, to which all entries answer, and sharpens it by a factor of two
at a time (Schmitzer 2019, section 3.2). For the divergence a step of Sinkhorn follows each of
Newton's: it helps rows that hardly anything answers to, whose prices move on a logarithmic scale.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero
from jax.scipy.special import logsumexp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.proximal.dual import minimise_dual, solver_where_seen
from jaxmath.proximal.simplices import simplex
from jaxmath.special.normalized import softmax
from jaxmath.special.sparsemax import split

Matrix = Float[ArrayLike, "m n"]
Sums = Float[ArrayLike, " _"]


class Divergence(NamedTuple):
    """What a distance from x makes of a column."""

    fill: Callable[[Array, Array], Array]  # its projection on the simplex of a sum
    weights: Callable[[Array, Array], Array]  # of its entries, in the Jacobian of that
    flat: Callable[[Array], Array]  # of the mean entry: how far x may spread for all to answer
    relax: Callable[[Array, Array, Array], Array]  # a change of prices after which f is lower


def _support(scores, total):
    return split(scores, total)[1].astype(scores.dtype)


def _shares(scores, total):
    return total * softmax(scores)


def _sinkhorn(scores, rows, columns):
    """What makes the sums of rows right while the factors of columns stay; in logarithms."""
    left = scores - logsumexp(scores, axis=0, keepdims=True) + jnp.log(columns)[None, :]
    there = rows > 0
    now = logsumexp(jnp.where(there[:, None], left, 0), axis=1)
    return jnp.where(there, jnp.log(jnp.where(there, rows, 1)) - now, 0)


EUCLIDEAN = Divergence(simplex, _support, lambda mean: mean, lambda _, rows, __: 0 * rows)
KULLBACK_LEIBLER = Divergence(_shares, _shares, jnp.ones_like, _sinkhorn)
ROUGH = 1e-4
"""How nearly sums are right, of the largest, before x is sharpened further."""


def _spread(kind, x, prices, columns):
    """The matrix that the prices give."""
    return jax.vmap(kind.fill, (1, 0), 1)(x + prices[:, None], columns)


def _laplacian(kind, x, prices, columns):
    """How the sums of rows move with the prices; of positive terms, so that nothing cancels."""
    W = jax.vmap(kind.weights, (1, 0), 1)(x + prices[:, None], columns)
    total = jnp.sum(W, axis=0)
    L = (W / jnp.where(total > 0, total, 1)[None, :]) @ W.T
    L = jnp.where(jnp.eye(len(L), dtype=bool), 0, L)
    return jnp.diag(jnp.sum(L, axis=1)) - L


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _prices(kind, x, rows, columns):
    """What is added to each row so that its sum is right; of no use is their mean."""
    unit = jnp.where(jnp.any(rows > 0), jnp.max(rows), 1)
    apart = jnp.max(x) - jnp.min(jnp.where(jnp.isfinite(x), x, jnp.inf))
    doublings = jnp.ceil(jnp.log2(apart / kind.flat(unit / len(columns))))
    # Of numbers further apart than a dtype has digits the least answer nothing.
    doublings = jnp.where(doublings > 0, jnp.minimum(doublings, 2 * jnp.finfo(x.dtype).nmant), 0)

    def sharpen(state):
        left, prices = state
        y = x * jnp.exp2(-left)

        def slope(u):
            # Nothing depends on the mean price, and far away it would drown the others.
            gap = jnp.sum(_spread(kind, y, u - jnp.mean(u), columns), axis=1) - rows
            return (gap - jnp.mean(gap)) / unit

        def bend(u):
            return _laplacian(kind, y, u, columns) / unit

        def relax(u):
            u = u + kind.relax(y + u[:, None], rows, columns)
            return u - jnp.mean(u)

        prices = minimise_dual(slope, bend, prices, jnp.where(left > 0, ROUGH, 0.0), relax)
        return left - 1, prices * jnp.where(left > 0, 2, 1)

    start = doublings, jnp.zeros_like(rows)
    return jax.lax.while_loop(lambda state: state[0] >= 0, sharpen, start)[1]


def _prices_jvp(kind, primals, tangents):
    """By the implicit function theorem: H du is what the sums of rows lack."""
    (x, rows, columns), prices = primals, _prices(kind, *primals)
    matrix = _laplacian(kind, x, prices, columns)
    solve, rank = solver_where_seen(matrix)
    # Where the free entries do not connect all rows, sums are not free to move.
    joined = jnp.where(rank == rows.size - 1, 1, jnp.nan).astype(x.dtype)
    change, more, wider = (
        jnp.zeros_like(one) if isinstance(way, SymbolicZero) else way * factor
        for one, way, factor in zip(primals, tangents, (1, joined, joined), strict=True)
    )
    _, moved = jax.jvp(
        lambda x, columns: jnp.sum(_spread(kind, x, prices, columns), axis=1),
        (x, columns),
        (change, wider),
    )
    return prices, solve(more - moved)


_prices.defjvp(_prices_jvp, symbolic_zeros=True)


@functools.partial(jax.jit, static_argnums=0)
def _project(kind, x, rows, columns):
    """Along the shorter side; NaN where there is no such matrix."""
    x = jnp.asarray(x)
    rows, columns = jnp.asarray(rows, x.dtype), jnp.asarray(columns, x.dtype)
    if x.ndim != 2 or x.shape != (*rows.shape, *columns.shape):
        raise ValueError(
            f"A matrix has as many rows and columns as there are sums of each, {rows.shape} and "
            f"{columns.shape}, and not the shape {x.shape}."
        )
    if len(rows) > len(columns):
        return _project(kind, x.T, columns, rows).T
    total, least = jnp.sum(rows), jnp.minimum(jnp.min(rows), jnp.min(columns))
    apart = jnp.abs(total - jnp.sum(columns))
    there = (apart <= jnp.sqrt(jnp.finfo(x.dtype).eps) * total) & (least >= 0)
    found = _spread(kind, x, _prices(kind, x, rows, columns), columns)
    return jnp.where(there, found, jnp.nan)


def transport(x: Matrix, rows: Sums, columns: Sums) -> Float[Array, "m n"]:
    """The next matrix of non-negative entries with these sums of rows and of columns.

    Both sums are non-negative with one total, equal to half the digits; else there is no such
    matrix, and the answer is NaN. Derivatives in the sums are those along changes that keep the
    totals equal; they are NaN where positive entries do not connect all rows, since there the sums
    cannot move on their own. Blondel, Seguy and Rolet (2018), section 3.

    Raises:
        ValueError: if the sums are not as many as rows and columns.
    """
    return _project(EUCLIDEAN, x, rows, columns)


def birkhoff(x: Matrix) -> Float[Array, "m n"]:
    """The next doubly stochastic matrix: non-negative, all rows and columns sum to one.

    Raises:
        ValueError: if x is not a square matrix.
    """
    ones = _ones(x)
    return transport(x, ones, ones)


def kl_transport(x: Matrix, rows: Sums, columns: Sums) -> Float[Array, "m n"]:
    r"""The matrix with these sums next to exp(x) in Kullback and Leibler's divergence.

    Optimal transport at the costs -x, regularised by entropy: the limit of Sinkhorn's iterations,
    $p_{ij} = e^{u_i + x_{ij} + v_j}$. An entry of x may be minus infinity, which holds it at zero
    (as long as enough of the others are left). Sums and their derivatives are as in `transport`.

    Raises:
        ValueError: if the sums are not as many as rows and columns.
    """
    none = (jnp.asarray(rows) == 0) & jnp.any(jnp.asarray(rows) > 0)
    return _project(KULLBACK_LEIBLER, jnp.where(none[:, None], -jnp.inf, x), rows, columns)


def kl_birkhoff(x: Matrix) -> Float[Array, "m n"]:
    """The doubly stochastic matrix next to exp(x) in Kullback and Leibler's divergence.

    Raises:
        ValueError: if x is not a square matrix.
    """
    ones = _ones(x)
    return kl_transport(x, ones, ones)


def _ones(x):
    if jnp.ndim(x) != 2 or jnp.shape(x)[0] != jnp.shape(x)[1]:
        raise ValueError(f"A doubly stochastic matrix is square, and not of shape {jnp.shape(x)}.")
    return jnp.ones(len(x), jnp.asarray(x).dtype)
