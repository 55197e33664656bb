"""`config --origin` says of every value where it came from, as TOML that runs."""

import tomllib

import pytest

from jaxmath.config import origins, reading
from tests.lab.casebook import BASE, project

BASE_FILE = BASE + '\n[sweep]\n"loss.name" = ["huber", "log_cosh"]\noffset = [1.0, 2.0]\n'
CASE = """extends = "base.toml"
rounds = 5
[inner]
depth = 4
[sweep.sobol]
count = 4
rate = { uniform = [0.1, 0.2] }
inner.slope = { loguniform = [0.1, 0.5] }
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text(BASE_FILE)
    (tmp_path / "case.toml").write_text(CASE)

    def tell(*overrides, smoke=False, config="case.toml"):
        study, document = reading.read_with_document(config, overrides, smoke)
        return study, origins.with_origins(study, document)

    return tell


def line_of(text, key):
    """The line that sets a key, and its comment, which may stand above."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{key} = "))
    return lines[at].partition("  # ")[2] or lines[at - 1].removeprefix("# ")


def number(text, part):
    return text[: text.index(part)].count("\n") + 1


def test_every_origin(told):
    _, text = told("title=mine", "inner.slope=0.4")
    expected = {
        "experiment": "base.toml:1",
        "rounds": "case.toml:2",
        "penalty": "default",
        "title": "command line: title=mine",
        "name": f"base.toml:{number(BASE, 'huber')}",
        "depth": "case.toml:4",
        "slope": "command line: inner.slope=0.4",
        "loss": f"base.toml:{number(BASE_FILE, 'loss.name')}",
        "count": "case.toml:6",
        "scrambled": "default",
    }
    assert {key: line_of(text, key) for key in expected} == expected
    assert '"inner.slope" =' not in text, "a single value ends the sweep of its path"


def test_smoke_values(told):
    _, text = told(smoke=True)
    assert line_of(text, "rounds") == f"[smoke] base.toml:{number(BASE, 'rounds = 2')}"


def test_it_is_the_same_config(told, tmp_path):
    study, text = told("title=a # b")
    assert tomllib.loads(text) == study.resolved
    (tmp_path / "again.toml").write_text(text)
    assert reading.read(tmp_path / "again.toml").axes == study.axes


def test_it_fits_a_terminal(told):
    _, text = told()
    assert max(map(len, text.splitlines())) <= 80
    _, text = told(config={"experiment": "train"})
    assert {line.partition("  # ")[2] for line in text.splitlines() if " = " in line} == {
        "default",
        "given",
    }
