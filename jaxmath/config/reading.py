"""From a config (a TOML file, or a dict from Python) to a validated study.

What can be known without JAX is told first, in a fraction of a second; only then is the
experiment imported and every value held against its `Config`.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmath.config import project as projects
from jaxmath.config import sweep_table
from jaxmath.config.document import (
    Document,
    Keys,
    check_values,
    refuse_code,
    show,
)
from jaxmath.config.errors import InputError, Problem, theirs
from jaxmath.config.extends import extended
from jaxmath.config.project import NAME, Project
from jaxmath.config.spelling import nearest, suggest
from jaxmath.config.sweep_table import MAX_SEED
from jaxmath.config.toml_file import read_document

if TYPE_CHECKING:
    from jaxmath.config.study import Study

RESERVED = ("experiment", "extends", "seed", "precision", "sweep", "smoke")
PRECISIONS = ("float64", "float32")
FIXED = ("smoke", "experiment", "extends")
"""What [smoke] does not set."""


def read(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    smoke: bool = False,
    folder: Path | None = None,
) -> Study:
    """Read and validate a config.

    Later wins: the experiment's defaults, the files that `extends` names, the file, the [smoke]
    values of all of them if `smoke`, and `overrides`, words such as "optimizer.learning_rate=0.1"
    or "sweep.seed=[0, 1, 2]". A single value takes its path out of an earlier sweep. The
    `experiments` folder is looked for from `folder` upwards, the file's own unless given.

    Raises:
        InputError: with every problem found, each with its place and the nearest valid name.
        Exception: whatever the experiment's own module raises when it is imported.
    """
    return read_with_document(config, overrides, smoke, folder)[0]


def read_with_document(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    smoke: bool = False,
    folder: Path | None = None,
) -> tuple[Study, Document]:
    """As `read`, and the document, which knows where each value came from."""
    opened = open_document(config)
    project = Project(folder or opened.folder)
    opened = extended(opened, project)
    # The way that is not asked for is checked as well: a slip shows before the long run, not in it.
    modes = (smoke, not smoke) if opened.values.get("smoke") else (smoke,)
    documents = {mode: copy.deepcopy(opened) for mode in modes}
    problems: dict[str, Problem] = {}
    studies = {}
    for mode, document in documents.items():
        with _noting(problems):
            lay_over(document, overrides, mode)
            check_top(document, project)
    _raise(problems, opened.file)
    for mode, document in documents.items():
        with _noting(problems):
            studies[mode] = _validate(document, project, tuple(overrides), mode)
    _raise(problems, opened.file)
    return studies[smoke], documents[smoke]


@contextmanager
def _noting(problems: dict[str, Problem]) -> Iterator[None]:
    """Keep what is wrong, each problem once."""
    try:
        yield
    except InputError as error:
        problems |= {str(problem): problem for problem in error.problems}


def _raise(problems: dict[str, Problem], file: Path | None) -> None:
    """Raise what was noted, in the order of the file and then of those that it extends."""

    def order(problem: Problem) -> tuple[Any, ...]:
        return (problem.line is None, problem.file != file, str(problem.file), problem.line or 0)

    if problems:
        raise InputError(*sorted(problems.values(), key=order))


def open_document(config: str | Path | Mapping[str, Any]) -> Document:
    """A config's own values, before anything is laid over them."""
    if isinstance(config, Mapping):
        document = Document(copy.deepcopy(dict(config)))
        refuse_code(document)
        check_values(document)
        return document
    return read_document(Path(config))


def lay_over(document: Document, overrides: Sequence[str], smoke: bool) -> None:
    """Lay the [smoke] values and then the words of the command line over the file's."""
    sweep_table.normalize(document)
    table = document.values.get("smoke", {})
    if smoke and isinstance(table, Mapping):
        for key, value in sorted(table.items(), key=lambda item: str(item[0]).startswith("sweep")):
            keys = tuple(str(key).split("."))
            if keys[0] not in FIXED:
                sweep_table.lay(document, keys, value, ("smoke", key))
    problems = []
    for word in overrides:
        try:
            keys, value = parse_override(word)
        except InputError as error:
            problems += error.problems
            continue
        if keys[0] in ("smoke", "extends"):
            told = f"`{keys[0]}` is set in the file"
            problems.append(Problem(told, text=word, mark=keys[0]))
            continue
        sweep_table.lay(document, keys, value, word)
    if problems:
        raise InputError(*problems)
    check_values(document)


PATH = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


def parse_override(word: str) -> tuple[Keys, Any]:
    """Split `path=value`; the value is TOML, and a bare word is text.

    Raises:
        InputError: there is no such path or value.
    """
    path, equals, text = word.partition("=")
    path, text = path.strip(), text.strip()
    if not equals or not PATH.fullmatch(path):
        hint = "such as optimizer.learning_rate=0.1"
        raise InputError(Problem("an override is path=value", text=word, mark=path, hint=hint))
    keys = tuple(path.split("."))
    if not text:
        raise InputError(Problem(f"`{path}` has no value", text=word, mark=path))
    try:
        parsed = tomllib.loads(f"value = {text}")
        if set(parsed) == {"value"}:
            return keys, parsed["value"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        pass
    number = re.fullmatch(r"([+-]?)(\.\d[\d_]*|\d[\d_]*\.)([eE][+-]?\d+)?", text)
    if number:
        sign, digits, power = number.groups()
        whole = f"0{digits}" if digits.startswith(".") else f"{digits}0"
        return keys, float(f"{sign}{whole}{power or ''}".replace("_", ""))
    if text[0] in "[{\"'" or "\n" in text or not text.isprintable():
        hint = "lists are [1, 2]; text in a list or table has quotes, so quote the whole word"
        raise InputError(Problem(f"the value of `{path}` is no TOML", text=word, hint=hint))
    return keys, text


def check_top(document: Document, project: Project) -> None:
    """Check what needs neither JAX nor the experiment: its name, and the keys at the top.

    Raises:
        InputError: with every problem found here.
    """
    problems: list[Problem] = []
    values = document.values

    def problem(keys: Keys, sentence: str, hint: str = "") -> None:
        problems.append(document.problem(keys, sentence, hint))

    for key in ("sweep", "smoke"):
        if not isinstance(values.get(key, {}), Mapping):
            problem((key,), f"`{key}` should be a table, got {show(values[key])}")
    sweep = values.get("sweep", {})
    for group in sweep_table.GROUPS if isinstance(sweep, Mapping) else ():
        if not isinstance(sweep.get(group, {}), Mapping):
            told = f"`sweep.{group}` should be a table, got {show(sweep[group])}"
            problem(("sweep", group), told)
    seed = values.get("seed", 0)
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        told = f"`seed` should be a whole number from 0 to {MAX_SEED}, got {show(seed)}"
        hint = f"to vary it: [sweep] seed = {show(seed)}" if isinstance(seed, list) else ""
        problem(("seed",), told, hint)
    precision = values.get("precision", PRECISIONS[0])
    if precision not in PRECISIONS:
        told = f'`precision` should be "float64" or "float32", got {show(precision)}'
        close = nearest(precision, PRECISIONS)
        problem(("precision",), told, f'did you mean "{close}"?' if close else "")
    name = values.get("experiment")
    fields = None
    if name is None:
        close = nearest("experiment", values)
        if not values:
            told = "this config is empty"
        else:
            told = 'the key `experiment` is missing, such as experiment = "train"'
        hint = f"did you mean it by `{close}`?" if close else suggest("", project.experiments)
        problem((close,) if close else (), told, hint)
    elif not isinstance(name, str):
        problem(("experiment",), f"`experiment` should be a name, got {show(name)}")
    else:
        source = project.source(name) if NAME.fullmatch(name) else None
        if source is None:
            where = f" in {project.folder}" if project.folder else ""
            hint = suggest(name, project.experiments)
            problem(("experiment",), f"there is no experiment {show(name)}{where}", hint)
        else:
            fields = projects.fields(source)
    if fields is not None:
        known = [*fields, *RESERVED]
        problems += _unknown_top(document, known, fields)
    if problems:
        raise InputError(*problems)


def _unknown_top(document: Document, known: list[str], fields: Sequence[str]) -> list[Problem]:
    """Keys at the top, in [smoke] and in [sweep], whose first part is no field."""
    problems = []
    problems += [
        document.problem((key,), f"unknown key `{key}`", suggest(key, known))
        for key in document.values
        if key not in known
    ]
    smoke = document.values.get("smoke", {})
    for key in smoke if isinstance(smoke, Mapping) else ():
        head = str(key).partition(".")[0]
        if head not in known or head in FIXED:
            hint = suggest(head, [k for k in known if k not in FIXED])
            problems.append(document.problem(("smoke", key), f"unknown key `smoke.{key}`", hint))
    sweep = document.values.get("sweep", {})
    if not isinstance(sweep, Mapping):
        return problems
    for group, path, value in sweep_table.entries(sweep):
        head = str(path).partition(".")[0]
        if head not in (*fields, "seed"):
            words = () if not group or isinstance(value, Mapping) else sweep_table.SETTINGS
            words = sweep_table.ASKED if words and group == "optuna" else words
            hint = suggest(head, [*fields, "seed", *words, *(() if group else sweep_table.GROUPS)])
            told = f"the sweep names `{path}`, and there is no `{head}`"
            place = ("sweep", group, path) if group else ("sweep", path)
            problems.append(document.problem(place, told, hint))
    return problems


def _validate(
    document: Document, project: Project, overrides: tuple[str, ...], smoke: bool
) -> Study:
    """Import the experiment and hold every value against its `Config`."""
    from jaxmath.config import asking, halving
    from jaxmath.config.axes import sweep_axes, written
    from jaxmath.config.schema import Validation, plain
    from jaxmath.config.study import Study

    values = document.values
    with theirs(values["experiment"], "import"):
        module = project.load(values["experiment"])
    lacking = [n for n in ("Config", "load", "judge") if not hasattr(module, n)]
    if not any(hasattr(module, name) for name in ("measure", "begin", "survey")):
        lacking.append("measure")
    if lacking:
        told = f"{module.__file__} is no experiment: it has no {' and no '.join(lacking)}"
        raise InputError(document.problem(("experiment",), told))
    check = Validation(document, project)
    given = {key: value for key, value in values.items() if key not in RESERVED}
    config = check.table(module.Config, given, ())
    swept = sweep_axes(config, check) if config is not MISSING else ()
    method = None
    if config is not MISSING:
        method = halving.read(config, swept, module, check) or asking.read(swept, module, check)
    check.finish()
    resolved = {
        "experiment": values["experiment"],
        "seed": values.get("seed", 0),
        "precision": values.get("precision", PRECISIONS[0]),
        **plain(config),
    }
    if swept:
        resolved["sweep"] = written(values["sweep"], swept)
    if isinstance(method, halving.Halving):
        resolved["sweep"][method.name] = halving.written(method)
    elif method:
        resolved["sweep"]["optuna"] |= asking.written(method)
    return Study(
        experiment=values["experiment"],
        module=module,
        config=config,
        axes=swept,
        seed=resolved["seed"],
        precision=resolved["precision"],
        smoke=smoke,
        source=document.file,
        resolved=resolved,
        overrides=overrides,
        method=method,
    )
