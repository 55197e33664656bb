"""A batch with its examples last gives what `jax.vmap` gives, and so do its derivatives."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import losses
from jaxmath.train.columns import columns

KEYS = jax.random.split(jax.random.key(0), 8)
X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.random.default_rng(1).integers(0, 4, 7)
W = np.random.default_rng(2).normal(size=(4, 3))
V = np.random.default_rng(3).normal(size=(3, 4))
T = np.random.default_rng(4).normal(size=(2, 3, 3))


@jax.custom_jvp
def slow(x):
    """Its derivative is three times that of its square: whoever loses the rule is seen."""
    return x**2


slow.defjvp(lambda primals, tangents: (slow(*primals), 6 * primals[0] * tangents[0]))


@jax.custom_vjp
def wrong(x):
    return x**3


wrong.defvjp(lambda x: (wrong(x), x), lambda x, cotangent: (5 * x * cotangent,))


def _scan(w, x, y):
    return jax.lax.scan(lambda c, row: (c + jnp.tanh(row @ x), c * y), 0.1, w)[0]


def _while(w, x, y):
    return jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) + jnp.sum(w @ x), jnp.sum(x))


FUNCTIONS = dict(
    weights_first=lambda w, x, y: w @ x,
    weights_last=lambda w, x, y: x @ w.T,
    outer=lambda w, x, y: jnp.outer(x, x) @ x,
    inner=lambda w, x, y: jnp.vdot(x, x) * x,
    tensor=lambda w, x, y: jnp.einsum("kij,i->kj", T, x) @ (w.T @ (w @ x)),
    left_tensor=lambda w, x, y: jnp.einsum("i,kij->jk", x, T),
    matrix_of_one=lambda w, x, y: (jnp.outer(x, x) @ w.T) + jnp.tensordot(jnp.outer(x, x), V, 1),
    bias=lambda w, x, y: jnp.where(y > 1, w @ x + w[:, 0], 2.0),
    clipped=lambda w, x, y: jnp.clip(w @ x, -0.5, x[0] ** 2),
    largest=lambda w, x, y: jnp.max(w @ x) - jnp.argmax(w @ x) + jnp.logaddexp(x[0], 0.2),
    picked=lambda w, x, y: (w @ x)[y] * jnp.asarray(w)[y, 0],
    sorted=lambda w, x, y: jnp.sort(w @ x)[::-1],
    joined=lambda w, x, y: jnp.concatenate([x, w @ x, jnp.ones(2)]).reshape(3, 3).T,
    cumulative=lambda w, x, y: jnp.cumsum(w @ x) ** 3,
    rule=lambda w, x, y: slow(w @ x),
    rule_of_scalar=lambda w, x, y: slow(x[0]) * w,
    own_rule=lambda w, x, y: wrong(w @ x),
    nested=lambda w, x, y: jax.jit(lambda z: jax.nn.relu(z) + slow(z))(w @ x),
    vmapped=lambda w, x, y: jax.vmap(lambda row: jnp.tanh(row @ x))(w),
    derivative=lambda w, x, y: jax.grad(lambda w: jnp.sum(slow(w @ x)))(w),
    scan=_scan,
    loop=_while,
    cond=lambda w, x, y: jax.lax.cond(y > 1, lambda z: z, lambda z: 2 * z, w @ x),
    loss=lambda w, x, y: losses.softmax_cross_entropy(w @ x, y),
    huber=lambda w, x, y: losses.huber(w @ x, 0.3),
    random=lambda w, x, y: w @ x + jax.random.normal(jax.random.fold_in(KEYS[0], y), (4,)),
    solve=lambda w, x, y: jnp.linalg.solve(jnp.eye(3) + jnp.outer(x, x), w.T @ (w @ x)),
    constant=lambda w, x, y: w * 2,
    several=lambda w, x, y: dict(a=(w @ x, x), b=[y, w[0, 0]]),
)


def both(name):
    function = FUNCTIONS[name]
    return (
        lambda w: columns(function, w, X, Y, axes=(None, 0, 0)),
        lambda w: jax.vmap(function, (None, 0, 0), out_axes=-1)(w, X, Y),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_vmap(name):
    with jax.enable_x64(True):
        ours, theirs = both(name)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-12), ours(W), theirs(W))
        kinds = [jax.tree.map(lambda x: (x.shape, x.dtype), f(W)) for f in (ours, theirs)]
        assert kinds[0] == kinds[1]


DIFFERENTIATED = sorted(set(FUNCTIONS) - {"several", "random", "loop"})


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_its_derivatives_are_those_of_vmap(name):
    with jax.enable_x64(True):
        found = []
        for function in both(name):
            total = lambda w, f=function: jnp.sum(jnp.sin(f(w)))  # noqa: E731
            lanes = jnp.stack([W, W + 0.1])
            found.append([jax.grad(total)(W), jax.jit(jax.vmap(jax.grad(total)))(lanes)])
            if name != "own_rule":  # JAX has no forward derivative of a `custom_vjp`
                found[-1].append(jax.jvp(jax.grad(total), (W,), (W,))[1])
        for ours, theirs in zip(*found, strict=True):
            np.testing.assert_allclose(ours, theirs, 1e-11, 1e-13)


def test_float32_stays_and_numpy_is_cast():
    with jax.enable_x64(False):
        ours = columns(lambda w, x: w @ x, W, X, axes=(None, 0))
    assert (ours.dtype, ours.shape) == (jnp.float32, (4, 7))


def test_weights_and_examples_meet_in_one_product_of_matrices():
    def total(w):
        logits = columns(lambda w, x: jnp.tanh(w @ x + w[:, 0]), w, X, axes=(None, 0))
        return jnp.sum(logits)

    program = jax.jit(jax.vmap(jax.grad(total))).lower(jnp.stack([W, W])).as_text()
    assert program.count("stablehlo.dot_general") == 2
    assert "stablehlo.transpose" not in program


def test_no_derivative_of_a_product_sums_over_last_or_over_first_axes():
    def total(w, v):
        logits = columns(lambda w, v, x: v @ jnp.tanh(w @ x), w, v, X, axes=(None, None, 0))
        return jnp.sum(jnp.sin(logits))

    derivative = jax.jit(jax.vmap(jax.grad(total, (0, 1))))
    program = derivative.lower(jnp.stack([W, W]), jnp.stack([W.T, W.T])).as_text()
    # Of the hidden layer's three products each has rows times columns in every lane.
    ways = re.findall(r"batching_dims = \[0\] x \[0\], contracting_dims = (\S+ x \S+),", program)
    assert ways == ["[2] x [1]"] * 3
