"""Measure docs/accuracy/: every formula and its counterparts against exact truth, in each dtype.

`python docs/accuracy.py` measures all of it anew, in an hour, and writes the figures (JSON,
one file a dtype), the page made from them and its pictures. `--only NAME ...` measures some
formulas, such as new ones, one after the other, and keeps the figures of the others; `--page`
measures nothing.
`tests/test_accuracy.py` measures again and compares, with a tolerance in ulp, since processors and
versions differ.
"""

import argparse
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

from jaxmath.lab import accuracy, accuracy_shown
from jaxmath.lab.progress import Progress
from jaxmath.report import figures
from jaxmath.runs.experiment import Result, Table
from jaxmath.runs.measured import Measured

WHY = {
    f"{name}, value, float32": "scipy answers numbers of float32 in float64"
    for name in ("von_mises.log_prob", "beta_binomial.prob", "beta.prob", "chi2.sf", "chi2.isf")
}
"""Why another library is better, by formula, quantity and dtype."""
FOLDER = Path(__file__).resolve().parent / "accuracy"
PACKAGES = {"tfp": "tfp-nightly"}
NOTE = "<!-- Made by docs/accuracy.py from the JSON beside it. -->"


def measured(names: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The survey of the shipped config, of all formulas or of some."""
    config = accuracy.Config(formulas=names)
    with Progress() as progress:
        return accuracy.survey(config, accuracy.load(config), 0, progress)


def renewed(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The figures that are there, in the order of the formulas, with some measured anew."""
    new, old = measured(names), read_json()
    known = accuracy.load(accuracy.Config())["names"]
    kept = ~np.isin(old["formula"], names) & np.isin(old["formula"], known)
    rows = {name: np.concatenate([old[name][kept], new[name]]) for name in new}
    order = np.argsort([known.index(name) for name in rows["formula"]], kind="stable")
    return {name: values[order] for name, values in rows.items()}


def write_json(rows: dict[str, np.ndarray]) -> None:
    """One file a dtype, a row a line; points only of what may be drawn: slopes in float64."""
    drawn = {int(p) for ours, others in accuracy_shown.compared(rows) for p in (ours, *others)}
    drawn &= set(
        np.flatnonzero((rows["dtype"] == "float64") & (rows["quantity"] != "value")).tolist()
    )
    bare = np.setdiff1d(np.arange(len(rows["formula"])), list(drawn))
    for name in ("at_x", "at_ulps"):
        rows[name][bare] = np.nan
    names = [name for name in rows if name != "dtype"]
    libraries = {name.partition(".")[0] for name in rows["library"]} - {accuracy.OURS}
    packages = {name: version(PACKAGES.get(name, name)) for name in sorted({*libraries, "jaxlib"})}
    FOLDER.mkdir(exist_ok=True)
    for dtype in np.unique(rows["dtype"]):
        lines = []
        for place in np.flatnonzero(rows["dtype"] == dtype):
            row = {name: plain(rows[name][place]) for name in names}
            lines.append(json.dumps(row, ensure_ascii=False))
        head = json.dumps({"machine": platform.machine(), "versions": packages})
        text = f'{{"measured": {head},\n"rows": [\n' + ",\n".join(lines) + "\n]}\n"
        (FOLDER / f"{dtype}.json").write_text(text, "utf-8")


def plain(value):
    """A figure for JSON: arrays lose their padding, numbers digits that mean nothing."""
    if isinstance(value, np.ndarray):
        return [float(f"{x:.3g}") for x in value[~np.isnan(value)]]
    value = value.item()
    return float(f"{value:.4g}") if isinstance(value, float) else value


def read_json() -> dict[str, np.ndarray]:
    """The rows of all dtypes, as the survey gave them."""
    rows = []
    for path in sorted(FOLDER.glob("float*.json"), reverse=True):
        found = json.loads(path.read_text("utf-8"))["rows"]
        rows += [{"dtype": path.stem, **row} for row in found]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    for name in ("at_x", "at_ulps"):
        blank = np.full((len(rows), accuracy.DRAWN), np.nan)
        for place, values in enumerate(columns[name]):
            blank[place, : len(values)] = values
        columns[name] = blank
    return {name: np.array(values) for name, values in columns.items()}


def page(rows: dict[str, np.ndarray], result: Result, shown: list[str]) -> str:
    """The ranking, each formula at a glance, the pictures, the worst points."""
    ranking, answers, behind = result.tables
    machine = json.loads((FOLDER / "float64.json").read_text("utf-8"))["measured"]
    tools = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    compared = {int(p) for ours, others in accuracy_shown.compared(rows) for p in (ours, *others)}
    return "\n".join(
        [
            NOTE,
            "",
            "# Accuracy",
            "",
            "How far values and slopes are from the truth over the whole domain of each formula,",
            "tails included: ours, and those of the same functions in other libraries. The truth",
            "is enclosed by exact arithmetic and rounded to the dtype; an error counts units in",
            "the last place of it (ulp). The *excess* divides the error by what half a unit of",
            "the truth and of each input explains: up to 8 or so is rounding, and 2^53 = 9e15 in",
            "float64 or 2^24 = 1.7e7 in float32 means NaN, or no digit that is right.",
            "",
            f"Measured with {tools} on {machine['machine']}, about 200 points a formula and dtype,",
            "by `python docs/accuracy.py`; `jaxmath run configs/accuracy.toml` gives the same with",
            "every picture. All figures: [float64.json](float64.json),",
            "[float32.json](float32.json).",
            "",
            "## Who is how accurate",
            "",
            *markdown(ranking),
            "",
            *picture("ranking", "How large the worst excess of an answer is, by library"),
            "",
            "## Where another is better",
            "",
            *reasons(behind, len(accuracy_shown.compared(rows))),
            "",
            "## Each formula",
            "",
            "The worst excess over the domain: value / slopes in reverse mode.",
            "",
            *glance(rows),
            "",
            *missing(rows),
            "## Where digits are lost",
            "",
            "What at least two libraries compute and one gets wrong: answers whose worst excess",
            f"exceeds {accuracy_shown.TROUBLE:g}, and its point; below, the first slope in float64",
            "of each family.",
            "",
            *markdown(only(answers, rows, compared)),
            "",
            *(line for name in shown for line in (*picture(name, name), "")),
        ]
    )


def reasons(behind: Table, answers: int) -> list[str]:
    """The answers that another library gives better, each with the reason."""
    names = [
        f"{formula}, {quantity}, {dtype}"
        for formula, quantity, dtype in zip(
            *(behind.columns[name] for name in ("formula", "quantity", "dtype")), strict=True
        )
    ]
    count = f"{len(names)} of {answers} answers, {len(names) / max(answers, 1):.1%}"
    lines = [f"By half of the worst excess or more, where ours is more than 8: {count}.", ""]
    table = {**behind.columns, "why": [WHY.get(name, "not known yet") for name in names]}
    return [*lines, *markdown(Table("behind", "", table))] if names else lines


def glance(rows) -> list[str]:
    """A line for each formula and dtype, a column for each library."""
    libraries = list(dict.fromkeys(rows["library"].tolist()))
    lines = ["| formula | dtype | " + " | ".join(libraries) + " |"]
    lines += ["| --- | --- |" + " ---: |" * len(libraries)]
    for formula in dict.fromkeys(rows["formula"].tolist()):
        for dtype in dict.fromkeys(rows["dtype"].tolist()):
            cells = []
            for library in libraries:
                own = (rows["formula"] == formula) & (rows["dtype"] == dtype)
                own &= (rows["library"] == library) & (rows["answer"] != "closed form")
                value = own & (rows["quantity"] == "value")
                both = [rows["excess"][part] for part in (value, own & ~value)]
                cells.append(" / ".join(f"{part.max():.2g}" for part in both if part.size))
            if any(cells):
                lines.append(f"| `{formula}` | {dtype} | " + " | ".join(cells) + " |")
    return lines


def missing(rows) -> list[str]:
    """What is not measured yet."""
    measured = set(rows["formula"].tolist())
    names = [name for name in accuracy.load(accuracy.Config())["names"] if name not in measured]
    if not names:
        return []
    return [f"Not measured yet: {', '.join(f'`{name}`' for name in names)}.", ""]


def only(answers: Table, rows, compared) -> Table:
    """Of the table of all answers those in trouble, without what all of them share."""
    chosen = [
        place
        for place, row in enumerate(answers.columns["row"])
        if int(row) in compared and rows["excess"][row] > accuracy_shown.TROUBLE
    ]
    kept = ("formula", "dtype", "quantity", "library", "worst excess", "no right digit", "judged")
    kept = (*kept, "worst at", "answered", "truth")
    order = sorted(chosen, key=lambda p: [str(answers.columns[n][p]) for n in kept[:3]])
    return Table("trouble", "", {name: np.asarray(answers.columns[name])[order] for name in kept})


def markdown(table: Table) -> list[str]:
    """A table in Markdown."""
    names = list(table.columns)
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for row in zip(*table.columns.values(), strict=True):
        lines.append("| " + " | ".join(f"{x:.4g}" if isinstance(x, float) else f"{x}" for x in row))
        lines[-1] += " |"
    return lines


def picture(name: str, words: str) -> list[str]:
    """A picture in both themes."""
    return [
        "<picture>",
        f'  <source media="(prefers-color-scheme: dark)" srcset="{name}-dark.svg">',
        f'  <img src="{name}.svg" width="640" alt="{words}">',
        "</picture>",
    ]


def write_page(rows: dict[str, np.ndarray]) -> None:
    """The page, and the pictures that it shows."""
    config = accuracy.Config()
    result = accuracy.judge(config, accuracy.load(config), Measured(rows))
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    shown, families = [], set()
    for plot in accuracy.draw(result):
        if plot.name != "ranking":
            kind, family, *_ = plot.name.split("-")
            if kind != "slope" or not plot.name.endswith("64") or family in families:
                continue
            families.add(family)
            shown.append(plot.name)
        for name, content in figures.pictures(plot).items():
            if name.endswith(".svg"):
                (FOLDER / name).write_bytes(content)
    (FOLDER / "README.md").write_text(page(rows, result, shown), "utf-8")
    for claim in result.claims:
        print(f"{claim.outcome()}: {claim.statement}")


def main() -> int:
    """Measure, unless only the page is asked for, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="measure nothing")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="measure these")
    options = parser.parse_args()
    if not options.page:
        # One by one, so that no figure is lost when it is stopped.
        for names in [(name,) for name in options.only] or [()]:
            write_json(renewed(names) if names else measured())
    write_page(read_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
