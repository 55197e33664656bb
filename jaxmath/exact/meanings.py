"""How a call inside a program is recognised and replaced by what it means.

JAX keeps some calls as one equation (`jit`, `custom_jvp_call`, `custom_vjp_call`), which bears the
name of the callee and its source file. Others it writes out into the caller; there the traceback of
each equation still names the function, and a run of equations out of one call, if as many values
enter it as the function has arguments and one leaves it, is that call. What is written out into a
derivative has more values and stays as it is: the program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core

from jaxmath.exact.arrays import boxed, filled, is_real, lift, unboxed
from jaxmath.exact.matching import arguments_of
from jaxmath.exact.work import note


@dataclass(frozen=True)
class Twin:
    """The meaning of a call.

    Attributes:
        name: that of the callee: the function's own, or the one that `jit` shows.
        meaning: a function of as many elements as the call has operands, broadcast; with `whole`
            a function of whole arrays (bare elements for shape ()), a tuple for several results.
        arity: how many operands the call has; None for any, of calls that stay one equation.
        place: a part of the callee's source path, "" for any.
        whole: whether the meaning takes arrays.
        order_matters: whether operands may not be swapped; calls that are written out do not show
            their order, and are left alone unless the `callee` tells it.
        callee: the function whose call it is; traced again, it tells which constants and which
            order a written-out call was given.
        outputs: how many results the call has; inside a derivative it has more, and is not it.
    """

    name: str
    meaning: Callable[..., Any]
    arity: int | None = None
    place: str = ""
    whole: bool = False
    order_matters: bool = False
    callee: Callable[..., Any] | None = None
    outputs: int = 1

    def run(self, eqn, skipped: int = 0) -> Callable[..., Any]:
        """The meaning as a function of the values of an equation, the first ones skipped."""
        shape, several = eqn.outvars[0].aval.shape, len(eqn.outvars) > 1
        lifts = [not is_real(v.aval) for v in eqn.invars[skipped:]]
        out = eqn.outvars[0].aval

        def typed(value):
            return value if is_real(out) or several else np.asarray(value, out.dtype)[()]

        def run(*values):
            note(f"twin {self.name}")
            values = values[skipped:]
            if self.whole:
                return self.meaning(*(unboxed(v) for v in values))
            values = [lift(v) if up else v for v, up in zip(values, lifts, strict=True)]
            if shape == ():
                return typed(self.meaning(*values))
            rows = [np.broadcast_to(boxed(v), shape).ravel().tolist() for v in values]
            found = [self.meaning(*items) for items in zip(*rows, strict=True)]
            if several:
                return tuple(filled(column, shape) for column in zip(*found, strict=True))
            return typed(filled(found, shape))

        return run


class Written(NamedTuple):
    """The equations of one call that was written out into its caller, as if they were one."""

    invars: tuple[Any, ...]
    outvars: tuple[Any, ...]
    twin: Twin
    source_info: Any


class Meanings:
    """What calls mean, by the first twin that fits."""

    def __init__(self, twins: tuple[Twin, ...]):
        self.by_name: dict[str, list[Twin]] = {}
        self.missed: set[str] = set()
        """Calls that stayed programs: a constant among their arguments hides their order."""
        for twin in twins:
            self.by_name.setdefault(twin.name, []).append(twin)

    def of(self, eqn) -> Callable[..., Any] | None:
        """The meaning of one equation as a function of values, if it has one."""
        if isinstance(eqn, Written):
            return eqn.twin.run(eqn)
        inner = eqn.params.get("call_jaxpr", eqn.params.get("jaxpr"))
        inner = getattr(inner, "jaxpr", inner)
        if inner is None or not hasattr(inner, "debug_info"):
            return None
        source = inner.debug_info.func_src_info or ""
        skipped = eqn.params.get("num_consts", 0) if "call_jaxpr" in eqn.params else 0
        count = len(eqn.invars) - skipped
        for name in dict.fromkeys((eqn.params.get("name"), source.split(" ")[0].lstrip("_"))):
            for twin in self.by_name.get(name or "", ()):
                if twin.place in _path(source) and twin.arity in (None, count):
                    if len(eqn.outvars) != twin.outputs:
                        continue
                    return twin.run(eqn, skipped)
        return None

    def equations(self, jaxpr) -> list[Any]:
        """The equations of a jaxpr, runs out of one call replaced by a `Written`."""
        result: list[Any] = []
        run: list[Any] = []
        call = None
        traced = _traced(jaxpr)
        for eqn in jaxpr.eqns:
            found = self._call(eqn, traced)
            again = run and call is not None and _signature(eqn) == _signature(run[0])
            if found != call or again:
                result += self._closed(jaxpr, run, call)
                run, call = [], found
            run.append(eqn)
        return result + self._closed(jaxpr, run, call)

    def _call(self, eqn, traced):
        """The outermost function with a twin that an equation comes from, and from which call.

        JAX keeps the jaxprs of inner functions, with the traceback of whoever called them first:
        the call has to lie inside the function that was `traced` into this jaxpr.
        """
        traceback = eqn.source_info.traceback
        frames = traceback.frames if traceback is not None else ()
        outermost = -1
        for k, frame in enumerate(frames):
            if (frame.function_name.rsplit(".", 1)[-1], frame.file_name) == traced:
                outermost = k
        for k in range(outermost, -1, -1):
            name = frames[k].function_name.rsplit(".", 1)[-1]
            for twin in self.by_name.get(name, ()):
                if twin.place and twin.place in _path(frames[k].file_name) and twin.arity:
                    if "jvp(" in str(eqn.source_info.name_stack):  # a derivative of the call
                        return None
                    outer = tuple((f.function_name, f.line_num) for f in frames[k + 1 :])
                    return twin, outer
        return None

    def _closed(self, jaxpr, run, call):
        if call is None:
            return run
        twin = call[0]
        made = {v for eqn in run for v in eqn.outvars}
        used = [v for eqn in run for v in eqn.invars if not isinstance(v, core.Literal)]
        enter = tuple(dict.fromkeys(v for v in used if v not in made))
        enter = tuple(v for v in enter if v not in jaxpr.constvars)
        inside = {id(eqn) for eqn in run}
        later = {
            v
            for eqn in jaxpr.eqns
            if id(eqn) not in inside
            for v in eqn.invars
            if not isinstance(v, core.Literal)
        }
        later |= {v for v in jaxpr.outvars if not isinstance(v, core.Literal)}
        leave = tuple(v for eqn in run for v in eqn.outvars if v in later)
        if len(leave) == 1 and (len(enter) != twin.arity or twin.order_matters):
            operands = [v for v in run[0].invars if _is_given(v, jaxpr)]
            whole = len(run) == 1 and len(operands) == twin.arity
            enter = operands if whole else _arguments(twin, run, enter)
        if len(leave) != 1 or enter is None or len(enter) != twin.arity:
            self.missed.add(twin.name)
            return run
        return [Written(tuple(enter), leave, twin, run[0].source_info)]


def _is_given(operand, jaxpr) -> bool:
    """Whether an operand is no array that the callee brought with it."""
    return isinstance(operand, core.Literal) or operand not in jaxpr.constvars


def _arguments(twin, run, enter):
    """The operands of a written-out call in their order, if its callee is known."""
    if twin.arity is None or twin.callee is None:
        return enter if len(enter) == 1 else None
    return arguments_of(twin.callee, twin.arity, run, enter)


def _traced(jaxpr):
    """The name and file of the function that became this jaxpr."""
    source = getattr(jaxpr.debug_info, "func_src_info", None) or ""
    name, _, place = source.partition(" at ")
    return name.rsplit(".", 1)[-1], place.rsplit(":", 1)[0]


def _signature(eqn):
    traceback = eqn.source_info.traceback
    frames = traceback.frames if traceback is not None else ()
    return eqn.primitive.name, tuple((f.function_name, f.line_num) for f in frames)


def _path(source: str) -> str:
    return source.replace("\\", "/")
