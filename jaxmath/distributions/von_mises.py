r"""The von Mises distribution of an angle round `loc`, of `concentration` > 0.

Angles are in radians; the circle is cut opposite to zero, and they lie in (-pi, pi]. Probabilities
of being below, and quantiles, are counted from that cut. What only an axis has, such as a mean and
a variance, is not defined: the mean direction is the mode, `loc`, the mean length
`special.bessel_ratio` of the concentration, and the circular variance
`special.bessel_ratio_complement`. The density and its slopes have the period of the circle.

Elementwise functions of arrays or numbers. A concentration that isn't positive gives NaN.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmath.distributions import exponential_family
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.location_scale import positive
from jaxmath.distributions.shapes import float_dtype, sample_shape
from jaxmath.distributions.von_mises_density import (
    LOG_PROB,
    LOG_TAU,
    PROB,
    bend,
    cosine,
    half,
    log_prob,
    log_prob_dconcentration,
    log_prob_dloc,
    narrowing,
    prob,
    rise,
    sine,
    twist,
)
from jaxmath.distributions.von_mises_quantiles import isf, median, quantile
from jaxmath.distributions.von_mises_tails import (
    CDF,
    LOG_CDF,
    LOG_SF,
    SF,
    cdf,
    log_cdf,
    log_sf,
    sf,
)
from jaxmath.domains import Interval
from jaxmath.formula import Concave, Convex, Decreasing, Source, with_rule
from jaxmath.special.bessel import (
    bessel_ratio,
    bessel_ratio_complement,
    bessel_ratio_dx,
    bessel_ratio_inverse,
    log_i0,
    log_i0e,
    ratio_times,
    slope_times,
)
from jaxmath.special.bessel_divergence import bessel_ratio_difference, log_i0_divergence
from jaxmath.special.loops import loop
from jaxmath.special.norm import norm
from jaxmath.typing import PRNGKey, Real

CIRCLE = Interval(-math.pi, math.pi, closed=(False, True))
CONCENTRATIONS = Interval(2.0**-40, 2.0**40, closed=(True, True))
"""Where all digits are promised."""


class Params(NamedTuple):
    """Direction and concentration; also the shape of what belongs to each, such as the score."""

    loc: Any
    concentration: Any


def score(x: Real, loc: Real, concentration: Real) -> Params:
    """The slope of `log_prob` in each parameter."""
    return Params(
        log_prob_dloc(x, loc, concentration) + 0 * positive(concentration),
        log_prob_dconcentration(x, loc, concentration),
    )


def _matrix(a, b, c):
    a, b, c = jnp.broadcast_arrays(a, b, c)
    return jnp.stack([jnp.stack([a, b], axis=-1), jnp.stack([b, c], axis=-1)], axis=-2)


def hessian(x: Real, loc: Real, concentration: Real) -> Float[Array, "... 2 2"]:
    """The second derivatives of `log_prob` in both parameters, as a matrix."""
    at = (x, loc, concentration)
    return _matrix(bend(*at), -twist(*at), narrowing(*at))


def mode(loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The direction of the highest density, which is the mean direction."""
    return jnp.asarray(loc) + 0 * positive(concentration)


def _entropy(loc: Real, concentration: Real) -> Float[Array, "..."]:
    """The expected value of minus `log_prob`, in nats."""
    k = positive(concentration)
    return LOG_TAU + log_i0e(k) + k * bessel_ratio_complement(k) + 0 * jnp.asarray(loc)


def entropy_dconcentration(loc: Real, concentration: Real) -> Float[Array, "..."]:
    """Minus the concentration times the variance of the cosine."""
    k = positive(concentration)
    return slope_times(-k, k) + 0 * jnp.asarray(loc)


def _zero(loc, concentration):
    return 0 * jnp.asarray(loc) + 0 * positive(concentration)


_ENTROPY = dict(loc=_zero, concentration=entropy_dconcentration)
entropy = with_rule(_entropy, **_ENTROPY)


def _apart(loc, concentration, loc_q, concentration_q):
    """The second concentration times what the mean directions differ by in cosine."""
    s = jnp.sin(half(loc, loc_q))
    return ratio_times(2 * (positive(concentration_q) * s) * s, positive(concentration))


def _cross_entropy(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The expected value under the first of minus the second's `log_prob`, in nats."""
    k, q = positive(concentration), positive(concentration_q)
    own = LOG_TAU + log_i0e(q) + q * bessel_ratio_complement(k)
    return own + _apart(loc, concentration, loc_q, concentration_q)


def _kl(loc: Real, concentration: Real, loc_q: Real, concentration_q: Real) -> Float[Array, "..."]:
    """The Kullback-Leibler divergence of the second distribution from the first, in nats."""
    own = log_i0_divergence(positive(concentration), positive(concentration_q))
    return own + _apart(loc, concentration, loc_q, concentration_q)


def dloc(loc: Real, concentration: Real, loc_q: Real, concentration_q: Real) -> Float[Array, "..."]:
    """The second concentration times the mean length of the first, times the sine between."""
    return ratio_times(positive(concentration_q) * sine(loc, loc_q), positive(concentration))


def dloc_q(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """Minus that in the first direction."""
    return -dloc(loc, concentration, loc_q, concentration_q)


def cross_entropy_dconcentration(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """Minus the second concentration times the cosine between, times the slope of the length."""
    k, q = positive(concentration), positive(concentration_q)
    return slope_times(-q * cosine(loc, loc_q), k)


def kl_dconcentration(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """What the first concentration exceeds the second's part in its direction by."""
    k, q = positive(concentration), positive(concentration_q)
    s = jnp.sin(half(loc, loc_q))
    return slope_times(k - q + 2 * (q * s) * s, k)


def dconcentration_q(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """What the second mean length exceeds the first's part in its direction by."""
    k, q = positive(concentration), positive(concentration_q)
    return bessel_ratio_difference(k, q) + ratio_times(rise(loc, loc_q), k)


_CROSS_ENTROPY = dict(
    loc=dloc,
    concentration=cross_entropy_dconcentration,
    loc_q=dloc_q,
    concentration_q=dconcentration_q,
)
_KL = _CROSS_ENTROPY | dict(concentration=kl_dconcentration)
cross_entropy = with_rule(_cross_entropy, **_CROSS_ENTROPY)
kl = with_rule(_kl, **_KL)


def _between(share, p, q):
    """The sum of both natural parameters, which are vectors, in shares that sum to one.

    Directions are those from the first one's: near ones keep their distance.
    """
    (loc, k), (loc_q, k_q) = p, q
    way = loc_q - jnp.asarray(loc)
    along, across = share * k + (1 - share) * k_q * jnp.cos(way), (1 - share) * k_q * jnp.sin(way)
    length = jnp.sqrt(jnp.square(along) + jnp.square(across))
    return loc + jnp.arctan2(across, along), length


def squared_hellinger(
    loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """One minus the overlap of both densities."""
    k, q = positive(concentration), positive(concentration_q)
    way = jnp.asarray(loc_q) - loc
    return exponential_family.squared_hellinger(kl, _between)(0.0 * way, k, way, q)


def renyi(
    order: Real, loc: Real, concentration: Real, loc_q: Real, concentration_q: Real
) -> Float[Array, "..."]:
    """The divergence of an order above zero; of order one Kullback and Leibler's."""
    k, q = positive(concentration), positive(concentration_q)
    way = jnp.asarray(loc_q) - loc
    return exponential_family.renyi(kl, _between)(order, 0.0 * way, k, way, q)


def fisher_information(loc: Real, concentration: Real) -> Float[Array, "... 2 2"]:
    """The concentration times the mean length, and its slope, on the diagonal."""
    k = positive(concentration) + 0 * jnp.asarray(loc)
    return _matrix(k * bessel_ratio(k), 0 * k, bessel_ratio_dx(k))


def sufficient(x: Real) -> Float[Array, "... 2"]:
    """The direction as a unit vector: cosine and sine."""
    return jnp.stack([jnp.cos(x), jnp.sin(x)], axis=-1)


def natural(loc: Real, concentration: Real) -> Float[Array, "... 2"]:
    """The mean direction as a vector as long as the concentration."""
    k = positive(concentration)
    return jnp.stack(jnp.broadcast_arrays(k * jnp.cos(loc), k * jnp.sin(loc)), axis=-1)


def log_partition(eta: Float[Array, "... 2"]) -> Float[Array, "..."]:
    """The logarithm of I_0 of the length."""
    length = jnp.vectorize(norm, signature="(n)->()")(jnp.asarray(eta))
    return log_i0(length)


def mean_parameters(loc: Real, concentration: Real) -> Float[Array, "... 2"]:
    """The mean direction as a vector of the mean length."""
    length = bessel_ratio(positive(concentration))
    return jnp.stack(jnp.broadcast_arrays(length * jnp.cos(loc), length * jnp.sin(loc)), axis=-1)


_PLACES, _SIZES = np.polynomial.legendre.leggauss(32)
_RULE = list(zip(((1 + _PLACES) / 2).tolist(), (_SIZES / 2).tolist(), strict=True))
END = 38.0
"""Where the density has fallen by 1e-16."""


def _velocity(angle, k):
    r"""The change with the concentration of an angle whose probability of being beyond stays.

    The integral of $\cos\theta - A$ times the density, from zero or from the opposite point,
    whichever side has one sign, over the density at the angle.
    """
    size = jnp.abs(angle)
    rise, rest = 2 * jnp.square(jnp.sin(size / 2)), bessel_ratio_complement(k)
    inner = rise < rest
    far = jnp.minimum(rise / 2 + END / 2 / k, 1.0)
    last = jnp.where(far < 1, 2 * jnp.arcsin(jnp.sqrt(jnp.where(far < 1, far, 0.5))), jnp.pi)
    start, length = jnp.where(inner, 0.0, size), jnp.where(inner, size, last - size)

    def step(total, place, weight):
        at = start + length * place
        above = 2 * jnp.square(jnp.sin(at / 2))
        decay = jnp.exp(2 * k * jnp.sin((size + at) / 2) * jnp.sin((size - at) / 2))
        return total + weight * (rest - above) * decay

    total = loop(step, jnp.zeros_like(size), _RULE, rolled=True)
    return jnp.sign(angle) * length * jnp.where(inner, -total, total)


@jax.custom_jvp
def _angle(noise: Float[Array, "..."], k: Float[Array, "..."]) -> Float[Array, "..."]:
    """The drawn angle, which moves with the concentration."""
    return noise


@_angle.defjvp
def _angle_jvp(primals, tangents):
    noise, k = primals
    return noise, _velocity(noise, k) * tangents[1]


def _draw(key, k):
    """Best and Fisher's rejection from a wrapped Cauchy distribution; all entries until all are in.

    More than two draws of three are accepted. Formed from one less the cosines, so that narrow
    distributions keep their digits.
    """
    root = jnp.sqrt(1 + 4 * jnp.square(k))
    root = jnp.where(root < jnp.inf, root, 2 * k)
    excess = (1 + 1 / (root + 2 * k)) / k / 2  # of r over one

    def propose(key):
        keys = jax.random.split(key, 3)
        u, v, sign = (jax.random.uniform(each, k.shape, k.dtype) for each in keys)
        above = 2 * jnp.square(jnp.sin(jnp.pi * u / 2))  # one less z
        fall = excess * above / (excess + 2 - above)  # one less the cosine
        c = k * (excess + fall)
        inside = jnp.log(jnp.where(v > 0, c / jnp.where(v > 0, v, 1.0), jnp.inf)) + 1 - c >= 0
        angle = 2 * jnp.arcsin(jnp.sqrt(jnp.minimum(fall / 2, 1.0)))
        return jnp.where(sign < 0.5, -angle, angle), inside

    def step(state):
        key, angle, done = state
        key, use = jax.random.split(key)
        drawn, inside = propose(use)
        return key, jnp.where(done, angle, drawn), done | inside

    start = key, jnp.zeros_like(k), ~(k > 0)
    return jax.lax.while_loop(lambda state: ~jnp.all(state[2]), step, start)[1]


def _on_circle(angle):
    """The same angle in (-pi, pi]."""
    return angle - 2 * jnp.pi * jnp.ceil((angle - jnp.pi) / (2 * jnp.pi))


def sample(key: PRNGKey, loc: Real, concentration: Real, shape: tuple[int, ...] = ()) -> Array:
    """Draw `shape` times the common shape of the parameters, in (-pi, pi].

    Differentiable: draws turn with the direction, and move with the concentration as the quantile
    seen from the mean direction does.
    """
    size = sample_shape(shape, loc, concentration)
    dtype = float_dtype(loc, concentration)
    k = jnp.broadcast_to(positive(concentration), size).astype(dtype)
    drawn = jax.lax.stop_gradient(_draw(key, jax.lax.stop_gradient(k)))
    angle = jnp.where(k > 0, _angle(drawn, k), jnp.nan) + jnp.broadcast_to(loc, size)
    return _on_circle(angle)


def fit(x: Real, weights: Real | None = None) -> Fit:
    """The direction of the mean vector of the observations, shape (n,), and what its length says.

    Both are the likeliest. The length is one less the mean of a square, which narrow data leave
    with few digits.
    """
    x, share, total = observations(x, weights)
    c, s = jnp.sum(share * jnp.cos(x)), jnp.sum(share * jnp.sin(x))
    estimate = Params(jnp.arctan2(s, c), bessel_ratio_inverse(jnp.hypot(c, s)))
    return with_errors(VON_MISES, estimate, x, share, total)


def _marks(loc, concentration):
    """The mean direction, and where the density has fallen by e^32, all on the circle."""
    reach = jnp.minimum(8 / jnp.sqrt(positive(concentration)), math.pi)
    angles = (loc + share * reach for share in (-1, 0, 1))
    return tuple(jax.lax.stop_gradient(_on_circle(angle)) for angle in angles)


_NO_AXIS = "an angle has no axis: where the circle is cut would decide it."

_SEARCH = "a search in its tails, which tests of its own compare with it"
_TAILS = "sums by Gauss's rule, compared with 45 digits, slopes too, by a test of its own"

VON_MISES = Family(
    name="von_mises",
    parameters=Params(loc=CIRCLE, concentration=CONCENTRATIONS),
    support=CIRCLE,
    marks=_marks,
    functions=(
        *(log_prob, prob, cdf, log_cdf, sf, log_sf, quantile, isf, median),
        *(sample, mode, entropy, cross_entropy, kl, squared_hellinger, renyi),
        *(score, hessian, fisher_information),
        *(sufficient, natural, log_partition, mean_parameters, fit),
    ),
    undefined=dict.fromkeys(
        ("mean", "variance", "std", "skewness", "kurtosis", "squared_wasserstein"), _NO_AXIS
    ),
    partials=dict(
        log_prob=LOG_PROB.partials,
        prob=PROB.partials,
        cdf=CDF.partials,
        log_cdf=LOG_CDF.partials,
        sf=SF.partials,
        log_sf=LOG_SF.partials,
        mode=dict(
            loc=lambda loc, concentration: 1 + _zero(loc, concentration), concentration=_zero
        ),
        entropy=_ENTROPY,
        cross_entropy=_CROSS_ENTROPY,
        kl=_KL,
    ),
    seconds=dict(
        log_prob=LOG_PROB.seconds,
        prob=PROB.seconds,
        cdf=CDF.seconds,
        log_cdf=LOG_CDF.seconds,
        sf=SF.seconds,
        log_sf=LOG_SF.seconds,
    ),
    plain=dict(
        log_prob=LOG_PROB.plain,
        prob=PROB.plain,
        cdf=CDF.plain,
        log_cdf=LOG_CDF.plain,
        sf=SF.plain,
        log_sf=LOG_SF.plain,
        entropy=_entropy,
        cross_entropy=_cross_entropy,
        kl=_kl,
    ),
    unrecorded=dict(
        **dict.fromkeys(("quantile", "isf", "median"), _SEARCH),
        **dict.fromkeys(("cdf", "sf", "log_cdf", "log_sf"), _TAILS),
    ),
    facts=dict(
        log_prob=(Concave("concentration"),),
        entropy=(Decreasing("concentration"),),
        kl=(Convex("concentration_q"),),
    ),
    tex=dict(
        log_prob=r"\log p(x) = \kappa \cos(x - \mu) - \log 2 \pi I_0(\kappa)",
        cdf=r"F(x) = \int_{-\pi}^x p(\theta)\, d\theta",
        prob=r"p(x) = \frac{e^{\kappa \cos(x - \mu)}}{2 \pi I_0(\kappa)}",
        entropy=r"H = \log 2 \pi I_0(\kappa) - \kappa A(\kappa), \quad A = I_1 / I_0",
        kl=r"\operatorname{KL} = \log\frac{I_0(\kappa_q)}{I_0(\kappa)}"
        r" + A(\kappa)\,(\kappa - \kappa_q \cos(\mu - \mu_q))",
    ),
    source=Source("mardia2000directional", "section 3.5.4"),
    topic="P10",
)
__getattr__ = VON_MISES.function
