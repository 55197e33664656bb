"""The report opens anywhere, loads nothing and lets nothing in; so does the summary."""

import dataclasses
import io
import itertools
import pathlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from jaxmath.config.errors import Exit, ExperimentError, visible
from jaxmath.config.study import SweepAxis
from jaxmath.formula import Source
from jaxmath.report import numbers, run_page, summary, tex, words
from jaxmath.report.themes import DARK, LIGHT
from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Plot, Table
from jaxmath.runs.run import Run
from jaxmath.sources import SOURCES

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>&[red]x[/]\x1b[31m{{9**9}}'
VOID = {"meta", "img", "source", "br", "link", "input", "hr"}


def claim(name="gradient", **changes):
    fields = dict(
        name=name,
        statement=r"The slope $\partial L/\partial w$ by hand equals the one computed by JAX.",
        measured=np.array([0.25, 0.3452]),
        relation="=",
        expected=np.array([0.25, 0.3452 + 1e-15]),
        tolerance=1e-12,
        source=Source("huber1964robust", "eq. 2.1"),
        breaks_if=Fault("the sign swapped", lambda measured: measured),
    )
    return Claim(**{**fields, **changes})


def a_plot(**changes):
    line = Line("loss", np.arange(50), np.exp(-np.arange(50) / 5))
    fields = dict(
        name="loss", title="The loss falls", alt="A falling curve.", caption=r"Rate $1 - \eta$.",
        x=Axis("step", "steps"), y=Axis("loss"), lines=(line,),
    )  # fmt: skip
    return Plot(**{**fields, **changes})


def a_run(folder=pathlib.Path("runs/x/1"), **changes):
    fields = dict(
        name="demo",
        experiment="train",
        title=r"Descent at the rate $\eta < 2/\lambda_{\max}$",
        description="What it is.\n\n$$L(w) = \\frac1n \\sum_i r_i^2$$\n\n- one\n- two `code`",
        topics=("C7", "O1"),
        folder=folder,
        config={"experiment": "train", "seed": 0, "loss": {"name": "huber", "delta": None}},
        claims=(claim(),),
        tables=(
            Table("steps", "First steps", {"step": np.arange(3), "w [m]": [0.5, 1e-7, np.nan]}),
        ),
        plots=(),
        provenance={"finished": "2026-11-22T10:45:29+00:00", "versions": {"jax": "0.10.2"}},
    )
    return Run(**{**fields, **changes})


def a_sweep(**changes):
    rates = np.logspace(-4, 0, 64)
    sweep = Table(
        "sweep",
        "The sweep; best by loss",
        {
            "rate": rates, "runs": np.full(64, 32), "failed": np.zeros(64, int),
            "steps mean": np.full(64, 7.0), "loss mean": (rates - 0.1) ** 2 + 1e-3,
            "loss sd": np.full(64, 0.1), "loss 95% low": (rates - 0.1) ** 2,
            "loss 95% high": (rates - 0.1) ** 2 + 2e-3,
        },
        best=48,
    )  # fmt: skip
    failed = Table("failed lanes", "Lanes that failed", {
        "rate": np.full(5, 1e30), "seed": np.arange(5), "reason": np.array(["the loss is NaN"] * 5),
    })  # fmt: skip
    axes = (
        SweepAxis(("seed",), tuple((i,) for i in range(32))),
        SweepAxis(("rate",), tuple((float(r),) for r in rates)),
    )
    return a_run(tables=(sweep, failed), axes=axes, **changes)


def evil_run(folder):
    """Markup in every string that a config or an experiment can set."""
    return a_run(
        folder=folder,
        name=EVIL, experiment=EVIL, title=EVIL, description=EVIL + "\n\n- " + EVIL, topics=(EVIL,),
        config={"experiment": EVIL, "key": {"name": EVIL}},
        claims=(
            claim(EVIL, statement=f"{EVIL} $\\text{{{EVIL}}}$ $x{EVIL}$", source=EVIL,
                  breaks_if=Fault(EVIL, lambda m: m)),
            claim(source=Source(EVIL, EVIL), measured=np.array([np.nan])),
        ),
        tables=(
            Table(EVIL, EVIL, {EVIL: np.array([EVIL, "b"]), "n": np.array([1.0, 2.0])}, best=0),
        ),
        plots=(
            a_plot(name=EVIL, title=EVIL, alt=EVIL, caption=EVIL, x=Axis(EVIL, EVIL),
                   lines=(Line(EVIL, [1.0, 2.0], [1.0, 2.0]), Line("b", [1.0, 2.0], [1.0, 3.0])),
                   marks={EVIL: 1.5}),
        ),
        provenance={
            EVIL: EVIL, "versions": {EVIL: EVIL}, "seeds": [EVIL] * 20, "device": {"kind": EVIL},
        },
    )  # fmt: skip


class Page(HTMLParser):
    """Reads a page strictly: every element closed, in order; keeps what it saw."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), attrs
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))


def check_inert(page):
    """Nothing runs and nothing is loaded from elsewhere."""
    allowed = {"class", "id", "title", "alt", "src", "srcset", "media", "href", "scope", "role"}
    allowed |= {"lang", "charset", "name", "content", "http-equiv", "tabindex", "data-label"}
    allowed |= {"aria-hidden", "aria-label", "aria-labelledby", "alttext", "display", "stretchy"}
    allowed |= {"columnalign", "width", "accent", "fence", "form"}
    for tag, attrs in page.seen:
        assert tag not in {"script", "iframe", "object", "embed", "link", "form", "base", "svg"}
        assert set(attrs) <= allowed, (tag, attrs)
        for name in ("src", "srcset"):
            assert attrs.get(name, "data:image/").startswith("data:image/"), attrs[name][:80]
        assert ":" not in attrs.get("href", ""), attrs
    policy = next(m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    run = a_run(tmp_path_factory.mktemp("run"), plots=(a_plot(),))
    return run_page.write(run)


def test_files(written):
    assert written.name == "report.html"
    names = sorted(path.name for path in (written.parent / "figures").iterdir())
    assert names == ["loss-dark.png", "loss-dark.svg", "loss.csv", "loss.png", "loss.svg"]
    assert written.stat().st_size < 300_000


def test_page_is_whole_and_inert(written):
    page = Page(written.read_text(encoding="utf-8"))
    check_inert(page)
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )
    ids = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.seen:
        assert attrs.get("aria-labelledby", "claims") in ids


def test_headings_are_in_order(written):
    page = Page(written.read_text(encoding="utf-8"))
    levels = [int(tag[1]) for tag, _ in page.seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_everything_is_told(written):
    page = Page(written.read_text(encoding="utf-8"))
    for words_ in (
        "1 of 1 claim passes.", "PASS", "= 0.3452", "worst of 2", "10−12", "the sign swapped",
        SOURCES["huber1964robust"] + ", eq. 2.1", "First steps", "w [m]", "NaN", "10−7",
        'name = "huber"', "jaxmath run", "config.toml", "jax 0.10.2", "22 November 2026",
        "topics C7, O1", "Figure 1.",
    ):  # fmt: skip
        assert words_ in page.text, words_
    image = page.all("img")[0]
    assert image["alt"] == "A falling curve."
    assert image["src"].startswith("data:image/svg+xml;base64,")
    dark = page.all("source")[0]
    assert dark["media"] == "screen and (prefers-color-scheme: dark)"
    assert dark["srcset"] != image["src"]
    assert all(header["scope"] in ("col", "row") for header in page.all("th"))


def test_formulas_are_rendered(written):
    text = written.read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.all("math")) == 4
    assert [m["display"] for m in page.all("math")].count("block") == 1
    assert "&lt;m" not in text
    assert "$" not in page.text


def test_light_and_dark(written):
    text = written.read_text(encoding="utf-8")
    dark = re.search(
        r"@media screen and \(prefers-color-scheme: dark\) \{ :root \{(.*?)\} \}", text, re.S
    )
    light = re.search(r":root \{ color-scheme: light dark;(.*?)\}", text, re.S)
    for theme, block in ((LIGHT, light[1]), (DARK, dark[1])):
        for name in ("paper", "wash", "ink", "muted", "good", "bad", "open", "link"):
            assert f"--{name}: {getattr(theme, name)};" in block
    body = text[text.index("* {") : text.index("</style>")]
    assert not re.search("#[0-9a-fA-F]{3}", body), "every colour comes from the theme"
    assert "overflow-x: auto" in body
    assert "@media print" in body


def test_markup_is_text(tmp_path):
    path = run_page.write(evil_run(tmp_path))
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    check_inert(page)
    assert "<script" not in text
    assert page.text.count("<script>alert(1)</script>") > 15
    assert "387420489" not in page.text, "nothing in braces is computed"
    for file in tmp_path.rglob("*"):
        assert file.resolve().is_relative_to(tmp_path.resolve())
        assert "/" not in file.name
        if file.suffix == ".svg":
            assert "<script" not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Run) if f.type == "str"])
def test_each_field_is_escaped(field):
    text = run_page.page(a_run(**{field: EVIL}))
    assert "<script" not in text
    Page(text)


def test_failure_comes_first():
    run = a_run(
        claims=(
            claim(),
            claim("b", measured=np.array([0.25, 0.34521]), statement="The second one."),
            claim("c", measured=None),
        )
    )
    page = Page(run_page.page(run))
    assert page.text.index("1 of 3 claims pass; 1 fails; 1 is undecided.") < page.text.index(
        "Claims"
    )
    assert "✗ FAIL" in page.text
    assert "? UNDECIDED" in page.text
    # Two numbers that differ are shown to the digit where they do.
    assert "0.34521" in page.text
    assert "= 0.3452 " in page.text.replace("= 0.34520", "= 0.3452 ")


def test_smoke_run_says_so():
    run = a_run(claims=(claim(), claim("b", full_only=True, measured=np.array(1.0))), smoke=True)
    assert run.exit is Exit.PASS
    page = Page(run_page.page(run))
    assert "1 of 1 claim passes; 1 needs a full run and was skipped in this smoke run." in page.text
    assert "--smoke" in page.text


def test_long_table_is_cut_and_the_best_row_stays():
    page = Page(run_page.page(a_sweep()))
    assert "30 of 64 rows; all are in tables/sweep.csv." in page.text
    assert page.text.count("← best") == 1
    # The mean and half the width of its interval share a cell.
    assert "0.001134 ± 0.001" in page.text
    assert "95% low" not in page.text


def test_exact_value_is_behind_the_rounded_one():
    value = 0.1234567890123
    run = a_run(tables=(Table("t", "T", {"v": np.array([value, 0.5])}),))
    shown = Page(run_page.page(run)).all("td")
    cells = [attrs for attrs in shown if attrs.get("class") == "number"]
    assert [cell.get("title") for cell in cells] == ["0.1234567890123", None]


@pytest.mark.full
def test_a_page_stays_small(tmp_path):
    rng = np.random.default_rng(0)
    lines = tuple(Line(f"l{i}", np.arange(2000), rng.normal(size=2000).cumsum()) for i in range(64))
    plots = tuple(a_plot(name=f"p{i}", lines=lines) for i in range(6))
    path = run_page.write(a_run(tmp_path, plots=plots))
    text = path.read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    page = Page(text)
    check_inert(page)
    assert len(page.all("figure")) == 6
    linked = {attrs["href"] for attrs in page.all("a")}
    assert all(f"figures/p{i}.svg" in linked for i in range(6))
    assert len(list((tmp_path / "figures").iterdir())) == 24


def test_a_plot_that_is_none_is_the_experiments_fault(tmp_path):
    plot = a_plot(lines=(Line("a", [1.0, 2.0], [1.0]),))
    with pytest.raises(ExperimentError) as caught:
        run_page.write(a_run(tmp_path, plots=(plot,)))
    assert "2 of x, 1 of y" in str(caught.value.__cause__)


# --- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown", "ascii_"),
    [
        (0, "0", "0"), (0.0, "0", "0"), (-0.5, "−0.5", "-0.5"), (0.34521, "0.3452", "0.3452"),
        (12345.678, "12\u202f346", "12346"), (1.25e-7, "1.25×10⁻⁷", "1.25e-7"),
        (-1e-10, "−10⁻¹⁰", "-1e-10"), (1e300, "10³⁰⁰", "1e300"), (999999.6, "10⁶", "1e6"),
        (float("nan"), "NaN", "NaN"), (float("-inf"), "−∞", "-inf"), (True, "yes", "yes"),
        (np.float32(0.1), "0.1", "0.1"), (np.int64(7), "7", "7"), (None, "–", "-"), ("a", "a", "a"),
    ],
)  # fmt: skip
def test_numbers(value, shown, ascii_):
    assert numbers.number(value) == shown
    assert numbers.ascii_only(shown) == ascii_


@pytest.mark.parametrize(
    "value", np.random.default_rng(1).normal(size=50) * 10.0 ** np.arange(-25, 25)
)
def test_numbers_keep_their_value(value):
    told = float(numbers.ascii_only(numbers.number(float(value))))
    assert told == pytest.approx(value, rel=5e-4)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("NumPy's least squares", "NumPy's least squares"),
        (Source("unknown"), "unknown"),
        (Source("boyd2004convex", "section 9.3"), SOURCES["boyd2004convex"] + ", section 9.3"),
    ],
)
def test_citations(source, told):
    assert words.citation(source) == told


@pytest.mark.parametrize(
    ("changes", "measured", "expected", "note"),
    [
        (dict(relation="true", measured=True), "yes", "true", ""),
        (dict(relation="true", measured=np.array([True, False])), "1 of 2", "true", "entries hold"),
        (dict(relation="in", measured=0.5, expected=(0.0, 1.0)), "0.5", "in [0, 1]", ""),
        (dict(relation="<=", measured=0.5, expected=1.0), "0.5", "≤ 1", ""),
        (
            dict(relation=">=", measured=np.array([3.0, 2.0]), expected=1.0),
            "2",
            "≥ 1",
            "worst of 2",
        ),
        (dict(measured=1.0, expected=1.0), "1", "= 1", "no difference"),
        (dict(measured=2.0, expected=1.0, relative=True), "2", "= 1", "off by 1"),
        (dict(measured=np.zeros(0)), "nothing", "= its own value", "no entry was measured"),
        (
            dict(measured=10.875 - 2.0**-40, expected=10.875),
            "10.875",
            "= 10.875",
            "off by 9.1×10⁻¹³",
        ),
        (
            dict(measured=1.004, expected=1.0, tolerance=0.01),
            "1.004",
            "= 1",
            "off by 0.004",
        ),
        (dict(measured=None, expected=2.0), "–", "= 2", "not decided"),
        (
            dict(measured=np.array([np.nan, 1.0]), expected=1.0),
            "NaN",
            "= 1",
            "worst of 2, off by NaN",
        ),
    ],
)
def test_claims_in_words(changes, measured, expected, note):
    row = words.row(a_run(), claim(**changes))
    assert (row.measured, row.expected, row.note) == (measured, expected, note)


# --- TeX ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [r"\frac{1", "x_{", r"\foo", r"\href{javascript:alert(1)}{x}", r"\text{<b>x</b>}",
     r"\text{<i>}", r"\begin{cases}", r"\color{red}{x}", r"\style{color:red}{x}", r"\class{a}{x}",
     "{" * 3000],
)  # fmt: skip
def test_broken_tex_is_shown_as_its_source(broken):
    page = str(tex.html(f"a ${broken}$ b"))
    assert page == f'a <code class="tex">{tex.escape(broken)}</code> b'


def test_dollars_that_are_no_formula():
    assert tex.html(r"costs $5 and $6, or \$7") == "costs $5 and $6, or $7"
    assert tex.plain(r"costs $5 and $6, or \$7") == "costs $5 and $6, or $7"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (r"$\partial L/\partial w$", "∂L/∂w"),
        (r"$2/\lambda_{\max}$", "2/λ_max"),
        (r"$(1 - \eta\lambda_i)^k$", "(1 - ηλᵢ)ᵏ"),
        (r"$\frac1n \sum_i (y_i - \hat y_i)^2$", "1/n ∑ᵢ (yᵢ - ŷᵢ)²"),
        (r"$\frac{a+b}{c}$", "(a+b)/c"),
        (r"$e^{-2|r|}$", "e^(-2|r|)"),
        (r"$x \le 10^{-10}$", "x ≤ 10⁻¹⁰"),
        (r"$\sqrt{x}$", "√(x)"),
    ],
)
def test_formulas_in_plain_characters(source, told):
    import unicodedata

    assert unicodedata.normalize("NFC", tex.plain(source)) == told


# --- the terminal ------------------------------------------------------------------------------


def told(run, width=100, encoding="utf-8", **options):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    summary.show(run, Console(file=file, width=width, highlight=False, **options))
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [20, 50, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_summary_tells_the_verdict(width, encoding):
    run = a_run(claims=(claim(), claim("b", measured=np.array([9.0, 9.0]))))
    text = told(run, width, encoding)
    assert "PASS" in text
    assert "FAIL" in text
    flat = re.sub(r"\s+", " ", text)
    assert "1 of 2 claims pass; 1 fails." in flat
    assert "Report: runs/x/1/report.html\n" in text
    assert all(len(line) <= max(width, 36) for line in text.splitlines())


def test_summary_of_a_sweep():
    text = re.sub(r"\s+", " ", told(a_sweep()))
    assert "Sweep: 2,048 runs in 64 settings." in text
    assert (
        "Best: rate = 0.1116: loss mean 0.001134 (95%: 0.0001343 to 0.002134), steps mean 7" in text
    )
    assert "5 lanes failed; the others are not affected:" in text
    assert "rate = 10³⁰, seed = 0: the loss is NaN" in text
    assert "and 2 more, in the report" in text


def test_summary_reads_no_markup_and_no_control_characters(tmp_path):
    text = told(evil_run(tmp_path), width=400)
    assert "[red]x[/]" in text
    assert "\x1b" not in text
    assert r"\x1b" in text


def test_summary_without_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in told(a_run(), force_terminal=True)
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[" in told(a_run(), force_terminal=True, color_system="standard")


def test_a_large_number_is_shown_as_one_and_an_escape_is_not_obeyed():
    """The narrow space between its groups is a space, and no control character."""
    assert visible(numbers.number(72530.4)) == "72\N{NARROW NO-BREAK SPACE}530"
    assert visible("a\x1b[2Jb") == r"a\x1b[2Jb"


def test_names_of_operators_are_upright_and_apart():
    spaced = tex.spaced
    assert spaced(r"\operatorname{E}_p X") == r"\text{E}_p X"
    assert spaced(r"\operatorname{E} X") == r"\text{E}\,X"
    assert spaced(r"\tfrac12 \operatorname{KL}(p)") == r"\tfrac12\,\text{KL}(p)"
    assert spaced(r"\arg\max_x p") == r"\text{arg max}_x p"
    assert spaced(r"\tfrac12 \log 2\pi + \log(x)") == r"\tfrac12\,\log\,2\pi + \log(x)"
