"""The dense part of the Maros-Meszaros test set, with one set of defaults: a line for each problem.

`python -m benchmarks.maros_meszaros FOLDER` reads the problems as MATLAB files, as
https://github.com/qpsolvers/maros_meszaros_qpbenchmark has them, with up to `--most` unknowns and
as many rows. Solved means: the residual that `kkt_residuals` finds, each part relative to one plus
its terms, is at most 1e-8; or that P has a negative eigenvalue, by NumPy, and the status says so.
Beside stands how far the multipliers are from the derivatives of the optimal value in the ends.
Maros and Meszaros (1999) publish the optima; they are kept beside.
"""

import argparse
import sys
import time
from pathlib import Path

import jax
import numpy as np
from scipy.io import loadmat

from benchmarks.prices import priced, told
from benchmarks.record import keep
from jaxmath.constrained import Multipliers, Status, kkt_residuals, quadratic_problem, solve_qp

RESIDUAL = 1e-8
ENDED = Status.OPTIMAL, Status.ITERATION_LIMIT
"""What is asked for by default is sharper than RESIDUAL, and may be out of reach."""
INFINITE = 9e19
"""An end of this size is none."""


def problems(folder: Path, most: int):
    """The name and the data of each, smallest file first; rows whose ends agree become A x = b."""
    for path in sorted(folder.glob("*.mat"), key=lambda path: path.stat().st_size):
        found = loadmat(path)
        n, rows = (int(np.ravel(found[key])[0]) for key in ("n", "m"))
        if n > most or rows - n > most:
            continue
        P, C = (np.asarray(found[key].toarray(), float) for key in ("P", "A"))
        q, lower, upper = (np.ravel(found[key]).astype(float) for key in ("q", "l", "u"))
        lower = np.where(lower <= -INFINITE, -np.inf, lower)
        upper = np.where(upper >= INFINITE, np.inf, upper)
        # The last n rows are those of the identity: the bounds of x.
        G, low, high, bounds = C[:-n], lower[:-n], upper[:-n], (lower[-n:], upper[-n:])
        assert np.array_equal(C[-n:], np.eye(n)), path.name
        equal = low == high
        split = C[:-n][equal], low[equal], G[~equal], low[~equal], high[~equal]
        yield path.stem, (P, q, *split, bounds), float(np.ravel(found["r"])[0])


def main() -> int:
    """Solve, print, keep; the status is 1 where a problem is not solved and `--gate` is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=1_000, help="unknowns, and rows")
    parser.add_argument("--only", nargs="*", help="names of problems")
    parser.add_argument("--gate", action="store_true", help="fail where one is not solved")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rows = []
    for name, data, constant in problems(options.folder, options.most):
        if options.only and name not in options.only:
            continue
        begun = time.perf_counter()
        P, q, A, b, G, lower, upper, bounds = data

        def of(ends, P=P, q=q, A=A, G=G):
            low, high = ends.inequality
            return solve_qp(P, q, A, ends.equality, G, low, high, ends.bounds)

        found, prices = priced(of, Multipliers(b, (lower, upper), bounds))
        seconds = time.perf_counter() - begun
        status = Status(int(found.info.status))
        residual = float(kkt_residuals(quadratic_problem(*data), found).error)
        sizes = np.linalg.eigvalsh(data[0]) if status is Status.NOT_CONVEX else np.zeros(1)
        refused = sizes[0] < -1e-10 * np.abs(sizes).max()
        row = dict(
            name=name,
            n=len(data[1]),
            rows=len(data[3]) + len(data[5]),
            status=status.name,
            iterations=int(found.info.iterations),
            residual=residual,
            objective=float(found.info.objective) + constant,
            prices=prices,
            regular=bool(found.info.regular),
            seconds=seconds,
            solved=bool(refused or (status in ENDED and residual <= RESIDUAL)),
        )
        rows.append(row)
        print(
            f"{name:10s} n {row['n']:5d} rows {row['rows']:5d} {status.name:16s}"
            f" {row['iterations']:4d} steps {residual:8.1e} {row['objective']:18.10g}"
            f" {prices:8.1e} {seconds:6.1f} s{'' if row['solved'] else '  <<<'}",
            flush=True,
        )
        jax.clear_caches()
    solved = sum(row["solved"] for row in rows)
    print(f"\n{solved} of {len(rows)} solved. {told([row for row in rows if row['solved']])}")
    if not options.only:
        keep("maros_meszaros", {"problems": rows, "residual": RESIDUAL})
    return int(options.gate and solved < len(rows))


if __name__ == "__main__":
    sys.exit(main())
