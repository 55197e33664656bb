"""What eight simulated devices come to beside one: `python -m tests.lab.eight CONFIG ...`.

Prints a JSON object for each config: over what its tiles lay, the largest difference relative to
numbers above one, which collectives its programs have, and whether both name their tiles alike.
"""

import json
import os
import re
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import numpy as np

from jaxmath.config import reading
from jaxmath.lab import engine, plan, tiles
from jaxmath.lab.job import Job
from jaxmath.lab.loading import Loader, read_by_load
from jaxmath.lab.progress import Progress


def prepared(study, job):
    loader = Loader(study)
    cells = plan.cells(study, read_by_load(study, loader))
    with jax.enable_x64(True):
        return tiles.prepare(study, cells, loader, Progress(quiet=True), None, job)[0]


def main(config: str) -> dict:
    study = reading.read(config)
    one, eight = (engine.measure(study, job=Job(count)).measured for count in (1, None))
    worst = max(
        float(np.max(np.abs(a - b) / np.maximum(1, np.abs(a))))
        for name in one
        for a, b in zip(*map(jax.tree.leaves, (one[name], eight[name])), strict=True)
    )
    (tile, *_) = work = prepared(study, Job())
    collective = r"\b(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)\("
    text = "".join(stage.as_text() for stage in tile.program[:3] if stage)
    # Cut in the same way, as a run that goes on is, tiles have the same names.
    sides = [[tile.program.tiling.rows, tile.program.tiling.columns]]
    job = Job(1)
    job.cut = lambda journal: sides
    return dict(
        over=tile.program.layout.over,
        devices=len(tile.program.layout.devices),
        worst=worst,
        collectives=sorted(set(re.findall(collective, text))),
        alike=[tile.key for tile in work] == [tile.key for tile in prepared(study, job)],
    )


if __name__ == "__main__":
    for config in sys.argv[1:]:
        print(json.dumps(main(config)))  # noqa: T201
