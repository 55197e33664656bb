r"""Rectifiers: the positive part of a number, sharp (`relu`) and smoothed by a normal (`gelu`)."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import REAL
from jaxmath.formula import (
    Bounded,
    Break,
    Convex,
    Formula,
    Increasing,
    Lipschitz,
    Smooth,
    Source,
    with_rule,
)
from jaxmath.typing import Real


def _relu(x: Real) -> Float[Array, "..."]:
    """The positive part; its slope at zero is taken as zero."""
    return jnp.maximum(x, 0.0)


def relu_dx(x: Real) -> Float[Array, "..."]:
    """One to the right of zero, else zero."""
    return jnp.heaviside(x, 0.0)


relu = with_rule(_relu, x=relu_dx)

RELU = Formula(
    fn=relu,
    plain=_relu,
    domain=dict(x=REAL),
    partials=dict(x=relu_dx),
    seconds={("x", "x"): jnp.zeros_like},
    breaks=(Break(lambda x: x, order=1, convention="zero"),),
    facts=(Convex("x"), Increasing("x"), Lipschitz("x", 1.0)),
    tex=r"\operatorname{relu}(x) = \max(x, 0)",
    source=Source("goodfellow2016deep", "section 6.3.1"),
    topic="C5",
)


def _gelu(x: Real) -> Float[Array, "..."]:
    r"""The argument times the normal probability of lying below it: a smooth `relu`, exact form.

    Computed as relu minus the even bump $|x|\,\Phi(-|x|)$, whose factor `_mills` holds no
    exponential: the left tail keeps its digits down to the last normal number.
    """
    size = jnp.abs(x)
    near = jnp.minimum(size, _FAR)
    return jnp.maximum(x, 0.0) - _normal_density_times(near * _mills(near), near)


def _gelu_dx(x: Real) -> Float[Array, "..."]:
    r"""The normal probability below plus the argument times the normal density there."""
    near = jnp.minimum(jnp.abs(x), _FAR)
    tail = _normal_density_times(_mills(near) - near, near)
    return jnp.where(jnp.asarray(x) < 0, tail, 1 - tail)


def gelu_dx_dx(x: Real) -> Float[Array, "..."]:
    r"""The normal density times $2 - x^2$."""
    near = jnp.clip(x, -_FAR, _FAR)
    return _normal_density_times(2 - jnp.square(near), near)


gelu_dx = with_rule(_gelu_dx, x=gelu_dx_dx)
gelu = with_rule(_gelu, x=gelu_dx)

GELU = Formula(
    fn=gelu,
    plain=_gelu,
    domain=dict(x=REAL),
    partials=dict(x=gelu_dx),
    seconds={("x", "x"): gelu_dx_dx},
    # The least value is at -0.7518; the steepest slope, 1.1289, at the square root of two.
    facts=(Bounded("x", low=-0.17), Lipschitz("x", 1.129), Smooth("x", math.sqrt(2 / math.pi))),
    tex=r"\operatorname{gelu}(x) = x\,\Phi(x)",
    source=Source("hendrycks2016gelu", "section 2"),
    topic="C5",
)

_FAR = 64.0
"""Where the normal tail has vanished in every dtype; also where squares are still exact."""


def _normal_density_times(factor: Real, x: Real) -> Float[Array, "..."]:
    r"""`factor` times the standard normal density at x, where |x| <= `_FAR`.

    Squaring x rounds, and the exponential would multiply that error by the exponent, a thousand
    in the far tail. So x is split into a coarse part of few bits, whose square is exact, and a
    remainder; the root of the coarse exponential is multiplied in twice, since the exponential
    alone underflows where its product with the factor does not.
    """
    x = jnp.asarray(x)
    coarse = jnp.round(x * 16) / 16
    root = jnp.exp(-jnp.square(coarse) / 4)
    rest = jnp.exp(-(x - coarse) * (x + coarse) / 2)
    return root * (root * (rest * (factor / math.sqrt(2 * math.pi))))


def _mills(x: Real) -> Float[Array, "..."]:
    r"""The Mills ratio of the standard normal, $\Phi(-x) / \varphi(x)$, for x >= 0.

    A Chebyshev series of $(1 + x)$ times the ratio in $u = (x - 5) / (x + 5)$, which maps the half
    line to [-1, 1); as many terms as the dtype resolves, summed by Clenshaw's recurrence.
    """
    x = jnp.asarray(x)
    u = (x - 5) / (x + 5)
    terms = len(_MILLS) if jnp.finfo(x.dtype).eps < 1e-10 else 13
    last, current = jnp.zeros_like(u), jnp.zeros_like(u)
    for coefficient in reversed(_MILLS[1:terms]):
        last, current = current, 2 * u * current - last + coefficient
    return (u * current - last + _MILLS[0]) / (1 + x)


_MILLS = (
    1.1579976221305188,
    -0.1633449388451398,
    -0.013683136055781576,
    0.03082200019810004,
    -0.016220073012046806,
    0.005616691016460094,
    -0.0014133933783549216,
    0.0002502625460725661,
    -2.468907239728387e-05,
    -1.0107964061837592e-06,
    7.495419179740573e-07,
    -7.600274268728337e-08,
    -1.1574771441328644e-08,
    3.333386472599843e-09,
    7.538039628171347e-11,
    -1.1104247263727494e-10,
    3.509243776551059e-12,
    3.6894953861750955e-12,
    -2.3376697776383095e-13,
    -1.3271797523541405e-13,
    9.921706995888276e-15,
    5.276004995455379e-15,
    -3.373097694187922e-16,
    -2.2804338776379946e-16,
    7.496330565808626e-18,
    1.0328041877290668e-17,
)
"""Computed from the complementary error function at 64 Chebyshev nodes with 40 digits."""
