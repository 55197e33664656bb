"""A run as a folder that TensorBoard shows: scalars over steps, and the table of HPARAMS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from jaxmath.runs import event_file
from jaxmath.runs.files import disk, file_name, write
from jaxmath.runs.lanes import Lane, lanes, moment, settings, steps
from jaxmath.runs.run import Run


def write_events(run: Run, folder: Path) -> list[Path]:
    """Write an event file for each lane, in a folder of its own where the run is a sweep.

    Exporting again writes the same file; TensorBoard would add up two.
    """
    written = []
    with disk(folder):
        for lane in lanes(run):
            inside = folder / file_name(lane.name) if run.axes else folder
            inside.mkdir(parents=True, exist_ok=True)
            written.append(inside / f"events.out.tfevents.{int(moment(run))}.jaxmath")
            write(written[-1], b"".join(_events(run, lane)))
    return written


def _events(run: Run, lane: Lane) -> Iterator[bytes]:
    when = moment(run)
    yield event_file.version(when)
    yield event_file.hparams(when, settings(run, lane), lane.name)
    at = steps(run)
    for place, step in enumerate(at.tolist() if lane.curves else ()):
        values = {name: float(curve[place]) for name, curve in lane.curves.items()}
        yield event_file.scalars(when, int(step), values)
    last = int(at[-1]) if lane.curves and len(at) else 0
    rest = {name: float(v) for name, v in lane.metrics.items() if name not in lane.curves}
    if rest:
        yield event_file.scalars(when, last, rest)
