"""docs/from-jaxopt.md: every right cell gives what jaxopt's left cell gave, stored with it."""

import json

import jax
import numpy as np
import pytest

import jaxmath.constrained
import jaxmath.losses
import jaxmath.optimize
import jaxmath.proximal.projections
import jaxmath.special
from benchmarks.peers.from_jaxopt import ANSWERS, PAGE, names, rows

TEXT = PAGE.read_text("utf-8")
STORED = json.loads(ANSWERS.read_text("utf-8"))
ROWS = rows(TEXT)
ROUGH = {"projection.projection_polyhedron": 1e-3, "projection.projection_box_section": 1e-5}
"""What jaxopt itself answers no more exactly than so, and has no tolerance for."""


@pytest.fixture(scope="module")
def known():
    modules = dict(
        constrained=jaxmath.constrained,
        losses=jaxmath.losses,
        optimize=jaxmath.optimize,
        proximal=jaxmath.proximal,
        projections=jaxmath.proximal.projections,
        special=jaxmath.special,
    )
    with jax.enable_x64(True):
        yield names(TEXT, modules)


@pytest.mark.parametrize(("left", "right"), ROWS, ids=[right for _, right in ROWS])
def test_ours_gives_what_jaxopt_gave(left, right, known):
    with jax.enable_x64(True):
        found = np.asarray(eval(right, known))
    apart = ROUGH.get(left.partition("(")[0], 1e-7)
    np.testing.assert_allclose(found, STORED[left], rtol=1e-6, atol=apart)


def test_every_stored_answer_has_a_row():
    assert set(STORED) == {left for left, _ in ROWS}
