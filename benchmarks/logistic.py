"""Logistic regression: `irls` beside what others would pick, all to the same gradient.

`python -m benchmarks.logistic` prints the milliseconds of every solver and the largest entry of the
gradient that it reached, in NumPy; `--gate` ends with status 1 where a bar is missed: half the time
of the fastest peer among those that reach 1e-8. The objective is the mean loss plus half of 1e-4
times the square of the coefficients, which have no intercept; float64. Compilation is apart, and
solvers go by turns. Those that are not installed are named
(`pip install scikit-learn jaxopt optimistix optax scipy`).
"""

import argparse
import sys
import warnings

import jax
import numpy as np

from benchmarks.peers.logistic import OURS, PEERS
from benchmarks.record import keep
from benchmarks.rounds import measured, told

SIZES = ((10_000, 50), (10_000, 200), (100_000, 50), (100_000, 200))
PENALTY = 1e-4
GRADIENT = 1e-8
BAR = 0.5


def data(n: int, d: int, seed: int = 0):
    """Labels drawn from a logistic model whose features are correlated and of different sizes."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    features = (rng.normal(size=(n, d)) + 0.5 * common) * np.geomspace(0.3, 3, d)
    scores = features @ (rng.normal(size=d) / np.geomspace(0.3, 3, d)) * 2 / np.sqrt(d)
    labels = (rng.random(n) < 1 / (1 + np.exp(-scores))).astype(float)
    return features, labels


def gradient(features, labels, w) -> float:
    """The largest entry, by its formula."""
    chance = 1 / (1 + np.exp(-(features @ w)))
    return float(np.abs((chance - labels) @ features / len(labels) + PENALTY * w).max())


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
        features, labels = data(n, d)
        figures = measured(
            OURS | PEERS,
            (features, labels, PENALTY),
            lambda w, X=features, y=labels: gradient(X, y, np.asarray(w)),
            options.rounds,
        )
        kept.append(told(f"{n} examples, {d} features", figures, OURS, GRADIENT, BAR))
    if not given:
        keep("logistic", {"rows": kept, "bar": BAR, "gradient": GRADIENT, "penalty": PENALTY})
    failed = sum(not row["passed"] for row in kept)
    print(f"\n{len(kept) - failed} of {len(kept)} rows keep their bar")
    return int(options.gate and failed > 0)


if __name__ == "__main__":
    sys.exit(main())
