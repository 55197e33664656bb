r"""Intervals around maximum-likelihood fits cover the truth as often as they promise.

Wald's interval reaches $z = \Phi^{-1}(\frac{1 + \gamma}{2})$ standard errors to both sides of the
estimate and covers the truth with a probability that tends to $\gamma$ as data grow. Where the
distribution of the estimate is known, so is the coverage for any number of observations, and the
fits of ten thousand samples, all in one compiled call, must show it. A wrong family spoils the
interval; the robust one of the sandwich survives.
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

TOPICS = ("S1", "S2")
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
SLACK = 0.02
"""How far the coverage of a regular family with 200 observations may be from its limit."""
CHANCE = 0.3
"""Of the ones among zeros, and of ending a geometric wait."""
KNOWN = (
    *("normal", "exponential", "poisson", "bernoulli", "geometric", "half_normal"),
    "log_normal",
)
"""Families whose estimates have a known distribution."""
LIMIT = ("gamma", "weibull", "laplace", "logistic", "gumbel", "cauchy")
CASELLA = Source("casella2002inference", "section 10.4")


@dataclass(frozen=True)
class Config:
    """How much is observed, how often, and what the intervals promise.

    Attributes:
        families: whose fits are looked at, some of `KNOWN` and some of `LIMIT`.
        observations: in each sample.
        fits: samples of each family.
        level: the coverage that is promised.
    """

    families: tuple[str, ...] = (*KNOWN, *LIMIT)
    observations: Annotated[int, Field(ge=50)] = 200
    fits: Annotated[int, Field(ge=100)] = 10_000
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    def __post_init__(self):
        if unknown := set(self.families) - {*KNOWN, *LIMIT}:
            raise ValueError(f"families: {sorted(unknown)} are not among {(*KNOWN, *LIMIT)}")
        if not (self.known and self.limit):
            raise ValueError(f"families need one of {KNOWN} and one of {LIMIT}")

    @property
    def known(self) -> tuple[str, ...]:
        """Those whose coverage is known."""
        return tuple(name for name in KNOWN if name in self.families)

    @property
    def limit(self) -> tuple[str, ...]:
        """Those whose coverage is known in the limit alone."""
        return tuple(name for name in LIMIT if name in self.families)


def load(config: Config) -> None:
    """There is nothing to read."""


def family_of(name: str):
    """The family, and the parameters of the truth."""
    family = getattr(distributions, name.upper())
    truth = CHANCE if name in ("bernoulli", "geometric") else 2.0
    return family, tuple(truth for _ in family.parameters)


def measure(config: Config, data: None, key) -> dict:
    """The share of intervals that cover the truth, by parameter."""
    del data
    level, n = jnp.asarray(config.level), config.observations

    def share(name, covers):
        keys = jax.random.split(train.fold_in_name(key, name), config.fits)
        found = jax.lax.map(covers, keys, batch_size=256)
        return jnp.mean(jnp.asarray(found, float), axis=0)

    def between(ends, truth):
        return jnp.stack([(a <= t) & (t <= b) for a, t, b in zip(ends[0], truth, ends[1],
                                                                strict=True)])  # fmt: skip

    def wald(name):
        family, truth = family_of(name)

        def covers(key):
            x = jnp.asarray(family.sample(key, *truth, shape=(n,)), float)
            return between(family.interval(family.fit(x), level), truth)

        return share(name, covers)

    exponential, truth = family_of("exponential")

    def of_exponential(key):
        """The likelihood ratio's interval, and the delta method's of the chance to last."""
        x = exponential.sample(key, *truth, shape=(n,))
        fit = exponential.fit(x)
        lasting = inference.delta(lambda rate: jnp.exp(-rate), exponential, fit, level)
        by_delta = (lasting.low <= jnp.exp(-truth[0])) & (jnp.exp(-truth[0]) <= lasting.high)
        return jnp.append(between(exponential.profile(fit, x, level), truth), by_delta)

    geometric, chance = family_of("geometric")

    def of_a_wrong_family(key):
        """Geometric counts taken for Poisson ones: the plain and the robust interval."""
        x = jnp.asarray(geometric.sample(key, *chance, shape=(n,)), float)
        fit = distributions.POISSON.fit(x)
        mean = (geometric.mean(*chance),)
        ends = [distributions.POISSON.interval(fit, level, robust) for robust in (False, True)]
        return jnp.concatenate([between(each, mean) for each in ends])

    return dict(
        known=jnp.concatenate([wald(name) for name in config.known]),
        limit=jnp.concatenate([wald(name) for name in config.limit]),
        other=share("other intervals", of_exponential),
        wrong=share("a wrong family", of_a_wrong_family),
        level=level,
    )


def exact(n: int, level: float, families=KNOWN) -> tuple[np.ndarray, np.ndarray]:
    """The coverage of n observations, from the distribution of each estimate.

    Of Wald's intervals of the known families, and of both other ones of exponential draws.
    """
    from scipy import optimize, stats

    z = stats.norm.ppf((1 + level) / 2)
    low, high = 1 / (1 + z / math.sqrt(2 * n)), 1 / (1 - z / math.sqrt(2 * n))

    def discrete(law, estimate, error, truth):
        s = np.arange(1, int(law.mean() + 40 * law.std()))
        covered = np.abs(estimate(s) - truth) <= z * error(estimate(s))
        # A sample of zeros alone has no error, and does not cover.
        return law.pmf(s)[covered].sum()

    # Of scales s with n s^2 / sigma^2 distributed as chi squared with k degrees of freedom.
    def scale(k):
        return np.diff(stats.chi2.cdf(n * np.array([low, high]) ** 2, k))[0]

    student = 1 - 2 * stats.t.sf(z * math.sqrt((n - 1) / n), n - 1)
    ratio = n + z * math.sqrt(n) * np.array([-1, 1])  # of n times truth over estimate
    known = dict(
        normal=[student, scale(n - 1)],
        exponential=[np.diff(stats.gamma.cdf(ratio, n))[0]],
        poisson=[discrete(stats.poisson(2 * n), lambda s: s / n, lambda r: np.sqrt(r / n), 2.0)],
        bernoulli=[
            discrete(
                stats.binom(n, CHANCE), lambda s: np.minimum(s / n, 1),
                lambda p: np.sqrt(p * (1 - p) / n), CHANCE,
            )
        ],
        geometric=[
            discrete(
                stats.nbinom(n, CHANCE), lambda s: n / (n + s),
                lambda p: p * np.sqrt((1 - p) / n), CHANCE,
            )
        ],
        half_normal=[scale(n)],
        log_normal=[student, scale(n - 1)],
    )  # fmt: skip
    gap = lambda r: r - 1 - math.log(r) - z * z / 2 / n  # noqa: E731
    ends = n * np.array([optimize.brentq(gap, 1e-3, 1), optimize.brentq(gap, 1, 10)])
    points = stats.gamma.ppf((np.arange(200_000) + 0.5) / 200_000, n)
    rate = 2.0 * n / points
    inside = np.abs(np.exp(-rate) - math.exp(-2.0)) <= z * np.exp(-rate) * rate / math.sqrt(n)
    chosen = [value for name in families for value in known[name]]
    return np.array(chosen), np.array([np.diff(stats.gamma.cdf(ends, n))[0], inside.mean()])


def names_of(families) -> list[str]:
    """Each family's parameters by name."""
    return [f"{name} {p}" for name in families for p in family_of(name)[0].parameters._fields]


def judge(config: Config, data: None, measured) -> Result:
    """Hold the shares against the exact coverages, and against what is promised."""
    level = np.asarray(measured["level"], float)
    found = [exact(config.observations, float(each), config.known) for each in level.ravel()]
    known, other = (np.array(part).reshape(*level.shape, -1) for part in zip(*found, strict=True))

    def error(p):
        return np.sqrt(p * (1 - p) / config.fits)

    chance = SLACK + Z * error(level)[..., None]
    wrong = np.asarray(measured["wrong"], float)
    claims = (
        Claim(
            name="wald_covers_as_it_must",
            statement=f"Wald's intervals of {len(config.known)} families cover as often as the "
            f"exact distribution of their estimates says, within {Z:.0f} standard errors.",
            measured=np.abs(measured["known"] - known) / error(known),
            relation="<=",
            expected=Z,
            source="SciPy's distributions of sums of observations",
            breaks_if=Fault("intervals a fifteenth too narrow", _narrower("known")),
        ),
        Claim(
            name="wald_covers_in_the_limit",
            statement=f"Those of {len(config.limit)} further families cover as often as they "
            f"promise, but for {SLACK} and {Z:.0f} standard errors.",
            measured=np.abs(measured["limit"] - level[..., None]),
            relation="<=",
            expected=chance,
            source=CASELLA,
            breaks_if=Fault("intervals a quarter too narrow", _narrower("limit", 0.06)),
        ),
        Claim(
            name="likelihood_ratio_and_delta",
            statement="So do the likelihood ratio's interval of a rate, and the delta method's of "
            f"the chance to last: as the exact distribution says, within {Z:.0f} standard errors.",
            measured=np.abs(measured["other"] - other) / error(other),
            relation="<=",
            expected=Z,
            source=Source("casella2002inference", "section 5.5.4"),
            breaks_if=Fault("intervals a fifteenth too narrow", _narrower("other")),
        ),
        Claim(
            name="a_wrong_family_spoils_the_interval",
            statement="Geometric counts fitted as Poisson ones are covered far less often than "
            "promised.",
            measured=wrong[..., 0],
            relation="<=",
            expected=level - 0.1,
            source=r"the variance, which is $1 / p$ times as large as a Poisson one's",
            breaks_if=Fault("as often as promised", _promised),
        ),
        Claim(
            name="robust_errors_survive",
            statement="The robust interval covers as often as promised even so, but for "
            f"{SLACK} and {Z:.0f} standard errors.",
            measured=np.abs(wrong[..., 1] - level),
            relation="<=",
            expected=chance[..., 0],
            source=CASELLA,
            breaks_if=Fault("the plain interval in its place", _plain),
        ),
    )
    first = (0,) * level.ndim
    shares = np.concatenate([measured["known"][first], measured["limit"][first]])
    expected = np.concatenate([known[first], np.full(len(shares) - known.shape[-1], np.nan)])
    table = Table(
        name="coverage",
        title=f"The share of intervals that cover the truth, of {config.fits} fits",
        columns={
            "parameter": names_of((*config.known, *config.limit)),
            "share": shares,
            "± 95%": 1.96 * error(shares),
            "exact": expected,
        },
    )
    series = dict(share=shares, error=error(shares), exact=expected, level=level[first])
    return Result(claims, (table,), series)


def _narrower(name, by=0.02):
    return lambda measured: {**measured, name: np.asarray(measured[name]) - by}


def _promised(measured):
    wrong = np.array(measured["wrong"])
    wrong[..., 0] = measured["level"]
    return {**measured, "wrong": wrong}


def _plain(measured):
    wrong = np.array(measured["wrong"])
    return {**measured, "wrong": wrong[..., [0, 0]]}


def draw(result: Result) -> tuple[Plot, ...]:
    """The shares, parameter by parameter, beside the exact ones."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    share, error = series["share"], series["error"]
    number = np.arange(1, len(share) + 1)
    return (
        Plot(
            name="coverage",
            title="Intervals cover the truth about as often as they promise",
            alt="The share of intervals that cover the truth for each parameter of the table, in "
            "its order, each with a band of chance, beside the exact coverage where that is known: "
            "all lie within two points of the level.",
            x=Axis("parameter, in the order of the table", "", "linear"),
            y=Axis("share that covers", "", "linear"),
            lines=(
                Line("measured", number, share, share - 1.96 * error, share + 1.96 * error,
                     style="points"),
                Line("exact", number, series["exact"], style="dashed"),
                Line("promised", number, np.full(len(share), float(series["level"]))),
            ),
        ),
    )  # fmt: skip
