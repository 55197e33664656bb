r"""A line search by a filter: a step has to lower the violation, or the objective, enough.

Pairs (violation, value) of points that were left are kept, and a trial that is no better than one
of them in either is refused (Fletcher and Leyffer 2002). Where the violation is small and the step
promises a decrease of the value, Armijo's condition decides (Wachter and Biegler 2006, algorithm A,
whose constants these are).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

ENTRIES = 64
THETA, PHI, ARMIJO = 1e-5, 1e-8, 1e-8
"""The share by which the violation must fall, the value (of the violation), and of its slope."""


class Filter(NamedTuple):
    """The pairs that refuse what they dominate, and how many there were."""

    violations: Any
    values: Any
    count: Any
    most: Any  # violations beyond this are refused
    little: Any  # below this Armijo's condition may decide


def empty(violation) -> Filter:
    """A filter for a search that begins with such a violation."""
    none = jnp.full(ENTRIES, jnp.inf, violation.dtype)
    one = jnp.maximum(1, violation)
    return Filter(none, none, jnp.asarray(0), 1e4 * one, 1e-4 * one)


def cleared(given: Filter) -> Filter:
    """The filter without its pairs."""
    none = jnp.full_like(given.values, jnp.inf)
    return given._replace(violations=none, values=none, count=jnp.asarray(0))


def augmented(given: Filter, violation, value) -> Filter:
    """With the pair of a point that is left."""
    place = given.count % ENTRIES
    return given._replace(
        violations=given.violations.at[place].set((1 - THETA) * violation),
        values=given.values.at[place].set(value - PHI * violation),
        count=given.count + 1,
    )


def allows(given: Filter, violation, value):
    """Whether no pair refuses the point."""
    worse = (violation >= given.violations) & (value >= given.values)
    return (violation <= given.most) & ~jnp.any(worse)


def promising(given: Filter, violation, slope, length):
    """Whether the decrease that a step promises is large beside the violation (eq. 19)."""
    enough = length * jnp.maximum(-slope, 0) ** 2.3 > violation**1.1
    return (slope < 0) & enough & (violation <= given.little)


def better(given: Filter, here, there, slope, length):
    """Whether a trial point is enough of an improvement; pairs are (violation, value)."""
    violation, value = here
    rounding = 10 * jnp.finfo(value.dtype).eps * jnp.abs(value)
    armijo = there[1] <= value + ARMIJO * length * slope + rounding
    either = (there[0] <= (1 - THETA) * violation) | (
        there[1] <= value - PHI * violation + rounding
    )
    finite = jnp.isfinite(there[0]) & jnp.isfinite(there[1])
    enough = jnp.where(promising(given, violation, slope, length), armijo, either)
    return finite & enough


def shortest(given: Filter, violation, slope):
    """A length below which no trial can succeed (eq. 23)."""
    fall = jnp.where(slope < 0, -slope, 1)
    by_value = jnp.where(slope < 0, PHI * violation / fall, 1)
    by_both = jnp.where(
        (slope < 0) & (violation <= given.little), violation**1.1 / fall**2.3, by_value
    )
    return 0.05 * jnp.minimum(THETA, jnp.minimum(by_value, by_both))
