"""`[tool.jaxmath.verify]` of a project's pyproject.toml: many functions to verify, and how.

    [tool.jaxmath.verify]
    baseline = "verify-baseline.json"

    [tool.jaxmath.verify.functions."mine.losses:huber"]
    domain = { residual = "real", delta = "positive" }
    convention = "left"

It names code, which no config of `jaxmath run` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt

from jaxmath.config.document import Keys, dotted, show
from jaxmath.config.errors import InputError, Problem, theirs
from jaxmath.config.project import Project
from jaxmath.config.schema import Validation
from jaxmath.config.toml_file import read_document
from jaxmath.examine import verifying
from jaxmath.examine.verifying import Question

TABLE = ("tool", "jaxmath", "verify")

SUCH_AS = 'such as [tool.jaxmath.verify.functions] "mine:f" = { domain = { x = "positive" } }'


@dataclass(frozen=True)
class Common:
    """What holds for every function that does not say otherwise."""

    dtypes: tuple[Literal["float64", "float32", "float16", "bfloat16"], ...] = ("float64",)
    order: Literal[1, 2] = 1
    budget: Annotated[int, Ge(1)] = 400
    limit: Annotated[float, Gt(0)] = 64.0
    quick: bool = False


@dataclass(frozen=True)
class Function(Common):
    """How one function is verified; the words are those of the command line."""

    domain: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    wrt: tuple[str, ...] = ()
    analytic: tuple[str, ...] = ()
    twin: tuple[str, ...] = ()
    convention: Literal["left", "right", "middle", "zero"] | None = None
    stop_gradients: bool = False


@dataclass(frozen=True)
class Table:
    """What a project verifies, and the file of the faults that it knows of, if it names one."""

    file: Path
    questions: tuple[Question, ...]
    baseline: Path | None


def nearest_file(start: Path) -> Path:
    """The pyproject.toml of a folder or of the nearest one above it.

    Raises:
        InputError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder / "pyproject.toml"
    told = "name a function, or a project whose pyproject.toml has a table [tool.jaxmath.verify]"
    raise InputError(Problem(told, hint=SUCH_AS))


def read(file: Path) -> Table:
    """All questions of a project.

    Raises:
        InputError: everything that is wrong with the table, each with its line and path.
        ExperimentError: a module of the project cannot be imported.
    """
    document = read_document(file, TABLE)
    values: Any = document.values
    for key in TABLE:
        values = values.get(key, {})
    if not isinstance(values, Mapping) or not values:
        raise InputError(Problem("there is no table [tool.jaxmath.verify]", file, hint=SUCH_AS))
    check = Validation(document, Project(file.parent))
    functions = values.get("functions", {})
    rest = {key: value for key, value in values.items() if key not in ("functions", "baseline")}
    baseline = values.get("baseline")
    if baseline is not None and (not isinstance(baseline, str) or not baseline):
        told = f"`{dotted((*TABLE, 'baseline'))}` should be the name of a file"
        check.problem((*TABLE, "baseline"), f"{told}, got {show(baseline)}")
    known = ("baseline", "functions", *Common.__dataclass_fields__)
    for key in [key for key in rest if key not in known]:
        check.unknown((*TABLE, key), Common, list(known))
        del rest[key]
    common = check.table(Common, rest, TABLE)
    if not isinstance(functions, Mapping) or not functions:
        check.problem(
            (*TABLE, "functions"), "`tool.jaxmath.verify.functions` names no function", SUCH_AS
        )
        functions = {}
    questions = []
    for name, given in functions.items():
        questions += _questions(check, name, given, common, file.parent)
    check.finish()
    place = file.parent / baseline if isinstance(baseline, str) else None
    return Table(file, tuple(questions), place)


def _questions(check: Validation, name: str, given: Any, common: Any, folder: Path):
    """One question for each dtype of a function; problems are noted."""
    keys: Keys = (*TABLE, "functions", name)
    if isinstance(given, Mapping):
        given = {key: _words(key, value) for key, value in given.items()}
        inherited = {} if common is MISSING else dict(vars(common))
        given = {**inherited, **given}
    found = check.table(Function, given, keys)
    if found is MISSING:
        return
    options = {key: value for key, value in vars(found).items() if key != "dtypes"}
    for dtype in found.dtypes:
        try:
            with theirs(name, "import"):
                yield verifying.ask(name, folder=folder, dtype=dtype, **options)
        except InputError as error:
            for problem in error.problems:
                where = (*keys, problem.path) if problem.path else keys
                check.problem(where, problem.sentence, problem.hint)
            return


def _words(key: str, value: Any) -> Any:
    """A table such as { x = "positive" } as words, `x=positive`; a single word as a list."""
    if key in ("domain", "at", "analytic", "twin"):
        if isinstance(value, Mapping):
            return list(_pairs(value))
        if isinstance(value, str):
            return [value]
    if key == "wrt" and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value


def _pairs(table: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{above}{key}.")
        else:
            for entry in value if isinstance(value, list) and above == "" else [value]:
                yield f"{above}{key}={entry}"
