"""One point, one answer, one truth: of what kind the answer is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxmath.exact import Number, derivatives
from jaxmath.exact.ball import arb
from jaxmath.exact.directional import Derivatives
from jaxmath.exact.enclosure import unit
from jaxmath.exact.work import Work, working
from jaxmath.verify.truths import KNOWN, SECONDS, Truths
from jaxmath.verify.verdict import FAULTS

CLOSE = 4.0
"""So many ulp are exact to rounding, whatever the conditioning."""


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

    def value(self, point, found: Derivatives, result: int, answer: float) -> dict[str, Any]:
        """Of what kind a value is."""
        number = found.value.flat[result]
        if math.isnan(answer) and (limit := self._limit(point, found, result)) is not None:
            return dict(
                kind="NaN or infinite", ulps=math.inf, excess=math.inf,
                truth=words_of(limit), proof=limit.proof, note="what it tends to there",
            )  # fmt: skip
        if number.proof not in KNOWN:
            return dict(kind="undecided", truth=words_of(number), proof="undecided")
        if any(n.startswith("depends on rounding") for n in found.notes):
            return dict(kind="depends on rounding", truth=words_of(number), proof=number.proof)
        jump = "jump" in found.behaviour[:, result]
        return self.compared(
            number, answer, lambda: None if jump else self.truths.conditioning(point, 0, result, 0)
        )

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

    def derivative(
        self, point, found: Derivatives, k: int, column: int, result: int, answer: float
    ) -> dict[str, Any]:
        """Of what kind a first derivative is; `k` is the place of its column among `found`."""
        right, left = found.right[:, k, result], found.left[:, k, result]
        behaviour, centre = found.behaviour[k, result], found.value.flat[result]
        if "depends on rounding" in found.notes:
            return dict(kind="depends on rounding", truth=words_of(right[1]), proof="undecided")
        infinite = not math.isfinite(self.truths.theta(point)[column])

        def judge(number: Number):
            moved = lambda: self.truths.conditioning(point, column, result, 1)  # noqa: E731
            return self.compared(number, answer, moved)

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
            side = left if _nan(right[0]) else right
            if not math.isfinite(float(side[1])):
                return dict(kind="boundary", truth=words_of(side[1]), proof=side[1].proof)
            return judge(side[1])
        if behaviour == "kink" and found.kink_order[k, result] == 1:
            return _kink(left[1], right[1], answer)
        if right[1].proof not in KNOWN or _nan(right[1]):
            words = "the truth could not be decided"
            return dict(kind="undecided", truth=words_of(right[1]), proof="undecided", note=words)
        told = judge(right[1])
        if told["kind"] in FAULTS and "loop on real numbers" in found.notes:
            return self._looped(point, column, result, right[1], told)
        return told

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

    def _looped(self, point, column: int, result: int, number: Number, told):
        """A fault of a loop that ends by a condition on numbers, if differences confirm it."""
        t = self.truths
        found = derivatives(
            t.program, point, t.rows([(column, 1.0)]), 1, stop_gradients=t.stopped,
            method="differences", budget=SECONDS,
        )  # fmt: skip
        if self.near(found.right[1, 0, result], float(number)):
            return told
        return dict(told, kind="depends on rounding", note="a loop ends by a condition on numbers")

    def compared(self, number: Number, answer: float, conditioning: Callable) -> dict[str, Any]:
        """An answer against a known truth."""
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
        error = _gap(number, answer)
        with working(Work(192)):
            ulps = float((error / unit(number.value, self.dtype)).mid())
        if ulps <= CLOSE:
            return dict(kind="exact to rounding", ulps=ulps, excess=ulps, **told)
        moved = conditioning()
        if moved is None:
            if answer == 0 or ulps * float(self.info.eps) > 0.5:
                return dict(kind=_lost(answer), ulps=ulps, excess=ulps, **told)
            return dict(kind="undecided", ulps=ulps, excess=math.nan, **told)
        with working(Work(192)):
            # What is below the normal range on the way is flushed to zero.
            allowed = unit(number.value, self.dtype) / 2 + moved + arb(self.tiny)
            excess = float((error / allowed).mid())
        if not math.isfinite(excess):
            return dict(kind="undecided", ulps=ulps, excess=math.nan, **told)
        if excess <= self.limit:
            kind = "exact to rounding" if ulps <= self.limit else "ill-conditioned as expected"
        else:
            kind = _lost(answer)
        return dict(kind=kind, ulps=ulps, excess=excess, **told)

    def near(self, number: Number, answer: float) -> bool:
        """Whether an answer is the truth, or off by less than a fault is."""
        if number.proof not in KNOWN:
            return False
        ulps = number.ulps(answer, self.dtype)
        return bool(ulps <= 8 * self.limit)


def _gap(number: Number, answer: float):
    """How far an answer surely is from the truth."""
    with working(Work(192)):
        return abs(arb(answer) - number.value).lower().max(arb(0))


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


def _lost(answer: float):
    return "vanished" if answer == 0 else "inaccurate"


def _kink(left: Number, right: Number, answer: float) -> dict[str, Any]:
    low, high = sorted((float(left), float(right)))
    between = low * (1 - 1e-6) - 1e-300 <= answer <= high * (1 + 1e-6) + 1e-300
    between = between or low <= answer <= high
    words = f"slopes {float(left):.6g} on the left, {float(right):.6g} on the right"
    which: list[Any] = []
    if between:
        named = dict(left=float(left), right=float(right), zero=0.0, middle=(low + high) / 2)
        which = [k for k, v in named.items() if abs(answer - v) <= 1e-6 * max(abs(v), 1e-300)]
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
