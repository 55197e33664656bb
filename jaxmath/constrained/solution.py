"""What every solver returns; it lives in `jaxmath.optimize.solution`, a floor below."""

from jaxmath.optimize.solution import Info as Info
from jaxmath.optimize.solution import Kind as Kind
from jaxmath.optimize.solution import Solution as Solution
from jaxmath.optimize.solution import Status as Status
from jaxmath.optimize.solution import describe as describe
