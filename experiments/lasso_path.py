r"""The lasso's path: coefficients over the penalty, from all of them to none.

$$ \min_\beta \tfrac{1}{2n} \lVert y - X\beta \rVert^2 + \lambda \lVert \beta \rVert_1 $$

has the solution zero from $\lambda_{\max} = \max_j |x_j^\top y| / n$ on. Below it the correlations
$X^\top (y - X\beta) / n$ of the residual are $\lambda\,\mathrm{sign}(\beta_j)$ on the support A and
within $\pm\lambda$ off it. Between the kinks, where the support changes, the path is straight:
$\partial\beta_A / \partial\lambda = -(X_A^\top X_A / n)^{-1}\,\mathrm{sign}(\beta_A)$.

Every penalty is one lane of one program, FISTA on $X^\top X / n$ and $X^\top y / n$; none starts
where another ended.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.config.choices import Choice, choose
from jaxmath.formula import Source
from jaxmath.lab.datasets import load as load_dataset
from jaxmath.optimize import Status, proximal_gradient
from jaxmath.proximal import l1
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O18",)
TOLERANCE = 1e-14
"""Of each solve: the least correlations are a ten-thousandth of the largest."""


@dataclass(frozen=True)
class Config:
    """A data set, and penalties from `most` down to `least`, as shares of the largest of use."""

    data: Annotated[Any, Choice("data")] = field(
        default_factory=lambda: choose("data", "diabetes", standardize=True)
    )
    least: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    most: Annotated[float, Field(gt=1)] = 2.0
    points: Annotated[int, Field(ge=10)] = 200


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("features", "targets"),
    meta_fields=("names",),
)
@dataclass(frozen=True)
class Data:
    """Centred rows and targets, which need no intercept."""

    features: Any  # (n, d)
    targets: Any  # (n,)
    names: tuple[str, ...]


def load(config: Config) -> Data:
    """Read the rows and centre them."""
    data = load_dataset(config.data)
    features, targets = data.train
    return Data(
        features - features.mean(axis=0), targets - targets.mean(axis=0), data.feature_names
    )


def measure(config: Config, data: Data, key) -> dict:
    """Solve every penalty, last the largest of use, and differentiate each solution in its own."""
    del key
    gram, pull = _moments(data)
    top = jnp.max(jnp.abs(pull))
    penalties = top * jnp.append(jnp.geomspace(config.most, config.least, config.points), 1)

    def at(penalty):
        def solve(penalty):
            found = proximal_gradient(
                lambda beta, _: beta @ gram @ beta / 2 - pull @ beta,
                lambda v, step, penalty: l1(v, step * penalty),
                jnp.zeros_like(pull),
                penalty,
                tolerance=TOLERANCE,
            )
            return found.x, found.info

        beta, slope, info = jax.jvp(solve, (penalty,), (jnp.ones_like(penalty),), has_aux=True)
        return {
            "penalty": penalty,
            "beta": beta,
            "slope": slope,
            "status": info.status,
            "regular": info.regular,
            "iterations": info.iterations,
        }

    return jax.vmap(at)(penalties)


def _moments(data: Data):
    n = len(data.targets)
    return data.features.T @ data.features / n, data.targets @ data.features / n


class Peers(NamedTuple):
    """The path of scikit-learn, by coordinate descent and by least angles; (penalties, d) each."""

    descent: np.ndarray
    angles: np.ndarray
    kinks: np.ndarray  # the penalties at which the support changes, the largest first


def peers(features, targets, penalties) -> Peers:
    """Solve the penalties, the largest first, one after the other; and by following the kinks."""
    from sklearn.linear_model import lars_path, lasso_path

    options: dict[str, Any] = dict(tol=1e-14, max_iter=1_000_000, precompute=False)
    _, descent, _ = lasso_path(features, targets, alphas=penalties, **options)
    kinks, _, corners = lars_path(features, targets, method="lasso")
    # Beyond the first kink `interp` keeps the first corner, which is zero.
    angles = [np.interp(penalties, kinks[::-1], corner[::-1]) for corner in corners]
    return Peers(np.asarray(descent).T, np.stack(angles, axis=-1), kinks)


def closed_slope(gram, beta) -> np.ndarray:
    """The slope of the path by its formula, given where it is."""
    slope, support = np.zeros_like(beta), beta != 0
    inner = gram[np.ix_(support, support)]
    slope[support] = -np.linalg.solve(inner, np.sign(beta[support]))
    return slope


def judge(config: Config, data: Data, measured) -> Result:
    """Hold the path against two of scikit-learn, its own conditions, and the slope's formula."""
    del config
    features, targets = np.asarray(data.features, float), np.asarray(data.targets, float)
    gram, pull = _moments(Data(features, targets, data.names))
    top = np.abs(pull).max()
    every = {name: np.asarray(array) for name, array in measured.items()}
    penalties = every["penalty"][..., :-1]
    beta, slope = every["beta"][..., :-1, :], every["slope"][..., :-1, :]
    lead, (points, d) = penalties.shape[:-1], beta.shape[-2:]
    found = [peers(features, targets, row) for row in penalties.reshape(-1, points)]
    descent, angles = (
        np.stack([getattr(one, name) for one in found]).reshape(beta.shape)
        for name in ("descent", "angles")
    )
    formula = np.array([closed_slope(gram, row) for row in beta.reshape(-1, d)]).reshape(beta.shape)
    largest = np.abs(formula).max(axis=-1, keepdims=True)
    unit = np.where(largest > 0, largest, 1)
    correlation = (pull - beta @ gram) / top
    share = penalties[..., None] / top
    book = Source("hastie2009esl", "section 3.4")
    claims = (
        Claim(
            name="every_solve_is_optimal",
            statement="Every solve ends optimal, and all but the one at $\\lambda_{\\max}$ are "
            "regular.",
            measured=np.stack([every["status"][..., :-1], every["regular"][..., :-1]], axis=-1),
            relation="=",
            expected=np.array([Status.OPTIMAL, 1]),
            source="what each solve says of itself",
            breaks_if=Fault("one solve given up", _put("status", (..., 0), Status.STALLED)),
        ),
        Claim(
            name="coefficients_equal_coordinate_descent",
            statement="Each coefficient is that of scikit-learn's coordinate descent, zeros "
            "included, to a millionth of its own size.",
            measured=beta,
            relation="=",
            expected=descent,
            tolerance=1e-6,
            relative=True,
            source="sklearn.linear_model.lasso_path, with a duality gap of 1e-14 |y|^2",
            breaks_if=Fault("one off by a hundred-thousandth", _grown("beta", (..., -2, 0), 1e-5)),
        ),
        Claim(
            name="coefficients_equal_least_angles",
            statement="Each coefficient is that of the piecewise straight path by least angles, as "
            "a share of the largest of all.",
            measured=beta / np.abs(angles).max(),
            relation="=",
            expected=angles / np.abs(angles).max(),
            tolerance=1e-10,
            source="sklearn.linear_model.lars_path",
            breaks_if=Fault("one off by a millionth", _grown("beta", (..., -2, 2), 1e-6)),
        ),
        Claim(
            name="nothing_from_the_largest_penalty_on",
            statement=r"All coefficients are exactly zero where $\lambda \ge \lambda_{\max} = "
            r"\max_j |x_j^\top y| / n$, and not all are below it.",
            measured=np.any(every["beta"] != 0, axis=-1),
            relation="=",
            expected=every["penalty"] < top,
            source=book,
            breaks_if=Fault(
                "a tiny coefficient at a larger one", _put("beta", (..., 0, 0), 1e-300)
            ),
        ),
        Claim(
            name="support_has_the_penalty_for_correlation",
            statement=r"Where $\beta_j \neq 0$ the residual's correlation is $\lambda\,"
            r"\mathrm{sign}(\beta_j)$, in shares of $\lambda_{\max}$.",
            measured=np.where(beta != 0, correlation, 0),
            relation="=",
            expected=np.sign(beta) * share,
            tolerance=1e-11,
            source=Source("beck2017first", "theorem 3.63"),
            breaks_if=Fault(
                "one coefficient off by a millionth", _grown("beta", (..., -2, 2), 1e-6)
            ),
        ),
        Claim(
            name="no_correlation_is_larger",
            statement=r"Nowhere is the correlation larger than $\lambda$, in shares of it.",
            measured=np.abs(correlation) / share,
            relation="<=",
            expected=1.0,
            tolerance=1e-9,
            source=Source("beck2017first", "theorem 3.63"),
            breaks_if=Fault("one coefficient left out", _put("beta", (..., -2, 2), 0.0)),
        ),
        Claim(
            name="slope_equals_formula",
            statement=r"The derivative $\partial\beta / \partial\lambda$, which JAX takes through "
            r"the solver, is $-(X_A^\top X_A / n)^{-1}\,\mathrm{sign}(\beta_A)$ on the support "
            "and zero off it, in shares of the largest entry.",
            measured=slope / unit,
            relation="=",
            expected=formula / unit,
            tolerance=1e-11,
            source=book,
            breaks_if=Fault("one entry off by a millionth", _grown("slope", (..., -2, 2), 1e-6)),
        ),
        Claim(
            name="the_first_kink_is_named",
            statement=r"At $\lambda_{\max}$ itself, where the path has two slopes, the solve says "
            "that it isn't regular, and the derivative is NaN.",
            measured=np.append(
                ~every["regular"][..., -1].astype(bool), np.isnan(every["slope"][..., -1, :])
            ),
            relation="true",
            expected=True,
            source="the one-sided slopes, zero and the formula's",
            breaks_if=Fault("a slope of zero there", _put("slope", (..., -1, 0), 0.0)),
        ),
    )
    first = (0,) * len(lead)
    shown = beta[first]
    table = Table(
        name="features",
        title="At which penalty each feature enters, and where its coefficient ends",
        columns={
            "feature": list(data.names),
            "largest penalty with it, share": [
                float(share[first][column != 0].max(initial=0)) for column in shown.T
            ],
            "coefficient at the least penalty": shown[-1],
            "least squares": np.linalg.lstsq(features, targets, rcond=None)[0],
        },
    )
    work = Table(
        name="path",
        title="The path and its cost",
        columns={
            "penalties": [points],
            "kinks, by least angles": [len(found[0].kinks)],
            "steps, median": [np.median(every["iterations"][first])],
            "steps, most": [np.max(every["iterations"][first])],
        },
    )
    series = dict(
        share=share[first][:, 0], beta=shown, slope=slope[first], kinks=found[0].kinks / top
    )
    return Result(claims, (table, work), series)


def _put(name: str, index, value):
    """A fault: an entry of the named array replaced."""

    def plant(measured):
        array = np.array(measured[name])
        array[index] = value
        return {**measured, name: array}

    return plant


def _grown(name: str, index, share: float):
    """A fault: an entry larger by a share of itself."""

    def plant(measured):
        array = np.array(measured[name])
        array[index] *= 1 + share
        return {**measured, name: array}

    return plant


def draw(result: Result) -> tuple[Plot, ...]:
    """The path, and how many coefficients are left."""
    share, beta = (np.asarray(result.series[name]) for name in ("share", "beta"))
    names = result.tables[0].columns["feature"]
    x = Axis("penalty", "share of the largest of use", "log")
    return (
        Plot(
            name="path",
            title="The coefficients leave one after the other as the penalty grows",
            alt="Each coefficient over the penalty on a logarithmic scale: from the left, where "
            "they are those of least squares, some through zero or to larger sizes first, all "
            "become zero at a penalty of their own, the last at the dashed line.",
            x=x,
            y=Axis("coefficient", "target per standard deviation", "linear"),
            lines=tuple(
                Line(str(name), share, column) for name, column in zip(names, beta.T, strict=True)
            ),
            marks={"largest of use": 1.0},
            caption="A coefficient may rest at zero for a while and come back with the other sign.",
        ),
        Plot(
            name="support",
            title="The larger the penalty, the fewer coefficients, but not at every step",
            alt="The number of coefficients that aren't zero over the penalty on a logarithmic "
            "scale: from all of them down to none, with one that leaves and comes back.",
            x=x,
            y=Axis("coefficients that aren't zero", "", "linear"),
            lines=(Line("", share, np.sum(beta != 0, axis=-1)),),
        ),
    )
