"""Small experiments made by hand, for tests of the engine: plain modules, no config file."""

from dataclasses import dataclass, field
from types import ModuleType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.config.study import Study, SweepAxis
from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Plot, Result, Table


@dataclass(frozen=True)
class Optimizer:
    name: str = "sgd"
    learning_rate: float = 0.1


@dataclass(frozen=True)
class Config:
    steps: int = 20
    noise: float = 0.1
    optimizer: Optimizer = field(default_factory=Optimizer)


class Data(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    name: str


class Params(NamedTuple):
    weights: jax.Array
    bias: jax.Array


def load(config):
    x = np.random.default_rng(0).normal(size=(32, 3))
    return Data(x, x @ np.array([1.0, -2.0, 3.0]) + 0.5, "hand-made")


def loss(params, x, y):
    return jnp.mean((y - x @ params.weights - params.bias) ** 2)


def step(config, data, key, at, params):
    """One step of gradient descent on a batch drawn by the key and the step alone."""
    rows = jax.random.permutation(jax.random.fold_in(key, at), len(data.x))[:8]
    slope = jax.grad(loss)(params, data.x[rows], data.y[rows])
    return jax.tree.map(lambda p, g: p - config.optimizer.learning_rate * g, params, slope)


def start(key):
    return Params(jax.random.normal(jax.random.fold_in(key, 1), (3,)), jnp.zeros(()))


def measure(config, data, key):
    params = jax.lax.fori_loop(
        0, config.steps, lambda at, p: step(config, data, key, at, p), start(key)
    )
    return dict(params=params, loss=loss(params, data.x, data.y))


def rounds(config):
    return config.steps // 5


def begin(config, data, key):
    return dict(key=key, step=jnp.zeros((), int), params=start(key))


def proceed(config, data, carry):
    def one(_, carry):
        params = step(config, data, carry["key"], carry["step"], carry["params"])
        return dict(carry, step=carry["step"] + 1, params=params)

    carry = jax.lax.fori_loop(0, 5, one, carry)
    return carry, dict(curve=loss(carry["params"], data.x, data.y))


def finish(config, data, carry, records):
    value = loss(carry["params"], data.x, data.y)
    return dict(params=carry["params"], loss=value, curve=records["curve"])


def judge(config, data, measured):
    claim = Claim(
        name="loss_is_finite",
        statement="The loss is a number.",
        measured=np.isfinite(measured["loss"]).any(),
        relation="true",
        expected=True,
        source="arithmetic",
        breaks_if=Fault("no loss", lambda m: {**m, "loss": np.full_like(m["loss"], np.nan)}),
    )
    table = Table(
        "ends", "Ends", {"loss": np.ravel(measured["loss"]), "kind": ["a"] * measured["loss"].size}
    )
    return Result((claim,), (table,), dict(twice=2 * measured["loss"]))


def draw(result):
    twice = np.ravel(result.series["twice"])
    lines = (Line("twice", np.arange(twice.size), twice),)
    return (Plot("twice", "Twice", "A line.", Axis("lane"), Axis("loss"), lines),)


def module(*functions, doc="Fit a plane.\n\nBy gradient descent.", **attributes) -> ModuleType:
    made = ModuleType("hand_made", doc)
    for function in functions:
        setattr(made, function.__name__, function)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


SHORT = module(load, measure, judge, draw, METRIC="loss", TOPICS=("O1",), Config=Config)
LONG = module(load, rounds, begin, proceed, finish, judge, METRIC="loss", Config=Config)


def axis(path, values):
    return SweepAxis((path,), tuple((value,) for value in values))


def study(made=SHORT, config=None, axes=(), **rest):
    return Study("fit", made, config or Config(), tuple(axes), **rest)
