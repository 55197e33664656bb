"""Families of distributions: a module of functions and a `Family` for each."""

from jaxmath.distributions import bernoulli, normal
from jaxmath.distributions.bernoulli import BERNOULLI
from jaxmath.distributions.family import FUNCTIONS, Family, NotDefinedError
from jaxmath.distributions.fitting import Fit
from jaxmath.distributions.normal import NORMAL

FAMILIES = (NORMAL, BERNOULLI)

FORMULAS = tuple(formula for family in FAMILIES for formula in family.formulas)
