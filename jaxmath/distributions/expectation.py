r"""Where a family's mass lies, and expectations under it.

The middle of 511 draws with a fixed key says where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxmath.distributions import quadrature
from jaxmath.distributions.quadrature import Rule
from jaxmath.domains import Choices

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family


def ends(family, params):
    """The lowest and the highest value that can occur."""
    if family.ends is not None:
        return family.ends(*params)
    if isinstance(family.support, Choices):
        return min(family.support.values), max(family.support.values)
    return float(family.support.low), float(family.support.high)


def place(family, params):
    """A point in the middle of the mass, and its half-width."""
    draws = family.sample(jax.random.key(0), *params, shape=(511,))
    draws = jnp.sort(draws.astype(jnp.result_type(*params)))
    centre, width = draws[255], (draws[429] - draws[81]) / 2
    return jax.lax.stop_gradient((centre, jnp.maximum(width, jnp.finfo(width.dtype).tiny)))


def _cuts(family, params, others):
    """Where the density, or that of another set of parameters, has kinks or begins or ends.

    And where the family says that mass may be narrow.
    """
    given = [fn for fn in (family.kinks, family.marks) if fn is not None]
    cuts = [cut for fn in given for each in (params, *others) for cut in fn(*each)]
    if family.ends is not None:
        cuts += [end for each in others for end in ends(family, each)]
    return [cut for cut in cuts if not quadrature.is_infinite(cut)]


def rule_of(family, params, others=()) -> tuple[Rule, Any]:
    """Points and weights that cover the mass, and one point where there surely is some.

    The range is divided where the density isn't smooth, nor that with the `others` parameters.
    """
    centre, width = place(family, params)
    dtype = centre.dtype
    low, high = ends(family, params)
    if isinstance(family.support, Choices):
        values = jnp.asarray(family.support.values, dtype)
        return Rule(values, jnp.ones_like(values)), centre
    if family.discrete:
        first = jnp.maximum(low, jnp.floor(centre) - quadrature.TERMS // 2)
        return quadrature.whole_numbers(first, high, dtype), centre
    if cuts := _cuts(family, params, others):
        cuts = jnp.sort(jnp.clip(jnp.stack([jnp.asarray(cut, dtype) for cut in cuts]), low, high))
        return quadrature.pieces(low, high, cuts, width, dtype), centre
    return quadrature.interval(low, high, centre, width, dtype), centre


def masses(family, params, rule: Rule, inside):
    """The points, those without mass moved to `inside`, and the probability at each."""
    log_prob = jax.vmap(lambda x: family.log_prob(x, *params))
    # A point whose mass is lost is left out, for its slopes may be out of range.
    alive = rule.weight * jnp.exp(log_prob(rule.x)) > jnp.finfo(rule.x.dtype).tiny
    x = jnp.where(alive, rule.x, inside)
    return x, jnp.where(alive, rule.weight * jnp.exp(log_prob(x)), 0.0)


def expect(family: Family, params, fn: Callable[..., Any], others=()):
    """The expected value of `fn(x)`, an array; NaN where the probabilities do not add up to one.

    `others` are further sets of parameters on which `fn` rests, one by one.
    """
    rule, inside = rule_of(family, params, others)
    x, mass = masses(family, params, rule, inside)
    values = jax.vmap(fn)(x)
    alive = jnp.expand_dims(mass, tuple(range(1, values.ndim)))
    total = jnp.sum(jnp.where(alive > 0, alive * values, 0.0), axis=0)
    complete = jnp.abs(jnp.sum(mass) - 1) < jnp.sqrt(jnp.finfo(mass.dtype).eps)
    return jnp.where(complete, total, jnp.nan)
