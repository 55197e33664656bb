"""Correct rules, and how a machine breaks each of them, for the self-test of `examine`."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxmath.domains import Box, Interval
from jaxmath.formula import with_rule

WIDE, AWAY = Interval(-20.0, 20.0), Interval(0.01, 100.0)
ROW = Box((3,), Interval(-5.0, 5.0))


class Ruled(NamedTuple):
    """A function whose partial derivatives are known; `kink` is where its argument has a kink."""

    fn: Callable[..., Any]
    partials: dict[str, Callable[..., Any]]
    domain: dict[str, Any]
    kink: float | None = None


def one(fn, slope, domain=WIDE, kink=None):
    """A function of x."""
    return Ruled(fn, dict(x=slope), dict(x=domain), kink)


def two(fn, first, second, domain=AWAY):
    """A function of x and y."""
    return Ruled(fn, dict(x=first, y=second), dict(x=domain, y=domain))


FUNCTIONS = {
    "sin": one(lambda x: jnp.sin(x), lambda x: jnp.cos(x)),
    "exp": one(lambda x: jnp.exp(x), lambda x: jnp.exp(x)),
    "arctan": one(lambda x: jnp.arctan(x), lambda x: 1 / (1 + x * x)),
    "sinh": one(lambda x: jnp.sinh(x), lambda x: jnp.cosh(x)),
    "cube": one(lambda x: x * x * x, lambda x: 3 * x * x),
    # On the right, what JAX makes of this rule loses digits at second order by itself.
    "softplus": one(
        lambda x: jnp.logaddexp(x, 0.0), lambda x: jax.nn.sigmoid(x), Interval(-20.0, 2.0)
    ),
    "bell": one(lambda x: jnp.exp(-x * x / 2), lambda x: -x * jnp.exp(-x * x / 2)),
    "log": one(lambda x: jnp.log(x), lambda x: 1 / x, AWAY),
    "sqrt": one(lambda x: jnp.sqrt(x), lambda x: 0.5 / jnp.sqrt(x), AWAY),
    "reciprocal": one(lambda x: 1 / x, lambda x: -1 / (x * x), AWAY),
    "x log x": one(lambda x: x * jnp.log(x), lambda x: jnp.log(x) + 1, AWAY),
    "x sqrt x": one(lambda x: x * jnp.sqrt(x), lambda x: 1.5 * jnp.sqrt(x), AWAY),
    "abs": one(lambda x: jnp.abs(x), lambda x: jnp.sign(x), kink=0.0),
    "relu": one(lambda x: jnp.maximum(x, 0.0), lambda x: jnp.where(x > 0, 1.0, 0.0), kink=0.0),
    "elbow": one(
        lambda x: jnp.minimum(x, 1.0) + jnp.sin(x),
        lambda x: jnp.where(x < 1, 1.0, 0.0) + jnp.cos(x),
        kink=1.0,
    ),
    "product": two(lambda x, y: x * y, lambda x, y: y, lambda x, y: x),
    "ratio": two(lambda x, y: x / y, lambda x, y: 1 / y, lambda x, y: -x / (y * y)),
    "hypot": two(
        lambda x, y: jnp.sqrt(x * x + y * y),
        lambda x, y: x / jnp.sqrt(x * x + y * y),
        lambda x, y: y / jnp.sqrt(x * x + y * y),
        Interval(0.5, 2.0),  # beyond, its second derivatives cancel
    ),
    "wave": two(lambda x, y: x * jnp.sin(y), lambda x, y: jnp.sin(y), lambda x, y: x * jnp.cos(y)),
    "squares": one(lambda x: jnp.sum(x * x), lambda x: 2 * x, ROW),
    "cubes": one(lambda x: jnp.sum(x * x * x), lambda x: 3 * x * x, ROW),
    "sines": one(lambda x: jnp.sum(jnp.sin(x)), lambda x: jnp.cos(x), ROW),
    "logsumexp": one(
        lambda x: jnp.log(jnp.sum(jnp.exp(x))), lambda x: jnp.exp(x) / jnp.sum(jnp.exp(x)), ROW
    ),
}


class Mutant(NamedTuple):
    """A broken function, and how it is to be examined."""

    fn: Callable[..., Any]
    domain: dict[str, Any]
    options: dict[str, Any]


def ruled(f: Ruled, partials, **options) -> Mutant:
    """The function with these partial derivatives for a rule."""

    if len(f.partials) == 1:

        def plain(x):
            return f.fn(x)
    else:

        def plain(x, y):
            return f.fn(x, y)

    return Mutant(with_rule(plain, **partials), f.domain, options)


def each(change):
    """A mutation that changes every partial derivative by `change(slope, *args)`."""

    def mutate(f: Ruled) -> Mutant:
        def changed(slope):
            return lambda *args: change(slope(*args), *args)

        return ruled(f, {name: changed(slope) for name, slope in f.partials.items()})

    return mutate


def scalar(f: Ruled) -> bool:
    """Whether it is a function of one number."""
    return len(f.partials) == 1 and isinstance(f.domain["x"], Interval)


def swapped(f: Ruled) -> Mutant | None:
    """The arguments in the wrong order."""
    if len(f.partials) == 1:
        return None
    return ruled(f, dict(x=f.partials["y"], y=f.partials["x"]))


def stopped(f: Ruled) -> Mutant:
    """Half of each argument is a constant for the derivative, and nobody says so."""

    def half(x):
        return 0.5 * x + 0.5 * lax.stop_gradient(x)

    if len(f.partials) == 1:
        return Mutant(lambda x: f.fn(half(x)), f.domain, {})
    return Mutant(lambda x, y: f.fn(half(x), half(y)), f.domain, {})


def off_the_hull(f: Ruled) -> Mutant | None:
    """At the kink a slope that is none of a supporting line."""
    if f.kink is None:
        return None
    return each(lambda slope, x: jnp.where(x == f.kink, 5.0, slope))(f)


def across(f: Ruled) -> Mutant | None:
    """An error that is orthogonal to the direction (1, 1, 1)."""
    if scalar(f) or len(f.partials) > 1:
        return None
    return each(lambda slope, x: slope + 1e-3 * (jnp.roll(x, 1) - x))(f)


def wrong_at_second(f: Ruled) -> Mutant:
    """A right slope whose own rule is off by one in a thousand."""

    def bent(slope):
        right = jax.custom_jvp(slope)

        @right.defjvp
        def rule(primals, tangents):
            value, change = jax.jvp(slope, primals, tangents)
            return value, change * (1 + 1e-3)

        return right

    mutant = ruled(f, {name: bent(slope) for name, slope in f.partials.items()})
    return mutant._replace(options=dict(order=2))


def in_the_tail(f: Ruled) -> Mutant | None:
    """Right on nine tenths of the domain."""
    if not scalar(f):
        return None
    low, high = f.domain["x"].low, f.domain["x"].high
    end = high - (high - low) / 10
    return each(lambda slope, x: jnp.where(x > end, slope * 1.001, slope))(f)


def in_float32(f: Ruled) -> Mutant:
    """Right in float64 alone."""
    narrow = jnp.float32
    wrong = each(lambda slope, x, *_: slope * 1.01 if x.dtype == narrow else slope)(f)
    return wrong._replace(options=dict(dtype="float32"))


def pivot(f: Ruled) -> float:
    """A number inside the domain."""
    domain = f.domain["x"]
    return 0.0 if getattr(domain, "of", domain).low < 0 else 1.0


MUTATIONS = {
    "scaled by 1 + 1e-9": each(lambda slope, *_: slope * (1 + 1e-9)),
    "sign": each(lambda slope, *_: -slope),
    "swapped arguments": swapped,
    "dropped branch": lambda f: each(lambda s, x, *_: jnp.where(x > pivot(f), s, 0.0))(f),
    "missing factor": each(lambda slope, *_: slope / 2),
    "undeclared stop_gradient": stopped,
    "wrong subgradient": off_the_hull,
    "error orthogonal to a direction": across,
    "right at first order, wrong at second": wrong_at_second,
    "wrong only in a tail": in_the_tail,
    "wrong only in float32": in_float32,
}


def straight(name: str) -> bool:
    """Whether the second derivative is zero, so that no factor spoils it."""
    return name in ("abs", "relu")


# A branch that is dropped where the slope is zero anyway, and a factor of a second derivative that
# is zero, are no mutations.
VOID = {("dropped branch", "relu")} | {
    ("right at first order, wrong at second", name) for name in FUNCTIONS if straight(name)
}


@functools.cache
def mutants() -> dict[tuple[str, str], Mutant]:
    """All that can be made, by mutation and function."""
    made = {(m, f): MUTATIONS[m](FUNCTIONS[f]) for m in MUTATIONS for f in FUNCTIONS}
    return {key: mutant for key, mutant in made.items() if mutant is not None and key not in VOID}
