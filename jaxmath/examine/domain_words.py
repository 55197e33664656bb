"""Domains and points as words: `x=positive,y=[0,1)`, `x=-40..40`, `x=0.5`."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np

from jaxmath import domains
from jaxmath.config.document import show
from jaxmath.config.errors import InputError, Problem
from jaxmath.config.spelling import suggest
from jaxmath.domains import Box, Choices, Integers, Interval, PositiveDefinite, Simplex
from jaxmath.formula import Formula
from jaxmath.verify.probes import candidates

NAMED = {
    "real": domains.REAL,
    "positive": domains.POSITIVE,
    "nonnegative": domains.NONNEGATIVE,
    "negative": domains.NEGATIVE,
    "unit": domains.UNIT,
    "open_unit": domains.OPEN_UNIT,
}
SIZED = {"simplex": Simplex, "positive_definite": PositiveDefinite}
NUMBER = r"[+-]?(?:inf|∞|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
RANGE = rf"({NUMBER})\s*\.\.\s*({NUMBER})"


def pairs(words: Iterable[str], parameters: list[str]) -> list[tuple[str, str]]:
    """Each `argument=value` among words, which commas outside of brackets divide.

    Raises:
        InputError: a part has no `=`, or there is no such argument.
    """
    found = []
    for word in words:
        for part in _parts(word):
            name, equals, text = (piece.strip() for piece in part.partition("="))
            head = name.partition(".")[0]
            if not equals or not text:
                raise InputError(Problem(f"{show(part)} is no ARGUMENT=VALUE", hint="such as x=1"))
            if parameters and head not in parameters:
                hint = suggest(head, parameters)
                raise InputError(Problem(f"there is no argument {show(head)}", hint=hint))
            found.append((name, text))
    return found


def _parts(word: str) -> list[str]:
    parts, depth = [""], 0
    for letter in word:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def parse_domains(words: Iterable[str], parameters: list[str]) -> dict[str, Any]:
    """The set of each argument; `params.w=real^3` is the entry w of the dict params."""
    stated: dict[str, Any] = {}
    for name, text in pairs(words, parameters):
        *above, last = name.split(".")
        table = stated
        for key in above:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise InputError(f"{name} lies inside of {key}, which has a domain of its own")
        table[last] = parse_domain(text, name)
    return {name: _with_tuples(domain) for name, domain in stated.items()}


def _with_tuples(domain: Any) -> Any:
    """Entries named 0, 1, ... are those of a tuple."""
    if not isinstance(domain, dict):
        return domain
    inner = {key: _with_tuples(value) for key, value in domain.items()}
    if list(inner) == [str(i) for i in range(len(inner))]:
        return tuple(inner.values())
    return inner


def parse_domain(text: str, argument: str = "it") -> Any:
    """A set: `(0, inf)`, `[0,1]`, `real^3`, `{0,1}`, `{0,...,9}`, `simplex^3`, `real|inf|nan^2`.

    Raises:
        InputError: the text is no set, or an empty one.
    """
    of, _, size = (part.strip() for part in text.partition("^"))
    of, *extra = (part.strip() for part in of.split("|"))
    interval = re.fullmatch(rf"([(\[])\s*({NUMBER})\s*,\s*({NUMBER})\s*([)\]])", of)
    whole = re.fullmatch(r"\{\s*(-?\d+)\s*,\s*(?:\.\.\.|…)\s*,\s*(-?\d+)\s*\}", of)
    if of in NAMED:
        found: Any = NAMED[of]
    elif of in SIZED:
        if not re.fullmatch(r"[1-9]\d?", size) or extra:
            raise InputError(f"{show(text)} is no domain of {argument}: {of} has a size, {of}^3")
        return SIZED[of](int(size))
    elif interval:
        left, low, high, right = interval.groups()
        ends = [float(end.replace("∞", "inf")) for end in (low, high)]
        if not ends[0] < ends[1]:
            raise InputError(f"the domain {show(text)} of {argument} is empty")
        found = Interval(*ends, closed=(left == "[", right == "]"))
    elif whole and int(whole[1]) <= int(whole[2]):
        found = Integers(int(whole[1]), int(whole[2]))
    elif re.fullmatch(rf"\{{\s*{NUMBER}(\s*,\s*{NUMBER})*\s*\}}", of):
        found = Choices(tuple(map(float, of.strip("{} ").split(","))))
    else:
        words = [*NAMED, *SIZED]
        hint = suggest(of, words, every=False) if of.isidentifier() else ""
        hint = hint or f"such as (0, inf), [0, 1], {{0, 1}}, real^3; words are {', '.join(words)}"
        raise InputError(Problem(f"{show(text)} is no domain of {argument}", hint=hint))
    if extra:
        if not isinstance(found, Interval) or set(extra) - {"inf", "-inf", "nan"}:
            hint = "after | stand inf, -inf or nan, and before it an interval or a word"
            raise InputError(Problem(f"{show(text)} is no domain of {argument}", hint=hint))
        found = dataclasses.replace(found, extra=tuple(map(float, extra)))
    if not size:
        return found
    if not re.fullmatch(r"\d{1,3}(x\d{1,3})*", size):
        raise InputError(f"{show(size)} is no shape of {argument}, such as 3 or 2x3")
    return Box(tuple(map(int, size.split("x"))), found)


def cut(domain: Any, text: str, argument: str) -> Any:
    """The part of a domain that lies in a range such as `-40..40`, both ends included.

    Raises:
        InputError: nothing is left, or the domain is no interval.
    """
    if isinstance(domain, Box):
        return dataclasses.replace(domain, of=cut(domain.of, text, argument))
    if not isinstance(domain, Interval):
        raise InputError(f"a range is part of an interval, and {argument} lies in {domain}")
    ends = re.fullmatch(RANGE, text)
    assert ends is not None
    low, high = (float(end.replace("∞", "inf")) for end in ends.groups())
    closed = [low > domain.low or domain.closed[0], high < domain.high or domain.closed[1]]
    low, high = max(low, domain.low), min(high, domain.high)
    if not low < high:
        raise InputError(f"no number of {text} lies in {domain}, the domain of {argument}")
    closed = (closed[0] and math.isfinite(low), closed[1] and math.isfinite(high))
    return Interval(low, high, closed)


def is_range(text: str) -> bool:
    """Whether the words of a point are a range, `a..b`."""
    return re.fullmatch(RANGE, text) is not None


def parse_value(text: str, domain: Any, argument: str) -> np.ndarray:
    """One element of a domain: a number for all entries, or a list of them in brackets.

    Raises:
        InputError: it is no element.
    """
    words = re.sub(r"\binf\b|∞", "Infinity", re.sub(r"\bnan\b", "NaN", text))
    try:
        entries = json.loads(words) if words.startswith("[") else float(text.replace("∞", "inf"))
        value = np.asarray(entries, np.float64)
    except (ValueError, TypeError):
        hint = "such as 0.5, -40..40 or [1, 2, 3]"
        raise InputError(Problem(f"{show(text)} is no point of {argument}", hint=hint)) from None
    if not domains.is_domain(domain):
        raise InputError(f"{argument} is a pytree: give points from Python, points=dict(...)")
    if value.shape not in ((), domain.shape):
        size = "a number" if domain.shape == () else f"of shape {domain.shape}"
        raise InputError(f"a point of {argument} is {size}, got one of shape {value.shape}")
    value = np.broadcast_to(value, domain.shape)
    if not _is_element(domain, value):
        raise InputError(f"{argument}={text} does not lie in {domain}")
    return value.astype(np.int32) if isinstance(domain, Integers) else value


def _is_element(domain: Any, value: np.ndarray) -> bool:
    of = domain.of if isinstance(domain, Box) else domain
    extra = getattr(of, "extra", ())
    if extra:
        ordinary = value[np.isfinite(value)]
        odd = {repr(float(v)) for v in value[~np.isfinite(value)]}
        return odd <= {repr(float(v)) for v in extra} and all(map(of.contains, ordinary))
    return bool(domain.contains(value))


def points_at(
    given: Mapping[str, list[np.ndarray]], formula: Formula, dtype: str, seed: int = 0
) -> dict[str, Any]:
    """Points with these values, each with each; what is not given is drawn, eight times each."""
    names = list(given)
    grid = np.indices([len(given[name]) for name in names]).reshape(len(names), -1)
    times = 1 if set(formula.arguments) <= set(names) else 8
    drawn = candidates(formula, dtype, 64, seed)
    index = np.arange(grid.shape[1] * times) % len(jax.tree.leaves(drawn)[0])
    found = jax.tree.map(lambda leaf: leaf[index], drawn)
    for name, place in zip(names, grid, strict=True):
        found[name] = np.repeat(np.stack(given[name])[place], times, axis=0)
    return found
