"""Families of distributions: a module of functions and a `Family` for each; and combinators."""

from jaxmath.distributions import (
    bernoulli,
    bijectors,
    binomial,
    categorical,
    cauchy,
    dirichlet,
    discrete_uniform,
    exponential,
    gamma,
    gaussian_mixture,
    geometric,
    gumbel,
    half_normal,
    inverse_wishart,
    laplace,
    logistic,
    multinomial,
    multivariate_normal,
    multivariate_t,
    normal,
    normal_inverse_gamma,
    normal_inverse_wishart,
    poisson,
    uniform,
    vector_bijectors,
    wishart,
)
from jaxmath.distributions.bernoulli import BERNOULLI
from jaxmath.distributions.between import log_between
from jaxmath.distributions.bijectors import BIJECTORS
from jaxmath.distributions.binomial import BINOMIAL
from jaxmath.distributions.categorical import CATEGORICAL
from jaxmath.distributions.cauchy import CAUCHY
from jaxmath.distributions.censored import censored
from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.dirichlet import DIRICHLET
from jaxmath.distributions.discrete_uniform import DISCRETE_UNIFORM
from jaxmath.distributions.exponential import EXPONENTIAL
from jaxmath.distributions.family import Family, NotDefinedError
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.fixed import fixed
from jaxmath.distributions.gamma import GAMMA
from jaxmath.distributions.gaussian_mixture import GAUSSIAN_MIXTURE
from jaxmath.distributions.geometric import GEOMETRIC
from jaxmath.distributions.gumbel import GUMBEL
from jaxmath.distributions.half_normal import HALF_NORMAL
from jaxmath.distributions.inverse_wishart import INVERSE_WISHART
from jaxmath.distributions.laplace import LAPLACE
from jaxmath.distributions.logistic import LOGISTIC
from jaxmath.distributions.mixture import Mixture, mixture
from jaxmath.distributions.multinomial import MULTINOMIAL
from jaxmath.distributions.multivariate_normal import MULTIVARIATE_NORMAL
from jaxmath.distributions.multivariate_t import MULTIVARIATE_T
from jaxmath.distributions.normal import NORMAL
from jaxmath.distributions.normal_inverse_gamma import NORMAL_INVERSE_GAMMA
from jaxmath.distributions.normal_inverse_wishart import NORMAL_INVERSE_WISHART
from jaxmath.distributions.poisson import POISSON
from jaxmath.distributions.product import product
from jaxmath.distributions.transformed import transformed
from jaxmath.distributions.truncated import truncated
from jaxmath.distributions.uniform import UNIFORM
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
    *(CAUCHY, HALF_NORMAL),
    *VECTOR_FAMILIES,
)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
