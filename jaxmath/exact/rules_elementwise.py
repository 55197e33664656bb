"""Rules of the primitives that act element by element."""

from __future__ import annotations

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.exact import compare, functions, gamma, incomplete, powers
from jaxmath.exact.arrays import (
    boxed,
    by_jax,
    elementwise,
    filled,
    is_real,
    lift,
    missing,
    unboxed,
)
from jaxmath.exact.ball import ZERO, arb
from jaxmath.exact.enclosure import nearest
from jaxmath.exact.ieee import INF, NAN, Special
from jaxmath.exact.jet import Jet
from jaxmath.exact.work import note, now


def divide(a, b):
    """A / b; over an exact zero infinite, 0/0 NaN."""
    if type(a) is arb and type(b) is arb and b.is_zero():
        if a.is_zero():
            return NAN
        return INF if a > 0 else (-INF if a < 0 else a / b)
    return a / b


def integer_pow(eqn, build):
    """X to the power `y`, an integer of the program."""
    y = eqn.params["y"]
    return elementwise(
        lambda x: powers.integer_power(x, y) if type(x) is not Special else powers.power(x, arb(y))
    )(eqn, build)


def rounding(eqn, build):
    """Ties away from zero (method 0) or to even (method 1)."""
    even = int(eqn.params["rounding_method"]) == 1
    return elementwise(compare.round_even if even else compare.round_away)(eqn, build)


def convert(eqn, build):
    """Between floats the identity; to integers by what the enclosure decides."""
    new = np.dtype(eqn.params["new_dtype"]) if is_real(eqn.invars[0].aval) else None
    if new is not None and new.kind == "c":
        return missing(eqn)
    if new is None:
        return lift if is_real(eqn.outvars[0].aval) else by_jax(eqn)
    if jnp.issubdtype(new, jnp.floating):
        return lambda x: x
    if new.kind == "b":
        return lambda x: _each(x, lambda v: compare.different(v, ZERO), bool)
    info = jnp.iinfo(new)
    return lambda x: _each(x, lambda v: _integer(v, int(info.min), int(info.max)), new)


def _each(value, function, dtype):
    array = boxed(value)
    found = [function(v) for v in array.ravel().tolist()]
    return np.array(found, dtype).reshape(array.shape)[()]


def _integer(x, lowest, highest) -> int:
    if type(x) is Special:
        return 0 if x is NAN else (highest if x is INF else lowest)
    return min(max(compare.truncated(x), lowest), highest)


def bitcast(eqn, build):
    """The bits of the nearest float; what follows depends on rounding."""
    run = by_jax(eqn)
    if not is_real(eqn.invars[0].aval):
        return run
    dtype = eqn.invars[0].aval.dtype

    def bits(x):
        note("depends on rounding", "bitcast_convert_type")
        return run(rounded(x, dtype))

    return bits


def rounded(value, dtype):
    """The nearest floats of a dtype."""
    array = boxed(value)
    found = [nearest(_constant(v), dtype) for v in array.ravel().tolist()]
    return np.array(found, dtype).reshape(array.shape)[()]


def _constant(x):
    if type(x) is not Jet:
        return x
    series = x.regular()
    return functions.unknown() if series is None else series[0]


def ignoring_rounding(name):
    """A rule for what only moves x by its rounding: the identity, noted."""

    def rule(eqn, build):
        def run(x, *rest):
            note("depends on rounding", name)
            return x

        return run

    return rule


def select_n(eqn, build):
    """The case that an index or condition picks, element by element."""
    real = is_real(eqn.outvars[0].aval)
    shape = eqn.outvars[0].aval.shape
    if jnp.issubdtype(eqn.outvars[0].aval.dtype, jax.dtypes.extended):
        return by_jax(eqn)

    def run(which, *cases):
        if np.ndim(which) == 0:
            return cases[int(which)]
        if not real:
            return np.choose(which, cases).astype(eqn.outvars[0].aval.dtype)
        rows = [np.broadcast_to(boxed(case), shape).ravel() for case in cases]
        chosen = [rows[w][k] for k, w in enumerate(np.ravel(which).astype(int).tolist())]
        return filled(chosen, shape)

    return run


def stop_gradient(eqn, build):
    """The identity, noted; with `now().stop` a constant, as the program's own derivative has it."""

    def stopped(x):
        if type(x) is Jet:
            note("stop_gradient")
            if now().stop:
                return _constant(x)
        return x

    return lambda x: (
        unboxed(np.frompyfunc(stopped, 1, 1)(boxed(x))) if isinstance(x, np.ndarray) else stopped(x)
    )


def identity(eqn, build):
    """All operands as they are."""
    return lambda *values: values[0] if len(values) == 1 else values


def random_gamma(eqn, build):
    """JAX's own draw at the nearest float of the shape parameter, moving as its quantile does."""
    run, dtype = by_jax(eqn), eqn.invars[1].aval.dtype
    log_space = eqn.params.get("log_space", False)

    def draw(key, alpha):
        value = run(key, rounded(alpha, dtype))
        pairs = zip(boxed(value).ravel().tolist(), boxed(alpha).ravel().tolist(), strict=True)
        return filled([_moved(v, a, log_space) for v, a in pairs], eqn.outvars[0].aval.shape)

    return draw


def _moved(value, alpha, log_space):
    """The draw y(a) along a series of its parameter: the integral of its own slope, iterated."""
    if type(alpha) is not Jet:
        return value
    series = alpha.regular()
    if series is None:
        return functions.unknown()
    moved: Any = value
    for _ in range(series.prec - 1):
        draw = functions.exp(moved) if log_space else moved
        slope: Any = incomplete.random_gamma_grad(Jet(series), draw)
        slope = slope / draw if log_space else slope
        if type(slope) is not Jet:
            return functions.unknown()
        moved = Jet(functions.along(value, slope.series, series))
    return moved


REAL = {
    "abs": abs,
    "acos": functions.acos,
    "acosh": functions.acosh,
    "add": operator.add,
    "add_any": operator.add,
    "asin": functions.asin,
    "asinh": functions.asinh,
    "atan": functions.atan,
    "atan2": powers.atan2,
    "atanh": functions.atanh,
    "bessel_i0e": gamma.bessel_i0e,
    "bessel_i1e": gamma.bessel_i1e,
    "cbrt": powers.cbrt,
    "ceil": compare.ceil,
    "clamp": compare.clamp,
    "cos": functions.cos,
    "cosh": functions.cosh,
    "digamma": gamma.digamma,
    "div": divide,
    "erf": functions.erf,
    "erf_inv": gamma.erf_inv,
    "erfc": functions.erfc,
    "exp": functions.exp,
    "exp2": functions.exp2,
    "expm1": functions.expm1,
    "floor": compare.floor,
    "igamma": incomplete.igamma,
    "igamma_grad_a": incomplete.igamma_grad_a,
    "igammac": incomplete.igammac,
    "lgamma": gamma.lgamma,
    "log": functions.log,
    "log1p": functions.log1p,
    "logistic": functions.logistic,
    "max": compare.maximum,
    "min": compare.minimum,
    "mul": operator.mul,
    "neg": operator.neg,
    "polygamma": gamma.polygamma,
    "pow": powers.power,
    "random_gamma_grad": incomplete.random_gamma_grad,
    "regularized_incomplete_beta": incomplete.incomplete_beta,
    "rem": compare.remainder,
    "rsqrt": powers.rsqrt,
    "sign": compare.sign,
    "sin": functions.sin,
    "sinh": functions.sinh,
    "sqrt": powers.sqrt,
    "square": lambda x: x * x,
    "sub": operator.sub,
    "tan": functions.tan,
    "tanh": functions.tanh,
    "zeta": incomplete.zeta,
}
CONDITIONS = {
    "eq": compare.equal,
    "eq_to": lambda a, b: compare.total_order(a, b) == 0,
    "ge": compare.greater_equal,
    "gt": compare.greater,
    "is_finite": compare.is_finite,
    "le": compare.less_equal,
    "le_to": lambda a, b: compare.total_order(a, b) <= 0,
    "lt": compare.less,
    "lt_to": lambda a, b: compare.total_order(a, b) < 0,
    "ne": compare.different,
}
RULES = {
    **{name: elementwise(function) for name, function in REAL.items()},
    **{name: elementwise(function, "bool") for name, function in CONDITIONS.items()},
    "bitcast_convert_type": bitcast,
    "conj": identity,
    "convert_element_type": convert,
    "copy": identity,
    "device_put": identity,
    "integer_pow": integer_pow,
    "name": identity,
    "nextafter": ignoring_rounding("nextafter"),
    "optimization_barrier": identity,
    "random_gamma": random_gamma,
    "real": identity,
    "reduce_precision": ignoring_rounding("reduce_precision"),
    "round": rounding,
    "select_n": select_n,
    "sharding_constraint": identity,
    "stop_gradient": stop_gradient,
}
