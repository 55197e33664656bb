"""The lasso's path: a hundred penalties in one program, beside scikit-learn's.

`python -m benchmarks.lasso` prints the milliseconds of every solver and the largest duality gap on
its path, as a share of half the mean square of the targets, in NumPy; `--gate` ends with status 1
where a bar is missed: the time of the fastest peer whose gap is below 1e-10. The objective is half
the mean square of the residual plus the penalty times the sum of sizes; float64, no intercept.
Penalties fall from the largest of use to a thousandth of it. Compilation is apart, and solvers go
by turns. Coordinate descent of ours is left out, since it took a hundred times as long, and so are
data with more features than examples (minutes).
"""

import argparse
import sys
import warnings

import jax
import numpy as np

from benchmarks.peers.lasso import OURS, PEERS
from benchmarks.record import keep
from benchmarks.rounds import measured, told

SIZES = ((1_000, 20), (1_000, 100), (10_000, 100))
POINTS, LEAST = 100, 1e-3
GAP = 1e-10
BAR = 1.0


def data(n: int, d: int, seed: int = 0):
    """A tenth of the features counts, and all are somewhat correlated; and the penalties."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d)) + 0.5 * rng.normal(size=(n, 1))
    weights = np.where(rng.random(d) < 0.1, rng.normal(size=d), 0)
    weights[0] = 1
    targets = features @ weights + rng.normal(size=n)
    features, targets = features - features.mean(0), targets - targets.mean()
    top = np.abs(targets @ features).max() / n
    return features, targets, top * np.geomspace(1, LEAST, POINTS)


def gap(problem, path) -> float:
    """The largest of the path, with the residual shrunk into the dual's domain for its point."""
    features, targets, penalties = problem
    n = len(targets)
    worst = 0.0
    for penalty, beta in zip(penalties, path, strict=True):
        rest = targets - features @ beta
        primal = rest @ rest / (2 * n) + penalty * np.abs(beta).sum()
        dual = rest / max(1.0, np.abs(rest @ features).max() / (n * penalty))
        found = primal - (dual @ targets / n - dual @ dual / (2 * n))
        worst = max(worst, found / (targets @ targets / (2 * n)))
    return float(worst)


def main() -> int:
    """Measure, print, keep, and say whether the bars are reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", help="numbers of examples and features")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    given = options.sizes or []
    sizes = list(zip(given[::2], given[1::2], strict=True)) if given else SIZES
    kept = []
    for n, d in sizes:
        problem = data(n, d)
        figures = measured(
            OURS | PEERS,
            problem,
            lambda path, given=problem: gap(given, np.asarray(path)),
            options.rounds,
        )
        kept.append(told(f"{n} examples, {d} features", figures, OURS, GAP, BAR))
    if not given:
        keep("lasso", {"rows": kept, "bar": BAR, "gap": GAP, "points": POINTS, "least": LEAST})
    failed = sum(not row["passed"] for row in kept)
    print(f"\n{len(kept) - failed} of {len(kept)} rows keep their bar")
    return int(options.gate and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
