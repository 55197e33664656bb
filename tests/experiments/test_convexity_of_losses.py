import mpmath
import numpy as np
import pytest

from experiments.convexity_of_losses import SMOOTH
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("convexity_of_losses")) == set()


def test_the_constants_are_those_of_the_plain_functions():
    """By mpmath's differences of the textbook's formulas, where each bends the most."""
    plain = {
        "Huber": (lambda x: x**2 / 2, 0.5),
        "log cosh": (lambda x: mpmath.log(mpmath.cosh(x)), 0),
        "logistic": (lambda x: mpmath.log(1 + mpmath.exp(-x)), 0),
        "squared hinge": (lambda x: (1 - x) ** 2, 0),
        "Cauchy": (lambda x: mpmath.log(1 + x**2) / 2, 0),
    }
    assert list(plain) == list(SMOOTH)
    for name, (function, x) in plain.items():
        assert float(mpmath.diff(function, x, 2)) == pytest.approx(SMOOTH[name][1], rel=1e-9)
    assert np.isfinite([bound for _, bound in SMOOTH.values()]).all()
