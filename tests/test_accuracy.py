"""Errors against exact truth: what they count, who has them, and the figures published."""

import functools
import importlib.util
import json
import pathlib
from importlib.metadata import PackageNotFoundError, version

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import verify
from jaxmath.domains import REAL, Choices, Integers
from jaxmath.formula import Formula, Source, with_rule
from jaxmath.lab import accuracy as experiment
from jaxmath.verify import accuracy, points
from jaxmath.verify.counterparts import counterparts
from jaxmath.verify.family_counterparts import Outside

ROOT = pathlib.Path(__file__).parents[1]
FORMULAS = {formula.name: formula for formula in verify.FORMULAS}


def judged(answers, truths, change=0.0, least=0.0, dtype=np.float64):
    """Errors in ulp and excess of scalar answers, in the order of the truths."""
    shape = (-1, 1)
    truth = np.reshape(np.array(truths, float), shape)
    theta = np.arange(len(truth), dtype=dtype)[:, None]
    change, least = np.full(truth.shape, change), np.full(truth.shape, least)
    asked = np.ones(truth.shape, bool)
    answer = np.reshape(np.array(answers, dtype), shape)
    with np.errstate(all="ignore"):
        x, ulps, excess, left_open, worst = accuracy._judged(
            answer,
            accuracy._Truth(truth, change, least, asked, 0),
            {"x": theta[:, 0]},
            theta,
            np.dtype(dtype),
        )
    assert x.size == ulps.size == excess.size
    return ulps.tolist(), excess.tolist(), left_open, worst


def test_errors_count_units_in_the_last_place():
    eps = 2.0**-52
    ulps, excess, left_open, worst = judged([1, 1 + eps, 2 - eps, -1], [1, 1, 1, 1])
    assert ulps == [0, 1, 2**52 - 1, 2**53]
    assert excess[:2] == [0, 2]
    assert left_open == 0
    assert worst["point"] == {"x": 3.0}


def test_conditioning_explains_an_error():
    eps = 2.0**-52
    ulps, excess, *_ = judged([1 + 64 * eps], [1], change=127.0)
    assert ulps == [64]
    assert excess == [1]


def test_inputs_explain_what_is_left_where_the_truth_is_zero():
    """Zero of terms of size one has no right digit, and is no further off than its inputs."""
    unit = float(np.spacing(np.finfo(np.float64).tiny))
    ulps, excess, *_ = judged([2.0**-53], [0], change=1.0)
    assert ulps == [2.0**53]
    np.testing.assert_allclose(excess, 2 * 2.0**-53 / (unit + 2.0**-52))


@pytest.mark.parametrize("name", ["pareto.prob", "exponential.mode", "gammaln_difference"])
def test_points_of_the_survey_lie_in_the_domain(name):
    args = accuracy.spread(FORMULAS[name], 200, np.dtype("float64"), 0)
    inner = points.inside(FORMULAS[name], args)
    for one, other in zip(args.values(), inner.values(), strict=True):
        assert len(one) == len(other) > 100


def test_units_are_those_of_the_largest_slope_where_it_is_given():
    ulps, *_ = judged([2.0**-53, 1e-300], [0, 0], least=1.0)
    assert ulps == [0.5, 1e-300 * 2**52]


def test_nan_infinity_and_a_vanished_number_have_no_right_digit():
    ulps, excess, *_ = judged([np.nan, np.inf, 0, 1e300], [1, 1, 1e-17, 1e-300])
    assert [ulps[0], ulps[1], ulps[3]] == [2.0**53] * 3
    assert min(*ulps, *excess) > 2.0**52


def test_below_the_normal_range_zero_is_an_answer():
    ulps, excess, *_ = judged([0, 0, 5e-324], [1e-310, 0, 0])
    assert ulps == excess == [0, 0, 0]


def test_what_is_out_of_range_or_unknown_is_left_open():
    ulps, _, left_open, _ = judged([np.inf, 1, 2], [np.inf, np.nan, 2])
    assert (ulps, left_open) == ([0], 2)
    assert judged([1.0], [1e39], dtype=np.float32)[2] == 1


def test_a_value_that_the_exact_reference_cannot_tell_is_no_truth():
    pytest.importorskip("flint")
    from jaxmath.verify.proven import Proven

    args = dict(x=np.array([0.5, 0.25]), a=np.array([2.0**27, 2.0]), b=np.array([2.0**27, 3.0]))
    centre = Proven()(FORMULAS["beta.cdf"], args, seconds=False)[0].centre
    assert np.isnan(centre[0, 0])
    np.testing.assert_allclose(centre[1, 0], 67 / 256, rtol=1e-15)


def record(fn):
    return Formula(fn=fn, domain=dict(x=REAL), tex="", source=Source(""), topic="")


@pytest.mark.full
def test_a_wrong_rule_is_seen_in_reverse_mode_and_not_in_the_value():
    wrong = with_rule(lambda x: jnp.sin(x), x=lambda x: (1 + 1e-9) * jnp.cos(x))
    found = accuracy.accuracies(record(wrong), count=16)
    worst = {(a.quantity, a.answer): a.excess.max() for a in found}
    assert worst["value", "value"] < 8
    assert worst["d/dx", "reverse mode"] > 1e5


@pytest.mark.full
def test_the_tails_are_reached_and_lost_digits_are_seen():
    found = accuracy.accuracies(record(lambda x: jnp.log(1 + jnp.exp(x))), np.float32, count=32)
    value = next(a for a in found if a.quantity == "value")
    assert value.dtype == "float32"
    assert np.abs(value.x).max() > 1e6
    assert value.ulps.max() == 2**24
    assert value.worst["answer"] in (0.0, float("inf"))


def somewhere(domain, k=0):
    """An ordinary element of a set, another for each k."""
    size = int(np.prod(domain.shape))
    if isinstance(getattr(domain, "of", domain), Choices | Integers):
        return np.ones(domain.shape, int)
    return np.linspace(0.3, 0.8, max(size, 2))[:size].reshape(domain.shape) ** (k / 4 + 1)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")  # of the others
def test_every_counterpart_is_called_as_its_formula():
    known = {name: each for name, each in counterparts().items() if name in FORMULAS}
    assert {"jax.nn", "jax.scipy", "optax"} <= {name for each in known.values() for name in each}
    for name, libraries in known.items():
        formula = FORMULAS[name]
        args = [jnp.asarray(somewhere(d, k)) for k, d in enumerate(formula.domain.values())]
        if formula.where is not None and not formula.where(*args):
            drawn = points.draw(formula, 64, "float64")
            drawn = [drawn[name][points.ordinary(formula, drawn)] for name in formula.arguments]
            sizes = np.abs(jax.vmap(formula.fn)(*drawn))
            place = np.nanargmin(np.abs(sizes - 0.5))  # not in a tail, where others lose digits
            args = [jnp.asarray(each[place]) for each in drawn]
        for library, function in libraries.items():
            batch = [np.asarray(arg)[None] for arg in args]
            try:
                outside = isinstance(function, Outside)
                found = function.value(*batch)[0] if outside else function(*args)
            except accuracy.UNANSWERED:
                continue
            np.testing.assert_allclose(
                found, formula.fn(*args), rtol=1e-6, err_msg=f"{library}: {name}"
            )


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scipy says which sums do not converge
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FORMULAS)
def test_the_published_figures_are_measured_again(name, dtype):
    published = read(dtype)
    known = {
        (row["library"], row["quantity"], row["answer"]): row
        for row in published["rows"]
        if row["formula"] == name
    }
    if not known:
        pytest.skip("no figures are published yet: run python docs/accuracy.py --only " + name)
    config = experiment.Config()
    found = accuracy.accuracies(FORMULAS[name], dtype, config.points)
    now = {(a.library, a.quantity, a.answer): a for a in found}
    kept = same(published["measured"]["versions"])
    for key, row in known.items():
        if not kept and key[0] != accuracy.OURS:
            continue
        # of the excess alone: units that the rounding of the inputs grants differ between machines
        now_row = experiment.summary(now[key])
        excess = row["excess"]
        change = now_row["excess"] - excess
        if now_row["judged"] < row["judged"]:  # a slower machine proves less
            change = max(change, 0.0)
        assert abs(change) <= 8 + excess / 4, (row, now_row)


def same(versions):
    """Whether the libraries here are those that were measured."""
    try:
        return all(version(package) == number for package, number in versions.items())
    except PackageNotFoundError:
        return False


@functools.cache
def read(dtype):
    return json.loads((ROOT / "docs" / "accuracy" / f"{dtype}.json").read_text("utf-8"))


def test_the_published_page_is_made_from_the_published_figures():
    spec = importlib.util.spec_from_file_location("docs_accuracy", ROOT / "docs" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    rows = script.read_json()
    assert set(rows["formula"]) <= set(FORMULAS), "run python docs/accuracy.py"
    text = (script.FOLDER / "README.md").read_text("utf-8")
    assert "\n".join(script.missing(rows)) in text
    assert "\n".join(script.glance(rows)) in text
