"""Training: the batches, the objective, the loop, its ends, and lanes that share and don't."""

import functools
import math

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from jax.extend.random import threefry_2x32

from jaxmath import losses, train
from jaxmath.models import linear, mlp, softmax
from jaxmath.train import Status, Stop, batches, loop

rng = np.random.default_rng(2)
N, D = 103, 4
X = rng.normal(size=(N, D))
Y = X @ np.array([1.0, 2.0, -1.0, 0.5]) + 0.3 + 0.1 * rng.normal(size=N)
CLASSES = rng.integers(0, 3, N)
DATA = (X, Y)
KEY = jax.random.key(7)


def risk(**options):
    return train.empirical_risk(linear.apply, losses.squared_error, **options)


def zero():
    return linear.init(jax.random.key(0), D)


def fit(**options):
    """A linear regression; every argument of `train` can be replaced."""
    given = dict(
        objective=risk(), params=zero(), optimizer=train.sgd, hyper={"learning_rate": 0.1},
        key=KEY, data=DATA, steps=200, batch_size=10,
    )  # fmt: skip
    return train.train(**(given | options))


# The order of the data.

order = jax.jit(train.order, static_argnums=(2, 3, 4, 5))
shuffles = jax.jit(jax.vmap(train.shuffle, (0, None)), static_argnums=1)


def test_random_words_are_jaxs_own():
    key, low = jax.random.key(7), jnp.arange(5, dtype=jnp.uint32)
    ours = batches._words(key, low, jnp.uint32(3))
    theirs = threefry_2x32(jax.random.key_data(key), jnp.concatenate([low, jnp.full_like(low, 3)]))
    np.testing.assert_array_equal(jnp.concatenate(ours), theirs)


@pytest.mark.parametrize("size", [1, 2, 3, 32, 33, 4096, 5001])
def test_a_shuffle_is_a_permutation(size):
    first, second = np.asarray(shuffles(jax.random.split(KEY, 2), size))
    np.testing.assert_array_equal(np.sort(first), np.arange(size))
    assert size < 32 or not np.array_equal(first, second)


def test_all_orders_of_four_are_equally_likely():
    keys = jax.random.split(KEY, 24_000)
    orders = np.asarray(shuffles(keys, 4))
    counts = np.unique(orders @ [64, 16, 4, 1], return_counts=True)[1]
    assert len(counts) == 24
    assert scipy.stats.chisquare(counts).pvalue > 1e-6


def test_every_place_is_equally_likely_after_two_passes():
    orders = np.asarray(shuffles(jax.random.split(KEY, 2000), 2048))
    for element in (0, 1234, 2047):
        places = np.argmax(orders == element, axis=1)
        counts = np.histogram(places, bins=16, range=(0, 2048))[0]
        assert scipy.stats.chisquare(counts).pvalue > 1e-6


def test_an_epoch_sees_no_example_twice_and_each_epoch_anew():
    epochs = np.asarray(order(KEY, jnp.asarray(0), 30, N, 10)).reshape(3, 100)
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 100
    assert not np.array_equal(epochs[0], epochs[1])
    left_out = [set(range(N)) - set(epoch.tolist()) for epoch in epochs]
    assert left_out[0] != left_out[1]


@pytest.mark.parametrize("sampling", ["epochs", "replacement"])
@pytest.mark.parametrize("batch_size", [1, 10, 103])
def test_the_order_depends_on_the_step_alone(sampling, batch_size):
    whole = np.asarray(order(KEY, jnp.asarray(0), 250, N, batch_size, sampling))
    assert whole.shape == (250, batch_size)
    part = jax.jit(lambda first: order(KEY, first, 60, N, batch_size, sampling))
    for first in (0, 9, 37, 102, 103, 190):
        np.testing.assert_array_equal(part(first), whole[first : first + 60])


def test_with_replacement_every_example_is_equally_likely():
    batches = np.asarray(order(KEY, jnp.asarray(0), 3000, 11, 7, "replacement"))
    assert scipy.stats.chisquare(np.bincount(batches.ravel(), minlength=11)).pvalue > 1e-6
    assert any(len(set(batch.tolist())) < 7 for batch in batches)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"batch_size": 0}, "got 0"), ({"batch_size": 104}, "103 examples")],
)
def test_what_cannot_be_drawn_is_said(options, word):
    with pytest.raises(ValueError, match=word):
        fit(**options)


# The objective.


def test_the_risk_is_the_formula():
    params = linear.Params(jnp.arange(1.0, 5.0), jnp.asarray(0.5))
    residual = Y - X @ np.arange(1.0, 5.0) - 0.5
    np.testing.assert_allclose(risk()(params, DATA), np.mean(residual**2), rtol=1e-14)
    tilted = train.empirical_risk(linear.apply, losses.pinball, loss_args={"quantile": 0.9})
    expected = np.mean(np.where(residual > 0, 0.9 * residual, -0.1 * residual))
    np.testing.assert_allclose(tilted(params, DATA), expected, rtol=1e-14)


def test_a_penalty_spares_the_intercepts_unless_asked():
    params = mlp.init(KEY, D, 3, hidden=(5,))
    params = jax.tree.map(lambda leaf: leaf + 1.0, params)
    weights = sum(np.sum(np.square(layer.weights)) for layer in params.layers)
    everything = weights + sum(np.sum(np.square(layer.bias)) for layer in params.layers)
    plain = train.empirical_risk(mlp.apply, losses.softmax_cross_entropy)
    data = (X, CLASSES)
    for exempt, total in ((("bias",), weights), ((), everything)):
        penalised = train.empirical_risk(
            mlp.apply, losses.SOFTMAX_CROSS_ENTROPY, losses.l2, strength=0.3, exempt=exempt
        )
        np.testing.assert_allclose(
            penalised(params, data), plain(params, data) + 0.3 * total, rtol=1e-13
        )


def test_a_risk_built_again_is_the_same_to_the_compiler():
    first, second = (risk(penalty=losses.l2, strength=value) for value in (0.1, 0.2))
    assert jax.tree.structure(first) == jax.tree.structure(second)
    assert jax.tree.structure(first) != jax.tree.structure(risk())


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"shape \(1,\).*shape \(\)"):
        risk()(linear.init(KEY, D, 1), DATA)


def test_a_loss_says_by_its_first_argument_what_it_takes():
    def my_loss(prediction, target):
        return prediction - target

    with pytest.raises(ValueError, match="that of my_loss is prediction"):
        train.empirical_risk(linear.apply, my_loss)


# The loop.


def numpy_sgd(rate, batches, w=None, b=0.0):
    w = np.zeros(D) if w is None else w
    for batch in batches:
        residual = Y[batch] - X[batch] @ w - b
        w, b = w + 2 * rate * residual @ X[batch] / len(batch), b + 2 * rate * residual.mean()
    return w, b


@pytest.mark.parametrize("sampling", ["epochs", "replacement"])
@pytest.mark.parametrize("batch_size", [1, 10, None])
def test_stochastic_gradient_descent_is_that_of_numpy(sampling, batch_size):
    state = fit(batch_size=batch_size, sampling=sampling, steps=250, hyper={"learning_rate": 0.02})
    if batch_size is None:
        batches = np.broadcast_to(np.arange(N), (250, N))
    else:
        batches = np.asarray(order(state.key, jnp.asarray(0), 250, N, batch_size, sampling))
    w, b = numpy_sgd(0.02, batches)
    np.testing.assert_allclose(state.params.weights, w, rtol=1e-12)
    np.testing.assert_allclose(state.params.bias, b, rtol=1e-12)
    before = numpy_sgd(0.02, batches[:-1])
    last = batches[-1]
    expected = np.mean((Y[last] - X[last] @ before[0] - before[1]) ** 2)
    np.testing.assert_allclose(state.loss, expected, rtol=1e-10)
    assert (int(state.status), int(state.stopped_at)) == (Status.STEP_LIMIT, 250)


@pytest.mark.parametrize("optimizer", [train.sgd, train.adam], ids=lambda f: f.__name__)
def test_steps_taken_in_parts_are_the_same_steps(optimizer):
    state = train.start(risk(), zero(), optimizer, {"learning_rate": 0.01}, KEY, batch_size=10)
    whole = train.advance(state, DATA, 60)
    parts = train.advance(train.advance(state, DATA, 23), DATA, 37)
    chex.assert_trees_all_equal(whole.params, parts.params)
    chex.assert_trees_all_equal(whole.opt_state, parts.opt_state)
    assert int(parts.step) == 60
    assert int(parts.status) == Status.RUNNING
    assert float(whole.best) < float(jnp.var(Y))


def test_a_plain_function_is_an_objective_too():
    def objective(params, batch):
        return jnp.mean(jnp.square(batch[1] - batch[0] @ params["w"]))

    state = fit(objective=objective, params={"w": np.zeros(D)}, steps=50)
    assert float(state.loss) < 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_keeps_the_dtype_of_the_parameters(dtype):
    params = jax.tree.map(lambda leaf: leaf.astype(dtype), zero())
    data = (X.astype(dtype), Y.astype(dtype))
    schedule = train.Schedule(train.schedules.cosine, 100)
    for optimizer in train.OPTIMIZERS:
        given = dict(
            params=params, data=data, optimizer=optimizer, schedule=schedule, steps=30,
            hyper={"learning_rate": np.float64(0.01)},
            objective=risk(penalty=losses.l2, strength=np.float64(0.1)),
            stop=Stop(gradient=1e-9, change=1e-12, patience=50),
        )  # fmt: skip
        state = jax.eval_shape(functools.partial(fit, **given))
        for leaf in jax.tree.leaves((state.params, state.loss, state.hyper)):
            assert leaf.dtype == dtype


def test_a_run_can_be_differentiated():
    """On L = h x^2 / 2, x_k = (1 - eta h)^k x_0 and dx_k / d eta = -k h (1 - eta h)^(k-1) x_0."""

    def end(rate):
        state = train.start(
            lambda x, batch: batch[0][0] * x**2 / 2, 3.0, train.sgd, {"learning_rate": rate}, KEY
        )
        return train.advance(state, (np.array([0.7]), np.zeros(1)), 9).params

    truth = -9 * 0.7 * (1 - 0.07) ** 8 * 3
    for derivative in (jax.grad, jax.jacfwd):
        np.testing.assert_allclose(derivative(end)(0.1), truth, rtol=1e-13)


# Its ends.


def test_the_gradient_rule_stops_where_numpy_says():
    rate, tolerance = 0.1, 1e-6
    state = fit(
        batch_size=None, steps=5000, stop=Stop(gradient=tolerance), hyper={"learning_rate": rate}
    )
    design = np.column_stack([X, np.ones(N)])
    theta, k = np.zeros(D + 1), 0
    while np.linalg.norm(gradient := -2 * design.T @ (Y - design @ theta) / N) > tolerance:
        theta, k = theta - rate * gradient, k + 1
    assert int(state.status) == Status.CONVERGED_GRADIENT
    assert int(state.stopped_at) == k
    np.testing.assert_allclose(state.params.weights, theta[:-1], rtol=1e-12)
    assert int(state.step) < 5000  # it did not run to the end


def test_the_change_rule_stops_after_the_first_small_step():
    def objective(x, batch):
        del batch
        return 0.5 * x**2

    state = fit(
        objective=objective, params=64.0, hyper={"learning_rate": 0.5}, batch_size=None,
        stop=Stop(change=0.25),
    )  # fmt: skip
    # 64, 32, ... halve: the step 1 -> 0.5 has length 0.5 > 0.25, the step 0.5 -> 0.25 has not.
    assert int(state.status) == Status.CONVERGED_CHANGE
    assert float(state.params) == 0.25
    assert int(state.stopped_at) == 8


def test_patience_counts_from_the_best_loss():
    # The loss of step k is the k-th number: best at step 3, then never better by more than 0.1.
    curve = jnp.asarray([5.0, 4.0, 3.0, 2.0, 2.5, 1.95, 2.2, 2.2, 2.2, 2.2, 2.2, 0.0])

    def objective(x, batch):
        """The curve at x, with slope -1: each step of rate one goes on to the next number."""
        del batch
        return jax.lax.stop_gradient(curve[jnp.round(x).astype(int)] + x) - x

    state = fit(
        objective=objective,
        params=0.0, hyper={"learning_rate": 1.0}, batch_size=None, steps=12,
        stop=Stop(patience=4, improvement=0.1),
    )  # fmt: skip
    assert int(state.status) == Status.PATIENCE
    assert (float(state.best), int(state.best_at)) == (2.0, 3)
    assert int(state.stopped_at) == 8  # the eighth step measured the fourth loss after the best


def not_finite_loss(x, batch):
    return jnp.log(1.5 - x) + 0 * batch[1][0]


def not_finite_gradient(x, batch):
    return jnp.sqrt(jnp.maximum(2 - x, 0.0)) * 0 - x + 0 * batch[1][0]


def not_finite_update(x, batch):
    return -jnp.where(x > 1.5, 1e300, 2e-30) * x + 0 * batch[1][0]


@pytest.mark.parametrize(
    ("objective", "rate", "status", "kept", "updates"),
    [
        (not_finite_loss, 1.0, Status.NOT_FINITE_LOSS, 2 / 3 + 6 / 5, 2),
        (not_finite_gradient, 1.0, Status.NOT_FINITE_GRADIENT, 2.0, 2),
        (not_finite_update, 1e30, Status.NOT_FINITE_UPDATE, 2.0, 1),
    ],
)
def test_a_lane_that_is_not_finite_says_when_and_why(objective, rate, status, kept, updates):
    state = fit(
        objective=objective, params=0.0, hyper={"learning_rate": rate}, batch_size=None, steps=9
    )
    assert int(state.status) == status
    assert int(state.stopped_at) == updates
    np.testing.assert_allclose(state.params, kept, rtol=1e-12)
    assert np.isfinite(state.loss)
    assert "diverged" in train.describe(state.status, state.stopped_at)
    assert f"at step {updates}" in train.describe(state.status, state.stopped_at)


def test_an_optimizer_memory_that_overflows_is_noticed():
    """Adam's mean square of 1e200 is infinite: its step would be zero for ever after."""
    state = fit(
        objective=lambda x, batch: 1e200 * x, params=1.0, optimizer=train.adam, batch_size=None
    )
    assert int(state.status) == Status.NOT_FINITE_UPDATE


def test_every_status_has_a_sentence():
    sentences = [train.describe(status) for status in Status]
    assert len(set(sentences)) == len(Status)


# Lanes.

RATES = np.geomspace(1e-3, 0.3, 13)


def trained(rate, key=KEY, **options):
    return fit(hyper={"learning_rate": rate}, key=key, steps=150, **options)


def test_each_lane_is_the_run_alone():
    keys = jax.random.split(KEY, 3)
    sweep = jax.jit(jax.vmap(jax.vmap(trained, (0, None)), (None, 0)))(jnp.asarray(RATES), keys)
    assert sweep.params.weights.shape == (3, 13, D)
    for seed, setting in ((0, 0), (0, 12), (1, 5), (2, 12), (2, 7)):
        alone = trained(RATES[setting], keys[seed])
        np.testing.assert_allclose(
            sweep.params.weights[seed, setting], alone.params.weights, rtol=1e-12
        )
        np.testing.assert_allclose(sweep.loss[seed, setting], alone.loss, rtol=1e-12)


def test_each_lane_stops_by_itself():
    stop = Stop(gradient=1e-5)
    sweep = jax.vmap(lambda rate: trained(rate, batch_size=None, stop=stop))(jnp.asarray(RATES))
    for setting in range(len(RATES)):
        alone = trained(RATES[setting], batch_size=None, stop=stop)
        assert int(sweep.status[setting]) == int(alone.status)
        assert int(sweep.stopped_at[setting]) == int(alone.stopped_at)
        np.testing.assert_allclose(sweep.params.weights[setting], alone.params.weights, rtol=1e-12)
    assert len(set(np.asarray(sweep.status).tolist())) == 2
    assert len(set(np.asarray(sweep.stopped_at).tolist())) > 3


@pytest.mark.parametrize("optimizer", train.OPTIMIZERS, ids=lambda f: f.__name__)
def test_a_lane_that_diverges_disturbs_no_other(optimizer):
    sweep = jax.jit(jax.vmap(lambda rate: trained(rate, optimizer=optimizer)))
    wild, calm = RATES.copy(), RATES.copy()
    # A step of RMSprop or Adam is about as long as the rate, so only the largest rates overflow.
    wild[4] = 1e308 if optimizer.__name__ in ("rmsprop", "adam", "adamw") else 1e30
    wild, calm = sweep(jnp.asarray(wild)), sweep(jnp.asarray(calm))
    others = np.arange(len(RATES)) != 4
    for found, expected in zip(
        jax.tree.leaves((wild.params, wild.opt_state, wild.loss, wild.status)),
        jax.tree.leaves((calm.params, calm.opt_state, calm.loss, calm.status)),
        strict=True,
    ):
        np.testing.assert_array_equal(np.asarray(found)[others], np.asarray(expected)[others])
    assert Status(int(wild.status[4])).name.startswith("NOT_FINITE")
    assert 0 <= int(wild.stopped_at[4]) < 20
    assert np.all(np.isfinite(wild.params.weights))


def equations(jaxpr):
    """Every equation of a jaxpr and of what it contains."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            for inner in jax.tree.leaves(value, is_leaf=lambda v: hasattr(v, "eqns")):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from equations(inner)


ORDERING = ("sort", "random_bits", "random_fold_in", "random_split", "threefry2x32")


def batched_over(size, function, *args):
    """The names of operations that draw or gather data and have an axis of this size."""
    found = []
    for equation in equations(jax.make_jaxpr(function)(*args).jaxpr):
        name = equation.primitive.name
        rows = name == "gather" and equation.outvars[0].aval.shape[-2:] in ((10, D), (10,))
        if name in ORDERING or rows or (name == "gather" and equation.outvars[0].aval.ndim == 1):
            shape = equation.outvars[0].aval.shape
            found.append((name, size in shape))
    names = {name for name, _ in found}
    assert {"sort", "gather"} <= names, names
    return {name for name, batched in found if batched}


def test_settings_of_one_seed_share_their_batches():
    rates = jnp.asarray(RATES)
    assert batched_over(13, jax.vmap(trained), rates) == set()
    # The check sees what it should: with a key for each setting, everything is drawn 13 times.
    keys = jax.random.split(KEY, 13)
    assert batched_over(13, jax.vmap(trained), rates, keys) >= {"sort", "gather"}


def test_between_two_calls_axes_keep_the_sharing():
    def begin(rate, key):
        hyper = {"learning_rate": rate}
        return train.start(risk(), zero(), train.sgd, hyper, key, batch_size=10)

    one = jax.eval_shape(begin, 0.1, KEY)
    settings, seeds = train.axes(one), train.axes(one, ("step",))
    keys = jax.random.split(KEY, 3)
    states = jax.vmap(jax.vmap(begin, (0, None), out_axes=settings), (None, 0), out_axes=seeds)(
        jnp.asarray(RATES), keys
    )
    assert states.key.shape == (3,)
    assert states.step.shape == ()

    def proceed(state):
        return train.advance(state, DATA, 25)

    by_settings = jax.vmap(proceed, (settings,), out_axes=settings)
    both = jax.vmap(by_settings, (seeds,), out_axes=seeds)
    assert batched_over(13, both, states) == set()
    for _ in range(2):
        states = both(states)
    alone = begin(RATES[5], keys[1])
    alone = train.advance(train.advance(alone, DATA, 25), DATA, 25)
    np.testing.assert_allclose(states.params.weights[1, 5], alone.params.weights, rtol=1e-12)


# Compiled once.


def test_ten_learning_rates_are_traced_once(monkeypatch):
    once = chex.assert_max_traces(loop._train.__wrapped__, n=1)
    static = ("optimizer", "steps", "batch_size", "sampling")
    monkeypatch.setattr(loop, "_train", jax.jit(once, static_argnames=static))
    ends = set()
    for rate in np.geomspace(0.01, 0.1, 10):
        objective = train.empirical_risk(
            linear.apply, losses.huber, losses.l2, loss_args={"delta": 10 * rate}, strength=rate
        )
        ends.add(float(fit(objective=objective, hyper={"learning_rate": float(rate)}).loss))
    assert len(ends) == 10
    with pytest.raises(AssertionError, match="traced"):
        fit(steps=7)


def test_advance_is_traced_once():
    traces = []

    def apply(params, x):
        traces.append(1)
        return linear.apply(params, x)

    counts = []
    for rate in np.geomspace(0.01, 0.1, 10):
        objective = train.empirical_risk(apply, losses.squared_error)
        hyper = {"learning_rate": rate}
        state = train.start(objective, zero(), train.adam, hyper, KEY, batch_size=10)
        for _ in range(2):
            state = train.advance(state, DATA, 20)
        counts.append(len(traces))
    assert len(set(counts)) == 1


# Small parts.


@pytest.mark.parametrize("schedule", train.SCHEDULES, ids=lambda f: f.__name__)
def test_schedules_are_factors(schedule):
    progress = np.linspace(0, 1, 201)
    factor = np.asarray(schedule(progress))
    assert np.all((factor >= 0) & (factor <= 1))
    assert np.max(np.abs(np.diff(factor))) < 0.06
    assert factor[0] == (0 if schedule.__name__ == "warmup_cosine" else 1)
    for point in (0.0, 1.0):
        assert np.isfinite(jax.grad(schedule)(point))


def test_schedules_are_what_they_say():
    s = train.schedules
    np.testing.assert_allclose(s.linear(0.25, 0.2), 0.8)
    np.testing.assert_allclose(s.cosine(0.5, 0.2), 0.6)
    np.testing.assert_allclose(s.exponential(0.5, 0.01), 0.1)
    np.testing.assert_allclose(s.inverse_time(0.5, 8.0), 0.2)
    np.testing.assert_allclose(s.warmup_cosine(0.1, 0.2), 0.5)
    np.testing.assert_allclose(s.warmup_cosine(0.6, 0.2, 0.2), 0.6)


def test_a_schedule_scales_the_learning_rate():
    schedule = train.Schedule(train.schedules.linear, 4, {"final": 0.5})
    state = fit(
        objective=lambda x, batch: x, params=0.0, hyper={"learning_rate": 1.0}, batch_size=None,
        schedule=schedule, steps=6,
    )  # fmt: skip
    np.testing.assert_allclose(state.params, -(1 + 0.875 + 0.75 + 0.625 + 0.5 + 0.5), rtol=1e-15)


def test_the_norm_neither_overflows_nor_hides_what_is_not_finite():
    tree = (jnp.asarray([3e200, 0.0]), {"b": jnp.asarray(-4e200)})
    np.testing.assert_allclose(train.norm(tree), 5e200, rtol=1e-15)
    np.testing.assert_allclose(train.norm(jnp.asarray([3e-200, 4e-200])), 5e-200, rtol=1e-15)
    assert float(train.norm(jnp.zeros(3))) == 0
    assert math.isnan(train.norm(jnp.asarray([1.0, np.nan])))
    assert math.isinf(train.norm(jnp.asarray([1.0, -np.inf])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_is_decided_entry_by_entry(dtype):
    largest = np.finfo(dtype).max
    for values in ([largest] * 1000, [-largest, largest, 0.0], [np.finfo(dtype).tiny], []):
        assert bool(train.is_finite((np.zeros(2, dtype), jnp.asarray(values, dtype))))
    for bad in (np.nan, np.inf, -np.inf):
        for index in (0, 500, 999):
            values = np.full(1000, largest)
            values[index] = bad
            assert not bool(train.is_finite((np.zeros(2, dtype), jnp.asarray(values))))
    assert not bool(train.is_finite(jnp.asarray([np.inf, -np.inf], dtype)))
    assert bool(train.is_finite(jnp.asarray([2**31 - 1], jnp.int32)))


def test_softmax_regression_trains_on_labels():
    params = softmax.init(KEY, D, 3)
    labels = np.argmax(X[:, :3], axis=1)
    state = fit(
        objective=train.empirical_risk(softmax.apply, losses.softmax_cross_entropy),
        params=params, optimizer=train.adam, data=(X, labels), steps=300,
    )  # fmt: skip
    logits = X @ np.asarray(state.params.weights).T + np.asarray(state.params.bias)
    assert np.mean(np.argmax(logits, axis=1) == labels) > 0.95
    best = -scipy.special.log_softmax(logits, axis=1)[np.arange(N), labels].mean()
    assert best < 0.3
