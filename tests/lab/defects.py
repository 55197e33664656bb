"""Data as they come: what each defect of a table leads to. `python -m tests.lab.defects` writes it.

A defect ends in a sentence that says where it is and what to do, or in a finite result of which
this corpus says what it is; parameters are never NaN.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from jaxmath import lab
from jaxmath.config.errors import InputError

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
ROWS = 12
A, B = np.random.RandomState(0).randn(2, ROWS).round(3)
NUMBERS = [[a, b, round(2 * a - b, 3)] for a, b in zip(A, B, strict=True)]
WORDS = [[a, b, "yes" if a > b else "no"] for a, b in zip(A, B, strict=True)]
REGRESSION = '[optimizer]\nname = "adam"\nlearning_rate = 0.1\n'
CLASSES = REGRESSION + '[model]\nname = "softmax"\n[loss]\nname = "softmax_cross_entropy"\n'


@dataclass(frozen=True)
class Defect:
    """One defect, in one table.

    Attributes:
        name: what is wrong with the table.
        table: its bytes.
        expected: a part of the sentence, or of what the table of results says.
        classes: whether the target names classes.
        options: of the data, as TOML.
        settings: at the top of the config.
    """

    name: str
    table: bytes
    expected: str
    classes: bool = False
    options: str = ""
    settings: str = ""


def text(rows: Iterable[Iterable], header: str = "a,b,y") -> bytes:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


def put(value, column: int = 0, rows=NUMBERS) -> bytes:
    """The table with one cell of its fourth row replaced."""
    changed = [list(row) for row in rows]
    changed[3][column] = value
    return text(changed)


def column(values, rows=NUMBERS) -> bytes:
    """The table with its first column replaced."""
    filled = values if isinstance(values, list) else [values] * ROWS
    return text([[value, *row[1:]] for value, row in zip(filled, rows, strict=True)])


GOOD = text(NUMBERS)
STANDARD = "standardize = true"
DEFECTS = (
    Defect("a cell is empty", put(""), 'd.csv:5: error: column "a" is empty'),
    Defect("a missing value is called NA", put("NA"), 'column "a" should be a number, got "NA"'),
    Defect("a missing value is called nan", put("nan"), "should be a finite number, got nan"),
    Defect("a missing value is called ?", put("?"), 'should be a number, got "?"'),
    Defect("an infinity", put("-inf"), "should be a finite number, got -inf"),
    Defect("a number beyond float64", put("1e400"), "should be a finite number, got 1e400"),
    Defect("a target is empty", put("", 2), 'the target, column "y", is empty'),
    Defect("a target is nan", put("nan", 2), "should be a finite number, got nan"),
    Defect("a class is nan", put("nan", 2, WORDS), 'the target, column "y", is nan', True),
    Defect("a constant column", column(7), "finite"),
    Defect("a constant column, standardised", column(0.1), "finite", options=STANDARD),
    Defect("a column stands twice", text([[a, a, y] for a, _, y in NUMBERS]), "finite"),
    Defect("a name stands twice", text(NUMBERS, "a,a,y"), 'the column "a" stands twice'),
    Defect("all rows are the same", text([NUMBERS[0]] * ROWS), "finite"),
    Defect("a constant target", text([[a, b, 5] for a, b, _ in NUMBERS]), "finite"),
    Defect("a column of words", column("red"), 'should be a number, got "red"'),
    Defect("a column of dates", column("2026-01-02"), 'should be a number, got "2026-01-02"'),
    Defect("a column of true and false", column("true"), 'should be a number, got "true"'),
    Defect("commas between thousands", column('"1,234,567"'), "write 1234567"),
    Defect("decimal commas", column('"1,25"'), "write it with a point: 1.25"),
    Defect("one class", text([[a, b, "yes"] for a, b, _ in WORDS]), "all targets are of one", True),
    Defect("one row", text(NUMBERS[:1]), "finite"),
    Defect("one row, of classes", text(WORDS[:1]), "all targets are of one class", True),
    Defect(
        "one row, and a split", text(NUMBERS[:1]), "leaves none", options="split = {test = 0.3}"
    ),
    Defect("one example of a class", put("maybe", 2, WORDS), "finite", True),
    Defect("two classes for a loss of numbers", text(WORDS), "finite"),
    Defect("three for a loss of numbers", put("maybe", 2, WORDS), "needs numbers as targets"),
    Defect(
        "more columns than rows",
        text([[*A, row[2]] for row in NUMBERS[:4]], ",".join(f"c{i}" for i in range(ROWS)) + ",y"),
        "finite",
    ),
    Defect("a column of size 1e300", column([a * 1e300 for a in A]), "finite, the update"),
    Defect(
        "a column of size 1e300, standardised",
        column([f"{a * 1e300:.17g}" for a in A]),
        "finite",
        options=STANDARD,
    ),
    Defect(
        "a column of size 1e-300, standardised",
        column([f"{a * 1e-300:.17g}" for a in A]),
        "finite",
        options=STANDARD,
    ),
    Defect(
        "a column of size 1e300 in float32",
        column([a * 1e300 for a in A]),
        "which is beyond float32",
        settings='precision = "float32"',
    ),
    Defect(
        "targets of size 1e300",
        text([[a, b, f"{y * 1e300:.17g}"] for a, b, y in NUMBERS]),
        "finite, the loss",
    ),
    Defect(
        "a column far from zero, standardised",
        column([f"{1e9 + a:.4f}" for a in A]),
        "finite",
        options=STANDARD,
    ),
    Defect("whole numbers of 26 digits", column(10**25), "finite", options=STANDARD),
    Defect(
        "whole numbers of 26 digits as classes",
        text([[a, b, 10**25 + int(a > b)] for a, b in zip(A, B, strict=True)]),
        "finite",
        True,
        "classes = true",
    ),
    Defect("Latin-1", "a,größe,y\n1,2,3\n".encode("latin-1"), "d.csv:1: error: this is no UTF-8"),
    Defect("UTF-16", GOOD.decode().encode("utf-16"), "this text is UTF-16"),
    Defect("UTF-8 with a mark at its beginning", b"\xef\xbb\xbf" + GOOD, "finite"),
    Defect("no text at all", bytes(range(256)) * 4, "this is no text"),
    Defect("a NUL byte", GOOD.replace(b"1.764", b"1\x00" + b"764"), 'got "1\\u0000764"'),
    Defect("no header", GOOD.partition(b"\n")[2], "the header holds numbers"),
    Defect("an empty file", b"", "this file is empty"),
    Defect("a header alone", b"a,b,y\n", "there are no rows below the header"),
    Defect("a short row", GOOD + b"1,2\n", "d.csv:14: error: this row has 2 values"),
    Defect("another separator", GOOD.replace(b",", b";"), 'it seems to be separator = ";"'),
    Defect("an open quotation", GOOD + b'"1,2,3\n', "d.csv:14: error: this row cannot be read"),
    Defect("no such target", text(NUMBERS, "a,b,z"), 'there is no column "y"'),
    Defect("lines of Windows", GOOD.replace(b"\n", b"\r\n"), "finite"),
    Defect("blanks round the cells", GOOD.replace(b",", b" , "), "finite"),
)


def ending(defect: Defect, folder: Path) -> str:
    """What a training on the table comes to: a sentence, or the state of a finite result."""
    folder.mkdir(exist_ok=True)
    (folder / "d.csv").write_bytes(defect.table)
    config = folder / "c.toml"
    config.write_text(
        f'experiment = "train"\nsteps = 30\nrecords = 3\n{defect.settings}\n'
        f'[data]\nname = "csv"\nfile = "d.csv"\ntarget = "y"\n{defect.options}\n'
        + (CLASSES if defect.classes else REGRESSION)
    )
    try:
        run = lab.run(config, out=folder / "out")
    except InputError as error:
        return str(error).replace(str(folder) + "/", "")
    leaves = jax.tree.leaves(run.params)
    assert leaves
    assert all(np.isfinite(leaf).all() for leaf in leaves), "NaN in the parameters"
    reason = REASONS.get(int(run.series["status"]))
    return f"finite, {reason}" if reason else "finite"


REASONS = {
    5: "the loss overflows: the run stops, and its claims fail",
    6: "the gradient overflows: the run stops, and its claims fail",
    7: "the update overflows: the run stops, and its claims fail",
}


def page(endings: Iterable[str]) -> str:
    """The corpus as a table, a row a defect."""
    lines = [
        "<!-- Made by `python -m tests.lab.defects`. -->",
        "",
        "# Data as they come",
        "",
        "What a table with a defect leads to when a model is trained on it: a sentence that says",
        "where and what to do, or a finite result. Parameters are never NaN; a training whose loss",
        "or update overflows stops with the last finite ones, says so in its `status`, and its",
        "claims fail. The tables stand in `tests/lab/defects.py`, and a test runs them all.",
        "",
        "| defect | target | settings | message or result |",
        "| --- | --- | --- | --- |",
    ]
    for defect, end in zip(DEFECTS, endings, strict=True):
        told = "<br>".join(f"`{line.strip()}`" for line in end.replace("|", "\\|").split("\n"))
        settings = f"`{defect.options or defect.settings}`" * bool(
            defect.options or defect.settings
        )
        target = "classes" if defect.classes else "numbers"
        shown = told if "error" in end else end
        lines.append(f"| {defect.name} | {target} | {settings} | {shown} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page([ending(defect, Path(folder) / "x") for defect in DEFECTS]))


if __name__ == "__main__":
    main()
