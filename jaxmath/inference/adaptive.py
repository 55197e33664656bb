r"""Integrals to a tolerance: the interval with the largest error is halved, again and again.

Each piece is taken by Kronrod's rule of 15 points, and by Gauss' of the 7 among them; their
difference tells the error. The division is found without derivatives. Those of the integral are the
integrals of derivatives over the pieces that it left.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmath.distributions.quadrature import is_infinite
from jaxmath.typing import Scalar

# The halves of both rules, from the outermost point to the middle.
_X = (
    *(0.991455371120812639206854697526329, 0.949107912342758524526189684047851),
    *(0.864864423359769072789712788640926, 0.741531185599394439863864773280788),
    *(0.586087235467691130294144691258379, 0.405845151377397166906606412076961),
    *(0.207784955007898467600689403773245, 0.0),
)
_KRONROD = (
    *(0.022935322010529224963732008058970, 0.063092092629978553290700663189204),
    *(0.104790010322250183839876322541518, 0.140653259715525918745189590510238),
    *(0.169004726639267902826583426598550, 0.190350578064785409913256402421014),
    *(0.204432940075298892414161999234649, 0.209482141084727828012999174891714),
)
_GAUSS = (
    *(0.129484966168869693270611432679082, 0.279705391489276667901467771423780),
    *(0.381830050505118944950369775488975, 0.417959183673469387755102040816327),
)
X = np.array([*(-x for x in _X[:-1]), *_X[::-1]])
KRONROD = np.array([*_KRONROD[:-1], *_KRONROD[::-1]])
GAUSS = np.zeros(15)
GAUSS[1::2] = [*_GAUSS[:-1], *_GAUSS[::-1]]

FIRST = 8
"""Pieces to begin with, so that what is narrow is seen."""


class Integral(NamedTuple):
    """The value, a bound on its error that is nearly always kept, and what it took.

    `converged` says whether the error is within the tolerance; `pieces` how many intervals are in
    use. A kink costs about one piece for each binary digit of its place.
    """

    value: Float[Array, ""]
    error: Float[Array, ""]
    converged: Bool[Array, ""]
    pieces: Array


def integrate(
    fn: Callable[..., Array],
    low: Scalar,
    high: Scalar,
    relative: float | None = None,
    absolute: float = 0.0,
    pieces: int = 96,
) -> Integral:
    """The integral of a number `fn(x)` from `low` to `high`, each finite or Python's infinity.

    Pieces are halved until the error is at most `absolute`, or `relative` (by default a thousand
    roundings) times the value, or so many `pieces` are in use. The ends themselves are never
    asked, so that `fn` may be infinite there. Differentiable in whatever `fn` closes over, and in
    finite ends.
    """
    if pieces < FIRST:
        raise ValueError(f"An integral begins with {FIRST} pieces, got room for {pieces}.")
    dtype = jnp.result_type(float, low, high)
    inside = _on_unit_interval(fn, _end(low, dtype), _end(high, dtype))
    relative = 1e3 * float(jnp.finfo(dtype).eps) if relative is None else relative
    pure, held = jax.closure_convert(inside, jnp.asarray(0.5, dtype))

    def enough(value, error):
        return error <= jnp.maximum(absolute, relative * jnp.abs(value))

    fixed = jax.lax.stop_gradient(held)
    start, stop, count = _divide(lambda t: pure(t, *fixed), enough, pieces, dtype)
    values, errors = jax.vmap(lambda a, b: _piece(lambda t: pure(t, *held), a, b))(start, stop)
    used = jnp.arange(pieces) < count
    value = jnp.sum(jnp.where(used, values, 0.0))
    error = jax.lax.stop_gradient(jnp.sum(jnp.where(used, errors, 0.0)))
    return Integral(value, error, enough(value, error), count)


def _end(value, dtype):
    """As an array, unless it is infinite."""
    infinite = isinstance(value, (int, float)) and math.isinf(value)
    return float(value) if infinite else jnp.asarray(value, dtype)


def _on_unit_interval(fn, low, high):
    """The same integral from zero to one."""
    if is_infinite(low) and is_infinite(high):

        def inside(t):
            s = 2 * t - 1
            rest = 4 * t * (1 - t)  # 1 - s^2
            return fn(s / rest) * (2 * (1 + s * s) / rest / rest)
    elif is_infinite(high):

        def inside(t):
            return fn(low + t / (1 - t)) / (1 - t) / (1 - t)
    elif is_infinite(low):

        def inside(t):
            return fn(high - (1 - t) / t) / t / t
    else:
        first, width = low, high - low

        def inside(t):
            return fn(first + width * t) * width

    return inside


def _piece(inside, start, stop):
    """Kronrod's integral over a piece, and its error as QUADPACK judges it."""
    half = (stop - start) / 2
    values = jax.vmap(inside)(start + half * jnp.asarray(1 + X, start.dtype))
    kronrod, gauss = (jnp.asarray(weight, values.dtype) for weight in (KRONROD, GAUSS))
    value = half * jnp.sum(kronrod * values)
    difference = jnp.abs(half * jnp.sum((kronrod - gauss) * values))
    spread = half * jnp.sum(kronrod * jnp.abs(values - jnp.sum(kronrod * values) / 2))
    some = jnp.where(spread > 0, spread, 1.0)
    share = jnp.minimum(1.0, 200 * difference / some)
    error = jnp.where(spread > 0, spread * share * jnp.sqrt(share), difference)
    rounding = 50 * jnp.finfo(values.dtype).eps * half * jnp.sum(kronrod * jnp.abs(values))
    return value, jnp.maximum(error, rounding)


class _Pieces(NamedTuple):
    start: Array
    stop: Array
    value: Array
    error: Array
    used: Array


def _divide(inside, enough, pieces, dtype):
    """Ends of pieces whose errors are small enough in sum, and how many are in use."""
    edges = np.minimum(np.arange(pieces + 1), FIRST) / FIRST
    start, stop = jnp.asarray(edges[:-1], dtype), jnp.asarray(edges[1:], dtype)
    # Pieces that are not in use yet have no width; they lie in the middle, which is no end.
    unused = jnp.arange(pieces) >= FIRST
    start, stop = (jnp.where(unused, jnp.asarray(0.5, dtype), end) for end in (start, stop))
    value, error = jax.vmap(lambda a, b: _piece(inside, a, b))(start, stop)
    begin = _Pieces(start, stop, value, error, jnp.asarray(FIRST))

    def unfinished(now):
        return (now.used < pieces) & ~enough(jnp.sum(now.value), jnp.sum(now.error))

    def halve(now):
        worst = jnp.argmax(now.error)
        middle = (now.start[worst] + now.stop[worst]) / 2
        left = _piece(inside, now.start[worst], middle)
        right = _piece(inside, middle, now.stop[worst])
        value, error = (
            old.at[worst].set(first).at[now.used].set(second)
            for old, first, second in zip((now.value, now.error), left, right, strict=True)
        )
        return _Pieces(
            start=now.start.at[now.used].set(middle),
            stop=now.stop.at[now.used].set(now.stop[worst]).at[worst].set(middle),
            value=value,
            error=error,
            used=now.used + 1,
        )

    end = jax.lax.while_loop(unfinished, halve, begin)
    return end.start, end.stop, end.used
