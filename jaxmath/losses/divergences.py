r"""Kullback-Leibler divergences, in nats, of distributions given by logarithms.

Written as a sum of terms $e^a \varphi(b - a)$ with $\varphi(d) = e^d - 1 - d$, none of which is
negative: zero where both are equal, and to all digits where they are close. A class that a mask
takes away has a logarithm of minus infinity in both, and adds nothing.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Interval
from jaxmath.formula import (
    Bounded,
    Conjugate,
    Convex,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.duality import exponential_conjugate, exponential_prox
from jaxmath.special.entropy import divergence
from jaxmath.special.normalized import Logits
from jaxmath.typing import Real, Scalar

LOGARITHM = Interval(high=0.0, closed=(False, True))


def _parts(a: Real, b: Real):
    """The gap b - a, the root of the weight exp(a), and where that weight is zero.

    The root is multiplied in twice: products with a large gap may be normal numbers where the
    weight is not. The gap is finite where the weight is zero, or the weight times it would be NaN.
    """
    a, b = jnp.asarray(a), jnp.asarray(b)
    nothing = jnp.exp(a / 2) == 0
    return jnp.where(nothing, 0.0, b - jnp.where(nothing, 0.0, a)), jnp.exp(a / 2), nothing


def _term(a: Real, b: Real) -> Float[Array, "..."]:
    r"""The term $e^a (a - b) - e^a + e^b$."""
    gap, root, nothing = _parts(a, b)
    small = jnp.abs(gap) < 0.5
    near = jnp.where(small, gap, 0.0)
    series = jnp.ones_like(near)
    for k in range(17, 2, -1):
        series = 1 + near * series / k
    below = jnp.where(gap < 1, gap, 0.0)
    excess = jnp.where(small, near * (near * series) / 2, jnp.expm1(below) - below)
    far = jnp.exp(b) - root * (root * (1 + gap))
    return jnp.where(nothing, jnp.exp(b), jnp.where(gap < 1, root * (root * excess), far))


def _term_da(a: Real, b: Real) -> Float[Array, "..."]:
    """Minus the weight times the gap."""
    gap, root, _ = _parts(a, b)
    return -root * (root * gap)


def _term_da_da(a: Real, b: Real) -> Float[Array, "..."]:
    gap, root, _ = _parts(a, b)
    return root * (root * (1 - gap))


def _term_db(a: Real, b: Real) -> Float[Array, "..."]:
    """The difference of the weights."""
    gap, root, nothing = _parts(a, b)
    close = root * (root * jnp.expm1(jnp.minimum(gap, 1.0)))
    return jnp.where((gap < 1) & ~nothing, close, jnp.exp(b) - jnp.exp(a))


def _minus_weight(a: Real, b: Real) -> Float[Array, "..."]:
    return -jnp.exp(a) + 0.0 * jnp.exp(b)


term_da = with_rule(_term_da, a=_term_da_da, b=_minus_weight)
term_db = with_rule(_term_db, a=_minus_weight, b=lambda a, b: jnp.exp(b) + 0.0 * jnp.exp(a))
term = with_rule(_term, a=term_da, b=term_db)


def generalized_kl(log_target: Logits, log_prediction: Logits) -> Float[Array, ""]:
    r"""The divergence $\sum p \log(p / q) - p + q$ of positive weights p, q from their logarithms.

    Between probability vectors, such as two `log_softmax` of logits, it is the Kullback-Leibler
    divergence of the prediction q from the target p.
    """
    return jnp.sum(term(jnp.asarray(log_target), jnp.asarray(log_prediction)))


def generalized_kl_dlog_target(log_target: Logits, log_prediction: Logits) -> Float[Array, " n"]:
    """The target's weights times the logarithms of the ratios."""
    return term_da(jnp.asarray(log_target), jnp.asarray(log_prediction))


def generalized_kl_dlog_prediction(
    log_target: Logits, log_prediction: Logits
) -> Float[Array, " n"]:
    """The prediction's weights minus the target's."""
    return term_db(jnp.asarray(log_target), jnp.asarray(log_prediction))


def _conjugate(log_target: Logits, log_prediction: Logits) -> Float[Array, ""]:
    r"""Of slopes s, with the target's weights p: the divergence of p + s from p, and $s \log p$."""
    slope, p = jnp.asarray(log_prediction), jnp.exp(jnp.asarray(log_target))
    some = p > 0
    unit, step = jnp.where(some, p, 1.0), jnp.where(some, slope, 0.0)
    lead = step * jnp.where(some, log_target, 0.0)
    near = divergence(jnp.maximum(unit + step, 0.0), unit, step, step / unit) + lead
    return jnp.sum(jnp.where(some, near, exponential_conjugate(slope)))


def _prox(step: Scalar, log_target: Logits, log_prediction: Logits) -> Float[Array, " n"]:
    """Between both; a last step of Newton's method gives the digits of how far it moves."""
    a, b = jnp.asarray(log_target), jnp.asarray(log_prediction)
    moved = exponential_prox(step, b + step * jnp.exp(a)) - b
    rest = moved + step * term_db(a, b + moved)
    return b + (moved - rest / (1 + step * jnp.exp(b + moved)))


GENERALIZED_KL = Formula(
    fn=generalized_kl,
    domain=dict(log_target=Box((3,), LOGARITHM), log_prediction=Box((3,), LOGARITHM)),
    partials=dict(
        log_target=generalized_kl_dlog_target, log_prediction=generalized_kl_dlog_prediction
    ),
    seconds={
        ("log_target", "log_target"): lambda a, b: jnp.diag(_term_da_da(a, b)),
        ("log_target", "log_prediction"): lambda a, b: jnp.diag(_minus_weight(a, b)),
        ("log_prediction", "log_prediction"): lambda a, b: jnp.diag(jnp.exp(b)),
    },
    facts=(
        Convex("log_prediction"),
        Bounded("log_prediction", low=0.0),
        Minimizer("log_prediction", lambda a, b: a),
        Minimizer("log_target", lambda a, b: b),
        Lipschitz("log_prediction", lambda a, b: a.size**0.5),
        Smooth("log_prediction", 1.0),
        Lipschitz(
            "log_target", lambda a, b: jnp.linalg.norm(jnp.maximum(jnp.abs(b), math.exp(-1)))
        ),
        Smooth("log_target", lambda a, b: 1 + jnp.max(jnp.abs(b))),
        Conjugate("log_prediction", fn=_conjugate),
        Prox("log_prediction", fn=_prox),
    ),
    tex=r"D(a, b) = \sum_k e^{a_k} (a_k - b_k) - e^{a_k} + e^{b_k}",
    source=Source("boyd2004convex", "section 3.1.5"),
    topic="P19",
)


DIVERGENCES = (GENERALIZED_KL,)
