r"""A family some of whose parameters are known numbers.

What is left is a family of the other parameters: its score, its information and its fit are those
in which the known ones do not move. Ends of the support that no longer move become those of the
record, infinite ones included.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmath.distributions.composing import composed, parameters, picked
from jaxmath.distributions.contract import EXPONENTIAL_FAMILY, KINDS, PAIRS
from jaxmath.distributions.family import Family
from jaxmath.domains import Interval

OF_DATA = ("fit", "interval", "profile")
OF_INFORMATION = (*OF_DATA, "fisher_information")


def fixed(family: Family, **values: float) -> Family:
    """The family with these parameters held at these numbers; at least one must be left.

    Raises:
        ValueError: for a name that is no parameter, a number outside of its domain, or if no
            parameter is left.
    """
    return _fixed(family, tuple(sorted((key, float(value)) for key, value in values.items())))


@functools.cache
def _fixed(family: Family, held: tuple[tuple[str, float], ...]) -> Family:
    values, domains = dict(held), family.parameters._asdict()
    for key, value in values.items():
        if key not in domains:
            raise ValueError(f"{family.name} has no parameter {key!r}, but {', '.join(domains)}.")
        if domains[key].shape != () or not bool(domains[key].contains(np.asarray(value))):
            raise ValueError(f"{key} of {family.name} lies in {domains[key]}, got {value:g}.")
    rest = {key: domain for key, domain in domains.items() if key not in values}
    if not rest:
        raise ValueError(f"All parameters of {family.name} would be held; one at least must move.")
    fields, kept = tuple(domains), [key in rest for key in domains]
    places = np.flatnonzero(kept)
    params = type(parameters(rest))

    def full(*free):
        """All parameters; the known ones are Python's numbers."""
        moving = iter(free)
        return tuple(next(moving) if field in rest else values[field] for field in fields)

    def arrays(*free):
        """All parameters, in the dtype of those that move."""
        dtype = jnp.result_type(float, *free) if not free else jnp.result_type(*free)
        if not jnp.issubdtype(dtype, jnp.floating):
            dtype = jnp.result_type(float)
        return tuple(jnp.asarray(value, dtype) for value in full(*free))

    def given(fn):
        return picked(fn, lambda free: full(*free))

    ends, support = given(family.ends), family.support
    still = _still(ends, len(rest))
    if still is not None and isinstance(support, Interval):
        low, high = still
        support = Interval(low, high, (np.isfinite(low).item(), np.isfinite(high).item()))
        ends = None
    undefined = dict(family.undefined)
    if ends is None:
        undefined = {key: why for key, why in undefined.items() if key not in OF_INFORMATION}
    functions = {
        name: _held(family, name, arrays, len(rest), params, places)
        for name in (fn.__name__ for fn in family.functions)
        if name not in (*OF_DATA, *EXPONENTIAL_FAMILY)
    }
    start = _start(family, kept)
    return composed(
        f"{family.name}_at_" + "_".join(f"{key}_{value:g}" for key, value in held),
        rest,
        functions,
        support=support,
        ends=ends,
        kinks=given(family.kinks),
        marks=given(family.marks),
        start=start,
        where=picked(family.where, lambda free: arrays(*free)),
        undefined=undefined,
        source=family.source,
        topic=family.topic,
    )


def _still(ends, count) -> tuple[float, float] | None:
    """The ends where they are Python's numbers, so that no parameter moves them."""
    if ends is None:
        return None
    found: list[tuple[Any, Any]] = []

    def look(*free):
        found.append(ends(*free))
        return jnp.zeros(())

    jax.eval_shape(look, *(jax.ShapeDtypeStruct((), np.float32) for _ in range(count)))
    low, high = found[0]
    return (low, high) if isinstance(low, float) and isinstance(high, float) else None


def _held(family, name, arrays, count, params, places):
    fn = family.function(name)
    if name in PAIRS:
        before = 1 if name == "renyi" else 0

        def pair(*args):
            first, p, q = args[:before], args[before : before + count], args[before + count :]
            return fn(*first, *arrays(*p), *arrays(*q))

        return pair
    if name == "sample":
        return lambda key, *args: fn(key, *arrays(*args[:-1]), shape=args[-1])
    if name == "fisher_information":
        return lambda *free: fn(*arrays(*free))[..., places[:, None], places[None, :]]
    if name == "hessian":
        return lambda x, *free: fn(x, *arrays(*free))[..., places[:, None], places[None, :]]
    if name == "score":

        def score(x, *free):
            found = fn(x, *arrays(*free))
            return params(*(found[place] for place in places))

        return score
    before = len(KINDS[name].takes)
    return lambda *args: fn(*args[:before], *arrays(*args[before:]))


def _start(family, kept):
    """Where a fit begins: at that of the base."""
    begin = family.start
    if begin is None and family.origin("fit") == "own":

        def begin(x, share):
            return family.fit(x, share).estimate

    if begin is None:
        return None

    def start(x, share):
        found = begin(x, share)
        return tuple(value for value, keep in zip(found, kept, strict=True) if keep)

    return start
