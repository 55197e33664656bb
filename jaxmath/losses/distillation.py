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
from jaxmath.losses.divergences import generalized_kl, generalized_kl_dlog_prediction
from jaxmath.losses.soft_labels import same_length
from jaxmath.special import log_softmax, softmax, softmax_jacobian
from jaxmath.special.entropy import divergence
from jaxmath.special.normalized import Logits
from jaxmath.typing import Scalar


def _both(logits, teacher, temperature):
    """The log-probabilities of teacher and student at a temperature."""
    logits, teacher = same_length(logits, teacher)
    return log_softmax(teacher / temperature), log_softmax(logits / temperature)


def _distillation(logits: Logits, teacher: Logits, temperature: Scalar = 1.0) -> Float[Array, ""]:
    r"""The Kullback-Leibler divergence, in nats, of softmax predictions, times $T^2$.

    Both logits are divided by the temperature T; the factor keeps the size of the gradient. The
    teacher's logits are data. At a temperature of one it is the cross-entropy with the teacher's
    probabilities less their entropy.
    """
    divergence = generalized_kl(*_both(logits, teacher, temperature))
    return jnp.square(jnp.asarray(temperature)) * divergence


@jax.custom_jvp
def distillation_dlogits(
    logits: Logits, teacher: Logits, temperature: Scalar = 1.0
) -> Float[Array, " n"]:
    """The temperature times the difference of the softened probabilities."""
    return temperature * generalized_kl_dlog_prediction(*_both(logits, teacher, temperature))


@distillation_dlogits.defjvp
def _dlogits_jvp(primals, tangents):
    logits, _, temperature = primals
    _, change = jax.jvp(softmax, (jnp.asarray(logits) / temperature,), tangents[:1])
    return distillation_dlogits(*primals), change


distillation = with_rule(_distillation, logits=distillation_dlogits)


def _conjugate(logits: Logits, teacher: Logits, temperature: Scalar) -> Float[Array, ""]:
    """The divergence that slopes add to the teacher's probabilities, and what they weigh there."""
    teacher = jnp.asarray(teacher)
    q, step = softmax(teacher / temperature), jnp.asarray(logits) / temperature
    apart = jnp.sum(divergence(jnp.maximum(q + step, 0.0), q, step, step / q))
    lead = jnp.sum(logits * (teacher - jnp.max(teacher)))
    return jnp.square(jnp.asarray(temperature)) * apart + lead


_LOGITS = Box((3,), Interval(-30.0, 30.0, closed=(True, True)))

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
