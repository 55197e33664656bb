"""Which primitives the public functions of JAX emit for small real arrays, by tracing all of them.

`python -m tests.exact.emitted` writes docs/primitives.json: for each primitive the modules
whose functions, JVPs or VJPs emit it, and whether real, whole or complex numbers take part.
"""

import importlib
import inspect
import json
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend import core

FILE = Path(__file__).parents[2] / "docs" / "primitives.json"
MODULES = (
    "jax.numpy",
    "jax.nn",
    "jax.lax",
    "jax.scipy.special",
    "jax.scipy.stats",
    "jax.numpy.linalg",
)
with jax.enable_x64(True):
    V = jnp.array([0.2, 0.5, 0.9, 0.35])
    M = jnp.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])
    I = jnp.array([2, 0, 1, 1])  # noqa: E741
    B = I > 0
    IMAGE = jnp.ones((1, 4, 4, 2)) * V[None, None, :, None]
    KERNEL = jnp.ones((2, 2, 2, 3))
POOL = ((1, 2, 2, 1), (1, 1, 1, 1), "SAME")
GENERIC = (
    (V,),
    (V, V),
    (M,),
    (M, M),
    (M, V[:3]),
    (V, V, V),
    (V, V, V, V),
    (V, 1),
    (V, I),
    (I,),
    (I, I),
    (B, V, V),
    ((V, V),),
    (V, 0, 1),
    (3,),
    ((2, 3),),
    (I, 3),
)
NUMBERS = lax.GatherDimensionNumbers((), (0,), (0,))
SCATTER = lax.ScatterDimensionNumbers((), (0,), (0,))
# Example calls of functions that the generic arguments do not fit, or do not show.
CALLS = {
    "jax.lax.approx_max_k": [lambda: (lambda x: lax.approx_max_k(x, 2), V)],
    "jax.lax.approx_min_k": [lambda: (lambda x: lax.approx_min_k(x, 2), V)],
    "jax.lax.collapse": [lambda: (lambda x: lax.collapse(x, 0), M)],
    "jax.lax.conv_general_dilated_patches": [
        lambda: (lambda x: lax.conv_general_dilated_patches(x, (2, 2), (1, 1), "SAME"), IMAGE)
    ],
    "jax.lax.conv_with_general_padding": [
        lambda: (
            lambda x, k: lax.conv_with_general_padding(x, k, (1, 1), "SAME", (1, 1), (1, 1)),
            IMAGE,
            jnp.ones((3, 4, 2, 2)),
        )
    ],
    "jax.lax.dynamic_update_index_in_dim": [
        lambda: (lambda x: lax.dynamic_update_index_in_dim(x, x[0], 1, 0), V)
    ],
    "jax.lax.full": [lambda: (lambda x: lax.full((3,), x), V[0])],
    "jax.lax.platform_dependent": [
        lambda: (lambda x: lax.platform_dependent(x, cpu=jnp.sin, default=jnp.cos), V)
    ],
    "jax.lax.ragged_dot": [
        lambda: (lambda a: lax.ragged_dot(a, jnp.stack([a, a]), jnp.array([1, 2])), M)
    ],
    "jax.lax.reduce_max": [lambda: (lambda x: lax.reduce_max(x, (0,)), V)],
    "jax.lax.reduce_min": [lambda: (lambda x: lax.reduce_min(x, (0,)), V)],
    "jax.lax.reduce_prod": [lambda: (lambda x: lax.reduce_prod(x, (0,)), V)],
    "jax.lax.reduce_sum": [lambda: (lambda x: lax.reduce_sum(x, (0,)), V)],
    "jax.lax.reduce_xor": [lambda: (lambda x: lax.reduce_xor(x, (0,)), I)],
    "jax.lax.rng_uniform": [lambda: (lambda x: lax.rng_uniform(x, x + 1, (3,)), V[0])],
    "jax.lax.squeeze": [lambda: (lambda x: lax.squeeze(x[None], (0,)), V)],
    "jax.lax.tile": [lambda: (lambda x: lax.tile(x, (2,)), V)],
    "jax.numpy.apply_along_axis": [lambda: (lambda x: jnp.apply_along_axis(jnp.sum, 0, x), M)],
    "jax.numpy.argpartition": [lambda: (lambda x: jnp.argpartition(x, 1), V)],
    "jax.numpy.partition": [lambda: (lambda x: jnp.partition(x, 1), V)],
    "jax.numpy.bincount": [lambda: (lambda x: jnp.bincount(I, x, length=3), V)],
    "jax.numpy.broadcast_to": [lambda: (lambda x: jnp.broadcast_to(x, (2, 4)), V)],
    "jax.numpy.compress": [lambda: (lambda x: jnp.compress(B, x, size=2), V)],
    "jax.numpy.delete": [lambda: (lambda x: jnp.delete(x, 1), V)],
    "jax.numpy.nonzero": [lambda: (lambda x: jnp.nonzero(x, size=3), V)],
    "jax.numpy.pad": [
        lambda: (lambda x: jnp.pad(x, 2), V),
        lambda: (lambda x: jnp.pad(x, 2, mode="reflect"), V),
        lambda: (lambda x: jnp.pad(x, 2, mode="linear_ramp"), V),
    ],
    "jax.numpy.polyfit": [lambda: (lambda x: jnp.polyfit(jnp.arange(4.0), x, 1), V)],
    "jax.numpy.repeat": [lambda: (lambda x: jnp.repeat(x, 2), V)],
    "jax.numpy.roll": [lambda: (lambda x: jnp.roll(x, 1), V)],
    "jax.numpy.split": [lambda: (lambda x: jnp.split(x, 2), V)],
    "jax.numpy.tile": [lambda: (lambda x: jnp.tile(x, 2), V)],
    "jax.numpy.unique": [lambda: (lambda x: jnp.unique(x, size=3), V)],
    "jax.numpy.put_along_axis": [
        lambda: (lambda x: jnp.put_along_axis(x, I, x, 0, inplace=False), V)
    ],
    "jax.nn.one_hot": [lambda: (lambda x: jax.nn.one_hot(I, 3) * x, V[0])],
    "jax.scipy.special.bessel_jn": [
        lambda: (lambda x: jax.scipy.special.bessel_jn(x, v=2, n_iter=10), V)
    ],
    "jax.scipy.special.bernoulli": [lambda: (lambda x: jax.scipy.special.bernoulli(4) * x, V[0])],
    "jax.scipy.special.multigammaln": [
        lambda: (lambda x: jax.scipy.special.multigammaln(x + 4, 2), V)
    ],
    "jax.scipy.stats.multinomial.logpmf": [
        lambda: (lambda p: jax.scipy.stats.multinomial.logpmf(I, 4, p / p.sum()), V)
    ],
    "jax.lax.argmax": [lambda: (lambda x: lax.argmax(x, 0, jnp.int32), V)],
    "jax.lax.argmin": [lambda: (lambda x: lax.argmin(x, 0, jnp.int32), V)],
    "jax.lax.associative_scan": [lambda: (lambda x: lax.associative_scan(jnp.multiply, x), V)],
    "jax.lax.batch_matmul": [lambda: (lax.batch_matmul, M[None], M[None])],
    "jax.lax.bitcast_convert_type": [lambda: (lambda x: lax.bitcast_convert_type(x, jnp.int64), V)],
    "jax.lax.broadcast": [lambda: (lambda x: lax.broadcast(x, (2,)), V)],
    "jax.lax.broadcast_in_dim": [lambda: (lambda x: lax.broadcast_in_dim(x, (2, 4), (1,)), V)],
    "jax.lax.clamp": [lambda: (lambda x: lax.clamp(0.1, x, 0.8), V)],
    "jax.lax.concatenate": [lambda: (lambda x: lax.concatenate([x, x], 0), V)],
    "jax.lax.cond": [lambda: (lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), V)],
    "jax.lax.conv": [
        lambda: (lambda x, k: lax.conv(x, k, (1, 1), "SAME"), IMAGE, jnp.ones((3, 4, 2, 2)))
    ],
    "jax.lax.conv_general_dilated": [
        lambda: (
            lambda x, k: lax.conv_general_dilated(
                x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            ),
            IMAGE,
            KERNEL,
        )
    ],
    "jax.lax.conv_transpose": [
        lambda: (lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), IMAGE, KERNEL)
    ],
    "jax.lax.convert_element_type": [
        lambda: (lambda x: lax.convert_element_type(x, jnp.float32), V)
    ],
    "jax.lax.custom_root": [
        lambda: (
            lambda a: lax.custom_root(
                lambda x: x**2 - a,
                jnp.ones(()),
                lambda f, x: lax.fori_loop(0, 8, lambda _, x: (x + a / x) / 2, x),
                lambda g, y: y / g(1.0),
            ),
            V[0],
        )
    ],
    "jax.lax.custom_linear_solve": [
        lambda: (
            lambda a, b: lax.custom_linear_solve(
                lambda x: a @ x, b, lambda _, b: jnp.linalg.solve(a, b), symmetric=True
            ),
            M,
            V[:3],
        )
    ],
    "jax.lax.dot": [lambda: (lax.dot, M, M)],
    "jax.lax.dot_general": [
        lambda: (lambda a, b: lax.dot_general(a, b, (((1,), (0,)), ((), ()))), M, M)
    ],
    "jax.lax.dynamic_index_in_dim": [lambda: (lax.dynamic_index_in_dim, V, I[0])],
    "jax.lax.dynamic_slice": [lambda: (lambda x: lax.dynamic_slice(x, (I[0],), (2,)), V)],
    "jax.lax.dynamic_slice_in_dim": [lambda: (lambda x: lax.dynamic_slice_in_dim(x, I[0], 2), V)],
    "jax.lax.dynamic_update_slice": [
        lambda: (lambda x: lax.dynamic_update_slice(x, x[:2], (I[0],)), V)
    ],
    "jax.lax.expand_dims": [lambda: (lambda x: lax.expand_dims(x, (0,)), V)],
    "jax.lax.fori_loop": [
        lambda: (lambda x: lax.fori_loop(0, 3, lambda _, y: y * x, x), V),
    ],
    "jax.lax.gather": [lambda: (lambda x: lax.gather(x, I[:, None], NUMBERS, (1,)), V)],
    "jax.lax.index_in_dim": [lambda: (lambda x: lax.index_in_dim(x, 1), V)],
    "jax.lax.index_take": [lambda: (lambda x: lax.index_take(x, (I,), (0,)), V)],
    "jax.lax.integer_pow": [lambda: (lambda x: lax.integer_pow(x, 3), V)],
    "jax.lax.map": [lambda: (lambda x: lax.map(jnp.sin, x), V)],
    "jax.lax.pad": [lambda: (lambda x: lax.pad(x, 0.0, ((1, 1, 1),)), V)],
    "jax.lax.polygamma": [lambda: (lambda x: lax.polygamma(jnp.full(4, 2.0), x), V)],
    "jax.lax.reduce": [
        lambda: (lambda x: lax.reduce(x, 0.0, lax.add, (0,)), V),
        lambda: (lambda x: lax.reduce(x, 1.0, lambda a, b: a * b + a, (0,)), V),
    ],
    "jax.lax.reduce_precision": [lambda: (lambda x: lax.reduce_precision(x, 8, 7), V)],
    "jax.lax.reduce_window": [
        lambda: (lambda x: lax.reduce_window(x, -jnp.inf, lax.max, *POOL), IMAGE),
        lambda: (lambda x: lax.reduce_window(x, 0.0, lax.add, *POOL), IMAGE),
        lambda: (lambda x: lax.reduce_window(x, jnp.inf, lax.min, *POOL), IMAGE),
        lambda: (lambda x: lax.reduce_window(x, 1.0, lax.mul, *POOL), IMAGE),
    ],
    "jax.lax.reshape": [lambda: (lambda x: lax.reshape(x, (2, 2)), V)],
    "jax.lax.rev": [lambda: (lambda x: lax.rev(x, (0,)), V)],
    "jax.lax.scan": [lambda: (lambda x: lax.scan(lambda c, y: (c * y, c), 1.0, x), V)],
    "jax.lax.scatter": [lambda: (lambda x: lax.scatter(x, I[:, None], x, SCATTER, mode="clip"), V)],
    "jax.lax.scatter_add": [lambda: (lambda x: lax.scatter_add(x, I[:, None], x, SCATTER), V)],
    "jax.lax.scatter_sub": [lambda: (lambda x: lax.scatter_sub(x, I[:, None], x, SCATTER), V)],
    "jax.lax.scatter_mul": [
        lambda: (
            lambda x: lax.scatter_mul(x, jnp.arange(4)[:, None], x, SCATTER, unique_indices=True),
            V,
        )
    ],
    "jax.lax.scatter_max": [lambda: (lambda x: lax.scatter_max(x, I[:, None], x, SCATTER), V)],
    "jax.lax.scatter_min": [lambda: (lambda x: lax.scatter_min(x, I[:, None], x, SCATTER), V)],
    "jax.lax.select": [lambda: (lambda x: lax.select(B, x, x * 2), V)],
    "jax.lax.select_n": [lambda: (lambda x: lax.select_n(B, x, x * 2), V)],
    "jax.lax.slice": [lambda: (lambda x: lax.slice(x, (1,), (3,)), V)],
    "jax.lax.slice_in_dim": [lambda: (lambda x: lax.slice_in_dim(x, 1, 3), V)],
    "jax.lax.split": [lambda: (lambda x: lax.split(x, (1, 3)), V)],
    "jax.lax.switch": [lambda: (lambda x: lax.switch(I[0], [jnp.sin, jnp.cos], x), V)],
    "jax.lax.top_k": [lambda: (lambda x: lax.top_k(x, 2), V)],
    "jax.lax.transpose": [lambda: (lambda x: lax.transpose(x, (1, 0)), M)],
    "jax.lax.while_loop": [
        lambda: (lambda x: lax.while_loop(lambda y: y[0] < 3, lambda y: y * 2, x), V)
    ],
    "jax.numpy.choose": [lambda: (lambda x: jnp.choose(I[:2] % 2, [x[:2], x[2:]]), V)],
    "jax.numpy.convolve": [lambda: (jnp.convolve, V, V)],
    "jax.numpy.einsum": [lambda: (lambda a: jnp.einsum("ij,jk->ik", a, a), M)],
    "jax.numpy.interp": [lambda: (lambda x: jnp.interp(x, jnp.arange(4.0), x), V)],
    "jax.numpy.percentile": [lambda: (lambda x: jnp.percentile(x, 30.0), V)],
    "jax.numpy.piecewise": [lambda: (lambda x: jnp.piecewise(x, [x > 0.4], [jnp.sin, jnp.cos]), V)],
    "jax.numpy.select": [lambda: (lambda x: jnp.select([B, ~B], [x, x * 2]), V)],
    "jax.numpy.take_along_axis": [lambda: (lambda x: jnp.take_along_axis(x, I, 0), V)],
    "jax.numpy.linalg.matrix_power": [lambda: (lambda m: jnp.linalg.matrix_power(m, 3), M)],
    "jax.numpy.linalg.lstsq": [lambda: (lambda a, b: jnp.linalg.lstsq(a, b), M, V[:3])],
    "jax.nn.dot_product_attention": [
        lambda: (lambda x: jax.nn.dot_product_attention(x, x, x), jnp.ones((1, 3, 2, 4)))
    ],
    "jax.nn.logsumexp": [lambda: (jax.nn.logsumexp, V)],
    "jax.nn.standardize": [lambda: (jax.nn.standardize, V)],
}


def primitives(jaxpr, found):
    """Note each primitive and which kinds of number take part in it."""
    for eqn in jaxpr.eqns:
        kinds = {
            "c"
            if jnp.issubdtype(v.aval.dtype, jnp.complexfloating)
            else "r"
            if jnp.issubdtype(v.aval.dtype, jnp.floating)
            else "w"
            for v in (*eqn.invars, *eqn.outvars)
            if hasattr(v.aval, "dtype")
        }
        kind = "complex" if "c" in kinds else "real" if "r" in kinds else "whole"
        found.setdefault(eqn.primitive.name, set()).add(kind)
        for inner in core.jaxprs_in_params(eqn.params):
            primitives(inner, found)


def programs(fn, args):
    """The jaxprs of a function, its JVP and its VJP in its real arguments, as far as they exist."""
    yield jax.make_jaxpr(fn)(*args)
    real = [
        k
        for k, a in enumerate(args)
        if all(jnp.issubdtype(jnp.result_type(leaf), jnp.floating) for leaf in jax.tree.leaves(a))
    ]
    if not real or not args:
        return

    def inside(*moving):
        given = list(args)
        for k, a in zip(real, moving, strict=True):
            given[k] = a
        leaves = jax.tree.leaves(fn(*given))
        return [x for x in leaves if jnp.issubdtype(jnp.result_type(x), jnp.inexact)]

    point = tuple(args[k] for k in real)
    try:
        yield jax.make_jaxpr(lambda *p: jax.jvp(inside, p, p))(*point)
        yield jax.make_jaxpr(lambda *p: (vjp := jax.vjp(inside, *p))[1](vjp[0]))(*point)
    except (TypeError, NotImplementedError, ValueError):  # it has no such derivative
        return


def examples(module, name, fn):
    """Example calls: functions with arguments."""
    calls = CALLS.get(f"{module}.{name}")
    if calls is not None:
        return [call() for call in calls]
    return [(fn, *args) for args in GENERIC]


def collected():
    """Primitives by kind and module, and the functions that no example fits."""
    table, unfit, functions = {}, [], 0
    with jax.enable_x64(True), jax.numpy_rank_promotion("allow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in MODULES:
            home = importlib.import_module(module)
            for name, fn in sorted(vars(home).items()):
                if name.startswith("_") or not callable(fn) or inspect.isclass(fn):
                    if module != "jax.scipy.stats" or not inspect.ismodule(fn):
                        continue
                    inner = [
                        (f"{name}.{n}", f)
                        for n, f in sorted(vars(fn).items())
                        if inspect.isfunction(f)
                        and not n.startswith("_")
                        and f.__module__
                        and f.__module__.startswith("jax._src.scipy.stats")
                    ]
                else:
                    inner = [(name, fn)]
                for full, function in inner:
                    found = trial(module, full, function)
                    functions += bool(found)
                    if not found:
                        unfit.append(f"{module}.{full}")
                    for primitive, kinds in found.items():
                        row = table.setdefault(primitive, {"kinds": set(), "modules": set()})
                        row["kinds"] |= kinds
                        row["modules"].add(module)
    rows = {
        p: {"kinds": sorted(r["kinds"]), "modules": sorted(r["modules"])}
        for p, r in sorted(table.items())
    }
    return {"functions": functions, "without example": unfit, "primitives": rows}


def trial(module, name, fn):
    """What the examples that fit emit; of the generic ones the first three that fit."""
    found, fitting = {}, 0
    for call, *args in examples(module, name, fn):
        try:
            for program in programs(call, args):
                primitives(program.jaxpr, found)
            fitting += 1
        except Exception:
            continue
        if fitting == 3 and f"{module}.{name}" not in CALLS:
            break
    if fitting and not found:
        found = {"jit": {"real"}}  # nothing but moving its arguments
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(collected(), indent=1) + "\n", "utf-8")
