r"""Sparsemax: the point of the probability simplex next to a vector of scores.

With the threshold $\tau$ at which the parts above it sum to one, $p = \max(z - \tau, 0)$: a
softmax that gives exact zeros. Where an entry equals the threshold its slope is that of an entry
below.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from jaxmath.domains import REAL, Box
from jaxmath.formula import Bounded, Break, Formula, Lipschitz, Source
from jaxmath.special.normalized import Logits, one_vector
from jaxmath.special.ratio import two_difference


def split(
    logits: Logits, radius: Float[ArrayLike, ""] = 1.0
) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
    r"""By how much each logit exceeds the threshold, and which do: the support.

    The parts above the threshold sum to the radius r. Measured from r below the largest logit,
    where no threshold lies lower: of heights $h_1 = r \ge h_2 \ge \dots$ the k-th is in the support
    if $(k - 1) h_k > h_2 + \dots + h_{k-1}$, and the threshold of a support of size k is
    $(h_2 + \dots + h_k) / k$.
    """
    logits = one_vector(logits)
    falling = -jnp.sort(-logits)
    largest = jnp.max(logits)
    info, few = jnp.finfo(logits.dtype), 2.0 ** -logits.size.bit_length()
    unit = jnp.where(radius > few * info.max, few, 1.0).astype(logits.dtype)  # no sum overflows
    heights = _height(falling, largest, radius) * unit
    place = jnp.arange(logits.size)
    sums = jnp.cumsum(jnp.where(place == 0, 0.0, heights))  # of all but the largest
    size = jnp.maximum(jnp.sum(place * heights > sums - heights), 1)
    last = place == size - 1
    support = logits >= jnp.sum(jnp.where(last, falling, 0.0))
    threshold = jnp.sum(jnp.where(last, sums, 0.0)) / size / unit
    return _height(logits, largest, radius) - threshold, support


def _height(logits, largest, radius):
    """By how much each logit exceeds the largest minus the radius, at least zero, to all digits."""
    far = logits / 2 - largest / 2 < -jnp.asarray(radius) / 2  # in halves, which do not overflow
    gap, lost = two_difference(jnp.where(far, largest, logits), largest)
    return jnp.where(far, 0.0, jnp.maximum((radius + gap) + lost, 0.0))


@jax.custom_jvp
def sparsemax(logits: Logits) -> Float[Array, " n"]:
    """The Euclidean projection of scores on the probability simplex.

    Raises:
        ValueError: if the logits are not one vector.
    """
    excess, support = split(logits)
    return jnp.where(support, excess, 0.0 * excess)


@sparsemax.defjvp
def _sparsemax_jvp(primals, tangents):
    _, support = split(*primals)
    change = jnp.where(support, tangents[0], 0.0)
    mean = jnp.sum(change) / jnp.sum(support)
    return sparsemax(*primals), jnp.where(support, change - mean, 0.0)


def sparsemax_vjp(logits: Logits, cotangent: Logits) -> tuple[Float[Array, " n"]]:
    """The cotangent on the support minus its mean there, zero off it: the Jacobian is symmetric."""
    return (_sparsemax_jvp((logits,), (jnp.asarray(cotangent),))[1],)


def sparsemax_jacobian(logits: Logits) -> Float[Array, "n n"]:
    """One at each entry of the support, minus one over their number at each pair of them."""
    return jax.vmap(lambda unit: sparsemax_vjp(logits, unit)[0])(jnp.eye(jnp.size(logits)))


def _joins(k: int):
    """How far the k-th of three entries lies above the threshold of the two others."""

    def distance(logits, *label):
        del label
        rest = jnp.delete(logits, k)
        top, low = jnp.max(rest), jnp.min(rest)
        return jnp.minimum(2 * logits[k] - top - low + 1, logits[k] - top + 1)

    return distance


SUPPORT = tuple(_joins(k) for k in range(3))
"""Where one of three entries joins the support."""

SPARSEMAX = Formula(
    fn=sparsemax,
    domain=dict(logits=Box((3,), REAL)),
    vjp=sparsemax_vjp,
    breaks=tuple(Break(joins, order=1, convention="left") for joins in SUPPORT),
    facts=(Bounded("logits", 0.0, 1.0), Lipschitz("logits", 1.0)),
    tex=r"\operatorname{sparsemax}(z) = \arg\min_{p \in \Delta} \lVert p - z \rVert^2",
    source=Source("martins2016sparsemax", "section 2"),
    exceptions={
        "breaks_follow_convention": "no drawn float lies exactly on the threshold of the others"
    },
    topic="C5",
)
