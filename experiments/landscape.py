r"""Landscapes with many valleys: a thousand starts at once, and where each of them ends.

A point where the gradient vanishes is a minimum where all curvatures are positive, and a saddle
where some are negative: there a step along the eigenvector of a negative curvature falls. The
search here is a trust region with exact Hessians; every start of a grid is one lane of one program.

Himmelblau's function has four minima, four saddles and a maximum, Rosenbrock's one valley with one
minimum, Rastrigin's a minimum in every cell of a lattice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.formula import Source
from jaxmath.optimize import Kind, Status, gradient_descent, trust_region
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O9",)


def rosenbrock(x, args=None):
    """A curved valley."""
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def himmelblau(x, args=None):
    """Four valleys."""
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def rastrigin(x, args=None):
    """A bowl with a lattice of dents."""
    return 10 * x.size + jnp.sum(x**2 - 10 * jnp.cos(2 * jnp.pi * x))


class Landscape(NamedTuple):
    """A function of two numbers, and its minima."""

    function: Callable[[Any], Any]
    minima: Callable[[], np.ndarray]


def _lattice() -> np.ndarray:
    """Where x + 10 pi sin(2 pi x) is zero with a positive slope, in both coordinates."""
    from scipy.optimize import brentq

    def slope(x):
        return x + 10 * np.pi * np.sin(2 * np.pi * x)

    # Its slope is positive within a quarter of the multiples of one, up to where the bowl wins.
    cells = np.arange(-31, 32)
    ends = [(k - 0.25, k + 0.25) for k in cells]
    within = [end for end in ends if slope(end[0]) * slope(end[1]) < 0]
    axis = np.array([float(brentq(slope, *end, xtol=1e-14)) for end in within])  # pyright: ignore
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


LANDSCAPES = {
    "Rosenbrock": Landscape(rosenbrock, lambda: np.array([[1.0, 1.0]])),
    "Himmelblau": Landscape(
        himmelblau,
        lambda: np.array(
            [
                [3.0, 2.0],
                [-2.805118086952745, 3.131312518250573],
                [-3.779310253377747, -3.2831859912861696],
                [3.5844283403304917, -1.8481265269644036],
            ]
        ),
    ),
    "Rastrigin": Landscape(rastrigin, _lattice),
}
SADDLES = np.array(
    [
        [-3.0730257507643897, -0.08135304428796751],
        [-0.12796134673068008, -1.9537149802445763],
        [0.08667750455539636, 2.884254701174776],
        [3.385154183607021, 0.07385187983774928],
    ]
)
"""Of Himmelblau's function."""
MAXIMUM = np.array([[-0.2708445906673476, -0.9230385564799815]])


@dataclass(frozen=True)
class Config:
    """How many starts along each side of the square, and how far it reaches."""

    side: Annotated[int, Field(ge=4)] = 32
    reach: Annotated[float, Field(gt=4, le=30)] = 5.0


def load(config: Config) -> tuple:
    """Nothing is read: the functions stand above."""
    del config
    return ()


def measure(config: Config, data, key) -> dict:
    """Search from every start; and from the saddles, and beside them."""
    del data, key
    axis = jnp.linspace(-config.reach, config.reach, config.side)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    critical = jnp.asarray(np.concatenate([SADDLES, MAXIMUM]), grid.dtype)
    step = 1e-3 * jnp.linalg.eigh(jax.vmap(jax.hessian(himmelblau))(SADDLES))[1][..., 0]
    others = jnp.concatenate([SADDLES, SADDLES - step, SADDLES + step])

    def search(function, starts, method=trust_region):
        found = jax.vmap(lambda start: method(function, start))(starts)
        kept = dict(x=found.x, status=found.info.status, kind=found.info.kind)
        return {**kept, "steps": found.info.iterations, "value": found.info.objective}

    starts = jnp.concatenate([grid, others])
    found = [search(landscape.function, starts) for landscape in LANDSCAPES.values()]
    found = jax.tree.map(lambda *rows: jnp.stack(rows), *found)
    at = search(himmelblau, critical, gradient_descent)
    left, below, above = (
        {name: rows[1, len(grid) + 4 * part :][:4] for name, rows in found.items()}
        for part in range(3)
    )
    return {
        "axis": axis,
        **{name: rows[:, : len(grid)] for name, rows in found.items()},
        "critical_status": at["status"],
        "critical_kind": at["kind"],
        "fall": jax.vmap(himmelblau)(critical[:4]) - left["value"],
        "apart": jnp.linalg.norm(below["x"] - above["x"], axis=-1),
    }


def nearest(ends: np.ndarray, minima: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which minimum is nearest to each end, and how far it is."""
    far = np.linalg.norm(ends[..., None, :] - minima, axis=-1)
    return far.argmin(axis=-1), far.min(axis=-1)


def judge(config: Config, data, measured) -> Result:
    """Hold the ends against the known minima, and the saddles against what the search says."""
    del data
    x = np.asarray(measured["x"], float)  # (..., landscapes, starts, 2)
    found = [
        nearest(x[..., row, :, :], landscape.minima())
        for row, landscape in enumerate(LANDSCAPES.values())
    ]
    apart = np.stack([far for _, far in found], axis=-2)
    valley = found[1][0]
    visits = np.stack([(valley == index).sum(axis=-1) for index in range(4)], axis=-1)
    status, kind = np.asarray(measured["status"]), np.asarray(measured["kind"])
    second_order = Source("nocedal2006numerical", "theorem 2.4")
    claims = (
        Claim(
            name="every_start_ends_at_a_minimum",
            statement="Every start, on all three landscapes, ends at a strict local minimum.",
            measured=np.stack([status, kind]),
            relation="=",
            expected=np.zeros((2, *status.shape)),
            source=second_order,
            breaks_if=Fault("one end taken for a saddle", _changed("kind", Kind.SADDLE)),
        ),
        Claim(
            name="the_ends_are_known",
            statement=r"Every end is within $10^{-6}$ of a minimum that is known.",
            measured=apart.max(axis=-1),
            relation="<=",
            expected=1e-6,
            source="Rosenbrock 1960; Himmelblau 1972; the zeros of Rastrigin's slope, bracketed",
            breaks_if=Fault("one end off by a hundredth", _changed("x", 0.01, add=True)),
        ),
        Claim(
            name="all_four_valleys_are_found",
            statement="Each of Himmelblau's four minima is reached by an eighth of the starts or "
            "more.",
            measured=visits / x.shape[-2],
            relation=">=",
            expected=1 / 8,
            source="Himmelblau 1972",
            breaks_if=Fault("all starts in one valley", _one_valley),
        ),
        Claim(
            name="saddles_are_named",
            statement="Gradient descent that begins at one of Himmelblau's saddles, or at the "
            "maximum, stays there, and says that the point is no minimum, and of which kind.",
            measured=np.stack([measured["critical_status"], measured["critical_kind"]], axis=-2),
            relation="=",
            expected=np.array([[Status.STATIONARY] * 5, [Kind.SADDLE] * 4 + [Kind.MAXIMUM]]),
            source=second_order,
            breaks_if=Fault("a saddle taken for a minimum", _changed("critical_kind", 0)),
        ),
        Claim(
            name="a_saddle_is_left",
            statement="A search with curvatures leaves them for a minimum; begun a thousandth "
            "away from a saddle along its negative curvature, for another one on each side.",
            measured=np.concatenate([measured["fall"], measured["apart"]], axis=-1),
            relation=">=",
            expected=1.0,
            source=Source("nocedal2006numerical", "section 4.1"),
            breaks_if=Fault("both sides in one valley", _changed("apart", 0.0)),
        ),
    )
    lead = (0,) * (status.ndim - 2)
    steps = np.asarray(measured["steps"])[lead]
    table = Table(
        name="landscapes",
        title=f"{x.shape[-2]} starts on each landscape",
        columns={
            "landscape": list(LANDSCAPES),
            "minima reached": [len(np.unique(index[lead])) for index, _ in found],
            "lowest value": np.asarray(measured["value"])[lead].min(axis=-1),
            "steps, median": np.median(steps, axis=-1),
            "steps, most": steps.max(axis=-1),
        },
    )
    count = config.side
    series = dict(
        axis=np.asarray(measured["axis"]).reshape(-1, count)[0],
        valley=valley[lead].reshape(count, count) + 1,
        steps=steps[0].reshape(count, count),
        ends=x[lead][2],
    )
    return Result(claims, (table,), series)


def _changed(name: str, value, *, add: bool = False):
    """A fault: the first entry of the named array changed."""

    def plant(measured):
        array = np.array(measured[name])
        array.flat[0] = array.flat[0] + value if add else value
        return {**measured, name: array}

    return plant


def _one_valley(measured):
    x = np.array(measured["x"])
    x[..., 1, :, :] = x[..., 1, :1, :]
    return {**measured, "x": x}


def draw(result: Result) -> tuple[Plot, ...]:
    """The four valleys, the steps that Rosenbrock's takes, and the dents that were found."""
    series = result.series
    axis, ends = np.asarray(series["axis"]), np.asarray(series["ends"])
    x, y = Axis("x", "", "linear"), Axis("y", "", "linear")
    return (
        Plot(
            name="valleys",
            title="Which of Himmelblau's four minima a start ends in",
            alt="A square of starts coloured by the minimum that each reaches: four quarters "
            "whose borders meet near the maximum and wander a little.",
            x=x,
            y=y,
            image=series["valley"],
            x_values=axis,
            y_values=axis,
            color=Axis("minimum, by its number", "", "linear"),
            caption="Near a border the radius of trust decides on which side a step lands.",
        ),
        Plot(
            name="steps",
            title="The way along Rosenbrock's valley is the long one",
            alt="A square of starts coloured by the number of steps to the minimum at (1, 1): few "
            "where x is positive, many where the valley has to be followed round its bend.",
            x=x,
            y=y,
            image=series["steps"],
            x_values=axis,
            y_values=axis,
            color=Axis("steps", "", "linear"),
        ),
        Plot(
            name="dents",
            title="The dents of Rastrigin's landscape that were found",
            alt="The ends of all starts on Rastrigin's function: points on a square lattice.",
            x=x,
            y=y,
            lines=(Line("ends", ends[:, 0], ends[:, 1], style="points"),),
        ),
    )
