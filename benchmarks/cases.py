"""How soon each reported case is flagged, from the start of a process of its own.

`python -m benchmarks.cases` prints the figures; `--gate` ends with status 1 where a case is missed
or takes longer than a minute. The cases are in tests/data/derivative_cases.json; nothing compiled
is kept from one process to the next.
"""

import argparse
import subprocess
import sys
import time
import warnings

from benchmarks.record import ROOT, keep

BAR = 60.0
"""Seconds."""


def main() -> int:
    """Measure, print, keep, and say whether all bars are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="store_true", help="fail where a bar is missed")
    parser.add_argument("--case", help="examine this one here, and say whether it is flagged")
    options = parser.parse_args()
    from tests.cases import CASES

    if options.case:
        return flagged(next(case for case in CASES if case["id"] == options.case))
    rows = []
    for case in CASES:
        started = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "benchmarks.cases", "--case", case["id"]], cwd=ROOT
        )
        seconds = time.perf_counter() - started
        rows.append(dict(case=case["id"], flagged=ended.returncode == 0, seconds=seconds))
        verdict = "flagged" if rows[-1]["flagged"] else "MISSED "
        print(f"{seconds:6.1f} s  {verdict}  {case['id']}", flush=True)
    caught = sum(row["flagged"] for row in rows)
    slowest = max(row["seconds"] for row in rows)
    passed = caught == len(rows) and slowest < BAR
    print(f"{caught} of {len(rows)} flagged, the slowest after {slowest:.1f} s, bar {BAR:.0f} s")
    keep("cases", {"rows": rows, "bar": BAR, "passed": passed})
    return int(options.gate and not passed)


def flagged(case) -> int:
    """0 if the examination finds a fault."""
    import jax

    from tests.cases import examined

    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")
    return int(not examined(case).faults)


if __name__ == "__main__":
    raise SystemExit(main())
