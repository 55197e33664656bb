import jax
import numpy as np
import pytest
from scipy.optimize import root

from experiments.landscape import LANDSCAPES, MAXIMUM, SADDLES, himmelblau
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("landscape")) == set()


def test_known_points_are_those_that_scipy_finds():
    with jax.enable_x64(True):
        slope, bend = jax.grad(himmelblau), jax.hessian(himmelblau)
        known = np.concatenate([LANDSCAPES["Himmelblau"].minima(), SADDLES, MAXIMUM])
        for point, falling in zip(known, [0] * 4 + [1] * 4 + [2], strict=True):
            found = root(lambda x: np.asarray(slope(x)), point + 0.01, tol=1e-13)
            np.testing.assert_allclose(found.x, point, atol=1e-12)
            assert np.sum(np.linalg.eigvalsh(bend(point)) < 0) == falling


def test_rastrigin_has_its_published_minima():
    """In the usual box of 5.12 there are 11 by 11, one of them at zero."""
    minima = LANDSCAPES["Rastrigin"].minima()
    inside = minima[np.all(np.abs(minima) < 5.12, axis=-1)]
    assert len(inside) == 121
    assert np.abs(inside).max(axis=-1).min() == 0
