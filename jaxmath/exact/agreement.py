r"""How much of an error neither conditioning nor the rounding of the inputs explains.

$$\text{excess} = \frac{|\hat g - g|}{\tfrac12 \operatorname{ulp}(g) + \sum_j |\partial_j g| \,
\tfrac12 \operatorname{ulp}(x_j)}$$

A correctly rounded answer has at most 1; one that is correctly rounded from inputs that are off by
half a unit each has at most 1 as well. Source: Higham, Accuracy and Stability of Numerical
Algorithms, sections 1.5 and 1.6 (forward against backward error).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from jaxmath.exact.ball import arb
from jaxmath.exact.enclosure import Number, nearest, unit
from jaxmath.exact.ieee import NAN, Special
from jaxmath.exact.work import Work, working


def _ball(x):
    return x.value if isinstance(x, Number) else (x if isinstance(x, arb | Special) else arb(x))


def excess(
    computed: Any,
    truth: Number | Any,
    slopes: Sequence[Any],
    inputs: Sequence[Any],
    dtype: Any,
    extra: float = 0.0,
) -> float:
    """The error over what half a unit of the truth and of each input explains.

    Args:
        computed: the float that is judged.
        truth: the number that was meant.
        slopes: the derivative of the truth in each input, in their order.
        inputs: the floats that it was computed at.
        dtype: the format whose units are meant.
        extra: half units more of the truth, such as log2 n for a sum over a tree.
    """
    value, computed = _ball(truth), float(computed)
    if isinstance(value, Special) or not math.isfinite(computed):
        if agrees(computed, truth, dtype):
            return 0.0
        return math.inf
    if not value.is_finite():
        return math.nan
    with working(Work(256)):
        explained = unit(value, dtype) * ((1 + extra) / 2)
        for slope, x in zip(slopes, inputs, strict=True):
            s = _ball(slope)
            if isinstance(s, Special):
                return 0.0 if s is not NAN else math.nan
            if not math.isfinite(float(x)):
                continue
            explained += abs(s) * unit(arb(float(x)), dtype) / 2
        error = abs(arb(computed) - value)
        if agrees(computed, truth, dtype):
            return float((error.min(explained) / explained).mid())
        return float((error / explained).mid())


def agrees(computed: Any, truth: Number | Any, dtype: Any, ulps: float = 1.0) -> bool:
    """Whether a float is an answer to a truth: within so many units of it.

    A truth below the normal range may be answered by itself or by zero, NaN only by NaN, and what
    lies beyond the largest number by infinity.
    """
    value, computed = _ball(truth), float(computed)
    if isinstance(value, Special):
        return computed == value.value or (value is NAN and computed != computed)
    if not value.is_finite() or computed != computed:
        return False
    if math.isinf(computed):
        return computed == float(nearest(value, dtype))
    with working(Work(256)):
        if computed == 0 and abs(value) < arb(float(jnp.finfo(dtype).smallest_normal)):
            return True
        return not abs(arb(computed) - value) > unit(value, dtype) * ulps


def readings(x: Any, dtype: Any) -> tuple[float, ...]:
    """The numbers that an input may be read as: one below the normal range also as zero."""
    x = float(x)
    if x and abs(x) < float(jnp.finfo(dtype).smallest_normal):
        return x, 0.0
    return (x,)
