"""A traced function: its jaxpr, and how its arguments lie among flat coordinates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from jaxmath.exact.arrays import boxed, filled, is_real, lift
from jaxmath.exact.interpreter import Rule, Values, built
from jaxmath.exact.meanings import Meanings, Twin
from jaxmath.exact.rules import RULES
from jaxmath.exact.twins import TWINS

Truth = Literal["program", "meaning"]


@dataclass(frozen=True)
class Program:
    """A function as JAX traced it, in the dtypes of its arguments.

    Attributes:
        jaxpr: the program; its constants are the numbers that they are.
        arguments, results: the trees of the arguments (a tuple) and of what is returned.
        x64: whether float64 was available when it was traced, as it is when it runs.
        rules: what each primitive means.
        twins: what calls inside it mean, where the truth asked for is "meaning".
    """

    jaxpr: core.ClosedJaxpr
    arguments: Any
    results: Any
    x64: bool
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)
    twins: tuple[Twin, ...] = TWINS
    missed: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    machines: dict[str, Callable[..., Values]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def machine(self, truth: Truth = "meaning") -> Callable[..., Values]:
        """The function of elements that computes the program, or what it means."""
        if truth not in self.machines:
            meanings = Meanings(self.twins) if truth == "meaning" else None
            self.machines[truth] = built(self.jaxpr, self.rules, meanings)
            self.missed.extend(sorted(meanings.missed) if meanings else ())
        return self.machines[truth]

    @property
    def inputs(self) -> list[Any]:
        """Shape and dtype of each flat argument."""
        return list(self.jaxpr.in_avals)

    @property
    def outputs(self) -> list[Any]:
        """Shape and dtype of each flat result."""
        return list(self.jaxpr.out_avals)

    @functools.cached_property
    def operations(self) -> int:
        """About how many elementary operations what it means takes: what a direction costs."""
        return _operations(self.jaxpr, Meanings(self.twins))

    def values(self, args: tuple[Any, ...]) -> list[Any]:
        """The arguments at one point, as the machine takes them."""
        leaves, tree = jax.tree.flatten(args)
        if tree != self.arguments:
            raise ValueError(f"Traced for arguments {self.arguments}, given {tree}.")
        return [_value(leaf, aval) for leaf, aval in zip(leaves, self.inputs, strict=True)]

    def coordinates(self) -> list[tuple[int, int]]:
        """Each flat real coordinate: which argument, and which of its elements in row order."""
        return [
            (k, j)
            for k, aval in enumerate(self.inputs)
            if is_real(aval)
            for j in range(int(np.prod(aval.shape, dtype=int)))
        ]


def trace(
    fn: Callable[..., Any],
    *args: Any,
    rules: Mapping[str, Rule] | None = None,
    twins: tuple[Twin, ...] = (),
) -> Program:
    """Trace a function of pytrees at arguments of these shapes and dtypes.

    `rules` adds to what primitives mean, `twins` to what calls mean; both come before the built-in.
    """
    jaxpr, shapes = jax.make_jaxpr(fn, return_shape=True)(*args)
    return Program(
        jaxpr=jaxpr,
        arguments=jax.tree.structure(args),
        results=jax.tree.structure(shapes),
        x64=bool(jax.config.read("jax_enable_x64")),
        rules={**RULES, **(rules or {})},
        twins=(*twins, *TWINS),
    )


TWIN = 50
"""How many elementary operations a call that is replaced by its meaning counts for."""


def _operations(jaxpr, meanings: Meanings) -> int:
    """How many elementary operations a program takes."""
    jaxpr = getattr(jaxpr, "jaxpr", jaxpr)
    total = 0
    for eqn in meanings.equations(jaxpr):
        size = max(int(np.prod(v.aval.shape, dtype=int)) for v in (*eqn.invars, *eqn.outvars))
        if meanings.of(eqn) is not None:
            total += TWIN * size
            continue
        inner = list(core.jaxprs_in_params(eqn.params))
        times = eqn.params.get("length", 1) if eqn.primitive.name == "scan" else 1
        if eqn.primitive.name == "dot_general":
            size *= max(int(np.prod(v.aval.shape, dtype=int)) for v in eqn.invars)
        total += times * sum(_operations(j, meanings) for j in inner) if inner else size
    return total


def _value(leaf, aval):
    if is_real(aval):
        return lift(np.broadcast_to(np.asarray(leaf, aval.dtype), aval.shape))
    if jnp.issubdtype(aval.dtype, jax.dtypes.extended):
        return leaf
    return np.asarray(leaf, aval.dtype)[()]


def flat_elements(values, avals) -> list[Any]:
    """All real elements of values, in row order."""
    return [
        element
        for value, aval in zip(values, avals, strict=True)
        if is_real(aval)
        for element in boxed(value).ravel().tolist()
    ]


def replaced(values, changes: Mapping[tuple[int, int], Any]) -> list[Any]:
    """Values with some elements replaced, by argument and element."""
    result = list(values)
    rows: dict[int, list[Any]] = {}
    for (k, j), new in changes.items():
        if k not in rows:
            rows[k] = boxed(values[k]).ravel().tolist()
        rows[k][j] = new
    for k, row in rows.items():
        result[k] = filled(row, np.shape(boxed(values[k])))
    return result
