"""A run in a store of MLflow: a run there for all of it, and below it one for each lane."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxmath.config.errors import InputError, Problem
from jaxmath.runs.files import disk
from jaxmath.runs.lanes import Lane, lanes, moment, settings, steps
from jaxmath.runs.run import Run

BATCH = 1000
"""As many metrics a call may bring; of parameters a tenth."""

LONGEST = 6000
"""Characters of a parameter's value that MLflow keeps."""


def log(run: Run, folder: Path | None) -> str:
    """Log a run, into a database below `folder` or where MLflow's own settings say; its id there.

    Raises:
        InputError: MLflow is not installed, or refuses the run.
    """
    # Nothing leaves the machine that nobody asked for.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow.exceptions import MlflowException  # pyright: ignore[reportMissingImports]
        from mlflow.tracking import MlflowClient  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        hint = "pip install 'jaxmath[mlflow]'"
        raise InputError(Problem(f"MLflow cannot be loaded: {error}", hint=hint)) from error
    uri = None
    if folder is not None:
        with disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
    try:
        return _logged(MlflowClient(tracking_uri=uri), run, folder)
    except (MlflowException, ImportError) as error:
        raise InputError(f"MLflow does not take it: {str(error).splitlines()[0]}") from error


def _logged(client: Any, run: Run, folder: Path | None) -> str:
    experiment = _experiment(client, run.name, folder)
    tags = {"mlflow.runName": run.folder.name, "jaxmath.exit": run.exit.name}
    whole = client.create_run(experiment, int(1000 * moment(run)), tags).info.run_id
    report = run.folder / "report.html"
    if report.is_file():
        client.log_artifact(whole, str(report))
    every = list(lanes(run))
    if not run.axes:
        _lane(client, whole, run, every[0])
        return whole
    _params(client, whole, settings(run, Lane(0, {}, {}, {})))
    for lane in every:
        tags = {"mlflow.runName": lane.name, "mlflow.parentRunId": whole}
        below = client.create_run(experiment, int(1000 * moment(run)), tags).info.run_id
        _lane(client, below, run, lane)
    client.set_terminated(whole, "FINISHED", int(1000 * moment(run)))
    return whole


def _experiment(client: Any, name: str, folder: Path | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    place = None if folder is None else (folder / "artifacts").resolve().as_uri()
    return client.create_experiment(name, artifact_location=place)


def _lane(client: Any, identifier: str, run: Run, lane: Lane) -> None:
    from mlflow.entities import Metric  # pyright: ignore[reportMissingImports]

    _params(client, identifier, settings(run, lane))
    when = int(1000 * moment(run))
    at = steps(run).tolist()
    numbers = [
        Metric(_allowed(name), float(value), when, int(step))
        for name, curve in lane.curves.items()
        for step, value in zip(at, curve.tolist(), strict=True)
    ]
    last = int(at[-1]) if at else 0
    numbers += [
        Metric(_allowed(name), float(value), when, last)
        for name, value in lane.metrics.items()
        if name not in lane.curves
    ]
    for start in range(0, len(numbers), BATCH):
        client.log_batch(identifier, metrics=numbers[start : start + BATCH])
    client.set_terminated(identifier, "FINISHED", when)


def _params(client: Any, identifier: str, values: Mapping[str, Any]) -> None:
    from mlflow.entities import Param  # pyright: ignore[reportMissingImports]

    params = [Param(_allowed(name), str(value)[:LONGEST]) for name, value in values.items()]
    for start in range(0, len(params), BATCH // 10):
        client.log_batch(identifier, params=params[start : start + BATCH // 10])


def _allowed(name: str) -> str:
    """A name with the characters that MLflow lets through."""
    return re.sub(r"[^\w\-. ]", "_", name)
