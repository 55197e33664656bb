"""Values and derivatives that are NaN, infinite or zero where the truth is an ordinary number."""

from __future__ import annotations

import jax
import numpy as np

from jaxmath.verify.evidence import Evidence
from jaxmath.verify.flat import as_dtype, bounds
from jaxmath.verify.opinions import Opinions, autodiff


def _entries(e: Evidence, answers: Opinions):
    """Each array to look at: name, argument, numbers `(points, ...)`."""
    yield "the value", "", answers.value
    for name, jacobian in answers.first.items():
        for argument in e.lay.wrt:
            yield name, argument, jacobian[:, :, e.lay.columns(argument)]
    for name, hessian in answers.second.items():
        for one in e.lay.wrt:
            for two in e.lay.wrt:
                block = hessian[:, :, e.lay.columns(one), e.lay.columns(two)]
                yield name, f"{one}, {two}", block


def _closed(e: Evidence):
    for argument, jacobian in e.closed.items():
        yield "closed form", argument, jacobian
    for (one, two), hessian in e.closed_seconds.items():
        yield "closed form", f"{one}, {two}", hessian


def nans(e: Evidence) -> list[tuple[str, str]]:
    """NaN at a point of the domain, all of whose coordinates are finite.

    Where the value is out of range, or what is differentiated once more, NaN in a derivative is
    what infinities give.
    """
    full = _out_of_range(e)
    steep = full | np.isinf(e.auto.second["forward over reverse"]).any(axis=(1, 2, 3))
    found = []
    for name, argument, numbers in (*_entries(e, e.auto), *_closed(e)):
        bad = np.isnan(numbers).reshape(len(numbers), -1).any(axis=1)
        if name != "the value":
            bad &= ~(steep if ", " in argument else full)
        if bad.any():
            found.append((argument, f"{name} is NaN at {_where(e, bad)}"))
    return found


def _out_of_range(e: Evidence) -> np.ndarray:
    """Which points have an infinite value or slope."""
    infinite = np.isinf(e.auto.value).any(axis=1)
    return np.asarray(infinite | np.isinf(e.auto.first["reverse mode"]).any(axis=(1, 2)))


def lost_in_float32(e: Evidence) -> list[tuple[str, str]]:
    """Infinite or zero in float32 where float64, at the same point, gives a normal float32."""
    info = np.finfo(np.float32)
    wide = autodiff(
        e.formula.fn, e.lay, e.theta.astype(np.float64), as_dtype(e.fixed, np.float64), True
    )
    truth = {(n, a): v for n, a, v in _entries(e, wide)}
    full = _out_of_range(e)
    found = []
    with np.errstate(all="ignore"):
        for name, argument, numbers in _entries(e, e.auto):
            exact = np.abs(truth[name, argument])
            # Rounding of the inputs may take a number over the edge of the range: leave it room.
            normal = (exact >= 64 * float(info.tiny)) & (exact <= float(info.max) / 64)
            kinks = e.kinks[1] | e.kinks[2] if name != "the value" else np.zeros(len(exact), bool)
            normal &= ~kinks.reshape(-1, *(1 for _ in exact.shape[1:]))
            normal &= ~_conditioned(e, name, argument, exact)
            if ", " in argument:
                normal &= ~full.reshape(-1, *(1 for _ in exact.shape[1:]))
            for words, bad in (
                ("infinite", normal & np.isinf(numbers)),
                ("zero", normal & (numbers == 0)),
            ):
                points = bad.reshape(len(bad), -1).any(axis=1)
                if points.any():
                    found.append((argument, f"{name} is {words} in float32 at {_where(e, points)}"))
    return found


def _conditioned(e: Evidence, name: str, argument: str, exact: np.ndarray) -> np.ndarray:
    """Where one rounding of an input already changes all digits of the answer."""
    if name == "the value":
        change = np.abs(e.auto.first["reverse mode"].astype(np.float64) * e.theta[:, None, :])
        change = change.sum(axis=-1)
    else:
        own = [e.lay.columns(part) for part in argument.split(", ")]
        slopes = e.slopes[len(own) - 1]
        change = slopes[(slice(None), slice(None), *own)] if slopes is not None else 0.0
    return np.finfo(np.float32).eps * change > exact / 64


def early_infinities(e: Evidence) -> list[tuple[str, str]]:
    """Infinite although the truth is not.

    From the infinite answer the inputs are scaled by powers of two, one at a time and all at once,
    until the answer is finite. Extrapolated back from there, log-log and log-linear, the truth must
    leave the floating-point range on one of these ways; or it must grow without end towards a pole.
    A second derivative is not asked for where the value or a slope is out of range already.
    """
    full = _out_of_range(e)
    found = []
    for name, argument, numbers in _entries(e, e.auto):
        flat = np.isinf(numbers.reshape(len(numbers), -1))
        bad = flat.any(axis=1) & ~(full & (", " in argument))
        asked = np.flatnonzero(bad)[:: max(1, int(bad.sum()) // ASKED)]
        if len(asked) == 0:
            continue
        look = _Look(e, name, argument, asked, flat[asked].argmax(axis=1))
        early = asked[~_overflows(look)]
        early = [point for point in early if not _pole(look, point)]
        if early:
            chosen = np.zeros(len(flat), bool)
            chosen[early] = True
            found.append((argument, f"{name} is infinite too early at {_where(e, chosen)}"))
    return found


LIMIT = np.log2(float(np.finfo(np.float64).max)) - 2
ASKED = 24
"""At how many infinite points, about, each derivative is asked for its way there."""


class _Look:
    """One entry of the answers at a time, at inputs that have left the points they came from."""

    def __init__(self, e: Evidence, name: str, argument: str, points, entries):
        self.e, self.name, self.argument = e, name, argument
        self.points, self.entries = points, entries

    def __call__(self, theta: np.ndarray, points: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """The answers at `theta` `(n, coordinates)`; labels are those of `points`."""
        pieces, count = [], len(self.e.theta)
        for start in range(0, len(theta), count):
            # Pieces of one size, so that nothing is compiled anew.
            index = np.minimum(np.arange(start, start + count), len(theta) - 1)
            fixed = jax.tree.map(lambda leaf, i=index: leaf[points[i]], self.e.fixed)
            moved = theta[index].astype(self.e.theta.dtype)
            answers = autodiff(self.e.formula.fn, self.e.lay, moved, fixed)
            numbers = {(n, a): v for n, a, v in _entries(self.e, answers)}
            numbers = numbers[self.name, self.argument].reshape(count, -1)
            pieces.append(numbers[np.arange(count), entries[index]])
        return np.concatenate(pieces)[: len(theta)]


def _overflows(look: _Look) -> np.ndarray:
    """Whether the truth of each infinite answer is out of range, on some way to it."""
    size = look.e.theta.shape[1]
    ways = np.concatenate([np.eye(size), -np.eye(size), np.ones((1, size)), -np.ones((1, size))])
    shape = len(look.points), len(ways)
    points, entries = np.repeat(look.points, len(ways)), np.repeat(look.entries, len(ways))

    def after(steps):
        """The answers after so many halvings (or doublings) along each way."""
        exponents = (-steps[..., None] * ways).astype(int).reshape(-1, size)
        return look(np.ldexp(look.e.theta[points], exponents), points, entries).reshape(shape)

    with np.errstate(all="ignore"):
        low, high = np.zeros(shape), np.full(shape, np.nan)
        for step in np.unique(np.ceil(1.2 ** np.arange(42))):  # how far, roughly, it is infinite
            finite = np.isfinite(after(np.full(shape, step))) & np.isnan(high)
            high = np.where(finite, step, high)
            low = np.where(np.isnan(high), step, low)
            if not np.isnan(high).any():
                break
        found = np.isfinite(high)
        high = np.where(found, high, low + 1)
        for _ in range(11):  # and the first step of all
            middle = np.ceil((low + high) / 2)
            finite = np.isfinite(after(middle))
            low, high = np.where(finite, low, middle), np.where(finite, middle, high)
        one, two, three = (np.log2(np.abs(after(high + k))) for k in range(3))
        # By each halving the logarithm falls by as much as before (a power of the input), or by
        # half as much (an exponential), or a quarter (a Gaussian): so it is followed upwards.
        ratio = (one - two) / (two - three)
        ratio = np.where(ratio < 1.5, 1.0, np.where(ratio < 2.5, 2.0, 4.0))
        rises = np.where(ratio == 1, high, ratio * (ratio**high - 1) / (ratio - 1))
        truth = one + (one - two) * rises
        # What is infinite along every way, through the whole range, has no way to be too early.
    return (found & (truth > LIMIT)).any(axis=1) | ~found.any(axis=1)


def _pole(look: _Look, point: int) -> bool:
    """Whether answers grow without end where coordinates leave zero or an end of the domain."""
    e = look.e
    low, high = bounds(e.formula, e.lay)
    at = e.theta[point]
    inwards = np.where((at == low) | (at == 0), 1.0, np.where(at == high, -1.0, 0.0))
    if not inwards.any():
        return False
    count = len(e.theta)
    distance = np.exp2(-np.linspace(8, np.where(at == 0, 1000, 52), count))
    entry = look.entries[look.points == point]
    found = look(at + inwards * distance, np.full(count, point), np.repeat(entry, count))
    # Next to the pole what else the function does is small, so the last steps decide as well.
    return bool(np.isinf(found[-1])) or any(
        abs(found[-1] - middle) > 0.5 * abs(middle - first) > 0
        for first, middle in ((found[-count // k], found[-count // (2 * k)]) for k in (1, 2, 4))
    )


def _where(e: Evidence, bad) -> str:
    first = int(np.flatnonzero(bad)[0])
    at = ", ".join(
        f"{name}={np.asarray(value)[first]!r}"
        for name, value in e.args.items()
        if not isinstance(value, dict | tuple | list)
    )
    return f"{int(bad.sum())} points, such as {at}"
