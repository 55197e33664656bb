r"""The Euclidean norm, direction and cosine of vectors of any size, with slopes that are numbers.

Vectors are divided by their largest entry first, so that no square overflows or vanishes. Of zero
the direction is zero, and with it the slope of the norm, where the truth has a whole ball of them.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import Convex, Even, Formula, Lipschitz, Source, with_rule
from jaxmath.special.ratio import dot, sum_in_pairs, sum_of_products, two_difference

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


def scaled(x: Vector) -> tuple[Float[Array, " n"], Float[Array, ""], Float[Array, ""]]:
    """The vector times a number that brings its largest entry near one, its length, the number."""
    x = jnp.asarray(x)
    largest = jnp.max(jnp.abs(x))
    reach = float(jnp.finfo(x.dtype).maxexp) - 4
    power = _power_of_two(-jnp.clip(jnp.floor(jnp.log2(largest)), -reach, reach))
    return x * power, jnp.sqrt(jnp.sum(jnp.square(x * power))), power


def _power_of_two(k):
    """Near two to a whole number an exact power of two, which XLA's `exp2` is not."""

    def rounded(power):
        far = power * 2.0 ** jnp.finfo(power.dtype).nmant
        return (power + far) - far

    half = jnp.floor(k / 2)
    return rounded(jnp.exp2(half)) * rounded(jnp.exp2(k - half))


def _norm(x: Vector) -> Float[Array, ""]:
    """The Euclidean norm; its slope at zero is taken as zero."""
    _, size, power = scaled(x)
    return size / power


def near_one(x: Vector, radius: Scalar) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """A vector and a radius times a number that brings the vector near one; the radius cut far out.

    So far out that it exceeds the sum of sizes.
    """
    x, _, power = scaled(x)
    return x, jnp.minimum(jnp.asarray(radius, x.dtype) * power, 4.0 * x.size)


def norm_excess(x: Vector, radius: Scalar) -> Float[Array, ""]:
    r"""The squared norm less the squared radius, in some unit, with the right sign.

    As $\sum x_i^2 + (m - r)(m + r)$ with the largest entry m left out of the sum.
    """
    x, radius = near_one(x, radius)
    top, size = jnp.arange(x.size) == jnp.argmax(jnp.abs(x)), jnp.abs(x)
    (less, lost), (more, left) = two_difference(size, radius), two_difference(size, -radius)
    one, two = (jnp.where(top, part, x) for part in (less, more))
    return dot(one, two, jnp.where(top, lost * more + less * left, 0.0))


def l1_excess(x: Vector, radius: Scalar) -> Float[Array, ""]:
    """The sum of the sizes less the radius, in some unit, with the right sign."""
    x, radius = near_one(x, radius)
    return sum_in_pairs(jnp.concatenate([jnp.abs(x), -radius[None]]))


@jax.custom_jvp
def direction(x: Vector) -> Float[Array, " n"]:
    """The vector of norm one in the direction of x; zero for zero."""
    near, size, _ = scaled(x)
    along = near / jnp.where(size == 0, 1.0, size)
    # Exactly one of a single entry, which a product with the reciprocal of its size is not.
    return jnp.where(jnp.abs(near) == size, jnp.sign(near), along)


def _peak(x, y):
    """Where x is largest, and the entries of both there."""
    top = jnp.arange(x.size) == jnp.argmax(jnp.abs(x))
    return top, *(jnp.sum(jnp.where(top, z, 0.0)) for z in (x, y))


def across(x: Vector, y: Vector) -> Float[Array, " n"]:
    """The part of the direction of y across x.

    A multiple of x is taken away first, so that nothing is left where x is largest: then nothing
    cancels.
    """
    u, (x, _, _), (y, size, _) = direction(x), scaled(x), scaled(y)
    _, peak, along = _peak(x, y)
    rest = sum_of_products((peak, y), (-along, x)) / jnp.where(peak == 0, 1.0, peak)
    return (rest - u * jnp.sum(u * rest)) / jnp.where(size == 0, 1.0, size)


def _beside(x, change):
    """A change less the multiple of x that leaves nothing of it where x is largest."""
    u = direction(x)
    top, peak, along = _peak(u, change)
    rest = change - u * (along / jnp.where(peak == 0, 1.0, peak))
    return jnp.where(top | (peak == 0), 0.0, rest)


def crosswise(x: Vector, change: Vector, share: Scalar = 1.0) -> Float[Array, " n"]:
    """The part of a change across x, times a share; taken as in `across`."""
    u, rest = direction(x), _beside(x, jnp.asarray(change)) * share
    return rest - u * jnp.sum(u * rest)


@direction.defjvp
def _direction_jvp(primals, tangents):
    """The part of the change across the direction, over the norm, taken as in `across`."""
    (x,), (change,) = primals, tangents
    u, (_, size, power) = direction(x), scaled(x)
    rest = _beside(x, change) / jnp.where(size == 0, 1.0, size) * power
    return u, rest - u * jnp.sum(u * rest)


norm = with_rule(_norm, x=direction)


def direction_vjp(x: Vector, cotangent: Vector) -> tuple[Float[Array, " n"]]:
    """The part of the cotangent across the direction, over the norm: the Jacobian is symmetric."""
    return (_direction_jvp((x,), (jnp.asarray(cotangent),))[1],)


NORM = Formula(
    fn=norm,
    plain=_norm,
    domain=dict(x=Box((2,), REAL)),
    partials=dict(x=direction),
    facts=(Convex("x"), Even("x"), Lipschitz("x", 1.0)),
    tex=r"\lVert x \rVert = \sqrt{\sum_i x_i^2}",
    source=Source("boyd2004convex", "appendix A.1.2"),
    topic="L2",
)


def distance(x: Vector, y: Vector) -> Float[Array, ""]:
    """The Euclidean distance of two vectors; its slopes are taken as zero where they are equal."""
    return norm(jnp.asarray(x) - jnp.asarray(y))


def distance_dx(x: Vector, y: Vector) -> Float[Array, " n"]:
    """The direction from y to x."""
    return direction(jnp.asarray(x) - jnp.asarray(y))


def distance_dy(x: Vector, y: Vector) -> Float[Array, " n"]:
    """The direction from x to y."""
    return direction(jnp.asarray(y) - jnp.asarray(x))


DISTANCE = Formula(
    fn=distance,
    domain=dict(x=Box((2,), REAL), y=Box((2,), REAL)),
    partials=dict(x=distance_dx, y=distance_dy),
    facts=(Convex("x"), Convex("y"), Lipschitz("x", 1.0), Lipschitz("y", 1.0)),
    tex=r"\lVert x - y \rVert",
    source=Source("boyd2004convex", "appendix A.1.2"),
    topic="L2",
)
