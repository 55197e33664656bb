"""Partial derivatives made of functions: by forward mode, and with the sign turned."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from jaxmath.formula import moving, with_gradient, with_rule

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
    bound = _bound(partials, seconds)
    return with_rule(fn, **bound), bound


def _both_ways(pairs):
    """Which of the pairs, each of which stands once, is meant by names in either order."""
    return {order: pair for pair in pairs for order in (pair, pair[::-1])}


def _bound(partials, seconds):
    pairs = _both_ways(seconds)
    return {
        name: with_rule(partial, **{other: seconds[pairs[name, other]] for other in partials})
        for name, partial in partials.items()
    }


def with_answer(
    fn: Function,
    answer: Callable[..., Any],
    partials: Mapping[str, Callable[..., Any]],
    seconds: Mapping[tuple[str, str], Callable[..., Any]],
) -> tuple[Function, Rule]:
    """As `with_partials` where all slopes are made of one answer, such as a root that they share.

    They are functions of answer(*args) and of the arguments. A gradient or a Hessian finds the
    answer once, where functions of the arguments would each find it for themselves. Returns the
    bound function, and its partials and theirs as functions of the arguments.
    """
    names = tuple(inspect.signature(fn).parameters)
    pairs = _both_ways(seconds)

    def alone(made):
        def slope(*args):
            return made(answer(*args), *args)

        # By the arguments of the function rules know what moves it.
        result: Any = slope
        result.__signature__ = inspect.signature(fn)
        return result

    def together(makers):
        @functools.partial(jax.jit, static_argnums=0)
        def slopes(wanted, *args):
            at = answer(*args)
            return {key: makers[key](at, *args) for key in wanted}

        return slopes

    gradient = jax.custom_jvp(together(partials), nondiff_argnums=(0,))
    hessian = together(seconds)

    @functools.partial(gradient.defjvp, symbolic_zeros=True)
    def rule(wanted, primals, tangents):
        moved = moving(names, tangents)
        slopes = gradient(wanted, *primals)
        needed = dict.fromkeys(pairs[one, other] for one in wanted for other in moved)
        rows = hessian(tuple(needed), *primals)

        def change(one):
            terms = (rows[pairs[one, other]] * tangent for other, tangent in moved.items())
            return sum(terms, jnp.zeros_like(slopes[one]))

        return slopes, {one: change(one) for one in wanted}

    bends = {pair: alone(made) for pair, made in seconds.items()}
    firsts = _bound({name: alone(made) for name, made in partials.items()}, bends)
    return with_gradient(fn, names, gradient), Rule(firsts, bends, fn)


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
