r"""The logistic function and its logarithm: sigmoid, softplus, log-sigmoid.

Everything is built from $e^{-|x|}$, which never overflows, so that both tails keep their digits:
the slope of `sigmoid` at 40 is 4.2e-18, where $\sigma(1 - \sigma)$ in floating point is zero.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL
from jaxmath.formula import (
    Bounded,
    Concave,
    Convex,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.special.hyperbolic import tanh
from jaxmath.typing import Real


def _sigmoid(x: Real) -> Float[Array, "..."]:
    """The logistic function: a logit (log-odds, in nats) to a probability."""
    return jax.scipy.special.expit(x)


def _sigmoid_dx(x: Real) -> Float[Array, "..."]:
    r"""The logistic density $e^{-|x|} / (1 + e^{-|x|})^2$, even, a quarter at zero."""
    decay = jnp.exp(-jnp.abs(x))
    return decay / jnp.square(1 + decay)


def sigmoid_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""Minus the logistic density times $\tanh(x/2)$, which is $2\sigma(x) - 1$ to all digits."""
    return -sigmoid_dx(x) * tanh(jnp.asarray(x) / 2)


sigmoid_dx = with_rule(_sigmoid_dx, x=sigmoid_dx_dx)
sigmoid = with_rule(_sigmoid, x=sigmoid_dx)

SIGMOID = Formula(
    fn=sigmoid,
    plain=_sigmoid,
    domain=dict(x=REAL),
    partials=dict(x=sigmoid_dx),
    seconds={("x", "x"): sigmoid_dx_dx},
    facts=(
        Increasing("x"),
        Bounded("x", 0.0, 1.0),
        Lipschitz("x", 0.25),
        Smooth("x", 3**-0.5 / 6),
    ),
    tex=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
    source=Source("goodfellow2016deep", "section 3.10"),
    topic="C5",
)


def _softplus(x: Real) -> Float[Array, "..."]:
    r"""The logarithm of $1 + e^x$: the integral of `sigmoid`, a smooth `relu`."""
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


softplus = with_rule(_softplus, x=sigmoid)

SOFTPLUS = Formula(
    fn=softplus,
    plain=_softplus,
    domain=dict(x=REAL),
    partials=dict(x=sigmoid),
    seconds={("x", "x"): sigmoid_dx},
    facts=(Convex("x"), Increasing("x"), Lipschitz("x", 1.0), Smooth("x", 0.25)),
    tex=r"\zeta(x) = \log(1 + e^x)",
    source=Source("goodfellow2016deep", "section 3.10"),
    topic="C5",
)


def log_sigmoid(x: Real) -> Float[Array, "..."]:
    """The logarithm of `sigmoid`, in nats: the log-probability of a logit's positive class."""
    return -softplus(-jnp.asarray(x))


def log_sigmoid_dx(x: Real) -> Float[Array, "..."]:
    r"""The probability of the other class, $\sigma(-x)$."""
    return sigmoid(-jnp.asarray(x))


LOG_SIGMOID = Formula(
    fn=log_sigmoid,
    domain=dict(x=REAL),
    partials=dict(x=log_sigmoid_dx),
    seconds={("x", "x"): lambda x: -sigmoid_dx(x)},
    facts=(Concave("x"), Increasing("x"), Lipschitz("x", 1.0), Smooth("x", 0.25)),
    tex=r"\log\sigma(x) = -\log(1 + e^{-x})",
    source=Source("goodfellow2016deep", "section 3.10"),
    topic="C5",
)
