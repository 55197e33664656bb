r"""The quantiles of the von Mises distribution, of a circle that is cut opposite to zero.

The probability says on which part of the circle the angle lies (see `von_mises_tails`), and how
much of that half lies from the mode up to it, and from it to the opposite point. The smaller of
both is solved for by Newton's method: from the mode on, where the integral is concave, and from
the opposite point on its logarithm, between bounds that close in on it.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.composing import implicit
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype
from jaxmath.distributions.von_mises_density import prob
from jaxmath.distributions.von_mises_tails import (
    Place,
    cdf,
    cut_of,
    fall,
    integral,
    pi_of,
    scaled,
    turned,
)
from jaxmath.special.bessel import i0e
from jaxmath.special.normal_tail import ndtri
from jaxmath.typing import Real

STEPS = 8
"""Six are enough for all digits."""


def _from_mode(mass, k):
    """The angle up to which this mass lies on one side of the mode, of at most a quarter."""
    goal = mass * (2 * jnp.pi * i0e(k))
    mode = Place(0.0 * k, jnp.pi + 0.0 * k)

    def step(_, angle):
        """From below it goes up to the root, for the integral is concave."""
        lacks = goal - integral(mode, angle, k)
        return jnp.clip(angle + lacks * jnp.exp(fall(Place(angle, jnp.pi - angle), k)), 0.0, jnp.pi)

    return jax.lax.fori_loop(0, STEPS, step, goal)


def _from_back(mass, k):
    """The place beyond which lies this mass, of at most a quarter, on one side of the circle.

    Given by its distance from the nearer one of the mode and the opposite point, and whether that
    is the mode.
    """
    inner = jnp.where(mass > 0, mass, 0.25)
    log_goal = jnp.log(inner)
    pi, rest = pi_of(k.dtype)
    whole = 2 * jnp.pi * i0e(k)
    # At most as far from the opposite point as if the density were the lowest, and as a normal
    # density would have it.
    flat = jnp.exp(jnp.minimum(log_goal + jnp.log(whole) + 2 * k, 2.0))
    sine = -ndtri(inner) / (2 * jnp.sqrt(k))
    normal = jnp.where(sine < 1, 2 * jnp.arcsin(jnp.minimum(sine, 1.0)), 0.0)
    near = jnp.maximum(normal, pi - flat) < pi / 2
    start = jnp.where(near, jnp.maximum(normal, pi - flat), jnp.minimum((pi - normal) + rest, flat))
    out = jnp.where(near, 1.0, -1.0).astype(k.dtype)

    def step(_, state):
        size, low, high = state
        ahead, back = jnp.where(near, size, (pi - size) + rest), (pi - size) + rest
        at = Place(ahead, jnp.where(near, back, size))
        part = integral(at, at.back, k)
        error = out * (jnp.log(part / whole) - fall(at, k) - log_goal)
        low, high = jnp.where(error > 0, size, low), jnp.where(error > 0, high, size)
        moved = size + error * part
        return jnp.where((moved >= low) & (moved <= high), moved, (low + high) / 2), low, high

    bounds = 0.0 * k, pi + 0.0 * k
    size = jax.lax.fori_loop(0, STEPS, step, (jnp.clip(start, 0.0, pi), *bounds))[0]
    return jnp.where(mass > 0, size, 0.0 * k), near & (mass > 0)


def _find(upper):
    def find(p, params):
        loc, k = params
        k = positive(k)
        loc = turned(loc)
        mirror = loc < 0
        loc = jnp.abs(loc)
        cut = cut_of(loc)
        above = mirror ^ upper  # whether p is, in the mirror image, the probability of more than x
        bad = ~((p >= 0) & (p <= 1))
        p = jnp.where(bad, 0.5, p)
        below, above = jnp.where(above, 1 - p, p), jnp.where(above, p, 1 - p)
        mode = Place(0.0 * k, jnp.pi + 0.0 * k)
        outer = scaled(integral(cut, cut.back, k), cut, k)
        inner = scaled(integral(mode, cut.ahead, k), mode, k)
        # Together a half: the larger is what the smaller leaves.
        small = outer < inner
        outer, inner = jnp.where(small, outer, 0.5 - inner), jnp.where(small, 0.5 - outer, inner)
        in_a, in_c = below < outer, above < inner
        behind = jnp.where(in_c, outer + above, jnp.abs(below - outer))
        ahead = jnp.where(in_a, inner + below, jnp.abs(above - inner))
        inside = ahead < behind
        size, near = _from_back(jnp.minimum(behind, 0.25), k)
        angle = jnp.where(inside, _from_mode(jnp.minimum(ahead, 0.25), k), size)
        near = near | inside
        pi, rest = pi_of(k.dtype)
        sign = jnp.where(in_c, 1.0, -1.0).astype(k.dtype)
        from_mode = jnp.where(in_a, ((loc - pi) + (angle - pi)) - 2 * rest, loc + sign * angle)
        from_back = jnp.where(in_a, loc - size, loc - sign * size) + sign * (pi + rest)
        x = jnp.clip(jnp.where(near, from_mode, from_back), -pi, pi)
        x = jnp.where(below == 0, -pi, jnp.where(above == 0, pi, x))
        return jnp.where(bad, jnp.nan, jnp.where(mirror, -x, x)) + 0.0 * (k + loc)

    return find


_quantile = implicit(_find(False), cdf, prob, 1)
_isf = implicit(_find(True), cdf, prob, -1)


def quantile(p: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The angle up to which, from the cut on, lies probability p; NaN outside [0, 1]."""
    return _quantile(p, loc, concentration)


def isf(p: Real, loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The angle from which up to the cut lies probability p, accurate where p is tiny."""
    return _isf(p, loc, concentration)


def median(loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The quantile of one half: zero for a direction of zero, and else pulled towards it."""
    return quantile(jnp.full((), 0.5, float_dtype(loc, concentration)), loc, concentration)
