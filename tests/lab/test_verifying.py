"""`jaxmath verify`: words, closed forms, meanings, tables of many functions, baselines, formats."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxmath import domains
from jaxmath.config.errors import Exit, InputError
from jaxmath.domains import Box, Choices, Integers, Interval, Simplex
from jaxmath.examine import baseline, domain_words, verify_table, verifying
from jaxmath.lab import cli
from jaxmath.verify import Finding, Verdict
from jaxmath.verify.given import as_formula

pytest.importorskip("flint")

SOURCE = """
import jax, jax.numpy as jnp, mpmath

def trap(x): return jnp.where(x > 0, jnp.sqrt(x), 0.0)
def right(x): return jnp.sin(x) + x
def kink(x): return jnp.maximum(x, 0)
def cubic(x): return x - x**3 / 6
def uses(x, y): return cubic(x) * y
def sine(x): return mpmath.sin(x)
def slopes(x, y): return (1 - x**2 / 2) * y, cubic(x)
def one(x, y): return cubic(x)
def raises(x): raise ValueError("mine")
PARTS = {"y": one}
NUMBER = 3
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """A command in this process and in a folder with a module: status, stdout, stderr."""
    (tmp_path / "mine.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(cli, "listen", lambda: None)
    monkeypatch.delitem(sys.modules, "mine", raising=False)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["jaxmath", "verify", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code, told.out, told.err

    yield call
    for name in [n for n in sys.modules if n == "mine" or n.startswith("mine of")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["x=positive,y=[0,1)"], dict(x=domains.POSITIVE, y=Interval(0.0, 1.0, (True, False)))),
        (["x=(0, inf)", "y=real^2x3"], dict(x=domains.POSITIVE, y=Box((2, 3)))),
        (["x={0,1},y={0,...,9}"], dict(x=Choices((0.0, 1.0)), y=Integers(0, 9))),
        (["x=simplex^3"], dict(x=Simplex(3))),
        (["x.w=real^2,x.b=unit"], dict(x=dict(w=Box((2,)), b=domains.UNIT))),
        (["x.0=real,x.1=unit"], dict(x=(domains.REAL, domains.UNIT))),
        (["x=real|inf|-inf"], dict(x=Interval(extra=(np.inf, -np.inf)))),
    ],
)
def test_domains_in_words(words, expected):
    assert domain_words.parse_domains(words, ["x", "y"]) == expected


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("x=reel", "did you mean `real`?"),
        ("z=real", 'no argument "z"'),
        ("x", "no ARGUMENT=VALUE"),
        ("x=(3,1)", "empty"),
        ("x=simplex", "has a size"),
        ("x=real|huge", "after | stand inf"),
        ("x=real^two", "no shape"),
        ("x=real,x.w=real", "a domain of its own"),
    ],
)
def test_a_wrong_domain_is_told_in_a_sentence(word, told):
    with pytest.raises(InputError, match=re.escape(told)):
        domain_words.parse_domains([word], ["x", "y"])


def test_ranges_and_points():
    assert domain_words.is_range("-1..1")
    assert domain_words.cut(domains.REAL, "-1..1", "x") == Interval(-1.0, 1.0, (True, True))
    assert domain_words.cut(domains.POSITIVE, "-1..1e3", "x") == Interval(0.0, 1e3, (False, True))
    assert domain_words.cut(Box((2,)), "0..inf", "x") == Box((2,), domains.NONNEGATIVE)
    value = domain_words.parse_value
    np.testing.assert_array_equal(value("[1, 2]", Box((2,)), "x"), [1, 2])
    np.testing.assert_array_equal(value("3", Box((2,)), "x"), [3, 3])
    odd = Box((2,), Interval(extra=(np.nan, np.inf)))
    assert np.isnan(value("nan", odd, "x")).all()
    for text, domain in (("nan", domains.REAL), ("-1", domains.POSITIVE), ("one", domains.REAL),
                         ("[1,2,3]", Box((2,))), ("inf", Box((2,), domains.REAL)),
                         ("0.5", Integers(0, 3))):  # fmt: skip
        with pytest.raises(InputError):
            value(text, domain, "x")
    given = dict(x=[np.array(0.5), np.array(2.0)])
    formula, _ = as_formula(lambda x, y: x, dict(x=domains.REAL, y=Box((3,))), traced=False)
    points = domain_words.points_at(given, formula, "float32")
    assert points["x"].tolist() == [0.5] * 8 + [2.0] * 8
    assert points["y"].shape == (16, 3)
    formula, _ = as_formula(lambda x: x, dict(x=domains.REAL), traced=False)
    assert domain_words.points_at(given, formula, "float64")["x"].tolist() == [0.5, 2]


def test_a_range_makes_the_domain_and_points_come_first(command):
    status, out, _ = command("mine.py:trap", "--at", "x=1..40", "--at", "x=2.5", "--budget", "8")
    assert status == Exit.PASS
    assert out.splitlines()[0] == "trap on x in [1, 40], float64"
    question = verifying.ask("mine.py:trap", at=["x=2.5"])
    assert question.options["points"]["x"].tolist() == [2.5]
    assert question.options["domain"] is None


def test_every_mistake_is_told_at_once(command):
    words = ("--domain", "x=reel", "--wrt", "z", "--dtype", "float46", "--convention", "lft")
    status, _, err = command("mine.py:trap", *words, "--twin", "sin")
    assert status == Exit.INPUT
    assert err.count("error:") == 5
    for told in ("`real`", "there is: x", "`float64`", "`left`", "NAME=MODULE:FUNCTION"):
        assert told in err
    for words, told in (
        (("mine.py:trp",), "did you mean `trap`?"),
        (("mine.py:NUMBER",), "is no function but a int"),
        (("mine.py:trap", "--format", "jsn"), "did you mean `json`?"),
        (("mine.py:trap", "--at", "x=2", "--domain", "x=(0,1)"), "does not lie in (0, 1)"),
        (("mine.py:trap", "--analytic", "q=mine.py:one"), 'no derivative in "q"'),
        (("mine.py:uses", "--update-baseline"), "name no function"),
        (("--domain", "x=real"), "--domain belongs to a function"),
        ((), "[tool.jaxmath.verify]"),
    ):
        status, _, err = command(*words)
        assert status == Exit.INPUT, words
        assert told in err


def test_a_raising_function_says_what_to_state(command):
    status, _, err = command("mine.py:raises")
    assert status == Exit.EXPERIMENT
    assert "ValueError: mine" in err
    assert "--domain x=real^3" in err


def test_closed_forms(command):
    arguments = ["x", "y"]
    from jaxmath.examine.companions import analytic

    both = analytic(["mine.py:slopes"], arguments)
    assert both["x"](2.0, 3.0) == -3.0
    assert both["y"](0.0, 3.0) == 0.0
    assert set(analytic(["mine.py:PARTS"], arguments)) == {"y"}
    assert set(analytic(["x = mine.py:one"], arguments)) == {"x"}
    assert analytic([], arguments) is None
    with pytest.raises(InputError, match="2 derivatives"):
        analytic(["mine.py:one"], arguments)["x"](1.0, 2.0)


@pytest.mark.full
def test_a_wrong_closed_form_is_named(command):
    words = ("--analytic", "x=mine.py:one", "--at", "x=-1..1", "--at", "y=-1..1")
    status, out, _ = command("mine.py:uses", *words, "--budget", "12")
    assert status == Exit.FAIL
    assert "d/dx by closed form: wrong rule" in out
    assert "d/dy by closed form" not in out  # none is given


@pytest.mark.full
def test_a_twin_is_the_truth_and_one_that_is_never_met_is_told(command):
    words = ("--at", "x=-1..1", "--at", "y=1..2", "--budget", "8")
    status, out, _ = command("mine.py:uses", "--twin", "cubic=mine.py:sine", *words)
    assert status == Exit.FAIL
    assert "approximation error of cubic" in out
    assert "never used" not in out
    status, out, _ = command("mine.py:uses", "--twin", "cube=mine.py:sine", *words)
    assert status == Exit.PASS
    assert "the twin cube was never used" in out
    words = ("--at", "x=-1..1", "--budget", "8")
    status, out, _ = command("mine.py:cubic", "--twin", "cubic=mine.py:sine", *words)
    assert "approximation error of cubic" in out


TABLE = """
[project]
when = 2020-01-01
[tool.jaxmath.verify]
baseline = "known.json"
budget = 20
[tool.jaxmath.verify.functions]
"mine:right" = { domain = { x = "(-3, 3)" } }
"mine:kink" = { convention = "middle", at = "x=-1..1" }
"mine:trap" = {}
"mine:raises" = {}
"""


@pytest.mark.full
def test_a_table_of_functions_and_what_is_known_of_them(command, tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text(TABLE)
    status, out, _ = command()
    assert status == Exit.EXPERIMENT
    ends = dict(right="right", kink="right", trap="WRONG", raises="RAISED")
    assert re.findall(r"^(\S+) +mine:(\w+)", out, re.MULTILINE) == [
        (word, name) for name, word in ends.items()
    ]
    assert "ValueError: mine" in out
    file.write_text(
        TABLE.replace('"mine:raises" = {}', "").replace('"mine:right"', '#"mine:right"')
    )
    assert command()[0] == Exit.FAIL
    status, out, _ = command("--update-baseline")
    assert status == Exit.PASS
    known = json.loads((tmp_path / "known.json").read_text())
    assert list(known["functions"]) == ["mine:trap float64"]
    status, out, _ = command("pyproject.toml", "--out", "all.md")
    assert status == Exit.PASS
    assert "known     mine:trap" in out
    assert "2 verified: 1 right, 1 known" in out
    assert (tmp_path / "all.md").read_text().count("## `mine:") == 2
    known["functions"]["mine:trap float64"][0]["kind"] = "vanished"
    (tmp_path / "known.json").write_text(json.dumps(known))
    status, out, _ = command()
    assert status == Exit.FAIL
    assert "new since the baseline: the derivative in x by reverse mode: NaN or infinite" in out
    assert "no longer found: the derivative in x by reverse mode: vanished" in out
    (tmp_path / "known.json").write_text("[]")
    assert command()[0] == Exit.INPUT


def test_only_what_the_baseline_does_not_know_fails(tmp_path):
    fault = Finding("inaccurate", "reverse mode", "x", 1, (0, 0), dict(x=1.0), 0.0, "1", 9e9, 1e3,
                    "proven")  # fmt: skip
    verdict = Verdict("f", "x", False, "float64", (fault,), {}, {}, 1, 1, "exact arithmetic")
    question = verifying.Question("mine:f", None, dict(dtype="float64"))
    answer = verifying.Answer(question, verdict)
    assert answer.exit is Exit.FAIL
    assert baseline.judged(answer, baseline.read(tmp_path / "none.json")).exit is Exit.FAIL
    baseline.write(tmp_path / "known.json", [answer])
    known = baseline.read(tmp_path / "known.json")
    assert baseline.judged(answer, known).exit is Exit.PASS
    mended = dataclasses.replace(answer, found=dataclasses.replace(verdict, findings=()))
    assert mended.exit is Exit.PASS
    assert "no longer found" in baseline.judged(mended, known).remarks[0]
    unsure = dataclasses.replace(fault, kind="undecided")
    open_ = dataclasses.replace(verdict, findings=(unsure,))
    assert baseline.judged(dataclasses.replace(answer, found=open_), known).exit is Exit.FAIL
    raised = verifying.Answer(question, None, raised=("ValueError: mine",))
    assert baseline.judged(raised, known).exit is Exit.EXPERIMENT


def test_a_fault_that_has_grown_is_a_new_one():
    _covers = baseline._covers
    old = dict(kind="inaccurate", who="reverse mode", argument="x", order=1, excess=100.0)
    assert _covers(old, old | dict(excess=900.0))
    assert not _covers(old, old | dict(excess=1100.0))
    assert not _covers(old, {key: old[key] for key in old if key != "excess"})
    assert not _covers(old, old | dict(argument="y"))
    assert not _covers(old, old | dict(kind="vanished"))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("budgt = 3", ["line 3", "unknown key `tool.jaxmath.verify.budgt`", "`budget`"]),
        ("baseline = 3", ["should be the name of a file, got 3"]),
        ("budget = 0.5", ["`tool.jaxmath.verify.budget` should be a whole number >= 1"]),
        ("", ["there is no table [tool.jaxmath.verify]"]),
        ("budget = 3", ["names no function"]),
        ('functions = { "mine:trp" = {} }', ["did you mean `trap`?"]),
        ('functions = { "mine:trap" = { domian = "x=real" } }', ["did you mean `domain`?"]),
        ('functions = { "mine:trap" = { domain = "x=reel" } }', ["did you mean `real`?"]),
        ('functions = { "mine:trap" = { domain = { y = "real" } } }', ['no argument "y"']),
        ('functions = { "mine:trap" = { wrt = "y" } }', ['no argument "y"']),
        ('functions = { "mine:trap" = { convention = "lft" } }', ['did you mean "left"?']),
        ('functions = { "mine:trap" = { dtypes = ["float8"] } }', ["should be a list of"]),
        ('functions = { "mine:trap" = { limit = -1 } }', ["should be a number > 0"]),
        ('functions = { "mine:trap" = 3 }', ["should be a table with"]),
        ('functions = { "nowhere:f" = {} }', ["there is no module nowhere"]),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_line_and_the_nearest_name(
    command, tmp_path, table, told
):
    (tmp_path / "pyproject.toml").write_text(f"\n[tool.jaxmath.verify]\n{table}\n")
    with pytest.raises(InputError) as raised:
        verify_table.read(tmp_path / "pyproject.toml")
    said = str(raised.value).replace("pyproject.toml:3", "line 3")
    for words in told:
        assert words in said
    assert "pyproject.toml" in str(raised.value)


def test_a_table_needs_no_more_than_names_and_inherits(command, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.jaxmath.verify]\nlimit = 100.0\ndtypes = ["float32", "float64"]\n'
        '[tool.jaxmath.verify.functions."mine:uses"]\n'
        'domain = { x = "unit", y = "real^2" }\nlimit = 9\nanalytic = { x = "mine:one" }\n'
    )
    questions = verify_table.read(tmp_path / "pyproject.toml").questions
    assert [q.dtype for q in questions] == ["float32", "float64"]
    assert questions[0].options["limit"] == 9
    assert questions[0].options["domain"] == dict(x=domains.UNIT, y=Box((2,)))
    assert set(questions[0].options["analytic"]) == {"x"}


def test_a_config_that_names_code_is_refused(command, tmp_path, monkeypatch, capsys):
    from jaxmath.config import reading

    (tmp_path / "pyproject.toml").write_text(TABLE)
    for config in (tmp_path / "pyproject.toml", dict(tool=dict(jaxmath=dict(verify={})))):
        with pytest.raises(InputError, match=r"`tool\.jaxmath` names code, and"):
            reading.read(config)


def test_formats(command):
    words = ("mine.py:trap", "--budget", "20")
    status, out, _ = command(*words, "--format", "json")
    assert status == Exit.FAIL
    (told,) = json.loads(out)["functions"]
    assert told["status"] == "FAIL"
    assert told["findings"][0]["kind"] == "NaN or infinite"
    status, out, _ = command(*words, "--format", "markdown")
    assert "| d/dx by reverse mode | ✗ NaN or infinite" in out


@pytest.mark.full
def test_a_page_holds_all_that_it_shows(command, tmp_path):
    words = ("mine.py:trap", "--budget", "20")
    status, out, _ = command(*words, "--out", "deep/er.html")
    assert status == Exit.FAIL
    assert "written: deep/er.html" in out
    page = (tmp_path / "deep" / "er.html").read_text()
    assert page.count("<section") == 2
    assert "<script" not in page
    assert not re.search(r'(?:src|href|srcset)="(?!data:|#)', page)
    assert "NaN or infinite" in page
    assert page.count("<svg") == 0  # pictures are inside, as data
    assert page.count("data:image/svg+xml") == 2
    (tmp_path / "file").write_text("")
    assert command(*words, "--out", "file/x.html")[0] == Exit.IO


def test_each_dtype_has_its_picture_and_its_quick_look(command):
    from jaxmath.examine.verdict_plots import plots

    most = {"float64": "4.5e+15", "float32": "8.4e+06", "float16": "1e+03", "bfloat16": "1.3e+02"}
    for dtype in verifying.DTYPES:
        found = verifying.answer(verifying.ask("mine.py:right", dtype=dtype, budget=4)).found
        (one,) = plots(found)
        assert f"{most[dtype]} ulp, an answer of which no digit is right" in one.caption
    status, out, _ = command("mine.py:right", "--dtype", "bfloat16", "--quick")
    assert status == Exit.PASS, out


@pytest.mark.full
def test_a_picture_shows_where_the_errors_are(command):
    from jaxmath.examine.verdict_plots import plots
    from jaxmath.lab import plot

    found = verifying.answer(verifying.ask("mine.py:trap", budget=160)).found
    (one,) = plots(found)
    by_label = {line.label: line for line in one.lines}
    assert by_label["slope, x < 0"].y.min() > 1e15
    assert by_label["slope, x > 0"].y.max() < 10
    shown = plot(found)._repr_html_()
    assert "prefers-color-scheme: dark" in shown
    quick = verifying.answer(verifying.ask("mine.py:right", quick=True, at=["x=-3..3"])).found
    (two,) = plots(quick)
    assert [line.label for line in two.lines] == ["slope"]
    assert max(two.lines[0].y) < 1e3


def test_the_guide_says_what_is(command, tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
    (table,) = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(table)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.py").unlink()
    (tmp_path / "mine" / "__init__.py").write_text("")  # else a mine.py elsewhere comes first
    (tmp_path / "mine" / "losses.py").write_text(
        "def huber(residual, delta): pass\ndef cross_entropy(logits, label): pass\n"
    )
    (tmp_path / "mine" / "layers.py").write_text("def frozen(x): pass\n")
    asked = verify_table.read(tmp_path / "pyproject.toml").questions
    assert [q.name.partition(":")[2] for q in asked[::2]] == ["huber", "cross_entropy", "frozen"]
    assert asked[2].options["domain"]["label"] == Integers(0, 2)
    for name in list(sys.modules):
        if name.startswith("mine."):
            del sys.modules[name]
    _, out, _ = command("--help")
    for option in set(re.findall(r"--[a-z][a-z-]+", guide)) - {"--out", "--help"}:
        assert option in out, option
    rows = re.findall(r"^\| (`.*?) \|", guide, re.MULTILINE)
    words = [w.replace("\\|", "|") for row in rows for w in re.findall(r"`([^`]+)`", row)]
    assert len(words) > 12
    for word in words:
        if word != "--domain":
            stated = word if "=" in word else f"x={word}"
            domain_words.parse_domains([stated], [])
