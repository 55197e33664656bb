"""Each model against NumPy, and its gradient and Hessian by hand against autodiff."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jax.flatten_util import ravel_pytree

from jaxmath import losses, special
from jaxmath.models import FORMULAS, MODELS, linear, logistic, mlp, softmax
from jaxmath.train import empirical_risk
from tests.marks import long_but

rng = np.random.default_rng(1)
N, D, K = 17, 5, 4
X = rng.normal(size=(N, D))
REAL_TARGETS = rng.normal(size=N)
BINARY = rng.integers(0, 2, N).astype(float)
CLASSES = rng.integers(0, K, N)


def random_like(params, scale=1.0):
    flat, rebuild = ravel_pytree(params)
    return rebuild(scale * rng.normal(size=flat.shape))


def start(model, outputs=None, **options):
    return random_like(model.init(jax.random.key(0), D, outputs, **options))


def cases():
    yield "linear", linear, start(linear), REAL_TARGETS
    yield "linear, 4 outputs", linear, start(linear, K), rng.normal(size=(N, K))
    yield "logistic", logistic, start(logistic), BINARY
    yield "logistic, 4 outputs", logistic, start(logistic, K), rng.integers(0, 2, (N, K)) * 1.0
    yield "softmax", softmax, start(softmax, K), CLASSES
    yield "mlp () tanh", mlp, start(mlp, K, hidden=()), CLASSES
    for activation in special.ACTIVATIONS:
        params = start(mlp, K, hidden=(6, 3), activation=activation.name)
        yield f"mlp (6, 3) {activation.name}", mlp, params, CLASSES


CASES = list(cases())
ids = [name for name, *_ in CASES]


def assert_same(found, expected, tolerance=1e-13):
    found, expected = ravel_pytree(found)[0], ravel_pytree(expected)[0]
    scale = np.max(np.abs(expected))
    assert scale > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(("name", "model", "params", "targets"), CASES, ids=ids)
def test_gradient_by_hand_is_autodiff(name, model, params, targets):
    del name
    assert_same(model.gradient(params, X, targets), jax.grad(model.mean_loss)(params, X, targets))


@pytest.mark.parametrize(("name", "model", "params", "targets"), CASES, ids=ids)
def test_gradient_in_the_features_is_autodiff(name, model, params, targets):
    del name
    expected = jax.grad(model.mean_loss, 1)(params, jnp.asarray(X), targets)
    assert_same(model.gradient_features(params, X, targets), expected)


def test_gradient_in_the_targets_is_autodiff():
    params = start(linear)
    expected = jax.grad(linear.mean_loss, 2)(params, X, jnp.asarray(REAL_TARGETS))
    assert_same(linear.gradient_targets(params, X, REAL_TARGETS), expected)


@pytest.mark.parametrize(
    "name", long_but(["linear", "logistic"], ["linear", "logistic", "softmax"])
)
def test_hessian_by_hand_is_autodiff(name):
    model, params, targets = next(case[1:] for case in CASES if case[0] == name)
    flat, rebuild = ravel_pytree(params)
    expected = jax.hessian(lambda flat: model.mean_loss(rebuild(flat), X, targets))(flat)
    found = model.hessian(params, X, targets)
    assert found.shape == (flat.size, flat.size)
    assert_same(found, expected)


def test_mean_losses_are_those_of_numpy():
    params = start(linear)
    z = X @ np.asarray(params.weights) + float(params.bias)
    assert_same(linear.mean_loss(params, X, REAL_TARGETS), np.mean((REAL_TARGETS - z) ** 2))
    p = scipy.special.expit(z)
    np.testing.assert_allclose(logistic.probability(params, X), p, rtol=1e-14)
    likelihood = np.mean(np.where(BINARY == 1, np.log(p), np.log(1 - p)))
    assert_same(logistic.mean_loss(params, X, BINARY), -likelihood)
    several = start(softmax, K)
    logits = X @ np.asarray(several.weights).T + np.asarray(several.bias)
    likelihood = scipy.special.log_softmax(logits, axis=1)[np.arange(N), CLASSES].mean()
    assert_same(softmax.mean_loss(several, X, CLASSES), -likelihood)


NUMPY = {
    "sigmoid": scipy.special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "softplus": lambda z: np.logaddexp(z, 0),
    "gelu": lambda z: z * scipy.special.ndtr(z),
}


@pytest.mark.parametrize("activation", [a.name for a in special.ACTIVATIONS])
@pytest.mark.parametrize("outputs", [None, K])
def test_a_perceptron_is_that_of_numpy(activation, outputs):
    params = start(mlp, outputs, hidden=(6, 3), activation=activation)
    a = X
    for layer in params.layers[:-1]:
        a = NUMPY[activation](a @ np.asarray(layer.weights).T + np.asarray(layer.bias))
    z = a @ np.asarray(params.layers[-1].weights).T + np.asarray(params.layers[-1].bias)
    assert z.shape == (N,) if outputs is None else (N, K)
    assert_same(jax.vmap(mlp.apply, (None, 0))(params, X), z)
    assert_same(mlp.forward(params, X).sums[-1], z)


def test_each_delta_is_the_slope_in_that_layers_sum():
    """Autodiff finds delta as the gradient in a shift that is added to a layer's sum."""
    params = start(mlp, K, hidden=(6, 3), activation="tanh")
    seen = mlp.forward(params, X)

    def shifted(shifts):
        a = X
        for index, (layer, shift) in enumerate(zip(params.layers, shifts, strict=True)):
            z = a @ layer.weights.T + layer.bias[None] + shift
            a = jnp.tanh(z) if index < 2 else z
        return jnp.mean(jax.vmap(losses.softmax_cross_entropy)(a, CLASSES))

    expected = jax.grad(shifted)([jnp.zeros_like(z) for z in seen.sums])
    last = (scipy.special.softmax(np.asarray(seen.sums[-1]), axis=1) - np.eye(K)[CLASSES]) / N
    found = mlp.deltas(params, seen, jnp.asarray(last))
    assert len(found) == 3
    for by_hand, autodiff in zip(found, expected, strict=True):
        assert_same(by_hand, autodiff)


def test_backpropagation_takes_any_loss():
    params = start(mlp, None, hidden=(6, 3), activation="gelu")
    risk = empirical_risk(mlp.apply, losses.squared_error)
    expected = jax.grad(risk)(params, (X, REAL_TARGETS))
    found = mlp.gradient(params, X, REAL_TARGETS, lambda prediction, y: 2 * (prediction - y))
    assert_same(found, expected)


@pytest.mark.parametrize("name", ["linear", "logistic", "softmax", "mlp (6, 3) tanh"])
def test_the_empirical_risk_is_the_mean_loss(name):
    model, params, targets = next(case[1:] for case in CASES if case[0] == name)
    loss = {
        linear: losses.squared_error,
        logistic: losses.logistic,
        softmax: losses.softmax_cross_entropy,
        mlp: losses.softmax_cross_entropy,
    }[model]
    risk = empirical_risk(model.apply, loss)(params, (X, targets))
    np.testing.assert_allclose(risk, model.mean_loss(params, X, targets), rtol=1e-14)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("outputs", [None, K])
def test_parameters_begin_by_the_key_and_fit_the_output(model, outputs):
    params, again = (model.init(jax.random.key(0), D, outputs, scale=0.7) for _ in range(2))
    other = model.init(jax.random.key(1), D, outputs, scale=0.7)
    same = jax.tree.map(lambda a, b: np.array_equal(a, b), params, again)
    assert all(jax.tree.leaves(same))
    assert not np.array_equal(ravel_pytree(params)[0], ravel_pytree(other)[0])
    assert model.apply(params, X[0]).shape == (() if outputs is None else (K,))


def test_the_first_weights_have_the_spread_that_they_say():
    params = mlp.init(jax.random.key(0), 400, 300, hidden=(500,), scale=2.0)
    for layer, inputs in zip(params.layers, (400, 500), strict=True):
        np.testing.assert_allclose(np.std(layer.weights), 2 / np.sqrt(inputs), rtol=0.02)
        assert not np.any(layer.bias)
    assert not np.any(linear.init(jax.random.key(0), D).weights)


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match=r"sigmoid.*'swish'"):
        mlp.init(jax.random.key(0), D, hidden=(3,), activation="swish")


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.name)
def test_models_work_in_float32(formula):
    args = jax.tree.map(
        lambda domain: domain.sample(np.random.default_rng(0), 1, np.float32)[0],
        dict(formula.domain),
        is_leaf=lambda node: hasattr(node, "sample"),
    )
    assert formula.fn(**args).dtype == np.float32
    for partial in formula.partials.values():
        for leaf in jax.tree.leaves(partial(**args)):
            assert leaf.dtype == np.float32
            assert np.all(np.isfinite(leaf))
