"""Files that are whole or absent, and what the system says of them in a sentence."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxmath.config.errors import StorageError


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Turn what the operating system says into a sentence; what was finished stays."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not folder.exists():
            raise StorageError(f"{folder} was removed while the run was under way.") from error
        reason = (error.strerror or str(error)).lower()
        place = error.filename or folder
        raise StorageError(f"Cannot write {place}: {reason}. What was finished stays.") from error


def write(path: Path, content: str | bytes) -> None:
    """Put a whole file in its place, or none: written aside, flushed to disk, renamed."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(3)}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with aside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Let the new name survive a loss of power, where a system can do that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep_up(folder: Path) -> None:
    """Remove what a process that was killed has left half written."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def outcome(folder: Path) -> str:
    """The first word of a run's STATUS; empty where there is none."""
    try:
        return ((folder / "STATUS").read_text("utf-8").split() or [""])[0]
    except (OSError, ValueError):
        return ""


def csv_text(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A table as text that other programs read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def file_name(name: str) -> str:
    """A name as part of a file's name: no separators, nothing hidden."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") or "_"
