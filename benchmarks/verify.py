"""How long the quick comparison without truth takes, beside what others check.

`python -m benchmarks.verify` prints the figures; `--gate` ends with status 1 where a bar is missed.
`verify.quick_check` compares closed form, reverse mode and central differences in every coordinate,
forward mode and second order along 16 directions (of ten parameters, every slope and the whole
Hessian). Beside it stand `check_grads`, which looks along one random direction, and, where torch is
installed, `gradcheck`. The exact reference is in `benchmarks.exact`.
"""

import argparse
import dataclasses
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.record import ROOT, keep
from jaxmath.verify import quick_check

FIRST, AGAIN = "first call", "later calls"
BARS = {
    ("10,384", FIRST): 1.0,
    ("10,384", AGAIN): 0.5,
    ("10", FIRST): 1.0,
    ("10", AGAIN): 0.001,
}
"""Seconds by the number of parameters."""

OURS = "quick_check"
PEERS = ("jax_check_grads", "torch_gradcheck")


@dataclasses.dataclass(frozen=True)
class Case:
    """A loss with its closed-form gradient, and the same loss for torch."""

    params: dict[str, np.ndarray]
    args: tuple[np.ndarray, ...]
    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    torch_loss: Callable[..., Any]


def perceptron() -> Case:
    """The mean squared error of a perceptron, 64-128-16, on a batch of eight."""
    rng = np.random.default_rng(0)
    shapes = {"W1": (64, 128), "b1": (128,), "W2": (128, 16), "b2": (16,)}
    params = {name: rng.standard_normal(shape) / 8 for name, shape in shapes.items()}
    x, y = rng.standard_normal((8, 64)), rng.standard_normal((8, 16))

    def fit(p, x):
        hidden = jnp.tanh(x @ p["W1"] + p["b1"])
        return hidden, hidden @ p["W2"] + p["b2"]

    def loss(p, x, y):
        return jnp.mean((fit(p, x)[1] - y) ** 2)

    def gradient(p, x, y):
        hidden, output = fit(p, x)
        outer = 2 / y.size * (output - y)
        inner = (outer @ p["W2"].T) * (1 - hidden**2)
        return {"W1": x.T @ inner, "b1": inner.sum(0), "W2": hidden.T @ outer, "b2": outer.sum(0)}

    def torch_loss(torch, p, x, y):
        return torch.mean((torch.tanh(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"] - y) ** 2)

    return Case(params, (x, y), loss, gradient, torch_loss)


def logistic() -> Case:
    """The logistic loss of ten weights on 50 rows, with an l2 penalty."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((50, 10)), rng.choice([-1.0, 1.0], 50)
    params = {"w": rng.standard_normal(10)}

    def loss(p, x, y):
        return jnp.mean(jnp.logaddexp(0.0, -y * (x @ p["w"]))) + 0.01 * jnp.sum(p["w"] ** 2)

    def gradient(p, x, y):
        margin = y * (x @ p["w"])
        return {"w": -(y * jax.nn.sigmoid(-margin)) @ x / len(y) + 0.02 * p["w"]}

    def torch_loss(torch, p, x, y):
        losses = torch.nn.functional.softplus(-y * (x @ p["w"]))
        return torch.mean(losses) + 0.01 * torch.sum(p["w"] ** 2)

    return Case(params, (x, y), loss, gradient, torch_loss)


def main() -> int:
    """Measure, print, keep, and say whether all bars are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--first", nargs=2, metavar=("TOOL", "CASE"), help="time one first call")
    options = parser.parse_args()
    if options.first:
        tool, case = options.first
        jax.block_until_ready(jax.jit(jnp.negative)(1.0))  # what JAX does once in a process
        print(json.dumps(_time(prepare(tool)(CASES[case]()))))
        return 0
    tools = [OURS, *(peer for peer in PEERS if there(peer))]
    rows, passed = [], True
    for case in CASES:
        for when, seconds in measure(case, tools, options.rounds).items():
            bar = BARS[case, when]
            kept = seconds[OURS][0] < bar
            passed &= kept
            beside = [
                f"{tool} {1e3 * wall:.0f} ms, {wall / seconds[OURS][0]:.1f} times"
                for tool, (wall, _) in seconds.items()
                if tool != OURS
            ]
            wall, processor = (1e3 * figure for figure in seconds[OURS])
            print(
                f"{wall:8.2f} ms ({processor:.2f} of processors), bar {1e3 * bar:g} ms: "
                f"{'passed' if kept else 'FAILED'}  {case} parameters, {when}; {'; '.join(beside)}"
            )
            rows.append(dict(parameters=case, when=when, bar=bar, seconds=seconds))
    keep("verify", {"rows": rows, "passed": passed})
    return int(options.gate and not passed)


def there(peer: str) -> bool:
    """Whether the library that a peer needs is here; one that is not is named."""
    try:
        prepare(peer)
    except ImportError as missing:
        print(f"{peer} is left out: {missing.name} is not installed.")
        return False
    return True


def prepare(tool: str):
    """What makes a check of a case."""
    return _ours if tool == OURS else importlib.import_module(f"benchmarks.peers.{tool}").prepare


def measure(case: str, tools: list[str], rounds: int):
    """The least wall and processor seconds of each tool, of first and of later calls.

    First calls in fresh processes; all tools in turns, so that what disturbs hits all alike.
    """
    made = CASES[case]()
    checks = {tool: prepare(tool)(made) for tool in tools}
    for check in checks.values():
        check()
    found = {when: {tool: [] for tool in tools} for when in (FIRST, AGAIN)}
    for _ in range(rounds):
        for tool, check in checks.items():
            command = [sys.executable, "-m", "benchmarks.verify", "--first", tool, case]
            ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            found[FIRST][tool].append(json.loads(ended.stdout))
            found[AGAIN][tool] += [_time(check) for _ in range(5)]
    return {
        when: {tool: tuple(np.min(times, axis=0).tolist()) for tool, times in one.items()}
        for when, one in found.items()
    }


def _ours(case: Case):
    def check():
        report = quick_check(case.loss, case.params, *case.args, gradient=case.gradient)
        if not report.ok:
            raise RuntimeError(str(report))

    return check


def _time(check) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    check()
    return time.perf_counter() - wall, time.process_time() - processor


CASES = {"10,384": perceptron, "10": logistic}

if __name__ == "__main__":
    raise SystemExit(main())
