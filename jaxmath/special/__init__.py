"""Activations, and the stable primitives under losses and distributions, of one example."""

from jaxmath.special.bessel import (
    BESSEL,
    bessel_ratio,
    bessel_ratio_complement,
    bessel_ratio_inverse,
    i0e,
    log_i0,
    log_i0e,
)
from jaxmath.special.bessel_divergence import (
    BESSEL_DIVERGENCE,
    bessel_ratio_difference,
    log_i0_divergence,
)
from jaxmath.special.entropy import ENTROPY, entr, kl_div, rel_entr, xlog1py, xlogy
from jaxmath.special.error_function import ERROR_FUNCTION, erf, erfc, log_erfc
from jaxmath.special.exponential import EXPONENTIAL, expm1_gap, log1mexp
from jaxmath.special.gamma import (
    GAMMA,
    betaln,
    digamma,
    digamma_difference,
    gammaln,
    gammaln_difference,
    stirling_error,
    trigamma,
    trigamma_difference,
)
from jaxmath.special.hyperbolic import TANH, tanh, tanh_dx, tanh_dx_dx
from jaxmath.special.incomplete_beta import (
    betainc,
    betaincc,
    log_betainc,
    log_betaincc,
)
from jaxmath.special.incomplete_gamma import (
    gammainc,
    gammaincc,
    log_gammainc,
    log_gammaincc,
)
from jaxmath.special.inverse_beta import betainccinv, betaincinv
from jaxmath.special.inverse_gamma import gammainccinv, gammaincinv
from jaxmath.special.lambert import LAMBERT, lambertw, lambertw_minus1
from jaxmath.special.logarithm import LOGARITHM, log1p, log1p_gap
from jaxmath.special.logistic import (
    LOG_SIGMOID,
    SIGMOID,
    SOFTPLUS,
    log_sigmoid,
    log_sigmoid_dx,
    sigmoid,
    sigmoid_dx,
    sigmoid_dx_dx,
    softplus,
)
from jaxmath.special.norm import DISTANCE, NORM, direction, distance, norm
from jaxmath.special.normal_tail import (
    NORMAL_TAIL,
    erfcx,
    inverse_mills,
    log_ndtr,
    mills_ratio,
    ndtr,
    ndtri,
)
from jaxmath.special.normalized import (
    LOG_SOFTMAX,
    LOGSUMEXP,
    SOFTMAX,
    SOFTMAX_COMPLEMENT,
    log_softmax,
    log_softmax_vjp,
    logsumexp,
    softmax,
    softmax_complement,
    softmax_jacobian,
    softmax_vjp,
)
from jaxmath.special.owen import OWENS_T, owens_t
from jaxmath.special.polygamma import POLYGAMMA, polygamma
from jaxmath.special.rectified import (
    GELU,
    RELU,
    gelu,
    gelu_dx,
    gelu_dx_dx,
    relu,
    relu_dx,
)
from jaxmath.special.sparsemax import (
    SPARSEMAX,
    sparsemax,
    sparsemax_vjp,
)
from jaxmath.special.weighted import WEIGHTED_LOGSUMEXP, weighted_logsumexp

ACTIVATIONS = (SIGMOID, TANH, RELU, SOFTPLUS, GELU)
"""Elementwise functions that a layer of a network applies, by name."""

SPECIAL = (
    *ACTIVATIONS,
    LOG_SIGMOID,
    SOFTMAX,
    SOFTMAX_COMPLEMENT,
    LOG_SOFTMAX,
    LOGSUMEXP,
    SPARSEMAX,
    NORM,
    *LOGARITHM,
    *ENTROPY,
    *GAMMA,
    *EXPONENTIAL,
    *NORMAL_TAIL,
    *ERROR_FUNCTION,
    POLYGAMMA,
    *BESSEL,
    *BESSEL_DIVERGENCE,
    *LAMBERT,
    OWENS_T,
    WEIGHTED_LOGSUMEXP,
    DISTANCE,
)
