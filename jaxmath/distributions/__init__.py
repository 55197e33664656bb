"""Families of distributions: a module of functions and a `Family` for each; and combinators."""

from jaxmath.distributions import (
    bernoulli,
    beta,
    beta_binomial,
    bijectors,
    binomial,
    cauchy,
    chi2,
    discrete_uniform,
    exponential,
    gamma,
    geometric,
    gumbel,
    half_normal,
    inverse_gamma,
    laplace,
    log_normal,
    logistic,
    negative_binomial,
    normal,
    pareto,
    poisson,
    uniform,
    vector_bijectors,
    von_mises,
    weibull,
)
from jaxmath.distributions.bernoulli import BERNOULLI
from jaxmath.distributions.beta import BETA
from jaxmath.distributions.beta_binomial import BETA_BINOMIAL
from jaxmath.distributions.between import log_between
from jaxmath.distributions.bijectors import BIJECTORS
from jaxmath.distributions.binomial import BINOMIAL
from jaxmath.distributions.cauchy import CAUCHY
from jaxmath.distributions.censored import censored
from jaxmath.distributions.chi2 import CHI2
from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.discrete_uniform import DISCRETE_UNIFORM
from jaxmath.distributions.exponential import EXPONENTIAL
from jaxmath.distributions.family import Family, NotDefinedError
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.fixed import fixed
from jaxmath.distributions.gamma import GAMMA
from jaxmath.distributions.geometric import GEOMETRIC
from jaxmath.distributions.gumbel import GUMBEL
from jaxmath.distributions.half_normal import HALF_NORMAL
from jaxmath.distributions.inverse_gamma import INVERSE_GAMMA
from jaxmath.distributions.laplace import LAPLACE
from jaxmath.distributions.log_normal import LOG_NORMAL
from jaxmath.distributions.logistic import LOGISTIC
from jaxmath.distributions.mixture import Mixture, mixture
from jaxmath.distributions.negative_binomial import NEGATIVE_BINOMIAL
from jaxmath.distributions.normal import NORMAL
from jaxmath.distributions.pareto import PARETO
from jaxmath.distributions.poisson import POISSON
from jaxmath.distributions.product import product
from jaxmath.distributions.transformed import transformed
from jaxmath.distributions.truncated import truncated
from jaxmath.distributions.uniform import UNIFORM
from jaxmath.distributions.von_mises import VON_MISES
from jaxmath.distributions.weibull import WEIBULL
from jaxmath.distributions.zero_inflated import hurdle, zero_inflated

FAMILIES = (
    *(NORMAL, BERNOULLI, UNIFORM, EXPONENTIAL, GEOMETRIC, DISCRETE_UNIFORM),
    *(LAPLACE, LOGISTIC, GUMBEL, POISSON, BINOMIAL, GAMMA),
    *(CAUCHY, HALF_NORMAL, LOG_NORMAL, WEIBULL, PARETO),
    *(CHI2, INVERSE_GAMMA, BETA, NEGATIVE_BINOMIAL, BETA_BINOMIAL, VON_MISES),
)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
