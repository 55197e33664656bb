"""Twins written with mpmath: values at the working precision, whose radius is an estimate."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from jaxmath.exact.ball import UNKNOWN, arb
from jaxmath.exact.functions import unknown
from jaxmath.exact.ieee import NAN, Special, special
from jaxmath.exact.jet import Jet
from jaxmath.exact.meanings import Twin
from jaxmath.exact.work import ESTIMATED_INSIDE, note, now

GUARD_BITS = 32


def from_mpmath(name: str, function: Callable[..., Any], arity: int | None = None) -> Twin:
    """A twin for calls of `name`: a function of mpmath numbers that works at any precision.

    What rests on it is estimated, not proven; derivatives come from differences.
    """

    def meaning(*xs):
        note(ESTIMATED_INSIDE, name)
        if any(type(x) is Special for x in xs):
            return NAN if any(x is NAN for x in xs) else unknown()
        if any(type(x) is Jet for x in xs):
            return unknown()
        return _value(function, xs)

    return Twin(name, meaning, arity)


def _value(function, xs):
    mpmath = importlib.import_module("mpmath")
    bits = now().bits + GUARD_BITS
    longest = max((int(x.mid().man_exp()[0]).bit_length() for x in xs if x.is_finite()), default=0)
    with mpmath.workprec(max(bits, longest)):
        middles = [_number(mpmath, x) for x in xs]
        found = function(*middles)
        slack = sum(  # how far the radii of the arguments carry
            (abs(_ball(function(*middles[:k], m + r, *middles[k + 1 :])) - _ball(found)).upper())
            for k, (m, x) in enumerate(zip(middles, xs, strict=True))
            if (r := _number(mpmath, x.rad()))
        )
    value: Any = _ball(found)
    if type(value) is Special or not value.is_finite():
        return value
    return (
        value + arb(0, abs(value).upper() * arb(2) ** (GUARD_BITS // 2 - bits)) + arb(0, slack * 2)
    )


def _number(mpmath, x):
    mantissa, exponent = x.mid().man_exp()
    return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))


def _ball(x):
    if not hasattr(x, "_mpf_"):
        return UNKNOWN if hasattr(x, "_mpc_") else arb(x)
    sign, mantissa, exponent, _ = x._mpf_
    if not mantissa:
        return arb(0) if not exponent else special(float(x))
    return arb(int(mantissa) * (-1 if sign else 1)) * arb(2) ** int(exponent)
