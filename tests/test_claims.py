"""Every claim of every experiment: its planted fault turns it red, and only a fault does."""

import numpy as np
import pytest

from jaxmath.runs.experiment import Claim, Fault, Outcome
from tests.experiments.measuring import NAMES, claims, red
from tests.marks import long_but

LONG = (
    "accuracy",
    "ad_revenue",
    "backpropagation",
    "calibration",
    "convexity_of_losses",
    "derivatives",
    "diagnose",
    "digits_sweep",
    "gradient_estimators",
    "kl_geometry",
    "lagrange_textbook",
    "landscape",
    "lasso_path",
    "mle_coverage",
    "newton_against_first_order",
    "optimizers",
    "own_optimizer",
    "qp_batch",
    "quantile_derivatives",
    "rates",
    "sequential_bayes",
    "shadow_prices",
)


def claim(**changes) -> Claim:
    fields = dict(
        name="x", statement="x", measured=1.0, relation="=", expected=1.0, source="arithmetic",
        breaks_if=Fault("none", lambda measured: measured),
    )  # fmt: skip
    return Claim(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        (dict(), Outcome.PASS),
        (dict(measured=np.nan), Outcome.FAIL),
        (dict(measured=np.nan, expected=np.nan), Outcome.FAIL),
        (dict(measured=None), Outcome.UNDECIDED),
        (dict(measured=[]), Outcome.FAIL),
        (dict(measured=1.1, tolerance=0.2), Outcome.PASS),
        (dict(measured=1.3, tolerance=0.2), Outcome.FAIL),
        (dict(measured=[1.0, 1.3], tolerance=0.2), Outcome.FAIL),
        (dict(measured=101.0, expected=100.0, tolerance=0.02, relative=True), Outcome.PASS),
        (dict(measured=103.0, expected=100.0, tolerance=0.02, relative=True), Outcome.FAIL),
        (dict(measured=0.9, relation="<="), Outcome.PASS),
        (dict(measured=1.1, relation="<="), Outcome.FAIL),
        (dict(measured=1.1, relation=">="), Outcome.PASS),
        (dict(measured=np.nan, relation=">="), Outcome.FAIL),
        (dict(measured=1.5, relation="in", expected=(1, 2)), Outcome.PASS),
        (dict(measured=2.5, relation="in", expected=(1, 2)), Outcome.FAIL),
        (dict(measured=True, relation="true"), Outcome.PASS),
        (dict(measured=[True, False], relation="true"), Outcome.FAIL),
        (dict(measured=np.nan, relation="true"), Outcome.FAIL),
        (dict(measured=np.inf, expected=np.inf), Outcome.FAIL),
        (dict(measured=np.inf, expected=1.0, relation=">="), Outcome.FAIL),
    ],
)
def test_outcome(changes, outcome):
    assert claim(**changes).outcome() is outcome


def test_smoke_skips_only_what_needs_the_full_length():
    assert claim(full_only=True).outcome(smoke=True) is Outcome.SKIPPED
    assert claim(full_only=True).outcome() is Outcome.PASS
    assert claim(measured=2.0).outcome(smoke=True) is Outcome.FAIL


def test_worst_names_the_entry_furthest_off():
    assert claim(measured=[1.0, 3.0, 0.0]).worst() == (3.0, 1.0)
    assert np.isnan(claim(measured=[1.0, np.nan]).worst()[0])
    assert claim(measured=[0.0, 3.0], relation="<=").worst() == (3.0, 1.0)


@pytest.mark.parametrize(
    "experiment",
    long_but(set(NAMES) - set(LONG), NAMES),
)
def test_the_fault_of_each_claim_turns_it_red(experiment):
    judged = claims(experiment)
    assert judged
    assert red(judged) == set()
    for claim in judged.values():
        assert claim.name in red(claims(experiment, claim.breaks_if.plant)), claim.name
