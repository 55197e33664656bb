r"""Power series in one small parameter t > 0: derivatives of any order from one side.

A jet is $t^s (c_0 + c_1 t + \dots) + O(t^{s+n})$ with balls as coefficients; the shift s is zero
but at poles. A derivative from the other side is that of the function along the opposite direction.
Whatever depends on t > 0 and not on the constant term alone says so (`now().sided`): where nothing
does, the function is analytic round the point, and one jet holds the value and both sides.
"""

from __future__ import annotations

from jaxmath.exact.ball import UNKNOWN, arb, arb_series
from jaxmath.exact.ieee import NAN, Special, element
from jaxmath.exact.work import MOST_TERMS, MoreTerms, note, now


class Jet:
    """A real number that depends on t: `series` times t to the power `shift`."""

    __slots__ = ("series", "shift")

    def __init__(self, series, shift=0):
        self.series = series
        self.shift = shift

    def __repr__(self):
        return f"Jet({self.series}, shift={self.shift})"

    def __neg__(self):
        return Jet(-self.series, self.shift)

    def __pos__(self):
        return self

    def __abs__(self):
        sign = self.sign()
        return NAN if sign is None else (-self if sign < 0 else self)

    def __add__(self, other):
        if type(other) is arb:
            if not other.is_finite():  # nothing is known of it, its derivatives included
                return UNKNOWN
            if self.shift:
                return self + constant(other)
            return Jet(self.series + arb_series([other]))
        if type(other) is Jet:
            if self.shift == other.shift:
                return Jet(self.series + other.series, self.shift)
            shift = min(self.shift, other.shift)
            return Jet(self.at(shift) + other.at(shift), shift)
        if type(other) is Special:
            return other
        return self + element(other)

    __radd__ = __add__

    def __sub__(self, other):
        if self is other:
            return arb(0)
        if type(other) is Jet and self.shift == other.shift:
            return Jet(self.series - other.series, self.shift)
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __mul__(self, other):
        if type(other) is Jet:
            return Jet(self.series * other.series, self.shift + other.shift)
        if type(other) is arb:
            if other.is_zero():
                return other
            if not other.is_finite():
                return UNKNOWN
            return Jet(self.series * arb_series([other]), self.shift)
        if type(other) is Special:
            return other * self
        return self * element(other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if type(other) is Jet:
            return self * other.inverse()
        if type(other) is arb:
            sign = sign_or_zero(other)
            if sign == 0:
                return NAN if (mine := self.sign()) in (None, 0) else infinity(mine)
            return Jet(self.series / other, self.shift) if other.is_finite() else UNKNOWN
        if type(other) is Special:
            return other.__rtruediv__(self)
        return self / element(other)

    def __rtruediv__(self, other):
        if type(other) is arb and other.is_zero():
            return other
        return self.inverse() * other

    def at(self, shift):
        """The series of this jet over t to a power that is at most its own shift."""
        return lowered(self.series, self.shift - shift)

    def inverse(self):
        """One over this jet; at a zero of order k a pole of order k."""
        series, shift = self.series, self.shift
        if series[0].contains(0):  # the constant term may be zero
            order = self.order()
            if order is None or not series[order].is_finite():
                return UNKNOWN
            if order:
                now().sided = True
                series, shift = raised(series, order), shift + order
        return Jet(1 / series, -shift)

    def order(self):
        """How many coefficients are exactly zero; None if all that are known are.

        The next one has a sign, or the precision does not suffice and is asked for.
        """
        series = self.series
        for k in range(series.prec):
            c = series[k]
            if c > 0 or c < 0:
                return k
            if not c.is_finite():
                return 0
            if not c.is_zero() and now().undecided():
                return k
        if now().terms < MOST_TERMS:
            raise MoreTerms
        note("equal to all terms looked at")
        return None

    def sign(self):
        """The sign for small t > 0."""
        c = self.series[0]
        if c > 0:
            return 1
        if c < 0:
            return -1
        work = now()
        work.sided = True
        if not c.is_finite():
            return work.undecided()
        series = self.series
        for k in range(series.prec):
            c = series[k]
            if c > 0:
                return 1
            if c < 0:
                return -1
            if not c.is_zero() and (assumed := work.undecided()):
                return assumed
        if work.terms < MOST_TERMS:
            raise MoreTerms
        note("equal to all terms looked at")
        return 0

    def regular(self):
        """The series of this jet without a shift; None at a pole.

        Leading zeros of a Laurent series are drawn out first: (t^2 + ...) / t is no pole.
        """
        if self.shift == 0:
            return self.series
        now().sided = True
        if self.shift > 0:
            return lowered(self.series, self.shift)
        series, k = self.series, -self.shift
        if series.prec <= k:
            if now().terms < MOST_TERMS:
                raise MoreTerms
            return None
        if all(series[j].is_zero() for j in range(k)):
            return raised(series, k)
        return None


def constant(ball):
    """A number that does not depend on t, as a jet."""
    return Jet(arb_series([ball]))


def lowered(series, k):
    """A series times t to the power k >= 0."""
    if k == 0:
        return series
    return arb_series([0] * k + coefficients(series), series.prec + k)


def raised(series, k):
    """A series over t to the power k, its first k coefficients being zero."""
    return arb_series(coefficients(series)[k:], series.prec - k)


def coefficients(series):
    """All known coefficients, trailing zeros included."""
    found = series.coeffs()
    return found + [arb(0)] * (series.prec - len(found))


def sign_or_zero(ball):
    """Zero for an exact zero, else 1: what a divisor has to be asked."""
    return 0 if ball.is_zero() else 1


def infinity(sign):
    """Plus or minus infinity."""
    return Special(float("inf") * sign)
