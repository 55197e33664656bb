r"""Losses of the value of one state or action against a target from the next step.

Each is half the square of the target minus the value. The target is data: what it takes is not
differentiated, so the gradient is the semi-gradient of temporal-difference learning. `discount` is
zero where the episode ends.
"""

import jax.numpy as jnp
from jax.lax import stop_gradient
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import REAL, UNIT, Box, Fixed, Integers, Simplex
from jaxmath.formula import (
    Conjugate,
    Convex,
    Formula,
    Minimizer,
    Prox,
    Smooth,
    Source,
    StronglyConvex,
)
from jaxmath.losses.duality import half_square_conjugate, half_square_prox, where_allowed
from jaxmath.typing import Label, Scalar

Values = Float[ArrayLike, " n"]


def at(values: Values, action: Label) -> Float[Array, ""]:
    """The value of one action; NaN for an index that is none."""
    values = jnp.asarray(values)
    hot = jnp.arange(values.size) == action
    return jnp.where(jnp.any(hot), jnp.sum(jnp.where(hot, values, 0.0)), jnp.nan)


def _half_square(target, value) -> Float[Array, ""]:
    return jnp.square(stop_gradient(target) - value) / 2


def _surprise(target, value) -> Float[Array, ""]:
    """The slope of half the square in the value: what was expected minus what came."""
    return value - target


def _at_action(values: Values, action: Label, slope) -> Float[Array, " n"]:
    """A slope in one entry of the values."""
    return jnp.where(jnp.arange(jnp.size(values)) == action, slope, 0.0)


def _bend(values: Values, action: Label, *others) -> Float[Array, "n n"]:
    """One in the entry of the action taken."""
    del others
    values = jnp.asarray(values)
    return jnp.diag(_at_action(values, action, jnp.ones((), values.dtype)))


def td(value: Scalar, reward: Scalar, discount: Scalar, next_value: Scalar) -> Float[Array, ""]:
    """Of a state's value against the reward plus the discounted value of the next state: TD(0)."""
    return _half_square(reward + discount * next_value, value)


def td_dvalue(
    value: Scalar, reward: Scalar, discount: Scalar, next_value: Scalar
) -> Float[Array, ""]:
    """The value minus its target."""
    return _surprise(reward + discount * next_value, jnp.asarray(value))


def _td_target(reward, discount, next_value):
    return reward + discount * next_value


TD = Formula(
    fn=td,
    domain=dict(value=REAL, reward=Fixed(REAL), discount=Fixed(UNIT), next_value=Fixed(REAL)),
    partials=dict(value=td_dvalue),
    seconds={("value", "value"): lambda value, *others: jnp.ones_like(value)},
    facts=(
        Convex("value"),
        Smooth("value", 1.0),
        StronglyConvex("value", 1.0),
        Minimizer("value", lambda value, *others: _td_target(*others)),
        Conjugate(
            "value", fn=lambda value, *others: half_square_conjugate(value, _td_target(*others))
        ),
        Prox(
            "value",
            fn=lambda step, value, *others: half_square_prox(step, value, _td_target(*others)),
        ),
    ),
    tex=r"\ell(v) = \tfrac12 (r + \gamma v' - v)^2",
    source=Source("sutton2018reinforcement", "eq. 6.2"),
    topic="M13",
)


def sarsa(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, next_action: Label,
) -> Float[Array, ""]:  # fmt: skip
    """Of an action's value against that of the action taken next."""
    return _half_square(reward + discount * at(next_values, next_action), at(values, action))


def sarsa_dvalues(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, next_action: Label,
) -> Float[Array, " n"]:  # fmt: skip
    """At the action taken, its value minus the target."""
    target = reward + discount * at(next_values, next_action)
    return _at_action(values, action, _surprise(target, at(values, action)))


_STEP = dict(
    values=Box((2,), REAL), action=Integers(0, 1), reward=Fixed(REAL), discount=Fixed(UNIT)
)
_NEXT = Fixed(Box((2,), REAL))


def _set_to(target):
    """Where the loss is least: the target in the place of the action's value."""
    return lambda values, action, *others: jnp.where(
        jnp.arange(values.size) == action, target(*others), values
    )


def _conjugate_at(target):
    """That of the half square in the slope at the action; no other slope may differ from zero."""

    def conjugate(values, action, *others):
        taken = jnp.arange(values.size) == action
        value = half_square_conjugate(at(values, action), target(*others))
        return where_allowed(value, jnp.all(taken | (values == 0)))

    return conjugate


def _prox_at(target):
    """The action's value moved towards the target."""

    def prox(step, values, action, *others):
        moved = half_square_prox(step, at(values, action), target(*others))
        return jnp.where(jnp.arange(values.size) == action, moved, values)

    return prox


def _sarsa_target(reward, discount, next_values, next_action):
    return reward + discount * at(next_values, next_action)


SARSA = Formula(
    fn=sarsa,
    domain=dict(_STEP, next_values=_NEXT, next_action=Integers(0, 1)),
    partials=dict(values=sarsa_dvalues),
    seconds={("values", "values"): _bend},
    facts=(
        Convex("values"),
        Smooth("values", 1.0),
        Minimizer("values", _set_to(_sarsa_target)),
        Conjugate("values", fn=_conjugate_at(_sarsa_target)),
        Prox("values", fn=_prox_at(_sarsa_target)),
    ),
    tex=r"\ell(q) = \tfrac12 (r + \gamma q'_{a'} - q_a)^2",
    source=Source("sutton2018reinforcement", "eq. 6.7"),
    topic="M13",
)


def expected_sarsa(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, next_policy: Values,
) -> Float[Array, ""]:  # fmt: skip
    """Of an action's value against the mean of the next ones under the policy's probabilities."""
    target = reward + discount * _mean(next_values, next_policy)
    return _half_square(target, at(values, action))


def _mean(values: Values, probabilities: Values) -> Float[Array, ""]:
    """What is impossible does not count, be its value infinite."""
    return jnp.sum(jnp.where(probabilities == 0, 0.0, values) * probabilities)


def expected_sarsa_dvalues(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, next_policy: Values,
) -> Float[Array, " n"]:  # fmt: skip
    """At the action taken, its value minus the target."""
    target = reward + discount * _mean(next_values, next_policy)
    return _at_action(values, action, _surprise(target, at(values, action)))


def _expected_target(reward, discount, next_values, next_policy):
    return reward + discount * _mean(next_values, next_policy)


EXPECTED_SARSA = Formula(
    fn=expected_sarsa,
    domain=dict(_STEP, next_values=_NEXT, next_policy=Fixed(Simplex(2))),
    partials=dict(values=expected_sarsa_dvalues),
    seconds={("values", "values"): _bend},
    facts=(
        Convex("values"),
        Smooth("values", 1.0),
        Minimizer("values", _set_to(_expected_target)),
        Conjugate("values", fn=_conjugate_at(_expected_target)),
        Prox("values", fn=_prox_at(_expected_target)),
    ),
    tex=r"\ell(q) = \tfrac12 \bigl(r + \gamma \sum_b \pi'_b q'_b - q_a\bigr)^2",
    source=Source("sutton2018reinforcement", "eq. 6.9"),
    topic="M13",
)


def q_learning(
    values: Values, action: Label, reward: Scalar, discount: Scalar, next_values: Values
) -> Float[Array, ""]:
    """Of an action's value against the largest of the next ones."""
    return _half_square(reward + discount * jnp.max(next_values), at(values, action))


def q_learning_dvalues(
    values: Values, action: Label, reward: Scalar, discount: Scalar, next_values: Values
) -> Float[Array, " n"]:
    """At the action taken, its value minus the target."""
    target = reward + discount * jnp.max(next_values)
    return _at_action(values, action, _surprise(target, at(values, action)))


def _largest_target(reward, discount, next_values):
    return reward + discount * jnp.max(next_values)


Q_LEARNING = Formula(
    fn=q_learning,
    domain=dict(_STEP, next_values=_NEXT),
    partials=dict(values=q_learning_dvalues),
    seconds={("values", "values"): _bend},
    facts=(
        Convex("values"),
        Smooth("values", 1.0),
        Minimizer("values", _set_to(_largest_target)),
        Conjugate("values", fn=_conjugate_at(_largest_target)),
        Prox("values", fn=_prox_at(_largest_target)),
    ),
    tex=r"\ell(q) = \tfrac12 (r + \gamma \max_b q'_b - q_a)^2",
    source=Source("sutton2018reinforcement", "eq. 6.8"),
    topic="M13",
)


def double_q_learning(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, selector: Values,
) -> Float[Array, ""]:  # fmt: skip
    """Of an action's value against that of the next action that the selector's values prefer."""
    return sarsa(values, action, reward, discount, next_values, jnp.argmax(selector))


def double_q_learning_dvalues(
    values: Values, action: Label, reward: Scalar, discount: Scalar,
    next_values: Values, selector: Values,
) -> Float[Array, " n"]:  # fmt: skip
    """At the action taken, its value minus the target."""
    return sarsa_dvalues(values, action, reward, discount, next_values, jnp.argmax(selector))


def _double_target(reward, discount, next_values, selector):
    return reward + discount * at(next_values, jnp.argmax(selector))


DOUBLE_Q_LEARNING = Formula(
    fn=double_q_learning,
    domain=dict(_STEP, next_values=_NEXT, selector=_NEXT),
    partials=dict(values=double_q_learning_dvalues),
    seconds={("values", "values"): _bend},
    facts=(
        Convex("values"),
        Smooth("values", 1.0),
        Minimizer("values", _set_to(_double_target)),
        Conjugate("values", fn=_conjugate_at(_double_target)),
        Prox("values", fn=_prox_at(_double_target)),
    ),
    tex=r"\ell(q) = \tfrac12 (r + \gamma q'_{\arg\max_b s_b} - q_a)^2",
    source=Source("hasselt2016deep", "eq. 4"),
    topic="M13",
)


TEMPORAL_DIFFERENCE = (TD, SARSA, EXPECTED_SARSA, Q_LEARNING, DOUBLE_Q_LEARNING)
