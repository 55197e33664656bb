r"""Backpropagation through a perceptron, by hand and by JAX, and training by either.

Layer $l$ computes $z_l = W_l a_{l-1} + b_l$ and $a_l = h(z_l)$. The chain rule, applied from the
last layer back, gives $\delta_l = h'(z_l) \circ W_{l+1}^\top \delta_{l+1}$ with
$\delta_l = \partial L/\partial z_l$, and with it $\partial L/\partial W_l = \delta_l a_{l-1}^\top$
and $\partial L/\partial b_l = \delta_l$, summed over the batch. The gradient of each layer is
compared with the one computed by JAX, before and after training, and along a random direction with
differences of the loss, which know of no chain rule.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from pydantic import Field

from jaxmath import losses, train
from jaxmath.config.choices import Choice, choose
from jaxmath.formula import Source
from jaxmath.lab.datasets import Split
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.models import mlp
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("C4", "C3", "M10")
METRIC = "test_accuracy"
DIFFERENCES = 2.0 ** -np.arange(7, 12)  # steps of the central differences


@dataclass(frozen=True)
class Config:
    """A data set of classes, a perceptron, and how Adam trains it.

    Attributes:
        data: examples of several classes.
        hidden: the widths of the hidden layers.
        activation: what a hidden layer applies to its sums.
        learning_rate: of Adam.
        batch_size: examples a step.
        epochs: how often training sees each example.
        steps_by_hand: steps of gradient descent taken twice, by hand and by JAX.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "digits", standardize=True, split=Split(test=0.2))
    )
    hidden: Annotated[tuple[int, ...], Field(min_length=1)] = (32, 16)
    activation: Literal["sigmoid", "tanh", "softplus", "gelu"] = "tanh"
    learning_rate: Annotated[float, Field(gt=0)] = 0.003
    batch_size: Annotated[int, Field(ge=1)] = 32
    epochs: Annotated[int, Field(ge=1)] = 30
    steps_by_hand: Annotated[int, Field(ge=10)] = 200


class Data(NamedTuple):
    """Rows to train on, and rows held out; targets are class indices."""

    features: np.ndarray
    targets: np.ndarray
    test_features: np.ndarray
    test_targets: np.ndarray
    classes: np.ndarray  # their indices


def load(config: Config) -> Data:
    """Read the rows and hold some out."""
    found = load_dataset(config.data)
    test = found.test or found.train
    classes = np.arange(len(found.class_names))
    return Data(*found.train, *test, classes)


def measure(config: Config, data: Data, key) -> dict:
    """Gradients by hand and by JAX at the start and at the end of a training."""
    init_key = train.fold_in_name(key, "init")
    features, outputs = data.features.shape[1], len(data.classes)
    start = mlp.init(
        init_key, features, outputs, hidden=config.hidden, activation=config.activation
    )
    start = jax.tree.map(lambda leaf: leaf.astype(data.features.dtype), start)
    objective = train.empirical_risk(mlp.apply, losses.softmax_cross_entropy)
    batch = (data.features, data.targets)
    steps = len(data.targets) // config.batch_size
    hyper = {"learning_rate": config.learning_rate}
    state = train.start(objective, start, train.adam, hyper, key, batch_size=config.batch_size)

    def epoch(state, _):
        state = train.advance(state, batch, steps)
        return state, report(objective, state.params, data)

    state, curves = jax.lax.scan(epoch, state, length=config.epochs)
    first = report(objective, start, data)
    curves = {name: jnp.append(first[name], values) for name, values in curves.items()}
    by_hand, by_jax = trained_twice(config, objective, start, batch, key)
    size = ravel_pytree(start)[0].shape
    direction = jax.random.normal(train.fold_in_name(key, "direction"), size, by_hand.dtype)
    direction = direction / jnp.linalg.norm(direction)
    ends = jax.tree.map(lambda *leaves: jnp.stack(leaves), start, state.params)
    return dict(
        # One layer after the other, at the start and after training.
        **jax.lax.map(lambda params: derivatives(objective, params, batch, direction), ends),
        **curves,
        epoch=jnp.arange(config.epochs + 1),
        path_by_hand=by_hand,
        path_by_jax=by_jax,
        test_accuracy=curves["test_curve"][-1],
        params=state.params,
    )


def derivatives(objective, params, batch, direction) -> dict:
    """Each layer's gradient by hand against JAX's, and the slope along a unit direction."""
    by_hand, by_jax = mlp.gradient(params, *batch), jax.grad(objective)(params, batch)

    def largest(tree):
        sizes = [[jnp.max(jnp.abs(leaf)) for leaf in layer] for layer in tree.layers]
        return jnp.asarray(sizes)

    return dict(
        gap=largest(jax.tree.map(jnp.subtract, by_hand, by_jax)),
        size=largest(by_jax),
        slope=ravel_pytree(by_hand)[0] @ direction,
        difference=differences(objective, params, batch, direction),
    )


def report(objective, params, data: Data) -> dict:
    """The loss over all training rows, and the accuracy on rows seen and held out."""

    def accuracy(features, targets):
        guesses = jnp.argmax(mlp.forward(params, features).sums[-1], axis=1)
        return jnp.mean(guesses == targets, dtype=data.features.dtype)

    return dict(
        loss_curve=objective(params, (data.features, data.targets)),
        train_curve=accuracy(data.features, data.targets),
        test_curve=accuracy(data.test_features, data.test_targets),
    )


def differences(objective, params, batch, direction):
    """Central differences along the direction, extrapolated to step zero (Richardson)."""
    flat, rebuild = ravel_pytree(params)
    steps = jnp.asarray(DIFFERENCES, flat.dtype)
    moved = jnp.concatenate([steps, -steps])
    values = jax.lax.map(lambda h: objective(rebuild(flat + h * direction), batch), moved)
    up, down = values.reshape(2, -1)
    row = (up - down) / (2 * steps)
    for order in range(1, len(DIFFERENCES)):
        row = (4.0**order * row[1:] - row[:-1]) / (4.0**order - 1)
    return row[0]


def trained_twice(config: Config, objective, start, batch, key):
    """Plain stochastic gradient descent by hand, and by JAX through the library's training."""
    rate = jnp.asarray(0.1, batch[0].dtype)
    state = train.start(
        objective, start, train.sgd, {"learning_rate": rate}, key, batch_size=config.batch_size
    )
    number = len(batch[1])
    order = train.order(state.key, state.step, config.steps_by_hand, number, config.batch_size)

    def step(params, rows):
        slope = mlp.gradient(params, jnp.asarray(batch[0])[rows], jnp.asarray(batch[1])[rows])
        return optax.apply_updates(params, jax.tree.map(lambda g: -rate * g, slope)), None

    by_hand, _ = jax.lax.scan(step, start, order)
    by_jax = train.advance(state, batch, config.steps_by_hand).params
    return ravel_pytree(by_hand)[0], ravel_pytree(by_jax)[0]


def judge(config: Config, data: Data, measured) -> Result:
    """Hold each layer's gradient against JAX's, and the training against its promise."""
    gap, size = np.asarray(measured["gap"]), np.asarray(measured["size"])
    path = np.asarray(measured["path_by_jax"])
    length = np.linalg.norm(path, axis=-1, keepdims=True)
    eps = float(np.finfo(gap.dtype).eps)
    layers = gap.shape[-2]
    claims = (
        Claim(
            name="each_layer_equals_autodiff",
            statement="In every layer, at the start and after training, the gradient by hand of "
            "weights and of biases equals the one computed by JAX.",
            measured=gap / size,
            relation="<=",
            expected=0.0,
            tolerance=1e3 * eps,  # 2e-13 in float64
            source=Source("bishop2006prml", "eq. 5.56"),
            breaks_if=Fault("one layer off by a millionth", _first_layer_off),
        ),
        Claim(
            name="slope_equals_differences",
            statement="Along a random direction the slope is that of extrapolated differences "
            "of the loss.",
            measured=np.asarray(measured["slope"]),
            relation="=",
            expected=np.asarray(measured["difference"]),
            tolerance=1e5 * eps,
            source="central differences, Richardson extrapolation",
            breaks_if=Fault("a slope off by a hundredth", _scaled("slope", 1.01)),
        ),
        Claim(
            name="training_by_hand_is_training_by_autodiff",
            statement=f"After {config.steps_by_hand} steps of stochastic gradient descent the "
            "parameters are the same by hand and by JAX.",
            measured=np.asarray(measured["path_by_hand"]) / length,
            relation="=",
            expected=path / length,
            tolerance=1e5 * eps,
            source=Source("bishop2006prml", "section 5.3"),
            breaks_if=Fault("a parameter off by a millionth", _scaled("path_by_hand", 1 + 1e-6)),
        ),
        Claim(
            name="training_lowers_the_loss",
            statement="Training brings the loss below a tenth of what it was.",
            measured=np.asarray(measured["loss_curve"])[..., -1],
            relation="<=",
            expected=np.asarray(measured["loss_curve"])[..., 0] / 10,
            source="measured at the start",
            breaks_if=Fault("the loss where it began", _stuck),
            full_only=True,
        ),
        Claim(
            name="accuracy_on_held_out_rows",
            statement="At least 95 of 100 held-out digits are recognised.",
            measured=np.asarray(measured["test_accuracy"]),
            relation=">=",
            expected=0.95,
            source="sklearn.neural_network.MLPClassifier",
            breaks_if=Fault("one in ten wrong", _scaled("test_accuracy", 0.9)),
            full_only=True,
        ),
    )
    first = gap.reshape(-1, *gap.shape[-3:])[0], size.reshape(-1, *size.shape[-3:])[0]
    table = Table(
        name="layers",
        title="Each layer's gradient, by hand against JAX",
        columns={
            "when": ["start"] * 2 * layers + ["end"] * 2 * layers,
            "layer": [1 + i // 2 for i in range(2 * layers)] * 2,
            "of": ["weights", "bias"] * 2 * layers,
            "largest entry": first[1].ravel(),
            "largest difference": first[0].ravel(),
        },
    )
    series = {
        name: np.asarray(measured[name])
        for name in ("epoch", "loss_curve", "train_curve", "test_curve")
    }
    return Result(claims, (table,), series)


def _first_layer_off(measured):
    gap = np.array(measured["gap"], float)
    gap[..., 0, 0, 0] = 1e-6 * np.asarray(measured["size"])[..., 0, 0, 0]
    return {**measured, "gap": gap}


def _scaled(name: str, factor: float):
    def plant(measured):
        return {**measured, name: np.asarray(measured[name]) * factor}

    return plant


def _stuck(measured):
    curve = np.array(measured["loss_curve"], float)
    curve[..., -1] = curve[..., 0]
    return {**measured, "loss_curve": curve}


def draw(result: Result) -> tuple[Plot, ...]:
    """The loss and the errors over the epochs."""

    def one(name):
        values = np.asarray(result.series[name])
        return values.reshape(-1, values.shape[-1])[0]

    epoch = one("epoch")
    return (
        Plot(
            name="loss",
            title="The training loss falls epoch by epoch",
            alt="The mean cross-entropy over the training rows against the epoch, on a "
            "logarithmic scale, falling.",
            x=Axis("epoch", "epochs", "linear"),
            y=Axis("mean loss", "nats", "log"),
            lines=(Line("training rows", epoch, one("loss_curve")),),
        ),
        Plot(
            name="accuracy",
            title="Held-out digits are recognised nearly as often as those seen",
            alt="The share of digits recognised against the epoch, for rows seen in training "
            "and for rows held out; both rise quickly and level off near one.",
            x=Axis("epoch", "epochs", "linear"),
            y=Axis("share recognised", "", "linear"),
            lines=(
                Line("training rows", epoch, one("train_curve")),
                Line("held-out rows", epoch, one("test_curve")),
            ),
        ),
    )
