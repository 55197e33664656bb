"""The coverage matrix of the losses: no cell is blank, and every "no" has a counterexample."""

import re

import numpy as np
import pytest

from jaxmath import losses
from jaxmath.losses import coverage as matrix
from jaxmath.losses import peers
from jaxmath.verify.facts import counterexample

EVERY = {f.name: f for f in (*losses.LOSSES, *losses.OBJECTIVES, *losses.PENALTIES)}
TABLE = matrix.coverage()


def test_every_loss_stands_in_it_with_every_argument_and_column():
    assert set(TABLE) == {(f.name, a) for f in EVERY.values() for a in f.differentiable}
    for row in TABLE.values():
        assert tuple(row) == matrix.COLUMNS
        assert {cell.state for cell in row.values()} <= set(matrix.STATES)


def test_what_is_not_there_has_a_reason():
    for place, row in TABLE.items():
        for column, cell in row.items():
            if cell.state.startswith("not "):
                assert len(cell.reason.split()) >= 4, (place, column)
            if cell.state == "no":
                assert matrix.refuted(EVERY[place[0]], place[1], column).argument == place[1]


def test_every_reason_concerns_a_loss_that_there_is():
    known = {*EVERY, *(f"{name}.{argument}" for name, argument in TABLE)}
    for table in (matrix.NOT_DEFINED, matrix.NOT_KNOWN, matrix.NO):
        for reasons in table.values():
            for words in reasons.values():
                assert set(words.split()) <= known, set(words.split()) - known
    used = {cell.reason for row in TABLE.values() for cell in row.values()}
    given = {
        reason
        for table in (matrix.NOT_DEFINED, matrix.NOT_KNOWN, matrix.NO)
        for reasons in table.values()
        for reason in reasons
    }
    assert given <= used


REFUTED = [
    (name, argument, column)
    for (name, argument), row in TABLE.items()
    for column, cell in row.items()
    if cell.state == "no"
]
ORDINARY = {"squared_error", "absolute_error", "hinge", "sigmoid_focal", "cauchy"}


@pytest.mark.parametrize(
    ("name", "argument", "column"),
    [
        pytest.param(*place, marks=() if place[0] in ORDINARY else pytest.mark.full)
        for place in REFUTED
    ],
)
def test_every_no_has_a_counterexample(name, argument, column):
    fact = matrix.refuted(EVERY[name], argument, column)
    words = counterexample(EVERY[name], fact)
    assert words is not None
    assert f"not {fact.name}" in words


@pytest.mark.parametrize("column", ["convex", "Lipschitz", "smooth", "strongly convex"])
def test_of_what_holds_there_is_no_counterexample(column):
    kind = matrix.FACTS[column]
    for name in ("squared_error", "huber", "logistic"):
        for fact in EVERY[name].facts:
            if isinstance(fact, kind):
                assert counterexample(EVERY[name], fact) is None


def test_every_loss_of_others_is_one_of_ours():
    for rows in peers.PEERS.values():
        for ours in rows.values():
            for name in re.findall(r"`(\w+)`", ours):
                assert hasattr(losses, name) or name in ("sigmoid", "norm", "alpha"), name


def test_every_loss_of_optax_is_in_the_table():
    optax = pytest.importorskip("optax.losses")
    theirs = {name for name in dir(optax) if not name.startswith("_")}
    assert theirs == set(peers.OPTAX)


def test_every_loss_of_scikit_learn_is_in_the_table():
    metrics = pytest.importorskip("sklearn.metrics")
    theirs = {n for n in dir(metrics) if re.search("_(loss|error|deviance)$", n)}
    told = set(re.findall(r"\w+", " ".join([*peers.SKLEARN, *peers.NOT_OURS.values()])))
    roots = {"root_mean_squared_error", "root_mean_squared_log_error"}
    assert theirs - told == roots  # the roots of two that are there


def test_a_wrong_loss_of_optax_would_be_seen():
    """The losses of optax that are formulas of logits, against ours, at random points."""
    optax = pytest.importorskip("optax.losses")
    rng = np.random.default_rng(0)
    logits, other = rng.normal(size=(2, 5)).astype(np.float32)
    labels = np.asarray([0, 1, 0, 0, 0], np.float32)
    sign = 2 * labels - 1
    log_p, log_q = (np.asarray(v - np.log(np.exp(v).sum())) for v in (logits, other))
    pairs = {
        "l2_loss": (optax.l2_loss(logits), losses.squared_error(logits) / 2),
        "huber_loss": (optax.huber_loss(logits, delta=0.5), losses.huber(logits, 0.5)),
        "log_cosh": (optax.log_cosh(logits), losses.log_cosh(logits)),
        "sigmoid_binary_cross_entropy": (
            optax.sigmoid_binary_cross_entropy(logits, labels),
            losses.logistic(logits, labels),
        ),
        "hinge_loss": (optax.hinge_loss(logits, sign), losses.hinge(logits, sign)),
        "perceptron_loss": (optax.perceptron_loss(logits, sign), losses.perceptron(logits, sign)),
        "sparsemax_loss": (
            optax.sparsemax_loss(logits, labels.astype(int)),
            losses.modified_huber(logits, sign) / 4,
        ),
        "softmax_cross_entropy": (
            optax.softmax_cross_entropy(logits, labels),
            losses.soft_cross_entropy(logits, labels),
        ),
        "multiclass_hinge_loss": (
            optax.multiclass_hinge_loss(logits, 1),
            losses.crammer_singer(logits, 1),
        ),
        "multiclass_perceptron_loss": (
            optax.multiclass_perceptron_loss(logits, 1),
            losses.multiclass_perceptron(logits, 1),
        ),
        "multiclass_sparsemax_loss": (
            optax.multiclass_sparsemax_loss(logits[None], np.asarray([1]))[0],
            losses.sparsemax_loss(logits, 1),
        ),
        "poly_loss_cross_entropy": (
            optax.poly_loss_cross_entropy(logits, labels, epsilon=0.7),
            losses.poly1(logits, 1, 0.7),
        ),
        "kl_divergence": (
            optax.kl_divergence(log_q, np.exp(log_p)),
            losses.generalized_kl(log_p, log_q),
        ),
        "distillation": (
            4 * optax.kl_divergence_with_log_targets(
                logits / 2 - np.log(np.exp(logits / 2).sum()),
                other / 2 - np.log(np.exp(other / 2).sum()),
            ),
            losses.distillation(logits, other, 2.0),
        ),
        "sigmoid_focal_loss": (
            optax.sigmoid_focal_loss(logits, labels, alpha=0.3, gamma=1.5),
            losses.sigmoid_focal(logits, labels, 1.5, 0.3),
        ),
    }  # fmt: skip
    for name, (theirs, ours) in pairs.items():
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6, err_msg=name)
