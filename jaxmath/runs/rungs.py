"""The table of a sweep by halving: what was compared at each rung, and what all of it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxmath.config.halving import Halving, Rung
from jaxmath.config.study import Study
from jaxmath.runs.experiment import Table
from jaxmath.runs.sweep import grid

NAMES = {"halving": "Successive halving", "hyperband": "Hyperband"}


class Compared(NamedTuple):
    """The settings of a bracket at a rung by number, the best first, with their values."""

    bracket: int
    step: int
    rung: Rung
    kept: int
    settings: np.ndarray
    values: np.ndarray


def table(study: Study, method: Halving, compared: Sequence[Compared], rounds: int) -> Table:
    """A row a rung, bracket by bracket."""
    rows = sorted(compared, key=lambda row: (row.bracket, row.step))
    swept = grid([axis for axis in study.axes if not axis.is_repeat])
    best = [int(row.settings[0]) for row in rows]
    sign = -1.0 if method.maximize else 1.0
    columns = {
        "bracket": [row.bracket + 1 for row in rows],
        "rung": [row.step + 1 for row in rows],
        "rounds": [row.rung.rounds for row in rows],
        "settings": [row.rung.settings for row in rows],
        "kept": [row.kept for row in rows],
        f"best {method.metric}": [sign * float(row.values[0]) for row in rows],
        **{f"best {path}": [values[i].item() for i in best] for path, values in swept.items()},
    }
    if len({row.bracket for row in rows}) == 1:
        del columns["bracket"]
    return Table("rungs", said(method, len(next(iter(swept.values()))), rounds), columns)


def said(method: Halving, settings: int, rounds: int) -> str:
    """What a sweep takes by a method, in a sentence."""
    taken, whole = work(method, settings, rounds), settings * rounds
    return (
        f"{NAMES[method.name]} by {method.metric}: {taken:,} rounds for each seed, "
        f"{taken / whole:.1%} of the {whole:,} of all {settings:,} settings to the end"
    )


def work(method: Halving, settings: int, rounds: int) -> int:
    """How many rounds of one lane a sweep takes for each seed."""
    taken = 0
    for rungs in method.brackets(settings, rounds):
        before = 0
        for rung in rungs:
            taken += rung.settings * (rung.rounds - before)
            before = rung.rounds
    return taken
