"""Every formula's closed forms against automatic differentiation, at a few ordinary points.

The laws say far more of each formula, and those of most run among the long tests; here a slip of
the pen is seen in seconds, all formulas of a room in one compiled program.
"""

import jax
import numpy as np
import pytest

from jaxmath import domains, verify
from jaxmath.verify import points

POINTS = 4096
LEAST = 3
"""At so many points at least each formula is looked at."""
MOST = 12
"""Formulas in one program."""
SLOW = [
    f"distributions.{name}"
    for name in (
        *("student_t_tails", "student_t_quantiles", "beta", "beta_divergences", "f_density"),
        *("gamma_tails", "gamma_quantiles", "chi2", "inverse_gamma", "inverse_gamma_tails"),
        *("negative_binomial", "beta_binomial", "binomial", "poisson", "f_quantiles"),
    )
]
"""Modules whose incomplete functions take long to compile."""


def slopes(formula):
    """The closed forms and the derivatives of the plain function, of one point."""
    names, own = formula.arguments, formula.differentiable
    fn = formula.plain or formula.fn

    def both(*args):
        given = dict(zip(names, args, strict=True))

        def moved(*values):
            changed = given | dict(zip(own, values, strict=True))
            return fn(*(changed[name] for name in names))

        value, pull = jax.vjp(moved, *(given[name] for name in own))
        ones = jax.tree.map(lambda leaf: np.ones(np.shape(leaf), leaf.dtype), value)
        if formula.vjp is not None:
            closed = formula.vjp(*args, ones)
            closed = closed if isinstance(closed, tuple) and len(own) > 1 else (closed,)
        else:
            closed = tuple(formula.partials[name](*args) for name in own)
        return closed, pull(ones)

    return both


def rooms():
    """The formulas of each module, as many as one program takes."""
    found = {}
    for formula in verify.FORMULAS:
        found.setdefault(formula.fn.__module__.removeprefix("jaxmath."), []).append(formula)
    return [
        pytest.param(
            part,
            id=f"{module}-{part[0].name}",
            marks=pytest.mark.full if module in SLOW else (),
        )
        for module, formulas in found.items()
        for part in (formulas[k : k + MOST] for k in range(0, len(formulas), MOST))
    ]


def _without_zeros(leaf):
    """Matrices with something ordinary where nothing stands, such as above a diagonal."""
    return np.where(leaf == 0, 1.0, leaf) if leaf.ndim > 2 else leaf


def inside(formula):
    """Ordinary points of the domain, off its ends and off the breaks."""
    args = domains.sample(dict(formula.domain), np.random.default_rng(0), POINTS, "float64")
    full = {n: jax.tree.map(_without_zeros, value) for n, value in args.items()}
    usual = points.ordinary(formula, full)
    if formula.where is not None:
        usual &= np.asarray(jax.vmap(formula.where)(*(args[n] for n in formula.arguments)))
    for leaf in jax.tree.leaves(args):
        rows = np.asarray(leaf, float).reshape(POINTS, -1)
        if rows.shape[1] > 1:  # no ties
            usual &= np.ptp(rows, axis=1) > 0
    chosen = np.flatnonzero(usual)[:8]
    assert len(chosen) >= LEAST, formula.name
    return [jax.tree.map(lambda leaf: leaf[chosen], args[name]) for name in formula.arguments]


def alike(one, other):
    """At which points both agree; plain programs lose digits at some."""
    close = np.isclose(one, other, 1e-7, 1e-12).reshape(len(one), -1)
    return np.all(close, axis=1)


@pytest.mark.parametrize("formulas", rooms())
def test_closed_forms_are_slopes(formulas):
    drawn = [inside(formula) for formula in formulas]
    programs = [jax.vmap(slopes(formula)) for formula in formulas]
    compiled = jax.jit(
        lambda everything: [p(*args) for p, args in zip(programs, everything, strict=True)],
        compiler_options={"xla_backend_optimization_level": 0},
    )
    for formula, (closed, auto) in zip(formulas, compiled(drawn), strict=True):
        for name, one, other in zip(formula.differentiable, closed, auto, strict=True):
            leaves = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
            agree = np.all([alike(a, b) for a, b in leaves], axis=0)
            assert np.mean(agree) >= 0.6, f"{formula.name} in {name}: {one} and {other}"
