import numpy as np
import pytest

from experiments import ad_revenue
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("ad_revenue")) == set()


def test_the_best_of_two_equal_beliefs():
    """Of two uniform chances the larger is 2/3 on average; of one and its half 13/24."""
    one = np.ones(2)
    assert np.isclose(ad_revenue.best_of_two(one, one, (1.0, 1.0)), 2 / 3, rtol=1e-9)
    # E max(p, q / 2) = 1/2 E[max(2p, q)] = 1/2 (int_0^1 P(max > t) dt + int_1^2 (1 - t/2) dt).
    truth = ((1 - 1 / 6) + 1 / 4) / 2
    assert np.isclose(ad_revenue.best_of_two(one, one, (1.0, 0.5)), truth, rtol=1e-9)
