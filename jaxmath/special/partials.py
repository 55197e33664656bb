"""Partial derivatives made of functions: by forward mode, and with the sign turned."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from jaxmath.formula import with_rule

Function = TypeVar("Function", bound=Callable[..., Any])


class Rule(NamedTuple):
    """What a function is differentiated by, and the program that it has without."""

    partials: Mapping[str, Callable[..., Any]]
    seconds: Mapping[tuple[str, str], Callable[..., Any]]
    plain: Callable[..., Any]


def along(fn, argnum: int):
    """The partial derivative of an elementwise program that is exact enough as it stands."""

    def partial(*args):
        args = jnp.broadcast_arrays(*(jnp.asarray(part) for part in args))

        def at(value):
            return fn(*args[:argnum], value, *args[argnum + 1 :])

        return jax.jvp(at, (args[argnum],), (jnp.ones_like(args[argnum]),))[1]

    return partial


def minus(fn):
    """The function with its sign turned, of the same arguments."""

    def negative(*args):
        return -fn(*args)

    # By no more than that: its name and meaning are not those of `fn`.
    result: Any = negative
    result.__signature__ = inspect.signature(fn)
    return result


def with_partials(
    fn: Function,
    partials: Mapping[str, Callable[..., Any]],
    seconds: Mapping[tuple[str, str], Callable[..., Any]],
) -> tuple[Function, dict[str, Callable[..., Any]]]:
    """The function bound to its partials, and these bound to theirs; every pair stands once.

    Returns the bound function and its bound partials, by argument.
    """

    def second(name, other):
        return seconds[(name, other) if (name, other) in seconds else (other, name)]

    bound = {
        name: with_rule(partial, **{other: second(name, other) for other in partials})
        for name, partial in partials.items()
    }
    return with_rule(fn, **bound), bound


def with_jacobians(fn: Callable[..., Any], **jacobians: Callable[..., Any]) -> Callable[..., Any]:
    """A vector of vectors bound to its Jacobian matrix in each, as `with_rule` does of numbers.

    An argument without one, whose tangent is ignored, does not move it.
    """
    names = tuple(inspect.signature(fn).parameters)
    bound = jax.custom_jvp(fn)

    @bound.defjvp
    def rule(primals, tangents):
        value = bound(*primals)
        change = jnp.zeros_like(value)
        for name, tangent in zip(names, tangents, strict=True):
            if name in jacobians:
                change = change + jacobians[name](*primals) @ tangent
        return value, change

    return bound
