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
    geometric,
    gumbel,
    half_normal,
    laplace,
    logistic,
    multinomial,
    multivariate_normal,
    normal,
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
from jaxmath.distributions.geometric import GEOMETRIC
from jaxmath.distributions.gumbel import GUMBEL
from jaxmath.distributions.half_normal import HALF_NORMAL
from jaxmath.distributions.laplace import LAPLACE
from jaxmath.distributions.logistic import LOGISTIC
from jaxmath.distributions.mixture import Mixture, mixture
from jaxmath.distributions.multinomial import MULTINOMIAL
from jaxmath.distributions.multivariate_normal import MULTIVARIATE_NORMAL
from jaxmath.distributions.normal import NORMAL
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
)
"""Those with vectors or matrices among their values or parameters."""

FAMILIES = (
    *(NORMAL, BERNOULLI, UNIFORM, EXPONENTIAL, GEOMETRIC, DISCRETE_UNIFORM),
    *(LAPLACE, LOGISTIC, GUMBEL, POISSON, BINOMIAL, GAMMA),
    *(CAUCHY, HALF_NORMAL),
    *VECTOR_FAMILIES,
)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
