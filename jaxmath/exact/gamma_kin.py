"""What the gamma functions of `special`, and the incomplete ones, mean on elements.

A difference that cancels in floats is left to the precision, which is raised until it stands.
"""

from __future__ import annotations

from jaxmath.exact import functions as fn
from jaxmath.exact.ball import arb
from jaxmath.exact.gamma import digamma, lgamma, polygamma

ONE, TWO = arb(1), arb(2)


def trigamma(x):
    """The slope of digamma."""
    return polygamma(ONE, x)


def trigamma_dx(x):
    """The slope of trigamma."""
    return polygamma(TWO, x)


def along_step(function):
    """What a function gains from x to x + step."""
    return lambda x, step: function(x + step) - function(x)


def twice(function):
    """How much more it gains from x + h to x + h + k than from x to x + k."""
    return lambda x, h, k: function(x + h + k) - function(x + h) - function(x + k) + function(x)


def stirling_error(x):
    """What Stirling's formula leaves of log-gamma."""
    return lgamma(x) - (x - ONE / 2) * fn.log(x) + x - fn.log(2 * arb.pi()) / 2


def stirling_error_dx(x):
    """Its slope."""
    return digamma(x) - fn.log(x) + ONE / (2 * x)


def stirling_error_gap(x, y):
    """By how much it lies above its tangent at x."""
    return stirling_error(y) - stirling_error(x) - (y - x) * stirling_error_dx(x)


def stirling_error_gap_dx(x, y):
    """Its slope in x."""
    return (x - y) * (trigamma(x) - ONE / x - ONE / (2 * x * x))


def stirling_error_gap_dy(x, y):
    """Its slope in y."""
    return stirling_error_dx(y) - stirling_error_dx(x)


def betaln(a, b):
    """The logarithm of the beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def betaln_da(a, b):
    """Its slope in a."""
    return digamma(a) - digamma(a + b)


def betaln_da_da(a, b):
    """Its curvature in a."""
    return trigamma(a) - trigamma(a + b)


def gammainc_dx(a, x):
    """The density of the gamma distribution."""
    return fn.exp((a - 1) * fn.log(x) - x - lgamma(a))


def gammainc_dx_da(a, x):
    """The density's slope in a."""
    return gammainc_dx(a, x) * (fn.log(x) - digamma(a))


def gammainc_dx_dx(a, x):
    """The density's slope in x."""
    return gammainc_dx(a, x) * ((a - 1) / x - 1)


def betainc_dx(a, b, x):
    """The density of the beta distribution."""
    return fn.exp((a - 1) * fn.log(x) + (b - 1) * fn.log1p(-x) - betaln(a, b))


def betainc_dx_da(a, b, x):
    """The density's slope in a."""
    return betainc_dx(a, b, x) * (fn.log(x) - betaln_da(a, b))


def betainc_dx_dx(a, b, x):
    """The density's slope in x."""
    return betainc_dx(a, b, x) * ((a - 1) / x - (b - 1) / (1 - x))
