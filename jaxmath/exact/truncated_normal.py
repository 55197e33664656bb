"""The truncated normal density on elements, by the textbook's formula.

A difference that cancels is left to the precision, which is raised until it stands.
"""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import arb
from jaxmath.exact.ieee import Special
from jaxmath.exact.normal import density, middle, ndtr


def _standard(loc, scale, low, high):
    return (low - loc) / scale, (high - loc) / scale


def _mass(a, b):
    """The probability between, in the tail where that is small itself."""
    if type(a) is not Special and middle(a) > 0:
        return ndtr(-a) - ndtr(-b)
    return ndtr(b) - ndtr(a)


def log_prob(x, loc, scale, low, high):
    """The logarithm of the density between the ends."""
    z = (x - loc) / scale
    mass = _mass(*_standard(loc, scale, low, high))
    return -z * z / 2 - fn.log(2 * arb.pi()) / 2 - fn.log(mass) - fn.log(scale)


def prob(x, loc, scale, low, high):
    """The density between the ends."""
    z = (x - loc) / scale
    return density(z) / _mass(*_standard(loc, scale, low, high)) / scale
