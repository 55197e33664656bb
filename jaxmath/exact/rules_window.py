"""Rules of windows that slide over arrays: pooling, its derivatives, and small convolutions."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy as np

from jaxmath.exact.arrays import boxed, filled
from jaxmath.exact.ball import ZERO
from jaxmath.exact.compare import compare, maximum, minimum
from jaxmath.exact.ieee import INF, NEG_INF
from jaxmath.exact.rules_reduce import dot


def window_places(shape, sizes, strides, padding, base, dilation):
    """For each place of the result, the places of the operand in its window; -1 in the padding.

    Returns an array `(*result, *window)` of positions in row order, and the result's shape.
    """
    lines, counts = [], []
    for n, size, stride, (low, high), b, d in zip(
        shape, sizes, strides, padding, base, dilation, strict=True
    ):
        dilated = (n - 1) * b + 1 if n else 0
        count = max((dilated + low + high - ((size - 1) * d + 1)) // stride + 1, 0)
        at = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * d - low
        inside = (at >= 0) & (at < dilated) & (at % b == 0)
        lines.append(np.where(inside, at // b, -1))
        counts.append(count)
    places = np.zeros((*counts, *sizes), int)
    outside = np.zeros(places.shape, bool)
    rank = len(shape)
    for k, line in enumerate(lines):
        form = [1] * (2 * rank)
        form[k], form[rank + k] = line.shape
        spread = line.reshape(form)
        outside |= spread < 0
        places = places * shape[k] + spread
    return np.where(outside, -1, places), tuple(counts)


def _windows(params, shape):
    ones = (1,) * len(shape)
    places, result = window_places(
        shape,
        params["window_dimensions"],
        params["window_strides"],
        params["padding"],
        params.get("base_dilation") or ones,
        params.get("window_dilation") or ones,
    )
    return places.reshape(int(np.prod(result, dtype=int)), -1).tolist(), result


def pooling(function, start):
    """A rule that folds each window."""

    def rule(eqn, build):
        windows, shape = _windows(eqn.params, eqn.invars[0].aval.shape)

        def run(x):
            row = boxed(x).ravel().tolist()
            results = []
            for window in windows:
                total = start
                for k in window:
                    if k >= 0:
                        total = row[k] if total is start else function(total, row[k])
                results.append(total)
            return filled(results, shape)

        return run

    return rule


def reduce_window(eqn, build):
    """A fold of each window by an inner jaxpr."""
    inner = build(eqn.params["jaxpr"])
    count = len(eqn.invars) // 2
    windows, shape = _windows(eqn.params, eqn.invars[0].aval.shape)

    def run(*values):
        rows = [boxed(v).ravel().tolist() for v in values[:count]]
        starts = list(values[count:])
        totals = [[] for _ in rows]
        for window in windows:
            state = list(starts)
            for k in window:
                items = [row[k] for row in rows] if k >= 0 else starts
                state = inner(*state, *items)
            for total, value in zip(totals, state, strict=True):
                total.append(value)
        results = tuple(filled(t, shape) for t in totals)
        return results if count > 1 else results[0]

    return run


def _chosen(window, row, select):
    """The place in a window that `select` ("ge" or "le") prefers, the first of equals."""
    sign = 1 if select == "ge" else -1
    best = None
    for k in window:
        if k >= 0 and (best is None or compare(row[k], row[best]) == sign):
            best = k
    return best


def select_and_scatter_add(eqn, build):
    """Each cotangent is added where its window has its extreme."""
    windows, _ = _windows(eqn.params, eqn.invars[1].aval.shape)
    select = eqn.params["select_prim"].name

    def run(source, operand):
        row = boxed(operand).ravel().tolist()
        result = [ZERO] * len(row)
        for window, value in zip(windows, boxed(source).ravel().tolist(), strict=True):
            k: Any = _chosen(window, row, select)
            result[k] = result[k] + value
        return filled(result, boxed(operand).shape)

    return run


def select_and_gather_add(eqn, build):
    """Of each window the tangent at the place of its extreme."""
    windows, shape = _windows(eqn.params, eqn.invars[1].aval.shape)
    select = eqn.params["select_prim"].name

    def run(tangents, operand):
        row, moved = boxed(operand).ravel().tolist(), boxed(tangents).ravel().tolist()
        places = [_chosen(window, row, select) for window in windows]
        return filled([ZERO if k is None else moved[k] for k in places], shape)

    return run


def conv_general_dilated(eqn, build):
    """A convolution as sums of products over the windows, in groups."""
    params = eqn.params
    left, right, out = params["dimension_numbers"]
    x_shape = tuple(eqn.invars[0].aval.shape[k] for k in left)
    k_shape = tuple(eqn.invars[1].aval.shape[k] for k in right)
    groups, batch_groups = params["feature_group_count"], params["batch_group_count"]
    places, spatial = window_places(
        x_shape[2:],
        k_shape[2:],
        params["window_strides"],
        params["padding"],
        params["lhs_dilation"],
        params["rhs_dilation"],
    )
    windows = places.reshape(int(np.prod(spatial, dtype=int)), -1).tolist()
    batches, features = x_shape[0] // batch_groups, k_shape[0]
    inputs = k_shape[1]

    def run(x, kernel):
        images = boxed(x).transpose(left).reshape(x_shape[0], x_shape[1], -1)
        weights = boxed(kernel).transpose(right).reshape(features, inputs, -1)
        results = []
        for n, feature in itertools.product(range(batches), range(features)):
            channel = (feature * groups // features) * inputs
            image = n + (feature * batch_groups // features) * batches
            block = images[image, channel : channel + inputs]
            for window in windows:
                pairs = [
                    (block[c, place], weights[feature, c, k])
                    for c in range(inputs)
                    for k, place in enumerate(window)
                    if place >= 0
                ]
                results.append(dot(*zip(*pairs, strict=True)) if pairs else ZERO)
        whole = filled(results, (batches, features, *spatial))
        return whole.transpose(np.argsort(out))

    return run


RULES = {
    "conv_general_dilated": conv_general_dilated,
    "reduce_window": reduce_window,
    "reduce_window_max": pooling(maximum, NEG_INF),
    "reduce_window_min": pooling(minimum, INF),
    "reduce_window_sum": pooling(operator.add, ZERO),
    "select_and_gather_add": select_and_gather_add,
    "select_and_scatter_add": select_and_scatter_add,
}
