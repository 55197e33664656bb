r"""Projections on simplices in Kullback and Leibler's divergence, of logarithms of weights.

Next to the weights $w = e^x$ in $\sum_i p_i \log(p_i / w_i) - p_i + w_i$ lies on a simplex what is
proportional to w, and on a capped one $\min(e^{x - \tau}, 1)$: what the cap leaves over goes to
the others in proportion. With entries in falling order the first k are capped, for the least k with
$s - k \le R_k = \sum_{i \ge k} e^{x_i - x_k}$, and $R_k = 1 + e^{x_{k+1} - x_k} R_{k+1}$.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import POSITIVE, REAL, Box, Interval
from jaxmath.formula import Bounded, Break, Formula, Increasing, Source
from jaxmath.special.normalized import one_vector, softmax, softmax_vjp

Vector = Float[ArrayLike, " n"]
Scalar = Float[ArrayLike, ""]


def kl_simplex(x: Vector, radius: Scalar) -> Float[Array, " n"]:
    """The vector of this sum next to exp(x): `softmax` times the radius.

    An entry of x may be minus infinity; of weights x is their logarithm.
    """
    return jnp.asarray(radius) * softmax(x)


def kl_simplex_vjp(x: Vector, radius: Scalar, cotangent: Vector):
    """The radius times that of `softmax`, and the mean of the cotangent."""
    return radius * softmax_vjp(x, cotangent)[0], jnp.sum(softmax(x) * cotangent)


def _no_share_is_lost(x, radius):
    """Whether no share of a large radius is less than the dtype's least number."""
    x = jnp.asarray(x)
    return (radius <= 1) | (jnp.ptp(x) < -0.5 * jnp.log(jnp.finfo(x.dtype).tiny))


KL_SIMPLEX = Formula(
    fn=kl_simplex,
    label="projections.kl_simplex",
    domain=dict(x=Box((3,), REAL), radius=POSITIVE),
    where=_no_share_is_lost,
    vjp=kl_simplex_vjp,
    facts=(Increasing("radius"),),
    tex=r"P_{r \Delta}(e^x) = r\, e^x / \textstyle\sum_i e^{x_i}",
    source=Source("beck2017first", "chapter 9"),
    topic="O14",
)


def _split(x, total):
    """The logarithms of what is not capped, minus infinity elsewhere; and how much that sums to."""
    x = jax.lax.stop_gradient(one_vector(x))
    falling = -jnp.sort(-x)
    below = jnp.append(falling[1:], -jnp.inf)
    steps = jnp.where(below == -jnp.inf, -jnp.inf, below - falling)

    def add(after, step):
        rest = 1 + jnp.exp(step) * after
        return rest, rest

    _, rests = jax.lax.scan(add, jnp.zeros((), x.dtype), steps, reverse=True)
    place = jnp.arange(x.size)
    capped = jnp.argmax(total - place <= rests)
    # Of NaN, which is larger than nothing, all is free and nothing a number.
    return ~(x > falling[capped]), total - capped, falling[capped], rests[capped]


def kl_capped_simplex(x: Vector, total: Scalar) -> Float[Array, " n"]:
    """The vector of entries in [0, 1] with this sum next to exp(x); x is the logarithm of weights.

    The sum lies between zero and the number of entries. A soft choice of `total` entries, as in
    online learning of sets.
    """
    x = one_vector(x)
    free, left, _, _ = _split(x, total)
    return jnp.where(free, left * softmax(jnp.where(free, x, -jnp.inf)), 1.0)


def kl_capped_simplex_vjp(x: Vector, total: Scalar, cotangent: Vector):
    """As of a simplex for the entries that are not capped; zero for the others."""
    x = one_vector(x)
    free, left, _, _ = _split(x, total)
    moved, mean = kl_simplex_vjp(jnp.where(free, x, -jnp.inf), left, cotangent)
    return jnp.where(free, moved, 0.0), mean


def _beyond(x, total):
    """How far the logarithm of each entry lies above that of its cap."""
    _, left, top, rest = _split(x, total)
    return (x - top) - (jnp.log(rest) - jnp.log(left))


def _off_the_cap(x, total):
    """Whether exponentials can tell on which side of its cap each entry lies."""
    return jnp.all(jnp.abs(_beyond(x, total)) > 1e-3)


KL_CAPPED_SIMPLEX = Formula(
    fn=kl_capped_simplex,
    label="projections.kl_capped_simplex",
    domain=dict(x=Box((3,), REAL), total=Interval(0.0, 3.0)),
    where=_off_the_cap,
    vjp=kl_capped_simplex_vjp,
    breaks=(Break(_beyond, order=1, convention="left"),),
    facts=(Bounded("x", 0.0, 1.0),),
    tex=r"P(e^x) = \min(e^{x - \tau}, 1), \quad \sum_i \min(e^{x_i - \tau}, 1) = s",
    source=Source("warmuth2008randomized", "capping"),
    exceptions={
        "breaks_follow_convention": "no drawn float lies exactly on the threshold of the others"
    },
    topic="O14",
)

DIVERGENCE = (KL_SIMPLEX, KL_CAPPED_SIMPLEX)
