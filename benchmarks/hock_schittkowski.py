"""The problems of Hock and Schittkowski (1981), with one set of defaults: a line for each.

`python -m benchmarks.hock_schittkowski [--names 71 13 ...]` takes definitions, starts and published
minima from the package sif2jax, problem by problem. Solved means: the residual of `kkt_residuals`,
each part relative to one plus its terms, is at most 1e-8, and the objective is within
1e-6 (1 + |f*|) of the published minimum. Another point that satisfies the second-order conditions,
be it better, is "local". Numbers that the collection leaves out, and problems that sif2jax lacks,
are not counted. Where its definition differs from the book in a sign, an end or a constant, and the
published point shows it, it is mended here. Beside stands how far the multipliers are from the
derivatives of the optimal value in what they are multipliers of, by differentiating the solver.
"""

import argparse
import functools
import importlib
import importlib.util
import re
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks.prices import priced, told
from benchmarks.record import keep
from jaxmath.constrained import (
    Kind,
    Multipliers,
    Problem,
    Solution,
    Status,
    kkt_residuals,
    minimize,
)

RESIDUAL, VALUE = 1e-8, 1e-6
INFINITE = 1e19
"""An end of this size is none."""
LAST = 119
TURNED = {64: [0], 76: [0, 1], 93: [1], 108: [*range(9), 12], 104: range(4)}
TURNED |= {number: range(5) for number in (101, 102, 103)}
"""Inequalities that sif2jax 0.0.8 returns with the sign of "at most zero"."""
RANGES = {83: [92.0, 20.0, 5.0], 84: [294e3, 294e3, 277200.0], 116: [INFINITE] * 3 + [200.0]}
RANGES[104], RANGES[118] = [INFINITE] * 4 + [3.2], [13.0, 14.0, 13.0] * 4
"""The upper ends that the book has and sif2jax leaves out, of the first rows."""
SHIFTS = {number: [1789.6, 1789.6, 2589.6] for number in (74, 75)}
SHIFTS[109] = [50.176 * part for part in (-800, -800, -1763.558, 400, 400, 45.876)]
"""What the constants of its equalities lack, so that the published point satisfies them."""
PUBLISHED = {5: -1.91322295, 34: -0.834032445, 84: -5280335.133, 86: -32.34867897}
PUBLISHED |= dict.fromkeys((88, 89, 90, 91, 92), 1.36265681)
"""Minima of the book that sif2jax lacks or has wrong."""


def least_squares_25(x, _):
    """The sum of 99 squares, at once: written out it takes minutes to compile."""
    i = jnp.arange(1, 100)
    u = 25 + (-50 * jnp.log(0.01 * i)) ** (2 / 3)
    return jnp.sum((jnp.exp(-((u - x[1]) ** x[2]) / x[0]) - 0.01 * i) ** 2)


WEIGHTS = [95, *range(105, 221, 5), *range(230, 251, 5)]
COUNTS = [1, 1, 4, 4, 15, 15, 15, 13, 21, 12, 17, 4, 20, 8, 17, 8, 6, 6, 7, 4, 3, 3, 8, 1, 6]
COUNTS += [5, 1, 7, 1, 2]


def likelihood_105(x, _):
    """Three normal populations in 235 weights, of which many are equal."""
    shares = jnp.array([x[0], x[1], 1 - x[0] - x[1]])
    apart = (jnp.array(WEIGHTS)[:, None] - x[2:5]) / x[5:]
    density = shares / (x[5:] * jnp.sqrt(2 * jnp.pi)) * jnp.exp(-(apart**2) / 2)
    return -jnp.array(COUNTS) @ jnp.log(jnp.sum(density, axis=1))


ROLLED = {25: least_squares_25, 105: likelihood_105}
"""Objectives that sif2jax writes out term by term."""
LACKING = {
    85: "sif2jax has zeros in its place",
    99: "sif2jax has two made-up equalities in its place",
}


@functools.cache
def folder() -> Path | None:
    """Where the package lies."""
    spec = importlib.util.find_spec("sif2jax")
    found = spec and spec.submodule_search_locations
    return Path(next(iter(found))) if found else None


def definitions() -> dict[int, Path]:
    """The file of each problem; nothing of the package is run for it."""
    root = folder()
    found = {}
    for path in root.rglob("hs*.py") if root else ():
        if (name := re.fullmatch(r"hs(\d+)", path.stem)) and int(name[1]) <= LAST:
            found[int(name[1])] = path
    return dict(sorted(found.items()))


def load(path: Path):
    """One problem; the packages above its module stay empty, since to run them takes minutes."""
    root = folder()
    assert root is not None
    parts = path.relative_to(root.parent).with_suffix("").parts
    for depth in range(1, len(parts)):
        name = ".".join(parts[:depth])
        if name not in sys.modules:
            sys.modules[name] = package = types.ModuleType(name)
            package.__path__ = [str(root.parent.joinpath(*parts[:depth]))]
    return getattr(importlib.import_module(".".join(parts)), path.stem.upper())()


class Case(types.SimpleNamespace):
    """A problem in the functions that `minimize` takes."""


def case(number: int, problem: Any) -> Case:
    def part(which):
        def value(x, args):
            del args
            rows = ravel_pytree(problem.constraint(x)[which])[0]
            return rows + shift if which == 0 else rows

        absent = not hasattr(problem, "constraint") or problem.constraint(problem.y0)[which] is None
        if absent or ravel_pytree(problem.constraint(problem.y0)[which])[0].size == 0:
            return None
        return value

    shift = np.array(SHIFTS.get(number, 0.0))
    ineq, lower, upper = part(1), None, None
    if ineq is not None:
        lower = np.zeros(ineq(problem.y0, None).size)
        upper = np.full(lower.size, np.inf)
        upper[: len(RANGES.get(number, []))] = RANGES.get(number, [])
        upper = np.where(upper >= INFINITE, np.inf, upper)
        for row in TURNED.get(number, ()):
            lower[row], upper[row] = -np.inf, 0.0

    bounds = getattr(problem, "bounds", None)
    if bounds is not None:
        low, high = (np.asarray(ravel_pytree(end)[0], float) for end in bounds)
        low = np.where(low <= -INFINITE, -np.inf, low)
        high = np.where(high >= INFINITE, np.inf, high)
        back = ravel_pytree(problem.y0)[1]
        bounds = back(jnp.asarray(low)), back(jnp.asarray(high))
    objective = ROLLED.get(number) or problem.objective
    return Case(
        objective=lambda x, args: jnp.squeeze(objective(x, args)),
        start=problem.y0,
        args=problem.args,
        eq=part(0),
        ineq=ineq,
        lower=lower,
        upper=upper,
        bounds=bounds,
        best=PUBLISHED.get(number, _number(problem.expected_objective_value)),
    )


def _number(value) -> float:
    return float("nan") if value is None else float(value)


def right_sides(given: Case) -> Multipliers:
    """What the equalities shall be, and the ends of the inequalities and of x."""
    eq = () if given.eq is None else jnp.zeros_like(given.eq(given.start, given.args))
    rows = () if given.ineq is None else (jnp.asarray(given.lower), jnp.asarray(given.upper))
    return Multipliers(eq, rows, given.bounds or ())


def judge(given: Case, found: Solution):
    """What `kkt_residuals` says."""

    def of(function):
        return lambda x: function(x, given.args)

    problem = Problem(of(given.objective), bounds=given.bounds)
    if given.eq is not None:
        problem = problem._replace(equality=of(given.eq))
    if given.ineq is not None:
        problem = problem._replace(inequality=of(given.ineq), lower=given.lower, upper=given.upper)
    return kkt_residuals(problem, found)


def solve(number: int, path: Path, **options) -> dict:
    """Solve one, and judge it from outside."""
    given = case(number, load(path))

    def equalities(x, args):
        return given.eq(x, args[0]) - args[1]

    def inequalities(x, args):
        return given.ineq(x, args[0])

    def of(ends):
        args = given.args, ends.equality
        return minimize(
            lambda x, args: given.objective(x, args[0]),
            given.start,
            args,
            eq=None if given.eq is None else equalities,
            ineq=None if given.ineq is None else inequalities,
            lower=ends.inequality[0] if ends.inequality else None,
            upper=ends.inequality[1] if ends.inequality else None,
            bounds=ends.bounds or None,
            **options,
        )

    begun = time.perf_counter()
    found, prices = priced(of, right_sides(given))
    seconds = time.perf_counter() - begun
    residual, value = float(judge(given, found).error), float(found.info.objective)
    away = (value - given.best) / (1 + abs(given.best))
    fits, ended = residual <= RESIDUAL, Status(int(found.info.status))
    verdict = "failed"
    if fits and abs(away) <= VALUE:
        verdict = "solved"
    elif fits and ended is Status.OPTIMAL and Kind(int(found.info.kind)) is Kind.MINIMUM:
        verdict = "local"
    count = [0 if f is None else f(given.start, given.args).size for f in (given.eq, given.ineq)]
    return dict(
        number=number,
        n=ravel_pytree(given.start)[0].size,
        equalities=count[0],
        inequalities=count[1],
        status=ended.name,
        kind=Kind(int(found.info.kind)).name,
        iterations=int(found.info.iterations),
        residual=residual,
        objective=value,
        published=given.best,
        away=away,
        prices=prices,
        regular=bool(found.info.regular),
        seconds=seconds,
        verdict=verdict,
    )


def _late(*_):
    raise TimeoutError


def main() -> int:
    """Solve, print, keep; the status is 1 with `--gate` where more than 5% fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", nargs="*", type=int, help="numbers of problems")
    parser.add_argument("--method", help="of `minimize`; by default it chooses")
    parser.add_argument("--limit", type=int, default=240, help="seconds of computing for a problem")
    parser.add_argument("--gate", action="store_true", help="fail where more than 5%% do")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    known = definitions()
    if not known:
        print("The definitions are those of the package sif2jax, which is not installed.")
        return 1
    signal.signal(signal.SIGPROF, _late)
    rows = []
    for number in options.names or [each for each in known if each not in LACKING]:
        signal.setitimer(signal.ITIMER_PROF, options.limit)
        try:
            row = solve(number, known[number], method=options.method)
        except TimeoutError:
            row = dict(number=number, verdict="failed", status=f"over {options.limit} s")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        rows.append(row)
        print(_line(row), flush=True)
        jax.clear_caches()
    counts = {
        word: sum(row["verdict"] == word for row in rows) for word in ("solved", "local", "failed")
    }
    print(
        f"\n{counts['failed']} of {len(rows)} failed;"
        f" {counts['solved']} solved, {counts['local']} local"
    )
    print(told([row for row in rows if row["verdict"] != "failed"]))
    if not options.names and not options.method:
        keep("hock_schittkowski", {"counts": counts, "problems": rows})
    return int(options.gate and counts["failed"] > 0.05 * len(rows))


def _line(row: dict) -> str:
    if "n" not in row:
        return f"HS{row['number']:<4d} {row['status']} <<< {row['verdict']}"
    mark = "" if row["verdict"] == "solved" else f" <<< {row['verdict']} {row['kind']}"
    return (
        f"HS{row['number']:<4d} n {row['n']:3d}"
        f" eq {row['equalities']:2d} in {row['inequalities']:2d}"
        f" {row['status']:15s} {row['iterations']:4d} steps {row['residual']:8.1e}"
        f" {row['objective']:16.9g} ({row['away']:+8.1e}) {row['prices']:8.1e}"
        f" {row['seconds']:5.1f} s{mark}"
    )


if __name__ == "__main__":
    sys.exit(main())
