"""Settings chosen by name: a loss, a model, a data set, each with options of its own.

The options of a named function are its own parameters, so `loss = { name = "huber", delta = 2.0 }`
needs nothing but `def huber(residual, delta=1.0)`. A name resolves in the explicit tuple of its
kind, in the library or in a module of the project's `experiments` folder ("mine.my_loss"), and
never as code.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt

from jaxmath.config.errors import theirs
from jaxmath.config.project import Project
from jaxmath.domains import Interval

Kind = Literal["loss", "penalty", "model", "optimizer", "schedule", "data"]

TUPLES: dict[str, tuple[str, str]] = {
    "loss": ("jaxmath.losses", "LOSSES"),
    "penalty": ("jaxmath.losses", "PENALTIES"),
    "model": ("jaxmath.models", "MODELS"),
    "optimizer": ("jaxmath.train", "OPTIMIZERS"),
    "schedule": ("jaxmath.train", "SCHEDULES"),
    "data": ("jaxmath.lab.datasets", "DATASETS"),
}
"""Where each kind of thing is listed; a module of one's own exports a tuple of the same name."""

DATA_ARGUMENTS: dict[str, frozenset[str]] = {
    "loss": frozenset({"residual", "logit", "logits", "score", "label"}),
    "penalty": frozenset({"weights"}),
    "model": frozenset({"key", "features", "outputs"}),
    "schedule": frozenset({"progress"}),
    "optimizer": frozenset(),
    "data": frozenset({"folder"}),
}
"""What the program passes at run time, and a config therefore does not set."""


@dataclass(frozen=True)
class Split:
    """Which rows are held out for testing: a share, or one of several folds.

    Attributes:
        test: the share of rows, where there are no folds; 0 holds out none.
        seed: of the order in which rows are taken.
        folds: into how many parts the rows are cut; 0 for none.
        fold: the part that is held out, from 0. Swept over all of them, it is a cross-validation.
    """

    test: Annotated[float, Ge(0.0), Lt(1.0)] = 0.0
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    folds: Annotated[int, Ge(0)] = 0
    fold: Annotated[int, Ge(0)] = 0


_SHARE = Annotated[float, Ge(0.0), Lt(1.0)]
HINTS: dict[str, dict[str, Any]] = {
    "optimizer": {
        "learning_rate": Annotated[float, Gt(0.0)],
        "weight_decay": Annotated[float, Ge(0.0)],
        "decay": _SHARE,
        "b1": _SHARE,
        "b2": _SHARE,
        "eps": Annotated[float, Ge(0.0)],
    },
    "schedule": {
        "final": Annotated[float, Ge(0.0)],
        "decay": Annotated[float, Ge(0.0)],
        "warmup": Annotated[float, Gt(0.0), Lt(1.0)],
    },
    "model": {
        "scale": Annotated[float, Ge(0.0)],
        "hidden": tuple[Annotated[int, Ge(1)], ...],
    },
}
"""What an option may be, by its name, for kinds whose functions have no record to say it."""


@dataclass(frozen=True)
class Choice:
    """Marks a field of a `Config` as chosen by name: `Annotated[Any, Choice("loss")]`.

    An optional choice may be `"none"`, and is then None.
    """

    kind: Kind
    optional: bool = False


@dataclass(frozen=True)
class DataFile:
    """Marks text as the name of a file, relative to the config, that must be there."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """A named thing with its options as fields; made by `choose` or read from a config."""

    name: str

    _target: ClassVar[Any] = None
    _arguments: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        """The name, and in brackets what differs from the defaults."""
        changed = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)
            if field.name != "name" and getattr(self, field.name) != field.default
        ]
        return self.name + (f"({', '.join(changed)})" if changed else "")


def entry(option: Option) -> Any:
    """What an option names, as its tuple lists it: a function, a `Formula` or a model's record."""
    return type(option)._target


def target(option: Option) -> Any:
    """The function (or the model's record) that an option names."""
    return getattr(entry(option), "fn", entry(option))


def arguments(option: Option) -> dict[str, Any]:
    """The options that the named function itself takes, as keyword arguments."""
    return {name: getattr(option, name) for name in type(option)._arguments}


def choose(kind: Kind, name: str, **options: Any) -> Any:
    """An option by name, for the default of a field: `choose("loss", "huber", delta=2.0)`.

    Raises:
        KeyError: there is no such name.
        TypeError: it has no such option.
    """
    return options_of(kind, name)(name=name, **options)


def resolve(kind: Kind, name: str, project: Project | None = None) -> Any:
    """The entry of that name: a function or a record as its tuple lists it.

    Raises:
        KeyError: there is no such name.
    """
    return available(kind, name, project)[name]


def available(kind: Kind, name: str = "", project: Project | None = None) -> dict[str, Any]:
    """What a name of a kind can be: the library's, and those of the module that `name` names."""
    module, tuple_name = TUPLES[kind]
    entries = {entry_name(e): e for e in getattr(importlib.import_module(module), tuple_name, ())}
    own, _, attribute = name.partition(".")
    if project is not None and project.mentions(own, attribute):
        with theirs(own, "import"):
            listed = getattr(project.load_own(own), tuple_name, ())
        entries |= {f"{own}.{entry_name(entry)}": entry for entry in listed}
    return entries


def entry_name(entry: Any) -> str:
    """The name of a function, a formula or a record."""
    return entry.name if hasattr(entry, "name") else entry.__name__


def options_of(kind: Kind, name: str, project: Project | None = None) -> type[Option]:
    """The dataclass of the options of a named thing: always the same for the same thing."""
    entry = resolve(kind, name, project)
    known = _OPTIONS.get((kind, name))
    if known is None or known._target is not entry:
        known = _OPTIONS[kind, name] = _make_options(kind, name, entry)
    return known


_OPTIONS: dict[tuple[str, str], type[Option]] = {}


def _make_options(kind: Kind, name: str, entry: Any) -> type[Option]:
    function = getattr(entry, "init", None) or getattr(entry, "fn", entry)
    domain = getattr(entry, "domain", {})
    fields: list[Any] = []
    for parameter in _parameters(function):
        if parameter.name in DATA_ARGUMENTS[kind]:
            continue
        if parameter.default is None and not _is_plain(parameter.annotation):
            continue  # not something that a config can state
        hint = _hint(kind, parameter, domain.get(parameter.name))
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, _field(hint, parameter.default)))
    own = tuple(field[0] for field in fields)
    fields += [field for field in _common(kind) if field[0] not in own]
    made = dataclasses.make_dataclass(
        f"{kind}_{name.replace('.', '_')}",
        fields,
        bases=(Option,),
        frozen=True,
        kw_only=True,
        namespace={"__doc__": inspect.getdoc(function), "__str__": Option.__str__},
    )
    made._target, made._arguments = entry, own
    return made


def _common(kind: Kind) -> list[Any]:
    """Options that every name of a kind has, since the caller and not the function takes them."""
    if kind == "penalty":
        return [("strength", Annotated[float, Ge(0.0)])]
    if kind == "data":
        return [("standardize", bool, False), ("split", Split, Split())]
    return []


def _parameters(function: Callable) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function, eval_str=True).parameters
    except Exception:  # an annotation that cannot be evaluated is no reason to refuse a function
        parameters = inspect.signature(function).parameters
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in parameters.values() if p.kind not in variadic]


def _hint(kind: Kind, parameter: inspect.Parameter, domain: Any) -> Any:
    """The type of an option: as annotated, or as its default, or a number in its domain."""
    annotation, default = parameter.annotation, parameter.default
    if typing.get_origin(annotation) in (Annotated, Literal):
        return annotation
    if kind == "model" and parameter.name == "activation":
        return Literal[
            tuple(map(entry_name, importlib.import_module("jaxmath.special").ACTIVATIONS))
        ]
    if parameter.name in HINTS.get(kind, {}):
        return HINTS[kind][parameter.name]
    if not _is_plain(annotation):
        structural = isinstance(default, (bool, int, str, tuple))
        annotation = type(default) if structural else float
    bounds = _bounds(domain) if annotation is float else ()
    return Annotated[(float, *bounds)] if bounds else annotation


def _bounds(domain: Any) -> tuple[Any, ...]:
    """The domain of a formula's argument as annotations of a float."""
    bounds: list[Any] = []
    if isinstance(domain, Interval):
        low, high = domain.closed
        if math.isfinite(domain.low):
            bounds.append(Ge(domain.low) if low else Gt(domain.low))
        if math.isfinite(domain.high):
            bounds.append(Le(domain.high) if high else Lt(domain.high))
    return tuple(bounds)


def _is_plain(annotation: Any) -> bool:
    """Whether an annotation is of the kinds that a config can hold, and not an array's."""
    if typing.get_origin(annotation) is Annotated:
        return _is_plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not Ellipsis]
        return all(_is_plain(part) for part in parts)
    if typing.get_origin(annotation) is Literal:
        return True
    return annotation in (int, float, bool, str, type(None)) or dataclasses.is_dataclass(annotation)


def _field(hint: Any, default: Any) -> Any:
    """A default, with whole numbers made floats where the option is one."""
    base = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    return float(default) if base is float and isinstance(default, int) else default


def options_table(option: Any) -> Mapping[str, Any]:
    """The fields of a dataclass by name, in their order."""
    return {field.name: getattr(option, field.name) for field in dataclasses.fields(option)}
