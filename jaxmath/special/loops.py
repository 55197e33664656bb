"""Loops of a known length: written out where values are computed, rolled up where slopes are.

Written out, a loop over many entries is one pass over memory; its derivatives would compile for
minutes, and rolled up they take seconds. A pass that no entry needs can be left out.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.special.polynomial import polynomial


def loop(step: Callable[..., Any], start: Any, terms: Any, *, rolled: bool = False) -> Any:
    """The last of `start`, step(start, *terms[0]), step(that, *terms[1]), ...; terms are numbers.

    Rolled up the numbers of a step are traced, so a step may not ask for them in Python.
    """
    if not rolled:
        for term in terms:
            start = step(start, *term)
        return start
    columns = [np.array(column) for column in zip(*terms, strict=True)]
    dtype = jnp.result_type(*jax.tree.leaves(start))

    def body(carry, term):
        return step(carry, *(jnp.asarray(number, dtype) for number in term)), None

    return jax.lax.scan(body, start, columns)[0]


def polynomials(rows: tuple[tuple[float, ...], ...], t: Any, *, rolled: bool = False):
    """Terms for `loop` from the last row to the first, and what makes a row a number.

    A row holds the coefficients of a polynomial in t, the constant one first.
    """
    width = max(map(len, rows))
    padded = [(*row, *(0.0,) * (width - len(row))) if rolled else row for row in rows]
    return list(reversed(padded)), lambda *row: polynomial(row, t)


def if_any(needed: Any, fn: Callable[..., Any], *args: Any, rolled: bool = False) -> Any:
    """What `fn` makes of the arguments, or zeros where no entry is `needed`: then it is not run.

    It is a pass of its own: a compiler that joins all the ways to a value into one pass, in which
    every entry pays for all of them, stops here.
    """
    if rolled:
        return fn(*args)
    shapes = jax.eval_shape(fn, *args)

    def nothing(*_):
        return jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)

    return jax.lax.cond(jnp.any(needed), fn, nothing, *args)
