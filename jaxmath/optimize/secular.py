r"""A quadratic model within a ball: the one subproblem of trust-region methods.

In the basis in which the model is a sum over coordinates, the minimum of

$$ a \cdot p + \tfrac12 \sum_i \lambda_i p_i^2, \quad |p| \le \Delta $$

is $p_i = -a_i / (\lambda_i + \mu)$ with the least $\mu \ge \max(0, -\min \lambda)$ that brings it
into the ball (Nocedal and Wright 2006, theorem 4.1). Newton's method for
$1 / |p(\mu)| = 1 / \Delta$, which is almost linear in $\mu$, finds it (ibid., eq. 4.43).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

CLOSE = 0.05
"""How near to the boundary is near enough; the radius is a guess itself."""


def within_ball(
    values: Float[Array, " n"], slopes: Float[Array, " n"], radius: Float[Array, ""]
) -> Float[Array, " n"]:
    """The minimum of the model with these curvatures and slopes among steps up to the radius."""
    least, tiny = jnp.min(values), jnp.finfo(values.dtype).tiny
    low = jnp.maximum(0, -least)
    high = low + jnp.linalg.norm(slopes) / radius
    # Where the curvature is least, mu cannot tell a slope this small from none.
    faint = jnp.abs(slopes) <= 10 * jnp.finfo(values.dtype).eps * low * radius
    pulls = jnp.where(faint & (values == least), 0, slopes)

    def step(mu):
        # A curvature of nothing, with a slope of nothing, asks for no step.
        return -pulls / jnp.maximum(values + mu, tiny)

    def unfinished(state):
        _, _, _, length, tries = state
        return (jnp.abs(length - radius) > CLOSE * radius) & (tries < 40)

    def improve(state):
        low, high, mu, length, tries = state
        p = step(mu)
        low, high = jnp.where(length > radius, mu, low), jnp.where(length > radius, high, mu)
        bend = jnp.sum(jnp.square(p) / jnp.maximum(values + mu, tiny))
        guess = mu + (length - radius) / radius * jnp.square(length) / bend
        middle = jnp.maximum(jnp.sqrt(low * high), low + 0.01 * (high - low))
        mu = jnp.where((guess > low) & (guess < high), guess, middle)
        return low, high, mu, jnp.linalg.norm(step(mu)), tries + 1

    whole = jnp.linalg.norm(step(low))
    # From the least mu the method is monotone; where that already lies inside, nothing is sought.
    start = (low, high, low, jnp.where(whole <= radius, radius, whole), 0)
    _, _, mu, _, _ = jax.lax.while_loop(unfinished, improve, start)
    p = step(mu)
    # The hard case: too short, though the curvature is negative; go on along that direction.
    missing = jnp.sqrt(jnp.maximum(jnp.square(radius) - jnp.sum(jnp.square(p)), 0))
    along = (jnp.arange(values.size) == jnp.argmin(values)) * jnp.where(slopes > 0, -1, 1)
    hard = (least < 0) & (whole <= radius)
    return p + jnp.where(hard, missing, 0) * along
