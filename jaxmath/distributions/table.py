"""Functions of counts, looked up: a long array of counts has few different ones."""

import functools

import jax.numpy as jnp

from jaxmath.special.loops import if_any

SIZE = 1024
"""Neighbouring counts in a table."""
LONG = 4 * SIZE
"""So many counts are worth one."""


def tabled(fn, *, steps: bool = False):
    """The same function of counts and parameters, taken once for each count, not for each entry.

    Where the parameters are numbers and the counts many. The table begins at the smallest count, or
    at -1. Entries beyond it are computed one by one, as are those that are no whole numbers; of a
    function with `steps` these are rounded down.
    """

    @functools.wraps(fn)
    def function(x, *params):
        if jnp.size(x) < LONG or any(jnp.ndim(each) for each in params):
            return fn(x, *params)
        x = jnp.asarray(x).astype(jnp.result_type(float, *params))
        x = jnp.floor(x) if steps else x
        least = jnp.floor(jnp.min(x, where=x >= -1, initial=jnp.inf))
        least = jnp.where(jnp.isfinite(least), least, 0.0)
        place = x - least
        known = (place >= 0) & (place < SIZE) & (place == jnp.floor(place))
        # A pass of its own: joined with the look-up, it would be taken for each entry again.
        values = if_any(known, fn, least + jnp.arange(SIZE, dtype=x.dtype), *params)
        index = jnp.where(known, place, 0.0).astype(int)
        found = values.at[index].get(mode="promise_in_bounds")
        return jnp.where(known, found, if_any(~known, fn, x, *params))

    return function
