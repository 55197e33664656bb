"""The threads that arithmetic runs on, which decide the last bits of a sum.

XLA cuts large operations on a CPU into as many pieces as its pool has threads, and LAPACK's own
pool does likewise; a sum of pieces rounds differently from another number of pieces. `pin` fixes
both, which must happen before JAX and NumPy are imported. The flag
`--xla_cpu_multi_thread_eigen=false` does not do it.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from jaxmath.config.errors import InputError, Problem

PINNED = 4
"""Threads of XLA's pool in a deterministic run, and the tiles that are cut at once, wherever it
runs: fewer cores do the same pieces one after the other."""

POOL, LAPACK = "NPROC", "OPENBLAS_NUM_THREADS"
INLINE = "JAX_CPU_ENABLE_ASYNC_DISPATCH"


def inline() -> None:
    """Let a thread that calls a program run it itself, if JAX is not imported yet.

    Tiles have threads of their own; to hand each call to another costs a tenth of the time.
    """
    if "jax" not in sys.modules:  # which has read its environment when it is there
        os.environ.setdefault(INLINE, "false")


def pin() -> None:
    """Fix both pools for this process; a size that the user has set for XLA's stays.

    Raises:
        InputError: NumPy or JAX is there already, and has read the environment.
    """
    if {"numpy", "jax"} & set(sys.modules) and not pinned():
        hint = f"set {POOL}={PINNED} and {LAPACK}=1 before this process imports numpy"
        raise InputError(Problem("threads cannot be pinned any more", hint=hint))
    os.environ.setdefault(POOL, str(PINNED))
    os.environ[LAPACK] = "1"


def pin_like(folder: Path) -> None:
    """Pin as the first session of a run did, if it did."""
    for name in ("plan.json", "plan.copy.json"):
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
            first = json.loads((folder / name).read_text("utf-8"))["sessions"][0]
            if first["deterministic"]:
                os.environ[POOL] = str(int(first["threads"][POOL]))
                pin()
            return


def pinned() -> bool:
    """Whether both pools are fixed."""
    return bool(os.environ.get(POOL, "").isdigit() and os.environ.get(LAPACK) == "1")


def pool() -> int:
    """The size of XLA's pool where it is pinned."""
    return max(1, int(os.environ[POOL]))
