"""The logarithm of the gamma function and what belongs to it, against 50 digits."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath.special import gamma as special
from tests.accuracy import routes, worst
from tests.marks import long_but

DTYPES = long_but([np.float64], [np.float32, np.float64])
FORMULAS = {formula.name: formula for formula in special.GAMMA}


def log_gamma(x):
    return mp.loggamma(x)


def psi(n):
    return lambda x: mp.psi(n, x)


def difference(n):
    """Of log-gamma (n = -1), or of its derivative n + 1."""
    fn = log_gamma if n < 0 else psi(n)

    def of(x, step):
        with mp.workdps(80):
            return fn(x + step) - fn(x)

    return of


def stirling(n):
    def of(x):
        with mp.workdps(400):
            if n == 0:
                return mp.loggamma(x) - (x - mp.mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2
            return mp.digamma(x) - mp.log(x) + 1 / (2 * x)

    return of


def log_beta(a, b):
    with mp.workdps(400):
        return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


SHIFTED = ("gammaln_difference", "digamma_difference")
TRUTHS = {
    "gammaln": {(): log_gamma, ("x",): psi(0), ("x", "x"): psi(1)},
    "digamma": {(): psi(0), ("x",): psi(1), ("x", "x"): psi(2)},
    "trigamma": {(): psi(1), ("x",): psi(2)},
    "stirling_error": {(): stirling(0), ("x",): stirling(1)},
    "gammaln_difference": {
        (): difference(-1),
        ("x",): difference(0),
        ("step",): lambda x, s: mp.psi(0, x + s),
        ("x", "x"): difference(1),
        ("x", "step"): lambda x, s: mp.psi(1, x + s),
        ("step", "step"): lambda x, s: mp.psi(1, x + s),
    },
    "digamma_difference": {
        (): difference(0),
        ("x",): difference(1),
        ("step",): lambda x, s: mp.psi(1, x + s),
    },
    "betaln": {
        (): log_beta,
        ("a",): lambda a, b: -difference(0)(a, b),
        ("b",): lambda a, b: -difference(0)(b, a),
        ("a", "a"): lambda a, b: -difference(1)(a, b),
        ("a", "b"): lambda a, b: -mp.psi(1, a + b),
        ("b", "b"): lambda a, b: -difference(1)(b, a),
    },
}
BARS = {
    "gammaln": 8,
    "digamma": 4,
    "trigamma": 6,
    "stirling_error": 16,  # below one it is a small difference
    "gammaln_difference": 8,
    "digamma_difference": 12,
    "betaln": 8,
}


def sizes(count, dtype, low=-12.0, high=12.0, seed=3):
    return (10.0 ** np.random.default_rng(seed).uniform(low, high, count)).astype(dtype)


def batch(name, dtype):
    """Arguments of all sizes; steps both much smaller and much larger than x, and backwards."""
    limit = 12.0 if dtype == np.float64 else 6.0
    x = np.concatenate([sizes(40, dtype, -limit, limit), sizes(40, dtype, -1, 1, 4)])
    x = np.concatenate([x, np.array([1, 2, 0.5, 1.4616321449683622, 3, 20, 100], dtype)])
    if name in SHIFTED:
        step = x * sizes(len(x), dtype, -limit, 3, 5)
        step[::3] = -x[::3] * sizes(len(x), dtype, -5, -0.01, 6)[::3]
        return x, step.astype(dtype)
    return (x, np.roll(x, 31)) if name == "betaln" else (x,)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    args = batch(name, dtype)
    answers = routes(FORMULAS[name])(*args)
    for names, truth in TRUTHS[name].items():
        bar = BARS[name] if len(names) < 2 else 40
        error, where = worst(answers[names], truth, args, conditioned=True)
        assert error <= bar, (names, error, where)


def test_limits():
    assert special.gammaln(0.0) == special.gammaln(jnp.inf) == special.gammaln(-2.0) == jnp.inf
    assert special.gammaln(1.0) == special.gammaln(2.0) == 0
    assert special.digamma(0.0) == -jnp.inf
    assert special.digamma(jnp.inf) == special.trigamma(0.0) == jnp.inf
    assert special.trigamma(jnp.inf) == 0
    assert special.betaln(jnp.inf, 2.0) == -jnp.inf
    assert special.betaln(0.0, 2.0) == jnp.inf
    for fn in (special.gammaln, special.digamma, special.trigamma):
        assert np.isnan(fn(jnp.nan))


@pytest.mark.parametrize(
    ("fn", "args", "value", "slope"),
    [
        (special.betaln, (3.0, 9.0), log_beta, lambda a, b: -difference(0)(a, b)),
        (special.betaln, (0.5, 8.0), log_beta, lambda a, b: -difference(0)(a, b)),
        (special.betaln, (2.0, 1e308), log_beta, lambda a, b: mp.psi(0, a) - mp.log(a + b)),
        (special.betaln, (1e20, 3.0), log_beta, lambda a, b: -difference(0)(a, b)),
        (special.digamma, (-22.5,), psi(0), psi(1)),
        (special.digamma, (-16.5,), psi(0), psi(1)),
        (special.digamma, (-22.25,), psi(0), psi(1)),
        (special.gammaln, (np.float32(1e-8),), log_gamma, psi(0)),
        (special.gammaln, (-3.5,), lambda x: mp.log(abs(mp.gamma(x))), psi(0)),
    ],
)
def test_reported_cases(fn, args, value, slope):
    """What other libraries have been reported to answer wrongly."""
    exact = [mp.mpf(float(arg)) for arg in args]
    eps = float(np.finfo(np.asarray(args[0]).dtype).eps)
    for answer, truth in ((fn(*args), value), (jax.grad(fn)(*args), slope)):
        np.testing.assert_allclose(answer, float(truth(*exact)), rtol=8 * eps)
