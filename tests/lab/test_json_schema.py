"""The JSON Schema accepts what the lab accepts, and refuses what a schema can tell is wrong."""

import datetime
import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from jaxmath.config.json_schema import project_schema
from jaxmath.config.project import Project
from tests.lab import bad
from tests.lab.casebook import BASE, TRAIN, project
from tests.lab.valid import valid

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "docs" / "jaxmath.schema.json"
CONFIGS = sorted((ROOT / "configs").glob("*.toml"))

FAMILIES = (bad.misspelt, bad.mistyped, bad.out_of_domain, bad.misnamed, bad.sweeps, bad.hostile)
BEYOND = (
    r"^rounds = 4\.0$",  # JSON has one kind of number
    r"^loss '?(own|bystander)\.",  # modules are not imported for an editor
    r"\[sweep\].*(range|linspace|logspace|uniform|normal) = \[",  # relations between numbers
    r"\[sweep\] 'rate = \[nan\]'",  # JSON has no such number
    r"^misspelt name$",  # the name may stand in a file that is extended
    r"\[sweep\] .*(zip\.offset|zip\.rate = \[0\.2|sobol\.count = 4')",  # relations between axes
)
"""Labels of what a schema cannot tell, with the reason."""


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    root = tmp_path_factory.mktemp("schema") / "project"
    project(root)
    for name in ("broken", "raising"):
        (root / "experiments" / f"{name}.py").unlink()
    schema = project_schema(Project(root))
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def parse(content):
    """A config as an editor sees it: dates are text, and so are numbers that JSON does not have."""
    text = content if isinstance(content, str) else content.decode("utf-8-sig")

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [plain(inner) for inner in value]
        return str(value) if isinstance(value, datetime.date | datetime.time) else value

    return plain(tomllib.loads(text))


def complaints(validator, text):
    return [(error.json_path, error.message) for error in validator.iter_errors(parse(text))]


def test_the_shipped_schema_is_fresh():
    fresh = project_schema(Project(ROOT))
    told = "out of date: jaxmath schema > docs/jaxmath.schema.json"
    assert json.loads(SHIPPED.read_text()) == fresh, told


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_name_it_and_keep_it(config):
    first = config.read_text().partition("\n")[0]
    assert first.startswith(("#:schema ./", "#:schema ../"))
    assert (config.parent / first.split()[1]).resolve() == SHIPPED
    shipped = Draft7Validator(json.loads(SHIPPED.read_text()))
    assert not complaints(shipped, config.read_text())


@pytest.mark.parametrize("case", valid(), ids=lambda case: case.label)
def test_what_the_lab_accepts_is_accepted(case, validator):
    assert not complaints(validator, case.content)


CASES = [case for family in FAMILIES for case in family() if case.content and not case.words]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label[:60])
def test_what_a_schema_can_tell_is_refused(case, validator):
    if any(re.search(pattern, case.label) for pattern in BEYOND):
        return
    assert complaints(validator, case.content)


def test_few_cases_are_beyond_a_schema():
    beyond = [c for c in CASES if any(re.search(pattern, c.label) for pattern in BEYOND)]
    assert len(beyond) < len(CASES) / 6


@pytest.mark.parametrize(
    ("base", "right", "wrong", "path"),
    [
        (BASE, "rate = 0.1", 'rate = "x"', "$.rate"),
        (BASE, "depth = 3", "depth = 33", "$.inner.depth"),
        (BASE, "delta = 2.0", "delta = -2.0", "$.loss.delta"),
        (BASE, "delta = 2.0", "delat = 2.0", "$.loss"),
        (TRAIN, "hidden = [3]", "hidden = [3, 0]", "$.model.hidden[1]"),
        (TRAIN, "test = 0.2", "test = 2", "$.data.split.test"),
    ],
)
def test_the_wrong_value_itself_is_underlined(validator, base, right, wrong, path):
    found = complaints(validator, base.replace(right, wrong))
    assert path in [at for at, _ in found], found
    assert all(path.startswith(at.removesuffix("[0]")) for at, _ in found if at != "$"), found


def test_every_type_of_a_field_has_a_schema(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "odd.py").write_text(ODD)
    schema = project_schema(Project(tmp_path))
    validator = Draft7Validator(schema)
    right = 'experiment = "odd"\nmany = [{ a = 1 }]\npair = [1, 2.5]\nmaybe = 3\n'
    right += 'own = [1]\neither = "x"\n'
    assert not complaints(validator, right)
    for old, new in (("a = 1", "a = 1.5"), ("[1, 2.5]", "[1]"), ("= 3", '= "x"'), ('"x"', "1.5")):
        assert complaints(validator, right.replace(old, new)), new


ODD = """
from __future__ import annotations
from collections.abc import Callable
from dataclasses import dataclass

@dataclass(frozen=True)
class Inner:
    a: int = 1

@dataclass(frozen=True)
class Config:
    many: tuple[Inner, ...] = ()
    pair: tuple[int, float] = (1, 2.0)
    maybe: int | None = None
    own: Callable | None = None
    either: int | str = 1
"""


def test_what_an_editor_shows():
    schema = json.loads(SHIPPED.read_text())
    train = schema["definitions"]["train"]["properties"]
    assert train["steps"]["default"] == 1000 or isinstance(train["steps"]["default"], int)
    assert all(entry.get("description") for entry in train.values())
    adam = schema["definitions"]["optimizer adam"]["properties"]
    assert adam["b1"]["default"] == 0.9
    assert adam["learning_rate"]["exclusiveMinimum"] == 0.0
    sweep = schema["definitions"]["sweep of train"]["properties"]
    assert {"seed", "optimizer.learning_rate", "loss.delta", "zip", "sobol"} <= set(sweep)
    # Many editors offer nothing that lies behind an `if`, so all keys stand beside it.
    assert set(train) <= set(schema["properties"])
