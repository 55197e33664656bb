r"""Losses of embeddings: what belongs together is to lie close or in one direction, the rest apart.

The cosine is undefined for a vector of zeros; here it is zero, and so is its slope.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxmath.domains import NONNEGATIVE, POSITIVE, SIGN, Box, Interval
from jaxmath.formula import (
    Bounded,
    Break,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Source,
    with_rule,
)
from jaxmath.losses.duality import where_allowed
from jaxmath.special import relu, relu_dx
from jaxmath.special.norm import Vector, across, direction, direction_vjp, norm
from jaxmath.special.ratio import two_difference
from jaxmath.typing import Label, Real, Scalar


def cosine_similarity(x: Vector, y: Vector) -> Float[Array, ""]:
    """The cosine of the angle between two vectors."""
    return jnp.sum(direction(x) * direction(y))


def cosine_similarity_dx(x: Vector, y: Vector) -> Float[Array, " n"]:
    """The part of the direction of y across x, over the norm of x."""
    return direction_vjp(x, direction(y))[0]


def cosine_similarity_dy(x: Vector, y: Vector) -> Float[Array, " n"]:
    """The part of the direction of x across y, over the norm of y."""
    return direction_vjp(y, direction(x))[0]


def _both_long(x: Vector, y: Vector) -> Bool[Array, ""]:
    """Where second derivatives, which grow with the inverse square of the length, stay small."""
    return (norm(x) > 0.01) & (norm(y) > 0.01)


_ENTRIES = Interval(-100.0, 100.0, closed=(True, True))


COSINE_SIMILARITY = Formula(
    fn=cosine_similarity,
    domain=dict(x=Box((2,), _ENTRIES), y=Box((2,), _ENTRIES)),
    where=_both_long,
    partials=dict(x=cosine_similarity_dx, y=cosine_similarity_dy),
    facts=(Bounded("x", -1.0, 1.0),),
    tex=r"\cos(x, y) = \frac{\langle x, y \rangle}{\lVert x \rVert \lVert y \rVert}",
    source=Source("deisenroth2020mml", "eq. 3.25"),
    topic="L3",
)


def _cosine_distance(x: Vector, y: Vector) -> Float[Array, ""]:
    """One minus the cosine: of an acute angle the squared sine over one plus the cosine."""
    u, v = direction(x), direction(y)
    cosine = jnp.sum(u * v)
    acute = jnp.sum(jnp.square(across(x, y))) / (1 + jnp.maximum(cosine, 0.0))
    return jnp.where(cosine > 0, acute, 1 - cosine)


def cosine_distance_dx(x: Vector, y: Vector) -> Float[Array, " n"]:
    """Minus the slope of the cosine."""
    return -cosine_similarity_dx(x, y)


def cosine_distance_dy(x: Vector, y: Vector) -> Float[Array, " n"]:
    """Minus the slope of the cosine."""
    return -cosine_similarity_dy(x, y)


cosine_distance = with_rule(_cosine_distance, x=cosine_distance_dx, y=cosine_distance_dy)

COSINE_DISTANCE = Formula(
    fn=cosine_distance,
    plain=_cosine_distance,
    domain=dict(x=Box((2,), _ENTRIES), y=Box((2,), _ENTRIES)),
    where=_both_long,
    partials=dict(x=cosine_distance_dx, y=cosine_distance_dy),
    facts=(Bounded("x", 0.0, 2.0),),
    tex=r"1 - \cos(x, y) = \frac12 \left\lVert \frac{x}{\lVert x \rVert}"
    r" - \frac{y}{\lVert y \rVert} \right\rVert^2",
    source=Source("deisenroth2020mml", "eq. 3.25"),
    topic="L3",
)


def hinge_embedding(distance: Real, label: Label, margin: Real = 1.0) -> Float[Array, "..."]:
    """A distance if the label is 1, and by how much it falls short of the margin if it is -1.

    Where it just reaches the margin, the slope is taken as zero.
    """
    distance = 1.0 * jnp.asarray(distance)
    return jnp.where(jnp.asarray(label) > 0, distance, relu(margin - distance))


def _near(distance: Real, margin: Real) -> Float[Array, "..."]:
    """One where the distance falls short of the margin, else zero."""
    return relu_dx(jnp.asarray(margin) - distance)


def hinge_embedding_ddistance(
    distance: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """One if the label is 1; minus one if it is -1 and the distance too small."""
    return jnp.where(jnp.asarray(label) > 0, 1.0 + 0.0 * distance, -_near(distance, margin))


def hinge_embedding_dmargin(
    distance: Real, label: Label, margin: Real = 1.0
) -> Float[Array, "..."]:
    """One if the label is -1 and the distance too small."""
    return jnp.where(jnp.asarray(label) > 0, 0.0 * distance, _near(distance, margin))


def _far_apart(distance: Real, label: Label, margin: Real) -> Float[Array, "..."]:
    return jnp.where(jnp.asarray(label) > 0, 1.0, jnp.asarray(margin) - distance)


def _hinge_embedding_conjugate(distance: Real, label: Label, margin: Real) -> Float[Array, "..."]:
    """Over distances of at least zero: zero up to a slope of one, or the margin times the slope."""
    slope = jnp.asarray(distance)
    apart = where_allowed(jnp.maximum(slope, -1.0) * margin, slope <= 0)
    return jnp.where(jnp.asarray(label) > 0, where_allowed(0.0 * slope, slope <= 1), apart)


HINGE_EMBEDDING = Formula(
    fn=hinge_embedding,
    domain=dict(distance=NONNEGATIVE, label=SIGN, margin=NONNEGATIVE),
    partials=dict(distance=hinge_embedding_ddistance, margin=hinge_embedding_dmargin),
    breaks=(Break(_far_apart, order=1, convention="zero"),),
    facts=(
        Lipschitz("distance", 1.0),
        Bounded("distance", low=0.0),
        Convex("distance"),
        Convex("margin"),
        Lipschitz("margin", 1.0),
        Minimizer("distance", lambda distance, label, margin: jnp.where(label > 0, 0.0, margin)),
        Conjugate("distance", fn=_hinge_embedding_conjugate),
        Prox(
            "distance",
            fn=lambda step, distance, label, margin: jnp.where(
                label > 0,
                jnp.maximum(distance - step, 0.0),
                distance + jnp.clip(margin - distance, 0.0, step),
            ),
        ),
    ),
    tex=r"\ell(d, y) = \begin{cases} d & y = 1 \\ \max(0, \mu - d) & y = -1 \end{cases}",
    source=Source("hadsell2006dimensionality", "section 2.1"),
    topic="L3",
)


def triplet_margin(near: Real, far: Real, margin: Real = 1.0) -> Float[Array, "..."]:
    """By how much the negative fails to be farther from the anchor than the positive by a margin.

    `near` is the distance of anchor and positive, `far` that of anchor and negative, by `norm` of
    their difference or any other. Where it just is far enough, the slope is taken as zero.
    """
    return relu(_lead(near, far, margin))


def _lead(near: Real, far: Real, margin: Real) -> Float[Array, "..."]:
    """By how much the positive is too far or the negative too near."""
    gap, lost = two_difference(near, far)
    return (gap + margin) + jnp.where(jnp.isinf(gap), 0.0, lost)


def triplet_margin_dnear(near: Real, far: Real, margin: Real = 1.0) -> Float[Array, "..."]:
    """One where the negative is too near."""
    return relu_dx(_lead(near, far, margin))


def triplet_margin_dfar(near: Real, far: Real, margin: Real = 1.0) -> Float[Array, "..."]:
    """Minus one where the negative is too near."""
    return -relu_dx(_lead(near, far, margin))


TRIPLET_MARGIN = Formula(
    fn=triplet_margin,
    domain=dict(near=POSITIVE, far=POSITIVE, margin=NONNEGATIVE),
    partials=dict(near=triplet_margin_dnear, far=triplet_margin_dfar, margin=triplet_margin_dnear),
    breaks=(Break(_lead, order=1, convention="zero"),),
    facts=(
        Convex("near"),
        Convex("far"),
        Lipschitz("near", 1.0),
        Lipschitz("far", 1.0),
        Convex("margin"),
        Lipschitz("margin", 1.0),
        Minimizer("near", 0.0),
        # From the sum of both on it is zero; a little more is beyond rounding.
        Minimizer("far", lambda near, far, margin: 1.25 * (near + margin)),
        Conjugate(
            "near",
            fn=lambda near, far, margin: where_allowed(
                near * jnp.maximum(far - margin, 0.0) + jnp.minimum(far - margin, 0.0),
                (near >= 0) & (near <= 1),
            ),
        ),
        Conjugate(
            "far",
            fn=lambda near, far, margin: where_allowed(
                jnp.maximum(far, -1.0) * (near + margin), far <= 0
            ),
        ),
        Prox(
            "near",
            fn=lambda step, near, far, margin: jnp.maximum(
                near - jnp.clip((near - far) + margin, 0.0, step), 0.0
            ),
        ),
        Prox(
            "far",
            fn=lambda step, near, far, margin: far + jnp.clip((near - far) + margin, 0.0, step),
        ),
    ),
    tex=r"\ell(d_p, d_n) = \max(0, d_p - d_n + \mu)",
    source=Source("schroff2015facenet", "eq. 3"),
    topic="L3",
)


def cosine_embedding(x: Vector, y: Vector, label: Label, margin: Scalar = 0.0) -> Float[Array, ""]:
    """One minus the cosine if the label is 1; what the cosine exceeds the margin by if it is -1.

    Where it just reaches the margin, the slope is taken as zero.
    """
    apart = relu(cosine_similarity(x, y) - jnp.asarray(margin))
    return jnp.where(jnp.asarray(label) > 0, cosine_distance(x, y), apart)


EMBEDDING = (
    COSINE_SIMILARITY,
    COSINE_DISTANCE,
    HINGE_EMBEDDING,
    TRIPLET_MARGIN,
)
