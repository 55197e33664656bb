"""The faults that a project knows of, in a file, so that only a new or a worse one fails."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jaxmath.config.errors import InputError, Problem
from jaxmath.examine.verifying import Answer
from jaxmath.runs import encoding, store
from jaxmath.verify import Report, Verdict

FORMAT = 1

GROWTH = 10.0
"""A known fault whose excess has grown by more than this is a new one."""

Fault = Mapping[str, Any]


def faults(found: Verdict | Report) -> list[dict[str, Any]]:
    """What is wrong, as the file keeps it, and what is undecided."""
    if isinstance(found, Report):
        return [
            dict(kind=row.verdict, who=who, argument=" ".join(row.arguments), order=row.order)
            for row in found.rows
            if row.verdict != "agree"
            for who in row.blame or ("nobody",)
        ]
    return [
        dict(kind=f.kind, who=f.who, argument=f.argument, order=f.order)
        | (dict(excess=float(f"{f.excess:.3g}")) if f.fault and math.isfinite(f.excess) else {})
        for f in (*found.faults, *found.open)
    ]


def key(answer: Answer) -> str:
    """Under which name the file keeps an answer."""
    return f"{answer.question.name} {answer.question.dtype}"


def read(path: Path) -> dict[str, list[Fault]]:
    """The known faults by function and dtype; none where there is no file yet.

    Raises:
        InputError: the file is no baseline.
    """
    if not path.exists():
        return {}
    try:
        held = encoding.read_json(path)
        if held["format"] > FORMAT:
            raise InputError(Problem("this baseline was written by a newer jaxmath", path))
        return {str(name): list(entries) for name, entries in held["functions"].items()}
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        hint = "`jaxmath verify --update-baseline` writes it anew"
        raise InputError(Problem("this is no baseline of jaxmath", path, hint=hint)) from None


def write(path: Path, answers: Iterable[Answer]) -> None:
    """Keep the faults of these answers, in order, so that a change shows as a small difference."""
    functions = {key(a): faults(a.found) for a in answers if a.found is not None}
    functions = {name: functions[name] for name in sorted(functions) if functions[name]}
    with store.disk(path.parent):
        store.write(path, encoding.json_text(dict(format=FORMAT, functions=functions)))


def judged(answer: Answer, known: Mapping[str, list[Fault]]) -> Answer:
    """The answer, accepted if each of its faults is known and no worse, and what has changed."""
    if answer.found is None:
        return answer
    old, now = known.get(key(answer), []), faults(answer.found)
    new = [fault for fault in now if not any(_covers(o, fault) for o in old)]
    gone = [fault for fault in old if not any(_same(fault, n) for n in now)]
    remarks = [f"new since the baseline: {_words(fault)}" for fault in new if old]
    if gone:
        remarks.append(
            f"no longer found: {'; '.join(map(_words, gone))} (`--update-baseline` takes it out)"
        )
    return dataclasses.replace(
        answer, accepted=bool(now) and not new, remarks=(*answer.remarks, *remarks)
    )


def _same(one: Fault, two: Fault) -> bool:
    return all(one.get(name) == two.get(name) for name in ("kind", "who", "argument", "order"))


def _covers(old: Fault, new: Fault) -> bool:
    worst = old.get("excess", math.inf)
    return _same(old, new) and new.get("excess", math.inf) <= GROWTH * worst


def _words(fault: Fault) -> str:
    what = f"the derivative in {fault['argument']}" if fault["order"] else "the value"
    return f"{what} by {fault['who']}: {fault['kind']}"
