"""A function of one example, over a batch laid out with its examples last.

`jax.vmap` puts the examples first, so the innermost loops of a compiled program run over what one
example has, such as its ten logits. With the examples last, those loops run over the batch, sums
within an example add whole rows, and under another `vmap` over parameters a product of weights and
examples is one product of matrices, with no array turned in between. The numbers are those of
`vmap`, up to the order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import ClosedJaxpr, Literal, jaxpr_as_fun

# fmt: off
ELEMENTWISE = frozenset((
    lax.abs_p, lax.acos_p, lax.acosh_p, lax.add_p, lax.and_p, lax.asin_p, lax.asinh_p, lax.atan_p,
    lax.atan2_p, lax.atanh_p, lax.cbrt_p, lax.ceil_p, lax.clamp_p, lax.convert_element_type_p,
    lax.copy_p, lax.cos_p, lax.cosh_p, lax.digamma_p, lax.div_p, lax.eq_p, lax.erf_inv_p, lax.erf_p,
    lax.erfc_p, lax.exp2_p, lax.exp_p, lax.expm1_p, lax.floor_p, lax.ge_p, lax.gt_p,
    lax.integer_pow_p, lax.is_finite_p, lax.le_p, lax.lgamma_p, lax.log1p_p, lax.log_p,
    lax.logistic_p, lax.lt_p, lax.max_p, lax.min_p, lax.mul_p, lax.ne_p, lax.neg_p, lax.nextafter_p,
    lax.not_p, lax.or_p, lax.pow_p, lax.rem_p, lax.round_p, lax.rsqrt_p, lax.select_n_p,
    lax.sign_p, lax.sin_p, lax.sinh_p, lax.sqrt_p, lax.square_p, lax.sub_p, lax.tan_p, lax.tanh_p,
    lax.xor_p,
))
REDUCTIONS = frozenset((
    lax.reduce_sum_p, lax.reduce_max_p, lax.reduce_min_p, lax.reduce_prod_p, lax.reduce_and_p,
    lax.reduce_or_p,
))
# fmt: on
CALLS = ("jit", "pjit")
"""The primitive of `jax.jit`, as JAX calls it and called it before 0.7."""


class Column(NamedTuple):
    """Values for all examples, which lie along one axis of the array."""

    array: Any
    axis: int

    @property
    def last(self) -> Any:
        """The array with its examples last."""
        return jnp.moveaxis(self.array, self.axis, -1)

    @property
    def size(self) -> int:
        """How many examples there are."""
        return self.array.shape[self.axis]

    @property
    def one(self) -> jax.ShapeDtypeStruct:
        """The shape of one example's value."""
        shape = [*self.array.shape]
        del shape[self.axis]
        return jax.ShapeDtypeStruct(tuple(shape), self.array.dtype)


def columns(fn: Callable[..., Any], *args: Any, axes: Sequence[int | None]) -> Any:
    """`jax.vmap(fn, axes, out_axes=-1)(*args)`, with the examples last on the way too.

    Each argument is a pytree of arrays, mapped along one axis or not at all (None).
    """
    tree, structure = jax.tree.structure(args), None
    values = [
        jnp.asarray(leaf) if axis is None else Column(jnp.asarray(leaf), axis)
        for arg, axis in zip(args, axes, strict=True)
        for leaf in jax.tree.leaves(arg)
    ]

    def flat(*leaves):
        nonlocal structure
        found, structure = jax.tree.flatten(fn(*jax.tree.unflatten(tree, leaves)))
        return found

    found = _run(flat, values)
    return jax.tree.unflatten(structure, found)


def _run(fn: Callable[..., Any], values: list[Any]) -> list[Any]:
    """A function of flat arguments, for all examples; what comes out has them last."""
    size = next(value.size for value in values if isinstance(value, Column))
    one = [value.one if isinstance(value, Column) else jax.typeof(value) for value in values]
    found = _evaluate(jax.make_jaxpr(fn)(*one), values)
    return [
        value.last
        if isinstance(value, Column)
        else _spread(value, (*jnp.shape(value), size), range(jnp.ndim(value)))
        for value in found
    ]


def _evaluate(closed: ClosedJaxpr, args: Sequence[Any]) -> list[Any]:
    known = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    known |= dict(zip(closed.jaxpr.invars, args, strict=True))

    def read(atom):
        return atom.val if isinstance(atom, Literal) else known[atom]

    for eqn in closed.jaxpr.eqns:
        known |= dict(zip(eqn.outvars, _apply(eqn, [*map(read, eqn.invars)]), strict=True))
    return [read(atom) for atom in closed.jaxpr.outvars]


def _apply(eqn, args: list[Any]) -> list[Any]:
    primitive, params = eqn.primitive, eqn.params
    if not any(isinstance(arg, Column) for arg in args):
        return _several(eqn, _bind(eqn)(*args))
    if primitive.name in CALLS:
        return _evaluate(params["jaxpr"], args)
    if primitive.name == "custom_jvp_call":
        return _with_rule(eqn, args)
    if primitive in ELEMENTWISE:
        return [_elementwise(eqn, args)]
    if primitive is lax.dot_general_p and (found := _product(eqn, *args)):
        return [found]
    if len(args) == 1:
        array = args[0].last
        if primitive in REDUCTIONS:
            array = primitive.bind(array, **params)
            return [Column(array, array.ndim - 1)]
        if primitive is lax.broadcast_in_dim_p:
            shape, places = params["shape"], params["broadcast_dimensions"]
            array = _spread(array, (*shape, array.shape[-1]), (*places, len(shape)))
            return [Column(array, len(shape))]
    return _by_vmap(eqn, args)


def _by_vmap(eqn, args: list[Any]) -> list[Any]:
    """Whatever has no rule here."""
    axes = [arg.axis if isinstance(arg, Column) else None for arg in args]
    arrays = [arg.array if isinstance(arg, Column) else arg for arg in args]
    found = _several(eqn, jax.vmap(_bind(eqn), in_axes=axes, out_axes=-1)(*arrays))
    return [Column(array, array.ndim - 1) for array in found]


def _bind(eqn) -> Callable[..., Any]:
    """An equation as a function, with its derivative and its rule for batches."""
    found = eqn.primitive.get_bind_params(eqn.params)
    # Before JAX 0.10 a pair, since then one mapping that holds both.
    functions, params = found if isinstance(found, tuple) else ((), found)
    return lambda *args: eqn.primitive.bind(*functions, *args, **params)


def _several(eqn, found) -> list[Any]:
    return list(found) if eqn.primitive.multiple_results else [found]


def _elementwise(eqn, args: list[Any]) -> Column:
    (out,) = eqn.outvars
    size = next(arg.size for arg in args if isinstance(arg, Column))
    shape = (*out.aval.shape, size)

    def fit(arg):
        if not isinstance(arg, Column):
            return _spread(arg, shape, range(jnp.ndim(arg)))
        array = arg.last
        if array.ndim == len(shape):
            return array
        return _spread(array, shape, [len(shape) - 1])

    return Column(eqn.primitive.bind(*map(fit, args), **eqn.params), len(shape) - 1)


def _spread(array, shape, places):
    return lax.broadcast_in_dim(array, shape, tuple(places))


def _product(eqn, left, right) -> Column | None:
    """A product with what is the same for all examples, which is one product of matrices."""
    (left_sum, right_sum), (batch, _) = eqn.params["dimension_numbers"]
    if batch or (isinstance(left, Column) and isinstance(right, Column)):
        return None
    if isinstance(left, Column):
        shared, own, over, own_over, is_left = right, left, right_sum, left_sum, True
    else:
        shared, own, over, own_over, is_left = left, right, left_sum, right_sum, False
    params = _swapped(eqn.params) if is_left else eqn.params
    product = _Product(params, tuple(over), [axis + (axis >= own.axis) for axis in own_over])
    found = product.turning(own.axis)(shared, own.array)
    if is_left:
        few, free = shared.ndim - len(over), found.ndim - 1
        found = found.transpose(*range(few, free), *range(few), free)
    return Column(found, found.ndim - 1)


def _swapped(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a product with its factors the other way round."""
    precision = params["precision"]
    return params | dict(precision=precision[::-1] if isinstance(precision, tuple) else precision)


class _Product(NamedTuple):
    """Products of what is shared and of what each example has, over these axes of both."""

    params: dict[str, Any]
    over: tuple[int, ...]
    own_over: Sequence[int]

    def __call__(self, shared, own, axis: int):
        """What is free of the shared one first, then of the other, the examples last."""
        found = _dot(shared, own, self.over, self.own_over, self.params)
        return self._last(found, shared, axis)

    def turning(self, axis: int) -> Callable[..., Any]:
        """The same, whose derivatives turn small arrays so that no product has to.

        Transposed as they are, they would sum over the last axis of both factors, or over the
        first, which takes XLA on a processor five times as long for small matrices.
        """

        @jax.custom_jvp
        def product(shared, own):
            return self(shared, own, axis)

        def rule(primals, tangents):
            shared, own = primals
            change, own_change = tangents
            terms = []
            if not isinstance(change, SymbolicZero):
                turned = lax.optimization_barrier(jnp.moveaxis(own, axis, 0)) if axis else own
                over = [at + (at < axis) for at in self.own_over]
                terms.append(self._replace(own_over=over)(change, turned, 0))
            if not isinstance(own_change, SymbolicZero):
                terms.append(self.reversed(shared, own_change, axis))
            value = product(shared, own)
            return value, sum(terms[1:], terms[0]) if terms else jnp.zeros_like(value)

        product.defjvp(rule, symbolic_zeros=True)
        return product

    def reversed(self, shared, own, axis: int):
        """The same with the factors the other way round, which is turned when it is there."""
        found = _dot(own, shared, self.own_over, self.over, _swapped(self.params))
        found = lax.optimization_barrier(found)
        free = found.ndim - (shared.ndim - len(self.over))
        found = found.transpose(*range(free, found.ndim), *range(free))
        return self._last(found, shared, axis)

    def _last(self, found, shared, axis: int):
        """A product, in which the other one's free axes come second, with the examples last."""
        few = shared.ndim - len(self.over)
        return jnp.moveaxis(found, few + axis - sum(at < axis for at in self.own_over), -1)


def _dot(left, right, left_sum, right_sum, params: dict[str, Any]):
    params = params | dict(dimension_numbers=((tuple(left_sum), tuple(right_sum)), ((), ())))
    return lax.dot_general_p.bind(left, right, **params)


def _with_rule(eqn, args: list[Any]) -> list[Any]:
    """A function with a derivative of its own keeps it."""
    call, inner = _bind(eqn), jaxpr_as_fun(eqn.params["call_jaxpr"])
    is_mapped = [isinstance(arg, Column) for arg in args]
    moves = [jnp.issubdtype(var.aval.dtype, jnp.inexact) for var in eqn.invars]

    def columns_of(arrays, is_mapped):
        return [
            Column(array, jnp.ndim(array) - 1) if mapped else array
            for array, mapped in zip(arrays, is_mapped, strict=True)
        ]

    @jax.custom_jvp
    def whole(*arrays):
        return tuple(_run(inner, columns_of(arrays, is_mapped)))

    @whole.defjvp
    def rule(primals, tangents):
        changes = [change for change, does in zip(tangents, moves, strict=True) if does]

        def one(*both):
            point, given = both[: len(moves)], iter(both[len(moves) :])
            change = [
                next(given) if does else np.zeros(jnp.shape(x), jax.dtypes.float0)
                for x, does in zip(point, moves, strict=True)
            ]
            return jax.jvp(call, point, tuple(change))[1]

        those = [mapped for mapped, does in zip(is_mapped, moves, strict=True) if does]
        values = columns_of((*primals, *changes), (*is_mapped, *those))
        return whole(*primals), tuple(_run(one, values))

    found = whole(*(arg.last if isinstance(arg, Column) else arg for arg in args))
    return [Column(array, array.ndim - 1) for array in found]
