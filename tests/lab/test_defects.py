"""Every defect of the corpus ends in its sentence or in a finite result, and the page says so."""

import numpy as np
import pytest

from jaxmath.lab.datasets import _standard
from tests.lab import defects


@pytest.fixture(scope="module")
def endings(tmp_path_factory):
    root = tmp_path_factory.mktemp("defects")
    return {d.name: defects.ending(d, root / str(i)) for i, d in enumerate(defects.DEFECTS)}


@pytest.mark.parametrize("defect", defects.DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_ends_as_expected(defect, endings):
    end = endings[defect.name]
    assert defect.expected in end
    if defect.expected == "finite":
        assert end == "finite"
    else:
        assert "finite, " in end or "error: " in end


def test_the_page_says_what_happens(endings):
    assert defects.PAGE.read_text() == defects.page(endings.values())


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1.0, 1e150, 1e300, 1.7e308])
def test_standardising_knows_no_scale(size):
    """A column of any size has the standard scores of the column itself."""
    from scipy.stats import zscore

    column = np.array([[0.3], [-0.2], [0.9], [0.1]])
    found = _standard(column * size)(column * size)
    np.testing.assert_allclose(found, zscore(column), rtol=1e-13)


def test_a_constant_column_is_zero_whatever_the_constant():
    for value in (0.1, -1 / 3, 1e-310, 7.0, 1e300):
        column = np.full((7, 1), value)
        assert not _standard(column)(column).any()
