"""Worst points are kept as plain data and looked at first the next time."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.domains import REAL, Box
from jaxmath.verify import examine
from jaxmath.verify.corpus import collected, replayed

pytest.importorskip("flint")


def hidden(x):
    return jnp.where(x[0] == 0.12345, jnp.sqrt(x[0] - 0.12345) + x[1], x[0] + x[1])


def test_a_worst_point_is_found_again_at_once():
    domain, point = dict(x=Box((2,), REAL)), dict(x=np.array([[0.12345, 2.0]]))
    assert not examine(hidden, domain=domain, budget=8).faults  # nobody looks there
    verdict = examine(hidden, domain=domain, points=point, budget=8)
    assert verdict.faults
    kept = json.loads(json.dumps(collected(verdict)))
    assert {"x": [0.12345, 2.0]} in kept
    again = examine(hidden, domain=domain, points=replayed(kept), budget=8)
    assert [f.kind for f in again.faults] == [f.kind for f in verdict.faults]
    assert collected(again, kept) == kept  # each point once


def test_no_points_are_nothing_to_replay():
    assert replayed([]) is None
