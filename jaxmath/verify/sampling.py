"""Whether the sampler of a domain reaches all of it."""

from __future__ import annotations

import functools
import math

import jax
import numpy as np
from jax.typing import DTypeLike

from jaxmath.domains import ORDINARY, Box, Choices, Domain, Fixed, Integers, Interval, Simplex

DRAWS = 1 << 16


@functools.lru_cache(maxsize=256)
def gaps(domain: Domain, dtype: DTypeLike) -> tuple[str, ...]:
    """Each part of one domain that its sampler or its edges miss, in words."""
    with jax.enable_x64(True):
        draws = DRAWS // max(1, math.prod(domain.shape))
        drawn = domain.sample(np.random.default_rng(7), draws, dtype)
        edges = domain.edges(dtype)
        found = []
        for words, values in (("a sample", drawn), ("an edge", edges)):
            if not np.all(jax.jit(jax.vmap(domain.contains))(values)):
                found.append(f"{words} lies outside {domain}")
    return tuple(found + _unreached(domain, drawn, edges, dtype))


def _unreached(domain, drawn, edges, dtype) -> list[str]:
    if isinstance(domain, Fixed):
        return _unreached(domain.of, drawn, edges, dtype)
    if isinstance(domain, Box):
        ties = np.ptp(drawn.reshape(len(drawn), -1), axis=1) == 0
        size = math.prod(domain.shape)
        tied = ["never draws all entries equal"] if size > 1 and not ties.any() else []
        return tied + _unreached(domain.of, drawn.ravel(), edges.ravel(), dtype)
    if isinstance(domain, Interval):
        return _unreached_parts(domain, drawn, edges, dtype)
    if isinstance(domain, Choices):
        return [f"never draws {v:g}" for v in domain.values if v not in drawn]
    if isinstance(domain, Integers):
        every = range(domain.low, domain.high + 1)
        if len(every) <= 64:
            return [f"never draws {v}" for v in every if v not in drawn]
        ends = (domain.low, domain.high)
        small = range(domain.low, domain.low + 64)
        return [f"its edges lack {v}" for v in ends if v not in edges] + [
            f"never draws {v}" for v in small if v not in drawn
        ]
    if isinstance(domain, Simplex):
        largest = drawn.max(axis=1)
        found = [] if (largest > 0.999).any() else ["never comes near a vertex"]
        near = (largest < 1.1 / domain.size).any()
        return found + ([] if near else ["never comes near the centre"])
    spread = np.ptp(drawn.reshape(len(drawn), -1), axis=0)
    return [] if (spread > 0).any() else ["always draws the same"]


def _unreached_parts(interval: Interval, drawn, edges, dtype) -> list[str]:
    low, high = interval.limits(dtype)
    info = np.finfo(dtype)
    found = []
    for end, name in ((low, "lower"), (high, "upper")):
        if end not in edges:
            found.append(f"its edges lack the {name} end {end:g}")
    # Ordinary numbers: eight parts of what lies within ten of zero.
    ends = max(low, -ORDINARY), min(high, ORDINARY)
    if ends[0] < ends[1]:
        parts = np.linspace(*ends, 9)
        counts, _ = np.histogram(drawn, parts)
        found += [
            f"never draws between {a:g} and {b:g}"
            for a, b, n in zip(parts, parts[1:], counts, strict=False)
            if n == 0
        ]
    # Every decade of the distance from zero and from each finite end, on each side.
    anchors = [0.0] if low <= 0.0 <= high else []
    anchors += [e for e in (interval.low, interval.high) if math.isfinite(e) and e != 0]
    if interval.low == 0.0 or interval.high == 0.0:
        anchors.append(0.0)
    for anchor in dict.fromkeys(anchors):
        smallest = max(float(info.tiny), abs(anchor) * float(info.eps) * 4)
        for sign, end in ((-1, low), (1, high)):
            room = min(abs(end), float(info.max)) if anchor == 0 else abs(end - anchor)
            if not (sign * (end - anchor) > 0 and room > smallest):
                continue
            distance = sign * (drawn.astype(np.float64) - anchor)
            distance = distance[(distance > 0) & np.isfinite(distance)]
            decades = np.arange(math.floor(math.log10(smallest)) + 1, math.floor(math.log10(room)))
            hit = np.unique(np.floor(np.log10(distance))).astype(int)
            missed = np.setdiff1d(decades, hit)
            if len(missed):
                where = "zero" if anchor == 0 else f"{anchor:g}"
                side = "above" if sign > 0 else "below"
                found.append(
                    f"misses {len(missed)} of {len(decades)} decades of distance {side} {where}, "
                    f"such as 1e{missed[0]}"
                )
    return found
