"""The branches that a program does not take: where they switch, and where their slope is no number.

Reverse mode multiplies the slope of a branch that was not selected by zero, and zero times an
infinite or undefined slope is NaN. `where`, `max`, `min` and `clip` evaluate all their branches, so
the program is walked through once more with the derivative of each branch kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend import core

from jaxmath.formula import Formula
from jaxmath.verify.flat import Layout, flat_function

PIECE = 256
SIGNS = 64
"""So many comparisons of a program are watched."""

_COMPARED = ("eq", "ne", "lt", "le", "gt", "ge", "max", "min")


@dataclass(frozen=True)
class Site:
    """One branch of one selection: `path` holds its equation, after those that call it."""

    path: tuple[Any, ...]
    operand: int

    @property
    def eqn(self) -> Any:
        """The equation that selects."""
        return self.path[-1]


@dataclass
class _Seen:
    """What a walk has met: each branch, where it is not taken, and how comparisons came out."""

    sites: list[Site] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    unused: list[Any] = field(default_factory=list)
    signs: list[Any] = field(default_factory=list)


class Branches:
    """The branches of one function, at many points.

    Only what reverse mode differentiates is looked into: not `while`, whose reverse mode does not
    exist, nor functions with a rule of their own. A `cond` takes one of its branches, and the
    others do no harm.
    """

    def __init__(self, formula: Formula, lay: Layout):
        self.formula, self.lay = formula, lay
        self.sites: tuple[Site, ...] | None = None
        self.function = flat_function(formula.fn, lay)

    def __call__(self, args: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """How comparisons come out, `(points, comparisons)`, and a state for `(points, sites)`.

        The state is 1 where a branch is not taken, in some element, and has an infinite or
        undefined slope; -1 where it is taken and has a finite one; else 0.
        """
        theta, fixed = self.lay.flatten(args)
        if self.sites is None:
            self._trace(theta[0], jax.tree.map(lambda leaf: leaf[0], fixed))
        count, signs, traps = len(theta), [], []
        if not self.sites:
            return np.zeros((count, 0), int), np.zeros((count, 0), int)
        for start in range(0, count, PIECE):  # of one size, so that nothing is compiled anew
            index = np.minimum(np.arange(start, start + PIECE), count - 1)
            found = self.program(theta[index], jax.tree.map(lambda leaf, i=index: leaf[i], fixed))
            signs.append(found[0])
            traps.append(found[1])
        return np.concatenate(signs)[:count], np.concatenate(traps)[:count]

    def _trace(self, theta, fixed):
        vectors = self.lay.vectors(theta)
        self.jaxpr = jax.make_jaxpr(lambda v, f: self.function(*v, f))(vectors, fixed)
        self.sites = tuple(_met(self.jaxpr, jax.tree.leaves((vectors, fixed))).sites)
        self.program = jax.jit(jax.vmap(self._one))

    def _one(self, theta, fixed):
        def values(theta):
            seen = _met(self.jaxpr, jax.tree.leaves((self.lay.vectors(theta), fixed)))
            return seen.values, (seen.unused, seen.signs)

        # Any direction shows an infinite slope, unless it is one of the axes.
        direction = jnp.linspace(1, 2, theta.size, dtype=theta.dtype)
        _, slopes, (unused, signs) = jax.jvp(values, (theta,), (direction,), has_aux=True)
        states = []
        for no, slope in zip(unused, slopes, strict=True):
            finite = jnp.isfinite(slope)
            bad, good = jnp.any(no & ~finite), jnp.all(~no & finite)
            states.append(bad.astype(int) - good.astype(int))
        flat = jnp.concatenate([jnp.ravel(s) for s in signs] or [jnp.zeros(0)])
        return flat[:SIGNS].astype(int), jnp.stack(states)


def _met(closed, values) -> _Seen:
    seen = _Seen()
    _walk(closed.jaxpr, closed.consts, values, (), seen)
    return seen


def _walk(jaxpr, consts, values, path, seen: _Seen):
    """Run a jaxpr as JAX would, noting what it selects."""
    held = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *values), strict=True))
    for eqn in jaxpr.eqns:
        ins = [v.val if isinstance(v, core.Literal) else held[v] for v in eqn.invars]
        outs = _run(eqn, ins, (*path, eqn), seen)
        _note(eqn, ins, outs, (*path, eqn), seen)
        held.update(zip(eqn.outvars, outs, strict=True))
    return [v.val if isinstance(v, core.Literal) else held[v] for v in jaxpr.outvars]


def _run(eqn, ins, path, seen):
    name = eqn.primitive.name
    if name in ("jit", "closed_call", "remat2"):
        inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
        closed = isinstance(inner, core.ClosedJaxpr)
        return _walk(inner.jaxpr if closed else inner, inner.consts if closed else (), ins, path,
                     seen)  # fmt: skip
    if name == "scan":
        return _scan(eqn, ins, path, seen)
    if name == "cond":
        _cond(eqn, ins, path, seen)
    if name == "custom_vjp_call":
        return _forward(lambda *values: bound(eqn, values))(*ins)
    return bound(eqn, ins)


def bound(eqn, ins) -> list[Any]:
    """The results of an equation, as JAX runs it, rules and all."""
    found = eqn.primitive.get_bind_params(eqn.params)
    # Before JAX 0.10.2 the functions inside came apart from the other parameters.
    functions, params = found if isinstance(found, tuple) else ([], found)
    outs = eqn.primitive.bind(*functions, *ins, **params)
    return list(outs) if eqn.primitive.multiple_results else [outs]


def _forward(call):
    """A function with a rule for reverse mode alone, differentiated forwards by that rule."""
    forward = jax.custom_jvp(call)

    @forward.defjvp
    def rule(primals, tangents):
        outs, pull = jax.vjp(call, *primals)
        moved = [(k, t) for k, t in enumerate(tangents) if t.dtype != jax.dtypes.float0]

        def push(cotangents):
            back = pull(cotangents)
            return sum(jnp.vdot(back[k], t) for k, t in moved)

        return outs, jax.grad(push)(jax.tree.map(jnp.zeros_like, outs))

    return forward


def _scan(eqn, ins, path, seen: _Seen):
    params, inner = eqn.params, eqn.params["jaxpr"]
    consts, carried = params["num_consts"], params["num_carry"]
    given, carry, rows = ins[:consts], ins[consts : consts + carried], ins[consts + carried :]
    local = _Seen()

    def body(state, row):
        local.__init__()  # a body may be traced more than once
        outs = _walk(inner.jaxpr, inner.consts, (*given, *state, *row), path, local)
        return outs[:carried], (outs[carried:], local.values, local.unused, local.signs)

    state, (outs, values, unused, signs) = lax.scan(
        body, carry, rows, length=params["length"], reverse=params["reverse"]
    )
    seen.sites += local.sites
    seen.values += values
    seen.unused += unused
    seen.signs += signs
    return [*state, *outs]


def _cond(eqn, ins, path, seen: _Seen):
    """Note what the branches of a program select, where they are taken."""
    for k, branch in enumerate(eqn.params["branches"]):
        local, taken = _Seen(), jnp.asarray(ins[0]).astype(int) == k
        _walk(branch.jaxpr, branch.consts, ins[1:], path, local)
        seen.sites += local.sites
        seen.values += local.values
        seen.unused += [mask & taken for mask in local.unused]
        seen.signs += local.signs


def _note(eqn, ins, outs, path, seen: _Seen):
    """Note the branches of an equation that selects, and how a comparison came out."""
    name, constant = eqn.primitive.name, [isinstance(v, core.Literal) for v in eqn.invars]
    if not ins or not jnp.issubdtype(jnp.asarray(ins[-1]).dtype, jnp.floating):
        return
    if name in _COMPARED:
        seen.signs.append(lax.stop_gradient(jnp.sign(jnp.subtract(*ins))))
    if name == "select_n":
        which = jnp.asarray(ins[0]).astype(int)
        unused = {k: which != k - 1 for k in range(1, len(ins))}
    elif name in ("max", "min"):
        less = jnp.less(*ins), jnp.greater(*ins)
        unused = dict(enumerate(less if name == "max" else less[::-1]))
    elif name == "clamp":
        unused = {1: (ins[1] < ins[0]) | (ins[1] > ins[2])}
    elif name in ("reduce_max", "reduce_min"):
        unused = {0: ins[0] != jnp.expand_dims(outs[0], eqn.params["axes"])}
    else:
        return
    for k, mask in unused.items():
        if not constant[k]:
            seen.sites.append(Site(path, k))
            seen.values.append(ins[k])
            seen.unused.append(mask)
