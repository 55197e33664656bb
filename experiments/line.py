r"""A straight line fitted by gradient descent, small enough to follow with a pencil.

The prediction is $\hat y = w x + b$ and the loss the mean squared error
$L(w, b) = \frac1n \sum_i (y_i - \hat y_i)^2$. Its two partial derivatives,
$\partial L/\partial w = -\frac2n \sum_i x_i (y_i - \hat y_i)$ and
$\partial L/\partial b = -\frac2n \sum_i (y_i - \hat y_i)$, say how $w$ and $b$ must change:
$w \leftarrow w - \eta\, \partial L/\partial w$, $b \leftarrow b - \eta\, \partial L/\partial b$.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("C7", "O1", "C2")
PENCIL_STEPS = 5


@dataclass(frozen=True)
class Config:
    """Four points, a start, and a learning rate."""

    x: tuple[float, ...] = (1.0, 2.0, 3.0, 4.0)
    y: tuple[float, ...] = (2.0, 4.0, 5.0, 7.0)
    w: float = 0.0
    b: float = 0.0
    eta: Annotated[float, Field(gt=0)] = 0.1
    steps: Annotated[int, Field(ge=PENCIL_STEPS)] = 1000

    def __post_init__(self):
        if len(self.x) != len(self.y):
            raise ValueError(
                f"x has {len(self.x)} numbers and y has {len(self.y)}; each point needs both"
            )


class Data(NamedTuple):
    """The points."""

    x: np.ndarray
    y: np.ndarray


def load(config: Config) -> Data:
    """Take the points from the config."""
    return Data(np.asarray(config.x), np.asarray(config.y))


def loss(w, b, data: Data):
    """L(w, b), the mean squared error."""
    return jnp.mean((data.y - (w * data.x + b)) ** 2)


def dloss_dw(w, b, data: Data):
    """The partial derivative in the slope."""
    return -2 * jnp.mean(data.x * (data.y - (w * data.x + b)))


def dloss_db(w, b, data: Data):
    """The partial derivative in the intercept."""
    return -2 * jnp.mean(data.y - (w * data.x + b))


def measure(config: Config, data: Data, key) -> dict:
    """Descend by the formulas, and ask JAX for both derivatives at each step."""
    del key

    def step(line, _):
        w, b = line
        by_hand = dloss_dw(w, b, data), dloss_db(w, b, data)
        by_jax = jax.grad(loss, (0, 1))(w, b, data)
        record = dict(
            w=w, b=b, loss=loss(w, b, data),
            dloss_dw=by_hand[0], dloss_db=by_hand[1],
            dloss_dw_jax=by_jax[0], dloss_db_jax=by_jax[1],
        )  # fmt: skip
        return (w - config.eta * by_hand[0], b - config.eta * by_hand[1]), record

    start = jnp.asarray(config.w, data.x.dtype), jnp.asarray(config.b, data.x.dtype)
    _, steps = jax.lax.scan(step, start, length=config.steps + 1)
    return {**steps, "eta": config.eta}


def by_pencil(x, y, w, b, eta, steps: int) -> np.ndarray:
    """The first iterates (w, b) in exact rational arithmetic."""
    x, y = [Fraction(float(v)) for v in x], [Fraction(float(v)) for v in y]
    w, b, eta = Fraction(float(w)), Fraction(float(b)), Fraction(float(eta))
    iterates = [(w, b)]
    for _ in range(steps):
        residuals = [target - (w * v + b) for v, target in zip(x, y, strict=True)]
        slope_w = Fraction(-2, len(x)) * sum(v * r for v, r in zip(x, residuals, strict=True))
        slope_b = Fraction(-2, len(x)) * sum(residuals)
        w, b = w - eta * slope_w, b - eta * slope_b
        iterates.append((w, b))
    return np.array([(float(w), float(b)) for w, b in iterates])


def judge(config: Config, data: Data, measured) -> Result:
    """Hold the descent against rational arithmetic and against the least-squares line."""
    w, b = np.asarray(measured["w"]), np.asarray(measured["b"])
    lanes = zip(
        w.reshape(-1, w.shape[-1])[:, 0],
        b.reshape(-1, b.shape[-1])[:, 0],
        np.ravel(measured["eta"]),
        strict=True,
    )
    pencil = np.stack(
        [by_pencil(data.x, data.y, *lane, steps=PENCIL_STEPS) for lane in lanes]
    ).reshape(*w.shape[:-1], PENCIL_STEPS + 1, 2)
    slope, intercept = np.polyfit(np.asarray(data.x, float), np.asarray(data.y, float), 1)
    scale = np.max(np.abs(measured["dloss_dw"]), axis=-1, keepdims=True)
    claims = (
        Claim(
            name="dloss_dw_equals_autodiff",
            statement=r"The slope $\partial L/\partial w$ computed by hand equals the one computed "
            "by JAX at every step.",
            measured=measured["dloss_dw"] / scale,
            relation="=",
            expected=measured["dloss_dw_jax"] / scale,
            tolerance=1e-14,
            source=Source("deisenroth2020mml", "section 9.2"),
            breaks_if=Fault("the factor 2 forgotten", _scaled("dloss_dw", 0.5)),
        ),
        Claim(
            name="dloss_db_equals_autodiff",
            statement=r"The slope $\partial L/\partial b$ computed by hand equals the one computed "
            "by JAX at every step.",
            measured=measured["dloss_db"] / scale,
            relation="=",
            expected=measured["dloss_db_jax"] / scale,
            tolerance=1e-14,
            source=Source("deisenroth2020mml", "section 9.2"),
            breaks_if=Fault("the sign of the residual swapped", _scaled("dloss_db", -1.0)),
        ),
        Claim(
            name="first_steps_equal_pencil",
            statement=f"The first {PENCIL_STEPS} values of $w$ and $b$ are those of exact "
            "rational arithmetic.",
            measured=np.stack([w, b], axis=-1)[..., : PENCIL_STEPS + 1, :],
            relation="=",
            expected=pencil,
            tolerance=1e-12,
            source="fractions.Fraction of the Python standard library",
            breaks_if=Fault("w off by one part in a million after a step", _nudged("w", 1)),
        ),
        Claim(
            name="loss_never_rises",
            statement=r"The loss does not rise from any step to the next, since $\eta$ is below "
            r"$2/\lambda_{\max}$ of the Hessian.",
            measured=np.max(np.diff(measured["loss"], axis=-1), axis=-1),
            relation="<=",
            expected=0.0,
            tolerance=1e-14,
            source=Source("boyd2004convex", "section 9.3"),
            breaks_if=Fault(
                "the descent run backwards",
                lambda m: {**m, "loss": np.flip(m["loss"], axis=-1)},
            ),
        ),
        Claim(
            name="reaches_the_least_squares_line",
            statement="The descent ends at the least-squares line.",
            measured=np.stack([w[..., -1], b[..., -1]], axis=-1),
            relation="=",
            expected=np.array([slope, intercept]),
            tolerance=1e-10,
            source="numpy.polyfit of degree 1",
            breaks_if=Fault("b off by one part in a million at the end", _nudged("b", -1)),
            full_only=True,
        ),
    )
    first = (0,) * (w.ndim - 1)
    shown = slice(0, PENCIL_STEPS + 1)
    table = Table(
        name="steps",
        title=f"The first {PENCIL_STEPS} steps, as on paper",
        columns={
            "step": np.arange(PENCIL_STEPS + 1),
            **{
                name: measured[name][first][shown]
                for name in ("w", "b", "dloss_dw", "dloss_db", "loss")
            },
        },
    )
    series = {name: measured[name] for name in ("w", "b", "loss")}
    return Result(claims, (table,), series)


def _scaled(name: str, factor: float):
    return lambda measured: {**measured, name: measured[name] * factor}


def _nudged(name: str, step: int):
    def plant(measured):
        values = np.array(measured[name])
        values[..., step] *= 1 + 1e-6
        return {**measured, name: values}

    return plant


def draw(result: Result) -> tuple[Plot, ...]:
    """The loss over the steps."""
    loss_values = np.asarray(result.series["loss"])
    lanes = loss_values.reshape(-1, loss_values.shape[-1])
    gap = lanes - lanes.min(axis=1, keepdims=True)
    steps = np.arange(1, lanes.shape[1] + 1)
    return (
        Plot(
            name="loss",
            title="The loss falls at every step",
            alt="The mean squared error above its least value, over the steps of gradient descent: "
            "a fast fall in the first steps, then a straight line on the logarithmic scale.",
            x=Axis("step + 1", "steps", "log"),
            y=Axis("loss above its least value", "squared units of y", "log"),
            lines=tuple(
                Line(
                    "gradient descent" if len(lanes) == 1 else f"lane {index}",
                    steps,
                    np.where(row > 1e-14, row, np.nan),
                )
                for index, row in enumerate(gap)
            ),
        ),
    )
