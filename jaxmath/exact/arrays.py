"""Arrays of elements, and the shapes that rules take.

A real value of shape () is a bare element, any other a NumPy array of objects; integers, booleans
and keys stay NumPy (or JAX) arrays. A rule is `rule(eqn, build) -> run`: it looks at the equation
once, and `run(*values)` computes, a tuple if there are several results. `build` turns an inner
jaxpr into a function of values.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.source_info_util import summarize

from jaxmath.exact.ieee import element


class Missing(NotImplementedError):  # noqa: N818  (what is missing is said)
    """No rule for a primitive."""

    def __init__(self, name: str, where: str):
        super().__init__(
            f"The exact reference has no rule for the primitive {name!r} ({where}); supply one "
            f"with rules={{{name!r}: rule}}, where rule(eqn, build) returns a function of elements."
        )
        self.primitive = name


def missing(eqn):
    """What runs in place of an equation without a rule: nothing, and says so."""

    def run(*values):
        raise Missing(eqn.primitive.name, summarize(eqn.source_info))

    return run


def is_real(aval) -> bool:
    """Whether values of this kind are elements."""
    return jnp.issubdtype(aval.dtype, jnp.floating)


def lift(number):
    """A numeric value as elements, each exactly the number that it is."""
    number = np.asarray(number)
    if number.shape == ():
        return element(_plain(number))
    return filled([element(v) for v in _plain(number.ravel())], number.shape)


def _plain(number):
    wide = number.astype(np.float64) if number.dtype.kind not in "iub" else number
    return wide.tolist()


def filled(elements, shape):
    """An array with these elements in row order, or the one element if the shape is ()."""
    if shape == ():
        return elements[0]
    flat = np.empty(len(elements), object)
    for k, one in enumerate(elements):
        flat[k] = one
    return flat.reshape(shape)


def boxed(value) -> np.ndarray:
    """The value as an array of objects, of shape () too."""
    if isinstance(value, np.ndarray):
        return value
    box = np.empty((), object)
    box[()] = value
    return box


def unboxed(array):
    """The bare element of an array of shape (), any other array as it is."""
    return array[()] if isinstance(array, np.ndarray) and array.shape == () else array


def elementwise(function, outputs: str = "real"):
    """A rule that applies a function of elements one by one; `outputs` "bool" for conditions."""

    def rule(eqn, build):
        scalar, count = eqn.outvars[0].aval.shape == (), len(eqn.invars)
        run = function if scalar else np.frompyfunc(function, count, 1)
        if outputs == "bool":
            run = _conditions(run, scalar)
        return _lifting(run, [not is_real(v.aval) for v in eqn.invars])

    return rule


def _conditions(run, scalar):
    if scalar:
        return lambda *values: np.bool_(run(*values))
    return lambda *values: run(*values).astype(bool)


def _lifting(run, lifts):
    """The same function, of numbers where an operand is not real."""
    if not any(lifts):
        return run
    return lambda *values: run(*(lift(v) if up else v for v, up in zip(values, lifts, strict=True)))


def positional(function):
    """A rule that only moves elements: `function(array, eqn)` on arrays of any kind."""

    def rule(eqn, build):
        return lambda value, *rest: unboxed(function(boxed(value), eqn.params, *rest))

    return rule


def by_jax(eqn, build=None):
    """A rule that lets JAX itself run the equation, with the same bits."""
    found = eqn.primitive.get_bind_params(eqn.params)
    # Before JAX 0.10.2 the functions inside came apart from the other parameters.
    subfunctions, params = found if isinstance(found, tuple) else ([], found)
    kinds = [v.aval.dtype for v in eqn.invars]
    real = [is_real(v.aval) for v in eqn.outvars]

    def run(*values):
        values = [_typed(v, kind) for v, kind in zip(values, kinds, strict=True)]
        found = eqn.primitive.bind(*subfunctions, *values, **params)
        several = eqn.primitive.multiple_results
        found = found if several else [found]
        results = [lift(f) if r else concrete(f) for f, r in zip(found, real, strict=True)]
        return tuple(results) if len(results) != 1 else results[0]

    return run


def _typed(value, kind):
    if jnp.issubdtype(kind, jax.dtypes.extended):
        return value
    return jnp.asarray(np.asarray(value, kind))


def concrete(value):
    """A JAX array that is not real as NumPy has it; keys stay."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.extended):
        return value
    return np.asarray(value)[()]


def fold(function, array, axes, start=None):
    """Combine the elements along axes, in order, from `start` or the first one."""
    array = boxed(array)
    kept = [k for k in range(array.ndim) if k not in axes]
    shape = tuple(array.shape[k] for k in kept)
    size = int(np.prod([array.shape[k] for k in axes], dtype=int))
    rows = array.transpose(*kept, *axes).reshape(int(np.prod(shape, dtype=int)), size)
    results = []
    for row in rows:
        items = row.tolist()
        total = items.pop(0) if items else start
        for item in items:
            total = function(total, item)
        results.append(total)
    return filled(results, shape)
