r"""Calibration by one temperature: a classifier that is too sure is told how much too sure.

Labels are drawn from $\operatorname{softmax}(z)$, and the classifier says
$\operatorname{softmax}(T z)$: its logits are the true ones times a temperature that is known here.
Maximum likelihood on held-out data finds it again, its interval covers it as often as promised, and
divided by it the confidence is as often right as it says. What was lost before is the mean
divergence of the classifier's probabilities from the true ones.
"""

from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import inference, losses, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P18",)
Z = 6.0
"""Standard errors that count as chance: one comparison in 5e8 is further off."""
SLACK = 0.01
"""How far the coverage of so many observations may be from its limit."""
LEVELS = 11
"""Confidences are rounded to so many levels for the parts of the Brier score."""
FEW = 30
"""Bins with fewer predictions are not drawn."""
CURVE = np.geomspace(0.5, 2.0, 31)
"""Temperatures of the plot, in units of the true one."""
GUO = Source("guo2017calibration", "section 4.2")
MURPHY = Source("murphy1973partition")


@dataclass(frozen=True)
class Config:
    """A classifier, and how much is held out to calibrate it.

    Attributes:
        temperature: the true logits times it are the classifier's; above one it is too sure.
        spread: of the true logits, a standard deviation.
        classes: how many.
        observations: in one held-out set.
        sets: held-out sets, each with a fit of its own.
        tests: predictions that are looked at before and after.
        bins: of the confidence.
        level: the coverage that intervals promise.
    """

    temperature: Annotated[float, Field(gt=0)] = 2.5
    spread: Annotated[float, Field(gt=0)] = 2.0
    classes: Annotated[int, Field(ge=2)] = 5
    observations: Annotated[int, Field(ge=200)] = 1000
    sets: Annotated[int, Field(ge=100)] = 2000
    tests: Annotated[int, Field(ge=1000)] = 200_000
    bins: Annotated[int, Field(ge=2)] = 15
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95


def load(config: Config) -> None:
    """There is nothing to read."""


def measure(config: Config, data: None, key) -> dict:
    """A fit of each held-out set, and what the predictions of new data are worth with all of it."""
    del data
    temperature, level = jnp.asarray(config.temperature), jnp.asarray(config.level)

    def draw(key, n):
        one, two = jax.random.split(key)
        z = config.spread * jax.random.normal(one, (n, config.classes), float)
        return z, jax.random.categorical(two, z)

    def fitted(key):
        z, labels = draw(key, config.observations)
        logits = temperature * z
        fit = inference.fit_temperature(logits, labels, level)

        def mean_loss(t):
            return jnp.mean(jax.vmap(losses.info_nce, (0, 0, None))(logits, labels, t))

        # In units of what one example changes.
        slope = jax.grad(mean_loss)(fit.value) * fit.value / config.spread
        return jnp.stack(fit), slope

    keys = jax.random.split(train.fold_in_name(key, "held out"), config.sets)
    fits, slope = jax.lax.map(fitted, keys, batch_size=50)
    # The mean of all logarithms: as good as one fit of all held-out data.
    together = jnp.exp(jnp.mean(jnp.log(fits[:, 0])))
    error = jnp.std(jnp.log(fits[:, 0])) / np.sqrt(config.sets)

    z, labels = draw(train.fold_in_name(key, "tests"), config.tests)
    logits, picked = temperature * z, jnp.argmax(z, axis=1)
    correct = (picked == labels).astype(float)
    truth = jax.vmap(jax.nn.softmax)(z)
    chance = jnp.take_along_axis(truth, picked[:, None], axis=1)[:, 0]

    def confidence(t):
        return jnp.max(jax.nn.softmax(logits / t, axis=1), axis=1)

    def score(t):
        return jax.vmap(losses.info_nce, (0, 0, None))(logits, labels, t)

    def by_bin(t):
        """Counts, and sums of confidence, of what is right, of its chance and its variance."""
        at = confidence(t)
        number = inference.bin_of(at, config.bins)
        columns = (jnp.ones_like(at), at, correct, chance, chance * (1 - chance))
        return jnp.zeros((config.bins, 5)).at[number].add(jnp.stack(columns, axis=1))

    def brier(t):
        """Murphy's parts of the score of confidences that are rounded, and that score."""
        group = jnp.round(confidence(t) * (LEVELS - 1)).astype(int)
        stated = group / (LEVELS - 1)
        parts = inference.brier_partition(stated, correct, group, LEVELS)
        return jnp.append(jnp.stack(parts), jnp.mean(losses.brier(stated, correct)))

    # Minus the mean of the logarithm of the true probability, and what the classifier adds.
    divergence = jax.vmap(losses.softmax_cross_entropy)(z, labels)
    gained = score(1.0) - divergence
    expected = jax.vmap(inference.kl)(truth, jax.vmap(jax.nn.softmax)(logits))
    before, after = confidence(1.0), confidence(together)
    moved = jnp.abs(confidence(together * jnp.exp(Z * error)) - after)
    some = slice(0, min(config.tests, 20_000))

    def along(ratio):
        t = temperature * ratio
        at = jnp.max(jax.nn.softmax(logits[some] / t, axis=1), axis=1)
        return jnp.stack(
            [jnp.mean(jax.vmap(losses.info_nce, (0, 0, None))(logits[some], labels[some], t)),
             inference.calibration_error(at, correct[some], config.bins)]
        )  # fmt: skip

    return dict(
        temperature=temperature,
        level=level,
        fits=fits,
        slope=slope,
        together=together,
        error=error,
        drift=jnp.mean(moved),
        bins=jnp.stack([by_bin(1.0), by_bin(together)]),
        calibration=jnp.stack([
            inference.calibration_error(at, correct, config.bins) for at in (before, after)
        ]),
        gap=jnp.mean(before - chance),
        same=jnp.mean((jnp.argmax(logits / together, axis=1) == picked).astype(float)),
        brier=jnp.stack([brier(1.0), brier(together)]),
        scores=jnp.stack([jnp.mean(score(1.0)), jnp.mean(score(together))]),
        lost=jnp.stack([jnp.mean(gained - expected), jnp.std(gained - expected)]),
        divergence=jnp.mean(expected),
        along=jax.lax.map(along, jnp.asarray(CURVE)),
    )  # fmt: skip


def judge(config: Config, data: None, measured) -> Result:
    """Hold fits against the temperature, and frequencies against the probabilities drawn from."""
    m = {name: np.asarray(measured[name], float) for name in measured}
    eps = float(np.finfo(np.asarray(measured["fits"]).dtype).eps)
    level, fits = m["level"], m["fits"]
    true = m["temperature"][..., None]
    covered = np.mean((fits[..., 2] <= true) & (true <= fits[..., 3]), axis=-1)
    apart = np.log(m["together"] / m["temperature"])
    spread = np.std(np.log(fits[..., 0]), axis=-1) / np.sqrt(np.mean(fits[..., 1] ** 2, axis=-1))
    count, stated, right, chance, variance = np.moveaxis(m["bins"], -1, 0)
    # Where many fall: there a sum of ones and zeros is nearly normal.
    full = (count >= 200) & (variance > 20)
    off = np.where(full, np.abs(right - chance) / np.sqrt(np.where(full, variance, 1.0)), 0.0)
    error = np.sqrt(variance) / config.tests  # of each bin's share of the calibration error
    noise = np.sqrt(2 / np.pi) * error.sum(-1) + Z * np.sqrt(np.sum(error**2, axis=-1))
    brier = m["brier"]
    lost, deviation = m["lost"][..., 0], m["lost"][..., 1]
    claims = (
        Claim(
            name="the_slope_vanishes",
            statement="At the fitted temperature the mean loss has no slope.",
            measured=m["slope"],
            relation="=",
            expected=0.0,
            tolerance=1e4 * eps,
            source=GUO,
            breaks_if=Fault("at some other temperature", _shifted("slope", 1e-6)),
        ),
        Claim(
            name="the_temperature_is_found",
            statement="The mean logarithm of the fitted temperatures is that of the true one: one "
            f"part in n beside, and {Z:.0f} standard errors.",
            measured=np.abs(apart),
            relation="<=",
            expected=1 / config.observations + Z * m["error"],
            source="the temperature that the labels were drawn with",
            breaks_if=Fault("a fortieth higher", _scaled("together", 1.025)),
        ),
        Claim(
            name="its_interval_covers",
            statement="The interval of each fit covers the true one as often as promised, but for "
            f"{SLACK} and {Z:.0f} standard errors.",
            measured=np.abs(covered - level),
            relation="<=",
            expected=SLACK + Z * np.sqrt(level * (1 - level) / config.sets),
            source=Source("casella2002inference", "section 10.4"),
            breaks_if=Fault("intervals of half the length", _halved),
        ),
        Claim(
            name="errors_are_the_spread",
            statement="The fits spread as their standard errors say, within a tenth.",
            measured=spread,
            relation="in",
            expected=(0.9, 1.1),
            source=Source("casella2002inference", "section 10.1.3"),
            breaks_if=Fault("errors of half the size", _half_errors),
            full_only=True,
        ),
        Claim(
            name="too_sure_before",
            statement="Before, the calibration error is how much the confidence exceeds the "
            "chance to be right, but for chance.",
            measured=np.abs(m["calibration"][..., 0] - np.abs(m["gap"])),
            relation="<=",
            expected=noise[..., 0],
            source="the probabilities that the labels were drawn from",
            breaks_if=Fault("half as large", _scaled("calibration", 0.5)),
        ),
        Claim(
            name="calibrated_after",
            statement="After, it is what chance makes of perfect calibration.",
            measured=m["calibration"][..., 1],
            relation="<=",
            expected=noise[..., 1] + m["drift"],
            source=GUO,
            breaks_if=Fault("as before", _as_before),
        ),
        Claim(
            name="bins_are_right_as_often_as_drawn",
            statement="In each bin the predictions are right as often as the true probabilities "
            f"say, within {Z:.0f} standard errors.",
            measured=off,
            relation="<=",
            expected=Z,
            source="the probabilities that the labels were drawn from",
            breaks_if=Fault("right where confidence says so", _believed),
        ),
        Claim(
            name="no_answer_changes",
            statement="One temperature for all leaves every answer what it was.",
            measured=m["same"],
            relation="=",
            expected=1.0,
            source=GUO,
            breaks_if=Fault("one in a thousand changes", _scaled("same", 0.999)),
        ),
        Claim(
            name="what_is_lost_is_the_divergence",
            statement="Before, the mean loss exceeds that of the true probabilities by their mean "
            f"divergence from the stated ones, within {Z:.0f} standard errors.",
            measured=np.abs(lost) / (deviation / np.sqrt(config.tests)),
            relation="<=",
            expected=Z,
            source=Source("cover2006elements", "section 2.3"),
            breaks_if=Fault("a tenth of it more", _more_lost),
        ),
        Claim(
            name="brier_is_the_sum_of_its_parts",
            statement="Of confidences in steps of a tenth the Brier score is reliability less "
            "resolution plus uncertainty.",
            measured=brier[..., 0] - brier[..., 1] + brier[..., 2],
            relation="=",
            expected=brier[..., 3],
            tolerance=1e4 * eps,
            source=MURPHY,
            breaks_if=Fault("a millionth more", _scaled("brier", [1 + 1e-6, 1, 1, 1])),
        ),
    )  # fmt: skip
    first = (0,) * level.ndim
    table = Table(
        name="calibration",
        title=f"One temperature, {m['together'][first]:.3f}, before and after",
        columns={
            "quantity": ["loss in nats", "calibration error", "reliability", "resolution"],
            "before": [m["scores"][(*first, 0)], m["calibration"][(*first, 0)],
                       *brier[(*first, 0)][:2]],
            "after": [m["scores"][(*first, 1)], m["calibration"][(*first, 1)],
                      *brier[(*first, 1)][:2]],
        },
    )  # fmt: skip
    some = np.maximum(count, 1)
    series = dict(
        stated=(np.where(count >= FEW, stated, np.nan) / some)[first],
        right=(np.where(count >= FEW, right, np.nan) / some)[first],
        error=(np.sqrt(variance) / some)[first],
        along=m["along"][first],
        temperatures=CURVE * m["temperature"][first],
        true=m["temperature"][first],
    )
    return Result(claims, (table,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * np.asarray(factor)}


def _shifted(name, by):
    return lambda measured: {**measured, name: np.asarray(measured[name]) + by}


def _halved(measured):
    fits = np.array(measured["fits"])
    for end in (2, 3):
        fits[..., end] = np.sqrt(fits[..., end] * fits[..., 0])
    return {**measured, "fits": fits}


def _half_errors(measured):
    fits = np.array(measured["fits"])
    fits[..., 1] /= 2
    return {**measured, "fits": fits}


def _as_before(measured):
    return {**measured, "calibration": np.asarray(measured["calibration"])[..., [0, 0]]}


def _believed(measured):
    bins = np.array(measured["bins"])
    bins[..., 3] = bins[..., 1]
    return {**measured, "bins": bins}


def _more_lost(measured):
    lost = np.array(measured["lost"])
    lost[..., 0] += 0.1 * np.asarray(measured["divergence"])
    return {**measured, "lost": lost}


def draw(result: Result) -> tuple[Plot, ...]:
    """How often the predictions of each bin are right, and loss and error over the temperature."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    stated, right, error = series["stated"], series["right"], 1.96 * series["error"]
    ends = np.array([0.0, 1.0])
    return (
        Plot(
            name="reliability",
            title="Divided by one temperature, confidence is right as often as it says",
            alt="How often predictions are right over their confidence: before, points below the "
            "diagonal; after, points upon it.",
            x=Axis("confidence", "probability", "linear"),
            y=Axis("right", "share", "linear"),
            lines=(
                *(Line(name, stated[i], right[i], right[i] - error[i], right[i] + error[i],
                       style="points") for i, name in enumerate(("before", "after"))),
                Line("calibrated", ends, ends, style="dashed"),
            ),
        ),
        Plot(
            name="temperature",
            title="Both the loss and the calibration error are least at the true temperature",
            alt="The mean loss and the calibration error over the temperature: both fall to their "
            "least value at the mark of the true one and rise beyond.",
            x=Axis("temperature", "", "log"),
            y=Axis("error, or loss above its least", "", "linear"),
            lines=(
                Line("loss", series["temperatures"],
                     series["along"][:, 0] - series["along"][:, 0].min()),
                Line("calibration error", series["temperatures"], series["along"][:, 1]),
            ),
            marks={"true": float(series["true"])},
        ),
    )  # fmt: skip
