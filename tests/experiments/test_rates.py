import numpy as np
import pytest
from scipy.optimize import minimize

from experiments.rates import UNKNOWNS, contraction, least_on_simplex, least_squares, least_values
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("rates")) == set()


def test_the_least_values_are_those_of_scipy_and_of_the_book():
    target = np.cos(np.arange(UNKNOWNS)) / UNKNOWNS
    found = minimize(
        lambda x: np.sum((x - target) ** 2) / 2,
        np.full(UNKNOWNS, 1 / UNKNOWNS),
        jac=lambda x: x - target,
        bounds=[(0, None)] * UNKNOWNS,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-14},
    )
    assert found.fun == pytest.approx(least_on_simplex(), rel=1e-8)
    # Nesterov 2004, section 2.1.2, of a function that is ours times four, less a constant.
    value, _, square = least_values()
    n = UNKNOWNS
    assert value == pytest.approx(1 / (2 * (n + 1)), rel=1e-12)
    assert square == pytest.approx(sum((1 - i / (n + 1)) ** 2 for i in range(1, n + 1)), rel=1e-12)


def test_the_contractions_are_the_largest_roots():
    for kappa in (4.0, 50.0):
        root = np.sqrt(kappa)
        b = (root - 1) / (root + 1)
        curvatures = np.linspace(1, kappa, 400)

        def largest(a, b):
            return max(np.abs(np.roots([1, -x, y])).max() for x, y in zip(a, b, strict=True))

        rest = 1 - curvatures / kappa
        nesterov = largest((1 + b) * rest, b * rest)
        ball = largest(1 + b**2 - 4 / (1 + root) ** 2 * curvatures, np.full(400, b**2))
        plain = np.abs(1 - 2 / (1 + kappa) * curvatures).max()
        np.testing.assert_allclose([plain, nesterov, ball], contraction(kappa), rtol=1e-6)
    assert least_squares()[0].shape == (UNKNOWNS + 1, UNKNOWNS)
