r"""Which advertisement to show: expected revenue, what knowledge is worth, and what to bid.

An advertisement that is clicked with chance $p$ and earns $v$ a click brings $p\,v$ on average. Of
several the best is shown, and the revenue changes with $p_i$ by $v_i$ if $i$ is shown, else not at
all. Where the chances are uncertain, to know them is worth $\operatorname{E}\max_i p_i v_i -
\max_i \operatorname{E} p_i v_i \ge 0$. In a second-price auction the best bid is $p\,v$ itself. Who
learns the chances by showing must try: Thompson's sampling tries what may still be the best.
"""

import itertools
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import distributions, inference, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P15", "P14")
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
BIDS = 201
"""Bids that are tried, from nothing to twice the worth of a showing."""
BISHOP = Source("bishop2006prml", "section 1.5")


@dataclass(frozen=True)
class Config:
    """Two beliefs about chances, what clicks earn, a rival, and a campaign.

    Attributes:
        clicks, passes: of the advertisements so far, which with one of each more are a beta belief.
        worth: of a click on each advertisement.
        rival: the mean of the highest rival bid, which is exponential.
        chances: the true ones of the campaign's advertisements.
        showings: of one campaign.
        campaigns: how many are run.
        draws: of the chances, for the worth of knowledge.
    """

    clicks: tuple[int, ...] = (3, 30)
    passes: tuple[int, ...] = (96, 1169)
    worth: tuple[float, ...] = (1.0, 1.5)
    rival: Annotated[float, Field(gt=0)] = 0.03
    chances: Annotated[tuple[float, ...], Field(min_length=2)] = (0.10, 0.14, 0.20, 0.12)
    showings: Annotated[int, Field(ge=100)] = 4000
    campaigns: Annotated[int, Field(ge=50)] = 500
    draws: Annotated[int, Field(ge=1000)] = 200_000

    def __post_init__(self):
        if not len(self.clicks) == len(self.passes) == len(self.worth) == 2:
            raise ValueError("clicks, passes and worth are those of two advertisements")


def load(config: Config) -> None:
    """There is nothing to read."""


def beta_draws(key, a, b):
    """Chances from beta beliefs with these parameters, of one shape."""
    both = jnp.stack([a, b])
    one, two = distributions.GAMMA.sample(key, both, jnp.ones_like(both))
    return one / (one + two)


def campaign(config: Config, key, choose):
    """The regret of each showing, when `choose(key, clicks, shown)` says what is shown."""
    chances = jnp.asarray(config.chances)

    def show(seen, key):
        clicks, shown = seen
        pick, click = jax.random.split(key)
        ad = choose(pick, clicks, shown)
        clicked = jax.random.bernoulli(click, chances[ad]).astype(clicks.dtype)
        seen = clicks.at[ad].add(clicked), shown.at[ad].add(1)
        return seen, jnp.max(chances) - chances[ad]

    start = jnp.zeros_like(chances), jnp.zeros_like(chances)
    return jax.lax.scan(show, start, jax.random.split(key, config.showings))[1]


def thompson(key, clicks, shown):
    """Draw each chance from its posterior, and show the best of these."""
    return jnp.argmax(beta_draws(key, clicks + 1, shown - clicks + 1))


def greedy(key, clicks, shown):
    """Show what has the best mean so far."""
    del key
    return jnp.argmax((clicks + 1) / (shown + 2))


def measure(config: Config, data: None, key) -> dict:
    """Revenues and slopes, the worth of knowledge, profits of bids, and regrets."""
    del data
    a = jnp.asarray(config.clicks, float) + 1
    b = jnp.asarray(config.passes, float) + 1
    worth, mean = jnp.asarray(config.worth), a / (a + b)

    def revenue(chance):
        return jnp.max(inference.expected_revenue(chance, worth))

    chance = beta_draws(
        train.fold_in_name(key, "chances"),
        *(jnp.broadcast_to(part[:, None], (2, config.draws)) for part in (a, b)),
    )
    values = inference.expected_revenue(chance, jnp.broadcast_to(worth[:, None], chance.shape))
    belief = jnp.full(config.draws, 1 / config.draws)

    # A bid against an exponential rival: E (w - r) 1[r < bid].
    w, rate = jnp.max(mean * worth), 1 / jnp.asarray(config.rival)

    def profit(bid):
        gain = lambda r: (w - r) * distributions.EXPONENTIAL.prob(r, rate)  # noqa: E731
        return inference.integrate(gain, 0.0, bid, pieces=16).value

    bids = jnp.linspace(0.01, 2, BIDS) * w
    profits, slopes = jax.vmap(jax.value_and_grad(profit))(bids)

    def regrets(name, choose):
        keys = jax.random.split(train.fold_in_name(key, name), config.campaigns)
        return jnp.cumsum(jax.vmap(lambda k: campaign(config, k, choose))(keys), axis=1)

    ends = {name: regrets(name, choose) for name, choose in
            (("thompson", thompson), ("greedy", greedy))}  # fmt: skip
    at = jnp.arange(config.showings // 50 - 1, config.showings, config.showings // 50)
    return dict(
        mean=mean,
        slope=jax.grad(revenue)(mean),
        best=jnp.max(values, axis=0).mean(),
        best_error=jnp.std(jnp.max(values, axis=0)) / np.sqrt(config.draws),
        knowing=inference.value_of_perfect_information(-values, belief),
        in_sample=jnp.max(values, axis=0).mean() - jnp.max(values.mean(axis=1)),
        bids=bids / w,
        profits=profits,
        slopes=slopes,
        showing=w,
        rate=rate,
        regret=jnp.stack([ends[name].mean(axis=0)[at] for name in ends]),
        spread=jnp.stack([ends[name].std(axis=0)[at] for name in ends]),
        shown=at + 1.0,
    )


def best_of_two(a, b, worth) -> float:
    """E max(p v) of two beta beliefs, by quadrature over the first's density in SciPy."""
    from scipy import integrate, stats

    v, w = worth

    def given(p):
        """The best when the first brings x = p v: x F(x/w) + w E q 1[q > x/w]."""
        x = p * v
        above = a[1] / (a[1] + b[1]) * stats.beta.sf(min(x / w, 1), a[1] + 1, b[1])
        best = x * stats.beta.cdf(x / w, a[1], b[1]) + w * above
        return stats.beta.pdf(p, a[0], b[0]) * best

    cuts = sorted({*stats.beta.ppf([1e-12, 0.1, 0.5, 0.9, 1 - 1e-12], a[0], b[0])})
    return sum(
        integrate.quad(given, low, high, epsabs=1e-13)[0] for low, high in itertools.pairwise(cuts)
    )


def judge(config: Config, data: None, measured) -> Result:
    """Hold revenue, knowledge, bids and campaigns against what is exact."""
    m = {name: np.asarray(measured[name], float) for name in measured}
    a, b = np.array(config.clicks) + 1.0, np.array(config.passes) + 1.0
    worth = np.array(config.worth)
    revenue = m["mean"] * worth
    shown = revenue == revenue.max(axis=-1, keepdims=True)
    truth = best_of_two(a, b, worth)
    w, rate = m["showing"][..., None], m["rate"][..., None]
    bids = m["bids"] * w
    # The integral of (w - r) rate exp(-rate r) from nothing to the bid, by hand.
    by_hand = w - 1 / rate - np.exp(-rate * bids) * (w - bids - 1 / rate)
    best = np.take_along_axis(m["bids"], np.argmax(m["profits"], axis=-1)[..., None], -1)
    regret, spread = m["regret"], m["spread"] / np.sqrt(config.campaigns)
    gap = regret[..., 1, -1] - regret[..., 0, -1]
    even = np.max(config.chances) - np.mean(config.chances)
    claims = (
        Claim(
            name="slope_is_the_worth_of_a_click",
            statement=r"The revenue changes with $p_i$ by $v_i$ if advertisement $i$ is shown, and "
            "not at all else.",
            measured=m["slope"],
            relation="=",
            expected=np.where(shown, worth, 0.0),
            tolerance=1e-12,
            source="the largest of linear functions: the slope of the one that is largest",
            breaks_if=Fault("the slope of the other", _turned("slope", -1)),
        ),
        Claim(
            name="knowing_is_worth_something",
            statement="The expected revenue of who knows the chances is that of numerical "
            f"integration, within {Z:.0f} standard errors.",
            measured=np.abs(m["best"] - truth) / m["best_error"],
            relation="<=",
            expected=Z,
            source="SciPy's quadrature over the beta densities",
            breaks_if=Fault("a twentieth more", _scaled("best", 1.05)),
        ),
        Claim(
            name="worth_of_knowledge_is_a_difference",
            statement="The least expected regret of showing one advertisement for good is the "
            r"worth of knowledge, $\operatorname{E}\max - \max\operatorname{E}$.",
            measured=m["knowing"],
            relation="=",
            expected=m["in_sample"],
            tolerance=1e-12,
            source=BISHOP,
            breaks_if=Fault("a millionth more", _scaled("knowing", 1 + 1e-6)),
        ),
        Claim(
            name="profit_is_the_integral",
            statement="The profit of every bid in a second-price auction against an exponential "
            "rival is that found by hand.",
            measured=m["profits"] / w,
            relation="=",
            expected=by_hand / w,
            tolerance=1e-11,
            source="integrated by hand",
            breaks_if=Fault("a millionth more", _scaled("profits", 1 + 1e-6)),
        ),
        Claim(
            name="slope_of_the_profit",
            statement="It changes with the bid by what is gained where the rival bids the same, "
            "which is nothing at the worth itself.",
            measured=m["slopes"],
            relation="=",
            expected=(w - bids) * rate * np.exp(-rate * bids),
            tolerance=1e-11,
            source=Source("vickrey1961counterspeculation"),
            breaks_if=Fault("a millionth more", _scaled("slopes", 1 + 1e-6)),
        ),
        Claim(
            name="the_best_bid_is_the_worth",
            statement="No bid brings more than the worth of a showing.",
            measured=best[..., 0],
            relation="=",
            expected=1.0,
            tolerance=2 / BIDS,
            source=Source("vickrey1961counterspeculation"),
            breaks_if=Fault("profits of lower bids", _scaled("bids", 0.8)),
        ),
        Claim(
            name="trying_pays",
            statement="Thompson's sampling loses less in a campaign than who shows what was best "
            "so far (in units of the standard error of the difference).",
            measured=gap / np.sqrt(np.sum(spread[..., -1] ** 2, axis=-1)),
            relation=">=",
            expected=0.0,
            source=Source("thompson1933likelihood"),
            breaks_if=Fault("both change places", _turned("regret", -2)),
            full_only=True,
        ),
        Claim(
            name="regret_levels_off",
            statement="In the second half of a campaign Thompson's sampling loses less than a "
            "fifth of what showing at random loses.",
            measured=(regret[..., 0, -1] - regret[..., 0, regret.shape[-1] // 2 - 1])
            / (even * config.showings / 2),
            relation="<=",
            expected=0.2,
            source=Source("thompson1933likelihood"),
            breaks_if=Fault("a loss at every showing", _steady),
            full_only=True,
        ),
    )  # fmt: skip
    first = (0,) * m["showing"].ndim
    table = Table(
        name="worth",
        title="What two advertisements bring for one showing",
        columns={
            "quantity": ["first", "second", "the better one known", "worth of knowing"],
            "revenue": np.array([*(a / (a + b) * worth), truth,
                                 truth - np.max(a / (a + b) * worth)]),
        },
    )  # fmt: skip
    series = dict(
        bids=m["bids"][first], profits=m["profits"][first] / w[first],
        regret=regret[first], error=spread[first], shown=m["shown"][first],
        even=even * m["shown"][first],
    )  # fmt: skip
    return Result(claims, (table,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _turned(name, axis):
    return lambda measured: {**measured, name: np.flip(np.asarray(measured[name]), axis)}


def _steady(measured):
    regret = np.array(measured["regret"])
    regret[..., 0, :] = 0.05 * np.asarray(measured["shown"])
    return {**measured, "regret": regret}


def draw(result: Result) -> tuple[Plot, ...]:
    """The profit over the bid, and the regret over the showings."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    regret, error, shown = series["regret"], 1.96 * series["error"], series["shown"]
    return (
        Plot(
            name="bids",
            title="In a second-price auction the honest bid brings most",
            alt="The expected profit over the bid: it rises to a flat top where the bid is the "
            "worth of a showing, and falls beyond.",
            x=Axis("bid over the worth of a showing", "", "linear"),
            y=Axis("profit over the worth of a showing", "", "linear"),
            lines=(Line("profit", series["bids"], series["profits"]),),
            marks={"worth": 1.0},
        ),
        Plot(
            name="regret",
            title="Who never tries goes on losing, Thompson's sampling stops",
            alt="Clicks lost over the number of showings: for showing at random and for greedy "
            "choice straight lines that rise, for Thompson's sampling a curve that levels off.",
            x=Axis("showings", "", "linear"),
            y=Axis("clicks lost", "", "linear"),
            lines=(
                Line("Thompson", shown, regret[0], regret[0] - error[0], regret[0] + error[0]),
                Line("greedy", shown, regret[1], regret[1] - error[1], regret[1] + error[1]),
                Line("at random", shown, series["even"], style="dashed"),
            ),
        ),
    )
