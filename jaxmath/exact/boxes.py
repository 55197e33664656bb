r"""Derivatives enclosed over whole boxes: every point of the box, in one evaluation.

The coordinates of a box are wide balls, and power series along directions enclose the derivatives
of a program at all points of the box together. Where a maximum, minimum or absolute value is open
on the box, the program is a continuous function glued of smooth branches, which are evaluated one
by one, each over the whole box. Almost everywhere its derivatives are those of a branch; what its
second derivative holds beside them, on the seam itself, is a positive multiple of the derivative
of the result by the maximum (`seams`): with a mollified maximum,
$D^2 \max(a, b) = \text{that of a branch} + \lambda\, (Da - Db)^2$ with $\lambda \ge 0$.

Any other comparison that is open leaves the box undecided. Source: Neumaier, Interval Methods for
Systems of Equations, chapters 1 and 2 (natural and mean value enclosures).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax

from jaxmath.exact.arrays import elementwise, missing
from jaxmath.exact.ball import ONE, UNKNOWN, arb, arb_series
from jaxmath.exact.compare import maximum, minimum
from jaxmath.exact.functions import taylor
from jaxmath.exact.ieee import INF, NEG_INF, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.meanings import Twin
from jaxmath.exact.own import TWINS
from jaxmath.exact.powers import rsqrt, sqrt
from jaxmath.exact.program import Program, flat_elements, replaced, trace
from jaxmath.exact.rules import RULES
from jaxmath.exact.rules_elementwise import CONDITIONS, REAL, divide
from jaxmath.exact.rules_reduce import reduction
from jaxmath.exact.work import MoreTerms, Ramified, Undecided, Work, now, working

BITS = 128
MOST_OPEN = 4
"""Boxes on which more comparisons are open are left to be divided."""

LOST = (Undecided, MoreTerms, Ramified, ValueError, ZeroDivisionError)


class Branch(Exception):  # noqa: N818  (a question, not a mistake)
    """A maximum on the box is open, and nothing was said of the branch to take."""

    def __init__(self, number: int):
        super().__init__(f"maximum number {number} is open on the box")
        self.number = number


class _OnBox(Work):
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
        if not isinstance(work, _OnBox) or type(a) is Special or type(b) is Special:
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
        slopes = [_series(x)[1] for x in (a, b)]
        return Jet(arb_series([either, slopes[0].union(slopes[1])], work.terms))

    return pick


def _series(x):
    found = x.regular() if type(x) is Jet else arb_series([x], now().terms)
    if found is None:
        raise Undecided
    return found


def _start(x):
    return x if type(x) is arb else _series(x)[0]


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


class Local(NamedTuple):
    """Enclosures over a box, of one smooth branch of a program with m flat results.

    `values[i]`, `slopes[i][j]` and `bends[i][j][k]` enclose the results and their first and second
    partial derivatives; `thirds[i]` the third derivative where there is one coordinate only.
    """

    values: list[Any]
    slopes: list[list[Any]]
    bends: list[list[list[Any]]]
    thirds: list[Any]


class Boxed:
    """A program at arguments of which some coordinates range over boxes.

    `places` are those coordinates, (argument, element); `runs` counts evaluations along one
    direction, the measure of work. `Missing` is raised by an
    evaluation whose primitives are not sound on boxes.
    """

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...], places):
        with jax.enable_x64(True):
            twins = (STANDARDIZED, *TWINS)
            self.program: Program = trace(fn, *args, rules=ON_BOXES, twins=twins)
            self.start = self.program.values(args)
        self.places = list(places)
        self.runs = 0

    def branches(self, box, order: int, pairs) -> list[tuple[dict[int, int], Local]]:
        """The smooth branches over a box, each with its choices; `Undecided` if there are others.

        A box is a list of (low, high), floats, one for each coordinate; `pairs` as in `local`.
        """
        found, waiting = [], [{}]
        while waiting:
            choices = waiting.pop()
            try:
                found.append((choices, self.local(box, order, choices, pairs)))
            except Branch as fork:
                if len(choices) >= MOST_OPEN:
                    raise Undecided from fork
                waiting += [{**choices, fork.number: side} for side in (-1, 1)]
        return found

    def local(self, box, order: int, choices: Mapping[int, int], pairs=()) -> Local:
        """The enclosures of one branch, to an order of 0 to 3; beyond 2 of one coordinate only.

        `pairs` of coordinates are those whose second derivatives are asked for, (j, j) for the
        first and second derivative in j; what is not asked for is unknown.
        """
        n = len(self.places)
        if order == 0:
            return Local([r[0] for r in self._along(box, {}, 0, choices)], [], [], [])
        scale = [_scale(low, high) for low, high in box]
        moving = sorted({j for pair in pairs for j in pair})
        unit = {j: self._along(box, {j: scale[j]}, order, choices) for j in moving}
        first = unit[moving[0]]
        m = len(first)
        values = [row[0] for row in first]
        slopes = [[UNKNOWN] * n for _ in range(m)]
        bends = [[[UNKNOWN] * n for _ in range(n)] for _ in range(m)] if order > 1 else []
        for i in range(m):
            for j in moving:
                slopes[i][j] = unit[j][i][1] / scale[j]
                if order > 1:
                    bends[i][j][j] = unit[j][i][2] / scale[j] ** 2
        for j, k in pairs if order > 1 else ():
            if j != k:  # D_uv = (D_(u+v) - D_u - D_v) / 2
                both = self._along(box, {j: scale[j], k: scale[k]}, 2, choices)
                for i in range(m):
                    mixed = (both[i][2] - unit[j][i][2] - unit[k][i][2]) / 2
                    bends[i][j][k] = bends[i][k][j] = mixed / (scale[j] * scale[k])
        thirds = [row[3] / scale[0] ** 3 for row in first] if order > 2 and n == 1 else []
        return Local(values, slopes, bends, thirds)

    def along(self, box, speeds: Mapping[int, Any], order: int, choices: Mapping[int, int]):
        """For each flat result its value and its derivatives along a direction."""
        return self._along(box, {j: arb(v) for j, v in speeds.items()}, order, choices)

    def _along(self, box, speeds, order, choices):
        with working(work := _OnBox(order + 1, choices)):
            found = [_terms(e, order) for e in self._run(box, speeds, order + 1)]
        _check(work)
        return found

    def _run(self, box, speeds, terms):
        self.runs += 1
        changes = {}
        for j, (place, (low, high)) in enumerate(zip(self.places, box, strict=True)):
            ball = _ball(low, high)  # one object for each coordinate: no other one is equal to it
            moves = j in speeds
            changes[place] = Jet(arb_series([ball, speeds[j]], terms)) if moves else ball
        with jax.enable_x64(self.program.x64):
            machine = self.program.machine()
            return flat_elements(machine(*replaced(self.start, changes)), self.program.outputs)

    def seams(self, box) -> list[tuple[int, list[Any]]]:
        """For each open maximum (1) or minimum (-1) how each result moves with it.

        The enclosures hold with the maximum mollified, at all points of the box.
        """
        with working(work := _OnBox(2, {}, probe=-1)):
            self._run(box, {}, 2)
        _check(work)
        found = []
        for number, kind in work.opened.items():
            with working(probed := _OnBox(2, {}, probe=number)):
                moved = [_terms(e, 1)[1] for e in self._run(box, {}, 2)]
            _check(probed)
            found.append((kind, moved))
        return found


def _check(work: Work) -> None:
    if set(work.notes) - SOUND_NOTES or work.singular:
        raise Undecided


def _ball(low: float, high: float):
    return arb(low) if low == high else arb(low).union(arb(high))


def _scale(low: float, high: float):
    """A power of two of the size of a coordinate."""
    size = max(abs(low), abs(high))
    return arb(2) ** (math.frexp(size)[1] if size else 0)


def _terms(element, order: int) -> list[Any]:
    """The value and the derivatives of a result; `Undecided` if one of them is not finite."""
    if type(element) is Special:
        raise Undecided
    series = _series(element)
    found = [series[k] * math.factorial(k) for k in range(order + 1)]
    if not all(x.is_finite() for x in found):
        raise Undecided
    return found
