r"""The distribution of an invertible map of a random variable.

With $y = g(x)$ the density is $p(g^{-1}(y))\,|(g^{-1})'(y)|$; probabilities, quantiles and medians
are those of x, mirrored where g falls, and divergences do not change at all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxmath.distributions.bijectors import Bijector
from jaxmath.distributions.composing import (
    broadcast,
    composed,
    defined,
    joined,
    like_draws,
    parameters,
    picked,
)
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.quadrature import is_infinite
from jaxmath.domains import Interval
from jaxmath.formula import Source

INVARIANT = (
    *("kl", "jensen_shannon", "squared_hellinger", "renyi", "fisher_information"),
    *("natural", "log_partition", "mean_parameters"),
)
"""Functions that are those of the base, where the map has no parameters."""


@functools.cache
def transformed(family: Family, bijector: Bijector, name: str | None = None) -> Family:
    """The family of `bijector.forward(x)` for x from a continuous family.

    Its parameters are those of the family, then those of the map. `fit` is that of the base, at
    the values mapped back, where the map has no parameters; `fixed` holds them.

    Raises:
        ValueError: if the family is discrete, or can have values where the map is not defined.
    """
    if family.discrete:
        raise ValueError(
            f"A map of {family.name} is not possible: it is discrete and has no density."
        )
    low, high = _ends(family)
    _check_domain(family, bijector, low, high)
    if family.support.shape == ():
        support, ends = _image(family, bijector, low, high)
    else:
        support, ends = bijector.image, None
    base, own = family.parameters._asdict(), bijector.parameters._asdict()
    domains = joined([(family.name, base), (bijector.name, own)])
    functions = _Functions(family, bijector, type(parameters(domains)))
    kinks = family.kinks

    def moved(fn):
        """Where values of x that depend on the base's parameters go."""

        def values(*params):
            theta, own = functions.split(params)
            return tuple(bijector.forward(x, *own) for x in fn(*theta))

        return None if fn is None else values

    return composed(
        name or f"{bijector.name}_{family.name}",
        domains,
        functions.all(),
        support=support,
        ends=ends,
        kinks=moved(kinks),
        marks=moved(family.marks),
        where=picked(family.where, lambda params: functions.split(params)[0]),
        undefined=_undefined(family, bijector),
        source=Source("casella2002inference", "section 2.1"),
        topic="P10",
    )


def _undefined(family, bijector):
    """The reasons of the base, for what follows it."""
    follow = ("score", "hessian", "fit", "interval", "profile", *INVARIANT)
    kept = {key: reason for key, reason in family.undefined.items() if key in follow}
    return kept if not bijector.parameters else {}


def _ends(family):
    """The ends of the base's support: infinite or finite; whether or not they move."""
    support = family.support
    if not isinstance(support, Interval):
        return None, None
    return support.low, support.high


def _check_domain(family, bijector, low, high):
    domain = bijector.domain
    if family.support.shape != domain.shape:
        raise ValueError(
            f"The map {bijector.name} takes values of shape {domain.shape}, those of {family.name} "
            f"have {family.support.shape}."
        )
    if isinstance(domain, Interval) and (low < domain.low or high > domain.high):
        raise ValueError(
            f"The map {bijector.name} is defined in {domain}, {family.name} has values in "
            f"{family.support}."
        )


def _image(family, bijector, low, high):
    """The support of the image, and its ends as a function of the parameters if they move."""
    domain, image = bijector.domain, bijector.image
    sides = (image.low, image.high) if bijector.increasing else (image.high, image.low)

    def side(end, limit, of_domain, own):
        static = isinstance(end, float)
        if static and end == of_domain:
            return float(limit)
        if static and all(isinstance(value, float) for value in own):
            with jax.ensure_compile_time_eval():
                return float(bijector.forward(end, *own))
        return bijector.forward(end, *own)

    def both(base_ends, own):
        pair = [
            side(end, limit, of_domain, own)
            for end, limit, of_domain in zip(
                base_ends, sides, (float(domain.low), float(domain.high)), strict=True
            )
        ]
        return tuple(pair) if bijector.increasing else tuple(reversed(pair))

    whole = low == domain.low and high == domain.high
    if family.ends is None and (whole or not bijector.parameters):
        first, last = both((float(low), float(high)), ())
        closed = family.support.closed if bijector.increasing else family.support.closed[::-1]
        left, right = closed[0] and not is_infinite(first), closed[1] and not is_infinite(last)
        return Interval(first, last, (left, right)), None
    count = len(family.parameters)

    def ends(*params):
        theta, own = params[:count], params[count:]
        base_ends = (float(low), float(high)) if family.ends is None else family.ends(*theta)
        return both(base_ends, own)

    return image, ends


class _Functions:
    """The functions of the result, made of those of the base and of the map."""

    def __init__(self, family: Family, bijector: Bijector, params: type):
        self.family, self.bijector, self.params = family, bijector, params
        self.count = len(family.parameters)

    def split(self, params):
        return params[: self.count], params[self.count :]

    def all(self) -> dict[str, Callable[..., Any]]:
        family = self.family
        found: dict[str, Callable[..., Any]] = dict(self.densities())
        if self.bijector.increasing is not None:
            found |= self.tails() | self.quantiles()
        if not self.bijector.parameters:
            found |= {name: family.function(name) for name in defined(family, *INVARIANT)}
            found |= self.pulled()
            if family.origin("fit") != "not defined":
                found["fit"] = self.fit
        return found | self.of_logarithm() | self.of_line()

    def back(self, y, own):
        """The value whose image is y, and on which side of the image y lies if it is outside."""
        image, y = self.bijector.image, jnp.asarray(y)
        if not isinstance(image, Interval):
            return self.bijector.inverse(y, *own), y, jnp.asarray(False), jnp.asarray(False)
        below, above = y < image.low, y > image.high
        if not is_infinite(float(image.low)) and not image.closed[0]:
            below = y <= image.low
        if not is_infinite(float(image.high)) and not image.closed[1]:
            above = y >= image.high
        centre = {(0.0, 1.0): 0.5}.get((image.low, image.high), 1.0)
        inside = jnp.where(below | above, jnp.asarray(centre, y.dtype), y)
        return self.bijector.inverse(inside, *own), inside, below, above

    def densities(self):
        family, bijector = self.family, self.bijector

        def log_prob(y, *params):
            """The logarithm of the base's density, and of the slope of the inverse map, in nats."""
            theta, own = self.split(params)
            x, inside, below, above = self.back(y, own)
            value = family.log_prob(x, *theta) + bijector.inverse_log_det(inside, *own)
            return jnp.where(below | above, -jnp.inf, value)

        def sample(key, *params_and_shape):
            """Draws of the base, mapped; differentiable as they are."""
            *params, shape = params_and_shape
            if all(domain.shape == () for domain in family.parameters):
                params = broadcast(params)
            theta, own = self.split(params)
            draws = family.sample(key, *theta, shape=shape)
            return bijector.forward(draws, *like_draws(own, draws))

        return dict(log_prob=log_prob, sample=sample)

    def tails(self):
        increasing = self.bijector.increasing

        def tail(name, mirror, at_low, at_high):
            fn = self.family.function(name if increasing else mirror)

            def function(y, *params):
                theta, own = self.split(params)
                x, _, below, above = self.back(y, own)
                value = fn(x, *theta)
                return jnp.where(below, at_low, jnp.where(above, at_high, value))

            return function

        return dict(
            cdf=tail("cdf", "sf", 0.0, 1.0),
            sf=tail("sf", "cdf", 1.0, 0.0),
            log_cdf=tail("log_cdf", "log_sf", -jnp.inf, 0.0),
            log_sf=tail("log_sf", "log_cdf", 0.0, -jnp.inf),
        )

    def quantiles(self):
        family, bijector = self.family, self.bijector

        def inverse(name, mirror):
            fn = family.function(name if bijector.increasing else mirror)

            def function(p, *params):
                theta, own = self.split(params)
                return bijector.forward(fn(p, *theta), *own)

            return function

        def median(*params):
            """The image of the base's median."""
            theta, own = self.split(params)
            return bijector.forward(family.median(*theta), *own)

        found = dict(quantile=inverse("quantile", "isf"), isf=inverse("isf", "quantile"))
        return found | (dict(median=median) if defined(family, "median") else {})

    def pulled(self):
        """Functions of a value that are those of the base at the value mapped back."""

        def pull(name):
            fn = self.family.function(name)
            return lambda y, *params: fn(self.back(y, ())[0], *params)

        def score(y, *params):
            """The slope of `log_prob` in each parameter."""
            return self.params(*self.family.score(self.back(y, ())[0], *params))

        found = {name: pull(name) for name in defined(self.family, "hessian", "sufficient")}
        return found | (dict(score=score) if defined(self.family, "score") else {})

    def fit(self, y, weights=None):
        """The fit of the base to the values mapped back."""
        found = self.family.fit(self.back(y, ())[0], weights)
        return Fit(*(self.params(*part) for part in found))

    def of_logarithm(self):
        """Entropies, where the map's expected logarithmic slope is known."""
        family, growth = self.family, self.bijector.mean_log_det
        if growth is None or not defined(family, "mean"):
            return {}

        def entropy(*params):
            """That of the base, and the expected logarithm of the map's slope, in nats."""
            theta, own = self.split(params)
            return family.entropy(*theta) + growth(family.mean(*theta), *own)

        def cross_entropy(*params):
            """That of the base, and the expected logarithm of the map's slope, in nats."""
            return family.cross_entropy(*params) + growth(family.mean(*params[: self.count]))

        found = dict(entropy=entropy) if defined(family, "entropy") else {}
        if defined(family, "cross_entropy") and not self.bijector.parameters:
            found["cross_entropy"] = cross_entropy
        return found

    def of_line(self):
        """Moments, which follow a straight line."""
        family, line = self.family, self.bijector.line
        if line is None:
            return {}

        def follow(name, rule):
            fn = family.function(name)

            def moment(*params):
                theta, own = self.split(params)
                return rule(fn(*theta), *line(*own))

            return moment

        rules = dict(
            mean=lambda value, a, b: a + b * value,
            mode=lambda value, a, b: a + b * value,
            variance=lambda value, a, b: b * (b * value),
            std=lambda value, a, b: jnp.abs(b) * value,
            skewness=lambda value, a, b: jnp.sign(b) * value,
            kurtosis=lambda value, a, b: value,
        )
        return {name: follow(name, rules[name]) for name in defined(family, *rules)}
