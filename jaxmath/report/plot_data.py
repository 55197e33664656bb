"""The data behind a plot as a table: a row a point of a curve, or a cell of an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxmath.runs.experiment import Axis, Plot
from jaxmath.runs.files import csv_text


def csv(plot: Plot) -> str:
    """The numbers of a plot, as they were measured and not as they were thinned for drawing."""
    if plot.image is not None:
        header = [_head(plot.x), _head(plot.y), _head(plot.color or Axis("value"))]
        return csv_text(header, _cells(plot))
    bands = any(line.low is not None for line in plot.lines)
    header = ["curve", _head(plot.x), _head(plot.y), *(["low", "high"] if bands else [])]
    return csv_text(header, _points(plot, bands))


def _head(axis: Axis) -> str:
    return f"{axis.label} [{axis.unit}]" if axis.unit else axis.label


def _points(plot: Plot, bands: bool) -> Iterator[list[Any]]:
    for line in plot.lines:
        x, y = (np.ravel(np.asarray(part)).tolist() for part in (line.x, line.y))
        edges = [
            [""] * len(x) if edge is None else np.ravel(np.asarray(edge)).tolist()
            for edge in ((line.low, line.high) if bands else ())
        ]
        for row in zip(x, y, *edges, strict=True):
            yield [line.label, *row]


def _cells(plot: Plot) -> Iterator[list[Any]]:
    image = np.asarray(plot.image)
    columns, rows = (
        _places(values, count)
        for values, count in ((plot.x_values, image.shape[1]), (plot.y_values, image.shape[0]))
    )
    for y, values in zip(rows, image.tolist(), strict=True):
        for x, value in zip(columns, values, strict=True):
            yield [x, y, value]


def _places(values: Any, count: int) -> list[Any]:
    """The centres or the names of cells, the lower edge of each where edges are given."""
    return list(range(count)) if values is None else np.asarray(values).tolist()[:count]
