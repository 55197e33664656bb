"""Every formula of the library, and the public functions that are none, each with the reason."""

from __future__ import annotations

from jaxmath import distributions, inference, losses, models, proximal, special
from jaxmath.distributions import contract
from jaxmath.formula import Formula

FORMULAS: tuple[Formula, ...] = (
    *special.SPECIAL,
    *losses.LOSSES,
    *losses.OBJECTIVES,
    *losses.PENALTIES,
    *distributions.FORMULAS,
    *distributions.BIJECTORS,
    *proximal.FORMULAS,
    *models.FORMULAS,
    *inference.FORMULAS,
)

_PARTS = "a step of `mean_loss`, which is compared as a whole in every parameter and feature"
_STEPS = "answers a whole number: its slope is zero, and its jumps have none"

_AS_TAIL = "a tail or a quantile of the {} distribution, where it is compared"
_INCOMPLETE = {
    "gamma": ("gammainc", "gammaincc", "log_gammainc", "log_gammaincc"),
    "beta": ("betainc", "betaincc", "log_betainc", "log_betaincc"),
}

_ONE_BY_ONE = "compared with its definition by sums and integrals, and between neighbours"
_OF_FAMILIES = {
    "score": "the gradient of `log_prob`, where it is compared",
    "hessian": "the second derivatives of `log_prob`, where they are compared",
    "velocity": "the gradient of `quantile`, where it is compared",
    "fisher_information": "an expectation, compared with one by sums and integrals",
    "sample": "random; compared in distribution",
    "fit": "an estimate from many observations, compared with its equations",
    "jensen_shannon": _ONE_BY_ONE,
    "squared_hellinger": _ONE_BY_ONE,
    "renyi": _ONE_BY_ONE,
    "squared_wasserstein": _ONE_BY_ONE,
    "sufficient": "a vector, compared with `log_prob` and `natural`",
    "natural": "a vector, compared with `log_prob` and `sufficient`",
    "log_partition": "its gradient is compared with `mean_parameters`",
    "mean_parameters": "an expectation, compared with one by sums and integrals",
}


def _exempt_of(family: distributions.Family) -> dict[str, str]:
    """What a module of a family holds beside formulas and their derivatives."""
    steps: dict[str, str] = dict.fromkeys(contract.STEPS, _STEPS) if family.discrete else {}
    if not family.formulas:
        steps |= dict.fromkeys(contract.KINDS, "of whole numbers alone: no slope to compare")
    steps = steps | dict(family.unrecorded)
    module = vars(getattr(distributions, family.name))
    return {
        f"distributions.{family.name}.{name}": reason
        for name, reason in (_OF_FAMILIES | steps).items()
        if name in module and module[name].__module__ == module["__name__"]
    }


EXEMPT: dict[str, str] = {
    **{
        name: reason
        for family in distributions.FAMILIES
        for name, reason in _exempt_of(family).items()
    },
    **{
        f"special.{name}": _AS_TAIL.format(family)
        for family, names in _INCOMPLETE.items()
        for name in (*names, f"{family}incinv", f"{family}inccinv")
    },
    "distributions.f.log_sample": "random; its exponential is compared in distribution",
    "distributions.gamma.log_sample": "random; its exponential is compared in distribution",
    "distributions.gamma.likeliest_concentration": "a part of `fit`, compared with its equation",
    "distributions.beta.excess_bend": "a part of second derivatives of `prob`, which are compared",
    "distributions.beta.sample_log_odds": "random; its sigmoid is compared in distribution",
    "distributions.truncated_normal.hazards": "slopes of `log_prob`, compared there",
    "distributions.inverse_gamma.log_sample": "random; its exponential is compared in distribution",
    **{
        f"distributions.{name}.covariance": "a matrix, compared with that of draws or of all values"
        for name in (
            *("dirichlet", "multivariate_normal", "multinomial", "gaussian_mixture"),
            "multivariate_t",
        )
    },
    **{
        f"distributions.multivariate_normal.from_{kind}": "makes parameters; compared with others"
        for kind in ("covariance", "precision", "scales")
    },
    "distributions.gaussian_mixture.responsibilities": "a part of the score, which is compared",
    "distributions.gaussian_mixture.em": "a part of `fit`, whose likelihood never falls",
    "losses.all_action_policy_gradient": "a mean of given numbers under `softmax`, compared itself",
    "losses.cosine_embedding": "a choice between cosines, which are compared themselves",
    "losses.ndcg_exchange": "weights that `lambdarank` holds fixed",
    "losses.nt_xent": "`info_nce` of cosines, which are compared themselves",
    "losses.supervised_contrastive": "a mean of `info_nce`, where it is compared",
    "losses.categorical_projection": "data of a loss, not differentiated; compared with its masses",
    "losses.retrace": "targets, not differentiated; compared with the sum of the paper",
    "losses.vtrace": "targets, not differentiated; compared with the sum of the paper",
    "losses.nll": "makes a loss of a family's `log_prob`, which is compared",
    "losses.fenchel_young": "makes a loss of a function; the losses that it makes are compared",
    **{
        f"proximal.{name}": "of a matrix, with the digits of its largest entry; compared with NumPy"
        for name in (
            *("nuclear_norm", "projections.affine", "projections.nuclear_ball"),
            "projections.positive_semidefinite",
            "projections.stiefel",
        )
    },
    "proximal.projections.correlation": "by Newton's method; compared with published matrices",
    **{
        f"proximal.projections.{name}": "by Newton's method; compared with its dual and programs"
        for name in ("transport", "birkhoff", "kl_transport", "kl_birkhoff")
    },
    "proximal.total_variation": "a walk; compared with its dual program and its conditions",
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
