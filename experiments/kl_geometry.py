r"""The geometry of the Kullback-Leibler divergence: curvature, right angles, and two projections.

Near a distribution the divergence is half a squared length, $\frac12 \delta^\top I \delta$, in
Fisher's information. Independent tables make right angles: with $m$ the product of the margins of
$p$, $\operatorname{KL}(p \,\|\, q) = \operatorname{KL}(p \,\|\, m) + \operatorname{KL}(m \,\|\, q)$
for every product $q$. A normal distribution that is nearest to a mixture has the mixture's mean and
variance where the mixture comes first, and sits on one of its peaks where it comes second.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import distributions, inference, train
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("P19",)
STEPS = tuple(10.0**-k for k in range(1, 6))
NEWTON_STEPS = 25
COVER = Source("cover2006elements", "chapter 2")


@dataclass(frozen=True)
class Config:
    """A mixture of two normal distributions, and how many random tables are tried.

    Attributes:
        share: of the first part.
        distance: of both parts' means, each half of it from zero; well apart.
        deviation: of both parts.
        tables: pairs of random tables.
        rows: and columns of each table, an even number.
    """

    share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    distance: Annotated[float, Field(gt=0)] = 6.0
    deviation: Annotated[float, Field(gt=0)] = 0.8
    tables: Annotated[int, Field(ge=10)] = 2000
    rows: Annotated[int, Field(ge=2, multiple_of=2)] = 4


def load(config: Config) -> None:
    """There is nothing to read."""


def random_tables(key, shape):
    """Positive numbers with sum one along the last axis, many of them small."""
    return jax.nn.softmax(3 * jax.random.normal(key, shape, float), axis=-1)


def near(divergence, start):
    """Newton's method for the location and the logarithm of the scale of least divergence."""

    def step(_, theta):
        slope, bend = jax.grad(divergence)(theta), jax.hessian(divergence)(theta)
        bend = bend + jnp.maximum(0.0, 0.1 - jnp.linalg.eigvalsh(bend)[0]) * jnp.eye(2)
        move = jnp.linalg.solve(bend, slope)
        return theta - move / jnp.maximum(1.0, jnp.linalg.norm(move))

    return jax.lax.fori_loop(0, NEWTON_STEPS, step, start)


def measure(config: Config, data: None, key) -> dict:
    """Divergences of random tables, of close distributions, and both projections."""
    del data
    one, two, three = (
        train.fold_in_name(key, name) for name in ("tables", "margins", "directions")
    )
    size = config.rows**2
    p, q = random_tables(one, (2, config.tables, size))
    joint = p.reshape(-1, config.rows, config.rows)
    first, second = jnp.sum(joint, -1), jnp.sum(joint, -2)
    margins = random_tables(two, (2, config.tables, config.rows))

    def product(a, b):
        return (a[:, :, None] * b[:, None, :]).reshape(-1, size)

    # Cells put together: neighbours by two.
    coarse = [table.reshape(-1, size // 2, 2).sum(-1) for table in (p, q)]

    # Curvature: the normal family at a point, in random directions.
    normal = distributions.NORMAL
    at = jnp.asarray([0.7, 1.4])
    direction = jax.random.normal(three, (16, 2), float)
    information = normal.fisher_information(*at)
    half = jnp.einsum("ni,ij,nj->n", direction, information, direction) / 2

    def ratio(step):
        moved = at[None] + step * direction
        return normal.kl(*at, moved[:, 0], moved[:, 1]) / (step**2 * half)

    # Projections, with integrals by a fixed rule over both peaks.
    apart, s, w = (jnp.asarray(v) for v in (config.distance, config.deviation, config.share))
    ends = apart / 2 + 12 * s
    rule = inference.gauss_legendre(400, -ends, ends)

    def log_mixture(x):
        parts = [normal.log_prob(x, mu, s) for mu in (-apart / 2, apart / 2)]
        return jnp.logaddexp(jnp.log(w) + parts[0], jnp.log1p(-w) + parts[1])

    def forward(theta):
        fit = lambda x: normal.log_prob(x, theta[0], jnp.exp(theta[1]))  # noqa: E731
        gap = lambda x: jnp.exp(log_mixture(x)) * (log_mixture(x) - fit(x))  # noqa: E731
        return inference.expect(gap, rule)

    def backward(theta):
        hermite = inference.gauss_hermite(80, theta[0], jnp.exp(theta[1]))
        fit = lambda x: normal.log_prob(x, theta[0], jnp.exp(theta[1]))  # noqa: E731
        return inference.expect(lambda x: fit(x) - log_mixture(x), hermite)

    zero = jnp.zeros(2)
    peaks = [jnp.stack([side * apart / 2, jnp.log(s)]) for side in (-1, 1)]
    grid = jnp.linspace(-ends / 1.6, ends / 1.6, 241)
    covering = near(forward, zero)
    seeking = jnp.stack([near(backward, peak) for peak in peaks])
    density = lambda theta: normal.prob(grid, theta[0], jnp.exp(theta[1]))  # noqa: E731
    return dict(
        kl=inference.kl(p, q),
        chi2=inference.chi2(p, q),
        total_variation=inference.total_variation(p, q),
        jensen_shannon=inference.jensen_shannon(p, q),
        coarse=inference.kl(*coarse),
        information=inference.mutual_information(joint),
        to_product=inference.kl(p, product(*margins)),
        from_margins=inference.kl(first, margins[0]) + inference.kl(second, margins[1]),
        ratio=jnp.stack([ratio(step) for step in STEPS]),
        covering=jnp.stack([covering[0], jnp.exp(covering[1])]),
        seeking=jnp.stack([seeking[:, 0], jnp.exp(seeking[:, 1])], axis=-1),
        slope=jnp.stack([jax.grad(backward)(theta) for theta in seeking]),
        moments=jnp.stack([
            (1 - 2 * w) * apart / 2,
            jnp.sqrt(s**2 + w * (1 - w) * apart**2),
        ]),
        backward=jnp.stack([backward(theta) for theta in (*seeking, covering)]),
        distance=apart,
        grid=grid,
        mixture=jnp.exp(log_mixture(grid)),
        drawn=jnp.stack([density(covering), density(seeking[0])]),
    )  # fmt: skip


def judge(config: Config, data: None, measured) -> Result:
    """Hold inequalities, right angles, curvature and projections against theory."""
    m = {name: np.asarray(measured[name], float) for name in measured}
    eps = float(np.finfo(np.asarray(measured["kl"]).dtype).eps)
    ratio = m["ratio"]  # (..., step, direction)
    distance = m["distance"][..., None]
    claims = (
        Claim(
            name="curvature_is_fisher_information",
            statement=r"A step $\delta$ changes the divergence by $\frac12\delta^\top I\delta$: "
            "ten times smaller steps leave a tenth of the relative error.",
            measured=np.abs(ratio - 1).max(axis=-1),
            relation="<=",
            expected=10 * np.array(STEPS),
            source=Source("cover2006elements", "section 11.10"),
            breaks_if=Fault("information without the half", _scaled("ratio", 2.0)),
        ),
        Claim(
            name="right_angle_at_the_margins",
            statement="The divergence of a product from a joint table is the mutual information "
            "and the divergences of the margins.",
            measured=m["to_product"] / (m["information"] + m["from_margins"]),
            relation="=",
            expected=1.0,
            tolerance=1e5 * eps,
            source=Source("cover2006elements", "section 2.5"),
            breaks_if=Fault("mutual information forgotten", _scaled("information", 0.0)),
        ),
        Claim(
            name="pinsker",
            statement="Twice the squared total variation is at most the divergence.",
            measured=2 * m["total_variation"] ** 2,
            relation="<=",
            expected=m["kl"],
            source=Source("cover2006elements", "section 11.6"),
            breaks_if=Fault("a sum without its half", _scaled("total_variation", 2.0)),
        ),
        Claim(
            name="below_chi_squared",
            statement=r"The divergence is at most $\log(1 + \chi^2)$.",
            measured=m["kl"],
            relation="<=",
            expected=np.log1p(m["chi2"]),
            source="Jensen's inequality for the logarithm",
            breaks_if=Fault("a tenth of the squares", _scaled("chi2", 0.1)),
        ),
        Claim(
            name="jensen_shannon_is_bounded",
            statement=r"Jensen and Shannon's divergence is at most $\log 2$ times the total "
            "variation.",
            measured=m["jensen_shannon"],
            relation="<=",
            expected=math.log(2) * m["total_variation"],
            source=Source("lin1991divergence"),
            breaks_if=Fault("a sum in place of the mean", _scaled("jensen_shannon", 2.0)),
        ),
        Claim(
            name="putting_cells_together_loses_information",
            statement="Tables whose cells are put together by two do not diverge more.",
            measured=m["coarse"],
            relation="<=",
            expected=m["kl"],
            tolerance=100 * eps,
            source=Source("cover2006elements", "section 2.7"),
            breaks_if=Fault("finer tables taken for coarser ones", _swapped),
        ),
        Claim(
            name="covering_has_the_mean_and_the_variance",
            statement="The normal distribution of least divergence from the mixture has its mean "
            "and its standard deviation.",
            measured=m["covering"],
            relation="=",
            expected=m["moments"],
            tolerance=1e-9,
            source=Source("bishop2006prml", "section 10.7"),
            breaks_if=Fault("the deviation of one part", _scaled("covering", 0.8)),
        ),
        Claim(
            name="seeking_sits_on_a_peak",
            statement="The other way about there is one on each peak: the slope is zero there, and "
            "its mean within a tenth of the distance from the peak's.",
            measured=np.concatenate(
                [
                    np.abs(m["slope"]).max(axis=-1),
                    np.maximum(0, np.abs(np.abs(m["seeking"][..., 0]) / distance - 0.5) - 0.1),
                ],
                axis=-1,
            ),
            relation="=",
            expected=0.0,
            tolerance=1e-9,
            source=Source("bishop2006prml", "section 10.1.2"),
            breaks_if=Fault("in the middle", _scaled("seeking", 0.1)),
        ),
        Claim(
            name="the_larger_peak_is_nearer",
            statement="Of both the one on the larger peak diverges less, and both less than the "
            "one that covers.",
            measured=np.diff(m["backward"], axis=-1) * np.sign(config.share - 0.5) ** [1, 0],
            relation=">=",
            expected=0.0,
            source="the weight of the other peak, which is lost: minus the logarithm of the share",
            breaks_if=Fault("order turned round", _scaled("backward", -1.0)),
        ),
    )
    first = (0,) * m["distance"].ndim
    table = Table(
        name="curvature",
        title="The divergence over half the squared length, furthest from one of 16 directions",
        columns={"step": STEPS, "distance from one": np.abs(ratio - 1).max(axis=-1)[first]},
    )
    series = dict(
        grid=m["grid"][first], mixture=m["mixture"][first], drawn=m["drawn"][first],
        step=np.array(STEPS), error=np.abs(ratio - 1).max(axis=-1)[first],
    )  # fmt: skip
    return Result(claims, (table,), series)


def _scaled(name, factor):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _swapped(measured):
    return {**measured, "coarse": measured["kl"], "kl": measured["coarse"]}


def draw(result: Result) -> tuple[Plot, ...]:
    """Both projections of a mixture, and the error of the curvature."""
    series = {name: np.asarray(value) for name, value in result.series.items()}
    covering, seeking = series["drawn"]
    return (
        Plot(
            name="projections",
            title="Nearest to two peaks: one normal covers both, the other sits on one",
            alt="The density of a mixture with two peaks, a wide normal density over both, and a "
            "narrow one on the left peak.",
            x=Axis("x", "", "linear"),
            y=Axis("density", "", "linear"),
            lines=(
                Line("mixture", series["grid"], series["mixture"]),
                Line("covers", series["grid"], covering),
                Line("seeks", series["grid"], seeking, style="dashed"),
            ),
        ),
        Plot(
            name="curvature",
            title="In small steps the divergence is half a squared length",
            alt="The relative error of the squared length over the size of the step, both "
            "logarithmic: a straight line of slope one.",
            x=Axis("step", "", "log"),
            y=Axis("relative error", "", "log"),
            lines=(Line("furthest", series["step"], series["error"]),),
        ),
    )
