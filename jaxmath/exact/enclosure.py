"""Results: numbers with a proof, or with the number of digits that stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmath.exact.ball import arb
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.work import Proof, Work, working


@dataclass(frozen=True, slots=True)
class Number:
    """A real number, NaN or an infinity, and how sure it is.

    Attributes:
        value: a ball that contains it, or a `Special`.
        proof: proven; estimated (from differences at high precision, `digits` of them agree);
            assumed (a tie that no precision can prove was taken for one); undecided (the ball says
            all that is known).
        digits: how many decimal digits stand; infinite for exact values.
    """

    value: Any
    proof: Proof
    digits: float

    def nearest(self, dtype: Any = np.float64):
        """The nearest float of a dtype; below its normal range zero or a subnormal."""
        return nearest(self.value, dtype)

    def decimal(self, digits: int = 20) -> str:
        """The number to so many digits, with its radius where that shows."""
        if isinstance(self.value, Special):
            return str(self.value.value)
        return self.value.str(digits)

    def ulps(self, computed, dtype: Any = None) -> float:
        """How far a computed float is from the number, in units in the last place of the number."""
        return ulps(self.value, computed, dtype or np.asarray(computed).dtype)

    def overlaps(self, other: Any) -> bool:
        """Whether it may be the same as another `Number`, ball or float; NaN equals NaN here."""
        return overlap(self.value, other.value if isinstance(other, Number) else other)

    @property
    def radius(self) -> float:
        """An upper bound of the distance to the midpoint."""
        return 0.0 if isinstance(self.value, Special) else float(self.value.rad())

    def __float__(self) -> float:
        return float(self.nearest())


def overlap(a, b) -> bool:
    """Whether two enclosures may hold the same number."""
    a, b = (
        arb(float(x)) if isinstance(x, float | np.floating) and math.isfinite(x) else x
        for x in (a, b)
    )
    if isinstance(a, arb) and isinstance(b, arb):
        return bool(a.overlaps(b))
    values = [x.value if isinstance(x, Special) else x for x in (a, b)]
    if any(isinstance(v, arb) for v in values):
        return False
    return values[0] == values[1] or all(v != v for v in values)


def nearest(value, dtype):
    """The nearest float of a dtype to the middle of a ball; overflow is infinite."""
    kind = np.dtype(dtype).type
    if isinstance(value, Special) or not value.is_finite():
        return kind(value.value if isinstance(value, Special) else math.nan)
    info = jnp.finfo(dtype)
    middle = value.mid()
    if middle.is_zero():
        return kind(0)
    mantissa, exponent = (int(n) for n in middle.man_exp())
    top = exponent + mantissa.bit_length()  # |middle| < 2^top
    if top > info.maxexp + 1:
        return kind(math.inf if mantissa > 0 else -math.inf)
    lowest = int(info.minexp) - int(info.nmant)
    unit = max(top - int(info.nmant) - 1, lowest)
    if unit - top > 2:
        return kind(0)
    shift = exponent - unit
    rounded = _shifted(mantissa, shift)
    if abs(rounded).bit_length() + unit > info.maxexp:
        return kind(math.inf if mantissa > 0 else -math.inf)
    return kind(math.ldexp(rounded, unit))


def _shifted(mantissa: int, shift: int) -> int:
    """Mantissa * 2^shift, rounded to even."""
    return mantissa << shift if shift >= 0 else round(Fraction(mantissa, 1 << -shift))


def ulps(value, computed, dtype) -> float:
    """The distance of a computed float from a ball, in units in the last place of the ball."""
    computed = float(computed)
    if isinstance(value, Special):
        same = computed == value.value or (value is NAN and computed != computed)
        return 0.0 if same else math.inf
    if not value.is_finite():
        return math.nan
    if not math.isfinite(computed):
        return 0.0 if computed == float(nearest(value, dtype)) else math.inf
    with working(Work(256)):
        return float((abs(arb(computed) - value) / unit(value, dtype)).mid())


def unit(value, dtype):
    """The unit in the last place of a dtype at a ball, at least that of the smallest normal."""
    info = jnp.finfo(dtype)
    middle = abs(value).mid()
    lowest = arb(2) ** (int(info.minexp) - int(info.nmant))
    if middle.is_zero():
        return lowest
    mantissa, exponent = (int(n) for n in middle.man_exp())
    return (arb(2) ** (exponent + mantissa.bit_length() - 1 - int(info.nmant))).max(lowest)


def narrow(value, bits: int, smallest) -> bool:
    """Whether a ball is known to so many bits, or is smaller than counts."""
    if isinstance(value, Special) or value.rel_accuracy_bits() >= bits:
        return True
    return value.is_finite() and abs(value).upper() <= smallest


def digits(value) -> float:
    """How many decimal digits of a ball stand."""
    if isinstance(value, Special) or value.is_exact():
        return math.inf
    return max(value.rel_accuracy_bits(), 0) * math.log10(2)
