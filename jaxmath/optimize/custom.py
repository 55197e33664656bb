"""Derivatives for a user's own solver, by the conditions that its answer meets."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from jaxmath.optimize.implicit import implicit_root, solve_or_nan


def custom_root(conditions: Callable[[Any, Any], Any], *, has_aux: bool = False):
    """Give a solver the derivatives of a root of `conditions(x, args)`.

    A decorator of `solver(start, args)`, which returns x, a pytree like the start, or with
    `has_aux` the pair of x and anything else. The solver may do whatever JAX can trace; it is not
    differentiated. What it returns is taken as a root of the conditions, which return a pytree
    like x: the gradient of an objective, for instance. Derivatives of x in `args` are those of the
    implicit function theorem, to any order and in both modes; they are NaN where the Jacobian of
    the conditions is singular, zero in the start, and zero for the rest.
    """

    def decorate(solver: Callable[[Any, Any], Any]):
        @functools.wraps(solver)
        def solve(start, args=None):
            def search(guess):
                found = solver(guess, jax.lax.stop_gradient(args))
                return found if has_aux else (found, ())

            x, aux = implicit_root(lambda x: conditions(x, args), start, search, solve_or_nan)
            return (x, aux) if has_aux else x

        return solve

    return decorate


def custom_fixed_point(function: Callable[[Any, Any], Any], *, has_aux: bool = False):
    """Give a solver the derivatives of a fixed point x = `function(x, args)`; see `custom_root`."""

    def conditions(x, args):
        return jax.tree.map(lambda x, y: y - x, x, function(x, args))

    return custom_root(conditions, has_aux=has_aux)
