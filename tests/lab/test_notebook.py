"""A run in a notebook: claims and figures, no scripts, nothing that a run says is markup."""

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import PLOTS
from test_report import EVIL, Page, a_plot, a_run, a_sweep, evil_run

from jaxmath import lab
from jaxmath.report import notebook, run_page
from jaxmath.runs import store
from jaxmath.runs.run import Run

TRAIN = """experiment = "train"
steps = 20
[data]
name = "diabetes"
standardize = true
[optimizer]
name = "adam"
[sweep]
seed = { range = [0, 2] }
"optimizer.learning_rate" = [0.1, 1.0]
"""


def html_of(run):
    html = notebook.shown(run)._repr_html_()
    return html, Page(html)


def test_claims_numbers_and_figures_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = a_run(tmp_path / "runs" / "x" / "1", plots=(a_plot(),), series={"loss": np.array(0.25)})
    html, page = html_of(run)
    text = " ".join(page.words)
    for words in ("Descent at the rate η < 2/λ_max", "1 of 1 claim passes", "PASS", "loss 0.25"):
        assert words in text
    assert [a["href"] for tag, a in page.seen if tag == "a"] == ["runs/x/1/report.html"]
    sources = [a for tag, a in page.seen if tag == "source"]
    assert [a["media"] for a in sources] == ["(prefers-color-scheme: dark)"]
    assert html.count("data:image/") == 2
    assert "best: rate = " in " ".join(html_of(a_sweep())[1].words)
    assert "makes no claims" in html_of(a_run(claims=()))[0]


def test_colours_come_from_what_surrounds_it(tmp_path):
    html, _ = html_of(a_run(tmp_path))
    assert not re.search(r"[^-]color:(?!inherit)|background", html)


def test_figures_are_those_of_the_folder(tmp_path):
    run = a_run(tmp_path, plots=(a_plot(),))
    drawn = html_of(run)[0]
    run_page.write(run)
    assert html_of(run)[0] == drawn
    svg = tmp_path / "figures" / "loss.svg"
    svg.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert html_of(run)[0] != drawn


def test_a_cell_stays_small_and_says_what_is_missing(tmp_path):
    html, page = html_of(a_run(tmp_path, plots=PLOTS))
    assert len(html) < 200_000
    shown = sum(tag == "img" for tag, _ in page.seen)
    assert 1 < shown < len(PLOTS)
    assert f"with {len(PLOTS) - shown} more figures" in html


def test_markup_of_a_run_stays_text(tmp_path):
    html, page = html_of(evil_run(tmp_path))
    assert "<script" not in html
    assert not {tag for tag, _ in page.seen} & {"script", "iframe", "object", "style", "b", "svg"}
    assert sum(tag == "img" for tag, _ in page.seen) == 1
    assert not [a for _, attributes in page.seen for a in attributes if a.startswith("on")]
    assert EVIL.partition("\x1b")[0] in "".join(page.words)


def test_what_the_lab_returns_is_a_run_that_shows_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.toml").write_text(TRAIN)
    run = lab.run("t.toml")
    assert isinstance(run, Run)
    assert repr(run).startswith("<run of t in runs/t/")
    back = lab.load(run.folder)
    assert back._repr_html_() == run._repr_html_()
    assert len(run._repr_html_()) < 200_000
    assert dataclasses.replace(run, plots=())._repr_html_().count("<img") == 0
    assert store.load(run.folder).name == run.name
