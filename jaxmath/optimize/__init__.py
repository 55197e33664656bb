"""Problems without constraints: minima, least squares, roots and fixed points, one contract."""

from jaxmath.optimize.solution import Info, Kind, Solution, Status, describe
