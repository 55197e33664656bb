"""Quadratic programs: batches of a thousand and single ones, beside what others would pick.

`python -m benchmarks.quadratic` prints the microseconds a problem and the worst residual of every
solver; `--gate` ends with status 1 where a bar is missed: a batch in half the time of the fastest
peer, a single program within 1.5 times, among those whose residuals are below 1e-8. Programs have
as many variables as inequalities. The residual is the largest of stationarity, violation, sign and
complementarity, each relative to one plus the terms that it sums, in NumPy. Compilation is apart.
A batch is also solved on two cores, by ours as two devices and by peers that have threads; the
fastest way of each counts.
Solvers that are not installed are left out (`pip install osqp clarabel proxsuite qpax jaxopt`).
"""

import argparse
import statistics
import sys
import time
import warnings

import jax
import numpy as np

from benchmarks.peers.quadratic import ON_TWO_CORES, OURS, PEERS
from benchmarks.record import keep

BATCHES = ((10, 1_000), (50, 1_000))
SINGLES = (10, 20, 50, 100, 200, 500)
SLOW = {"OSQP": 100, "Clarabel": 100, "jaxopt": 100}
"""At most so many problems of a batch for solvers that take each by itself, or nearly so long."""
RESIDUAL = 1e-8
BARS = dict(batch=0.5, single=1.5)


def programs(n: int, count: int, seed: int = 0):
    """Strictly convex programs with a feasible point, some rows of which hold x back."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(count, n, n))
    P = root @ root.transpose(0, 2, 1) / n + 0.01 * np.eye(n)
    G = rng.normal(size=(count, n, n))
    inside = np.einsum("kij,kj->ki", G, rng.normal(size=(count, n)))
    return P, rng.normal(size=(count, n)), G, inside + rng.random((count, n))


def residual(data, x, z) -> float:
    """The largest of all programs."""
    P, q, G, h = data
    Px, Gx = np.einsum("kij,kj->ki", P, x), np.einsum("kij,kj->ki", G, x)
    pull = np.einsum("kij,ki->kj", G, z)
    found = (
        (Px + q + pull, (Px, q, pull)),
        (np.maximum(Gx - h, 0), (Gx, h)),
        (np.minimum(z, 0), (z,)),
        (z * np.maximum(h - Gx, 0), (np.abs(z).max(1) * np.abs(Gx).max(1),)),
    )

    def largest(values):
        return np.abs(np.reshape(values, (len(P), -1))).max(1)

    worst = [largest(left) / (1 + sum(map(largest, terms))) for left, terms in found]
    return float(np.max(worst))


def row(n: int, count: int, rounds: int) -> dict:
    """Measure every solver on programs of one size."""
    data = programs(n, count)
    solvers, figures = {}, {}
    known = {**OURS, **PEERS}
    if count > 1:
        known |= ON_TWO_CORES[0] | ON_TWO_CORES[1]
    for name, prepare in known.items():
        some = min(count, SLOW.get(name, count))
        part = tuple(array[:some] for array in data)
        try:
            solve = prepare(*part)
            begun = time.perf_counter()
            x, z = (np.asarray(part) for part in solve())
        except ImportError:
            continue
        first = time.perf_counter() - begun
        figures[name] = dict(first_call=first, residual=residual(part, x, z))
        solvers[name] = solve, some
    times: dict[str, list[float]] = {name: [] for name in solvers}
    for _ in range(rounds):
        for name, (solve, some) in solvers.items():
            begun = time.perf_counter()
            solve()
            times[name].append((time.perf_counter() - begun) / some)
    for name, found in times.items():
        figures[name]["microseconds"] = 1e6 * statistics.median(found)
    return figures


def main() -> int:
    """Measure, print, keep, and say whether the bars are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", help="these numbers of variables only")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_num_cpu_devices", 2)
    warnings.simplefilter("ignore")
    rows = [("batch", n, count) for n, count in BATCHES] + [("single", n, 1) for n in SINGLES]
    kept, failed = [], 0
    for kind, n, count in rows:
        if options.sizes and n not in options.sizes:
            continue
        figures = row(n, count, options.rounds)
        exact = {
            name: found["microseconds"]
            for name, found in figures.items()
            if found["residual"] <= RESIDUAL
        }
        mine = [name for name in exact if name in OURS or name in ON_TWO_CORES[0]]
        others = [name for name in exact if name not in mine]
        best = min(others, key=exact.__getitem__) if others else None
        own = min((exact[name] for name in mine), default=float("inf"))
        ratio = own / exact[best] if best else float("nan")
        passed = bool(mine) and (best is None or ratio <= BARS[kind])
        failed += not passed
        print(f"\n{count} of {n} variables: {ratio:.2f} of {best}, bar {BARS[kind]}", end="")
        print(f": {'passed' if passed else 'FAILED'}")
        for name, found in figures.items():
            print(f"{found['microseconds']:12.1f} us  {found['residual']:8.1e}  {name}", flush=True)
        kept.append(dict(kind=kind, n=n, count=count, ratio=ratio, passed=passed, solvers=figures))
    if not options.sizes:
        keep("quadratic", {"rows": kept, "bars": BARS, "residual": RESIDUAL})
    print(f"\n{len(kept) - failed} of {len(kept)} rows keep their bars")
    return int(options.gate and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
