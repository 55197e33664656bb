"""Families of distributions: a module of functions and a `Family` for each."""

from jaxmath.distributions import (
    bernoulli,
    discrete_uniform,
    exponential,
    geometric,
    gumbel,
    laplace,
    logistic,
    normal,
    uniform,
)
from jaxmath.distributions.bernoulli import BERNOULLI
from jaxmath.distributions.bijectors import BIJECTORS
from jaxmath.distributions.contract import FUNCTIONS
from jaxmath.distributions.discrete_uniform import DISCRETE_UNIFORM
from jaxmath.distributions.exponential import EXPONENTIAL
from jaxmath.distributions.family import Family, NotDefinedError
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.geometric import GEOMETRIC
from jaxmath.distributions.gumbel import GUMBEL
from jaxmath.distributions.laplace import LAPLACE
from jaxmath.distributions.logistic import LOGISTIC
from jaxmath.distributions.normal import NORMAL
from jaxmath.distributions.uniform import UNIFORM

FAMILIES = (
    *(NORMAL, BERNOULLI, UNIFORM, EXPONENTIAL, GEOMETRIC, DISCRETE_UNIFORM),
    *(LAPLACE, LOGISTIC, GUMBEL),
)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
