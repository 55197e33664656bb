"""One point, one answer, one truth: of what kind the answer is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import Missing, Number, Program, derivatives, evaluate, trace
from jaxmath.exact.ball import arb
from jaxmath.exact.directional import Derivatives
from jaxmath.exact.enclosure import unit
from jaxmath.exact.program import Truth
from jaxmath.exact.work import Work, working
from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, ends
from jaxmath.verify.proven import _places
from jaxmath.verify.verdict import FAULTS, Finding

CLOSE = 4.0
"""So many ulp are exact to rounding, whatever the conditioning."""

SECONDS = 0.25
"""What one direction at one point may take."""


class Judge:
    """Knows the truth of one function, and compares answers with it.

    Args:
        formula, lay: the function, and which coordinates are differentiated.
        point: one point, for shapes and dtypes.
        twins: what calls inside mean.
        limit: the excess from which an answer is a fault.
        stopped: whether the caller has declared that stop_gradient makes constants.
    """

    def __init__(self, formula: Formula, lay: Layout, point, twins, limit: float, stopped: bool):
        self.formula, self.lay, self.limit, self.stopped = formula, lay, limit, stopped
        self.program = trace(formula.fn, *point, twins=twins)
        self.places = _places(formula, lay, point)
        self.width = len(self.program.coordinates())
        self.low, self.high = ends(formula, lay)
        self.dtype = np.result_type(*(a.dtype for a in self.program.outputs))
        self.info = jnp.finfo(self.dtype)
        self.tiny = float(self.info.tiny)
        self.rules: dict[str, Program | None] = {}
        self.ruled = "custom_" in str(self.program.jaxpr)

    # The truth.

    def truth(self, point, columns, order: int = 1, stop: bool = False, of: Truth = "meaning"):
        """The derivatives along some coordinates."""
        rows = np.zeros((len(columns), self.width))
        for row, column in zip(rows, columns, strict=True):
            row[self.places[column]] = 1.0
        stop = stop or self.stopped
        return derivatives(self.program, point, rows, order, of, stop, budget=SECONDS)

    def known(self, point) -> bool:
        """Whether any value is known; of a function without values no slopes are asked."""
        found = evaluate(self.program, point, budget=SECONDS).flat
        return any(n.proof in ("proven", "estimated") for n in found)

    def conditioning(self, point, column: int, result: int, order: int):
        """Sum over j of |dg/dx_j| ulp(x_j) / 2 for the value or a first derivative g; or None."""
        size = self.lay.size
        theta = self._theta(point)
        with working(Work(192)):
            total = arb(0)
            if order == 0:
                found = self.truth(point, list(range(size)))
                for j in range(size):
                    slope = _steepest(found, 1, j, result)
                    if slope is None:
                        return None
                    total = total + slope * _half(theta[j])
                return total
        mine = self._second(point, [[(column, 1.0)]], result)
        if mine[0] is None:
            return None
        with working(Work(192)):
            total = abs(mine[0]) * _half(theta[column])
        scale = np.ldexp(1.0, np.frexp(np.where(theta == 0, 1.0, theta))[1] - 1)
        others = [j for j in range(size) if j != column]
        if len(others) > 6:
            others = others[:: -(-len(others) // 6)]
        for j in others:
            s, t = float(scale[column]), float(scale[j])
            along = [[(column, s), (j, t)], [(column, s), (j, -t)]]
            up, down = self._second(point, along, result)
            if up is None or down is None:
                return None
            with working(Work(192)):
                total = total + abs((up - down) / (4 * arb(s) * arb(t))) * _half(theta[j])
        return total

    def _second(self, point, directions, result):
        rows = np.zeros((len(directions), self.width))
        for row, moves in zip(rows, directions, strict=True):
            for column, speed in moves:
                row[self.places[column]] = speed
        found = derivatives(self.program, point, rows, 2, "meaning", self.stopped, budget=SECONDS)
        answers = []
        for k in range(len(directions)):
            number = found.right[2, k, result]
            known = number.proof in ("proven", "estimated") and type(number.value) is arb
            answers.append(number.value if known else None)
        return answers

    def _theta(self, point) -> np.ndarray:
        flat = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(point) if _floating(leaf)]
        return np.concatenate(flat)[np.array(self.places)].astype(self.dtype)

    # The comparison.

    def value(self, point, found: Derivatives, result: int, answer: float) -> dict[str, Any]:
        """Of what kind a value is."""
        number = found.value.flat[result]
        if _nan(number) and (limit := self._limit(point, found, result)) is not None:
            told = dict(truth=_words(limit), proof=limit.proof, note="what it tends to there")
            if math.isnan(answer):
                return dict(kind="NaN or infinite", ulps=math.inf, excess=math.inf, **told)
        if number.proof not in ("proven", "estimated"):
            return dict(kind="undecided", truth=_words(number), proof="undecided")
        if any(n.startswith("depends on rounding") for n in found.notes):
            return dict(kind="depends on rounding", truth=_words(number), proof=number.proof)
        jump = "jump" in found.behaviour[:, result]
        kind = self.compared(
            number, answer, lambda: None if jump else self.conditioning(point, 0, result, 0)
        )
        return kind

    def _limit(self, point, found: Derivatives, result: int) -> Number | None:
        """What a value that is NaN tends to from within the domain, if that is one number."""
        limits = []
        for k in range(found.right.shape[1]):
            side = self._side(point, k) if found.right.shape[1] == self.lay.size else 0
            sides = (found.right, found.left) if not side else (
                (found.right,) if side > 0 else (found.left,))  # fmt: skip
            for terms in sides:
                number = terms[0, k, result]
                if not _nan(number):
                    limits.append(number)
        known = [n for n in limits if n.proof in ("proven", "estimated")]
        if not known or len(known) < len(limits) or not math.isfinite(float(known[0])):
            return None
        return known[0] if all(known[0].overlaps(n) for n in known) else None

    def _side(self, point, column: int) -> int:
        """1 at the lower end of the domain, -1 at the upper: what lies outside is not judged."""
        x = float(self._theta(point)[column])
        return 1 if x == self.low[column] else (-1 if x == self.high[column] else 0)

    def derivative(
        self, point, found: Derivatives, k: int, column: int, result: int, answer: float
    ) -> dict[str, Any]:
        """Of what kind a first derivative is; `k` is the place of its column among `found`."""
        right, left = found.right[:, k, result], found.left[:, k, result]
        behaviour, centre = found.behaviour[k, result], found.value.flat[result]
        if "depends on rounding" in found.notes:
            return dict(kind="depends on rounding", truth=_words(right[1]), proof="undecided")
        infinite = _infinite(self._theta(point)[column])
        if (side := self._side(point, column)) and not infinite:
            terms = right if side > 0 else left
            whole = all(n.proof in ("proven", "estimated") for n in terms[:2])
            if whole and terms[0].overlaps(centre) and math.isfinite(float(terms[1])):
                return self.compared(
                    terms[1], answer, lambda: self.conditioning(point, column, result, 1)
                )
        if behaviour == "undefined" and not infinite:
            return dict(kind="boundary", truth=_words(centre), proof=centre.proof)
        judge = lambda n: self.compared(  # noqa: E731
            n, answer, lambda: self.conditioning(point, column, result, 1)
        )
        if behaviour in ("jump", "kink") and self._joint(right, left, centre):
            said = [judge(right[1]), judge(left[1])]
            return min(said, key=lambda s: s.get("ulps", math.inf))
        if behaviour == "jump":
            words = f"limits {left[0].decimal(6)} and {right[0].decimal(6)}"
            return dict(kind="jump", truth="none", proof="proven", note=words)
        if behaviour == "end":
            side = left if _nan(right[0]) else right
            if not math.isfinite(float(side[1])):
                return dict(kind="boundary", truth=_words(side[1]), proof=side[1].proof)
            return self.compared(
                side[1], answer, lambda: self.conditioning(point, column, result, 1)
            )
        if behaviour == "kink" and found.kink_order[k, result] == 1:
            return _kink(left[1], right[1], answer)
        if right[1].proof not in ("proven", "estimated") or _nan(right[1]):
            words = "the truth could not be decided"
            return dict(kind="undecided", truth=_words(right[1]), proof="undecided", note=words)
        told = self.compared(right[1], answer, lambda: self.conditioning(point, column, result, 1))
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
        row = np.zeros((1, self.width))
        row[0, self.places[column]] = 1.0
        found = derivatives(
            self.program, point, row, 1, stop_gradients=self.stopped, method="differences",
            budget=SECONDS,
        )  # fmt: skip
        if any(self._near(n, float(number)) for n in (found.right[1, 0, result],)):
            return told
        return dict(told, kind="depends on rounding", note="a loop ends by a condition on numbers")

    def compared(self, number: Number, answer: float, conditioning: Callable) -> dict[str, Any]:
        """An answer against a known truth."""
        truth = float(number.nearest(self.dtype))
        told = dict(truth=_words(number), proof=number.proof)
        if math.isnan(truth):
            return dict(kind="out of range", **told)
        if not math.isfinite(truth) or abs(truth) > 0.999 * float(self.info.max):
            right = not math.isfinite(answer) or abs(answer) > 0.9 * float(self.info.max)
            if right:
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

    # Whose fault.

    def explained(self, finding: Finding, point, column: int) -> Finding:
        """A fault with its cause, where there is one to be named."""
        result = finding.place[0]
        if finding.order == 1 and "stop_gradient" in self.truth(point, [column]).notes:
            found = self.truth(point, [column], stop=True)
            other = _number(finding.truth)
            changed = not self._near(found.right[1, 0, result], other)
            if changed and self._near(found.right[1, 0, result], finding.answer):
                words = "it is right if stop_gradient is meant to make a constant: declare it"
                return dataclasses.replace(
                    finding, kind="stop_gradient changes the derivative", note=words
                )
        found = self.truth(point, [column] if finding.order else [0], of="meaning")
        number = None
        names = sorted(n.removeprefix("twin ") for n in found.notes if n.startswith("twin "))
        if names:
            finding = dataclasses.replace(finding, truth_of="its meaning")
            own = self.truth(point, [column] if finding.order else [0], of="program")
            number = own.right[1, 0, result] if finding.order else own.value.flat[result]
            if self._near(number, finding.answer):
                words = f"approximation error of {', '.join(names)}"
                return dataclasses.replace(finding, kind="approximation error", note=words)
        if finding.order == 1 and self.ruled and math.isfinite(finding.answer):
            said = self._rule(finding.who, point, column, result)
            truth = float(found.right[1, 0, result])
            if said is not None and not self._near(said, truth):
                words = f"the rule itself, evaluated exactly, says {_words(said)}"
                if "loop on real numbers" in found.notes and self._near(said, finding.answer):
                    words += ", and the program is a loop that ends by a condition on numbers"
                    return dataclasses.replace(finding, kind="depends on rounding", note=words)
                if number is not None and self._near(said, float(number)):
                    words = f"approximation error of {', '.join(names)}; {words}"
                    return dataclasses.replace(finding, kind="approximation error", note=words)
                return dataclasses.replace(finding, kind="wrong rule", note=words)
        return finding

    def _near(self, number: Number, answer: float) -> bool:
        if number.proof not in ("proven", "estimated"):
            return False
        ulps = number.ulps(answer, self.dtype)
        return bool(ulps <= 8 * self.limit)

    def _rule(self, who: str, point, column: int, result: int) -> Number | None:
        """What the derivative program of a mode means, evaluated exactly."""
        tangent = self._tangent(point, column)
        try:
            if who == "forward mode":
                both = tuple(point), tangent
                if who not in self.rules:
                    self.rules[who] = trace(lambda p, t: jax.jvp(self.formula.fn, p, t)[1], *both)
                program, args = self.rules[who], both
            else:
                key = f"{who} {result}"
                if key not in self.rules:
                    self.rules[key] = trace(lambda p: self._reverse(p, result), tuple(point))
                program, args = self.rules[key], (tuple(point),)
            assert program is not None
            found = evaluate(program, args, truth="program", budget=SECONDS).flat
            return found[result if who == "forward mode" else self.places[column]]
        except (Missing, TypeError, ValueError):
            return None

    def _reverse(self, point, result):
        """The gradient of one result in all real elements, as reverse mode writes it."""
        leaves, tree = jax.tree.flatten(tuple(point))

        def function(*floats):
            given = iter(floats)
            filled = [next(given) if _floating(leaf) else leaf for leaf in leaves]
            return self.formula.fn(*jax.tree.unflatten(tree, filled))

        value, pull = jax.vjp(function, *(leaf for leaf in leaves if _floating(leaf)))
        results, shape = jax.tree.flatten(value)
        start, cotangents = 0, []
        for leaf in results:
            unit_vector = np.zeros(leaf.size, leaf.dtype)
            if start <= result < start + leaf.size:
                unit_vector[result - start] = 1
            cotangents.append(unit_vector.reshape(leaf.shape))
            start += leaf.size
        return pull(jax.tree.unflatten(shape, cotangents))

    def _tangent(self, point, column):
        leaves, tree = jax.tree.flatten(tuple(point))
        start, moved = 0, []
        for leaf in leaves:
            leaf = np.asarray(leaf)
            if not _floating(leaf):
                moved.append(np.zeros(leaf.shape, jax.dtypes.float0))
                continue
            flat = np.zeros(leaf.size, leaf.dtype)
            if start <= self.places[column] < start + leaf.size:
                flat[self.places[column] - start] = 1
            moved.append(flat.reshape(leaf.shape))
            start += leaf.size
        return jax.tree.unflatten(tree, moved)


def _gap(number: Number, answer: float):
    """How far an answer surely is from the truth."""
    with working(Work(192)):
        return abs(arb(answer) - number.value).lower().max(arb(0))


def _words(number: Number) -> str:
    """The number to 20 digits; far below every format, only that it is."""
    if type(number.value) is arb and number.value.is_finite():
        size = abs(number.value).upper()
        if size < arb(10) ** -5000:
            return "below 1e-5000" if size > 0 else "0"
        if size > arb(10) ** 5000:
            return "above 1e5000" if number.value > 0 else "below -1e5000"
    return number.decimal()


def _number(words: str) -> float:
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


def _steepest(found: Derivatives, order: int, k: int, result: int):
    sides = [found.right[order, k, result], found.left[order, k, result]]
    known = [n.value for n in sides if n.proof in ("proven", "estimated")]
    balls = [abs(v) for v in known if type(v) is arb]
    return max(balls, key=float) if balls else None


def _half(x):
    return arb(float(np.spacing(np.abs(x)))) / 2 if np.isfinite(x) else arb(0)


def _infinite(x) -> bool:
    return not np.isfinite(x)


def _nan(number: Number) -> bool:
    return type(number.value) is not arb and math.isnan(float(number))


def _floating(leaf) -> bool:
    return jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)


def point_of(args: Mapping[str, Any], names, index: int) -> tuple[Any, ...]:
    """The arguments at one of many points."""
    return tuple(jax.tree.map(lambda leaf: np.asarray(leaf)[index], args[name]) for name in names)
