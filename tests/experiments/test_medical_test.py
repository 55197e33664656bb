import numpy as np

from tests.experiments.measuring import claims, measured, red


def test_every_claim_passes():
    assert red(claims("medical_test")) == set()


def test_one_in_a_hundred():
    """Of 10,000 people 90 of 100 ill and 495 of 9,900 well answer positive."""
    _, measurement = measured("medical_test")
    np.testing.assert_allclose(measurement.measured["ppv"][0], 90 / 585, rtol=1e-13)
