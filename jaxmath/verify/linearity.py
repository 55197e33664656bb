"""Custom rules are linear in what they are given: tangents, cotangents, and zeros among them.

A rule that is asked for one unit vector after the other can be right at each and wrong as a linear
map: jnp.abs(tangent), a clipped cotangent, 0 / 0 for a cotangent that is zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np

from jaxmath.verify.answers import Asked
from jaxmath.verify.choosing import Points
from jaxmath.verify.flat import flat_function
from jaxmath.verify.points import ordinary
from jaxmath.verify.said import Said

SHARE, TYPICAL = 1e-3, 1e-6
"""What is granted: a share of the terms, and where they cancel of what they are elsewhere."""

TOLD = 8
"""How many are told."""


def nonlinear(asked: Asked, points: Points) -> Iterator[tuple[int, Said]]:
    """Where a mode is not linear: the point, the answer, and what linearity asks for."""
    function = flat_function(asked.formula.fn, asked.lay)
    theta, fixed = asked.lay.flatten(points.args)
    rng = np.random.default_rng(0)

    def whole(x, fixed):
        return function(*asked.lay.vectors(x), fixed)

    def pushed(x, fixed, tangent):
        return jax.jvp(lambda x: whole(x, fixed), (x,), (tangent,))[1]

    def pulled(x, fixed, cotangent):
        return jax.vjp(lambda x: whole(x, fixed), x)[1](cotangent)[0]

    for who, product in (("forward mode", pushed), ("reverse mode", pulled)):
        if who not in points.answers.first or any(name == who for name, _ in asked.silent):
            continue
        jacobian = points.answers.first[who]
        forward = who == "forward mode"
        matrix = jacobian if forward else np.swapaxes(jacobian, 1, 2)  # (points, answers, given)
        program = jax.jit(jax.vmap(product))
        fine = np.isfinite(matrix).all(axis=(1, 2)) & ordinary(asked.formula, points.args)
        if not fine.any():
            continue
        places = np.arange(len(matrix)) % matrix.shape[2]
        dtype = theta.dtype if forward else points.answers.value.dtype
        unit = np.eye(matrix.shape[2], dtype=dtype)[places]
        signs = rng.choice([-1.0, 1.0], unit.shape).astype(dtype)
        what = "tangent" if forward else "cotangent"
        for words, given in (
            (f"for a {what} of zero", 0 * unit),
            (f"for -2 times a unit {what}", -2 * unit),
            (f"for a sum of unit {what}s", signs),
        ):
            answers = np.asarray(program(theta, fixed, given), np.float64)
            asked_for = np.einsum("pij,pj->pi", matrix, given, dtype=np.float64)
            terms = np.einsum("pij,pj->pi", np.abs(matrix), np.abs(given), dtype=np.float64)
            largest = terms.max(axis=1, keepdims=True)
            elsewhere = largest[fine & (largest[:, 0] > 0)]
            granted = SHARE * largest + TYPICAL * (np.median(elsewhere) if elsewhere.size else 0)
            right = np.abs(answers - asked_for) <= granted
            yield from _told(
                points, who, np.argwhere(~right & fine[:, None]), places, answers, asked_for, words
            )


def _told(points, who, wrong, places, answers, asked_for, words) -> Iterator[tuple[int, Said]]:
    for index, k in wrong[:TOLD].tolist():
        column, result = (places[index], k) if who == "forward mode" else (k, places[index])
        told = dict(
            kind="wrong rule", truth=repr(float(asked_for[index, k])), proof="estimated",
            ulps=np.inf, excess=np.inf, note=f"the rule is not linear: this is its answer {words}",
        )  # fmt: skip
        yield index, Said(who, (int(column),), int(result), float(answers[index, k]), told)
