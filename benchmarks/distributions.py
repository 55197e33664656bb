"""How fast a million points of each family are, beside what others would pick, with the accuracy.

`python -m benchmarks.distributions` prints a table; `--gate` ends with status 1 where a bar is
missed; `--only gamma beta` measures some families. One row is one function of one family, with
parameters that are numbers, or arrays as long as x. In each round every library is called twice,
compiled before, and the second call timed; a call that would take seconds is timed on fewer points.
Libraries that are not installed are left out
(`pip install scipy numpyro tfp-nightly distrax torch`); the kernel of `benchmarks.kernels` is the
bare calls of ours. The accuracy beside a time is the worst
excess of the value in docs/accuracy.
"""

import argparse
import functools
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.kernels import kernel
from benchmarks.record import ROOT, keep
from jaxmath import distributions
from jaxmath.verify.accuracy import UNANSWERED
from jaxmath.verify.counterparts import counterparts
from jaxmath.verify.family_counterparts import Outside

SIZES = (1_000, 50_000, 1_000_000)
"""Points to be timed on: the most that take no longer than `PATIENCE`, in seconds."""
PATIENCE = 1.0

SETTINGS: dict[str, tuple[float, ...]] = {
    "bernoulli": (0.3,),
    "beta": (2.5, 4.0),
    "beta_binomial": (40, 2.5, 4.0),
    "binomial": (40, 0.3),
    "cauchy": (0.5, 2.0),
    "chi2": (5.0,),
    "exponential": (1.5,),
    "f": (5.0, 8.0),
    "gamma": (2.5, 1.5),
    "geometric": (0.3,),
    "gumbel": (0.5, 2.0),
    "half_normal": (2.0,),
    "inverse_gamma": (2.5, 1.5),
    "laplace": (0.5, 2.0),
    "log_normal": (0.5, 0.8),
    "logistic": (0.5, 2.0),
    "negative_binomial": (4.5, 0.3),
    "normal": (0.5, 2.0),
    "pareto": (2.5, 1.5),
    "poisson": (7.5,),
    "student_t": (5.0, 0.5, 2.0),
    "uniform": (-1.0, 3.0),
    "von_mises": (0.5, 3.0),
    "weibull": (1.5, 2.0),
}
INCOMPLETE = ("gamma", "beta", "student_t", "f", "binomial", "poisson")
"""The families whose bars on cdf, quantile and draws are those of incomplete functions."""

FUNCTIONS = ("log_prob", "grad log_prob", "cdf", "quantile", "sample")
JAX = ("jax.scipy", "numpyro", "tfp", "distrax", "jax.random")
DRAWS: dict[str, Callable[..., Any]] = {
    "beta": lambda rng, n, a, b: rng.beta(a, b, n),
    "binomial": lambda rng, n, k, p: rng.binomial(int(k), p, n),
    "exponential": lambda rng, n, rate: rng.exponential(1 / rate, n),
    "gamma": lambda rng, n, a, rate: rng.gamma(a, 1 / rate, n),
    "normal": lambda rng, n, loc, scale: rng.normal(loc, scale, n),
    "poisson": lambda rng, n, rate: rng.poisson(rate, n),
    "student_t": lambda rng, n, df, loc, scale: loc + scale * rng.standard_t(df, n),
}
RANDOM: dict[str, Callable[..., Any]] = {
    "beta": lambda key, n, a, b: jax.random.beta(key, a, b, (n,)),
    "binomial": lambda key, n, k, p: jax.random.binomial(key, k, p, (n,)),
    "exponential": lambda key, n, rate: jax.random.exponential(key, (n,)) / rate,
    "gamma": lambda key, n, a, rate: jax.random.gamma(key, a, (n,)) / rate,
    "normal": lambda key, n, loc, scale: loc + scale * jax.random.normal(key, (n,)),
    "poisson": lambda key, n, rate: jax.random.poisson(key, rate, (n,)),
    "student_t": lambda key, n, df, loc, scale: loc + scale * jax.random.t(key, df, (n,)),
}


def main() -> int:
    """Measure, print, keep, and say whether the bars are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--only", nargs="+", default=(), metavar="FAMILY")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    options = parser.parse_args()
    names = options.only or [f.name for f in distributions.FAMILIES if f.name in SETTINGS]
    known, rows = accuracies(options.dtype), []
    with jax.enable_x64(options.dtype == "float64"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the others
        for name in names:
            for function in FUNCTIONS:
                for arrays in (False, True):
                    row = measured(name, function, arrays, options)
                    if row:
                        row["excess"] = known.get(f"{name}.{function}", {})
                        rows.append(row)
                        show(row)
    missed = [row for row in rows if row["missed"]]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} rows keep their bars")
    if not options.only:
        keep(f"distributions-{options.dtype}", {"rows": rows, "passed": not missed})
    return int(options.gate and bool(missed))


def accuracies(dtype: str) -> dict[str, dict[str, float]]:
    """The worst excess of each value in docs/accuracy, by formula and library."""
    found: dict[str, dict[str, float]] = {}
    text = (ROOT / "docs" / "accuracy" / f"{dtype}.json").read_text("utf-8")
    for row in json.loads(text)["rows"]:
        if row["quantity"] == "value":
            found.setdefault(row["formula"], {})[row["library"]] = row["excess"]
    return found


def measured(name: str, function: str, arrays: bool, options) -> dict[str, Any] | None:
    """Nanoseconds a point of each library, in rounds; None where nobody else has the function."""
    contenders = contenders_of(name, function, arrays, options.dtype)
    if len(contenders) < 2:
        return None
    times: dict[str, list[float]] = {library: [] for library in contenders}
    calls = {}
    for library, (call, args) in contenders.items():
        pace = 0.0
        for points in SIZES[1:] if hasattr(call, "lower") else SIZES:  # no third compilation
            if pace * points > PATIENCE:
                break
            given = placed(call, args(points))
            try:
                ready(call(*given))
                pace = timed(call, given) / points
            except UNANSWERED:
                break  # a method that this library only names
            calls[library] = (call, given, points)
    for turn in range(options.rounds):
        order = list(calls.items())
        for library, (call, args, points) in (
            order[turn % len(order) :] + order[: turn % len(order)]
        ):
            # Whoever comes after another's threads and memory waits for them: not in the time.
            ready(call(*args))
            times[library].append(1e9 * timed(call, args) / points)
    figures = {library: statistics.median(found) for library, found in times.items() if found}
    kind = "arrays" if arrays else "numbers"
    row = dict(family=name, function=function, parameters=kind, nanoseconds=figures)
    return {**row, "missed": missed(name, function, figures)}


def contenders_of(name: str, function: str, arrays: bool, dtype: str):
    """By library a function, and the arguments of so many points."""
    family = getattr(distributions, name)
    setting = SETTINGS[name]
    rng = np.random.default_rng(0)
    fields = distributions.FAMILIES[[f.name for f in distributions.FAMILIES].index(name)]

    def params(points):
        moved = [v * rng.uniform(0.9, 1.1, points) if arrays else v for v in setting]
        whole = [
            np.round(m).astype("int32") if not domain.differentiable else np.asarray(m, dtype)
            for m, domain in zip(moved, fields.parameters, strict=True)
        ]
        return whole

    def places(points):
        p = rng.uniform(0.001, 0.999, points)
        if function == "quantile":
            return p.astype(dtype)
        with jax.enable_x64(True):
            ordered = np.asarray(family.quantile(np.linspace(0.001, 0.999, 999), *setting))
        x = np.interp(p, np.linspace(0.001, 0.999, 999), ordered)
        return (np.round(x) if fields.discrete else x).astype(dtype)

    if function == "sample":
        return {} if arrays else draws(name, family, setting, dtype)
    formula = f"{name}.{function.removeprefix('grad ')}"
    others = counterparts().get(formula, {})
    own = getattr(family, function.removeprefix("grad "))
    found = {}
    given: dict[int, tuple[np.ndarray, ...]] = {}

    def args(points):
        if points not in given:
            given[points] = (places(points), *params(points))
        return given[points]

    wrt = tuple(
        i for i, domain in enumerate((fields.support, *fields.parameters)) if domain.differentiable
    )
    for library, fn in {"jaxmath": own, **others}.items():
        if isinstance(fn, Outside):
            if function.startswith("grad"):
                if fn.slopes is not None:
                    found[library] = (functools.partial(fn.slopes, wrt), args)
            else:
                found[library] = (fn.value, args)
        elif function.startswith("grad"):
            found[library] = (jax.jit(gradient(fn, wrt)), args)
        else:
            found[library] = (jax.jit(fn), args)
    if len(found) > 1 and function.endswith("log_prob"):
        found["kernel"] = (kernel(found["jaxmath"][0], *args(SIZES[-1])), args)
    return found


def gradient(fn, wrt):
    """Slopes at every point at once: of elementwise functions the sum's gradient."""

    def total(*args):
        return jnp.sum(fn(*args))

    return lambda *args: jax.grad(total, wrt)(*args)


def draws(name, family, setting, dtype):
    """Samplers: ours, NumPy's generator, jax.random's, and those of TFP and torch."""
    typed = [np.asarray(v, dtype) for v in setting]

    def random(fn):
        sampler = jax.jit(fn, static_argnums=1)
        return (lambda key, n: sampler(key, n)), lambda n: (jax.random.key(0), n)

    ours = random(lambda key, n: family.sample(key, *typed, shape=(n,)))
    found: dict[str, Any] = {"jaxmath": ours}
    if name in DRAWS:
        rng = np.random.default_rng(1)
        found["numpy"] = (lambda n: DRAWS[name](rng, n, *setting), lambda n: (n,))
    if name in RANDOM:
        found["jax.random"] = random(lambda key, n: RANDOM[name](key, n, *typed))
    return found


def placed(call, args):
    """The arguments where the function wants them: NumPy's arrays cost JAX a copy."""
    return jax.tree.map(jnp.asarray, args) if hasattr(call, "lower") else args


def timed(call, args) -> float:
    started = time.perf_counter()
    ready(call(*args))
    return time.perf_counter() - started


def ready(answer):
    """Wait for what JAX computes beside us."""
    return jax.block_until_ready(answer)


def missed(name: str, function: str, figures: dict[str, float]) -> list[str]:
    """The bars that a row does not keep, in words."""
    ours, found = figures["jaxmath"], []
    peers = [ns for library, ns in figures.items() if library in JAX]

    def need(other: float | None, times: float, words: str):
        if other is not None and other < times * ours:
            found.append(f"{other / ours:.2g} of {times:g} times {words}")

    if function.endswith("log_prob"):
        rest = [ns for library, ns in figures.items() if library not in ("jaxmath", "kernel")]
        need(min(rest), 1 / 1.05, "the fastest")
        need(figures.get("kernel"), 1 / 1.2, "its bare calls")
    elif name in INCOMPLETE and function in ("cdf", "quantile"):
        faster = (2.5, 20) if function == "cdf" else (3, 30)
        need(figures.get("scipy"), faster[0], "scipy")
        need(min(peers, default=None), faster[1], "the fastest JAX peer")
    elif name in INCOMPLETE and function == "sample":
        need(figures.get("jax.random"), 10, "jax.random")
        need(figures.get("numpy"), 1 / 1.5, "numpy")
    return found


def show(row) -> None:
    """One line: the time of ours, how many times that of the others, the excess of each."""
    figures = row["nanoseconds"]
    ours = figures["jaxmath"]
    excess = {library: f" ({x:.2g})" for library, x in row["excess"].items()}
    others = ", ".join(
        f"{library} {ns / ours:.2g}x{excess.get(library, '')}"
        for library, ns in figures.items()
        if library != "jaxmath"
    )
    words = "; ".join(row["missed"]) or "passed"
    title = f"{row['family']}.{row['function']}, {row['parameters']}"
    print(f"{title:36s} {ours:7.2f} ns{excess.get('jaxmath', '')}: {others}: {words}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
