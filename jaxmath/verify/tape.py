"""One exact evaluation step by step, and the result it would have if one step had another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxmath.exact import Program
from jaxmath.exact.arrays import is_real
from jaxmath.exact.interpreter import built
from jaxmath.exact.program import flat_elements
from jaxmath.exact.work import Work, working


@dataclass
class Step:
    """One equation that was run: `path` holds it, after the equations that call it."""

    path: tuple[Any, ...]
    run: Callable[..., Any]
    ins: tuple[Any, ...]
    outs: tuple[Any, ...]

    @property
    def eqn(self) -> Any:
        """The equation itself."""
        return self.path[-1]


class Tape:
    """All steps of one exact evaluation, and what the result would be if one step were another.

    `called` holds the calls of functions with a rule of their own, each with its operands.

    Args:
        program: a traced function.
        args: the point.
        place: which flat real result.
        bits: of precision.

    Raises:
        Undecided, ValueError, ZeroDivisionError: more bits are needed.
        Missing: a primitive has no rule.
    """

    def __init__(self, program: Program, args: tuple[Any, ...], place: int, bits: int):
        self.program, self.place, self.bits = program, place, bits
        self.values = program.values(args)
        self.steps: list[Step] = []
        self.called: list[tuple[Any, tuple[Any, ...]]] = []
        self.path: list[Any] = []
        self.changes: dict[int, tuple[Any, ...]] | None = None
        self.machine = built(program.jaxpr, program.rules, tap=self._tap)
        self.result = self._evaluated()

    def changed(self, changes: dict[int, tuple[Any, ...]]):
        """The result if these steps had other results; conditions and integers stay as they are."""
        self.changes, self.count = changes, 0
        return self._evaluated()

    def _evaluated(self):
        with working(Work(self.bits)):
            results = self.machine(*self.values)
        return flat_elements(results, self.program.outputs)[self.place]

    def _tap(self, eqn, run):
        def tapped(*values):
            outs = self._recorded(eqn, run, values) if self.changes is None else (
                self._replayed(eqn, run, values))  # fmt: skip
            return outs if len(eqn.outvars) != 1 else outs[0]

        return tapped

    def _recorded(self, eqn, run, values):
        self.path.append(eqn)
        before = len(self.steps)
        if "call_jaxpr" in eqn.params:
            self.called.append((eqn, values))
        outs = _results(eqn, run(*values))
        if len(self.steps) == before:  # nothing inside: a step by itself
            self.steps.append(Step(tuple(self.path), run, values, outs))
        self.path.pop()
        return outs

    def _replayed(self, eqn, run, values):
        assert self.changes is not None
        if self.count == len(self.steps) or self.steps[self.count].eqn is not eqn:
            return _results(eqn, run(*values))
        k, self.count = self.count, self.count + 1
        if k in self.changes:
            return self.changes[k]
        outs, real = self.steps[k].outs, [is_real(v.aval) for v in eqn.outvars]
        if k < min(self.changes) or not any(real):
            return outs
        found = _results(eqn, run(*values))
        return tuple(f if r else o for f, o, r in zip(found, outs, real, strict=True))


def _results(eqn, found):
    return tuple(found) if len(eqn.outvars) != 1 else (found,)
