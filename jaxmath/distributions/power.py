r"""Families of x whose functions are those of one number $a = k \log(x / s)$, a power's logarithm.

With $w = \log(x / s)$ such a function f has three partial derivatives and one slope: $f' k / x$,
$f' w$ and $-f' k / s$. A `Curve` gives a function of a as a product of four, so that powers of x
beside it are in range wherever the whole is.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.location_scale import chance, positive
from jaxmath.distributions.standard import Differentiable
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import balanced_product, log_ratio

Function = Callable[..., Any]


class Curve(NamedTuple):
    """A function of a as four factors, and from where on it has vanished in every dtype."""

    factors: Callable[[Array], tuple[Any, Any, Any, Any]]
    far: float = float("inf")


class Params(NamedTuple):
    """Shape and scale; also the shape of what belongs to each, such as the score."""

    concentration: Any
    scale: Any


class Start(NamedTuple):
    """Where the support begins: beyond zero, or at the scale."""

    at_scale: bool = False

    def supported(self, x, s, inside, outside):
        """The entry inside or outside of the support, NaN for NaN."""
        x = jnp.asarray(x)
        within, beyond = (x >= s, x < s) if self.at_scale else (x > 0, x <= 0)
        return jnp.where(within, inside, jnp.where(beyond, outside, jnp.nan))

    def of_parts(self, fn, outside=0.0):
        """A function of x, k, s, w and a inside of the support, and what it is outside."""

        def function(x, concentration, scale):
            k, s = positive(concentration), positive(scale)
            unit = s + jnp.zeros_like(jnp.asarray(x))
            inner = self.supported(x, s, x, unit)
            w = log_ratio(inner, unit)
            return self.supported(x, s, fn(inner, k, s, w, k * w), outside + 0.0 * (k + s))

        return function

    def times(self, curve: Curve, factor, over_x=0, over_s=0):
        """A function of k, w and a times a curve, over powers of x and of the scale.

        Each factor of the curve stands beside one over x at most: none is out of range where their
        product isn't.
        """

        def product(x, k, s, w, a):
            a = jnp.minimum(a, curve.far)
            one, two, three, four = curve.factors(a)
            one = one * factor(k, w, a)
            if over_x > 0:
                one = one / x
            if over_x > 1:
                three = three / x
            if over_x > 2:
                four = four * (1 / x)
            one, three = one * two, three * four
            for _ in range(over_s):
                one, three = three * (1 / s), one
            return one * three

        return self.of_parts(product)

    def through(self, fn, curve: Curve, rise, bend: Curve | None = None, turn=None, sign=1.0):
        """A function of a bound to its partials.

        `curve` is its slope, `rise` the slope of the slope's logarithm, `bend` their product where
        that underflows by itself, and `turn` is 1 + a `rise` where that cancels.
        """
        turn = turn or (lambda a: 1 + a * rise(a))

        def bent(factor, over_x=0, over_s=0):
            if bend is not None:
                return self.times(bend, factor, over_x, over_s)
            return self.times(curve, lambda k, w, a: rise(a) * factor(k, w, a), over_x, over_s)

        def straight(factor, over_x=0, over_s=0):
            return self.times(curve, lambda k, w, a: sign * factor(k, w, a), over_x, over_s)

        partials = dict(
            x=straight(lambda k, w, a: k, 1),
            concentration=straight(lambda k, w, a: w),
            scale=straight(lambda k, w, a: -k, 0, 1),
        )
        seconds = {
            ("x", "x"): straight(lambda k, w, a: k * (k * rise(a) - 1), 2),
            ("x", "concentration"): straight(lambda k, w, a: turn(a), 1),
            ("x", "scale"): bent(lambda k, w, a: -sign * k * k, 1, 1),
            ("concentration", "concentration"): bent(lambda k, w, a: sign * w * w),
            ("concentration", "scale"): straight(lambda k, w, a: -turn(a), 0, 1),
            ("scale", "scale"): straight(lambda k, w, a: k * (1 + k * rise(a)), 0, 2),
        }
        return Differentiable(*_bound(fn, partials, seconds), seconds)

    def density(self, curve: Curve, fall, bend):
        """The density k / x times a curve, of which `fall` and `bend` times it are the slopes."""

        def prob(x, concentration, scale):
            """The density; its unit is one over that of x."""
            return self.times(curve, lambda k, w, a: k, 1)(x, concentration, scale)

        def twist(a):
            return 2 * fall(a) + a * bend(a)

        def of(factor, over_x, over_s=0):
            return self.times(curve, factor, over_x, over_s)

        partials = dict(
            x=of(lambda k, w, a: k * (k * fall(a) - 1), 2),
            concentration=of(lambda k, w, a: 1 + a * fall(a), 1),
            scale=of(lambda k, w, a: -k * k * fall(a), 1, 1),
        )
        seconds = {
            ("x", "x"): of(lambda k, w, a: k * (k * (k * bend(a) - 3 * fall(a)) + 2), 3),
            ("x", "concentration"): of(lambda k, w, a: k * twist(a) - (1 + a * fall(a)), 2),
            ("x", "scale"): of(lambda k, w, a: -k * k * (k * bend(a) - fall(a)), 2, 1),
            ("concentration", "concentration"): of(lambda k, w, a: w * twist(a), 1),
            ("concentration", "scale"): of(lambda k, w, a: -k * twist(a), 1, 1),
            ("scale", "scale"): of(lambda k, w, a: k * k * (fall(a) + k * bend(a)), 1, 2),
        }
        return Differentiable(*_bound(prob, partials, seconds), seconds)


def _bound(fn, partials, seconds):
    bound, partials = with_partials(fn, partials, seconds)
    return bound, fn, partials


def raised(log_t, concentration, scale):
    """The x at which a is this."""
    root = jnp.exp(log_t * (0.5 / positive(concentration)))
    return (positive(scale) * root) * root


def inverse(fn, log_t, slope, bend):
    """A quantile bound to its partials, from a as a function of p.

    `slope` is its slope, and `bend` that of the slope over the square of the slope.
    """

    def times(factor, order=0, with_scale=True):
        def product(p, concentration, scale):
            u, p, s = 1 / positive(concentration), chance(p), positive(scale)
            rise = slope(p) if order else jnp.ones_like(p)
            root = jnp.exp(u * log_t(p) / 4)
            one, two = (root * rise) * root, (root * rise if order == 2 else root) * root
            return balanced_product(one, two, factor(s if with_scale else 1.0 + 0.0 * s, u, p))

        return product

    # The scale and u stand first: they may lift what is no normal number without them.
    partials = dict(
        p=times(lambda s, u, p: s * u, 1),
        concentration=times(lambda s, u, p: -(s * u * u) * log_t(p)),
        scale=times(lambda s, u, p: s, 0, False),
    )
    seconds = {
        ("p", "p"): times(lambda s, u, p: s * u * (u + bend(p)), 2),
        ("p", "concentration"): times(lambda s, u, p: -s * u * u * (1 + u * log_t(p)), 1),
        ("p", "scale"): times(lambda s, u, p: s * u, 1, False),
        ("concentration", "concentration"): times(
            lambda s, u, p: (s * u * u * u) * log_t(p) * (2 + u * log_t(p))
        ),
        ("concentration", "scale"): times(lambda s, u, p: -(s * u * u) * log_t(p), 0, False),
        ("scale", "scale"): times(lambda s, u, p: 0.0 * s, 0, False),
    }
    return Differentiable(*_bound(fn, partials, seconds), seconds)
