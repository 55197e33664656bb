r"""Divergences of one exponential family, from its own Kullback-Leibler divergence and entropy.

With m the member whose natural parameters are $\alpha \eta_p + (1 - \alpha) \eta_q$,

$$-\log \int p^\alpha q^{1 - \alpha} = \alpha \operatorname{KL}(m \,\|\, p)
+ (1 - \alpha) \operatorname{KL}(m \,\|\, q),$$

a gap of Jensen's inequality for the log-partition (Nielsen and Nock 2011): no digits are lost
however close p and q are.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

Function = Callable[..., Any]


def _halves(params):
    return params[: len(params) // 2], params[len(params) // 2 :]


def linear(share, p, q):
    """The member between p and q where natural parameters are linear in the given ones."""
    return tuple(
        share * jnp.asarray(one) + (1 - share) * jnp.asarray(two)
        for one, two in zip(p, q, strict=True)
    )


def cross_entropy(entropy: Mapping[str, Function], kl: Mapping[str, Function]):
    """The partials of an entropy plus a divergence, from those of both, by parameter."""
    count = len(entropy)

    def both(name):
        def partial(*params):
            return entropy[name](*params[:count]) + kl[name](*params)

        named: Any = partial
        named.__signature__ = inspect.signature(kl[name])
        return named

    return {**kl, **{name: both(name) for name in entropy}}


def squared_hellinger(kl: Function, between: Function) -> Function:
    """One minus the overlap of both densities.

    `between(share, p, q)` are the parameters of the member between those of p and q.
    """

    def squared_hellinger(*params):
        p, q = _halves(params)
        middle = between(0.5, p, q)
        return -jnp.expm1(-(kl(*middle, *p) + kl(*middle, *q)) / 2)

    return squared_hellinger


def renyi(kl: Function, between: Function) -> Function:
    """The divergence of order alpha; infinite where there is no member between p and q."""

    def renyi(order, *params):
        p, q = _halves(params)
        order = jnp.asarray(order)
        rest = 1 - order
        middle = between(order, p, q)
        gap = order * kl(*middle, *p) / jnp.where(rest == 0, 1.0, rest) + kl(*middle, *q)
        value = jnp.where(rest == 0, kl(*p, *q), gap)
        outside = jnp.isnan(value) & ~jnp.isnan(kl(*p, *q)) & (order > 0)
        return jnp.where(outside, jnp.inf, value)

    return renyi
