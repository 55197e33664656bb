r"""Generic divergences of two members of a family, each an expectation under both.

Written in $t = \log q(x) - \log p(x)$ every integrand keeps its digits where p and q are close, and
is right where one of them is zero. So the squared Hellinger distance is the mean under p and under
q of $\tfrac12 (\sqrt p - \sqrt q)^2 / (p + q) = \tfrac12 \tanh(t/2) \tanh(t/4)$.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jaxmath.distributions import quadrature
from jaxmath.distributions.expectation import expect
from jaxmath.special.logistic import softplus


def _both(family, fn):
    """The sum of the expectations of `fn(t)` under p and of `fn(-t)` under q."""
    count = len(family.parameters)

    def divergence(*params):
        p, q = params[:count], params[count:]

        def gap(x):
            log_p, log_q = family.log_prob(x, *p), family.log_prob(x, *q)
            impossible = jnp.isinf(log_p) & jnp.isinf(log_q)
            return jnp.where(impossible, 0.0, log_q) - jnp.where(impossible, 0.0, log_p)

        one = expect(family, p, lambda x: fn(gap(x)), (q,))
        return one + expect(family, q, lambda x: fn(-gap(x)), (p,))

    return divergence


def jensen_shannon(family):
    """Half the divergences of both from their mixture; at most log 2."""
    return _both(family, lambda t: (math.log(2) - softplus(t)) / 2)


def squared_hellinger(family):
    """One minus the integral of the geometric mean of both densities."""
    return _both(family, lambda t: jnp.tanh(t / 2) * jnp.tanh(t / 4) / 2)


def renyi(family):
    """The divergence of order alpha > 0; of order one Kullback and Leibler's."""
    count = len(family.parameters)

    def divergence(order, *params):
        p, q = params[:count], params[count:]
        power = order - 1

        def growth(x):
            return jnp.expm1(power * (family.log_prob(x, *p) - family.log_prob(x, *q)))

        some = jnp.where(power == 0, 1.0, power)
        return jnp.where(
            power == 0, family.kl(*params), jnp.log1p(expect(family, p, growth, (q,))) / some
        )

    return divergence


def squared_wasserstein(family):
    """The integral of the squared distance of both quantiles, from both ends to the middle."""
    count = len(family.parameters)

    def distance(*params):
        p, q = params[:count], params[count:]
        rule = quadrature.segment(0.0, 0.5, jnp.result_type(*params))
        inside = rule.weight > 0
        u = jnp.where(inside & (rule.x > 0), rule.x, 0.25)

        def square(u):
            below = family.quantile(u, *p) - family.quantile(u, *q)
            above = family.isf(u, *p) - family.isf(u, *q)
            return jnp.square(below) + jnp.square(above)

        return jnp.sum(jnp.where(inside, rule.weight * jax.vmap(square)(u), 0.0))

    return distance
