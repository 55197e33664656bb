import numpy as np
import pytest

from experiments.lasso_path import Config, closed_slope, load, peers
from jaxmath.config import reading
from jaxmath.lab import engine
from jaxmath.runs import Outcome
from tests.experiments.measuring import CONFIGS, claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("lasso_path")) == set()


def test_both_paths_of_scikit_learn_agree_and_bend_where_the_formula_says():
    data = load(Config())
    gram = data.features.T @ data.features / len(data.targets)
    top = np.abs(data.targets @ data.features).max() / len(data.targets)
    found = peers(data.features, data.targets, top * np.geomspace(1.5, 1e-3, 30))
    np.testing.assert_allclose(found.descent, found.angles, rtol=1e-6)
    assert found.kinks[0] == pytest.approx(top, rel=1e-12)
    # From the first kink to the last the formula's slope leads from one corner to the next.
    inside = (found.kinks[1:] + found.kinks[:-1]) / 2
    middles = peers(data.features, data.targets, inside).angles
    corners = peers(data.features, data.targets, found.kinks).angles
    for row, middle in enumerate(middles):
        change = closed_slope(gram, middle) * (found.kinks[row + 1] - found.kinks[row])
        np.testing.assert_allclose(corners[row + 1] - corners[row], change, atol=1e-9)


@pytest.mark.full
def test_a_swept_end_gives_an_axis():
    overrides = ["points=10", "sweep.least=[0.001, 0.01]"]
    study = reading.read(CONFIGS / "lasso_path.toml", overrides)
    measurement = engine.measure(study)
    assert measurement.measured["beta"].shape == (2, 11, 10)
    result = engine.judge(study, measurement.data, measurement.measured)
    assert {claim.outcome() for claim in result.claims} == {Outcome.PASS}
