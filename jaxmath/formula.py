r"""The record of what is true of a function, and the way to give a function its own derivative.

Mathematics is written as plain functions of one example. Beside a function stands one immutable
`Formula`: where it holds, its derivatives in closed form, where it breaks, which facts hold, and
who says so. The records drive the tests, the cards, the tables and `jaxmath verify`; the functions
know nothing of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

Function = TypeVar("Function", bound=Callable[..., Any])


class Source(NamedTuple):
    """Where a formula was published: a key of `jaxmath.sources.SOURCES`, and the place in it."""

    key: str
    place: str = ""


@dataclass(frozen=True)
class Break:
    """A set where a derivative jumps: the zeros of `distance`, a function of all arguments.

    Order 1 is a kink of the function, order 2 a kink of its slope. At a kink the closed form
    answers by the `convention`: the slope on the left (`distance` < 0), on the right, the middle
    of both, or zero. `arguments` names those across which the derivative jumps.
    """

    distance: Callable[..., Any]
    order: Literal[1, 2]
    convention: Literal["left", "right", "middle", "zero"] = "middle"
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """Something that is true of a function in one argument, and is checked by machine."""

    argument: str

    @property
    def name(self) -> str:
        """The fact's name in words of the field."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Convex(Fact):
    """The segment between two points of the graph lies on or above the graph."""


@dataclass(frozen=True)
class Concave(Fact):
    """The segment between two points of the graph lies on or below the graph."""


@dataclass(frozen=True)
class Lipschitz(Fact):
    """|f(x) - f(y)| <= constant |x - y| (Euclidean), a number or a function of the arguments."""

    constant: float | Callable[..., Any] = 1.0


@dataclass(frozen=True)
class Smooth(Fact):
    """The gradient is Lipschitz with this constant, a number or a function of the arguments."""

    constant: float | Callable[..., Any] = 1.0


@dataclass(frozen=True)
class Increasing(Fact):
    """x <= y implies f(x) <= f(y)."""


@dataclass(frozen=True)
class Decreasing(Fact):
    """x <= y implies f(x) >= f(y)."""


@dataclass(frozen=True)
class Even(Fact):
    """f(-x) = f(x)."""


@dataclass(frozen=True)
class Odd(Fact):
    """f(-x) = -f(x)."""


@dataclass(frozen=True)
class Bounded(Fact):
    """low <= f <= high for every value of the argument."""

    low: float = -float("inf")
    high: float = float("inf")


@dataclass(frozen=True)
class StronglyConvex(Fact):
    """Still convex when constant / 2 times the square of the argument is taken away.

    The constant is a number or a function of the arguments, as with `Smooth`.
    """

    constant: float | Callable[..., Any] = 1.0

    @property
    def name(self) -> str:
        """Both words."""
        return "strongly convex"


@dataclass(frozen=True)
class Minimizer(Fact):
    """No value of the argument gives less than `at`, a number or a function of the arguments."""

    at: float | Callable[..., Any] = 0.0


@dataclass(frozen=True)
class Proper(Fact):
    """The expected score over a label is least where the argument states its probability.

    Of two labels, the smaller and the larger number, `probability` gives that of the larger from
    the argument, which is the probability itself if it is None; of more, those of all. `onto`
    brings an argument into the set where that is claimed, such as weights to a sum of one.
    """

    label: str = "label"
    probability: Callable[..., Any] | None = None
    labels: tuple[float, ...] = (0.0, 1.0)
    onto: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Conjugate(Fact):
    """The greatest of s x - f(x) over x is fn(s), the slope s in the argument's place.

    By Fenchel's inequality f(x) + fn(s) >= s x, which is an equality where s is the slope at x.
    """

    fn: Callable[..., Any] = field(kw_only=True)


@dataclass(frozen=True)
class Prox(Fact):
    """The least of f(u) + (u - x)^2 / (2 step) over u lies at fn(step, *arguments), of x."""

    fn: Callable[..., Any] = field(kw_only=True)


@dataclass(frozen=True)
class Formula:
    r"""A function and all that is known of it.

    Attributes:
        fn: what users call; a function of one example.
        domain: the set of each argument, by name; a pytree of domains for a pytree argument.
            Labels stand here too; their domain says that they are not differentiated.
        partials: the partial derivatives in closed form, by argument; each takes the arguments of
            `fn` and returns the shape (pytree) of its argument. For scalar-valued functions, and
            for elementwise ones, whose partial has the shape of the value.
        seconds: second partial derivatives in closed form, by pair of arguments, each pair once.
        vjp: for array-valued functions, in place of partials: `vjp(*args, cotangent)` returns one
            cotangent for each differentiable argument, in their order.
        breaks: where a derivative jumps.
        facts: what is claimed of the function, checked by machine in the argument named.
        where: relations between arguments, such as low < high.
        tex: the formula as TeX, the left side included.
        source: who says so.
        topic: the row of the mission in `docs/topics.toml` that it serves.
        plain: the same function without its custom rule, when `fn` carries one.
        twin: its meaning in high precision, when the program is a truncated series.
        exceptions: laws that do not hold, each with the reason.
        label: its name where that of `fn` is shared, such as "normal.log_prob".
    """

    fn: Callable[..., Any]
    domain: Mapping[str, Any]
    tex: str
    source: Source
    topic: str
    partials: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    seconds: Mapping[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    vjp: Callable[..., Any] | None = None
    breaks: tuple[Break, ...] = ()
    facts: tuple[Fact, ...] = ()
    where: Callable[..., Any] | None = None
    plain: Callable[..., Any] | None = None
    twin: Callable[..., Any] | None = None
    exceptions: Mapping[str, str] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self):
        names = tuple(inspect.signature(self.fn).parameters)
        given = tuple(self.domain)
        if names[: len(given)] != given:
            raise ValueError(
                f"The domain of {self.name} must name its arguments in their order "
                f"{names}, got {given}."
            )
        for name in [*self.partials, *(n for pair in self.seconds for n in pair)]:
            if name not in self.differentiable:
                raise ValueError(
                    f"{self.name} has a derivative in {name!r}, which is not one of its "
                    f"differentiable arguments {self.differentiable}."
                )
        for fact in self.facts:
            if fact.argument not in given:
                raise ValueError(f"A fact of {self.name} names no argument: {fact.argument!r}.")

    @property
    def name(self) -> str:
        """The name of the formula, by default that of its function."""
        return self.label or self.fn.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of all arguments, in their order."""
        return tuple(self.domain)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The names of the arguments in which the function can be differentiated."""
        return tuple(
            name
            for name, domain in self.domain.items()
            if all(leaf.differentiable for leaf in _leaves(domain))
        )


def _leaves(domain) -> list:
    return jax.tree.leaves(domain, is_leaf=lambda node: hasattr(node, "differentiable"))


def with_rule(fn: Function, **partials: Callable[..., Any]) -> Function:
    """Bind a function to its closed-form partial derivatives, by argument name.

    The result is what `jax.grad` differentiates by these partials, to any order, since the
    partials are ordinary functions themselves. For elementwise functions of arrays or scalars, and
    for scalar-valued functions of arrays. An argument without a partial is taken as a label: its
    tangent is ignored, so give every differentiable argument one. The plain function keeps its
    own name with a leading underscore, which the result drops.
    """
    names = tuple(inspect.signature(fn).parameters)
    unknown = set(partials) - set(names)
    if unknown:
        raise ValueError(f"{fn.__name__} has no argument {', '.join(sorted(unknown))}.")

    # Each is traced once for a shape, however often rules within rules call it.
    slopes = {name: jax.jit(partial) for name, partial in partials.items()}
    return with_gradient(
        fn, slopes, lambda wanted, *args: {name: slopes[name](*args) for name in wanted}
    )


def with_gradient(
    fn: Function, given: Collection[str], gradient: Callable[..., Mapping[str, Any]]
) -> Function:
    """As `with_rule`, where one function gives the partials by the `given` names of arguments.

    `gradient(wanted, *args)` is asked for those in `wanted`, which are in `given`.
    """
    names = tuple(inspect.signature(fn).parameters)
    bound = jax.custom_jvp(jax.jit(fn))

    @functools.partial(bound.defjvp, symbolic_zeros=True)
    def rule(primals, tangents):
        value = bound(*primals)
        moved = {name: part for name, part in moving(names, tangents).items() if name in given}
        slopes = gradient(tuple(moved), *primals)
        slope = jnp.zeros_like(value)
        for name, tangent in moved.items():
            change = slopes[name] * tangent
            scalar = jnp.ndim(value) == 0 and jnp.ndim(change) > 0
            slope = slope + (jnp.sum(change) if scalar else change)
        return value, slope

    # custom_jvp resolves keyword arguments and defaults before the rule sees them.
    @functools.wraps(fn)
    def function(*args, **kwargs):
        dtype = _dtype_of_arrays((*args, *kwargs.values()))
        if dtype is None:
            return bound(*args, **kwargs)

        def alike(name, arg):
            return _number_as(dtype, arg) if name in given else arg

        rest = args[len(names) :]
        return bound(*map(alike, names, args), *rest, **{k: alike(k, v) for k, v in kwargs.items()})

    function.__name__ = function.__qualname__ = fn.__name__.lstrip("_")
    return cast(Function, function)


def _dtype_of_arrays(args: Collection[Any]):
    """That of the floating-point arrays beside which numbers stand; None where nothing is to do."""
    numbers = [_is_number(arg) for arg in args]
    dtypes = [getattr(arg, "dtype", np.dtype(bool)) for arg in args]
    floats = [
        dtype
        for dtype, number in zip(dtypes, numbers, strict=True)
        if not number and jnp.issubdtype(dtype, jnp.floating)
    ]
    return jnp.result_type(*floats) if floats and any(numbers) else None


def _is_number(arg) -> bool:
    """Whether it takes the dtype of what it stands beside, as a Python number does."""
    return isinstance(arg, int | float) or getattr(arg, "weak_type", False)


def _number_as(dtype, arg):
    """A number in the dtype, so that what a program makes of it alone is not in a wider one."""
    return jnp.asarray(arg, dtype) if _is_number(arg) else arg


def moving(names: Iterable[str], tangents: Iterable[Any]) -> dict[str, Any]:
    """The tangents of the arguments that are differentiated, by name.

    The others have a symbolic zero, so that their partials, which may be infinite, are neither
    computed nor multiplied by zero.
    """
    pairs = zip(names, tangents, strict=True)
    return {name: part for name, part in pairs if not isinstance(part, SymbolicZero)}
