"""Several devices in one process: lanes over all of them, or the rows of a full batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxmath.config.errors import InputError
from jaxmath.lab import mesh, plan

REPOSITORY = Path(__file__).parents[2]

EXPERIMENT = """
from dataclasses import dataclass
import jax
import jax.numpy as jnp
import numpy as np
from jaxmath.runs import Result

@dataclass(frozen=True)
class Config:
    rate: float = 0.1
    rows: int = 40
    batch: int = 4

def load(config):
    draws = np.random.default_rng(0).normal(size=(config.rows, 9))
    return dict(features=draws[:, :8], targets=draws[:, 8], scale=np.ones(8), name="noise")

def full_batch(config):
    return config.batch == 0

def rounds(config):
    return 2

def begin(config, data, key):
    order = jax.random.permutation(key, config.rows)
    return dict(order=order, weights=jax.random.normal(key, (8,)), key=key)

def proceed(config, data, carry):
    def step(weights, i):
        rows = data["features"], data["targets"]
        if config.batch:
            taken = carry["order"][jnp.arange(config.batch) + config.batch * i]
            rows = rows[0][taken], rows[1][taken]
        def loss(w):
            apply = jax.vmap(lambda w, x: x @ (data["scale"] * w), (None, 0))
            return jnp.mean((apply(w, rows[0]) - rows[1]) ** 2)
        value, slope = jax.value_and_grad(loss)(weights)
        return weights - config.rate * slope, value
    weights, losses = jax.lax.scan(step, carry["weights"], jnp.arange(5))
    return dict(carry, weights=weights), losses[-1]

def finish(config, data, carry, records):
    return dict(weights=carry["weights"], first=carry["order"][0], curve=records)

def judge(config, data, measured):
    return Result(claims=())
"""

CASES = {
    "seeds": ("seed = { range = [0, 16] }\nrate = [0.1, 0.2]", {}),
    "settings": ("rate = { linspace = [0.01, 0.2, 13] }", {}),
    "rows": ("seed = [0, 1]", dict(batch=0, rows=(1 << 17) + 3)),
}
LIES = {"seeds": 8, "settings": 7, "rows": 8}


def test_eight_devices_do_what_one_does(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "fit.py").write_text(EXPERIMENT)
    for name, (sweep, values) in CASES.items():
        lines = ['experiment = "fit"', *(f"{k} = {v}" for k, v in values.items())]
        (tmp_path / f"{name}.toml").write_text("\n".join([*lines, "[sweep]", sweep]))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.lab.eight", *(tmp_path / f"{name}.toml" for name in CASES)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    found = dict(zip(CASES, map(json.loads, ended.stdout.splitlines()), strict=True))
    assert {name: case["devices"] for name, case in found.items()} == LIES
    for name, case in found.items():
        assert case["worst"] <= 1e-12, name
        assert case["alike"], name
        by_rows = name == "rows"
        assert case["collectives"] == (["all-reduce"] if by_rows else []), name
        assert (case["over"] == "data") is by_rows, name
    assert found["settings"]["over"] == "settings"


@pytest.mark.parametrize("devices", [2, 3, 8])
@pytest.mark.parametrize("most", [1, 3, 50])
@pytest.mark.parametrize(("seeds", "settings"), [(1, 1), (1, 19), (3, 5), (11, 2), (32, 32)])
def test_tiles_of_several_devices(seeds, settings, most, devices):
    """They cover the grid, no device has more than it may, and none is idle in all of them."""
    wide = plan.over_devices(seeds, settings, most, devices, 1)
    lanes = {(r, c) for rows, columns in wide.tiles(seeds, settings) for r in rows for c in columns}
    assert len(lanes) == seeds * settings
    layout = mesh.layout(wide, (), tuple(range(devices)))
    part, used = layout.part(wide), max(len(layout.devices), 1)
    assert part.rows * part.columns * used == wide.rows * wide.columns
    assert part.rows * part.columns <= most
    assert used >= min(devices, max(seeds, settings)) / 2


def test_which_data_are_divided():
    """Large ones of a full batch, with what has as many rows, if lanes do not fill the devices."""
    large, labels, few = np.zeros((1 << 17, 8)), np.zeros(1 << 17), np.zeros(40)
    data, devices = [large, labels, few, np.zeros(())], tuple(range(8))
    assert mesh.divided(True, data, 7, devices) == (1 << 17, 1 << 17, 0, 0)
    assert mesh.divided(True, data, 8, devices) == ()
    assert mesh.divided(False, data, 1, devices) == ()
    assert mesh.divided(True, [few, labels], 1, devices) == ()


def test_more_devices_than_there_are():
    with pytest.raises(InputError, match="`--devices 999` is more than there are: "):
        mesh.devices(999)
