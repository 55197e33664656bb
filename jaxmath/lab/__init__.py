"""The lab: a config file becomes trainings, claims, pictures and a folder that someone can read.

``run("x.toml") -> Run`` does what `jaxmath run` does, without the terminal; ``load(folder)`` reads
a finished run back, ``resume(folder)`` goes on with one that is not; ``load_params(folder, like)``
hangs its trained parameters into your pytree. A notebook shows a run with its claims and figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxmath.runs.run import Run


def run(
    config: Path | str,
    overrides: tuple[str, ...] | list[str] = (),
    smoke: bool = False,
    out: Path | str | None = None,
) -> Run:
    """Run a config file with overrides such as "steps=100", and write its folder below `out`.

    Raises `InputError` with every problem of the config, `ExperimentError` where the experiment's
    own code raised, `StorageError` where the folder cannot be written.
    """
    from jaxmath.config import reading
    from jaxmath.lab import session
    from jaxmath.report import notebook

    study = reading.read(Path(config), tuple(overrides), smoke)
    return notebook.shown(session.run(study, out, quiet=True))


def resume(folder: Path | str) -> Run:
    """Go on with a run where it was interrupted; what comes out is the same, bit for bit.

    Raises what `run` does, and `LockedError` where another process is at work on it.
    """
    from jaxmath.lab import session
    from jaxmath.report import notebook

    return notebook.shown(session.resume(folder, quiet=True))


def load(folder: Path | str) -> Run:
    """Read a finished run from its folder."""
    from jaxmath.report import notebook
    from jaxmath.runs import store

    return notebook.shown(store.load(folder))


def load_params(folder: Path | str, like: Any = None) -> Any:
    """The trained parameters of a run: nested dicts, or hung into a pytree like yours."""
    from jaxmath.runs import store

    return store.load_params(folder, like)


def plot(found: Any) -> Any:
    """Pictures of a verdict or a report of `jaxmath.verify`, for a notebook: where errors lie.

    `files` of what is returned holds them as SVG and PNG, by name.
    """
    from jaxmath.examine.verdict_plots import plots
    from jaxmath.report.pictures import Pictures

    return Pictures(plots(found))
