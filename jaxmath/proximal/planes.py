r"""Projections on a hyperplane and on a halfspace.

With the length $n = \lVert a \rVert$ of the normal, the unit normal $u = a / n$ and the signed
distance $d = (a \cdot x - b) / n$ the point is $p = x - d u = Q x + u b / n$, and
$\dot p = Q \dot x + u \dot b / n - (d Q \dot a + u (p \cdot \dot a)) / n$
where Q takes the part across a.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import Box, Interval
from jaxmath.formula import Break, Formula, Lipschitz, Source
from jaxmath.special.norm import crosswise, direction, norm
from jaxmath.special.ratio import dot, quotient

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]
_MODERATE = Interval(-1e6, 1e6, closed=(True, True))
"""Where the product of the normal with a point neither over- nor underflows."""


def _signed_distance(x, normal, offset):
    """How far x lies from the plane, positive on the side that the normal points to."""
    return jnp.sum(direction(normal) * x) - quotient(jnp.asarray(offset), norm(normal))


def _beyond(x, normal, offset):
    """The product with the normal less the offset, with the right sign."""
    x = jnp.asarray(x)
    offset = jnp.asarray(offset, x.dtype)
    return dot(x, jnp.asarray(normal), -offset[None])


def _long_enough(x, normal, offset):
    """Whether no slope in the normal is beyond the dtype."""
    return norm(normal) >= 1e-3


@jax.custom_jvp
def hyperplane(x: Vector, normal: Vector, offset: Scalar) -> Float[Array, " n"]:
    """The next point u with normal . u = offset; the normal is not zero and has any length."""
    return crosswise(normal, x) + direction(normal) * quotient(jnp.asarray(offset), norm(normal))


@hyperplane.defjvp
def _hyperplane_jvp(primals, tangents):
    normal = primals[1]
    change, turn, further = tangents
    p, u, size = hyperplane(*primals), direction(normal), norm(normal)
    along = quotient(further - jnp.sum(p * turn), size)
    lever = quotient(_signed_distance(*primals), size)
    return p, crosswise(normal, change) + u * along - crosswise(normal, turn, lever)


def hyperplane_vjp(x: Vector, normal: Vector, offset: Scalar, cotangent: Vector):
    """The part of the cotangent across the normal, and what turning and moving the plane does."""
    p, size = hyperplane(x, normal, offset), norm(normal)
    along = quotient(jnp.sum(direction(normal) * cotangent), size)
    lever = quotient(_signed_distance(x, normal, offset), size)
    turn = -crosswise(normal, cotangent, lever) - along * p
    return crosswise(normal, cotangent), turn, along


HYPERPLANE = Formula(
    fn=hyperplane,
    label="projections.hyperplane",
    domain=dict(
        x=Box((2,), _MODERATE),
        normal=Box((2,), Interval(-10.0, 10.0, closed=(True, True))),
        offset=_MODERATE,
    ),
    where=_long_enough,
    vjp=hyperplane_vjp,
    facts=(Lipschitz("x", 1.0),),
    tex=r"P_{a \cdot u = b}(x) = x - \frac{a \cdot x - b}{\lVert a \rVert^2}\, a",
    source=Source("beck2017first", "lemma 6.26"),
    topic="O12",
)


@jax.custom_jvp
def halfspace(x: Vector, normal: Vector, offset: Scalar) -> Float[Array, " n"]:
    """The next point u with normal . u <= offset; the normal is not zero and has any length."""
    within = _beyond(x, normal, offset) <= 0
    return jnp.where(within, x, hyperplane(x, normal, offset))


@halfspace.defjvp
def _halfspace_jvp(primals, tangents):
    moved = _hyperplane_jvp(primals, tangents)[1]
    return halfspace(*primals), jnp.where(_beyond(*primals) <= 0, tangents[0], moved)


def halfspace_vjp(x: Vector, normal: Vector, offset: Scalar, cotangent: Vector):
    """The cotangent within the halfspace, beyond it that of the hyperplane."""
    outside = ~(_beyond(x, normal, offset) <= 0)
    parts = hyperplane_vjp(x, normal, offset, cotangent)
    within = (jnp.asarray(cotangent), jnp.zeros_like(parts[1]), jnp.zeros_like(parts[2]))
    return tuple(jnp.where(outside, *pair) for pair in zip(parts, within, strict=True))


HALFSPACE = Formula(
    fn=halfspace,
    label="projections.halfspace",
    domain=HYPERPLANE.domain,
    where=_long_enough,
    vjp=halfspace_vjp,
    breaks=(Break(_beyond, order=1, convention="left"),),
    exceptions={"breaks_follow_convention": "no drawn point lies exactly on the plane"},
    facts=(Lipschitz("x", 1.0),),
    tex=r"P_{a \cdot u \le b}(x) = x - \frac{\max(a \cdot x - b, 0)}{\lVert a \rVert^2}\, a",
    source=Source("beck2017first", "lemma 6.26"),
    topic="O12",
)

PLANES = (HYPERPLANE, HALFSPACE)
