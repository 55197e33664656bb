"""Plots drawn from data: each in a light and a dark theme, as SVG and PNG, always the same bytes.

Only matplotlib's object interface is used: no pyplot, no state that outlives a call, nothing read
from a reader's matplotlib settings.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import numpy as np

from jaxmath.config import user_cache
from jaxmath.report import curves, labels
from jaxmath.report.scales import is_log, linear_below, set_ticks
from jaxmath.report.themes import LIGHT, THEMES, Theme
from jaxmath.runs.experiment import Axis, Plot

WIDTH, HEIGHT = 5.6, 3.5
"""Inches; so the text is legible on a telephone and not loud on a desk."""

DIRECT = 6
"""As many curves are named where they end; the palette has a hue for each."""

LEGEND = 10
"""As many curves fit a legend; more are coloured along a scale."""

PNG_DPI = 160


def pictures(plot: Plot, stem: str = "") -> dict[str, bytes]:
    """The plot as files: STEM.svg, STEM.png, STEM-dark.svg, STEM-dark.png; by default its name."""
    files = {}
    for theme in THEMES:
        figure = draw(plot, theme)
        name = (stem or plot.name) + ("" if theme is LIGHT else f"-{theme.name}")
        files[f"{name}.svg"] = svg(figure, plot, theme)
        files[f"{name}.png"] = png(figure, plot, theme)
    return files


def check(plot: Plot) -> None:
    """Raise ValueError, in a sentence, for a plot whose arrays do not belong together."""
    for line in plot.lines:
        sizes = {
            name: np.asarray(getattr(line, name), float).size
            for name in ("x", "y", "low", "high")
            if getattr(line, name) is not None
        }
        if len(set(sizes.values())) > 1:
            told = ", ".join(f"{count} of {name}" for name, count in sizes.items())
            raise ValueError(f"The line {line.label!r} of the plot {plot.name!r} has {told}.")
    if plot.image is None:
        return
    shape = np.shape(plot.image)
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"The image of the plot {plot.name!r} is no matrix: its shape is {shape}.")
    for name, given, count in (("x", plot.x_values, shape[1]), ("y", plot.y_values, shape[0])):
        if given is not None and len(given) not in (count, count + 1):
            raise ValueError(
                f"The image of the plot {plot.name!r} has {count} cells along {name} and "
                f"{len(given)} values for them."
            )


def svg(figure, plot: Plot, theme: Theme = LIGHT) -> bytes:
    """The figure for a page: no dates, short numbers, title and description inside."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _settings(theme), _kept(figure):
        # Not by savefig, which draws everything twice: here the layout is already settled.
        FigureCanvasSVG(figure).print_svg(buffer, metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg ") :]
    # Hundredths of a point are finer than any screen; scales of glyphs keep their digits.
    text = re.sub(r' d="[^"]*"', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), text)
    words = f"<title>{escape(plot.title)}</title>\n<desc>{escape(plot.alt)}</desc>"
    return text.replace("<svg ", '<svg role="img" ', 1).replace(">", f">\n{words}", 1).encode()


def png(figure, plot: Plot, theme: Theme = LIGHT) -> bytes:
    """The figure as pixels, with title and description in its metadata."""
    buffer = io.BytesIO()
    metadata = dict(Software=None, Title=plot.title, Description=plot.alt)
    with _settings(theme), _kept(figure):
        figure.set_dpi(PNG_DPI)
        figure.canvas.print_png(buffer, metadata=metadata)
    return buffer.getvalue()


@contextlib.contextmanager
def _kept(figure) -> Iterator[None]:
    """Give the figure its canvas and its resolution back."""
    canvas, dpi = figure.canvas, figure.get_dpi()
    try:
        yield
    finally:
        figure.set_canvas(canvas)
        figure.set_dpi(dpi)


def draw(plot: Plot, theme: Theme = LIGHT):
    """The plot as a `matplotlib.figure.Figure`, laid out and ready to be saved."""
    with _settings(theme):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        title = labels.balanced(plot.title, 60)
        below = labels.of_axis(plot.x, 66)
        figure.suptitle(title, x=0.018, ha="left", weight="bold")
        axes.set_xlabel(below)
        axes.set_ylabel(labels.of_axis(plot.y, 34))
        labels.grow(figure, title.count("\n") + below.count("\n"))
        if plot.image is not None:
            log, ends = _draw_image(figure, axes, plot, theme), []
        else:
            log, ends = _draw_lines(figure, axes, plot, theme)
        marks = labels.add_marks(axes, plot.marks, theme)
        labels.settle(figure, axes, log, ends, marks)
        return figure


def _draw_lines(figure, axes, plot: Plot, theme: Theme):
    """Draw the curves, and name them or give their colours a bar."""
    log_x = is_log(plot.x, [line.x for line in plot.lines], spaced=True)
    log_y = is_log(plot.y, [line.y for line in plot.lines])
    if plot.x.scale == "symlog":
        axes.set_xscale("symlog", linthresh=linear_below(line.x for line in plot.lines))
    else:
        axes.set_xscale("log" if log_x else "linear")
    axes.set_yscale("log" if log_y else "linear")
    every = curves.prepare(plot, theme, log_x, log_y, LEGEND)
    drawn = [curve for curve in every if curve.end]
    if not drawn:
        _say(axes, theme, "Nothing to draw: no finite value.")
        return (False, False), []
    for curve in drawn:
        curves.add(axes, curve, slim=len(drawn) > LEGEND)
    axes.autoscale_view()
    set_ticks(axes.xaxis, log_x)
    set_ticks(axes.yaxis, log_y)
    if any(curve.scaled for curve in drawn):
        _add_line_scale(figure, axes, plot, [curve.scaled for curve in every], theme)
    named = [curve for curve in drawn if curve.label and not curve.scaled]
    if len(named) == len(drawn) == 1:
        named = []  # the title and the axis say what a single curve is
    note = _missing([curve.label or "a curve" for curve in every if not curve.end])
    rows = sum(labels.wrapped(curve.label, labels.BESIDE).count("\n") + 1 for curve in named)
    beside = len(named) <= DIRECT and rows <= 10 and labels.end_together(axes, named)
    if not beside:
        labels.add_legend(figure, named, note, theme)
    elif note:
        labels.add_note(figure, note, theme)
    return (log_x, log_y), labels.add_ends(axes, named) if beside else []


def _missing(names: list[str]) -> str:
    """A remark on curves of which there is nothing to draw."""
    if not names:
        return ""
    rest = f" and {len(names) - 3} more" if names[3:] else ""
    return f"Not drawn, without a finite value: {', '.join(names[:3])}{rest}."


def _add_line_scale(figure, axes, plot: Plot, scaled: Sequence[bool], theme: Theme) -> None:
    """A bar that says what the colours of many lines mean."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    values = curves.scale_values(plot, scaled)
    log = is_log(plot.color or Axis(""), [values])
    low, high = float(np.min(values)), float(np.max(values))
    if low == high:
        return
    colors = ListedColormap(curves.scale_colors(np.linspace(0, 1, 64), theme))
    norm = LogNorm(low, high) if log else Normalize(low, high)
    bar = figure.colorbar(ScalarMappable(norm, colors), ax=axes, aspect=28, pad=0.02)
    _finish_bar(bar, log, plot.color or Axis("curve, in its order"))


def _draw_image(figure, axes, plot: Plot, theme: Theme) -> tuple[bool, bool]:
    """Draw a heat map with its bar; cells without a finite value stay empty and hatched."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    color = plot.color or Axis("value")
    log_color = is_log(color, [plot.image])
    rows, columns = np.shape(plot.image)
    image = curves.possible(plot.image, log_color).reshape(rows, columns)
    if not np.isfinite(image).any():
        _say(axes, theme, "Nothing to draw: no finite value.")
        return False, False
    logs = []
    edges = []
    for axis, given, count, name in (
        (plot.x, plot.x_values, columns, "x"),
        (plot.y, plot.y_values, rows, "y"),
    ):
        log, places, names = _edges(axis, given, count)
        getattr(axes, f"set_{name}scale")("log" if log else "linear")
        logs.append(log and names is None)
        edges.append((places, names))
    low, high = float(np.nanmin(image)), float(np.nanmax(image))
    if low < 0 < high:
        low, high = -max(-low, high), max(-low, high)
    colors = colormaps["RdBu_r" if low < 0 < high else "viridis"]
    if low == high:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    if not np.isfinite(image).all():
        axes.patch.set(hatch="////", edgecolor=theme.rule, linewidth=0)
        labels.add_note(figure, "Hatched: no finite value.", theme)
    mesh = axes.pcolormesh(
        edges[0][0], edges[1][0], np.ma.masked_invalid(image), cmap=colors,
        norm=LogNorm(low, high) if log_color else Normalize(low, high),
        rasterized=image.size > 2500,
    )  # fmt: skip
    axes.grid(visible=False)
    axes.margins(0)
    axes.autoscale_view()
    for axis, log, (places, names) in zip((axes.xaxis, axes.yaxis), logs, edges, strict=True):
        if names is None:
            set_ticks(axis, log)
        else:
            axis.set_ticks((places[1:] + places[:-1]) / 2, [labels.wrapped(n, 14) for n in names])
            axis.set_tick_params(length=0)
    bar = figure.colorbar(mesh, ax=axes, aspect=28, pad=0.02)
    _finish_bar(bar, log_color, color)
    return logs[0], logs[1]


def _edges(axis: Axis, given, count: int):
    """The edges of the cells from edges, centres or names: whether log, where, and any names."""
    if given is None:
        return False, np.arange(count + 1) - 0.5, None
    given = np.asarray(given)
    if given.dtype.kind not in "fiub":
        return False, np.arange(count + 1) - 0.5, [str(name) for name in given]
    log = is_log(axis, [given], spaced=True)
    given = given.astype(float)
    if given.size == count + 1:
        return log, given, None
    places = np.log10(given) if log else given
    middle = (places[1:] + places[:-1]) / 2
    step = places[-1] - places[-2] if count > 1 else 1.0
    first = places[1] - places[0] if count > 1 else 1.0
    ends = np.concatenate([[places[0] - first / 2], middle, [places[-1] + step / 2]])
    return log, (10.0**ends if log else ends), None


def _finish_bar(bar, log: bool, axis: Axis) -> None:
    bar.set_label(labels.of_axis(axis, 34))
    bar.outline.set_visible(False)
    bar.solids.set_edgecolor("face")
    set_ticks(bar.ax.yaxis, log, 5)
    bar.ax.tick_params(length=2)


def _say(axes, theme: Theme, words: str) -> None:
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=theme.muted
    )
    axes.set_xscale("linear")
    axes.set_yscale("linear")
    axes.set_xticks([])
    axes.set_yticks([])


@contextlib.contextmanager
def _settings(theme: Theme) -> Iterator[None]:
    """Matplotlib's defaults in this theme, for the time of a drawing."""
    # Its list of fonts belongs into our cache, not into the reader's folder of settings.
    os.environ.setdefault("MPLCONFIGDIR", str(user_cache.folder("matplotlib")))
    import matplotlib

    # Ticks just outside of an enormous axis may overflow; they are not drawn.
    quiet = np.errstate(over="ignore", under="ignore")
    with matplotlib.rc_context(), warnings.catch_warnings(), quiet:
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "axes.axisbelow": True,
                "axes.edgecolor": theme.rule,
                "axes.facecolor": theme.paper,
                "axes.grid": True,
                "axes.labelcolor": theme.ink,
                "axes.labelsize": 9,
                "axes.linewidth": 0.8,
                "axes.spines.right": False,
                "axes.spines.top": False,
                "axes.xmargin": 0.02,
                "axes.ymargin": 0.06,
                "figure.constrained_layout.h_pad": 0.06,
                "figure.constrained_layout.w_pad": 0.1,
                "figure.facecolor": theme.paper,
                "figure.titlesize": 10,
                "font.size": 9,
                "grid.color": theme.grid,
                "grid.linewidth": 0.7,
                "hatch.linewidth": 0.5,
                "legend.fontsize": 8.5,
                "legend.frameon": False,
                "savefig.facecolor": theme.paper,
                "svg.hashsalt": "jaxmath",
                "text.color": theme.ink,
                "xtick.color": theme.rule,
                "xtick.labelcolor": theme.muted,
                "xtick.labelsize": 8.5,
                "ytick.color": theme.rule,
                "ytick.labelcolor": theme.muted,
                "ytick.labelsize": 8.5,
            }
        )
        # A script that the font lacks is drawn as boxes; that is no reason to stop.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield
