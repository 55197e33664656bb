r"""Independent values side by side: a vector whose entries have families of their own.

Logarithms of densities add up, and so do entropies and Kullback and Leibler's divergences; scores
stand side by side and information matrices in blocks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import block_diag

from jaxmath.distributions.composing import composed, joined, parameters
from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit
from jaxmath.domains import Box
from jaxmath.formula import Source

_ORDER = "values of several entries have no order."


@dataclass(frozen=True)
class Entries:
    """Vectors whose entries have domains of their own."""

    of: tuple[Any, ...]

    def __str__(self) -> str:
        return " × ".join(map(str, self.of))

    @property
    def shape(self) -> tuple[int, ...]:
        """One vector."""
        return (len(self.of),)

    @property
    def differentiable(self) -> bool:
        """Whether all entries are."""
        return all(domain.differentiable for domain in self.of)

    def contains(self, value):
        """Whether every entry lies in its domain."""
        value = jnp.asarray(value)
        return jnp.all(jnp.stack([domain.contains(value[k]) for k, domain in enumerate(self.of)]))

    def sample(self, rng: np.random.Generator, count: int, dtype) -> np.ndarray:
        """Draw the entries independently."""
        drawn = [domain.sample(rng, count, dtype) for domain in self.of]
        return np.stack(drawn, axis=-1).astype(dtype)

    def edges(self, dtype) -> np.ndarray:
        """Each edge of each entry, beside the first edges of the others."""
        edges = [np.asarray(domain.edges(dtype)) for domain in self.of]
        rows = []
        for k, own in enumerate(edges):
            for edge in own:
                rows.append([edge if j == k else other[0] for j, other in enumerate(edges)])  # noqa: PERF401
        return np.asarray(rows, dtype)


@functools.cache
def product(*families: Family, name: str | None = None) -> Family:
    """The family of vectors whose entries are independent, each from its family.

    The parameters of the families follow one another, with the entry's number after names that
    occur twice. `cdf` is the probability that no entry exceeds its own; moments are vectors.

    Raises:
        ValueError: for fewer than two families, or one whose values are vectors.
    """
    names = ", ".join(family.name for family in families)
    if len(families) < 2:
        raise ValueError(f"A product needs two families at least, got {len(families)}.")
    if any(
        family.support.shape != () or any(domain.shape != () for domain in family.parameters)
        for family in families
    ):
        raise ValueError(
            f"A product of {names} is not possible: values and parameters must be single numbers."
        )
    domains = numbered(families)
    supports: list[Any] = [family.support for family in families]
    same = all(support == supports[0] for support in supports)
    support = Box((len(families),), supports[0]) if same else Entries(tuple(supports))

    def where(*params):
        parts = zip(families, split(families, params), strict=True)
        return functools.reduce(jnp.logical_and, [f.where(*part) for f, part in parts if f.where])

    undefined = dict.fromkeys(("quantile", "isf", "sf", "log_sf", "median"), _ORDER)
    undefined |= dict.fromkeys(("skewness", "kurtosis", "jensen_shannon"), "left to the entries.")
    return composed(
        name or "product_of_" + "_".join(family.name for family in families),
        domains,
        _functions(families, type(parameters(domains))),
        support=support,
        where=where if any(family.where for family in families) else None,
        undefined=undefined,
        source=Source("casella2002inference", "section 4.2"),
        topic="P10",
    )


def numbered(families) -> dict[str, Any]:
    """The parameters of all families; names that occur twice with the number of their family."""
    names = [name for family in families for name in family.parameters._fields]
    parts = [
        {
            (f"{key}_{k}" if names.count(key) > 1 else key): domain
            for key, domain in family.parameters._asdict().items()
        }
        for k, family in enumerate(families)
    ]
    return joined([(str(k), part) for k, part in enumerate(parts)])


def split(families, params) -> list[tuple[Any, ...]]:
    """The parameters of each family."""
    params, parts = tuple(params), []
    for family in families:
        parts.append(params[: len(family.parameters)])
        params = params[len(family.parameters) :]
    return parts


def _functions(families, params_type):
    count = len(families)
    size = sum(len(family.parameters) for family in families)

    def has(name):
        return all(family.origin(name) != "not defined" for family in families)

    def of_entries(name, combine):
        """A function of a vector x: of each entry, then combined along a new last axis."""

        def function(x, *params):
            x = jnp.asarray(x)
            values = [
                family.function(name)(x[..., k], *part)
                for k, (family, part) in enumerate(
                    zip(families, split(families, params), strict=True)
                )
            ]
            return combine(jnp.stack(jnp.broadcast_arrays(*values), axis=-1))

        return function

    def of_params(name, combine):
        def function(*params):
            values = [
                family.function(name)(*part)
                for family, part in zip(families, split(families, params), strict=True)
            ]
            return combine(jnp.stack(jnp.broadcast_arrays(*values), axis=-1))

        return function

    def of_pairs(name, combine):
        def function(*args):
            first, args = (args[:1], args[1:]) if name == "renyi" else ((), args)
            p, q = split(families, args[:size]), split(families, args[size:])
            values = [
                family.function(name)(*first, *own, *other)
                for family, own, other in zip(families, p, q, strict=True)
            ]
            return combine(jnp.stack(jnp.broadcast_arrays(*values), axis=-1))

        return function

    def total(values):
        return jnp.sum(values, axis=-1)

    def sample(key, *params_and_shape):
        """Independent draws of all entries, along the last axis."""
        *params, shape = params_and_shape
        params = jnp.broadcast_arrays(*params)
        keys = jax.random.split(key, count)
        draws = [
            family.sample(one, *part, shape=shape)
            for family, one, part in zip(families, keys, split(families, params), strict=True)
        ]
        dtype = jnp.result_type(*params)
        return jnp.stack([draw.astype(dtype) for draw in draws], axis=-1)

    def score(x, *params):
        """Those of the entries, side by side."""
        x = jnp.asarray(x)
        found = [
            value
            for k, (family, part) in enumerate(zip(families, split(families, params), strict=True))
            for value in family.score(x[..., k], *part)
        ]
        return params_type(*found)

    def blocks(matrices):
        shapes = [matrix.shape[:-2] for matrix in matrices]
        batch = jnp.broadcast_shapes(*shapes)
        flat = [
            jnp.broadcast_to(matrix, (*batch, *matrix.shape[-2:])).reshape(-1, *matrix.shape[-2:])
            for matrix in matrices
        ]
        return jax.vmap(lambda *each: block_diag(*each))(*flat).reshape(*batch, size, size)

    def hessian(x, *params):
        """Those of the entries, in blocks."""
        x = jnp.asarray(x)
        return blocks(
            [
                family.hessian(x[..., k], *part)
                for k, (family, part) in enumerate(
                    zip(families, split(families, params), strict=True)
                )
            ]
        )

    def fisher_information(*params):
        """Those of the entries, in blocks."""
        parts = zip(families, split(families, params), strict=True)
        return blocks([family.fisher_information(*part) for family, part in parts])

    def fit(x, weights=None):
        """The fit of each entry of vectors, shape (n, entries)."""
        x = jnp.asarray(x)
        if x.ndim != 2 or x.shape[1] != count:
            raise ValueError(f"A fit needs observations of shape (n, {count}), got {x.shape}.")
        fits = [family.fit(x[:, k], weights) for k, family in enumerate(families)]
        return Fit(
            *(
                params_type(*(v for part in parts for v in part))
                for parts in zip(*fits, strict=True)
            )
        )

    def natural(*params):
        """Those of the entries, one after the other."""
        parts = zip(families, split(families, params), strict=True)
        return jnp.concatenate([family.function("natural")(*part) for family, part in parts], -1)

    def mean_parameters(*params):
        """Those of the entries, one after the other."""
        parts = zip(families, split(families, params), strict=True)
        return jnp.concatenate(
            [family.function("mean_parameters")(*part) for family, part in parts], -1
        )

    def sufficient(x):
        """Those of the entries, one after the other."""
        x = jnp.asarray(x)
        return jnp.concatenate(
            [family.function("sufficient")(x[..., k]) for k, family in enumerate(families)], -1
        )

    def log_partition(eta):
        """The sum of those of the entries, each of its own natural parameters."""
        shapes = [
            jax.eval_shape(family.function("natural"), *(jnp.ones(()) for _ in family.parameters))
            for family in families
        ]
        ends = np.cumsum([shape.shape[-1] for shape in shapes])
        parts = jnp.split(jnp.asarray(eta), ends[:-1], axis=-1)
        values = [
            family.function("log_partition")(part)
            for family, part in zip(families, parts, strict=True)
        ]
        return functools.reduce(jnp.add, values)

    def same(values):
        return values

    found = dict(
        log_prob=of_entries("log_prob", total),
        prob=of_entries("prob", lambda values: jnp.prod(values, axis=-1)),
        cdf=of_entries("cdf", lambda values: jnp.prod(values, axis=-1)),
        log_cdf=of_entries("log_cdf", total),
        sample=sample,
        mean=of_params("mean", same),
        mode=of_params("mode", same),
        variance=of_params("variance", same),
        std=of_params("std", same),
        entropy=of_params("entropy", total),
        cross_entropy=of_pairs("cross_entropy", total),
        kl=of_pairs("kl", total),
        renyi=of_pairs("renyi", total),
        squared_hellinger=of_pairs(
            "squared_hellinger", lambda values: -jnp.expm1(total(jnp.log1p(-values)))
        ),
        squared_wasserstein=of_pairs("squared_wasserstein", total),
        score=score,
        hessian=hessian,
        fisher_information=fisher_information,
        natural=natural,
        log_partition=log_partition,
        mean_parameters=mean_parameters,
        sufficient=sufficient,
        fit=fit,
    )
    return {name: fn for name, fn in found.items() if has(name)}
