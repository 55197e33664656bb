"""The valid name that a wrong one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from jaxmath.config.errors import visible

LONGEST = 100
"""Letters of a word that are looked at: no name is longer."""


def distance(left: str, right: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbours from one word to the other.

    Damerau's and Levenshtein's distance, in which no letter is changed twice.
    """
    before, above = [], list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def nearest(word: Any, names: Iterable[Any]) -> str:
    """The valid name closest to a wrong one, or an empty string.

    Two slips of the finger are forgiven; beyond that a name must look alike as a whole.
    """
    word, known = str(word)[:LONGEST], [str(name) for name in names]
    close = [name for name in known if abs(len(name) - len(word)) <= 2]
    slips = {name: _slips(word, name) for name in close}
    within = [name for name in close if slips[name] <= 2 and slips[name] < len(name)]
    if within:
        return min(within, key=lambda name: (slips[name], -_likeness(word, name)))
    lowered = {name.lower(): name for name in known}
    alike = difflib.get_close_matches(word.lower(), list(lowered), 1, 0.6)
    return lowered[alike[0]] if alike else ""


def _slips(word: str, name: str) -> float:
    """The distance; a letter in the wrong case is no slip of its own, but not quite nothing."""
    changed = distance(word.lower(), name.lower())
    return changed + 0.5 * (changed < 2 and distance(word, name) > changed)


def _likeness(word: str, name: str) -> float:
    return difflib.SequenceMatcher(None, word, name).ratio()


def suggest(word: Any, names: Iterable[Any], every: bool = True) -> str:
    """A hint for a wrong name: the nearest valid one, or else what there is."""
    names = list(names)
    close = nearest(word, names)
    if close:
        return f"did you mean `{close}`?"
    shown = ", ".join(map(str, names))
    return visible(f"there is: {shown}", 180) if every and shown else ""
