r"""Linear regression by gradient descent, and how fast it must converge.

The loss $L(\theta) = \frac1n \lVert y - X\theta \rVert^2$ is a quadratic with Hessian
$H = \frac2n X^\top X$ (the last column of $X$ is the intercept's). The error of gradient descent
obeys $e_k = (I - \eta H)^k e_0$, so its component along the $i$-th eigenvector shrinks by
$1 - \eta\lambda_i$ at every step: the smallest eigenvalue sets the pace, the largest sets the limit
$\eta < 2/\lambda_{\max}$ beyond which nothing converges.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.config.choices import Choice, choose
from jaxmath.formula import Source
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.models import linear
from jaxmath.models.linear import Params
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("M1", "L11", "O1", "C7")
METRIC = "distance"
MARGIN = 1e-3  # how far below and above the stability limit convergence is tried


@dataclass(frozen=True)
class Config:
    """A data set, and the learning rate as a share of the stability limit."""

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "diabetes", standardize=True)
    )
    relative_rate: Annotated[float, Field(gt=0)] = 0.5
    steps: Annotated[int, Field(ge=100)] = 15_000
    records: Annotated[int, Field(ge=10)] = 150


class Data(NamedTuple):
    """Rows, targets, and what a textbook says of them (NumPy, outside the descent)."""

    features: np.ndarray
    targets: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    solution: np.ndarray


def load(config: Config) -> Data:
    """Read the rows and solve the normal equations by NumPy's least squares."""
    train = load_dataset(config.data).train
    design = np.column_stack([train.features, np.ones(len(train.targets))])
    eigenvalues, eigenvectors = np.linalg.eigh(2 * design.T @ design / len(design))
    solution = np.linalg.lstsq(design, train.targets, rcond=None)[0]
    return Data(train.features, train.targets, eigenvalues, eigenvectors, solution)


def measure(config: Config, data: Data, key) -> dict:
    """Descend from zero; then from beside the solution, just below and above the limit."""
    del key
    limit = 2 / data.eigenvalues[-1]

    def descend(theta, rate, steps):
        def step(_, theta):
            return theta - rate * flat(linear.gradient(split(theta), data.features, data.targets))

        return jax.lax.fori_loop(0, steps, step, theta)

    rate = config.relative_rate * limit
    # Recorded ever more rarely, so that the fast components are seen before they are gone.
    step = np.unique(np.geomspace(1, config.steps, config.records).round().astype(int))
    step = np.concatenate([[0], step])

    def record(theta, taken):
        theta = descend(theta, rate, taken)
        return theta, theta

    start = jnp.zeros_like(data.solution)
    _, path = jax.lax.scan(record, start, jnp.diff(step))
    path = jnp.concatenate([start[None], path])
    component = (path - data.solution[None]) @ data.eigenvectors

    def loss(theta):
        return linear.mean_loss(split(theta), data.features, data.targets)

    top = data.eigenvectors[:, -1]
    beside = data.solution + top
    margins = jnp.asarray([1 - MARGIN, 1 + MARGIN])
    ends = jax.vmap(lambda share: descend(beside, share * limit, config.steps // 5))(margins)
    return dict(
        gradient=flat(linear.gradient(split(start), data.features, data.targets)),
        gradient_jax=jax.grad(loss)(start),
        step=jnp.asarray(step),
        rate=rate,
        component=component,
        distance=jnp.linalg.norm(path[-1] - data.solution),
        loss=jax.vmap(loss)(path),
        theta=path[-1],
        edge=(ends - data.solution[None]) @ top,
    )


def split(theta) -> Params:
    """The vector of weights and intercept as the model's parameters."""
    return Params(theta[:-1], theta[-1])


def flat(params: Params):
    """The model's parameters as one vector, the intercept last."""
    return jnp.append(params.weights, params.bias)


def judge(config: Config, data: Data, measured) -> Result:
    """Hold each eigencomponent against (1 - eta lambda)^k."""
    eigenvalues = np.asarray(data.eigenvalues, float)
    component, step = np.asarray(measured["component"]), np.asarray(measured["step"])
    rate = np.asarray(measured["rate"])
    factor = 1 - rate[..., None] * eigenvalues
    start = component[..., :1, :]
    predicted = factor[..., None, :] ** step[..., None] * start
    size = np.linalg.norm(start, axis=-1, keepdims=True)
    gradient_size = np.linalg.norm(measured["gradient_jax"], axis=-1, keepdims=True)

    # The pace is read off the slowest component, where it has left the start behind and not yet
    # reached the floor of rounding.
    slowest = np.abs(component[..., int(np.argmin(eigenvalues))])
    shrunk = slowest / slowest[..., :1]
    inside = (shrunk < 0.5) & (shrunk > 1e-6)
    late = np.argmax(np.where(inside, step, -1), axis=-1)[..., None]
    steps_taken = np.take_along_axis(step, late, -1)[..., 0]
    reached = np.take_along_axis(shrunk, late, -1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = 1 - reached ** (1 / steps_taken)
    edge_steps = config.steps // 5
    edge = np.abs(np.asarray(measured["edge"]))

    claims = (
        Claim(
            name="gradient_equals_autodiff",
            statement=r"The closed form $\nabla L = \frac2n X^\top (X\theta - y)$ equals the "
            "gradient computed by JAX.",
            measured=measured["gradient"] / gradient_size,
            relation="=",
            expected=measured["gradient_jax"] / gradient_size,
            tolerance=1e-14,
            source=Source("hastie2009esl", "eq. 3.4"),
            breaks_if=Fault(
                "one entry off by a millionth", _changed("gradient", (..., 0), 1 + 1e-6)
            ),
        ),
        Claim(
            name="reaches_the_normal_equations",
            statement=r"Gradient descent reaches the solution of the normal equations "
            r"$X^\top X \theta = X^\top y$.",
            measured=np.asarray(measured["theta"]) / np.linalg.norm(data.solution),
            relation="=",
            expected=np.asarray(data.solution, float) / np.linalg.norm(data.solution),
            tolerance=1e-10,
            source="numpy.linalg.lstsq",
            breaks_if=Fault(
                "the intercept off by a millionth", _changed("theta", (..., -1), 1 + 1e-6)
            ),
            full_only=True,
        ),
        Claim(
            name="each_component_shrinks_as_predicted",
            statement=r"Along each eigenvector of the Hessian the error after $k$ steps is "
            r"$(1 - \eta\lambda_i)^k$ times the error at the start.",
            measured=component / size,
            relation="=",
            expected=predicted / size,
            tolerance=1e-10,
            source=Source("nesterov2004lectures", "section 2.1.5"),
            breaks_if=Fault(
                "one component off by a millionth of the start",
                _shifted("component", (..., 1, 0), 1e-6 * float(np.max(size))),
            ),
        ),
        Claim(
            name="the_slowest_component_sets_the_pace",
            statement=r"One minus the measured rate of convergence agrees with "
            r"$\eta\lambda_{\min}$ to one percent.",
            measured=pace,
            relation="=",
            expected=rate * eigenvalues.min(),
            tolerance=0.01,
            relative=True,
            source=Source("nesterov2004lectures", "section 2.1.5"),
            breaks_if=Fault("the number of steps halved", _changed("step", (...,), 0.5)),
            full_only=True,
        ),
        Claim(
            name="converges_below_the_limit",
            statement=rf"Started along the top eigenvector at {1 - MARGIN:g} times "
            r"$2/\lambda_{\max}$, the error shrinks as $|1 - \eta\lambda_{\max}|^k$ says.",
            measured=edge[..., 0],
            relation="=",
            expected=abs(1 - 2 * (1 - MARGIN)) ** edge_steps,
            tolerance=1e-6,
            relative=True,
            source=Source("nesterov2004lectures", "section 2.1.5"),
            breaks_if=Fault("the error grown", _changed("edge", (..., 0), 1 + 1e-3)),
        ),
        Claim(
            name="diverges_above_the_limit",
            statement=rf"At {1 + MARGIN:g} times $2/\lambda_{{\max}}$ it grows, as "
            r"$|1 - \eta\lambda_{\max}|^k$ says.",
            measured=edge[..., 1],
            relation="=",
            expected=abs(1 - 2 * (1 + MARGIN)) ** edge_steps,
            tolerance=1e-6,
            relative=True,
            source=Source("nesterov2004lectures", "section 2.1.5"),
            breaks_if=Fault("the error shrunk", _changed("edge", (..., 1), 1 - 1e-3)),
        ),
    )
    table = Table(
        name="spectrum",
        title="The spectrum of the Hessian and the pace of each direction",
        columns={
            "eigenvalue": eigenvalues[::-1],
            "condition (largest / eigenvalue)": eigenvalues.max() / eigenvalues[::-1],
            "factor a step": factor.reshape(-1, len(eigenvalues))[0][::-1],
        },
    )
    series = dict(
        eigenvalue=eigenvalues,
        step=step.reshape(-1, step.shape[-1])[0],
        component=np.abs(component) / size,
        predicted=np.abs(predicted) / size,
        loss=np.asarray(measured["loss"]),
        distance=np.asarray(measured["distance"]),
    )
    return Result(claims, (table,), series)


def _changed(name: str, index, factor: float):
    def plant(measured):
        values = np.array(measured[name], float)
        values[index] *= factor
        return {**measured, name: values}

    return plant


def _shifted(name: str, index, amount: float):
    def plant(measured):
        values = np.array(measured[name], float)
        values[index] += amount
        return {**measured, name: values}

    return plant


def draw(result: Result) -> tuple[Plot, ...]:
    """Each eigencomponent of the error over the steps, measured and predicted."""
    series = result.series
    step = np.asarray(series["step"])
    component = np.asarray(series["component"]).reshape(-1, *series["component"].shape[-2:])[0]
    predicted = np.asarray(series["predicted"]).reshape(-1, *series["predicted"].shape[-2:])[0]
    shown, floor = (0, 1, 4, component.shape[1] - 2), 1e-14
    lines = []
    for hue, index in enumerate(shown):
        seen = (predicted[:, index] > floor) & (step > 0)
        name = f"eigenvalue {series['eigenvalue'][index]:.3g}"
        lines += [
            Line(name, step[seen], predicted[seen, index], hue=hue),
            Line("", step[seen], component[seen, index], style="points", hue=hue),
        ]
    return (
        Plot(
            name="components",
            title="Each component of the error falls at the pace of its eigenvalue",
            alt="The size of four eigencomponents of the error over the steps of gradient descent, "
            "both on logarithmic scales: the predicted curves fall the later, the smaller the "
            "eigenvalue, and the measured points lie on them.",
            x=Axis("steps taken", "steps", "log"),
            y=Axis("component", "share of the error at the start", "log"),
            lines=tuple(lines),
            caption="Lines: $(1 - \\eta\\lambda_i)^k$. Points: measured.",
        ),
    )
