r"""Fillings: what any family of one variable can do once it has log_prob, support and sample.

Integrals are taken by the double exponential rule, sums term by term, quantiles by bisection,
scores and Hessians by autodiff, fits by Newton's method. They are slower and less accurate than a
family's own functions; an expectation is NaN where the total probability that it collects isn't
one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from jaxmath.distributions import generic_divergences as divergences
from jaxmath.distributions import generic_tails as tails
from jaxmath.distributions.contract import EXPONENTIAL_FAMILY, PAIRS
from jaxmath.distributions.coordinates import without_coordinates
from jaxmath.distributions.expectation import ends, expect, rule_of
from jaxmath.distributions.generic_fit import fit
from jaxmath.distributions.intervals import interval, profile
from jaxmath.distributions.shapes import batched
from jaxmath.domains import contains

if TYPE_CHECKING:
    from jaxmath.distributions.family import Family


def why_not(family: Family, name: str) -> str:
    """The reason why no generic route leads to a function; nothing if one does."""
    if name in EXPONENTIAL_FAMILY:
        return "it is no exponential family, or none whose natural parameters are recorded."
    if name in OF_FITS:
        return _why_no_fit(family, name)
    for rest in RESTS_ON.get(name, ()):
        if reason := family.why_not(rest):
            return f"it rests on {rest}: {reason}"
    if name in DERIVATIVES:
        moving = all(domain.differentiable for domain in family.parameters)
        return "" if moving else "the parameters are not numbers to differentiate in."
    if family.support.shape != () and name != "prob":
        return f"no generic route for values of shape {family.support.shape}."
    if name == "mode" and family.kinks is not None:
        return "no generic route for densities that are not smooth."
    if name == "squared_wasserstein" and family.discrete:
        return "no generic route for discrete families, whose quantiles jump."
    return ""


def _why_no_fit(family, name):
    if name == "fit":
        return without_coordinates(family) or family.why_not("fisher_information")
    return family.why_not("fit") or (without_coordinates(family) if name == "profile" else "")


def fill(family: Family, name: str) -> Callable[..., Any]:
    """The generic function of that name for a family."""
    if name in OF_FITS:
        return OF_FITS[name](family)
    ranks = [len(domain.shape) for domain in family.parameters]
    before = {"quantile": [0], "isf": [0], "renyi": [0]}
    before |= {key: [len(family.support.shape)] for key in OF_X}
    sets = 2 if name in PAIRS else 1
    lifted = batched(
        _checked(ROUTES[name](family), family, sets), before.get(name, []) + sets * ranks
    )

    def function(*args):
        return lifted(*args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`{name}` of the family {family.name}, by a generic route."
    # Compiled once: the loops inside would otherwise compile again at every call.
    return jax.jit(function)


def _checked(route, family, sets):
    """A route that answers NaN where a parameter, of one or two sets, lies outside its domain."""
    domains = sets * tuple(family.parameters)

    def checked(*args):
        pairs = zip(domains, args[-len(domains) :], strict=True)
        valid = jnp.all(jnp.stack([contains(domain, parameter) for domain, parameter in pairs]))
        return jax.tree.map(lambda leaf: jnp.where(valid, leaf, jnp.nan), route(*args))

    return checked


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

    def pair(*params):
        p, q = params[:count], params[count:]
        return expect(family, p, lambda x: fn(x, p, q), (q,))

    return pair


def _cross_entropy(family):
    return _pair(family, lambda x, p, q: -family.log_prob(x, *q))


def _kl(family):
    return _pair(family, lambda x, p, q: family.log_prob(x, *p) - family.log_prob(x, *q))


def _score(family):
    def score(x, *params):
        return jax.grad(lambda theta: family.log_prob(x, *theta))(family.params(*params))

    return score


def _hessian(family):
    def hessian(x, *params):
        flat, unravel = ravel_pytree(params)

        def slopes(flat):
            return ravel_pytree(family.score(x, *unravel(flat)))[0]

        return jax.jacfwd(slopes)(flat)

    return hessian


def _fisher_information(family):
    def information(*params):
        def square(x):
            flat, _ = ravel_pytree(family.score(x, *params))
            return flat[:, None] * flat[None, :]

        return expect(family, params, square)

    return information


def _mode(family):
    """The best point of the rule; in a continuous family refined to where the slope vanishes."""
    slope = jax.grad(family.log_prob)

    def find(params):
        rule, _ = rule_of(family, params)
        values = jax.vmap(lambda x: family.log_prob(x, *params))(rule.x)
        best = jnp.argmax(jnp.where((rule.weight > 0) & ~jnp.isnan(values), values, -jnp.inf))
        if family.discrete:
            return rule.x[best]
        left, right = rule.x[best - 1], rule.x[(best + 1) % rule.x.size]
        x = tails.first_point(lambda x: slope(x, *params) <= 0, left, right)
        low, high = ends(family, params)
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
        (low, high), (dlow, dhigh) = jax.jvp(
            lambda *theta: _end_arrays(family, theta), params, dparams
        )
        _, change = jax.jvp(lambda *theta: slope(x, *theta), params, dparams)
        at_end = (x == low) | (x == high)
        curvature = jnp.where(at_end, 1.0, jax.grad(slope)(x, *params))
        inner = jnp.where(at_end, 0.0, -change) / curvature
        return x, jnp.where(x == low, dlow, jnp.where(x == high, dhigh, inner))

    return lambda *params: mode(params)


def _end_arrays(family, params):
    dtype = jnp.result_type(*params)
    return tuple(jnp.asarray(end, dtype) for end in ends(family, params))


OF_X = ("prob", "cdf", "log_cdf", "sf", "log_sf", "score", "hessian")
DERIVATIVES = ("score", "hessian", "fisher_information")
RESTS_ON = {
    "std": ("variance",),
    "skewness": ("variance",),
    "kurtosis": ("variance",),
    "squared_wasserstein": ("variance",),
    "hessian": ("score",),
    "fisher_information": ("score",),
}
OF_FITS: dict[str, Callable[..., Callable[..., Any]]] = {
    "fit": fit,
    "interval": interval,
    "profile": profile,
}
ROUTES: dict[str, Callable[..., Callable[..., Any]]] = {
    "prob": tails.prob,
    "cdf": tails.cdf,
    "log_cdf": tails.log_cdf,
    "sf": tails.sf,
    "log_sf": tails.log_sf,
    "quantile": tails.quantile,
    "isf": tails.isf,
    "mean": _mean,
    "median": tails.median,
    "mode": _mode,
    "variance": _variance,
    "std": lambda family: lambda *params: jnp.sqrt(family.variance(*params)),
    "skewness": _standard_moment(3, 0.0),
    "kurtosis": _standard_moment(4, 3.0),
    "entropy": _entropy,
    "cross_entropy": _cross_entropy,
    "kl": _kl,
    "jensen_shannon": divergences.jensen_shannon,
    "squared_hellinger": divergences.squared_hellinger,
    "renyi": divergences.renyi,
    "squared_wasserstein": divergences.squared_wasserstein,
    "score": _score,
    "hessian": _hessian,
    "fisher_information": _fisher_information,
}
