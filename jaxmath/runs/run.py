"""A finished run, as the terminal, the report and a reader's own scripts see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxmath.config.errors import Exit
from jaxmath.config.study import SweepAxis
from jaxmath.runs.experiment import Claim, Outcome, Plot, Table


@dataclass(frozen=True)
class Run:
    """What a run produced, in memory or loaded from its folder.

    Attributes:
        name: the config's name.
        experiment: the experiment's name.
        title: the first sentence of the experiment's docstring.
        description: the rest of that docstring (Markdown-like paragraphs, TeX between dollars).
        topics: the rows of the mission that the experiment serves, such as ("C7", "O1").
        folder: where it lies on disk.
        config: the resolved config as a nested dict.
        axes: the sweep.
        claims: what was claimed and measured.
        tables: the experiment's tables; for a sweep, first the table of cells ("sweep": a row
            a cell, with mean, spread and confidence interval over seeds), then "failed lanes"
            where there are any.
        series: named arrays, leading axes those of the sweep.
        plots: pictures as data.
        params: trained parameters where the experiment measured "params", else None; nested dicts,
            tuples and arrays, leading axes those of the sweep.
        provenance: versions, git commit, device, dtype, seeds, compile and run seconds, ...
        smoke: whether it was a smoke run.
    """

    name: str
    experiment: str
    title: str
    description: str
    topics: tuple[str, ...]
    folder: Path
    config: Mapping[str, Any]
    axes: tuple[SweepAxis, ...] = ()
    claims: tuple[Claim, ...] = ()
    tables: tuple[Table, ...] = ()
    series: Mapping[str, Any] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    params: Any = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    smoke: bool = False

    def outcome(self, claim: Claim) -> Outcome:
        """How one of its claims ended."""
        return claim.outcome(self.smoke)

    @property
    def exit(self) -> Exit:
        """PASS if every claim passes (or is skipped in a smoke run), else FAIL."""
        good = {Outcome.PASS, Outcome.SKIPPED}
        return Exit.PASS if all(self.outcome(c) in good for c in self.claims) else Exit.FAIL
