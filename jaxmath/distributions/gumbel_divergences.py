r"""How far one Gumbel distribution is from another: the divergence and the cross entropy.

With $r = \sigma / \sigma_q$ and $b = (\mu_q - \mu) / \sigma_q + \log\Gamma(1 + r)$ the
divergence is the sum of two gaps, $e^b - 1 - b$ and $\log\Gamma(r) + \gamma (r - 1)$, neither of
which is negative: as between Weibull distributions, whose logarithms these are, turned round.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.distributions.standard import Differentiable
from jaxmath.formula import with_rule
from jaxmath.special.exponential import expm1_gap
from jaxmath.special.gamma import digamma, digamma_difference
from jaxmath.special.gamma_gap import EULER, gammaln_after, gammaln_gap, gammaln_gap_dx
from jaxmath.special.ratio import relative_excess
from jaxmath.typing import Real


class _Pair(NamedTuple):
    """The second scale, r and its excess over one, the distance of both locations, and b."""

    unit: Array
    ratio: Array
    excess: Array
    distance: Array
    power: Array

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


def _pair(loc, scale, loc_q, scale_q):
    s, unit = positive(scale), positive(scale_q)
    ratio, excess = s / unit, relative_excess(s, unit)
    distance = standardize(loc, loc_q, unit)
    power = gammaln_after(ratio, excess) - distance
    return _Pair(*jnp.broadcast_arrays(unit, ratio, excess, distance, power))


def _cross_entropy(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    pair = _pair(loc, scale, loc_q, scale_q)
    return jnp.log(pair.unit) + pair.distance + EULER * pair.ratio + jnp.exp(pair.power)


def _kl(loc: Real, scale: Real, loc_q: Real, scale_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second from the first, in nats: two gaps."""
    pair = _pair(loc, scale, loc_q, scale_q)
    return expm1_gap(pair.power) + gammaln_gap(pair.ratio, pair.excess)


def _of_pair(fn):
    def partial(loc, scale, loc_q, scale_q):
        pair = _pair(loc, scale, loc_q, scale_q)
        return fn(pair) / pair.unit

    return partial


def _dscale_q(pair):
    return (
        jnp.expm1(pair.power) * (pair.distance - pair.ratio * pair.rise) - pair.ratio * pair.slope
    )


_KL = dict(
    loc=_of_pair(lambda pair: -jnp.expm1(pair.power)),
    scale=_of_pair(lambda pair: jnp.expm1(pair.power) * pair.rise + pair.slope),
    loc_q=_of_pair(lambda pair: jnp.expm1(pair.power)),
    scale_q=_of_pair(_dscale_q),
)
_CROSS_ENTROPY = _KL | dict(
    scale=_of_pair(lambda pair: jnp.expm1(pair.power) * pair.rise + pair.harmonic)
)
KL = Differentiable(with_rule(_kl, **_KL), _kl, _KL, {})
CROSS_ENTROPY = Differentiable(
    with_rule(_cross_entropy, **_CROSS_ENTROPY), _cross_entropy, _CROSS_ENTROPY, {}
)
