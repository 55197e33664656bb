"""The data of a study: what `load` reads on the host, and what of it goes into a program."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxmath.config.errors import InputError, Problem, theirs
from jaxmath.config.study import Study, replace_path
from jaxmath.lab import plan
from jaxmath.lab.plan import DTYPES


class Loader:
    """Loads the data of a config, once for all configs that it cannot tell apart."""

    def __init__(self, study: Study):
        self._study = study
        self._known: dict[str, Any] = {}

    def __call__(self, config):
        key = repr(list(plan.values(config))) + repr(plan.signature(config))
        if key not in self._known:
            with theirs(self._study.experiment, "load"):
                data = self._study.module.load(config)
            data = _cast(data, DTYPES[self._study.precision])
            # Configs that differ in floats which load does not read share one copy.
            same = (known for known in self._known.values() if _equal(known, data))
            self._known[key] = next(same, data)
        return self._known[key]


def read_by_load(study: Study, loader: Loader) -> frozenset[str]:
    """The swept floats on which the data depend, found by loading with two of their values."""
    found = set()
    for axis in study.axes:
        if plan.kind(study, axis) != "setting":
            continue
        for position, path in enumerate(axis.paths):
            pair = sorted({row[position] for row in axis.values})[:2]
            first, *second = (loader(replace_path(study.config, path, value)) for value in pair)
            if second and second[0] is not first:
                found.add(path)
    return frozenset(found)


def _cast(data, dtype):
    def leaf(value):
        if not (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            return value
        with np.errstate(over="ignore"):
            cast = value.astype(dtype, copy=False)
        lost = np.isfinite(value) & ~np.isfinite(cast)
        if lost.any():
            told = f"the data hold {value[lost][0]:.4g}, which is beyond {np.dtype(dtype)}"
            hint = 'set precision = "float64", or standardize the data'
            raise InputError(Problem(told, hint=hint))
        return cast

    return jax.tree.map(leaf, data)


def _equal(left, right) -> bool:
    return jax.tree.structure(left) == jax.tree.structure(right) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
        else type(a) is type(b) and a == b
        for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)
    )


def _traced(value) -> bool:
    return isinstance(value, (np.ndarray, jax.Array)) and value.dtype.kind in "biufcV"


def static_part(data) -> tuple:
    """What of the data is part of a program: the shapes of arrays, and everything else."""
    leaves, structure = jax.tree.flatten(data)
    return structure, tuple(
        (leaf.shape, str(leaf.dtype)) if _traced(leaf) else repr(np.asarray(leaf).tolist())
        for leaf in leaves
    )


def split(data):
    """The arrays of the data, and the function that puts them back among the static rest."""
    leaves, structure = jax.tree.flatten(data)
    arrays = [leaf for leaf in leaves if _traced(leaf)]

    def join(arrays):
        left = iter(arrays)
        return jax.tree.unflatten(structure, [next(left) if _traced(x) else x for x in leaves])

    return arrays, join
