r"""What the logarithm of the gamma function leaves near one, when its tangent is taken away.

Of $\log\Gamma(1 + x) + \gamma x = \sum_j (x / j - \log(1 + x / j))$ the first terms as they
stand, and Taylor's series of the others.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.special.gamma import digamma_difference, gammaln, gammaln_difference
from jaxmath.special.logarithm import log1p, log1p_gap, log1p_gap_ratio
from jaxmath.special.polynomial import polynomial
from jaxmath.typing import Real

EULER = 0.5772156649015329
POLES = 3
# Hurwitz's zeta function at n = 2, 3, ...: the sum of j^-n over j > POLES.
_ZETA = (
    0.2838229557371153, 0.04001986612255725, 0.0074775546987925125, 0.0015625288059213666,
    0.0003463198719662865, 7.95300110952091e-05, 1.86904076684668e-05, 4.462562656923558e-06,
    1.0775400096550504e-06, 2.623248499877965e-07, 6.425188488937789e-08, 1.5809604102839835e-08,
    3.903650576060287e-09, 9.664626442372279e-10, 2.397730264529579e-10, 5.958227462268206e-11,
    1.482458312665928e-11, 3.692144201193263e-12, 9.202674668690208e-13, 2.2951832171507293e-13,
    5.727071724065572e-14, 1.429604540661848e-14, 3.5697073824626706e-15, 8.915698103028073e-16,
    2.227216658569063e-16,
)  # fmt: skip
_GAP = tuple((-1) ** n * zeta / n for n, zeta in enumerate(_ZETA, start=2))
_SPREAD = tuple((2**n - 2) * term for n, term in enumerate(_GAP, start=2))


def gammaln_gap(x: Real, excess: Real) -> Float[Array, "..."]:
    r"""The amount $\log\Gamma(x) + \gamma (x - 1)$, never negative, given x - 1 to all digits."""
    x, excess = jnp.asarray(x), jnp.asarray(excess)
    close = jnp.abs(excess) < 0.5
    near = jnp.where(close, excess, 0.0)
    inner = jnp.square(near) * polynomial(_GAP, near)
    for pole in range(1, POLES + 1):
        inner = inner + log1p_gap(near / pole)
    return jnp.where(close, inner, gammaln(jnp.where(close, 1.0, x)) + EULER * excess)


def gammaln_gap_dx(x: Real, excess: Real) -> Float[Array, "..."]:
    r"""Its slope $\psi(x) + \gamma$, of x > 0 and x - 1."""
    x = jnp.asarray(x)
    small = x < 0.5
    near = digamma_difference(1.0, jnp.where(small, 0.0, excess))
    return jnp.where(small, digamma_difference(1.0, x) - 1 / x, near)


def gammaln_after(x: Real, excess: Real) -> Float[Array, "..."]:
    r"""The logarithm $\log\Gamma(1 + x)$, given x - 1 to all digits."""
    x, close = jnp.asarray(x), jnp.abs(jnp.asarray(excess)) < 0.5
    near = gammaln_difference(2.0, jnp.where(close, excess, 0.0))
    return jnp.where(close, near, gammaln_difference(1.0, jnp.where(close, 0.0, x)))


MORE, REACH = 7, 3.2
"""So many poles stand for differences, whose series serves up to so many steps u."""


def _hurwitz(n):
    """The sum of j^-n over j > MORE."""
    if n - 2 < 10:
        return _ZETA[n - 2] - math.fsum(j**-n for j in range(POLES + 1, MORE + 1))
    return math.fsum(j**-n for j in range(MORE + 1, 200))


_LONG = tuple((-1) ** n * _hurwitz(n) / n for n in range(2, 46))


def _weight(order, n):
    """The difference of the n-th powers of 0, 1, ..., order."""
    return sum((-1) ** (order - k) * math.comb(order, k) * k**n for k in range(1, order + 1))


_HIGHER = {
    order: tuple(_weight(order, n) * term for n, term in enumerate(_LONG, start=2))[order - 2 :]
    for order in (2, 3, 4)
}


def _pole(order, u, pole):
    """One pole's part of a difference over the power of u, in v = u / pole."""
    v = u / pole
    if order == 2:
        lift = -1 / (1 + v) ** 2
    elif order == 3:
        lift = (2 + 3 * v) / (1 + 2 * v) ** 3
    else:
        lift = -polynomial((6.0, 48.0, 140.0, 176.0, 81.0), v) / ((1 + 3 * v) * (1 + v)) ** 4
    z = v**order * lift
    return -lift / pole**order * (1 - z * log1p_gap_ratio(z))


def gammaln_differences(u: Real) -> tuple[Float[Array, "..."], ...]:
    r"""Differences of $\log\Gamma(1 + n u)$ in n = 0, 1, ..., over powers of u.

    The second, third and fourth for u > 0, each over that power: to all digits where the difference
    vanishes, and so are their slopes.
    """
    u = jnp.asarray(u)
    far = jnp.where(u < REACH / 4, 1.0, u)
    logs = [0.0, *gammaln_difference(1.0, jnp.stack([n * far for n in range(1, 5)]))]
    found = []
    for order, series in _HIGHER.items():
        small = u < REACH / order
        near = jnp.where(small, u, 0.0)
        inner = polynomial(series, near)
        for pole in range(1, MORE + 1):
            inner = inner + _pole(order, near, pole)
        outer = sum(
            (-1) ** (order - n) * math.comb(order, n) * logs[n] for n in range(1, order + 1)
        )
        found.append(jnp.where(small, inner, outer / far**order))
    return tuple(found)


def gammaln_spread(u: Real) -> Float[Array, "..."]:
    r"""The excess $\log\Gamma(1 + 2u) - 2 \log\Gamma(1 + u)$ for u > 0, without cancelling."""
    u = jnp.asarray(u)
    small = u < 0.5
    near, far = jnp.where(small, u, 0.0), jnp.where(small, 1.0, u)
    inner = jnp.square(near) * polynomial(_SPREAD, near)
    for pole in range(1, POLES + 1):
        inner = inner + log1p(jnp.square(near / pole) / (1 + 2 * near / pole))
    outer = gammaln_difference(1.0, 2 * far) - 2 * gammaln_difference(1.0, far)
    return jnp.where(small, inner, outer)
