"""Quadrature, adaptive integration and both kinds of Monte Carlo against SciPy and closed forms."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import integrate as scipy_integrate
from scipy import special, stats

from jaxmath import distributions, inference

INF = float("inf")


@pytest.mark.parametrize("points", [1, 2, 7, 40])
def test_gauss_rules_are_exact_up_to_their_degree(points):
    hermite = inference.gauss_hermite(points, 0.0, 1.0)
    laguerre = inference.gauss_laguerre(points, 1.0)
    legendre = inference.gauss_legendre(points, 0.0, 1.0)
    for k in range(0, 2 * points, max(1, points // 4)):
        size = float(special.factorial2(k - 1)) if k % 2 == 0 and k else float(k == 0)
        scale = float(special.factorial2(k - 1 + k % 2)) or 1.0
        moment = float(inference.expect(lambda x, k=k: x**k, hermite))
        assert abs(moment - size) <= 1e-12 * max(scale, 1.0), k
        moment = float(inference.expect(lambda x, k=k: x**k, laguerre))
        assert np.isclose(moment, special.gamma(k + 1), rtol=1e-12), k
        moment = float(inference.expect(lambda x, k=k: x**k, legendre))
        assert np.isclose(moment, 1 / (k + 1), rtol=1e-14), k


def test_gauss_points_are_those_of_mpmath():
    points = np.asarray(inference.gauss_laguerre(12, 1.0).x)
    with mp.workdps(40):
        truth = [mp.findroot(lambda t: mp.laguerre(12, 0, t), x) for x in points.tolist()]
    assert np.allclose(points, np.array(truth, float), rtol=4e-16, atol=0)
    assert np.diff(points).min() > 0.1


def test_far_points_of_a_large_rule_keep_their_weights():
    """The weights of NumPy's rule lose their digits there, or vanish."""
    with mp.workdps(60):
        rule = inference.gauss_laguerre(60, 1.0)
        x = mp.findroot(lambda t: mp.laguerre(60, 0, t), float(rule.x[-1]), verify=False)
        weight = x / (61 * mp.laguerre(61, 0, x)) ** 2
        assert np.isclose(float(rule.x[-1]), float(x), rtol=1e-15)
        assert np.isclose(float(rule.weight[-1]), float(weight), rtol=1e-11, atol=0)


@pytest.mark.parametrize(
    ("family", "params", "rule"),
    [
        (distributions.NORMAL, (0.7, 1.3), inference.gauss_hermite),
        (distributions.EXPONENTIAL, (2.5,), inference.gauss_laguerre),
    ],
)
def test_moments_of_families(family, params, rule):
    made = rule(20, *params)
    assert np.isclose(inference.expect(lambda x: x, made), family.mean(*params), rtol=1e-14)
    assert np.isclose(inference.variance(lambda x: x, made), family.variance(*params), rtol=1e-13)
    slope = jax.grad(lambda p: inference.variance(lambda x: x, rule(20, *params[:-1], p)))
    truth = jax.grad(lambda p: family.variance(*params[:-1], p))
    assert np.isclose(slope(params[-1]), truth(params[-1]), rtol=1e-12)


def test_tables():
    dice = inference.table(jnp.arange(1.0, 7.0), jnp.full(6, 1 / 6))
    assert np.isclose(inference.expect(lambda x: x, dice), 3.5, rtol=1e-15)
    assert np.isclose(inference.variance(lambda x: x, dice), 35 / 12, rtol=1e-14)
    never = inference.table(jnp.array([0.0, 1.0]), jnp.array([0.0, 1.0]))
    answer = inference.expect(lambda x: dict(log=jnp.log(x), x=jnp.stack([x, 2 * x])), never)
    assert float(answer["log"]) == 0.0
    assert np.array_equal(answer["x"], [1.0, 2.0])


INTEGRALS = {
    "smooth": (lambda x: jnp.exp(x) * jnp.cos(x), 0.0, 2.0),
    "peak": (lambda x: 1e-4 / (jnp.square(x - 0.3) + 1e-8), -1.0, 1.0),
    "kink": (lambda x: jnp.abs(x - 1 / 3), 0.0, 1.0),
    "root": (lambda x: jnp.sqrt(x), 0.0, 1.0),
    "half line": (lambda x: jnp.exp(-x) * jnp.log1p(x), 0.0, INF),
    "left half": (lambda x: jnp.exp(2 * x), -INF, 1.0),
    "line": (lambda x: jnp.exp(-x * x / 2) * jnp.cos(x), -INF, INF),
    "heavy": (lambda x: 1 / (1 + x * x), -INF, INF),
}
TRUTHS = {
    "smooth": float((mp.exp(2) * (mp.cos(2) + mp.sin(2)) - 1) / 2),
    "peak": float(mp.atan(mp.mpf(7000)) + mp.atan(mp.mpf(13000))),
    "kink": 5 / 18,
    "root": 2 / 3,
    "half line": float(mp.e * mp.e1(1)),
    "left half": float(mp.exp(2) / 2),
    "line": float(mp.sqrt(2 * mp.pi) * mp.exp(-0.5)),
    "heavy": float(mp.pi),
}


@pytest.mark.parametrize("name", INTEGRALS)
def test_adaptive_integrals_and_their_errors(name):
    found = jax.jit(lambda: inference.integrate(*INTEGRALS[name]))()
    assert bool(found.converged)
    assert abs(float(found.value) - TRUTHS[name]) <= float(found.error) + 4e-16
    assert float(found.error) <= 1e3 * 2.3e-16 * TRUTHS[name]


def test_what_does_not_converge_says_so():
    found = inference.integrate(lambda x: 1 / x, 0.0, 1.0, pieces=40)
    assert not bool(found.converged)
    few = inference.integrate(*INTEGRALS["peak"], pieces=10)
    assert not bool(few.converged)
    assert abs(float(few.value) - TRUTHS["peak"]) <= float(few.error)
    loose = inference.integrate(*INTEGRALS["peak"], relative=1e-3)
    assert bool(loose.converged)
    assert int(loose.pieces) < int(inference.integrate(*INTEGRALS["peak"]).pieces)
    with pytest.raises(ValueError, match="begins with 8"):
        inference.integrate(*INTEGRALS["peak"], pieces=4)


def test_adaptive_integrals_are_differentiated_and_batched():
    def area(scale, high):
        return inference.integrate(lambda x: jnp.exp(-x * x / 2 / scale**2), 0.0, high).value

    scale, high = 0.8, 1.1
    by_scale, by_high = jax.grad(area, (0, 1))(scale, high)
    truth, _ = scipy_integrate.quad(
        lambda x: np.exp(-x * x / 2 / scale**2) * x * x / scale**3, 0, high, epsabs=1e-14
    )
    assert np.isclose(by_scale, truth, rtol=1e-12)
    assert np.isclose(by_high, np.exp(-high * high / 2 / scale**2), rtol=1e-13)
    assert np.isclose(jax.jvp(lambda s: area(s, high), (scale,), (1.0,))[1], truth, rtol=1e-12)
    scales = np.array([0.01, 0.8, 3.0])
    batch = jax.vmap(lambda s: area(s, 9.0))(scales)
    expected = scales * np.sqrt(np.pi / 2) * special.erf(9 / scales / np.sqrt(2))
    assert np.allclose(batch, expected, rtol=1e-13)


def test_single_precision_stays_single():
    found = inference.integrate(lambda x: jnp.exp(-x), np.float32(0), np.float32(1))
    assert found.value.dtype == np.float32
    assert np.isclose(found.value, 1 - np.exp(-1), rtol=1e-6)
    assert inference.gauss_hermite(5, np.float32(0), np.float32(1)).x.dtype == np.float32


def test_the_standard_error_of_a_mean():
    draws = distributions.EXPONENTIAL.sample(jax.random.key(1), 1.0, shape=(2000, 400))
    found = jax.vmap(lambda x: inference.monte_carlo(lambda v: dict(x=v, square=v * v), x))(draws)
    z = (found.value["x"] - 1) / found.error["x"]
    # Of 2000 the share beyond 1.96; Student's and the skewness make it a little more than 5%.
    beyond = np.mean(np.abs(z) > 1.96)
    assert abs(beyond - 0.05) < 0.03
    assert np.allclose(found.error["x"], np.std(draws, axis=1, ddof=1) / 20, rtol=1e-12)
    assert np.isclose(np.mean(found.value["square"]), 2, atol=5 * np.sqrt(20 / 800_000))


def test_lattices():
    points = inference.lattice(8, 3)
    assert np.array_equal(np.sort(points, axis=0), np.tile(np.arange(8)[:, None] / 8, 3))
    # In two dimensions the best lattices of Fibonacci numbers have Fibonacci generators.
    assert inference.lattice(55, 2)[1, 1] * 55 in (21, 34)
    with pytest.raises(ValueError, match="two points"):
        inference.lattice(1, 2)


def test_quasi_monte_carlo_is_unbiased_and_knows_its_error():
    truth = (np.e - 1) ** 4
    found = inference.quasi_monte_carlo(lambda u: jnp.prod(jnp.exp(u)), jax.random.key(3), 1021, 4)
    z = (float(found.value) - truth) / float(found.error)
    assert abs(z) < stats.t.isf(1e-6 / 2, 15)
    plain = inference.monte_carlo(
        lambda u: jnp.prod(jnp.exp(u)), jax.random.uniform(jax.random.key(4), (16 * 1021, 4))
    )
    assert float(found.error) < float(plain.error) / 50


def test_quasi_monte_carlo_through_quantiles():
    def product(u):
        return distributions.NORMAL.quantile(u[0], 1.0, 1.0) * distributions.EXPONENTIAL.quantile(
            u[1], 2.0
        )

    found = inference.quasi_monte_carlo(product, jax.random.key(5), 512, 2)
    assert abs(float(found.value) - 0.5) < stats.t.isf(1e-6 / 2, 15) * float(found.error)
    assert float(found.error) < 1e-3
