r"""A mixture: each value comes from one of several families, chosen with given weights.

$p(x) = \sum_k w_k\, p_k(x)$, formed by sums of non-negative terms and, as a logarithm, relative to
the largest of them. The posterior of the component, $w_k p_k(x) / p(x)$, drives the fit by
expectation and maximisation (Bishop 2006, section 9.4): each component is fitted to all
observations, weighted by its share in each.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions.composing import defined, parameters, signed
from jaxmath.distributions.expectation import ends as ends_of
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations
from jaxmath.distributions.product import numbered, split
from jaxmath.distributions.shapes import sample_shape
from jaxmath.domains import Integers, Interval, Simplex
from jaxmath.formula import Source
from jaxmath.special.logarithm import log1p
from jaxmath.typing import Real

ITERATIONS = 300


class Trace(NamedTuple):
    """What expectation and maximisation found.

    Attributes:
        estimate: the last parameters.
        log_likelihoods: the mean log likelihood of an observation before each iteration, in nats;
            it never falls.
    """

    estimate: Any
    log_likelihoods: Any


@dataclass(frozen=True, eq=False)
class Mixture(Family):
    """The family of a mixture, whose first parameter are the weights, along their last axis."""

    components: tuple[Family, ...] = ()

    def responsibilities(self, x: Any, *params: Any):
        """The posterior probability of each component at x, along a new last axis."""
        return jnp.exp(_log_responsibilities(self.components, jnp.asarray(x), *params)[0])

    def em(
        self, x: Real, weights: Real | None = None, start: Any = None, iterations: int = ITERATIONS
    ) -> Trace:
        """Expectation and maximisation over observations, shape (n,), so many times.

        Without parameters to start from the first responsibilities are those of as many groups of
        ascending values.
        """
        x, share, _ = observations(x, weights)
        return _em(self, x, share, start, iterations)


@functools.cache
def mixture(*families: Family, name: str | None = None) -> Mixture:
    """The family of values that come from one of the families, each with its weight.

    The first parameter, `weights`, is a vector of probabilities; those of the components follow,
    with the number of the component after names that occur twice.

    Raises:
        ValueError: for fewer than two families, vectors, or discrete families beside continuous.
    """
    if len(families) < 2:
        raise ValueError(f"A mixture needs two families at least, got {len(families)}.")
    names = ", ".join(family.name for family in families)
    if any(family.support.shape != () for family in families):
        raise ValueError(f"A mixture of {names} is not possible: values must be single numbers.")
    if len({family.discrete for family in families}) > 1:
        raise ValueError(
            f"A mixture of {names} is not possible: some are discrete, some have densities."
        )
    if any(any(domain.shape != () for domain in family.parameters) for family in families):
        raise ValueError(f"A mixture of {names} is not possible: parameters must be numbers.")
    domains = {"weights": Simplex(len(families)), **numbered(families)}
    fields, params = tuple(domains), type(parameters(domains))
    functions = _functions(families)
    own = [signed(key, fields, fn) for key, fn in functions.items()]
    support, ends = _support(families)

    def where(*theta):
        each = [
            f.where(*part)
            for f, part in zip(families, split(families, theta[1:]), strict=True)
            if f.where
        ]
        return functools.reduce(jnp.logical_and, each)

    def fit(x, weights=None):
        """By expectation and maximisation from groups of ascending values."""
        x, share, total = observations(x, weights)
        found = _em(record, x, share, None, ITERATIONS).estimate
        return _with_errors(record, found, x, share, total)

    if all(family.origin("fit") != "not defined" for family in families):
        own.append(signed("fit", fields, fit))
    record = Mixture(
        name=name or "mixture_of_" + "_".join(family.name for family in families),
        parameters=params(**domains),
        support=support,
        functions=tuple(own),
        ends=ends,
        kinks=_kinks(families),
        marks=_marks(families),
        where=where if any(family.where for family in families) else None,
        source=Source("bishop2006prml", "section 9.2"),
        topic="P10",
        components=families,
    )
    return record


def _support(families):
    """The smallest interval with all supports, and its ends where they move."""
    supports = [family.support for family in families]
    lows, highs = (
        ([s.low for s in supports], [s.high for s in supports])
        if all(isinstance(s, Interval | Integers) for s in supports)
        else _of_choices(supports)
    )
    if families[0].discrete:
        support: Any = Integers(int(min(lows)), int(max(highs)))
    else:
        left = any(s.closed[0] for s in supports if s.low == min(lows))
        right = any(s.closed[1] for s in supports if s.high == max(highs))
        support = Interval(float(min(lows)), float(max(highs)), (left, right))
    if all(family.ends is None for family in families):
        return support, None

    def ends(*params):
        pairs = [
            ends_of(family, part)
            for family, part in zip(families, split(families, params[1:]), strict=True)
        ]
        low = functools.reduce(_least, [pair[0] for pair in pairs])
        high = functools.reduce(_most, [pair[1] for pair in pairs])
        return low, high

    return support, ends


def _of_choices(supports):
    values = [s.values if hasattr(s, "values") else (s.low, s.high) for s in supports]
    return [min(v) for v in values], [max(v) for v in values]


def _least(a, b):
    infinite = [end for end in (a, b) if isinstance(end, float) and end == -math.inf]
    return infinite[0] if infinite else jnp.minimum(a, b)


def _most(a, b):
    infinite = [end for end in (a, b) if isinstance(end, float) and end == math.inf]
    return infinite[0] if infinite else jnp.maximum(a, b)


def _kinks(families):
    """Those of the components, and where one of them begins or ends inside of the support."""
    low = {float(ends[0]) for ends in map(_static_ends, families) if ends}
    high = {float(ends[1]) for ends in map(_static_ends, families) if ends}
    if families[0].discrete or (
        len(low) == len(high) == 1 and all(f.kinks is None and f.ends is None for f in families)
    ):
        return None

    def kinks(*params):
        found = []
        for family, part in zip(families, split(families, params[1:]), strict=True):
            found += list(family.kinks(*part)) if family.kinks else []
            found += list(ends_of(family, part))
        return tuple(found)

    return kinks


def _static_ends(family):
    return None if family.ends else (family.support.low, family.support.high)


def _marks(families):
    """Where the mass of each component is, which may be narrow, and what they mark themselves."""
    if families[0].discrete or not all(defined(family, "median") for family in families):
        return None

    def marks(*params):
        found = []
        for family, part in zip(families, split(families, params[1:]), strict=True):
            middle = family.median(*part)
            found.append(middle)
            if family.origin("quantile") == family.origin("isf") == "own":
                p = jnp.asarray(1e-17, jnp.result_type(middle))
                found += [family.quantile(p, *part), family.isf(p, *part)]
            found += list(family.marks(*part)) if family.marks else []
        return tuple(jax.lax.stop_gradient(each) for each in found)

    return marks


def _stacked(families, name, first, params):
    """The function of each component at the same values, along a new last axis, and the weights."""
    weights, *theta = params
    shape = jnp.broadcast_shapes(
        jnp.shape(weights)[:-1], *(jnp.shape(each) for each in (*first, *theta))
    )
    first = [jnp.broadcast_to(each, shape) for each in first]
    values = [
        family.function(name)(*first, *(jnp.broadcast_to(each, shape) for each in part))
        for family, part in zip(families, split(families, theta), strict=True)
    ]
    values = jnp.stack([jnp.broadcast_to(value, shape) for value in values], axis=-1)
    return values, jnp.broadcast_to(weights, values.shape)


def _log_sum(values, weights):
    """The logarithm of the weighted sum of exponentials, with a finite slope in every weight."""
    counted = jnp.where(weights > 0, values, -jnp.inf)
    top = jax.lax.stop_gradient(jnp.max(counted, axis=-1, keepdims=True))
    nothing = jnp.isneginf(top)
    top = jnp.where(nothing, 0.0, top)
    total = jnp.sum(weights * jnp.exp(jnp.where(nothing, 0.0, values - top)), axis=-1)
    nothing = nothing[..., 0]
    found = top[..., 0] + jnp.log(jnp.where(nothing, 1.0, total))
    return jnp.where(nothing, -jnp.inf, found)


def _log_responsibilities(families, x, *params):
    values, weights = _stacked(families, "log_prob", (x,), params)
    total = _log_sum(values, weights)
    some = jnp.where(weights > 0, weights, 1.0)
    logs = jnp.where(weights > 0, jnp.log(some) + values - total[..., None], -jnp.inf)
    return logs, total


def _functions(families):
    def logarithm(name):
        def function(x, *params):
            return _log_sum(*_stacked(families, name, (x,), params))

        return function

    def average(name, takes_x=True):
        def function(*args):
            first, params = (args[:1], args[1:]) if takes_x else ((), args)
            values, weights = _stacked(families, name, first, params)
            return jnp.sum(jnp.where(weights > 0, weights * values, 0.0), axis=-1)

        return function

    def log_tail(name, other, small):
        """The logarithm of one tail, where it is nearly one from the other tail."""
        one, rest = logarithm(name), average(other)

        def function(x, *params):
            beyond = rest(x, *params)
            few = beyond < small
            return jnp.where(few, log1p(-jnp.where(few, beyond, 0.0)), one(x, *params))

        return function

    def sample(key, *params_and_shape):
        """A component for each draw, and a draw from it; not differentiable in the weights."""
        weights, *theta, shape = params_and_shape
        batch = jnp.broadcast_shapes(jnp.shape(weights)[:-1], *(jnp.shape(t) for t in theta))
        theta = [jnp.broadcast_to(t, batch) for t in theta]
        keys = jax.random.split(key, len(families) + 1)
        size = sample_shape(shape, jnp.zeros(batch))
        logits = jnp.log(jax.lax.stop_gradient(jnp.asarray(weights)))
        logits = jnp.broadcast_to(logits, (*size, len(families)))
        chosen = jax.random.categorical(keys[0], logits, axis=-1)
        draws = jnp.stack(
            [
                family.sample(one, *part, shape=shape)
                for family, one, part in zip(
                    families, keys[1:], split(families, theta), strict=True
                )
            ],
            axis=-1,
        )
        return jnp.take_along_axis(draws, chosen[..., None], axis=-1)[..., 0]

    found = dict(
        log_prob=logarithm("log_prob"),
        prob=average("prob"),
        cdf=average("cdf"),
        sf=average("sf"),
        log_cdf=log_tail("log_cdf", "sf", 0.5),
        log_sf=log_tail("log_sf", "cdf", 0.5),
        sample=sample,
    )
    return found | _moments(families, average)


def _moments(families, average):
    """By the laws of total expectation and variance, and their like of higher powers."""

    def central(power):
        """The central moment of the mixture from those of the components."""

        def moment(*params):
            means, weights = _stacked(families, "mean", (), params)
            centre = jnp.sum(weights * means, axis=-1, keepdims=True)
            shift = means - centre
            own = [jnp.ones_like(means), jnp.zeros_like(means)]
            own.append(_stacked(families, "variance", (), params)[0])
            if power > 2:
                third = _stacked(families, "skewness", (), params)[0]
                own.append(third * jnp.sqrt(own[2]) ** 3)
            if power > 3:
                fourth = _stacked(families, "kurtosis", (), params)[0]
                own.append((fourth + 3) * jnp.square(own[2]))
            terms = [math.comb(power, k) * own[k] * shift ** (power - k) for k in range(power + 1)]
            return jnp.sum(weights * sum(terms), axis=-1)

        return moment

    def has(*names):
        return all(len(defined(family, *names)) == len(names) for family in families)

    found, variance = {}, central(2)
    if has("mean"):
        found["mean"] = average("mean", takes_x=False)
    if has("mean", "variance"):
        found["variance"] = variance
        found["std"] = lambda *params: jnp.sqrt(variance(*params))
    if has("mean", "variance", "skewness"):
        found["skewness"] = lambda *params: central(3)(*params) / variance(*params) ** 1.5
    if has("mean", "variance", "skewness", "kurtosis"):
        found["kurtosis"] = lambda *params: central(4)(*params) / jnp.square(variance(*params)) - 3
    return found


@functools.partial(jax.jit, static_argnums=(0, 4))
def _em(record: Mixture, x, share, start, iterations) -> Trace:
    families = record.components
    count = len(families)

    def maximise(parts):
        """Weights, and the fit of each component, from everyone's share in each observation."""
        each = share[:, None] * parts
        weights = jnp.sum(each, axis=0)
        theta = [
            value
            for k, family in enumerate(families)
            for value in family.fit(x, each[:, k]).estimate
        ]
        return record.params(weights / jnp.sum(weights), *theta)

    def step(params, _):
        logs, total = _log_responsibilities(families, x, *params)
        likelihood = jnp.sum(jnp.where(share > 0, share * total, 0.0))
        return maximise(jnp.exp(logs)), likelihood

    if start is None:
        order = jnp.argsort(x)
        reached = jnp.zeros_like(share).at[order].set(jnp.cumsum(share[order]) - share[order] / 2)
        group = jnp.clip(jnp.floor(reached * count), 0, count - 1)
        start = maximise(jax.nn.one_hot(group.astype(int), count, dtype=x.dtype))
    else:
        start = record.params(*(jnp.asarray(value, x.dtype) for value in start))
    return Trace(*jax.lax.scan(step, start, length=iterations))


def _with_errors(record: Mixture, estimate, x, share, total) -> Fit:
    """The fit with both kinds of standard errors; the last weight is one less the others."""
    flat = jnp.concatenate([jnp.ravel(value) for value in estimate])
    count = len(record.components)
    # How all parameters move with those that are free: all but the last weight.
    free = np.delete(np.eye(flat.size), count - 1, axis=1)
    free[count - 1, : count - 1] = -1.0
    free = jnp.asarray(free, flat.dtype)

    def unravel(values):
        return record.params(values[:count], *values[count:])

    def log_prob(values, x):
        return record.log_prob(x, *unravel(values))

    def terms(x):
        score, bend = jax.grad(log_prob)(flat, x), jax.hessian(log_prob)(flat, x)
        score = score @ free
        return score[:, None] * score[None, :], free.T @ bend @ free

    squares, bends = jax.vmap(terms)(x)
    counted = jnp.where(share > 0, share, 0.0)[:, None, None]
    inner, outer = (
        jnp.sum(jnp.where(counted > 0, counted * each, 0.0), axis=0) for each in (squares, bends)
    )
    information = free.T @ record.fisher_information(*estimate) @ free
    bread = jnp.linalg.inv(outer)
    errors = []
    for covariance in (jnp.linalg.inv(information), bread @ inner @ bread):
        whole = jnp.diag(free @ covariance @ free.T)
        errors.append(unravel(jnp.sqrt(whole / total)))
    return Fit(estimate, *errors)
