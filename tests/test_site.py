"""The site's own tools: a dead link is found, a guide that lies too, and no function is missing."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from jaxmath import verify

DOCS = Path(__file__).parents[1] / "docs"

PAGE = """<html><head><link rel="stylesheet" href="style.css"></head><body>
<h1 id="here">A page</h1><a href="other.html#there">other</a> <a href="#here">up</a>
<a href="https://example.org/">out</a> <a href="mailto:a@example.org">write</a>
<img src="picture.svg" alt=""><img src="data:image/png;base64,AA==" alt=""></body></html>"""

PLANTED = {
    '<a href="gone.html">x</a>': "no such file",
    '<a href="other.html#gone">x</a>': "no such place",
    '<a href="#gone">x</a>': "no such place",
    '<a href="../secret.html">x</a>': "leads out of the site",
    '<a href="http://example.org">x</a>': "not a full https address",
    '<img src="gone.svg">': "no such file",
    '<img src="https://example.org/x.png">': "loaded from another machine",
    '<script src="//example.org/x.js"></script>': "loaded from another machine",
    '<link rel="stylesheet" href="https://example.org/x.css">': "loaded from another machine",
}


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.syspath_prepend(DOCS / "extensions")
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(DOCS) in sys.modules[name].__file__:
            del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    for name in ("style.css", "picture.svg"):
        (tmp_path / "site" / name).write_text("")
    (tmp_path / "site" / "index.html").write_text(PAGE)
    (tmp_path / "site" / "other.html").write_text('<h2 id="there">x</h2>')
    (tmp_path / "secret.html").write_text("")
    return tmp_path / "site"


def test_links_that_lead_somewhere_are_no_faults(tool, site):
    assert not list(tool("links").faults(site))


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_dead_link_is_found(tool, site, planted):
    (site / "index.html").write_text(PAGE.replace("</body>", planted + "</body>"))
    (found,) = tool("links").faults(site)
    assert found.startswith("index.html: ")
    assert PLANTED[planted] in found


def test_a_style_that_loads_from_elsewhere_is_found(tool, site):
    (site / "style.css").write_text("@font-face { src: url(https://example.org/x.woff2) }")
    assert list(tool("links").styles(site))


def test_a_guide_is_held_to_what_it_shows(tool, tmp_path):
    guide = tmp_path / "guide.md"
    guide.write_text(
        "```python\n# mine.py\nprint(6 * 7)\n```\n"
        "```python\n# mine.py, at the end\nprint('more')\n```\n"
        "```console\n$ pip install gone\n$ python3 mine.py  # an answer\n4...\nmore\n```\n"
        "```console\n$ python3 mine.py\n43\n...\n```\n"
        "```console\n$ python3 gone.py\n```\n"
    )
    wrong = tool("guides").follow(guide, tmp_path)
    assert len(wrong) == 2
    assert "should print\n43" in wrong[0]
    assert "gone.py" in wrong[1]


def test_every_function_at_a_front_door_has_its_place_in_the_reference(tool):
    pytest.importorskip("sphinx")
    reference = tool("reference")
    made = reference.pages()
    for room in ("losses", "special", "distributions", "inference", "optimize", "constrained",
                 "proximal", "train", "models", "verify", "exact", "formula", "lab"):  # fmt: skip
        module = importlib.import_module(f"jaxmath.{room}")
        text = made[f"jaxmath.{room}.md"]
        front = getattr(module, "__all__", vars(module))
        for name in front:
            thing = getattr(module, name)
            home = getattr(thing, "__module__", None) or ""
            if callable(thing) and inspect.getdoc(thing) and home.startswith("jaxmath."):
                assert f"}} {name}" in text or name.startswith("_") or name.isupper(), (room, name)
    normal = made["jaxmath.distributions.normal.md"]
    assert "{py:function} log_sf(x: ~jaxmath.typing.Real, loc:" in normal
    assert r"\log p(x) = -\tfrac12 z^2" in normal


def test_every_formula_of_a_record_is_understood(tool):
    pytest.importorskip("sphinx")
    mathml = tool("mathml")
    for formula in verify.FORMULAS:
        made = mathml.tex.mathml(formula.tex, True)
        assert made.startswith("<math"), formula.name
        assert "\\" not in made.partition(">")[2], formula.name
