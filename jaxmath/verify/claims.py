"""Checks of facts about minima: where a function is least, and what else its minima say.

Of Fenchel's conjugate, the proximal operator and proper scores each claim is an inequality between
values at pairs of points; none is granted more than the rounding of what it compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxmath.formula import Conjugate, Fact, Minimizer, Proper, Prox
from jaxmath.verify.flat import evaluate

if TYPE_CHECKING:
    from jaxmath.verify.facts import _Pairs

ROUNDINGS = 16
STEPS = (0.125, 0.5, 1.0, 2.0, 8.0)


def _answer(fn: Callable, p: _Pairs, theta) -> np.ndarray:
    """A function of the arguments at points, one row each."""
    with jax.enable_x64(True):
        found = evaluate(fn, p.e.lay, theta, p.e.fixed)
    return np.asarray(found, np.float64).reshape(len(theta), -1)


def _moved(p: _Pairs, to) -> np.ndarray:
    """The points with another value of the argument."""
    theta = p.x.copy()
    theta[:, p.own] = to
    return theta


def _judged(excess, noise) -> tuple[np.ndarray, Any]:
    """The worst output of each pair, and whether it exceeds the noise."""
    excess, noise = np.asarray(excess), np.asarray(noise)
    bad = np.isfinite(excess) & (excess > noise)
    shown = np.nan_to_num(excess, nan=-np.inf)
    return shown.reshape(len(excess), -1).max(axis=1), bad.reshape(len(bad), -1).any(axis=1)


def _minimizer(fact: Minimizer, p: _Pairs, fx, noise):
    """The value at the minimiser is no greater than at any point."""
    at = _answer(fact.at, p, p.x) if callable(fact.at) else fact.at
    least = p.value(_moved(p, at))
    return _judged(least - fx, noise + p.noise(p.x, least))


def _proper(fact: Proper, p: _Pairs, fx, noise):
    """The truth, that of the second point, expects no more of itself than of the first."""
    del noise
    place = [n for n in p.e.lay.names if n not in p.e.lay.wrt].index(fact.label)
    x, y = _stated(fact, p, p.x), _stated(fact, p, p.y)
    truth = _chances(fact, y[:, p.own].astype(np.float64))
    # What is left to one is rounded in the probability's own dtype.
    rounded = 2 * float(np.finfo(np.float64).eps)

    def expected(theta):
        total, bar = np.zeros_like(fx), np.zeros_like(fx)
        sizes = []
        for label, share in zip(fact.labels, truth, strict=True):
            fixed = list(p.e.fixed)
            fixed[place] = np.full_like(fixed[place], label)
            value = p.value(theta, tuple(fixed))
            total = total + share * value
            bar = bar + share * p.noise(theta, value, tuple(fixed))
            sizes.append(value)
        return total, bar + rounded * (np.max(sizes, axis=0) - np.min(sizes, axis=0))

    (own, bar), (other, slack) = expected(y), expected(x)
    return _judged(own - other, bar + slack)


def _stated(fact: Proper, p: _Pairs, theta) -> np.ndarray:
    """The points with the argument brought into the set where the fact is claimed."""
    if fact.onto is None:
        return theta
    moved = theta.copy()
    with jax.enable_x64(True):
        moved[:, p.own] = np.asarray(jax.vmap(fact.onto)(theta[:, p.own]))
    return moved


def _chances(fact: Proper, argument) -> list[np.ndarray]:
    """The probability of each label, by points."""
    chance = fact.probability or (lambda argument: argument)
    with jax.enable_x64(True):
        if len(fact.labels) == 2:
            larger = np.asarray(chance(argument)).reshape(len(argument), -1)
            return [1 - larger, larger]
        every = np.asarray(jax.vmap(chance)(argument))
    return [every[:, [k]] for k in range(len(fact.labels))]


def _conjugate(fact: Conjugate, p: _Pairs, fx, noise):
    """Fenchel's inequality with slopes of other points, and its equality with the own slope."""
    (own, own_bar), (other, other_bar) = p.slope(p.x), p.slope(p.y)
    x = p.x[:, p.own].astype(np.float64)
    worst = np.full_like(fx, -np.inf)
    allowed = np.zeros_like(fx)
    for slope, bar, equal in ((own, own_bar, True), (other, other_bar, False)):
        s = slope[:, 0].astype(p.x.dtype)
        product = np.sum(s.astype(np.float64) * x, axis=1, keepdims=True)
        value = _answer(fact.fn, p, _moved(p, s))
        gap = fx + value - product
        sizes = np.abs(fx) + np.abs(value) + np.sum(np.abs(s * x), axis=1, keepdims=True)
        # A slope that is rounded moves the conjugate by the point where it is the slope.
        reach = np.maximum(np.abs(x), np.abs(p.y[:, p.own].astype(np.float64)))
        moved = np.sum((bar[:, 0] + p.eps * np.abs(s)) * reach, axis=1, keepdims=True)
        bound = noise + ROUNDINGS * p.eps * sizes + 2 * moved
        excess = np.abs(gap) if equal else -gap
        more = np.nan_to_num(excess - bound, nan=-np.inf) > np.nan_to_num(worst - allowed)
        worst, allowed = np.where(more, excess, worst), np.where(more, bound, allowed)
    return _judged(worst, allowed)


def _prox(fact: Prox, p: _Pairs, fx, noise):
    """No other point, near or far, has a smaller sum than the claimed one."""
    del fx, noise
    worst, bad = np.full(len(p.x), -np.inf), np.zeros(len(p.x), bool)
    start = p.x[:, p.own].astype(np.float64)
    for step in STEPS:
        least = _answer(lambda *args, step=step: fact.fn(step, *args), p, p.x)

        def total(to, step=step):
            theta = _moved(p, to)
            value = p.value(theta)
            away = theta[:, p.own].astype(np.float64) - start
            square = np.sum(np.square(away), axis=1, keepdims=True) / (2 * step)
            rounded = np.sum(np.abs(away * theta[:, p.own]), axis=1, keepdims=True) / step
            slack = ROUNDINGS * p.eps * (square + rounded)
            return value + square, p.noise(theta, value) + slack

        own, bar = total(least)
        near = [
            least + sign * np.maximum(np.abs(least), 1e-3) * 2.0**-k
            for sign in (-1, 1)
            for k in (1, 4, 7)
        ]
        for to in (start, p.y[:, p.own], *near):
            inside = p.inside(p.x.astype(np.float64), to)[:, None]
            other, slack = total(np.where(inside, to, start))
            excess, wrong = _judged(own - other, bar + slack)
            worst, bad = np.fmax(worst, excess), bad | wrong
    return worst, bad


CLAIMS: Mapping[type[Fact], Callable[..., Any]] = {
    Minimizer: _minimizer,
    Proper: _proper,
    Conjugate: _conjugate,
    Prox: _prox,
}
"""The check of each: of the fact, the pairs, the values at their first points, and their noise."""
