"""The documentation says what is there: topics exist, pages are fresh, links lead somewhere."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jaxmath.examine import catalog

ROOT = Path(__file__).parent.parent
TOPICS = tomllib.loads((ROOT / "docs/topics.toml").read_text())


def test_every_topic_that_is_named_exists():
    served = catalog.serving(ROOT)
    assert served
    assert set(served) <= set(TOPICS)


def test_every_experiment_of_the_project_names_topics():
    named = {name for experiments, _ in catalog.serving(ROOT).values() for name in experiments}
    assert {path.stem for path in (ROOT / "experiments").glob("[!_]*.py")} <= named


def test_the_list_of_topics_is_complete_in_itself():
    assert len(TOPICS) == 107
    for row in TOPICS.values():
        assert set(row) == {"section", "concept", "formula", "source"}
        assert all(text.strip() for text in row.values())


def test_generated_pages_are_fresh():
    ended = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"^Of 107 topics \d+ have an experiment", ended.stdout, re.MULTILINE)


def test_every_test_that_coverage_names_exists():
    tables = tomllib.loads((ROOT / "docs/coverage.toml").read_text())
    named = [test for rows in tables.values() for row in rows for test in row.get("tests", [])]
    assert len(named) > 30
    for test in named:
        file, _, name = test.partition("::")
        assert f"def {name or 'test_'}" in (ROOT / "tests" / file).read_text(), test


def test_the_glossary_holds_fifteen_words_or_fewer_a_line_each():
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    assert sum(line.startswith("- **") for line in lines) <= 15
    assert all(line.startswith(("- **", "#", "The words")) or not line for line in lines)


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/topics.md",
        "docs/verify.md",
        "docs/configs.md",
    ],
)
def test_links_and_pictures_lead_somewhere(page):
    text = (ROOT / page).read_text()
    links = re.findall(r'\]\(([^)#]+)|(?:src|srcset)="([^"]+)"', text)
    here = (ROOT / page).parent
    for link in filter(lambda link: "://" not in link, map("".join, links)):
        assert (here / link).exists(), link
