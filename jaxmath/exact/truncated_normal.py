"""The truncated normal distribution on elements, by the textbook's formulas.

Of which up to all digits cancel: the precision is raised until they stand.
"""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.ieee import Special
from jaxmath.exact.normal import density, middle, ndtr


def _standard(loc, scale, low, high):
    return (low - loc) / scale, (high - loc) / scale


def _mass(a, b):
    """The probability between, in the tail where that is small itself."""
    if type(a) is not Special and middle(a) > 0:
        return ndtr(-a) - ndtr(-b)
    return ndtr(b) - ndtr(a)


def _times_density(z):
    return ZERO if type(z) is Special else z * density(z)


def _hazards(loc, scale, low, high):
    """The standardised mean, and what the ends add to the variance."""
    a, b = _standard(loc, scale, low, high)
    whole = _mass(a, b)
    mean = (density(a) - density(b)) / whole
    return whole, mean, (_times_density(a) - _times_density(b)) / whole


def log_prob(x, loc, scale, low, high):
    """The logarithm of the density between the ends."""
    z = (x - loc) / scale
    mass = _mass(*_standard(loc, scale, low, high))
    return -z * z / 2 - fn.log(2 * arb.pi()) / 2 - fn.log(mass) - fn.log(scale)


def prob(x, loc, scale, low, high):
    """The density between the ends."""
    z = (x - loc) / scale
    return density(z) / _mass(*_standard(loc, scale, low, high)) / scale


def mean(loc, scale, low, high):
    """The expected value."""
    return loc + scale * _hazards(loc, scale, low, high)[1]


def variance(loc, scale, low, high):
    """The expected squared distance from the mean."""
    _, mean, ends = _hazards(loc, scale, low, high)
    return scale * scale * (1 + ends - mean * mean)


def entropy(loc, scale, low, high):
    """The expected value of minus the logarithm of the density."""
    whole, _, ends = _hazards(loc, scale, low, high)
    return fn.log(whole) + fn.log(scale) + (fn.log(2 * arb.pi()) + 1 + ends) / 2
