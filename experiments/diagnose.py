r"""Four faults planted in the training of a small network, each named by what is measured of it.

Five trainings of a perceptron with rectifiers run side by side: a healthy one, and one each with a
step too large, with biases that silence the hidden units, with one feature in other units, and with
a slope that has the wrong sign in one logit. At each record the largest curvature $\lambda_{\max}$
is found by Lanczos' process, without a Hessian, beside the noise scale
$\operatorname{tr}(\Sigma) / \lVert g \rVert^2$ of the gradient, the length of a step over that of
the parameters, and the share of units that no example wakes. From these numbers alone, which do not
say what was planted, each run gets a diagnosis. On a quadratic the theory is exact, and is tried
there: gradient descent multiplies the error by $1 - \eta\lambda$ at each step.
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
from jaxmath.lab import train_diagnosis
from jaxmath.lab.datasets import Split
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.models import linear, mlp
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table
from jaxmath.train import Diagnosis

TOPICS = ("C11",)
METRIC = "healthy_loss"

EXPECTED = {
    "healthy": Diagnosis.HEALTHY,
    "step too large": Diagnosis.STEP_TOO_LARGE,
    "dead units": Diagnosis.DEAD_UNITS,
    "unscaled feature": Diagnosis.UNSCALED_FEATURE,
    "wrong gradient": Diagnosis.WRONG_GRADIENT,
}
"""What is planted, and how it is to be named."""

SHARES = (0.9, 0.99, 1.01, 1.1)
"""Of the stability limit: the steps tried on a quadratic."""
QUADRATIC_STEPS = 50


@dataclass(frozen=True)
class Config:
    """A data set of classes, a perceptron, and how large each fault is.

    Attributes:
        data: examples of several classes; what is looked at are the first 512.
        hidden: the width of the hidden layer.
        learning_rate: of gradient descent on mini-batches.
        batch_size: examples a step.
        steps: how many.
        records: how often everything is measured.
        seeds: starts and orders of the data, for each fault.
        step_factor: by which the learning rate is too large.
        bias: of every hidden unit, where they are to be dead.
        feature_factor: by which the first feature is out of scale.
        draws: batches by which the noise scale is checked.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "wine", standardize=True, split=Split(test=0.2))
    )
    hidden: Annotated[int, Field(ge=2)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 0.1
    batch_size: Annotated[int, Field(ge=1)] = 32
    steps: Annotated[int, Field(ge=10)] = 300
    records: Annotated[int, Field(ge=2)] = 20
    seeds: Annotated[int, Field(ge=1)] = 4
    step_factor: Annotated[float, Field(ge=1)] = 100.0
    bias: Annotated[float, Field(le=0)] = -20.0
    feature_factor: Annotated[float, Field(ge=1)] = 1000.0
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


@jax.custom_jvp
def cross_entropy(logits, label, wrong):
    """Softmax cross-entropy, with a slope whose first entry's sign is wrong where `wrong` is 1."""
    del wrong
    return losses.softmax_cross_entropy(logits, label)


@cross_entropy.defjvp
def _(primals, tangents):
    logits, label, wrong = primals
    slope = losses.softmax_cross_entropy_dlogits(logits, label)
    sign = jnp.ones_like(slope).at[0].add(-2 * wrong)
    return cross_entropy(*primals), jnp.sum(sign * slope * tangents[0])


class Lane(NamedTuple):
    """The numbers by which the trainings differ."""

    rate: Any
    bias: Any
    scale: Any
    wrong: Any


def lanes(config: Config) -> Lane:
    """One training a row, in the order of `EXPECTED`."""
    rate = config.learning_rate
    return Lane(
        rate=jnp.stack([jnp.asarray(rate * f) for f in (1, config.step_factor, 1, 1, 1)]),
        bias=jnp.stack([jnp.asarray(b * 1.0) for b in (0, 0, config.bias, 0, 0)]),
        scale=jnp.stack([jnp.asarray(s * 1.0) for s in (1, 1, 1, config.feature_factor, 1)]),
        wrong=jnp.array([0.0, 0.0, 0.0, 0.0, 1.0]),
    )


def measure(config: Config, data: Data, key) -> dict:
    """All trainings with their readings, and both checks of the theory."""
    keys = jax.random.split(train.fold_in_name(key, "seeds"), config.seeds)
    found = jax.vmap(lambda lane: jax.vmap(lambda key: trained(config, data, lane, key))(keys))(
        lanes(config)
    )
    return dict(
        found,
        **quadratic(data),
        **scatter(config, data, train.fold_in_name(key, "batches")),
        healthy_loss=jnp.mean(found["train_loss_curve"][0, :, -1]),
    )


def start(config: Config, data: Data, bias, key) -> mlp.Params:
    """The parameters at first, in the dtype of the data."""
    params = mlp.init(
        train.fold_in_name(key, "init"),
        data.features.shape[1],
        len(data.classes),
        hidden=(config.hidden,),
        activation="relu",
    )
    first, last = params.layers
    layers = (mlp.Layer(first.weights, first.bias + bias), last)
    params = mlp.Params(layers, params.activation)
    return jax.tree.map(lambda leaf: leaf.astype(data.features.dtype), params)


def trained(config: Config, data: Data, lane: Lane, key) -> dict:
    """One training: what is read at the start, and at each record."""
    objective = train.empirical_risk(mlp.apply, cross_entropy, loss_args={"wrong": lane.wrong})
    features = jnp.asarray(data.features)
    batch = features.at[:, 0].multiply(lane.scale.astype(features.dtype)), jnp.asarray(data.targets)
    state = train.start(
        objective,
        start(config, data, lane.bias, key),
        train.sgd,
        {"learning_rate": lane.rate},
        key,
        batch_size=config.batch_size,
    )
    every = -(-config.steps // min(config.records, config.steps))

    def read(state):
        readings = train_diagnosis.at_record(state, batch)
        return dict(readings, train_loss=objective(state.params, batch))

    def round_of_steps(state, number):
        # The first round has no steps, so that what is read is written once.
        state = jax.lax.cond(
            number > 0, lambda state: train.advance(state, batch, every), lambda state: state, state
        )
        return state, read(state)

    number = jnp.arange(-(-config.steps // every) + 1)
    asked = train_diagnosis.at_start(objective, state.params, batch)
    state, curves = jax.lax.scan(round_of_steps, state, number)
    return dict(
        {f"{name}_curve": curve for name, curve in curves.items()},
        **asked,
        status=state.status,
        step=number * every,
        rate=lane.rate,
    )


def quadratic(data: Data) -> dict:
    """Least squares by gradient descent, close to the limit on both sides of it."""
    features = jnp.asarray(data.features)
    batch = features, jnp.asarray(data.targets).astype(features.dtype)
    risk = train.empirical_risk(linear.apply, losses.squared_error)
    zero = linear.Params(jnp.zeros_like(features[0]), jnp.zeros_like(features[0, 0]))
    size = ravel_pytree(zero)[0].size
    found = train.sharpness(risk, zero, batch, jax.random.key(0), iterations=size).largest

    def descend(share):
        hyper = {"learning_rate": share * 2 / found.value}
        state = train.start(risk, zero, train.sgd, hyper, jax.random.key(0))
        return ravel_pytree(train.advance(state, batch, QUADRATIC_STEPS).params)[0]

    ends = jax.vmap(descend)(jnp.asarray(SHARES, features.dtype))
    return dict(quadratic_sharpness=found.value, quadratic_ends=ends)


def scatter(config: Config, data: Data, key) -> dict:
    """tr(Sigma) at a start, and how far the mean gradients of random batches are from the mean."""
    batch = jnp.asarray(data.features), jnp.asarray(data.targets)
    objective = train.empirical_risk(mlp.apply, losses.softmax_cross_entropy)
    params = start(config, data, 0.0, key)
    full = ravel_pytree(jax.grad(objective)(params, batch))[0]

    def squared(key):
        rows = jax.random.randint(key, (config.batch_size,), 0, len(batch[1]))
        drawn = jax.tree.map(lambda leaf: leaf[rows], batch)
        return jnp.sum((ravel_pytree(jax.grad(objective)(params, drawn))[0] - full) ** 2)

    squares = jax.lax.map(squared, jax.random.split(key, config.draws), batch_size=16)
    return dict(trace=train.gradient_noise(objective, params, batch).trace, squares=squares)


def design(data: Data) -> np.ndarray:
    """The rows with a last column of ones."""
    return np.column_stack([np.asarray(data.features, float), np.ones(len(data.targets))])


def named(measured) -> np.ndarray:
    """The diagnosis of each training, (..., fault, seed), from its readings alone."""
    failed = np.asarray(measured["status"]) >= train.Status.NOT_FINITE_LOSS
    return train_diagnosis.diagnoses(measured, failed)


def judge(config: Config, data: Data, measured) -> Result:
    """Hold each diagnosis against what was planted, and the measures against closed forms."""
    codes = named(measured)
    claims = [
        _named(kind, expected, codes[..., number, :], number)
        for number, (kind, expected) in enumerate(EXPECTED.items())
    ]
    claims += [*_on_a_quadratic(data, measured), _scatter(config, data, measured)]
    claims.append(_every_fault_costs(measured))
    return Result(tuple(claims), (_table(measured, codes),), _series(measured))


REMOVED = {
    "healthy": ("the gradient of the healthy run wrong", "slope_gap", 1.0),
    "step too large": ("the curvature not measured", "stability_curve", 0.0),
    "dead units": ("no unit counted as dead", "dead_units_curve", 0.0),
    "unscaled feature": ("the features not looked at", "feature_spread", 1.0),
    "wrong gradient": ("the gradient compared with itself", "slope_gap", 0.0),
}


def _named(kind: str, expected: Diagnosis, codes, number: int) -> Claim:
    words, name, value = REMOVED[kind]
    depth = 2 if name.endswith("_curve") else 1

    def plant(measured):
        changed = np.array(measured[name])
        changed[(..., number, *(slice(None),) * depth)] = value
        return {**measured, name: changed}

    subject = "Healthy runs are" if kind == "healthy" else f"Every run planted with “{kind}” is"
    return Claim(
        name=f"{kind.replace(' ', '_')}_is_named",
        statement=f"{subject} named so from the readings alone, for every seed.",
        measured=codes == expected,
        relation="true",
        expected=True,
        source={
            "healthy": "nothing was planted",
            "step too large": Source("cohen2021edge", "section 2"),
            "dead units": Source("lu2020dying", "section 1"),
            "unscaled feature": Source("lecun2012efficient", "section 4.3"),
            "wrong gradient": "central differences of the loss",
        }[kind],
        breaks_if=Fault(words, plant),
    )


def _on_a_quadratic(data: Data, measured) -> tuple[Claim, Claim]:
    eigenvalues, eigenvectors = np.linalg.eigh(
        2 * design(data).T @ design(data) / len(data.targets)
    )
    solution = np.linalg.lstsq(design(data), np.asarray(data.targets, float), rcond=None)[0]
    ends = np.asarray(measured["quadratic_ends"], float)
    left = np.abs((ends - solution) @ eigenvectors[:, -1] / (solution @ eigenvectors[:, -1]))
    eps = float(np.finfo(np.asarray(measured["quadratic_ends"]).dtype).eps)
    most = float(eigenvalues[-1])

    def scaled(name, factor):
        return lambda arrays: {**arrays, name: np.asarray(arrays[name]) * factor}

    return (
        Claim(
            name="sharpness_is_the_largest_eigenvalue",
            statement=r"The sharpness of least squares, by products alone, is the largest "
            r"eigenvalue of $\frac2n X^\top X$.",
            measured=np.asarray(measured["quadratic_sharpness"]),
            relation="=",
            expected=most,
            tolerance=100 * eps,
            relative=True,
            source=Source("golub2013matrix", "section 10.1, numpy.linalg.eigh"),
            breaks_if=Fault(
                "a sharpness off by a thousandth", scaled("quadratic_sharpness", 1.001)
            ),
        ),
        Claim(
            name="the_limit_decides",
            statement=r"At 0.9, 0.99, 1.01 and 1.1 times $2 / \lambda_{\max}$ the error of "
            r"gradient descent along the sharpest direction is $|1 - \eta\lambda_{\max}|^{50}$ of "
            "what it was: it grows where rate times sharpness is beyond 2, and nowhere else.",
            measured=np.log(left) / QUADRATIC_STEPS,
            relation="=",
            expected=np.log(np.abs(1 - 2 * np.array(SHARES))),
            tolerance=1e6 * eps,
            source=Source("nesterov2004lectures", "section 1.2.3"),
            breaks_if=Fault("ends a tenth further off", scaled("quadratic_ends", 1.1)),
        ),
    )


def _scatter(config: Config, data: Data, measured) -> Claim:
    squares, n = np.asarray(measured["squares"], float), len(data.targets)
    # The n examples are all there are: their own variance divides by n, the estimate by n - 1.
    expected = np.asarray(measured["trace"], float) * (n - 1) / n / config.batch_size
    error = squares.std(axis=-1, ddof=1) / np.sqrt(squares.shape[-1])

    def plant(arrays):
        return {**arrays, "trace": 1.3 * np.asarray(arrays["trace"])}

    return Claim(
        name="noise_scale_predicts_the_scatter",
        statement=f"Mean gradients of {config.batch_size} examples, drawn with replacement, "
        r"scatter about the full gradient by $\operatorname{tr}(\Sigma) / B$, to four standard "
        "errors.",
        measured=np.abs(squares.mean(axis=-1) - expected) / error,
        relation="<=",
        expected=4.0,
        source=Source("mccandlish2018empirical", "equation 2.2"),
        breaks_if=Fault("a trace three tenths too large", plant),
    )


def _every_fault_costs(measured) -> Claim:
    ends = np.asarray(measured["train_loss_curve"], float)[..., -1]
    faulty = np.where(np.isfinite(ends), ends, np.inf)[..., 1:, :]

    def plant(arrays):
        curve = np.array(arrays["train_loss_curve"])
        curve[..., 2, :, -1] = curve[..., 0, :, -1]
        return {**arrays, "train_loss_curve": curve}

    return Claim(
        name="every_fault_costs",
        statement="With each planted fault the healthy run of the same seed ends with half the "
        "loss at most.",
        measured=ends[..., :1, :] / faulty,
        relation="<=",
        expected=0.5,
        source="the healthy run",
        breaks_if=Fault("a run with dead units as good as the healthy one", plant),
        full_only=True,
    )


def _table(measured, codes) -> Table:
    """A row a planted fault: the first seed's readings, and the diagnosis of all."""

    def one(name):
        return np.asarray(measured[name]).reshape(-1, *np.shape(measured[name])[-2:])[0]

    def curve(name):
        return np.asarray(measured[name]).reshape(-1, *np.shape(measured[name])[-3:])[0, :, 0]

    own = codes.reshape(-1, *codes.shape[-2:])[0]
    said = [", ".join(train.NAMES[Diagnosis(code)] for code in np.unique(row)) for row in own]
    return Table(
        name="diagnoses",
        title="What was planted, measured and named, and what to do",
        columns={
            "planted": list(EXPECTED),
            "slope gap": one("slope_gap")[:, 0],
            "feature spread": one("feature_spread")[:, 0],
            "dead units at the start": curve("dead_units_curve")[:, 0],
            "largest rate × sharpness / 2": train_diagnosis.largest(measured).reshape(
                -1, *codes.shape[-2:]
            )[0, :, 0],
            "noise scale at the start": curve("noise_scale_curve")[:, 0],
            "loss at the end (nats)": curve("train_loss_curve")[:, -1],
            "diagnosis": said,
            "what to do": [train.REMEDIES[Diagnosis(row[0])] for row in own],
        },
    )


def _series(measured) -> dict[str, Any]:
    names = ("sharpness", "stability", "update_ratio", "dead_units", "train_loss", "noise_scale")
    found = {f"{name}_curve": np.asarray(measured[f"{name}_curve"]) for name in names}
    return dict(found, step=np.asarray(measured["step"]), rate=np.asarray(measured["rate"]))


def draw(result: Result) -> tuple[Plot, ...]:
    """The curvature against its limit, and what tells the faults apart over the steps."""
    series = result.series
    step = np.asarray(series["step"])
    step = step.reshape(-1, step.shape[-1])[0]
    rate = np.asarray(series["rate"])
    rate = rate.reshape(-1, *rate.shape[-2:])[0, :, 0]

    def curves(name):
        """Of each fault, the first seed's."""
        values = np.asarray(series[f"{name}_curve"])
        return values.reshape(-1, *values.shape[-3:])[0, :, 0]

    def each(name, title, alt, label, scale, caption):
        lines = (
            Line(kind, step, values) for kind, values in zip(EXPECTED, curves(name), strict=True)
        )
        return Plot(
            name=name,
            title=title,
            alt=alt,
            x=Axis("step", "steps", "linear"),
            y=Axis(label, "", scale),
            lines=tuple(lines),
            caption=caption,
        )

    against = []
    for number, kind in enumerate(("healthy", "step too large")):
        limit = np.full(len(step), 2 / rate[number])
        curve = curves("sharpness")[number]
        against += [
            Line(f"sharpness, {kind}", step, np.where(curve > 0, curve, np.nan), hue=number),
            Line(f"2 / rate, {kind}", step, limit, style="dashed", hue=number),
        ]
    return (
        Plot(
            name="sharpness",
            title="A healthy step stays below its limit; one too large begins beyond it",
            alt="The largest curvature over the steps of two runs, and for each the limit, two "
            "over its learning rate: the healthy curve lies below its limit, the other far above.",
            x=Axis("step", "steps", "linear"),
            y=Axis("largest eigenvalue of the Hessian", "", "log"),
            lines=tuple(against),
            caption=r"Gradient descent is stable where $\lambda_{\max} < 2 / \eta$. Where a curve "
            "breaks off, the loss has no curvature left, or is no longer finite.",
        ),
        each(
            "update_ratio",
            "How long a step is beside the parameters that it changes",
            "The length of the full gradient's step over that of the parameters, over the steps, a "
            "curve for each planted fault.",
            "update over parameters",
            "log",
            "A step of a thousandth of the parameters is usual; one as long as they are forgets "
            "them.",
        ),
        each(
            "dead_units",
            "Units that no example wakes",
            "The share of dead hidden units over the steps, a curve for each planted fault.",
            "share of dead units",
            "linear",
            "Dead from the start is a fault of the start; units that die later were killed by a "
            "step.",
        ),
    )
