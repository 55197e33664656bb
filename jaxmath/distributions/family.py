r"""The record of a family of distributions: what is stated once, and what follows from it.

A family is a module of plain functions with the same names in each, and one `Family` that states
its parameters, their domains and the support. From it follow the formulas of its functions, and a
filling for each function that the module does not have: a generic route, or "not defined" with the
reason. Combinators take families and return families, with the same attributes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax.numpy as jnp

from jaxmath.distributions import generic
from jaxmath.distributions.contract import FUNCTIONS, KINDS, STEPS
from jaxmath.domains import OPEN_UNIT, Domain
from jaxmath.formula import Break, Fact, Formula, Source


class NotDefinedError(Exception):
    """A function that this family doesn't have; the message says why."""


@dataclass(frozen=True, eq=False)
class Family:
    r"""A family of distributions.

    Attributes:
        name: in lower case, as its module is called.
        parameters: their domains, as an instance of the module's NamedTuple `Params`.
        support: the values that can occur for some parameters; discrete if it isn't
            differentiable.
        functions: the family's own functions, each found by its name.
        source, topic: as in a formula.
        ends: the lowest and highest value that can occur, as a function of the parameters, where
            they move; infinite ends are Python's. Formulas of x hold between them.
        kinks: the values, as a function of the parameters, where `log_prob` isn't smooth.
        marks: values, as a function of the parameters, around each of which mass may be narrow.
        start: parameters at which a generic fit begins, as a function of observations and weights.
        where: a relation between the parameters, such as low < high.
        tex, facts, partials, seconds, plain, breaks, exceptions: what its formulas say, by
            function.
        undefined: functions that do not exist, each with the reason.
        unrecorded: functions of its own that have no formula, each with the reason.

    Every name of `FUNCTIONS` is an attribute: `family.cdf(x, *params)`.
    """

    name: str
    parameters: Any
    support: Domain
    functions: tuple[Callable[..., Any], ...]
    source: Source
    topic: str
    ends: Callable[..., tuple[Any, Any]] | None = None
    kinks: Callable[..., tuple[Any, ...]] | None = None
    marks: Callable[..., tuple[Any, ...]] | None = None
    start: Callable[..., Any] | None = None
    where: Callable[..., Any] | None = None
    tex: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    partials: Mapping[str, Mapping[str, Callable[..., Any]]] = field(default_factory=dict)
    seconds: Mapping[str, Mapping[tuple[str, str], Callable[..., Any]]] = field(
        default_factory=dict
    )
    plain: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    breaks: Mapping[str, tuple[Break, ...]] = field(default_factory=dict)
    undefined: Mapping[str, str] = field(default_factory=dict)
    unrecorded: Mapping[str, str] = field(default_factory=dict)
    exceptions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self):
        stated = {fn.__name__ for fn in self.functions}
        for name in [*stated, *self.undefined, *self.partials, *self.tex]:
            if name not in FUNCTIONS:
                raise ValueError(f"{name!r} is not one of a family's functions {FUNCTIONS}.")
        for name in ("log_prob", "sample"):
            if name not in stated:
                raise ValueError(f"The family {self.name} needs a function {name}.")

    @property
    def discrete(self) -> bool:
        """Whether the values are isolated points, and probabilities take the place of densities."""
        return not self.support.differentiable

    @property
    def moving(self) -> tuple[str, ...]:
        """The parameters that can be differentiated in: the score is of these alone."""
        pairs = zip(self.parameters._fields, self.parameters, strict=True)
        return tuple(name for name, domain in pairs if domain.differentiable)

    @property
    def params(self) -> type:
        """The NamedTuple of its parameters."""
        return type(self.parameters)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in FUNCTIONS:
            return self.function(name)
        raise AttributeError(f"The family {self.name} has no attribute {name!r}.")

    def function(self, name: str) -> Callable[..., Any]:
        """The function of that name: the family's own, a generic one, or one that says why not.

        A module ends with ``__getattr__ = FAMILY.function``, so that it has all functions too.
        """
        if name not in FUNCTIONS:
            raise AttributeError(f"The family {self.name} has no function {name!r}.")
        return _function(self, name)

    def origin(self, name: str) -> Literal["own", "generic", "not defined"]:
        """Where a function comes from: written for the family, a generic route, or nowhere."""
        if any(fn.__name__ == name for fn in self.functions):
            return "own"
        return "not defined" if self.why_not(name) else "generic"

    def why_not(self, name: str) -> str:
        """The reason why a function does not exist; nothing if it does."""
        if any(fn.__name__ == name for fn in self.functions):
            return ""
        return self.undefined.get(name) or generic.why_not(self, name)

    def domain(self, name: str) -> dict[str, Any]:
        """The domain of each argument of a scalar function, by name."""
        first: dict[str, Any] = {"x": {"x": self.support}, "p": {"p": OPEN_UNIT}}.get(
            KINDS[name].takes, {}
        )
        parameters = self.parameters._asdict()
        second = {f"{key}_q": value for key, value in parameters.items()}
        return first | parameters | (second if KINDS[name].takes == "q" else {})

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """A formula for each of the family's own scalar functions that can be differentiated."""
        own = {fn.__name__: fn for fn in self.functions}
        names = [name for name in KINDS if name in own and name not in self.unrecorded]
        if self.discrete:
            names = [name for name in names if name not in STEPS]
        return tuple(
            self._formula(name, own[name])
            for name in names
            if any(domain.differentiable for domain in self.domain(name).values())
        )

    def _formula(self, name: str, fn: Callable[..., Any]) -> Formula:
        kind = KINDS[name]
        return Formula(
            fn=fn,
            label=f"{self.name}.{name}",
            domain=self.domain(name),
            partials=self._partials(name),
            seconds=self.seconds.get(name, {}),
            facts=(*(() if self.discrete else kind.facts), *self.facts.get(name, ())),
            breaks=self.breaks.get(name, ()),
            where=self._relation(name),
            tex=self.tex.get(name, kind.tex),
            source=self.source,
            topic=self.topic,
            plain=self.plain.get(name),
            exceptions=self.exceptions.get(name, {}),
        )

    def _relation(self, name: str) -> Callable[..., Any] | None:
        """What must hold between the arguments of a function: `where`, and what `ends` say.

        Between them lies x, and those of a second set of parameters enclose those of the first.
        """
        takes, count = KINDS[name].takes, len(self.parameters)
        if self.where is None and (self.ends is None or takes not in ("x", "q")):
            return None

        def relation(*args):
            sets = {"q": (args[:count], args[count:]), "": (args,)}.get(takes, (args[1:],))
            holds = jnp.asarray(True)
            if self.where is not None:
                holds = functools.reduce(jnp.logical_and, [self.where(*params) for params in sets])
            if self.ends is not None and takes in ("x", "q"):
                (low, high), (lowest, highest) = self.ends(*sets[0]), self.ends(*sets[-1])
                if takes == "x":
                    return holds & (args[0] > low) & (args[0] < high)
                holds = holds & (lowest <= low) & (high <= highest)
            return holds

        return relation

    def _partials(self, name: str) -> dict[str, Callable[..., Any]]:
        """Those that are stated; the parameters' partials of `log_prob` are its score."""
        stated = dict(self.partials.get(name, {}))
        if name == "log_prob" and self.origin("score") == "own":
            score = self.function("score")

            def component(parameter):
                return lambda *args: getattr(score(*args), parameter)

            return {key: component(key) for key in self.moving} | stated
        return stated


@functools.cache
def _function(family: Family, name: str) -> Callable[..., Any]:
    """One object for each function, so that `jit` of it traces once."""
    for fn in family.functions:
        if fn.__name__ == name:
            return fn
    reason = family.why_not(name)
    if reason:

        def missing(*args, **kwargs):
            raise NotDefinedError(f"{family.name}.{name} is not defined: {reason}")

        return missing
    return generic.fill(family, name)
