r"""The Dirichlet distribution of probability vectors, with a `concentration` $a_k > 0$ of each.

Vectors lie along the last axis. A concentration that isn't positive gives NaN; a negative entry of
x has density zero, and that the entries of x add up to one is taken for granted; where the density
is zero by one entry and infinite by another it is NaN. With Stirling's
formula for every gamma function the logarithm of the density is a multiple of a divergence of the
mean from x, and the divergence of two distributions a sum of non-negative terms: large
concentrations cost no digits.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.beta_divergences import kl as beta_kl
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.gamma_density import log_excess
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.vector_fit import arrays, likeliest, with_errors
from jaxmath.distributions.vectors import UNRECORDED, WITHOUT_ORDER, batch_of, exponential, lifted
from jaxmath.domains import Box, Interval, Simplex
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.entropy import kl_div, xlogy
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma_difference,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
    trigamma_difference,
    trigamma_excess_difference,
)
from jaxmath.special.normalized import log_softmax
from jaxmath.special.partials import along, with_jacobians
from jaxmath.special.ratio import quotient
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The concentrations; also the shape of what belongs to them, such as the score."""

    concentration: Any


@dataclass(frozen=True)
class Inside(Simplex):
    """Probability vectors without zeros, where every density is a number."""

    def contains(self, value):
        """Whether the entries are positive and sum to one up to rounding."""
        return super().contains(value) & jnp.all(jnp.asarray(value) > 0)

    def sample(self, rng: np.random.Generator, count: int, dtype: DTypeLike) -> np.ndarray:
        """Those of the simplex, with the least normal numbers in place of zeros."""
        return np.maximum(super().sample(rng, count, dtype), np.finfo(dtype).tiny)

    def edges(self, dtype: DTypeLike) -> np.ndarray:
        """Those of the simplex without the vertices."""
        return super().edges(dtype)[self.size :]


SHAPES = Interval(2.0**-14, 2.0**27, closed=(True, True))
"""Of concentrations: where all digits are promised."""


def _log_prob(x: Real, concentration: Real) -> Float[Array, ""]:
    """The logarithm of the density over all entries but the last, in nats."""
    x, a = jnp.asarray(x), positive(concentration)
    total = jnp.sum(a)
    inside = jnp.where(x >= 0, x, 1.0)
    z = total * inside
    near = (z > a / 2) & (z < 2 * a)
    close = -kl_div(jnp.where(near, a, 1.0), jnp.where(near, z, 1.0))
    close = close - jnp.log(jnp.where(near, inside, 1.0))
    away = xlogy(a - 1, jnp.where(near, 1.0, inside)) - a * jnp.log(a / total) + a - z
    value = (
        jnp.sum(jnp.where(near, close, away) + jnp.log(a) / 2 - HALF_LOG_TAU - stirling_error(a))
        - jnp.log(total) / 2 + HALF_LOG_TAU + stirling_error(total)
        - total * (1 - jnp.sum(inside))
    )  # fmt: skip
    return jnp.where(jnp.any(x < 0), -jnp.inf, value) + 0.0 * jnp.sum(jnp.where(x > 0, 0.0, x))


def _inside(x):
    return jnp.all(jnp.asarray(x) >= 0)


def _log_prob_dx(x, concentration):
    x, a = jnp.asarray(x), positive(concentration)
    nothing = (x == 0) & (a == 1)
    return jnp.where(nothing, 0.0, quotient(a - 1, jnp.where(nothing, 1.0, x)))


def _rest(total):
    """The logarithm of the total less its digamma function."""
    return 1 / (2 * total) - stirling_error_dx(total)


def _log_prob_dconcentration(x, concentration):
    x, a = jnp.asarray(x), positive(concentration)
    total = jnp.sum(a)
    return log_excess(total * x, a, jnp.log(x) + jnp.log(total)) - _rest(total)


def _square(own, common):
    """A matrix of the diagonal and of what stands elsewhere."""
    return jnp.where(jnp.eye(own.size, dtype=bool), jnp.diag(own), common)


def _bend(other, concentration):
    a = positive(concentration)
    own = trigamma_difference(a, _complement(a))
    return _square(own, trigamma(jnp.sum(a))) + 0.0 * jnp.sum(other)


def _over(x, concentration):
    return jnp.diag(quotient(1.0, jnp.asarray(x))) + 0.0 * jnp.sum(concentration)


def _log_prob_dx_dx(x, concentration):
    return -jnp.diag(quotient(_log_prob_dx(x, concentration), jnp.asarray(x)))


_LOG_PROB = dict(
    x=with_jacobians(_log_prob_dx, x=_log_prob_dx_dx, concentration=_over),
    concentration=with_jacobians(_log_prob_dconcentration, x=_over, concentration=_bend),
)
log_prob = lifted(1, 1)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


@lifted(1, 1)
def score(x: Real, concentration: Real) -> Params:
    """The slope of `log_prob` in the concentrations."""
    return Params(_log_prob_dconcentration(x, concentration))


@lifted(1, 1)
def hessian(x: Real, concentration: Real) -> Float[Array, "n n"]:
    """The second derivatives of `log_prob` in the concentrations, which do not depend on x."""
    return _bend(x, concentration)


@lifted(1)
def fisher_information(concentration: Real) -> Float[Array, "n n"]:
    r"""The matrix $\operatorname{diag} \psi'(a) - \psi'(a_0)\, 1 1^\top$."""
    return -_bend(0.0, concentration)


def sample(key: PRNGKey, concentration: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` vectors for each of concentrations, as shares of gamma variables.

    Differentiable in the concentrations.
    """
    (a,) = batch_of(shape, (concentration,), (1,))
    logs = log_gamma_draw(key, jnp.where(a > 0, a, 1.0))
    shares = jnp.vectorize(log_softmax, signature="(n)->(n)")(logs)
    return jnp.exp(shares) + jnp.where(a > 0, 0.0, jnp.nan)


@lifted(1)
def mean(concentration: Real) -> Float[Array, " n"]:
    """The share of each concentration in their sum."""
    a = positive(concentration)
    return a / jnp.sum(a)


@lifted(1)
def mode(concentration: Real) -> Float[Array, " n"]:
    """Where the density is largest; NaN unless all concentrations are at least one, some more."""
    a = positive(concentration)
    total = jnp.sum(a - 1)
    inside = jnp.all(a >= 1) & (total > 0)
    return jnp.where(inside, (a - 1) / jnp.where(inside, total, 1.0), jnp.nan)


def _complement(a):
    """The sum of all others, for each."""
    return jnp.sum(jnp.where(jnp.eye(a.size, dtype=bool), 0.0, a[None, :]), axis=1)


@lifted(1)
def variance(concentration: Real) -> Float[Array, " n"]:
    """Of each entry."""
    a = positive(concentration)
    total = jnp.sum(a)
    return a / total * (_complement(a) / total) / (total + 1)


@lifted(1)
def std(concentration: Real) -> Float[Array, " n"]:
    """The root of the variance of each entry."""
    return jnp.sqrt(variance(concentration))


@lifted(1)
def covariance(concentration: Real) -> Float[Array, "n n"]:
    """Of all pairs of entries: rows add up to zero."""
    a = positive(concentration)
    total = jnp.sum(a)
    m = a / total
    own = jnp.eye(a.size, dtype=bool)
    return jnp.where(own, jnp.diag(variance(a)), -jnp.outer(m, m) / (total + 1))


def _entropy(concentration: Real) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats; largest for equal densities everywhere."""
    a = positive(concentration)
    total, n = jnp.sum(a), a.size

    def part(a):
        return stirling_error(a) - a * stirling_error_dx(a)

    slopes = jnp.log(a / total) + _rest(total) - _rest(a)
    return (
        jnp.sum(slopes + part(a) - jnp.log(a) / 2) - part(total) + jnp.log(total) / 2
        + (n - 1) * (HALF_LOG_TAU + 0.5)
    )  # fmt: skip


def _excess(a):
    """The product of a and the trigamma function, less one."""
    return 1 / (2 * a) + a * stirling_error_dx_dx(a)


def _entropy_slope(concentration):
    a = positive(concentration)
    total = jnp.sum(a)
    return _excess(total) - _excess(a) + trigamma(a) - a.size * trigamma(total)


_ENTROPY = dict(concentration=_entropy_slope)
entropy = lifted(1)(with_rule(_entropy, **_ENTROPY))


def _pair(concentration, concentration_q):
    a, b = positive(concentration), positive(concentration_q)
    return a, b, jnp.sum(a), jnp.sum(b)


def _kl(concentration: Real, concentration_q: Real) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats.

    The shares of one entry after the other in the sum of those before it are independent beta
    variables, whose divergences add up.
    """
    order = jnp.argsort(-positive(concentration))
    a, b = positive(concentration)[order], positive(concentration_q)[order]
    return jnp.sum(beta_kl(a[1:], jnp.cumsum(a)[:-1], b[1:], jnp.cumsum(b)[:-1]))


def _close(a, b):
    """Whether two sets of concentrations are of one size, all of them."""
    return jnp.all(jnp.abs(a - b) < a / 2)


def _kl_da(concentration, concentration_q):
    a, b, total, _ = _pair(concentration, concentration_q)
    apart = trigamma_difference(a, _complement(a))
    # What is of the others stands beside what is of each, which differ by many orders.
    near = (b - a) * apart + _complement(b - a) * trigamma(total)
    fall = trigamma_excess_difference(a, _complement(a))
    far = fall + b * apart + _complement(b) * trigamma(total)
    return jnp.where(_close(a, b), near, far)


def _dq(concentration, concentration_q):
    a, b, total, _ = _pair(concentration, concentration_q)
    near = digamma_difference(a, b - a) - digamma_difference(total, jnp.sum(b - a))
    far = digamma_difference(a, _complement(a)) - digamma_difference(b, _complement(b))
    return jnp.where(_close(a, b), near, far)


def _cross_entropy(concentration: Real, concentration_q: Real) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    return entropy(concentration) + kl(concentration, concentration_q)


def _cross_entropy_da(concentration, concentration_q):
    a, b, total, _ = _pair(concentration, concentration_q)
    return (b - 1) * trigamma_difference(a, _complement(a)) + _complement(b - 1) * trigamma(total)


_bent = along(trigamma_difference, 0)
_bent_excess, _bent_trigamma = along(_excess, 0), along(trigamma, 0)


def _kl_da_da(concentration, concentration_q):
    a, b, total, total_q = _pair(concentration, concentration_q)
    rest, turn = _complement(a), _bent_trigamma(total)
    apart, bent = trigamma_difference(a, rest), _bent(a, rest)
    gap = jnp.sum(a - b)
    near = (b - a) * bent - apart - _complement(a - b) * turn
    near = _square(near, -trigamma(total) - gap * turn)
    far = _bent_excess(a) - _bent_excess(total) + b * bent + _complement(b) * turn
    far = _square(far, total_q * turn - _bent_excess(total))
    return jnp.where(_close(a, b), near, far)


def _kl_da_dq(concentration, concentration_q):
    return _bend(concentration_q, concentration)


def _dq_dq(concentration, concentration_q):
    return -_bend(concentration, concentration_q)


def _cross_entropy_da_da(concentration, concentration_q):
    a, b, total, total_q = _pair(concentration, concentration_q)
    turn = _bent_trigamma(total)
    own = (b - 1) * _bent(a, _complement(a)) + _complement(b - 1) * turn
    return _square(own, (total_q - a.size) * turn)


def _bends(own):
    return {
        ("concentration", "concentration"): own,
        ("concentration", "concentration_q"): _kl_da_dq,
        ("concentration_q", "concentration_q"): _dq_dq,
    }


def _slopes(first, own):
    return dict(
        concentration=with_jacobians(first, concentration=own, concentration_q=_kl_da_dq),
        concentration_q=with_jacobians(_dq, concentration=_kl_da_dq, concentration_q=_dq_dq),
    )


_KL = _slopes(_kl_da, _kl_da_da)
_CROSS_ENTROPY = _slopes(_cross_entropy_da, _cross_entropy_da_da)
_kl_bound = with_rule(_kl, **_KL)
kl = lifted(1, 1)(_kl_bound)
cross_entropy = lifted(1, 1)(with_rule(_cross_entropy, **_CROSS_ENTROPY))


squared_hellinger = lifted(1, 1)(
    exponential_family.squared_hellinger(_kl_bound, exponential_family.linear)
)
renyi = lifted(0, 1, 1)(exponential_family.renyi(_kl_bound, exponential_family.linear))


def sufficient(x: Real) -> Float[Array, "... n"]:
    """The logarithms of the entries."""
    return jnp.log(jnp.asarray(x))


def natural(concentration: Real) -> Float[Array, "... n"]:
    """The concentrations, beside a base measure that is one over the product of the entries."""
    return positive(concentration)


@lifted(1)
def log_partition(eta: Real) -> Float[Array, ""]:
    """The logarithm of the multivariate beta function."""
    a = positive(eta)
    total = jnp.sum(a)
    large = jnp.sum(a * jnp.log(a / total) - jnp.log(a) / 2 + HALF_LOG_TAU + stirling_error(a))
    return large + jnp.log(total) / 2 - HALF_LOG_TAU - stirling_error(total)


@lifted(1)
def mean_parameters(concentration: Real) -> Float[Array, " n"]:
    """The expected logarithms: the digamma function of each less that of the sum."""
    a = positive(concentration)
    return -digamma_difference(a, _complement(a))


def fit(x: Real, weights: Real | None = None) -> Fit:
    """By Newton's method (Minka 2000), from the moments of vectors, shape (observations, n)."""
    x, share, total = arrays(x, weights, 1)
    m = share @ x
    spread = share @ jnp.square(x - m[None])
    # Of each entry's variance m (1 - m) / (a0 + 1).
    size = jnp.sum(m * (1 - m)) / jnp.sum(spread) - 1
    start = Params(m * jnp.clip(size, 1e-2, 1e6))
    return with_errors(DIRICHLET, likeliest(DIRICHLET, start, x, share), x, share, total)


DIRICHLET = Family(
    name="dirichlet",
    parameters=Params(concentration=Box((3,), SHAPES)),
    support=Inside(3),
    functions=(
        *(log_prob, prob, sample, mean, mode, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY, kl=_KL, cross_entropy=_CROSS_ENTROPY),
    seconds=dict(
        log_prob={
            ("x", "x"): _log_prob_dx_dx,
            ("x", "concentration"): _over,
            ("concentration", "concentration"): _bend,
        },
        kl=_bends(_kl_da_da),
        cross_entropy=_bends(_cross_entropy_da_da),
    ),
    plain=dict(log_prob=_log_prob, entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy),
    facts=dict(log_prob=(Concave("concentration"),)),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(x) = \sum_k (a_k - 1) \log x_k - \log B(a),"
        r" \quad B(a) = \prod_k \Gamma(a_k) / \Gamma(a_0), \quad a_0 = \sum_k a_k",
        mean=r"\mu = a / a_0",
        mode=r"(a - 1) / (a_0 - n)",
        variance=r"\frac{a_k (a_0 - a_k)}{a_0^2 (a_0 + 1)}",
        entropy=r"H = \log B(a) + (a_0 - n) \psi(a_0) - \sum_k (a_k - 1) \psi(a_k)",
        cross_entropy=r"H(p, q) = \log B(b) - \sum_k (b_k - 1) (\psi(a_k) - \psi(a_0))",
        kl=r"\operatorname{KL} = \log \frac{B(b)}{B(a)}"
        r" + \sum_k (a_k - b_k) (\psi(a_k) - \psi(a_0))",
        fisher_information=r"I = \operatorname{diag} \psi'(a) - \psi'(a_0)\, 1 1^\top",
    ),
    source=Source("bishop2006prml", "appendix B"),
    topic="P10",
)
__getattr__ = DIRICHLET.function
