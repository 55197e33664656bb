r"""Logistic regression by Newton's method and by gradient descent, and why it needs a penalty.

The objective $R(w, b) = \frac1n \sum_i \ell(w^\top x_i + b, y_i) + \lambda \lVert w \rVert^2$,
with $\ell(z, y) = \log(1 + e^z) - yz$, has the gradient
$\frac1n X^\top(\sigma - y) + 2\lambda w$ and the Hessian $\frac1n X^\top R X + 2\lambda I$,
$R = \mathrm{diag}\,\sigma(1 - \sigma)$. Newton's method, here iteratively reweighted least squares,
doubles the number of correct digits at each step; gradient descent with $\eta \le 1/L$ never lets
the objective rise. A plane separates the two classes of this data set, so that without the penalty
the likelihood has no maximum: weights along the plane's normal bring it to one.
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
from jaxmath.models import linear, logistic
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("M2", "C6", "O8", "O17")
METRIC = "test_accuracy"
SCALES = np.array([1.0, 10.0, 100.0])  # lengths along the separating direction


@dataclass(frozen=True)
class Config:
    """Two classes, a penalty, and a learning rate as a share of 1 / L.

    Attributes:
        data: two classes.
        strength: the penalty's factor.
        relative_rate: the learning rate of gradient descent times the gradient's Lipschitz bound.
        steps: of gradient descent.
        records: how often they are recorded.
        newton_steps: of Newton's method, from zero.
    """

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose(
            "data", "breast_cancer", standardize=True, split=Split(test=0.2)
        )
    )
    strength: Annotated[float, Field(gt=0)] = 0.01
    relative_rate: Annotated[float, Field(gt=0)] = 1.0
    steps: Annotated[int, Field(ge=100)] = 10_000
    records: Annotated[int, Field(ge=10)] = 100
    newton_steps: Annotated[int, Field(ge=6)] = 9


class Data(NamedTuple):
    """Rows to train and to test on, and what is known of them before any training."""

    features: np.ndarray
    targets: np.ndarray
    test_features: np.ndarray
    test_targets: np.ndarray
    top_eigenvalue: np.ndarray  # of X^T X / n, the column of ones included
    plane: np.ndarray  # weights and bias with every margin at least one; NaN where there is none


def load(config: Config) -> Data:
    """Read the rows, and look for a plane between the classes by linear programming."""
    found = load_dataset(config.data)
    rows, test = found.train, found.test or found.train
    if found.kind != "binary":
        raise ValueError(f"Logistic regression needs two classes, got {found.class_names}.")
    design = np.column_stack([rows.features, np.ones(len(rows.targets))])
    return Data(
        rows.features,
        rows.targets.astype(float),
        test.features,
        test.targets.astype(float),
        np.linalg.eigvalsh(design.T @ design / len(design))[-1],
        separating_plane(design, rows.targets),
    )


def separating_plane(design: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights with y (w . x) >= 1 for every row, labels -1 and 1; NaN where there are none."""
    from scipy.optimize import linprog

    signed = (2 * targets - 1)[:, None] * design
    found = linprog(
        np.zeros(design.shape[1]), A_ub=-signed, b_ub=-np.ones(len(design)), bounds=(None, None)
    )
    if found.status != 0:
        return np.full(design.shape[1], np.nan)
    return found.x / np.min(signed @ found.x)


def split(theta) -> linear.Params:
    """The vector of weights and intercept as the model's parameters."""
    return linear.Params(theta[:-1], theta[-1])


def gradient(theta, data: Data, strength):
    """The gradient by hand: that of the likelihood, plus that of the penalty of the weights."""
    slope = ravel_pytree(logistic.gradient(split(theta), data.features, data.targets))[0]
    return slope + 2 * strength * theta.at[-1].set(0)


def hessian(theta, data: Data, strength):
    """The Hessian by hand; the penalty adds to its diagonal, the intercept's entry excepted."""
    penalty = jnp.ones_like(theta).at[-1].set(0)
    likelihood = logistic.hessian(split(theta), data.features, data.targets)
    return likelihood + 2 * strength * jnp.diag(penalty)


def measure(config: Config, data: Data, key) -> dict:
    """Newton's iterates, gradient descent's, and the derivatives at a point of no symmetry."""
    strength = jnp.asarray(config.strength, data.features.dtype)
    objective = train.empirical_risk(logistic.apply, losses.logistic, losses.l2, strength=strength)
    batch = (data.features, data.targets)

    def value(theta):
        return objective(split(theta), batch)

    zero = jnp.zeros_like(data.plane)

    def newton_step(theta, _):
        slope = gradient(theta, data, strength)
        theta = theta - jnp.linalg.solve(hessian(theta, data, strength), slope)
        return theta, theta

    _, newton = jax.lax.scan(newton_step, zero, length=config.newton_steps)

    lipschitz = data.top_eigenvalue / 4 + 2 * strength
    rate = config.relative_rate / lipschitz
    every = config.steps // config.records

    def record(state, _):
        before = ravel_pytree(state.params)[0]
        slope = gradient(before, data, strength)
        after = before - rate * slope
        lemma = value(before) - value(after), jnp.sum(slope**2)
        state = train.advance(state, batch, every)
        theta = ravel_pytree(state.params)[0]
        return state, (theta, value(theta), *lemma)

    state = train.start(objective, split(zero), train.sgd, {"learning_rate": rate}, key)
    _, (path, values, decrease, square) = jax.lax.scan(record, state, length=config.records)

    point = jax.random.normal(train.fold_in_name(key, "point"), zero.shape, zero.dtype)
    final = split(newton[-1])
    plane = jnp.outer(jnp.asarray(SCALES, zero.dtype), jnp.asarray(data.plane))
    guesses = linear.predict(final, data.test_features) > 0
    return dict(
        gradient=gradient(point, data, strength),
        gradient_jax=jax.grad(value)(point),
        hessian=hessian(point, data, strength),
        hessian_jax=jax.hessian(value)(point),
        newton=jnp.concatenate([zero[None], newton]),
        newton_value=value(newton[-1]),
        theta=path[-1],
        step=every * jnp.arange(config.records + 1),
        value=jnp.concatenate([value(zero)[None], values]),
        decrease=decrease,
        slope_square=square,
        rate=rate,
        lipschitz=lipschitz,
        strength=strength,
        separated=jax.vmap(
            lambda theta: logistic.mean_loss(split(theta), data.features, data.targets)
        )(plane),
        guesses=guesses,
        test_accuracy=jnp.mean(guesses == data.test_targets, dtype=zero.dtype),
    )


def by_scikit_learn(data: Data, strength: float):
    """The same optimum by another program: scikit-learn's, to the last digits that it gives."""
    from sklearn.linear_model import LogisticRegression

    n = len(data.targets)
    model = LogisticRegression(
        C=1 / (2 * n * strength), solver="newton-cholesky", tol=1e-14, max_iter=1000
    ).fit(np.asarray(data.features, float), data.targets)
    return np.append(model.coef_[0], model.intercept_), model.predict(data.test_features)


def judge(config: Config, data: Data, measured) -> Result:
    """Hold both methods against scikit-learn, and each against its theory."""
    strength = np.asarray(measured["strength"])
    fits = [by_scikit_learn(data, float(value)) for value in np.ravel(strength)]
    optimum = np.reshape([fit[0] for fit in fits], (*strength.shape, -1))
    guesses = np.reshape([fit[1] for fit in fits], (*strength.shape, -1)) > 0.5
    size = np.linalg.norm(optimum, axis=-1, keepdims=True)
    newton = np.asarray(measured["newton"])
    # Newton's own last iterate is exact to rounding, and the errors before it are measured from it.
    errors = np.linalg.norm(newton[..., :-1, :] - newton[..., -1:, :], axis=-1)
    near = (errors < 0.3 * size) & (errors > 1e-13 * size)
    squares = errors[..., 1:] / errors[..., :-1] ** 2
    both = near[..., 1:] & near[..., :-1]
    slope = np.linalg.norm(measured["gradient_jax"], axis=-1, keepdims=True)
    curvature = np.max(np.abs(measured["hessian_jax"]), axis=(-1, -2), keepdims=True)
    value, rate = np.asarray(measured["value"]), np.asarray(measured["rate"])[..., None]
    best = np.asarray(measured["newton_value"])[..., None]
    lipschitz = np.asarray(measured["lipschitz"])[..., None]
    step = np.asarray(measured["step"])
    bound = size**2 / (2 * rate * np.maximum(step, 1))
    eps = float(np.finfo(newton.dtype).eps)
    tight = 1e4 * eps  # 2e-12 in float64

    claims = (
        Claim(
            name="gradient_equals_autodiff",
            statement=r"The gradient by hand, $\frac1n X^\top(\sigma - y) + 2\lambda w$, equals "
            "the gradient computed by JAX.",
            measured=measured["gradient"] / slope,
            relation="=",
            expected=measured["gradient_jax"] / slope,
            tolerance=tight,
            source=Source("bishop2006prml", "eq. 4.91"),
            breaks_if=Fault("one entry off by a millionth", _scaled("gradient", 0, 1 + 1e-6)),
        ),
        Claim(
            name="hessian_equals_autodiff",
            statement=r"The Hessian by hand, $\frac1n X^\top R X + 2\lambda I$, equals the "
            "Hessian computed by JAX.",
            measured=measured["hessian"] / curvature,
            relation="=",
            expected=measured["hessian_jax"] / curvature,
            tolerance=tight,
            source=Source("bishop2006prml", "eq. 4.97"),
            breaks_if=Fault("one column off by a millionth", _scaled("hessian", 0, 1 + 1e-6)),
        ),
        Claim(
            name="newton_reaches_the_optimum",
            statement=r"Newton's method reaches the optimum that scikit-learn finds.",
            measured=newton[..., -1, :] / size,
            relation="=",
            expected=optimum / size,
            tolerance=max(1e-9, tight),
            source="sklearn.linear_model.LogisticRegression",
            breaks_if=Fault("a weight off by a thousandth", _scaled("newton", -1, 1 + 1e-3)),
        ),
        Claim(
            name="newton_doubles_the_digits",
            statement="Near the optimum each error of Newton's method is at most the square of "
            "the one before, up to a constant of the order of the weights' inverse.",
            measured=np.where(both, squares * size, 0.0).max(axis=-1),
            relation="<=",
            expected=10.0,
            source=Source("boyd2004convex", "section 9.5.3"),
            breaks_if=Fault("an error added to the second last iterate", _blurred("newton")),
        ),
        Claim(
            name="descent_reaches_the_optimum",
            statement="Gradient descent reaches the same optimum.",
            measured=np.asarray(measured["theta"]) / size,
            relation="=",
            expected=optimum / size,
            tolerance=max(1e-7, tight),
            source="sklearn.linear_model.LogisticRegression",
            breaks_if=Fault("a weight off by a thousandth", _scaled("theta", -1, 1 + 1e-3)),
            full_only=True,
        ),
        Claim(
            name="each_step_descends_enough",
            statement=r"A step of rate $\eta$ lowers the objective by at least "
            r"$\eta(1 - \eta L/2)\lVert\nabla R\rVert^2$, $L = \frac14\lambda_{\max}(X^\top X/n) "
            r"+ 2\lambda$.",
            measured=np.asarray(measured["decrease"]),
            relation=">=",
            expected=rate * (1 - rate * lipschitz / 2) * np.asarray(measured["slope_square"]),
            tolerance=8 * eps,
            source=Source("nesterov2004lectures", "section 1.2.3"),
            breaks_if=Fault("one decrease halved", _scaled("decrease", 0, 0.5)),
        ),
        Claim(
            name="within_the_bound_of_convex_descent",
            statement=r"With $\eta \le 1/L$, after $k$ steps "
            r"$R(\theta_k) - R^* \le \lVert\theta_0 - \theta^*\rVert^2 / (2\eta k)$.",
            measured=(value - best)[..., 1:],
            relation="<=",
            expected=np.where(rate * lipschitz <= 1 + 4 * eps, bound, np.inf)[..., 1:],
            tolerance=8 * eps,
            source=Source("nesterov2004lectures", "section 2.1.5"),
            breaks_if=Fault("a value off by the bound", _lifted("value", 1.0)),
        ),
        Claim(
            name="without_a_penalty_no_maximum",
            statement=r"A plane separates the classes: along its normal, at $t$ times margin one, "
            r"the mean loss is at most $\log(1 + e^{-t})$, so it has no minimum.",
            measured=np.asarray(measured["separated"]),
            relation="<=",
            expected=np.log1p(np.exp(-SCALES)),
            tolerance=1e-6,
            relative=True,
            source="scipy.optimize.linprog",
            breaks_if=Fault("one row on the wrong side", _lifted("separated", 1e-3)),
        ),
        Claim(
            name="predicts_as_scikit_learn",
            statement="Every held-out row is classified as scikit-learn classifies it.",
            measured=np.asarray(measured["guesses"]) == guesses,
            relation="true",
            expected=None,
            source="sklearn.linear_model.LogisticRegression",
            breaks_if=Fault("one row classified otherwise", _flipped("guesses")),
        ),
        Claim(
            name="accuracy_on_held_out_rows",
            statement="At least 95 of 100 held-out rows are classified correctly.",
            measured=np.asarray(measured["test_accuracy"]),
            relation=">=",
            expected=0.95,
            source="sklearn.linear_model.LogisticRegression",
            breaks_if=Fault("one in ten wrong", _scaled("test_accuracy", ..., 0.9)),
        ),
    )
    first = (0,) * strength.ndim
    steps = np.arange(errors.shape[-1])
    table = Table(
        name="newton",
        title="Newton's method: the error at each step",
        columns={
            "step": steps,
            "error (relative)": errors[first] / size[first],
            "correct digits": np.maximum(
                -np.log10(np.maximum(errors[first] / size[first], eps)), 0.0
            ),
        },
    )
    series = dict(
        newton_step=steps,
        newton_error=errors / size,
        step=step.reshape(-1, step.shape[-1])[0],
        gap=value - best,
        bound=bound,
    )
    return Result(claims, (table,), series)


def _scaled(name: str, index, factor: float):
    """Scale one entry of the last axis."""

    def plant(measured):
        values = np.array(measured[name], float)
        at = ... if index is ... else (..., index)
        values[at] *= factor
        return {**measured, name: values}

    return plant


def _blurred(name: str):
    """Move an iterate near the end, so that its error is no longer a square."""

    def plant(measured):
        values = np.array(measured[name], float)
        values[..., -3, 0] += 1e-3
        return {**measured, name: values}

    return plant


def _lifted(name: str, amount: float):
    """Raise the last entry of the last axis."""

    def plant(measured):
        values = np.array(measured[name], float)
        values[..., -1] += amount
        return {**measured, name: values}

    return plant


def _flipped(name: str):
    def plant(measured):
        values = np.array(measured[name])
        values[..., 0] = ~values[..., 0]
        return {**measured, name: values}

    return plant


def draw(result: Result) -> tuple[Plot, ...]:
    """The objective's distance from its minimum under gradient descent, and Newton's errors."""
    series = result.series
    step = np.asarray(series["step"])

    def one(name):
        values = np.asarray(series[name])
        return values.reshape(-1, values.shape[-1])[0]

    gap, errors = one("gap"), one("newton_error")
    return (
        Plot(
            name="descent",
            title="Gradient descent stays below the bound of convex descent",
            alt="The objective minus its minimum over the steps of gradient descent, on "
            "logarithmic scales: below the bound at every step, and steeper at the end.",
            x=Axis("step", "steps", "log"),
            y=Axis("objective above its minimum", "nats", "log"),
            lines=(
                Line("gradient descent", step[1:], np.where(gap[1:] > 1e-15, gap[1:], np.nan)),
                Line("bound", step[1:], one("bound")[1:], style="dashed"),
            ),
        ),
        Plot(
            name="newton",
            title="Newton's method doubles the number of correct digits at each step",
            alt="The error of Newton's method over its steps on a logarithmic scale: it bends "
            "downwards ever more steeply.",
            x=Axis("step", "steps", "linear"),
            y=Axis("error", "share of the optimum's length", "log"),
            lines=(
                Line(
                    "Newton's method",
                    np.asarray(series["newton_step"]),
                    np.where(errors > 1e-17, errors, np.nan),
                ),
            ),
        ),
    )
