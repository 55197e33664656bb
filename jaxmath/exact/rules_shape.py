"""Rules of the primitives that only move elements: shapes, slices, gathers and scatters.

Where JAX's own indexing is intricate, JAX runs the primitive on an array of positions, and the
elements are picked by what it returns.
"""

from __future__ import annotations

import operator

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxmath.exact.arrays import boxed, concrete, filled, is_real, lift, positional, unboxed
from jaxmath.exact.compare import maximum, minimum
from jaxmath.exact.ieee import NAN


def positions(shape) -> np.ndarray:
    """The number of each place in row order."""
    return np.arange(int(np.prod(shape, dtype=int)), dtype=np.int32).reshape(shape)


def picked(places, elements, otherwise=None):
    """The elements at these places; `otherwise` at place -1."""
    row = boxed(elements).ravel()
    chosen = [otherwise if k < 0 else row[k] for k in np.ravel(places).tolist()]
    return filled(chosen, np.shape(places))


def broadcast_in_dim(array, params, *sizes):
    """Axes of the operand become those of `broadcast_dimensions`, all others are repeated."""
    shape = [1] * len(params["shape"])
    for size, axis in zip(array.shape, params["broadcast_dimensions"], strict=True):
        shape[axis] = size
    return np.broadcast_to(array.reshape(shape), params["shape"])


def reshape(array, params, *sizes):
    """The same elements in row order, of the axes in the order `dimensions`."""
    if params.get("dimensions") is not None:
        array = array.transpose(params["dimensions"])
    return array.reshape(params["new_sizes"])


def cut(array, params):
    """A slice with strides."""
    strides = params["strides"] or (1,) * array.ndim
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    return array[tuple(slice(a, b, c) for a, b, c in bounds)]


def split(eqn, build):
    """Pieces of given sizes along an axis."""
    ends = np.cumsum(eqn.params["sizes"])[:-1]
    axis = eqn.params["axis"]
    return lambda x: tuple(np.split(x, ends, axis))


def stack(eqn, build):
    """Arrays side by side along a new axis."""
    axis = eqn.params["axis"]
    return lambda *arrays: np.stack([boxed(a) for a in arrays], axis)


def unstack(eqn, build):
    """The slices along an axis."""
    axis = eqn.params["axis"]
    return lambda x: tuple(unboxed(row) for row in np.moveaxis(x, axis, 0))


def concatenate(eqn, build):
    """Arrays one after the other along an axis."""
    axis = eqn.params["dimension"]
    return lambda *arrays: np.concatenate(arrays, axis)


def pad(eqn, build):
    """Padding on both sides and between the elements; negative padding crops."""
    config = eqn.params["padding_config"]
    shape = eqn.invars[0].aval.shape
    places = np.asarray(lax.pad(jnp.asarray(positions(shape)), jnp.int32(-1), config))
    real = is_real(eqn.outvars[0].aval)

    def run(x, value):
        if real:
            return picked(places, x, value)
        return np.where(places < 0, value, np.ravel(x)[np.maximum(places, 0)])

    return run


def iota(eqn, build):
    """0, 1, 2, ... along one axis."""
    params = eqn.params
    shape, axis = params["shape"], params["dimension"]
    line = np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
    whole = np.broadcast_to(line, shape)
    value = lift(whole) if is_real(eqn.outvars[0].aval) else whole.astype(params["dtype"])
    return lambda *sizes: value


def _starts(shape, sizes, starts):
    return [min(max(int(s), 0), n - m) for s, n, m in zip(starts, shape, sizes, strict=True)]


def dynamic_slice(array, params, *starts):
    """A slice from computed starts, moved inside where it would stick out."""
    sizes = params["slice_sizes"]
    firsts = _starts(array.shape, sizes, starts)
    return array[tuple(slice(a, a + n) for a, n in zip(firsts, sizes, strict=True))]


def dynamic_update_slice(eqn, build):
    """The operand with a block replaced."""

    def run(x, update, *starts):
        array, update = np.array(boxed(x)), boxed(update)
        firsts = _starts(array.shape, update.shape, starts)
        block = tuple(slice(a, a + n) for a, n in zip(firsts, update.shape, strict=True))
        array[block] = update
        return unboxed(array)

    return run


def gather(eqn, build):
    """Slices from computed places; what lies outside is filled as the mode says."""
    real = is_real(eqn.invars[0].aval)
    where = _places(eqn.params, eqn.invars[0].aval.shape)
    fill = eqn.params["fill_value"]
    if real:
        otherwise = NAN if fill is None else lift(fill)
        return lambda x, indices: picked(where(indices), x, otherwise)
    dtype = eqn.invars[0].aval.dtype
    if jnp.issubdtype(dtype, np.signedinteger):
        fill = jnp.iinfo(dtype).min if fill is None else fill
    elif jnp.issubdtype(dtype, np.unsignedinteger):
        fill = jnp.iinfo(dtype).max if fill is None else fill
    else:
        fill = True if fill is None else fill

    def run(x, indices):
        places = where(indices)
        return np.where(places < 0, fill, np.ravel(x)[np.maximum(places, 0)]).astype(dtype)[()]

    return run


def _places(params, shape):
    """Where a gather with these parameters takes its elements, -1 for outside, by JAX itself."""
    mode = lax.GatherScatterMode.from_any(params["mode"])
    numbers = jnp.asarray(positions(shape))

    def where(indices):
        return np.asarray(
            lax.gather(
                numbers,
                jnp.asarray(concrete(indices)),
                params["dimension_numbers"],
                params["slice_sizes"],
                mode=mode,
                fill_value=-1,
            )
        )

    return where


def scatter(combine):
    """A rule for the scatter that combines old and new by a function of elements."""

    def rule(eqn, build):
        numbers = eqn.params["dimension_numbers"]
        shape = eqn.invars[0].aval.shape
        updates_shape = eqn.invars[2].aval.shape
        kept = [k for k in range(len(shape)) if k not in numbers.inserted_window_dims]
        kept = [k for k in kept if k not in numbers.operand_batching_dims]
        sizes = [1] * len(shape)
        for axis, window in zip(kept, numbers.update_window_dims, strict=True):
            sizes[axis] = updates_shape[window]
        params = {
            "dimension_numbers": lax.GatherDimensionNumbers(
                offset_dims=numbers.update_window_dims,
                collapsed_slice_dims=numbers.inserted_window_dims,
                start_index_map=numbers.scatter_dims_to_operand_dims,
                operand_batching_dims=numbers.operand_batching_dims,
                start_indices_batching_dims=numbers.scatter_indices_batching_dims,
            ),
            "slice_sizes": tuple(sizes),
            "mode": eqn.params["mode"],
        }
        where = _places(params, shape)

        def run(x, indices, updates):
            row = boxed(x).ravel().tolist()
            for k, new in zip(
                where(indices).ravel().tolist(), boxed(updates).ravel().tolist(), strict=True
            ):
                if k >= 0:
                    row[k] = combine(row[k], new)
            return filled(row, shape)

        return run

    return rule


RULES = {
    "broadcast_in_dim": positional(broadcast_in_dim),
    "concatenate": concatenate,
    "dynamic_slice": positional(dynamic_slice),
    "dynamic_update_slice": dynamic_update_slice,
    "gather": gather,
    "iota": iota,
    "pad": pad,
    "reshape": positional(reshape),
    "rev": positional(lambda a, params: np.flip(a, params["dimensions"])),
    "scatter": scatter(lambda old, new: new),
    "scatter-add": scatter(operator.add),
    "scatter-max": scatter(maximum),
    "scatter-min": scatter(minimum),
    "scatter-mul": scatter(operator.mul),
    "scatter-sub": scatter(operator.sub),
    "slice": positional(cut),
    "split": split,
    "stack": stack,
    "squeeze": positional(lambda a, params: np.squeeze(a, tuple(params["dimensions"]))),
    "tile": positional(lambda a, params: np.tile(a, params["reps"])),
    "transpose": positional(lambda a, params: a.transpose(params["permutation"])),
    "unstack": unstack,
}
