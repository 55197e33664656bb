r"""Distillation: a divergence from the softened probabilities of a teacher."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Fixed, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.soft_labels import same_length
from jaxmath.special import log_softmax, softmax, softmax_jacobian
from jaxmath.special.entropy import divergence
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.logarithm import log1p
from jaxmath.special.normalized import Logits
from jaxmath.typing import Scalar


def _gap(logits, teacher, temperature):
    r"""The log-ratios of the student's to the teacher's probabilities, and both of these.

    With $d = (z - t) / T$ they are $d - \log \sum_j q_j e^{d_j}$, which keeps its digits where the
    two are close.
    """
    logits, teacher = same_length(logits, teacher)
    p, q = softmax(logits / temperature), softmax(teacher / temperature)
    some = q > 0
    # Each from its own largest: equal logits far from zero leave no rounding.
    leads = (logits - jnp.max(logits), jnp.where(some, teacher - jnp.max(teacher), 0.0))
    d = jnp.where(some, leads[0] - leads[1], 0.0) / temperature
    d = d - jnp.max(d)
    close = jnp.sum(q * jnp.expm1(d)) > -0.5
    d = jnp.where(close, d, 0.0)
    near = d - log1p(jnp.sum(q * jnp.expm1(d)))
    far = log_softmax(logits / temperature) - log_softmax(teacher / temperature)
    return jnp.where(close, near, jnp.where(some, far, 0.0)), p, q


def _distillation(logits: Logits, teacher: Logits, temperature: Scalar = 1.0) -> Float[Array, ""]:
    r"""The Kullback-Leibler divergence, in nats, of softmax predictions, times $T^2$.

    Both logits are divided by the temperature T; the factor keeps the size of the gradient. The
    teacher's logits are data. At a temperature of one it is the cross-entropy with the teacher's
    probabilities less their entropy.
    """
    gap, p, q = _gap(logits, teacher, temperature)
    near = q * expm1_gap(jnp.minimum(gap, 1.0))
    terms = jnp.where(gap < 1, near, p - q * (1 + gap))
    return jnp.square(jnp.asarray(temperature)) * jnp.sum(terms)


@jax.custom_jvp
def distillation_dlogits(
    logits: Logits, teacher: Logits, temperature: Scalar = 1.0
) -> Float[Array, " n"]:
    """The temperature times the difference of the softened probabilities."""
    gap, p, q = _gap(logits, teacher, temperature)
    warmth = jnp.asarray(temperature)
    return warmth * jnp.where(gap < 1, q * jnp.expm1(jnp.minimum(gap, 1.0)), p - q)


@distillation_dlogits.defjvp
def _dlogits_jvp(primals, tangents):
    logits, _, temperature = primals
    _, change = jax.jvp(softmax, (jnp.asarray(logits) / temperature,), tangents[:1])
    return distillation_dlogits(*primals), change


distillation = with_rule(_distillation, logits=distillation_dlogits)


def _conjugate(logits: Logits, teacher: Logits, temperature: Scalar) -> Float[Array, ""]:
    """The divergence that slopes add to the teacher's probabilities, and what they weigh there."""
    teacher, slopes = jnp.asarray(teacher), jnp.asarray(logits)
    q = softmax(teacher / temperature)
    # They sum to zero: the slope where most is left is what the others leave, to the last digit.
    top = jnp.arange(q.size) == jnp.argmax(q + slopes / temperature)
    slopes = jnp.where(top, -jnp.sum(jnp.where(top, 0.0, slopes)), slopes)
    step = slopes / temperature
    apart = jnp.sum(divergence(jnp.maximum(q + step, 0.0), q, step, step / q))
    lead = jnp.sum(slopes * (teacher - jnp.max(teacher)))
    return jnp.square(jnp.asarray(temperature)) * apart + lead


_LOGITS = Box((3,), Interval(-10.0, 10.0, closed=(True, True)))

DISTILLATION = Formula(
    fn=distillation,
    plain=_distillation,
    domain=dict(
        logits=_LOGITS,
        teacher=Fixed(_LOGITS),
        temperature=Fixed(Interval(0.5, 20.0, closed=(True, True))),
    ),
    partials=dict(logits=distillation_dlogits),
    seconds={
        ("logits", "logits"): lambda logits, teacher, temperature: softmax_jacobian(
            logits / temperature
        )
    },
    facts=(
        Convex("logits"),
        Bounded("logits", low=0.0),
        Lipschitz("logits", lambda logits, teacher, temperature: 2**0.5 * temperature),
        Smooth("logits", 0.5),
        Minimizer("logits", lambda logits, teacher, temperature: teacher),
        Conjugate("logits", fn=_conjugate),
    ),
    tex=r"\ell(z) = T^2 \operatorname{KL}\bigl(\operatorname{softmax}(t / T)"
    r" \,\|\, \operatorname{softmax}(z / T)\bigr)",
    source=Source("hinton2015distilling", "section 2"),
    topic="P19",
)
