"""The numerical reference against mpmath: its bars are honest, and narrow where they can be."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.domains import NONNEGATIVE, POSITIVE, REAL, UNIT, Box, Interval
from jaxmath.formula import Break, Formula, Source
from jaxmath.verify import points
from jaxmath.verify.compare import NEEDED
from jaxmath.verify.reference import numerical


def record(fn, breaks=(), where=None, **domain):
    return Formula(
        fn=fn, domain=domain, tex="", source=Source(""), topic="", breaks=breaks, where=where
    )


def exact(function, x, order):
    """A derivative by differences in 1,300 digits, with a step far below any feature."""
    with mp.workdps(1300):
        x, h = mp.mpf(float(x)), mp.mpf(10) ** -400
        if order == 1:
            return (function(x + h) - function(x - h)) / (2 * h)
        return (function(x + h) - 2 * function(x) + function(x - h)) / h**2


def phi(x):
    return mp.ncdf(x) if abs(x) < 90 else mp.mpf(int(x > 0))  # beyond, 1,300 digits see no more


CASES = {
    "exp": (jnp.exp, REAL, mp.exp),
    "log": (jnp.log, POSITIVE, mp.log),
    "sqrt": (jnp.sqrt, NONNEGATIVE, mp.sqrt),
    "sin": (jnp.sin, REAL, mp.sin),
    "tanh": (jnp.tanh, REAL, mp.tanh),
    "cube": (lambda x: x**3, REAL, lambda x: x**3),
    "bump": (lambda x: 1 / (1 + x**2), REAL, lambda x: 1 / (1 + x**2)),
    "fast": (
        lambda x: jnp.sin(50 * x) * jnp.exp(-x * x),
        REAL,
        lambda x: mp.sin(50 * x) * mp.exp(-x * x),
    ),
    "entropy": (
        lambda x: jax.scipy.special.entr(x) - jax.scipy.special.xlog1py(1 - x, -x),
        UNIT,
        lambda x: -x * mp.log(x) - (1 - x) * mp.log(1 - x),
    ),
    "ends": (jnp.arcsin, Interval(-1.0, 1.0), mp.asin),
    "gelu": (lambda x: x * jax.scipy.special.ndtr(x), REAL, lambda x: x * phi(x)),
    # A program that cancels: its differences are quantised, and the bar must know it.
    "naive softplus": (lambda x: jnp.log(1 + jnp.exp(x)), REAL, lambda x: mp.log(1 + mp.exp(x))),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bar_holds_the_truth(name):
    fn, domain, truth = CASES[name]
    formula = record(fn, x=domain)
    args = points.draw(formula, 120, np.float64, seed=3)
    usual = points.ordinary(formula, args)
    estimates = numerical(formula, args, None, True)
    decided = {1: [], 2: []}
    checked = 0
    for i, x in enumerate(args["x"]):
        if x in (domain.low, domain.high):
            continue  # the truth by two-sided differences does not exist at an end
        for order, estimate in zip((1, 2), estimates, strict=True):
            value, error = estimate.value[i].item(), estimate.error[i].item()
            near = any(abs(x - end) < 1e-3 for end in (domain.low, domain.high))
            if usual[i] and abs(x) < 4 and not near:  # in the tails of some nothing can be seen
                decided[order].append(error <= NEEDED * abs(value))
            if not np.isfinite(error):
                continue
            slope = exact(truth, x, order)
            checked += 1
            assert abs(mp.mpf(value) - slope) <= mp.mpf(error), (x, order, value, error, slope)
    assert checked > 60
    if name != "naive softplus":
        assert np.mean(decided[1]) > 0.85
        assert np.mean(decided[2]) > 0.8


def test_mixed_derivatives_hold_the_truth():
    formula = record(lambda x, y: jnp.exp(-x) * jnp.log(y), x=REAL, y=POSITIVE)
    args = points.draw(formula, 120, np.float64)
    usual = points.ordinary(formula, args)
    _, second = numerical(formula, args, None, True)
    value, error = second.value[:, 0, 0, 1], second.error[:, 0, 0, 1]
    with np.errstate(over="ignore"):
        truth = -np.exp(-np.clip(args["x"], -700, 700)) / args["y"]
    checked = usual & np.isfinite(error)
    assert checked.sum() > 0.9 * usual.sum()
    assert (np.abs(value - truth) <= error + 1e-14 * np.abs(truth))[checked].all()
    assert (error <= NEEDED * np.abs(truth))[usual].mean() > 0.9
    np.testing.assert_array_equal(value, second.value[:, 0, 1, 0])


def test_every_output_and_coordinate_of_arrays():
    formula = record(lambda v: jnp.stack([v[0] * v[1], jnp.sin(v[2])]), v=Box((3,)))
    args = {"v": np.array([[0.5, -2.0, 1.0], [3.0, 0.25, -1.5]])}
    first, second = numerical(formula, args, None, True)
    v = args["v"]
    zero = np.zeros(2)
    truth = np.stack(
        [np.stack([v[:, 1], v[:, 0], zero], -1), np.stack([zero, zero, np.cos(v[:, 2])], -1)], 1
    )
    np.testing.assert_allclose(first.value, truth, rtol=1e-11, atol=1e-12)
    assert (np.abs(first.value - truth) <= first.error + 1e-15).all()
    np.testing.assert_allclose(second.value[:, 0, 0, 1], [1, 1], rtol=1e-9)
    np.testing.assert_allclose(second.value[:, 1, 2, 2], -np.sin(v[:, 2]), rtol=1e-8)


def test_nothing_is_evaluated_outside_the_domain():
    # Outside [0, 1] the function answers something else entirely, not NaN.
    fn = lambda x: jnp.where((x >= 0) & (x <= 1), x**2, 1e6)  # noqa: E731
    args = {"x": np.array([0.0, 1.0, 1e-12, 1 - 1e-12, 0.5])}
    first, _ = numerical(record(fn, x=UNIT), args, None, True)
    np.testing.assert_allclose(first.value.ravel(), 2 * args["x"], atol=1e-3)
    assert (np.abs(first.value.ravel() - 2 * args["x"]) <= first.error.ravel()).all()
    # Close to an end steps are as small as the distance, and the bar says what that costs.
    np.testing.assert_array_less(first.error.ravel(), [1e-12, 1e-12, 1e-12, 0.1, 1e-12])


def test_relations_between_arguments_are_kept():
    fn = lambda low, high: jnp.where(low < high, (high - low) ** 2, -1e6)  # noqa: E731
    formula = record(fn, low=REAL, high=REAL, where=lambda low, high: low < high)
    args = {"low": np.array([0.0, 1.0]), "high": np.array([1.0, 1.0 + 1e-6])}
    first, _ = numerical(formula, args, None, False)
    np.testing.assert_allclose(first.value[:, 0, 0], -2 * (args["high"] - args["low"]), rtol=1e-4)


def test_a_declared_break_is_not_stepped_over():
    formula = record(
        lambda x: jnp.abs(x - 1) ** 3 + 7 * jnp.abs(x - 1),
        breaks=(Break(lambda x: x - 1, order=1),),
        x=REAL,
    )
    near = np.array([1 + 1e-9, 1 - 1e-9, 1 + 2.0**-40])
    first, _ = numerical(formula, {"x": near}, None, True)
    np.testing.assert_allclose(first.value.ravel(), 7 * np.sign(near - 1), rtol=1e-9)
    at, _ = numerical(formula, {"x": np.array([1.0])}, None, True)
    assert at.kink.all()
    np.testing.assert_allclose([at.left.item(), at.right.item()], [-7, 7], rtol=1e-9)


@pytest.mark.parametrize("x", [0.0, 1e-17, 1e-3, 0.4])
def test_an_undeclared_kink_is_seen_and_not_averaged(x):
    first, _ = numerical(record(lambda x: jnp.maximum(x, 0.0), x=REAL), {"x": np.array([x])})
    if x == 0:
        assert first.kink.all()
        assert np.isinf(first.error).all()
        np.testing.assert_allclose([first.left.item(), first.right.item()], [0, 1], atol=1e-12)
    else:
        assert abs(first.value.item() - 1) <= first.error.item() < 1e-9


def test_what_cannot_be_seen_is_undecided():
    # 1 + e^-x differs from 1 by less than an ulp: its slope is there, and cannot be measured.
    for fn, x in (
        (lambda x: 1 + jnp.exp(-x), 60.0),
        (jax.nn.sigmoid, 60.0),
        (jnp.sin, 1e200),
        (jnp.sqrt, 0.0),
    ):
        domain = NONNEGATIVE if x == 0 else REAL
        first, second = numerical(record(fn, x=domain), {"x": np.array([x])}, None, True)
        slope = {60.0: 8.75651076269652e-27, 1e200: 0.5}.get(x, np.inf)
        assert not first.error.item() <= NEEDED * slope or np.isinf(first.error.item())
        assert np.isinf(second.error.item()) or second.error.item() > 1e-20


def test_float32_points_are_judged_by_float64():
    args = {"x": np.array([0.1, 7.3, -3.0], np.float32)}
    first, _ = numerical(record(jnp.tanh, x=REAL), args, None, True)
    assert first.value.dtype == np.float64
    truth = [float(mp.sech(mp.mpf(float(x))) ** 2) for x in args["x"]]
    np.testing.assert_allclose(first.value.ravel(), truth, rtol=1e-8)
    assert (first.error.ravel() <= 1e-7 * np.array(truth)).all()


def test_rounding_is_seen_beside_a_number_too_small_for_float32():
    formula = record(lambda x, y: (x / 500 + (y + 1e8)) - 1e8, x=REAL, y=REAL)
    args = dict(x=np.array([-2.4e-254]), y=np.array([0.3]))
    first, _ = numerical(formula, args, None, False)
    assert not abs(first.value[0, 0, 0] - 1 / 500) > first.error[0, 0, 0]  # NaN: not known
