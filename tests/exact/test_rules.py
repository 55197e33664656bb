"""Every rule against NumPy or JAX in float64: the value, and the derivative along a direction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.extend import core

from jaxmath import exact

pytest.importorskip("flint")
from jaxmath.exact import rules_linalg
from jaxmath.exact.rules import RULES

V = np.array([0.7, -1.3, 2.1, 0.4, -0.6])
P = np.array([0.2, 0.5, 0.9, 0.35, 0.61])
M = np.arange(12.0).reshape(3, 4) ** 1.3 / 7 - 1.1
IMAGE = np.sin(np.arange(48.0) * 1.7).reshape(1, 6, 4, 2)
KERNEL = np.cos(np.arange(24.0) * 0.9).reshape(3, 2, 2, 2)
I = np.array([3, 0, 3])  # noqa: E741
POOL = ((1, 2, 2, 1), (1, 2, 1, 1), "SAME")


def conv(x, k):
    return lax.conv_general_dilated(
        x, k, (2, 1), "SAME", rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def grouped(x, k):
    return lax.conv_general_dilated(
        x,
        k.reshape(3, 4, 1, 2),
        (1, 1),
        ((1, 2), (0, 1)),
        lhs_dilation=(2, 1),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=2,
    )


def pooled(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, *POOL)


# By primitive: a function that emits it, and arguments. Wrapped in jit, custom rules and loops
# where those are what is tested.
CASES = {
    "abs": (jnp.abs, V),
    "acos": (jnp.arccos, P),
    "acosh": (jnp.arccosh, P + 1),
    "add": (lax.add, V, P),
    "add_any": (jax.grad(lambda x: jnp.sum(jnp.sin(x) * x)), V),
    "argmax": (lambda x: x[jnp.argmax(x)] * x, V),
    "argmin": (lambda x: x[jnp.argmin(x)] * x, V),
    "asin": (jnp.arcsin, P),
    "asinh": (jnp.arcsinh, V),
    "atan": (jnp.arctan, V),
    "atan2": (jnp.arctan2, V, P[::-1] - 0.4),
    "atanh": (jnp.arctanh, P),
    "bessel_i0e": (lax.bessel_i0e, V),
    "bessel_i1e": (lax.bessel_i1e, V),
    "bitcast_convert_type": (
        lambda x: jnp.where(lax.bitcast_convert_type(x, jnp.int64) < 0, -x, x * x),
        V,
    ),
    "broadcast_in_dim": (lambda x: jnp.broadcast_to(x[:, None], (5, 3)), V),
    "cbrt": (jnp.cbrt, V),
    "ceil": (lambda x: jnp.ceil(x) * x, V),
    "clamp": (lambda x: lax.clamp(-1.0, x, 0.5), V),
    "closed_call": None,
    "concatenate": (lambda x, y: jnp.concatenate([x, y * 2]), V, P),
    "cond": (lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), V),
    "conj": None,
    "conv_general_dilated": (lambda x, k: (conv(x, k), grouped(x, k)), IMAGE, KERNEL),
    "convert_element_type": (lambda x: x.astype(jnp.int32) * x + (x.astype(bool)), V),
    "copy": (lambda x: lax.copy_p.bind(x), V),
    "cos": (jnp.cos, V),
    "cosh": (jnp.cosh, V),
    "cumlogsumexp": (lambda m: lax.cumlogsumexp(m, 1), M),
    "cummax": (lambda m: lax.cummax(m * jnp.cos(m), 1), M),
    "cummin": (lambda m: lax.cummin(m * jnp.cos(m), 0, reverse=True), M),
    "cumprod": (lambda m: lax.cumprod(m, 1, reverse=True), M),
    "cumsum": (lambda m: lax.cumsum(m, 0), M),
    "custom_jvp_call": (jax.nn.relu, V),
    "custom_vjp_call": None,
    "device_put": (lambda x: jax.device_put(x) * 2, V),
    "digamma": (jax.scipy.special.digamma, V),
    "div": (lax.div, V, P),
    "dot_general": (lambda a, b: jnp.einsum("ij,kj->ik", a, b), M, M * 2),
    "dynamic_slice": (lambda x: lax.dynamic_slice(x, (jnp.argmax(x),), (3,)), V),
    "dynamic_update_slice": (
        lambda x, y: lax.dynamic_update_slice(x, y, (jnp.argmin(x),)),
        V,
        P[:2],
    ),
    "eq": (lambda x: jnp.where(x == x[0], 3 * x, 2 * x), V),
    "erf": (lax.erf, V),
    "erf_inv": (lax.erf_inv, P),
    "erfc": (lax.erfc, V),
    "exp": (jnp.exp, V),
    "exp2": (jnp.exp2, V),
    "expm1": (jnp.expm1, V),
    "floor": (lambda x: jnp.floor(x) * x, V),
    "gather": (lambda m, i: m[i, 1] + m.at[i].get(mode="fill", fill_value=9.0)[:, 0], M, I),
    "ge": (lambda x: jnp.where(x >= 0.65, x, 2 * x), V),
    "gt": (lambda x: jnp.where(x > 0.65, x, 2 * x), V),
    "igamma": (lambda x: lax.igamma(jnp.full(5, 1.7), x), P),
    "igamma_grad_a": (lambda a: lax.igamma_grad_a(a, jnp.full(5, 1.7)), P + 1),
    "igammac": (lambda x: lax.igammac(jnp.full(5, 1.7), x), P),
    "integer_pow": (lambda x: x**3 + x**-2, V),
    "iota": (lambda x: x * lax.iota(float, 5), V),
    "is_finite": (lambda x: jnp.where(jnp.isfinite(x), x, 0), V),
    "jit": (jax.jit(jnp.sin), V),
    "le": (lambda x: jnp.where(x <= 0.65, x, 2 * x), V),
    "lgamma": (lax.lgamma, V),
    "log": (jnp.log, P),
    "log1p": (jnp.log1p, P),
    "logistic": (lax.logistic, V),
    "lt": (lambda x: jnp.where(x < 0.65, x, 2 * x), V),
    "max": (lambda x: jnp.maximum(x, 0.1), V),
    "min": (lambda x: jnp.minimum(x, 0.1), V),
    "mul": (lax.mul, V, P),
    "name": (lambda x: checkpoint_name(x, "mark") * 2, V),
    "ne": (lambda x: jnp.where(x != x[0], 3 * x, 2 * x), V),
    "neg": (lax.neg, V),
    "nextafter": (lambda x: jnp.nextafter(x, x + 1), V),
    "optimization_barrier": (lambda x: lax.optimization_barrier(x) * 2, V),
    "pad": (lambda x: lax.pad(x, x[0], ((1, -1, 2),)), V),
    "polygamma": (lambda x: lax.polygamma(jnp.full(5, 2.0), x), P),
    "pow": (lambda x, y: x**y, P, V),
    "random_gamma": (lambda a: jax.random.gamma(jax.random.key(3), a), 1.7),
    "real": None,
    "reduce": (lambda m: lax.reduce(m, 1.0, lambda a, b: a * b + a, (1,)), M),
    "reduce_max": (lambda m: jnp.max(m * jnp.cos(m), 0), M),
    "reduce_min": (lambda m: jnp.min(m * jnp.cos(m)), M),
    "reduce_precision": (lambda x: lax.reduce_precision(x, 11, 52), V),
    "reduce_prod": (lambda m: jnp.prod(m, 0), M),
    "reduce_sum": (lambda m: jnp.sum(m, (0, 1)), M),
    "reduce_window": (
        lambda x: lax.reduce_window(x, 1.0, lax.mul, (1, 2, 2, 1), (1, 1, 1, 1), "VALID"),
        IMAGE,
    ),
    "reduce_window_max": (pooled, IMAGE),
    "reduce_window_min": (lambda x: lax.reduce_window(x, jnp.inf, lax.min, *POOL), IMAGE),
    "reduce_window_sum": (
        lambda x: lax.reduce_window(
            x, 0.0, lax.add, *POOL, base_dilation=(1, 2, 1, 1), window_dilation=(1, 1, 2, 1)
        ),
        IMAGE,
    ),
    "regularized_incomplete_beta": (
        lambda x: lax.betainc(jnp.full(5, 1.7), jnp.full(5, 0.6), x),
        P,
    ),
    "rem": (lambda x: lax.rem(x, jnp.full(5, 0.8)), V),
    "remat2": (jax.checkpoint(lambda x: jnp.sin(x) * x), V),
    "reshape": (lambda m: (m.reshape(2, 6), m.reshape(-1, order="F")), M),
    "rev": (lambda m: m[::-1], M),
    "round": (lambda x: jnp.round(x) * x + lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), V),
    "rsqrt": (lax.rsqrt, P),
    "scan": (
        lambda x: lax.scan(lambda c, a: (c * a + 1, c), 1.0, x, reverse=True),
        V,
    ),
    "scatter": (lambda m: m.at[1].set(m[0]), M),
    "scatter-add": (lambda x: x.at[I].add(x[:3]), V),
    "scatter-max": (lambda x: x.at[I].max(x[:3] * 2), V),
    "scatter-min": (lambda x: x.at[I].min(x[:3] * 2), V),
    "scatter-mul": (lambda m: m.at[:, I[:2]].mul(m[:, :2], unique_indices=True), M),
    "scatter-sub": (lambda x: x.at[I].subtract(x[:3]), V),
    "select_and_gather_add": (lambda x: jax.jvp(pooled, (x,), (jnp.cos(x),))[1], IMAGE),
    "select_and_scatter_add": (jax.grad(lambda x: jnp.sum(pooled(x) ** 2)), IMAGE),
    "select_n": (
        lambda x: lax.select_n(jnp.array([0, 2, 1, 1, 0], jnp.int32), x, 2 * x, 3 * x),
        V,
    ),
    "sharding_constraint": None,
    "sign": (lambda x: jnp.sign(x) * x, V),
    "sin": (jnp.sin, V),
    "sinh": (jnp.sinh, V),
    "slice": (lambda m: m[1:, ::2], M),
    "sort": (lambda x, y: lax.sort((x, y), num_keys=1)[1] * jnp.argsort(y), V, P),
    "split": (lambda x: jnp.split(x, [2]), V),
    "sqrt": (jnp.sqrt, P),
    "square": (jnp.square, V),
    "stack": (lambda x, y: jnp.stack([x, y, x], 1), V, P),
    "squeeze": (lambda x: x[None].squeeze(0), V),
    "stop_gradient": (lambda x: lax.stop_gradient(x) * x, V),
    "sub": (lax.sub, V, P),
    "tan": (jnp.tan, V),
    "tanh": (jnp.tanh, V),
    "top_k": (lambda m: lax.top_k(m * jnp.cos(m), 2), M),
    "tile": (lambda m: jnp.tile(m, (2, 1)), M),
    "unstack": (lambda m: jnp.unstack(m, axis=1), M),
    "eq_to": None,
    "le_to": (lambda x: x[jnp.searchsorted(jnp.array([-1.0, 0.45, 1.0]), x)], V),
    "lt_to": (lambda x: x[jnp.searchsorted(jnp.array([-1.0, 0.45, 1.0]), x, side="right")], V),
    "transpose": (lambda m: m.T, M),
    "while": (lambda x: lax.while_loop(lambda c: c[0] < 9, lambda c: c * 1.5 + 1, x + 2), V),
    "zeta": (lambda x: lax.zeta(jnp.full(5, 2.5), x), P),
}


@jax.custom_vjp
def _with_vjp(x):
    return jnp.sin(x)


_with_vjp.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (g * jnp.cos(x),))
CASES["custom_vjp_call"] = (lambda x: _with_vjp(x) * x, V)
CASES = {name: case for name, case in CASES.items() if case is not None}
UNSEEN = {
    "closed_call",
    "conj",
    "dce_sink",
    "eq_to",
    "random_gamma_grad",
    "real",
    "sharding_constraint",
}
"""Rules whose primitive JAX 0.10 emits for no real function of one device: identities, calls,
or (random_gamma_grad) what other versions write as one."""
NO_DERIVATIVE_IN_JAX = {
    "custom_vjp_call",
    "igamma_grad_a",
    "nextafter",
    "reduce",
    "reduce_window",
    "zeta",
}


def primitives(jaxpr):
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in core.jaxprs_in_params(eqn.params):
            yield from primitives(inner)


def floats(tree):
    leaves = [
        np.ravel(leaf) for leaf in jax.tree.leaves(tree) if np.asarray(leaf).dtype == np.float64
    ]
    return np.concatenate(leaves)


@pytest.mark.parametrize("name", sorted(CASES))
def test_value_and_slope_along_a_direction_are_those_of_jax(name):
    fn, *args = CASES[name]
    args = tuple(jnp.asarray(a) for a in args)
    program = exact.trace(fn, *args)
    assert name in set(primitives(program.jaxpr.jaxpr)), program.jaxpr
    expected = floats(fn(*args))
    value = exact.evaluate(program, args)
    np.testing.assert_allclose([float(n) for n in value.flat], expected, rtol=3e-13, atol=1e-13)
    assert {n.proof for n in value.flat} == {"proven"}

    count = len(program.coordinates())
    direction = np.cos(np.arange(count) * 1.9) + 1.2
    found = exact.derivatives(program, args, direction[None], stop_gradients=True)
    real = [a for a in args if a.dtype == np.float64]
    tangents = np.split(direction, np.cumsum([a.size for a in real])[:-1])
    moving = iter([t.reshape(a.shape) for t, a in zip(tangents, real, strict=True)])
    along = [next(moving) if a.dtype == np.float64 else None for a in args]

    def moved(t):
        return fn(*(a if d is None else a + t * d for a, d in zip(args, along, strict=True)))

    if name in NO_DERIVATIVE_IN_JAX:
        slope = (floats(moved(1e-5)) - floats(moved(-1e-5))) / 2e-5
        tolerance = 1e-7
    else:
        slope, tolerance = floats(jax.jvp(moved, (0.0,), (1.0,))[1]), 1e-11
    rounds = name in ("bitcast_convert_type", "nextafter", "reduce_precision")
    assert rounds == ("depends on rounding" in found.notes)
    got = [float(n) for n in found.right[1, 0]]
    np.testing.assert_allclose(got, slope, rtol=tolerance, atol=tolerance)


def test_every_rule_is_exercised():
    assert set(RULES) - set(rules_linalg.RULES) == set(CASES) | UNSEEN


def test_a_missing_rule_says_which_and_how_to_supply_it():
    program = exact.trace(lambda m: lax.linalg.hessenberg(m)[0], jnp.eye(2))
    with pytest.raises(exact.Missing, match=r"hessenberg.*rules=\{'hessenberg': rule\}"):
        exact.evaluate(program, (jnp.eye(2),))


def test_a_rule_can_be_supplied():
    rules = {"cholesky": lambda eqn, build: lambda m: m}
    program = exact.trace(lambda m: lax.linalg.cholesky(m), jnp.eye(2), rules=rules)
    assert float(exact.evaluate(program, (jnp.eye(2),)).flat[3]) == 1.0


def test_a_batched_loop_stops_each_lane_by_itself():
    def grown(x):
        return lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] * 1.7 + 1, c[1] + 1), (x, 0))

    x = jnp.asarray(V)
    expected, counts = jax.vmap(grown)(x)
    value = exact.evaluate(exact.trace(jax.vmap(grown), x), (x,))
    np.testing.assert_allclose([float(n) for n in value.flat], expected, rtol=1e-15)
    assert np.array_equal(value.results[1], counts)


def test_complex_numbers_are_refused():
    program = exact.trace(lambda x: jnp.abs(x + 1j), 0.5)
    with pytest.raises(exact.Missing):
        exact.evaluate(program, (0.5,))


def test_random_draws_have_the_same_bits():
    def draw(scale):
        key = jax.random.fold_in(jax.random.key(5), 3)
        one, two = jax.random.split(key)
        return scale * jax.random.normal(one, (3,)) + jax.random.uniform(two, (3,))

    for dtype in (np.float32, np.float64):
        scale = dtype(1.5)
        value = exact.evaluate(exact.trace(draw, scale), (scale,))
        eps = float(np.finfo(dtype).eps)
        np.testing.assert_allclose([float(n) for n in value.flat], draw(scale), rtol=50 * eps)


def test_a_wrong_rule_is_noticed():
    right = exact.trace(jnp.tanh, 0.3)
    wrong = exact.trace(jnp.tanh, 0.3, rules={"tanh": lambda eqn, build: lambda x: x})
    assert exact.evaluate(right, (0.3,)).flat[0].ulps(np.tanh(0.3)) < 1
    assert exact.evaluate(wrong, (0.3,)).flat[0].ulps(np.tanh(0.3)) > 1e10
