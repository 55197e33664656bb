"""The scales of a plot's axes: which are logarithmic, where the ticks stand and how they read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from jaxmath.report.numbers import grouped, number
from jaxmath.runs.experiment import Axis

DECADES = 2
"""An axis of positive values over more decades than this is logarithmic."""


def is_log(axis: Axis, values: Iterable[Any], spaced: bool = False) -> bool:
    """Whether the axis is logarithmic: as it says, else as its finite values ask for it.

    With `spaced`, values in equal steps ask for a linear axis whatever they span.
    """
    groups = [np.asarray(group, float).ravel() for group in values]
    finite = np.concatenate([g[np.isfinite(g)] for g in groups]) if groups else np.zeros(0)
    if axis.scale != "auto":
        return axis.scale == "log" and bool(np.any(finite > 0))
    if finite.size < 2 or np.min(finite) <= 0:
        return False
    wide = math.log10(np.max(finite)) - math.log10(np.min(finite)) > DECADES
    return wide and not (spaced and all(_in_equal_steps(group) for group in groups))


def _in_equal_steps(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return values.size > 2 and bool(np.all(np.abs(steps - steps[0]) <= 1e-6 * np.abs(steps[0])))


def set_ticks(axis, log: bool, count: int = 6) -> None:
    """Give a matplotlib axis about `count` ticks, with labels that need no offset."""
    from matplotlib import ticker

    low, high = sorted(axis.get_view_interval())
    symlog = axis.get_scale() == "symlog"
    if symlog:
        axis.set_major_locator(ticker.FixedLocator(_both_sides(axis.get_transform(), low, high)))
    elif not log:
        axis.set_major_locator(ticker.MaxNLocator(nbins=count, steps=[1, 2, 5, 10]))
    elif math.log10(high) - math.log10(low) < 1.5:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=count + 6))
    else:
        axis.set_major_locator(ticker.LogLocator(numticks=count + 1))
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_formatter(_formatter(log or symlog))


def _formatter(log: bool):
    from matplotlib.ticker import Formatter

    class Ticks(Formatter):
        def __call__(self, x, pos=None):
            return number(x)

        def format_ticks(self, values):
            return log_labels(values) if log else linear_labels(values)

    return Ticks()


def linear_below(values: Iterable[Any]) -> float:
    """Up to which size the scale with zero in its middle is linear: at most five decades below."""
    sizes = np.abs(np.concatenate([np.asarray(group, float).ravel() for group in values]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return 1.0
    return 10.0 ** math.ceil(math.log10(max(np.min(sizes), 1e-5 * np.max(sizes))))


def _both_sides(transform, low: float, high: float) -> list[float]:
    """Zero, and powers of ten on both sides from where the scale is logarithmic."""
    first = round(math.log10(transform.linthresh))
    last = math.floor(math.log10(max(abs(low), abs(high), transform.linthresh)) + 1e-9)
    step = max(1, math.ceil((last - first) / 2.5))
    powers = [10.0**k for k in range(last, first - 1, -step)]
    ticks = [*(-p for p in powers), 0.0, *reversed(powers)]
    return [tick for tick in ticks if low <= tick <= high]


def linear_labels(ticks: Iterable[Any]) -> list[str]:
    """Labels of evenly spaced ticks: all with as many decimals as tell them apart."""
    ticks = [0.0 if tick == 0 else float(tick) for tick in ticks]
    largest = max(map(abs, ticks), default=0.0)
    if largest == 0 or len(ticks) < 2:
        return [number(tick, 6) for tick in ticks]
    step = min(abs(b - a) for a, b in pairwise(ticks)) or largest
    exponent = math.floor(math.log10(largest) + 1e-12)
    shift = 0 if -4 < exponent < 6 else exponent
    scaled = [_shifted(tick, shift) for tick in ticks]
    step = _shifted(step, shift)
    decimals = next(
        d for d in range(17) if d == 16 or all(abs(t - round(t, d)) < 1e-3 * step for t in scaled)
    )
    power = number(10.0**shift) if shift else ""
    return [grouped(f"{t:.{decimals}f}") + (f"×{power}" if power and t else "") for t in scaled]


def _shifted(value: float, exponent: int) -> float:
    """The value over 10**exponent, in two steps where the power itself would overflow."""
    half = exponent // 2
    return value / 10.0**half / 10.0 ** (exponent - half)


def log_labels(ticks: Iterable[Any]) -> list[str]:
    """Labels of logarithmic ticks: plain numbers near one, powers of ten beyond."""
    ticks = [float(tick) for tick in ticks]
    near = all(1e-3 <= abs(tick) <= 1e4 or tick == 0 for tick in ticks)
    if near:
        return [f"{tick:.6g}".replace("-", "−") for tick in ticks]
    return [number(tick) if not 1e-5 < abs(tick) < 1e6 else _power(tick) for tick in ticks]


def _power(tick: float) -> str:
    if tick < 0:
        return f"−{_power(-tick)}"
    exponent = round(math.log10(tick))
    if not math.isclose(tick, 10.0**exponent, rel_tol=1e-9):
        return number(tick)
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
