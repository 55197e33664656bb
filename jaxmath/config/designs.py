"""Random and quasi-random values of a sweep, the same ones for ever.

A design places `count` points in a cube, one coordinate for each path. Random points are words of
Philox 4x64-10 (Salmon et al., 2011), whose key is the seed in the file and the name of the path:
a stream of its own for each path, so that a path added at the end moves no other.
Sobol's points are those of Joe and Kuo's direction numbers, Halton's those of the first primes.
Scrambling shifts them by one such word for each path, digitally (exclusive or) for Sobol's and
modulo one for Halton's, which keeps them as even as they are.

None of it depends on versions: NumPy promises the words of its bit generators, and the sequences
are mathematics.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

Numbers = list[float]

SOBOL_BITS = 30


def cube(
    design: str, paths: Sequence[str], count: int, seed: int = 0, scrambled: bool = True
) -> list[Numbers]:
    """The coordinates of each path: `count` numbers within [0, 1), above 0 unless unscrambled."""
    if design == "random":
        return [[_unit(word) for word in words(seed, path, count)] for path in paths]
    place = _sobol if design == "sobol" else _halton
    return place(paths, count, seed, scrambled)


def words(seed: int, path: str, count: int) -> list[int]:
    """Random words of 64 bits, of the stream that belongs to a seed and a path."""
    name = int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "little")
    found = np.random.Philox(key=(name << 64) | seed).random_raw(count)
    return [int(word) for word in found]


def _unit(word: int) -> float:
    """A number within (0, 1): the middle of one of 2^52 cells."""
    return ((word >> 12) + 0.5) * 2.0**-52


def _sobol(paths: Sequence[str], count: int, seed: int, scrambled: bool) -> list[Numbers]:
    from scipy.stats import qmc

    power = max(count - 1, 0).bit_length()
    cells = qmc.Sobol(len(paths), scramble=False, bits=SOBOL_BITS).random_base2(power)[:count]
    columns = (cells.T * 2**SOBOL_BITS).astype(np.int64)
    if not scrambled:
        return [[cell * 2.0**-SOBOL_BITS for cell in column] for column in columns.tolist()]
    shifts = [words(seed, path, 1)[0] >> (64 - SOBOL_BITS) for path in paths]
    return [
        [((cell ^ shift) + 0.5) * 2.0**-SOBOL_BITS for cell in column]
        for column, shift in zip(columns.tolist(), shifts, strict=True)
    ]


def _halton(paths: Sequence[str], count: int, seed: int, scrambled: bool) -> list[Numbers]:
    found = []
    for base, path in zip(_primes(len(paths)), paths, strict=True):
        shift = _unit(words(seed, path, 1)[0]) if scrambled else 0.0
        found.append(
            [(_radical_inverse(i, base) + shift) % 1.0 or shift for i in range(1, count + 1)]
        )
    return found


def _radical_inverse(number: int, base: int) -> float:
    """The digits of a number mirrored at the point."""
    mirrored, scale = 0, 1
    while number:
        number, digit = divmod(number, base)
        mirrored, scale = mirrored * base + digit, scale * base
    return mirrored / scale


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def marginal(form: str, first: float, second: float, places: Numbers) -> Numbers:
    """Numbers of a distribution at places of its distribution function.

    `uniform` and `loguniform` take their ends, `normal` its mean and its deviation.
    """
    if form == "uniform":
        return [first + (second - first) * place for place in places]
    if form == "loguniform":
        low, high = math.log(first), math.log(second)
        return [min(max(math.exp(low + (high - low) * u), first), second) for u in places]
    return [NormalDist(first, second).inv_cdf(place) for place in places]
