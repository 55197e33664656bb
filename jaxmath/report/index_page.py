"""A page over all runs below a folder: a table without its script, searched and sorted with it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from jaxmath.report.numbers import pretty
from jaxmath.report.templating import TEMPLATES, environment
from jaxmath.report.themes import DARK, LIGHT
from jaxmath.runs.files import disk, write
from jaxmath.runs.overview import Entry

TONE = {"PASS": "good", "FAIL": "bad", "ERROR": "bad", "damaged": "bad"}


class Row(NamedTuple):
    """An entry with its link, and what its columns are sorted by."""

    entry: Entry
    tone: str
    link: str
    metrics: list[tuple[str, Markup]]
    first: float | str


def put(entries: Sequence[Entry], root: Path, path: Path) -> None:
    """Write the page; raises StorageError where that cannot be done."""
    with disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, page(entries, root, path.parent))


def page(entries: Sequence[Entry], root: Path, beside: Path) -> str:
    """The whole page, to lie in the folder `beside`."""
    # The hash is of the very text between the tags, and the page allows no other script.
    script = (TEMPLATES / "index.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pages = environment()
    pages.filters |= dict(number=pretty)
    return pages.get_template("index.html").render(
        root=str(root),
        rows=[_row(entry, root, beside) for entry in entries],
        outcomes=Counter(entry.outcome for entry in entries),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        light=LIGHT,
        dark=DARK,
    )


def _row(entry: Entry, root: Path, beside: Path) -> Row:
    report = os.path.relpath(root / entry.folder / "report.html", beside)
    return Row(
        entry,
        TONE.get(entry.outcome, "open"),
        quote(report) if entry.report else "",
        [(name, pretty(value)) for name, value in entry.metrics.items()],
        next(iter(entry.metrics.values()), ""),
    )
