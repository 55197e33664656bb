"""The bare transcendental calls of a program, as a program: what no way to write it can undercut.

Of a function of long arrays, `kernel(fn, *args)` makes one that takes the same arrays, makes the
same logarithms, exponentials and so on of arrays as long, adds them up, and gives as many answers
of the same shapes. Calls that a compiler would find to be the same count once, calls of numbers and
of tables not at all, nor do those behind a branch that ordinary places do not take.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.interpreters import partial_eval

CALLS = frozenset((
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "digamma", "erf",
    "erf_inv", "erfc", "exp", "exp2", "expm1", "lgamma", "log", "log1p", "logistic", "pow", "sin",
    "sinh", "tan", "tanh",
))  # fmt: skip
"""The primitives that count; roots and divisions do not."""


def kernel(fn, *args):
    """The function of the same arguments that makes the calls of `fn` alone."""
    found = calls(fn, *args)
    shapes = jax.tree.leaves(jax.eval_shape(fn, *args))

    def bare(*args):
        places = [jnp.asarray(each, shapes[0].dtype) for each in args if jnp.ndim(each)]
        total = sum(places)
        for turn, (primitive, params, arity) in enumerate(found):
            # Other operands for each, so that no two calls are the same.
            which = [places[(turn + k) % len(places)] for k in range(arity)]
            operands = [jnp.abs(place) * (1 + turn / 64) for place in which]
            total = total + primitive.bind(*operands, **params)
        return [
            total * (1 + k) if shape.shape else jnp.sum(total) * (1 + k)
            for k, shape in enumerate(shapes)
        ]

    return jax.jit(bare)


def calls(fn, *args) -> list[tuple[Any, dict[str, Any], int]]:
    """The different calls of long arrays: primitive, parameters, number of operands."""
    closed = jax.make_jaxpr(fn)(*args)
    jaxpr, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    points = max(jnp.size(each) for each in args)
    known: dict[Any, int] = {}
    found: list[tuple[Any, dict[str, Any], int]] = []

    def number(key) -> int:
        """The same for whatever is made of the same."""
        return known.setdefault(key, len(known))

    def walk(jaxpr, given) -> list[int]:
        numbers = dict(zip(jaxpr.invars, given, strict=True))
        numbers.update((var, number(("constant", var))) for var in jaxpr.constvars)

        def of(atom) -> int:
            if isinstance(atom, core.Literal):
                return number(("literal", str(atom)))
            return numbers[atom]

        for eqn in jaxpr.eqns:
            operands, name = [of(atom) for atom in eqn.invars], eqn.primitive.name
            inner = next(iter(core.jaxprs_in_params(eqn.params)), None)
            if inner is not None and name not in ("cond", "while", "scan"):
                numbers.update(zip(eqn.outvars, walk(inner, operands), strict=True))
                continue
            key, before = (name, str(eqn.params), *operands), len(known)
            own = number(key)
            if own == before and name in CALLS and math.prod(eqn.outvars[0].aval.shape) == points:
                found.append((eqn.primitive, dict(eqn.params), len(operands)))
            numbers.update((var, number((own, k))) for k, var in enumerate(eqn.outvars))
        return [of(atom) for atom in jaxpr.outvars]

    walk(jaxpr, [number(("argument", k)) for k in range(len(jaxpr.invars))])
    return found
