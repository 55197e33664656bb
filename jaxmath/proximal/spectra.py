r"""Maps of eigenvalues and singular values: semidefinite and orthonormal matrices, nuclear norm.

A function f of the singular values s of $X = U \operatorname{diag}(s) V^\top$ moves with X by

$$ \dot F = U (\Gamma \circ S + \Delta \circ K) V^\top, \quad
   \Gamma_{ij} = \frac{f_i - f_j}{s_i - s_j}, \quad \Delta_{ij} = \frac{f_i + f_j}{s_i + s_j}, $$

with the symmetric and the skew part S and K of $U^\top \dot X V$, and by $f_i / s_i$ across U or V
if X is not square; of eigenvalues of symmetric matrices there is $\Gamma$ alone (Lewis 1996,
Daleckii and Krein 1965). For maps that cut values off the quotients are formed without cancelling;
where a value lies on the cut it counts as cut. Digits are those of the largest value, and second
derivatives are NaN where values are equal.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.proximal.simplices import simplex

Matrix = Float[ArrayLike, "m n"]
Square = Float[ArrayLike, "n n"]
Scalar = Float[ArrayLike, ""]


def symmetric(x):
    """The symmetric part."""
    x = jnp.asarray(x)
    return (x + x.T) / 2


@jax.custom_jvp
def positive_semidefinite(x: Square) -> Float[Array, "n n"]:
    """The next positive semidefinite matrix, in the Frobenius norm; of x its symmetric part counts.

    Negative eigenvalues become zero (Parikh and Boyd 2014, section 6.3.3).
    """
    values, V = jnp.linalg.eigh(symmetric(x), symmetrize_input=False)
    return (V * jnp.maximum(values, 0.0)[None, :]) @ V.T


@positive_semidefinite.defjvp
def _positive_semidefinite_jvp(primals, tangents):
    """The part between positive eigenvalues, and a share of that between one and a negative one."""
    values, V = jnp.linalg.eigh(symmetric(*primals), symmetrize_input=False)
    moved = V @ (share_between(values) * (V.T @ symmetric(*tangents) @ V)) @ V.T
    return positive_semidefinite(*primals), moved


def share_between(values):
    """Of what lies between two eigenvalues how much the projection lets pass."""
    up, down = jnp.maximum(values, 0.0), jnp.maximum(-values, 0.0)
    kept = values > 0
    some, none = kept[:, None] & kept[None, :], ~kept[:, None] & ~kept[None, :]
    high = jnp.maximum(up[:, None], up[None, :])
    low = jnp.maximum(down[:, None], down[None, :])
    share = high / jnp.where(some | none, 1.0, high + low)
    return jnp.where(some, 1.0, jnp.where(none, 0.0, share))


def _moved(factors, cut, change):
    r"""How a matrix whose singular values are shortened by a fixed `cut` moves with it.

    With $f = \max(s - c, 0)$.
    """
    U, s, Vh = factors
    kept, left = s > cut, jnp.maximum(s - cut, 0.0)
    inner = U.T @ change @ Vh.T
    even, odd = (inner + inner.T) / 2, (inner - inner.T) / 2
    some = kept[:, None] & kept[None, :]
    mixed = kept[:, None] ^ kept[None, :]
    gap = jnp.where(mixed, jnp.abs(s[:, None] - s[None, :]), 1.0)
    either = left[:, None] + left[None, :]
    gamma = jnp.where(some, 1.0, jnp.where(mixed, either / gap, 0.0))
    total = s[:, None] + s[None, :]
    delta = jnp.where(some | mixed, either / jnp.where(some | mixed, total, 1.0), 0.0)
    core = U @ (gamma * even + delta * odd) @ Vh
    part = jnp.where(kept, left / jnp.where(kept, s, 1.0), 0.0)
    rows, columns = change.shape
    if rows > columns:
        across = change @ Vh.T - U @ inner
        core = core + (across * part[None, :]) @ Vh
    if columns > rows:
        across = U.T @ change - inner @ Vh
        core = core + (U * part[None, :]) @ across
    return core


def _factors(x):
    return jnp.linalg.svd(jnp.asarray(x), full_matrices=False)


def _signs(factors, cut):
    """Of the values that are kept the left times the right vectors: what a cut moves along."""
    U, s, Vh = factors
    return jnp.where((s > cut)[None, :], U, 0.0) @ Vh


@jax.custom_jvp
def nuclear_norm(x: Matrix, strength: Scalar) -> Float[Array, "m n"]:
    """Of the strength times the sum of singular values: soft thresholding of those.

    Cai, Candes and Shen (2010), theorem 2.1.
    """
    U, s, Vh = _factors(x)
    return (U * jnp.maximum(s - strength, 0.0)[None, :]) @ Vh


@nuclear_norm.defjvp
def _nuclear_norm_jvp(primals, tangents):
    (x, strength), (change, more) = primals, tangents
    factors = _factors(x)
    moved = _moved(factors, strength, change) - more * _signs(factors, strength)
    return nuclear_norm(x, strength), moved


def _cut(s, radius):
    """By how much singular values are shortened for the ball, and how many are left."""
    kept = simplex(s, radius)
    count = jnp.maximum(jnp.sum(kept > 0), 1)
    outside = jnp.sum(s) > radius
    excess = jnp.sum(jnp.where(kept > 0, s, 0.0)) - radius
    return jnp.where(outside, excess / count, 0.0), count, outside


@jax.custom_jvp
def nuclear_ball(x: Matrix, radius: Scalar) -> Float[Array, "m n"]:
    """The next matrix whose singular values sum to at most the radius.

    Those are projected on the ball of the sum of sizes (Beck 2017, section 7.3).
    """
    U, s, Vh = _factors(x)
    return jnp.where(jnp.sum(s) > radius, (U * simplex(s, radius)[None, :]) @ Vh, x)


@nuclear_ball.defjvp
def _nuclear_ball_jvp(primals, tangents):
    (x, radius), (change, wider) = primals, tangents
    factors = _factors(x)
    cut, count, outside = _cut(factors[1], radius)
    signs = _signs(factors, cut)
    level = (jnp.sum(signs * change) - wider) / count
    moved = _moved(factors, cut, change) - level * signs
    return nuclear_ball(x, radius), jnp.where(outside, moved, change)


@jax.custom_jvp
def stiefel(x: Matrix) -> Float[Array, "m n"]:
    """The next matrix with orthonormal columns, or rows if those are fewer: the polar factor.

    All singular values become one (Higham 2008, theorem 8.4). It is unique where x has full rank,
    and has no derivative elsewhere.
    """
    U, _, Vh = _factors(x)
    return U @ Vh


@stiefel.defjvp
def _stiefel_jvp(primals, tangents):
    r"""The skew part over $(s_i + s_j) / 2$, which solves Sylvester's equation, and that across."""
    (change,) = tangents
    U, s, Vh = _factors(*primals)
    inner = U.T @ change @ Vh.T
    turned = (inner - inner.T) / (s[:, None] + s[None, :])
    rows, columns = change.shape
    if rows > columns:
        turned = U @ turned + (change @ Vh.T - U @ inner) / s[None, :]
        return stiefel(*primals), turned @ Vh
    across = (U.T @ change - inner @ Vh) / s[:, None]
    return stiefel(*primals), U @ (turned @ Vh + across)
