"""`jaxmath verify`: from words to a question, from a question to an answer and its exit status."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from jaxmath.config.document import show
from jaxmath.config.errors import Exit, InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.examine import companions, domain_words
from jaxmath.examine.functions import find_function
from jaxmath.formula import Formula
from jaxmath.verify import Report, Verdict, check
from jaxmath.verify.given import QuestionError, as_formula, parameters_of

DTYPES = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Question:
    """What is to be verified: a function by its name, and the options of `verify.check`."""

    name: str
    function: Any
    options: Mapping[str, Any]
    twins: tuple[companions.Meaning, ...] = ()

    @property
    def dtype(self) -> str:
        """The precision that is judged."""
        return self.options["dtype"]


@dataclass(frozen=True)
class Answer:
    """What was found, and remarks on the question itself.

    Attributes:
        found: None where the function raised; `raised` then tells what, line by line.
        accepted: whether every fault is known and no worse than it was.
    """

    question: Question
    found: Verdict | Report | None
    remarks: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def exit(self) -> Exit:
        """PASS if nothing is wrong and nothing undecided; kinks and conventions are not wrong."""
        if self.found is None:
            return Exit.EXPERIMENT
        return Exit.PASS if self.found.ok or self.accepted else Exit.FAIL

    def __str__(self) -> str:
        said = self.raised if self.found is None else (str(self.found),)
        return "\n".join([*said, *(f"  {remark}" for remark in self.remarks)])


def ask(
    name: str,
    *,
    folder: Path | None = None,
    wrt: Sequence[str] | None = None,
    domain: Sequence[str] = (),
    at: Sequence[str] = (),
    analytic: Sequence[str] = (),
    twin: Sequence[str] = (),
    dtype: str = "float64",
    convention: str | None = None,
    **options: Any,
) -> Question:
    """A question from words, as the command line and a project's table have them.

    Raises:
        InputError: every word that makes no sense, each under the name of its option.
        Exception: whatever the function's own module raises.
    """
    function = find_function(name, folder)
    parameters = list(parameters_of(function))
    problems: list[Problem] = []
    asked: dict[str, Any] = {}
    with _noting(problems, "domain"):
        asked["domain"] = domain_words.parse_domains(domain, parameters) or None
    with _noting(problems, "wrt"):
        asked["wrt"] = _wrt(name, wrt, parameters)
    for option, word, known in (
        ("dtype", dtype, DTYPES),
        ("convention", convention, ("left", "right", "middle", "zero")),
    ):
        asked[option] = word
        if word is not None and word not in known:
            hint = suggest(word, known)
            problems.append(Problem(f"there is no {option} {show(word)}", path=option, hint=hint))
    twins: tuple[companions.Meaning, ...] = ()
    with _noting(problems, "twin"):
        twins = tuple(companions.meaning(word, function, folder) for word in twin)
        asked["twins"] = tuple(meaning.twin for meaning in twins)
    if not problems:
        with _noting(problems, "domain"):
            formula = _record(function, asked["domain"])
            with _noting(problems, "at"):
                asked |= _at(at, formula, asked["domain"], dtype)
            with _noting(problems, "analytic"):
                arguments = _differentiable(formula, asked["wrt"])
                asked["analytic"] = companions.analytic(analytic, arguments, folder)
    if problems:
        raise InputError(*problems)
    if any(meaning.is_whole for meaning in twins):
        function = jax.jit(function)  # so that it is a call, which can be recognised
    return Question(name, function, {**options, **asked}, twins)


def answer(question: Question) -> Answer:
    """Verify a function.

    Raises:
        Exception: whatever the function itself raises.
    """
    try:
        found = check(question.function, **question.options)
    except QuestionError as error:
        raise InputError(str(error)) from None
    except Exception as error:
        if question.options["domain"] is None and not isinstance(question.function, Formula):
            error.add_note(
                "Without a domain each argument is a number; an array is --domain x=real^3."
            )
        raise
    remarks = []
    if isinstance(found, Report) and not question.options.get("quick"):
        remarks.append("numerical, not proven: exact arithmetic needs `pip install python-flint`")
    remarks += [
        f"the twin {meaning.name} was never used: no call of that name was met"
        for meaning in question.twins
        if isinstance(found, Verdict) and not meaning.used
    ]
    return Answer(question, found, tuple(remarks))


@contextmanager
def _noting(problems: list[Problem], option: str) -> Iterator[None]:
    """Keep what is wrong with an option, under its name."""
    try:
        yield
    except InputError as error:
        problems += [
            p if p.path else dataclasses.replace(p, sentence=f"{option}: {p.sentence}", path=option)
            for p in error.problems
        ]


def _wrt(name: str, wrt: Sequence[str] | None, parameters: list[str]) -> tuple[str, ...] | None:
    for argument in wrt or ():
        if argument not in parameters:
            hint = suggest(argument, parameters)
            raise InputError(Problem(f"{name} has no argument {show(argument)}", hint=hint))
    return tuple(wrt) if wrt else None


def _record(function: Any, domain: Mapping[str, Any] | None) -> Formula:
    """The function with the set of each argument."""
    try:
        return as_formula(function, domain, traced=False)[0]
    except QuestionError as error:
        raise InputError(str(error)) from None


def _differentiable(formula: Formula, wrt: tuple[str, ...] | None) -> list[str]:
    """The arguments to differentiate in."""
    for name in wrt or ():
        if name not in formula.arguments:
            raise InputError(
                f"wrt: {name} keeps its default; to differentiate in it, state its domain"
            )
        if name not in formula.differentiable:
            raise InputError(f"wrt: {name} lies in {formula.domain[name]}, where nothing can move")
    return [name for name in formula.differentiable if wrt is None or name in wrt]


def _at(words: Sequence[str], formula: Formula, domain, dtype: str) -> dict[str, Any]:
    """The points to look at first, and the domain cut to the ranges."""
    whole, given = dict(formula.domain), {}
    ranges = {}
    for name, text in domain_words.pairs(words, list(whole)):
        if domain_words.is_range(text):
            ranges[name] = domain_words.cut(whole[name], text, name)
        else:
            given.setdefault(name, []).append(domain_words.parse_value(text, whole[name], name))
    formula = dataclasses.replace(formula, domain=whole | ranges, where=None)
    return dict(
        domain=formula.domain if ranges else domain,
        points=domain_words.points_at(given, formula, dtype) if given else None,
    )
