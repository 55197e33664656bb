"""Whether two runs should hold the same bits, and if not, how far apart they may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jaxmath.runs.agreement import Agreement
from jaxmath.runs.run import Run

TOLERANCE = {"float64": 1e-12, "float32": 1e-2}
"""How far apart the same computation may come out elsewhere, relative.

Other cores, versions or devices change the last bits. In float64 what converges keeps twelve
digits. In float32 hundreds of steps of a network can carry a last bit into the second digit.
"""

NUMERICAL = ("jax", "jaxlib", "numpy", "optax", "scipy", "scikit-learn")
NEEDED = NUMERICAL[:3]
"""Packages whose versions a run must know, before equal bits can be expected of it."""


class Promise(StrEnum):
    """What may be expected of the arrays of two runs."""

    BITS = "equal bits"
    DIGITS = "equal digits"
    NONE = "nothing"


@dataclass(frozen=True)
class Expectation:
    """What was to be expected of two runs, why, and what came of it.

    Attributes:
        promise: equal bits, digits to a tolerance, or nothing since they compute different things.
        tolerance: how far apart arrays may be, as `Agreement.difference` measures it.
        reasons: why no more than that can be expected.
        unless: what makes even that uncertain: code that may have changed.
        kept: whether the arrays are so; None where nothing was to be expected, or where they are
            not and the code may have changed.
        equal, arrays: how many of how many arrays are equal bit for bit.
        worst: the array that is furthest off; None where all bits are equal.
    """

    promise: Promise
    tolerance: float | None
    reasons: tuple[str, ...]
    unless: tuple[str, ...]
    kept: bool | None
    equal: int
    arrays: int
    worst: Agreement | None


def expectation(
    first: Run, other: Run, changed: Sequence[str], held: Sequence[Agreement]
) -> Expectation:
    """What to expect of two runs whose configs differ in the dotted paths `changed`."""
    promise, tolerance, reasons = _promised(first, other, changed)
    differing = [a for a in held if not a.equal]
    worst = max(differing, key=lambda a: a.difference, default=None)
    kept = None
    if promise is Promise.BITS:
        kept = worst is None
    elif tolerance is not None:
        kept = worst is None or worst.difference <= tolerance
    unless = tuple(_code(first.provenance, other.provenance))
    if unless and not kept:
        kept = None
    equal = len(held) - len(differing)
    return Expectation(promise, tolerance, tuple(reasons), unless, kept, equal, len(held), worst)


def _promised(first: Run, other: Run, changed: Sequence[str]):
    if changed:
        named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if changed[3:] else "")
        return Promise.NONE, None, [f"the configs differ in {named}"]
    reasons = list(reasons_of(first.provenance, other.provenance))
    reasons += _cut(first.provenance, other.provenance)
    if any(map(_moved, (first.provenance, other.provenance))):
        reasons.append("one was interrupted, and went on in other surroundings")
    if not reasons:
        return Promise.BITS, 0.0, []
    precision = str(first.config.get("precision", "float64"))
    return Promise.DIGITS, TOLERANCE.get(precision, max(TOLERANCE.values())), reasons


def _cut(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    """A sweep is cut for the processes that begin it, unless it is cut the same everywhere."""
    old, new = ((p.get("sessions") or [p])[0].get("processes", 1) for p in (one, two))
    if old != new and not (one.get("deterministic") and two.get("deterministic")):
        yield f"{old} and {new} processes"


def _moved(provenance: Mapping[str, Any]) -> bool:
    """Whether the sessions of a run that was resumed would not have given each other's bits."""
    first, *later = provenance.get("sessions") or [{}]
    return any(reason for session in later for reason in reasons_of(first, session))


def reasons_of(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    """Why the bits may differ though the configs do not."""
    versions = [_table(p, "versions") for p in (one, two)]
    for name in NUMERICAL:
        old, new = (v.get(name, "unknown") for v in versions)
        if old != new:
            yield f"{name} {old} and {new}"
        elif old == "unknown" and name in NEEDED:
            yield f"the version of {name} is unknown"
    systems = [p.get("system", "unknown") for p in (one, two)]
    if systems[0] != systems[1]:
        yield f"{systems[0]} and {systems[1]}"
    old, new = (_table(p, "device").get("count", 1) for p in (one, two))
    if old != new:
        yield f"{old} and {new} devices"
    kinds = [_table(p, "device").get("kind", "unknown") for p in (one, two)]
    platforms = {_table(p, "device").get("platform", "unknown") for p in (one, two)}
    if kinds[0] != kinds[1] or len(platforms) > 1:
        yield f"devices {kinds[0]} and {kinds[1]}"
    elif platforms == {"cpu"}:
        # Runs of earlier versions do not say.
        old, new = (_table(p, "device").get("processor") for p in (one, two))
        if old and new and old != new:
            yield f"processors {old} and {new}"
    else:
        yield f"a {platforms.pop()} sums in no fixed order"
    yield from _threads(one, two)


def _code(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    """Signs that the code of jaxmath or of the experiment is not the same in both."""
    old, new = (_table(p, "versions").get("jaxmath") for p in (one, two))
    if old != new:
        yield f"jaxmath is {old} and {new}"
    commits = [_table(p, "git") for p in (one, two)]
    if commits[0].get("commit") != commits[1].get("commit"):
        yield "the project stands at two commits"
    elif any(c.get("dirty") for c in commits):
        yield "the project had changes that were not committed"


def _threads(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[str]:
    """The pools of threads decide in which order sums are taken, and so the last bits."""
    (cores, pools), (other_cores, other_pools) = map(_pools, (one, two))
    pinned = [bool(p.get("deterministic")) for p in (one, two)]
    if pinned[0] != pinned[1]:
        yield "only one of them ran with --deterministic"
    elif pools != other_pools:
        told = {name: (value, other_pools.get(name)) for name, value in pools.items()}
        yield from (
            f"{name} {_unset(a)} and {_unset(b)}" for name, (a, b) in told.items() if a != b
        )
    elif not all(pinned) and cores != other_cores:
        yield f"{_unset(cores)} and {_unset(other_cores)} cores"
    elif not all(pinned) and cores is None:
        yield "the number of cores is unknown"


def _pools(provenance: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The cores of a run, and the environment that sizes its pools of threads.

    Folders of earlier versions hold the cores alone.
    """
    threads = provenance.get("threads")
    if not isinstance(threads, Mapping):
        return threads, {"NPROC": None, "OPENBLAS_NUM_THREADS": None}
    names = ("NPROC", "OPENBLAS_NUM_THREADS")
    return threads.get("cores"), {name: threads.get(name) for name in names}


def _unset(value: Any) -> str:
    return "unset" if value is None else str(value)


def _table(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = provenance.get(name)
    return found if isinstance(found, Mapping) else {}
