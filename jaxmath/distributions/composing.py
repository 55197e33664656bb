r"""What combinators share: joined parameters, functions with a signature, a record made of parts.

A combinator writes its functions for `*params`; here they get the names of the contract and of the
parameters, and the partial derivatives that follow from those of the parts by the chain rule.
"""

from __future__ import annotations

import functools
import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.distributions.contract import EXPONENTIAL_FAMILY, KINDS, PAIRS
from jaxmath.distributions.family import Family
from jaxmath.special.partials import along

Functions = Mapping[str, Callable[..., Any]]


@functools.cache
def _params(fields: tuple[str, ...]) -> type:
    """One class for the same names: trees of two families of that shape are alike."""
    kind = namedtuple("Params", fields)
    kind.__doc__ = "The parameters; also the shape of what belongs to each, such as the score."
    kind.__module__ = __name__
    return kind


def parameters(domains: Mapping[str, Any]) -> Any:
    """A NamedTuple of domains with these names."""
    return _params(tuple(domains))(**domains)


def joined(parts: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The domains of all parts by name; names that occur twice get each part's prefix."""
    names = [name for _, part in parts for name in part]
    found: dict[str, Any] = {}
    for prefix, part in parts:
        for name, domain in part.items():
            key = name if names.count(name) == 1 else f"{prefix}_{name}"
            if key in found:
                raise ValueError(f"Two parameters would be called {key!r}.")
            found[key] = domain
    return found


def arguments_of(name: str, fields: Sequence[str]) -> tuple[str, ...]:
    """What the function of that name takes, in a family with these parameters."""
    takes = KINDS[name].takes if name in KINDS else ""
    if name in PAIRS:
        both = (*fields, *(f"{field}_q" for field in fields))
        return ("order", *both) if name == "renyi" else both
    if name in ("score", "hessian"):
        takes = "x"
    if name in EXPONENTIAL_FAMILY:
        own = {"sufficient": ("x",), "log_partition": ("eta",)}
        return own.get(name, tuple(fields))
    before = {"fit": ("x", "weights"), "sample": ("key",)}.get(name, (takes,) if takes else ())
    return before if name == "fit" else (*before, *fields)


def signed(name: str, fields: Sequence[str], fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function under its name in the contract, with named arguments; compiled once."""
    given: list[inspect.Parameter] = [
        inspect.Parameter(argument, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for argument in arguments_of(name, fields)
    ]
    if name == "fit":
        given[1] = given[1].replace(default=None)
    if name == "sample":
        shape = inspect.Parameter("shape", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=())
        given.append(shape)
    signature = inspect.Signature(given)
    static = (len(given) - 1,) if name == "sample" else ()
    compiled = jax.jit(fn, static_argnums=static)

    def function(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return compiled(*bound.args)

    result: Any = function
    result.__name__ = result.__qualname__ = name
    result.__signature__ = signature
    result.__doc__ = fn.__doc__
    return result


def composed(name: str, domains: Mapping[str, Any], functions: Functions, **record: Any) -> Family:
    """The family with these parameters and functions, by name; `record` is the rest of its record.

    Where all arguments are single numbers the partial derivatives are those of forward mode, which
    goes through the closed forms of the parts.
    """
    fields = tuple(domains)
    own = {key: signed(key, fields, fn) for key, fn in functions.items()}
    single = all(domain.shape == () for domain in domains.values())
    moving = {field for field, domain in domains.items() if domain.differentiable}
    partials: dict[str, dict[str, Callable[..., Any]]] = {}
    if single and record["support"].shape == ():
        moving |= {"p", *({"x"} if record["support"].differentiable else ())}
        for key in own.keys() & KINDS.keys():
            places = enumerate(arguments_of(key, fields))
            partials[key] = {
                argument: along(own[key], place)
                for place, argument in places
                if argument.removesuffix("_q") in moving
            }
    return Family(
        name=name,
        parameters=parameters(domains),
        functions=tuple(own.values()),
        partials=partials | record.pop("partials", {}),
        **record,
    )


def defined(family: Family, *names: str) -> tuple[str, ...]:
    """Those of the functions that the family has."""
    return tuple(name for name in names if family.origin(name) != "not defined")


def broadcast(params: Sequence[Any]) -> tuple[Any, ...]:
    """Single numbers, or arrays of them, in their common shape."""
    return tuple(jnp.broadcast_arrays(*params)) if params else ()


def picked(fn: Callable[..., Any] | None, pick: Callable[..., Any]) -> Callable[..., Any] | None:
    """The function of those parameters that `pick` takes of all; none of none."""
    return None if fn is None else lambda *params: fn(*pick(params))


def like_draws(params: Sequence[Any], draws: Any) -> tuple[Any, ...]:
    """The parameters in the shape of draws, whose last axes are their common shape."""
    return tuple(jnp.broadcast_to(param, jnp.shape(draws)) for param in params)


def needs_numbers(family: Family, what: str) -> None:
    """Refuse families whose values or parameters are not single numbers."""
    if family.support.shape != ():
        raise ValueError(
            f"{what} of {family.name} is not possible: its values have the shape "
            f"{family.support.shape} and must be single numbers."
        )
    for name, domain in family.parameters._asdict().items():
        if domain.shape != ():
            raise ValueError(
                f"{what} of {family.name} is not possible: its parameter {name!r} has the shape "
                f"{domain.shape}, and all must be single numbers."
            )


def needs_densities(family: Family, what: str) -> None:
    """Refuse discrete families."""
    needs_numbers(family, what)
    if family.discrete:
        raise ValueError(f"{what} of {family.name} is not possible: it is discrete.")


def implicit(find: Callable[..., Any], cdf: Callable[..., Any], prob: Callable[..., Any], sign):
    """A quantile found by search, which moves as the distribution function says.

    `find(p, params)` solves cdf(x) = p (sign 1), or the survival function's equation (sign -1).
    """

    @jax.custom_jvp
    def inverse(p, params):
        return find(p, params)

    @inverse.defjvp
    def rule(primals, tangents):
        (p, params), (dp, dparams) = primals, tangents
        x = inverse(p, params)
        _, change = jax.jvp(lambda *theta: cdf(x, *theta), params, dparams)
        return x, (sign * dp - change) / prob(x, *params)

    def function(p, *params):
        p, *params = (jnp.asarray(each) for each in (p, *params))
        dtype = jnp.result_type(float if not jnp.issubdtype(p.dtype, jnp.floating) else p.dtype)
        dtype = jnp.result_type(dtype, *params)
        p, *params = broadcast([p.astype(dtype), *(each.astype(dtype) for each in params)])
        return inverse(p, tuple(params))

    return function
