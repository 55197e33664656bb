"""One point, one answer, one truth: of what kind the answer is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import Number
from jaxmath.exact.ball import arb
from jaxmath.exact.directional import Derivatives
from jaxmath.exact.enclosure import unit
from jaxmath.exact.work import Work, working
from jaxmath.verify.truths import KNOWN, Second, Truths
from jaxmath.verify.verdict import FAULTS

CLOSE = 4.0
"""So many ulp are exact to rounding, whatever the conditioning."""

SAME = 1e-6
"""Slopes at a kink are the same up to this share of them."""

ROUNDING, LOOP = "depends on rounding", "loop on real numbers"
"""What exact arithmetic notes of programs that are no function of real numbers, or may be none."""


class Judge:
    """Compares answers with the truth.

    Args:
        truths: of the function.
        limit: the excess from which an answer is a fault.
    """

    def __init__(self, truths: Truths, limit: float):
        self.truths, self.limit, self.dtype = truths, limit, truths.dtype
        self.info = jnp.finfo(self.dtype)
        self.tiny = float(self.info.tiny)
        self.last: tuple[Any, dict[Any, Any]] = ((), {})

    def patient(self) -> Judge:
        """The same with more time for each question."""
        return Judge(self.truths.patient(), self.limit)

    def value(self, point, found: Derivatives, result: int, answer: float) -> dict[str, Any]:
        """Of what kind a value is."""
        number = found.value.flat[result]
        if math.isnan(answer) and (limit := self._limit(point, found, result)) is not None:
            return dict(
                kind="NaN or infinite", ulps=math.inf, excess=math.inf,
                truth=words_of(limit), proof=limit.proof, note="what it tends to there",
            )  # fmt: skip
        if number.proof not in KNOWN:
            return _undecided(number)
        if ROUNDING in found.notes:
            return dict(kind=ROUNDING, truth=words_of(number), proof=number.proof)
        return self.compared(number, answer, point, (), result)

    def _limit(self, point, found: Derivatives, result: int) -> Number | None:
        """What a value that is NaN tends to from within the domain, if that is one number."""
        if not _nan(found.value.flat[result]):
            return None
        limits = []
        for k in range(found.right.shape[1]):
            side = self.truths.side(point, k) if found.right.shape[1] == self.truths.lay.size else 0
            sides = (found.right, found.left) if not side else (
                (found.right,) if side > 0 else (found.left,))  # fmt: skip
            for terms in sides:
                number = terms[0, k, result]
                if not _nan(number):
                    limits.append(number)
        known = [n for n in limits if n.proof in KNOWN]
        if not known or len(known) < len(limits) or not math.isfinite(float(known[0])):
            return None
        return known[0] if all(known[0].overlaps(n) for n in known) else None

    def first(
        self, point, found: Derivatives, k: int, column: int, result: int, answer: float
    ) -> dict[str, Any]:
        """Of what kind a first derivative is; `k` is the place of its column among `found`."""
        right, left = found.right[:, k, result], found.left[:, k, result]
        behaviour, centre = found.behaviour[k, result], found.value.flat[result]
        if ROUNDING in found.notes:
            return dict(kind=ROUNDING, truth=words_of(right[1]), proof="undecided")
        infinite = not math.isfinite(self.truths.theta(point)[column])

        def judge(number: Number):
            return self.compared(number, answer, point, (column,), result)

        if (side := self.truths.side(point, column)) and not infinite:
            terms = right if side > 0 else left
            whole = all(n.proof in KNOWN for n in terms[:2])
            if whole and terms[0].overlaps(centre) and math.isfinite(float(terms[1])):
                return judge(terms[1])
        if behaviour == "undefined" and not infinite:
            return dict(kind="boundary", truth=words_of(centre), proof=centre.proof)
        if behaviour in ("jump", "kink") and self._joint(right, left, centre):
            said = [judge(right[1]), judge(left[1])]
            return min(said, key=lambda s: s.get("ulps", math.inf))
        if behaviour == "jump":
            words = f"limits {left[0].decimal(6)} and {right[0].decimal(6)}"
            return dict(kind="jump", truth="none", proof="proven", note=words)
        if behaviour == "end":
            inner = left if _nan(right[0]) else right
            if not math.isfinite(float(inner[1])):
                return dict(kind="boundary", truth=words_of(inner[1]), proof=inner[1].proof)
            return judge(inner[1])
        if behaviour == "kink" and found.kink_order[k, result] == 1:
            return _kink(left[1], right[1], answer, "slopes")
        if right[1].proof not in KNOWN or _nan(right[1]):
            return _undecided(right[1])
        told = judge(right[1])
        if told["kind"] in FAULTS and LOOP in found.notes:
            return self._looped(point, column, result, answer, told)
        return told

    def second(
        self, point, found: Second, columns: tuple[int, int], result: int, answer: float
    ) -> dict[str, Any]:
        """Of what kind a second derivative is."""
        right, left = found.right[result], found.left[result]
        behaviour, order = found.behaviour[result], found.kink_order[result]
        if ROUNDING in found.notes or LOOP in found.notes:
            return dict(kind=ROUNDING, truth=words_of(right), proof="undecided")
        sides = {self.truths.side(point, column) for column in columns} - {0}
        if sides and len(sides) == 1 and columns[0] == columns[1]:
            inner = right if 1 in sides else left
            if inner.proof in KNOWN and math.isfinite(float(inner)):
                return self.compared(inner, answer, point, columns, result)
        if sides or behaviour in ("undefined", "end"):
            return dict(kind="boundary", truth="none", proof=right.proof)
        if behaviour in ("jump", "kink") and (order < 2 or columns[0] != columns[1]):
            words = f"no second derivative: a {behaviour}"
            return dict(kind=behaviour, truth="none", proof=right.proof, note=words)
        if any(n.proof not in KNOWN or _nan(n) for n in (right, left)):
            return _undecided(right)
        if order == 2:
            return _kink(left, right, answer, "second derivatives")
        return self.compared(right, answer, point, columns, result)

    def _joint(self, right, left, centre: Number) -> bool:
        """Whether both sides differ by less than rounding: where two approximations meet."""
        numbers = [right[0], left[0], centre, right[1], left[1]]
        if any(type(n.value) is not arb or n.proof == "undecided" for n in numbers):
            return False
        with working(Work(192)):
            pairs = [(right[0], left[0]), (right[0], centre), (right[1], left[1])]
            return all(
                bool(abs(a.value - b.value) <= CLOSE * unit(a.value, self.dtype)) for a, b in pairs
            )

    def _looped(self, point, column: int, result: int, answer: float, told):
        """A fault of a loop that ends by a condition on numbers, if plain differences confirm it.

        Such a program is a function of real numbers only up to its tolerance, and the slope of its
        last iterate may lag behind that of what it converges to.
        """
        value, bar = self.truths.estimated(point, column, result)
        if abs(answer - value) > 1e3 * bar + 1e-4 * abs(value) or not math.isfinite(answer):
            return told
        words = "a loop ends by a condition on numbers"
        return dict(told, kind=ROUNDING, proof="undecided", note=words)

    def compared(
        self, number: Number, answer: float, point, columns: Sequence[int], result: int
    ) -> dict[str, Any]:
        """An answer against a known truth: a value, or a derivative in one or two coordinates."""
        truth = float(number.nearest(self.dtype))
        told = dict(truth=words_of(number), proof=number.proof)
        if math.isnan(truth):
            return dict(kind="out of range", **told)
        if not math.isfinite(truth) or abs(truth) > 0.999 * float(self.info.max):
            if not math.isfinite(answer) or abs(answer) > 0.9 * float(self.info.max):
                return dict(kind="out of range", **told)
            if math.isinf(truth) and type(number.value) is not arb:  # infinity itself, proven
                return dict(kind=_lost(answer), ulps=math.inf, excess=math.inf, **told)
        if not math.isfinite(answer):
            return dict(kind="NaN or infinite", ulps=math.inf, excess=math.inf, **told)
        if abs(truth) < 4 * self.tiny and abs(answer) < 8 * self.tiny:
            return dict(kind="exact to rounding", ulps=0.0, excess=0.0, **told)
        with working(Work(192)):
            error = abs(arb(answer) - number.value).lower().max(arb(0))  # at least
            ulps = float((error / unit(number.value, self.dtype)).mid())
        if ulps <= CLOSE:
            return dict(kind="exact to rounding", ulps=ulps, excess=ulps, **told)
        excess = self._excess(number, error, point, columns, result)
        if math.isnan(excess):  # nothing is known of what rounding explains
            if answer == 0 or ulps * float(self.info.eps) > 0.5:
                return dict(kind=_lost(answer), ulps=ulps, excess=ulps, **told)
            return dict(kind="undecided", ulps=ulps, excess=excess, **told)
        if excess <= self.limit:
            kind = "exact to rounding" if ulps <= self.limit else "ill-conditioned as expected"
        else:
            kind = _lost(answer)
        return dict(kind=kind, ulps=ulps, excess=excess, **told)

    def _excess(self, number: Number, error, point, columns, result) -> float:
        """The error over what the rounding of the answer and of the inputs explains, or NaN."""
        excess = math.nan
        for moved in (self.truths.conditioning, self.truths.spread):
            if not excess <= self.limit:  # a fault only if the next floats do not explain it either
                found = self._asked_once(moved, point, columns, result, number)
                if found is not None:
                    excess = float(np.fmin(self._over(error, number, found), excess))
        return excess

    def _asked_once(self, moved, point, columns, result, number: Number):
        """What rounding explains at a point, which is the same for all who answer."""
        place = tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(point))
        key = moved.__name__, columns, result, float(number)
        if self.last[0] != place:
            self.last = place, {}
        if key not in self.last[1]:
            self.last[1][key] = moved(point, columns, result, number)
        return self.last[1][key]

    def _over(self, error, number: Number, moved) -> float:
        with working(Work(192)):
            # What is below the normal range on the way is flushed to zero.
            allowed = unit(number.value, self.dtype) / 2 + moved + arb(self.tiny)
            return float((error / allowed).mid())

    def near(self, number: Number, answer: float) -> bool:
        """Whether an answer is the truth, or off by less than a fault is."""
        if number.proof not in KNOWN:
            return False
        return bool(number.ulps(answer, self.dtype) <= 8 * self.limit)


def words_of(number: Number) -> str:
    """The number to 20 digits; far below every format, only that it is."""
    if type(number.value) is arb and number.value.is_finite():
        size = abs(number.value).upper()
        if size < arb(10) ** -5000:
            return "below 1e-5000" if size > 0 else "0"
        if size > arb(10) ** 5000:
            return "above 1e5000" if number.value > 0 else "below -1e5000"
    return number.decimal()


def number_of(words: str) -> float:
    """The number at the start of a truth in words."""
    try:
        return float(words.strip("[]").split(" ")[0])
    except ValueError:
        return math.nan


def _undecided(number: Number) -> dict[str, Any]:
    words = "the truth could not be decided"
    return dict(kind="undecided", truth=words_of(number), proof="undecided", note=words)


def _lost(answer: float):
    return "vanished" if answer == 0 else "inaccurate"


def _kink(left: Number, right: Number, answer: float, what: str) -> dict[str, Any]:
    low, high = sorted((float(left), float(right)))
    slack = [SAME * abs(end) if math.isfinite(end) else 0.0 for end in (low, high)]
    between = low - slack[0] <= answer <= high + slack[1]
    words = f"{what} {float(left):.6g} on the left, {float(right):.6g} on the right"
    which: list[Any] = []
    if between:
        named = dict(left=float(left), right=float(right), zero=0.0, middle=(low + high) / 2)
        which = [k for k, v in named.items() if abs(answer - v) <= SAME * max(abs(v), 1e-300)]
        words += f"; convention: {which[0] if which else 'in between'}"
    kind = "kink" if between else "not a subgradient"
    return dict(
        kind=kind,
        truth="none",
        proof=left.proof,
        note=words,
        conventions=tuple(which),
        excess=math.inf,
    )


def _nan(number: Number) -> bool:
    return type(number.value) is not arb and math.isnan(float(number))
