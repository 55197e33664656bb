"""The gamma family against 60 digits: large and small concentrations, neighbours, both tails."""

import itertools

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath.distributions import gamma

SLOPES = jax.jit(jax.grad(gamma.kl, (0, 1, 2, 3)))
BENDS = jax.jit(jax.hessian(lambda params: gamma.kl(*params)))


def exact_kl(a, b, c, d):
    return (
        (a - c) * mp.digamma(a) - mp.loggamma(a) + mp.loggamma(c)
        + c * (mp.log(b) - mp.log(d)) + a * (d - b) / b
    )  # fmt: skip


PAIRS = [
    (a, b, a * (1 + step), b * (1 + turn))
    for (a, b), (step, turn) in itertools.product(
        [(1e-3, 2.0), (0.7, 0.1), (3.0, 5.0), (200.0, 1e3), (1e7, 1e-3)],
        [(1e-7, -2e-7), (0.3, 0.2), (4.0, -0.9)],
    )
]


def test_density_and_entropy_keep_their_digits():
    with mp.workdps(60):
        shapes, shares = [1e-4, 0.3, 1.0, 2.5, 60.0, 1e4, 1e8], [1e-3, 0.5, 1.0, 1.01, 4]
        for a, z in itertools.product(shapes, shares):
            b = 1.5
            x = float(a * z / b)
            exact = a * mp.log(b) + (a - 1) * mp.log(x) - b * mp.mpf(x) - mp.loggamma(a)
            size = abs(exact) + abs(a - b * mp.mpf(x)) + 1  # what rounding of x and b explains
            assert abs(float(gamma.log_prob(x, a, b)) - exact) < 1e-14 * size
        for a in shapes:
            exact = a + mp.loggamma(a) + (1 - a) * mp.digamma(a)
            assert abs(float(gamma.entropy(a, 1.0)) - exact) < 4e-15 * (1 + abs(exact))


@pytest.mark.parametrize("name", ["quantile", "isf"])
def test_quantiles_whose_standard_ones_leave_the_dtype(name):
    p, a = (1.2e-38, 0.99) if name == "quantile" else (0.999, 0.06)
    p, a, rate = (np.float32(part) for part in (p, a, 1e-20))
    with mp.workdps(40):

        def exact(p, a, rate):
            lower = p if name == "quantile" else 1 - p
            return (lower * mp.gamma(a + 1)) ** (1 / a) / rate

        at = tuple(mp.mpf(float(part)) for part in (p, a, rate))
        orders = (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)
        truth = [float(mp.diff(exact, at, order)) for order in orders]
    value, slopes = jax.value_and_grad(getattr(gamma, name), (0, 1, 2))(p, a, rate)
    np.testing.assert_allclose([value, *slopes], truth, 1e-4)


@pytest.mark.parametrize("params", PAIRS)
def test_divergences_and_all_their_slopes(params):
    first = np.array(SLOPES(*params), float)
    second = np.array(BENDS(np.array(params)), float)
    with mp.workdps(60):
        exact = tuple(map(mp.mpf, params))
        a, b, c, d = exact
        kl = exact_kl(*exact)
        ours = float(gamma.kl(*params))
        # Half a unit of each parameter changes so much.
        slack = sum(abs(float(f) * p) for f, p in zip(first, params, strict=True))
        assert abs(ours - kl) < 4e-15 * float(kl) + 4e-16 * slack
        slopes = [
            (a - c) * mp.psi(1, a) + d / b - 1,
            c / b - a * d / b**2,
            mp.digamma(c) - mp.digamma(a) + mp.log(b) - mp.log(d),
            a / b - c / d,
        ]
        bends = {
            (0, 0): mp.psi(1, a) + (a - c) * mp.psi(2, a), (0, 1): -d / b**2,
            (0, 2): -mp.psi(1, a), (0, 3): 1 / b, (1, 1): 2 * a * d / b**3 - c / b**2,
            (1, 2): 1 / b, (1, 3): -a / b**2, (2, 2): mp.psi(1, c), (2, 3): -1 / d,
            (3, 3): c / d**2,
        }  # fmt: skip
        for k, slope in enumerate(slopes):
            slack = sum(abs(bends[min(k, j), max(k, j)] * exact[j]) for j in range(4))
            assert abs(first[k] - slope) < 4e-15 * abs(slope) + 4e-16 * slack
        for (i, j), bend in bends.items():
            assert abs(second[i, j] - bend) < 1e-13 * abs(bend), (i, j)
            assert abs(second[j, i] - bend) < 1e-13 * abs(bend), (j, i)
    near = gamma.squared_hellinger(*params)
    assert 0 < near <= 1
    if near < 0.9:
        assert gamma.renyi(0.5, *params) == pytest.approx(-2 * np.log1p(-near), 1e-9)
