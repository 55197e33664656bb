"""What primitives mean on a box, and which of their meanings hold for balls of any width."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxmath.exact.arrays import elementwise, missing
from jaxmath.exact.ball import ONE, arb, arb_series
from jaxmath.exact.compare import maximum, minimum
from jaxmath.exact.functions import taylor
from jaxmath.exact.ieee import INF, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.meanings import Twin
from jaxmath.exact.powers import rsqrt, sqrt
from jaxmath.exact.rules import RULES
from jaxmath.exact.rules_elementwise import CONDITIONS, REAL, divide
from jaxmath.exact.rules_reduce import reduction
from jaxmath.exact.work import Undecided, Work, now

BITS = 128


class Branch(Exception):  # noqa: N818  (a question, not a mistake)
    """A maximum on the box is open, and nothing was said of the branch to take."""

    def __init__(self, number: int):
        super().__init__(f"maximum number {number} is open on the box")
        self.number = number


class OnBox(Work):
    """An evaluation over a box.

    Maxima, minima and absolute values are numbered as they are executed. `choices` says which
    operand is taken, 1 the first and -1 the second; with `probe` not None both are kept, and the
    result of that number moves by t. `opened` collects the open ones: 1 a maximum, -1 a minimum.
    """

    __slots__ = ("choices", "count", "opened", "probe")

    def __init__(self, terms: int, choices: Mapping[int, int], probe: int | None = None):
        super().__init__(BITS, terms)
        self.choices, self.probe = choices, probe
        self.count = 0
        self.opened: dict[int, int] = {}


def _picked(kind: int) -> Callable[[Any, Any], Any]:
    """The larger (1) or smaller (-1) of two elements, over a box."""
    plain: Callable[[Any, Any], Any] = maximum if kind > 0 else minimum

    def pick(a, b):
        work = now()
        if not isinstance(work, OnBox) or type(a) is Special or type(b) is Special:
            return plain(a, b)
        number, work.count = work.count, work.count + 1
        if number in work.choices:
            return a if work.choices[number] > 0 else b
        start, other = _start(a), _start(b)
        gap = (start - other) * kind
        if a is b or gap > 0 or gap < 0:
            return b if gap < 0 else a
        if work.probe is None:
            raise Branch(number)
        work.opened[number] = kind
        either = start.max(other) if kind > 0 else start.min(other)
        if number == work.probe:
            return Jet(arb_series([either, ONE], work.terms))
        if type(a) is not Jet and type(b) is not Jet:
            return either
        slopes = [series_of(x)[1] for x in (a, b)]
        return Jet(arb_series([either, slopes[0].union(slopes[1])], work.terms))

    return pick


def series_of(x):
    """The power series of an element; `Undecided` if it has none."""
    found = x.regular() if type(x) is Jet else arb_series([x], now().terms)
    if found is None:
        raise Undecided
    return found


def _start(x):
    return x if type(x) is arb else series_of(x)[0]


larger, smaller = _picked(1), _picked(-1)


def _size(x):
    return abs(x) if type(x) is Special else larger(x, -x)


def _clamped(low, x, high):
    return smaller(larger(x, low), high)


def _by_taylor(plain: Callable[[Any], Any], exponent: int, half: bool):
    """A power of elements, on series with a positive beginning by its Taylor polynomial.

    Arb divides and takes roots of series by Newton's method, whose balls grow on wide ones.
    """

    def power(x):
        if type(x) is not Jet or x.shift or not x.series[0] > 0:
            return plain(x)
        c = x.series[0]
        value, terms, p = (c.rsqrt() if half else ONE) * c**exponent, [], arb(exponent)
        p -= 0.5 if half else 0
        for k in range(x.series.prec):
            terms.append(value)
            value = value * (p - k) / (c * (k + 1))
        return Jet(taylor(terms, x.series))

    return power


_inverse = _by_taylor(lambda x: divide(ONE, x), -1, False)


def _quotient(a, b):
    if type(b) is not Jet or b.shift or b.series[0].contains(0):
        return divide(a, b)
    return a * _inverse(b) if b.series[0] > 0 else -a * _inverse(-b)


_POINTS_ONLY = {
    *("bessel_i0e", "bessel_i1e", "igamma", "igamma_grad_a", "igammac", "random_gamma_grad"),
    *("regularized_incomplete_beta", "zeta"),
}
SOUND = (set(REAL) | set(CONDITIONS)) - _POINTS_ONLY | {
    *("and", "broadcast_in_dim", "concatenate", "convert_element_type", "copy", "cumsum"),
    *("custom_jvp_call", "custom_vjp_call", "dot_general", "dynamic_slice", "expand_dims"),
    *("gather", "integer_pow", "iota", "jit", "not", "or", "pad", "reduce_and", "reduce_max"),
    *("reduce_min", "reduce_or", "reduce_prod", "reduce_sum", "reshape", "rev", "scan"),
    *("select_n", "slice", "split", "squeeze", "stop_gradient", "transpose", "xor"),
}
"""Primitives whose rules hold for balls of any width: none takes a midpoint for the number."""

SOUND_NOTES = {
    "stop_gradient",
    *(f"twin {name}" for name in ("density", "erfcx", "first_moment", "gelu", "gelu_dx")),
    *(f"twin {name}" for name in ("inverse_mills", "inverse_mills_dz", "log1p", "log1p_gap")),
    *(f"twin {name}" for name in ("log_ndtr", "mills_ratio", "ndtr", "ndtri", "ndtri_dp")),
    *("twin second_moment", "twin standardize"),
}
"""What an evaluation may have noticed and still be a proof for a whole box."""

STANDARDIZED = Twin(
    "standardize",
    lambda x, loc, scale: (x - loc) / scale,
    3,
    "jaxmath/distributions/location_scale.py",
)
"""Without its powers of two, which cancel, but jump from one point to the next."""

ON_BOXES = {
    **{name: lambda eqn, build: missing(eqn) for name in RULES if name not in SOUND},
    "abs": elementwise(_size),
    "div": elementwise(_quotient),
    "rsqrt": elementwise(_by_taylor(rsqrt, 0, True)),
    "sqrt": elementwise(_by_taylor(sqrt, 1, True)),
    "clamp": elementwise(_clamped),
    "max": elementwise(larger),
    "min": elementwise(smaller),
    "reduce_max": reduction(larger, NEG_INF),
    "reduce_min": reduction(smaller, INF),
}
"""What primitives mean on a box, where that is not what they mean at a point."""
