"""Comparisons with three outcomes, and what rests on them: max, sign, rounding to integers.

An outcome is decided, or a proven tie, or (once the precision is spent) an assumed tie, recorded.
"""

from __future__ import annotations

from typing import Any

from jaxmath.exact.ball import ONE, ZERO, arb
from jaxmath.exact.ieee import NAN, Special, element, sign_of
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import now


def compare(a, b):
    """-1, 0 or 1 as a is less than, equal to or greater than b; None if one of them is NaN."""
    if type(a) is arb and type(b) is arb:
        if a < b:
            return -1
        if a > b:
            return 1
        return 0 if a is b or a == b else now().undecided()
    if type(a) is Special or type(b) is Special:
        first = a.value if type(a) is Special else 0.0
        second = b.value if type(b) is Special else 0.0
        if first != first or second != second:
            return None
        return (first > second) - (first < second)
    if a is b:
        return 0
    return sign_of(a - b)


def total_order(a, b):
    """The order of sorting, -1, 0 or 1: as `compare`, with NaN after everything."""
    if a is NAN or b is NAN:
        return (a is NAN) - (b is NAN)
    if isinstance(a, int | float):
        return (a > b) - (a < b)
    order: Any = compare(a, b)
    return order


def less(a, b):
    """A < b."""
    return compare(a, b) == -1


def less_equal(a, b):
    """A <= b."""
    return compare(a, b) in (-1, 0)


def greater(a, b):
    """A > b."""
    return compare(a, b) == 1


def greater_equal(a, b):
    """A >= b."""
    return compare(a, b) in (0, 1)


def equal(a, b):
    """A == b."""
    return compare(a, b) == 0


def different(a, b):
    """A != b, which NaN is to everything."""
    return compare(a, b) != 0


def is_finite(x):
    """Whether x is neither infinite nor NaN; a ball stands for a real number and always is."""
    return type(x) is not Special


def maximum(a, b):
    """The larger one; NaN if one is NaN."""
    if type(a) is arb and type(b) is arb:
        return a if a > b else (b if b > a else a.max(b))
    order = compare(a, b)
    return NAN if order is None else (b if order < 0 else a)


def minimum(a, b):
    """The smaller one; NaN if one is NaN."""
    if type(a) is arb and type(b) is arb:
        return a if a < b else (b if b < a else a.min(b))
    order = compare(a, b)
    return NAN if order is None else (b if order > 0 else a)


def clamp(low, x, high):
    """x, or the end of [low, high] beyond which it lies."""
    return minimum(maximum(x, low), high)


def sign(x):
    """-1, 0, 1, or NaN of NaN."""
    found = sign_of(x)
    return NAN if found is None else arb(found)


def floor_integer(x) -> int:
    """The largest integer that is not above the finite x."""
    if type(x) is Jet:
        series = x.regular()
        if series is None:
            now().singular = True
            return now().undecided()
        middle = series[0]
    else:
        middle = x
    if not middle.is_finite():
        return now().undecided()
    below = middle.floor().unique_fmpz()
    if below is not None and (type(x) is arb or middle != below):
        return int(below)
    nearest = (middle.mid() + 0.5).floor().unique_fmpz()
    if nearest is None:
        return now().undecided()
    order = compare(x, arb(nearest))
    return int(nearest) - 1 if order == -1 else int(nearest)


def floor(x):
    """The largest integer that is not above x."""
    return x if type(x) is Special else arb(floor_integer(x))


def ceil(x):
    """The smallest integer that is not below x."""
    return x if type(x) is Special else arb(-floor_integer(-x))


def truncated(x) -> int:
    """The finite x without its fraction."""
    return -floor_integer(-x) if less(x, ZERO) else floor_integer(x)


def round_even(x):
    """The nearest integer, of two the even one."""
    if type(x) is Special:
        return x
    below = floor_integer(x)
    order: Any = compare(x, arb(below) + arb(0.5))
    return arb(below + 1 if order > 0 or (order == 0 and below % 2) else below)


def round_away(x):
    """The nearest integer, of two the one farther from zero."""
    if type(x) is Special:
        return x
    half = element(0.5)
    return -floor(-x + half) if less(x, ZERO) else floor(x + half)


def remainder(x, y):
    """What is left of x when y fits into it as often as it does, with the sign of x."""
    if type(x) is Special or (type(y) is Special and y is NAN) or compare(y, ZERO) == 0:
        return NAN
    if type(y) is Special:
        return x
    return x - y * truncated(x / y)


def choose(which, *cases):
    """The case with this number; False and True are 0 and 1."""
    return cases[int(which)]


def indicator(condition):
    """One where the condition holds, else zero."""
    return ONE if condition else ZERO
