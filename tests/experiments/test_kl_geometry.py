import numpy as np
import pytest

from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("kl_geometry")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red():
    for name, claim in claims("kl_geometry").items():
        assert name in red(claims("kl_geometry", claim.breaks_if.plant)), name


@pytest.mark.full
def test_the_moments_of_the_mixture():
    """Mean -3 with share 0.6 and 3 with 0.4: -0.6; variance 0.64 + 0.24 * 36."""
    found = measured("kl_geometry")[1].measured["covering"]
    np.testing.assert_allclose(found, [-0.6, np.sqrt(9.28)], rtol=1e-10)
