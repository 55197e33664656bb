"""What a training is asked while it runs, held against closed forms and NumPy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import losses, train
from jaxmath.models import linear, mlp
from jaxmath.train import Diagnosis, Readings, diagnosis

rng = np.random.default_rng(5)
KEY = jax.random.key(3)
X, Y = rng.normal(size=(60, 4)), rng.normal(size=60)
CLASSES = rng.integers(0, 3, 60)
DESIGN = np.column_stack([X, np.ones(60)])
HESSIAN = 2 * DESIGN.T @ DESIGN / 60
LINE = linear.Params(jnp.array([0.5, -1.0, 2.0, 0.1]), jnp.array(0.3))
RESIDUALS = Y - X @ np.asarray(LINE.weights) - 0.3
GRADIENTS = -2 * RESIDUALS[:, None] * DESIGN
SQUARED = train.empirical_risk(linear.apply, losses.squared_error)
ENTROPY = train.empirical_risk(mlp.apply, losses.softmax_cross_entropy)


def ends(matrix, iterations=20, dtype=jnp.float64):
    matrix = jnp.asarray(matrix, dtype)
    return train.extreme_eigenvalues(
        lambda v: matrix @ v, jnp.zeros(len(matrix), dtype), KEY, iterations
    )


def symmetric(size, seed=0):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    return matrix + matrix.T


def network(activation="tanh", dtype=jnp.float64):
    params = mlp.init(KEY, 4, 3, hidden=(6,), activation=activation)
    return jax.tree.map(lambda leaf: leaf.astype(dtype), params)


# The ends of a spectrum.


@pytest.mark.parametrize(("size", "iterations"), [(3, 3), (40, 40), (40, 500), (2, 20)])
def test_as_many_products_as_dimensions_find_both_ends_exactly(size, iterations):
    matrix = symmetric(size)
    truth = np.linalg.eigvalsh(matrix)
    found = ends(matrix, iterations)
    np.testing.assert_allclose(found.smallest.value, truth[0], rtol=1e-13)
    np.testing.assert_allclose(found.largest.value, truth[-1], rtol=1e-13)
    assert max(found.smallest.residual, found.largest.residual) < 1e-12


@pytest.mark.parametrize("iterations", [1, 2, 5, 10, 20])
def test_the_residual_bounds_the_distance_from_an_eigenvalue(iterations):
    matrix = symmetric(120)
    truth = np.linalg.eigvalsh(matrix)
    for end in ends(matrix, iterations):
        assert np.min(np.abs(truth - float(end.value))) <= end.residual + 1e-12
        assert truth[0] <= end.value <= truth[-1]
        v = np.asarray(end.direction)
        np.testing.assert_allclose(v @ v, 1, rtol=1e-14)
        off = np.linalg.norm(matrix @ v - float(end.value) * v)
        np.testing.assert_allclose(off, end.residual, rtol=1e-10)
    if iterations == 20:
        assert ends(matrix).largest.value > 0.99 * truth[-1]


@pytest.mark.parametrize(
    "spectrum",
    [
        [0.0] * 5,
        [3.0] * 7,
        [-2.0],
        [0.0],
        [1.0, 1.0, 1.0, 5.0, 5.0],
        [-4.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [2.0, 3.0, 4.0],
        [1e-12, 1.0, 1e12],
        [1e200, 1.0, 0.0],
        [1e-300, 0.0],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_flat_tied_and_empty_spectra_are_no_trouble(spectrum, dtype):
    """In particular no zero is made up where a subspace is invariant."""
    spectrum = np.asarray(spectrum)
    if np.any((spectrum != 0) & (np.abs(np.log10(np.abs(spectrum) + (spectrum == 0))) > 30)):
        dtype = jnp.float64
    turn = np.linalg.qr(symmetric(len(spectrum), 1))[0]
    found = ends(turn @ np.diag(spectrum) @ turn.T, dtype=dtype)
    scale = np.max(np.abs(spectrum)) * 20 * float(jnp.finfo(dtype).eps)
    assert abs(float(found.largest.value) - spectrum.max()) <= scale
    assert abs(float(found.smallest.value) - spectrum.min()) <= scale
    assert float(found.largest.residual) <= scale


def test_an_eigenvalue_has_the_slope_of_its_matrix():
    matrix = symmetric(8)
    vectors = np.linalg.eigh(matrix)[1]
    slope = jax.jit(jax.grad(lambda a: ends(a).largest.value))(jnp.asarray(matrix))
    np.testing.assert_allclose(slope, np.outer(vectors[:, -1], vectors[:, -1]), atol=1e-12)


def test_lanes_of_lanes():
    matrices = np.stack([[symmetric(6, 1), symmetric(6, 2)], [symmetric(6, 3), symmetric(6, 4)]])
    found = jax.jit(jax.vmap(jax.vmap(lambda a: ends(a).largest.value)))(jnp.asarray(matrices))
    np.testing.assert_allclose(found, np.linalg.eigvalsh(matrices)[..., -1], rtol=1e-12)


@pytest.mark.parametrize(("size", "iterations"), [(3, 0), (0, 3)])
def test_a_subspace_has_a_dimension(size, iterations):
    with pytest.raises(ValueError, match="at least"):
        train.extreme_eigenvalues(lambda v: v, jnp.zeros(size), KEY, iterations)


# Sharpness.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sharpness_of_least_squares_is_that_of_its_hessian(dtype):
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), LINE)
    found = train.sharpness(SQUARED, params, (X.astype(dtype), Y.astype(dtype)), KEY)
    truth = np.linalg.eigvalsh(HESSIAN)
    assert found.largest.value.dtype == dtype
    tolerance = 20 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(found.largest.value, truth[-1], rtol=tolerance)
    np.testing.assert_allclose(found.smallest.value, truth[0], rtol=tolerance)


def test_the_sharpness_of_a_network_is_that_of_its_whole_hessian():
    params, batch = network(), (jnp.asarray(X), jnp.asarray(CLASSES))
    flat, unravel = jax.flatten_util.ravel_pytree(params)
    truth = np.linalg.eigvalsh(jax.hessian(lambda flat: ENTROPY(unravel(flat), batch))(flat))
    found = train.sharpness(ENTROPY, params, batch, KEY, iterations=len(flat))
    assert truth[0] < 0
    np.testing.assert_allclose(found.largest.value, truth[-1], rtol=1e-10)
    np.testing.assert_allclose(found.smallest.value, truth[0], rtol=1e-10)


def test_a_preconditioner_divides_the_curvature():
    divisor = linear.Params(jnp.array([4.0, 1.0, 0.01, 2.0]), jnp.array(3.0))
    found = train.sharpness(SQUARED, LINE, (X, Y), KEY, preconditioner=divisor)
    truth = np.linalg.eigvals(HESSIAN / np.array([4.0, 1.0, 0.01, 2.0, 3.0])[:, None])
    np.testing.assert_allclose(found.largest.value, max(truth.real), rtol=1e-12)


# Stability.

CURVATURES = jnp.array([3.0, 0.7, 0.05])


def parabola(params, batch):
    return 0.5 * jnp.sum(CURVATURES * params**2)


@pytest.mark.parametrize(
    ("optimizer", "hyper"),
    [
        (train.sgd, {}),
        (train.momentum, {"decay": 0.7}),
        (train.momentum, {}),
        (train.nesterov, {"decay": 0.7}),
        (train.rmsprop, {"eps": 1e100}),
        (train.adam, {"eps": 1e100}),
        (train.adam, {"eps": 1e100, "b1": 0.5}),
        (train.adamw, {"eps": 1e100, "weight_decay": 0.0}),
    ],
)
def test_the_limit_decides_on_a_quadratic(optimizer, hyper):
    """An epsilon that dwarfs every gradient makes the divisor of Adam and RMSprop a constant."""
    limit = train.stability_limit(optimizer, {"learning_rate": 1.0, **hyper})
    divisor, start = hyper.get("eps", 1.0), jnp.ones(3)

    def growth(share):
        """From step 300 on, when Adam has forgotten that its first steps were larger."""
        rate = share * limit * divisor / 3.0
        state = train.start(parabola, start, optimizer, {"learning_rate": rate, **hyper}, KEY)
        state = train.advance(state, jnp.zeros(1), 300)
        before = jnp.linalg.norm(state.params)
        return float(jnp.linalg.norm(train.advance(state, jnp.zeros(1), 300).params) / before)

    assert growth(0.98) < 1
    assert growth(1.02) > 10


def test_the_divisor_of_adam_is_that_of_its_next_step():
    optimizer = train.adam(1.0)
    params = jnp.array([1.0, -2.0, 0.5])
    memory, squares, mean = optimizer.init(params), np.zeros(3), np.zeros(3)
    for step in range(1, 4):
        gradient = np.array([0.3, -1.0, 2.0]) * step
        update, memory = optimizer.update(jnp.asarray(gradient), memory, params)
        squares = 0.999 * squares + 0.001 * gradient**2
        mean = 0.9 * mean + 0.1 * gradient
        divisor = train.preconditioner(train.adam, {"learning_rate": 1.0}, memory)
        np.testing.assert_allclose(divisor, np.sqrt(squares / (1 - 0.999**step)) + 1e-8)
        np.testing.assert_allclose(update, -mean / (1 - 0.9**step) / np.asarray(divisor))


def test_of_an_unknown_optimizer_nothing_is_claimed():
    def mine(learning_rate):
        return train.sgd(learning_rate)

    assert train.stability_limit(mine, {"learning_rate": 0.1}) is None
    assert train.preconditioner(mine, {"learning_rate": 0.1}, ()) is None
    assert train.preconditioner(train.sgd, {"learning_rate": 0.1}, ()) is None


# Noise.


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_the_noise_scale_is_that_of_the_gradients_of_the_examples(strength):
    """A penalty shifts every gradient alike, and scatters nothing."""
    objective = train.empirical_risk(
        linear.apply, losses.squared_error, losses.l2, strength=strength
    )
    found = jax.jit(train.gradient_noise)(objective, LINE, (X, Y))
    mean = GRADIENTS.mean(axis=0)
    mean[:4] += 2 * strength * np.asarray(LINE.weights)
    trace = np.trace(np.cov(GRADIENTS.T))
    squared = mean @ mean - trace / len(X)
    np.testing.assert_allclose(found.trace, trace, rtol=1e-12)
    np.testing.assert_allclose(found.squared_norm, squared, rtol=1e-12)
    np.testing.assert_allclose(found.scale, trace / squared, rtol=1e-12)


def test_two_batch_sizes_tell_the_same_as_single_examples():
    found = train.gradient_noise(SQUARED, LINE, (X, Y))
    mean = GRADIENTS.mean(axis=0)
    small, large = float(np.mean(np.sum(GRADIENTS**2, axis=1))), float(mean @ mean)
    two = train.noise_of_batches(small, large, 1, len(X))
    for ours, theirs in zip(two, found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11)


def test_batches_of_two_sizes_have_no_bias():
    """All pairs of five gradients, drawn with replacement, are listed."""
    five = GRADIENTS[:5]
    pairs = [np.sum((a + b) ** 2) / 4 for a, b in itertools.product(five, five)]
    found = train.noise_of_batches(
        float(np.mean(np.sum(five**2, axis=1))), float(np.mean(pairs)), 1, 2
    )
    np.testing.assert_allclose(found.trace, np.sum(np.var(five, axis=0)), rtol=1e-12)
    np.testing.assert_allclose(found.squared_norm, np.sum(five.mean(axis=0) ** 2), rtol=1e-12)


def test_equal_examples_have_no_noise_and_opposite_ones_nothing_else():
    def mean(params, batch):
        return params * jnp.mean(batch)

    same = train.gradient_noise(mean, jnp.asarray(1.0), jnp.full(7, 0.1))
    assert same.trace < 1e-30
    assert same.scale < 1e-28
    opposite = train.gradient_noise(mean, jnp.asarray(1.0), jnp.array([1.0, -1.0]))
    assert opposite.scale == np.inf
    nothing = train.gradient_noise(mean, jnp.asarray(1.0), jnp.zeros(3))
    assert nothing.scale == 0.0
    with pytest.raises(ValueError, match="two examples"):
        train.gradient_noise(mean, jnp.asarray(1.0), jnp.zeros(1))


# Steps, units, features.


def test_a_step_relative_to_what_it_changes():
    params = {"a": jnp.array([3.0, 4.0]), "b": jnp.zeros(2), "c": jnp.zeros(1)}
    step = {"a": jnp.array([0.0, 0.1]), "b": jnp.ones(2), "c": jnp.zeros(1)}
    found = train.relative_update(step, params)
    np.testing.assert_allclose(found.each["a"], 0.02)
    assert found.each["b"] == np.inf
    assert found.each["c"] == 0.0
    np.testing.assert_allclose(found.whole, np.sqrt(2.01) / 5)
    np.testing.assert_allclose(train.array_norms(params)["a"], 5.0)


def test_a_unit_is_dead_only_if_no_example_wakes_it():
    sums = jnp.array([[-1.0, -1.0, 2.0, 0.0], [-3.0, 0.5, 1.0, 0.0]])
    assert train.dead_units(jnp.maximum(sums, 0)) == 0.5
    assert train.dead_units(jnp.maximum(sums, 0), tolerance=0.5) == 0.75
    saturated = 1 - jnp.tanh(jnp.array([[40.0, 0.1], [-40.0, 0.2]])) ** 2
    assert train.dead_units(saturated) == 0.5


@pytest.mark.parametrize("factor", [1e-200, 1.0, 1e200])
def test_the_spread_of_features_bounds_the_condition_number(factor):
    features = X * np.array([1.0, 1000.0, 1.0, 0.3]) * factor
    sizes = np.sqrt(np.mean((features / factor) ** 2, axis=0))
    spread = float(train.feature_spread(jnp.asarray(features)))
    np.testing.assert_allclose(spread, sizes.max() / np.median(sizes), rtol=1e-13)
    gram = (features / factor).T @ (features / factor)
    assert np.linalg.cond(gram) >= spread**2
    with_zeros = jnp.concatenate([jnp.asarray(features), jnp.zeros((60, 9))], axis=1)
    np.testing.assert_allclose(train.feature_spread(with_zeros), spread, rtol=1e-13)
    assert train.feature_spread(jnp.zeros((5, 2))) == 1.0


# Whether a gradient is that of the loss.


@jax.custom_jvp
def turned(logits, label):
    """Cross-entropy whose slope has the wrong sign in one logit."""
    return losses.softmax_cross_entropy(logits, label)


@turned.defjvp
def _(primals, tangents):
    logits, label = primals
    slope = jax.nn.softmax(logits) - jax.nn.one_hot(label, 3, dtype=logits.dtype)
    return turned(logits, label), (slope * jnp.array([1, 1, -1], logits.dtype)) @ tangents[0]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_only_a_wrong_gradient_has_a_gap(activation, dtype):
    params, batch = network(activation, dtype), (jnp.asarray(X, dtype), jnp.asarray(CLASSES))
    assert train.slope_gap(ENTROPY, params, batch, KEY) < 0.2 * diagnosis.GAP
    wrong = train.empirical_risk(mlp.apply, turned)
    assert train.slope_gap(wrong, params, batch, KEY) > 4 * diagnosis.GAP


def test_a_kink_within_reach_of_the_differences_is_no_wrong_gradient():
    def sharp(params, batch):
        return jnp.sum(jnp.abs(params))

    params = jnp.ones(32).at[0].set(2e-6)
    assert train.slope_gap(sharp, params, jnp.zeros(1), KEY) == 0


def test_a_gap_of_a_loss_without_slope_is_zero():
    def flat(params, batch):
        return 3.0 + 0 * jnp.sum(params)

    assert train.slope_gap(flat, jnp.ones(4), jnp.zeros(1), KEY) == 0


# The diagnosis.

FALLS, RISES = np.array([2.0, 1.0, 0.5]), np.array([2.0, 3.0, 2.5])


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (Readings(FALLS), Diagnosis.HEALTHY),
        (Readings(FALLS, stability=np.array([0.5, 1.2, 1.0])), Diagnosis.HEALTHY),
        (Readings(RISES, stability=np.array([0.5, 1.2, 0.1])), Diagnosis.STEP_TOO_LARGE),
        (
            Readings(np.array([2.0, 0.3, 1.0, 0.2]), stability=np.array([4.0, 0.1, 0.1, 1.0])),
            Diagnosis.STEP_TOO_LARGE,
        ),
        (
            Readings(np.array([2.0, 9.0, 0.3, 0.2]), stability=np.array([1.8, 0.1, 0.1, 0.2])),
            Diagnosis.HEALTHY,
        ),
        (Readings(np.array([2.0, 0.3, 1.0, 0.2])), Diagnosis.HEALTHY),
        (Readings(FALLS, True, stability=np.array([3.0, 1.0, 1.0])), Diagnosis.STEP_TOO_LARGE),
        (
            Readings(FALLS, dead=np.array([0.1, 0.9, 0.9]), stability=np.array([3.0, 0.0, 0.0])),
            Diagnosis.STEP_TOO_LARGE,
        ),
        (
            Readings(RISES, dead=np.array([0.9, 0.9, 0.9]), stability=np.array([3.0, 0.0, 0.0])),
            Diagnosis.DEAD_UNITS,
        ),
        (Readings(FALLS, dead=np.array([0.1, 0.3, 0.6])), Diagnosis.DEAD_UNITS),
        (Readings(RISES, feature_spread=1e3, stability=RISES), Diagnosis.UNSCALED_FEATURE),
        (Readings(RISES, slope_gap=1.0, feature_spread=1e3), Diagnosis.WRONG_GRADIENT),
        (Readings(RISES), Diagnosis.UNEXPLAINED),
        (Readings(FALLS, diverged=True), Diagnosis.UNEXPLAINED),
        (Readings(np.array([2.0, np.nan])), Diagnosis.UNEXPLAINED),
    ],
)
def test_causes_come_before_effects(readings, expected):
    assert int(train.diagnose(readings)) == expected


def test_runs_side_by_side_have_a_diagnosis_each():
    found = jax.jit(train.diagnose)(
        Readings(np.stack([[FALLS, RISES]] * 3), np.zeros((3, 2), bool), np.zeros((3, 1)))
    )
    assert found.shape == (3, 2)
    assert found[:, 0].tolist() == [Diagnosis.HEALTHY] * 3
    assert found[:, 1].tolist() == [Diagnosis.UNEXPLAINED] * 3


def test_every_diagnosis_has_a_name_and_a_remedy():
    assert set(train.NAMES) == set(train.REMEDIES) == set(Diagnosis)
