r"""Integrals of a normal density between two ends: what its truncated version is made of.

Over the offset t from the highest point m of the standardised interval [a, b], where the density
is $e^{-mt - t^2/2}$ over its integral: no large exponent is left in it, thirty scales out or
between neighbours. Forty points of Gauss and Legendre to either side of m, as far as the density
has not fallen by $e^{-48}$, take it to rounding.
"""

from typing import Any

import jax.numpy as jnp

from jaxmath.distributions.location_scale import positive, standardize
from jaxmath.special.gauss import gauss_legendre
from jaxmath.typing import Real

DEEP = 48.0
"""The integrals go as far as the logarithm of the density falls by this from its highest value."""
NIL = 1500.0
"""Of the fall at an end from which on it may as well be at infinity."""
_UNIT, _WEIGHT = gauss_legendre(40)


class Rule:
    """Offsets from the highest point m of the standardised density, and their shares of it.

    Offsets, shares and weights have a new first axis; `log_total` is the logarithm of the integral
    of exp(-m t - t^2/2).
    """

    def __init__(self, low, high, loc, scale):
        dtype = jnp.result_type(low, high, loc, scale)
        low, high, loc, scale = jnp.broadcast_arrays(
            *(jnp.asarray(each, dtype) for each in (low, high, loc, positive(scale)))
        )
        # An infinite end is replaced by the location where its distance is not asked for.
        self.open = jnp.isinf(low), jnp.isinf(high)
        low, high = (jnp.where(o, loc, e) for o, e in zip(self.open, (low, high), strict=True))
        a, b = standardize(low, loc, scale), standardize(high, loc, scale)
        right = (a > 0) & ~self.open[0]  # all of the interval lies right of the location
        left = (b < 0) & ~self.open[1]
        self.m = jnp.where(right, a, jnp.where(left, b, 0.0))
        self.origin = jnp.where(right, low, jnp.where(left, high, loc))
        width = standardize(high, low, scale)
        self.loc, self.scale = loc, scale
        size = jnp.abs(self.m)
        root = jnp.sqrt(jnp.square(jnp.minimum(size, 1e18)) + 2 * DEEP)
        reach = 2 * DEEP / (size + root)

        def length(own, nothing, is_open):
            """How far the interval goes to a side, how much of that counts, and if it is open.

            It may as well be open where the density and all its slopes are below the dtype.
            """
            whole = jnp.where(nothing, 0.0, own)
            nil = is_open | (whole * (size + whole / 2) > NIL)
            return whole, jnp.where(nil & ~nothing, reach, jnp.minimum(whole, reach)), nil

        down = jnp.where(left, width, -a)
        up = jnp.where(right, width, b)
        self.below, self.down, below_open = length(down, right, self.open[0])
        self.above, self.up, above_open = length(up, left, self.open[1])
        self.open = below_open, above_open
        unit, weight = (
            jnp.asarray(each, dtype).reshape(-1, *(1 for _ in size.shape))
            for each in (_UNIT, _WEIGHT)
        )
        self.t = jnp.concatenate([-self.down[None] * unit, self.up[None] * unit])
        spans = jnp.concatenate([self.down[None] * weight, self.up[None] * weight])
        density = spans * jnp.exp(-self.fall(self.t))
        total = jnp.sum(density, axis=0)
        self.total = jnp.where(total < 0, jnp.nan, total)  # of ends in the wrong order
        self.share = density / self.total[None]

    def fall(self, t):
        """By how much the logarithm of the density has fallen, so far from the highest point."""
        return t * (jnp.reshape(self.m, (1,) * (t.ndim - self.m.ndim) + self.m.shape) + t / 2)

    @property
    def log_total(self):
        """The logarithm of the integral; NaN where the ends are in the wrong order."""
        return jnp.log(jnp.where(self.total > 0, self.total, jnp.nan))

    def mean(self, values):
        """The expected value of a function of the offset, given at all offsets."""
        return jnp.sum(self.share * values, axis=0)

    @property
    def centre(self):
        """The expected offset: what the densities differ by at ends far to both sides."""
        far = [
            (length > 1) | is_open
            for length, is_open in zip((self.below, self.above), self.open, strict=True)
        ]
        first, last = self.densities()
        return jnp.where((self.m == 0) & far[0] & far[1], first - last, self.mean(self.t))

    def offset(self, x):
        """The offset of x."""
        return standardize(x, self.origin, self.scale)

    def central(self, power):
        """A central moment of the offset."""
        return self.mean((self.t - self.centre[None]) ** power)

    def densities(self):
        """The standardised density at both ends; zero at an infinite one."""
        lengths, opens = (self.below, self.above), self.open
        found = []
        for sign, length, is_open in zip((-1, 1), lengths, opens, strict=True):
            value = jnp.exp(-self.fall(jnp.where(is_open, 0.0, sign * length))) / self.total
            found.append(jnp.where(is_open, 0.0, value))
        return found


def curvatures(x: Real, rule: Rule) -> dict[tuple[str, str], Any]:
    r"""The second derivatives of the log density by pair, in units of one over the squared scale.

    No terms cancel: the density at an end less its distance to the location is the density at the
    other end and its distance to the mean, since the mean of z is the difference of both densities.
    """
    t, centre = rule.offset(x), rule.centre
    mean, apart = rule.m + centre, t - centre
    two, three, four = (rule.central(power) for power in (2, 3, 4))
    first, last = rule.densities()
    below = jnp.where(rule.open[0], 0.0, rule.below + centre)
    above = jnp.where(rule.open[1], 0.0, rule.above - centre)
    square = apart * (2 * mean + apart) - two
    spread = four - two * two + 4 * mean * (three + mean * two)
    return {
        ("x", "x"): -1.0,
        ("x", "loc"): 1.0,
        ("x", "scale"): 2 * standardize(x, rule.loc, rule.scale),
        ("x", "low"): 0.0,
        ("x", "high"): 0.0,
        ("loc", "loc"): -two,
        ("loc", "scale"): -2 * apart - three - 2 * mean * two,
        ("loc", "low"): -first * below,
        ("loc", "high"): -last * above,
        ("scale", "scale"): -3 * square - spread,
        ("scale", "low"): -first * (two + below * (2 * mean - below)),
        ("scale", "high"): -last * (above * (2 * mean + above) - two),
        ("low", "low"): first * (last + below),
        ("low", "high"): -first * last,
        ("high", "high"): last * (first + above),
    }
