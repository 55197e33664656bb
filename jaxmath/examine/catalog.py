"""What there is, in words: `jaxmath list` and `jaxmath show`."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import os
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jaxmath.config.choices import TUPLES, available, entry_name, options_of
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.project import Project
from jaxmath.config.schema import describe
from jaxmath.config.spelling import suggest
from jaxmath.formula import Fact, Formula
from jaxmath.report import tex
from jaxmath.report.terminal import NARROW, width
from jaxmath.sources import SOURCES

FORMULA_ROOMS = (
    ("special functions", "jaxmath.special", "SPECIAL"),
    ("objectives", "jaxmath.losses", "OBJECTIVES"),
    ("distributions", "jaxmath.distributions", "FORMULAS"),
    ("proximal maps", "jaxmath.proximal", "PROXIMAL"),
    ("projections", "jaxmath.proximal", "PROJECTIONS"),
    ("gradients by hand", "jaxmath.models", "FORMULAS"),
)


def listing(start: Path) -> str:
    """Every name with a line of what it is, room by room."""
    return "\n\n".join(
        "\n".join([room, *(_entry(name, words) for name, words in entries.items())])
        for room, entries in listed(start).items()
    )


def listed(start: Path) -> dict[str, dict[str, str]]:
    """By room, every name with what it is."""
    found = {"experiments": dict(experiments(Project(start)))}
    for room, entries in rooms():
        found[room] = {entry_name(entry): _first_line(entry) for entry in entries}
    return found


def rooms() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The library's tuples: what a config chooses by name, kind by kind, then other formulas."""
    for kind in TUPLES:
        yield kind, tuple(available(kind).values())  # pyright: ignore[reportArgumentType]
    for room, module, name in FORMULA_ROOMS:
        yield room, tuple(getattr(importlib.import_module(module), name, ()))


def experiments(project: Project) -> list[tuple[str, str]]:
    """The names of all experiments, each with its title, read and not run."""
    found = []
    for name in project.experiments:
        source = project.source(name)
        if source is not None and source.is_file():
            found.append((name, _title(source)))
    return found


def by_topic(start: Path) -> str:
    """The rows of the mission, each with the experiments and the formulas that serve it."""
    lines, section = [], None
    for row in topics(start):
        if row["section"] != section:
            section = row["section"]
            lines += ["", section] if lines else [section]
        told = ", ".join([*(row["experiments"] or ["planned"]), *row["formulas"]])
        lines.append(_entry(f"{row['id']:<4} {row['concept']}", told, 52))
    return "\n".join(lines)


def topics(start: Path) -> list[dict[str, Any]]:
    """The rows of the mission as data."""
    served, rows = serving(start), []
    for name, row in topic_rows().items():
        experiments_, formulas = served.get(name, ([], []))
        rows.append({"id": name, **row, "experiments": experiments_, "formulas": formulas})
    return rows


def serving(start: Path) -> dict[str, tuple[list[str], list[str]]]:
    """The experiments and the formulas that name each topic as theirs."""
    project = Project(start)
    served: dict[str, tuple[list[str], list[str]]] = {}
    for name in project.experiments:
        source = project.source(name)
        for topic in _topics(source) if source is not None and source.is_file() else ():
            served.setdefault(topic, ([], []))[0].append(name)
    for _, entries in rooms():
        for entry in entries:
            if isinstance(entry, Formula):
                names = served.setdefault(entry.topic, ([], []))[1]
                if entry.name not in names:
                    names.append(entry.name)
    return served


def topic_rows() -> dict[str, dict[str, str]]:
    """The project's own list of its mission: id -> section, concept, formula, source."""
    here = Path(__file__).resolve()
    for file in (here.with_name("topics.toml"), here.parents[2] / "docs" / "topics.toml"):
        if file.is_file():
            found = tomllib.loads(file.read_text("utf-8"))
            rows = found.get("topics", found)
            if isinstance(rows, list):
                return {row["id"]: row for row in rows}
            return rows
    raise InputError("this installation of jaxmath has no list of topics")


class Card(NamedTuple):
    """All that is known of a name: what it is, and rows that each say something of it."""

    title: str
    room: str
    words: str
    rows: list[tuple[str, str]]


def card(name: str, start: Path) -> str:
    """The cards of a name as text."""
    return "\n\n".join(map(_text, cards(name, start)))


def cards(name: str, start: Path) -> list[Card]:
    """What is known of a formula, or of a model, an optimiser or a data set.

    Raises:
        InputError: there is no such name.
    """
    project = Project(start)
    known: dict[str, list[tuple[str, Any]]] = {}
    for room, entries in rooms():
        for entry in entries:
            known.setdefault(entry_name(entry), []).append((room, entry))
    for kind in TUPLES:
        for full, entry in available(kind, name, project).items():  # pyright: ignore
            if full not in known:
                known[full] = [(kind, entry)]
    if name not in known:
        raise InputError(
            Problem(f"there is no formula {name!r}", hint=suggest(name, known, every=False))
        )
    return [
        _formula_card(room, entry)
        if isinstance(entry, Formula)
        else _other_card(room, name, entry, project)
        for room, entry in known[name]
    ]


def _formula_card(room: str, formula: Formula) -> Card:
    rows = [
        ("formula", tex.plain(f"${formula.tex}$")),
        *formula_rows(formula),
        ("file", _file(formula.plain or formula.fn)),
    ]
    return Card(signature(formula), room, _doc(formula.fn), rows)


def signature(formula: Formula) -> str:
    """The name of a formula with its arguments."""
    return f"{formula.name}({', '.join(formula.arguments)})"


def formula_rows(formula: Formula) -> list[tuple[str, str]]:
    """What is true of a formula, each with the name of what it is."""
    rows = [
        ("domain", "; ".join(f"{k} in {v}" for k, v in formula.domain.items())),
        ("first derivatives", _derivatives(formula)),
    ]
    if formula.seconds:
        pairs = ", ".join(f"({first}, {second})" for first, second in formula.seconds)
        rows.append(("second derivatives", f"closed form in {pairs}"))
    for place in formula.breaks:
        what = {1: "the function has a kink", 2: "the slope has a kink"}[place.order]
        where = _source_of(place.distance)
        rows.append(("break", f"{what} where {where} = 0; there the {place.convention} one counts"))
    rows += [("fact", _fact(fact)) for fact in formula.facts]
    rows += [("exception", f"{law}: {why}") for law, why in formula.exceptions.items()]
    cited = SOURCES.get(formula.source.key, formula.source.key)
    rows.append(("source", f"{cited}, {formula.source.place}".rstrip(", ")))
    rows.append(("topic", _topic(formula.topic)))
    return rows


def _other_card(room: str, name: str, entry: Any, project: Project) -> Card:
    rows = []
    for item in dataclasses.fields(options_of(room, name, project)):  # pyright: ignore
        if item.name != "name":
            none = item.default is dataclasses.MISSING
            rows.append(
                (item.name, describe(item.type) + ("" if none else f", default {item.default}"))
            )
    rows.append(("file", _file(getattr(entry, "init", entry))))
    return Card(name, room, _first_line(entry), rows)


def _text(card: Card) -> str:
    room = width()
    lines = [f"{card.title}  [{card.room}]", *textwrap.wrap(card.words, room), ""]
    for name, text in card.rows:
        lead = f"  {name:<20}"
        if room < NARROW:
            lines += [lead.rstrip(), *_below(text, room)]
            continue
        lines += textwrap.wrap(
            text, room, initial_indent=lead, subsequent_indent=" " * len(lead)
        ) or [lead.rstrip()]
    return "\n".join(lines)


def _below(text: str, room: int) -> list[str]:
    """Words below the name that they belong to."""
    return textwrap.wrap(text, room, initial_indent="    ", subsequent_indent="    ")


def _derivatives(formula: Formula) -> str:
    if formula.vjp is not None:
        return "closed form, as a product with a cotangent"
    closed = [name for name in formula.differentiable if name in formula.partials]
    other = [name for name in formula.differentiable if name not in formula.partials]
    told = f"closed form in {', '.join(closed)}" if closed else ""
    rest = f"by autodiff in {', '.join(other)}" if other else ""
    rule = "installed as a rule for autodiff" if formula.plain is not None else ""
    return "; ".join(filter(None, (told, rest, rule))) or "none: no argument is differentiated"


def _fact(fact: Fact) -> str:
    constant = getattr(fact, "constant", None)
    limit = ""
    if constant is not None:
        limit = f" with constant {_source_of(constant) if callable(constant) else constant}"
    if hasattr(fact, "low"):
        limit = f" between {getattr(fact, 'low')} and {getattr(fact, 'high')}"  # noqa: B009
    return f"{fact.name}{limit} in {fact.argument}"


def _source_of(function: Any) -> str:
    """The body of a lambda, as it stands in its file."""
    try:
        text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return "its distance"
    start = text.find("lambda")
    for end in range(len(text), max(start, 0), -1):
        try:
            found = ast.parse(text[start:end], mode="eval").body
        except SyntaxError:
            continue
        if isinstance(found, ast.Lambda):
            return ast.unparse(found.body)
    return getattr(function, "__name__", "its distance")


def _file(function: Any) -> str:
    function = inspect.unwrap(function)
    try:
        file = inspect.getsourcefile(function) or ""
        line = inspect.getsourcelines(function)[1]
    except (OSError, TypeError):
        return "unknown"
    inside = os.path.relpath(file)
    return f"{file if inside.startswith('..') else inside}:{line}"


def _topic(identifier: str) -> str:
    try:
        row = topic_rows().get(identifier)
    except InputError:
        row = None
    return f"{identifier}, {row['concept']}" if row else identifier


def _entry(name: str, words: str, wide: int = 26) -> str:
    room = width()
    if room < NARROW:
        return "\n".join([f"  {name}", *_below(words, room)])
    return f"  {name:<{wide}} {words}".rstrip()


def _doc(thing: Any) -> str:
    return tex.plain(" ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split()))


def _first_line(entry: Any) -> str:
    if hasattr(entry, "apply"):  # what a model is, its module says
        try:
            return _doc(importlib.import_module(f"jaxmath.models.{entry.name}"))
        except ImportError:
            return _doc(entry.apply)
    return _doc(getattr(entry, "fn", entry))


def _tree(source: Path) -> ast.Module:
    try:
        return ast.parse(source.read_bytes())
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _title(source: Path) -> str:
    words = ast.get_docstring(_tree(source)) or ""
    return tex.plain(" ".join(words.partition("\n\n")[0].split()))


def _topics(source: Path) -> tuple[str, ...]:
    """The `TOPICS` of an experiment's source."""
    for node in _tree(source).body:
        names = [t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)]
        if isinstance(node, ast.Assign) and names == ["TOPICS"]:
            try:
                return tuple(ast.literal_eval(node.value))
            except ValueError:
                return ()
    return ()
