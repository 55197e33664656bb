r"""The derivatives of the digamma function, of any order that is told when the program runs.

$$\psi^{(n)}(x) = (-1)^{n+1}\, n! \sum_{k=0}^\infty (x + k)^{-n-1}:$$

the first terms are summed as they stand, the rest by the formula of Euler and Maclaurin. The
factorial goes into the powers, in units of a power of two, so that neither overflows or vanishes
where their product does not.
"""

import math
from fractions import Fraction

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, Integers
from jaxmath.formula import Formula, Source, with_rule
from jaxmath.special.exponential import _BERNOULLI
from jaxmath.special.gamma import digamma
from jaxmath.typing import Label, Real

MOST = 30
"""The largest order whose slope and curvature are answered too."""
TERMS = 16
"""So many are summed one by one; what is then left out is below 1e-18 of the sum."""


def _table(rounded):
    """By order n, the power of two near the (n + 1)-th root of n!, and what n! is in its power."""
    units = [2.0 ** rounded(math.log2(math.factorial(n)) / (n + 1)) for n in range(MOST + 3)]
    powers = [Fraction(unit) ** (n + 1) for n, unit in enumerate(units)]
    return units, [float(math.factorial(n) / power) for n, power in enumerate(powers)]


_BELOW, _ABOVE = _table(math.floor), _table(math.ceil)


def _polygamma(n: Label, x: Real) -> Float[Array, "..."]:
    r"""The n-th derivative of the digamma function, for x > 0 and n = 0, 1, ..., 32; else NaN."""
    n, x = jnp.broadcast_arrays(jnp.asarray(n), jnp.asarray(x))
    order = jnp.clip(n, 1, MOST + 2).astype(int)
    degree = order.astype(x.dtype)
    inner = jnp.where(x > 0, x, 1.0)
    low = inner < jnp.asarray(_BELOW[0], x.dtype)[order]  # where powers are large, not small
    unit, share = (
        jnp.where(low, jnp.asarray(below, x.dtype)[order], jnp.asarray(above, x.dtype)[order])
        for below, above in zip(_BELOW, _ABOVE, strict=True)
    )

    inverse = 1 / (inner + TERMS)
    rest, rising = [1 / degree, inverse / 2], (degree + 1) * inverse
    for j, number in enumerate(_BERNOULLI, 1):
        rest.append(number * rising * inverse)
        rising = rising * ((degree + 2 * j) * inverse) * ((degree + (2 * j + 1)) * inverse)
    total = unit * ((inner + TERMS) / unit) ** -degree * sum(reversed(rest[:-1]), rest[-1])
    for k in reversed(range(TERMS)):
        total = total + ((inner + k) / unit) ** (-degree - 1)
    total = share * jnp.where(x == 0, jnp.inf, total)
    value = jnp.where(n == 0, digamma(x), jnp.where(order % 2 == 1, total, -total))
    return jnp.where((x >= 0) & (n >= 0) & (n <= MOST + 2), value, jnp.nan)


def polygamma_dx(n: Label, x: Real) -> Float[Array, "..."]:
    """The next one."""
    return polygamma(jnp.asarray(n) + 1, x)


def polygamma_dx_dx(n: Label, x: Real) -> Float[Array, "..."]:
    """The one after the next."""
    return polygamma(jnp.asarray(n) + 2, x)


polygamma = with_rule(_polygamma, x=polygamma_dx)

POLYGAMMA = Formula(
    fn=polygamma,
    plain=_polygamma,
    domain=dict(n=Integers(0, MOST), x=POSITIVE),
    partials=dict(x=polygamma_dx),
    seconds={("x", "x"): polygamma_dx_dx},
    tex=r"\psi^{(n)}(x) = (-1)^{n+1}\, n! \sum_{k=0}^\infty (x + k)^{-n-1}",
    source=Source("abramowitz1964handbook", "6.4.10"),
    topic="P10",
)
