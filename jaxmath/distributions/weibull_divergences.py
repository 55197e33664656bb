r"""How far one Weibull distribution is from another: the divergence and the cross entropy.

With $r = k_q / k$ and $b = k_q \log s / s_q + \log\Gamma(1 + r)$ the divergence is the sum of two
gaps, $e^b - 1 - b$ and $\log\Gamma(r) + \gamma (r - 1)$, neither of which is negative; they and all
derivatives keep their digits where the distributions are close and where they are far apart.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.standard import Differentiable
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.gamma import (
    digamma,
    digamma_difference,
    gammaln_difference,
    trigamma,
)
from jaxmath.special.gamma_gap import EULER, gammaln_after, gammaln_gap, gammaln_gap_dx
from jaxmath.special.gamma_twice import gammaln_twice
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Real


class _Pair(NamedTuple):
    """Both parameters of each, r and its excess over one, the logarithm of s / s_q, and b."""

    k: Array
    s: Array
    other: Array
    s_q: Array
    ratio: Array
    excess: Array
    length: Array
    power: Array

    @property
    def u(self):
        """One over the first concentration."""
        return 1 / self.k

    @property
    def rise(self):
        """The slope of the logarithm of the gamma function at 1 + r."""
        return digamma(1 + self.ratio)

    @property
    def harmonic(self):
        """By how much that exceeds its value at r = 0."""
        return digamma_difference(1.0, self.ratio)

    @property
    def slope(self):
        """The same at r, where the gamma function has its pole."""
        return gammaln_gap_dx(self.ratio, self.excess)

    @property
    def turn(self):
        """By how much b grows with the logarithm of k_q."""
        return self.other * self.length + self.ratio * self.rise

    def more(self, value):
        """The value times the exponential of b less one."""
        half = jnp.maximum(self.power, -40.0) / 2  # below, the exponential is lost beside one
        return (jnp.exp(half) * value) * (2 * jnp.sinh(half))

    def times(self, value, other=1.0):
        """The product of both values and the exponential of b."""
        root = jnp.exp(self.power / 2)
        return (root * value) * (root * other)

    def either(self, far, near):
        """One form where the exponential of b is far from one, another where it is close."""
        return jnp.where(jnp.abs(self.power) > 1, far, near)


def _pair(concentration, scale, concentration_q, scale_q):
    k, other = positive(concentration), positive(concentration_q)
    s, s_q = positive(scale), positive(scale_q)
    ratio, excess = other / k, relative_excess(other, k)
    length = log_ratio(s, s_q)
    power = other * length + gammaln_after(ratio, excess)
    return _Pair(*jnp.broadcast_arrays(k, s, other, s_q, ratio, excess, length, power))


def _cross_entropy(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    pair = _pair(concentration, scale, concentration_q, scale_q)
    rest = jnp.log(pair.s) - jnp.log(pair.other) - pair.other * pair.length
    return rest + EULER * ((pair.other - 1) / pair.k) + jnp.exp(pair.power)


def _kl(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats: two gaps."""
    pair = _pair(concentration, scale, concentration_q, scale_q)
    return expm1_gap(pair.power) + gammaln_gap(pair.ratio, pair.excess)


def _of_pair(fn):
    def partial(concentration, scale, concentration_q, scale_q):
        return fn(_pair(concentration, scale, concentration_q, scale_q))

    return partial


def _curve(p):
    """What stands beside the exponential of b in the curvature in the concentration."""
    return p.ratio * p.u * (p.ratio * p.u * (jnp.square(p.rise) + trigamma(1 + p.ratio)))


def _kl_curve(p):
    lift, more = _curve(p), 2 * p.ratio * p.u * (p.u * p.rise)
    bend = p.ratio * (p.ratio * (trigamma(p.ratio) - trigamma(1 + p.ratio)))
    return p.either(
        p.times(lift + more) + (2 * EULER * p.ratio - 1) * p.u * p.u,
        p.times(lift) + p.more(more) + (2 * p.ratio * p.slope + bend) * p.u * p.u,
    )


def _cross_curve(p):
    lift, more = _curve(p), 2 * p.ratio * p.u * (p.u * p.rise)
    return p.either(
        p.times(lift + more) + 2 * EULER * (p.ratio - p.u) * p.u * p.u,
        p.times(lift) + p.more(more) + 2 * (p.ratio * p.harmonic - EULER * p.u) * p.u * p.u,
    )


def _mixed(p):
    turned = p.u * p.u * (p.rise * p.turn + p.ratio * trigamma(1 + p.ratio))
    more = p.u * p.u * p.rise
    return -p.either(
        p.times(turned + more) + EULER * p.u * p.u,
        p.times(turned) + p.more(more) + p.u * p.u * p.harmonic,
    )


def _turned(p, unit):
    return p.either(
        p.times((p.turn + 1) / unit) - 1 / unit, p.times(p.turn / unit) + p.more(1 / unit)
    )


def _scale_curve(p):
    rate = p.other / p.s
    own = rate * (1 / p.s)
    far = p.times((p.other - 1) * (1 / p.s), rate) + own
    return p.either(far, p.times(rate, rate) - p.more(own))


_SHARED = {
    ("concentration", "concentration_q"): _of_pair(_mixed),
    ("concentration", "scale"): _of_pair(lambda p: -p.times(p.ratio * p.rise, p.ratio / p.s)),
    ("concentration", "scale_q"): _of_pair(lambda p: p.times(p.ratio * p.rise, p.ratio / p.s_q)),
    ("scale", "concentration_q"): _of_pair(lambda p: _turned(p, p.s)),
    ("scale", "scale_q"): _of_pair(lambda p: -p.times(p.other / p.s, p.other / p.s_q)),
    ("concentration_q", "concentration_q"): _of_pair(
        lambda p: (
            p.times(jnp.square(p.length + p.u * p.rise) + p.u * p.u * trigamma(1 + p.ratio))
            + jnp.square(1 / p.other)
        )
    ),
    ("concentration_q", "scale_q"): _of_pair(lambda p: -_turned(p, p.s_q)),
    ("scale_q", "scale_q"): _of_pair(
        lambda p: p.times(p.other / p.s_q, p.other / p.s_q) + p.more(p.other / p.s_q * (1 / p.s_q))
    ),
}


def _dconcentration_q(p):
    lift = p.u * p.rise
    far = p.times(p.length + lift) - p.length + (EULER * p.u - 1 / p.other)
    return p.either(far, p.more(p.length + lift) + p.u * p.slope)


def _kl_dconcentration(p):
    lift, unit = p.u * p.ratio * p.rise, p.u * p.ratio
    return -p.either(p.times(lift) + (EULER * unit - p.u), p.more(lift) + unit * p.slope)


def _cross_dconcentration(p):
    lift, unit = p.u * p.ratio * p.rise, p.u * p.ratio
    own = p.either(p.times(lift) + EULER * unit, p.more(lift) + unit * p.harmonic)
    return EULER * p.u * p.u - own


_SECOND = dict(
    concentration_q=_of_pair(_dconcentration_q),
    scale_q=_of_pair(lambda p: -p.more(p.other / p.s_q)),
)
_KL_SECONDS = _SHARED | {
    ("concentration", "concentration"): _of_pair(_kl_curve),
    ("scale", "scale"): _of_pair(_scale_curve),
}
_kl_fn, _KL = with_partials(
    _kl,
    _SECOND
    | dict(
        concentration=_of_pair(_kl_dconcentration), scale=_of_pair(lambda p: p.more(p.other / p.s))
    ),
    _KL_SECONDS,
)
_CROSS_SECONDS = _SHARED | {
    ("concentration", "concentration"): _of_pair(_cross_curve),
    ("scale", "scale"): _of_pair(lambda p: _scale_curve(p) - jnp.square(1 / p.s)),
}
_ce_fn, _CROSS_ENTROPY = with_partials(
    _cross_entropy,
    _SECOND
    | dict(
        concentration=_of_pair(_cross_dconcentration),
        scale=_of_pair(lambda p: 1 / p.s + p.more(p.other / p.s)),
    ),
    _CROSS_SECONDS,
)
KL = Differentiable(_kl_fn, _kl, _KL, _KL_SECONDS)
CROSS_ENTROPY = Differentiable(_ce_fn, _cross_entropy, _CROSS_ENTROPY, _CROSS_SECONDS)


def squared_wasserstein(
    concentration: Real, scale: Real, concentration_q: Real, scale_q: Real
) -> Float[Array, "..."]:
    r"""The least mean squared distance of two variables with these distributions.

    Both are powers of one exponential variable: with their roots of mean squares
    $A = s \sqrt{\Gamma(1 + 2 / k)}$ and B it is $(A - B)^2 + 2 A B (1 - \rho)$, the logarithm of
    $\rho$ minus half a second difference of log-gamma.
    """
    u, v = 1 / positive(concentration), 1 / positive(concentration_q)
    s, t = positive(scale), positive(scale_q)
    way = v * ((jnp.asarray(concentration_q) - concentration) * u)
    least, apart = jnp.minimum(u, v), jnp.abs(way)
    one = s * jnp.exp(gammaln_difference(1.0, 2 * u) / 2)
    two = t * jnp.exp(gammaln_difference(1.0, 2 * v) / 2)
    length = log_ratio(s, t) + gammaln_difference(1 + 2 * v, 2 * way) / 2
    close = jnp.abs(length) < 1
    gap = jnp.where(close, two * jnp.expm1(jnp.where(close, length, 0.0)), one - two)
    apart = -jnp.expm1(-gammaln_twice(1 + 2 * least, apart, apart) / 2)
    return jnp.square(gap) + (2 * one * apart) * two
