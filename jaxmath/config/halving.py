"""Successive halving and Hyperband: which settings of a sweep run for how many rounds.

`[sweep.halving]` runs all settings for a few rounds, keeps the best of them by a metric, runs those
for `factor` times as many, and so on (Jamieson and Talwalkar, 2016). `[sweep.hyperband]` does so in
several brackets, which begin with fewer settings and more rounds (Li et al., 2018, algorithm 1).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxmath.config.document import show
from jaxmath.config.errors import theirs
from jaxmath.config.schema import Validation
from jaxmath.config.spelling import suggest
from jaxmath.config.study import SweepAxis, replace_path
from jaxmath.config.sweep_table import DESIGNS, METHODS, entries


class Rung(NamedTuple):
    """So many settings that have run for so many rounds, all in all, when they are compared."""

    settings: int
    rounds: int


@dataclass(frozen=True)
class Halving:
    """A way to drop settings of a sweep before their last round.

    Attributes:
        name: "halving", or "hyperband".
        metric: what of a round's records settings are compared by, as a mean over seeds.
        factor: of so many settings one is kept; eta in the literature.
        min_rounds: the least number of rounds before settings are compared.
        maximize: whether more is better.
        first: a path of the axis from which brackets take their settings in order.
    """

    name: str
    metric: str
    factor: int = 3
    min_rounds: int = 1
    maximize: bool = False
    first: str = ""

    def brackets(self, settings: int, rounds: int) -> tuple[tuple[Rung, ...], ...]:
        """The rungs of each bracket; together they begin with all settings.

        What is more than Hyperband asks for joins the first bracket, where settings are cheapest.
        """
        deepest = self._depth(rounds)
        if self.name == "halving":
            depth = min(deepest, _power(self.factor, settings))
            return (_bracket(settings, depth, rounds, self.factor),)
        sizes = self._sizes(deepest)
        sizes[0] += settings - sum(sizes)
        return tuple(
            _bracket(size, deepest - i, rounds, self.factor) for i, size in enumerate(sizes)
        )

    def least(self, rounds: int) -> int:
        """The fewest settings that there is something to drop from."""
        return self.factor if self.name == "halving" else sum(self._sizes(self._depth(rounds)))

    def _depth(self, rounds: int) -> int:
        return _power(self.factor, rounds // self.min_rounds)

    def _sizes(self, deepest: int) -> list[int]:
        """With how many settings each bracket of Hyperband begins."""
        return [-(-(deepest + 1) * self.factor**s // (s + 1)) for s in range(deepest, -1, -1)]


def _bracket(settings: int, depth: int, rounds: int, eta: int) -> tuple[Rung, ...]:
    return tuple(Rung(settings // eta**i, rounds // eta ** (depth - i)) for i in range(depth + 1))


def _power(base: int, number: int) -> int:
    """The largest power of a base that is not above a number, as its exponent."""
    exponent = 0
    while base ** (exponent + 1) <= number:
        exponent += 1
    return exponent


def read(
    config: Any, axes: tuple[SweepAxis, ...], module: Any, check: Validation
) -> Halving | None:
    """The method of the document's sweep, held against what is swept and against its experiment."""
    table = check.document.values.get("sweep", {})
    named = [name for name in ("optuna", *METHODS) if name in table]
    if len(named) > 1:
        told = f"`sweep.{named[0]}` and `sweep.{named[1]}` are two ways to choose settings"
        check.problem(("sweep", named[1]), told, "leave out one of them")
    if len(named) != 1 or named == ["optuna"]:
        return None
    (name,) = named
    before = len(check.problems)
    method = _method(name, table[name], check)
    if method is None or before:
        return None
    design = next((path for group, path, _ in entries(table) if group in DESIGNS), "")
    method = dataclasses.replace(method, first=design)
    for told, hint in _misfits(method, config, axes, module, check.document.values["experiment"]):
        check.problem(("sweep", name), told, hint)
    return method if len(check.problems) == before else None


def _method(name: str, given: Mapping[str, Any], check: Validation) -> Halving | None:
    place, before = ("sweep", name), len(check.problems)
    for key, value in given.items():
        where, told = (*place, key), f"`sweep.{name}.{key}` should be"
        if key not in KEYS:
            check.problem(where, f"unknown key `sweep.{name}.{key}`", suggest(key, KEYS))
        elif key == "metric" and not (isinstance(value, str) and value):
            hint = 'such as "test_loss"'
            check.problem(where, f"{told} what a round records, got {show(value)}", hint)
        elif key == "maximize" and not isinstance(value, bool):
            check.problem(where, f"{told} true or false, got {show(value)}")
        elif key in LEAST and not (type(value) is int and value >= LEAST[key]):
            check.problem(where, f"{told} a whole number from {LEAST[key]}, got {show(value)}")
    if "metric" not in given:
        hint = 'the name of what a round records, such as metric = "test_loss"'
        check.problem(place, f"`sweep.{name}` needs a metric", hint)
    return Halving(name, **given) if len(check.problems) == before else None


LEAST = {"factor": 2, "min_rounds": 1}
KEYS = ("metric", *LEAST, "maximize")
MORE_ROUNDS = "take a smaller min_rounds, or more rounds (in train: `records`)"


def _misfits(
    method: Halving, config: Any, axes: tuple[SweepAxis, ...], module: Any, experiment: str
) -> Iterator[tuple[str, str]]:
    """What makes a method senseless for a sweep, and what would be right."""
    name = f"`sweep.{method.name}`"
    if not hasattr(module, "rounds"):
        told = f"{name} compares settings between rounds, and the experiment {experiment} has none"
        yield told, "experiments with `begin`, `proceed` and `finish` have, such as train"
        return
    with theirs(experiment, "rounds"):
        counts = dict(_rounds(config, axes, module))
    if len(counts) > 1:
        path = next(filter(None, counts.values()))
        told = f"{name} compares settings after equal rounds, and `{path}` changes their number"
        yield told, "give it a single value"
        return
    (rounds,) = counts
    settings = math.prod(len(axis) for axis in axes if not axis.is_repeat)
    least = method.factor * method.min_rounds
    if rounds < least:
        told = f"{name} drops nothing with fewer rounds than {least}, min_rounds times factor"
        yield f"{told}, and there {'are' if rounds > 1 else 'is'} {rounds}", MORE_ROUNDS
    elif method.name == "hyperband" and not method.first:
        told = f"{name} takes its settings in the order of a design, and there is none"
        yield told, "such as [sweep.random] or [sweep.sobol]"
    elif settings < method.least(rounds):
        told = (
            f"{name} needs at least {method.least(rounds)} settings, and the sweep has {settings}"
        )
        if method.name == "hyperband":
            told += f" (for {rounds} rounds and factor {method.factor})"
            yield told, "take more settings, or a larger min_rounds"
        else:
            yield told, "take more settings, or a smaller factor"


def _rounds(config: Any, axes: tuple[SweepAxis, ...], module: Any) -> Iterator[tuple[int, str]]:
    """The number of rounds, and of each value of what is swept."""
    yield module.rounds(config), ""
    for axis in axes:
        for row in axis.values:
            for path, value in zip(axis.paths, row, strict=True):
                if path != "seed" and not isinstance(value, float):
                    yield module.rounds(replace_path(config, path, value)), path


def written(method: Halving) -> dict[str, Any]:
    """Its table, with what it leaves out."""
    return {key: getattr(method, key) for key in KEYS}
