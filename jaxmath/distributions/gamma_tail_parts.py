r"""What the tails of the gamma distribution and of its inverse share, and their logarithms.

Both are incomplete gamma functions P(a, z) and Q(a, z) of the concentration and of $z = \beta x$
or $z = \beta / x$, which may leave both ends of the dtype where the tails do not. The logarithm of
the smaller tail has slopes that need no exponential: they are made of
$h = z\, \partial_z \log P$ below, of the hazard $-\partial_z \log Q$ above; those of the larger
tail are quotients.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.distributions.gamma_density import supported
from jaxmath.special.incomplete_gamma import (
    INCOMPLETE_GAMMA,
    RIGHT,
    gammainc,
    gammaincc,
    log_gammainc,
    log_gammaincc,
    log_growth,
    log_hazard,
)
from jaxmath.special.partials import along, with_partials

PLAIN = {formula.name: formula.plain for formula in INCOMPLETE_GAMMA}
_SPECIAL = {formula.name: formula.partials["a"] for formula in INCOMPLETE_GAMMA}


class Reach(NamedTuple):
    """How a family makes z of x and its other parameter b, and what of it outlives the dtype.

    Attributes:
        parts: z, x (one below the support), and both parameters, of x and both.
        share: of x, b and the least number, what z is of that where it is below it.
        log: the logarithm of z, of z, x and b.
    """

    parts: Callable[..., Any]
    share: Callable[..., Any]
    log: Callable[..., Any]


def _least(z):
    """The least number that z is taken for; below it P is proportional to the power z^a."""
    return 4 * jnp.finfo(z.dtype).tiny


def _most(a):
    """The number from which on the upper tail is that of an exponential variable, to all digits."""
    return 8 / jnp.finfo(a.dtype).eps * jnp.maximum(a, 1.0)


def _named(reach: Reach, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the names that the family's arguments have."""
    signature = inspect.signature(reach.parts)

    def named(*args, **kwargs):
        return function(*signature.bind(*args, **kwargs).args)

    result: Any = named
    result.__signature__ = signature
    return result


def tail(reach: Reach, fn, none):
    """A function of concentration, z, its share of the least number where it is below, and log z.

    `none` is the value below the support.
    """

    def function(x, concentration, other):
        z, inner, a, b = reach.parts(x, concentration, other)
        least = _least(z)
        rest = jnp.where(z < least, reach.share(inner, b, least), 1.0)
        value = fn(a, jnp.maximum(z, least), rest, reach.log(z, inner, b))
        return supported(x, value, none + 0.0 * (a + b))

    return _named(reach, function)


def unclipped(reach: Reach, fn, none):
    """The same of z as it is, whose slopes in it are meant everywhere."""

    def function(x, concentration, other):
        z, _, a, b = reach.parts(x, concentration, other)
        return supported(x, fn(a, z), none + 0.0 * (a + b))

    return _named(reach, function)


def lower_tail(a, z, rest, log_z):
    """P, of what `tail` gives."""
    return gammainc(a, z) * rest**a


def upper_tail(a, z, rest, log_z):
    """Q, accurate where it is tiny."""
    return gammaincc(a, z) - gammainc(a, z) * jnp.expm1(a * jnp.log(rest))


def log_lower_tail(a, z, rest, log_z):
    """The logarithm of P, accurate in both tails."""
    # The last term is nothing but for second derivatives.
    return log_gammainc(a, z) + a * jnp.log(rest) - a / (a + 1) * jnp.minimum(z, 1.0) * (rest - 1)


def log_upper_tail(a, z, rest, log_z):
    """The logarithm of Q, accurate in both tails."""
    below, near = rest < 1, jnp.minimum(z, _most(a))
    log_share = jnp.where(z > near, log_z - jnp.log(near), 0.0)
    less, more = (part(a, z, rest, log_z) for part in (lower_tail, upper_tail))
    little = below & (less < 0.5)
    log_more = jnp.log(jnp.where(below & ~little, more, 1.0))
    log_more = jnp.where(little, jnp.log1p(-jnp.where(little, less, 0.0)), log_more)
    log = log_gammaincc(a, near) - (z - near) + (a - 1) * log_share
    return jnp.where(below, log_more, log)


lower_tail_da = along(lower_tail, 0)
lower_tail_da_da = along(lower_tail_da, 0)


def _relative(fn):
    """How fast a function of shape and z moves with the logarithm of z."""

    def slope(a, z):
        one = jnp.ones_like(z)
        return jax.jvp(lambda share: fn(a, z * share), (one,), (one,))[1]

    return slope


growth, hazard = _relative(log_growth), _relative(log_hazard)
growth_dz, growth_da, hazard_da = along(log_growth, 1), along(log_growth, 0), along(log_hazard, 0)


def bend(a, z):
    """The number z times how fast the hazard moves with log z, and what that is far out."""
    return jnp.where(z < _most(a), z * hazard(a, z), a - 1)


def bend_da(a, z):
    """The number z times the slope of the hazard in the shape."""
    return jnp.where(z < _most(a), z * hazard_da(a, z), -1.0)


log_lower_da, log_upper_da = _SPECIAL["log_gammainc"], _SPECIAL["log_gammaincc"]
log_lower_da_da, log_upper_da_da = along(log_lower_da, 0), along(log_upper_da, 0)


def over(part, x):
    """The quotient, which is not merged with those inside `part`, whose product may underflow."""
    share = jnp.where(x > 1, 0.25, 1.0)  # one over the largest number is below the least
    return part * (1 / (x * share)) * share


def logarithm(reach: Reach, fn, probability, slopes, bends, outer, *, lower: bool):
    """The logarithm of a tail and its slopes: quotients where it is large, else the `outer` ones.

    The upper tail counts as large up to the mean, where the lower one is computed. The `outer` ones
    are of z well inside the dtype, x, both parameters, and the logarithm of what the true z is of
    that.
    """

    def slope(*names):
        def partial(x, concentration, other):
            args = x, concentration, other
            z, inner, a, b = jnp.broadcast_arrays(*reach.parts(*args))
            value = probability(*args)
            both = (a < 1) & (z < RIGHT)  # there both tails have all digits
            large = (value > 0.5) & ~both if lower else (z < a) | both
            value = jnp.where(large, value, 1.0)
            first = [slopes[name](*args) / value for name in names]
            quotient = first[0]
            if len(names) == 2:
                quotient = bends[names](*args) / value - first[0] * first[1]
            near = jnp.clip(z, _least(z), _most(a))
            rest = jnp.where(z == near, 0.0, reach.log(z, inner, b) - jnp.log(near))
            own = outer[names](near, inner, a, b, rest)
            return supported(x, jnp.where(large, quotient, own), 0.0 * (a + b))

        return _named(reach, partial)

    seconds = {pair: slope(*pair) for pair in bends}
    return *with_partials(fn, {name: slope(name) for name in slopes}, seconds), seconds
