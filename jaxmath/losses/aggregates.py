r"""Aggregates of the losses of many examples that weigh the worst ones more than the mean does.

A weight of zero is a mask: what it masks may be infinite. Without weights all count alike.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import Box, Fixed, Interval
from jaxmath.formula import (
    Break,
    Conjugate,
    Convex,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.losses.duality import on_simplex, where_allowed
from jaxmath.special import log1p, softmax
from jaxmath.special.entropy import kl_div
from jaxmath.typing import Label, Scalar

Losses = Float[ArrayLike, " n"]


def _counted(
    losses: Losses, weights: Label | None
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """The losses, and the weights over their sum; where that is zero, the least of the others."""
    losses = jnp.asarray(losses)
    weights = jnp.ones_like(losses) if weights is None else jnp.asarray(weights, losses.dtype)
    least = jnp.min(jnp.where(weights > 0, losses, jnp.inf))
    return jnp.where(weights == 0, least, losses), weights / jnp.sum(weights)


def _over(numerator: Float[Array, "..."], x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The numerator over x, both small at x = 0, where the ratio is one."""
    none = x == 0
    return jnp.where(none, 1.0, numerator / jnp.where(none, 1.0, x))


def _tilt_mean(losses, tilt, shares) -> Float[Array, ""]:
    """The aggregate of losses with shares that sum to one, measured from the furthest loss."""
    furthest = jnp.where(tilt > 0, jnp.max(losses), jnp.min(losses))
    mean = _mean_above(losses, tilt, shares, furthest)
    return furthest + mean * _over(log1p(tilt * mean), tilt * mean)


def _mean_above(losses, tilt, shares, level) -> Float[Array, ""]:
    """The mean of (e^(t g) - 1) / t over the gaps g above a level."""
    gap = losses - level
    return jnp.sum(shares * gap * _over(jnp.expm1(tilt * gap), tilt * gap))


def _tilt_mean_dlosses(losses, tilt, shares) -> Float[Array, " n"]:
    return softmax(tilt * losses + jnp.log(shares))


def _tilt_mean_dtilt(losses, tilt, shares) -> Float[Array, ""]:
    r"""The divergence of the tilted shares from the given ones over the square of the tilt.

    A mean of squared gaps times $(d e^d - e^d + 1) / d^2$ with $d = t (\ell - L)$, a half at zero.
    """
    gap = losses - _tilt_mean(losses, tilt, shares)
    d = tilt * gap
    near = jnp.where(jnp.abs(d) < 0.5, d, 0.0)
    series = jnp.zeros_like(d)
    for k in range(16, -1, -1):
        series = series * near + (k + 1) / math.factorial(k + 2)
    far = jnp.where(jnp.abs(d) < 0.5, 1.0, d)
    closed = (far * jnp.exp(far) - jnp.expm1(far)) / jnp.square(far)
    return jnp.sum(shares * jnp.square(gap) * jnp.where(jnp.abs(d) < 0.5, series, closed))


def _tilt_mean_dshares(losses, tilt, shares) -> Float[Array, " n"]:
    gap = losses - _tilt_mean(losses, tilt, shares)
    return gap * _over(jnp.expm1(tilt * gap), tilt * gap)


tilt_mean = with_rule(
    _tilt_mean, losses=_tilt_mean_dlosses, tilt=_tilt_mean_dtilt, shares=_tilt_mean_dshares
)


def tilted(losses: Losses, tilt: Scalar, weights: Label | None = None) -> Float[Array, ""]:
    """The logarithm of the weighted mean of exp(tilt * loss), over the tilt.

    The mean at a tilt of zero; towards the largest loss as the tilt grows, towards the least as it
    falls. For a positive tilt it is, but for a constant, the largest mean among all weights within
    a Kullback-Leibler ball around the given ones (distributional robustness).
    """
    losses, shares = _counted(losses, weights)
    return tilt_mean(losses, jnp.asarray(tilt, losses.dtype), shares)


def tilted_dlosses(
    losses: Losses, tilt: Scalar, weights: Label | None = None
) -> Float[Array, " n"]:
    """The weights, tilted by the exponentials: they sum to one."""
    losses, shares = _counted(losses, weights)
    return _tilt_mean_dlosses(losses, jnp.asarray(tilt, losses.dtype), shares)


def _tilted_conjugate(losses: Losses, tilt: Scalar) -> Float[Array, ""]:
    """The divergence of the slopes, which are shares, from equal ones, over the tilt."""
    shares = on_simplex(losses)
    apart = jnp.sum(kl_div(shares, jnp.full_like(shares, 1 / shares.size)))
    some = jnp.where(tilt == 0, 1.0, tilt)
    return jnp.where(apart == 0, 0.0, jnp.where(tilt == 0, jnp.inf, apart / some))


TILTED = Formula(
    fn=tilted,
    domain=dict(
        losses=Box((3,), Interval(-10.0, 10.0, closed=(True, True))),
        tilt=Fixed(Interval(0.0, 10.0, closed=(True, True))),
    ),
    partials=dict(losses=tilted_dlosses),
    facts=(
        Convex("losses"),
        Lipschitz("losses", 1.0),
        Smooth("losses", lambda losses, tilt: tilt / 2),
        Increasing("losses"),
        Conjugate("losses", fn=_tilted_conjugate),
    ),
    tex=r"L_t(\ell) = \frac{1}{t} \log \sum_i w_i e^{t \ell_i}",
    source=Source("li2021tilted", "eq. 1"),
    topic="R5",
)


def _top_weights(losses: Losses, share: Scalar, weights: Label | None) -> Float[Array, " n"]:
    """What of each loss belongs to the worst share, over the share; of equals the first."""
    losses, shares = _counted(losses, weights)
    order = jnp.argsort(-losses, stable=True)
    falling = shares[order]
    before = jnp.cumsum(falling) - falling
    taken = jnp.clip(jnp.asarray(share, losses.dtype) - before, 0.0, falling)
    return jnp.zeros_like(losses).at[order].set(taken / share)


def top_share_mean(losses: Losses, share: Scalar, weights: Label | None = None) -> Float[Array, ""]:
    """The mean of the worst share of the losses: the conditional value at risk, at one minus it.

    All of them at a share of one, the largest alone as the share vanishes. Of equal losses the
    first is taken first, and the slope is that.
    """
    counted, _ = _counted(losses, weights)
    return jnp.sum(_top_weights(losses, share, weights) * counted)


def top_share_mean_dlosses(
    losses: Losses, share: Scalar, weights: Label | None = None
) -> Float[Array, " n"]:
    """One over the number of the losses taken, and zero for the others."""
    return _top_weights(losses, share, weights)


def _top_share_conjugate(losses: Losses, share: Scalar) -> Float[Array, ""]:
    """Zero for shares that sum to one, none larger than its part of the worst share."""
    shares = on_simplex(losses)
    most = (1 + 16 * jnp.finfo(shares.dtype).eps) / (shares.size * share)
    return where_allowed(0.0, jnp.all(shares <= most))


TOP_SHARE_MEAN = Formula(
    fn=top_share_mean,
    domain=dict(
        losses=Box((2,), Interval(-10.0, 10.0, closed=(True, True))),
        share=Fixed(Interval(0.125, 0.875, closed=(True, True))),
    ),
    partials=dict(losses=top_share_mean_dlosses),
    breaks=(Break(lambda losses, share: losses[0] - losses[1], order=1, convention="right"),),
    facts=(
        Convex("losses"),
        Lipschitz("losses", 1.0),
        Increasing("losses"),
        Conjugate("losses", fn=_top_share_conjugate),
    ),
    tex=r"\operatorname{CVaR}_\alpha(\ell) = \min_\tau\, \tau"
    r" + \frac{1}{\alpha} \sum_i w_i \max(0, \ell_i - \tau)",
    source=Source("rockafellar2000optimization", "theorem 1"),
    topic="R5",
)

AGGREGATES = (TILTED, TOP_SHARE_MEAN)
