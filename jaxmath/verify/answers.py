"""What the program, closed form, reverse and forward mode answer at many points, in one batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxmath.formula import Formula
from jaxmath.verify import opinions
from jaxmath.verify.flat import Layout, as_dtype, evaluate, flat_function

PIECE = 256


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Answers:
    """Values `(points, outputs)` and, by mode, Jacobians `(points, outputs, coordinates)` and
    Hessians, with one more axis.
    """

    value: np.ndarray
    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]

    def joined(self, more: Answers) -> Answers:
        """These, and those at more points."""
        return jax.tree.map(lambda a, b: np.concatenate([a, b]), self, more)

    def derivatives(self) -> list[np.ndarray]:
        """Of each mode all derivatives, a row for each point."""
        return [m.reshape(len(m), -1) for m in (*self.first.values(), *self.second.values())]


class Asked:
    """One function, its compiled programs, and which derivatives JAX does not offer.

    Attributes:
        order: up to which derivatives are asked for: 0, 1 or 2.
        silent: modes and arguments of first derivatives that are not available.
        refused: why, by argument, for which neither mode answers; of second order under "".
    """

    def __init__(self, formula: Formula, lay: Layout, order: int):
        self.formula, self.lay, self.order = formula, lay, order
        self.split = False
        self.programs: dict[Any, Any] = {}
        unwritten = [n for n in lay.wrt if n not in formula.partials and formula.vjp is None]
        self.silent = {("closed form", name) for name in unwritten}
        self.refused: dict[str, str] = {}

    def __call__(self, args: Mapping[str, Any], closed: bool = True) -> Answers:
        """All answers at these points, with or without the closed forms; NaN where a derivative is
        not available.
        """
        count = len(jax.tree.leaves(args)[0])
        pieces = []
        for start in range(0, count, PIECE):  # of one size, so that nothing is compiled anew
            index = np.minimum(np.arange(start, start + PIECE), count - 1)
            part = jax.tree.map(lambda leaf, i=index: np.asarray(leaf)[i], dict(args))
            pieces.append(self._piece(part, closed))
        return jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *pieces)

    def _piece(self, args, closed: bool) -> Answers:
        theta, fixed = self.lay.flatten(args)
        with jax.enable_x64(True), np.errstate(all="ignore"):
            value = evaluate(self.formula.fn, self.lay, theta, fixed)
            first: dict[str, np.ndarray] = {}
            second: dict[str, np.ndarray] = {}
            if not self.order:
                return Answers(value, first, second)
            if not self.split:
                try:
                    _, first, second = opinions.autodiff(
                        self.formula.fn, self.lay, theta, fixed, self.order > 1
                    )
                except Exception:  # whatever the function's own rules raise
                    self.split = True
            if self.split:
                first = self._one_by_one(theta, fixed, value.shape)
                second = self._nested(theta, fixed) if self.order > 1 else {}
            if closed:
                self._closed(args, value.shape, first, second)
        return Answers(value, *(jax.tree.map(np.asarray, said) for said in (first, second)))

    def _closed(self, args, shape, first, second) -> None:
        """What the record of a formula says in closed form."""
        if not self.formula.partials and self.formula.vjp is None:
            return
        first["closed form"] = jacobian = np.full((*shape, self.lay.size), np.nan)
        for name, columns in opinions.closed_first(self.formula, self.lay, args).items():
            jacobian[:, :, self.lay.columns(name)] = columns
        if self.order < 2:
            return
        second["closed form"] = hessian = np.full((*shape, self.lay.size, self.lay.size), np.nan)
        for (a, b), block in opinions.closed_second(self.formula, self.lay, args).items():
            rows, columns = self.lay.columns(a), self.lay.columns(b)
            hessian[:, :, rows, columns] = block
            hessian[:, :, columns, rows] = np.swapaxes(block, 2, 3)

    def _one_by_one(self, theta, fixed, shape) -> dict[str, np.ndarray]:
        """Each mode in each argument alone, since some of them are not available."""
        first, reasons = {}, {}
        vectors = tuple(np.asarray(v) for v in self.lay.vectors(theta))
        for who, mode in (("reverse mode", jax.jacrev), ("forward mode", jax.jacfwd)):
            whole = np.full((*shape, self.lay.size), np.nan)
            for k, name in enumerate(self.lay.wrt):
                if (who, name) in self.silent:  # asked before, and it takes long to refuse
                    continue
                try:
                    program = self._alone(who, mode, k)
                    whole[:, :, self.lay.columns(name)] = program(*vectors, fixed)
                    first[who] = whole
                except Exception as refused:
                    self.silent.add((who, name))
                    reasons.setdefault(name, []).append(_first_line(refused))
        self.refused |= {name: both[0] for name, both in reasons.items() if len(both) == 2}
        return first

    def _nested(self, theta, fixed) -> dict[str, np.ndarray]:
        """Each mode of second order alone."""
        second, reasons = {}, []
        function = flat_function(self.formula.fn, self.lay)

        def whole(theta, fixed):
            return function(*self.lay.vectors(theta), fixed)

        for who, outer in (
            ("forward over reverse", jax.jacfwd),
            ("reverse over reverse", jax.jacrev),
        ):
            try:
                if who not in self.programs:
                    self.programs[who] = jax.jit(jax.vmap(outer(jax.jacrev(whole))))
                second[who] = self.programs[who](theta, fixed)
            except Exception as refused:
                reasons.append(_first_line(refused))
        if not second:
            self.refused[""] = reasons[0]
        return second

    def _alone(self, who, mode, k):
        if (who, k) not in self.programs:
            function = flat_function(self.formula.fn, self.lay)
            axes = (*(0 for _ in self.lay.wrt), 0)
            self.programs[who, k] = jax.jit(jax.vmap(mode(function, argnums=k), in_axes=axes))
        return self.programs[who, k]

    def wide(self, args) -> Answers:
        """The answers in float64 at the same points."""
        return self({name: as_dtype_tree(value, np.float64) for name, value in args.items()})


def as_dtype_tree(value, dtype):
    """A pytree with its floats in another dtype."""
    return as_dtype(jax.tree.map(np.asarray, value), dtype)


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return f"{type(error).__name__}: {text.splitlines()[0]}"[:200]
