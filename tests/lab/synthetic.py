"""Plots and runs made by hand, plain and nasty, to look at and to test the drawing with."""

import numpy as np

from jaxmath.runs.experiment import Axis, Line, Plot

STEPS = np.arange(500)
_noise = np.random.default_rng(0)
RATES = np.logspace(-4, 0, 64)
LONG = (
    "An exceedingly long title that a thoughtful author would have shortened, but did not, since "
    "it names everything at once: data, model, optimiser and the weather"
)


def _decay(rate, floor=1e-4):
    return np.exp(-rate * STEPS) + floor


def _plot(name, lines=(), x=None, y=None, title=None, **rest):
    return Plot(
        name=name,
        title=title or f"What a plot of the kind {name} looks like",
        alt=f"A synthetic plot: {name}.",
        x=x or Axis("step", "steps"),
        y=y or Axis("loss"),
        lines=tuple(lines),
        **rest,
    )


def _bands():
    lines = []
    for name, rate in (("SGD", 0.004), ("momentum", 0.012), ("Adam", 0.03)):
        runs = _decay(rate)[None] * np.exp(_noise.normal(0, 0.25, (32, 1))) + 0.02
        mean, spread = runs.mean(0), runs.std(0)
        lines.append(Line(name, STEPS, mean, mean - spread, mean + spread))
    return lines


PLOTS = (
    _plot("one_line", [Line("gradient descent", STEPS, _decay(0.05))]),
    _plot("three_bands", _bands(), marks={"end of warm-up": 100.0}),
    _plot(
        "sixty_four",
        [Line(f"rate {r:.2g}", STEPS, _decay(r), value=r) for r in RATES],
        color=Axis("learning rate"),
    ),
    _plot("twelve_without_values", [Line(f"lane {i}", STEPS, _decay(0.01 * i)) for i in range(12)]),
    _plot("eight_legend", [Line(f"component {i}", STEPS, _decay(0.01 * i)) for i in range(8)]),
    _plot(
        "pairs",
        [
            line
            for i, rate in enumerate((0.002, 0.01, 0.05))
            for line in (
                Line("", STEPS, np.exp(-rate * STEPS), hue=i),
                Line(
                    rf"component {i + 1}, $\lambda = {rate}$",
                    STEPS[::25],
                    np.exp(-rate * STEPS[::25]),
                    style="points",
                    hue=i,
                ),
            )
        ],
        y=Axis(r"size of the component $|e_k|$", "share of the start"),
    ),
    _plot(
        "heat_map",
        image=np.add.outer(np.linspace(1, 3, 12), np.linspace(0, 2, 20)) ** 3,
        x_values=np.logspace(-3, 0, 20),
        y_values=np.linspace(0, 1, 12),
        x=Axis("learning rate"),
        y=Axis("momentum"),
        color=Axis("final loss", "nats"),
    ),
    _plot(
        "heat_map_names",
        image=np.where(np.eye(5, dtype=bool), np.nan, np.subtract.outer(range(5), range(5))),
        x_values=["sgd", "momentum", "nesterov", "rmsprop", "adam with decoupled decay"],
        y_values=["sgd", "momentum", "nesterov", "rmsprop", "adam with decoupled decay"],
        x=Axis("optimiser"),
        y=Axis("optimiser"),
        color=Axis("difference in final loss", "nats"),
    ),
    _plot(
        "points",
        [Line("digits", _noise.normal(size=400), _noise.normal(size=400), style="points")],
        x=Axis("first component"),
        y=Axis("second component"),
        title="Points in the plane",
    ),
    _plot("tiny", [Line("a", STEPS, 1e-12 * (1 + 0.3 * np.sin(STEPS / 40)))]),
    _plot("huge", [Line("a", STEPS, 1e12 * np.sin(STEPS / 40)), Line("b", STEPS, STEPS * 1e9)]),
    _plot("enormous", [Line("a", STEPS, 10.0 ** np.linspace(-290, 290, 500))]),
    _plot("overflow", [Line("a", STEPS, np.where(STEPS < 250, STEPS, 1.7e308))]),
    _plot("offset", [Line("a", STEPS, 1e6 + 1e-5 * np.sin(STEPS / 40))]),
    _plot(
        "long_labels",
        [
            Line("the stochastic gradient method with a constant rate", STEPS, _decay(0.004)),
            Line("the same method with Nesterov's momentum and restarts", STEPS, _decay(0.0041)),
            Line("Adam", STEPS, _decay(0.0042)),
        ],
        x=Axis(LONG, "steps"),
        y=Axis(LONG, "nats per example per step of the outer loop"),
        title=LONG,
        marks={"one limit": 200.0, "another limit": 210.0, "a third one": 480.0},
    ),
    _plot(
        "gaps",
        [
            Line("whole", STEPS, _decay(0.01)),
            Line("broken", STEPS, np.where((STEPS > 100) & (STEPS < 300), np.nan, _decay(0.02))),
            Line("diverged", STEPS, np.where(STEPS > 60, np.inf, 1.04**STEPS)),
            Line("never finite", STEPS, np.full(500, np.nan)),
        ],
    ),
    _plot("nothing_finite", [Line("a", STEPS, np.full(500, np.nan)), Line("b", [], [])]),
    _plot("no_lines"),
    _plot("constant", [Line("a", STEPS, np.full(500, 0.25)), Line("b", STEPS, np.full(500, 0.25))]),
    _plot("zero", [Line("a", STEPS, np.zeros(500))]),
    _plot("one_point", [Line("a", [3.0], [0.5])]),
    _plot("negative", [Line("a", STEPS, -_decay(0.01)), Line("b", STEPS, -2 * _decay(0.02))]),
    _plot("log_of_nothing", [Line("a", STEPS, -_decay(0.01))], y=Axis("loss", scale="log")),
    _plot(
        "many_points",
        [Line("noise", np.arange(100_000), np.cumsum(_noise.normal(size=100_000)))],
        y=Axis("position", "m"),
    ),
    _plot(
        "log_log",
        [
            Line("error", np.logspace(0, 5, 40), np.logspace(0, -10, 40)),
            Line(r"slope $-2$", np.logspace(0, 5, 40), np.logspace(0.5, -9.5, 40), style="dashed"),
        ],
        x=Axis("evaluations", "calls"),
        y=Axis("error"),
        marks={r"$2/\lambda_{\max}$": 300.0},
    ),
    _plot(
        "both_sides_of_zero",
        [
            Line(
                name,
                np.sinh(np.linspace(-16, 16, 90)),
                10.0 ** np.arange(90) ** power,
                style="points",
            )
            for name, power in (("here", 0.5), ("there", 0.6))
        ],
        x=Axis("x", scale="symlog"),
        y=Axis("error", "ulp", "log"),
    ),
    _plot("no_finite_value_but_symlog", [Line("a", [np.nan], [1.0])], x=Axis("x", scale="symlog")),
    _plot(
        "markup",
        [
            Line("<script>alert(1)</script> & co", STEPS, _decay(0.02)),
            Line("costs $5 & _more_", STEPS, _decay(0.01)),
            Line(r"broken $\frac{1$ TeX", STEPS, _decay(0.005)),
        ],
        title=r"<b>Markup</b> & $broken \frac{ TeX$, %s {0} \$3",
    ),
)
