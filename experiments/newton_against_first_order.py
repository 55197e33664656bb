r"""Newton's method against methods that know slopes alone, on logistic regression.

$$ f(w) = \frac1n \sum_i \log(1 + e^{-y_i w \cdot x_i}) + \frac\lambda2 |w|^2 $$

has its curvatures between $\lambda$ and $\lambda + L$, where L is a quarter of the largest
eigenvalue of $X^\top X / n$. Newton's method squares the error at every step near the minimum;
gradient descent multiplies what is left of f by a factor at best, the nearer to one the larger the
condition number; conjugate gradients and L-BFGS lie in between.

The k-th iterate of a method is its answer with a limit of k steps: all of them are lanes of one
program.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import losses
from jaxmath.config.choices import Choice, choose
from jaxmath.formula import Source
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.optimize import gradient_descent, lbfgs, nonlinear_cg, trust_region
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O8",)
METHODS = {
    "Newton, trust region": trust_region,
    "L-BFGS": lbfgs,
    "conjugate gradients": nonlinear_cg,
    "gradient descent": gradient_descent,
}
CLOSE = 1e-8
"""A slope so small, relative to the first, ends the count of steps."""


@dataclass(frozen=True)
class Config:
    """A data set of two classes, the penalty, and how many steps are looked at."""

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "breast_cancer", standardize=True)
    )
    penalty: Annotated[float, Field(gt=0)] = 0.01
    steps: Annotated[int, Field(ge=20, le=2000)] = 300


@partial(jax.tree_util.register_dataclass, data_fields=("features", "labels"), meta_fields=())
@dataclass(frozen=True)
class Data:
    """Rows with a constant, and labels in {0, 1}."""

    features: Any
    labels: Any


def load(config: Config) -> Data:
    """Read the rows, and give each a one."""
    features, labels = load_dataset(config.data).train
    return Data(np.column_stack([features, np.ones(len(features))]), np.asarray(labels, float))


def measure(config: Config, data: Data, key) -> dict:
    """The iterates of every method: the objective and the size of the slope after each step."""
    del key
    limits = jnp.arange(config.steps + 1)

    def objective(w, args=None):
        fit = jnp.mean(losses.logistic(data.features @ w, data.labels))
        return fit + config.penalty * w @ w / 2

    start = jnp.zeros(data.features.shape[1])
    known = dict(tolerance=0.0, max_iterations=limits)

    def run(method):
        def at(limit):
            found = method(objective, start, **known | {"max_iterations": limit})
            return found.x

        x = jax.vmap(at)(limits)
        return jax.vmap(objective)(x), jnp.max(jnp.abs(jax.vmap(jax.grad(objective))(x)), axis=1), x

    runs = [run(method) for method in METHODS.values()]
    values, slopes, x = (jnp.stack(parts) for parts in zip(*runs, strict=True))
    return {"values": values, "slopes": slopes, "ends": x[:, -1], "newton": x[0, :12]}


def truth(config: Config, data: Data) -> np.ndarray:
    """The minimum by scikit-learn's Newton method, then by NumPy's until rounding."""
    from sklearn.linear_model import LogisticRegression

    X, y = np.asarray(data.features, float), np.asarray(data.labels, float)
    n, d = X.shape
    fitted = LogisticRegression(
        C=1 / (n * config.penalty), fit_intercept=False, solver="newton-cholesky", tol=1e-12
    ).fit(X, y)
    w = fitted.coef_[0]
    for _ in range(3):
        p = 1 / (1 + np.exp(-X @ w))
        slope = X.T @ (p - y) / n + config.penalty * w
        w = w - np.linalg.solve((X.T * (p * (1 - p) / n)) @ X + config.penalty * np.eye(d), slope)
    return w


def counts(slopes: np.ndarray) -> np.ndarray:
    """After how many steps the slope is small enough, and stays so; more than all if it is not."""
    small = slopes <= CLOSE * slopes[..., :1]
    stays = np.flip(np.logical_and.accumulate(np.flip(small, -1), axis=-1), -1)
    return np.where(stays.any(axis=-1), stays.argmax(axis=-1), slopes.shape[-1])


def judge(config: Config, data: Data, measured) -> Result:
    """Hold the ends against scikit-learn's, and the ways there against the theory."""
    w = truth(config, data)
    X, y = np.asarray(data.features, float), np.asarray(data.labels, float)
    logits = X @ w
    least = np.mean(np.logaddexp(0, logits) - y * logits) + config.penalty * w @ w / 2
    slopes, values = (np.asarray(measured[name], float) for name in ("slopes", "values"))
    steps = counts(slopes)
    errors = np.linalg.norm(np.asarray(measured["newton"], float) - w, axis=-1)
    near = (errors[..., :-1] < 0.5) & (errors[..., 1:] > 1e-13)
    curved = np.linalg.norm(X, axis=1).max() ** 3 / 36**0.5 / 2 / config.penalty
    rest = values - least
    claims = (
        Claim(
            name="all_find_the_same_minimum",
            statement="Every method ends at the minimum that scikit-learn finds.",
            measured=np.asarray(measured["ends"], float),
            relation="=",
            expected=np.broadcast_to(w, np.shape(measured["ends"])),
            tolerance=1e-7,
            source="scikit-learn's newton-cholesky, polished in NumPy",
            breaks_if=Fault("one weight off by a millionth", _moved),
        ),
        Claim(
            name="newton_squares_the_error",
            statement="Near the minimum the error of Newton's method after a step is at most a "
            "constant times its square: the constant of a third derivative over the penalty.",
            measured=np.max(np.where(near, errors[..., 1:] / errors[..., :-1] ** 2, 0.0), axis=-1),
            relation="<=",
            expected=curved,
            source=Source("nocedal2006numerical", "theorem 3.5"),
            breaks_if=Fault("an error that is only halved", _halved),
        ),
        Claim(
            name="newton_needs_the_fewest_steps",
            statement="To make the slope $10^8$ times smaller Newton's method takes a dozen steps "
            "at most, and L-BFGS and conjugate gradients take more than it, and less than half of "
            "those of gradient descent.",
            measured=np.stack(
                [steps[..., 0] / 12, steps[..., 0] / steps[..., 1:3].min(axis=-1)]
                + [2 * steps[..., k] / steps[..., 3] for k in (1, 2)],
                axis=-1,
            ),
            relation="<=",
            expected=1.0,
            source=Source("nocedal2006numerical", "chapters 3, 5 and 7"),
            breaks_if=Fault("the methods in another order", _reversed),
            full_only=True,
        ),
        Claim(
            name="no_method_climbs",
            statement="No step of any method raises the objective, but for rounding.",
            measured=np.max(np.diff(values, axis=-1), axis=(-1, -2)),
            relation="<=",
            expected=1e-14,
            source=Source("nocedal2006numerical", "section 3.1"),
            breaks_if=Fault("one step that climbs", _climbing),
        ),
    )
    first = (0,) * (steps.ndim - 1)
    table = Table(
        name="steps",
        title="Steps until the slope is a hundred-millionth of the first",
        columns={
            "method": list(METHODS),
            "steps": [int(s) if s <= config.steps else None for s in steps[first]],
            "above the least value": rest[first][:, -1],
        },
    )
    series = dict(steps=np.arange(config.steps + 1), rest=rest[first], slopes=slopes[first])
    return Result(claims, (table,), series)


def _moved(measured):
    ends = np.array(measured["ends"])
    ends[..., 0, 0] += 1e-6
    return {**measured, "ends": ends}


def _halved(measured):
    points = np.array(measured["newton"])
    points[..., 5:, :] = points[..., -1:, :]
    points[..., 5, 0] += 1e-6
    points[..., 6, 0] += 5e-7
    return {**measured, "newton": points}


def _reversed(measured):
    return {**measured, "slopes": np.asarray(measured["slopes"])[..., ::-1, :]}


def _climbing(measured):
    values = np.array(measured["values"])
    values[..., 0, 1] = values[..., 0, 0] + 1e-6
    return {**measured, "values": values}


def draw(result: Result) -> tuple[Plot, ...]:
    """What is left of the objective, and the slope, against the steps."""
    steps = np.asarray(result.series["steps"])
    rows = {name: np.asarray(result.series[name]) for name in ("rest", "slopes")}
    floor = np.maximum(rows["rest"], 1e-16)
    x = Axis("step", "", "log")
    return (
        Plot(
            name="left",
            title="Newton's method is there while the others set out",
            alt="What is left of the objective against the step, both logarithmic: Newton's "
            "method falls straight down, L-BFGS and conjugate gradients bend down later, "
            "gradient descent much later.",
            x=x,
            y=Axis("above the least value", "nats", "log"),
            lines=tuple(
                Line(name, steps[1:], row[1:]) for name, row in zip(METHODS, floor, strict=True)
            ),
            caption="Values below 1e-16 are drawn there: they are rounding.",
        ),
        Plot(
            name="slopes",
            title="The largest slope on the way",
            alt="The largest entry of the gradient against the step, both logarithmic, in the same "
            "order; all end at rounding.",
            x=x,
            y=Axis("largest slope", "", "log"),
            lines=tuple(
                Line(name, steps[1:], row[1:])
                for name, row in zip(METHODS, rows["slopes"], strict=True)
            ),
        ),
    )
