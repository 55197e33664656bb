"""One question, and the best judge that there is for it; the same for a test."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from jax.typing import DTypeLike

from jaxmath.verify.compare import derivatives
from jaxmath.verify.examine import BUDGET, LIMIT, examine
from jaxmath.verify.given import Given
from jaxmath.verify.report import Report
from jaxmath.verify.verdict import Convention, Verdict


def check(
    function: Given,
    *,
    domain: Mapping[str, Any] | None = None,
    wrt: tuple[str, ...] | str | None = None,
    dtype: DTypeLike = np.float64,
    order: Literal[1, 2] = 1,
    points: Mapping[str, Any] | None = None,
    budget: int = BUDGET,
    seed: int = 0,
    analytic: Mapping[str, Callable[..., Any]] | None = None,
    twins: tuple[Any, ...] = (),
    stop_gradients: bool = False,
    convention: Convention | None = None,
    limit: float = LIMIT,
    quick: bool = False,
) -> Verdict | Report:
    """Examine a function by exact arithmetic, or, `quick` or for want of it, compare derivatives.

    The examination (`examine`) searches the domain and judges the value and each derivative by the
    truth, in a few seconds. The comparison (`derivatives`) holds closed form, reverse mode, forward
    mode and a reference against each other at random points; it serves where python-flint is not
    installed, and `budget` is then the number of points. It knows nothing of `twins`,
    `stop_gradients`, `convention` and `limit`.

    Args:
        function: a Formula, or any function of one example.
        domain: the set of each argument, by name; by default the reals where the value is finite.
        wrt: the arguments to differentiate in; by default all that can be.
        dtype: the precision that is judged.
        order: 2 for second derivatives as well.
        points: points to look at first, by argument along axis 0; the only ones of a comparison.
        budget: at how many points the truth is asked.
        seed: of random points and of the search.
        analytic: partial derivatives in closed form, by argument.
        twins: high-precision meanings of functions called inside (`jaxmath.exact.Twin`).
        stop_gradients: whether stop_gradient is meant to make constants.
        convention: which slope is meant at kinks; by default any subgradient is right.
        limit: the excess from which an answer is a fault.
        quick: whether to compare and not to examine.
    """
    if quick or importlib.util.find_spec("flint") is None:
        return derivatives(
            function,
            domain=domain,
            wrt=wrt,
            dtype=dtype,
            points=min(budget, 256) if points is None else points,
            seed=seed,
            seconds=order == 2,
            analytic=analytic,
        )
    return examine(
        function,
        domain=domain,
        wrt=wrt,
        dtype=dtype,
        points=points,
        budget=budget,
        seed=seed,
        order=order,
        analytic=analytic,
        twins=twins,
        stop_gradients=stop_gradients,
        convention=convention,
        limit=limit,
    )


def assert_derivatives(function: Given, **options: Any) -> None:
    """Raise AssertionError, in words that say what to mend, unless the derivatives are right.

    The options are those of `check`: by default the function is examined over its whole domain by
    exact arithmetic, so that what the test says is true and the same on every day. A test that may
    only take a moment says `quick=True`.
    """
    found = check(function, **options)
    if not found.ok:
        raise AssertionError(f"{found}\n  {_remedy(found)}")


def _remedy(found: Verdict | Report) -> str:
    """What to do if nothing is to be mended."""
    if isinstance(found, Report):
        return "If this is no fault of the function: state its domain, domain=dict(x=...)."
    kinds = {finding.kind for finding in found.faults}
    ways = []
    if found.assumed and kinds:
        ways.append("state where the function is used, domain=dict(x=...)")
    if "stop_gradient changes the derivative" in kinds:
        ways.append("declare stop_gradients=True")
    if "another convention" in kinds:
        ways.append("name another convention=")
    if "inaccurate" in kinds:
        ways.append("allow larger errors, limit=")
    return f"If this is meant: {', or '.join(ways or ['narrow the domain, domain=dict(x=...)'])}."
