"""All runs below a folder, from their small files alone: no arrays, no JAX, no trust."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jaxmath.config.errors import InputError, Problem

DEPTH = 4
"""As many folders deep runs are looked for."""

LARGE = 5_000_000
"""Bytes of a file above which it is not read."""

METRICS = 3
"""As many metrics of a run are listed."""

OUTCOMES = ("PASS", "FAIL", "ERROR", "INTERRUPTED")
"""What the first word of `STATUS` may be."""

FILES = ("STATUS", "config.toml", "result.json")
"""A folder that holds one of these is a run's."""


@dataclass(frozen=True)
class Entry:
    """One folder in a list of runs.

    Attributes:
        folder: relative to the folder that was listed.
        outcome: the first word of its STATUS; "unfinished" without one, "damaged" where a file of
            it cannot be read, "foreign" where it is no run.
        note: why, or which claims do not pass.
        finished: when, as "2026-11-30 10:35" in UTC; empty where nothing says so.
        passed, claims: how many of how many claims pass.
        metrics: a few numbers by name, of a sweep those of its best setting.
        swept: the dotted paths of its axes, each with the number of its values.
        seconds: how long it took.
        report: whether there is a report to open.
    """

    folder: Path
    outcome: str
    note: str = ""
    name: str = ""
    experiment: str = ""
    title: str = ""
    finished: str = ""
    passed: int = 0
    claims: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    swept: Mapping[str, int] = field(default_factory=dict)
    seconds: float = math.nan
    smoke: bool = False
    report: bool = False


def entries(root: Path) -> list[Entry]:
    """Every run below a folder, the newest first; then what is none."""
    if not root.is_dir():
        raise InputError(Problem(f"there is no folder {root}", hint="jaxmath index RUNS"))
    found = [_entry(root, folder) for folder in _folders(root, DEPTH)]
    found.sort(key=lambda entry: (entry.finished, str(entry.folder)), reverse=True)
    return found


def told(found: Sequence[Entry]) -> str:
    """How many there are, in a line."""
    counts = Counter(entry.outcome for entry in found)
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.most_common())
    return f"{len(found):,} {'run' if len(found) == 1 else 'runs'}" + (
        f": {words}" if words else ""
    )


def _folders(root: Path, depth: int) -> Iterator[Path]:
    """Folders of runs, and those in which none is; links are not followed."""
    for folder in sorted(root.iterdir()):
        if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
            continue
        try:
            inside = [child for child in folder.iterdir() if not child.name.startswith(".")]
        except OSError:
            yield folder
            continue
        is_run = any(child.name in FILES for child in inside)
        if is_run or depth == 1 or not any(child.is_dir() for child in inside):
            yield folder
        else:
            yield from _folders(folder, depth - 1)


def _entry(root: Path, folder: Path) -> Entry:
    place = folder.relative_to(root)
    try:
        if not any((folder / name).is_file() for name in FILES):
            return Entry(place, "foreign", "no run of jaxmath")
        return _run(place, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Entry(place, "damaged", _why(error)[:200], place.parent.name)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{Path(error.filename or '').name}: {(error.strerror or str(error)).lower()}"
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(error) or type(error).__name__


def _run(place: Path, folder: Path) -> Entry:
    status = folder / "STATUS"
    words = status.read_text("utf-8").split() if status.is_file() else []
    outcome = words[0] if words else "unfinished"
    if words and outcome not in OUTCOMES:
        raise ValueError(f"its STATUS says {outcome[:40]!r}")
    entry = Entry(
        place,
        outcome,
        name=place.parent.name or place.name,
        finished=_stamp(folder.name),
        report=(folder / "report.html").is_file(),
    )
    if not (folder / "result.json").is_file():
        note = "" if words else "no STATUS: it is running, or was killed"
        return replace(entry, note=note)
    provenance = _json(folder / "provenance.json")
    seconds = provenance.get("seconds") or {}
    return replace(
        entry,
        finished=_time(provenance.get("finished")) or entry.finished,
        seconds=sum(map(float, seconds.values())) if seconds else math.nan,
        **_told(_json(folder / "result.json")),
    )


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """What `result.json` adds to an entry."""
    claims = result["claims"]
    bad = [c for c in claims if c["outcome"] not in ("PASS", "SKIPPED")]
    swept = {}
    for axis in result["axes"]:
        swept[" & ".join(map(str, axis["paths"]))] = len(axis["values"])
    return dict(
        name=str(result["name"]),
        experiment=str(result["experiment"]),
        title=str(result["title"]),
        note=", ".join(f"{claim['name']}: {claim['outcome']}" for claim in bad[:3]),
        passed=sum(claim["outcome"] == "PASS" for claim in claims),
        claims=sum(claim["outcome"] != "SKIPPED" for claim in claims),
        metrics=_metrics(result["tables"], swept),
        swept=swept,
        smoke=bool(result["smoke"]),
    )


def _metrics(tables: list[Mapping[str, Any]], swept: Mapping[str, int]) -> dict[str, float]:
    """The numbers at the end of a single run, or the means at the best setting of a sweep."""
    found: dict[str, float] = {}
    for table in tables:
        columns = table["columns"]
        if list(columns) == ["measure", "value"]:
            found |= {str(n): v for n, v in zip(*columns.values(), strict=True) if _is_number(v)}
        elif table["name"] == "sweep" and table["best"] is not None:
            row = {n.removesuffix(" mean"): column[table["best"]] for n, column in columns.items()}
            paths = {path for axis in swept for path in axis.split(" & ")}
            skipped = {*paths, "runs", "failed"}
            best = str(table["title"]).rpartition("best by ")[2]
            names = [best, *(n for n in row if not re.search(r" (sd|95% low|95% high)$", n))]
            found |= {n: row[n] for n in names if n not in skipped and _is_number(row.get(n))}
    return dict(list(found.items())[:METRICS])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > LARGE:
        raise ValueError(f"{path.name} is larger than {LARGE:,} bytes")
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no table")
    return found


def _time(text: Any) -> str:
    try:
        moment = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M}"


def _stamp(name: str) -> str:
    """When a folder of that name was begun."""
    found = re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ", name)
    return "{}-{}-{} {}:{}".format(*found.groups()) if found else ""
