"""Families of distributions: a module of functions and a `Family` for each; and combinators."""

from jaxmath.distributions import (
    bernoulli,
    beta,
    beta_binomial,
    bijectors,
    binomial,
    categorical,
    cauchy,
    chi2,
    dirichlet,
    discrete_uniform,
    exponential,
    f,
    gamma,
    gaussian_mixture,
    geometric,
    gumbel,
    half_normal,
    inverse_gamma,
    inverse_wishart,
    laplace,
    log_normal,
    logistic,
    multinomial,
    multivariate_normal,
    multivariate_t,
    negative_binomial,
    normal,
    normal_inverse_gamma,
    normal_inverse_wishart,
    pareto,
    poisson,
    student_t,
    truncated_normal,
    uniform,
    vector_bijectors,
    von_mises,
    weibull,
    wishart,
)
from jaxmath.distributions.bernoulli import BERNOULLI
from jaxmath.distributions.beta import BETA
from jaxmath.distributions.beta_binomial import BETA_BINOMIAL
from jaxmath.distributions.between import log_between
from jaxmath.distributions.bijectors import BIJECTORS
from jaxmath.distributions.binomial import BINOMIAL
from jaxmath.distributions.categorical import CATEGORICAL
from jaxmath.distributions.cauchy import CAUCHY
from jaxmath.distributions.censored import censored
from jaxmath.distributions.chi2 import CHI2
from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.dirichlet import DIRICHLET
from jaxmath.distributions.discrete_uniform import DISCRETE_UNIFORM
from jaxmath.distributions.exponential import EXPONENTIAL
from jaxmath.distributions.f import F
from jaxmath.distributions.family import Family, NotDefinedError
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.fixed import fixed
from jaxmath.distributions.gamma import GAMMA
from jaxmath.distributions.gaussian_mixture import GAUSSIAN_MIXTURE
from jaxmath.distributions.geometric import GEOMETRIC
from jaxmath.distributions.gumbel import GUMBEL
from jaxmath.distributions.half_normal import HALF_NORMAL
from jaxmath.distributions.inverse_gamma import INVERSE_GAMMA
from jaxmath.distributions.inverse_wishart import INVERSE_WISHART
from jaxmath.distributions.laplace import LAPLACE
from jaxmath.distributions.log_normal import LOG_NORMAL
from jaxmath.distributions.logistic import LOGISTIC
from jaxmath.distributions.mixture import Mixture, mixture
from jaxmath.distributions.multinomial import MULTINOMIAL
from jaxmath.distributions.multivariate_normal import MULTIVARIATE_NORMAL
from jaxmath.distributions.multivariate_t import MULTIVARIATE_T
from jaxmath.distributions.negative_binomial import NEGATIVE_BINOMIAL
from jaxmath.distributions.normal import NORMAL
from jaxmath.distributions.normal_inverse_gamma import NORMAL_INVERSE_GAMMA
from jaxmath.distributions.normal_inverse_wishart import NORMAL_INVERSE_WISHART
from jaxmath.distributions.pareto import PARETO
from jaxmath.distributions.poisson import POISSON
from jaxmath.distributions.product import product
from jaxmath.distributions.student_t import STUDENT_T
from jaxmath.distributions.transformed import transformed
from jaxmath.distributions.truncated import truncated
from jaxmath.distributions.truncated_normal import TRUNCATED_NORMAL
from jaxmath.distributions.uniform import UNIFORM
from jaxmath.distributions.von_mises import VON_MISES
from jaxmath.distributions.weibull import WEIBULL
from jaxmath.distributions.wishart import WISHART
from jaxmath.distributions.zero_inflated import hurdle, zero_inflated

VECTOR_FAMILIES = (
    DIRICHLET,
    MULTIVARIATE_NORMAL,
    CATEGORICAL,
    MULTINOMIAL,
    WISHART,
    INVERSE_WISHART,
    GAUSSIAN_MIXTURE,
    NORMAL_INVERSE_GAMMA,
    MULTIVARIATE_T,
    NORMAL_INVERSE_WISHART,
)
"""Those with vectors or matrices among their values or parameters."""

FAMILIES = (
    *(NORMAL, BERNOULLI, UNIFORM, EXPONENTIAL, GEOMETRIC, DISCRETE_UNIFORM),
    *(LAPLACE, LOGISTIC, GUMBEL, POISSON, BINOMIAL, GAMMA),
    *(CAUCHY, HALF_NORMAL, LOG_NORMAL, WEIBULL, PARETO, STUDENT_T),
    *(F, CHI2, INVERSE_GAMMA, BETA, NEGATIVE_BINOMIAL, BETA_BINOMIAL, VON_MISES, TRUNCATED_NORMAL),
    *VECTOR_FAMILIES,
)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
