"""The folder of a run: what came out, each file whole or absent, `STATUS` written last.

runs/NAME/UTC-6HEX/
    config.toml       the resolved config; running it again gives the same
    overrides.txt     the path=value words of the command line
    result.json       claims and tables
    tables/*.csv      the tables, for other programs
    series.npz        the measured arrays, and series/*.csv the same as columns
    params.npz, .json trained parameters and the tree that they hang in
    plots.json        the pictures as data
    provenance.json   versions, commit, device, seeds, seconds
    plan.json, work/  what `jaxmath resume` needs (`journal`); LOCK while someone is at work
    SHA256SUMS        the checksums of all these, as `sha256sum -c` reads them
    STATUS            the outcome; a folder without it was interrupted
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxmath.config.errors import InputError
from jaxmath.config.study import Study, SweepAxis
from jaxmath.runs import encoding
from jaxmath.runs.experiment import Outcome
from jaxmath.runs.files import csv_text, disk, file_name, write
from jaxmath.runs.run import Run

SUMS = "SHA256SUMS"
READ = {"config.toml", "result.json", "provenance.json", "plots.json"} | {
    f"{name}.{kind}" for name in ("series", "params") for kind in ("npz", "json")
}
"""What `load` reads back."""

CSV_ROWS = 1_000_000
"""Series of more entries are kept as NPZ alone."""


def create(study: Study, out: Path | str | None = None) -> Path:
    """Make the folder of a run below `out` (default `runs`), never one that exists."""
    parent = Path(out or "runs") / study.name
    with disk(parent):
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
            folder = parent / f"{now}-{secrets.token_hex(3)}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            write(folder / "config.toml", encoding.toml(study))
            write(folder / "overrides.txt", "".join(f"{word}\n" for word in study.overrides))
            return folder


def save(run: Run) -> None:
    """Write all that a run holds, except its figures, its report and its STATUS."""
    folder = run.folder
    with disk(folder):
        series(folder, run.series, run.axes)
        if run.params is not None:
            arrays, tree = encoding.flatten(run.params)
            write(folder / "params.npz", encoding.npz(arrays))
            write(folder / "params.json", encoding.json_text(tree))
        if run.tables:
            (folder / "tables").mkdir(exist_ok=True)
        for table in run.tables:
            rows = zip(*(np.asarray(c).tolist() for c in table.columns.values()), strict=True)
            write(folder / "tables" / f"{file_name(table.name)}.csv", csv_text(table.columns, rows))
        write(folder / "plots.json", encoding.json_text([encoding.plain(p) for p in run.plots]))
        write(folder / "provenance.json", encoding.json_text(encoding.plain(run.provenance)))
        write(folder / "result.json", encoding.json_text(encoding.result(run)))


def series(folder: Path, arrays: Mapping[str, Any], axes: tuple[SweepAxis, ...]) -> None:
    """Write named arrays as NPZ, and each as a CSV file with the sweep's values beside it."""
    if not arrays:
        return
    with disk(folder):
        flat, tree = encoding.flatten(dict(arrays))
        write(folder / "series.npz", encoding.npz(flat))
        write(folder / "series.json", encoding.json_text(tree))
        (folder / "series").mkdir(exist_ok=True)
        for name, array in flat.items():
            if array.size <= CSV_ROWS:
                header, rows = _columns(array, axes)
                write(folder / "series" / f"{file_name(name)}.csv", csv_text(header, rows))


def seal(run: Run) -> None:
    """Write STATUS, the last file of a finished run."""
    with disk(run.folder):
        write(run.folder / SUMS, _sums(run.folder))
    counts = {name: sum(run.outcome(c) == name for c in run.claims) for name in Outcome}
    words = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    status(run.folder, f"{run.exit.name} {int(run.exit)}\n{words or 'no claims'}\n")


def _sums(folder: Path) -> str:
    """The checksums of a finished run's files, a line each."""
    passing = ("LOCK", "STATUS", SUMS)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    return "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
        if name not in passing and not name.startswith((".", "work/"))
    )


def _check(folder: Path) -> None:
    """Hold the files that are read back against their checksums; older runs have none."""
    if not (folder / SUMS).exists():
        return
    for line in (folder / SUMS).read_text("utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        if name in READ and hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
            raise InputError(f"{folder / name} is damaged: its checksum differs.")


def status(folder: Path, text: str) -> None:
    """Write STATUS: its first line is the outcome and the exit status."""
    with disk(folder):
        write(folder / "STATUS", text)


def load(folder: Path | str) -> Run:
    """Read a finished run from its folder; the inverse of saving it.

    Claims come back with what they measured. A fault to plant is a function and is not stored:
    its words come back, and planting it raises.
    """
    folder = Path(folder)
    try:
        _check(folder)
        found = encoding.read_json(folder / "result.json")
        config = encoding.read_toml(folder / "config.toml")
        provenance = encoding.read_json(folder / "provenance.json")
        plots = encoding.read_json(folder / "plots.json")
        return encoding.run_of(
            found,
            folder=folder,
            config=config,
            provenance=provenance,
            plots=plots,
            series=_tree(folder, "series") or {},
            params=_tree(folder, "params"),
        )
    except FileNotFoundError as error:
        raise InputError(
            f"{folder} is no finished run: {Path(error.filename).name} is missing."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder} cannot be read as a run: {error}.") from error


def load_params(folder: Path | str, like=None):
    """The trained parameters of a run, in nested dicts or in the shape of your own pytree.

    `like` is any pytree whose leaves have the names of the saved ones: dict keys, attributes and
    positions, in that order of depth. Its leaves are not read. No pickle is involved.
    """
    folder = Path(folder)
    found = _tree(folder, "params")
    if found is None:
        raise InputError(f"{folder} holds no parameters.")
    if like is None:
        return found
    return encoding.fill_like(like, encoding.flatten(found)[0])


def _tree(folder: Path, name: str):
    if not (folder / f"{name}.npz").exists():
        return None
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        return encoding.unflatten(encoding.read_json(folder / f"{name}.json"), dict(arrays))


def _columns(array: np.ndarray, axes: tuple[SweepAxis, ...]):
    """An array as rows: the sweep's values where its leading axes are the sweep's, then indices."""
    shape = tuple(len(axis) for axis in axes)
    swept = axes if array.shape[: len(shape)] == shape else ()
    paths = [path for axis in swept for path in axis.paths]
    rest = array.ndim - len(swept)
    header = [*paths, *(["index"] if rest == 1 else [f"index_{i}" for i in range(rest)]), "value"]

    def rows():
        for index, value in zip(np.ndindex(array.shape), array.ravel().tolist(), strict=True):
            values = [v for axis, at in zip(swept, index, strict=False) for v in axis.values[at]]
            yield [*map(_cell, values), *index[len(swept) :], value]

    return header, rows()


def _cell(value):
    return value if isinstance(value, (int, float, str)) else str(encoding.plain(value))
