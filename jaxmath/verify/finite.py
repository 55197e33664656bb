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

    Where the value itself is out of range, NaN in a derivative is what infinities give.
    """
    out_of_range = np.isinf(e.auto.value).any(axis=1)
    reverse = e.auto.first["reverse mode"]
    out_of_range |= np.isinf(reverse).any(axis=(1, 2))
    found = []
    for name, argument, numbers in (*_entries(e, e.auto), *_closed(e)):
        bad = np.isnan(numbers).reshape(len(numbers), -1).any(axis=1)
        if name != "the value":
            bad &= ~out_of_range
        if bad.any():
            found.append((argument, f"{name} is NaN at {_where(e, bad)}"))
    return found


def lost_in_float32(e: Evidence) -> list[tuple[str, str]]:
    """Infinite or zero in float32 where float64, at the same point, gives a normal float32."""
    info = np.finfo(np.float32)
    wide = autodiff(
        e.formula.fn, e.lay, e.theta.astype(np.float64), as_dtype(e.fixed, np.float64), True
    )
    truth = {(n, a): v for n, a, v in _entries(e, wide)}
    found = []
    with np.errstate(all="ignore"):
        for name, argument, numbers in _entries(e, e.auto):
            exact = np.abs(truth[name, argument])
            # Rounding of the inputs may take a number over the edge of the range: leave it room.
            normal = (exact >= 64 * float(info.tiny)) & (exact <= float(info.max) / 64)
            kinks = e.kinks[1] | e.kinks[2] if name != "the value" else np.zeros(len(exact), bool)
            normal &= ~kinks.reshape(-1, *(1 for _ in exact.shape[1:]))
            normal &= ~_conditioned(e, name, argument, exact)
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
    """
    found = []
    for name, argument, numbers in _entries(e, e.auto):
        flat = numbers.reshape(len(numbers), -1)
        bad = np.flatnonzero(np.isinf(flat).any(axis=1))
        early = [point for point in bad if not _overflows(e, name, argument, flat, int(point))]
        if early:
            chosen = np.zeros(len(flat), bool)
            chosen[early] = True
            found.append((argument, f"{name} is infinite too early at {_where(e, chosen)}"))
    return found


LIMIT = np.log2(float(np.finfo(np.float64).max)) - 2


def _overflows(e: Evidence, name, argument, flat, point: int) -> bool:
    """Whether the truth of one infinite answer is out of range, on some way to it."""
    entry = int(np.isinf(flat[point]).argmax())
    size = e.theta.shape[1]
    ways = np.concatenate([np.eye(size), -np.eye(size), np.ones((1, size)), -np.ones((1, size))])
    count = len(e.theta)
    ways = ways[: count // 2]

    def look(steps):
        """The answers after so many halvings (or doublings) along each way."""
        theta = np.repeat(e.theta[[point]], count, axis=0)
        theta[: len(ways)] = np.ldexp(theta[: len(ways)], -(steps[:, None] * ways).astype(int))
        answers = autodiff(e.formula.fn, e.lay, theta, _repeat(e.fixed, point, count))
        numbers = {(n, a): v for n, a, v in _entries(e, answers)}[name, argument]
        return np.abs(numbers.reshape(count, -1)[: len(ways), entry])

    with np.errstate(all="ignore"):
        low, high = np.zeros(len(ways)), np.full(len(ways), np.nan)
        for step in np.unique(np.ceil(1.2 ** np.arange(42))):  # how far, roughly, it is infinite
            finite = np.isfinite(look(np.full(len(ways), step))) & np.isnan(high)
            high = np.where(finite, step, high)
            low = np.where(np.isnan(high), step, low)
            if not np.isnan(high).any():
                break
        found = np.isfinite(high)
        high = np.where(found, high, low + 1)
        for _ in range(11):  # and the first step of all
            middle = np.ceil((low + high) / 2)
            finite = np.isfinite(look(middle))
            low, high = np.where(finite, low, middle), np.where(finite, middle, high)
        one, two, three = (np.log2(look(high + k)) for k in range(3))
        # By each halving the logarithm falls by as much as before (a power of the input), or by
        # half as much (an exponential), or a quarter (a Gaussian): so it is followed upwards.
        ratio = (one - two) / (two - three)
        ratio = np.where(ratio < 1.5, 1.0, np.where(ratio < 2.5, 2.0, 4.0))
        rises = np.where(ratio == 1, high, ratio * (ratio**high - 1) / (ratio - 1))
        truth = one + (one - two) * rises
        return bool((found & (truth > LIMIT)).any()) or _pole(e, name, argument, entry, point)


def _pole(e: Evidence, name, argument, entry: int, point: int) -> bool:
    """Whether answers grow without end where coordinates leave zero or an end of the domain."""
    low, high = bounds(e.formula, e.lay)
    at = e.theta[point]
    inwards = np.where((at == low) | (at == 0), 1.0, np.where(at == high, -1.0, 0.0))
    if not inwards.any():
        return False
    count = len(e.theta)
    distance = np.exp2(-np.linspace(8, 48, count))[:, None]
    theta = at + inwards * distance
    answers = autodiff(e.formula.fn, e.lay, theta, _repeat(e.fixed, point, count))
    numbers = {(n, a): v for n, a, v in _entries(e, answers)}[name, argument]
    size = np.abs(numbers.reshape(count, -1)[:, entry])
    first, middle, last = size[0], size[count // 2], size[-1]
    return bool(np.isinf(last) or last - middle > 0.5 * (middle - first) > 0)


def _repeat(fixed, point: int, count: int):
    return jax.tree.map(lambda leaf: np.repeat(leaf[[point]], count, axis=0), fixed)


def _where(e: Evidence, bad) -> str:
    first = int(np.flatnonzero(bad)[0])
    at = ", ".join(
        f"{name}={np.asarray(value)[first]!r}"
        for name, value in e.args.items()
        if not isinstance(value, dict | tuple | list)
    )
    return f"{int(bad.sum())} points, such as {at}"
