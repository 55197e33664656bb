"""What closed form, reverse mode and forward mode say, each as plain arrays.

Shapes are those of `flat`: `(points, outputs, coordinates)` of first order, another axis of
coordinates for second. Programs are compiled once for each function and shape of points.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, flat_function


class Opinions(NamedTuple):
    """The value, and by name of the opinion its first and second derivatives."""

    value: np.ndarray
    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]


@functools.lru_cache(maxsize=1024)
def _autodiff_program(fn: Callable[..., Any], where: Layout, seconds: bool):
    function = flat_function(fn, where)
    every = tuple(range(len(where.wrt)))

    def value_and_reverse(*vectors_and_fixed):
        *vectors, fixed = vectors_and_fixed
        value, pull = jax.vjp(lambda *moved: function(*moved, fixed), *vectors)
        rows = jax.vmap(pull)(jnp.eye(value.size, dtype=value.dtype))
        return value, jnp.concatenate(rows, axis=-1)

    def forward(args, index):
        """Push each direction of one argument through value and reverse mode at once.

        One argument at a time, as `jax.grad(f, argnums=index)` does: a tangent that is zero by
        structure cannot turn an infinite slope in another argument into NaN.
        """
        moved = value_and_reverse if seconds else function
        rest = lambda vector: moved(*args[:index], vector, *args[index + 1 :])  # noqa: E731
        push = lambda tangent: jax.jvp(rest, (args[index],), (tangent,))  # noqa: E731
        directions = jnp.eye(args[index].size, dtype=args[index].dtype)
        return jax.vmap(push, out_axes=(None, -1))(directions)

    def program(theta, fixed):
        args = (*where.vectors(theta), fixed)
        pushed = [forward(args, index) for index in every]
        columns = jax.tree.map(
            lambda *parts: jnp.concatenate(parts, axis=-1), *(t for _, t in pushed)
        )
        if not seconds:
            value, reverse = value_and_reverse(*args)
            return value, {"reverse mode": reverse, "forward mode": columns}, {}
        (value, reverse), _ = pushed[0]
        jacobian, hessian = columns
        nested = jax.jacrev(lambda *a: value_and_reverse(*a)[1], argnums=every)(*args)
        return (
            value,
            {"reverse mode": reverse, "forward mode": jacobian},
            {
                "forward over reverse": hessian,
                "reverse over reverse": jnp.concatenate(nested, axis=-1),
            },
        )

    return jax.jit(jax.vmap(program))


def autodiff(fn, where: Layout, theta: np.ndarray, fixed, seconds: bool = True) -> Opinions:
    """Value, Jacobian and Hessian of a function at many points, in every mode."""
    with jax.enable_x64(True):
        return Opinions(*jax.device_get(_autodiff_program(fn, where, seconds)(theta, fixed)))


def closed_first(formula: Formula, where: Layout, args: Mapping[str, Any]) -> dict[str, Any]:
    """The Jacobian in closed form, by argument: `(points, outputs, coordinates of it)`.

    From the partials of a scalar-valued or elementwise function, or from its `vjp` applied to each
    direction of the value.
    """
    with jax.enable_x64(True):
        if formula.vjp is not None:
            return _from_vjp(formula, where, args)
        values = [args[name] for name in formula.arguments]
        outputs = jax.eval_shape(jax.vmap(formula.fn), *values).shape[1:]
        return {
            name: _as_jacobian(_mapped(formula.partials[name], values), outputs, size)
            for name, size in zip(where.wrt, where.sizes, strict=True)
            if name in formula.partials
        }


def closed_second(formula: Formula, where: Layout, args: Mapping[str, Any]) -> dict[Any, Any]:
    """The blocks of the Hessian in closed form, by pair of arguments.

    Where the record has no second partial, the Jacobian of the closed form of the first.
    """
    with jax.enable_x64(True):
        values = [args[name] for name in formula.arguments]
        sizes = dict(zip(where.wrt, where.sizes, strict=True))
        blocks = {}
        for i, first in enumerate(where.wrt):
            for second in where.wrt[i:]:
                if (first, second) in formula.seconds or (second, first) in formula.seconds:
                    given = (first, second) in formula.seconds
                    pair = (first, second) if given else (second, first)
                    block = np.asarray(_mapped(formula.seconds[pair], values))
                    block = block.reshape(len(block), -1, sizes[pair[0]], sizes[pair[1]])
                    blocks[first, second] = block if given else np.swapaxes(block, 2, 3)
                elif first in formula.partials or formula.vjp is not None:
                    blocks[first, second] = _nested(formula, where, args, first, second)
        return blocks


def _mapped(function, values):
    """Evaluate over all points, in one program."""
    return jax.device_get(_batched(function)(*values))


@functools.lru_cache(maxsize=1024)
def _batched(function):
    return jax.jit(jax.vmap(function))


def _as_jacobian(partial, outputs: tuple[int, ...], size: int) -> np.ndarray:
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(partial)]
    flat = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
    if outputs == ():
        return flat[:, None, :]
    if size == 1:
        return flat[:, :, None]
    return flat[:, :, None] * np.eye(size, dtype=flat.dtype)  # elementwise: diagonal


def _from_vjp(formula, where, args):
    values = [args[name] for name in formula.arguments]

    def jacobian(*point):
        value = jnp.asarray(formula.fn(*point))
        basis = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
        return jax.vmap(lambda cotangent: formula.vjp(*point, cotangent))(basis)

    rows = jax.device_get(jax.jit(jax.vmap(jacobian))(*values))
    return {
        name: np.concatenate(
            [leaf.reshape(*leaf.shape[:2], -1) for leaf in jax.tree.leaves(rows[index])], axis=-1
        )
        for index, name in enumerate(formula.differentiable)
        if name in where.wrt
    }


def _nested(formula, where, args, first: str, second: str) -> np.ndarray:
    """The derivative in `second`, by JAX, of the closed form of the derivative in `first`."""
    theta, fixed = where.flatten(args)
    program = _nested_program(
        formula.partials.get(first),
        formula.vjp,
        formula.fn,
        where,
        first,
        second,
        formula.differentiable.index(first),
    )
    return jax.device_get(program(theta, fixed))


@functools.lru_cache(maxsize=1024)
def _nested_program(partial, vjp, fn, where: Layout, first: str, second: str, index: int):
    size = where.sizes[where.wrt.index(first)]

    def row(*vectors_and_fixed):
        *vectors, fixed = vectors_and_fixed
        point = where.arguments(vectors, fixed)
        value = jnp.asarray(fn(*point))
        if vjp is not None:
            basis = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
            rows = jax.vmap(lambda cotangent: vjp(*point, cotangent))(basis)
            leaves = jax.tree.leaves(rows[index])
            leaves = [jnp.reshape(leaf, (value.size, -1)) for leaf in leaves]
            return jnp.concatenate(leaves, axis=1)
        leaves = jax.tree.leaves(partial(*point))
        flat = jnp.concatenate([jnp.ravel(jnp.asarray(leaf)) for leaf in leaves])
        if value.ndim == 0:
            return flat[None, :]
        return flat[:, None] if size == 1 else jnp.diag(flat)

    def program(theta, fixed):
        return jax.jacfwd(row, argnums=where.wrt.index(second))(*where.vectors(theta), fixed)

    return jax.jit(jax.vmap(program))
