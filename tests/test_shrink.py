"""Failing inputs become simple ones that still fail."""

import numpy as np
import pytest

from jaxmath.verify.shrink import complexity, shrink, simpler


def shrunk(point, fails):
    return shrink(point, lambda points: (bool(fails(p)) for p in points))


@pytest.mark.parametrize(
    ("start", "fails", "simplest"),
    [
        (-37.429947750237051, lambda x: x < -37, -40.0),
        (3.7e-5, lambda x: 0 < x < 1e-3, 0.0009),
        (123.456, lambda x: x > 0, 1.0),
        (np.pi, lambda x: x == np.float64(np.pi), np.pi),
        (-2.5, lambda x: True, 0.0),
    ],
)
def test_a_number(start, fails, simplest):
    found = shrunk(dict(x=np.float64(start)), lambda p: fails(float(p["x"])))["x"]
    assert found.dtype == np.float64
    assert float(found) == simplest


def test_an_array_keeps_only_the_entries_that_matter():
    start = np.array([[0.13, -7.77], [123.4, 1e-9]], np.float32)
    found = shrunk(dict(x=start), lambda p: p["x"][1, 0] > 100)["x"]
    assert found.dtype == np.float32
    assert found.shape == (2, 2)
    assert found[1, 0] > 100
    np.testing.assert_array_equal(found != 0, [[False, False], [True, False]])
    assert complexity(dict(x=found)) <= complexity(dict(x=np.float32(200.0)))


def test_labels_and_pytrees_stay_what_they_are():
    start = dict(p={"w": np.array([0.3, 0.7]), "b": np.float64(2.2)}, y=np.int32(3))
    found = shrunk(start, lambda p: p["p"]["b"] > 0.5 and p["y"] == 3)
    assert found["y"] == 3
    assert float(found["p"]["b"]) == 1.0
    np.testing.assert_array_equal(found["p"]["w"], [0, 0])


def test_numbers_are_simple_in_their_own_dtype():
    assert complexity(dict(x=np.float32(0.1)))[1] == 1
    tries = simpler(dict(x=np.float32(0.7312)), 0, slice(0, 1))
    assert tries
    assert all(point["x"].dtype == np.float32 for point in tries)
    assert [complexity(p) for p in tries] == sorted(complexity(p) for p in tries)


def test_what_stops_failing_is_not_taken():
    start = dict(x=np.float64(0.7312))
    assert shrunk(start, lambda p: False) == start
