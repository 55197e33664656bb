"""Run the left cells of docs/from-jaxopt.md and store jaxopt's answers for the test of the right.

`python -m benchmarks.peers.from_jaxopt` needs jaxopt, and nothing of jaxmath.
"""

import json
from importlib import import_module
from pathlib import Path

import jax
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PAGE, ANSWERS = ROOT / "docs/from-jaxopt.md", ROOT / "tests/data/jaxopt.json"


def rows(page: str) -> list[tuple[str, str]]:
    """The two cells of every row, without their backticks."""
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    cells = [line.strip("| ").split("` | `") for line in lines]
    return [(left.strip("`"), right.strip("`")) for left, right in cells]


def names(page: str, modules: dict) -> dict:
    """What the cells see: the data of the page, and some modules."""
    found = dict(modules)
    exec(page.split("```python\n")[1].split("```")[0], found)
    return found


def main() -> None:
    """Store the answers, by the cell that gave them."""
    jax.config.update("jax_enable_x64", True)
    page, jaxopt = PAGE.read_text("utf-8"), import_module("jaxopt")
    parts = ("isotonic", "loss", "objective", "projection", "prox")
    known = {"jaxopt": jaxopt, **{name: import_module(f"jaxopt.{name}") for name in parts}}
    known = names(page, known)
    answers = {left: np.asarray(eval(left, known)).tolist() for left, _ in rows(page)}
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
