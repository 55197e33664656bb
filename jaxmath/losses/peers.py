"""Which loss of other libraries is which of ours, and in what they differ.

A name in backquotes is one of this room. Their reductions, masks and weights are ours by
composition: `jnp.mean(jax.vmap(loss)(...))`.
"""

from collections.abc import Mapping

OPTAX = {
    "squared_error": "`squared_error`",
    "l2_loss": "half of `squared_error`",
    "huber_loss": "`huber`",
    "log_cosh": "`log_cosh`",
    "cosine_similarity": "`cosine_similarity`, without their epsilon",
    "cosine_distance": "`cosine_distance`",
    "sigmoid_binary_cross_entropy": "`logistic`",
    "hinge_loss": "`hinge`",
    "perceptron_loss": "`perceptron`",
    "sparsemax_loss": "a quarter of `modified_huber`, of a label in {-1, 1}",
    "softmax_cross_entropy": "`soft_cross_entropy`",
    "safe_softmax_cross_entropy": "`soft_cross_entropy`, which has the mask in it",
    "softmax_cross_entropy_with_integer_labels": "`softmax_cross_entropy`",
    "multiclass_hinge_loss": "`crammer_singer`",
    "multiclass_perceptron_loss": "`multiclass_perceptron`",
    "multiclass_sparsemax_loss": "`sparsemax_loss`",
    "poly_loss_cross_entropy": "`poly1`",
    "kl_divergence": "`generalized_kl` of logarithms, or softened `distillation`",
    "kl_divergence_with_log_targets": "`generalized_kl`, between distributions",
    "convex_kl_divergence": "`generalized_kl`",
    "generalized_kl_divergence": "`generalized_kl`",
    "ctc_loss": "`ctc`",
    "ctc_loss_with_forward_probs": "`ctc`; the forward probabilities are not given back",
    "make_fenchel_young_loss": "`fenchel_young`",
    "ranking_softmax_loss": "`soft_cross_entropy` of scores, with relevances as labels",
    "sigmoid_focal_loss": "`sigmoid_focal`; theirs without `alpha` is twice ours at one half",
    "smooth_labels": "`smooth_labels`",
    "dice_loss": "`tversky` or `dice`, class by class, without their smoothing constant",
    "binary_dice_loss": "`dice` of `sigmoid` of the logits",
    "multiclass_generalized_dice_loss": "`tversky`, class by class, with weights",
    "ntxent": "`nt_xent` of each view",
    "triplet_margin_loss": "`triplet_margin` of distances by `norm`",
}
RLAX = {
    "l2_loss": "half of `squared_error`",
    "likelihood": "the probability itself; its logarithm is minus `log_score`",
    "log_loss": "`log_loss`",
    "huber_loss": "`huber`",
    "quantile_regression_loss": "`quantile_td`, `quantile_huber`, `pinball`",
    "categorical_cross_entropy": "`soft_cross_entropy`",
    "categorical_kl_divergence": "`distillation`, `generalized_kl`",
    "categorical_l2_project": "`categorical_projection`",
    "td_learning": "`td`; the error that they give back is minus its slope",
    "sarsa": "`sarsa`",
    "expected_sarsa": "`expected_sarsa`",
    "q_learning, persistent_q_learning": "`q_learning`, of other targets `td`",
    "double_q_learning": "`double_q_learning`",
    "qv_learning, qv_max": "`td` of the value of the other network",
    "td_lambda, sarsa_lambda, q_lambda": "`td` of targets by `retrace` with ratios of one",
    "categorical_td_learning": "`categorical_td`",
    "categorical_q_learning, categorical_double_q_learning": "`categorical_td` of one action",
    "quantile_q_learning, quantile_expected_sarsa": "`quantile_td` of one action",
    "vtrace": "`vtrace`",
    "retrace, retrace_continuous": "`retrace`",
    "policy_gradient_loss": "`policy_gradient`",
    "entropy_loss": "minus `softmax_entropy`",
    "dpg_loss": "`dpg`",
    "qpg_loss": "`all_action_policy_gradient`: their baseline changes no gradient",
    "clipped_surrogate_pg_loss": "`clipped_surrogate`",
}
TORCH = {
    "L1Loss": "`absolute_error`",
    "MSELoss": "`squared_error`",
    "SmoothL1Loss": "`smooth_l1`",
    "HuberLoss": "`huber`",
    "CrossEntropyLoss": "`softmax_cross_entropy`, `soft_cross_entropy`, `smooth_labels`",
    "NLLLoss": "`log_score` of probabilities; of logits, `softmax_cross_entropy`",
    "BCELoss": "`log_loss`",
    "BCEWithLogitsLoss": "`logistic`",
    "PoissonNLLLoss": "`poisson_nll`, with its full constant",
    "GaussianNLLLoss": "`gaussian_nll`, of the logarithm of the standard deviation",
    "KLDivLoss": "`generalized_kl`, between distributions",
    "MarginRankingLoss": "`margin_ranking`",
    "HingeEmbeddingLoss": "`hinge_embedding`",
    "CosineEmbeddingLoss": "`cosine_embedding`",
    "SoftMarginLoss": "`logistic_margin`",
    "MultiMarginLoss": "`weston_watkins` over the number of classes",
    "MultiLabelMarginLoss": "`multilabel_margin` over the number of classes",
    "MultiLabelSoftMarginLoss": "`multilabel_logistic` over the number of labels",
    "TripletMarginLoss, TripletMarginWithDistanceLoss": "`triplet_margin` of distances",
    "CTCLoss": "`ctc`",
}
SKLEARN = {
    "mean_squared_error, HalfSquaredError": "`squared_error`, half of it",
    "mean_absolute_error, AbsoluteError": "`absolute_error`",
    "mean_absolute_percentage_error": "`absolute_percentage_error`",
    "mean_squared_log_error": "`squared_log_error`",
    "mean_pinball_loss, PinballLoss": "`pinball`",
    "HuberLoss, SGD huber": "`huber`",
    "SGD epsilon_insensitive": "`epsilon_insensitive`",
    "SGD squared_epsilon_insensitive": "`squared_epsilon_insensitive`",
    "hinge_loss": "`hinge`, `crammer_singer`",
    "SGD squared_hinge": "`squared_hinge`",
    "SGD modified_huber": "`modified_huber`",
    "SGD perceptron": "`perceptron`",
    "log_loss": "`log_loss`, `log_score`",
    "HalfBinomialLoss": "`logistic`",
    "HalfMultinomialLoss": "`softmax_cross_entropy`",
    "ExponentialLoss": "`exponential`",
    "brier_score_loss": "`brier`, `multiclass_brier`",
    "mean_poisson_deviance, HalfPoissonLoss": "`poisson_deviance`; of a logarithm `poisson_nll`",
    "mean_gamma_deviance, HalfGammaLoss": "`gamma_deviance`; of a logarithm `gamma_nll`",
    "mean_tweedie_deviance, HalfTweedieLoss": "`tweedie_deviance`, `inverse_gaussian_deviance`",
}
PEERS: Mapping[str, Mapping[str, str]] = {
    "optax.losses": OPTAX,
    "rlax": RLAX,
    "torch.nn": TORCH,
    "scikit-learn": SKLEARN,
}
"""By library: a name of theirs, or several, and what it is here, in words."""

NOT_OURS = {
    "counts and ranks, which have no slope": "`zero_one_loss`, `hamming_loss`, `coverage_error`, "
    "`label_ranking_loss`, `max_error`, `median_absolute_error`, the `d2_*` scores (scikit-learn)",
    "programs that compose several losses with multipliers or with running statistics": "`mpo_loss`"
    ", `vmpo_loss`, `pixel_control_loss` (rlax)",
    "policy gradients of regrets, which take the positive part of an advantage": "`rm_loss`, "
    "`rpg_loss` (rlax)",
    "approximations to the softmax for very many classes, with parameters of their own": ""
    "`AdaptiveLogSoftmaxWithLoss` (torch.nn)",
}
"""Why something of theirs is not here, and what."""
