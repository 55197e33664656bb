"""Answers as text, JSON, Markdown, or a page that opens from disk without a network."""

from __future__ import annotations

import datetime
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jaxmath
from jaxmath.config.document import show
from jaxmath.config.errors import Exit, InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.examine.verdict_plots import plots
from jaxmath.examine.verifying import Answer
from jaxmath.report import figures
from jaxmath.report.pictures import url
from jaxmath.report.templating import environment
from jaxmath.report.themes import DARK, LIGHT
from jaxmath.runs import encoding, store
from jaxmath.runs.experiment import Plot
from jaxmath.verify import Verdict
from jaxmath.verify.summary import HEADER, MARK, Summary, summary

FORMAT = 1
"""The version of the JSON."""

ENDINGS = {".json": "json", ".md": "markdown", ".html": "html", ".htm": "html", ".txt": "text"}

TONE = {"right": "good", "wrong": "bad", "undecided": "open"}


def format_of(name: str | None, out: Path | None) -> str:
    """The format that is named, else the one of the file's ending, else text.

    Raises:
        InputError: there is no such format.
    """
    if name is None:
        return ENDINGS.get(out.suffix.lower(), "text") if out else "text"
    if name not in RENDERED:
        raise InputError(Problem(f"there is no format {show(name)}", hint=suggest(name, RENDERED)))
    return name


def write(path: Path, content: str) -> None:
    """Write a report; raises StorageError where that cannot be done."""
    with store.disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write(path, content)


def text(answers: Sequence[Answer]) -> str:
    """What a terminal shows: what was found, and code that shows the gravest fault."""
    parts = []
    for answer in answers:
        parts.append(str(answer))
        if isinstance(answer.found, Verdict) and (code := answer.found.reproducer()):
            parts.append(f"To see it again, or to report it:\n\n{code}")
    return "\n\n".join(parts)


def json(answers: Sequence[Answer]) -> str:
    """All that was found, as strict JSON."""
    functions = [
        dict(
            function=answer.question.name,
            status=answer.exit.name,
            accepted=answer.accepted,
            remarks=answer.remarks,
            **(dict(raised=answer.raised) if answer.found is None else answer.found.to_dict()),
        )
        for answer in answers
    ]
    whole = dict(format=FORMAT, jaxmath=jaxmath.__version__, functions=functions)
    return encoding.json_text(encoding.plain(whole))


def markdown(answers: Sequence[Answer]) -> str:
    """Headings and tables, as an issue or a wiki takes them."""
    return "\n".join(line for answer in answers for line in _markdown(answer))


def _markdown(answer: Answer) -> list[str]:
    lines = [f"## `{answer.question.name}`", ""]
    if answer.found is None:
        return [*lines, "It raised:", "", "```", *answer.raised, "```", ""]
    s = summary(answer.found)
    lines += [f"On {_escaped(s.place)}", "", f"**{MARK[s.state]} {_escaped(s.sentence)}**", ""]
    if s.entries:
        lines += [f"| {' | '.join(HEADER)} |", "|" + " --- |" * len(HEADER)]
        for e in s.entries:
            kind = f"{MARK[e.state]} {e.kind}" + (f": {e.note}" if e.note else "")
            cells = (e.what, kind, e.where, e.answer, e.truth, e.error)
            lines.append(f"| {' | '.join(map(_escaped, cells))} |")
        lines.append("")
    for code, kind in ((s.why, "text"), (s.reproducer, "python")):
        lines += [f"```{kind}", code, "```", ""] if code else []
    return [*lines, *(f"- {_escaped(r)}" for r in (*s.remarks, *answer.remarks)), ""]


def _escaped(words: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(words.split()))


@dataclass(frozen=True)
class Picture:
    """A plot as data URLs."""

    plot: Plot
    light: str
    dark: str


class Part(NamedTuple):
    """One function on the page."""

    name: str
    summary: Summary
    pictures: tuple[Picture, ...]
    raised: tuple[str, ...] = ()


def html(answers: Sequence[Answer]) -> str:
    """The whole page, with its pictures inside."""
    parts = [_part(answer) for answer in answers]
    ends = [answer.exit for answer in answers]
    wrong = sum(end is not Exit.PASS for end in ends)
    if len(parts) == 1:
        title, verdict = parts[0].summary.title, parts[0].summary.sentence
    else:
        title = "Derivatives verified"
        verdict = f"{len(parts) - wrong} of {len(parts)} functions are right."
    states = {part.summary.state for part in parts}
    state = "wrong" if "wrong" in states else "undecided" if "undecided" in states else "right"
    now = datetime.datetime.now(datetime.UTC)
    return environment().get_template("verdict.html").render(
        title=title,
        verdict=verdict,
        state="right" if not wrong else state,
        parts=parts,
        mark=MARK,
        tone=TONE,
        when=f"{now.day} {now:%B %Y, %H:%M} UTC",
        command=shlex.join(["jaxmath", *sys.argv[1:]]),
        version=jaxmath.__version__,
        light=LIGHT,
        dark=DARK,
    )  # fmt: skip


def _part(answer: Answer) -> Part:
    name = answer.question.name
    if answer.found is None:
        said = Summary(name, "its domain", "wrong", f"It raised: {answer.raised[-1]}", (), ())
        return Part(name, said, (), answer.raised)
    said = summary(answer.found)
    said = said._replace(remarks=(*said.remarks, *answer.remarks))
    return Part(name, said, tuple(map(_picture, plots(answer.found))))


def _picture(plot: Plot) -> Picture:
    files = figures.pictures(plot, "plot")
    return Picture(plot, url(files["plot.svg"]), url(files[f"plot-{DARK.name}.svg"]))


RENDERED: Mapping[str, Callable[[Sequence[Answer]], Any]] = dict(
    text=text, json=json, markdown=markdown, html=html
)
