r"""Means of more and more draws: how they settle, how they scatter, and where they never do.

The mean of $n$ independent draws with mean $\mu$ and standard deviation $\sigma$ has the mean
$\mu$ and the standard deviation $\sigma / \sqrt n$, and its distribution approaches the normal one:
by Berry and Esseen no probability is further off than $0.4748\, \rho / \sqrt n$ with
$\rho = \operatorname{E}|X - \mu|^3 / \sigma^3$. The Cauchy distribution has no mean, and the mean
of any number of its draws is distributed as a single one.
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

TOPICS = ("P12", "P13")
BERRY_ESSEEN = 0.4748
"""For independent draws from one distribution (Shevtsova 2011)."""
Z = 8.0
"""Standard errors that count as chance: beyond them lies 1.3e-15 of a normal distribution, and
below 1e-6 in all comparisons together of the skew ones that are compared here."""
ALPHA = 1e-7
"""How often the distance of an empirical distribution may be too large by chance, each."""
BATCHES = 50
"""Means are drawn in so many parts, so that no more than one is in memory."""


@dataclass(frozen=True)
class Config:
    """Two distributions, how many draws are averaged, and how many such means there are.

    Attributes:
        rate: of the exponential draws.
        chance: of a one among the draws of zeros and ones.
        sizes: how many draws make a mean, ascending.
        means: how many means there are of each size.
    """

    rate: Annotated[float, Field(gt=0)] = 1.0
    chance: Annotated[float, Field(gt=0, lt=1)] = 0.1
    sizes: Annotated[tuple[int, ...], Field(min_length=2)] = (4, 16, 64, 256, 1024)
    means: Annotated[int, Field(ge=100)] = 4000


def load(config: Config) -> None:
    """There is nothing to read."""


def draws(config: Config):
    """What is drawn, by name: a family and its parameters."""
    return {
        "exponential": (distributions.EXPONENTIAL, (jnp.asarray(config.rate),)),
        "zeros and ones": (distributions.BERNOULLI, (jnp.asarray(config.chance),)),
        "normal": (distributions.NORMAL, (jnp.asarray(1.0), jnp.asarray(2.0))),
        "Cauchy": (distributions.CAUCHY, (jnp.asarray(0.0), jnp.asarray(1.0))),
    }


def measure(config: Config, data: None, key) -> dict:
    """The means (family, mean, size), and moments of the families that have them."""
    del data
    last = max(config.sizes)
    at = jnp.asarray(config.sizes)

    def averaged(name, family, params):
        keys = jax.random.split(train.fold_in_name(key, name), BATCHES)
        share = -(-config.means // BATCHES)

        def some(key):
            each = family.sample(key, *params, shape=(share, last)).astype(float)
            return jnp.cumsum(each, axis=1)[:, at - 1] / at[None]

        return jax.lax.map(some, keys).reshape(-1, len(config.sizes))[: config.means]

    def third(family, params):
        """E |X - mu|^3 by adaptive quadrature, both sides of the mean at once."""
        mean = family.mean(*params)
        both = lambda t: family.prob(mean + t, *params) + family.prob(mean - t, *params)  # noqa: E731
        return inference.integrate(lambda t: t**3 * both(t), 0.0, math.inf).value

    found = draws(config)
    settling = {name: found[name] for name in found if name != "Cauchy"}
    moments = {
        name: jnp.stack([getattr(family, m)(*params) for _, (family, params) in settling.items()])
        for name, m in (("mean", "mean"), ("variance", "variance"), ("kurtosis", "kurtosis"))
    }
    p = jnp.asarray(config.chance)
    thirds = (
        third(*found["exponential"]),
        p * (1 - p) * (p**2 + (1 - p) ** 2),
        third(*found["normal"]),
    )
    return dict(
        means=jnp.stack([averaged(name, *what) for name, what in found.items()]),
        third=jnp.stack(thirds),
        rate=jnp.asarray(config.rate),
        **moments,
    )


def furthest(values: np.ndarray, cdf) -> np.ndarray:
    """The largest distance of the empirical distribution along the last axis from `cdf`."""
    ordered = np.sort(values, axis=-1)
    truth, count = cdf(ordered), values.shape[-1]
    above = np.arange(1, count + 1) / count - truth
    below = truth - np.arange(count) / count
    return np.maximum(above, below).max(axis=-1)


def judge(config: Config, data: None, measured) -> Result:
    """Hold the means against their moments, the normal distribution and the exact one."""
    from scipy import stats

    sizes = np.array(config.sizes)
    means = np.moveaxis(np.asarray(measured["means"], float), -1, -2)  # (..., family, size, mean)
    settling, cauchy = means[..., :3, :, :], means[..., 3, :, :]
    mean, variance, kurtosis, third = (
        np.asarray(measured[name], float)[..., None]
        for name in ("mean", "variance", "kurtosis", "third")
    )
    error = np.sqrt(variance / sizes / config.means)
    ratio = settling.var(axis=-1) * sizes / variance
    ratio_error = np.sqrt((kurtosis / sizes + 2) / config.means)
    chance = math.sqrt(math.log(2 / ALPHA) / 2 / config.means)
    normal = furthest((settling - mean[..., None]) / np.sqrt(variance / sizes)[..., None],
                      stats.norm.cdf)  # fmt: skip
    bound = BERRY_ESSEEN * third / variance**1.5 / np.sqrt(sizes) + chance
    rate = np.asarray(measured["rate"], float)[..., None, None]
    gamma = furthest(
        means[..., 0, :, :] * rate * sizes[:, None], lambda x: stats.gamma.cdf(x, sizes[:, None])
    )
    claims = (
        Claim(
            name="means_are_unbiased",
            statement=r"The means of $n$ draws scatter around the mean of the distribution: their "
            f"average is within {Z:.0f} standard errors of it.",
            measured=np.abs(settling.mean(axis=-1) - mean) / error,
            relation="<=",
            expected=Z,
            source=Source("casella2002inference", "theorem 5.2.6"),
            breaks_if=Fault("all means a tenth of a deviation too large", _shifted),
        ),
        Claim(
            name="variance_falls_as_one_over_n",
            statement=r"Their variance is $\sigma^2 / n$, within "
            f"{Z:.0f} standard errors of the measured one.",
            measured=np.abs(ratio - 1) / ratio_error,
            relation="<=",
            expected=Z,
            source=Source("casella2002inference", "theorem 5.2.6"),
            breaks_if=Fault("means of half as many draws", _spread),
        ),
        Claim(
            name="berry_esseen",
            statement=r"No probability of the standardised mean is further from the normal one "
            r"than $0.4748\,\rho/\sqrt n$ and what chance adds, "
            rf"{chance:.3f} in all but one of $10^7$ cases.",
            measured=normal,
            relation="<=",
            expected=bound,
            source=Source("shevtsova2011absolute"),
            breaks_if=Fault("means of a quarter as many draws", _wide),
        ),
        Claim(
            name="means_of_exponentials_are_gamma",
            statement=r"The mean of $n$ exponential draws has the gamma distribution with shape "
            "$n$: no probability is further off than chance allows.",
            measured=gamma,
            relation="<=",
            expected=chance,
            source="SciPy's gamma distribution, and Massart's bound for chance",
            breaks_if=Fault("exactly normal means", _normal),
        ),
        Claim(
            name="cauchy_never_settles",
            statement="The mean of any number of Cauchy draws has the distribution of one draw.",
            measured=furthest(cauchy, stats.cauchy.cdf),
            relation="<=",
            expected=chance,
            source=Source("casella2002inference", "example 5.2.10"),
            breaks_if=Fault("means that settle", _settled),
        ),
    )
    first = (0,) * (means.ndim - 3)
    quartiles = np.quantile(means[first], [0.25, 0.75], axis=-1)
    names = list(draws(config))
    table = Table(
        name="distance",
        title="The largest distance from the normal distribution, and its bound",
        columns={
            "draws": sizes,
            **{name: normal[first][i] for i, name in enumerate(names[:3])},
            **{f"bound, {name}": bound[first][i] for i, name in enumerate(names[:3])},
        },
    )
    edges = np.linspace(-3, 4, 22)
    standard = (means[first][0] - mean[first][0]) / np.sqrt(variance[first][0] / sizes)[:, None]
    density = np.stack([np.histogram(row, edges)[0] for row in standard])
    series = dict(
        sizes=sizes, spread=quartiles[1] - quartiles[0], family=np.array(names),
        middle=(edges[1:] + edges[:-1]) / 2,
        density=density / config.means / (edges[1] - edges[0]),
    )  # fmt: skip
    return Result(claims, (table,), series)


def _changed(change):
    """A fault of the means, given these, the mean and the deviation of each family and size."""

    def plant(measured):
        means = np.array(measured["means"], float)
        mean = np.asarray(measured["mean"], float)[..., None, None]
        deviation = np.sqrt(np.asarray(measured["variance"], float))[..., None, None]
        means[..., :3, :, :] = change(means[..., :3, :, :], mean, deviation)
        return {**measured, "means": means}

    return plant


_shifted = _changed(lambda means, mean, deviation: means + 0.2 * deviation)
_spread = _changed(lambda means, mean, deviation: mean + math.sqrt(2) * (means - mean))
_wide = _changed(lambda means, mean, deviation: mean + 2 * (means - mean))


def _normal(measured):
    means = np.array(measured["means"], float)
    # The normal draws, which have mean one and deviation two, at the place of the exponential.
    rate = np.asarray(measured["rate"], float)[..., None, None]
    means[..., 0, :, :] = (1 + (means[..., 2, :, :] - 1) / 2) / rate
    return {**measured, "means": means}


def _settled(measured):
    means = np.array(measured["means"], float)
    means[..., 3, :, -1] /= 2
    return {**measured, "means": means}


def draw(result: Result) -> tuple[Plot, ...]:
    """How far means scatter over their number of draws, and their distribution."""
    series = result.series
    sizes, spread = np.asarray(series["sizes"]), np.asarray(series["spread"])
    middle, density = np.asarray(series["middle"]), np.asarray(series["density"])
    bell = np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi)
    shown = [i for i in range(len(sizes)) if i % 2 == 0]
    return (
        Plot(
            name="spread",
            title="Means settle as one over the root of n, Cauchy's never",
            alt="The interquartile range of the means over the number of draws, both "
            "logarithmic: two parallel lines that fall, and a level one.",
            x=Axis("draws in a mean", "", "log"),
            y=Axis("interquartile range", "", "log"),
            lines=tuple(
                Line(str(name), sizes, row)
                for name, row in zip(series["family"], spread, strict=True)
                if name != "zeros and ones"  # whose few values make steps
            ),
        ),
        Plot(
            name="standardised",
            title="Standardised means of exponential draws become normal",
            alt="Densities of standardised means of few and of many exponential draws beside the "
            "normal one: the skew one of few draws moves onto the bell.",
            x=Axis("standardised mean", "standard deviations", "linear"),
            y=Axis("density", "", "linear"),
            lines=(
                *(Line(f"{sizes[i]} draws", middle, density[i]) for i in shown),
                Line("normal", middle, bell, style="dashed"),
            ),
        ),
    )
