"""Worst points are kept as plain data and looked at first the next time."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.domains import REAL
from jaxmath.verify import examine
from jaxmath.verify.corpus import collected, replayed

pytest.importorskip("flint")


@jax.custom_jvp
def hidden(x):
    return jnp.sin(x)


@hidden.defjvp
def _(primals, tangents):
    (x,), (change,) = primals, tangents
    return hidden(x), jnp.where(x == 0.12345, 2.0, jnp.cos(x)) * change


def test_a_worst_point_is_found_again_at_once():
    domain, point = dict(x=REAL), dict(x=np.array([0.12345]))
    assert not examine(hidden, domain=domain, budget=8).faults  # nobody looks there
    verdict = examine(hidden, domain=domain, points=point, budget=8)
    assert verdict.faults
    kept = json.loads(json.dumps(collected(verdict)))
    assert {"x": 0.12345} in kept
    again = examine(hidden, domain=domain, points=replayed(kept), budget=8)
    assert [f.kind for f in again.faults] == [f.kind for f in verdict.faults]
    assert collected(again, kept) == kept  # each point once


def test_no_points_are_nothing_to_replay():
    assert replayed([]) is None
