"""What a person knows of a function already: its closed form, and what calls inside it mean."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.examine.functions import find
from jaxmath.formula import Formula
from jaxmath.verify.given import name_of, parameters_of


def analytic(
    words: Sequence[str], arguments: Sequence[str], folder: Path | None = None
) -> dict[str, Callable[..., Any]] | None:
    """Partial derivatives by argument: `x=MODULE:f`, or MODULE:f for all arguments at once.

    What stands for all is a dict of functions, or one function that returns the derivative in the
    only argument, or a tuple of the derivatives in each.

    Raises:
        InputError: there is no such function or argument.
    """
    partials: dict[str, Callable[..., Any]] = {}
    for word in words:
        name, equals, place = (part.strip() for part in word.rpartition("="))
        found = find(place, folder)
        if equals:
            partials[name] = found
        elif isinstance(found, Mapping):
            partials |= found
        elif len(arguments) == 1:
            partials[arguments[0]] = found
        else:
            for k, argument in enumerate(arguments):
                partials[argument] = _entry(found, k, len(arguments), place)
    for name, partial in partials.items():
        if name not in arguments:
            hint = suggest(name, arguments)
            raise InputError(Problem(f"there is no derivative in {show(name)}", hint=hint))
        if not callable(partial):
            raise InputError(f"the derivative in {name} is no function but {show(str(partial))}")
    return partials or None


def _entry(gradient: Callable[..., Any], k: int, count: int, name: str) -> Callable[..., Any]:
    def partial(*args):
        whole = gradient(*args)
        if not isinstance(whole, (tuple, list)) or len(whole) != count:
            raise InputError(f"analytic: {name} should return {count} derivatives, one an argument")
        return whole[k]

    return partial


class Meaning:
    """What calls of a name mean, in high precision; knows whether it was used.

    Attributes:
        name: of the function that is called.
        is_whole: whether it is the meaning of the verified function itself.
        twin: for `verify.check`.
    """

    def __init__(self, name: str, meaning: Any, function: Any):
        from jaxmath.exact import Twin, from_mpmath

        self.name, self.used = name, False
        self.is_whole = not isinstance(function, Formula) and name == name_of(function)
        self._meaning = meaning.meaning if isinstance(meaning, Twin) else meaning
        if isinstance(meaning, Twin):
            self.twin = dataclasses.replace(meaning, name=name, meaning=self)
            return
        arity = len(parameters_of(meaning)) or None
        self.twin = from_mpmath(name, self, arity)
        # A call that JAX writes out into its caller is recognised by its file and arguments.
        callee = getattr(_plain(function), "__globals__", {}).get(name)
        code = getattr(_plain(callee), "__code__", None) if callable(callee) else None
        if code is not None:
            place = code.co_filename
            self.twin = dataclasses.replace(
                self.twin, place=place, callee=callee, order_matters=arity != 1
            )

    def __call__(self, *numbers):
        self.used = True
        return self._meaning(*numbers)


def meaning(word: str, function: Any, folder: Path | None = None) -> Meaning:
    """`NAME=MODULE:f`, where f is a function of mpmath numbers or a `jaxmath.exact.Twin`.

    Raises:
        InputError: there is no such function.
    """
    name, equals, place = (part.strip() for part in word.partition("="))
    if not equals:
        raise InputError(Problem(f"{show(word)} is no NAME=MODULE:FUNCTION"))
    found = find(place, folder)
    if not callable(found) and not hasattr(found, "meaning"):
        raise InputError(f"{place} is no function but a {type(found).__name__}")
    return Meaning(name, found, function)


def _plain(function: Any) -> Any:
    """The Python function behind a record and whatever wraps it."""
    return inspect.unwrap(function.fn if isinstance(function, Formula) else function)
