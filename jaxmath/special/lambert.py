r"""Lambert's W function: the solutions of $W e^W = x$, and their slopes, also at the branch point.

At $x = -1/e$ both branches meet like the roots of a square. There $1 + e x$ is formed from x and
both halves of 1/e, which gives all its digits, and with them those of $1 + W$, on which the slope
$W' = e^{-W} / (1 + W)$ rests. With $W = -1 - y$ the equation says

$$y - \log(1 + y) = -1 - \log(-x),$$

solved by Halley's method from the first terms of its series; from x = -1/4 upwards the principal
branch is found by Fritsch's, which is of fourth order.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmath.domains import Interval
from jaxmath.formula import Concave, Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.special.logarithm import log1p, log1p_gap
from jaxmath.typing import Real

BRANCH = -math.exp(-1)
"""The number next to -1/e; at it, or a rounding of it, both branches are -1."""
BEYOND = 1.2428753672788363e-17
"""What 1/e falls short of minus `BRANCH` (60 digits)."""
NEAR = -0.25
"""Up to here the principal branch is found from the branch point."""


def _above_branch(x):
    """The excess of x over -1/e times e, all of its digits; zero at the number nearest to -1/e."""
    nearest = float(np.asarray(BRANCH, x.dtype))
    rest = (BRANCH - nearest) + BEYOND
    # The constants stay apart, or XLA would add them up.
    return jnp.where(x == nearest, 0.0, math.e * (x - nearest) - math.e * rest)


def _gap_inverse(gap, sign):
    """The y of this sign with y - log(1 + y) = gap, for y > -0.7."""
    root = sign * jnp.sqrt(2 * gap)
    near = root * (1 + root * (1 / 3 + root * (1 / 36 + root * (-1 / 270 + root / 4320))))
    far = gap + log1p(gap + jnp.sqrt(2 * gap))
    far = gap + log1p(gap + log1p(far))
    y = jnp.where(root < 2, near, far)
    for _ in range(2):
        safe = jnp.where(y == 0, 1.0, y)
        step = (log1p_gap(y) - gap) * (1 + y) / safe
        y = y - step / (1 - step / (2 * safe * (1 + y)))
    return y


def _principal(x):
    """W and 1 + W on the principal branch, for -1/e <= x < infinity."""
    x = jnp.asarray(x)
    low = x < NEAR
    below = jnp.where(low, x, -0.3)
    y = _gap_inverse(-log1p(-_above_branch(below)), -1.0)

    inner = jnp.where(low | (x == 0) | ~(x < jnp.inf), 1.0, x)
    log = log1p(inner)
    w = log * (1 - log1p(log) / (2 + log))
    for _ in range(2):
        z = jnp.log(inner / w) - w
        q = 2 * (1 + w) * (1 + w + 2 * z / 3)
        w = w * (1 + z / (1 + w) * (q - z) / (q - 2 * z))
    w = jnp.where((x == 0) | ~(x < jnp.inf), x, w)
    return jnp.where(low, -1 - y, w), jnp.where(low, -y, 1 + w)


def _lower(x):
    """W and 1 + W on the lower branch, for -1/e <= x < 0."""
    x = jnp.asarray(x)
    inner = jnp.where(x < 0, x, -0.3)
    low = inner < NEAR
    near = -log1p(-_above_branch(jnp.where(low, inner, -0.3)))
    y = _gap_inverse(jnp.where(low, near, -1 - jnp.log(jnp.where(low, 0.25, -inner))), 1.0)
    y = jnp.where(x < 0, y, jnp.where(x == 0, jnp.inf, jnp.nan))
    return -1 - y, -y


def _lambertw(x: Real) -> Float[Array, "..."]:
    r"""The W >= -1 with $W e^W = x$, for x >= -1/e; NaN below."""
    return _principal(x)[0]


def _lambertw_minus1(x: Real) -> Float[Array, "..."]:
    r"""The W <= -1 with $W e^W = x$, for -1/e <= x < 0; minus infinity at 0, NaN elsewhere."""
    return _lower(x)[0]


def _principal_rest(x: Real) -> Float[Array, "..."]:
    """1 + W on the principal branch."""
    return _principal(x)[1]


def _lower_rest(x: Real) -> Float[Array, "..."]:
    """1 + W on the lower branch."""
    return _lower(x)[1]


def _slope(x, w, above):
    """One over e^W (1 + W), where W = x e^-W is used for large x."""
    x = jnp.asarray(x)
    some = jnp.abs(x) > NEAR * NEAR
    ratio = jnp.where(some, w / jnp.where(some, x, 1.0), jnp.exp(-jnp.where(some, 0.0, w)))
    return ratio / above


def _lambertw_dx(x: Real) -> Float[Array, "..."]:
    """The slope W / (x (1 + W)): one at zero, infinite at the branch point."""
    return _slope(x, *_principal(x))


def _lambertw_minus1_dx(x: Real) -> Float[Array, "..."]:
    """The slope W / (x (1 + W)), below 1/x; minus infinity at both ends."""
    x = jnp.asarray(x)
    w, above = _lower(x)
    return w / above / x


def lambertw_dx_dx(x: Real) -> Float[Array, "..."]:
    """Minus the square of the slope times (W + 2) / (W + 1)."""
    return -jnp.square(lambertw_dx(x)) * (1 + 1 / principal_rest(x))


def lambertw_minus1_dx_dx(x: Real) -> Float[Array, "..."]:
    """Minus the square of the slope times (W + 2) / (W + 1)."""
    return -jnp.square(lambertw_minus1_dx(x)) * (1 + 1 / lower_rest(x))


lambertw_dx = with_rule(_lambertw_dx, x=lambertw_dx_dx)
lambertw_minus1_dx = with_rule(_lambertw_minus1_dx, x=lambertw_minus1_dx_dx)
lambertw = with_rule(_lambertw, x=lambertw_dx)
lambertw_minus1 = with_rule(_lambertw_minus1, x=lambertw_minus1_dx)
principal_rest = with_rule(_principal_rest, x=lambertw_dx)
lower_rest = with_rule(_lower_rest, x=lambertw_minus1_dx)

CORLESS = "corless1996lambert"

LAMBERT = (
    Formula(
        fn=lambertw,
        plain=_lambertw,
        domain=dict(x=Interval(BRANCH)),
        partials=dict(x=lambertw_dx),
        seconds={("x", "x"): lambertw_dx_dx},
        facts=(Increasing("x"), Concave("x")),
        tex=r"W_0(x) e^{W_0(x)} = x, \quad W_0 \ge -1",
        source=Source(CORLESS),
        topic="P19",
    ),
    Formula(
        fn=lambertw_minus1,
        plain=_lambertw_minus1,
        domain=dict(x=Interval(BRANCH, 0.0)),
        partials=dict(x=lambertw_minus1_dx),
        seconds={("x", "x"): lambertw_minus1_dx_dx},
        facts=(Decreasing("x"),),
        tex=r"W_{-1}(x) e^{W_{-1}(x)} = x, \quad W_{-1} \le -1",
        source=Source(CORLESS),
        topic="P19",
    ),
)
