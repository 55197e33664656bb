r"""Targets of values over a trajectory that another policy has walked: Retrace and V-trace.

All are arrays over its t steps; `discounts` are zero where an episode ends. The targets are data:
nothing is differentiated.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Float

from jaxmath.typing import Scalar

Steps = Float[ArrayLike, " t"]


def _accumulated(errors: Float[Array, " t"], factors: Float[Array, " t"]) -> Float[Array, " t"]:
    """Each error plus the factor of its step times what is accumulated from the next on."""

    def step(later, here):
        error, factor = here
        total = error + factor * later
        return total, total

    _, sums = lax.scan(step, jnp.zeros((), errors.dtype), (errors, factors), reverse=True)
    return sums


def vtrace(
    values: Steps, next_values: Steps, rewards: Steps, discounts: Steps, ratios: Steps,
    lambda_: Scalar = 1.0, clip: Scalar = 1.0, trace_clip: Scalar = 1.0,
) -> Float[Array, " t"]:  # fmt: skip
    r"""The V-trace targets of the values of the states (Espeholt et al., IMPALA, ICML 2018, eq. 1).

    `ratios` are the probabilities of the actions under the target policy over those under the
    policy that took them. With $\rho_t$ and $c_t$ the ratios clipped from above,
    $v_t = V_t + \sum_{k \ge t} (\prod_{t \le i < k} \gamma_i \lambda c_i)\, \rho_k (r_k +
    \gamma_k V_{k+1} - V_k)$. The advantage of a step is
    $\rho_t (r_t + \gamma_t v_{t+1} - V_t)$.
    """
    values, discounts, ratios = (1.0 * jnp.asarray(a) for a in (values, discounts, ratios))
    errors = jnp.asarray(rewards) + discounts * next_values - values
    traces = jnp.asarray(lambda_) * jnp.minimum(ratios, trace_clip)
    targets = values + _accumulated(jnp.minimum(ratios, clip) * errors, discounts * traces)
    return lax.stop_gradient(targets)


def retrace(
    values: Steps, next_values: Steps, rewards: Steps, discounts: Steps, ratios: Steps,
    lambda_: Scalar = 1.0,
) -> Float[Array, " t"]:  # fmt: skip
    r"""The Retrace targets of the values of actions (Munos et al., NeurIPS 2016, eq. 3).

    `values` are those of the actions taken, `next_values` the mean value of the next state under
    the target policy, `ratios` as for `vtrace`. With $c_t = \lambda \min(1, \text{ratio}_t)$,
    $q_t = Q_t + \sum_{k \ge t} (\prod_{t < i \le k} \gamma_{i-1} c_i)\, (r_k + \gamma_k
    \bar Q_{k+1} - Q_k)$.
    """
    values, discounts, ratios = (1.0 * jnp.asarray(a) for a in (values, discounts, ratios))
    errors = jnp.asarray(rewards) + discounts * next_values - values
    traces = jnp.asarray(lambda_) * jnp.minimum(ratios, 1.0)
    following = jnp.concatenate([traces[1:], jnp.zeros(1, traces.dtype)])
    return lax.stop_gradient(values + _accumulated(errors, discounts * following))
