r"""The density of Fisher's F distribution and its logarithm, with all their derivatives.

With a and b half the degrees of freedom, $u = \tfrac{a}{b} x$ the odds and $y = u / (1 + u)$ the
share of a, all rest on the gap $G = a (1 - y) - b y$, by which a exceeds its share of both.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions.gamma_density import at_zero, log_product
from jaxmath.distributions.location_scale import positive
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
)
from jaxmath.special.logarithm import log1p, log1p_gap_near
from jaxmath.special.partials import Rule, with_partials
from jaxmath.special.ratio import balanced_product, log_ratio
from jaxmath.typing import Real


class _Place(NamedTuple):
    """Where x is: both shapes, the smaller of u and 1 / u, y and 1 - y, and log u."""

    x: Any
    a: Any
    b: Any
    small: Any
    y: Any
    rest: Any
    log_odds: Any

    @property
    def gap(self):
        """By how much a exceeds its share of both shapes."""
        near = self.x <= 1
        inner = jnp.where(near, self.x, 1.0)
        below = self.a * (1 - inner) * self.rest
        return jnp.where(near, below, -self.b * ((self.x - 1) / self.x) * self.y)

    @property
    def log_shares(self):
        """The logarithms of both shares, over what is expected of them."""
        a, b, lack, under = self.a, self.b, -log1p(self.small), self.log_odds <= 0
        in_a, in_b = jnp.where(under, self.log_odds, 0.0), jnp.where(under, 0.0, -self.log_odds)
        return log1p(b / a) + in_a + lack, log1p(a / b) + in_b + lack


def place(x, dfn, dfd):
    """Where x is, all three being positive."""
    a, b = dfn / 2, dfd / 2
    u = a / b * x
    under = u <= 1
    small = jnp.where(under, u, 1 / jnp.where(under, 1.0, u))
    share, other = small / (1 + small), 1 / (1 + small)
    y, rest = jnp.where(under, share, other), jnp.where(under, other, share)
    log_odds = log_product(u, x, log_ratio(a, b))
    return _Place(x, a, b, small, y, rest, log_odds)


def or_one(x):
    """A number above zero, one in place of others, NaN of NaN."""
    return jnp.where(x > 0, x, jnp.where(x <= 0, 1.0, jnp.nan))


def above_zero(fn, below=lambda x, a, b: 0.0 * (a + b)):
    """A function for x > 0; below it, and at zero, what `below` says."""

    def function(x, dfn, dfd):
        x, dfn, dfd = jnp.asarray(x), positive(dfn), positive(dfd)
        outer = below(x, dfn / 2, dfd / 2)
        return jnp.where(x <= 0, outer, fn(or_one(x), dfn, dfd) + 0.0 * (dfn + dfd))

    return function


def inside(fn, below=lambda x, a, b: 0.0 * (a + b)):
    """A function of a place above zero; below it, and at zero, what `below` says."""
    return above_zero(lambda *args: fn(place(*args)), below)


def _log_height(at):
    """The logarithm of x times the density."""
    n, gap, tiny = at.a + at.b, at.gap, jnp.finfo(at.y.dtype).tiny
    # Where a share leaves the dtype, both terms by their logarithms.
    extreme = at.small < tiny / jnp.finfo(at.y.dtype).eps
    in_a, in_b = at.log_shares
    one, two = (jnp.where(extreme, 1.0, n * share) for share in (at.y, at.rest))
    near = divergence(at.a, one, gap, gap / one) + divergence(at.b, two, -gap, -gap / two)
    away = jnp.where(extreme, -at.a * in_a - at.b * in_b, near)
    low, high = jnp.minimum(at.a, at.b), jnp.maximum(at.a, at.b)
    errors = stirling_error(n) - stirling_error(at.a) - stirling_error(at.b)
    return (jnp.log(low) + jnp.log(high / n)) / 2 - HALF_LOG_TAU + errors - away


def _growth(at):
    """How fast the logarithm of the density moves with x."""
    return (at.gap - 1) / at.x


def _in_dfn(at):
    a, b = at.a, at.b
    gap = log1p_gap_near(-at.gap / a, at.log_shares[0])
    more = stirling_error_dx(a + b) - stirling_error_dx(a)
    return (b / (2 * a * (a + b)) - gap + more) / 2


def _in_dfd(at):
    a, b = at.a, at.b
    gap = log1p_gap_near(at.gap / b, at.log_shares[1])
    more = stirling_error_dx(a + b) - stirling_error_dx(b)
    return (a / (2 * b * (a + b)) - gap + more) / 2


def _at_end(fn):
    """A function of the density's limit at zero; below it of no density."""

    def end(x, a, b):
        return fn(jnp.where(x == 0, at_zero(a, 1.0, 0.0), 0.0)) + 0.0 * (a + b)

    return end


def _log_prob(x: Real, dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The logarithm of the density, in nats."""
    value = inside(lambda at: _log_height(at) - jnp.log(at.x), _at_end(jnp.log))
    return value(x, dfn, dfd)


def _own_bend(a, b, gap):
    """The second derivative of the logarithm in a shape, by how far it is from its share."""
    n = a + b
    more = stirling_error_dx_dx(n) - stirling_error_dx_dx(a)
    return jnp.square(gap / a) / n - b / n * ((a + n) / n) / (2 * a) / a + more


def _mixed_bend(at):
    n = at.a + at.b
    return 0.5 / n / n + stirling_error_dx_dx(n) - at.gap / at.a * (at.gap / at.b) / n


_BENDS = {
    ("x", "x"): lambda at: 1 - at.gap - (at.a + at.b) * at.y * at.rest,
    ("x", "dfn"): lambda at: at.rest * (at.gap / at.a) / 2,
    ("x", "dfd"): lambda at: at.y * (at.gap / at.b) / 2,
    ("dfn", "dfn"): lambda at: _own_bend(at.a, at.b, at.gap) / 4,
    ("dfn", "dfd"): lambda at: _mixed_bend(at) / 4,
    ("dfd", "dfd"): lambda at: _own_bend(at.b, at.a, at.gap) / 4,
}
"""The second derivatives of the logarithm, times x for each time that they are taken in it."""


def _y_over_x(at):
    return jnp.where(at.log_odds <= 0, at.a / at.b * at.rest, at.y / at.x)


LOG_PROB_BENDS = {
    pair: inside(bend)
    for pair, bend in {
        **_BENDS,
        ("x", "x"): lambda at: _BENDS["x", "x"](at) / at.x / at.x,
        ("x", "dfn"): lambda at: _BENDS["x", "dfn"](at) / at.x,
        ("x", "dfd"): lambda at: _y_over_x(at) * (at.gap / at.b) / 2,
    }.items()
}
log_prob, LOG_PROB = with_partials(
    _log_prob,
    dict(x=inside(_growth), dfn=inside(_in_dfn), dfd=inside(_in_dfd)),
    LOG_PROB_BENDS,
)


def _times_density(factor, over=1):
    """The density times x and a factor, over a power of x.

    A number of ordinary size may be made of a density that underflows and a power that overflows.
    """

    def product(at):
        part = jnp.exp(_log_height(at) / 4)
        first, second, third = (part / at.x if over > k else part for k in (0, 2, 1))
        there = jnp.where(part > 0, factor(at), 0.0)
        return balanced_product(first * part, second * third, there)

    return product


def _one(at):
    return jnp.ones_like(at.y)


def _prob(x: Real, dfn: Real, dfd: Real) -> Float[Array, "..."]:
    """The density."""
    return inside(_times_density(_one), _at_end(lambda limit: limit))(x, dfn, dfd)


def _bent(one, two, over):
    """A second derivative of the density from both slopes of its logarithm and its bend."""
    bend = _BENDS[one, two]
    slopes = dict(x=lambda at: at.gap - 1, dfn=_in_dfn, dfd=_in_dfd)

    def factor(at):
        return bend(at) + slopes[one](at) * slopes[two](at)

    return inside(_times_density(factor, over))


prob, _PROB = with_partials(
    _prob,
    dict(
        x=inside(_times_density(lambda at: at.gap - 1, 2)),
        dfn=inside(_times_density(_in_dfn)),
        dfd=inside(_times_density(_in_dfd)),
    ),
    _PROB_BENDS := {pair: _bent(*pair, 1 + pair.count("x")) for pair in _BENDS},
)
DENSITY = dict(
    log_prob=Rule(LOG_PROB, LOG_PROB_BENDS, _log_prob), prob=Rule(_PROB, _PROB_BENDS, _prob)
)
"""Their derivatives, by name."""
