r"""Which losses are convex, proven, and what their constants promise a gradient method.

A loss is convex where its second derivative is nowhere negative, $\beta$-smooth where that is at
most $\beta$. Both are decided here by enclosures over whole intervals: a proof, or a witness
against it. Of logistic regression with the penalty $\frac\lambda2 |w|^2$ the curvatures then lie
between $\mu = \lambda$ and $L = \lambda + \frac14 \lambda_{\max}(X^\top X / n)$, and with the step
$2 / (\mu + L)$ every step of gradient descent brings w nearer to the minimum by $(\kappa - 1) /
(\kappa + 1)$ or more, for the condition number $\kappa = L / \mu$.
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
from jaxmath.formula import Convex, Source
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.optimize import implied_by, trust_region
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O7", "O8")
CONVEX = dict(
    huber="residual", log_cosh="residual", pinball="residual", logistic="logit",
    hinge="score", squared_hinge="score",
)  # fmt: skip
NOT_CONVEX = dict(cauchy="residual", welsch="residual", geman_mcclure="residual")
SMOOTH = {
    "Huber": (losses.huber, 1.0),
    "log cosh": (losses.log_cosh, 1.0),
    "logistic": (lambda x: losses.logistic(x, 1.0), 0.25),
    "squared hinge": (lambda x: losses.squared_hinge(x, 1.0), 2.0),
    "Cauchy": (lambda x: losses.cauchy(x, 1.0), 1.0),
}
"""Functions of a number, and the largest size of their second derivatives."""
ORDINARY = 16.0
"""A proof has to reach at least so far on both sides of zero."""


@dataclass(frozen=True)
class Config:
    """How many boxes a proof may look at, and the regression on which gradient descent is run."""

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "breast_cancer", standardize=True)
    )
    boxes: Annotated[int, Field(ge=50)] = 400
    penalty: Annotated[float, Field(gt=0)] = 0.1
    steps: Annotated[int, Field(ge=5)] = 100


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("features", "labels", "proven", "refuted", "reach"),
    meta_fields=(),
)
@dataclass(frozen=True)
class Data:
    """The regression, and for each loss what became of the proof, and how far it reaches."""

    features: Any
    labels: Any
    proven: Any
    refuted: Any
    reach: Any


def load(config: Config) -> Data:
    """Read the rows; prove, or refute, that each loss is convex."""
    from jaxmath.verify.enclosed import prove

    features, labels = load_dataset(config.data).train
    known = {formula.name: formula for formula in losses.LOSSES}
    proofs = [
        prove(known[name], Convex(argument), config.boxes)
        for name, argument in (CONVEX | NOT_CONVEX).items()
    ]
    reach = [
        min([min(-low, high) for name, low, high in proof.covered if name in ARGUMENTS], default=0)
        for proof in proofs
    ]
    return Data(
        features,
        np.asarray(labels, float),
        np.array([proof.outcome == "proven" for proof in proofs]),
        np.array([proof.outcome == "refuted" for proof in proofs]),
        np.array(reach, float),
    )


ARGUMENTS = {*CONVEX.values(), *NOT_CONVEX.values()}


def measure(config: Config, data: Data, key) -> dict:
    """Second derivatives along a line, and the way of gradient descent to the minimum."""
    del key
    line = jnp.linspace(-4, 4, 801)
    bends = [jax.vmap(jax.grad(jax.grad(fn)))(line) for fn, _ in SMOOTH.values()]
    X, y = jnp.asarray(data.features), data.labels

    def objective(w, args=None):
        return jnp.mean(losses.logistic(X @ w, y)) + config.penalty * w @ w / 2

    most = config.penalty + jnp.linalg.eigvalsh(X.T @ X / len(y))[-1] / 4
    start = jnp.zeros(X.shape[1])
    best = trust_region(objective, start).x
    step = implied_by(config.penalty, most).gradient_descent.step

    def descend(w, _):
        w = w - step * jax.grad(objective)(w)
        return w, w

    path = jax.lax.scan(descend, start, length=config.steps)[1]
    path = jnp.concatenate([start[None], path])
    return {
        "line": line,
        "bends": jnp.stack(bends),
        "proven": jnp.asarray(data.proven),
        "refuted": jnp.asarray(data.refuted),
        "reach": jnp.asarray(data.reach),
        "most": most,
        "curvatures": jnp.linalg.eigvalsh(jax.vmap(jax.hessian(objective))(path[::10])),
        "apart": jnp.linalg.norm(path - best[None], axis=1),
    }


def judge(config: Config, data: Data, measured) -> Result:
    """Hold proofs, constants and contractions against what is known."""
    del data
    few = len(CONVEX)
    proven, refuted = (np.asarray(measured[name]) for name in ("proven", "refuted"))
    bends, most = np.asarray(measured["bends"], float), np.asarray(measured["most"], float)
    curvatures = np.asarray(measured["curvatures"], float)
    apart = np.asarray(measured["apart"], float)
    kappa = most / config.penalty
    ratio = apart[..., 1:] / apart[..., :-1]
    promised = (kappa - 1) / (kappa + 1)
    wanted = np.array([bound for _, bound in SMOOTH.values()])
    book = Source("boyd2004convex", "section 3.1.4")
    claims = (
        Claim(
            name="convex_losses_are_proven",
            statement="Huber's loss, log cosh, the pinball, the logistic loss and both hinges are "
            f"proven convex, at least between -{ORDINARY:g} and {ORDINARY:g}.",
            measured=proven[..., :few] & (np.asarray(measured["reach"])[..., :few] >= ORDINARY),
            relation="true",
            expected=None,
            source=book,
            breaks_if=Fault("one proof missing", _changed("proven", False)),
        ),
        Claim(
            name="robust_losses_are_refuted",
            statement="That Cauchy's, Welsch's and Geman and McClure's losses are convex is "
            "refuted, with a witness.",
            measured=refuted[..., few:],
            relation="true",
            expected=None,
            source=book,
            breaks_if=Fault("one that passes", _changed("refuted", False, few)),
        ),
        Claim(
            name="the_constants_are_attained",
            statement="The largest second derivative of each smooth loss is its constant: 1 for "
            "Huber, log cosh and Cauchy, a quarter for the logistic loss, 2 for the squared hinge.",
            measured=np.max(np.abs(bends), axis=-1),
            relation="=",
            expected=np.broadcast_to(wanted, bends.shape[:-1]),
            tolerance=1e-12,
            source=Source("nesterov2004lectures", "section 1.2.2"),
            breaks_if=Fault("one constant doubled", _scaled("bends")),
        ),
        Claim(
            name="curvatures_lie_between",
            statement=r"Along the whole way no eigenvalue of the Hessian is below $\mu$ or above "
            "L.",
            measured=np.maximum(
                config.penalty - curvatures.min(axis=(-1, -2)),
                curvatures.max(axis=(-1, -2)) - most,
            ),
            relation="<=",
            expected=1e-12,
            source=book,
            breaks_if=Fault("one curvature too large", _scaled("curvatures", -1)),
        ),
        Claim(
            name="every_step_contracts",
            statement=r"Every step of gradient descent brings w nearer to the minimum by the "
            r"factor $(\kappa - 1) / (\kappa + 1)$ or a smaller one, until rounding.",
            measured=np.max(np.where(apart[..., 1:] > 1e-8, ratio, 0), axis=-1) - promised,
            relation="<=",
            expected=1e-9,
            source=Source("nesterov2004lectures", "theorem 2.1.15"),
            breaks_if=Fault("one step that leads nowhere", _still),
        ),
    )
    table = Table(
        name="losses",
        title="Is it convex?",
        columns={
            "loss": [*CONVEX, *NOT_CONVEX],
            "verdict": [
                "proven" if yes else "refuted" if no else "open"
                for yes, no in zip(
                    proven.reshape(-1, proven.shape[-1])[0],
                    refuted.reshape(-1, refuted.shape[-1])[0],
                    strict=True,
                )
            ],
        },
    )
    lead = (0,) * (bends.ndim - 2)
    series = dict(
        line=np.asarray(measured["line"])[lead],
        bends=bends[lead],
        apart=apart[lead],
        promised=np.asarray(promised)[lead],
    )
    return Result(claims, (table,), series)


def _changed(name: str, value, place: int = 0):
    def plant(measured):
        array = np.array(measured[name])
        array[..., place] = value
        return {**measured, name: array}

    return plant


def _scaled(name: str, place: int = 0):
    def plant(measured):
        array = np.array(measured[name])
        array[..., place, :] *= 2
        return {**measured, name: array}

    return plant


def _still(measured):
    apart = np.array(measured["apart"])
    apart[..., 3] = apart[..., 2]
    return {**measured, "apart": apart}


def draw(result: Result) -> tuple[Plot, ...]:
    """The second derivatives, and how gradient descent keeps its promise."""
    s = result.series
    apart, line = np.asarray(s["apart"]), np.asarray(s["line"])
    steps = np.arange(len(apart))
    return (
        Plot(
            name="curvature",
            title="The curvature of losses: Cauchy's turns negative",
            alt="Second derivatives over the argument: one plateau for Huber, bells for log cosh "
            "and the logistic loss, a step for the squared hinge, and for Cauchy's loss a bell "
            "with negative flanks.",
            x=Axis("residual, logit or score", "", "linear"),
            y=Axis("second derivative", "", "linear"),
            lines=tuple(
                Line(name, line, row) for name, row in zip(SMOOTH, s["bends"], strict=True)
            ),
        ),
        Plot(
            name="contraction",
            title="Gradient descent stays below what its condition number promises",
            alt="The distance to the minimum against the step on a logarithmic axis, a straight "
            "line in the end, and above it the line that the condition number promises.",
            x=Axis("step", "", "linear"),
            y=Axis("distance to the minimum", "", "log"),
            lines=(
                Line("distance", steps, apart),
                Line("promise", steps, apart[0] * float(s["promised"]) ** steps, style="dashed"),
            ),
        ),
    )
