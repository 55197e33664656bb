"""Loops of a known length: written out where values are computed, rolled up where slopes are.

Written out, a loop over many entries is one pass over memory; its derivatives would compile for
minutes, and rolled up they take seconds.
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
