"""From a function and its domain to a verdict: points, answers, truth, and a search for the worst.

Answers in floats are cheap and are asked for at many points at once; the truth is asked for where
they look suspicious first, then where functions usually fail, then everywhere in turn. The search
starts from the worst and climbs in bit space.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jaxmath.verify import probes
from jaxmath.verify.answers import Answers, Asked
from jaxmath.verify.compare import describe
from jaxmath.verify.flat import Layout, layout
from jaxmath.verify.given import Given, QuestionError, as_formula
from jaxmath.verify.proven import _operations
from jaxmath.verify.reference import numerical
from jaxmath.verify.verdict import Convention, Finding, Verdict, told, worst

LIMIT = 64.0
"""The excess from which an answer is a fault."""

POINTS, BUDGET, SECONDS = 768, 400, 25.0
"""Points in floats; points at which the truth is asked; seconds for all of them."""

WORK = 4e6
"""How many elementary operations in balls are spent on one function."""

EXPLAINED = 4
"""Of how many faults of one kind the cause is looked for."""

COLUMNS, OUTPUTS = 8, 8
"""How many coordinates and results of one point are judged, the suspicious first."""


def examine(
    function: Given,
    *,
    domain: Mapping[str, Any] | None = None,
    wrt: tuple[str, ...] | str | None = None,
    dtype: DTypeLike = np.float64,
    points: Mapping[str, Any] | None = None,
    budget: int = BUDGET,
    seconds: float = SECONDS,
    seed: int = 0,
    analytic: Mapping[str, Callable[..., Any]] | None = None,
    twins: tuple[Any, ...] = (),
    stop_gradients: bool = False,
    convention: Convention | None = None,
    limit: float = LIMIT,
) -> Verdict:
    """Judge the value and every first derivative of a function by the truth.

    Args:
        function: a Formula, or any function of one example.
        domain: the set of each argument, by name; by default the reals where the value is finite.
        wrt: the arguments to differentiate in; by default all that can be, () for the value alone.
        dtype: the precision that is judged.
        points: points to look at first, by argument along axis 0, such as worst ones known before.
        budget: at how many points the truth is asked, fewer of large programs.
        seconds: after which no more is asked; how far it came is said.
        seed: of points and search.
        analytic: partial derivatives in closed form, by argument.
        twins: high-precision meanings of functions called inside (`jaxmath.exact.Twin`).
        stop_gradients: whether stop_gradient is meant to make constants.
        convention: which slope is meant at kinks; by default any subgradient is right.
        limit: the excess from which an answer is a fault.
    """
    formula, assumed = as_formula(function, domain)
    if analytic:
        formula = dataclasses.replace(formula, partials=dict(analytic))
    wrt = (wrt,) if isinstance(wrt, str) else wrt
    with jax.enable_x64(True), np.errstate(all="ignore"):
        return _Examination(
            formula, assumed, wrt, np.dtype(dtype), budget, seconds, seed, twins, stop_gradients,
            convention, limit,
        ).verdict(points)  # fmt: skip


class _Examination:
    def __init__(
        self, formula, assumed, wrt, dtype, budget, seconds, seed, twins, stopped, convention, limit
    ):
        from jaxmath.exact import Missing
        from jaxmath.exact.own import TWINS
        from jaxmath.verify.judging import Judge, _number, point_of

        self.formula, self.assumed, self.dtype, self.limit = formula, assumed, dtype, limit
        self.slopes, self.convention = wrt != (), convention
        self.lay: Layout = layout(formula, wrt or None)
        self.asked = Asked(formula, self.lay, self.slopes)
        self.point_of, self.missing, self.number = point_of, Missing, _number
        self.deadline = time.monotonic() + seconds
        self.rng = np.random.default_rng(seed)
        self.args = probes.candidates(formula, dtype, POINTS, seed)
        if len(jax.tree.leaves(self.args)[0]) == 0:
            raise QuestionError(f"No point was found in the domain of {formula.name}.")
        self.judge = Judge(formula, self.lay, self._point(0), (*twins, *TWINS), limit, stopped)
        each = max(_operations(self.judge.program.jaxpr), 1) * (1 + min(self.lay.size, COLUMNS))
        self.budget = int(np.clip(WORK / each, min(24, budget), budget))
        self.findings: list[Finding] = []
        self.errors: list[tuple[Any, ...]] = []
        self.scores: dict[int, float] = {}
        self.counts: Counter[str] = Counter()
        self.proofs: Counter[str] = Counter()
        self.reference = "exact arithmetic"

    def _point(self, index):
        return self.point_of(self.args, self.formula.arguments, index)

    def verdict(self, first) -> Verdict:
        if first is not None:
            given = {n: jax.tree.map(np.asarray, first[n]) for n in self.formula.arguments}
            self.args = _joined(_cast(given, self.args), self.args)
        self.answers = self.asked(self.args)
        self._refused()
        self._edges()
        judged = 0
        try:
            order = self._order(0 if first is None else len(jax.tree.leaves(first)[0]))
            most = max(self.budget * 3 // 4, 1)
            for index in order[:most]:
                self._judge(int(index))
                judged += 1
                if time.monotonic() > self.deadline:
                    break
            judged += self._climb(self.budget - most)
        except self.missing as missing:
            self.reference = f"numerical, not proven ({str(missing).split(';')[0]})"
            judged = self._numerically()
        few = worst(self.findings, EXPLAINED)
        kept = [self._explained(f) if f.fault else f for f in few]
        total = sum(self.proofs.values()) or 1
        return Verdict(
            name=self.formula.name,
            domain=describe(self.formula),
            assumed=self.assumed,
            dtype=self.dtype.name,
            findings=told(kept),
            counts=dict(self.counts),
            shares={k: self.proofs[k] / total for k in ("proven", "estimated", "undecided")},
            points=len(self.answers.value),
            judged=judged,
            reference=self.reference,
            data=self._data(),
        )

    # Which points.

    def _order(self, given: int) -> np.ndarray:
        """Given points first, then suspicious and special ones in turns."""
        a = self.answers
        score = np.zeros(len(a.value))
        fine = np.isfinite(a.value).all(axis=1)
        score += np.where(np.isnan(a.value).any(axis=1), 3.0, 0.0)
        modes = [m.reshape(len(m), -1) for m in a.first.values()]
        for mode in modes:
            score += np.where(fine & ~np.isfinite(mode).all(axis=1), 4.0, 0.0)
            score += np.where(fine & (mode == 0).any(axis=1), 1.0, 0.0)
            gap = np.abs(mode - modes[0]) > 1e-6 * np.abs(modes[0])
            score += np.where(gap.any(axis=1), 2.0, 0.0)
        if self.dtype.itemsize < 8:
            wide = self.asked.wide(self.args)
            for narrow, other in ((a.value, wide.value), *zip(modes, (
                m.reshape(len(m), -1) for m in wide.first.values()), strict=True)):  # fmt: skip
                gap = np.abs(narrow - other) > 1e-3 * np.abs(other)
                score += np.where((gap | np.isnan(narrow) & ~np.isnan(other)).any(axis=1), 3.0, 0.0)
        score[:given] = np.inf
        suspicious = np.argsort(-score, kind="stable")
        return _interleaved(suspicious, np.arange(len(score)), self._edge_points())

    def _edge_points(self) -> np.ndarray:
        return np.arange(self.first_edge, len(self.answers.value))

    def _edges(self) -> None:
        """Points on both sides of where answers become NaN, infinite or zero, by bisection."""
        self.first_edge = len(self.answers.value)
        theta, fixed = self.lay.flatten(self.args)
        kinds = _classes(self.answers)
        finite = np.flatnonzero(np.isfinite(theta).all(axis=1))
        if self.lay.size == 1:
            row = finite[np.argsort(theta[finite, 0], kind="stable")]
            pairs = np.stack([row[:-1], row[1:]], axis=1)
        else:
            pairs = self.rng.choice(finite, (256, 2)) if len(finite) else np.zeros((0, 2), int)
        for leaf in jax.tree.leaves(fixed):  # labels stay the same between the two
            rows = leaf.reshape(len(leaf), -1)
            pairs = pairs[(rows[pairs[:, 0]] == rows[pairs[:, 1]]).all(axis=1)]
        pairs = pairs[(kinds[pairs[:, 0]] != kinds[pairs[:, 1]]).any(axis=1)][:96]
        if len(pairs) == 0:
            return
        low, high = (probes.bits_of(theta[pairs[:, k]]) for k in (0, 1))
        at_low = kinds[pairs[:, 0]]
        for _ in range(8 * self.dtype.itemsize + 2):
            middle = low // 2 + high // 2 + (low % 2 + high % 2) // 2
            if ((middle == low) | (middle == high)).all():
                break
            args = self._with(pairs[:, 0], probes.of_bits(middle, self.dtype))
            moved = (_classes(self.asked(args)) != at_low).any(axis=1)[:, None]
            low, high = np.where(moved, low, middle), np.where(moved, middle, high)
        for bits in (low, high):
            self._add(self._with(pairs[:, 0], probes.of_bits(bits, self.dtype)))

    def _with(self, index, theta) -> dict[str, Any]:
        """The points of an index with other coordinates; subnormal ones become zero."""
        tiny = float(jnp.finfo(self.dtype).tiny)
        theta = np.where(np.abs(theta) < tiny, 0, theta).astype(self.dtype)
        args = jax.tree.map(lambda leaf: leaf[index], self.args)
        for name in self.lay.wrt:
            k = self.lay.wrt.index(name)
            block, leaves, start = theta[:, self.lay.columns(name)], [], 0
            for shape in self.lay.shapes[k]:
                stop = start + math.prod(shape)
                leaves.append(block[:, start:stop].reshape(len(block), *shape))
                start = stop
            args[name] = jax.tree.unflatten(self.lay.structures[k], leaves)
        return args

    def _add(self, args) -> np.ndarray:
        """Take in new points of the domain; returns their places."""
        args = probes.kept(self.formula, self._inside(args))
        start, count = len(self.answers.value), len(jax.tree.leaves(args)[0])
        if count:
            more = self.asked(args)
            self.args = _joined(self.args, args)
            self.answers = Answers(
                np.concatenate([self.answers.value, more.value]),
                {w: np.concatenate([a, more.first[w]]) for w, a in self.answers.first.items()},
            )
        return np.arange(start, start + count)

    def _inside(self, args):
        from jaxmath import domains

        names = self.formula.arguments
        check = jax.vmap(
            lambda *a: domains.contains(dict(self.formula.domain), dict(zip(names, a, strict=True)))
        )
        inside = np.asarray(check(*(args[n] for n in names)))
        return jax.tree.map(lambda leaf: leaf[np.flatnonzero(inside)], args)

    # Judging.

    def _judge(self, index: int) -> float:
        """Judge all answers at one point; returns the largest excess."""
        point, a = self._point(index), self.answers
        if not self.judge.known(point):
            self.counts["undecided"] += 1
            self.proofs["undecided"] += 1
            return 0.0
        columns, outputs = self._chosen(index)
        found = self.judge.truth(point, columns)
        largest = 0.0
        for r in outputs:
            answer = float(a.value[index, r])
            said = self._dtype_cost(point, r, self.judge.value(point, found, r, answer))
            largest = max(largest, self._note(index, "the program", "", 0, (r,), answer, said))
            for k, column in enumerate(columns if self.slopes else []):
                argument = self._argument(column)
                for who, jacobian in a.first.items():
                    if (who, argument) in self.asked.silent:
                        continue
                    answer = float(jacobian[index, r, column])
                    said = self.judge.derivative(point, found, k, column, r, answer)
                    place = (r, column - self.lay.columns(argument).start)
                    largest = max(largest, self._note(index, who, argument, 1, place, answer, said))
        self.scores[index] = largest
        return largest

    def _chosen(self, index: int):
        """The coordinates and results to judge at a point."""
        size, count = self.lay.size, self.answers.value.shape[1]
        odd = np.zeros((count, size))
        for jacobian in self.answers.first.values():
            odd += ~np.isfinite(jacobian[index]) * 4.0 + (jacobian[index] == 0) * 1.0
        odd += self.rng.uniform(0, 0.5, odd.shape)
        columns = sorted(np.argsort(-odd.max(axis=0))[:COLUMNS].tolist())
        outputs = sorted(np.argsort(-odd.max(axis=1))[:OUTPUTS].tolist())
        return columns, outputs

    def _argument(self, column: int) -> str:
        return next(n for n in self.lay.wrt if column < self.lay.columns(n).stop)

    def _dtype_cost(self, point, r, said):
        """A value that the dtype's own constants spoil, although float64 has one."""
        if self.dtype.itemsize == 8 or said["truth"] != "nan":
            return said
        from jaxmath.exact import evaluate, trace
        from jaxmath.verify.answers import as_dtype_tree

        wide = tuple(as_dtype_tree(p, np.float64) for p in point)
        value = evaluate(trace(self.formula.fn, *wide), wide).flat[r]
        if value.proof != "proven" or not math.isfinite(float(value)):
            return said
        words = f"the same program in float64 has the value {value.decimal(12)}"
        return dict(said, kind="cost of the dtype", excess=math.inf, note=words)

    def _note(self, index, who, argument, order, place, answer, said) -> float:
        if said["kind"] == "kink" and self.convention not in (None, *said["conventions"]):
            words = f"{said['note']}, declared: {self.convention}"
            said = dict(said, kind="another convention", note=words)
        self.counts[said["kind"]] += 1
        self.proofs["estimated" if said["proof"] == "assumed" else said["proof"]] += 1
        said = {"ulps": math.nan, "excess": math.nan, **said}
        column = self.lay.columns(argument).start + place[1] if order else 0
        self.errors.append((who, argument, order, index, column, said["ulps"], said["excess"]))
        if said["kind"] in ("exact to rounding", "out of range", "ill-conditioned as expected"):
            return said["excess"] if math.isfinite(said["excess"]) else 0.0
        point = dict(zip(self.formula.arguments, self._point(index), strict=True))
        finding = Finding(
            who=who, argument=argument, order=order, place=place, point=point, answer=answer, **said
        )
        self.findings.append(finding)
        return finding.excess if math.isfinite(finding.excess) else 0.0

    def _data(self) -> dict[str, np.ndarray]:
        """What was judged: by whom, at which number of the argument, and how far off."""
        names = ("who", "argument", "order", "point", "column", "ulps", "excess")
        columns = zip(*self.errors, strict=True) if self.errors else ((),) * len(names)
        data = {name: np.array(c) for name, c in zip(names, columns, strict=True)}
        theta, _ = self.lay.flatten(self.args)
        data["x"] = theta[data["point"].astype(int), data.pop("column").astype(int)]
        if self.lay.size > 1:  # a value belongs to no one of several coordinates
            data["x"] = np.where(data["order"] == 0, np.nan, data["x"])
        return data

    def _refused(self) -> None:
        until = time.monotonic() + 4.0
        for argument, reason in self.asked.refused.items():
            self.counts["not available"] += 1
            own = self.lay.columns(argument).start
            truth, at = "not decided", 0
            for at in range(min(len(self.answers.value), 40)):
                if time.monotonic() > until:
                    break
                if not np.isfinite(self.answers.value[at]).all():
                    continue
                try:
                    found = self.judge.truth(self._point(at), [own])
                except self.missing:
                    break
                if found.behaviour[0, 0] == "smooth":
                    truth = found.right[1, 0, 0].decimal()
                    break
            point = dict(zip(self.formula.arguments, self._point(at), strict=True))
            self.findings.append(
                Finding(
                    kind="not available",
                    who="all",
                    argument=argument,
                    order=1,
                    place=(0, 0),
                    point=point,
                    answer=math.nan,
                    truth=truth,
                    ulps=math.inf,
                    excess=math.inf,
                    proof="proven",
                    note=reason,
                )
            )

    # Searching.

    def _climb(self, budget: int) -> int:
        """Move the worst points by bits, keep what is worse; returns how many were judged."""
        used = 0
        theta, _ = self.lay.flatten(self.args)
        best = sorted(self.scores, key=lambda i: -self.scores[i])[:6]
        best = [i for i in best if np.isfinite(theta[i]).all() and self.scores[i] > 0]
        while used < budget and best and time.monotonic() < self.deadline:
            bits = probes.bits_of(self.lay.flatten(self.args)[0][best])
            room = 8 * self.dtype.itemsize - 10
            steps = np.exp2(self.rng.uniform(0, room, bits.shape)).astype(np.int64)
            steps *= self.rng.choice([-1, 1], bits.shape)
            steps *= self.rng.random(bits.shape) < max(0.5, 1 / bits.shape[1])
            moved = probes.of_bits(bits + steps, self.dtype)
            keep = np.isfinite(moved).all(axis=1)
            added = self._add(self._with(np.array(best)[keep], moved[keep]))
            if len(added) == 0:
                used += 1
                continue
            for index in added[: budget - used]:
                self._judge(int(index))
                used += 1
            ranked = sorted(self.scores, key=lambda i: -self.scores[i])
            best = [i for i in ranked[:6] if self.scores[i] > 0]
        return used

    # Words.

    def _explained(self, finding: Finding) -> Finding:
        if finding.kind in ("not available", "cost of the dtype") or "numer" in self.reference:
            return finding
        point = tuple(finding.point[name] for name in self.formula.arguments)
        column = 0
        if finding.order:
            column = self.lay.columns(finding.argument).start + finding.place[1]
        finding = self.judge.explained(finding, point, column)
        args = {n: jax.tree.map(lambda x: np.asarray(x)[None], v) for n, v in finding.point.items()}
        if finding.order and finding.kind in ("inaccurate", "vanished"):
            finding = self._isolated(finding, args, column)
        if self.dtype.itemsize < 8 and finding.kind in (
            "inaccurate",
            "vanished",
            "NaN or infinite",
        ):
            wide = self.asked.wide(args)
            rows = wide.first.get(finding.who)
            answer = wide.value[0] if not finding.order else np.asarray(rows)[0][:, column]
            truth = self.number(finding.truth)
            near = abs(float(np.ravel(answer)[finding.place[0]]) - truth) <= 1e-6 * abs(truth)
            finding = dataclasses.replace(finding, dtype_alone=bool(near))
        return finding

    def _isolated(self, finding: Finding, args, column: int) -> Finding:
        """A derivative that is wrong at one point alone, and right next to it."""
        theta, _ = self.lay.flatten(args)
        bits = probes.bits_of(theta)
        steps = np.repeat([[8], [-8], [1 << 12], [-(1 << 12)]], theta.shape[1], axis=1)
        near = np.where(theta == 0, np.sign(steps) * 1e-3, 0) if (theta == 0).any() else 0
        moved = probes.of_bits(bits + steps, self.dtype) if np.ndim(near) == 0 else (
            np.where(theta == 0, near, probes.of_bits(bits + steps, self.dtype)))  # fmt: skip
        args = jax.tree.map(lambda leaf: np.repeat(leaf, 4, axis=0), args)
        kept, self.args = self.args, args
        said = self.asked(self._with(np.arange(4), moved.astype(self.dtype)))
        self.args = kept
        answers = said.first[finding.who][:, finding.place[0], column]
        truth = self.number(finding.truth)
        off = abs(finding.answer - truth) > 0.05 * abs(truth)
        if off and (np.abs(answers - truth) <= 0.02 * abs(truth)).sum() >= 3:
            words = f"next to it the answers are right, such as {answers[0]:.6g}"
            return dataclasses.replace(finding, kind="smooth but treated as a kink", note=words)
        return finding

    def _numerically(self) -> int:
        """The numerical reference, where a primitive has no exact rule: only gross faults."""
        theta, _ = self.lay.flatten(self.args)
        finite = np.isfinite(np.concatenate([theta, self.answers.value], axis=1))
        usable = np.asarray(finite.all(axis=1))
        order = [i for i in self._order(0) if usable[i]][: max(96 // self.lay.size, 6)]
        if not order or not self.slopes:
            return 0
        index = np.array(order)
        args = jax.tree.map(lambda leaf: leaf[index], self.args)
        first, _ = numerical(self.formula, args, self.lay.wrt, False)
        for p, i in enumerate(index.tolist()):
            for r, column in np.ndindex(*first.value.shape[1:]):
                truth, bar = first.value[p, r, column], first.error[p, r, column]
                if not np.isfinite(bar):
                    self.proofs["undecided"] += 1
                    self.counts["undecided"] += 1
                    continue
                argument = self._argument(column)
                place = (r, column - self.lay.columns(argument).start)
                for who, jacobian in self.answers.first.items():
                    answer = float(jacobian[i, r, column])
                    told = dict(truth=f"{truth:.12g} ± {bar:.1g}", proof="estimated")
                    gap = abs(answer - truth)
                    if not math.isfinite(answer):
                        told |= dict(kind="NaN or infinite", ulps=math.inf, excess=math.inf)
                    elif gap > 1e3 * bar + 1e-4 * abs(truth):
                        told |= dict(kind="inaccurate", ulps=math.nan, excess=float(gap / bar))
                    else:
                        told |= dict(kind="exact to rounding")
                    self._note(i, who, argument, 1, place, answer, told)
        return len(index)


def _classes(a: Answers) -> np.ndarray:
    """Whether each answer is NaN, infinite, zero, or an ordinary number."""
    every = [a.value, *(m.reshape(len(m), -1) for m in a.first.values())]
    both = np.concatenate(every, axis=1)[:, :64]
    return np.isnan(both) * 3 + np.isinf(both) * 2 + (both == 0) * 1


def _joined(one, two):
    return {name: jax.tree.map(lambda a, b: np.concatenate([a, b]), one[name], two[name])
            for name in two}  # fmt: skip


def _cast(given, like):
    return {name: jax.tree.map(lambda a, b: a.astype(b.dtype), given[name], like[name])
            for name in like}  # fmt: skip


def _interleaved(*orders: np.ndarray) -> np.ndarray:
    """One after the other from each order, each point once."""
    length = max(map(len, orders))
    rows = [np.pad(o, (0, length - len(o)), constant_values=-1) for o in orders]
    flat = np.stack(rows, axis=1).ravel()
    flat = flat[flat >= 0]
    return flat[np.sort(np.unique(flat, return_index=True)[1])]
