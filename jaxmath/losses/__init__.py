"""Losses and penalties of one example; the caller batches with `jax.vmap` and reduces."""

from jaxmath.losses.adaptive import BARRON, barron, barron_dresidual
from jaxmath.losses.aggregates import (
    AGGREGATES,
    TILTED,
    TOP_SHARE_MEAN,
    tilted,
    tilted_dlosses,
    top_share_mean,
    top_share_mean_dlosses,
)
from jaxmath.losses.asymmetric import (
    ASYMMETRIC,
    EXPECTILE,
    QUANTILE_HUBER,
    expectile,
    quantile_huber,
)
from jaxmath.losses.classification import (
    CLASSIFICATION,
    HINGE,
    LOGISTIC,
    SOFTMAX_CROSS_ENTROPY,
    hinge,
    hinge_dscore,
    logistic,
    logistic_dlogit,
    logistic_dlogit_dlogit,
    softmax_cross_entropy,
    softmax_cross_entropy_dlogits,
    softmax_cross_entropy_dlogits_dlogits,
)
from jaxmath.losses.contrastive import (
    CONTRASTIVE,
    INFO_NCE,
    info_nce,
    info_nce_dsimilarities,
    info_nce_dsimilarities_dsimilarities,
    nt_xent,
    supervised_contrastive,
)
from jaxmath.losses.ctc import CTC, ctc, ctc_dlogits
from jaxmath.losses.deviances import (
    DEVIANCES,
    GAMMA_DEVIANCE,
    INVERSE_GAUSSIAN_DEVIANCE,
    POISSON_DEVIANCE,
    TWEEDIE_DEVIANCE,
    gamma_deviance,
    inverse_gaussian_deviance,
    poisson_deviance,
    tweedie_deviance,
)
from jaxmath.losses.dice import (
    DICE,
    TVERSKY,
    dice,
    dice_dprobabilities,
    tversky,
    tversky_dalpha,
    tversky_dbeta,
    tversky_dprobabilities,
)
from jaxmath.losses.distillation import DISTILLATION, distillation, distillation_dlogits
from jaxmath.losses.distributional import (
    CATEGORICAL_TD,
    DISTRIBUTIONAL,
    QUANTILE_TD,
    categorical_projection,
    categorical_td,
    categorical_td_dlogits,
    quantile_td,
    quantile_td_dquantiles,
)
from jaxmath.losses.divergences import (
    DIVERGENCES,
    GENERALIZED_KL,
    generalized_kl,
    generalized_kl_dlog_prediction,
    generalized_kl_dlog_target,
)
from jaxmath.losses.embedding import (
    COSINE_DISTANCE,
    COSINE_SIMILARITY,
    EMBEDDING,
    HINGE_EMBEDDING,
    TRIPLET_MARGIN,
    cosine_distance,
    cosine_distance_dx,
    cosine_distance_dy,
    cosine_embedding,
    cosine_similarity,
    cosine_similarity_dx,
    cosine_similarity_dy,
    hinge_embedding,
    hinge_embedding_ddistance,
    hinge_embedding_dmargin,
    triplet_margin,
    triplet_margin_dfar,
    triplet_margin_dnear,
)
from jaxmath.losses.ensemble_scores import (
    ENSEMBLE_SCORES,
    crps_ensemble,
    crps_ensemble_dmembers,
    crps_ensemble_dtarget,
    energy_score,
    energy_score_dmembers,
    energy_score_dtarget,
    fair_crps_ensemble,
    fair_crps_ensemble_dmembers,
)
from jaxmath.losses.fenchel_young import fenchel_young
from jaxmath.losses.focal import (
    POLY1,
    SIGMOID_FOCAL,
    SOFTMAX_FOCAL,
    poly1,
    poly1_depsilon,
    poly1_dlogits,
    sigmoid_focal,
    sigmoid_focal_dalpha,
    sigmoid_focal_dgamma,
    sigmoid_focal_dlogit,
    softmax_focal,
    softmax_focal_dgamma,
    softmax_focal_dlogits,
)
from jaxmath.losses.lambda_ranking import (
    LAMBDA_RANKING,
    LAMBDARANK,
    lambdarank,
    lambdarank_dscores,
    lambdarank_dscores_dscores,
    ndcg_exchange,
)
from jaxmath.losses.likelihoods import (
    LIKELIHOODS,
    gamma_nll,
    gaussian_nll,
    negative_binomial_nll,
    nll,
    poisson_nll,
)
from jaxmath.losses.listwise_ranking import (
    LISTMLE,
    LISTWISE_RANKING,
    listmle,
    listmle_dscores,
    listmle_dscores_dscores,
)
from jaxmath.losses.listwise_softmax import (
    LISTWISE_SOFTMAX,
    approx_ndcg,
    approx_ndcg_dscores,
    listnet,
    listnet_dscores,
)
from jaxmath.losses.margin import (
    EXPONENTIAL,
    LOGISTIC_MARGIN,
    MARGIN,
    MODIFIED_HUBER,
    PERCEPTRON,
    SMOOTHED_HINGE,
    SQUARED_HINGE,
    exponential,
    exponential_dscore,
    logistic_margin,
    logistic_margin_dscore,
    modified_huber,
    modified_huber_dscore,
    modified_huber_dscore_dscore,
    perceptron,
    perceptron_dscore,
    smoothed_hinge,
    smoothed_hinge_dscore,
    smoothed_hinge_dscore_dscore,
    squared_hinge,
    squared_hinge_dscore,
)
from jaxmath.losses.multiclass_margin import (
    CRAMMER_SINGER,
    MULTICLASS_MARGIN,
    MULTICLASS_PERCEPTRON,
    MULTILABEL_MARGIN,
    WESTON_WATKINS,
    crammer_singer,
    crammer_singer_dlogits,
    multiclass_perceptron,
    multiclass_perceptron_dlogits,
    multilabel_margin,
    multilabel_margin_dlogits,
    weston_watkins,
    weston_watkins_dlogits,
)
from jaxmath.losses.multiclass_scores import (
    MULTICLASS_SCORES,
    log_score,
    log_score_dprobabilities,
    multiclass_brier,
    multiclass_brier_dprobabilities,
    spherical_score,
    spherical_score_dprobabilities,
)
from jaxmath.losses.noisy_labels import (
    BACKWARD_CORRECTED,
    FORWARD_CORRECTED,
    NOISY_LABELS,
    backward_corrected,
    backward_corrected_dlogits,
    forward_corrected,
    forward_corrected_dlogits,
)
from jaxmath.losses.ordinal import (
    ORDINAL_LOGISTIC,
    ordinal_logistic,
    ordinal_logistic_dscore,
    ordinal_logistic_dscore_dscore,
    ordinal_logistic_dscore_dthresholds,
    ordinal_logistic_dthresholds,
)
from jaxmath.losses.pairwise_ranking import (
    MARGIN_RANKING,
    PAIRWISE_LOGISTIC,
    PAIRWISE_RANKING,
    margin_ranking,
    margin_ranking_dfirst,
    margin_ranking_dmargin,
    margin_ranking_dsecond,
    pairwise_logistic,
    pairwise_logistic_dbetter,
    pairwise_logistic_dworse,
)
from jaxmath.losses.penalties import L1, L2, PENALTIES, l1, l1_dweights, l2, l2_dweights
from jaxmath.losses.policy_gradient import (
    CLIPPED_SURROGATE,
    DPG,
    POLICY,
    POLICY_GRADIENT,
    SOFTMAX_ENTROPY,
    all_action_policy_gradient,
    clipped_surrogate,
    clipped_surrogate_dratio,
    dpg,
    dpg_daction,
    policy_gradient,
    policy_gradient_dlogits,
    policy_gradient_dlogits_dlogits,
    softmax_entropy,
    softmax_entropy_dlogits,
)
from jaxmath.losses.regression import (
    ABSOLUTE_ERROR,
    HUBER,
    LOG_COSH,
    PINBALL,
    REGRESSION,
    SQUARED_ERROR,
    absolute_error,
    absolute_error_dresidual,
    huber,
    huber_ddelta,
    huber_ddelta_ddelta,
    huber_dresidual,
    huber_dresidual_ddelta,
    huber_dresidual_dresidual,
    log_cosh,
    log_cosh_dresidual,
    log_cosh_dresidual_dresidual,
    pinball,
    pinball_dquantile,
    pinball_dresidual,
    squared_error,
    squared_error_dresidual,
)
from jaxmath.losses.relative import (
    ABSOLUTE_PERCENTAGE_ERROR,
    RELATIVE,
    SQUARED_LOG_ERROR,
    absolute_percentage_error,
    squared_log_error,
)
from jaxmath.losses.returns import retrace, vtrace
from jaxmath.losses.robust import (
    CAUCHY,
    GEMAN_MCCLURE,
    ROBUST,
    TUKEY_BIWEIGHT,
    WELSCH,
    cauchy,
    geman_mcclure,
    tukey_biweight,
    welsch,
)
from jaxmath.losses.scoring import (
    BRIER,
    BRIER_LOGIT,
    CRPS_NORMAL,
    INTERVAL_SCORE,
    LOG_LOSS,
    SCORING,
    brier,
    brier_dprobability,
    brier_logit,
    crps_normal,
    interval_score,
    interval_score_dalpha,
    interval_score_dhigh,
    interval_score_dlow,
    interval_score_dtarget,
    log_loss,
)
from jaxmath.losses.smooth_absolute import (
    PSEUDO_HUBER,
    SMOOTH_ABSOLUTE,
    SMOOTH_L1,
    pseudo_huber,
    smooth_l1,
)
from jaxmath.losses.soft_labels import (
    MULTILABEL_LOGISTIC,
    SMOOTH_LABELS,
    SOFT_CROSS_ENTROPY,
    SOFT_LABELS,
    multilabel_logistic,
    multilabel_logistic_dlogits,
    smooth_labels,
    smooth_labels_vjp,
    soft_cross_entropy,
    soft_cross_entropy_dlabels,
    soft_cross_entropy_dlogits,
)
from jaxmath.losses.sparsemax_loss import (
    SPARSEMAX_LOSS,
    sparsemax_loss,
    sparsemax_loss_dlogits,
    sparsemax_loss_dlogits_dlogits,
)
from jaxmath.losses.temporal_difference import (
    DOUBLE_Q_LEARNING,
    EXPECTED_SARSA,
    Q_LEARNING,
    SARSA,
    TD,
    TEMPORAL_DIFFERENCE,
    double_q_learning,
    double_q_learning_dvalues,
    expected_sarsa,
    expected_sarsa_dvalues,
    q_learning,
    q_learning_dvalues,
    sarsa,
    sarsa_dvalues,
    td,
    td_dvalue,
)
from jaxmath.losses.tolerant import (
    EPSILON_INSENSITIVE,
    SQUARED_EPSILON_INSENSITIVE,
    TOLERANT,
    epsilon_insensitive,
    squared_epsilon_insensitive,
)

RANKING = (*PAIRWISE_RANKING, *LISTWISE_RANKING, *LISTWISE_SOFTMAX, *LAMBDA_RANKING)
"""Losses of the scores of two things, or of a list."""

OBJECTIVES = (
    *SOFT_LABELS,
    DISTILLATION,
    MULTILABEL_MARGIN,
    *DIVERGENCES,
    *NOISY_LABELS,
    ORDINAL_LOGISTIC,
    *AGGREGATES,
    *RANKING,
    *EMBEDDING,
    *CONTRASTIVE,
    DICE,
    TVERSKY,
    CTC,
    *POLICY,
    *TEMPORAL_DIFFERENCE,
    *DISTRIBUTIONAL,
    *RELATIVE,
    *DEVIANCES,
    *SCORING,
    *MULTICLASS_SCORES,
    *ENSEMBLE_SCORES,
    *LIKELIHOODS,
)
"""Losses that take more than a prediction and a label, and are composed in code."""

MULTICLASS = (SOFTMAX_FOCAL, POLY1, *MULTICLASS_MARGIN, SPARSEMAX_LOSS)
"""Losses of logits and a class index, beside the cross-entropy."""

RESIDUAL = (*REGRESSION, *ASYMMETRIC, *TOLERANT, *SMOOTH_ABSOLUTE, *ROBUST, BARRON)
"""Losses of a residual, target minus prediction."""

LOSSES = (*RESIDUAL, *CLASSIFICATION, *MARGIN, SIGMOID_FOCAL, *MULTICLASS)
