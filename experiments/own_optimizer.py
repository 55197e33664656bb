r"""An optimiser of one's own, swept against Adam: signs of an averaged gradient, in six lines.

Lion keeps one average $m$ of the gradients $g$ and moves every parameter by the learning rate,
$\theta \leftarrow \theta - \eta\,\operatorname{sign}(\beta_1 m + (1 - \beta_1)\, g)$, then
$m \leftarrow \beta_2 m + (1 - \beta_2)\, g$. Being an optax transformation in the tuple
`OPTIMIZERS` is all that it takes: a config names it `own_optimizer.lion`, its floats can be swept,
and all its runs beside Adam's are lanes of two programs. The training is that of the experiment
`train`; what is added here are the claims: that the update is its recursion, and which of the two
ends lower when each has its best rate, seed by seed.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from pydantic import Field

from jaxmath import train
from jaxmath.config.choices import Choice, choose
from jaxmath.config.errors import InputError, Problem
from jaxmath.formula import Source
from jaxmath.lab import train as training
from jaxmath.lab.datasets import Split
from jaxmath.lab.train import REASONS
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table
from jaxmath.runs.sweep import by_cell, interval, named, settings

__all__ = ["OPTIMIZERS", "REASONS", "Config"]

TOPICS = ("O5",)
METRIC = "test_loss"
OWN, PEER = "own_optimizer.lion", "adam"
STEPS = 50
CURVATURES = np.array([4.0, 1.0, 0.3, 0.07])


def lion(learning_rate, b1=0.9, b2=0.99):
    """The sign of a mean gradient, the last one weighing more in it than in what is remembered."""

    def update(updates, state, params=None):
        sign = jax.tree.map(lambda g, m: jnp.sign(b1 * m + (1 - b1) * g), updates, state)
        state = jax.tree.map(lambda g, m: b2 * m + (1 - b2) * g, updates, state)
        return jax.tree.map(lambda s: -learning_rate * s, sign), state

    return optax.GradientTransformation(lambda params: jax.tree.map(jnp.zeros_like, params), update)


OPTIMIZERS = (lion,)


@dataclass(frozen=True)
class Config:
    """A data set of classes, and how a softmax regression of it is trained.

    Attributes:
        data: examples of several classes, some of them held out.
        optimizer: what is swept; its learning rate falls to zero along a cosine.
        steps: how many.
        batch_size: examples a step.
        records: how often the losses are recorded.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "digits", standardize=True, split=Split(test=0.2))
    )
    optimizer: Annotated[Any, Choice("optimizer")] = field(
        default_factory=lambda: choose("optimizer", "adam", learning_rate=0.01)
    )
    steps: Annotated[int, Field(ge=1)] = 450
    batch_size: Annotated[int, Field(ge=1)] = 32
    records: Annotated[int, Field(ge=1)] = 10


def whole(config: Config) -> training.Config:
    """The training as a config of the experiment `train`."""
    return training.Config(
        data=config.data,
        model=choose("model", "softmax"),
        loss=choose("loss", "softmax_cross_entropy"),
        optimizer=config.optimizer,
        schedule=choose("schedule", "cosine"),
        steps=config.steps,
        batch_size=config.batch_size,
        records=config.records,
    )


def load(config: Config):
    """Read the rows; some must be held out, since the losses on them are compared."""
    data = training.load(whole(config))
    if data.test is None:
        raise InputError(
            Problem(
                "no rows are held out, and the loss on such rows is what is compared",
                path="data.split",
                hint="say `split = { test = 0.2 }`",
            )
        )
    return data


def rounds(config: Config) -> int:
    """How often the losses are recorded after the start."""
    return training.rounds(whole(config))


def begin(config: Config, data, key) -> dict[str, Any]:
    """What is there before the first step."""
    return training.begin(whole(config), data, key)


def proceed(config: Config, data, carry) -> tuple[dict[str, Any], dict[str, Any]]:
    """Some steps, and the losses after them."""
    return training.proceed(whole(config), data, carry)


def finish(config: Config, data, carry, records) -> dict[str, Any]:
    """What a training leaves, and a walk of Lion's down a quadratic at the same rate."""
    found = training.finish(whole(config), data, carry, records)
    rate = config.optimizer.learning_rate
    curvatures = jnp.asarray(CURVATURES, jnp.result_type(rate, found["gradient_norm"]))
    state = train.start(
        lambda x, batch: 0.5 * jnp.sum(curvatures * x**2),
        jnp.ones_like(curvatures),
        lion,
        {"learning_rate": rate},
        jax.random.key(0),
    )

    def step(state, _):
        state = train.step(state, None)
        return state, state.params

    return dict(
        found, walk=jax.lax.scan(step, state, length=STEPS)[1], rate=jnp.reshape(rate, (1,))
    )


def by_numpy(rates) -> np.ndarray:
    """The same walk by the recursion as the paper writes it, (..., steps, parameters)."""
    rate = np.asarray(rates, float)[..., None]
    x, m, walk = np.ones((*np.shape(rates), len(CURVATURES))), 0.0, []
    for _ in range(STEPS):
        gradient = CURVATURES * x
        x = x - rate * np.sign(0.9 * m + 0.1 * gradient)
        m = 0.99 * m + 0.01 * gradient
        walk.append(x)
    return np.stack(walk, axis=-2)


class Duel(NamedTuple):
    """Both optimisers over their rates: losses on held-out rows (rates, seeds), infinite if none.

    A rate is best that has the least mean.
    """

    rates: dict[str, np.ndarray]
    losses: dict[str, np.ndarray]

    def best(self, name: str) -> int:
        """The place of the best rate."""
        return int(np.argmin(self.losses[name].mean(axis=1)))

    def best_rate(self, name: str) -> float:
        """The best rate."""
        return float(self.rates[name][self.best(name)])

    def factor(self) -> tuple[float, float, float]:
        """Lion's loss over Adam's, seed by seed, each at its best: geometric mean and 95% ends."""
        pair = [self.losses[name][self.best(name)] for name in (OWN, PEER)]
        ratio = np.log(pair[0] / pair[1])
        mean, _, low, high = interval(ratio, np.isfinite(ratio))
        return float(np.exp(mean)), float(np.exp(low)), float(np.exp(high))


def duel(measured) -> Duel | None:
    """The two optimisers of a sweep over both; None of another sweep."""
    cells = settings(measured)
    names, rates = cells.get("optimizer"), cells.get("optimizer.learning_rate")
    if names is None or rates is None or not {OWN, PEER} <= set(names):
        return None
    found = by_cell(measured, np.asarray(measured["test_loss"], float))
    found = np.where(np.isfinite(found), found, np.inf)
    return Duel(
        {name: rates[names == name] for name in (OWN, PEER)},
        {name: found[names == name] for name in (OWN, PEER)},
    )


def judge(config: Config, data, measured) -> Result:
    """Hold the update against its recursion, and Lion against Adam, each at its best rate."""
    usual, both = training.judge(whole(config), data, measured), duel(measured)
    claims, tables, series = [_recursion(measured)], (), {}
    if both is not None:
        claims += _who_wins(both, measured)
        tables, series = (_table(both),), _curves(both)
    return Result((*claims, *usual.claims), (*tables, *usual.tables), {**usual.series, **series})


def _who_wins(both: Duel, measured) -> tuple[Claim, Claim, Claim]:
    _, low, high = both.factor()
    own, along = _is_own(measured), measured.axis("optimizer.learning_rate")

    def times(factor: float):
        return lambda arrays: {
            **arrays, "test_loss": np.where(own, factor, 1) * arrays["test_loss"],
        }  # fmt: skip

    def turned(arrays):
        loss = np.asarray(arrays["test_loss"])
        return {**arrays, "test_loss": np.where(own, np.flip(loss, axis=along), loss)}

    return (
        Claim(
            name="lion_wants_a_smaller_rate",
            statement="Lion's best learning rate is at most a third of Adam's.",
            measured=both.best_rate(OWN) / both.best_rate(PEER),
            relation="<=",
            expected=1 / 3,
            source=Source("chen2023symbolic", "section 5"),
            breaks_if=Fault("Lion's runs in the opposite order of rates", turned),
            full_only=True,
        ),
        Claim(
            name="adam_wins",
            statement="Each at its best rate, Adam's loss on held-out rows is lower than Lion's, "
            "seed by seed: the whole 95% interval of their ratio lies above one.",
            measured=low,
            relation=">=",
            expected=1.0,
            source="paired over seeds, Student's interval",
            breaks_if=Fault("Lion's losses a third of what they are", times(1 / 3)),
            full_only=True,
        ),
        Claim(
            name="lion_comes_within_a_factor",
            statement="And by no more than a factor of two and a half: the whole interval lies "
            "below that.",
            measured=high,
            relation="<=",
            expected=2.5,
            source="paired over seeds, Student's interval",
            breaks_if=Fault("Lion's losses twice as large", times(2.0)),
            full_only=True,
        ),
    )


def _is_own(measured) -> np.ndarray:
    """Which runs are Lion's, in the shape of the sweep."""
    position = measured.axis("optimizer")
    own = np.array([named(option) == OWN for option in measured.swept("optimizer")])
    shape = [-1 if i == position else 1 for i in range(len(measured.axes))]
    return np.broadcast_to(own.reshape(shape), measured.shape)


def _table(both: Duel) -> Table:
    mean, low, high = both.factor()
    best = [both.losses[name][both.best(name)] for name in (OWN, PEER)]
    ends = [interval(losses, np.isfinite(losses)) for losses in best]
    decided = low > 1 or high < 1
    return Table(
        name="duel",
        title=f"Each at its best rate: Lion's loss is {mean:.2f} times Adam's "
        f"(95%: {low:.2f} to {high:.2f}), seed by seed",
        columns={
            "optimiser": [OWN, PEER],
            "best learning rate": [both.best_rate(name) for name in (OWN, PEER)],
            "test loss, mean (nats)": [float(end[0]) for end in ends],
            "95% low": [float(end[2]) for end in ends],
            "95% high": [float(end[3]) for end in ends],
        },
        best=(0 if high < 1 else 1) if decided else None,
    )


def _curves(both: Duel) -> dict[str, Any]:
    found = {}
    for short, name in (("lion", OWN), ("adam", PEER)):
        order = np.argsort(both.rates[name])
        mean, _, low, high = interval(both.losses[name], np.isfinite(both.losses[name]))
        found[f"{short}_rate"] = both.rates[name][order]
        for part, values in (("mean", mean), ("low", low), ("high", high)):
            found[f"{short}_{part}"] = values[order]
    return found


def _recursion(measured) -> Claim:
    def plant(arrays):
        return {**arrays, "walk": np.asarray(arrays["walk"]) * (1 + 1e-3)}

    walk = np.asarray(measured["walk"])
    return Claim(
        name="the_update_is_its_recursion",
        statement=f"Over {STEPS} steps on a quadratic, at every rate of the sweep, the optimiser "
        "goes where its recursion in NumPy goes.",
        measured=walk,
        relation="=",
        expected=by_numpy(np.asarray(measured["rate"])[..., 0]),
        tolerance=1e-12 if walk.dtype == np.float64 else 1e-3,
        source=Source("chen2023symbolic", "algorithm 2"),
        breaks_if=Fault("a walk longer by a thousandth", plant),
    )


def draw(result: Result) -> tuple[Plot, ...]:
    """The loss on held-out rows over the learning rate, for both; else what `train` draws."""
    series = result.series
    if "lion_rate" not in series:
        return training.draw(result)
    lines = tuple(
        Line(
            name,
            series[f"{short}_rate"],
            *(series[f"{short}_{part}"] for part in ("mean", "low", "high")),
        )
        for short, name in (("lion", "Lion, own"), ("adam", "Adam"))
    )
    return (
        Plot(
            name="rates",
            title="Lion wants a rate ten times smaller, and ends above Adam",
            alt="The mean loss on held-out rows against the learning rate, with 95% bands over "
            "seeds: both curves are valleys, Lion's at smaller rates and less deep.",
            x=Axis("learning rate", "", "log"),
            y=Axis("test loss at the end", "nats", "log"),
            lines=lines,
            caption="Every step of Lion's moves every parameter by the rate, also those of pixels "
            "that are hardly ever lit.",
        ),
        *training.draw(result),
    )
