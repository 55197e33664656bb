"""What is known of every loss in every argument: checked, refuted, or not there and why.

A cell is *checked* where the record claims it, so that the laws of `verify` check it; *derived*
where JAX makes it of a closed form and the laws check the result; *no* where the property does not
hold, for which a test finds a counterexample by `refuted`. All else has its reason here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp

from jaxmath.formula import (
    Conjugate,
    Convex,
    Fact,
    Formula,
    Lipschitz,
    Minimizer,
    Proper,
    Prox,
    Smooth,
    StronglyConvex,
)
from jaxmath.special import sigmoid, softmax

FACTS: Mapping[str, type[Fact]] = {
    "convex": Convex,
    "Lipschitz": Lipschitz,
    "smooth": Smooth,
    "strongly convex": StronglyConvex,
    "minimiser": Minimizer,
    "proper": Proper,
    "conjugate": Conjugate,
    "prox": Prox,
}
COLUMNS = ("slope", "bend", *FACTS)
LARGE = 4096.0
"""A constant is refuted for all values of the argument if this one is too small."""
STATES = ("checked", "derived", "no", "not defined", "not known")


class Cell(NamedTuple):
    """The state of a property: "checked", "derived", "no", "not defined" or "not known".

    The last two have a reason, a sentence without its full stop; so may the others.
    """

    state: str
    reason: str = ""


SETTINGS = {
    "alpha", "beta", "delta", "epsilon", "gamma", "level", "margin", "power", "quantile", "scale",
    "shape", "smoothing", "temperature", "tolerance",
}  # fmt: skip
"""Arguments that are chosen and not predicted, but for those in `PREDICTED`."""
DATA = {"labels", "target", "log_target"}
"""Arguments that came true, or stand for it."""
PREDICTED = {("crps_normal", "scale")}

_CHOSEN = "it is a setting of the loss, chosen and not predicted"
_CAME = "it is data: what came true, not what is predicted"
_HULL = "the loss is not convex: the conjugate would be that of its convex hull"
_TWO = "the loss is not convex: the least may lie at two places"
_HIDDEN = "it holds, but the value is a small difference, whose rounding hides it from the check"
_SHRINKS = "no constant serves every length: it grows without bound as the vector shrinks"
_VECTOR = "the value is a vector, which has no order"

# Each reason with the losses that it concerns, in all arguments or in the one behind the dot.
NOT_DEFINED: Mapping[str, Mapping[str, str]] = {
    "convex": {_VECTOR: "smooth_labels"},
    "Lipschitz": {_SHRINKS: "cosine_similarity cosine_distance"},
    "smooth": {
        _SHRINKS: "cosine_similarity cosine_distance",
        "no constant serves: it grows without bound where two points meet": "energy_score",
    },
    "strongly convex": {_VECTOR: "smooth_labels"},
    "minimiser": {
        _VECTOR: "smooth_labels",
        "it comes ever closer to its least value, which no finite argument reaches": """logistic
        softmax_cross_entropy exponential logistic_margin sigmoid_focal softmax_focal poly1
        multilabel_logistic forward_corrected pairwise_logistic listmle lambdarank info_nce ctc
        brier_logit approx_ndcg """,
        "the outer classes push the score, and their threshold, ever farther": "ordinal_logistic",
        "it falls without bound": """tilted top_share_mean backward_corrected dpg
        policy_gradient""",
        "it is a measure to be used in a loss, and not itself made small": """cosine_similarity
        softmax_entropy""",
        "it is least for every vector of some directions, however long": """cosine_distance
        """,
        "with several targets it is the root of a piecewise linear equation": "quantile_td",
    },
    "proper": {
        _VECTOR: "smooth_labels",
        "of a number: in expectation it is least at the mean": """squared_error
        gaussian_nll.residual poisson_deviance gamma_deviance inverse_gaussian_deviance
        tweedie_deviance poisson_nll gamma_nll negative_binomial_nll""",
        "of a number: in expectation it is least at the median": "absolute_error",
        "of a number: in expectation it is least at the quantile of its level": "pinball",
        "of a number: in expectation it is least at the expectile of its level": "expectile",
        "of a number: what is least in expectation is an M-estimate of its place": """huber log_cosh
        quantile_huber epsilon_insensitive squared_epsilon_insensitive smooth_l1 pseudo_huber cauchy
        geman_mcclure welsch tukey_biweight barron absolute_percentage_error squared_log_error
        gaussian_nll.log_scale""",
        "of values that are learnt: no label has a probability": """td sarsa expected_sarsa
        q_learning double_q_learning quantile_td policy_gradient
        softmax_entropy clipped_surrogate dpg""",
        "the label is a probability vector, in which the loss is linear": """soft_cross_entropy
        distillation categorical_td listnet generalized_kl""",
        "of scores in order, or of distances: no label has a probability": """pairwise_logistic
        margin_ranking listmle lambdarank approx_ndcg cosine_similarity cosine_distance
        hinge_embedding triplet_margin""",
        "of losses: no label has a probability": "tilted top_share_mean",
        "of weights: no label has a probability": "l1 l2",
    },
    "conjugate": {
        _VECTOR: "smooth_labels",
        "it grows slower than any line, so that the conjugate is infinite but at zero": """cauchy
        geman_mcclure welsch tukey_biweight""",
    },
    "prox": {_VECTOR: "smooth_labels"},
}
NOT_KNOWN: Mapping[str, Mapping[str, str]] = {
    "convex": {
        "neither proved nor refuted": "barron.shape",
        _HIDDEN: "fair_crps_ensemble.target",
    },
    "Lipschitz": {
        "no constant is derived": "approx_ndcg barron.scale barron.shape",
        _HIDDEN: "fair_crps_ensemble.target",
    },
    "smooth": {
        "no constant is derived": """approx_ndcg softmax_entropy tversky
        barron.residual""",
    },
    "minimiser": {
        "with several members it is reached by more than one ensemble": """crps_ensemble.members
        fair_crps_ensemble.members energy_score.members""",
        "the root of an equation with a digamma function": """gamma_nll.concentration
        negative_binomial_nll.concentration""",
    },
    "proper": {
        "proper for numbers by its source; the check takes labels alone": """crps_normal
        interval_score crps_ensemble fair_crps_ensemble energy_score""",
        "proper for a label seen through the transition by its source; the check knows none": """
        forward_corrected backward_corrected""",
        "the probability depends on another argument, which the check does not take": """info_nce
        ordinal_logistic""",
        "of each label by itself it is `logistic`, which is proper": "multilabel_logistic",
        "for several labels at once no check is written": "dice tversky multilabel_margin",
        "for sequences no check is written": "ctc",
    },
    "conjugate": {
        "the infimal convolution of those of its terms, which has no closed form": """listmle
        lambdarank ordinal_logistic multilabel_margin quantile_td backward_corrected""",
        "no closed form is known": "crps_normal.scale gamma_nll.concentration",
        "the closed form loses its digits by cancellation": "negative_binomial_nll.log_mean",
    },
    "prox": {
        "it solves an equation with exponentials or logarithms that has no closed form": """logistic
        log_cosh logistic_margin softmax_cross_entropy soft_cross_entropy multilabel_logistic
        backward_corrected ordinal_logistic tilted pairwise_logistic listmle lambdarank listnet
        distillation info_nce categorical_td crps_normal negative_binomial_nll
        gamma_nll.concentration""",
        "it solves an equation of the fourth degree": "pseudo_huber",
        "it solves a piecewise linear equation, by sorting": """weston_watkins top_share_mean
        multilabel_margin quantile_td""",
    },
}
# Why something does not hold, where that says more than a constant.
NO: Mapping[str, Mapping[str, str]] = {
    "Lipschitz": {
        "beyond a shape of one the slope grows without bound": "barron.residual",
        "the slope grows like a logarithm; refuted at 64": "poisson_deviance.target",
        "it grows without bound as the vector shrinks; refuted at 64": "spherical_score",
        "it grows without bound towards a probability of zero; refuted at 256": "log_score",
    },
    "smooth": {
        "the bend grows like a logarithm towards a scale of zero; refuted at 16": "cauchy.scale",
        "it grows without bound as the vector shrinks; refuted at 64": "spherical_score",
    },
    "proper": {
        "the best score tells the likelier label and not its probability": """hinge perceptron
        crammer_singer weston_watkins multiclass_perceptron""",
        "the best probability by `sigmoid` or `softmax` is less sure than the truth": """
        sigmoid_focal softmax_focal""",
        "the best probability by `softmax` is surer than the truth, or less sure": "poly1",
    },
}


def _listed(table: Mapping[str, str], name: str, argument: str) -> str:
    """The reason that is given for a loss, or for one of its arguments."""
    for reason, words in table.items():
        if {name, f"{name}.{argument}"} & set(words.split()):
            return reason
    return ""


def _of_sign(argument: str) -> Proper:
    return Proper(
        argument, probability=lambda score: jnp.clip((1 + score) / 2, 0, 1), labels=(-1.0, 1.0)
    )


def _of_classes(argument: str) -> Proper:
    return Proper(argument, probability=softmax, labels=(0.0, 1.0, 2.0))


_REFUTED: Mapping[tuple[str, str, str], Fact] = {
    ("barron", "residual", "Lipschitz"): Lipschitz(
        "residual", lambda residual, shape, scale: 2 / scale
    ),
    ("poisson_deviance", "target", "Lipschitz"): Lipschitz("target", 64.0),
    ("cauchy", "scale", "smooth"): Smooth("scale", 16.0),
    ("log_score", "probabilities", "Lipschitz"): Lipschitz("probabilities", 256.0),
    ("spherical_score", "probabilities", "Lipschitz"): Lipschitz("probabilities", 64.0),
    ("spherical_score", "probabilities", "smooth"): Smooth("probabilities", 64.0),
    **{(name, "score", "proper"): _of_sign("score") for name in ("hinge", "perceptron")},
    ("sigmoid_focal", "logit", "proper"): Proper("logit", probability=sigmoid),
    **{
        (name, "logits", "proper"): _of_classes("logits")
        for name in (
            "softmax_focal",
            "poly1",
            "crammer_singer",
            "weston_watkins",
            "multiclass_perceptron",
        )
    },
}
"""What is refuted where the standard constants do not say it."""


def refuted(formula: Formula, argument: str, column: str) -> Fact:
    """The claim that a cell says does not hold: with a large constant, or a small one."""
    given = _REFUTED.get((formula.name, argument, column))
    if given is not None:
        return given
    if column == "convex":
        return Convex(argument)
    if column == "Lipschitz":
        return Lipschitz(argument, LARGE)
    if column == "smooth":
        return Smooth(argument, LARGE)
    if column == "strongly convex":
        return StronglyConvex(argument, 1 / LARGE)
    raise KeyError(f"Nothing is refuted of {formula.name} in {argument}: {column}.")


def cell(formula: Formula, argument: str, column: str) -> Cell:
    """What is known of one property of a loss in one argument."""
    if column in ("slope", "bend"):
        return _derivative(formula, argument, column)
    if _claimed(formula, argument, column):
        return Cell("checked")
    if column in ("minimiser", "proper", "conjugate", "prox"):
        if argument in SETTINGS and (formula.name, argument) not in PREDICTED:
            return Cell("not defined", _CHOSEN)
        if argument in DATA:
            return Cell("not defined", _CAME)
    for state, table in (("not defined", NOT_DEFINED), ("not known", NOT_KNOWN), ("no", NO)):
        if reason := _listed(table.get(column, {}), formula.name, argument):
            return Cell(state, reason)
    if column in ("conjugate", "prox") and not _claimed(formula, argument, "convex"):
        return Cell("not defined", _HULL if column == "conjugate" else _TWO)
    return Cell("no")


def _claimed(formula: Formula, argument: str, column: str) -> bool:
    kind = FACTS[column]
    return any(isinstance(fact, kind) and fact.argument == argument for fact in formula.facts)


def _derivative(formula: Formula, argument: str, column: str) -> Cell:
    """Closed forms are checked, and so is what JAX makes of them; exceptions say how far."""
    law = {"slope": "first_derivatives", "bend": "second_derivatives"}[column]
    place = argument if column == "slope" else f"{argument}, {argument}"
    reason = formula.exceptions.get(law) or formula.exceptions.get(f"{law}/{place}") or ""
    closed = argument in formula.partials or formula.vjp is not None
    if column == "bend":
        closed = (argument, argument) in formula.seconds
    return Cell("checked" if closed else "derived", reason)


def coverage(formulas: Sequence[Formula] | None = None) -> dict[tuple[str, str], dict[str, Cell]]:
    """A cell for each loss, by default all, with each of its arguments, and each column."""
    if formulas is None:
        from jaxmath.losses import LOSSES, OBJECTIVES, PENALTIES

        formulas = (*LOSSES, *OBJECTIVES, *PENALTIES)
    return {
        (formula.name, argument): {column: cell(formula, argument, column) for column in COLUMNS}
        for formula in formulas
        for argument in formula.differentiable
    }
