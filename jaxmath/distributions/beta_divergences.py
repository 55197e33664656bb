"""Entropy and divergences of beta distributions: they keep their digits between neighbours."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.ratios import ratio_gap
from jaxmath.formula import with_rule
from jaxmath.special.entropy import divergence
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    betaln,
    digamma_difference,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    stirling_error_gap,
    trigamma,
    trigamma_difference,
    trigamma_dx,
    trigamma_excess_difference,
)
from jaxmath.special.logarithm import log1p_gap
from jaxmath.special.partials import along, with_partials
from jaxmath.typing import Real


def _entropy(a: Real, b: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats; never positive."""
    a, b = positive(a), positive(b)
    plain, size = _total(
        betaln(a, b), (a - 1) * digamma_difference(a, b), (b - 1) * digamma_difference(b, a)
    )
    return jnp.where(size < jnp.maximum(4 * jnp.abs(plain), 1.0), plain, _entropy_of_gaps(a, b))


def _total(*terms):
    """The sum, and that of all sizes."""
    return sum(terms), sum(map(jnp.abs, terms))


def _entropy_of_gaps(a, b):
    n = a + b
    low, high = jnp.minimum(a, b), jnp.maximum(a, b)
    rest = stirling_error(a) + stirling_error(b) - stirling_error(n)
    slopes = (1 - a) * stirling_error_dx(a) + (1 - b) * stirling_error_dx(b)
    return (
        (jnp.log(low / n) + jnp.log(high / n) - jnp.log(n)) / 2 + HALF_LOG_TAU + 0.5
        - 0.5 / a - 0.5 / b + 1 / n + rest + slopes + (n - 2) * stirling_error_dx(n)
    )  # fmt: skip


def _entropy_da(a, b):
    a, b = positive(a), positive(b)
    n = a + b
    own = (0.5 + 0.5 / a) / a + (1 - a) * stirling_error_dx_dx(a)
    return own - (1.5 + 1 / n) / n + (n - 2) * stirling_error_dx_dx(n)


_ENTROPY = dict(a=_entropy_da, b=lambda a, b: _entropy_da(b, a))
entropy = with_rule(_entropy, **_ENTROPY)


def _pair(a, b, a_q, b_q):
    return tuple(map(positive, (a, b, a_q, b_q)))


def _gap(a, b, c, d):
    """By how much c lies above its share (c + d) a / (a + b), from steps where these are short."""
    near = (jnp.abs(c - a) < a / 2) & (jnp.abs(d - b) < b / 2)
    one, two = jnp.where(near, c - a, c), jnp.where(near, d - b, d)
    return (b * one - a * two) / (a + b)


def _kl(a: Real, b: Real, a_q: Real, b_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    Of logarithms of beta functions and of digamma functions, where these terms do not cancel; else
    that of two Bernoulli variables with their means, times the sum of the second's shapes, and what
    the gaps of log and of Stirling's remainder leave over.
    """
    a, b, c, d = _pair(a, b, a_q, b_q)
    plain, size = _total(
        *(betaln(c, d), -betaln(a, b)),
        *((c - a) * digamma_difference(a, b), (d - b) * digamma_difference(b, a)),
    )
    return jnp.where(size < 4 * plain, plain, _kl_of_gaps(a, b, c, d))


def _kl_of_gaps(a, b, c, d):
    n, m, step = a + b, c + d, (c - a) + (d - b)
    gap = _gap(a, b, c, d)
    one, two = m * (a / n), m * (b / n)
    means = divergence(c, one, gap, gap / one) + divergence(d, two, -gap, -gap / two)
    # Where one shape is far larger, the gaps of it and of the sum are nearly the same.
    turn = a < b
    share = jnp.where(turn, -gap / two, gap / one)  # of c / m over a / n
    close = jnp.abs(share) < 0.5
    some = jnp.where(close, share, 0.0)
    one_less = ratio_gap(jnp.where(turn, c, d), jnp.where(turn, a, b))
    other = jnp.where(turn, d, c), jnp.where(turn, b, a)
    both = jnp.where(
        close, some * (step / n) + log1p_gap(some), ratio_gap(*other) - ratio_gap(m, n)
    )
    rest = stirling_error_gap(a, c) + stirling_error_gap(b, d) - stirling_error_gap(n, m)
    return means + (one_less + both) / 2 + rest


def _kl_da(a, b, a_q, b_q):
    """Minus how far the mean is off times the trigamma function, and what the sums are off."""
    a, b, c, d = _pair(a, b, a_q, b_q)
    n, step = a + b, (c - a) + (d - b)
    gap = _gap(a, b, c, d)
    balanced = -(step / n) * trigamma_excess_difference(a, b) - gap * trigamma(a)
    lopsided = (d - b) * trigamma(n) + (c - a) * trigamma_difference(a, b)
    return jnp.where(2 * a * (b / n) > 1, balanced, lopsided)


def _kl_da_q(a, b, a_q, b_q):
    """From one sum of terms or, where these are smaller, from another of the same."""
    a, b, c, d = _pair(a, b, a_q, b_q)
    step = c - a
    ways = digamma_difference(a, step), digamma_difference(a + b, step + (d - b))
    logs = digamma_difference(a, b), digamma_difference(c, d)
    shorter = jnp.abs(ways[0]) + jnp.abs(ways[1]) < jnp.abs(logs[0]) + jnp.abs(logs[1])
    shorter = shorter & (c > a / 2) & (c + d > (a + b) / 2)  # steps that have not lost their ends
    return jnp.where(shorter, ways[0] - ways[1], logs[0] - logs[1])


def _turned(fn):
    return lambda a, b, a_q, b_q: fn(b, a, b_q, a_q)


def _second(fn):
    def second(a, b, a_q, b_q):
        a, b, c, d = _pair(a, b, a_q, b_q)
        return fn(a, b, c, d) + 0.0 * (a + b + c + d)

    return second


_in_first = along(trigamma_difference, 0)
_kl_da_da = _second(
    lambda a, b, c, d: (
        (d - b) * trigamma_dx(a + b) + (c - a) * _in_first(a, b) - trigamma_difference(a, b)
    )
)
_cross_da_da = _second(lambda a, b, c, d: (d - 1) * trigamma_dx(a + b) + (c - 1) * _in_first(a, b))
_SHARED = {
    ("a", "a_q"): _second(lambda a, b, c, d: trigamma_difference(a, b)),
    ("a", "b_q"): _second(lambda a, b, c, d: trigamma(a + b)),
    ("b", "a_q"): _second(lambda a, b, c, d: trigamma(a + b)),
    ("b", "b_q"): _second(lambda a, b, c, d: trigamma_difference(b, a)),
    ("a_q", "a_q"): _second(lambda a, b, c, d: -trigamma_difference(c, d)),
    ("a_q", "b_q"): _second(lambda a, b, c, d: -trigamma(c + d)),
    ("b_q", "b_q"): _second(lambda a, b, c, d: -trigamma_difference(d, c)),
}
_KL_SECONDS = _SHARED | {
    ("a", "a"): _kl_da_da,
    ("a", "b"): _second(
        lambda a, b, c, d: ((c - a) + (d - b)) * trigamma_dx(a + b) - trigamma(a + b)
    ),
    ("b", "b"): _turned(_kl_da_da),
}
_CROSS_SECONDS = _SHARED | {
    ("a", "a"): _cross_da_da,
    ("a", "b"): _second(lambda a, b, c, d: ((c - 1) + (d - 1)) * trigamma_dx(a + b)),
    ("b", "b"): _turned(_cross_da_da),
}
kl, _KL = with_partials(
    _kl,
    dict(a=_kl_da, b=_turned(_kl_da), a_q=_kl_da_q, b_q=_turned(_kl_da_q)),
    _KL_SECONDS,
)


def _cross_entropy(a: Real, b: Real, a_q: Real, b_q: Real) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    return entropy(a, b) + kl(a, b, a_q, b_q)


def _cross_da(a, b, a_q, b_q):
    a, b, c, d = _pair(a, b, a_q, b_q)
    return (d - 1) * trigamma(a + b) + (c - 1) * trigamma_difference(a, b)


cross_entropy, _CROSS_ENTROPY = with_partials(
    _cross_entropy,
    dict(a=_cross_da, b=_turned(_cross_da), a_q=_kl_da_q, b_q=_turned(_kl_da_q)),
    _CROSS_SECONDS,
)
squared_hellinger = exponential_family.squared_hellinger(kl, exponential_family.linear)
renyi = exponential_family.renyi(kl, exponential_family.linear)

PARTIALS = dict(entropy=_ENTROPY, cross_entropy=_CROSS_ENTROPY, kl=_KL)
SECONDS = dict(cross_entropy=_CROSS_SECONDS, kl=_KL_SECONDS)
PLAIN = dict(entropy=_entropy, cross_entropy=_cross_entropy, kl=_kl)
