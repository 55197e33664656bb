r"""The normal-inverse-gamma distribution of a mean and a variance, the pair x = (mu, v).

The variance is of the inverse gamma kind, $v \sim \mathrm{IG}(a, b)$ with shape `concentration` and
`scale`; given it the mean is normal around `loc` with variance v / `count`. It is the conjugate
prior of a normal sample, in which `count` says how many observations `loc` is worth. Pairs lie
along the last axis.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.gamma import GAMMA, SHAPES, likeliest_concentration
from jaxmath.distributions.gamma_density import log_density, log_excess
from jaxmath.distributions.gamma_draws import log_gamma_draw
from jaxmath.distributions.inversion import standard_normal
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.product import Entries
from jaxmath.distributions.ratios import rates_gap, ratio_gap
from jaxmath.distributions.vector_fit import arrays, with_errors
from jaxmath.distributions.vectors import (
    UNRECORDED,
    WITHOUT_ORDER,
    Given,
    batch_of,
    exponential,
    jacobian,
    lifted,
)
from jaxmath.domains import Interval
from jaxmath.formula import Concave, Source, with_rule
from jaxmath.special.gamma import (
    HALF_LOG_TAU,
    digamma,
    gammaln,
    stirling_error,
    stirling_error_dx,
    stirling_error_dx_dx,
    trigamma,
)
from jaxmath.special.ratio import log_ratio
from jaxmath.typing import PRNGKey, Real


class Params(NamedTuple):
    """The four parameters; also the shape of what belongs to each, such as the score."""

    loc: Any
    count: Any
    concentration: Any
    scale: Any


VALUES = Interval(-(2.0**16), 2.0**16, closed=(True, True))
SIZES = Interval(2.0**-16, 2.0**16, closed=(True, True))


def _parts(x, loc, count, concentration, scale):
    """Mean and variance, the square of the mean's distance, and positive parameters."""
    mu, v = x[0], positive(x[1])
    return mu - loc, v, positive(count), positive(concentration), positive(scale)


def _log_prob(
    x: Given, loc: Given, count: Given, concentration: Given, scale: Given
) -> Float[Array, ""]:
    """The logarithm of the density, in nats; minus infinity where the variance isn't positive."""
    inside = ~(x[1] <= 0)
    x = jnp.where(inside, x, 1.0)
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    log_v = jnp.log(v)
    own = log_density(b / v, a, jnp.log(b) - log_v) - log_v
    value = own + (jnp.log(k) - log_v - k * r * (r / v)) / 2 - HALF_LOG_TAU
    return jnp.where(inside, value, -jnp.inf)


def _log_prob_dx(x, loc, count, concentration, scale):
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    dv = (k * r * (r / v) / 2 + b / v - a - 1.5) / v
    return jnp.stack([-k * (r / v), dv])


def _log_prob_dloc(x, loc, count, concentration, scale):
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    return k * (r / v) + 0.0 * (a + b)


def _log_prob_dcount(x, loc, count, concentration, scale):
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    return (1 / k - r * (r / v)) / 2 + 0.0 * (a + b)


def _log_prob_dconcentration(x, loc, count, concentration, scale):
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    return log_excess(b / v, a, jnp.log(b) - jnp.log(v)) + 0.0 * (r + k)


def _log_prob_dscale(x, loc, count, concentration, scale):
    r, v, k, a, b = _parts(x, loc, count, concentration, scale)
    return a / b - 1 / v + 0.0 * (r + k)


_LOG_PROB = dict(
    x=_log_prob_dx,
    loc=_log_prob_dloc,
    count=_log_prob_dcount,
    concentration=_log_prob_dconcentration,
    scale=_log_prob_dscale,
)
log_prob = lifted(1, 0, 0, 0, 0)(with_rule(_log_prob, **_LOG_PROB))
prob = exponential(log_prob)


def _score(x, *params):
    return Params(*(_LOG_PROB[name](x, *params) for name in Params._fields))


@lifted(1, 0, 0, 0, 0)
def score(x: Given, loc: Given, count: Given, concentration: Given, scale: Given) -> Params:
    """The slopes of `log_prob` in the parameters."""
    return _score(x, loc, count, concentration, scale)


@lifted(1, 0, 0, 0, 0)
def hessian(
    x: Given, loc: Given, count: Given, concentration: Given, scale: Given
) -> Float[Array, "4 4"]:
    """The second derivatives of `log_prob` in the parameters."""
    return jacobian(_score)(x, loc, count, concentration, scale)


@lifted(0, 0, 0, 0)
def fisher_information(
    loc: Given, count: Given, concentration: Given, scale: Given
) -> Float[Array, "4 4"]:
    """That of the mean, of the count, and of a gamma distribution's shape and rate."""
    k, a, b = positive(count), positive(concentration), positive(scale)
    own = jnp.stack([jnp.stack([trigamma(a), -1 / b]), jnp.stack([-1 / b, a / b / b])])
    mean = (k * (a / b) + 0.0 * loc)[None, None]
    return jax.scipy.linalg.block_diag(mean, (0.5 / k / k)[None, None], own)


def sample(
    key: PRNGKey,
    loc: Real,
    count: Real,
    concentration: Real,
    scale: Real,
    shape: tuple[int, ...] = (),
) -> Array:
    """Draw `shape` pairs for each of the parameters, differentiable in them."""
    loc, k, a, b = batch_of(shape, (loc, count, concentration, scale), (0, 0, 0, 0))
    own, noise = jax.random.split(key)
    k, b = positive(k), positive(b)
    v = b * jnp.exp(-log_gamma_draw(own, jnp.where(a > 0, a, 1.0))) + 0.0 * positive(a)
    mu = loc + jnp.sqrt(v / k) * standard_normal(noise, v.shape, v.dtype)
    return jnp.stack([mu, v], axis=-1)


def _above(a, least):
    """By how much the shape lies above that which a moment needs, NaN if it does not."""
    return jnp.where(a > least, a - least, jnp.nan)


@lifted(0, 0, 0, 0)
def mean(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, "2"]:
    """Of mean and variance; NaN for a concentration up to one."""
    v = positive(scale) / _above(concentration, 1)
    return jnp.stack([loc + 0.0 * (v + positive(count)), v])


@lifted(0, 0, 0, 0)
def mode(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, "2"]:
    """Where the density of the pair is largest."""
    v = positive(scale) / (positive(concentration) + 1.5)
    return jnp.stack([loc + 0.0 * (v + positive(count)), v])


@lifted(0, 0, 0, 0)
def variance(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, "2"]:
    """Of mean and variance, which are uncorrelated; NaN for a concentration up to two."""
    v = positive(scale) / _above(concentration, 1) + 0.0 * loc
    return jnp.stack([v / positive(count), jnp.square(v) / _above(concentration, 2)])


@lifted(0, 0, 0, 0)
def std(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, "2"]:
    """The roots of the variances."""
    return jnp.sqrt(variance(loc, count, concentration, scale))


def _entropy(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, ""]:
    """The expected value of minus `log_prob`, in nats."""
    k, a, b = positive(count), positive(concentration), positive(scale)
    own = HALF_LOG_TAU + 0.5 - jnp.log(a) / 2 + stirling_error(a) - a * stirling_error_dx(a)
    log_v = jnp.log(b) - digamma(a)
    return own + 1.5 * log_v + HALF_LOG_TAU + 0.5 - jnp.log(k) / 2 + 0.0 * loc


def _of(fn):
    def partial(loc, count, concentration, scale):
        k, a, b = positive(count), positive(concentration), positive(scale)
        return fn(k, a, b) + 0.0 * (loc + k + a + b)

    return partial


_ENTROPY = dict(
    loc=_of(lambda k, a, b: 0.0),
    count=_of(lambda k, a, b: -0.5 / k),
    concentration=_of(
        lambda k, a, b: -1 / (2 * a) - a * stirling_error_dx_dx(a) - 1.5 * trigamma(a)
    ),
    scale=_of(lambda k, a, b: 1.5 / b),
)
entropy = lifted(0, 0, 0, 0)(with_rule(_entropy, **_ENTROPY))
_GAMMA = GAMMA.partials["kl"]


def _kl(
    loc: Given,
    count: Given,
    concentration: Given,
    scale: Given,
    loc_q: Given,
    count_q: Given,
    concentration_q: Given,
    scale_q: Given,
) -> Float[Array, ""]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    precision = concentration / positive(scale)
    mean = count_q * jnp.square(loc - loc_q) * precision + ratio_gap(
        positive(count_q), positive(count)
    )
    return GAMMA.kl(concentration, scale, concentration_q, scale_q) + mean / 2


def _pair(fn):
    """A partial of the divergence, of all parameters by their letters."""

    def partial(*params):
        p, q = params[:4], params[4:]
        (_, k, a, b), (_, m, c, d) = p, q
        return fn(p[0] - q[0], k, a, b, m, c, d) + 0.0 * sum(params)

    return partial


_KL = dict(
    loc=_pair(lambda r, k, a, b, m, c, d: m * (a / b) * r),
    count=_pair(lambda r, k, a, b, m, c, d: (k - m) / k / k / 2),
    concentration=_pair(
        lambda r, k, a, b, m, c, d: _GAMMA["concentration"](a, b, c, d) + m / b * r * r / 2
    ),
    scale=_pair(
        lambda r, k, a, b, m, c, d: _GAMMA["rate"](a, b, c, d) - m * (a / b / b) * r * r / 2
    ),
    loc_q=_pair(lambda r, k, a, b, m, c, d: -m * (a / b) * r),
    count_q=_pair(lambda r, k, a, b, m, c, d: (rates_gap(m, k) + a / b * r * r) / 2),
    concentration_q=_pair(lambda r, k, a, b, m, c, d: _GAMMA["concentration_q"](a, b, c, d)),
    scale_q=_pair(lambda r, k, a, b, m, c, d: _GAMMA["rate_q"](a, b, c, d)),
)


def _cross_entropy(
    loc: Given,
    count: Given,
    concentration: Given,
    scale: Given,
    loc_q: Given,
    count_q: Given,
    concentration_q: Given,
    scale_q: Given,
) -> Float[Array, ""]:
    """The expected value under the first distribution of minus the second's `log_prob`, in nats."""
    p, q = (loc, count, concentration, scale), (loc_q, count_q, concentration_q, scale_q)
    return _entropy(*p) + _kl(*p, *q)


_CROSS_ENTROPY = exponential_family.cross_entropy(_ENTROPY, _KL) | dict(
    count=_pair(lambda r, k, a, b, m, c, d: -m / k / k / 2),
)
_bound_kl = with_rule(_kl, **_KL)
kl = lifted(*(8 * (0,)))(_bound_kl)
cross_entropy = lifted(*(8 * (0,)))(with_rule(_cross_entropy, **_CROSS_ENTROPY))


def _between(share, p, q):
    """The member whose natural parameters are linear in both."""
    (loc, k, a, b), (loc_q, m, c, d) = p, q
    rest = 1 - share
    count = share * k + rest * m
    way = loc - loc_q
    scale = share * b + rest * d + share * rest * k * (m / count) * way * way / 2
    return loc_q + share * (k / count) * way, count, share * a + rest * c, scale


squared_hellinger = lifted(*(8 * (0,)))(exponential_family.squared_hellinger(_bound_kl, _between))
renyi = lifted(*(9 * (0,)))(exponential_family.renyi(_bound_kl, _between))


@lifted(1)
def sufficient(x: Given) -> Float[Array, "4"]:
    """The mean over the variance, its square over the variance, log variance, one over it."""
    mu, v = x[0], x[1]
    return jnp.stack([mu / v, mu * (mu / v), jnp.log(v), 1 / v])


@lifted(0, 0, 0, 0)
def natural(loc: Given, count: Given, concentration: Given, scale: Given) -> Float[Array, "4"]:
    """What each of `sufficient` is multiplied by; the base measure is one over the root of 2 pi."""
    k, a, b = positive(count), positive(concentration), positive(scale)
    return jnp.stack([k * loc, -k / 2, -(a + 1.5), -(b + k * loc * loc / 2)])


@lifted(1)
def log_partition(eta: Given) -> Float[Array, ""]:
    """The normaliser as a function of the natural parameters."""
    k, a = -2 * eta[1], -eta[2] - 1.5
    b = -eta[3] - eta[0] * (eta[0] / k) / 2
    return gammaln(a) - a * jnp.log(b) - jnp.log(k) / 2


@lifted(0, 0, 0, 0)
def mean_parameters(
    loc: Given, count: Given, concentration: Given, scale: Given
) -> Float[Array, "4"]:
    """The expected values of `sufficient`."""
    k, a, b = positive(count), positive(concentration), positive(scale)
    precision = a / b
    log_v = jnp.log(b) - digamma(a)
    return jnp.stack([loc * precision, 1 / k + loc * loc * precision, log_v, precision])


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The likeliest parameters of pairs, shape (n, 2): means weighted by one over variances."""
    values, share, total = arrays(x, weights, 1)
    precision = 1 / values[:, 1]
    centre = share @ precision
    loc = share @ (values[:, 0] * precision) / centre
    count = 1 / (share @ (jnp.square(values[:, 0] - loc) * precision))
    gap = -jnp.sum(share * log_ratio(precision, centre))
    a = likeliest_concentration(gap)
    estimate = Params(loc, count, a, a / centre)
    return with_errors(NORMAL_INVERSE_GAMMA, estimate, values, share, total)


NORMAL_INVERSE_GAMMA = Family(
    name="normal_inverse_gamma",
    parameters=Params(loc=VALUES, count=SIZES, concentration=SHAPES, scale=SIZES),
    support=Entries((VALUES, SIZES)),
    functions=(
        *(log_prob, prob, sample, mean, mode, variance, std, entropy, cross_entropy, kl),
        *(squared_hellinger, renyi, score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    partials=dict(log_prob=_LOG_PROB, entropy=_ENTROPY, kl=_KL, cross_entropy=_CROSS_ENTROPY),
    plain=dict(log_prob=_log_prob, entropy=_entropy, kl=_kl, cross_entropy=_cross_entropy),
    facts=dict(log_prob=(Concave("loc"), Concave("concentration"))),
    undefined=WITHOUT_ORDER,
    unrecorded=UNRECORDED,
    tex=dict(
        log_prob=r"\log p(\mu, v) = \log \mathcal{N}(\mu \mid m, v / \kappa)"
        r" + a \log b - \log\Gamma(a) - (a + 1) \log v - b / v",
        mean=r"(m,\; b / (a - 1))",
        mode=r"(m,\; b / (a + \tfrac32))",
        entropy=r"H = a + \log\Gamma(a) - (a + \tfrac32) \psi(a) + \tfrac32 \log b"
        r" + \tfrac12 \log (2 \pi e / \kappa)",
    ),
    source=Source("bishop2006prml", "section 2.3.6"),
    topic="P17",
)
__getattr__ = NORMAL_INVERSE_GAMMA.function
