"""A study: one experiment, its validated config, and the axes along which it is repeated.

Plain data between reading a config and running it; nothing here imports jax.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmath.config.asking import Asking
    from jaxmath.config.halving import Halving


@dataclass(frozen=True)
class SweepAxis:
    """One axis of a sweep: a dotted path with its values, or several paths varied together.

    `paths` holds one dotted path of the config, such as "optimizer.learning_rate" or "seed", or
    several for a zip; `values[i]` holds the i-th value of each path.
    """

    paths: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        """The path, or the paths of a zip joined by " & "."""
        return " & ".join(self.paths)

    @property
    def is_fold(self) -> bool:
        """Whether it goes through the folds of a cross-validation."""
        return len(self.paths) == 1 and self.paths[0].endswith("split.fold")

    @property
    def is_repeat(self) -> bool:
        """Whether it repeats every setting: with other seeds, or on other folds."""
        return self.paths == ("seed",) or self.is_fold

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Study:
    """All that a run needs to know, validated.

    Attributes:
        experiment: the experiment's name, such as "train".
        module: the experiment's module: Config, load, measure, judge and perhaps draw.
        config: an instance of the module's Config: the values of the file, without the sweep.
        axes: the sweep, in the order of the file; empty for a single run. A seed axis has the
            path "seed"; all other paths are fields of the config.
        seed: the seed where the sweep has none.
        precision: "float64" or "float32".
        smoke: whether the [smoke] overrides are in force.
        source: the config file, or None for a study from Python.
        resolved: the complete values as a nested dict, ready to be written as TOML; running it
            again gives the same study.
        overrides: the `path=value` words of the command line, as given.
        method: how settings are dropped before their last round, or asked for; None where all are
            known beforehand and run to the end.
    """

    experiment: str
    module: ModuleType
    config: Any
    axes: tuple[SweepAxis, ...] = ()
    seed: int = 0
    precision: str = "float64"
    smoke: bool = False
    source: Path | None = None
    resolved: dict[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    method: Halving | Asking | None = None

    @property
    def name(self) -> str:
        """The name of the run folder's parent: the config's, or the experiment's."""
        return self.source.stem if self.source else self.experiment


def get_path(config, path: str):
    """The value at a dotted path of nested dataclasses."""
    for part in path.split("."):
        config = getattr(config, part)
    return config


def replace_path(config, path: str, value):
    """A copy of nested frozen dataclasses with the value at a dotted path replaced."""
    head, _, rest = path.partition(".")
    if rest:
        value = replace_path(getattr(config, head), rest, value)
    return dataclasses.replace(config, **{head: value})
