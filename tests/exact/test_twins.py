"""What a program computes, and what its calls mean."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import jax.scipy.special as jss
import mpmath as mp
import numpy as np
import pytest
import scipy.linalg

from jaxmath import exact
from jaxmath.special import logarithm, normal_tail, rectified

pytest.importorskip("flint")
from jaxmath.exact import functions, own

mp.mp.dps = 40


def owen(h, a):
    def density(t):
        return mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t)

    return mp.quad(density, [0, a]) / (2 * mp.pi)


APPROXIMATE = {
    "betaln": (jss.betaln, (3.0, 9.0), lambda a, b: mp.log(mp.beta(a, b)), 1e-8),
    "log_ndtr": (jss.log_ndtr, (-20.01,), lambda x: mp.log(mp.ncdf(x)), 1e-12),
    "ndtri": (jss.ndtri, (0.3,), lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), 1e-18),
    "spence": (jss.spence, (0.7,), lambda x: mp.polylog(2, 1 - x), 1e-17),
    "exp1": (jss.exp1, (0.7,), mp.e1, 1e-19),
    "expi": (jss.expi, (0.7,), mp.ei, 1e-18),
    "expn": (jss.expn, (2, 0.7), mp.expint, 1e-20),
    "hyp1f1": (jss.hyp1f1, (0.7, 1.3, 2.0), mp.hyp1f1, 1e-22),
    "hyp2f1": (jss.hyp2f1, (0.7, 1.3, 2.0, 0.4), mp.hyp2f1, 1e-25),
    "owens_t": (jss.owens_t, (0.7, 1.3), owen, 1e-19),
    "fresnel": (lambda x: jss.fresnel(x)[0], (0.7,), mp.fresnels, 1e-19),
    "sici": (lambda x: jss.sici(x)[1], (0.7,), mp.ci, 1e-19),
}


@pytest.mark.parametrize("name", sorted(set(APPROXIMATE) - {"hyp2f1"}))
def test_the_program_differs_from_what_it_means(name):
    fn, args, truth, gap = APPROXIMATE[name]

    def inside(*args):  # within a user's own jitted program
        return jax.jit(lambda *a: 2 * fn(*a))(*args)

    program = exact.trace(inside, *args)
    meant = exact.evaluate(program, args, budget=30.0)
    written = exact.evaluate(program, args, truth="program", budget=30.0)
    true = 2 * truth(*(mp.mpf(a) for a in args))
    assert f"twin {name}" in meant.notes
    assert not any(note.startswith("twin") for note in written.notes)
    value = mp.mpf(meant.flat[0].decimal(30).strip("[]").split(" ")[0])
    assert abs(value - true) < abs(true) * mp.mpf(10) ** -28
    assert abs(mp.mpf(written.flat[0].decimal(30).strip("[]").split(" ")[0]) - value) > gap
    assert not meant.flat[0].overlaps(written.flat[0])


@pytest.mark.parametrize(
    "name", ["exp1", "expi", "fresnel", "hyp1f1", "hyp2f1", "owens_t", "sici", "spence", "betaln"]
)
def test_slopes_of_twins_in_every_argument_are_those_of_mpmath(name):
    fn, args, truth, _ = APPROXIMATE[name]
    found = exact.derivatives(exact.trace(fn, *args), args)
    assert f"twin {name}" in found.notes
    for k, number in enumerate(found.right[1, :, 0]):
        at = [mp.mpf(a) for a in args]
        true = mp.diff(lambda x, k=k, at=at: truth(*at[:k], x, *at[k + 1 :]), at[k])
        assert number.proof == "proven"
        assert float(number) == pytest.approx(float(true), rel=1e-14)


def test_expm_is_the_exponential_and_moves_as_it_does():
    a = np.array([[0.3, 0.2], [0.1, -4.0]])
    e = np.array([[0.5, -1.0], [0.7, 0.2]])
    program = exact.trace(jax.scipy.linalg.expm, a)
    found = exact.derivatives(program, (a,), e.reshape(1, -1))
    value, slope = scipy.linalg.expm_frechet(a, e)
    np.testing.assert_allclose([float(n) for n in found.value.flat], value.ravel(), rtol=1e-13)
    np.testing.assert_allclose([float(n) for n in found.right[1, 0]], slope.ravel(), rtol=1e-13)
    assert found.notes["twin expm"]
    slopes = exact.trace(jax.grad(lambda a: jax.scipy.linalg.expm(a)[0, 1]), a)
    # The derivative of a call is not taken for the call.
    value = exact.evaluate(slopes, (a,), budget=30.0)
    assert "twin expm" not in value.notes
    truth = exact.derivatives(program, (a,)).right[1, :, 1]
    np.testing.assert_allclose([float(n) for n in value.flat], [float(n) for n in truth], 1e-13)


OWN = {
    "log_ndtr": (normal_tail.log_ndtr, lambda z: mp.log(mp.ncdf(z)), (-30.0, 0.4, 6.0)),
    "ndtr": (normal_tail.ndtr, mp.ncdf, (-30.0, 0.4, 6.0)),
    "ndtri": (normal_tail.ndtri, lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), (1e-9, 0.4)),
    "erfcx": (normal_tail.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), (-2.0, 0.4, 30.0)),
    "mills_ratio": (normal_tail.mills_ratio, lambda x: mp.ncdf(-x) / mp.npdf(x), (-2.0, 30.0)),
    "inverse_mills": (normal_tail.inverse_mills, lambda x: mp.npdf(x) / mp.ncdf(x), (-30.0, 2.0)),
    "gelu": (rectified.gelu, lambda x: x * mp.ncdf(x), (-30.0, 2.0)),
    "log1p": (logarithm.log1p, mp.log1p, (-0.3, 1e-9)),
}


@pytest.mark.parametrize("name", sorted(OWN))
def test_our_own_fits_mean_what_they_are_fits_of(name):
    fn, truth, points = OWN[name]
    for x in points:
        found = exact.derivatives(exact.trace(fn, x), (x,))
        assert f"twin {name}" in found.notes
        with mp.workdps(60):
            slope = mp.diff(lambda s, x=x: truth(x + x * s), 0) / x
        assert float(found.value.flat[0]) == pytest.approx(float(truth(mp.mpf(x))), rel=1e-15)
        assert float(found.right[1, 0, 0]) == pytest.approx(float(slope), rel=1e-14)
        assert found.right[1, 0, 0].proof == "proven"


def test_the_table_of_own_meanings_is_up_to_date():
    assert own.stale() == []
    assert own.meaning_of(normal_tail.log_ndtr) is not None
    assert own.meaning_of(jnp.exp) is None


def test_a_twin_written_with_mpmath_is_an_estimate():
    @jax.jit
    def bessel(x):  # a poor fit
        return 1 - x**2 / 4

    twin = exact.from_mpmath("bessel", lambda x: mp.besselj(0, x))
    program = exact.trace(lambda x: bessel(x) * 2, 0.7, twins=(twin,))
    found = exact.derivatives(program, (0.7,))
    assert found.value.flat[0].proof == "estimated"
    assert found.right[1, 0, 0].proof == "estimated"
    assert float(found.value.flat[0]) == pytest.approx(float(2 * mp.besselj(0, 0.7)), rel=1e-15)
    assert float(found.right[1, 0, 0]) == pytest.approx(float(-2 * mp.besselj(1, 0.7)), rel=1e-15)


def test_each_of_two_calls_on_one_line_is_a_call():
    program = exact.trace(lambda a, b: sum(jss.betaln(x, y) for x, y in ((a, b), (b, a))), 3.0, 9.0)
    value = exact.evaluate(program, (3.0, 9.0)).flat[0]
    assert float(value) == pytest.approx(float(2 * mp.log(mp.beta(3, 9))), rel=1e-15)


@pytest.mark.parametrize(
    "fn", [jss.dawsn, jss.erfcx, jss.exp1, jss.spence, jss.ndtri, jss.log_ndtr]
)
def test_a_derivative_is_not_taken_for_the_call(fn):
    x = jnp.asarray(0.7)
    for slope in (jax.grad(fn), lambda x: jax.jvp(fn, (x,), (1.0,))[1]):
        value = exact.evaluate(exact.trace(slope, x), (x,)).flat[0]
        assert float(value) == pytest.approx(float(slope(x)), rel=1e-6)


def test_a_part_that_another_call_left_in_the_cache_is_not_the_call():
    x = jnp.asarray(0.7)
    jax.make_jaxpr(jss.spence)(x)  # JAX keeps the inner functions with this traceback
    program = exact.trace(lambda x: jnp.where(x > 0, jnp.square(x), x), x)
    value = exact.evaluate(program, (x,))
    assert float(value.flat[0]) == pytest.approx(0.49)
    assert not value.notes


@pytest.mark.parametrize(
    ("fn", "truth"),
    [
        (lambda x: jss.betaln(x, 9.0), lambda x: mp.log(mp.beta(x, 9))),
        (lambda x: jss.betaln(9.0, x), lambda x: mp.log(mp.beta(x, 9))),
        (lambda x: jss.owens_t(x, 0.7), lambda x: owen(x, mp.mpf(0.7))),
        (lambda x: jss.owens_t(0.7, x), lambda x: owen(mp.mpf(0.7), x)),
        (lambda x: jss.poch(x, 2.5), lambda x: mp.rf(x, 2.5)),
        (lambda x: jss.poch(2.5, x), lambda x: mp.rf(2.5, x)),
        (lambda x: jss.expn(3, x), lambda x: mp.expint(3, x)),
    ],
)
def test_constants_among_the_arguments_are_found_in_their_order(fn, truth):
    value = exact.evaluate(exact.trace(fn, 3.0), (3.0,))
    assert any(note.startswith("twin") for note in value.notes), value.notes
    assert float(value.flat[0]) == pytest.approx(float(truth(mp.mpf(3))), rel=1e-15)


def test_a_function_of_the_same_name_elsewhere_is_itself():
    @jax.jit
    def log_ndtr(x):
        return 2 * x

    value = exact.evaluate(exact.trace(lambda x: log_ndtr(x), 3.0), (3.0,))
    assert float(value.flat[0]) == 6.0
    assert not value.notes


def test_a_user_gives_a_twin_of_an_own_function():
    @jax.jit
    def series(x):  # the exponential, truncated
        return 1 + x + x**2 / 2

    twin = exact.Twin("series", functions.exp)
    program = exact.trace(lambda x: series(x) * 2, np.ones(2), twins=(twin,))
    found = exact.derivatives(program, (np.array([0.5, 1.0]),), np.eye(2))
    np.testing.assert_allclose(
        [float(n) for n in found.right[1].diagonal()], 2 * np.exp([0.5, 1.0]), rtol=1e-15
    )
    assert found.notes["twin series"]


def test_a_twin_is_broadcast_over_arrays():
    a, b = np.array([3.0, 0.5]), np.array([9.0, 8.001])
    value = exact.evaluate(exact.trace(jss.betaln, a, b), (a, b))
    expected = [float(mp.log(mp.beta(x, y))) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose([float(n) for n in value.flat], expected, rtol=1e-15)


def test_a_wrong_twin_is_noticed():
    twin = exact.Twin("log_ndtr", functions.tanh)
    value = exact.evaluate(exact.trace(jss.log_ndtr, 0.5, twins=(twin,)), (0.5,)).flat[0]
    assert value.ulps(np.float64(jss.log_ndtr(0.5))) > 1e10


def test_without_python_flint_the_import_works_and_the_use_says_what_to_install():
    code = (
        "import sys; sys.modules['flint'] = None\n"
        "import jaxmath.exact\n"
        "try: jaxmath.exact.trace\n"
        "except ImportError as e: print(e)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.stdout == "The exact reference needs python-flint: pip install 'jaxmath[verify]'\n"


def test_numbers_round_to_the_nearest_float_and_count_ulps():
    value = exact.evaluate(exact.trace(lambda x: jnp.exp(x), 1.0), (1.0,)).flat[0]
    assert value.nearest() == np.float64(np.e)
    assert value.ulps(np.nextafter(np.e, 3)) == pytest.approx(1, abs=0.5)
    assert value.decimal(20).startswith("[2.718281828459045235")
    assert value.overlaps(value)
    assert not value.overlaps(np.e)
    huge = exact.evaluate(exact.trace(jnp.exp, 1000.0), (1000.0,)).flat[0]
    assert huge.nearest() == np.inf
    assert huge.nearest(np.float32) == np.inf
    tiny = exact.evaluate(exact.trace(jnp.exp, -740.0), (-740.0,)).flat[0]
    assert tiny.nearest() == np.exp(-740.0)
    assert tiny.nearest(np.float32) == 0
