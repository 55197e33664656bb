"""Write docs/topics.md, primitives, families, losses, coverage and formulas/ from records.

`python docs/generate.py` writes them, `python docs/generate.py --check` only says whether they are
up to date, and both print how much of the mission is covered.
"""

import argparse
import importlib
import inspect
import json
import re
import sys
import tomllib
from pathlib import Path

from jaxmath.distributions import contract
from jaxmath.distributions.coverage import coverage
from jaxmath.exact import primitives
from jaxmath.examine import catalog
from jaxmath.formula import Formula
from jaxmath.losses import coverage as losses
from jaxmath.losses.peers import NOT_OURS, PEERS

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Made by docs/generate.py; edit the records, not this page. -->"


def topics(served) -> str:
    """The mission as one table a section."""
    lines, section, where = [NOTE, "", "# Topics", ""], None, cards()
    lines += [
        "Every row of the mission, with the formula that it is checked by. Made from",
        "[topics.toml](topics.toml), the formulas and the experiments; a row without an experiment",
        "is *planned*.",
        "",
        count(served),
    ]
    for identifier, row in catalog.topic_rows().items():
        if row["section"] != section:
            section = row["section"]
            lines += [
                "",
                f"## {section}",
                "",
                "| | topic | formula | source | experiments | formulas |",
            ]
            lines += ["| --- | --- | --- | --- | --- | --- |"]
        experiments, formulas = served.get(identifier, ((), ()))
        cells = [
            identifier,
            row["concept"],
            row["formula"],
            row["source"],
            ", ".join(f"`{name}`" for name in experiments) or "*planned*",
            ", ".join(_linked(name, where) for name in formulas),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _linked(name: str, where: dict[str, str]) -> str:
    return f"[`{name}`](formulas/{where[name]})" if name in where else f"`{name}`"


def count(served) -> str:
    """How much of the mission has an experiment, and how much a formula."""
    rows = catalog.topic_rows()
    experiments = sum(bool(served.get(identifier, ((), ()))[0]) for identifier in rows)
    formulas = sum(bool(served.get(identifier, ((), ()))[1]) for identifier in rows)
    return f"Of {len(rows)} topics {experiments} have an experiment and {formulas} a formula."


def formula_rooms() -> dict[str, list[Formula]]:
    """The rooms that hold formulas, and these."""
    found = {
        room: [entry for entry in entries if isinstance(entry, Formula)]
        for room, entries in catalog.rooms()
    }
    return {room: formulas for room, formulas in found.items() if formulas}


def cards() -> dict[str, str]:
    """Where the card of each formula stands below docs/formulas: its page and the anchor there."""
    return {
        formula.name: f"{room.replace(' ', '_')}.md#{anchor(catalog.signature(formula))}"
        for room, formulas in formula_rooms().items()
        for formula in formulas
    }


def anchor(heading: str) -> str:
    """The anchor that code hosts and MyST give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def formulas_page() -> str:
    """Every formula by its name, room by room, with the way to its card."""
    where = cards()
    rooms = formula_rooms()
    lines = [
        NOTE,
        "",
        "# Formulas",
        "",
        f"The cards of {sum(map(len, rooms.values()))} formulas: meaning, TeX, domain, derivatives",
        "in closed form, where they break, facts that are checked by machine, source.",
        "`jaxmath show NAME` prints one.",
    ]
    for room, formulas in rooms.items():
        file = f"{room.replace(' ', '_')}.md"
        lines += ["", f"## [{room[0].upper()}{room[1:]}]({file})", ""]
        families: dict[str, list[str]] = {}
        for formula in formulas:
            family, _, name = formula.name.rpartition(".")
            families.setdefault(family, []).append(f"[{name}]({where[formula.name]})")
        for family, names in families.items():
            lines.append(f"- **{family}**: {', '.join(names)}" if family else ", ".join(names))
    return "\n".join(lines) + "\n"


def page(room: str, formulas: list[Formula]) -> str:
    """One room: every formula with its meaning, its TeX and what is true of it."""
    lines = [NOTE, "", f"# {room[0].upper()}{room[1:]}", ""]
    for formula in formulas:
        lines += [
            f"## {catalog.signature(formula)}",
            "",
            f"`{formula.fn.__module__}.{formula.name}`. {_meaning(formula)}",
            "",
            "$$",
            formula.tex,
            "$$",
            "",
            *(f"- {name}: {text}" for name, text in catalog.formula_rows(formula)),
            "",
        ]
    return "\n".join(lines)


def _meaning(formula: Formula) -> str:
    return " ".join((inspect.getdoc(formula.fn) or "").partition("\n\n")[0].split())


def primitives_page() -> str:
    """What the exact reference says of each primitive that JAX's public functions emit."""
    table = json.loads((DOCS / "primitives.json").read_text("utf-8"))
    rows = primitives.primitives_table(
        {name: row["kinds"] for name, row in table["primitives"].items()}
    )
    counts = {
        status: sum(row.status == status for row in rows)
        for status in ("proven", "by JAX itself", "estimated", "missing", "complex")
    }
    known = 100 * primitives.share(rows)
    lines = [
        NOTE,
        "",
        "# Primitives",
        "",
        "Each primitive that the public functions of `jax.numpy`, `jax.nn`, `jax.lax`,",
        "`jax.scipy.special`, `jax.scipy.stats` and `jax.numpy.linalg` emit for small real arrays,",
        "alone or in their JVP or VJP, and what the exact reference says of it.",
        f"{table['functions']} functions were traced with example calls, which stand in",
        f"`tests/exact/emitted.py`; {len(table['without example'])} have none that fits: most take",
        "shapes, files or several devices.",
        "",
        f"Of {len(rows) - counts['complex']} primitives of real arrays {known:.1f}% are known:",
        f"{counts['proven']} proven, {counts['by JAX itself']} of integers, conditions and keys,",
        "which JAX and NumPy compute with the same bits,",
        f"{counts['estimated']} estimated; {counts['missing']} missing.",
        f"Complex numbers alone take part in {counts['complex']} more.",
        "",
        "| primitive | status | remark |",
        "| --- | --- | --- |",
        *(f"| `{row.name}` | {row.status} | {row.remark} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def families_page() -> str:
    """Which family has which function, with the definition of each, and why what is not there."""
    table = coverage()
    marks = {"own": "●", "generic": "○"}
    reasons = list(
        dict.fromkeys(cell.reason for row in table.values() for cell in row.values() if cell.reason)
    )
    counts = {
        origin: sum(cell.origin == origin for row in table.values() for cell in row.values())
        for origin in ("own", "generic", "not defined")
    }
    lines = [
        NOTE,
        "",
        "# Families",
        "",
        "Every family and every function: ● written for the family, ○ filled in for any family by",
        "a generic route (quadrature, sums, bisection, Newton's method), a number where it isn't",
        "defined, with the reason below. `interval` and `profile` need only a fit and are one",
        "routine for all.",
        "",
        f"Of {sum(counts.values())} cells {counts['own']} are own, {counts['generic']} generic,",
        f"{counts['not defined']} not defined.",
        "",
        "| function | " + " | ".join(f"`{name}`" for name in table) + " | definition |",
        "| --- |" + " --- |" * (len(table) + 1),
    ]
    definitions = {name: kind.tex for name, kind in contract.KINDS.items()} | contract.OTHERS
    for function in contract.FUNCTIONS:
        cells = [
            marks.get(cell.origin) or str(1 + reasons.index(cell.reason))
            for cell in (row[function] for row in table.values())
        ]
        definition = definitions[function].replace("|", "\\|")
        lines.append(f"| `{function}` | " + " | ".join(cells) + f" | ${definition}$ |")
    lines += ["", *(f"{k}. {reason[0].upper()}{reason[1:]}" for k, reason in enumerate(reasons, 1))]
    return "\n".join(lines) + "\n"


LOSS_MARKS = {"checked": "●", "derived": "○", "no": "✗"}


def losses_page() -> str:
    """What is known of every loss in every argument, and which loss of others is which of ours."""
    table = losses.coverage()
    cells = [cell for row in table.values() for cell in row.values()]
    reasons = list(dict.fromkeys(cell.reason for cell in cells if cell.reason))
    counts = {state: sum(cell.state == state for cell in cells) for state in losses.STATES}
    lines = [
        NOTE,
        "",
        "# Losses",
        "",
        "Every loss and penalty in every argument that it is differentiated in: ● claimed by the",
        "record and checked by machine over the whole domain, ○ made by JAX from a closed form and",
        "checked against the reference, ✗ refuted by a counterexample of a test (a constant:",
        f"even {losses.LARGE:g} is too small, unless a number says more), a number where",
        "it is not defined or not known, with the reason below. The constants and minimisers stand",
        "in the [cards](formulas/loss.md); those that depend on other arguments do so by formula.",
        "",
        f"Of {len(cells)} cells {counts['checked']} are checked, {counts['derived']} derived,",
        f"{counts['no']} refuted, {counts['not defined']} not defined, {counts['not known']}",
        "not known.",
        "",
        "| loss | argument | " + " | ".join(losses.COLUMNS) + " |",
        "| --- | --- |" + " --- |" * len(losses.COLUMNS),
    ]
    before = None
    for (name, argument), row in table.items():
        marks = []
        for cell in row.values():
            number = str(1 + reasons.index(cell.reason)) if cell.reason else ""
            marks.append(" ".join(filter(None, (LOSS_MARKS.get(cell.state, ""), number))))
        shown = f"`{name}`" if name != before else ""
        lines.append(f"| {shown} | `{argument}` | " + " | ".join(marks) + " |")
        before = name
    kinds = {cell.reason: cell.state for cell in cells if cell.reason}
    lines += [
        "",
        *(
            f"{k}. {_state(kinds[reason])}{reason[0].upper()}{reason[1:]}."
            for k, reason in enumerate(reasons, 1)
        ),
        "",
        "## Losses of other libraries",
        "",
        "Which loss of optax, rlax, PyTorch and scikit-learn is which of these, with the factor or",
        "the setting in which they differ. Means, sums, masks and weights are taken outside. Those",
        "of optax and scikit-learn are held against what these libraries export by a test.",
    ]
    for library, rows in PEERS.items():
        lines += ["", f"### {library}", "", "| theirs | here |", "| --- | --- |"]
        lines += [f"| `{theirs}` | {ours} |" for theirs, ours in rows.items()]
    lines += ["", "Not here, and why:", ""]
    lines += [f"- {names}: {reason}." for reason, names in NOT_OURS.items()]
    return "\n".join(lines) + "\n"


COVERAGE = {
    "training": "Optimisers, training, sweeps",
    "constrained": "Constrained optimisation",
}
"""The tables of coverage.toml."""


def coverage_page() -> str:
    """What optimisation is asked for, and the names and tests that answer."""
    tables = tomllib.loads((DOCS / "coverage.toml").read_text("utf-8"))
    marks = {True: "●", False: "◐"}
    every = [row for table in COVERAGE for row in tables[table]]
    there = [row for row in every if row.get("names") and not row.get("lacks")]
    lines = [
        NOTE,
        "",
        "# Coverage",
        "",
        "What is asked of a workbench of optimisation, what answers here and which test shows it:",
        "● whole, ◐ in part, – not yet. Made from [coverage.toml](coverage.toml), and not made",
        "where a name is missing, and a test fails where a test is.",
        "",
        f"Of {len(every)} rows {len(there)} are whole.",
    ]
    for table, title in COVERAGE.items():
        lines += ["", f"## {title}", "", "| asked | | answers | shown by | |", "|" + " --- |" * 5]
        for row in tables[table]:
            names, tests = row.get("names", []), row.get("tests", [])
            for name in names:
                _named(name)
            cells = [
                row["feature"],
                marks[not row.get("lacks")] if names else "–",
                ", ".join(f"`{name}`" for name in names),
                ", ".join(f"`{test}`" for test in tests),
                "; ".join(filter(None, (row.get("remark"), row.get("lacks")))),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _named(name: str):
    """What a name below `jaxmath` stands for."""
    room, *rest = name.split(".")
    found = importlib.import_module(f"jaxmath.{room}")
    for part in rest:
        found = getattr(found, part, None) or importlib.import_module(f"{found.__name__}.{part}")
    return found


def _state(state: str) -> str:
    return "Not known: " if state == "not known" else ""


def pages() -> dict[Path, str]:
    """Every generated page, by its file."""
    served = catalog.serving(DOCS.parent)
    made = {
        DOCS / "topics.md": topics(served),
        DOCS / "primitives.md": primitives_page(),
        DOCS / "families.md": families_page(),
        DOCS / "losses.md": losses_page(),
        DOCS / "coverage.md": coverage_page(),
    }
    for room, formulas in formula_rooms().items():
        made[DOCS / "formulas" / f"{room.replace(' ', '_')}.md"] = page(room, formulas)
    made[DOCS / "formulas" / "README.md"] = formulas_page()
    return made


def main() -> int:
    """Write the pages, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    made = pages()
    old = {
        path: path.read_text("utf-8")
        for path in [
            *(path for path in made if path.parent == DOCS),
            *DOCS.glob("formulas/*.md"),
        ]
        if path.is_file()
    }
    stale = sorted(path for path in {*made, *old} if made.get(path) != old.get(path))
    if not check:
        for path in stale:
            if path in made:
                path.parent.mkdir(exist_ok=True)
                path.write_text(made[path], "utf-8")
            else:
                path.unlink()
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(DOCS.parent)}")
    print(count(catalog.serving(DOCS.parent)))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
