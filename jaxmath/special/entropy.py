r"""Terms of entropies and divergences: $x \log y$ and its like, zero where the weight x is zero."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import NONNEGATIVE, POSITIVE
from jaxmath.formula import Bounded, Concave, Convex, Formula, Source, with_rule
from jaxmath.special.logarithm import ABOVE_MINUS_ONE, log1p, log1p_gap_series, near_zero
from jaxmath.special.ratio import far_log_ratio, log_ratio, quotient, relative_excess
from jaxmath.typing import Real

BOYD = Source("boyd2004convex", "section 3.1.5")


def _xlogy(x: Real, y: Real) -> Float[Array, "..."]:
    r"""The product $x \log y$ for y >= 0; zero where x is."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    return _times_log(x, y, jnp.log, 0.0)


def _times_log(x, y, log, end):
    """The product of x and a logarithm of y, which is minus infinity at the end of its domain.

    Of a single y the logarithm is taken once, since no guard of it hangs on x.
    """
    at_end, nothing = y == end, (x == 0) & (y >= end)
    value = jnp.where(at_end, -jnp.inf, log(jnp.where(at_end, end + 1, y)))
    return jnp.where(nothing, 0.0, x * jnp.where(nothing, 0.0, value))


def xlogy_dy(x: Real, y: Real) -> Float[Array, "..."]:
    """The ratio x / y; zero where both are."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    nothing = (x == 0) & (y == 0)
    return jnp.where(nothing, 0.0, quotient(x, jnp.where(nothing, 1.0, y)))


_XLOGY = dict(x=lambda x, y: jnp.log(y) + 0.0 * x, y=xlogy_dy)
xlogy = with_rule(_xlogy, **_XLOGY)


def _xlog1py(x: Real, y: Real) -> Float[Array, "..."]:
    r"""The product $x \log(1 + y)$ for y >= -1; zero where x is."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    return _times_log(x, y, log1p, -1.0)


def xlog1py_dy(x: Real, y: Real) -> Float[Array, "..."]:
    """The ratio x / (1 + y); zero where both are."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    nothing = (x == 0) & (y == -1)
    return jnp.where(nothing, 0.0, quotient(x, 1 + jnp.where(nothing, 0.0, y)))


_XLOG1PY = dict(x=lambda x, y: log1p(y) + 0.0 * x, y=xlog1py_dy)
xlog1py = with_rule(_xlog1py, **_XLOG1PY)


def _entr(x: Real) -> Float[Array, "..."]:
    r"""The entropy term $-x \log x$; zero at zero, minus infinity below."""
    x = jnp.asarray(x)
    some = jnp.where(x > 0, x, 1.0)
    return jnp.where(x > 0, -some * jnp.log(some), jnp.where(x < 0, -jnp.inf, 0.0 * x))


_ENTR = dict(x=lambda x: -jnp.log(x) - 1)
entr = with_rule(_entr, **_ENTR)


def _rel_entr(x: Real, y: Real) -> Float[Array, "..."]:
    r"""The relative entropy term $x \log(x / y)$ for x, y >= 0; zero where x is."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    nothing = (x == 0) & (y >= 0)
    some, other = jnp.where(nothing, 1.0, x), jnp.where(nothing, 1.0, y)
    return jnp.where(nothing, 0.0, some * log_ratio(some, other))


_REL_ENTR = dict(x=lambda x, y: log_ratio(x, y) + 1, y=lambda x, y: -xlogy_dy(x, y))
rel_entr = with_rule(_rel_entr, **_REL_ENTR)


def divergence(x: Real, y: Real, gap: Real, relative: Real) -> Float[Array, "..."]:
    r"""The term $x \log(x / y) - x + y$ for x, y >= 0, given x - y and (x - y) / y to all digits.

    Never negative; where x is near y by the series of `near_divergence`.
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    close = near_zero(relative) & (y > 0)
    near = near_divergence(y, jnp.where(close, relative, 0.0))
    nothing = (x == 0) & (y >= 0)
    some, other = (jnp.where(nothing | close, 1.0, part) for part in (x, y))
    far = jnp.where(nothing, y, some * far_log_ratio(some, other) - gap)
    return jnp.where(close, near, far)


def near_divergence(y: Real, u: Real) -> Float[Array, "..."]:
    r"""The term $x \log(x / y) - x + y$ where x is near y: the excess u, relative to y, near zero.

    It is y times $u^2 - (1 + u)(u - \log(1 + u))$.
    """
    y, u = jnp.asarray(y), jnp.asarray(u)
    return y * u * u * (1 - (1 + u) * log1p_gap_series(u))


def _kl_div(x: Real, y: Real) -> Float[Array, "..."]:
    r"""The divergence term $x \log(x / y) - x + y$ for x, y >= 0; zero where x = y."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    return divergence(x, y, x - y, relative_excess(x, jnp.where(y > 0, y, 1.0)))


_KL_DIV = dict(x=log_ratio, y=lambda x, y: -relative_excess(x, y))
kl_div = with_rule(_kl_div, **_KL_DIV)


def _rates(x: Real, y: Real) -> Float[Array, "..."]:
    """One over x, in the shape of both."""
    return 1 / jnp.asarray(x) + 0.0 * jnp.asarray(y)


ENTROPY = (
    Formula(
        fn=xlogy,
        plain=_xlogy,
        domain=dict(x=NONNEGATIVE, y=POSITIVE),
        partials=_XLOGY,
        seconds={
            ("x", "x"): lambda x, y: 0.0 * x * y,
            ("x", "y"): lambda x, y: _rates(y, x),
            ("y", "y"): lambda x, y: -xlogy_dy(xlogy_dy(x, y), y),
        },
        facts=(Concave("y"),),
        tex=r"x \log y",
        source=BOYD,
        topic="P19",
    ),
    Formula(
        fn=xlog1py,
        plain=_xlog1py,
        domain=dict(x=NONNEGATIVE, y=ABOVE_MINUS_ONE),
        partials=_XLOG1PY,
        seconds={
            ("x", "x"): lambda x, y: 0.0 * x * y,
            ("x", "y"): lambda x, y: _rates(1 + jnp.asarray(y), x),
            ("y", "y"): lambda x, y: -xlog1py_dy(xlog1py_dy(x, y), y),
        },
        facts=(Concave("y"),),
        tex=r"x \log(1 + y)",
        source=BOYD,
        topic="P19",
    ),
    Formula(
        fn=entr,
        plain=_entr,
        domain=dict(x=POSITIVE),
        partials=_ENTR,
        seconds={("x", "x"): lambda x: -1 / x},
        facts=(Concave("x"),),
        tex=r"-x \log x",
        source=BOYD,
        topic="P19",
    ),
    Formula(
        fn=rel_entr,
        plain=_rel_entr,
        domain=dict(x=POSITIVE, y=POSITIVE),
        partials=_REL_ENTR,
        seconds={
            ("x", "x"): _rates,
            ("x", "y"): lambda x, y: -_rates(y, x),
            ("y", "y"): lambda x, y: xlogy_dy(xlogy_dy(x, y), y),
        },
        facts=(Convex("x"), Convex("y")),
        tex=r"x \log(x / y)",
        source=BOYD,
        topic="P19",
    ),
    Formula(
        fn=kl_div,
        plain=_kl_div,
        domain=dict(x=POSITIVE, y=POSITIVE),
        partials=_KL_DIV,
        seconds={
            ("x", "x"): _rates,
            ("x", "y"): lambda x, y: -_rates(y, x),
            ("y", "y"): lambda x, y: xlogy_dy(xlogy_dy(x, y), y),
        },
        facts=(Convex("x"), Convex("y"), Bounded("x", 0.0)),
        tex=r"x \log(x / y) - x + y",
        source=BOYD,
        topic="P19",
    ),
)
