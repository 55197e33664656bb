r"""Projections on a simplex and on the ball of the sum of sizes, and the prox of the largest size.

All three subtract one threshold from the largest entries, the support, which `sparsemax` finds by
one sort. An entry that equals the threshold has the slope of one below.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import POSITIVE, REAL, Box
from jaxmath.formula import Break, Formula, Lipschitz, Odd, Source
from jaxmath.special.norm import l1_excess
from jaxmath.special.sparsemax import split

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


def _mean(values, support):
    return jnp.sum(jnp.where(support, values, 0.0)) / jnp.maximum(jnp.sum(support), 1)


@jax.custom_jvp
def simplex(x: Vector, radius: Scalar) -> Float[Array, " n"]:
    """The next vector of non-negative entries whose sum is the radius; `sparsemax` for one."""
    excess, support = split(x, radius)
    return jnp.where(support, excess, 0.0 * excess)


@simplex.defjvp
def _simplex_jvp(primals, tangents):
    _, support = split(*primals)
    change, wider = tangents
    moved = change - _mean(change, support) + wider / jnp.sum(support)
    return simplex(*primals), jnp.where(support, moved, 0.0)


def simplex_vjp(x: Vector, radius: Scalar, cotangent: Vector):
    """The cotangent on the support minus its mean there, and that mean."""
    _, support = split(x, radius)
    mean = _mean(jnp.asarray(cotangent), support)
    return jnp.where(support, cotangent - mean, 0.0), mean


def _joins(k: int, sizes=lambda x: x):
    """How far the k-th of three entries lies above the threshold of the two others."""

    def distance(x, radius):
        x = sizes(x)
        rest = jnp.delete(x, k)
        top, low = jnp.max(rest), jnp.min(rest)
        return jnp.minimum((x[k] - top) + (x[k] - low) + radius, x[k] - top + radius)

    return distance


_ON_NO_FLOAT = {
    "breaks_follow_convention": "no drawn float lies exactly on the threshold of the others"
}

SIMPLEX = Formula(
    fn=simplex,
    label="projections.simplex",
    domain=dict(x=Box((3,), REAL), radius=POSITIVE),
    vjp=simplex_vjp,
    breaks=tuple(Break(_joins(k), order=1, convention="left") for k in range(3)),
    facts=(Lipschitz("x", 1.0), Lipschitz("radius", 1.0)),
    tex=r"P_{r \Delta}(x) = \max(x - \tau, 0), \quad \sum_i \max(x_i - \tau, 0) = r",
    source=Source("duchi2008efficient", "section 3"),
    exceptions=_ON_NO_FLOAT,
    topic="O14",
)


@jax.custom_jvp
def l1_ball(x: Vector, radius: Scalar) -> Float[Array, " n"]:
    """The next vector whose sum of sizes is at most the radius: soft thresholding, if any."""
    x = jnp.asarray(x)
    sizes = simplex(jnp.abs(x), radius)
    return jnp.where(l1_excess(x, radius) <= 0, x, jnp.sign(x) * sizes)


def _support(x, radius):
    """The signs of the entries that are cut, zero of those that become zero."""
    return jnp.where(split(jnp.abs(x), radius)[1], jnp.sign(x), 0.0)


@l1_ball.defjvp
def _l1_ball_jvp(primals, tangents):
    x, radius = primals
    change, wider = tangents
    signs = _support(x, radius)
    moved = jnp.where(signs == 0, 0.0, change - signs * _mean(signs * change, signs != 0))
    moved = moved + signs * wider / jnp.maximum(jnp.sum(signs != 0), 1)
    return l1_ball(x, radius), jnp.where(l1_excess(x, radius) <= 0, change, moved)


def l1_ball_vjp(x: Vector, radius: Scalar, cotangent: Vector):
    """Inside the cotangent; else, on the support, less its mean, both by the signs of x."""
    signs, cotangent = _support(x, radius), jnp.asarray(cotangent)
    mean = _mean(signs * cotangent, signs != 0)
    inside = l1_excess(x, radius) <= 0
    moved = jnp.where(signs == 0, 0.0, cotangent - signs * mean)
    return jnp.where(inside, cotangent, moved), jnp.where(inside, 0.0, mean)


L1_BALL = Formula(
    fn=l1_ball,
    label="projections.l1_ball",
    domain=dict(x=Box((3,), REAL), radius=POSITIVE),
    vjp=l1_ball_vjp,
    breaks=(
        Break(l1_excess, order=1, convention="left"),
        *(Break(_joins(k, jnp.abs), order=1, convention="left") for k in range(3)),
    ),
    facts=(Odd("x"), Lipschitz("x", 1.0), Lipschitz("radius", 1.0)),
    tex=r"P_{\lVert u \rVert_1 \le r}(x) = \operatorname{sign}(x) P_{r \Delta}(|x|) \quad "
    r"\text{if } \lVert x \rVert_1 > r",
    source=Source("duchi2008efficient", "section 4"),
    exceptions=_ON_NO_FLOAT,
    topic="O14",
)


@jax.custom_jvp
def linf(x: Vector, strength: Scalar) -> Float[Array, " n"]:
    r"""Of the strength times the largest size: the largest entries cut to one size, together.

    By Moreau $x - P(x)$ with the projection P on the ball of radius `strength` of the sum of sizes.
    """
    x = jnp.asarray(x)
    sizes = jnp.abs(x)
    excess, support = split(sizes, strength)
    largest = sizes == jnp.max(sizes)
    level = jnp.max(sizes) - jnp.max(jnp.where(largest, excess, 0.0))
    cut = jnp.where(support, jnp.sign(x) * level, x)
    return jnp.where(l1_excess(x, strength) <= 0, jnp.zeros_like(x), cut)


@linf.defjvp
def _linf_jvp(primals, tangents):
    x, strength = primals
    change, more = tangents
    signs = _support(x, strength)
    level = _mean(signs * change, signs != 0) - more / jnp.maximum(jnp.sum(signs != 0), 1)
    moved = jnp.where(signs == 0, change, signs * level)
    return linf(x, strength), jnp.where(l1_excess(x, strength) <= 0, jnp.zeros_like(moved), moved)


def linf_vjp(x: Vector, strength: Scalar, cotangent: Vector):
    """The cotangent off the support and its mean on it, by the signs of x; zero if all is cut."""
    signs, cotangent = _support(x, strength), jnp.asarray(cotangent)
    mean = _mean(signs * cotangent, signs != 0)
    zero = l1_excess(x, strength) <= 0
    moved = jnp.where(signs == 0, cotangent, signs * mean)
    return jnp.where(zero, jnp.zeros_like(moved), moved), jnp.where(zero, 0.0, -mean)


PROX_LINF = Formula(
    fn=linf,
    label="proximal.linf",
    domain=dict(x=Box((3,), REAL), strength=POSITIVE),
    vjp=linf_vjp,
    breaks=L1_BALL.breaks,
    facts=(Odd("x"), Lipschitz("x", 1.0), Lipschitz("strength", 1.0)),
    tex=r"\operatorname{prox}_{\lambda \lVert \cdot \rVert_\infty}(x) = "
    r"x - P_{\lVert u \rVert_1 \le \lambda}(x)",
    source=Source("beck2017first", "example 6.48"),
    exceptions=_ON_NO_FLOAT,
    topic="O18",
)

SIMPLICES = (SIMPLEX, L1_BALL)
