"""NaN and the infinities beside the balls, with the rules of IEEE arithmetic.

A ball that is not finite is one of which nothing is known. A proven NaN or infinity is a `Special`.
It meets balls, series and Python numbers through the usual operators.
"""

from __future__ import annotations

import math

from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.work import now


class Special:
    """One of NaN, +inf and -inf, proven."""

    __slots__ = ("value",)

    def __init__(self, value: float):
        self.value = value

    def sign(self):
        """The sign at infinity; None for NaN."""
        return None if self.value != self.value else (1 if self.value > 0 else -1)

    def __repr__(self):
        return f"Special({self.value})"

    def __neg__(self):
        return special(-self.value)

    def __pos__(self):
        return self

    def __abs__(self):
        return special(abs(self.value))

    def __add__(self, other):
        if type(other) is Special:
            return special(self.value + other.value)
        if type(other) is float and not math.isfinite(other):
            return special(self.value + other)
        return self

    __radd__ = __add__

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __mul__(self, other):
        sign = sign_of(other)
        return NAN if sign is None or sign == 0 else special(self.value * sign)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if type(other) is Special:
            return NAN
        # Infinity over zero has the sign of infinity: the sign of zero is not known here.
        return NAN if self.value != self.value else special(self.value * (sign_of(other) or 1))

    def __rtruediv__(self, other):
        return NAN if self.value != self.value else ZERO


NAN, INF, NEG_INF = (Special(v) for v in (math.nan, math.inf, -math.inf))


def special(value: float) -> Special:
    """The shared `Special` of a float that is not finite."""
    return NAN if value != value else (INF if value > 0 else NEG_INF)


def element(number):
    """A Python or NumPy number, exactly: a ball of radius zero, or a `Special`."""
    if hasattr(number, "item"):
        number = number.item()
    if type(number) is float and not math.isfinite(number):
        return special(number)
    return arb(int(number)) if type(number) is bool else arb(number)


def sign_of(x):
    """-1, 0 or 1; None for NaN; asks for more precision where the ball leaves it open."""
    if type(x) is arb:
        if x > 0:
            return 1
        if x < 0:
            return -1
        return 0 if x.is_zero() else now().undecided()
    if isinstance(x, int | float):
        return sign_of(element(x))
    return x.sign()
