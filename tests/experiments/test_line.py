import numpy as np
import pytest

from jaxmath.config import reading
from jaxmath.config.errors import InputError
from jaxmath.lab import engine
from tests.experiments.measuring import CONFIGS, claims, measured, red


def test_every_claim_passes():
    assert red(claims("line")) == set()


def test_the_first_step_is_that_of_the_pencil():
    """dL/dw = -2/4 (2 + 8 + 15 + 28) = -26.5 and dL/db = -2/4 (2 + 4 + 5 + 7) = -9 at w = b = 0."""
    _, measurement = measured("line")
    assert measurement.measured["dloss_dw"][0] == -26.5
    assert measurement.measured["dloss_db"][0] == -9.0
    np.testing.assert_allclose(measurement.measured["w"][1], 2.65, rtol=1e-15)
    np.testing.assert_allclose(measurement.measured["b"][1], 0.9, rtol=1e-15)


@pytest.mark.parametrize(("eta", "wrong"), [(0.05, set()), (0.13, {"loss_never_rises"})])
def test_the_stability_limit_decides(eta, wrong):
    """The Hessian is 2 [[7.5, 2.5], [2.5, 1]], its largest eigenvalue 16.70, 2 / 16.70 = 0.1198."""
    study = reading.read(CONFIGS / "line.toml", [f"eta={eta}", "steps=200"])
    measurement = engine.measure(study)
    result = engine.judge(study, measurement.data, measurement.measured)
    judged = {claim.name: claim for claim in result.claims}
    assert red(judged) - {"reaches_the_least_squares_line"} == wrong


def test_points_of_unequal_number_are_refused():
    with pytest.raises(InputError, match="x has 2 numbers and y has 4"):
        reading.read(CONFIGS / "line.toml", ["x=[1.0, 2.0]"])
