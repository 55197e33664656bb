r"""Decisions under uncertainty: what an action costs on average, and what knowledge is worth.

States lie along the last axis of a belief. A loss table has a row for each action and a column for
each state.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Integer

from jaxmath.domains import NONNEGATIVE, UNIT
from jaxmath.formula import Formula, Increasing, Source
from jaxmath.typing import Real


def expected_loss(losses: Real, belief: Real) -> Float[Array, "... actions"]:
    """What each action costs on average; a state that is ruled out costs nothing."""
    losses, belief = jnp.asarray(losses), jnp.asarray(belief)[..., None, :]
    shape = jnp.broadcast_shapes(losses.shape, belief.shape)
    losses, belief = jnp.broadcast_to(losses, shape), jnp.broadcast_to(belief, shape)
    return jnp.sum(jnp.where(belief == 0, 0.0, belief * losses), axis=-1)


def optimal_action(losses: Real, belief: Real) -> Integer[Array, "..."]:
    """The action of least expected loss, the first of several."""
    return jnp.argmin(expected_loss(losses, belief), axis=-1)


def bayes_risk(losses: Real, belief: Real) -> Float[Array, "..."]:
    """The expected loss of the optimal action: concave in the belief."""
    return jnp.min(expected_loss(losses, belief), axis=-1)


def value_of_perfect_information(losses: Real, belief: Real) -> Float[Array, "..."]:
    """How much less it costs on average to know the state before acting; never negative.

    As the least expected regret, so that it is exactly zero where one action is always right.
    """
    losses = jnp.asarray(losses)
    return bayes_risk(losses - jnp.min(losses, axis=-2, keepdims=True), belief)


def value_of_information(losses: Real, belief: Real, likelihood: Real) -> Float[Array, "..."]:
    """How much less it costs on average to see an observation before acting; never negative.

    The likelihood has a row for each outcome of the observation, its probability in each state.
    """
    belief, likelihood = jnp.asarray(belief), jnp.asarray(likelihood)
    shape = jnp.broadcast_shapes(likelihood.shape, belief[..., None, :].shape)
    # (..., outcomes, states)
    joint = jnp.broadcast_to(likelihood, shape) * jnp.broadcast_to(belief[..., None, :], shape)
    return bayes_risk(losses, belief) - jnp.sum(bayes_risk(losses, joint), axis=-1)


def expected_revenue(chance: Real, worth: Real) -> Float[Array, "..."]:
    """What an advertisement earns on average: the chance of a click times what a click is worth.

    It is also the bid for one showing that is best in a second-price auction, whatever others bid.
    """
    return jnp.asarray(chance) * jnp.asarray(worth)


def second_price_profit(bid: Real, worth: Real, rival: Real) -> Float[Array, "..."]:
    """What a showing of that worth brings in a second-price auction against the highest rival bid.

    The worth less the rival's bid if one's own is higher, else nothing.
    """
    bid, worth, rival = jnp.asarray(bid), jnp.asarray(worth), jnp.asarray(rival)
    return jnp.where(bid > rival, worth - rival, 0.0)


DECISIONS = (
    Formula(
        fn=expected_revenue,
        domain=dict(chance=UNIT, worth=NONNEGATIVE),
        partials=dict(
            chance=lambda chance, worth: worth + 0.0 * chance,
            worth=lambda chance, worth: chance + 0.0 * worth,
        ),
        seconds={
            ("chance", "chance"): lambda chance, worth: 0.0 * chance * worth,
            ("chance", "worth"): lambda chance, worth: 1.0 + 0.0 * chance * worth,
            ("worth", "worth"): lambda chance, worth: 0.0 * chance * worth,
        },
        facts=(Increasing("chance"), Increasing("worth")),
        tex=r"\operatorname{E} = p v",
        source=Source("edelman2007internet"),
        topic="P15",
    ),
)
