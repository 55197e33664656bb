"""What CONTRIBUTING.md promises: one file of 25 lines and one name in a tuple are enough."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = """
experiment = "train"
steps = 50
data = { name = "breast_cancer", standardize = true }
model = { name = "linear" }
loss = { name = "unhinged" }
optimizer = { name = "sgd", learning_rate = 0.01 }
"""


def blocks() -> list[str]:
    """The Python of CONTRIBUTING.md: the file, and the change of the tuple."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with the file and the name added, and what its commands read."""
    root = tmp_path_factory.mktemp("copy")
    ignore = shutil.ignore_patterns("__pycache__")
    for folder in ("jaxmath", "docs", "experiments"):
        shutil.copytree(ROOT / folder, root / folder, ignore=ignore)
    (root / "tests").mkdir()
    for file in ("pyproject.toml", "tests/conftest.py", "tests/test_laws.py"):
        shutil.copy(ROOT / file, root / file)
    formula, change = blocks()
    (root / "jaxmath/losses/unhinged.py").write_text(formula)
    front = root / "jaxmath/losses/__init__.py"
    importing, listing = change.strip().split("\n\n")
    changed, count = re.subn(r"^LOSSES = .*$", listing, front.read_text(), flags=re.MULTILINE)
    assert count == 1
    front.write_text(f"{importing}\n{changed}")
    (root / "boosting.toml").write_text(CONFIG)
    return root


def run(copy, *words, status=0):
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "100"}
    ended = subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


def test_the_file_has_25_lines_and_one_name_is_added():
    formula, change = blocks()
    assert len(formula.splitlines()) <= 25
    before = re.search(
        r"^LOSSES = \((.*)\)$", (ROOT / "jaxmath/losses/__init__.py").read_text(), re.M
    )
    after = re.search(r"^LOSSES = \((.*)\)$", change, re.M)
    assert before is not None
    assert after is not None
    assert after[1] == f"{before[1]}, UNHINGED"


@pytest.mark.full
def test_the_laws_find_it(copy):
    run(
        copy,
        "-m",
        "pytest",
        "tests/test_laws.py",
        "-k",
        "unhinged",
        "-m",
        "",
        "-p",
        "no:cacheprovider",
    )


@pytest.mark.full
def test_the_laws_find_what_is_wrong_with_it(copy):
    file = copy / "jaxmath/losses/unhinged.py"
    right = file.read_text()
    file.write_text(right.replace("label: -label", "label: label"))
    assert file.read_text() != right
    try:
        told = run(
            copy, "-m", "pytest", "tests/test_laws.py", "-k", "unhinged",
            "-m", "", "-p", "no:cacheprovider", status=1,
        )  # fmt: skip
    finally:
        file.write_text(right)
    assert "unhinged" in told
    assert "score" in told


def test_list_and_show_find_it(copy):
    assert re.search(r"^ +unhinged +One minus the margin", run(copy, "-m", "jaxmath", "list"), re.M)
    card = run(copy, "-m", "jaxmath", "show", "unhinged")
    assert "eq. 2" in card
    assert "convex in score" in card
    assert "R3" in card


def test_the_pages_find_it(copy):
    run(copy, "docs/generate.py")
    page = (copy / "docs/formulas/loss.md").read_text()
    assert "## unhinged(score, label)" in page
    assert r"\ell(s, y) = 1 - y s" in page
    row = next(
        line for line in (copy / "docs/topics.md").read_text().splitlines() if "| R3 |" in line
    )
    assert "`unhinged`" in row


def test_a_config_trains_with_it(copy):
    run(copy, "-m", "jaxmath", "run", "boosting.toml")
    assert list(copy.glob("runs/**/report.html"))
