"""Rules of sums, products, extremes and orders along axes, and of the products of matrices."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from jaxmath.exact.arrays import boxed, filled, fold, is_real
from jaxmath.exact.ball import ONE, ZERO, arb
from jaxmath.exact.compare import compare, maximum, minimum, total_order
from jaxmath.exact.functions import logaddexp
from jaxmath.exact.ieee import INF, NAN, NEG_INF
from jaxmath.exact.jet import Jet


def reduction(function, start):
    """A rule that folds a function of two elements over axes."""

    def rule(eqn, build):
        axes = eqn.params["axes"]
        return lambda x: fold(function, x, axes, start)

    return rule


def reduce(eqn, build):
    """A fold by an inner jaxpr, from given initial values."""
    inner, axes = build(eqn.params["jaxpr"]), eqn.params["dimensions"]
    count = len(eqn.invars) // 2

    def run(*values):
        arrays, starts = [boxed(v) for v in values[:count]], values[count:]
        kept = [k for k in range(arrays[0].ndim) if k not in axes]
        shape = tuple(arrays[0].shape[k] for k in kept)
        rows = [
            a.transpose(*kept, *axes).reshape(int(np.prod(shape, dtype=int)), -1) for a in arrays
        ]
        totals = [[] for _ in arrays]
        for items in zip(*rows, strict=True):
            state = list(starts)
            for item in zip(*items, strict=True):
                state = inner(*state, *item)
            for total, value in zip(totals, state, strict=True):
                total.append(value)
        results = [_typed(t, shape, v.aval) for t, v in zip(totals, eqn.outvars, strict=True)]
        return tuple(results) if count > 1 else results[0]

    return run


def _typed(values, shape, aval):
    return filled(values, shape) if is_real(aval) else np.array(values, aval.dtype).reshape(shape)


def cumulative(function):
    """A rule for running folds along an axis."""

    def rule(eqn, build):
        axis, reverse = eqn.params["axis"], eqn.params["reverse"]

        def run(x):
            rows = np.moveaxis(x, axis, 0)
            rows = rows[::-1] if reverse else rows
            result = np.empty(rows.shape, object)
            pairs = np.frompyfunc(function, 2, 1)
            for k in range(len(rows)):
                if rows.ndim == 1:
                    result[k] = rows[k] if k == 0 else function(result[k - 1], rows[k])
                else:
                    result[k] = rows[k] if k == 0 else pairs(result[k - 1], rows[k])
            return np.moveaxis(result[::-1] if reverse else result, 0, axis)

        return run

    return rule


def extreme(sign):
    """A rule for the place of the first largest (1) or smallest (-1) element; NaN comes first."""

    def rule(eqn, build):
        dtype = eqn.params["index_dtype"]
        axes = eqn.params["axes"]

        def place(items):
            best = 0
            for k, item in enumerate(items):
                if item is NAN:
                    return k
                if k and compare(item, items[best]) == sign:
                    best = k
            return best

        def run(x):
            array = boxed(x)
            kept = [k for k in range(array.ndim) if k not in axes]
            shape = tuple(array.shape[k] for k in kept)
            rows = array.transpose(*kept, *axes).reshape(int(np.prod(shape, dtype=int)), -1)
            return np.array([place(r.tolist()) for r in rows], dtype).reshape(shape)[()]

        return run

    return rule


def _ordered(keys, descending=False):
    """The stable order of rows of keys, the first key first."""
    flip = -1 if descending else 1

    def order(i, j):
        for key in keys:
            if found := total_order(key[i], key[j]):
                return flip * found
        return 0

    return sorted(range(len(keys[0])), key=functools.cmp_to_key(order))


def sort(eqn, build):
    """Arrays sorted together along an axis by the first of them."""
    axis, count = eqn.params["dimension"], eqn.params["num_keys"]

    def run(*arrays):
        moved: list[Any] = [np.moveaxis(a, axis, -1) for a in arrays]
        shape: Any = moved[0].shape
        rows = [m.reshape(-1, shape[-1]) for m in moved]
        results = [np.empty(r.shape, r.dtype) for r in rows]
        for k in range(len(rows[0])):
            lines = [r[k].tolist() for r in rows[:count]]
            order = _ordered(lines)
            for result, row in zip(results, rows, strict=True):
                result[k] = row[k][order]
        found: Any = tuple(np.moveaxis(r.reshape(shape), -1, axis) for r in results)
        return found if len(found) > 1 else found[0]

    return run


def top_k(eqn, build):
    """The k largest along an axis, and where they stand."""
    count, axis = eqn.params["k"], eqn.params["axis"]
    dtype = eqn.outvars[1].aval.dtype

    def run(x):
        moved: Any = np.moveaxis(x, axis, -1)
        rows = moved.reshape(-1, moved.shape[-1])
        orders = np.array([_ordered([r.tolist()], descending=True)[:count] for r in rows])
        values = np.take_along_axis(rows, orders, 1)
        shape = (*moved.shape[:-1], count)
        return (
            np.moveaxis(values.reshape(shape), -1, axis),
            np.moveaxis(orders.astype(dtype).reshape(shape), -1, axis),
        )

    return run


def dot(xs, ys):
    """The sum of products of two lists of elements."""
    balls: Any = ZERO
    series: Any = None
    rest: Any = None
    for x, y in zip(xs, ys, strict=True):
        first, second = type(x), type(y)
        if first is arb and second is arb:
            balls += x * y
            continue
        product = x * y
        if type(product) is Jet and not product.shift:
            series = product.series if series is None else series + product.series
        elif type(product) is arb:
            balls += product
        else:
            rest = product if rest is None else rest + product
    total = balls if series is None else Jet(series) + balls
    return total if rest is None else total + rest


def dot_general(eqn, build):
    """Sums of products over the contracted axes, for each batch."""
    (left, right), (left_batch, right_batch) = eqn.params["dimension_numbers"]
    shape = eqn.outvars[0].aval.shape

    def rows(x, contracted, batch):
        x = boxed(x)
        free = [k for k in range(x.ndim) if k not in contracted and k not in batch]
        sizes = [
            int(np.prod([x.shape[k] for k in axes], dtype=int))
            for axes in (batch, free, contracted)
        ]
        return x.transpose(*batch, *free, *contracted).reshape(sizes).tolist()

    def run(x, y):
        products = []
        pairs = zip(rows(x, left, left_batch), rows(y, right, right_batch), strict=True)
        for xs, ys in pairs:
            products += [dot(a, b) for a in xs for b in ys]
        return filled(products, shape)

    return run


RULES = {
    "argmax": extreme(1),
    "argmin": extreme(-1),
    "cumlogsumexp": cumulative(logaddexp),
    "cummax": cumulative(maximum),
    "cummin": cumulative(minimum),
    "cumprod": cumulative(operator.mul),
    "cumsum": cumulative(operator.add),
    "dot_general": dot_general,
    "reduce": reduce,
    "reduce_max": reduction(maximum, NEG_INF),
    "reduce_min": reduction(minimum, INF),
    "reduce_prod": reduction(operator.mul, ONE),
    "reduce_sum": reduction(operator.add, ZERO),
    "sort": sort,
    "top_k": top_k,
}
