"""How long proven truth takes: values and derivatives in ball arithmetic, beside what others check.

`python -m benchmarks.exact` prints the figures; `--gate` ends with status 1 where a bar is missed.
Tracing is stated apart. `check_grads` and, where torch is installed, `torch.autograd.gradcheck`
compare the same derivative with finite differences of the same precision, one point at a time; they
prove nothing, and are beside it as what people use today.
"""

import argparse
import importlib
import time
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jss
import numpy as np
from jax.test_util import check_grads

from benchmarks.record import keep
from jaxmath import exact

BARS = {
    "1,000 points, elementary": 5.0,
    "1,000 points, gamma type": 60.0,
    "a loss of 10 parameters": 5.0,
    "a perceptron of 500 parameters": 20.0,
}
POINTS = 1000
ELEMENTARY = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "sin": jnp.sin,
    "logistic loss": lambda x: jnp.logaddexp(0.0, -x),
}
GAMMA = {
    "gammaln": jss.gammaln,
    "digamma": jss.digamma,
    "gammainc in x": lambda x: jss.gammainc(2.5, x),
    "gammainc in a": lambda a: jss.gammainc(a, 2.5),
    "betainc in a": lambda a: jss.betainc(a, 3.25, 0.3),
}


def main() -> int:
    """Measure, print, keep, and say whether all bars are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    options = parser.parse_args()
    with jax.enable_x64(True):
        rows: list[dict[str, Any]] = [*scalars(), loss(), perceptron()]
    worst: dict[str, float] = {}
    for row in rows:
        bar = BARS[row["bar"]]
        worst[row["bar"]] = max(worst.get(row["bar"], 0.0), row["seconds"])
        others = ", ".join(f"{k} {v:.2f} s" for k, v in row["beside"].items())
        verdict = "passed" if row["seconds"] < bar else "FAILED"
        print(
            f"{row['seconds']:7.2f} s, bar {bar:4.0f} s: {verdict}  {row['name']} "
            f"(traced in {row['traced']:.2f} s; {100 * row['proven']:.1f}% proven; {others})"
        )
    passed = all(seconds < BARS[name] for name, seconds in worst.items())
    keep("exact", {"rows": rows, "bars": BARS, "passed": passed})
    return int(options.gate and not passed)


def scalars():
    """Value and first derivative of scalar functions at many points, in both dtypes."""
    rng = np.random.default_rng(0)
    wide = rng.standard_normal(POINTS // 2) * 10 ** rng.uniform(-3, 1.5, POINTS // 2)
    positive = 10 ** rng.uniform(-2, 1, POINTS // 2)
    kinds = (
        ("1,000 points, elementary", ELEMENTARY, wide),
        ("1,000 points, gamma type", GAMMA, positive),
    )
    for bar, functions, points in kinds:
        for name, fn in functions.items():
            yield scalar(bar, name, fn, points)


def scalar(bar, name, fn, points) -> dict[str, Any]:
    """Half of the points in each dtype."""
    started = time.perf_counter()
    programs = [(exact.trace(fn, kind(1)), kind) for kind in (np.float32, np.float64)]
    traced = time.perf_counter() - started
    started, proven, count = time.perf_counter(), 0, 0
    for program, kind in programs:
        for x in points.astype(kind):
            found = exact.derivatives(program, (x,))
            numbers = [found.value.flat[0], found.right[1, 0, 0]]
            proven += sum(n.proof == "proven" for n in numbers)
            count += 2
    seconds = time.perf_counter() - started
    few = points[:20]
    beside = {f"check_grads at {len(few)} points": checking(fn, few)}
    if (torch := torch_version(name)) is not None:
        beside[f"gradcheck at {len(few)} points"] = gradchecking(torch, few)
    return dict(
        bar=bar, name=name, seconds=seconds, traced=traced, proven=proven / count, beside=beside
    )


def checking(fn, points) -> float:
    """Seconds of check_grads, first order, both modes; its verdict is not the point."""
    started = time.perf_counter()
    for x in points:
        try:
            check_grads(fn, (jnp.asarray(x),), order=1)
        except (AssertionError, NotImplementedError, ValueError):  # no such derivative
            continue
    return time.perf_counter() - started


def torch_version(name):
    """The same function in torch, if it is there."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return None
    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softplus": torch.nn.functional.softplus,
        "sin": torch.sin,
        "gammaln": torch.lgamma,
        "digamma": torch.digamma,
    }
    return (torch, functions[name]) if name in functions else None


def gradchecking(torch_function, points) -> float:
    """Seconds of torch's gradcheck."""
    torch, fn = torch_function
    started = time.perf_counter()
    for x in points:
        z = torch.tensor(float(x), dtype=torch.float64, requires_grad=True)
        torch.autograd.gradcheck(fn, (z,), raise_exception=False)
    return time.perf_counter() - started


def gradient(bar, name, fn, params) -> dict[str, Any]:
    """Every coordinate of a gradient at one point."""
    started = time.perf_counter()
    program = exact.trace(fn, params)
    traced = time.perf_counter() - started
    started = time.perf_counter()
    found = exact.derivatives(program, (params,))
    seconds = time.perf_counter() - started
    numbers = list(found.right[1, :, 0])
    started = time.perf_counter()
    check_grads(fn, (params,), order=1)  # along one random direction
    beside = {"check_grads, one direction": time.perf_counter() - started}
    share = sum(n.proof == "proven" for n in numbers) / len(numbers)
    return dict(bar=bar, name=name, seconds=seconds, traced=traced, proven=share, beside=beside)


def loss():
    """The logistic loss of a linear model with ten weights on 50 rows."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 10)), rng.choice([-1.0, 1.0], 50)

    def fn(w):
        return jnp.mean(jnp.logaddexp(0.0, -y * (x @ w))) + 0.01 * jnp.sum(w**2)

    w = jnp.asarray(rng.standard_normal(10))
    return gradient("a loss of 10 parameters", "logistic loss, 50 rows", fn, w)


def perceptron():
    """The mean squared error of a perceptron, 16-22-6, on a batch of eight."""
    rng = np.random.default_rng(2)
    shapes = [(16, 22), (22,), (22, 6), (6,)]
    params = [jnp.asarray(rng.standard_normal(s) / np.sqrt(s[0])) for s in shapes]
    x, y = rng.standard_normal((8, 16)), rng.standard_normal((8, 6))

    def fn(params):
        a, b, c, d = params
        return jnp.mean((jnp.tanh(x @ a + b[None]) @ c + d[None] - y) ** 2)

    count = sum(p.size for p in params)
    return gradient("a perceptron of 500 parameters", f"tanh, {count} parameters", fn, params)


if __name__ == "__main__":
    raise SystemExit(main())
