"""A project on disk, the configs that cases are made from, and what a case is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CANARY = "canary_module"
"""No code may ever see this word: it stands wherever a config tries to be a program."""

SECRET = "nobody may read this"
"""Stands in files outside the project."""

STUDY = '''
"""A study for tests: as small as an experiment can be."""
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath.config.choices import Choice, choose
from jaxmath.runs.experiment import Claim, Fault, Result


@dataclass(frozen=True)
class Inner:
    depth: Annotated[int, Field(ge=1, le=9)] = 2
    slope: Annotated[float, Field(gt=0, lt=1)] = 0.5


@dataclass(frozen=True)
class Config:
    rate: Annotated[float, Field(gt=0)] = 0.1
    offset: float = 0.0
    rounds: Annotated[int, Field(ge=1)] = 3
    wanted: bool = True
    title: str = "a study"
    mode: Literal["gentle", "steep"] = "gentle"
    sizes: tuple[int, ...] = (4, 2)
    loss: Annotated[Any, Choice("loss")] = field(default_factory=lambda: choose("loss", "huber"))
    penalty: Annotated[Any, Choice("penalty", optional=True)] = None
    inner: Inner = field(default_factory=Inner)


def load(config):
    return np.arange(3.0)


def measure(config, data, key):
    return {"sum": config.rate * jnp.sum(data) + config.offset}


def judge(config, data, measured):
    fault = Fault("NaN in the sum", lambda m: {**m, "sum": m["sum"] * np.nan})
    return Result((
        Claim("finite", "It is a number.", measured["sum"], ">=", -1e9, fault, "arithmetic"),
    ))
'''

OWN_LOSS = '''
import jax.numpy as jnp


def bowl(residual, width=1.0):
    """A loss of one's own."""
    return jnp.square(residual / width)


LOSSES = (bowl,)
'''

BYSTANDER = '''
"""Nobody names this module rightly, so nobody may import it."""
from pathlib import Path

Path(__file__).with_name("was_imported").touch()


def bait(residual):
    return residual


LOSSES = (bait,)
'''

BASE = """experiment = "study"
seed = 0
precision = "float64"
rate = 0.1
offset = 1.5
rounds = 4
wanted = false
title = "plain"
mode = "steep"
sizes = [3, 2]

[loss]
name = "huber"
delta = 2.0

[inner]
depth = 3
slope = 0.25

[smoke]
rounds = 2
"""

TRAIN = """experiment = "train"
steps = 5
batch_size = 16
sampling = "epochs"
records = 2

[data]
name = "diabetes"
standardize = true
split = { test = 0.2, seed = 0 }

[model]
name = "mlp"
hidden = [3]
activation = "tanh"

[loss]
name = "huber"
delta = 1.0

[penalty]
name = "l2"
strength = 1e-3

[optimizer]
name = "adam"
learning_rate = 0.1

[smoke]
steps = 2
"""


@dataclass(frozen=True)
class Case:
    """A config (text, bytes, or the name of something else), its words, and what must come of it.

    Attributes:
        label: the kind of mistake, and which one.
        content: the file's content; None where `words` name another file themselves.
        status: the exit status it must end with.
        needles: what the message must hold.
        words: what follows the config on the command line.
    """

    label: str
    content: str | bytes | None
    status: int = 2
    needles: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def project(root: Path) -> None:
    """Lay out the project that the configs live in."""
    for folder in ("experiments", "configs", "data", "data/folder.csv"):
        (root / folder).mkdir(parents=True)
    (root / "experiments" / "study.py").write_text(STUDY)
    (root / "experiments" / "own.py").write_text(OWN_LOSS)
    (root / "experiments" / "bystander.py").write_text(BYSTANDER)
    (root / "experiments" / "broken.py").write_text("def load(:\n")
    (root / "experiments" / "raising.py").write_text(STUDY + "\nraise RuntimeError('by myself')\n")
    (root / "experiments" / "hollow.py").write_text(STUDY.replace("def judge", "def judged"))
    (root / "evil.py").write_text(BYSTANDER)
    (root / "configs" / "present.toml").write_text(BASE)
    _extended(root)
    (root / "data" / "table.csv").write_text("a,b,y\n" + "1,2,3\n2,1,4\n0,5,9\n" * 8)
    (root / "data" / "words.csv").write_text("a,b,y\n1,2,3\n2,x,4\n")
    (root / "data" / "holes.csv").write_text("a,b,y\n1,2,3\n2,,4\n")
    (root / "data" / "infinite.csv").write_text("a,b,y\n1,2,3\n2,inf,4\n")
    (root / "data" / "ragged.csv").write_text("a,b,y\n1,2,3\n2,4\n")
    (root / "data" / "empty.csv").write_text("")
    (root / "data" / "binary.csv").write_bytes(bytes(range(256)))
    (root / "data" / "broken.npz").write_bytes(b"PK\x03\x04 not really")
    rows = np.random.RandomState(0).standard_normal((20, 3))
    np.savez(root / "data" / "arrays.npz", features=rows, targets=rows[:, 0])
    pickled = np.array([{"a": 1}], dtype=object)
    np.savez(root / "data" / "pickled.npz", features=pickled, targets=pickled)


def _extended(root: Path) -> None:
    """Files that configs extend, most of which they should not."""
    configs = root / "configs"
    (configs / "folder.toml").mkdir()
    (configs / "self.toml").write_text('extends = "self.toml"\n')
    (configs / "ring_a.toml").write_text('extends = "ring_b.toml"\n')
    (configs / "ring_b.toml").write_text('extends = ["present.toml", "ring_a.toml"]\n')
    for i in range(1, 12):
        (configs / f"chain_{i}.toml").write_text(f'extends = "chain_{i + 1}.toml"\n')
    (configs / "syntax.toml").write_text("rate = 0.1\noffset = .5\n")
    (configs / "wrong.toml").write_text('title = "base"\nraet = 0.1\n[inner]\ndepth = 99\n')
    (configs / "deep.toml").write_text('extends = "present.toml"\n[inner]\ndepth = 99\n')
    (configs / "binary.toml").write_bytes(b"\x89PNG" + bytes(range(1, 200)))
    outside = root.parent / f"{root.name}_outside"
    outside.mkdir()
    (outside / "outside.toml").write_text(f'title = "{SECRET}"\n')
    (root.parent / "outside.toml").write_text(f'title = "{SECRET}"\n')
    (configs / "link.toml").symlink_to(outside / "outside.toml")
    (configs / "code.toml").symlink_to(root / "experiments" / "study.py")
    (configs / "linked").symlink_to(outside)
    (configs / "loop.toml").symlink_to(configs / "loop.toml")


def replaced(base: str, old: str, new: str) -> str:
    """The base with one line changed; the change must have happened."""
    assert base.count(old) == 1, old
    return base.replace(old, new)


def line_of(text: str, part: str) -> str:
    """`:7:`, the place as messages write it."""
    return f":{text[: text.index(part)].count(chr(10)) + 1}:"
