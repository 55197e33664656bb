"""The derivative programs of a function, as each mode writes them, evaluated exactly."""

from __future__ import annotations

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

    def said(self, who: str, point, column: int, result: int) -> Number | None:
        """A first derivative by forward or reverse mode; None if it cannot be evaluated."""
        try:
            program, args, place = self.program(who, point, column, result)
            return evaluate(program, args, truth="program", budget=SECONDS).flat[place]
        except (Missing, TypeError, ValueError):
            return None

    def program(self, who: str, point, column: int, result: int) -> tuple[Program, Any, int]:
        """The program that a mode runs, its arguments, and the place of a derivative among its
        results.
        """
        forward, args = who == "forward mode", self._flat(point)
        key = forward, column if forward else result
        if key not in self.programs:
            wanted = self._pushed(column) if forward else self._pulled(result)
            self.programs[key] = trace(wanted, *args)
        return self.programs[key], args, result if forward else column

    def _flat(self, point):
        args = dict(zip(self.formula.arguments, point, strict=True))
        theta, fixed = self.lay.flatten(jax.tree.map(lambda leaf: np.asarray(leaf)[None], args))
        return self.lay.vectors(theta[0]), jax.tree.map(lambda leaf: leaf[0], fixed)

    def _pushed(self, column: int):
        """All results differentiated in one coordinate, by forward mode in its argument."""
        name, place = self.lay.argument(column)
        k = self.lay.wrt.index(name)

        def program(vectors, fixed):
            moved = lambda v: self.function(*vectors[:k], v, *vectors[k + 1 :], fixed)  # noqa: E731
            tangent = _unit(vectors[k], place)
            return jax.jvp(moved, (vectors[k],), (tangent,))[1]

        return program

    def _pulled(self, result: int):
        """The gradient of one result, by reverse mode."""

        def program(vectors, fixed):
            value, pull = jax.vjp(lambda *v: self.function(*v, fixed), *vectors)
            return jnp.concatenate(pull(_unit(value, result)))

        return program


def _unit(like, place: int) -> np.ndarray:
    return np.eye(1, like.size, place, like.dtype)[0]
