import numpy as np
import pytest

from tests.experiments.measuring import claims, measured, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("sequential_bayes")) == set()


@pytest.mark.full
def test_its_fault_turns_each_claim_red():
    for name, claim in claims("sequential_bayes").items():
        assert name in red(claims("sequential_bayes", claim.breaks_if.plant))


@pytest.mark.full
def test_beliefs_count_what_was_seen():
    """After 64 ones and zeros the two counts have grown by 64 in sum; the prior's are 2 and 3."""
    path = np.asarray(measured("sequential_bayes")[1].measured["path"])
    np.testing.assert_allclose(path[0, :, :, -1].sum(axis=-1), 2 + 3 + 64)
