r"""Events at random: exponential gaps give Poisson counts, and the past says nothing of the future.

The times between the events of a Poisson process of rate $\lambda$ are independent and exponential.
Then the number of events up to time $t$ has the Poisson distribution with mean $\lambda t$, counts
of separate intervals are independent, the $k$-th event comes at a gamma time, and given their
number the events lie as if thrown at random. Who comes at a fixed time waits for the next event as
long as if one had just happened; the gap that he comes into is longer than most.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import distributions, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P6", "P9")
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
ALPHA = 1e-8
"""How often an empirical distribution may differ too much by chance."""
LONGER = 8
"""How many ages of a gap are tried, in steps of a quarter of the mean gap."""
CASELLA = Source("casella2002inference", "section 3.3")


@dataclass(frozen=True)
class Config:
    """A rate, a horizon, and how many histories there are.

    Attributes:
        rate: of the events.
        horizon: how long each history is watched; half of it is when someone comes.
        kth: the event whose time is looked at.
        gaps: how many gaps are drawn for each history; the horizon must come before their end.
        histories: how many there are.
    """

    rate: Annotated[float, Field(gt=0)] = 5.0
    horizon: Annotated[float, Field(gt=0)] = 4.0
    kth: Annotated[int, Field(ge=1)] = 3
    gaps: Annotated[int, Field(ge=10)] = 80
    histories: Annotated[int, Field(ge=1000)] = 20_000

    def __post_init__(self):
        if self.kth > self.gaps:
            raise ValueError(f"there is no event {self.kth} among {self.gaps} gaps")


def load(config: Config) -> None:
    """There is nothing to read."""


def measure(config: Config, data: None, key) -> dict:
    """Counts, gaps and times of every history."""
    del data
    shape = (config.histories, config.gaps)
    gaps = distributions.EXPONENTIAL.sample(
        train.fold_in_name(key, "gaps"), jnp.asarray(config.rate), shape=shape
    )
    times = jnp.cumsum(gaps, axis=1)
    horizon = jnp.asarray(config.horizon, times.dtype)
    middle = horizon / 2
    early, all_of_them = (jnp.sum(times <= end, axis=1) for end in (middle, horizon))
    following = jnp.take_along_axis(times, early[:, None], axis=1)[:, 0]
    crossed = jnp.take_along_axis(gaps, early[:, None], axis=1)[:, 0]
    ages = jnp.arange(1, LONGER + 1) / 4 / config.rate
    first = gaps[:, 0]
    return dict(
        counts=all_of_them,
        early=early,
        waiting=following - middle,
        crossed=crossed,
        kth=times[:, config.kth - 1],
        fraction=jnp.where(times <= horizon, times / horizon, jnp.nan),
        # Of the gaps that have lasted for an age, how many last for one more mean gap.
        reached=jnp.stack([jnp.sum(first > age) for age in ages]),
        lasted=jnp.stack([jnp.sum(first > age + 1 / config.rate) for age in ages]),
        rate=jnp.asarray(config.rate),
        horizon=horizon,
    )


def distance(values, cdf) -> float:
    """The largest distance of an empirical distribution from `cdf`, in units of what chance does.

    One in `ALPHA` cases is beyond one (Massart 1990).
    """
    ordered = np.sort(np.asarray(values, float))
    count = len(ordered)
    truth = cdf(ordered)
    gap = max(
        np.max(np.arange(1, count + 1) / count - truth), np.max(truth - np.arange(count) / count)
    )
    return float(gap / math.sqrt(math.log(2 / ALPHA) / 2 / count))


def chi_squared(counts, probabilities) -> tuple[float, float]:
    """Pearson's statistic, cells pooled until each expects ten, and what chance allows for it."""
    from scipy import stats

    expected = len(counts) * probabilities
    enough = np.flatnonzero(expected >= 10)
    low, high = enough[0], enough[-1]
    seen = np.bincount(np.clip(counts, low, high) - low, minlength=high - low + 1)
    mean = expected[low : high + 1].copy()
    mean[0] += expected[:low].sum()
    mean[-1] = len(counts) - mean[:-1].sum()
    return float(np.sum((seen - mean) ** 2 / mean)), float(stats.chi2.isf(ALPHA, high - low))


def judge(config: Config, data: None, measured) -> Result:
    """Hold counts, gaps and times against their distributions, lane by lane."""
    from scipy import stats

    names = list(measured)
    shape = np.shape(measured["rate"])
    lanes = [
        {name: np.asarray(measured[name])[index] for name in names} for index in np.ndindex(*shape)
    ]

    def every(fn):
        return np.array([fn(lane) for lane in lanes])

    number = config.histories
    fits = every(
        lambda lane: chi_squared(
            lane["counts"], stats.poisson.pmf(np.arange(400), lane["rate"] * lane["horizon"])
        )
    )
    later = every(lambda lane: np.corrcoef(lane["early"], lane["counts"] - lane["early"])[0, 1])
    share = every(lambda lane: lane["lasted"] / lane["reached"])
    once = math.exp(-1)
    errors = np.sqrt(once * (1 - once) / every(lambda lane: lane["reached"]))
    exponential = lambda name: every(  # noqa: E731
        lambda lane: distance(lane[name], lambda x: stats.expon.cdf(x * lane["rate"]))
    )
    crossed = every(lambda lane: lane["crossed"].mean() * lane["rate"])
    half = every(lambda lane: lane["rate"] * lane["horizon"] / 2)
    # The gap is as long as the wait and the time since the last event, or since the beginning.
    expected = 2 - np.exp(-half)
    spread = every(lambda lane: lane["crossed"].std(ddof=1) * lane["rate"]) / math.sqrt(number)
    claims = (
        Claim(
            name="counts_are_poisson",
            statement=r"The number of events up to $t$ has the Poisson distribution with mean "
            r"$\lambda t$: the $\chi^2$ statistic is below what chance exceeds once in $10^8$.",
            measured=fits[:, 0],
            relation="<=",
            expected=fits[:, 1],
            source=Source("casella2002inference", "section 3.2"),
            breaks_if=Fault("one event in fifty missed", _missed),
        ),
        Claim(
            name="counts_are_independent",
            statement="The counts of the first and the second half are uncorrelated, within "
            f"{Z:.0f} standard errors.",
            measured=np.abs(later) * math.sqrt(number),
            relation="<=",
            expected=Z,
            source="independent increments: the definition of the process",
            breaks_if=Fault("a busy first half makes a busy second one", _dependent),
        ),
        Claim(
            name="gaps_have_no_memory",
            statement="A gap that has lasted for some time lasts for one more mean gap with "
            r"probability $1/e$, whatever that time: within " + f"{Z:.0f} standard errors.",
            measured=np.abs(share - once) / errors,
            relation="<=",
            expected=Z,
            source=CASELLA,
            breaks_if=Fault("gaps that wear out", _worn),
        ),
        Claim(
            name="kth_event_is_gamma",
            statement=rf"Event number {config.kth} comes at a time with the gamma distribution.",
            measured=every(
                lambda lane: distance(
                    lane["kth"], lambda x: stats.gamma.cdf(x * lane["rate"], config.kth)
                )
            ),
            relation="<=",
            expected=1.0,
            source=CASELLA,
            breaks_if=Fault("times a twentieth too long", _scaled("kth", 1.05)),
        ),
        Claim(
            name="events_lie_anywhere",
            statement="Given their number, the events up to the horizon are uniform over it.",
            measured=every(
                lambda lane: distance(
                    lane["fraction"][np.isfinite(lane["fraction"])], stats.uniform.cdf
                )
            ),
            relation="<=",
            expected=1.0,
            source="the order statistics of uniform draws",
            breaks_if=Fault("events that come early", _early),
        ),
        Claim(
            name="waiting_starts_afresh",
            statement="The wait from a fixed time to the next event is exponential with the same "
            "rate as the gaps.",
            measured=exponential("waiting"),
            relation="<=",
            expected=1.0,
            source=CASELLA,
            breaks_if=Fault("waits half as long, as one might guess", _scaled("waiting", 0.5)),
        ),
        Claim(
            name="longer_gaps_are_met_more_often",
            statement=r"The gap that covers a fixed time $t$ has the mean $(2 - e^{-\lambda t}) / "
            r"\lambda$, nearly twice that of all gaps: within " + f"{Z:.0f} standard errors.",
            measured=np.abs(crossed - expected) / spread,
            relation="<=",
            expected=Z,
            source="the wait and the age, which are independent: integrated by hand",
            breaks_if=Fault("the mean of all gaps", _scaled("crossed", 0.5)),
        ),
    )
    lane = lanes[0]
    top = int(lane["counts"].max()) + 1
    count = np.arange(top + 1)
    seen = np.bincount(lane["counts"], minlength=top + 1) / number
    age = np.arange(1, LONGER + 1) / 4
    table = Table(
        name="memory",
        title="Gaps that last for one more mean gap, by how long they have lasted",
        columns={
            "age [mean gaps]": age,
            "gaps": lane["reached"],
            "share that lasts": share[0],
            "± 95%": 1.96 * errors[0],
        },
    )
    series = dict(
        count=count, seen=seen,
        poisson=stats.poisson.pmf(count, lane["rate"] * lane["horizon"]),
        age=age, share=share[0], error=errors[0],
    )  # fmt: skip
    return Result(claims, (table,), series)


def _missed(measured):
    counts = np.array(measured["counts"])
    counts[..., ::2] -= counts[..., ::2] // 25
    return {**measured, "counts": counts}


def _dependent(measured):
    counts, early = np.array(measured["counts"]), np.asarray(measured["early"])
    return {**measured, "counts": counts + early // 4}


def _worn(measured):
    lasted = np.array(measured["lasted"], float)
    return {**measured, "lasted": lasted * (1 - 0.03 * np.arange(LONGER))}


def _early(measured):
    return {**measured, "fraction": np.asarray(measured["fraction"]) ** 1.05}


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def draw(result: Result) -> tuple[Plot, ...]:
    """The counts beside Poisson's probabilities, and the share of gaps that last."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    age, share, error = series["age"], series["share"], series["error"]
    return (
        Plot(
            name="counts",
            title="Exponential gaps give Poisson counts",
            alt="How often each number of events was counted, as points upon the curve of Poisson "
            "probabilities.",
            x=Axis("events", "", "linear"),
            y=Axis("probability", "", "linear"),
            lines=(
                Line("Poisson", series["count"], series["poisson"], hue=0),
                Line("counted", series["count"], series["seen"], style="points", hue=1),
            ),
        ),
        Plot(
            name="memory",
            title="However long a gap has lasted, it is as likely to go on",
            alt="The share of gaps that last for one more mean gap over how long they have lasted: "
            "level at 1/e, with a band that widens.",
            x=Axis("how long it has lasted", "mean gaps", "linear"),
            y=Axis("share that lasts one more mean gap", "", "linear"),
            lines=(
                Line("measured", age, share, share - 1.96 * error, share + 1.96 * error),
                Line("1/e", age, np.full_like(share, math.exp(-1)), style="dashed"),
            ),
        ),
    )
