r"""Power series of analytic functions of several arguments, from values on a small circle.

With $g(t) = f(a(t), x(t), \dots)$ bounded by $M$ on $|t| \le R$, the N-point rule on $|t| = r$

$$\frac{1}{N r^n} \sum_k g(r\omega^k)\,\omega^{-nk} = c_n + \sum_{j \ge 1} c_{n+jN}\, r^{jN},
\qquad |c_m| \le M R^{-m},$$

gives every coefficient with a proven radius, also in parameters for which Arb has no series.
Source: Trefethen and Weideman, The exponentially convergent trapezoidal rule, section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxmath.exact.ball import UNKNOWN, acb, arb, arb_series
from jaxmath.exact.functions import unknown
from jaxmath.exact.jet import Jet, coefficients
from jaxmath.exact.work import finer, now

ROOM = 20
"""The circle of radius R moves each argument by at most 2^-20 of its distance to a singularity."""
RATIO = 50
"""The points lie on a circle 2^-50 times smaller: each further one gains so many bits."""


def analytic(ball: Callable, complex_: Callable, room: Callable) -> Callable[..., Any]:
    """Lift a function to balls and jets.

    `ball` is its value on balls, `complex_` on complex boxes; `room(*centres)` says how far each
    argument is from where the function is not analytic in it.
    """

    def function(*xs):
        if all(type(x) is arb for x in xs):
            return ball(*xs)
        series: list[Any] = [x.regular() if type(x) is Jet else arb_series([x]) for x in xs]
        if any(s is None for s in series):
            return unknown()
        length = min(s.prec for s, x in zip(series, xs, strict=True) if type(x) is Jet)
        rows = [coefficients(s)[: max(length, 1)] for s in series]
        found = derived(complex_, rows, length, room(*(row[0] for row in rows)))
        return unknown() if found is None else Jet(arb_series(found, length))

    return function


def derived(complex_, rows, length: int, rooms) -> list[Any] | None:
    """The first `length` coefficients of a function of these power series; None without room."""
    if not all(room > 0 for room in rooms):
        return None
    radius = _radius(rows, rooms)
    points = length + now().bits // RATIO + 2
    lost = max(-_binary_order(radius), 0) + RATIO
    with finer(now().bits + length * lost + 64):
        return _by_rule(complex_, rows, length, radius, points)


def _radius(rows, rooms):
    """The largest power of two on which no argument moves too far."""
    order = 0
    for row, room in zip(rows, rooms, strict=True):
        near = _binary_order(room) - ROOM - 1
        for k, c in enumerate(row[1:], 1):
            if not c.is_zero():
                size = _binary_order(abs(c).upper()) + 2 + len(row).bit_length()
                order = min(order, (near - size) // k)
    return arb(2) ** order


def _binary_order(ball) -> int:
    mantissa, exponent = ball.mid().man_exp()
    return int(exponent) + int(mantissa).bit_length() - 1


def _by_rule(complex_, rows, length, radius, points):
    whole = acb(arb(0, radius), arb(0, radius))
    bound = abs(complex_(*(_polynomial(row, whole) for row in rows))).upper()
    if not bound.is_finite():
        return None
    r = radius * arb(2) ** (-RATIO)
    unit = [(acb(2 * k) / points).exp_pi_i() for k in range(points)]
    values: list[Any] = [UNKNOWN] * points
    for k in range(points // 2 + 1):  # the others are conjugate
        values[k] = complex_(*(_polynomial(row, r * unit[k]) for row in rows))
        if k:
            values[points - k] = values[k].conjugate()
    found = []
    shrunk = arb(2) ** (-RATIO * points)
    for n in range(length):
        total = acb(0)
        for k, value in enumerate(values):
            total += value * unit[(-n * k) % points]
        alias = (bound / radius**n * shrunk / (1 - shrunk)).upper()
        found.append((total / points).real / r**n + arb(0, alias))
    return found


def _polynomial(row, t):
    total = acb(row[-1])
    for c in reversed(row[:-1]):
        total = total * t + c
    return total


def slope(complex_, room):
    """The derivative in the first argument of a complex function, itself on complex boxes."""

    def derivative(a, *rest):
        radius = arb(2) ** (_binary_order(room(*(z.real for z in (a, *rest)))[0]) - ROOM)
        whole = acb(a.real + arb(0, radius), a.imag + arb(0, radius))
        bound = abs(complex_(whole, *rest)).upper()
        r = radius * arb(2) ** (-RATIO)
        points = now().bits // RATIO + 4
        with finer(now().bits + 2 * (RATIO + max(-_binary_order(radius), 0)) + 64):
            total = acb(0)
            for k in range(points):
                unit = (acb(2 * k) / points).exp_pi_i()
                total += complex_(a + r * unit, *rest) / unit
            shrunk = arb(2) ** (-RATIO * points)
            alias = (bound / radius * shrunk / (1 - shrunk)).upper()
            return total / points / r + acb(arb(0, alias), arb(0, alias))

    return derivative
