import numpy as np
import pytest
from scipy.optimize import linprog

from experiments.qp_batch import Config, load
from tests.experiments.measuring import claims, red


@pytest.mark.full
def test_every_claim_passes():
    assert red(claims("qp_batch")) == set()


def test_the_kinds_are_those_of_highs():
    """Feasible or not; and where there is a ray, a linear program along it has no end."""
    data = load(Config(programs=30))
    for P, q, G, h, kind in zip(*data[:5], strict=True):
        free = dict(A_ub=G, b_ub=h, bounds=(None, None))
        assert linprog(np.zeros_like(q), **free).status == (2 if kind == 1 else 0)
        if kind == 2:
            flat = dict(A_eq=P, b_eq=np.zeros_like(q))
            ray = linprog(q, A_ub=G, b_ub=np.zeros_like(h), bounds=(-1, 1), **flat)
            assert ray.fun < -1e-3
        else:
            assert np.linalg.eigvalsh(P)[0] > 0.01
