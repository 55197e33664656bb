r"""The Euclidean norm: projections on its ball and its sphere, and its proximal map.

With $n = \lVert x \rVert$ and the direction $u = x / n$ a radial map $x \mapsto g(n)\, u$ has the
Jacobian $g'(n)\, u u^\top + (g(n) / n) (I - u u^\top)$, which is symmetric. The part across x is
formed by `crosswise`, so that nothing cancels and no reciprocal of a norm overflows.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import POSITIVE, REAL, Box
from jaxmath.formula import Break, Formula, Lipschitz, Odd, Source
from jaxmath.special.norm import crosswise, direction, norm, norm_excess, scaled
from jaxmath.special.ratio import quotient

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


def _along(x, change):
    return jnp.sum(direction(x) * change)


@jax.custom_jvp
def share_of_norm(x, radius):
    """The radius over the norm; of zero, over one."""
    _, size, power = scaled(x)
    return quotient(radius * power, jnp.where(size == 0, 1.0, size))


@jax.custom_jvp
def rest_of_norm(x, radius):
    """One less `share_of_norm`, which may be next to one."""
    _, size, power = scaled(x)
    return quotient(size - radius * power, jnp.where(size == 0, 1.0, size))


@share_of_norm.defjvp
def _share_of_norm_jvp(primals, tangents):
    (x, _), (change, wider), share = primals, tangents, share_of_norm(*primals)
    size = norm(x)
    return share, quotient(wider - share * _along(x, change), jnp.where(size == 0, 1.0, size))


@rest_of_norm.defjvp
def _rest_of_norm_jvp(primals, tangents):
    return rest_of_norm(*primals), -_share_of_norm_jvp(primals, tangents)[1]


def _resized(x, radius):
    """The radius along x; entries that are far below the largest keep their digits."""
    (near, size, _), info = scaled(x), jnp.finfo(x.dtype)
    share = share_of_norm(x, radius)
    usual = (share > info.tiny) & (share < info.max) & (jnp.abs(near) != size)
    return jnp.where(usual, x * share, radius * direction(x))


@jax.custom_jvp
def l2_ball(x: Vector, radius: Scalar) -> Float[Array, " n"]:
    """The next point of the Euclidean ball: x itself inside, scaled to the radius outside."""
    x = jnp.asarray(x)
    return jnp.where(norm_excess(x, radius) <= 0, x, _resized(x, radius))


@l2_ball.defjvp
def _l2_ball_jvp(primals, tangents):
    (x, radius), (change, wider) = primals, tangents
    inside = norm_excess(x, radius) <= 0
    across = crosswise(x, change, share_of_norm(x, jnp.where(inside, 0.0, radius)))
    return l2_ball(x, radius), jnp.where(inside, change, across + direction(x) * wider)


def l2_ball_vjp(x: Vector, radius: Scalar, cotangent: Vector):
    """Inside the cotangent; outside its part across x, scaled as x was, and its part along x."""
    cotangent, inside = jnp.asarray(cotangent), norm_excess(x, radius) <= 0
    across = crosswise(x, cotangent, share_of_norm(x, jnp.where(inside, 0.0, radius)))
    return jnp.where(inside, cotangent, across), jnp.where(inside, 0.0, _along(x, cotangent))


_ON_NO_FLOAT = {
    "breaks_follow_convention": "no drawn vector has exactly this norm, but by rounding"
}

L2_BALL = Formula(
    fn=l2_ball,
    label="projections.l2_ball",
    domain=dict(x=Box((2,), REAL), radius=POSITIVE),
    vjp=l2_ball_vjp,
    breaks=(Break(norm_excess, order=1, convention="left"),),
    facts=(Odd("x"), Lipschitz("x", 1.0), Lipschitz("radius", 1.0)),
    tex=r"P_{\lVert u \rVert \le r}(x) = x \min(1, r / \lVert x \rVert)",
    source=Source("beck2017first", "lemma 6.26"),
    exceptions=_ON_NO_FLOAT,
    topic="O14",
)


@jax.custom_jvp
def l2_sphere(x: Vector, radius: Scalar) -> Float[Array, " n"]:
    """The next vector whose norm is the radius; of zero, to which all are equally near, the first.

    That is the radius along the first axis; its slope in x is taken as zero there.
    """
    x = jnp.asarray(x)
    return jnp.where(jnp.all(x == 0), radius * _pole(x), _resized(x, radius))


def _pole(x):
    """The direction of x; of zero, the first axis."""
    x = jnp.asarray(x)
    first = (jnp.arange(x.size) == 0).astype(x.dtype)
    return jnp.where(jnp.all(x == 0), first, direction(x))


@l2_sphere.defjvp
def _l2_sphere_jvp(primals, tangents):
    (x, radius), (change, wider) = primals, tangents
    return l2_sphere(x, radius), crosswise(x, change, share_of_norm(x, radius)) + _pole(x) * wider


def l2_sphere_vjp(x: Vector, radius: Scalar, cotangent: Vector):
    """The part across x times radius over norm, and the part along x."""
    return crosswise(x, cotangent, share_of_norm(x, radius)), jnp.sum(_pole(x) * cotangent)


def _turns_slowly(x, radius):
    """Whether the slopes are far from the end of the dtype's range."""
    most = jnp.finfo(jnp.asarray(x).dtype).max / 64
    return (radius <= most * jnp.minimum(norm(x), 1.0)) & jnp.any(x != 0)


L2_SPHERE = Formula(
    fn=l2_sphere,
    label="projections.l2_sphere",
    domain=dict(x=Box((2,), REAL), radius=POSITIVE),
    where=_turns_slowly,
    vjp=l2_sphere_vjp,
    facts=(Odd("x"), Lipschitz("radius", 1.0)),
    tex=r"P_{\lVert u \rVert = r}(x) = r\, x / \lVert x \rVert",
    source=Source("parikh2014proximal", "section 6.2"),
    topic="O14",
)


@jax.custom_jvp
def group_lasso(x: Vector, strength: Scalar) -> Float[Array, " n"]:
    """Of the strength times the norm: x shortened by the strength, at most to zero, as one group.

    Also known as block soft thresholding. A vector as long as the threshold becomes zero.
    """
    x, zero = jnp.asarray(x), norm_excess(x, strength) <= 0
    left = x * rest_of_norm(x, jnp.where(zero, 0.0, strength))
    return jnp.where(zero, jnp.zeros_like(left), left)


def _shortened(x, strength, change):
    """The change along x, and that across it shortened as x is by the strength."""
    share = share_of_norm(x, strength)
    less = change - crosswise(x, change, share)
    more = crosswise(x, change, rest_of_norm(x, strength)) + direction(x) * _along(x, change)
    return jnp.where(share < 0.5, less, more)  # where it does not cancel


@group_lasso.defjvp
def _group_lasso_jvp(primals, tangents):
    (x, strength), (change, more) = primals, tangents
    zero = norm_excess(x, strength) <= 0
    outer = _shortened(x, jnp.where(zero, 0.0, strength), change) - direction(x) * more
    return group_lasso(x, strength), jnp.where(zero, jnp.zeros_like(outer), outer)


def group_lasso_vjp(x: Vector, strength: Scalar, cotangent: Vector):
    """Beyond the threshold the part along x, and that across shortened as x was; else zero."""
    zero, cotangent = norm_excess(x, strength) <= 0, jnp.asarray(cotangent)
    outer = _shortened(x, jnp.where(zero, 0.0, strength), cotangent)
    less = jnp.where(zero, 0.0, -_along(x, cotangent))
    return jnp.where(zero, jnp.zeros_like(outer), outer), less


PROX_GROUP_LASSO = Formula(
    fn=group_lasso,
    label="proximal.group_lasso",
    domain=dict(x=Box((2,), REAL), strength=POSITIVE),
    vjp=group_lasso_vjp,
    breaks=(Break(norm_excess, order=1, convention="left"),),
    facts=(Odd("x"), Lipschitz("x", 1.0), Lipschitz("strength", 1.0)),
    tex=r"\operatorname{prox}_{\lambda \lVert \cdot \rVert}(x) = "
    r"\max(1 - \lambda / \lVert x \rVert, 0)\, x",
    source=Source("beck2017first", "example 6.19"),
    exceptions=_ON_NO_FLOAT,
    topic="O18",
)

BALLS = (L2_BALL, L2_SPHERE)
