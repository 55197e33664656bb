r"""Beliefs that are refined as data arrive: one by one they end where all at once do.

For ones and zeros with unknown chance, counts with unknown rate, times with unknown rate and
measurements with unknown mean, Bayes' theorem has a closed form: the prior and the posterior belong
to one family, and the data add to its parameters. The probability of all data is the product of the
predictions made before each of them. If truths are drawn from the prior, an interval with
posterior probability $c$ contains the truth in the share $c$ of all cases, after any number of
observations.
"""

from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import distributions, inference, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P2", "P17")
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
NOISE = 1.5
CHOSEN = (1, 4, 16, 64)
"""Numbers of observations at which intervals are looked at."""
MURPHY = Source("murphy2022probabilistic", "section 4.6")


@dataclass(frozen=True)
class Config:
    """Priors, and how much is observed.

    Attributes:
        successes, failures: the beta prior of the chance.
        concentration, rate: the gamma prior of both rates.
        loc, scale: the normal prior of the mean.
        observations: in each history.
        histories: truths drawn from each prior, each with observations of its own.
        level: the posterior probability of the intervals.
    """

    successes: Annotated[float, Field(gt=0)] = 2.0
    failures: Annotated[float, Field(gt=0)] = 3.0
    concentration: Annotated[float, Field(gt=0)] = 3.0
    rate: Annotated[float, Field(gt=0)] = 1.5
    loc: float = 0.5
    scale: Annotated[float, Field(gt=0)] = 2.0
    observations: Annotated[int, Field(ge=64)] = 64
    histories: Annotated[int, Field(ge=100)] = 4000
    level: Annotated[float, Field(gt=0, lt=1)] = 0.9


def load(config: Config) -> None:
    """There is nothing to read."""


def pairs(config: Config):
    """By name: the pair, its prior, and how observations are drawn from a truth."""
    d = distributions
    beta = inference.Beta(jnp.asarray(config.successes), jnp.asarray(config.failures))
    gamma = inference.Gamma(jnp.asarray(config.concentration), jnp.asarray(config.rate))
    normal = inference.Normal(jnp.asarray(config.loc), jnp.asarray(config.scale))

    def measurements(key, t, shape):
        return d.NORMAL.sample(key, t, NOISE, shape=shape)

    return {
        "ones and zeros": (inference.BETA_BERNOULLI, beta, d.BERNOULLI.sample),
        "counts": (inference.GAMMA_POISSON, gamma, d.POISSON.sample),
        "times": (inference.GAMMA_EXPONENTIAL, gamma, d.EXPONENTIAL.sample),
        "measurements": (inference.normal_normal(NOISE), normal, measurements),
    }


def truths(config: Config, key) -> tuple:
    """Draws from each prior, in the order of the pairs: (history,) of each."""
    shape, rate = jnp.asarray(config.concentration), jnp.asarray(config.rate)
    # Of two gamma draws of equal rate the first's share of both is a beta draw.
    shapes = jnp.stack([jnp.asarray(config.successes), jnp.asarray(config.failures), shape, shape])
    rates = jnp.stack([jnp.ones_like(rate), jnp.ones_like(rate), rate, rate])
    one, two = (train.fold_in_name(key, name) for name in ("gamma", "normal"))
    each = [jnp.broadcast_to(v[:, None], (4, config.histories)) for v in (shapes, rates)]
    a, b, first, second = distributions.GAMMA.sample(one, *each)
    means = distributions.NORMAL.sample(
        two, jnp.asarray(config.loc), jnp.asarray(config.scale), (config.histories,)
    )
    return a / (a + b), first, second, means


def measure(config: Config, data: None, key) -> dict:
    """The beliefs along every history, and the probabilities of what was observed."""
    del data

    def history(name, t, pair, prior, observe):
        x = observe(train.fold_in_name(key, name), t, shape=(config.observations,))

        def one(x):
            path = inference.posteriors(pair, prior, x)
            whole = inference.posterior(pair, prior, x)
            batches = prior
            for batch in jnp.split(x, [config.observations // 3]):
                batches = inference.posterior(pair, batches, batch)
            before = jax.tree.map(
                lambda start, rest: jnp.concatenate([jnp.asarray(start)[None], rest[:-1]]),
                prior, path,
            )  # fmt: skip
            return dict(
                path=jnp.stack(path),
                whole=jnp.stack(whole),
                batches=jnp.stack(batches),
                evidence=pair.log_evidence(prior, pair.summary(x)),
                predictions=jnp.sum(jax.vmap(pair.log_predictive)(x, before)),
            )

        return dict(truth=t, **jax.vmap(one)(jnp.asarray(x, float).T))

    drawn = truths(config, train.fold_in_name(key, "truth"))
    found = [
        history(name, t, *what)
        for t, (name, what) in zip(drawn, pairs(config).items(), strict=True)
    ]
    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *found)
    return dict(**together, level=jnp.asarray(config.level))


def families():
    """SciPy's family of the beliefs of each pair, of its two parameters."""
    from scipy import stats

    def gamma(a, b):
        return stats.gamma(a, scale=1 / b)

    return (stats.beta, gamma, gamma, stats.norm)


def judge(config: Config, data: None, measured) -> Result:
    """Hold beliefs against each other, and intervals against the truth."""
    path = np.asarray(measured["path"], float)  # (..., pair, history, parameter, observation)
    truth = np.asarray(measured["truth"], float)
    level = np.asarray(measured["level"], float)[..., None, None]
    chosen = np.array([n for n in CHOSEN if n <= config.observations])
    inside = np.stack(
        [
            np.stack(
                [
                    family(*np.moveaxis(path[..., i, :, :, n - 1], -1, 0)).cdf(truth[..., i, :])
                    for n in chosen
                ],
                axis=-1,
            )
            for i, family in enumerate(families())
        ],
        axis=-3,
    )  # (..., pair, history, n)
    covered = np.mean(np.abs(inside - 0.5) <= level[..., None] / 2, axis=-2)
    error = np.sqrt(level * (1 - level) / config.histories)
    claims = (
        Claim(
            name="one_by_one_is_all_at_once",
            statement="Learning from one observation after the other ends in the posterior of all "
            "at once.",
            measured=path[..., -1] / np.asarray(measured["whole"], float),
            relation="=",
            expected=1.0,
            tolerance=1e-11,
            source=MURPHY,
            breaks_if=Fault("a posterior that has forgotten a little", _scaled("whole", 1 - 1e-6)),
        ),
        Claim(
            name="batches_do_not_matter",
            statement="A third of the data first and the rest later ends there as well.",
            measured=np.asarray(measured["batches"]) / np.asarray(measured["whole"], float),
            relation="=",
            expected=1.0,
            tolerance=1e-11,
            source=MURPHY,
            breaks_if=Fault("a batch counted a little more", _scaled("batches", 1 + 1e-6)),
        ),
        Claim(
            name="evidence_is_the_product_of_predictions",
            statement="The probability of all data is the product of those that were predicted "
            "before each.",
            measured=np.asarray(measured["predictions"]) - np.asarray(measured["evidence"]),
            relation="=",
            expected=0.0,
            tolerance=1e-10,
            source="the chain rule of probability",
            breaks_if=Fault("predictions slightly off", _scaled("predictions", 1.000001)),
        ),
        Claim(
            name="intervals_hold_what_they_promise",
            statement="With truths drawn from the prior, the share of the central intervals that "
            f"contain the truth is their probability, within {Z:.0f} standard errors.",
            measured=np.abs(covered - level) / error,
            relation="<=",
            expected=Z,
            source="the joint distribution of truth and data: Bayes' theorem",
            breaks_if=Fault("the posterior of a neighbour", _mixed),
        ),
    )  # fmt: skip
    first = (0,) * (path.ndim - 4)
    names = list(pairs(config))
    coverage = Table(
        name="coverage",
        title=f"The share of intervals of probability {config.level} that contain the truth",
        columns={
            "pair": names,
            **{f"after {n}": covered[first][:, i] for i, n in enumerate(chosen)},
        },
    )
    a, b = path[first][0, 0]  # one history of ones and zeros
    from scipy import stats

    count, x = np.arange(1, len(a) + 1), np.linspace(0.002, 0.998, 250)
    beliefs = [(config.successes, config.failures), *((a[n - 1], b[n - 1]) for n in chosen)]
    series = dict(
        count=count, mean=a / (a + b), truth=truth[first][0, 0],
        low=stats.beta.ppf(0.05, a, b), high=stats.beta.ppf(0.95, a, b),
        after=np.array([0, *chosen]), chance=x,
        density=np.stack([stats.beta.pdf(x, *belief) for belief in beliefs]),
    )  # fmt: skip
    return Result(claims, (coverage,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _mixed(measured):
    """The truth of another history."""
    return {**measured, "truth": np.roll(np.asarray(measured["truth"]), 1, axis=-1)}


def draw(result: Result) -> tuple[Plot, ...]:
    """How one belief narrows, as densities and as an interval."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    x = series["chance"]
    truth, count = float(series["truth"]), series["count"]
    return (
        Plot(
            name="densities",
            title="Each observation sharpens the belief about a chance",
            alt="Densities of the belief about a chance before any and after more and more "
            "observations: ever narrower peaks, around the truth.",
            x=Axis("chance of a one", "probability", "linear"),
            y=Axis("density", "", "linear"),
            lines=tuple(
                Line("prior" if n == 0 else f"after {n}", x, row)
                for n, row in zip(series["after"].tolist(), series["density"], strict=True)
            ),
            marks={"truth": truth},
        ),
        Plot(
            name="learning",
            title="The belief closes in on the truth",
            alt="The mean of the belief over the number of observations with the interval of "
            "probability 0.9, which narrows around the level line of the truth.",
            x=Axis("observations", "", "linear"),
            y=Axis("chance of a one", "probability", "linear"),
            lines=(
                Line("belief", count, series["mean"], series["low"], series["high"]),
                Line("truth", count, np.full(len(count), truth), style="dashed"),
            ),
        ),
    )
