r"""Lagrange multipliers of textbook problems, and what they mean: the price of a constraint.

Each problem minimises $f(x)$ subject to $h(x) = c$. Where $L(x, \lambda) = f(x) + \lambda\,(h(x) -
c)$ has a gradient of zero, $\nabla f + \lambda \nabla h = 0$ and $h(x) = c$. The multiplier says by
how much the optimal value $f^*$ changes when the right-hand side is raised:
$\mathrm{d}f^*/\mathrm{d}c = -\lambda$, the shadow price.

Every problem here has an answer in closed form, for every $c$; the solver knows none of them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.constrained import Kind, Status, solve_equality
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O11",)


class Problem(NamedTuple):
    """Minimise `objective(x)` where `level(x)` is c, and the answer as functions of c."""

    words: str
    objective: Callable[[Any], Any]
    level: Callable[[Any], Any]
    nominal: float
    start: tuple[float, ...]
    x: Callable[[Any], tuple[Any, ...]]
    multiplier: Callable[[Any], Any]
    value: Callable[[Any], Any]


NORMAL = (1.0, 2.0, 2.0)
PRICES, SHARE = (2.0, 5.0), 0.3

PROBLEMS = {
    "circle": Problem(
        "the lowest point x + y of the circle x^2 + y^2 = c",
        lambda x: x[0] + x[1],
        lambda x: x @ x,
        2.0,
        (-1.0, -0.4),
        lambda c: (-np.sqrt(c / 2), -np.sqrt(c / 2)),
        lambda c: 1 / np.sqrt(2 * c),
        lambda c: -np.sqrt(2 * c),
    ),
    "plane": Problem(
        "the point of the plane x + 2y + 2z = c closest to the origin",
        lambda x: x @ x,
        lambda x: x @ jnp.asarray(NORMAL, x.dtype),
        3.0,
        (1.0, 0.0, 0.0),
        lambda c: tuple(c * a / 9 for a in NORMAL),
        lambda c: -2 * c / 9,
        lambda c: c**2 / 9,
    ),
    "box": Problem(
        "the largest box of the surface c",
        lambda x: -jnp.prod(x),
        lambda x: 2 * (x[0] * x[1] + x[1] * x[2] + x[2] * x[0]),
        24.0,
        (1.0, 2.0, 3.0),
        lambda c: (np.sqrt(c / 6),) * 3,
        lambda c: np.sqrt(c / 6) / 4,
        lambda c: -((c / 6) ** 1.5),
    ),
    "can": Problem(
        "the can of volume c with the smallest surface; it is as high as wide",
        lambda x: 2 * jnp.pi * x[0] * (x[0] + x[1]),
        lambda x: jnp.pi * x[0] ** 2 * x[1],
        2 * math.pi,
        (0.8, 2.5),
        lambda c: ((c / (2 * np.pi)) ** (1 / 3), 2 * (c / (2 * np.pi)) ** (1 / 3)),
        lambda c: -2 / (c / (2 * np.pi)) ** (1 / 3),
        lambda c: 6 * np.pi * (c / (2 * np.pi)) ** (2 / 3),
    ),
    "entropy": Problem(
        "the largest entropy of four parts whose sum is c",
        lambda x: jnp.sum(x * jnp.log(x)),
        lambda x: jnp.sum(x),
        1.0,
        (0.1, 0.2, 0.3, 0.4),
        lambda c: (c / 4,) * 4,
        lambda c: -1 - np.log(c / 4),
        lambda c: c * np.log(c / 4),
    ),
    "demand": Problem(
        "the most useful basket for the money c: utility x^0.3 y^0.7, prices 2 and 5",
        lambda x: -(x[0] ** SHARE) * x[1] ** (1 - SHARE),
        lambda x: x @ jnp.asarray(PRICES, x.dtype),
        100.0,
        (10.0, 10.0),
        lambda c: (SHARE * c / PRICES[0], (1 - SHARE) * c / PRICES[1]),
        lambda c: _utility(c) / c,
        lambda c: -_utility(c),
    ),
    "eigenvalue": Problem(
        "the least of 2x^2 + 2xy + 2y^2 on the circle of squared radius c: the least eigenvalue, 1",
        lambda x: 2 * (x[0] ** 2 + x[0] * x[1] + x[1] ** 2),
        lambda x: x @ x,
        1.0,
        (1.0, -0.5),
        lambda c: (np.sqrt(c / 2), -np.sqrt(c / 2)),
        lambda c: -np.ones_like(c),
        lambda c: c,
    ),
}


def _utility(c):
    return c * (SHARE / PRICES[0]) ** SHARE * ((1 - SHARE) / PRICES[1]) ** (1 - SHARE)


@dataclass(frozen=True)
class Config:
    """How far, and at how many points, the right-hand sides go around those of the textbook."""

    least: Annotated[float, Field(gt=0, le=1)] = 0.5
    most: Annotated[float, Field(ge=1)] = 2.0
    points: Annotated[int, Field(ge=3)] = 41


def load(config: Config) -> tuple:
    """Nothing is read: the problems stand above."""
    del config
    return ()


def measure(config: Config, data, key) -> dict:
    """Solve every problem at every right-hand side, and differentiate its optimal value."""
    del data, key
    shares = jnp.linspace(config.least, config.most, config.points)
    solved = {name: _solve_all(problem, shares) for name, problem in PROBLEMS.items()}
    # Problems have different numbers of unknowns: the points lie side by side.
    points = jnp.concatenate([result.pop("x") for result in solved.values()], axis=1)
    stacked = jax.tree.map(lambda *rows: jnp.stack(rows), *solved.values())
    return {**stacked, "x": points}


def _solve_all(problem: Problem, shares) -> dict:
    def solve(c):
        return solve_equality(
            lambda x, c: problem.objective(x),
            lambda x, c: problem.level(x) - c,
            jnp.asarray(problem.start, c.dtype),
            c,
        )

    def value(c):
        solution = solve(c)
        return solution.info.objective, solution

    def at(c):
        (optimum, (x, multiplier, info)), slope = jax.value_and_grad(value, has_aux=True)(c)
        gradient = jax.grad(problem.objective)(x) + multiplier * jax.grad(problem.level)(x)
        return {
            "c": c,
            "x": x,
            "multiplier": multiplier,
            "value": optimum,
            "slope": slope,
            "price": -multiplier,
            "residual": jnp.maximum(jnp.max(jnp.abs(gradient)), jnp.abs(problem.level(x) - c)),
            "status": info.status,
            "kind": info.kind,
            "iterations": info.iterations,
        }

    return jax.vmap(at)(problem.nominal * shares)


def judge(config: Config, data, measured) -> Result:
    """Hold points, multipliers and prices against the closed forms."""
    del config, data
    right = np.asarray(measured["c"], float)  # (..., problems, points)
    rows = [(problem, right[..., index, :]) for index, problem in enumerate(PROBLEMS.values())]
    textbook = {
        "x": np.concatenate([np.stack(problem.x(c), axis=-1) for problem, c in rows], axis=-1),
        "multiplier": np.stack([problem.multiplier(c) for problem, c in rows], axis=-2),
        "value": np.stack([problem.value(c) for problem, c in rows], axis=-2),
    }
    book = Source("nocedal2006numerical", "section 12.1")
    claims = (
        Claim(
            name="every_solve_is_optimal",
            statement="Every solve ends optimal, at a strict minimum along the constraint.",
            measured=np.stack([measured["status"], measured["kind"]]),
            relation="=",
            expected=np.zeros((2, *right.shape)),
            source=Source("nocedal2006numerical", "theorem 12.6"),
            breaks_if=Fault(
                "one point taken for a saddle", _with("kind", lambda kind: _first(kind, 2))
            ),
        ),
        Claim(
            name="points_equal_textbook",
            statement="The solutions $x$ are those of the closed forms.",
            measured=measured["x"],
            relation="=",
            expected=textbook["x"],
            tolerance=1e-9,
            relative=True,
            source="the closed form of each problem, derived on paper",
            breaks_if=Fault(
                "one point off by a part in a million",
                _with("x", lambda x: _first(x, x[..., :1, :1] * (1 + 1e-6))),
            ),
        ),
        Claim(
            name="multipliers_equal_textbook",
            statement=r"The multipliers $\lambda$ are those of the closed forms.",
            measured=measured["multiplier"],
            relation="=",
            expected=textbook["multiplier"],
            tolerance=1e-9,
            relative=True,
            source=book,
            breaks_if=Fault(
                r"the other sign, $L = f - \lambda g$", _with("multiplier", lambda m: -m)
            ),
        ),
        Claim(
            name="values_equal_textbook",
            statement="The optimal values $f^*$ are those of the closed forms.",
            measured=measured["value"],
            relation="=",
            expected=textbook["value"],
            tolerance=1e-11,
            relative=True,
            source="the closed form of each problem, derived on paper",
            breaks_if=Fault(
                "values off by a part in a million",
                _with("value", lambda value: value * (1 + 1e-6)),
            ),
        ),
        Claim(
            name="price_equals_gradient",
            statement=r"The shadow price $-\lambda$ equals $\mathrm{d}f^*/\mathrm{d}c$, which JAX "
            "takes through the solver (the envelope theorem).",
            measured=measured["price"],
            relation="=",
            expected=measured["slope"],
            tolerance=1e-9,
            relative=True,
            source=Source("boyd2004convex", "section 5.6.3"),
            breaks_if=Fault(
                "one price off by a part in a million",
                _with("price", lambda price: _first(price, price[..., :1, :1] * (1 + 1e-6))),
            ),
        ),
        Claim(
            name="conditions_hold",
            statement=r"No entry of $\nabla f + \lambda \nabla h$ and of $h(x) - c$ is larger than "
            "$10^{-10}$.",
            measured=measured["residual"],
            relation="<=",
            expected=1e-10,
            source=book,
            breaks_if=Fault("a residual of 1e-9", _with("residual", lambda r: r + 1e-9)),
        ),
    )
    middle = (0,) * (right.ndim - 2) + (slice(None), right.shape[-1] // 2)
    table = Table(
        name="problems",
        title="The problems, at the middle right-hand side",
        columns={
            "problem": [problem.words for problem in PROBLEMS.values()],
            "c": right[middle],
            "optimal value": np.asarray(measured["value"])[middle],
            "multiplier": np.asarray(measured["multiplier"])[middle],
            "shadow price": np.asarray(measured["price"])[middle],
            "steps": np.asarray(measured["iterations"])[middle],
            "status": [Status(int(code)).name.lower() for code in measured["status"][middle]],
            "kind": [Kind(int(code)).name.lower() for code in measured["kind"][middle]],
        },
    )
    series = {name: measured[name] for name in ("c", "x", "multiplier", "value", "price")}
    return Result(claims, (table,), series)


def _with(name: str, change):
    """A fault: the named array changed."""
    return lambda measured: {**measured, name: change(np.asarray(measured[name]))}


def _first(array, value):
    """A copy with the first entry of the last two axes replaced."""
    changed = np.array(array)
    changed[..., :1, :1] = value
    return changed


def draw(result: Result) -> tuple[Plot, ...]:
    """The largest volume against the surface, with the tangent whose slope is the price."""
    row = list(PROBLEMS).index("box")

    def curve(name):
        array = np.asarray(result.series[name])
        return array.reshape(-1, *array.shape[-2:])[0, row]

    c, value, multiplier = curve("c"), curve("value"), curve("multiplier")
    middle = int(np.argmin(np.abs(c - PROBLEMS["box"].nominal)))
    price = multiplier[middle]  # of the volume, minus the value
    tangent = -value[middle] + price * (c - c[middle])
    return (
        Plot(
            name="shadow_price",
            title="The multiplier is the slope of the optimal value",
            alt="The volume of the largest box against its surface, a curve bending upwards, and "
            "at one surface the straight line with the multiplier as its slope, which "
            "touches the curve.",
            x=Axis("surface c", "square units", "linear"),
            y=Axis("largest volume", "cubic units", "linear"),
            lines=(
                Line("largest volume", c, -value),
                Line(f"tangent, slope {price:.3g} = multiplier", c, tangent, style="dashed"),
            ),
            marks={"tangent point": float(c[middle])},
        ),
    )
