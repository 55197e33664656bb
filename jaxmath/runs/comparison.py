"""Several runs beside each other, as data: configs, metrics, claims, arrays, what to expect."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxmath.config.errors import Exit, InputError, Problem
from jaxmath.runs import encoding, estimates, files, store
from jaxmath.runs.agreement import agreements
from jaxmath.runs.expectation import Expectation, expectation
from jaxmath.runs.experiment import Claim
from jaxmath.runs.run import Run

FORMAT = 1
"""The version of the JSON."""

ABSENT = "(absent)"
"""What stands for a value that a config does not have."""


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other; all tuples with an entry a run are in the order of `runs`.

    Attributes:
        runs: the runs; the first is the one that the others are held against.
        settings: what the configs say at each dotted path where they differ.
        metrics: means, intervals and differences.
        claims: by name, the claim of each run that makes it.
        expectations: for each run but the first, what to expect of its arrays, and what came of it.
    """

    runs: tuple[Run, ...]
    settings: Mapping[str, tuple[Any, ...]]
    metrics: tuple[estimates.Row, ...]
    claims: Mapping[str, tuple[Claim | None, ...]]
    expectations: tuple[Expectation, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """A, B, C ...; numbers where there are more runs than letters."""
        count = len(self.runs)
        letters = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count])
        return letters if len(letters) == count else tuple(str(i + 1) for i in range(count))


def finished(folder: Path | str) -> Run:
    """A finished run by its folder.

    Raises:
        InputError: it is none, with what it is instead.
    """
    folder = Path(folder)
    if not folder.is_dir():
        told = "it is a file" if folder.exists() else "there is no such folder"
        raise InputError(Problem(f"{folder} is no finished run: {told}"))
    if (status := files.outcome(folder)) not in (Exit.PASS.name, Exit.FAIL.name):
        told = f"its STATUS says {status[:20]}" if status else "STATUS is missing"
        inside = sorted(p.parent for p in folder.glob("*/STATUS"))
        hint = f"it holds runs; name one, such as {inside[-1]}" if inside else ""
        if (folder / "plan.json").is_file():
            hint = f"jaxmath resume {folder} goes on with it"
        raise InputError(Problem(f"{folder} is no finished run: {told}", hint=hint))
    try:
        run = store.load(folder)
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{folder} cannot be read as a run: {error}.") from error
    # What was resumed has several surroundings, and its plan knows them all.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        sessions = encoding.read_json(folder / "plan.json")["sessions"]
        return replace(run, provenance={**run.provenance, "sessions": sessions})
    return run


def read(folders: Sequence[Path | str]) -> Comparison:
    """Compare the runs of these folders; every folder that is no finished run is told at once."""
    if len(folders) < 2:
        raise InputError(Problem("it takes two runs to compare", hint="jaxmath compare RUN RUN"))
    runs, problems = [], []
    for folder in folders:
        try:
            runs.append(finished(folder))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(*problems)
    return compare(runs)


def compare(runs: Sequence[Run]) -> Comparison:
    """Hold runs against each other, the later ones against the first."""
    configs = [flat(run.config) for run in runs]
    names = dict.fromkeys(claim.name for run in runs for claim in run.claims)
    claims = [{claim.name: claim for claim in run.claims} for run in runs]
    expectations = tuple(
        expectation(
            runs[0], other, list(_differing([configs[0], config])), agreements(runs[0], other)
        )
        for other, config in zip(runs[1:], configs[1:], strict=True)
    )
    return Comparison(
        tuple(runs),
        _differing(configs),
        estimates.rows(runs),
        {name: tuple(found.get(name) for found in claims) for name in names},
        expectations,
    )


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted paths; a path of a sweep stands in quotation marks."""
    found = {}
    for key, value in table.items():
        path = prefix + (f'"{key}"' if "." in key else key)
        found |= flat(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def _differing(configs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    paths = dict.fromkeys(path for config in configs for path in config)
    values = {path: tuple(config.get(path, ABSENT) for config in configs) for path in paths}
    return {path: found for path, found in values.items() if any(v != found[0] for v in found)}


def json(found: Comparison) -> str:
    """All of a comparison, as strict JSON."""
    whole = dict(
        format=FORMAT,
        runs=[
            dict(label=label, folder=str(run.folder), name=run.name, exit=run.exit.name)
            for label, run in zip(found.labels, found.runs, strict=True)
        ],
        settings=found.settings,
        metrics=[
            encoding.plain(row)
            | dict(
                values=[_estimate(value) for value in row.values],
                differences=[_estimate(value) for value in row.differences],
            )
            for row in found.metrics
        ],
        claims=[
            dict(
                name=name,
                outcomes=[
                    None if claim is None else run.outcome(claim)
                    for run, claim in zip(found.runs, claims, strict=True)
                ],
                measured=[None if claim is None else claim.measured for claim in claims],
            )
            for name, claims in found.claims.items()
        ],
        expectations=found.expectations,
    )
    return encoding.json_text(encoding.plain(whole))


def _estimate(value: estimates.Estimate | None) -> dict[str, Any] | None:
    return None if value is None else value._asdict()
