r"""Shadow prices: what one more unit of a scarce resource is worth, read from the multipliers.

A factory chooses how much to make of each product, $\max_x c \cdot x - \tfrac12 x^\top Q x$ subject
to $G x \le b$ and $x \ge 0$. At the best plan each resource has a price $\lambda_i \ge 0$ with
$c - Q x - G^\top \lambda \le 0$, zero for what is made, and $\lambda_i (b - G x)_i = 0$. It is
the slope of the best profit, $\partial v / \partial b_i = \lambda_i$.

As the hours $b$ of one plant grow, the profit $v(b)$ is concave: in the linear program straight
pieces, in the quadratic one parabolas. The price steps down to zero where hours are left over. At
the kinks a constraint starts or ceases to bind, and the price has no slope or two values.

Of a constraint that starts to bind, slack and price are both zero. An interior point sees them as
the square root of its tolerance; where they are of one size neither can be told from zero, and the
point is called irregular, at the tolerance of the config and at the default one, as the table of
kinks shows.
"""

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.constrained import Kind, Status, solve_qp
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O11", "O12", "O14")
SHOWN = ("hours", "x", "value", "price")
BOOK = Source("nocedal2006numerical", "section 12.1")


class Mix(NamedTuple):
    """Profits c, the diagonal of Q by which they fall with what is sold, and where v has kinks."""

    words: str
    profits: tuple[int, ...]
    falls: tuple[int, ...]
    kinks: tuple[Fraction | int, ...]


USE = ((1, 0), (0, 2), (3, 2))
"""Hours of each of three plants that a batch of doors and one of windows take."""
HOURS = (4, 12, 18)
"""That there are, a week. Those of the third plant are varied."""
MOST = 30
"""To how many."""

MIXES = {
    "linear": Mix("a batch always earns the same", (3, 5), (0, 0), (0, 12, 24)),
    "quadratic": Mix(
        "a batch earns less, the more are sold",
        (126, 182),
        (18, 26),
        (Fraction(98, 13), Fraction(302, 13), 24),
    ),
}
KINKS = 3
"""Of each."""


class Plan(NamedTuple):
    """The best plan, the prices of the hours, the profit, and by how much an hour changes them."""

    x: list[Fraction]
    prices: list[Fraction]
    value: Fraction
    slopes: list[Fraction]


def exact(mix: Mix, hours) -> Plan:
    """Solve a product mix in rational numbers: the first set of rows held that fits all conditions.

    Where the third plant's hours are at a kink several sets fit, with prices of their own.
    """
    n, m = len(mix.profits), len(USE)
    zero, unit = [0] * n, [[-int(i == j) for j in range(n)] for i in range(n)]
    rows = [*USE, *unit]
    ends = [*HOURS[:-1], hours, *zero]
    for count in range(n + 1):
        for held in itertools.combinations(range(n + m), count):
            # Stationarity and the rows that are held, in x and their multipliers.
            top = [
                [mix.falls[i] * (i == j) for j in range(n)] + [rows[row][i] for row in held]
                for i in range(n)
            ]
            matrix = top + [[*rows[row], *[0] * count] for row in held]
            change = [*zero, *(int(row == m - 1) for row in held)]
            solved = _solved(matrix, [*mix.profits, *(ends[row] for row in held)], change)
            if solved is None:
                continue
            found, moved = solved
            x, z = found[:n], found[n:]
            left = [end - _dot(row, x) for row, end in zip(rows, ends, strict=True)]
            if min(left) < 0 or min(z, default=0) < 0:
                continue
            prices = dict(zip(held, z, strict=True))
            value = _dot(mix.profits, x) - _dot(mix.falls, [part**2 for part in x]) / 2
            slope = dict(zip(held, moved[n:], strict=True))
            return Plan(
                x,
                [prices.get(row, Fraction(0)) for row in range(m)],
                value,
                [slope.get(row, Fraction(0)) for row in range(m)],
            )
    raise ValueError(f"No plan fits {hours} hours.")


def _dot(a, b) -> Fraction:
    return sum((Fraction(left) * right for left, right in zip(a, b, strict=True)), Fraction(0))


def _solved(matrix, *rights):
    """Solve a square system for several right sides, in fractions; None of a singular one."""
    size = len(matrix)
    table = [[Fraction(entry) for entry in row] for row in matrix]
    for right in rights:
        for row, entry in zip(table, right, strict=True):
            row.append(Fraction(entry))
    for column in range(size):
        pivot = next((row for row in range(column, size) if table[row][column] != 0), None)
        if pivot is None:
            return None
        table[column], table[pivot] = table[pivot], table[column]
        table[column] = [entry / table[column][column] for entry in table[column]]
        for row in range(size):
            if row != column:
                factor = table[row][column]
                table[row] = [
                    a - factor * b for a, b in zip(table[row], table[column], strict=True)
                ]
    return [[row[size + index] for row in table] for index in range(len(rights))]


@dataclass(frozen=True)
class Config:
    """At how many hours of the third plant, from none to 30, programs are solved, and how well."""

    points: Annotated[int, Field(ge=10, le=1000)] = 60
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-14


def load(config: Config) -> tuple:
    """Nothing is read: the programs stand above."""
    del config
    return ()


def hours(config: Config) -> list[Fraction]:
    """The middles of equal parts, none of which is a kink."""
    return [Fraction(MOST * (2 * k + 1), 2 * config.points) for k in range(config.points)]


def measure(config: Config, data, key) -> dict:
    """Solve every program at all hours and at its kinks, and differentiate profit and prices."""
    del data, key
    grid = [float(hour) for hour in hours(config)]
    kinks = [[float(kink) for kink in mix.kinks] for mix in MIXES.values()]
    varied = jnp.asarray([[*grid, *row, *row] for row in kinks])
    usual = jnp.finfo(varied.dtype).eps ** 0.6  # the default
    usual = jnp.full(len(kinks[0]), usual, varied.dtype)
    fine = jnp.full(varied.shape[1] - usual.size, config.tolerance, varied.dtype)
    tolerances = jnp.concatenate([fine, usual])
    use = jnp.asarray(USE, varied.dtype)
    ends = jnp.asarray(HOURS, varied.dtype)
    profits = jnp.asarray([mix.profits for mix in MIXES.values()], varied.dtype)
    falls = jnp.asarray([mix.falls for mix in MIXES.values()], varied.dtype)

    def at(profits, falls, hour, tolerance):
        b = ends.at[-1].set(hour)

        def profit(b):
            x, multipliers, info = solve_qp(
                jnp.diag(falls),
                -profits,
                G=use,
                upper=b,
                bounds=(0, jnp.inf),
                tolerance=tolerance,
            )
            value, prices = -info.objective, multipliers.inequality
            return (value, prices), (x, value, prices, info)

        (slope, change), (x, value, prices, info) = jax.jacfwd(profit, has_aux=True)(b)
        return {
            "hours": hour,
            "x": x,
            "value": value,
            "price": prices,
            "slope": slope,
            "change": change[:, -1],
            "left": b - use @ x,
            "reduced": profits - falls * x - use.T @ prices,
            "dual": b @ prices + x @ (falls * x) / 2,
            "status": info.status,
            "kind": info.kind,
            "regular": info.regular,
        }

    return jax.vmap(jax.vmap(at, (None, None, 0, 0)), (0, 0, 0, None))(
        profits, falls, varied, tolerances
    )


def judge(config: Config, data, measured) -> Result:
    """Hold plans, prices and profits against rational arithmetic, and prices against slopes."""
    del data
    count = config.points
    grid = {name: np.asarray(array)[..., :count, *_rest(name)] for name, array in measured.items()}
    kink, usual = (
        {name: np.asarray(array)[..., part, *_rest(name)] for name, array in measured.items()}
        for part in (slice(count, count + KINKS), slice(count + KINKS, None))
    )
    plans = [[exact(mix, hour) for hour in hours(config)] for mix in MIXES.values()]
    truth = {
        name: np.array([[getattr(plan, name) for plan in row] for row in plans], float)
        for name in Plan._fields
    }
    known = np.array(
        [[exact(mix, hour).value for hour in mix.kinks] for mix in MIXES.values()], float
    )
    top = truth["value"].max(axis=-1)[:, None]
    first = truth["prices"].max(axis=(-1, -2))[:, None]
    plenty = grid["hours"] > 24
    claims = (
        Claim(
            name="every_solve_is_optimal",
            statement="Every program is solved, at a global optimum, and away from the kinks its "
            "solution is regular.",
            measured=np.stack([grid["status"], grid["kind"], grid["regular"]], axis=-1),
            relation="=",
            expected=np.array([Status.OPTIMAL, Kind.GLOBAL, 1]),
            source="what each solve says of itself",
            breaks_if=Fault("one solve given up", _changed("status", Status.STALLED, 0)),
        ),
        Claim(
            name="plans_equal_rational",
            statement="The best plans $x$ are those of rational arithmetic over all sets of "
            "constraints that may bind.",
            measured=grid["x"],
            relation="=",
            expected=truth["x"],
            tolerance=1e-11,
            source="fractions: every set of binding constraints tried",
            breaks_if=Fault("one batch off by a millionth", _changed("x", 1e-6)),
        ),
        Claim(
            name="profits_equal_rational",
            statement="So are the best profits, in shares of the largest.",
            measured=grid["value"] / top,
            relation="=",
            expected=truth["value"] / top,
            tolerance=1e-11,
            source="fractions: every set of binding constraints tried",
            breaks_if=Fault("one profit off by a millionth", _changed("value", 1e-3)),
        ),
        Claim(
            name="prices_equal_rational",
            statement=r"The multipliers $\lambda$ of all three plants are the rational prices, in "
            "shares of the largest.",
            measured=grid["price"] / first[..., None],
            relation="=",
            expected=truth["prices"] / first[..., None],
            tolerance=1e-11,
            source="fractions: every set of binding constraints tried",
            breaks_if=Fault(r"the other sign, $L = f - \lambda g$", _negated("price")),
        ),
        Claim(
            name="price_equals_slope",
            statement=r"Each price equals $\partial v / \partial b_i$, which JAX takes through the "
            "solver (the envelope theorem), in shares of the largest.",
            measured=grid["slope"] / first[..., None],
            relation="=",
            expected=grid["price"] / first[..., None],
            tolerance=1e-11,
            source=Source("boyd2004convex", "section 5.6.3"),
            breaks_if=Fault("one slope off by a thousandth", _changed("slope", 1e-3)),
        ),
        Claim(
            name="price_falls_as_rational",
            statement=r"An hour more changes the prices by $\partial\lambda / \partial b_3$ of "
            "rational arithmetic: zero in the linear program, and in the quadratic one the "
            "curvature of the profit.",
            measured=grid["change"],
            relation="=",
            expected=truth["slopes"],
            tolerance=1e-10,
            source="fractions: the binding set's own equations",
            breaks_if=Fault("one curvature off by a thousandth", _changed("change", 1e-3)),
        ),
        Claim(
            name="slackness_is_complementary",
            statement=r"No price is negative, no hour is missing, and $\lambda_i (b - G x)_i$ is "
            "zero: what is left over costs nothing. What is made earns its hours' prices, and "
            "what earns less isn't made.",
            measured=np.concatenate(
                [
                    -grid["price"],
                    -grid["left"],
                    np.abs(grid["price"] * grid["left"]),
                    grid["reduced"],
                    np.abs(grid["reduced"] * grid["x"]),
                ],
                axis=-1,
            )
            / first[..., None],
            relation="<=",
            expected=1e-11,
            source=Source("nocedal2006numerical", "theorem 12.1"),
            breaks_if=Fault(
                "a price for hours that are left over", _changed("price", 1.0, count - 1)
            ),
        ),
        Claim(
            name="no_duality_gap",
            statement=r"The hours at their prices, $b \cdot \lambda + \tfrac12 x^\top Q x$, are "
            "worth the profit; the gap is in shares of the largest profit.",
            measured=grid["dual"] / top,
            relation="=",
            expected=grid["value"] / top,
            tolerance=1e-11,
            source=Source("boyd2004convex", "section 5.2.3"),
            breaks_if=Fault("a gap of a millionth", _changed("dual", 1e-3)),
        ),
        Claim(
            name="more_hours_never_cost_more",
            statement="The profit is concave in the hours: from each number of them to the next "
            "it rises by no more than the price before and by no less than the price after.",
            measured=_beyond(grid) / top[..., None],
            relation="<=",
            expected=1e-11,
            source=Source("boyd2004convex", "section 5.6.2"),
            breaks_if=Fault("one profit too large", _changed("value", 50.0, count // 2)),
        ),
        Claim(
            name="plenty_is_free",
            statement="Beyond 24 hours the third plant isn't scarce, and its price is zero, in "
            "shares of the largest.",
            measured=np.where(plenty, np.abs(grid["price"][..., -1]), 0) / first,
            relation="<=",
            expected=1e-11,
            source=BOOK,
            breaks_if=Fault("the last price not zero", _changed("price", 1e-4, count - 1)),
        ),
        Claim(
            name="kinks_are_named",
            statement="At every kink the solve says that its solution isn't regular, and the "
            "derivatives of profit and prices are NaN, not one of two slopes.",
            measured=np.concatenate(
                [
                    ~kink["regular"][..., None].astype(bool),
                    np.isnan(kink["slope"]),
                    np.isnan(kink["change"]),
                ],
                axis=-1,
            ),
            relation="true",
            expected=True,
            source=Source("nocedal2006numerical", "section 12.1"),
            breaks_if=Fault("a slope at one kink", _changed("slope", 1.0, count, put=True)),
        ),
        Claim(
            name="kinks_have_their_profit",
            statement="The profit itself is right at the kinks, in shares of the largest.",
            measured=kink["value"] / top,
            relation="=",
            expected=known / top,
            tolerance=1e-11,
            source="fractions: every set of binding constraints tried",
            breaks_if=Fault("one profit off by a millionth", _changed("value", 1e-3, count)),
        ),
    )
    book = {name: exact(mix, HOURS[-1]) for name, mix in MIXES.items()}
    table = Table(
        name="textbook",
        title=f"The best plans with {HOURS[-1]} hours in the third plant, in rational numbers",
        columns={
            "program": list(MIXES),
            "meaning": [mix.words for mix in MIXES.values()],
            "doors": [str(plan.x[0]) for plan in book.values()],
            "windows": [str(plan.x[1]) for plan in book.values()],
            "profit": [str(plan.value) for plan in book.values()],
            **{
                f"price of plant {row + 1}": [str(plan.prices[row]) for plan in book.values()]
                for row in range(len(USE))
            },
            "kinks [hours]": [", ".join(map(str, mix.kinks)) for mix in MIXES.values()],
        },
    )
    lead = (0,) * (grid["value"].ndim - 2)
    kinks = Table(
        name="kinks",
        title="What the solves say at the kinks",
        columns={
            "program": [name for name, mix in MIXES.items() for _ in mix.kinks],
            "hours": [str(hour) for mix in MIXES.values() for hour in mix.kinks],
            "regular": kink["regular"][lead].ravel().astype(bool),
            "regular, at the default tolerance": usual["regular"][lead].ravel().astype(bool),
            "its price's slope there": usual["change"][lead][..., -1].ravel(),
        },
    )
    # The kinks stand among the rest, without the prices: they have none, or two.
    series = {name: np.concatenate([grid[name][lead], kink[name][lead]], axis=1) for name in SHOWN}
    series["price"][:, count:] = np.nan
    order = np.argsort(series["hours"], axis=1)
    series = {
        name: np.take_along_axis(
            array, order.reshape(*order.shape, *[1] * (array.ndim - 2)), axis=1
        )
        for name, array in series.items()
    }
    return Result(claims, (table, kinks), series)


def _rest(name: str) -> tuple:
    """How to index what an array has behind its points."""
    return (slice(None),) if name in ("x", "price", "slope", "change", "left", "reduced") else ()


def _beyond(grid) -> np.ndarray:
    """By how much a rise of the profit exceeds the price before, or falls short of that after."""
    price, width = grid["price"][..., -1], np.diff(grid["hours"], axis=-1)
    rise = np.diff(grid["value"], axis=-1)
    return np.stack([rise - price[..., :-1] * width, price[..., 1:] * width - rise], axis=-1)


def _changed(name: str, value, point: int = 0, *, put: bool = False):
    """A fault: the last program's array changed at one point, in its last entry."""

    def plant(measured):
        array = np.array(measured[name])
        index = (..., -1, point, *((-1,) * len(_rest(name))))
        array[index] = value if put or array.dtype.kind in "iu" else array[index] + value
        return {**measured, name: array}

    return plant


def _negated(name: str):
    return lambda measured: {**measured, name: -np.asarray(measured[name])}


def draw(result: Result) -> tuple[Plot, ...]:
    """The profit of each program with its tangents, and the price of an hour."""
    hours, value, price = (np.asarray(result.series[name]) for name in ("hours", "value", "price"))
    price = price[..., -1]
    x = Axis("time in the third plant", "hours a week", "linear")

    def profit(row, name, alt, caption):
        lines = [Line("best profit", hours[row], value[row])]
        for near in (4.0, 18.0, 27.0):
            far = np.abs(hours[row] - near)
            at = int(np.argmin(np.where(np.isnan(price[row]), np.inf, far)))
            tangent = value[row, at] + price[row, at] * (hours[row] - hours[row, at])
            shown = np.where(np.abs(hours[row] - hours[row, at]) < 10, tangent, np.nan)
            lines.append(
                Line(f"slope {np.round(price[row, at], 9):.3g}", hours[row], shown, style="dashed")
            )
        return Plot(
            name=f"profit_{name}",
            title=f"The price of an hour is the slope of the {name} program's profit",
            alt=alt,
            x=x,
            y=Axis("best profit", "thousand dollars a week", "linear"),
            lines=tuple(lines),
            caption=caption,
        )

    return (
        profit(
            0,
            "linear",
            "The best profit over the hours of the third plant: three straight pieces, ever "
            "flatter, with kinks at 12 and 24 hours, each prolonged by a dashed line.",
            "Dashed: lines whose slope is the multiplier. None is ever below the profit.",
        ),
        profit(
            1,
            "quadratic",
            "The best profit over the hours of the third plant: a curve that bends downwards and "
            "is flat from 24 hours, with three dashed tangents.",
            "Dashed: tangents whose slope is the multiplier. None is ever below the profit.",
        ),
        Plot(
            name="price",
            title="An hour's price falls to zero where hours are left over",
            alt="The price of an hour as a share of the first one's: of the linear program a "
            "staircase with steps at 12 and 24 hours, of the quadratic one lines that fall, and "
            "a last step to zero at 24.",
            x=x,
            y=Axis("price of an hour", "share of the first hour's", "linear"),
            lines=tuple(
                Line(name, hours[row], price[row] / np.nanmax(price[row]))
                for row, name in enumerate(MIXES)
            ),
            marks={"plenty": 24.0},
            caption="Gaps: the kinks of the profit, where the price has two values, or no slope.",
        ),
    )
