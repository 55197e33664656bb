"""The functions that people give: a record made of whatever can be called.

Partial objects, modules of other libraries that can be called, keyword-only arguments, arguments
that keep their default: what is verified is a plain function of the arguments that are stated.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.domains import REAL, Integers, is_domain
from jaxmath.formula import Formula, Source

Given = Formula | Callable[..., Any]
"""What can be verified: a record, or any function of one example."""


class QuestionError(ValueError):
    """There is nothing to verify: no argument to differentiate in, or no point to look at."""


_ONE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def as_formula(
    function: Given, domain: Mapping[str, Any] | None = None, traced: bool = True
) -> tuple[Formula, bool]:
    """A Formula as it is (with other domains, if given), or a record made for a function.

    An argument without a domain and without a default is taken as a real number. Without any
    domain the set is where the value is finite; whether that was so is returned as well. Unless
    told not to, the function is traced once to see that its values are real.

    Raises:
        QuestionError: a domain names no argument, there is no argument to name, or the function
            returns anything but real numbers.
    """
    if isinstance(function, Formula):
        changed = {} if domain is None else dict(domain={**function.domain, **domain})
        return dataclasses.replace(function, **changed), False
    stated = _in_order(function, domain or {})
    called = _of_exactly(function, tuple(stated))
    if traced:
        _check_result(called, stated)
    formula = Formula(
        fn=called,
        domain=stated,
        tex="",
        source=Source(""),
        topic="",
        where=None if domain else _finite(called),
        label=name_of(function),
    )
    return formula, not domain


def name_of(function: Callable[..., Any]) -> str:
    """The function's own name; of a partial object that of its function, else that of its class."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def parameters_of(function: Given) -> dict[str, inspect.Parameter]:
    """The parameters by name; none of what does not tell them."""
    function = function.fn if isinstance(function, Formula) else function
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return {}


def _in_order(function, domain: Mapping[str, Any]) -> dict[str, Any]:
    """The domains in the order of the arguments, with the reals for what needs one and has none."""
    parameters = parameters_of(function)
    kinds = {p.kind for p in parameters.values()}
    named = [n for n, p in parameters.items() if p.kind in (*_ONE, inspect.Parameter.KEYWORD_ONLY)]
    needed = [n for n in named if parameters[n].default is inspect.Parameter.empty]
    if inspect.Parameter.VAR_POSITIONAL in kinds or not parameters:
        named += [name for name in domain if name not in named]
    unknown = [name for name in domain if name not in named]
    if unknown:
        raise QuestionError(
            f"{name_of(function)} has no argument {', '.join(unknown)}; it has {', '.join(named)}."
        )
    stated = {n: domain.get(n, REAL) for n in named if n in domain or n in needed}
    if not stated:
        raise QuestionError(f"{name_of(function)} has no argument without a default: give domain=.")
    return stated


def _of_exactly(function, names: tuple[str, ...]) -> Callable[..., Any]:
    """The function of these arguments alone; the others keep their defaults."""
    parameters = parameters_of(function)
    first = [name for name, p in parameters.items() if p.kind in _ONE][: len(names)]
    if tuple(first) == names and _has_hash(function):
        return function

    def called(*args):
        given = dict(zip(names, args, strict=True))
        in_place = [given.pop(n) for n in names if n not in parameters]
        for name, parameter in parameters.items():
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and name in given:
                in_place.append(given.pop(name))
        return function(*in_place, **given)

    called.__name__, called.__wrapped__ = name_of(function), function  # pyright: ignore
    called.__signature__ = inspect.Signature(  # pyright: ignore[reportFunctionMemberAccess]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    return called


def _check_result(function, stated: Mapping[str, Any]) -> None:
    """Refuse what is no function to the reals, after tracing it once."""

    def example(domain):
        dtype = np.int32 if isinstance(domain, Integers) else np.float32
        return jax.ShapeDtypeStruct(domain.shape, dtype)

    args = [jax.tree.map(example, domain, is_leaf=is_domain) for domain in stated.values()]
    dtypes = [leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(function, *args))]
    if not dtypes:
        raise QuestionError(f"{name_of(function)} returns no number.")
    for dtype in dtypes:
        if not jnp.issubdtype(dtype, jnp.floating):
            raise QuestionError(
                f"{name_of(function)} returns {dtype}: only real numbers have derivatives."
            )


def _has_hash(function) -> bool:
    """Whether compiled programs can be kept for it: an object that holds arrays has no hash."""
    try:
        hash(function)
    except TypeError:
        return False
    return hasattr(function, "__name__")


def _finite(function) -> Callable[..., Any]:
    def finite(*args):
        leaves = jax.tree.leaves(function(*args))
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))

    return finite
