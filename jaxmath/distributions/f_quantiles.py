"""The quantiles of Fisher's F distribution from either end, with their slopes in closed form.

Those of the odds of a beta variable, as its inverses have them.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.location_scale import chance, positive
from jaxmath.special.inverse_beta import (
    Answer,
    answer,
    betainccinv_shares,
    betaincinv_shares,
    first_terms,
)
from jaxmath.special.inverse_gamma import rises
from jaxmath.special.loops import if_any
from jaxmath.special.partials import with_answer


class _Place(NamedTuple):
    r"""An x = (b / a) y / (1 - y) with a tail of p, and how its logarithm moves.

    Attributes:
        beta: the y; its t is log(x a / b), or minus that where it is `high`.
        sign: minus one where it is that.
        half: the root of x.
        ways: how log x moves with both degrees of freedom.
    """

    beta: Answer
    sign: Array
    half: Array
    ways: tuple[Array, Array]

    def times_x(self, value, times: int = 0):
        """The value and powers of the slope in p times x."""
        size, sign = rises(self.beta.in_p, times)
        part = self.half * size
        part = jnp.where(part == 0, 0.0, part * value * part)
        return (sign * self.sign if times == 1 else sign) * part


def _place(lower: bool, p, dfn, dfd) -> _Place:
    n, d, p = jnp.broadcast_arrays(positive(dfn), positive(dfd), p)
    at = answer(lower, n / 2, d / 2, p)
    sign = jnp.where(at.high, -1.0, 1.0)
    *_, y, rest = at.place
    far = jnp.where(at.tiny, jnp.exp(at.log / 2), at.root)
    far = jnp.where(at.high, 1 / far, far)
    half = jnp.sqrt(d / n) * jnp.where(at.first, far, jnp.sqrt(y / rest))
    in_a, in_b = (sign * way.place / 2 for way in at.ways)
    return _Place(at, sign, half, (in_a - 1 / n, in_b + 1 / d))


def _inverse(shares, lower: bool, doc, name):
    """The x whose lower or upper tail is p, by both shares."""

    def inverse(p, dfn, dfd):
        p = chance(p)
        a, b = positive(dfn) / 2, positive(dfd) / 2
        p = p + 0.0 * (a + b)
        y, rest = shares(a, b, p)

        def beyond(a, b, p, y):
            low, high = first_terms(lower, a, b, p)
            return jnp.exp(jnp.log(b / a) + jnp.where(y < 0.5, low, -high))

        # A share may leave the dtype where the answer does not.
        tiny = (p > 0) & (p < 1) & (jnp.minimum(y, rest) < 4 * jnp.finfo(y.dtype).tiny)
        return jnp.where(tiny, if_any(tiny, beyond, a, b, p, y), b / a * (y / rest))

    inverse.__name__ = inverse.__qualname__ = f"_{name}"
    inverse.__doc__ = doc

    def made(inner, at_end=lambda y, n: 0.0 * n):
        """A slope of x from what it is made of at an answer, or at its ends."""

        def slope(at, p, dfn, dfd):
            end, n = at.beta.end, 2 * at.beta.place[0]
            return jnp.where(
                at.beta.inside, inner(at), jnp.where(jnp.isnan(end), jnp.nan, at_end(end, n))
            )

        return slope

    def rise_at_end(y, n):
        at_zero = jnp.where(n < 2, 0.0, jnp.where(n == 2, 1.0, jnp.inf))
        value = jnp.where(y == 0, at_zero, jnp.inf)
        return value if lower else -value

    def in_parameter(key):
        return made(lambda at: at.times_x(at.ways[key]))

    def in_p_and(key):
        # One over the density, which is the height over x.
        return made(lambda at: at.times_x(at.ways[key] - at.beta.ways[key].height / 2, 1))

    def in_both(one, other):
        def inner(at):
            places = at.beta.ways[one].place * at.beta.ways[other].place
            bend = at.sign * (at.beta.bend(one, other) - at.beta.balance * places) / 4
            if one == other:
                shape = at.beta.place[one] * 2
                bend = bend + (1 if one == 0 else -1) * jnp.square(1 / shape)
            return at.times_x(bend + at.ways[one] * at.ways[other])

        return made(inner)

    partials = dict(
        p=made(lambda at: at.times_x(1.0, 1), rise_at_end), dfn=in_parameter(0), dfd=in_parameter(1)
    )
    seconds = {
        ("p", "p"): made(lambda at: at.times_x(1 - at.sign * at.beta.lead, 2)),
        ("p", "dfn"): in_p_and(0),
        ("p", "dfd"): in_p_and(1),
        ("dfn", "dfn"): in_both(0, 0),
        ("dfn", "dfd"): in_both(0, 1),
        ("dfd", "dfd"): in_both(1, 1),
    }
    return with_answer(inverse, functools.partial(_place, lower), partials, seconds)


quantile, _QUANTILE = _inverse(
    betaincinv_shares, True, "The x below which lies probability p; NaN outside [0, 1].", "quantile"
)
isf, _ISF = _inverse(
    betainccinv_shares, False, "The x above which lies probability p; NaN outside [0, 1].", "isf"
)


QUANTILES = dict(quantile=_QUANTILE, isf=_ISF)
"""Their derivatives, by name."""
