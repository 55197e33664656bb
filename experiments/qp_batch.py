r"""A batch of quadratic programs in one program: each ends with a solution or with a proof.

$$ \min_x \tfrac12 x^\top P x + q^\top x \quad\text{subject to}\quad G x \le h. $$

A third of the programs has a minimum, a third has rows that contradict each other, and a third
falls without end along a ray. What proves it is checked here in NumPy: multipliers z >= 0 with
$G^\top z = 0$ and $h \cdot z < 0$ leave no feasible point (Farkas), and a ray d with
$d \cdot P d = 0$, $q \cdot d < 0$ and $G d \le 0$ no minimum. Solutions are differentiated all
together; the truth is the linear system of the conditions on the rows that hold the solution back.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.constrained import Status, solve_qp
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result, Table

TOPICS = ("O12",)
KINDS = {"solvable": Status.OPTIMAL, "contradiction": Status.INFEASIBLE, "ray": Status.UNBOUNDED}


@dataclass(frozen=True)
class Config:
    """How many programs, and their size; a program has twice as many rows as unknowns."""

    programs: Annotated[int, Field(ge=3)] = 999
    unknowns: Annotated[int, Field(ge=3, le=20)] = 8


class Data(NamedTuple):
    """The programs, which kind each is, and the weights of the entries that are differentiated."""

    P: np.ndarray
    q: np.ndarray
    G: np.ndarray
    h: np.ndarray
    kind: np.ndarray
    weights: np.ndarray


def load(config: Config) -> Data:
    """Programs at random, whose kinds take turns."""
    count, n = config.programs, config.unknowns
    rng = np.random.default_rng(5)
    root, G = rng.normal(size=(count, n, n)), rng.normal(size=(count, 2 * n, n))
    P, q = root @ root.transpose(0, 2, 1) / n + 0.1 * np.eye(n), rng.normal(size=(count, n))
    h = np.einsum("kij,kj->ki", G, rng.normal(size=(count, n))) + rng.random((count, 2 * n))
    kind = np.arange(count) % 3
    # The last row of some is minus a mean of the others, and contradicts it.
    share = rng.random((count, 2 * n - 1))
    share /= share.sum(axis=1, keepdims=True)
    none = kind == 1
    G[none, -1] = -np.einsum("ki,kij->kj", share, G[:, :-1])[none]
    h[none, -1] = -(share * h[:, :-1]).sum(axis=1)[none] - 0.1
    # Some have no curvature along a ray, fall along it, and no row is in the way.
    ray = rng.normal(size=(count, n))
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    across, falls = np.eye(n) - ray[:, :, None] * ray[:, None], kind == 2
    P[falls] = (across @ P @ across)[falls]
    q[falls] -= (ray * ((q * ray).sum(axis=1, keepdims=True) + 0.1))[falls]
    uphill = np.einsum("kij,kj->ki", G, ray) > 0
    G[falls] = np.where(uphill[:, :, None], -G, G)[falls]
    return Data(P, q, G, h, kind, rng.normal(size=(count, n)))


def measure(config: Config, data: Data, key) -> dict:
    """Solve all of them side by side, and differentiate sums of the solutions' entries in q."""
    del config, key

    def solve(q, P, G, h, weights):
        found = solve_qp(P, q, G=G, upper=h)
        return found.x @ weights, found

    programs = (jnp.asarray(part) for part in (data.q, data.P, data.G, data.h, data.weights))
    (_, found), slope = jax.vmap(jax.value_and_grad(solve, has_aux=True))(*programs)
    proof = found.info.certificate
    return {
        "x": found.x,
        "z": found.multipliers.inequality,
        "slope": slope,
        "status": found.info.status,
        "regular": found.info.regular,
        "steps": found.info.iterations,
        "ray": proof.direction,
        "contradiction": proof.multipliers.inequality,
    }


def sizes(array: np.ndarray) -> np.ndarray:
    """The largest entry of each program's vector."""
    return np.abs(array).max(axis=-1)


def conditions(data: Data, own, x, z) -> np.ndarray:
    """Each program's largest residual of the conditions, relative to what it sums."""
    P, q, G, h = (part[own] for part in data[:4])
    Px, Gx = np.einsum("kij,...kj->...ki", P, x), np.einsum("kij,...kj->...ki", G, x)
    pull = np.einsum("kij,...ki->...kj", G, z)
    left = (
        sizes(Px + q + pull) / (1 + sizes(Px + q) + sizes(pull)),
        sizes(np.maximum(Gx - h, 0)) / (1 + sizes(Gx)),
        sizes(np.minimum(z, 0)) / (1 + sizes(z)),
        sizes(z * np.maximum(h - Gx, 0)) / (1 + sizes(z) * sizes(Gx)),
    )
    return np.max(left, axis=0)


def slopes(data: Data, own, z) -> np.ndarray:
    """The derivative of the weighted sums in q, from the system on the rows with a multiplier."""
    found = []
    for lane, held in zip(np.flatnonzero(own), z > 1e-6, strict=True):
        rows, n = data.G[lane][held], data.q.shape[1]
        system = np.block([[data.P[lane], rows.T], [rows, np.zeros((len(rows),) * 2)]])
        right = np.append(-data.weights[lane], np.zeros(len(rows)))
        found.append(np.linalg.solve(system, right)[:n])
    return np.array(found)


def judge(config: Config, data: Data, measured) -> Result:
    """Hold statuses, solutions, proofs and derivatives against NumPy."""
    del config
    status = np.asarray(measured["status"])
    wanted = np.array(list(KINDS.values()))[data.kind]
    own = [data.kind == index for index in range(3)]
    x, z = (np.asarray(measured[name], float)[..., own[0], :] for name in ("x", "z"))
    y = np.asarray(measured["contradiction"], float)[..., own[1], :]
    d = np.asarray(measured["ray"], float)[..., own[2], :]
    pull = np.einsum("kij,...ki->...kj", data.G[own[1]], y)
    bent = np.einsum("...ki,kij,...kj->...k", d, data.P[own[2]], d)
    beyond = np.maximum(np.einsum("kij,...kj->...ki", data.G[own[2]], d), 0)
    fall = (data.q[own[2]] * d).sum(axis=-1)
    first = (0,) * (status.ndim - 1)
    truth, slope = slopes(data, own[0], z[first]), np.asarray(measured["slope"], float)[first]
    claims = (
        Claim(
            name="every_status_is_right",
            statement="Every program ends with the status that it was made for.",
            measured=status,
            relation="=",
            expected=np.broadcast_to(wanted, status.shape),
            source="how the programs are made",
            breaks_if=Fault("one solution for another", _changed("status", Status.STALLED)),
        ),
        Claim(
            name="the_conditions_hold",
            statement="Of the solvable ones no condition of Karush, Kuhn and Tucker is off by more "
            "than $10^{-8}$, relative to the terms that it sums.",
            measured=conditions(data, own[0], x, z).max(axis=-1),
            relation="<=",
            expected=1e-8,
            source=Source("boyd2004convex", "section 5.5.3"),
            breaks_if=Fault("one multiplier off by a millionth", _changed("z", 1e-4)),
        ),
        Claim(
            name="contradictions_are_proven",
            statement="Of the contradictory ones the multipliers are not negative, sum the right "
            "sides to -1, and the rows to less than $10^{-6}$.",
            measured=np.max(
                [sizes(pull), sizes(np.minimum(y, 0)), np.abs((data.h[own[1]] * y).sum(-1) + 1)],
                axis=(0, -1),
            ),
            relation="<=",
            expected=1e-6,
            source=Source("boyd2004convex", "section 5.8.3"),
            breaks_if=Fault("one multiplier that is none", _changed("contradiction", 0.1, 1)),
        ),
        Claim(
            name="rays_are_proven",
            statement="Along the rays of the unbounded ones, of size one, the objective bends, "
            r"$d \cdot P d$, and the rows are left, by less than $10^{-6}$ of the slope "
            r"$-q \cdot d$ at which it falls.",
            measured=np.max([np.abs(bent) / -fall, sizes(beyond) / -fall], axis=(0, -1)),
            relation="<=",
            expected=1e-6,
            source=Source("boyd2004convex", "section 4.2.2"),
            breaks_if=Fault("one ray that points elsewhere", _changed("ray", 0.1, 2)),
        ),
        Claim(
            name="solutions_have_their_derivatives",
            statement="The derivatives of the solvable ones in q are those of the linear system of "
            "the rows that hold the solution back.",
            measured=slope[own[0]],
            relation="=",
            expected=truth,
            tolerance=1e-8,
            source=Source("nocedal2006numerical", "section 16.1"),
            breaks_if=Fault("one derivative off by a millionth", _changed("slope", 1e-6)),
        ),
        Claim(
            name="the_others_have_none",
            statement="The derivatives of the others are NaN, in every entry.",
            measured=np.isnan(slope[~own[0]]),
            relation="true",
            expected=None,
            source="there is no solution to differentiate",
            breaks_if=Fault("one number among them", _changed("slope", 0.0, 1, put=True)),
        ),
    )
    steps = np.asarray(measured["steps"])[first]
    table = Table(
        name="kinds",
        title=f"{len(data.kind)} programs of {data.q.shape[1]} unknowns",
        columns={
            "kind": list(KINDS),
            "programs": [int(lanes.sum()) for lanes in own],
            "steps, median": [float(np.median(steps[lanes])) for lanes in own],
            "steps, most": [int(steps[lanes].max()) for lanes in own],
        },
    )
    count = np.arange(1, steps.max() + 1)
    ended = np.stack([(steps[lanes][:, None] <= count).mean(axis=0) for lanes in own])
    return Result(claims, (table,), dict(steps=count, ended=ended))


def _changed(name: str, value, kind: int = 0, *, put: bool = False):
    """A fault: in the first program of a kind the first entry is moved, or replaced."""

    def plant(measured):
        array = np.array(measured[name])
        lanes = array if name == "status" else array[..., 0]
        lanes[..., kind] = value if put or name == "status" else lanes[..., kind] + value
        return {**measured, name: array}

    return plant


def draw(result: Result) -> tuple[Plot, ...]:
    """How many programs of each kind have ended after how many steps."""
    steps, ended = (np.asarray(result.series[name]) for name in ("steps", "ended"))
    return (
        Plot(
            name="steps",
            title="A solution is found before a proof that there is none",
            alt="The share of programs that have ended against the number of steps, a rising curve "
            "for each kind: solvable ones first, those that need a proof later.",
            x=Axis("steps", "", "linear"),
            y=Axis("share that has ended", "", "linear"),
            lines=tuple(Line(name, steps, row) for name, row in zip(KINDS, ended, strict=True)),
        ),
    )
