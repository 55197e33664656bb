"""Data files of one's own: what is wrong with one is a sentence with its line and column."""

from __future__ import annotations

import csv
import math
import re
import zipfile
from pathlib import Path
from typing import NoReturn

import numpy as np

from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import nearest, suggest

MISSING = "missing values are not filled in: fill them, or leave the row out"

Columns = tuple[np.ndarray, np.ndarray, tuple[str, ...]]


def read_csv(path: Path, target: str, classes: bool, header: bool, separator: str) -> Columns:
    """Features (n, d), targets (n,) and the names of the features.

    Raises:
        InputError: with the file, its line and the column.
    """
    if separator == "\\t":
        separator = "\t"
    if len(separator) != 1:
        raise InputError(f"a separator is one character, got {show(separator)}")
    lines = _lines(path, separator)
    if not lines:
        _wrong(path, None, "this file is empty")
    first, cells = lines[0]
    names = [cell.strip() for cell in cells] if header else [str(i + 1) for i in range(len(cells))]
    if header:
        _check_header(path, first, names, separator)
        lines = lines[1:]
    if not lines:
        _wrong(path, first, "there are no rows below the header")
    if target not in names:
        hint = suggest(target, names)
        _wrong(path, first if header else None, f"there is no column {show(target)}", hint)
    if len(names) == 1:
        _wrong(path, first, "the target is the only column")
    for line, cells in lines:
        if len(cells) != len(names):
            _wrong(path, line, f"this row has {len(cells)} values, the table {len(names)} columns")
    at = names.index(target)
    labels = [(line, cells[at].strip()) for line, cells in lines]
    for line, label in labels:
        if not label:
            _wrong(path, line, f"the target, column {show(target)}, is empty", MISSING)
    # One label that is no number makes classes, unless most are numbers: then it is a slip.
    numeric = sum(_is_number(label) for _, label in labels)
    if classes or numeric * 2 < len(labels):
        for line, label in labels:
            if _is_number(label) and not math.isfinite(float(label)):
                _wrong(path, line, f"the target, column {show(target)}, is {label}", MISSING)
        targets = _class_labels([label for _, label in labels])
    else:
        targets = np.array([_number(path, line, target, label) for line, label in labels])
    features = np.array(
        [
            [
                _number(path, line, name, cell)
                for i, (name, cell) in enumerate(zip(names, cells, strict=True))
                if i != at
            ]
            for line, cells in lines
        ]
    )
    return features, targets, tuple(name for i, name in enumerate(names) if i != at)


def _class_labels(labels: list[str]) -> np.ndarray:
    """Labels for sorting: whole numbers by size, all else as text."""
    if all(
        _is_number(label) and float(label).is_integer() and abs(float(label)) < 2**53
        for label in labels
    ):
        return np.array([int(float(label)) for label in labels])
    return np.array(labels)


def _lines(path: Path, separator: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line where it ends."""
    reader = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=separator, strict=True)
            return [(reader.line_num, row) for row in reader if any(c.strip() for c in row)]
    except UnicodeDecodeError as error:
        _wrong(path, *_encoding(path, error.start))
    except csv.Error as error:
        _wrong(path, reader.line_num if reader else None, f"this row cannot be read: {error}")
    except OSError as error:
        _wrong(path, None, f"this file cannot be read: {(error.strerror or '').lower()}")


def _encoding(path: Path, start: int) -> tuple[int | None, str, str]:
    """The line where a text stops being UTF-8, and what to do about it."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, "this text is UTF-16", "save it as UTF-8"
    if 0 in data:
        return None, "this is no text: it holds NUL bytes", "a table is text, its columns separated"
    return data[:start].count(b"\n") + 1, "this is no UTF-8 text", "save it as UTF-8"


def _check_header(path: Path, line: int, names: list[str], separator: str) -> None:
    if len(names) == 1:
        other = next((s for s in (";", "\t", ",", "|") if s != separator and s in names[0]), "")
        if other:
            shown = "\\t" if other == "\t" else other
            hint = f'it seems to be separator = "{shown}"'
            _wrong(path, line, f"there is one column with separator {show(separator)}", hint)
    if all(_is_number(name) for name in names):
        _wrong(path, line, "the header holds numbers", "without a header, set header = false")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        _wrong(path, line, f"the column {show(twice)} stands twice in the header")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(path: Path, line: int, column: str, cell: str) -> float:
    cell = cell.strip()
    value = float(cell) if _is_number(cell) else math.nan
    if not math.isfinite(value):
        _no_number(path, line, column, cell)
    return value


def _no_number(path: Path, line: int, column: str, cell: str) -> NoReturn:
    hint = ""
    if not cell:
        told, hint = "is empty", MISSING
    elif _is_number(cell):
        told = f"should be a finite number, got {cell[:40]}"
        hint = MISSING if math.isnan(float(cell)) else ""
    else:
        told = f"should be a number, got {show(cell, 40)}"
        if cell.lower() in ("na", "n/a", "null", "none", "?", "-", "."):
            hint = MISSING
        elif re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", cell):
            whole, point = cell.replace(",", ""), cell.replace(",", ".", 1)
            hint = f"write {whole}" + (f", or {point} if that is meant" if "," not in point else "")
        elif _is_number(cell.replace(",", ".", 1)):
            hint = f"write it with a point: {cell.replace(',', '.', 1)}"
        else:
            hint = "give each word a column of zeros and ones, or leave the column out"
    _wrong(path, line, f"column {show(column)} {told}", hint)


def read_npz(path: Path, features: str, targets: str, classes: bool) -> Columns:
    """Two arrays of an NPZ file by name; no file is ever unpickled.

    Raises:
        InputError: with the file and the array.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                _wrong(path, None, "this is a single array, not an NPZ file")
            for name in (features, targets):
                if name not in archive.files:
                    close = nearest(name, archive.files)
                    hint = f"did you mean {show(close)}?" if close else suggest("", archive.files)
                    _wrong(path, None, f"there is no array {show(name)}", hint)
            X, y = archive[features], archive[targets]
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, OSError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "pickle" in told:
            told = "it holds Python objects; save arrays of numbers"
        _wrong(path, None, f"this is no readable NPZ file: {told}")
    if X.ndim != 2 or y.shape != X.shape[:1] or not X.size:
        told = f"{show(features)} should have shape (n, d) and {show(targets)} shape (n,)"
        _wrong(path, None, f"{told}, got {X.shape} and {y.shape}")
    for name, array, kinds in ((features, X, "biuf"), (targets, y, "biufU")):
        if array.dtype.kind not in kinds:
            _wrong(path, None, f"the array {show(name)} holds no numbers but {array.dtype}")
        wrong = np.argwhere(~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(0))
        if len(wrong):
            place = f"row {wrong[0][0] + 1}"
            if array.ndim == 2:
                place += f", column {wrong[0][1] + 1}"
            value = array[tuple(wrong[0])]
            _wrong(path, None, f"the array {show(name)} holds {value} in {place}")
    if classes and y.dtype.kind == "f":
        y = y.astype(np.int64) if np.all(y == np.round(y)) else y.astype(str)
    if not classes and y.dtype.kind in "iub":
        y = y.astype(np.float64)
    return X, y, ()


def _wrong(path: Path, line: int | None, sentence: str, hint: str = "") -> NoReturn:
    raise InputError(Problem(sentence, path, line, hint=hint))
