"""What a training is held against, and its pictures; beside the experiment `train`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jaxmath.formula import Source
from jaxmath.lab import train_diagnosis
from jaxmath.runs.experiment import Axis, Claim, Fault, Line, Plot, Result, Table
from jaxmath.runs.measured import Measured
from jaxmath.runs.sweep import by_cell, interval, settings, shared
from jaxmath.train import Status

FAILED = (Status.NOT_FINITE_LOSS, Status.NOT_FINITE_GRADIENT, Status.NOT_FINITE_UPDATE)
GAP = {"float64": 1e-12, "float32": 1e-5}
"""How far two gradients that are equal by mathematics may differ by rounding, relative."""

MOST_LINES = 40


def judge(config, data, measured: Measured) -> Result:
    """Gradients, descent, convergence, and that divergence stays where it began."""
    good = np.asarray(~np.isin(measured["status"], FAILED))
    claims = [_some_run_finishes(measured, good), _the_loss_falls(measured, good)]
    if "gradient_gap" in measured:
        claims.insert(0, _gradients_agree(measured, good))
    claims.append(_parameters_stay_finite(measured))
    if config.batch_size == 0 and (config.stop.gradient or measured.axis("stop.gradient")):
        claims.append(_converged(config, measured))
    names = [name for name in measured if f"{name}_curve" in measured]
    tables = ()
    if not measured.axes:
        values = {name: float(measured[name]) for name in (*names, "gradient_norm")}
        tables = (
            Table("end", "At the end", {"measure": list(values), "value": [*values.values()]}),
        )
    if config.diagnostics:
        tables += train_diagnosis.tables(measured, ~good)
    return Result(tuple(claims), tables, _series(config, measured, good, names))


def _gradients_agree(measured: Measured, good) -> Claim:
    gap = np.asarray(measured["gradient_gap"])

    def plant(arrays):
        return {**arrays, "gradient_gap": np.asarray(arrays["gradient_gap"]) + 1e-3}

    return Claim(
        name="gradient_by_hand_equals_autodiff",
        statement="At the start and at the end the gradient of the mean loss by hand, over the "
        "first 256 rows, equals the one computed by JAX, relative to its size.",
        measured=gap[good],
        relation="<=",
        expected=0.0,
        tolerance=GAP[str(gap.dtype)],
        source=Source("goodfellow2016deep", "section 6.5"),
        breaks_if=Fault("the gradient by hand off by a thousandth", plant),
    )


def _some_run_finishes(measured: Measured, good) -> Claim:
    def plant(arrays):
        return {**arrays, "status": np.full_like(arrays["status"], Status.NOT_FINITE_LOSS)}

    return Claim(
        name="a_run_finishes",
        statement="At least one run ends without divergence.",
        measured=good.any(),
        relation="true",
        expected=True,
        source="the status of each run",
        breaks_if=Fault("every run diverged", plant),
    )


def _the_loss_falls(measured: Measured, good) -> Claim:
    curve = np.asarray(measured["train_loss_curve"])

    def plant(arrays):
        curve = np.array(arrays["train_loss_curve"])
        curve[..., -1] = curve[..., 0]
        return {**arrays, "train_loss_curve": curve}

    return Claim(
        name="the_loss_falls",
        statement="In at least one run that does not diverge the mean training loss is lower at "
        "the end than at the start.",
        measured=np.any((curve[..., -1] < curve[..., 0])[good]),
        relation="true",
        expected=True,
        source=Source("nesterov2004lectures", "section 1.2.3"),
        breaks_if=Fault("the loss at the end as at the start", plant),
    )


def _parameters_stay_finite(measured: Measured) -> Claim:
    def plant(arrays):
        finite = np.array(arrays["finite"])
        finite.flat[0] = False
        return {**arrays, "finite": finite}

    return Claim(
        name="parameters_stay_finite",
        statement="Every run ends with finite parameters, one that diverges with its last good "
        "ones.",
        measured=measured["finite"],
        relation="true",
        expected=True,
        source="the rule by which a run freezes",
        breaks_if=Fault("the parameters of one run not finite", plant),
    )


def _converged(config, measured: Measured) -> Claim:
    asked = np.full(measured.shape, config.stop.gradient or np.nan)
    position = measured.axis("stop.gradient")
    if position is not None:
        shape = [-1 if i == position else 1 for i in range(len(measured.axes))]
        asked = np.broadcast_to(measured.swept("stop.gradient").reshape(shape), measured.shape)
    says_so = measured["status"] == Status.CONVERGED_GRADIENT

    def plant(arrays):
        return {**arrays, "gradient_norm": np.asarray(arrays["gradient_norm"]) + 2 * asked}

    return Claim(
        name="converged_as_asked",
        statement="A run converges, and the gradient of each that does is as small as was asked.",
        measured=np.asarray(measured["gradient_norm"])[says_so],
        relation="<=",
        expected=asked[says_so],
        tolerance=1e-3,  # the loop and the check at the end sum in different orders
        relative=True,
        source=Source("nesterov2004lectures", "section 1.2.3"),
        breaks_if=Fault("the gradients at the end larger than asked", plant),
        full_only=True,
    )


def _series(config, measured: Measured, good, names) -> dict[str, Any]:
    """The curves and the values at the end, over the settings: mean and interval over seeds."""
    records = measured["train_loss_curve"].shape[-1]
    every = -(-config.steps // min(config.records, config.steps))
    found: dict[str, Any] = dict(step=np.minimum(np.arange(records) * every, config.steps))
    lanes = by_cell(measured, good)
    for name in names:
        curves = by_cell(measured, np.asarray(measured[f"{name}_curve"]))
        mean, _, low, high = interval(curves, lanes[:, None, :], shared(measured.axes))
        found |= {f"{name}_mean": mean, f"{name}_low": low, f"{name}_high": high}
    return found | {f"setting.{path}": values for path, values in settings(measured).items()}


def draw(result: Result) -> tuple[Plot, ...]:
    """The losses over the steps; in a sweep over numbers, the losses at the end over them."""
    series = result.series
    swept = {k.removeprefix("setting."): v for k, v in series.items() if k.startswith("setting.")}
    names = [name.removesuffix("_mean") for name in series if name.endswith("_mean")]
    numbers = [path for path, values in swept.items() if np.asarray(values).dtype.kind == "f"]
    plots = [_over_steps(series, swept, numbers, [n for n in names if n.endswith("_loss")])]
    if len(swept) == len(numbers) == 1:
        plots += [_over_setting(series, numbers[0], swept[numbers[0]], names)]
    if "stability" in names:
        plots += [_stability(_over_steps(series, swept, numbers, ["stability"]))]
    return tuple(plot for plot in plots if plot.lines)


def _stability(drawn: Plot) -> Plot:
    """The same with its limit, and words of its own."""
    step = drawn.lines[0].x if drawn.lines else np.zeros(0)
    limit = Line("limit", step, np.ones(len(step)), style="dashed", hue=1)
    return replace(
        drawn,
        name="stability",
        title="How close the steps are to the edge of stability",
        alt="Rate times sharpness over its limit, over the steps of training, and the limit, one.",
        y=Axis("rate times sharpness over its limit"),
        lines=(*drawn.lines, limit) if drawn.lines else (),
        caption="Beyond one a step amplifies errors along the sharpest direction of the loss.",
    )


def _over_steps(series, swept, numbers, names) -> Plot:
    cells = len(series[f"{names[0]}_mean"])
    finite = np.isfinite(series[f"{names[0]}_mean"])
    ended = _even(np.flatnonzero(finite[:, -1]), MOST_LINES)
    dropped = _even(np.flatnonzero(finite.any(axis=1) & ~finite[:, -1]), MOST_LINES - len(ended))
    shown = np.sort(np.concatenate([ended, dropped]))
    several = cells > 1
    chosen = ["test_loss"] if several and "test_loss" in names else names[: 1 if several else None]
    lines = []
    for cell in shown:
        for name in chosen:
            label = ", ".join(_short(values[cell]) for values in swept.values())
            value = float(swept[numbers[0]][cell]) if len(numbers) == len(swept) == 1 else None
            lines.append(
                Line(
                    label if several else _words(name),
                    series["step"],
                    series[f"{name}_mean"][cell],
                    None
                    if np.isnan(series[f"{name}_low"][cell]).all()
                    else series[f"{name}_low"][cell],
                    None
                    if np.isnan(series[f"{name}_high"][cell]).all()
                    else series[f"{name}_high"][cell],
                    value=value,
                )
            )
    what = _words(chosen[0]) if several else "loss"
    return Plot(
        name="loss",
        title=f"The {what} over the steps" + (" of each setting" if several else ""),
        alt=f"The mean {what} over the steps of training, {len(lines)} curves.",
        x=Axis("step", "steps", "linear"),
        y=Axis(f"mean {what}"),
        lines=tuple(lines),
        color=Axis(numbers[0]) if lines and lines[0].value is not None else None,
    )


def _even(places: np.ndarray, most: int) -> np.ndarray:
    """At most so many of some places, evenly."""
    return places[np.unique(np.linspace(0, len(places) - 1, min(len(places), most)).astype(int))]


def _over_setting(series, path, values, names) -> Plot:
    order = np.argsort(values)
    losses = [name for name in names if name.endswith("_loss")]
    lines = tuple(
        Line(
            _words(name),
            np.asarray(values)[order],
            series[f"{name}_mean"][order, -1],
            *(
                (series[f"{name}_low"][order, -1], series[f"{name}_high"][order, -1])
                if np.isfinite(series[f"{name}_low"][:, -1]).any()
                else ()
            ),
        )
        for name in losses
    )
    return Plot(
        name="setting",
        title=f"The loss at the end over {path}",
        alt=f"The mean loss at the end of training over {path}; runs that diverged are left out.",
        x=Axis(path),
        y=Axis("mean loss at the end"),
        lines=lines,
    )


def _words(name: str) -> str:
    kind, _, what = name.partition("_")
    return {"train": "training", "test": "test"}.get(kind, kind) + f" {what}".rstrip()


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else str(value)
