"""Every picture can be read: words on its axes, none on another, colours that all can tell."""

import functools
import importlib.util
import io
import itertools
import pathlib
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from jaxmath.report import curves, figures, labels, scales
from jaxmath.report.themes import DARK, LIGHT, THEMES, contrast
from jaxmath.runs.experiment import Axis, Line, Plot

HERE = pathlib.Path(__file__).parent
_spec = importlib.util.spec_from_file_location("synthetic", HERE / "lab" / "synthetic.py")
synthetic = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(synthetic)
PLOTS = {plot.name: plot for plot in synthetic.PLOTS}


@pytest.fixture(params=synthetic.PLOTS, ids=lambda plot: plot.name, scope="module")
def plot(request):
    return request.param


@pytest.fixture(params=THEMES, ids=lambda theme: theme.name, scope="module")
def theme(request):
    return request.param


@pytest.fixture(scope="module")
def figure(plot, theme):
    return figures.draw(plot, theme)


def axes_of(figure):
    """All axes whose scale a reader reads, the bar of colours among them."""
    return figure.axes


def texts_of(figure):
    """Every text that is drawn, with its box in pixels."""
    with np.errstate(over="ignore"):
        return _texts_of(figure)


def _texts_of(figure):
    renderer = figure.canvas.get_renderer()
    ticks = [
        text
        for axes in axes_of(figure)
        for axis in (axes.xaxis, axes.yaxis)
        for text in [*axis.get_majorticklabels(), *axis.get_minorticklabels()]
    ]
    drawn = [
        text
        for axes in axes_of(figure)
        for axis in (axes.xaxis, axes.yaxis)
        for text in labels.drawn_ticks(axis)
        if axes is figure.axes[0] or axis is axes.yaxis
    ]
    others = [text for text in figure.findobj(Text) if text not in ticks]
    return [
        (text, text.get_window_extent(renderer))
        for text in [*others, *drawn]
        if text.get_text().strip() and text.get_visible()
    ]


def overlap(one, other):
    shared = Bbox.intersection(one, other)
    return 0.0 if shared is None else shared.width * shared.height


def check_words(figure, plot):
    assert plot.alt.strip()
    main = figure.axes[0]
    for axis, label in ((plot.x, main.get_xlabel()), (plot.y, main.get_ylabel())):
        assert re.search(r"\S\s*\[[^\]\[]*[^\]\[\s][^\]\[]*\]$", label, re.DOTALL), label
        assert axis.label.split()[0].strip("$")[:4] in label
        if axis.unit and len(axis.unit) < 20:
            assert axis.unit in label.replace("\n", " ")
    for bar in figure.axes[1:]:
        assert re.search(r"\S\s*\[[^\]]+\]$", bar.get_ylabel(), re.DOTALL)


def check_no_overlap(figure):
    boxes = texts_of(figure)
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        assert overlap(a, b) < 1, f"{one.get_text()!r} on {other.get_text()!r}"
    page = figure.bbox
    for text, box in boxes:
        inside = box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1
        assert inside, f"{text.get_text()!r} leaves the page"
    field = figure.axes[0].get_window_extent()
    for text, box in boxes:
        if "Nothing to draw" not in text.get_text():
            assert overlap(box, field) < 1, f"{text.get_text()!r} covers the data"
    for legend in figure.legends:
        assert overlap(legend.get_window_extent(), field) == 0


def check_contrast(figure, theme):
    assert to_hex(figure.get_facecolor()) == theme.paper
    for text, _ in texts_of(figure):
        assert contrast(to_hex(text.get_color()), theme.paper) >= 4.5, text
    for line in figure.axes[0].lines:
        assert contrast(to_hex(line.get_color()), theme.paper) >= 3


def test_axes_have_label_and_unit(figure, plot):
    check_words(figure, plot)


def test_no_text_overlaps_another_or_the_data(figure):
    check_no_overlap(figure)


def test_contrast(figure, theme):
    check_contrast(figure, theme)


def test_svg_is_whole_and_says_what_it_shows(figure, plot, theme):
    content = figures.svg(figure, plot, theme)
    root = ElementTree.fromstring(content)
    title, description = root[0], root[1]
    assert title.text == plot.title
    assert description.text == plot.alt
    assert root.attrib["role"] == "img"
    assert b"<script" not in content
    assert not re.search(rb"(?:href|src)=[\"'](?!#|data:image/png)", content)
    assert not re.search(rb"\d{4}-\d\d-\d\d", content)
    assert len(content) < 200_000
    # Glyphs keep their scale: 9-point text stays 9-point text.
    assert b"scale(0.09 -0.09)" in content


def test_png_says_what_it_shows(figure, plot, theme):
    image = Image.open(io.BytesIO(figures.png(figure, plot, theme)))
    assert image.info["Description"] == plot.alt
    assert image.size[0] == figures.WIDTH * figures.PNG_DPI


@pytest.mark.parametrize("name", ["three_bands", "sixty_four", "heat_map"])
def test_same_bytes_each_time(name):
    assert figures.pictures(PLOTS[name]) == figures.pictures(PLOTS[name])


def test_four_files_and_nothing_else_changed():
    before = dict(matplotlib.rcParams)
    assert set(figures.pictures(PLOTS["one_line"])) == {
        "one_line.svg",
        "one_line.png",
        "one_line-dark.svg",
        "one_line-dark.png",
    }
    assert dict(matplotlib.rcParams) == before


def test_reader_settings_change_nothing():
    plain = figures.png(figures.draw(PLOTS["one_line"]), PLOTS["one_line"])
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "axes.facecolor": "red"}):
        assert figures.png(figures.draw(PLOTS["one_line"]), PLOTS["one_line"]) == plain


LOG = {"one_line", "sixty_four", "twelve_without_values", "eight_legend", "pairs", "enormous"}
LOG |= {"gaps", "log_log", "markup"}
LINEAR = {"three_bands", "points", "tiny", "huge", "offset", "overflow", "constant", "zero"}
LINEAR |= {"negative", "log_of_nothing", "many_points", "one_point", "nothing_finite", "no_lines"}


@pytest.mark.parametrize("name", sorted(LOG | LINEAR))
def test_log_axis_where_the_range_asks_for_it(name):
    axes = figures.draw(PLOTS[name]).axes[0]
    assert axes.get_yscale() == ("log" if name in LOG else "linear")
    assert axes.get_xscale() == ("log" if name == "log_log" else "linear")


@pytest.mark.parametrize(
    ("values", "scale", "log"),
    [
        ([1, 100], "auto", False),
        ([1, 101], "auto", True),
        ([0, 101], "auto", False),
        ([-1, 101], "auto", False),
        ([1, 1e9, np.nan, np.inf], "auto", True),
        ([1, 2], "log", True),
        ([-1, 0], "log", False),
        ([1, 1e9], "linear", False),
        ([], "auto", False),
    ],
)
def test_is_log(values, scale, log):
    assert scales.is_log(Axis("a", scale=scale), [values]) is log


def test_points_in_equal_steps_ask_for_a_linear_axis():
    assert not scales.is_log(Axis("a"), [np.arange(1, 1000)], spaced=True)
    assert scales.is_log(Axis("a"), [np.logspace(0, 3, 10)], spaced=True)


@pytest.mark.parametrize("name", ["nothing_finite", "no_lines"])
def test_nothing_finite_is_said_in_words(name):
    words = [text.get_text() for text, _ in texts_of(figures.draw(PLOTS[name]))]
    assert any("no finite value" in word for word in words)


def test_a_curve_without_a_finite_value_is_named():
    words = " ".join(text.get_text() for text, _ in texts_of(figures.draw(PLOTS["gaps"])))
    assert "Not drawn, without a finite value: never finite." in words


def test_gaps_stay_gaps():
    line = next(
        line
        for line in figures.draw(PLOTS["gaps"]).axes[0].lines
        if np.isnan(line.get_ydata()).any()
    )
    assert np.isnan(line.get_ydata()).sum() == 199


def test_many_lines_have_a_bar_of_colours_and_no_legend():
    figure = figures.draw(PLOTS["sixty_four"])
    bar = figure.axes[1]
    assert bar.get_ylabel() == "learning rate [1]"
    assert bar.get_yscale() == "log"
    assert not figure.legends
    shades = [to_hex(line.get_color()) for line in figure.axes[0].lines]
    assert len(set(shades)) == 64


def test_shared_hue():
    lines = figures.draw(PLOTS["pairs"]).axes[0].lines
    assert [line.get_color() for line in lines[:6:2]] == [line.get_color() for line in lines[1:6:2]]


def test_thinning_keeps_the_extremes():
    x = np.arange(100_000.0)
    y = np.sin(x / 1e4)
    y[54_321], y[12_345] = 7.0, -9.0
    y[70_000:80_000] = np.nan
    kept = curves.thinned(x, y, 200)
    assert kept.size <= 800
    assert {0, 99_999, 54_321, 12_345} <= set(kept.tolist())
    assert np.isnan(y[kept]).any()
    assert np.all(np.diff(kept) > 0)


def test_spread_moves_boxes_apart_and_no_further():
    heights = [0.1, 0.1, 0.2]
    assert labels.spread([0.1, 0.5, 0.8], heights) == pytest.approx([0.1, 0.5, 0.8])
    centres = labels.spread([0.5, 0.5, 0.99], heights)
    assert centres == pytest.approx([0.45, 0.55, 0.9])
    assert labels.spread([1.0, 0.0], [0.5, 0.5]) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize(
    ("ticks", "words"),
    [
        ([0, 0.5, 1], ["0.0", "0.5", "1.0"]),
        ([-2, 0, 2], ["−2", "0", "2"]),
        ([0, 5e11, 1e12], ["0.0", "0.5×10¹²", "1.0×10¹²"]),
        ([1e-12, 1.2e-12], ["1.0×10⁻¹²", "1.2×10⁻¹²"]),
        ([1.00001, 1.00002], ["1.00001", "1.00002"]),
        ([0, 50_000, 100_000], ["0", "50\u202f000", "100\u202f000"]),
        ([1e300, 2e300], ["1×10³⁰⁰", "2×10³⁰⁰"]),
        ([1e-310, 2e-310], ["1×10⁻³¹⁰", "2×10⁻³¹⁰"]),
    ],
)
def test_linear_tick_labels(ticks, words):
    assert scales.linear_labels(ticks) == words


def test_log_tick_labels():
    assert scales.log_labels([0.01, 1, 100]) == ["0.01", "1", "100"]
    assert scales.log_labels([1e-6, 1e-3, 1]) == ["10⁻⁶", "10⁻³", "10⁰"]


# Machado, Oliveira and Fernandes 2009, severity 1: what the three kinds of colour blindness see.
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "none": np.eye(3),
}


def lab(color, matrix):
    part = np.array(matplotlib.colors.to_rgb(color))
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750]]
    to_xyz += [[0.0193339, 0.1191920, 0.9503041]]
    white = np.array([0.95047, 1, 1.08883])
    xyz = to_xyz @ np.clip(matrix @ linear, 0, 1) / white
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
def test_hues_stay_apart_for_the_colour_blind(theme, kind):
    matrix = np.asarray(BLINDNESS[kind])
    for one, other in itertools.combinations(theme.hues, 2):
        # 2.3 is a just noticeable difference; thin lines need several.
        assert np.linalg.norm(lab(one, matrix) - lab(other, matrix)) > 18, (one, other)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#123456", "#123456") == 1


def test_colours_of_the_themes(theme):
    for name in ("ink", "muted", "good", "bad", "open", "link"):
        for ground in (theme.paper, theme.wash):
            assert contrast(getattr(theme, name), ground) >= 4.5, name
    assert all(contrast(hue, theme.paper) >= 4.5 for hue in theme.hues)
    shades = curves.scale_colors(np.linspace(0, 1, 50), theme)
    assert min(contrast(shade, theme.paper) for shade in shades) >= 3


def test_a_broken_picture_is_noticed():
    """The checks above turn red on a picture that breaks them."""
    figure = figures.draw(PLOTS["one_line"])
    figure.axes[0].text(0.5, 0.5, "on the data", transform=figure.axes[0].transAxes)
    with pytest.raises(AssertionError, match="covers the data"):
        check_no_overlap(figure)
    figure = figures.draw(PLOTS["one_line"])
    figure.text(0.02, 0.97, "on the title")
    with pytest.raises(AssertionError, match="on the title"):
        check_no_overlap(figure)
    with pytest.raises(AssertionError):
        check_contrast(figures.draw(PLOTS["one_line"], LIGHT), DARK)
    figure = figures.draw(PLOTS["one_line"])
    figure.axes[0].set_xlabel("step")
    with pytest.raises(AssertionError):
        check_words(figure, PLOTS["one_line"])


def test_log_is_drawn_where_a_band_reaches_below_zero():
    y = np.logspace(0, -5, 50)
    line = Line("a", np.arange(50), y, y - 1, y + 1)
    figure = figures.draw(Plot("p", "t", "a", Axis("step"), Axis("loss"), (line,)))
    assert figure.axes[0].get_yscale() == "log"
    low, high = figure.axes[0].get_ylim()
    assert 1e-7 < low < 1e-5 < 1 < high < 100


def test_a_scale_with_zero_in_its_middle_has_ticks_on_both_sides():
    axes = figures.draw(PLOTS["both_sides_of_zero"]).axes[0]
    assert axes.get_xscale() == "symlog"
    words = [tick.get_text() for tick in axes.get_xticklabels()]
    assert words[len(words) // 2] == "0"
    assert len(words) >= 5
    assert words[0] == f"−{words[-1]}"


# --- the repository's own pictures ---------------------------------------------------------------

CONFIGS = sorted((HERE.parent / "configs").glob("*.toml"))
QUICK = ("line", "linear_regression", "train")


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """A smoke run of a config, once, whatever else varies."""
    from jaxmath import lab

    out = tmp_path_factory.mktemp("runs")
    return functools.cache(lambda config: lab.run(config, smoke=True, out=out))


@pytest.fixture(
    params=[
        pytest.param(path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.full)
        for path in CONFIGS
    ]
)
def finished(request, run_once):
    return run_once(request.param)


def test_pictures_of_the_experiments(finished, theme):
    for plot in finished.plots:
        figure = figures.draw(plot, theme)
        check_words(figure, plot)
        check_no_overlap(figure)
        check_contrast(figure, theme)


def test_reports_of_the_experiments(finished):
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    assert text.count("<figure>") == len(finished.plots)
    assert text.count('class="outcome') == len(finished.claims)
    assert 'class="tex"' not in text, "every formula of the experiments is rendered"
    assert all(plot.alt.rstrip().endswith(".") for plot in finished.plots)
