"""Reported cases: each is flagged by one run, from the function and its domain alone.

How soon, from the start of a process, is measured by `python -m benchmarks.cases`.
"""

import pytest

pytest.importorskip("flint")

from tests.cases import CASES, examined

QUICK = {"exp2_1024"}


def marks(case):
    return [] if case["id"] in QUICK else [pytest.mark.full]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"], marks=marks(c)) for c in CASES])
def test_a_reported_case_is_flagged(case):
    verdict = examined(case)
    assert verdict.faults, f"{case['maths']}\n{verdict}"
