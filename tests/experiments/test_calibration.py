import numpy as np
import pytest

from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("calibration")) == set()


@pytest.mark.full
def test_the_gap_of_the_classifier_by_numpy():
    """How much the confidence exceeds the chance to be right, from other draws."""
    z = 2 * np.random.default_rng(0).normal(size=(400_000, 5))

    def best(logits):
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return 1 / odds.sum(axis=1)

    gaps = best(2.5 * z) - best(z)
    found = measured("calibration")[1].measured["gap"]
    assert abs(found - gaps.mean()) < 6 * gaps.std() * np.sqrt(1 / 400_000 + 1 / 200_000)
