"""Values and derivatives that are NaN, infinite or zero where the truth is an ordinary number."""

from __future__ import annotations

import numpy as np

from jaxmath.verify.evidence import Evidence
from jaxmath.verify.flat import as_dtype
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
    """Infinite although the truth is not: found by walking there from an ordinary point.

    On the way from a finite answer to an infinite one, the last finite answer must be near the end
    of the floating-point range, or the answers must grow without slowing down towards a pole.
    """
    found, done = [], set()
    for name, argument, numbers in _entries(e, e.auto):
        bad = np.isinf(numbers).reshape(len(numbers), -1).any(axis=1)
        if bad.any() and (name, argument) not in done:
            done.add((name, argument))
            wrong = _premature(e, name, argument, numbers)
            if wrong.any():
                found.append((argument, f"{name} is infinite too early at {_where(e, wrong)}"))
    return found


def _premature(e: Evidence, name: str, argument: str, numbers: np.ndarray) -> np.ndarray:
    count, shape = len(numbers), numbers.shape[1:]
    flat = numbers.reshape(count, -1)
    bad = np.isinf(flat).any(axis=1)
    entry = np.isinf(flat).argmax(axis=1)

    def look(theta):
        for other, where, values in _entries(e, autodiff(e.formula.fn, e.lay, theta, e.fixed)):
            if (other, where) == (name, argument):
                return values.reshape(count, -1)[np.arange(count), entry]
        raise KeyError(name)

    usual = np.abs(np.log(np.fmax(np.abs(e.theta), 1e-300))).sum(axis=1)
    usual = np.where(np.isfinite(flat).all(axis=1), usual, np.inf)
    start = e.theta[np.argsort(usual, kind="stable")[:1]]
    low, high = np.broadcast_to(start, e.theta.shape).copy(), e.theta.copy()
    path = []
    for _ in range(120):
        middle = _between(low, high)
        answer = look(middle)
        path.append(np.where(np.isfinite(answer), np.abs(answer), np.nan))
        inside = np.isfinite(answer)[:, None]
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    with np.errstate(all="ignore"):
        last = np.abs(look(low))
        full = last >= float(np.finfo(np.float64).max) * 2.0**-10
        finite = np.stack(path)
        largest = np.fmax.accumulate(np.where(np.isnan(finite), 0.0, finite))
        growth = np.diff(largest, axis=0)
        half = len(growth) // 2
        pole = growth[half:].max(axis=0) >= 0.5 * growth[:half].max(axis=0)
    del shape
    return bad & ~full & ~pole


def _between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """A point between, half-way in the exponent where signs agree, else half-way."""
    with np.errstate(all="ignore"):
        same = (np.sign(low) == np.sign(high)) & (low != 0)
        ratio = np.abs(np.log2(np.abs(low)) - np.log2(np.abs(high)))
        geometric = np.sign(low) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high))
        return np.where(same & (ratio > 2), geometric, low / 2 + high / 2)


def _where(e: Evidence, bad) -> str:
    first = int(np.flatnonzero(bad)[0])
    at = ", ".join(
        f"{name}={np.asarray(value)[first]!r}"
        for name, value in e.args.items()
        if not isinstance(value, dict | tuple | list)
    )
    return f"{int(bad.sum())} points, such as {at}"
