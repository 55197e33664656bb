"""The derivative programs of a function, as each mode writes them, evaluated exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import Missing, Number, Program, evaluate, trace
from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, flat_function
from jaxmath.verify.truths import SECONDS


class Rules:
    """What a mode's own program of the derivative means, whatever it rounds to."""

    def __init__(self, formula: Formula, lay: Layout):
        self.formula, self.lay = formula, lay
        self.function = flat_function(formula.fn, lay)
        self.programs: dict[Any, Program] = {}

    def said(self, who: str, point, columns: tuple[int, ...], result: int) -> Number | None:
        """A derivative in one or two coordinates; None if it cannot be evaluated."""
        try:
            found = self.program(who, point, columns, result)
            return found and evaluate(*found, truth="program", budget=SECONDS).flat[0]
        except (Missing, TypeError, ValueError):
            return None

    def program(
        self, who: str, point, columns: tuple[int, ...], result: int
    ) -> tuple[Program, tuple[Any, ...]] | None:
        """The program of one derivative and its arguments; None if there is none."""
        key = who, columns, result
        program, args = self._program(*key), self._flat(point)
        if program is None:
            return None
        if key not in self.programs:
            self.programs[key] = trace(program, *args)
        return self.programs[key], args

    def _program(self, who: str, columns, result: int) -> Callable[..., Any] | None:
        """One derivative as a function of `(vectors, fixed)`."""
        if who == "forward mode":
            return lambda *args: self._pushed(self.function, columns[0], *args)[result]
        if who == "reverse mode":
            return lambda *args: self._pulled(result, *args)[columns[0]]

        def gradient(*vectors_and_fixed):
            *vectors, fixed = vectors_and_fixed
            return self._pulled(result, vectors, fixed)

        if who == "forward over reverse":
            return lambda *args: self._pushed(gradient, columns[1], *args)[columns[0]]
        if who == "reverse over reverse":
            entry = lambda *moved: gradient(*moved)[columns[0]]  # noqa: E731
            return lambda vectors, fixed: jnp.concatenate(
                jax.grad(entry, argnums=tuple(range(len(vectors))))(*vectors, fixed)
            )[columns[1]]
        return self._closed(columns, result)

    def _closed(self, columns, result: int):
        """The closed form of a first or second derivative of a scalar."""
        names = tuple(self.lay.argument(column)[0] for column in columns)
        places = [self.lay.argument(column)[1] for column in columns]
        if len(columns) == 1:
            closed = self.formula.partials.get(names[0])
        else:
            closed = self.formula.seconds.get((names[0], names[1]))
        if closed is None or result:
            return None
        sizes = [self.lay.sizes[self.lay.wrt.index(name)] for name in names]

        def program(vectors, fixed):
            said = jax.tree.leaves(closed(*self.lay.arguments(vectors, fixed)))
            flat = jnp.concatenate([jnp.ravel(jnp.asarray(leaf)) for leaf in said])
            return flat.reshape(sizes)[tuple(places)]

        return program

    def _pushed(self, function, column: int, vectors, fixed):
        """A function differentiated in one coordinate, by forward mode in its argument."""
        name, place = self.lay.argument(column)
        k = self.lay.wrt.index(name)
        moved = lambda v: function(*vectors[:k], v, *vectors[k + 1 :], fixed)  # noqa: E731
        return jax.jvp(moved, (vectors[k],), (_unit(vectors[k], place),))[1]

    def _pulled(self, result: int, vectors, fixed):
        """The gradient of one result, by reverse mode."""
        value, pull = jax.vjp(lambda *v: self.function(*v, fixed), *vectors)
        return jnp.concatenate(pull(_unit(value, result)))

    def _flat(self, point):
        args = dict(zip(self.formula.arguments, point, strict=True))
        theta, fixed = self.lay.flatten(jax.tree.map(lambda leaf: np.asarray(leaf)[None], args))
        return self.lay.vectors(theta[0]), jax.tree.map(lambda leaf: leaf[0], fixed)


def _unit(like, place: int) -> np.ndarray:
    return np.eye(1, like.size, place, like.dtype)[0]
