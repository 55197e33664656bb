"""`jaxmath verify`: one function by its name, or all those of a project's table."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxmath.config.errors import Exit, InputError, Problem
from jaxmath.config.statuses import own_frames
from jaxmath.examine import baseline, verdict_report, verify_table, verifying
from jaxmath.examine.verifying import Answer, Question
from jaxmath.verify.verdict import OPEN

Say = Callable[[str], Any]


def one(name: str, say: Say, form: str | None, out: str | None, **words: Any) -> Exit:
    """Verify one function, say or write what was found, and return how it ended."""
    place = Path(out) if out else None
    chosen = verdict_report.format_of(form, place)
    answer = verifying.answer(verifying.ask(name, **words))
    if place:
        verdict_report.write(place, verdict_report.RENDERED[chosen]([answer]))
        say(f"{answer}\n  written: {place}")
    else:
        say(verdict_report.RENDERED[chosen]([answer]).rstrip("\n"))
    return answer.exit


def many(
    file: Path | None,
    say: Say,
    form: str | None = None,
    out: str | None = None,
    update: bool = False,
) -> Exit:
    """Verify every function of a project's table; only what its baseline does not know fails."""
    place = Path(out) if out else None
    chosen = verdict_report.format_of(form, place)
    aloud = chosen == "text" or place is not None
    table = verify_table.read(file or verify_table.nearest_file(Path.cwd()))
    if update and table.baseline is None:
        hint = 'such as baseline = "verify-baseline.json"'
        raise InputError(Problem("the table names no baseline to update", table.file, hint=hint))
    known = baseline.read(table.baseline) if table.baseline else {}
    answers = []
    for question in table.questions:
        started = time.perf_counter()
        answer = _answer(question)
        if not update:
            answer = baseline.judged(answer, known)
        answers.append(answer)
        if aloud:
            say(_line(answer, time.perf_counter() - started))
    if update and table.baseline is not None:
        baseline.write(table.baseline, answers)
    if place:
        verdict_report.write(place, verdict_report.RENDERED[chosen](answers))
    if aloud:
        say(_total(answers, table.baseline if update else None, place))
    else:
        say(verdict_report.RENDERED[chosen](answers).rstrip("\n"))
    ends = [answer.exit for answer in answers]
    return max((e for e in ends if not (update and e is Exit.FAIL)), default=Exit.PASS)


def _answer(question: Question) -> Answer:
    """The answer; a function that raises does not keep the others from theirs."""
    try:
        return verifying.answer(question)
    except InputError as error:
        return Answer(question, None, raised=tuple(str(error).split("\n")))
    except Exception as error:
        told = own_frames(error)
        if not told:
            raise
        return Answer(question, None, raised=tuple(told))


def _word(answer: Answer) -> str:
    if answer.found is None:
        return "RAISED"
    if answer.found.ok:
        return "right"
    if answer.accepted:
        return "known"
    kinds = {fault["kind"] for fault in baseline.faults(answer.found)}
    return "UNDECIDED" if kinds <= OPEN else "WRONG"


def _line(answer: Answer, seconds: float) -> str:
    """A line for what is right or known, all of it for the rest."""
    word = _word(answer)
    line = f"{word:<9} {answer.question.name} {answer.question.dtype} ({seconds:.1f} s)"
    if word in ("right", "known"):
        return "\n".join([line, *(f"    {remark}" for remark in answer.remarks)])
    return "\n".join([line, *(f"    {told}" for told in str(answer).split("\n"))])


def _total(answers: list[Answer], updated: Path | None, out: Path | None) -> str:
    words = [_word(answer).lower() for answer in answers]
    order = ("right", "known", "wrong", "undecided", "raised")
    counts = [f"{words.count(word)} {word}" for word in order if word in words]
    lines = [f"{len(words)} verified: {', '.join(counts)}"]
    lines += [f"written: {path}" for path in (updated, out) if path]
    return "\n".join(lines)
