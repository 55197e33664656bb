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

    def said(self, who: str, point, column: int, result: int) -> Number | None:
        """A first derivative by forward or reverse mode; None if it cannot be evaluated."""
        forward = who == "forward mode"
        program = self._pushed(column) if forward else self._pulled(result)
        try:
            found = self._evaluated(program, point, (forward, column if forward else result))
        except (Missing, TypeError, ValueError):
            return None
        return found[result if forward else column]

    def _evaluated(self, program: Callable[..., Any], point, key) -> tuple[Number, ...]:
        args = self._flat(point)
        if key not in self.programs:
            self.programs[key] = trace(program, *args)
        return evaluate(self.programs[key], args, truth="program", budget=SECONDS).flat

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
