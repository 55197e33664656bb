import numpy as np
import pytest
from scipy.optimize import minimize

from experiments.newton_against_first_order import Config, counts, load, truth
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("newton_against_first_order")) == set()


def test_the_minimum_is_that_of_scipy():
    config = Config()
    data = load(config)
    signs = 2 * data.labels - 1

    def objective(w):
        margins = signs * (data.features @ w)
        value = np.mean(np.logaddexp(0, -margins)) + config.penalty * w @ w / 2
        pull = -(signs / (1 + np.exp(margins))) @ data.features / len(signs)
        return value, pull + config.penalty * w

    start = np.zeros(data.features.shape[1])
    found = minimize(objective, start, jac=True, options={"gtol": 1e-10}, method="BFGS")
    np.testing.assert_allclose(truth(config, data), found.x, atol=1e-7)


def test_steps_count_until_the_slope_stays_small():
    slopes = np.array([[1.0, 1e-9, 1e-3, 1e-9, 1e-10], [1.0, 0.5, 0.5, 0.5, 0.5]])
    assert counts(slopes).tolist() == [3, 5]
