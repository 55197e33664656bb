"""The exact reference for the laws: what it encloses, where it stops, what serves without it."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import special, verify
from jaxmath.domains import NONNEGATIVE, POSITIVE, REAL, Box
from jaxmath.formula import Formula, Source
from jaxmath.verify import proven
from jaxmath.verify.evidence import gather

pytest.importorskip("flint")


def record(fn, where=None, **domain):
    return Formula(fn=fn, domain=domain, tex="", source=Source(""), topic="", where=where)


def enclosed(fn, points, seconds=True, **domain):
    return verify.Proven()(record(fn, **domain), points, None, seconds)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tails_that_differences_cannot_see(dtype):
    x = np.array([60.0, -0.25, 20.0, -40.0], dtype)
    first, second = enclosed(jax.nn.sigmoid, dict(x=x), x=REAL)
    with mp.workdps(60):
        s = [1 / (1 + mp.exp(-mp.mpf(float(v)))) for v in x]
        slopes = [p * (1 - p) for p in s]
        bends = [p * (1 - p) * (1 - 2 * p) for p in s]
        for estimate, truth in ((first, slopes), (second, bends)):
            gaps = [abs(mp.mpf(v) - t) for v, t in zip(estimate.value.ravel(), truth, strict=True)]
            assert all(g <= mp.mpf(e) for g, e in zip(gaps, estimate.error.ravel(), strict=True))
            assert (estimate.error.ravel() <= np.abs(estimate.value.ravel()) * 2.0**-52).all()
    assert (first.proof == proven.PROVEN).all()


def test_each_dtype_is_judged_by_its_own_program():
    # A tenth of float32 is another number than a tenth of float64.
    fn = lambda x: x * jnp.asarray(0.1, x.dtype)  # noqa: E731
    for dtype in (np.float32, np.float64):
        first, _ = enclosed(fn, dict(x=np.array([3.0], dtype)), x=REAL)
        assert first.value.item() == float(dtype(0.1))


def test_kinks_have_two_slopes_and_no_derivative():
    first, second = enclosed(jax.nn.relu, dict(x=np.array([0.0, 2.0])), x=REAL)
    assert first.kink.ravel().tolist() == [True, False]
    assert (first.left[0].item(), first.right[0].item()) == (0.0, 1.0)
    assert np.isinf(first.error[0])
    assert np.isinf(second.error[0])
    assert (second.value[1].item(), second.error[1].item()) == (0.0, 0.0)


def test_outside_the_domain_nothing_is_judged():
    fn = lambda x: jnp.abs(x) + x * x  # noqa: E731
    first, _ = enclosed(fn, dict(x=np.zeros(1)), x=NONNEGATIVE)
    assert first.value.item() == 1.0
    first, _ = enclosed(jnp.sqrt, dict(x=np.zeros(1)), x=NONNEGATIVE)
    assert first.value.item() == np.inf


def test_mixed_derivatives_of_numbers_of_very_different_size():
    points = dict(x=np.array([1e-250, 2.0]), y=np.array([3e200, 0.5]))
    _, second = enclosed(lambda x, y: x * x * jnp.log(y) + x * y, points, x=POSITIVE, y=POSITIVE)
    truth = 2 * points["x"] / points["y"] + 1
    np.testing.assert_allclose(second.value[:, 0, 0, 1], truth, rtol=1e-15)
    np.testing.assert_array_equal(second.value[:, 0, 0, 1], second.value[:, 0, 1, 0])


def test_long_vectors_take_turns_and_say_so():
    points = dict(v=np.random.default_rng(0).normal(size=(8, 40)))
    first, second = enclosed(lambda v: jnp.sum(v**3), points, v=Box((40,)))
    asked = first.proof[:, 0] == proven.PROVEN
    turns = np.where(np.arange(8) % proven.PAIRED == 0, 2, proven.MOST)
    np.testing.assert_array_equal(asked.sum(axis=1), turns)
    assert np.isnan(first.error[:, 0][~asked]).all()
    np.testing.assert_allclose(first.value[:, 0][asked], 3 * points["v"][asked] ** 2, rtol=1e-15)
    pairs = second.proof[:, 0] == proven.PROVEN
    assert (second.value[:, 0][pairs & ~np.eye(40, dtype=bool)] == 0).all()


def test_our_own_series_are_judged_by_what_they_mean():
    z = np.array([0.0, -1e200, -12.0, 3.0])
    first, _ = verify.Proven()(special.normal_tail.LOG_NDTR, dict(z=z), None, False)
    with mp.workdps(40):
        truth = [mp.npdf(v) / mp.ncdf(v) for v in z[[0, 2, 3]]]
    np.testing.assert_allclose(first.value.ravel()[[0, 2, 3]], np.array(truth, float), rtol=1e-15)
    assert first.value.ravel()[1] == 1e200
    assert (first.proof == proven.PROVEN).all()


def test_the_report_says_how_sure_it_is():
    args = dict(x=np.array([0.0, 1.0, 2.0]))
    assert gather(record(jax.nn.relu, x=REAL), args).reference == "exact arithmetic: 100% proven"
    fn = lambda x: jnp.real(jnp.fft.fft(jnp.stack([x, x])))[0]  # noqa: E731
    assert gather(record(fn, x=REAL), args, seconds=False).reference == "numerical, not proven"


def test_without_flint_the_numerical_reference_serves(monkeypatch):
    monkeypatch.setattr(proven.importlib.util, "find_spec", lambda name: None)
    proven.best.cache_clear()
    try:
        assert proven.best() is verify.numerical
        report = verify.derivatives(jnp.sin, domain=dict(x=REAL), points=16, seconds=False)
        assert str(report).endswith("numerical, not proven")
    finally:
        proven.best.cache_clear()


def test_a_long_program_is_asked_for_each_pair_of_arguments(monkeypatch):
    monkeypatch.setattr(proven, "WORK", 0.0)  # no point can afford two directions

    def fn(x, y, z):
        return jnp.sum(x) * y * z

    x = np.full((24, 2), 0.5)
    y, z = np.linspace(0.5, 3, 24), np.linspace(-2, 2, 24)
    _, second = enclosed(fn, dict(x=x, y=y, z=z), x=Box((2,), REAL), y=REAL, z=REAL)
    asked = (second.proof[:, 0] != proven.UNASKED).sum(axis=0)
    assert asked[:2, 2].sum() == asked[:2, 3].sum() == asked[2, 3] == 2
    assert (np.diag(asked) > 0).all()
    _, second = enclosed(lambda x: x[0] * x[1], dict(x=x), x=Box((2,), REAL))
    assert (second.proof[:, 0, 0, 1] != proven.UNASKED).sum() == 6
