"""Errors that conditioning explains, and answers beside the normal range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import exact

pytest.importorskip("flint")
from jaxmath.exact.agreement import readings


def judged(fn, x, computed):
    found = exact.derivatives(exact.trace(fn, x), (x,))
    truth, slope = found.value.flat[0], found.right[1, 0, 0]
    return truth.ulps(computed, np.float64), exact.excess(computed, truth, [slope], [x], np.float64)


def test_an_ill_conditioned_answer_is_not_in_excess():
    x = 1e15 + 0.3
    plain, beyond = judged(jnp.sin, x, np.sin(np.nextafter(x, 2e15)))
    assert plain > 1e10
    assert beyond < 2.5


def test_lost_digits_are_in_excess():
    x = 1e-8
    plain, beyond = judged(lambda x: jnp.log1p(x), x, np.log(1 + x))
    assert plain > 1e6
    assert beyond > 1e6
    assert judged(jnp.log1p, x, np.log1p(x))[1] <= 1


def test_a_vanished_slope_is_in_excess():
    program = exact.trace(jax.nn.sigmoid, 40.0)
    found = exact.derivatives(program, (40.0,), order=2)
    slope, second = found.right[1, 0, 0], found.right[2, 0, 0]
    assert exact.excess(0.0, slope, [second], [40.0], np.float64) > 1e12
    assert exact.excess(float(slope), slope, [second], [40.0], np.float64) <= 1


def test_numbers_below_the_normal_range_may_be_themselves_or_zero():
    truth = exact.evaluate(exact.trace(jnp.exp, -740.0), (-740.0,)).flat[0]
    assert exact.agrees(0.0, truth, np.float64)
    assert exact.agrees(np.exp(-740.0), truth, np.float64)
    assert not exact.agrees(1e-300, truth, np.float64)
    assert exact.excess(0.0, truth, [truth], [-740.0], np.float64) <= 1
    assert readings(1e-310, np.float64) == (1e-310, 0.0)
    assert readings(1e-310, np.float32) == (1e-310, 0.0)
    assert readings(1e-30, np.float32) == (1e-30,)
    normal = exact.evaluate(exact.trace(jnp.exp, -700.0), (-700.0,)).flat[0]
    assert not exact.agrees(0.0, normal, np.float64)


def test_infinities_and_nan_agree_only_with_themselves():
    big = exact.evaluate(exact.trace(jnp.exp, 1000.0), (1000.0,)).flat[0]
    assert exact.agrees(np.inf, big, np.float64)
    assert not exact.agrees(-np.inf, big, np.float64)
    assert not exact.agrees(np.nan, big, np.float64)
    none = exact.evaluate(exact.trace(jnp.log, -1.0), (-1.0,)).flat[0]
    assert exact.agrees(np.nan, none, np.float64)
    assert not exact.agrees(0.0, none, np.float64)
    assert exact.excess(0.0, none, [none], [-1.0], np.float64) == np.inf
