"""`jaxmath new`: a module, a config and a test that run and pass, to be changed from there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jaxmath.config.choices import TUPLES, available
from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.project import BUILT_IN, NAME


def experiment(name: str, root: Path) -> str:
    """Write an experiment; what was written, in words."""
    return _write(
        name,
        root,
        {
            f"experiments/{name}.py": "experiment.py",
            f"configs/{name}.toml": "experiment.toml",
            f"tests/experiments/test_{name}.py": "test_experiment.py",
        },
    )


def loss(name: str, root: Path) -> str:
    """Write a loss; what was written, in words."""
    if any(name in available(kind) for kind in TUPLES):  # pyright: ignore[reportArgumentType]
        raise InputError(f"{name} is the name of something that jaxmath has; choose another")
    return _write(
        name,
        root,
        {
            f"experiments/{name}.py": "loss.py",
            f"configs/{name}.toml": "loss.toml",
            f"tests/experiments/test_{name}.py": "test_loss.py",
        },
    )


def _write(name: str, root: Path, wanted: dict[str, str]) -> str:
    if not NAME.fullmatch(name) or name in BUILT_IN:
        hint = "lower-case letters, digits and `_`, a letter first, such as my_study"
        if name in BUILT_IN:
            raise InputError(Problem(f"the experiment {name} is built in; choose another name"))
        raise InputError(Problem(f"{show(name)} is no name of a module", hint=hint))
    there = [path for path in wanted if (root / path).exists()]
    if there:
        raise InputError(
            *(Problem(f"{path} is there already; nothing was written") for path in there)
        )
    for path, template in wanted.items():
        text = files("jaxmath.lab").joinpath("scaffolds", template + ".txt").read_text("utf-8")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("x", encoding="utf-8") as file:
            file.write(text.replace("NAME", name))
    config, test = (next(p for p in wanted if p.startswith(part)) for part in ("configs", "tests"))
    lines = [*(f"wrote {path}" for path in wanted), "", f"jaxmath run {config}", f"pytest {test}"]
    return "\n".join(lines)
