"""Training as state in, state out: `start`, `advance` by a number of steps, or `train` to the end.

A run is one lane. Lanes are made by `jax.vmap`, over seeds and, inside, over settings. What
lanes with one seed share, the key of the data order and the counter of steps, stays unbatched, so
that each batch is drawn and gathered once for all settings. A lane that ends, by a rule or because
a number is no longer finite, keeps its last good iterate and disturbs no other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool

from jaxmath.train.batches import Sampling, fold_in_name, order, steps_per_epoch
from jaxmath.train.stopping import NEVER, Status, Stop, is_finite, norm
from jaxmath.typing import PRNGKey

ROUND = 1024
"""Steps between two looks at whether all lanes have ended; an epoch if that is longer."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """All that a run is at one step: a pytree whose functions are static.

    Attributes:
        params: the last good iterate.
        opt_state: the optimiser's memory.
        step: the number of steps so far, one counter for all lanes.
        status: a `Status`; only RUNNING lanes move.
        stopped_at: how many updates the lane made before it ended; -1 while it runs.
        loss: the objective on the last step's batch, before that step's update; NaN at first.
        best, best_at: the least loss so far and the step at which it was measured.
        key: the key of the data order.
        objective, hyper, schedule, stop: as given to `start`.
        optimizer, batch_size, sampling: as given to `start`; static.
    """

    params: Any
    opt_state: Any
    step: Any
    status: Any
    stopped_at: Any
    loss: Any
    best: Any
    best_at: Any
    key: Any
    objective: Any
    hyper: Any
    schedule: Any
    stop: Any
    optimizer: Callable[..., Any] = field(metadata={"static": True})
    batch_size: int | None = field(metadata={"static": True})
    sampling: Sampling = field(metadata={"static": True})


def start(
    objective: Callable[..., Any],
    params,
    optimizer: Callable[..., Any],
    hyper: Mapping[str, Any],
    key: PRNGKey,
    *,
    batch_size: int | None = None,
    sampling: Sampling = "epochs",
    schedule: Callable[..., Any] | None = None,
    stop: Stop = NEVER,
) -> State:
    """A run before its first step.

    Args:
        objective: `(params, batch) -> scalar`: an `empirical_risk`, or any function.
        params: a pytree of floating-point arrays.
        optimizer: a function of hyper-parameters that returns an optax transformation.
        hyper: those hyper-parameters by name; traced, in the dtype of the parameters.
        key: the run's key; the order of the data comes from it.
        batch_size: examples a step; None for all of them, 1 for one point at a time.
        sampling: "epochs" (without replacement) or "replacement".
        schedule: `step -> factor` of `hyper["learning_rate"]`, such as a `train.Schedule`.
        stop: the stopping rules.
    """
    params = jax.tree.map(jnp.asarray, params)
    dtype = jnp.result_type(*jax.tree.leaves(params))
    hyper = {name: jnp.asarray(value, dtype) for name, value in hyper.items()}
    return State(
        params=params,
        opt_state=optimizer(**hyper).init(params),
        step=jnp.zeros((), jnp.int32),
        status=jnp.asarray(Status.RUNNING, jnp.int32),
        stopped_at=jnp.full((), -1, jnp.int32),
        loss=jnp.full((), jnp.nan, dtype),
        best=jnp.full((), jnp.inf, dtype),
        best_at=jnp.zeros((), jnp.int32),
        key=fold_in_name(key, "order"),
        objective=_as_pytree(objective),
        hyper=hyper,
        schedule=_as_pytree(schedule),
        stop=stop,
        optimizer=optimizer,
        batch_size=batch_size,
        sampling=sampling,
    )


def step(state: State, batch) -> State:
    """One step on one batch; a lane that has ended stays as it is, bit for bit."""
    loss, gradient = jax.value_and_grad(state.objective)(state.params, batch)
    loss = loss.astype(state.loss.dtype)
    hyper = state.hyper
    if state.schedule is not None:
        rate = hyper["learning_rate"]
        hyper = {**hyper, "learning_rate": rate * state.schedule(state.step).astype(rate.dtype)}
    updates, opt_state = state.optimizer(**hyper).update(gradient, state.opt_state, state.params)
    params: Any = optax.apply_updates(state.params, updates)

    stop, improved = state.stop, loss < state.best - state.stop.improvement
    best_at = jnp.where(improved, state.step, state.best_at)
    # The first that holds decides. The first three are about the iterate that the step set out
    # from, and the fourth refuses the new one: these keep the old.
    refused = [
        (~jnp.isfinite(loss), Status.NOT_FINITE_LOSS),
        (~is_finite(gradient), Status.NOT_FINITE_GRADIENT),
        *_rule(stop.gradient, lambda tol: norm(gradient) <= tol, Status.CONVERGED_GRADIENT),
        (~is_finite((params, opt_state)), Status.NOT_FINITE_UPDATE),
    ]
    accepted = [
        *_rule(
            stop.change, lambda tol: _change(params, state.params) <= tol, Status.CONVERGED_CHANGE
        ),
        *_rule(stop.patience, lambda most: state.step - best_at >= most, Status.PATIENCE),
        *_rule(stop.steps, lambda most: state.step + 1 >= most, Status.STEP_LIMIT),
    ]
    running = state.status == Status.RUNNING
    status = _first(refused + accepted)
    moves = running & (_first(refused) == Status.RUNNING)
    measured = running & jnp.isfinite(loss)

    def keep(new, old):
        return jnp.where(moves, new, old)

    return dataclasses.replace(
        state,
        params=jax.tree.map(keep, params, state.params),
        opt_state=jax.tree.map(keep, opt_state, state.opt_state),
        step=state.step + 1,
        status=jnp.where(running, status, state.status),
        stopped_at=jnp.where(
            running & (status != Status.RUNNING), state.step + moves, state.stopped_at
        ),
        loss=jnp.where(measured, loss, state.loss),
        best=jnp.where(measured & improved, loss, state.best),
        best_at=jnp.where(measured, best_at, state.best_at),
    )


@partial(jax.jit, static_argnames="steps")
def advance(state: State, data, steps: int) -> State:
    """Take `steps` steps on the data (features, targets), or on any pytree of equal first axes.

    One scan. The order of the epochs that the steps touch is drawn beforehand, so a call should
    span an epoch or more where epochs are long. Differentiable in every float of the state.
    """
    if state.batch_size is None:
        return jax.lax.scan(lambda state, _: (step(state, data), None), state, length=steps)[0]
    examples = len(jax.tree.leaves(data)[0])
    batches = order(state.key, state.step, steps, examples, state.batch_size, state.sampling)

    def one(state: State, indices) -> tuple[State, None]:
        batch = jax.tree.map(lambda array: _rows(array, indices), data)
        return step(state, batch), None

    return jax.lax.scan(one, state, batches)[0]


def train(
    objective: Callable[..., Any],
    params,
    optimizer: Callable[..., Any],
    hyper: Mapping[str, Any],
    key: PRNGKey,
    data,
    *,
    steps: int,
    batch_size: int | None = None,
    sampling: Sampling = "epochs",
    schedule: Callable[..., Any] | None = None,
    stop: Stop = NEVER,
) -> State:
    """`start`, then `advance` until a stopping rule, or `steps` steps.

    Compiled once for all values of the numbers. It ends early only when all lanes have ended.
    Use `advance` to differentiate through a run; this one has a loop of unknown length.
    """
    dtype = jnp.result_type(*jax.tree.leaves(params))
    hyper = {name: jnp.asarray(value, dtype) for name, value in hyper.items()}
    return _train(
        _as_pytree(objective), params, hyper, key, data, _as_pytree(schedule), stop,
        optimizer=optimizer, steps=steps, batch_size=batch_size, sampling=sampling,
    )  # fmt: skip


@partial(jax.jit, static_argnames=("optimizer", "steps", "batch_size", "sampling"))
def _train(
    objective, params, hyper, key, data, schedule, stop, *, optimizer, steps, batch_size, sampling
) -> State:
    limit = steps if stop.steps is None else jnp.minimum(stop.steps, steps)
    state = start(
        objective, params, optimizer, hyper, key,
        batch_size=batch_size, sampling=sampling, schedule=schedule,
        stop=stop._replace(steps=limit),
    )  # fmt: skip
    examples = len(jax.tree.leaves(data)[0])
    longest = max(ROUND, steps_per_epoch(examples, batch_size))
    rounds = max(-(-steps // longest), 1)
    length = -(-steps // rounds)
    return jax.lax.while_loop(
        lambda state: (state.step < steps) & any_lane(state.status == Status.RUNNING),
        lambda state: advance(state, data, length),
        state,
    )


@jax.custom_batching.custom_vmap
def any_lane(running: Bool[Array, ""]) -> Bool[Array, ""]:
    """Whether any lane is running: under `vmap`, one answer for all lanes.

    A loop whose condition differed between lanes would make a copy of everything for each lane,
    the key and the counter of steps too, and the sharing of batches would be lost.
    """
    return running


@any_lane.def_vmap
def _any_lane_vmap(axis_size, in_batched, running):
    del axis_size
    return any_lane(jnp.any(running, axis=0) if in_batched[0] else running), False


def axes(state: State, shared: tuple[str, ...] = ("key", "step")) -> State:
    """The `in_axes` and `out_axes` of `vmap` that leave the `shared` fields unbatched.

    By default for lanes that are settings of one seed; for lanes that are seeds, share "step".
    Within one vmapped function, `start` and `advance` share by themselves; between two calls,
    the state must come out and go in along these axes. The state may be of `jax.eval_shape`.
    """
    names = [f.name for f in dataclasses.fields(State) if not f.metadata.get("static")]
    return dataclasses.replace(state, **{name: None if name in shared else 0 for name in names})


def _as_pytree(function):
    """A function as a pytree without leaves; what is a pytree already, as it is."""
    return jax.tree_util.Partial(function) if jax.tree_util.all_leaves([function]) else function


def _rows(array, indices):
    return jnp.asarray(array).at[indices].get(mode="promise_in_bounds")


def _rule(tolerance, holds, status: Status) -> list:
    return [] if tolerance is None else [(holds(tolerance), status)]


def _first(rules) -> Array:
    conditions, statuses = zip(*rules, strict=True)
    codes = [jnp.asarray(status, jnp.int32) for status in statuses]
    return jnp.select(list(conditions), codes, jnp.asarray(Status.RUNNING, jnp.int32))


def _change(new, old):
    """The length of a step, relative to the parameters where they are longer than one."""
    return norm(jax.tree.map(jnp.subtract, new, old)) / jnp.maximum(norm(old), 1)
