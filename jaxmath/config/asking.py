"""Settings that Optuna asks for, a batch at a time, by what came of those before.

Their values are known at the end alone. Until then the axis has the ends of every range, so that a
bound of a field is seen to be kept or broken when the config is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxmath.config.document import Keys, dotted, show
from jaxmath.config.schema import Validation
from jaxmath.config.spelling import suggest
from jaxmath.config.study import SweepAxis
from jaxmath.config.sweep_table import ASKED, MAX_SEED, is_setting
from jaxmath.config.sweep_values import MAX_VALUES, Drawn, one_form

SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random")
FORMS = ("uniform", "loguniform")


class Space(NamedTuple):
    """From where to where a path is asked for, and whether evenly in its logarithm."""

    path: str
    low: float
    high: float
    log: bool

    @property
    def middle(self) -> float:
        """A number of it that is neither end."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2


@dataclass(frozen=True)
class Asking:
    """Which settings Optuna is asked for.

    Attributes:
        metric: what of a lane's results it goes by, as a mean over seeds.
        count: how many settings, all in all.
        batch: how many at a time: those of one program.
        sampler: by which of Optuna's samplers.
        seed: of the sampler.
        maximize: whether more is better.
        spaces: the paths.
    """

    metric: str = ""
    count: int = 0
    batch: int = 16
    sampler: str = "tpe"
    seed: int = 0
    maximize: bool = False
    spaces: tuple[Space, ...] = ()
    name = "optuna"


def asked(entries: Sequence[tuple[str, Keys, Any]], check: Validation) -> list[Any]:
    """The entries of [sweep.optuna] with values in place of what states them."""
    method = _method(check, entries)
    return [
        (path, keys, Drawn([space.low, space.high, *[space.middle] * method.count][: method.count]))
        if method and (space := next((s for s in method.spaces if s.path == path), None))
        else (path, keys, Drawn())
        for path, keys, _ in entries
    ]


def read(axes: tuple[SweepAxis, ...], module: Any, check: Validation) -> Asking | None:
    """The method of the document's sweep, held against what else is swept."""
    table = check.document.values.get("sweep", {}).get("optuna")
    if not isinstance(table, Mapping) or check.problems:
        return None
    place = ("sweep", "optuna")
    others = [axis.name for axis in axes if axis.paths != ("seed",)]
    given = [(path, (*place, path), raw) for path, raw in table.items()]
    method = _method(check, [one for one in given if not is_setting("optuna", one[0], one[2])])
    if method is None or not method.spaces:
        told = "`sweep.optuna` names nothing to vary"
        check.problem(
            place, told, 'such as "optimizer.learning_rate" = { loguniform = [1e-4, 1.0] }'
        )
    elif len(others) > 1:
        name = next(name for name in others if method.spaces[0].path not in name.split(" & "))
        told = f"`sweep.optuna` varies alone, beside seeds, and `{name}` is swept as well"
        check.problem(place, told, "give it a single value")
    elif hasattr(module, "survey"):
        check.problem(place, "`sweep.optuna` needs an experiment that is a program of JAX")
    return method


def written(method: Asking) -> dict[str, Any]:
    """Its settings, with what they leave out."""
    return {key: getattr(method, key) for key in ASKED}


def _method(check: Validation, entries: Sequence[tuple[str, Keys, Any]]) -> Asking | None:
    table = check.document.values["sweep"]["optuna"]
    given = {key: value for key, value in table.items() if is_setting("optuna", key, value)}
    before = len(check.problems)
    for key, (told, hint) in _wrong({"metric": None, "count": None, **given}).items():
        where = ("sweep", "optuna", key) if key in given else ("sweep", "optuna")
        check.problem(where, told, hint)
    spaces = [space for entry in entries if (space := _space(entry, check))]
    if len(check.problems) > before:
        return None
    return Asking(**given, spaces=tuple(spaces))


def _wrong(given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What is wrong with a setting, and what would be right."""
    found: dict[str, tuple[str, str]] = {}
    for key, value in given.items():
        told = f"`sweep.optuna.{key}` should be "
        if value is None:
            such = {"metric": 'metric = "test_loss"', "count": "count = 64"}[key]
            found[key] = f"`sweep.optuna` needs a {key}", f"such as {such}"
        elif key == "metric" and not isinstance(value, str):
            found[key] = f"{told}the name of a result, got {show(value)}", 'such as "test_loss"'
        elif key == "sampler" and value not in SAMPLERS:
            found[key] = f"{told}one of Optuna's, got {show(value)}", suggest(value, SAMPLERS)
        elif key == "maximize" and not isinstance(value, bool):
            found[key] = f"{told}true or false, got {show(value)}", ""
        elif key in ("count", "batch") and not (type(value) is int and 1 <= value <= MAX_VALUES):
            found[key] = f"{told}a whole number from 1 to {MAX_VALUES}, got {show(value)}", ""
        elif key == "seed" and not (type(value) is int and 0 <= value <= MAX_SEED):
            found[key] = f"{told}a whole number from 0 to {MAX_SEED}, got {show(value)}", ""
    batch = given.get("batch", Asking.batch)
    if not found and given["count"] % batch:
        told = f"{given['count']} is no multiple of {batch}, the settings of a batch"
        found["count"] = f"`sweep.optuna.count`: {told}", "then one program serves all batches"
    return found


def _space(entry: tuple[str, Keys, Any], check: Validation) -> Space | None:
    path, keys, raw = entry
    if not isinstance(raw, Mapping):
        told = f"`{dotted(keys)}` should be a range, got {show(raw)}"
        hint = suggest(keys[-1], ASKED, every=False) or "such as { loguniform = [1e-4, 1.0] }"
        check.problem(keys, told, hint)
        return None
    form = one_form(keys, raw, check, FORMS)
    if form is None:
        return None
    numbers = raw[form]
    right = isinstance(numbers, (list, tuple)) and [type(n) in (int, float) for n in numbers]
    if right != [True, True] or not numbers[0] < numbers[1]:
        told = f"`{dotted(keys)}`: {form} takes [low, high], got {show(numbers)}"
        check.problem((*keys, form), told)
    elif form == "loguniform" and numbers[0] <= 0:
        told = f"`{dotted(keys)}`: {form} takes its ends themselves, both > 0, got {show(numbers)}"
        check.problem((*keys, form), told)
    else:
        return Space(path, float(numbers[0]), float(numbers[1]), form == "loguniform")
    return None
