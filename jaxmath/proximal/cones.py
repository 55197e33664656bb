r"""The projection on the second-order cone, of one vector that begins with the height.

With the height t and the norm n of the rest: within the cone (n <= t) the vector itself, below the
polar cone (n <= -t) zero, else half of n + t along $(1, u)$ with the direction u of the rest.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import Break, Formula, Lipschitz, Source
from jaxmath.proximal.balls import rest_of_norm, share_of_norm
from jaxmath.special.norm import crosswise, direction, norm_excess, scaled

Vector = Float[ArrayLike, " n"]


def _near(x):
    """Not above zero in the cone and in its mirror image: by how much the norm exceeds |t|."""
    x = jnp.asarray(x)
    return norm_excess(x[1:], jnp.abs(x[0]))


@jax.custom_jvp
def second_order_cone(x: Vector) -> Float[Array, " n"]:
    """The next vector whose first entry is at least the norm of the rest."""
    x = jnp.asarray(x)
    near, (_, size, power) = _near(x) <= 0, scaled(x[1:])
    height = jnp.where(near, 0.0, x[0])
    first = 0.5 * (size + height * power) / power
    middle = jnp.concatenate([first[None], 0.5 * x[1:] * rest_of_norm(x[1:], -height)])
    return jnp.where(near, jnp.where(x[0] >= 0, x, 0.0), middle)


@second_order_cone.defjvp
def _second_order_cone_jvp(primals, tangents):
    return second_order_cone(*primals), second_order_cone_vjp(*primals, *tangents)[0]


def second_order_cone_vjp(x: Vector, cotangent: Vector) -> tuple[Float[Array, " n"]]:
    """The cotangent, zero, or its half along (1, u) and its part across u scaled as x was.

    The Jacobian is symmetric.
    """
    x, cotangent, near = jnp.asarray(x), jnp.asarray(cotangent), _near(x) <= 0
    rest, first, others = x[1:], cotangent[:1], cotangent[1:]
    u, height = direction(rest), jnp.where(near, 0.0, x[0])
    share = share_of_norm(rest, height)
    # Of two ways the one that does not cancel.
    upright = 0.5 * others + crosswise(rest, others, 0.5 * share)
    lying = 0.5 * u * jnp.sum(u * others) + crosswise(
        rest, others, 0.5 * rest_of_norm(rest, -height)
    )
    middle = jnp.concatenate(
        [
            0.5 * (first + jnp.sum(u * others)),
            0.5 * u * first + jnp.where(share < -0.5, lying, upright),
        ]
    )
    return (jnp.where(near, jnp.where(x[0] >= 0, cotangent, 0.0), middle),)


SECOND_ORDER_CONE = Formula(
    fn=second_order_cone,
    label="projections.second_order_cone",
    domain=dict(x=Box((3,), REAL)),
    vjp=second_order_cone_vjp,
    breaks=(Break(_near, order=1, convention="left"),),
    facts=(Lipschitz("x", 1.0),),
    tex=r"P_{\lVert v \rVert \le t}(t, v) = \frac{t + \lVert v \rVert}{2} "
    r"(1, v / \lVert v \rVert) \quad \text{if } |t| < \lVert v \rVert",
    source=Source("parikh2014proximal", "section 6.3.2"),
    exceptions={"breaks_follow_convention": "no drawn vector lies exactly on the boundary"},
    topic="O12",
)
