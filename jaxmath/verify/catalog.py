"""Every formula of the library, and the public functions that are none, each with the reason."""

from __future__ import annotations

from jaxmath import distributions, losses, models, special
from jaxmath.formula import Formula

FORMULAS: tuple[Formula, ...] = (
    *special.SPECIAL,
    *losses.LOSSES,
    *losses.OBJECTIVES,
    *losses.PENALTIES,
    *distributions.FORMULAS,
    *models.FORMULAS,
)

_PARTS = "a step of `mean_loss`, which is compared as a whole in every parameter and feature"
_STEPS = "answers a whole number: its slope is zero, and its jumps have none"

EXEMPT: dict[str, str] = {
    "losses.nt_xent": "`info_nce` of cosines, which are compared themselves",
    "losses.supervised_contrastive": "a mean of `info_nce`, where it is compared",
    "losses.categorical_projection": "data of a loss, not differentiated; compared with its masses",
    "losses.retrace": "targets, not differentiated; compared with the sum of the paper",
    "losses.vtrace": "targets, not differentiated; compared with the sum of the paper",
    "losses.fenchel_young": "makes a loss of a function; the losses that it makes are compared",
    "distributions.normal.score": "the gradient of `log_prob`, where it is compared",
    "distributions.normal.velocity": "the gradient of `quantile`, where it is compared",
    "distributions.normal.fisher_information": "an expectation, compared with one by quadrature",
    "distributions.normal.sample": "random; compared in distribution",
    "distributions.normal.fit": "an estimate from many observations, compared with its equations",
    "distributions.bernoulli.score": "the gradient of `log_prob`, where it is compared",
    "distributions.bernoulli.fisher_information": "an expectation, compared with a sum",
    "distributions.bernoulli.sample": "random; compared in distribution",
    "distributions.bernoulli.fit": "an estimate from many observations, compared with their mean",
    "distributions.bernoulli.quantile": _STEPS,
    "distributions.bernoulli.isf": _STEPS,
    "distributions.bernoulli.median": _STEPS,
    "distributions.bernoulli.mode": _STEPS,
    "models.linear.init": "starting values",
    "models.linear.apply": _PARTS,
    "models.linear.predict": _PARTS,
    "models.linear.with_ones": _PARTS,
    "models.logistic.probability": "`sigmoid` of a prediction, which are compared themselves",
    "models.mlp.init": "starting values",
    "models.mlp.apply": _PARTS,
    "models.mlp.forward": _PARTS,
    "models.mlp.deltas": _PARTS,
    "models.mlp.backpropagate": _PARTS,
}
"""Public functions of numbers that are no formulas and no closed form of one, each with why."""
