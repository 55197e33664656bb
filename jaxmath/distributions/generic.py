r"""Fillings: what any family of one variable can do once it has log_prob, support and sample.

Integrals are taken by the double exponential rule, sums term by term, quantiles by bisection,
scores by autodiff, fits by Newton's method. Where the mass lies is asked of the family's own
sampler: the middle of 511 draws with a fixed key. They are slower and less accurate than a
family's own functions, and each says so by answering NaN where the total probability that it
collects isn't one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions import quadrature
from jaxmath.distributions.generic_fit import fit, no_fit
from jaxmath.distributions.quadrature import Rule, is_infinite
from jaxmath.distributions.shapes import batched
from jaxmath.domains import Choices

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family

STEPS_OF_BISECTION = 80


def why_not(family: Family, name: str) -> str:
    """The reason why no generic route leads to a function; nothing if one does."""
    if family.support.shape != () and name not in ("prob", "score"):
        return f"no generic route for values of shape {family.support.shape}."
    return no_fit(family) if name == "fit" else ""


def fill(family: Family, name: str) -> Callable[..., Any]:
    """The generic function of that name for a family."""
    if name == "fit":
        return fit(family)
    single = ROUTES[name](family)
    ranks = [len(domain.shape) for domain in family.parameters]
    if name in ("cross_entropy", "kl"):
        lifted = batched(single, [*ranks, *ranks])
    elif name in ("quantile", "isf"):
        lifted = batched(single, [0, *ranks])
    elif name in OF_X:
        lifted = batched(single, [len(family.support.shape), *ranks])
    else:
        lifted = batched(single, ranks)

    def function(*args):
        return lifted(*args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` of the family {family.name}, by a generic route."
    return function


# Where the mass lies


def _ends(family, params):
    if family.ends is not None:
        return family.ends(*params)
    if isinstance(family.support, Choices):
        return min(family.support.values), max(family.support.values)
    return float(family.support.low), float(family.support.high)


def _place(family, params):
    """A point in the middle of the mass, and its half-width."""
    draws = jnp.sort(family.sample(jax.random.key(0), *params, shape=(511,)))
    centre, width = draws[255], (draws[429] - draws[81]) / 2
    return jax.lax.stop_gradient((centre, jnp.maximum(width, jnp.finfo(width.dtype).tiny)))


def _rule(family, params) -> tuple[Rule, Any]:
    centre, width = _place(family, params)
    dtype = centre.dtype
    low, high = _ends(family, params)
    if isinstance(family.support, Choices):
        values = jnp.asarray(family.support.values, dtype)
        return Rule(values, jnp.ones_like(values)), values[0]
    if family.discrete:
        first = jnp.maximum(low, jnp.floor(centre) - quadrature.TERMS // 2)
        return quadrature.whole_numbers(first, high, dtype), centre
    return quadrature.interval(low, high, centre, width, dtype), centre


def _masses(family, params, rule: Rule, inside):
    """The points, those without mass moved to `inside`, and the probability at each."""
    log_prob = jax.vmap(lambda x: family.log_prob(x, *params))
    lowest = np.log(float(jnp.finfo(rule.x.dtype).tiny))
    alive = (log_prob(rule.x) > lowest) & (rule.weight > 0)
    x = jnp.where(alive, rule.x, inside)
    return x, jnp.where(alive, rule.weight * jnp.exp(log_prob(x)), 0.0)


def expect(family: Family, params, fn: Callable[..., Any]):
    """The expected value of `fn(x)`, an array; NaN where the probabilities do not add up to one."""
    rule, inside = _rule(family, params)
    x, mass = _masses(family, params, rule, inside)
    values = jax.vmap(fn)(x)
    alive = jnp.expand_dims(mass, tuple(range(1, values.ndim)))
    total = jnp.sum(jnp.where(alive > 0, alive * values, 0.0), axis=0)
    complete = jnp.abs(jnp.sum(mass) - 1) < jnp.sqrt(jnp.finfo(mass.dtype).eps)
    return jnp.where(complete, total, jnp.nan)


# Probabilities


def _prob(family):
    return lambda x, *params: jnp.exp(family.log_prob(x, *params))


def _below(family, x, params):
    """The probability of at most x, summed from x downwards."""
    return _from(family, x, params, sign=-1)


def _above(family, x, params):
    """The probability of more than x, summed from x upwards."""
    return _from(family, x, params, sign=1)


def _from(family, x, params, sign):
    low, high = _ends(family, params)
    centre, width = _place(family, params)
    if isinstance(family.support, Choices):
        rule, inside = _rule(family, params)
        chosen = rule.x > x if sign > 0 else rule.x <= x
        return jnp.sum(jnp.where(chosen, _masses(family, params, rule, inside)[1], 0.0))
    bounded = jnp.clip(x, low, high)
    if family.discrete:
        first = jnp.floor(bounded) + (sign > 0)
        points = first + sign * jnp.arange(quadrature.TERMS, dtype=centre.dtype)
        inside = (points >= low) & (points <= high) & ((x >= low) | (sign > 0))
        inside &= (x >= low) | (sign > 0)
        rule = Rule(jnp.where(inside, points, centre), inside.astype(centre.dtype))
        below = jnp.sum(_masses(family, params, rule, centre)[1])
        return jnp.where((x < low) & (sign > 0), 1.0, below)
    end = high if sign > 0 else low
    if is_infinite(end):
        rule = quadrature.half_line(bounded, width, sign, centre.dtype)
    else:
        ends = (bounded, end) if sign > 0 else (end, bounded)
        rule = quadrature.segment(*ends, centre.dtype)
    return jnp.sum(_masses(family, params, rule, centre)[1])


def _cdf(family):
    def cdf(x, *params):
        centre, _ = _place(family, params)
        return jnp.where(x < centre, _below(family, x, params), 1 - _above(family, x, params))

    return cdf


def _sf(family):
    def sf(x, *params):
        centre, _ = _place(family, params)
        return jnp.where(x < centre, 1 - _below(family, x, params), _above(family, x, params))

    return sf


def _log(small, other):
    """The logarithm of a probability, from that of the contrary where that is the smaller one."""
    few = small < 0.5
    return jnp.where(few, jnp.log(jnp.where(few, small, 0.5)), jnp.log1p(-other))


def _log_cdf(family):
    return lambda x, *params: _log(family.cdf(x, *params), family.sf(x, *params))


def _log_sf(family):
    return lambda x, *params: _log(family.sf(x, *params), family.cdf(x, *params))


# Quantiles


def _along(low, high, centre, width):
    """A monotone map of the numbers s in [-700, 700] on the interval, fine at its ends."""
    if is_infinite(low) and is_infinite(high):
        return lambda s: centre + width * jnp.sinh(s)
    if is_infinite(high):
        return lambda s: low + jnp.maximum(centre - low, width) * jnp.exp(s)
    if is_infinite(low):
        return lambda s: high - jnp.maximum(high - centre, width) * jnp.exp(-s)
    return lambda s: jnp.where(
        s < 0, low + (high - low) * jax.nn.sigmoid(s), high - (high - low) * jax.nn.sigmoid(-s)
    )


def _first(holds, low, high, middle=lambda low, high: (low + high) / 2):
    """Bisect for the smallest point at which `holds`, which stays true once it is."""

    def halve(_, bracket):
        below, above = bracket
        point = middle(below, above)
        found = holds(point)
        return jnp.where(found, below, point), jnp.where(found, point, above)

    return jax.lax.fori_loop(0, STEPS_OF_BISECTION, halve, (low, high))[1]


def _inverse(family, reached, slope):
    """The smallest x for which `reached(x, p, params)`; `slope` is the sign of p along x."""

    def find(p, params):
        centre, width = _place(family, params)
        low, high = _ends(family, params)
        if isinstance(family.support, Choices):
            values = jnp.sort(jnp.asarray(family.support.values, centre.dtype))
            found = jax.vmap(lambda x: reached(x, p, params))(values)
            x = values[jnp.argmax(found)]
        elif family.discrete:
            x = _first_whole(lambda x: reached(x, p, params), low, high, centre.dtype)
        else:
            reach = jnp.asarray(0.95 * np.log(float(jnp.finfo(centre.dtype).max)), centre.dtype)
            x_of = _along(low, high, centre, width)
            x = x_of(_first(lambda s: reached(x_of(s), p, params), -reach, reach))
        return jnp.where((p >= 0) & (p <= 1), x, jnp.nan)

    if family.discrete:
        return lambda p, *params: jax.lax.stop_gradient(find(p, params))

    @jax.custom_jvp
    def inverse(p, params):
        return find(p, params)

    @inverse.defjvp
    def rule(primals, tangents):
        (p, params), (dp, dparams) = primals, tangents
        x = inverse(p, params)
        _, change = jax.jvp(lambda *theta: family.cdf(x, *theta), params, dparams)
        return x, (slope * dp - change) / family.prob(x, *params)

    return lambda p, *params: inverse(p, params)


def _first_whole(holds, low, high, dtype):
    """The smallest whole number from `low` on at which `holds`: doubling, then bisection."""
    largest = jnp.asarray(1 / jnp.finfo(dtype).eps, dtype)  # whole numbers are exact up to here
    reach = jnp.minimum(jnp.asarray(high, dtype) - low, largest)
    offset = _first(
        lambda k: holds(low + k),
        jnp.asarray(-1.0, dtype),
        reach,
        lambda a, b: jnp.floor((a + b) / 2),
    )
    return low + offset


def _quantile(family):
    def reached(x, p, params):
        low_side = family.cdf(x, *params) >= p
        return jnp.where(p < 0.5, low_side, family.sf(x, *params) <= 1 - p)

    return _inverse(family, reached, slope=1)


def _isf(family):
    def reached(x, p, params):
        high_side = family.sf(x, *params) <= p
        return jnp.where(p < 0.5, high_side, family.cdf(x, *params) >= 1 - p)

    return _inverse(family, reached, slope=-1)


def _median(family):
    return lambda *params: family.quantile(jnp.asarray(0.5, jnp.result_type(*params)), *params)


def _mode(family):
    """The best point of the rule; in a continuous family refined to where the slope vanishes."""
    slope = jax.grad(family.log_prob)

    def find(params):
        rule, _ = _rule(family, params)
        values = jax.vmap(lambda x: family.log_prob(x, *params))(rule.x)
        best = jnp.argmax(jnp.where((rule.weight > 0) & ~jnp.isnan(values), values, -jnp.inf))
        if family.discrete:
            return rule.x[best]
        left, right = rule.x[best - 1], rule.x[(best + 1) % rule.x.size]
        x = _first(lambda x: slope(x, *params) <= 0, left, right)
        low, high = _ends(family, params)
        x = jnp.where((best == 0) | (slope(left, *params) <= 0), low, x)
        return jnp.where((best == rule.x.size - 1) | (slope(right, *params) > 0), high, x)

    if family.discrete:
        return lambda *params: jax.lax.stop_gradient(find(params))

    @jax.custom_jvp
    def mode(params):
        return find(params)

    @mode.defjvp
    def rule(primals, tangents):
        (params,), (dparams,) = primals, tangents
        x = mode(params)
        _, change = jax.jvp(lambda *theta: slope(x, *theta), params, dparams)
        inner = -change / jax.grad(slope)(x, *params)
        ends, moves = jax.jvp(lambda *theta: _end_arrays(family, theta), params, dparams)
        return x, jnp.where(x == ends[0], moves[0], jnp.where(x == ends[1], moves[1], inner))

    return lambda *params: mode(params)


def _end_arrays(family, params):
    dtype = jnp.result_type(*params)
    return tuple(jnp.asarray(end, dtype) for end in _ends(family, params))


# Moments and information


def _mean(family):
    return lambda *params: expect(family, params, lambda x: x)


def _variance(family):
    def variance(*params):
        mean = family.mean(*params)
        return expect(family, params, lambda x: jnp.square(x - mean))

    return variance


def _standard_moment(power, normal):
    def route(family):
        def moment(*params):
            mean, std = family.mean(*params), family.std(*params)
            return expect(family, params, lambda x: ((x - mean) / std) ** power) - normal

        return moment

    return route


def _entropy(family):
    return lambda *params: -expect(family, params, lambda x: family.log_prob(x, *params))


def _pair(family, fn):
    count = len(family.parameters)
    return lambda *params: expect(
        family, params[:count], lambda x: fn(x, params[:count], params[count:])
    )


def _cross_entropy(family):
    return _pair(family, lambda x, p, q: -family.log_prob(x, *q))


def _kl(family):
    return _pair(family, lambda x, p, q: family.log_prob(x, *p) - family.log_prob(x, *q))


def _score(family):
    def score(x, *params):
        return jax.grad(lambda theta: family.log_prob(x, *theta))(family.params(*params))

    return score


def _fisher_information(family):
    def information(*params):
        def square(x):
            leaves = jax.tree.leaves(family.score(x, *params))
            flat = jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])
            return flat[:, None] * flat[None, :]

        return expect(family, params, square)

    return information


OF_X = ("prob", "cdf", "log_cdf", "sf", "log_sf", "score")
ROUTES: dict[str, Callable[..., Callable[..., Any]]] = {
    "prob": _prob,
    "cdf": _cdf,
    "log_cdf": _log_cdf,
    "sf": _sf,
    "log_sf": _log_sf,
    "quantile": _quantile,
    "isf": _isf,
    "mean": _mean,
    "median": _median,
    "mode": _mode,
    "variance": _variance,
    "std": lambda family: lambda *params: jnp.sqrt(family.variance(*params)),
    "skewness": _standard_moment(3, 0.0),
    "kurtosis": _standard_moment(4, 3.0),
    "entropy": _entropy,
    "cross_entropy": _cross_entropy,
    "kl": _kl,
    "score": _score,
    "fisher_information": _fisher_information,
}
