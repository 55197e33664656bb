"""Measure solvers by turns, so that what disturbs the machine disturbs all of them."""

import statistics
import time
from collections.abc import Callable
from typing import Any

LONG = 3.0
"""Seconds: what takes longer in its first round is not measured again."""


def measured(known: dict[str, Callable[..., Any]], data: tuple, judge, rounds: int) -> dict:
    """The seconds of each solver, its first call, and what `judge` says of its answer.

    A solver is prepared with the data and then called; one that is not installed is `missing`.
    """
    figures, solvers = {}, {}
    for name, prepare in known.items():
        try:
            solve = prepare(*data)
            begun = time.perf_counter()
            answer = solve()
        except ImportError:
            figures[name] = dict(missing=True)
            continue
        figures[name] = dict(first_call=time.perf_counter() - begun, reached=judge(answer))
        solvers[name] = solve
    times: dict[str, list[float]] = {name: [] for name in solvers}
    for number in range(rounds):
        for name, solve in solvers.items():
            if number and times[name][0] > LONG:
                continue
            begun = time.perf_counter()
            solve()
            times[name].append(time.perf_counter() - begun)
    for name, found in times.items():
        figures[name]["seconds"] = statistics.median(found)
    return figures


def told(title: str, figures: dict, ours: dict, wanted: float, bar: float) -> dict:
    """Print a row, and say whether ours takes at most so large a share of the fastest peer's time.

    Those count whose answer is as near as was wanted.
    """
    exact = {
        name: found["seconds"]
        for name, found in figures.items()
        if "missing" not in found and found["reached"] <= wanted
    }
    best = min((name for name in exact if name not in ours), key=exact.__getitem__, default=None)
    own = min((exact[name] for name in exact if name in ours), default=float("inf"))
    ratio = own / exact[best] if best else float("nan")
    passed = own < float("inf") and (best is None or ratio <= bar)
    print(f"\n{title}: {ratio:.2f} of {best}, bar {bar}: {'passed' if passed else 'FAILED'}")
    for name, found in figures.items():
        if "missing" in found:
            print(f"{'not installed':>36}  {name}")
            continue
        share = found["seconds"] / own if own < float("inf") else float("nan")
        print(
            f"{1e3 * found['seconds']:10.1f} ms {share:8.2f} of ours {found['reached']:9.1e}  "
            f"{name} (first call {found['first_call']:.1f} s)",
            flush=True,
        )
    return dict(title=title, ratio=ratio, passed=passed, solvers=figures)
