r"""Derivatives of quantiles, in the probability and in every parameter, and what they are good for.

From $F(q(p, \theta), \theta) = p$ follows $\partial q / \partial p = 1 / f(q)$ and
$\partial q / \partial\theta = -\partial_\theta F / f$ at $q$. A draw is a quantile of a uniform
number, so its slope in a parameter is that of the quantile, and the mean of that the slope of the
mean. A quantile of n observations has the standard error $\sqrt{p (1 - p) / n}\;\partial q /
\partial p$, and one of a fitted family has that of the parameters times the slopes in them.
"""

import itertools
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

TOPICS = ("P10", "S1")
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
SETTINGS = {
    "normal": (1.0, 2.0),
    "logistic": (1.0, 2.0),
    "gumbel": (1.0, 2.0),
    "exponential": (2.0,),
    "half_normal": (2.0,),
    "log_normal": (0.3, 0.5),
    "weibull": (2.5, 1.5),
    "gamma": (3.5, 2.0),
}
"""Families with their parameters; those of a location and a scale first."""
AFFINE = ("normal", "logistic", "gumbel")
SIDES = ("quantile", "isf")
IMPLICIT = "the implicit function theorem"


@dataclass(frozen=True)
class Config:
    """How far out the quantiles are, and what is drawn.

    Attributes:
        families: some of `SETTINGS`; with weibull, which is plotted.
        least: the least probability on either side.
        points: probabilities from it to one half, evenly in their logarithms.
        observations: of which a quantile is taken.
        repeats: how often.
        level: of the quantiles of data.
    """

    families: tuple[str, ...] = tuple(SETTINGS)
    least: Annotated[float, Field(ge=1e-30, lt=0.1)] = 1e-12
    points: Annotated[int, Field(ge=3)] = 25
    observations: Annotated[int, Field(ge=100)] = 500
    repeats: Annotated[int, Field(ge=200)] = 4000
    level: Annotated[float, Field(gt=0.05, lt=0.95)] = 0.8

    def __post_init__(self):
        if unknown := set(self.families) - set(SETTINGS):
            raise ValueError(f"families: {sorted(unknown)} are not among {tuple(SETTINGS)}")
        if "weibull" not in self.families:
            raise ValueError("families: weibull is to be among them")


def load(config: Config) -> None:
    """There is nothing to read."""


def family_of(name: str):
    """The family, and its parameters."""
    return getattr(distributions, name.upper()), SETTINGS[name]


def measure(config: Config, data: None, key) -> dict:
    """Slopes of quantiles on both sides, of means by way of them, and quantiles of data."""
    del data
    n, level = config.observations, jnp.asarray(config.level)
    p = jnp.exp(jnp.linspace(jnp.log(config.least), jnp.log(0.5), config.points))
    # Integrals over a probability up to one half, in minus its logarithm.
    rule = inference.gauss_legendre(200, math.log(2), 40.0)
    u = jax.random.uniform(train.fold_in_name(key, "data"), (config.repeats, n), float)
    # A quantile rises with its probability: of sorted numbers it is taken after sorting.
    rank = jnp.floor(level * (n + 1)).astype(int) - 1
    between = jnp.sort(u, axis=1)[:, rank]

    # One call of each inverse for all that is asked: what takes long is to compile it.
    asked = jnp.concatenate([p, jnp.exp(-rule.x), level[None], between])
    tail_weight = rule.weight * jnp.exp(-rule.x)
    points, last = config.points, config.points + rule.x.size

    def of_family(name):
        family, params = family_of(name)
        params = tuple(jnp.asarray(value) for value in params)
        places = tuple(range(len(params) + 1))
        held = (0, *(None,) * len(params))

        def both(fn, x, places):
            value, slopes = jax.vmap(jax.value_and_grad(fn, places), held)(x, *params)
            return value, jnp.stack(slopes)

        (below, rise), (above, fall) = (
            both(getattr(family, side), asked, places) for side in SIDES
        )
        q = jnp.stack([below[:points], above[:points]])
        (_, lower), (_, upper) = (
            both(tail, x, places[1:]) for tail, x in zip((family.cdf, family.sf), q, strict=True)
        )
        density = family.prob(q, *params)
        return dict(
            quantile=q,
            in_p=jnp.stack([rise[0, :points], -fall[0, :points]]),
            density=density,
            in_parameters=jnp.stack([rise[1:, :points], fall[1:, :points]]),
            implicit=jnp.stack([-lower / density[:1], upper / density[1:]]),
            mean_slope=(rise + fall)[1:, points:last] @ tail_weight,
            slope_of_mean=jnp.stack(jax.grad(family.mean, places[:-1])(*params)),
            spread=jnp.std(below[last + 1 :]),
            by_slope=rise[0, last] * jnp.sqrt(level * (1 - level) / n),
        )  # fmt: skip

    found = [of_family(name) for name in config.families]
    stacked = ("quantile", "in_p", "density", "spread", "by_slope")
    joined = dict(in_parameters=1, implicit=1, mean_slope=0, slope_of_mean=0)

    normal, truth = family_of("normal")
    fit = normal.fit(normal.sample(train.fold_in_name(key, "fit"), *truth, shape=(n,)))
    of_fit = inference.delta(lambda *params: normal.quantile(level, *params), normal, fit)
    return dict(
        p=p,
        level=level,
        **{name: jnp.stack([each[name] for each in found]) for name in stacked},
        **{name: jnp.concatenate([each[name] for each in found], axis)
           for name, axis in joined.items()},
        delta=of_fit.error / fit.estimate[1],
    )  # fmt: skip


def by_differences(families, side: int, p: np.ndarray) -> np.ndarray:
    """Slopes of SciPy's quantiles in each parameter, by extrapolated differences."""
    from scipy import stats

    laws = dict(
        normal=lambda m, s: stats.norm(m, s),
        logistic=lambda m, s: stats.logistic(m, s),
        gumbel=lambda m, s: stats.gumbel_r(m, s),
        exponential=lambda rate: stats.expon(scale=1 / rate),
        half_normal=lambda s: stats.halfnorm(scale=s),
        log_normal=lambda m, s: stats.lognorm(s, scale=np.exp(m)),
        weibull=lambda k, s: stats.weibull_min(k, scale=s),
        gamma=lambda a, rate: stats.gamma(a, scale=1 / rate),
    )
    rows = []
    for name in families:
        params = SETTINGS[name]
        for i in range(len(params)):

            def at(h, name=name, i=i):
                moved = [v * (1 + h) if j == i else v for j, v in enumerate(SETTINGS[name])]
                law = laws[name](*moved)
                return (law.ppf, law.isf)[side](p)

            h = 1e-2
            halves = [(at(h / 2**k) - at(-h / 2**k)) / (2 * h / 2**k) for k in range(4)]
            for order in (1, 2, 3):
                halves = [
                    (4**order * fine - coarse) / (4**order - 1)
                    for coarse, fine in itertools.pairwise(halves)
                ]
            rows.append(halves[0] / params[i])
    return np.array(rows)


def by_hand(families, quantile: np.ndarray) -> np.ndarray:
    """Slopes in the location and in the scale: one, and the quantile in standard units."""
    rows = []
    for name, q in zip(families, quantile, strict=True):
        if name in AFFINE:
            loc, scale = SETTINGS[name]
            rows += [np.ones_like(q), (q - loc) / scale]
    return np.array(rows)


def affine(families) -> list[int]:
    """The places of the parameters of `by_hand` among all."""
    names = [name for name in families for _ in SETTINGS[name]]
    return [i for i, name in enumerate(names) if name in AFFINE]


def judge(config: Config, data: None, measured) -> Result:
    """Hold slopes against each other, by hand and SciPy's, and data against slopes."""
    from scipy import stats

    m = {name: np.asarray(measured[name], float) for name in measured}
    slopes, lanes = m["in_parameters"], m["level"].shape
    p = m["p"].reshape(-1, config.points)
    truth = np.array([[by_differences(config.families, side, row) for side in (0, 1)] for row in p])
    truth = truth.reshape(*lanes, *truth.shape[1:])
    quantile = m["quantile"].reshape(-1, *m["quantile"].shape[-3:])
    hand = np.array([np.swapaxes(by_hand(config.families, row), 0, 1) for row in quantile])
    hand = hand.reshape(*lanes, *hand.shape[1:])
    z = stats.norm.ppf(m["level"])

    def apart(one, other):
        """Relative where both are large; no parameter is far from one."""
        return np.abs(one - other) / (1 + np.abs(other))

    claims = (
        Claim(
            name="slope_in_p_is_one_over_the_density",
            statement="The slope of each quantile in the probability times the density there is "
            f"one, from {config.least:g} on either side.",
            measured=m["in_p"] * m["density"],
            relation="=",
            expected=1.0,
            tolerance=1e-12,
            source=IMPLICIT,
            breaks_if=Fault("a millionth more", _scaled("in_p", 1 + 1e-6)),
        ),
        Claim(
            name="slopes_in_parameters_are_implicit",
            statement="The slope in each parameter is minus that of the distribution function over "
            "the density.",
            measured=apart(slopes, m["implicit"]),
            relation="<=",
            expected=1e-12,
            source=IMPLICIT,
            breaks_if=Fault("the other sign", _scaled("implicit", -1.0)),
        ),
        Claim(
            name="location_and_scale_by_hand",
            statement="In a location it is one, in a scale the quantile in standard units.",
            measured=apart(slopes[..., affine(config.families), :], hand),
            relation="<=",
            expected=1e-13,
            source=Source("casella2002inference", "section 3.5"),
            breaks_if=Fault("a millionth more", _scaled("in_parameters", 1 + 1e-6)),
        ),
        Claim(
            name="slopes_are_those_of_scipy",
            statement="It is the extrapolated difference of SciPy's quantiles.",
            measured=apart(slopes, truth),
            relation="<=",
            expected=1e-9,
            source="SciPy's quantiles, differences extrapolated three times",
            breaks_if=Fault("a millionth more", _scaled("in_parameters", 1 + 1e-6)),
        ),
        Claim(
            name="slopes_of_draws_average_to_that_of_the_mean",
            statement="Its integral over all probabilities is the slope of the mean.",
            measured=apart(m["mean_slope"], m["slope_of_mean"]),
            relation="<=",
            expected=1e-12,
            source="the mean of each family in closed form",
            breaks_if=Fault("a millionth more", _scaled("mean_slope", 1 + 1e-6)),
        ),
        Claim(
            name="quantiles_of_data_spread_by_the_slope",
            statement=f"Quantiles of {config.observations} observations spread by the slope in the "
            f"probability, but for 3% and {Z:.0f} standard errors.",
            measured=np.abs(m["spread"] / m["by_slope"] - 1),
            relation="<=",
            expected=0.03 + Z / math.sqrt(2 * config.repeats),
            source=Source("casella2002inference", "section 10.2"),
            breaks_if=Fault("spread by twice the slope", _scaled("by_slope", 2.0)),
        ),
        Claim(
            name="quantile_of_a_fit",
            statement="That of a normal fit has the standard error "
            r"$\hat\sigma \sqrt{(1 + z^2 / 2) / n}$.",
            measured=m["delta"],
            relation="=",
            expected=np.sqrt((1 + z**2 / 2) / config.observations),
            tolerance=1e-13,
            source=Source("casella2002inference", "section 5.5.4"),
            breaks_if=Fault("the error of the mean alone", _mean_alone(config.observations)),
        ),
    )
    first = (0,) * len(lanes)
    side = m["spread"] / m["by_slope"]
    table = Table(
        name="spread",
        title=f"The spread of {config.repeats} quantiles of data over what the slope says",
        columns={"family": list(config.families), "ratio": side[first]},
    )
    start = [name for name in config.families for _ in SETTINGS[name]].index("weibull")
    series = dict(
        p=m["p"][first],
        error=apart(slopes, m["implicit"]).max(axis=-2)[first],
        slopes=slopes[first][:, start : start + 2],
    )
    return Result(claims, (table,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _mean_alone(n):
    return lambda measured: {
        **measured, "delta": np.full_like(measured["delta"], 1 / math.sqrt(n))
    }  # fmt: skip


def draw(result: Result) -> tuple[Plot, ...]:
    """How quantiles of the Weibull family move, and how far both ways to get there are apart."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    p, error = series["p"], np.maximum(series["error"], 1e-17)
    every = np.concatenate([np.log10(p / (1 - p)), -np.log10(p / (1 - p))[::-1]])
    slopes = np.concatenate([series["slopes"][0], series["slopes"][1][:, ::-1]], axis=1)
    return (
        Plot(
            name="slopes",
            title="The shape of a Weibull distribution pulls both ends in, its scale moves all out",
            alt="The slopes of the Weibull quantile in its shape and its scale over the logarithm "
            "of the odds: the first is positive below and negative above, the second is positive "
            "and rises.",
            x=Axis("log10 of the odds of the probability", "", "linear"),
            y=Axis("slope of the quantile", "", "linear"),
            lines=(
                Line("in the shape", every, slopes[0]),
                Line("in the scale", every, slopes[1]),
            ),
        ),
        Plot(
            name="error",
            title="The slope by autodiff and the implicit one agree to the last digits",
            alt="The largest relative distance of both slopes over the probability, on the lower "
            "and the upper side: near the rounding of the numbers all along.",
            x=Axis("probability on that side", "", "log"),
            y=Axis("largest distance of all families", "", "log"),
            lines=(
                Line("lower side", p, error[0]),
                Line("upper side", p, error[1], style="dashed"),
            ),
        ),
    )
