"""The page over all runs: whatever lies in a folder is listed, and nothing of it does anything."""

import base64
import dataclasses
import hashlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from studies import SHORT, axis, study
from test_report import EVIL, Page, evil_run

from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from jaxmath.report import index_page, run_page
from jaxmath.runs import overview, store

SWEPT = [axis("seed", [0, 1]), axis("optimizer.learning_rate", [0.1, 0.2])]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    run = engine.execute(
        study(SHORT, axes=SWEPT), tmp_path_factory.mktemp("index") / "runs", True, False
    )
    (run.folder / "report.html").touch()
    store.seal(run)
    return run


def copied(run, folder, **changed):
    """The small files of a run in another folder; a file with None is left out."""
    folder.mkdir(parents=True)
    names = ("STATUS", "config.toml", "result.json", "provenance.json")
    texts = {name: (run.folder / name).read_text("utf-8") for name in names} | {
        name.replace("_", "."): text for name, text in changed.items()
    }
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(text, "utf-8")


def test_a_run_is_listed_with_all_that_it_came_to(one):
    root = one.folder.parents[1]
    (entry,) = overview.entries(root)
    assert entry.folder == one.folder.relative_to(root)
    assert (entry.outcome, entry.name, entry.title) == ("PASS", "fit", "Fit a plane")
    assert (entry.passed, entry.claims, entry.note) == (1, 1, "")
    assert entry.swept == {"seed": 2, "optimizer.learning_rate": 2}
    table = one.tables[0]
    assert entry.metrics == {"loss": table.columns["loss mean"][table.best]}
    assert entry.seconds == pytest.approx(sum(one.provenance["seconds"].values()), abs=1e-3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", entry.finished)
    page = Page(index_page.page([entry], root, root))
    assert [a["href"] for t, a in page.seen if t == "a"] == [f"{entry.folder}/report.html"]


@pytest.mark.parametrize(
    ("changed", "outcome", "note"),
    [
        (dict(STATUS=None), "unfinished", ""),
        (dict(STATUS=None, result_json=None), "unfinished", "killed"),
        (dict(STATUS="INTERRUPTED 130\n", result_json=None), "INTERRUPTED", ""),
        (dict(STATUS="ERROR 4\nno\n", result_json=None), "ERROR", ""),
        (dict(STATUS="<b>\n"), "damaged", "its STATUS says '<b>'"),
        (dict(STATUS="PASS 0", provenance_json=None), "damaged", "provenance.json: no such file"),
        (dict(result_json="{"), "damaged", "result.json is no JSON"),
        (dict(result_json="[]"), "damaged", "holds no table"),
        (dict(result_json="{}"), "damaged", "'claims' is missing"),
        (dict(result_json='{"claims": 3}'), "damaged", ""),
        (dict(result_json='{"claims": [], "axes": [{}]}'), "damaged", "is missing"),
        (dict(result_json="[" * 100_000), "damaged", ""),
        (dict(result_json="9" * 5000), "damaged", ""),
        (dict(result_json='"' + "9" * overview.LARGE + '"'), "damaged", "larger than"),
        (dict(provenance_json='{"seconds": {"run": "x"}}'), "damaged", "could not convert"),
        (dict(provenance_json='{"finished": "yesterday"}'), "PASS", ""),
    ],
)
def test_what_is_unfinished_or_damaged_is_listed_as_such(one, tmp_path, changed, outcome, note):
    copied(one, tmp_path / "fit" / "1", **changed)
    copied(one, tmp_path / "fit" / "2")
    found = {entry.folder.name: entry for entry in overview.entries(tmp_path)}
    assert found["1"].outcome == outcome
    assert note in found["1"].note
    assert found["2"].outcome == "PASS"
    Page(index_page.page([*found.values()], tmp_path, tmp_path))


def test_foreign_folders_links_and_files_break_nothing(one, tmp_path):
    copied(one, tmp_path / "fit" / "1")
    (tmp_path / "fit" / "notes").mkdir()
    (tmp_path / "fit" / "notes" / "x.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden" / "STATUS").mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    copied(one, tmp_path / "a" / "b" / "c" / "d")
    (tmp_path / "odd" / "STATUS").mkdir(parents=True)
    found = {str(entry.folder): entry.outcome for entry in overview.entries(tmp_path)}
    assert found == {
        "fit/1": "PASS", "fit/notes": "foreign", "empty": "foreign", "a/b/c/d": "PASS",
        "odd": "foreign",
    }  # fmt: skip
    with pytest.raises(InputError, match="no folder"):
        overview.entries(tmp_path / "nowhere")
    (tmp_path / "none").mkdir()
    assert "none yet" in index_page.page(overview.entries(tmp_path / "none"), tmp_path, tmp_path)


def test_an_evil_run_stays_harmless(tmp_path):
    run = dataclasses.replace(evil_run(tmp_path / "runs" / "<script>alert(1)<" / '"><b>'))
    run.folder.mkdir(parents=True)
    store.save(run)
    (run.folder / "config.toml").touch()
    (run.folder / "report.html").write_text(run_page.page(run))
    store.seal(run)
    entries = overview.entries(tmp_path)
    assert entries[0].outcome == "FAIL"
    assert entries[0].name == EVIL
    assert entries[0].note == "gradient: FAIL"
    html = index_page.page(entries, tmp_path, tmp_path)
    page = Page(html)
    assert sum(tag == "script" for tag, _ in page.seen) == 1
    assert not {tag for tag, _ in page.seen} & {"img", "b", "iframe"}
    assert not [a for _, attributes in page.seen for a in attributes if a.startswith("on")]
    assert not [a["href"] for _, a in page.seen if a.get("href", "").startswith("javascript")]


def test_the_only_script_is_the_one_that_the_page_allows(one):
    root = one.folder.parents[1]
    html = index_page.page(overview.entries(root), root, root)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (a["content"] for _, a in Page(html).seen if a.get("http-equiv"))
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "eval" not in script
    assert "innerHTML" not in script
    assert "script-src" not in run_page.page(one)


def test_a_thousand_runs_are_listed_in_seconds(one, tmp_path):
    for number in range(1000):
        copied(one, tmp_path / f"fit{number % 7}" / f"20261130T1035{number:04}Z-aaaaaa")
    started = time.perf_counter()
    found = overview.entries(tmp_path)
    html = index_page.page(found, tmp_path, tmp_path)
    assert time.perf_counter() - started < 10
    assert len(found) == 1000
    assert len(html.encode()) < 3e6


def test_listing_needs_no_jax(one):
    code = (
        "import sys; from jaxmath.lab import cli; sys.argv = ['jaxmath', 'index', sys.argv[1]];\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "assert not {'jax', 'scipy', 'matplotlib'} & set(sys.modules), 'loaded'"
    )
    root = one.folder.parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 run: 1 PASS" in done.stdout
    (root / "index.html").unlink()
    assert json.loads((one.folder / "result.json").read_text())["exit"] == "PASS"
