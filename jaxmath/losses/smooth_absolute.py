r"""Smooth approximations of the absolute error: quadratic at zero, linear far out."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import (
    Break,
    Concave,
    Conjugate,
    Convex,
    Even,
    Formula,
    Lipschitz,
    Minimizer,
    Prox,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.duality import between, where_allowed
from jaxmath.special.ratio import quotient
from jaxmath.typing import Real


def _inner(residual, beta):
    """The residual over beta where it lies within, else a half; and whether it does."""
    residual, beta = jnp.asarray(residual), jnp.asarray(beta)
    inside = jnp.abs(residual) <= beta
    return quotient(jnp.where(inside, residual, beta / 2), beta), inside


def _smooth_l1(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    r"""Half the squared residual over `beta` within `beta` of zero, $|r| - \beta / 2$ beyond.

    Huber's loss over its delta.
    """
    share, inside = _inner(residual, beta)
    size = jnp.abs(residual)
    return jnp.where(inside, 0.5 * size * jnp.abs(share), size - 0.5 * jnp.asarray(beta))


def _smooth_l1_dresidual(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    """The residual over beta within, its sign beyond."""
    share, inside = _inner(residual, beta)
    return jnp.where(inside, share, jnp.sign(residual))


def _smooth_l1_dbeta(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    """Minus half the square of the residual over beta within, minus a half beyond."""
    share, inside = _inner(residual, beta)
    return -0.5 * jnp.where(inside, jnp.square(share), 1.0 + 0.0 * jnp.asarray(beta))


def _at_end(residual, beta):
    """One within beta of zero, zero beyond, a half at beta."""
    size, beta = jnp.abs(residual), jnp.asarray(beta)
    return (size < beta) + 0.5 * (size == beta) + 0.0 * size + 0.0 * beta


def smooth_l1_dresidual_dresidual(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    """One over beta within, zero beyond, the middle at beta."""
    return _at_end(residual, beta) * (1 / jnp.asarray(beta))


def smooth_l1_dresidual_dbeta(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    """Minus the residual over the square of beta within, zero beyond, the middle at beta."""
    return -_inner(residual, beta)[0] * smooth_l1_dresidual_dresidual(residual, beta)


def smooth_l1_dbeta_dbeta(residual: Real, beta: Real = 1.0) -> Float[Array, "..."]:
    """The square of the residual over the cube of beta within, zero beyond."""
    share = _inner(residual, beta)[0]
    return jnp.square(share) * smooth_l1_dresidual_dresidual(residual, beta)


_DRESIDUAL = dict(residual=smooth_l1_dresidual_dresidual, beta=smooth_l1_dresidual_dbeta)
_DBETA = dict(residual=smooth_l1_dresidual_dbeta, beta=smooth_l1_dbeta_dbeta)
_SMOOTH_L1 = dict(
    residual=with_rule(_smooth_l1_dresidual, **_DRESIDUAL),
    beta=with_rule(_smooth_l1_dbeta, **_DBETA),
)
smooth_l1 = with_rule(_smooth_l1, **_SMOOTH_L1)

SMOOTH_L1 = Formula(
    fn=smooth_l1,
    plain=_smooth_l1,
    domain=dict(residual=REAL, beta=POSITIVE),
    partials=_SMOOTH_L1,
    seconds={
        ("residual", "residual"): smooth_l1_dresidual_dresidual,
        ("residual", "beta"): smooth_l1_dresidual_dbeta,
        ("beta", "beta"): smooth_l1_dbeta_dbeta,
    },
    breaks=(Break(lambda residual, beta: jnp.abs(residual) - beta, order=2),),
    facts=(
        Convex("residual"),
        Even("residual"),
        Lipschitz("residual", 1.0),
        Smooth("residual", lambda residual, beta: 1 / beta),
        Minimizer("residual", 0.0),
        Conjugate(
            "residual",
            fn=lambda residual, beta: between(
                (beta * residual) * (residual / 2), residual, -1.0, 1.0
            ),
        ),
        Prox(
            "residual",
            fn=lambda step, residual, beta: (
                residual - step * jnp.clip(residual / (beta + step), -1.0, 1.0)
            ),
        ),
        Convex("beta"),
        Lipschitz("beta", 0.5),
        Smooth("beta", lambda residual, beta: 1 / jnp.abs(residual)),
    ),
    tex=r"\ell_\beta(r) = \begin{cases} r^2 / (2\beta) & |r| \le \beta \\"
    r" |r| - \frac12\beta & |r| > \beta \end{cases}",
    source=Source("girshick2015fast", "eq. 3"),
    topic="O8",
)


def _parts(residual, delta):
    r"""The shares $r / h$, $\delta / h$ and $r / (h + \delta)$ with $h = \sqrt{r^2 + \delta^2}$."""
    residual, delta = jnp.asarray(residual), jnp.asarray(delta)
    size = jnp.maximum(jnp.abs(residual), delta)
    r, d = quotient(residual, size), quotient(delta, size)
    h = jnp.sqrt(jnp.square(r) + jnp.square(d))
    # Of a / b / c XLA makes a / (b c), which may overflow.
    return r * (1 / h), d * (1 / h), r * (1 / (h + d))


def _pseudo_huber(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""The hyperbola $\delta^2 (\sqrt{1 + (r / \delta)^2} - 1)$: $r^2 / 2$ near zero."""
    _, cosine, share = _parts(residual, delta)
    residual, delta = jnp.asarray(residual), jnp.asarray(delta)
    far = jnp.abs(residual) > delta
    within = residual * (cosine / (1 + cosine))
    return jnp.where(far, share * delta, within) * residual


def _pseudo_huber_dresidual(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""The residual over $\sqrt{1 + (r / \delta)^2}$."""
    sine, cosine, _ = _parts(residual, delta)
    residual, delta = jnp.asarray(residual), jnp.asarray(delta)
    return jnp.where(jnp.abs(residual) > delta, delta * sine, residual * cosine)


def _pseudo_huber_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""The square of $h - \delta$ over $h = \sqrt{r^2 + \delta^2}$."""
    sine, _, share = _parts(residual, delta)
    return (share * share) * (sine * residual)


def pseudo_huber_dresidual_dresidual(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""The cube of $\delta / h$."""
    _, cosine, _ = _parts(residual, delta)
    return cosine * cosine * cosine


def pseudo_huber_dresidual_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    """The cube of r / h."""
    sine, _, _ = _parts(residual, delta)
    return sine * sine * sine


def pseudo_huber_ddelta_ddelta(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""Minus the square of $(h - \delta) / h$ times $2 + \delta / h$."""
    sine, cosine, share = _parts(residual, delta)
    return -jnp.square(share * sine) * (2 + cosine)


_DR = dict(residual=pseudo_huber_dresidual_dresidual, delta=pseudo_huber_dresidual_ddelta)
_DD = dict(residual=pseudo_huber_dresidual_ddelta, delta=pseudo_huber_ddelta_ddelta)
_PSEUDO_HUBER = dict(
    residual=with_rule(_pseudo_huber_dresidual, **_DR),
    delta=with_rule(_pseudo_huber_ddelta, **_DD),
)
pseudo_huber = with_rule(_pseudo_huber, **_PSEUDO_HUBER)


def _pseudo_huber_conjugate(residual: Real, delta: Real = 1.0) -> Float[Array, "..."]:
    r"""Of a slope s, $\delta^2 - \delta \sqrt{\delta^2 - s^2}$."""
    share = quotient(residual, delta)
    root = jnp.sqrt(jnp.maximum((1 - share) * (1 + share), 0.0))
    return where_allowed(residual * (residual / (1 + root)), jnp.abs(share) <= 1)


PSEUDO_HUBER = Formula(
    fn=pseudo_huber,
    plain=_pseudo_huber,
    domain=dict(residual=REAL, delta=POSITIVE),
    partials=_PSEUDO_HUBER,
    seconds={
        ("residual", "residual"): pseudo_huber_dresidual_dresidual,
        ("residual", "delta"): pseudo_huber_dresidual_ddelta,
        ("delta", "delta"): pseudo_huber_ddelta_ddelta,
    },
    facts=(
        Convex("residual"),
        Even("residual"),
        Lipschitz("residual", lambda residual, delta: delta),
        Smooth("residual", 1.0),
        Minimizer("residual", 0.0),
        Conjugate("residual", fn=_pseudo_huber_conjugate),
        Concave("delta"),
        Lipschitz("delta", lambda residual, delta: jnp.abs(residual)),
        Smooth("delta", 2.0),
    ),
    tex=r"\ell_\delta(r) = \delta^2 \Bigl(\sqrt{1 + (r / \delta)^2} - 1\Bigr)",
    source=Source("charbonnier1997deterministic", "table I"),
    topic="O8",
)

SMOOTH_ABSOLUTE = (SMOOTH_L1, PSEUDO_HUBER)
