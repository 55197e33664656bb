r"""Train any model by any loss on any data set, and hold what came out against what must hold.

The objective is the mean loss over a batch plus a penalty of the parameters,
$R(\theta) = \frac1n \sum_i \ell(f_\theta(x_i), y_i) + \lambda\, \Omega(\theta)$. At the start and
at the end its slope is computed twice, by hand and by automatic differentiation. Any float setting
and the seed can be swept: all runs of a sweep are one program.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt
from jax.flatten_util import ravel_pytree

from jaxmath import train
from jaxmath.config.choices import Choice, arguments, choose, target
from jaxmath.config.errors import InputError, Problem
from jaxmath.lab import datasets, train_diagnosis
from jaxmath.lab.by_hand import by_hand
from jaxmath.lab.train_result import draw, judge

__all__ = [
    "Config",
    "begin",
    "draw",
    "finish",
    "full_batch",
    "judge",
    "load",
    "proceed",
    "rounds",
    "status",
]

TOPICS = ("O2", "O5", "O6", "O10")
METRIC = ("test_loss", "train_loss")
CHECKED = 256
"""Rows on which gradients by hand and by JAX are compared: their sum is no truer over more."""
REASONS = {
    int(status): train.describe(status)
    for status in (
        train.Status.NOT_FINITE_LOSS,
        train.Status.NOT_FINITE_GRADIENT,
        train.Status.NOT_FINITE_UPDATE,
    )
}


@dataclass(frozen=True)
class Stop:
    """When a run ends before its last step; a rule that is not given is off.

    Attributes:
        gradient: where the norm of the gradient, on the step's batch, is at most this.
        change: after a step at most this long, relative to parameters longer than one.
        patience: when the loss has not improved for this many steps.
    """

    gradient: Annotated[float, Gt(0)] | None = None
    change: Annotated[float, Gt(0)] | None = None
    patience: Annotated[int, Ge(1)] | None = None


@dataclass(frozen=True)
class Config:
    """What is trained, on what, and how.

    Attributes:
        data: where the examples come from.
        model: what predicts.
        loss: what a prediction costs.
        penalty: what the parameters cost besides, the intercepts exempt.
        optimizer: how a step follows from a gradient.
        schedule: the factor of the learning rate over the run.
        steps: how many steps.
        batch_size: examples a step; 0 for all of them.
        sampling: "epochs" without replacement, or "replacement".
        records: how often the losses are recorded.
        stop: when to end early.
        diagnostics: whether sharpness, noise and the like are measured at each record, and what
            ails a run is named.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose(
            "data", "diabetes", standardize=True, split=datasets.Split(test=0.2)
        )
    )
    model: Annotated[Any, Choice("model")] = field(
        default_factory=lambda: choose("model", "linear")
    )
    loss: Annotated[Any, Choice("loss")] = field(
        default_factory=lambda: choose("loss", "squared_error")
    )
    penalty: Annotated[Any, Choice("penalty", optional=True)] = None
    optimizer: Annotated[Any, Choice("optimizer")] = field(
        default_factory=lambda: choose("optimizer", "adam", learning_rate=1.0)
    )
    schedule: Annotated[Any, Choice("schedule")] = field(
        default_factory=lambda: choose("schedule", "constant")
    )
    steps: Annotated[int, Ge(1)] = 1000
    batch_size: Annotated[int, Ge(0)] = 0
    sampling: Literal["epochs", "replacement"] = "epochs"
    records: Annotated[int, Ge(1)] = 50
    stop: Stop = field(default_factory=Stop)
    diagnostics: bool = False


def load(config: Config) -> datasets.Data:
    """Read the data, with the targets as the loss takes them.

    Raises:
        InputError: loss and data do not belong together, or the batch is larger than the data.
    """
    data = datasets.load(config.data)
    first, loss, name = _first(config), config.loss.name, config.data.name
    wanted = {"logits": ("binary", "classes"), "logit": ("binary",), "score": ("binary",)}
    if data.kind not in wanted.get(first, ("regression", "binary")):
        have = {
            "regression": "numbers as targets",
            "binary": "two classes",
            "classes": f"{len(data.class_names)} classes",
        }[data.kind]
        needs = {"logits": "classes", "logit": "two classes", "score": "two classes"}
        raise InputError(
            Problem(
                f"the loss {loss} needs {needs.get(first, 'numbers as targets')}, "
                f"and the data {name} have {have}",
                path="loss",
            )
        )
    if config.batch_size > len(data.train.targets):
        raise InputError(
            Problem(
                f"`batch_size` is {config.batch_size}, and the data {name} have "
                f"{len(data.train.targets)} rows to train on",
                path="batch_size",
            )
        )
    if config.diagnostics and len(data.train.targets) < 2:
        raise InputError(
            Problem(
                f"`diagnostics` need two rows to train on, and the data {name} have one",
                path="diagnostics",
            )
        )
    return data


def full_batch(config: Config) -> bool:
    """Whether every step reads all rows, so that they may lie over several devices."""
    return config.batch_size == 0


def rounds(config: Config) -> int:
    """How often the losses are recorded after the start."""
    return -(-config.steps // _steps_a_round(config))


def begin(config: Config, data: datasets.Data, key) -> dict[str, Any]:
    """Initial parameters, and what is measured before the first step."""
    features = data.train.features.shape[1]
    outputs = len(data.class_names) if _first(config) == "logits" else None
    init = target(config.model).init
    params = init(train.fold_in_name(key, "init"), features, outputs, **arguments(config.model))
    schedule = None
    if config.schedule.name != "constant":
        schedule = train.Schedule(target(config.schedule), config.steps, arguments(config.schedule))
    state = train.start(
        objective(config),
        params,
        target(config.optimizer),
        arguments(config.optimizer),
        key,
        batch_size=config.batch_size or None,
        sampling=config.sampling,
        schedule=schedule,
        stop=train.Stop(
            config.stop.gradient, config.stop.change, config.stop.patience, config.steps
        ),
    )
    first = record(config, data, state)
    carry = dict(state=state, first=first, start=gap(config, data, params), asked={})
    if config.diagnostics:
        carry["asked"] = train_diagnosis.at_start(
            state.objective, params, batches(config, data.train)
        )
    return carry


def proceed(config: Config, data: datasets.Data, carry) -> tuple[dict[str, Any], dict[str, Any]]:
    """Some steps, and what is measured after them."""
    state = train.advance(carry["state"], batches(config, data.train), _steps_a_round(config))
    return dict(carry, state=state), record(config, data, state)


def status(config: Config, carry) -> Any:
    """Whether a run goes on, and if not why it ended."""
    del config
    return carry["state"].status


def finish(config: Config, data: datasets.Data, carry, records) -> dict[str, Any]:
    """What a run leaves: parameters, losses over the steps and at the end, slopes, status."""
    state = carry["state"]
    gradient = jax.grad(objective(config))(state.params, batches(config, data.train))
    start, end = carry["start"], gap(config, data, state.params)
    found = {
        name: jnp.concatenate([first[None], records[name]])
        for name, first in carry["first"].items()
    }
    # A sweep may drop a run before its last round: what it ends with is what it recorded last.
    taken = state.step // _steps_a_round(config)
    measured = {name: curve[taken] for name, curve in found.items()}
    measured |= {f"{name}_curve": curve for name, curve in found.items()}
    measured |= carry["asked"]
    measured |= dict(
        params=state.params,
        gradient_norm=train.norm(gradient),
        status=state.status,
        stopped_at=state.stopped_at,
        finite=train.is_finite(state.params),
    )
    if end:
        # Near a minimum the gradient vanishes and its rounding does not, so the start is the scale.
        scale = jnp.maximum(start["norm"], end["norm"])
        gaps = jnp.stack([start["gap"], end["gap"]])
        measured["gradient_gap"] = gaps / jnp.where(scale > 0, scale, 1)
    return measured


def objective(config: Config, penalty: bool = True) -> train.Risk:
    """What the training minimises."""
    chosen: Any = config.penalty if penalty else None
    return train.empirical_risk(
        target(config.model).apply,
        target(config.loss),
        target(chosen) if chosen else None,
        loss_args=arguments(config.loss),
        strength=chosen.strength if chosen else 0.0,
    )


def record(config: Config, data: datasets.Data, state: train.State) -> dict[str, Any]:
    """What is measured at the start and after each round."""
    found = losses(config, data, state.params)
    if config.diagnostics:
        found |= train_diagnosis.at_record(state, batches(config, data.train))
    return found


def losses(config: Config, data: datasets.Data, params) -> dict[str, Any]:
    """Loss without penalty on training and test rows, and the share of misclassified ones."""
    risk = objective(config, penalty=False)
    parts = dict(train=data.train) | (dict(test=data.test) if data.test else {})
    found = {f"{name}_loss": risk(params, batches(config, rows)) for name, rows in parts.items()}
    if data.kind == "regression" or _first(config) in ("residual", "prediction"):
        return found
    for name, rows in parts.items():
        apply = target(config.model).apply
        score = jax.vmap(apply, (None, 0))(params, rows.features)
        guess = jnp.argmax(score, axis=-1) if score.ndim == 2 else score > 0
        found[f"{name}_error"] = jnp.mean(guess != rows.targets, dtype=score.dtype)
    return found


def gap(config: Config, data: datasets.Data, params) -> dict[str, Any]:
    """The gradient of the mean loss over the first rows: its norm, and by hand minus by JAX."""
    gradient = by_hand(config.model, config.loss)
    if gradient is None:
        return {}
    batch = jax.tree.map(lambda rows: rows[:CHECKED], batches(config, data.train))
    ours = ravel_pytree(gradient(params, *batch))[0]
    theirs = ravel_pytree(jax.grad(objective(config, penalty=False))(params, batch))[0]
    return dict(norm=train.norm(theirs), gap=train.norm(ours - theirs))


def batches(config: Config, rows: datasets.Rows) -> tuple[Any, Any]:
    """Features and targets as the loss takes them: numbers, class indices, {0, 1} or {-1, 1}."""
    features, targets = jnp.asarray(rows.features), jnp.asarray(rows.targets)
    if _first(config) in ("residual", "prediction"):
        return features, targets.astype(features.dtype)
    return features, 2 * targets - 1 if _first(config) == "score" else targets


def _first(config: Config) -> str:
    """What the loss calls its first argument, which says what it takes."""
    return next(iter(inspect.signature(target(config.loss)).parameters))


def _steps_a_round(config: Config) -> int:
    return -(-config.steps // min(config.records, config.steps))
