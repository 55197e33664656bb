r"""How optimisers compare over learning rates, and what is random about a mini-batch.

A mini-batch gradient $g_B = \frac1b \sum_{i \in B} g_i$ over $b$ of $n$ examples has the full
gradient as its mean. Drawn without replacement its variance is $(1 - b/n)\,S^2/b$, drawn with
replacement $\frac{n-1}{n}\,S^2/b$, where $S^2$ is the variance of the $g_i$ over the examples
(summed over the parameters). The same softmax regression is then trained by gradient descent on
one point, on mini-batches and on all points, and by momentum, Nesterov's method, RMSprop and Adam
on mini-batches: every learning rate and every seed in one program, for the same number of epochs.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from pydantic import Field

from jaxmath import losses, train
from jaxmath.config.choices import Choice, choose
from jaxmath.formula import Source
from jaxmath.lab.datasets import Split
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.models import softmax
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O2", "O3", "O4", "O5")
METRIC = "least_loss"


@dataclass(frozen=True)
class Config:
    """A data set of classes, learning rates, seeds, and how much of each.

    Attributes:
        data: examples of several classes.
        learning_rates: tried by every optimiser.
        seeds: orders of the data for each learning rate; they make the confidence bands.
        batch_size: of a mini-batch in training.
        epochs: how often each run sees each example.
        batch_sizes: for which the variance of the gradient is measured; the last may be all.
        draws: how many batches of each size.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "digits", standardize=True, split=Split(test=0.2))
    )
    learning_rates: Annotated[tuple[float, ...], Field(min_length=2)] = (
        0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0,
    )  # fmt: skip
    seeds: Annotated[int, Field(ge=2)] = 8
    batch_size: Annotated[int, Field(ge=1)] = 32
    epochs: Annotated[int, Field(ge=1)] = 5
    batch_sizes: Annotated[tuple[int, ...], Field(min_length=2)] = (1, 8, 64, 512)
    draws: Annotated[int, Field(ge=100)] = 2000


class Data(NamedTuple):
    """Rows, class indices, and the classes."""

    features: np.ndarray
    targets: np.ndarray
    classes: np.ndarray


def load(config: Config) -> Data:
    """Read the rows that training sees."""
    found = load_dataset(config.data)
    return Data(*found.train, np.arange(len(found.class_names)))


def methods(config: Config) -> dict[str, tuple[Any, int | None]]:
    """What is compared, by name: an optimiser and its batch size, None for all examples."""
    batch = config.batch_size
    return {
        "gradient descent": (train.sgd, None),
        "one point": (train.sgd, 1),
        "mini-batch": (train.sgd, batch),
        "momentum": (train.momentum, batch),
        "Nesterov": (train.nesterov, batch),
        "RMSprop": (train.rmsprop, batch),
        "Adam": (train.adam, batch),
    }


def measure(config: Config, data: Data, key) -> dict:
    """The gradients of random batches, and the losses of all trainings."""
    keys = jax.random.split(train.fold_in_name(key, "seeds"), config.seeds)
    found = {
        name: trained(config, data, keys, optimizer, batch)
        for name, (optimizer, batch) in methods(config).items()
    }
    curves = jnp.stack([curve for curve, _ in found.values()])  # (method, seed, rate, epoch)
    status = jnp.stack([status for _, status in found.values()])
    return dict(
        **batch_gradients(config, data, train.fold_in_name(key, "batches")),
        **first_step_of_adam(data),
        curves=curves,
        status=status,
        epoch=jnp.arange(config.epochs + 1),
        least_loss=jnp.nanmin(jnp.nanmean(curves[..., -1], axis=1)),
    )


def trained(config: Config, data: Data, keys, optimizer, batch_size: int | None):
    """Losses (seed, rate, epoch) over all rows after each epoch, NaN once a run has ended."""
    objective = train.empirical_risk(softmax.apply, losses.softmax_cross_entropy)
    batch = (data.features, data.targets)
    steps = train.steps_per_epoch(len(data.targets), batch_size)
    params = start(data)
    rates = jnp.asarray(config.learning_rates, data.features.dtype)

    def run(rate, key):
        state = train.start(
            objective, params, optimizer, {"learning_rate": rate}, key, batch_size=batch_size
        )

        def epoch(state, _):
            state = train.advance(state, batch, steps)
            running = state.status == train.Status.RUNNING
            return state, jnp.where(running, objective(state.params, batch), jnp.nan)

        state, curve = jax.lax.scan(epoch, state, length=config.epochs)
        return jnp.append(objective(params, batch), curve), state.status

    return jax.lax.map(lambda key: jax.vmap(run, (0, None))(rates, key), keys)


def start(data: Data):
    """The parameters from which every run sets out: zero, so that only the order is random."""
    params = softmax.init(jax.random.key(0), data.features.shape[1], len(data.classes))
    return jax.tree.map(lambda leaf: leaf.astype(data.features.dtype), params)


def batch_gradients(config: Config, data: Data, key) -> dict:
    """The mean over many random batches of each size, and each one's squared deviation."""
    params, number = start(data), len(data.targets)
    full = ravel_pytree(softmax.gradient(params, data.features, data.targets))[0]

    def deviations(rows):
        """Of the first so many rows, for every batch size, from the full gradient."""
        x, y = jnp.asarray(data.features)[rows], jnp.asarray(data.targets)[rows]
        parts = [softmax.gradient(params, x[:size], y[:size]) for size in config.batch_sizes]
        return jnp.stack([ravel_pytree(part)[0] - full for part in parts])

    def draw(total, key):
        without = deviations(train.shuffle(key, number))
        repeated = deviations(jax.random.randint(key, (number,), 0, number))
        squares = (jnp.sum(without**2, axis=1), jnp.sum(repeated**2, axis=1))
        return total + without, squares

    zero = jnp.zeros((len(config.batch_sizes), full.size), full.dtype)
    total, squares = jax.lax.scan(draw, zero, jax.random.split(key, config.draws))
    return dict(
        full=full,
        bias=total / config.draws,
        squares=squares[0],
        squares_repeated=squares[1],
    )


def first_step_of_adam(data: Data) -> dict:
    """Adam's first step on all rows, at rate one."""
    objective = train.empirical_risk(softmax.apply, losses.softmax_cross_entropy)
    state = train.start(
        objective, start(data), train.adam, {"learning_rate": 1.0}, jax.random.key(0)
    )
    after = train.advance(state, (data.features, data.targets), 1)
    return dict(adam=ravel_pytree(after.params)[0] - ravel_pytree(state.params)[0])


def per_example_variance(data: Data) -> np.ndarray:
    """S^2 for each parameter in NumPy: the variance of the examples' gradients at zero weights."""
    n, k = len(data.targets), len(data.classes)
    slope = 1 / k - (np.asarray(data.targets)[:, None] == data.classes)  # p - y, (n, k)
    design = np.asarray(data.features, float)
    weights = (slope[:, :, None] * design[:, None, :]).reshape(n, -1)
    return np.concatenate([weights, slope], axis=1).var(axis=0, ddof=1)


def against(squares, expected) -> tuple[np.ndarray, np.ndarray]:
    """The mean square over what is expected of it, and the standard error of that ratio."""
    ratio = np.asarray(squares, float) / expected
    return ratio.mean(axis=-2), ratio.std(axis=-2, ddof=1) / np.sqrt(ratio.shape[-2])


def interval(values: np.ndarray, axis: int):
    """Mean and half width of the 95% confidence interval over an axis, by Student's t."""
    from scipy.stats import t

    count = values.shape[axis]
    spread = values.std(axis=axis, ddof=1) / np.sqrt(count)
    return values.mean(axis=axis), t.ppf(0.975, count - 1) * spread


def judge(config: Config, data: Data, measured) -> Result:
    """Hold the batch gradients against the formula, and the trainings against each other."""
    from scipy.stats import norm

    sizes, n = np.array(config.batch_sizes), len(data.targets)
    variance = per_example_variance(data)
    without = ((1 - sizes / n) / sizes)[:, None] * variance
    repeated = ((n - 1) / n / sizes)[:, None] * variance
    moving = variance > 0  # pixels that never change have no gradient
    bias = np.asarray(measured["bias"])[..., moving]
    error = np.sqrt(without[:, moving] / config.draws)
    # Of so many normal numbers, the largest stays below this in all but one of a thousand cases.
    largest = norm.isf(1e-3 / 2 / (len(sizes) * moving.sum()))
    ratio, ratio_error = against(measured["squares"], without.sum(axis=1))
    ratio_repeated, repeated_error = against(measured["squares_repeated"], repeated.sum(axis=1))
    widest = norm.isf(1e-3 / 2 / len(sizes))

    names = list(methods(config))
    full, curves = np.asarray(measured["full"]), np.asarray(measured["curves"], float)
    final = curves[..., -1]  # (..., method, seed, rate)
    mean, half = interval(final, axis=-2)
    ranked = np.where(np.isnan(mean), np.inf, mean)
    best = np.argmin(ranked, axis=-1)[..., None]
    at_best = np.take_along_axis(mean, best, -1)[..., 0]
    half_at_best = np.take_along_axis(half, best, -1)[..., 0]
    eps = float(np.finfo(np.asarray(measured["full"]).dtype).eps)
    sure = np.abs(full) > 1e-6

    claims = (
        Claim(
            name="mini_batches_are_unbiased",
            statement="The mean of the gradients of random batches is the full gradient: no "
            f"parameter is further off than chance allows ({largest:.1f} standard errors).",
            measured=np.max(np.abs(bias) / error, axis=-1),
            relation="<=",
            expected=largest,
            source=Source("cochran1977sampling", "theorem 2.1"),
            breaks_if=Fault("gradients a tenth too long", _stretched),
        ),
        Claim(
            name="variance_without_replacement",
            statement=r"Drawn without replacement, batches of $b$ scatter with variance "
            r"$(1 - b/n)\,S^2/b$, " + f"to {widest:.1f} standard errors.",
            measured=np.abs(ratio - 1) / ratio_error,
            relation="<=",
            expected=widest,
            source=Source("cochran1977sampling", "theorem 2.2"),
            breaks_if=Fault(
                "the factor 1 - b/n forgotten", _scaled("squares", 1 / (1 - sizes / n))
            ),
        ),
        Claim(
            name="variance_with_replacement",
            statement=r"Drawn with replacement, they scatter with variance "
            r"$\frac{n-1}{n}\,S^2/b$, " + f"to {widest:.1f} standard errors.",
            measured=np.abs(ratio_repeated - 1) / repeated_error,
            relation="<=",
            expected=widest,
            source=Source("cochran1977sampling", "section 2.10"),
            breaks_if=Fault(
                "drawn without replacement", _scaled("squares_repeated", 1 - sizes / n)
            ),
        ),
        Claim(
            name="first_step_of_adam",
            statement=r"Adam's first step is $-\eta\, g / (|g| + \epsilon)$: the rate, whatever "
            "the size of the gradient.",
            measured=np.asarray(measured["adam"])[..., sure[0] if full.ndim > 1 else sure],
            relation="=",
            expected=-(full / (np.abs(full) + 1e-8))[..., sure[0] if full.ndim > 1 else sure],
            tolerance=100 * eps,
            source=Source("kingma2015adam", "section 2.1"),
            breaks_if=Fault("without bias correction", _scaled("adam", 0.1 / 0.001**0.5)),
        ),
        Claim(
            name="the_full_batch_knows_no_seed",
            statement="Gradient descent on all examples takes the same path whatever the seed, "
            "to the last bit.",
            measured=np.ptp(np.nan_to_num(curves[..., 0, :, :, :]), axis=-3).max(axis=(-1, -2)),
            relation="=",
            expected=0.0,
            source="the data order is all that the seed decides",
            breaks_if=Fault("one seed apart from the others", _one_seed_off),
        ),
        Claim(
            name="noise_pays",
            statement="At its best learning rate every method on batches ends below gradient "
            "descent on all examples at its best, after as many epochs, with the whole 95% "
            "interval over seeds.",
            measured=(at_best + half_at_best)[..., 1:],
            relation="<=",
            expected=at_best[..., :1],
            source=Source("bottou2018optimization", "section 3.3"),
            breaks_if=Fault("gradient descent among the others", _no_gain),
            full_only=True,
        ),
    )
    first = (0,) * (mean.ndim - 2)
    rates = np.array(config.learning_rates)
    tables = (
        Table(
            name="best_rates",
            title="Each method at its best learning rate",
            columns={
                "method": names,
                "best learning rate": rates[best[first][..., 0]],
                "loss at the end (nats)": at_best[first],
                "± 95%": half_at_best[first],
            },
        ),
        Table(
            name="variance",
            title="The scatter of mini-batch gradients over what the formula says",
            columns={
                "batch size": sizes,
                "without replacement": ratio.reshape(-1, len(sizes))[0],
                "± 95%": 1.96 * ratio_error.reshape(-1, len(sizes))[0],
                "with replacement": ratio_repeated.reshape(-1, len(sizes))[0],
                "± 95%, with": 1.96 * repeated_error.reshape(-1, len(sizes))[0],
            },
        ),
    )
    series = dict(
        rate=rates, final_mean=mean, final_half=half, curves=curves,
        epoch=np.asarray(measured["epoch"]), best=best[..., 0], method=np.array(names),
    )  # fmt: skip
    return Result(claims, tables, series)


def _scaled(name: str, factor):
    def plant(measured):
        return {**measured, name: np.asarray(measured[name]) * factor}

    return plant


def _stretched(measured):
    return {**measured, "bias": measured["bias"] + 0.1 * np.asarray(measured["full"])[..., None, :]}


def _one_seed_off(measured):
    curves = np.array(measured["curves"], float)
    curves[..., 0, 0, 0, 1] *= 1 + 1e-12
    return {**measured, "curves": curves}


def _no_gain(measured):
    curves = np.array(measured["curves"], float)
    curves[..., 1, :, :, :] = curves[..., 0, :, :, :] * (1 + 1e-6)
    return {**measured, "curves": curves}


def draw(result: Result) -> tuple[Plot, ...]:
    """The loss at the end over the learning rate, and over the epochs at the best rate."""
    series = result.series
    names, rate = [str(name) for name in series["method"]], np.asarray(series["rate"])
    mean, half = (
        np.asarray(series[name]).reshape(-1, *np.shape(series[name])[-2:])[0]
        for name in ("final_mean", "final_half")
    )
    curves = np.asarray(series["curves"])
    curves = curves.reshape(-1, *curves.shape[-4:])[0]
    best = np.asarray(series["best"]).reshape(-1, len(names))[0]
    epoch = np.asarray(series["epoch"])
    epoch = epoch.reshape(-1, epoch.shape[-1])[0]
    by_rate = tuple(
        Line(name, rate, m, m - h, m + h) for name, m, h in zip(names, mean, half, strict=True)
    )
    by_epoch = []
    for name, curve, index in zip(names, curves, best, strict=True):
        m, h = interval(curve[:, index], axis=0)
        by_epoch.append(Line(name, epoch, m, m - h, m + h))
    return (
        Plot(
            name="learning_rates",
            title="The learning rate matters more than the optimiser",
            alt="The loss at the end against the learning rate, a curve with a 95% band for each "
            "method: each has a valley, at rates a hundred times apart.",
            x=Axis("learning rate", "", "log"),
            y=Axis("mean loss at the end", "nats", "log"),
            lines=by_rate,
        ),
        Plot(
            name="epochs",
            title="At its best rate each batch method outruns gradient descent",
            alt="The loss against the epoch at each method's best learning rate, with 95% bands "
            "over seeds: gradient descent on all examples falls slowest.",
            x=Axis("epoch", "epochs", "linear"),
            y=Axis("mean loss", "nats", "log"),
            lines=tuple(by_epoch),
        ),
    )
