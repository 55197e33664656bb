"""`jaxmath export`: a run for another program."""

from __future__ import annotations

from pathlib import Path

from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.runs import mlflow_store, tensorboard, tidy
from jaxmath.runs.comparison import finished

FORMATS = ("csv", "tensorboard", "mlflow")


def export(run: Path | str, to: str, out: Path | str | None = None) -> str:
    """Write a finished run in a format, and say where.

    Raises:
        InputError: there is no such run or format, or MLflow is not installed.
    """
    if to not in FORMATS:
        raise InputError(
            Problem(f"there is no format {show(to)}", hint=suggest(to, FORMATS), text=f"--to {to}")
        )
    found = finished(run)
    if to == "mlflow":
        identifier = mlflow_store.log(found, Path(out) if out else None)
        return f"MLflow has it as run {identifier}" + (f", in {out}/mlflow.db" if out else "")
    folder = Path(out) if out else Path(run) / to
    writer = tidy.write_csv if to == "csv" else tensorboard.write_events
    written = writer(found, folder)
    if to == "csv":
        return "\n".join(f"written: {path}" for path in written)
    return f"{len(written):,} event file{'s' * (len(written) > 1)}: tensorboard --logdir {folder}"
