"""Facts proven over whole boxes of the domain, or refuted at a point, or held by trials.

The domain, all numbers of float64 in it, is divided into boxes until on each of them the enclosures
of the derivatives show that the fact holds (`inequalities`), or until a budget of evaluations is
spent. It is divided where it is undecided: at powers of two far apart, in halves within one.
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from jaxmath import domains
from jaxmath.domains import Box as Array
from jaxmath.domains import Choices, Integers, Interval
from jaxmath.formula import Fact, Formula
from jaxmath.verify import dividing
from jaxmath.verify.proof import CURVED, SLOPED, Box, Outcome, Proof, Witness, centre

if TYPE_CHECKING:
    from jaxmath.verify.inequalities import Inequality

MOST_COORDINATES = 3
MOST_LABELS = 16
BUDGET = 10_000
TRIALS = 256
FARTHEST = 2.0**20
"""Pairs of points are looked at within it, where numbers can be read."""


def proven_facts(formula: Formula, budget: int = BUDGET) -> list[Proof]:
    """Every fact of a formula that is an inequality of derivatives, proven or refuted or tried."""
    known = (*CURVED, *SLOPED)
    return [prove(formula, fact, budget) for fact in formula.facts if isinstance(fact, known)]


def prove(formula: Formula, fact: Fact, budget: int = BUDGET, seed: int = 0) -> Proof:
    """Prove a fact over the domain of float64, up to three coordinates, or refute it.

    Constants are proven up to a millionth of them, signs of slopes and curvatures up to the
    smallest normal number. What is refuted is wrong beyond rounding, by an enclosure at the point
    of the witness. The answer depends on `budget` and `seed` alone, not on the clock.

    Args:
        formula: a record; its function is enclosed as it is written, fits as what they mean.
        fact: convexity, concavity, monotony, a constant of Lipschitz, smoothness, strong convexity.
        budget: how many evaluations along one direction may be made before no box is divided.
        seed: of the trials, where no proof is found.

    Raises:
        TypeError: of a fact that is no inequality of derivatives.
    """
    if not isinstance(fact, (*CURVED, *SLOPED)):
        raise TypeError(f"No enclosure is written for the fact {fact.name}.")
    with jax.enable_x64(True), np.errstate(all="ignore"):
        parts, why = _parts(formula)
        search = _Search(formula, fact, parts, budget)
        found = search.divided() if not why else None
        if found is not None and (found.outcome == "refuted" or found.undecided == 0):
            return found
        witness = search.tried(seed)
        known = found or Proof(formula.name, fact, "no counterexample", why=why)
        if witness is not None:
            return known._replace(outcome="refuted", witness=witness, trials=TRIALS, covered=())
        return known._replace(trials=TRIALS)


class _Part(NamedTuple):
    """The domain at one set of labels: which flat coordinates range, whose they are, and where."""

    args: tuple[Any, ...]
    places: list[tuple[int, int]]
    names: list[str]
    root: Box


def _parts(formula: Formula) -> tuple[list[_Part], str]:
    """The domain at each set of labels, and why it cannot be divided, if so."""
    rng = np.random.default_rng(0)
    drawn = domains.sample(dict(formula.domain), rng, 1, np.float64)
    args = tuple(jax.tree.map(lambda leaf: leaf[0], drawn[name]) for name in formula.arguments)
    leaves, tree = jax.tree.flatten(args)
    places, names, root, labels, why = [], [], [], [], ""
    for k, (name, domain) in enumerate(_leaves(formula)):
        one = domain.of if isinstance(domain, Array) else domain
        elements = range(math.prod(domain.shape))
        if isinstance(one, Choices | Integers):
            few = isinstance(one, Choices)
            values = one.values if few else range(one.low, one.high + 1)
            if len(values) ** len(elements) > MOST_LABELS:  # perhaps all whole numbers there are
                why, values = why or "too many sets of labels", values[:1]
            labels.append((k, list(itertools.product(values, repeat=len(elements)))))
            continue
        ends = one.limits(np.float64) if isinstance(one, Interval) else (-math.inf, math.inf)
        why = why or ("" if isinstance(one, Interval) else f"{name} lies in no box")
        places += [(k, j) for j in elements]
        names += [name for _ in elements]
        root += [ends for _ in elements]
    if len(places) > MOST_COORDINATES:
        why = why or f"{len(places)} coordinates are too many to divide"
    if math.prod(len(values) for _, values in labels) > MOST_LABELS:
        why = why or "too many sets of labels"
    parts = []
    for chosen in itertools.islice(itertools.product(*(v for _, v in labels)), MOST_LABELS):
        filled = list(leaves)
        for (k, _), values in zip(labels, chosen, strict=True):
            filled[k] = np.reshape(np.asarray(values, leaves[k].dtype), np.shape(leaves[k]))
        parts.append(_Part(jax.tree.unflatten(tree, filled), places, names, root))
    return parts, why


def _leaves(formula: Formula) -> list[tuple[str, Any]]:
    return [
        (name, leaf)
        for name, domain in formula.domain.items()
        for leaf in jax.tree.leaves(domain, is_leaf=domains.is_domain)
    ]


class _Search:
    """One fact over all parts of its domain."""

    def __init__(self, formula: Formula, fact: Fact, parts: list[_Part], budget: int):
        from jaxmath.verify.inequalities import Inequality

        self.formula, self.fact, self.parts, self.budget = formula, fact, parts, budget
        self.inequalities: list[Inequality] = [
            Inequality(formula, fact, p.args, p.places, p.names) for p in parts
        ]
        self.boxes = 0

    def divided(self) -> Proof:
        """Divide the domain until the fact is proven, refuted, or the budget spent."""
        waiting = [(0.0, k, k, 0, part.root) for k, part in enumerate(self.parts)]
        number, left, closed = len(waiting), [], False
        while waiting and sum(i.runs for i in self.inequalities) < self.budget:
            _, _, k, liked, box = heapq.heappop(waiting)
            margin, by_closed = self._margin(k, box)
            if margin >= 0:
                closed |= by_closed
                continue
            if (witness := self._broken(k, box, margin)) is not None:
                return self._proof("refuted", witness=witness)
            liked, halves = self._halves(k, box, liked)
            if not halves:
                left.append(box)
            for half in halves:
                number += 1
                heapq.heappush(waiting, (dividing.depth(half), number, k, liked, half))
        left += [box for *_, box in waiting]
        root = self.parts[0].root
        covered = dividing.covered(root, left)
        share = sum(dividing.share(box, root) for box in left) / len(self.parts)
        outcome = "proven" if covered else "no counterexample"
        names = self.parts[0].names
        ranges = tuple((n, *ends) for n, ends in zip(names, covered or [], strict=bool(covered)))
        return self._proof(outcome, covered=ranges, undecided=share, closed_form=closed)

    def _proof(self, outcome: Outcome, **known: Any) -> Proof:
        return Proof(self.formula.name, self.fact, outcome, boxes=self.boxes, **known)

    def _margin(self, k: int, box: Box) -> tuple[float, bool]:
        self.boxes += 1
        return self.inequalities[k].margin(box)

    def _broken(self, k: int, box: Box, margin: float) -> Witness | None:
        from jaxmath.verify.refuting import broken_at, broken_between

        inequality = self.inequalities[k]
        point = [x for x, _ in centre(box)]
        witness = broken_at(inequality, point) if self._inside(k, point) else None
        if witness is None and margin == -math.inf:  # a seam or a jump: two sides of it
            for j in inequality.own:
                ends = (min(max(end, -FARTHEST), FARTHEST) for end in box[j])
                low, high = ([*point[:j], end, *point[j + 1 :]] for end in ends)
                if self._inside(k, low) and self._inside(k, high):
                    witness = witness or broken_between(inequality, low, high)
        return witness

    def _inside(self, k: int, point: list[float]) -> bool:
        """Whether a point of the boxes meets the relations between arguments."""
        if self.formula.where is None:
            return True
        part = self.parts[k]
        leaves, tree = jax.tree.flatten(part.args)
        leaves = [np.array(leaf) for leaf in leaves]
        for (leaf, element), x in zip(part.places, point, strict=True):
            leaves[leaf].reshape(-1)[element] = x
        return bool(self.formula.where(*jax.tree.unflatten(tree, leaves)))

    def _halves(self, k: int, box: Box, liked: int) -> tuple[int, list[Box]]:
        """The box divided along the coordinate that leaves most undecided, `liked` asked first."""
        ended = [low == 0 for low, _ in self.parts[k].root]
        cuts = {
            j: cut
            for j, ends in enumerate(box)
            if (cut := dividing.cut(*ends, ended[j])) is not None
        }
        if not cuts:
            return liked, []
        best, gain = liked, (-math.inf, 0.0)
        middle = centre(box)
        for j in sorted(cuts, key=lambda j: j != liked):  # what if this coordinate were known?
            if len(cuts) == 1 or gain[0] >= 0:
                best = j if len(cuts) == 1 else best
                break
            thin = [middle[i] if i == j else ends for i, ends in enumerate(box)]
            found = (self._margin(k, thin)[0], dividing.width(*box[j]))
            if found > gain:
                best, gain = j, found
        low, high = box[best]
        ends = (low, cuts[best]), (cuts[best], high)
        return best, [[*box[:best], half, *box[best + 1 :]] for half in ends]

    def tried(self, seed: int) -> Witness | None:
        """The first counterexample among points drawn from the domain, if there is one."""
        from jaxmath.verify.refuting import broken_at, broken_between

        rng = np.random.default_rng(seed)
        domain = dict(self.formula.domain)
        drawn = jax.tree.leaves(
            [domains.sample(domain, rng, TRIALS, np.float64)[n] for n in domain]
        )
        for trial in range(TRIALS):
            k = trial % len(self.parts)
            inequality, places = self.inequalities[k], self.parts[k].places
            one, two = (
                [float(drawn[leaf][t].reshape(-1)[j]) for leaf, j in places]
                for t in (trial, trial - 1)
            )
            two = [two[j] if j in inequality.own else x for j, x in enumerate(one)]
            one, two = list(map(min, one, two)), list(map(max, one, two))
            if not (self._inside(k, one) and self._inside(k, two)):
                continue
            way = rng.normal(size=len(inequality.own))
            way = (np.abs(way) if isinstance(self.fact, SLOPED) else way).tolist()
            witness = broken_at(inequality, one, way) or broken_between(inequality, one, two)
            if witness is not None:
                return witness
        return None
