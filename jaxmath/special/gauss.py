"""Gauss and Legendre's rule on the unit interval."""

import functools

import numpy as np


@functools.cache
def gauss_legendre(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on the unit interval, refined in extended precision where there is one."""
    x = np.polynomial.legendre.leggauss(count)[0].astype(np.longdouble)
    slope = np.ones_like(x)
    for _ in range(2):
        before, value = np.ones_like(x), x
        for n in range(2, count + 1):
            before, value = value, ((2 * n - 1) * x * value - (n - 1) * before) / n
        slope = count * (before - x * value) / ((1 - x) * (1 + x))
        x = x - value / slope
    weight = 1 / ((1 - x) * (1 + x) * slope**2)
    return ((1 + x) / 2).astype(float), weight.astype(float)
