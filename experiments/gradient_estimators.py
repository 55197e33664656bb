r"""Three ways to estimate the gradient of an expectation: all are right on average, and how loud.

For $X \sim N(\mu, \sigma^2)$ and $f(x) = x^2$ the expectation is $\mu^2 + \sigma^2$, its gradient
$(2\mu, 2\sigma)$. The score function with and without a baseline, reparametrisation and measures
estimate it draw by draw; so do score and measure the slope of a Poisson expectation. Their
variances are known, from integrals of polynomials. Of a jump reparametrisation sees nothing.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import distributions, inference, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P16",)
MOHAMED = Source("mohamed2020monte")
Z = 8.0
"""Standard errors that count as chance: 1.2e-15 of a normal distribution lies beyond, and below
1e-6 of all that are compared here, which are skew."""
ESTIMATORS = ("score", "score less baseline", "reparametrised", "measures")
SHOWN = tuple(2.0 ** (k / 4) for k in range(-8, 9))
"""Deviations over which the variances are drawn."""


@dataclass(frozen=True)
class Config:
    """A normal and a Poisson distribution, and how often each estimator is asked.

    Attributes:
        loc, scale: of the normal variable; f is its square.
        rate: of the Poisson count; f is its squared distance from 3.
        threshold: where the jump is.
        draws: for each estimator.
    """

    loc: float = 0.8
    scale: Annotated[float, Field(gt=0)] = 1.2
    rate: Annotated[float, Field(gt=0)] = 4.0
    threshold: float = 1.0
    draws: Annotated[int, Field(ge=1000)] = 200_000


def load(config: Config) -> None:
    """There is nothing to read."""


def square(x):
    """The value of a draw."""
    return jnp.square(x)


def count_value(x):
    """The value of a count."""
    return jnp.square(x - 3.0)


def measure(config: Config, data: None, key) -> dict:
    """Mean and variance of every estimator, by parameter."""
    del data
    params = jnp.asarray(config.loc), jnp.asarray(config.scale)
    rate, threshold = jnp.asarray(config.rate), jnp.asarray(config.threshold)
    normal, poisson = distributions.NORMAL, distributions.POISSON

    def jump(x):
        return jnp.where(x > threshold, 1.0, 0.0)

    # Without the baseline's own randomness its variance has a closed form.
    baselines = params[0] ** 2 + 3 * params[1] ** 2, params[0] ** 2 + 5 * params[1] ** 2

    def asked(name, estimate):
        keys = jax.random.split(train.fold_in_name(key, name), config.draws)
        found = jnp.stack(jax.vmap(estimate)(keys))
        return jnp.mean(found, axis=1), jnp.var(found, axis=1)

    def score(fn):
        def estimate(key):
            x = normal.sample(key, *params)
            return inference.score_function(fn, normal.log_prob, x, params)

        return estimate

    def less_baseline(key):
        x = normal.sample(key, *params)
        each = [inference.score_function(square, normal.log_prob, x, params, b) for b in baselines]
        return each[0][0], each[1][1]

    def through(fn):
        return lambda key: inference.reparametrised(fn, normal.sample, key, params)

    def measures(fn):
        return lambda key: inference.normal_measures(fn, key, *params)

    smooth = [
        asked(name, estimate)
        for name, estimate in zip(
            ESTIMATORS, (score(square), less_baseline, through(square), measures(square)),
            strict=True,
        )
    ]  # fmt: skip
    jumping = [
        asked(f"{name} of a jump", kind(jump))
        for name, kind in (("score", score), ("measures", measures), ("reparametrised", through))
    ]
    counting = [
        asked("score of counts", lambda k: inference.score_function(
            count_value, lambda x, r: poisson.log_prob(x, r),
            jnp.asarray(poisson.sample(k, rate), float), (rate,))),
        asked("measures of counts", lambda k: inference.poisson_measures(
            count_value, jnp.asarray(poisson.sample(k, rate), float))),
    ]  # fmt: skip
    return dict(
        mean=jnp.stack([mean for mean, _ in smooth]),
        variance=jnp.stack([variance for _, variance in smooth]),
        jump_mean=jnp.stack([mean for mean, _ in jumping]),
        jump_variance=jnp.stack([variance for _, variance in jumping]),
        count_mean=jnp.stack([mean[0] for mean, _ in counting]),
        count_variance=jnp.stack([variance[0] for _, variance in counting]),
        loc=params[0],
        scale=params[1],
        rate=rate,
        threshold=threshold,
    )


def moments(values, weights) -> tuple:
    """Mean, variance and fourth central moment of values with weights that sum to one."""
    values, weights = np.ravel(values), np.ravel(weights)
    mean = weights @ values
    return mean, weights @ (values - mean) ** 2, weights @ (values - mean) ** 4


def exact_normal(mu: float, s: float) -> np.ndarray:
    """Mean, variance and fourth central moment, (estimator, parameter, 3), by NumPy's rules."""
    e, weight = np.polynomial.hermite_e.hermegauss(24)
    weight = weight / weight.sum()
    x = mu + s * e
    scores = e / s, (e**2 - 1) / s
    lows = mu**2 + 3 * s**2, mu**2 + 5 * s**2
    # Rayleigh's w, the doubled Maxwell m, and a uniform u that couples m with a normal draw.
    w, rayleigh = np.polynomial.legendre.leggauss(200)
    w, rayleigh = 10 * (w + 1), 10 * rayleigh
    rayleigh = rayleigh * w * np.exp(-(w**2) / 2)
    u, uniform = np.polynomial.legendre.leggauss(12)
    u, uniform = (u + 1) / 2, uniform / 2
    both = (weight * e**2)[:, None] * uniform
    first = ((mu + s * w) ** 2 - (mu - s * w) ** 2) / (s * math.sqrt(2 * math.pi))
    second = (x[:, None] ** 2 - (mu + s * e[:, None] * u) ** 2) / s
    return np.array(
        [
            [moments(x**2 * score, weight) for score in scores],
            [moments((x**2 - b) * score, weight) for b, score in zip(lows, scores, strict=True)],
            [moments(2 * x, weight), moments(2 * x * e, weight)],
            [moments(first, rayleigh), moments(second, both)],
        ]
    )


def exact_poisson(rate: float) -> np.ndarray:
    """The same of score and measures of counts, (estimator, 3), by sums."""
    from scipy import stats

    k = np.arange(int(rate + 40 * math.sqrt(rate) + 60))
    p = stats.poisson.pmf(k, rate)
    return np.array(
        [moments((k - 3.0) ** 2 * (k / rate - 1), p), moments((k - 2.0) ** 2 - (k - 3.0) ** 2, p)]
    )


def judge(config: Config, data: None, measured) -> Result:
    """Hold means and variances against the exact ones."""
    from scipy import stats

    loc, scale, rate, threshold = (
        np.asarray(measured[name], float) for name in ("loc", "scale", "rate", "threshold")
    )
    lanes = list(np.ndindex(*loc.shape))

    def of_lanes(fn, *args):
        found = np.array([fn(*(float(arg[lane]) for arg in args)) for lane in lanes])
        return found.reshape(*loc.shape, *found.shape[1:])

    exact = of_lanes(exact_normal, loc, scale)  # (..., estimator, parameter, moment)
    counted = of_lanes(exact_poisson, rate)
    mean, variance = (np.asarray(measured[name], float) for name in ("mean", "variance"))
    count_mean, count_variance = (
        np.asarray(measured[name], float) for name in ("count_mean", "count_variance")
    )
    n = config.draws
    gradient = np.stack([2 * loc, 2 * scale], axis=-1)[..., None, :]
    z = (threshold - loc) / scale
    jump = np.stack([stats.norm.pdf(z) / scale, z * stats.norm.pdf(z) / scale], axis=-1)
    jump_mean = np.asarray(measured["jump_mean"], float)
    jump_error = np.sqrt(np.asarray(measured["jump_variance"], float) / n)

    def variance_error(true):
        return np.sqrt((true[..., 2] - true[..., 1] ** 2) / n)

    score, _, through, measures = (variance[..., i, :] for i in range(4))
    claims = (
        Claim(
            name="all_are_unbiased",
            statement=r"The mean of every estimator is the gradient $(2\mu, 2\sigma)$, within "
            f"{Z:.0f} standard errors.",
            measured=np.abs(mean - gradient) / np.sqrt(exact[..., 1] / n),
            relation="<=",
            expected=Z,
            source=MOHAMED,
            breaks_if=Fault("a twentieth too large", _scaled("mean", 1.05)),
        ),
        Claim(
            name="variances_are_the_exact_ones",
            statement="The variance of every estimator is that of its polynomial, within "
            f"{Z:.0f} standard errors.",
            measured=np.abs(variance - exact[..., 1]) / variance_error(exact),
            relation="<=",
            expected=Z,
            source="integrals of polynomials by NumPy's Gauss rules",
            breaks_if=Fault("a seventh too large", _scaled("variance", 1.15)),
        ),
        Claim(
            name="counts_are_unbiased",
            statement=r"Score and measures estimate the slope $1 + 2(\lambda - 3)$ of the "
            rf"expected $(X - 3)^2$ of a Poisson count, within {Z:.0f} standard errors.",
            measured=np.abs(count_mean - (1 + 2 * (rate - 3))[..., None])
            / np.sqrt(counted[..., 1] / n),
            relation="<=",
            expected=Z,
            source=MOHAMED,
            breaks_if=Fault("a tenth too large", _scaled("count_mean", 1.1)),
        ),
        Claim(
            name="variances_of_counts",
            statement=r"Their variances are exact sums, $4\lambda$ for measures, within "
            f"{Z:.0f} standard errors.",
            measured=np.abs(count_variance - counted[..., 1]) / variance_error(counted),
            relation="<=",
            expected=Z,
            source="sums over SciPy's Poisson probabilities",
            breaks_if=Fault("a seventh too large", _scaled("count_variance", 1.15)),
        ),
        Claim(
            name="score_is_loudest",
            statement="Reparametrisation and measures scatter less than the score function does.",
            measured=np.maximum(through, measures) / score,
            relation="<=",
            expected=1.0,
            source=MOHAMED,
            breaks_if=Fault("a quiet score function", _quiet),
        ),
        Claim(
            name="a_jump_is_seen",
            statement=r"Score and measures estimate the gradient of $\Pr(X > t)$, within "
            f"{Z:.0f} standard errors.",
            measured=np.abs(jump_mean[..., :2, :] - jump[..., None, :]) / jump_error[..., :2, :],
            relation="<=",
            expected=Z,
            source="the normal density at the threshold",
            breaks_if=Fault("a tenth too large", _scaled("jump_mean", 1.1)),
        ),
        Claim(
            name="a_jump_is_lost",
            statement="Reparametrisation answers zero there, in every draw.",
            measured=np.abs(jump_mean[..., 2, :]) + jump_error[..., 2, :],
            relation="=",
            expected=0.0,
            source=MOHAMED,
            breaks_if=Fault("a slope at the jump", _seen),
        ),
    )
    first = (0,) * (mean.ndim - 2)
    table = Table(
        name="variances",
        title="How much one estimate scatters",
        columns={
            "estimator": ESTIMATORS,
            "variance, mean": variance[first][:, 0],
            "exact, mean": exact[first][:, 0, 1],
            "variance, deviation": variance[first][:, 1],
            "exact, deviation": exact[first][:, 1, 1],
        },
    )
    lane = lanes[0]
    shown = np.array([exact_normal(float(loc[lane]), s)[:, 0, 1] for s in SHOWN])
    series = dict(shown=np.array(SHOWN), exact=shown, scale=scale[lane],
                  variance=variance[first][:, 0])  # fmt: skip
    return Result(claims, (table,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _quiet(measured):
    variance = np.array(measured["variance"])
    variance[..., 0, :] = variance[..., 2, :] / 2
    return {**measured, "variance": variance}


def _seen(measured):
    mean = np.array(measured["jump_mean"])
    mean[..., 2, :] = mean[..., 0, :]
    return {**measured, "jump_mean": mean}


def draw(result: Result) -> tuple[Plot, ...]:
    """The variance of each estimator over the deviation."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    lines = [
        Line(name, series["shown"], series["exact"][:, i], hue=i)
        for i, name in enumerate(ESTIMATORS)
    ]
    points = [
        Line("", series["scale"][None], series["variance"][i : i + 1], style="points", hue=i)
        for i in range(len(ESTIMATORS))
    ]
    return (
        Plot(
            name="variances",
            title="The score function is the loudest estimator of a smooth gradient",
            alt="The variance of one estimate of the slope in the mean over the deviation of the "
            "draws, both logarithmic: a curve for each estimator, the score functions' far above "
            "the others, and on each curve one measured point.",
            x=Axis("standard deviation", "", "log"),
            y=Axis("variance, slope in the mean", "", "log"),
            lines=(*lines, *points),
        ),
    )
