"""What a solver returns: the point, the multipliers, and how the search ended.

A failure is a value that explains itself: no solver raises because of its numbers, so that it works
under `jit`, and under `vmap` each lane has a status of its own.
"""

from collections import Counter
from enum import IntEnum
from typing import Any, NamedTuple

import jax
import numpy as np


class Status(IntEnum):
    """How a search ended. OPTIMAL alone is a success."""

    OPTIMAL = 0
    STATIONARY = 1
    INFEASIBLE = 2
    UNBOUNDED = 3
    SINGULAR = 4
    ITERATION_LIMIT = 5
    STALLED = 6
    NOT_FINITE = 7
    NOT_CONVEX = 8


class Kind(IntEnum):
    """What the curvature says of the point: of the Lagrangian, along the constraints if any."""

    MINIMUM = 0
    MAXIMUM = 1
    SADDLE = 2
    UNDECIDED = 3
    UNTESTED = 4
    ROOT = 5
    GLOBAL = 6


class Info(NamedTuple):
    """How a search ended, and by which figures; of a batch, one entry for each lane.

    Attributes:
        status: a `Status`.
        kind: a `Kind`: the second-order test.
        regular: whether the gradients of the constraints are independent, so that the multipliers
            are unique (the linear independence qualification, LICQ); true of a problem without
            constraints; of equations, whether their Jacobian is regular; of a program with
            inequalities, whether its solution can be differentiated.
        iterations: steps taken.
        objective: f(x); its derivatives in `args` are those of the optimal value.
        stationarity: the largest entry of the gradient of the Lagrangian.
        primal: the largest violation of a constraint or equation.
        error: the largest of the residuals, each relative to 1 plus the size of the terms that it
            sums; the solver compares this with `tolerance`.
        tolerance: what was asked for.
        complementarity: the largest product of a multiplier and its slack; None where there are no
            inequalities.
        gap: how far the objective is from its dual, relative to 1 plus their size; None where no
            dual is computed.
        certificate: of a solver that proves that there is no solution, its proof.
    """

    status: Any
    kind: Any
    regular: Any
    iterations: Any
    objective: Any
    stationarity: Any
    primal: Any
    error: Any
    tolerance: Any
    complementarity: Any = None
    gap: Any = None
    certificate: Any = None


class Solution(NamedTuple):
    """A point, its multipliers (shaped like the constraint's value), and how it was found."""

    x: Any
    multipliers: Any
    info: Info


SENTENCES = {
    Status.OPTIMAL: "Optimal: the conditions hold, and no allowed direction improves.",
    Status.STATIONARY: (
        "Stationary but no minimum: the first-order conditions hold, and some allowed direction "
        "decreases the objective; start elsewhere."
    ),
    Status.INFEASIBLE: (
        "Infeasible: no small change of the point brings the constraints or equations closer to "
        "holding; they contradict each other, or the start is poor."
    ),
    Status.UNBOUNDED: "Unbounded: the objective falls without end at points that are allowed.",
    Status.SINGULAR: (
        "Singular: the gradients of the constraints or equations are linearly dependent here, so "
        "that no multipliers balance the objective's gradient, and no step is determined."
    ),
    Status.ITERATION_LIMIT: "Iteration limit: the steps were used up before the tolerance was met.",
    Status.STALLED: "Stalled: no further step makes progress, and the tolerance is not met.",
    Status.NOT_FINITE: (
        "Not finite: a value or derivative at the start, or at the next point, is NaN or infinite."
    ),
    Status.NOT_CONVEX: (
        "Not convex: P has a negative eigenvalue, so that a stationary point need not be a minimum."
    ),
}

KINDS = {
    Kind.MINIMUM: "The point is a strict local minimum.",
    Kind.MAXIMUM: "The point is a strict local maximum among those allowed.",
    Kind.SADDLE: "The point is a saddle.",
    Kind.UNDECIDED: "The curvature vanishes in some direction, so second order decides nothing.",
    Kind.UNTESTED: "The curvature was not looked at.",
    Kind.ROOT: "The equations hold.",
    Kind.GLOBAL: "No allowed point is better, since the problem is convex.",
}


def describe(info: Info) -> str:
    """Say in sentences how a search ended; of a batch, how many lanes ended in which way."""
    status = np.asarray(info.status)
    if status.ndim:
        counts = Counter(map(int, status.ravel()))
        return "\n".join(
            f"{count} of {status.size} lanes: {SENTENCES[Status(code)]}"
            for code, count in sorted(counts.items())
        )
    code = Status(int(status))
    sentences = [SENTENCES[code]]
    if code in (Status.OPTIMAL, Status.STATIONARY):
        kind = Kind(int(info.kind))
        sentences.append(KINDS[kind])
        if kind is Kind.ROOT and not info.regular:
            sentences.append("Their Jacobian is singular there, so the root has no derivative.")
        elif not info.regular and kind is Kind.UNTESTED:
            sentences.append(
                "It is not the only one nearby, or lies on a kink, so it has no derivative."
            )
        elif not info.regular and info.complementarity is not None:
            sentences.append(
                "What holds it back is degenerate there, so it has no derivative in the data."
            )
        elif not info.regular:
            sentences.append(
                "The gradients of the constraints are dependent, so the multipliers are not "
                "unique; these are the smallest."
            )
    elif code in (Status.ITERATION_LIMIT, Status.STALLED):
        sentences.append(
            f"Reached a relative residual of {float(info.error):.1e}, asked for "
            f"{float(info.tolerance):.1e}, after {int(info.iterations)} steps."
        )
        if jax.numpy.asarray(info.error).dtype == np.float32:
            sentences.append(
                'These are float32 numbers; jax.config.update("jax_enable_x64", True) gives more '
                "digits."
            )
    return " ".join(sentences)
