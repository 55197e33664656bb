r"""How fast first-order methods converge, against what the theory promises.

On a quadratic with curvatures between 1 and $\kappa$ the error in each eigendirection follows a
recursion $e_{k+1} = a e_k - b e_{k-1}$, and what decides is its roots: gradient descent with the
step $2 / (1 + \kappa)$ contracts by $(\kappa - 1) / (\kappa + 1)$ a step, Nesterov's method by
$1 - 1 / \sqrt\kappa$, Polyak's heavy ball by $(\sqrt\kappa - 1) / (\sqrt\kappa + 1)$. Where two
roots are complex, or equal, $e_{k+1} e_{k-1} - e_k^2$ shrinks by b, the square of their size, at
every step, which tells the rate exactly however the error swings.

Where there is no smallest curvature bounds remain: proximal gradient steps come within
$2 L r^2 / k$ of the least value and accelerated ones within $4 L r^2 / (k + 1)^2$, r being how far
the start is from a minimum; the gap of Frank and Wolfe's method bounds what is left.

The k-th iterate of a solver is its answer with a limit of k steps: all of them are lanes of one
program.
"""

from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import optax
from pydantic import Field

from jaxmath.formula import Source
from jaxmath.optimize import frank_wolfe, implied_by, newton, proximal_gradient
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O1", "O3")
METHODS = ("gradient descent", "Nesterov", "heavy ball")
UNKNOWNS = 20
LONG = 30
"""After so many steps the recursions are looked at."""


@dataclass(frozen=True)
class Config:
    """Condition numbers of the quadratics, and how many steps of the bounded methods are kept."""

    condition_numbers: Annotated[tuple[float, ...], Field(min_length=2)] = (10.0, 100.0, 1000.0)
    steps: Annotated[int, Field(ge=8, le=2000)] = 200


def load(config: Config) -> tuple:
    """Nothing is read: the problems are made."""
    del config
    return ()


def contraction(kappa):
    """The factor by which each method shrinks the error in a step, in the long run."""
    root = np.sqrt(kappa)
    return np.stack([(kappa - 1) / (kappa + 1), 1 - 1 / root, (root - 1) / (root + 1)])


def optimizers(kappa):
    """Each method with its best constants for curvatures between 1 and kappa."""
    _, _, _, plain, nesterov, heavy = implied_by(1.0, kappa)
    return (
        optax.sgd(plain.step),
        optax.sgd(nesterov.step, momentum=nesterov.momentum, nesterov=True),
        optax.sgd(heavy.step, momentum=heavy.momentum),
    )


def errors(optimizer, curvatures, steps: int):
    """The errors of all steps on a diagonal quadratic, from ones."""

    def step(carry, _):
        x, state = carry
        updates, state = optimizer.update(curvatures * x, state, x)
        x = jnp.asarray(optax.apply_updates(x, updates))
        return (x, state), x

    x = jnp.ones_like(curvatures)
    return jax.lax.scan(step, (x, optimizer.init(x)), length=steps)[1]


def least_squares() -> tuple[np.ndarray, np.ndarray]:
    """Nesterov's worst function for first-order methods, as a sum of squares."""
    rows = np.eye(UNKNOWNS + 1, UNKNOWNS) - np.eye(UNKNOWNS + 1, UNKNOWNS, k=-1)
    return rows, np.eye(UNKNOWNS + 1)[0]


def measure(config: Config, data, key) -> dict:
    """Run the methods with fixed steps, and the solvers with every limit of steps."""
    del data, key

    def fixed(kappa):
        curvatures = jnp.geomspace(1.0, kappa, UNKNOWNS)
        runs = [errors(optimizer, curvatures, LONG + 2) for optimizer in optimizers(kappa)]
        return jnp.stack(runs)

    runs = jax.lax.map(fixed, jnp.asarray(config.condition_numbers))
    rows, targets = map(jnp.asarray, least_squares())
    start, limits = jnp.zeros(UNKNOWNS), jnp.arange(1, config.steps + 1)

    def objective(x, args):
        return jnp.sum(jnp.square(rows @ x - targets)) / 2

    def proximal(acceleration):
        def value(limit):
            found = proximal_gradient(
                objective,
                lambda v, step, args: v,
                start,
                max_iterations=limit,
                tolerance=0.0,
                acceleration=acceleration,
                second_look=False,
            )
            return found.info.objective

        return jax.vmap(value)(limits)

    target = jnp.cos(jnp.arange(UNKNOWNS))

    def corner(slope, args):
        return jax.nn.one_hot(jnp.argmin(slope), UNKNOWNS, dtype=slope.dtype)

    def conditional(limit):
        found = frank_wolfe(
            lambda x, args: jnp.sum(jnp.square(x - target / UNKNOWNS)) / 2,
            corner,
            jnp.eye(UNKNOWNS)[0],
            max_iterations=limit,
            tolerance=0.0,
        )
        return jnp.stack([found.info.objective, found.info.gap])

    values, gaps = jax.vmap(conditional)(limits).T

    def root(limit):
        found = newton(
            lambda x, args: jnp.exp(x) - 1, jnp.asarray(1.0), max_iterations=limit, tolerance=0.0
        )
        return jnp.abs(found.x)

    return {
        "errors": runs,
        "plain": proximal(False),
        "accelerated": proximal(True),
        "frank_wolfe": values,
        "gap": gaps,
        "newton": jax.vmap(root)(jnp.arange(5)),
    }


def rates(runs: np.ndarray) -> np.ndarray:
    """By how much each method contracts the worst eigendirection in a step; methods come first."""

    def swing(k):
        e = runs[..., 1:, :, :]
        return e[..., k + 1, :] * e[..., k - 1, :] - e[..., k, :] ** 2

    plain = np.abs(runs[..., 0, LONG, :] / runs[..., 0, LONG - 1, :]).max(axis=-1)
    with np.errstate(invalid="ignore"):  # a direction that a step ends is no direction any more
        momentum = np.sqrt(np.nanmax(np.abs(swing(LONG) / swing(LONG - 1)), axis=-1))
    return np.moveaxis(np.concatenate([plain[..., None], momentum], axis=-1), -1, 0)


def least_values() -> tuple[float, float, float]:
    """Of the least squares: the least value, L, and the squared distance of the start."""
    rows, targets = least_squares()
    best, *_ = np.linalg.lstsq(rows, targets, rcond=None)
    value = np.sum((rows @ best - targets) ** 2) / 2
    return float(value), float(np.linalg.eigvalsh(rows.T @ rows)[-1]), float(best @ best)


def least_on_simplex() -> float:
    """Half the squared distance of the target from the simplex, by its sorted entries."""
    target = np.cos(np.arange(UNKNOWNS)) / UNKNOWNS
    falling = np.sort(target)[::-1]
    levels = (np.cumsum(falling) - 1) / np.arange(1, UNKNOWNS + 1)
    level = levels[np.flatnonzero(falling > levels)[-1]]
    return float(np.sum((np.maximum(target - level, 0) - target) ** 2) / 2)


def judge(config: Config, data, measured) -> Result:
    """Hold rates and values against the theory."""
    del data
    kappa = np.asarray(config.condition_numbers)
    found, theory = rates(np.asarray(measured["errors"], float)), contraction(kappa)
    theory = theory.reshape(3, *(1,) * (found.ndim - 2), len(kappa))
    k = np.arange(1, config.steps + 1)
    least, bend, square = least_values()
    left = {name: np.asarray(measured[name], float) - least for name in ("plain", "accelerated")}
    bounds = {"plain": 2 * bend * square / k, "accelerated": 4 * bend * square / (k + 1) ** 2}
    rest = np.asarray(measured["frank_wolfe"], float) - least_on_simplex()
    gap, newtons = np.asarray(measured["gap"], float), np.asarray(measured["newton"], float)
    claims = (
        Claim(
            name="contraction_of_a_step",
            statement=r"In the long run gradient descent contracts the error by $(\kappa - 1) / "
            r"(\kappa + 1)$ a step, Nesterov's method by $1 - 1 / \sqrt\kappa$, and the heavy ball "
            r"by $(\sqrt\kappa - 1) / (\sqrt\kappa + 1)$.",
            measured=found,
            relation="=",
            expected=np.broadcast_to(theory, found.shape),
            tolerance=1e-8,
            relative=True,
            source=Source("polyak1964some", "section 3"),
            breaks_if=Fault("a millionth of the error forgotten", _forgotten),
        ),
        *(
            Claim(
                name=f"bound_of_{name}_steps",
                statement=f"After every number of steps k the {words} proximal gradient method is "
                f"within {formula} of the least value.",
                measured=np.max(left[name] / bounds[name], axis=-1),
                relation="<=",
                expected=1.0,
                source=Source("beck2017first", theorem),
                breaks_if=Fault("values a hundred times as far off", _further(name, least)),
            )
            for name, words, formula, theorem in (
                ("plain", "plain", "$2 L r^2 / k$", "section 10.4"),
                ("accelerated", "accelerated", "$4 L r^2 / (k + 1)^2$", "section 10.7"),
            )
        ),
        Claim(
            name="acceleration_pays",
            statement="The accelerated method is nearer to the least value, by half, in the "
            "second half of the steps.",
            measured=np.max((left["accelerated"] / left["plain"])[..., len(k) // 2 :], axis=-1),
            relation="<=",
            expected=0.5,
            source=Source("beck2017first", "section 10.7"),
            breaks_if=Fault("no acceleration", _no_acceleration),
        ),
        Claim(
            name="the_gap_bounds_what_is_left",
            statement="What is left of the objective of Frank and Wolfe's method is at most its "
            "duality gap, at every step.",
            measured=np.max(rest - gap, axis=-1),
            relation="<=",
            expected=1e-15,
            source=Source("beck2017first", "section 13.2"),
            breaks_if=Fault("a gap a hundred times too small", _scaled("gap", 0.01)),
        ),
        Claim(
            name="bound_of_frank_and_wolfe",
            statement="Frank and Wolfe's method is within $2 L D^2 / (k + 2)$ of the least value, "
            r"for the diameter $D = \sqrt2$ of the simplex.",
            measured=np.max(rest * (k + 2) / 4, axis=-1),
            relation="<=",
            expected=1.0,
            source=Source("beck2017first", "section 13.2"),
            breaks_if=Fault("what is left, with a constant", _scaled("frank_wolfe", 40.0)),
        ),
        Claim(
            name="newton_squares_the_error",
            statement=r"Newton's method on $e^x = 1$ has an error of $e_{k+1} = e_k^2 / 2$ near "
            "the root.",
            measured=newtons[..., -1] / newtons[..., -2] ** 2,
            relation="=",
            expected=np.full(newtons.shape[:-1], 0.5),
            tolerance=1e-3,
            source=Source("nocedal2006numerical", "theorem 11.2"),
            breaks_if=Fault("an error that is halved", _halved),
        ),
    )
    first = (0,) * (found.ndim - 2)
    table = Table(
        name="rates",
        title="The contraction of a step, measured and promised",
        columns={
            "condition number": np.repeat(kappa, 3),
            "method": list(METHODS) * len(kappa),
            "measured": np.stack([row[first] for row in found]).T.ravel(),
            "promised": contraction(kappa).T.ravel(),
        },
    )
    lead = (0,) * (rest.ndim - 1)
    series = dict(
        k=k,
        plain=left["plain"][lead],
        accelerated=left["accelerated"][lead],
        plain_bound=bounds["plain"],
        accelerated_bound=bounds["accelerated"],
        frank_wolfe=rest[lead],
        gap=gap[lead],
        frank_wolfe_bound=4 / (k + 2),
        errors=np.abs(np.asarray(measured["errors"], float)).max(axis=-1)[first],
        kappa=kappa,
    )
    return Result(claims, (table,), series)


def _scaled(name: str, factor: float):
    return lambda measured: {**measured, name: np.asarray(measured[name]) * factor}


def _further(name: str, least: float):
    """What is left of the objective, multiplied so that a bound breaks."""
    return lambda measured: {
        **measured,
        name: least + 100 * (np.asarray(measured[name]) - least),
    }


def _no_acceleration(measured):
    return {**measured, "accelerated": measured["plain"]}


def _forgotten(measured):
    runs = np.array(measured["errors"])
    runs[..., LONG, :] *= 1 + 1e-6
    return {**measured, "errors": runs}


def _halved(measured):
    errors = np.array(measured["newton"])
    errors[..., -1] = errors[..., -2] / 2
    return {**measured, "newton": errors}


def draw(result: Result) -> tuple[Plot, ...]:
    """Errors with fixed steps, and what is left of the objective beside its bounds."""
    s = result.series
    k, runs = np.asarray(s["k"]), np.asarray(s["errors"])
    steps = np.arange(1, runs.shape[-1] + 1)
    middle = len(s["kappa"]) // 2
    kappa = float(np.asarray(s["kappa"])[middle])
    lines = [
        line
        for hue, (name, words) in enumerate((("plain", "plain"), ("accelerated", "accelerated")))
        for line in (
            Line(words, k, s[name], hue=hue),
            Line(f"{words}, bound", k, s[f"{name}_bound"], style="dashed", hue=hue),
        )
    ]
    return (
        Plot(
            name="fixed_steps",
            title=f"Momentum at a condition number of {kappa:g}",
            alt="The largest error against the step, on a logarithmic axis: gradient descent falls "
            "slowest, Nesterov's method faster, the heavy ball rises first and falls fastest.",
            x=Axis("step", "", "linear"),
            y=Axis("largest error", "", "log"),
            lines=tuple(
                Line(name, steps, run) for name, run in zip(METHODS, runs[middle], strict=True)
            ),
        ),
        Plot(
            name="bounds",
            title="Proximal gradient steps stay below their bounds",
            alt="What is left of the objective against the step, both axes logarithmic: the plain "
            "method and its bound, which falls like 1/k, and the accelerated one with its bound, "
            "which falls like 1/k^2.",
            x=Axis("step", "", "log"),
            y=Axis("above the least value", "", "log"),
            lines=tuple(lines),
        ),
        Plot(
            name="frank_wolfe",
            title="The gap of Frank and Wolfe's method bounds what is left",
            alt="What is left of the objective, the duality gap above it, and the bound, "
            "above both, falling on logarithmic axes.",
            x=Axis("step", "", "log"),
            y=Axis("above the least value", "", "log"),
            lines=(
                Line("what is left", k, s["frank_wolfe"]),
                Line("gap", k, s["gap"]),
                Line("bound", k, s["frank_wolfe_bound"], style="dashed"),
            ),
        ),
    )
