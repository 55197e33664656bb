r"""Losses whose slope falls back to zero far out, so that an outlier loses its pull.

All are $r^2 / 2$ near zero; the scale c says how far that is. Beyond it Cauchy's grows like a
logarithm, the others approach a bound. None is convex.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Bounded, Even, Formula, Increasing, Lipschitz, Minimizer, Smooth, Source
from jaxmath.special.logarithm import log1p, log1p_gap_ratio
from jaxmath.special.partials import with_partials
from jaxmath.special.polynomial import polynomial
from jaxmath.special.ratio import log_ratio, quotient
from jaxmath.typing import Real


def _shares(residual, scale):
    r"""The shares $r / h$ and $c / h$ with $h = \sqrt{r^2 + c^2}$."""
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    size = jnp.maximum(jnp.abs(residual), scale)
    r, c = quotient(residual, size), quotient(scale, size)
    inverse = 1 / jnp.sqrt(jnp.square(r) + jnp.square(c))
    return r * inverse, c * inverse


def _short(residual, scale):
    """The product of both over h: the residual near zero, the scale far out, with its sign."""
    sine, cosine = _shares(residual, scale)
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    return jnp.where(jnp.abs(residual) > scale, scale * sine, residual * cosine)


def _log_square(residual, scale):
    r"""The logarithm of $1 + (r / c)^2$ where |r| > c, else that of two."""
    size, scale = jnp.abs(residual), jnp.asarray(scale)
    far = jnp.maximum(size, scale)
    return 2 * log_ratio(far, scale) + log1p(jnp.square(scale / far))


def _cauchy(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""Minus the log-density of Cauchy's distribution, up to a factor and a constant.

    It grows without bound, as $c^2 \log |r|$; also called Lorentzian.
    """
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    near = jnp.abs(residual) <= scale
    square = jnp.square(quotient(jnp.where(near, residual, 0.0), scale))
    inner = jnp.where(near, residual, 0.0)
    ratio = 1 - square * log1p_gap_ratio(square)
    outer = jnp.where(near, 0.0, scale * (0.5 * _log_square(residual, scale)))
    return jnp.where(near, (inner * ratio) * (0.5 * inner), scale * outer)


def _cauchy_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """The residual over one plus the square of residual over scale."""
    return _short(residual, scale) * _shares(residual, scale)[1]


def _cauchy_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""The scale times $\log(1 + x^2) - x^2 / (1 + x^2)$, x the residual over the scale."""
    near, sine, share, far = _cauchy_rest(residual, scale)
    inner = (share * sine) * (sine * (sine * _short(residual, scale)))
    return jnp.where(near, inner, jnp.asarray(scale) * far)


def _cauchy_rest(residual, scale):
    near = jnp.abs(residual) <= jnp.asarray(scale)
    sine, _ = _shares(residual, scale)
    square = jnp.square(sine)
    share = log1p_gap_ratio(-jnp.where(near, square, 0.0))
    return near, sine, share, _log_square(residual, scale) - square


def cauchy_dresidual_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """One at zero, negative where the residual exceeds the scale."""
    sine, cosine = _shares(residual, scale)
    sine = jnp.abs(sine)
    return (cosine * (cosine - sine)) * (cosine * (cosine + sine))


def cauchy_dresidual_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Twice the cube of r / h times c / h."""
    sine, cosine = _shares(residual, scale)
    return 2 * ((sine * sine) * (sine * cosine))


def cauchy_dscale_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """The slope in the scale over the scale, less twice the fourth power of r / h."""
    near, sine, share, far = _cauchy_rest(residual, scale)
    fourth = jnp.square(jnp.square(sine))
    return jnp.where(near, fourth * (share - 2), far - 2 * fourth)


_CAUCHY_SECONDS = {
    ("residual", "residual"): cauchy_dresidual_dresidual,
    ("residual", "scale"): cauchy_dresidual_dscale,
    ("scale", "scale"): cauchy_dscale_dscale,
}
cauchy, _CAUCHY = with_partials(
    _cauchy, dict(residual=_cauchy_dresidual, scale=_cauchy_dscale), _CAUCHY_SECONDS
)

CAUCHY = Formula(
    fn=cauchy,
    plain=_cauchy,
    domain=dict(residual=REAL, scale=POSITIVE),
    partials=_CAUCHY,
    seconds=_CAUCHY_SECONDS,
    facts=(
        Even("residual"),
        Bounded("residual", low=0.0),
        Lipschitz("residual", lambda residual, scale: 0.5 * scale),
        Smooth("residual", 1.0),
        Increasing("scale"),
        Minimizer("residual", 0.0),
        Lipschitz("scale", lambda residual, scale: 0.4745 * jnp.abs(residual)),
    ),
    tex=r"\ell_c(r) = \frac{c^2}{2} \log\bigl(1 + (r / c)^2\bigr)",
    source=Source("barron2019general", "section 1"),
    topic="O8",
)


def _geman_mcclure(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Half the squared residual over one plus the square of residual over scale.

    It approaches half the squared scale.
    """
    share = _short(residual, scale)
    return (0.5 * share) * share


def _geman_mcclure_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """The residual times the fourth power of c / h."""
    _, cosine = _shares(residual, scale)
    return ((_short(residual, scale) * cosine) * cosine) * cosine


def _geman_mcclure_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """The scale times the fourth power of r / h."""
    sine, _ = _shares(residual, scale)
    return ((_short(residual, scale) * sine) * sine) * sine


def geman_mcclure_dresidual_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """One at zero, negative where the residual exceeds the scale over the root of three."""
    sine, cosine = _shares(residual, scale)
    square = jnp.square(cosine)
    return jnp.square(square) * (square - 3 * jnp.square(sine))


def geman_mcclure_dresidual_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Four times the cube of the product of both shares."""
    sine, cosine = _shares(residual, scale)
    both = sine * cosine
    return 4 * ((both * both) * both)


def geman_mcclure_dscale_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """One far out, negative where the residual falls short of the scale times the root of three."""
    sine, cosine = _shares(residual, scale)
    square = jnp.square(sine)
    return jnp.square(square) * (square - 3 * jnp.square(cosine))


_GEMAN_MCCLURE_SECONDS = {
    ("residual", "residual"): geman_mcclure_dresidual_dresidual,
    ("residual", "scale"): geman_mcclure_dresidual_dscale,
    ("scale", "scale"): geman_mcclure_dscale_dscale,
}
geman_mcclure, _GEMAN_MCCLURE = with_partials(
    _geman_mcclure,
    dict(residual=_geman_mcclure_dresidual, scale=_geman_mcclure_dscale),
    _GEMAN_MCCLURE_SECONDS,
)

GEMAN_MCCLURE = Formula(
    fn=geman_mcclure,
    plain=_geman_mcclure,
    domain=dict(residual=REAL, scale=POSITIVE),
    partials=_GEMAN_MCCLURE,
    seconds=_GEMAN_MCCLURE_SECONDS,
    facts=(
        Even("residual"),
        Bounded("residual", 0.0),
        Lipschitz("residual", lambda residual, scale: 3 * math.sqrt(3) / 16 * scale),
        Smooth("residual", 1.0),
        Increasing("scale"),
        Minimizer("residual", 0.0),
        Lipschitz("scale", lambda residual, scale: 3 * math.sqrt(3) / 16 * jnp.abs(residual)),
        Smooth("scale", 1.0),
    ),
    tex=r"\ell_c(r) = \frac12 \frac{r^2}{1 + (r / c)^2}",
    source=Source("geman1987statistical"),
    topic="O8",
)

_FACTORIALS = tuple(1 / math.factorial(k) for k in range(2, 21))
_BEYOND = 60.0
"""Of the residual over the scale: what falls like an exponential of its square is zero there."""


def _relative(residual, scale):
    """The residual over the scale, within 60, its square, and whether that is at most one."""
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    most = jnp.minimum(_BEYOND * scale, jnp.finfo(scale.dtype).max)
    share = quotient(jnp.clip(residual, -most, most), scale)
    return share, jnp.square(share), jnp.abs(residual) <= scale


def _fall(square):
    """The root of exp(-square); used twice it leaves a large factor between."""
    return jnp.exp(-0.5 * square)


def _welsch(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Half the squared scale times one minus the exponential of minus (r / c) squared.

    Also called Leclerc's loss, and correntropy.
    """
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    _, square, near = _relative(residual, scale)
    some = square > 0
    unit = jnp.where(some, square, 1.0)
    ratio = jnp.where(some, -jnp.expm1(-unit) / unit, 1.0)
    inner = jnp.where(near, residual, 0.0)
    outer = scale * jnp.where(near, 0.0, -0.5 * jnp.expm1(-square))
    return jnp.where(near, (inner * ratio) * (0.5 * inner), scale * outer)


def _welsch_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """The residual times the exponential."""
    _, square, _ = _relative(residual, scale)
    return (jnp.asarray(residual) * _fall(square)) * _fall(square)


def _welsch_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""The scale times $1 - (1 + x^2) e^{-x^2}$, x the residual over the scale."""
    share, square, near = _relative(residual, scale)
    small = jnp.where(near, square, 0.0)
    rest = polynomial(_FACTORIALS, small) * jnp.exp(-small)
    inner = (rest * share) * (share * (share * jnp.where(near, residual, 0.0)))
    far = 1 - (1 + square) * jnp.exp(-square)
    return jnp.where(near, inner, jnp.asarray(scale) * far)


def welsch_dresidual_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """One at zero, negative where the square of r / c exceeds a half."""
    _, square, _ = _relative(residual, scale)
    return ((1 - 2 * square) * _fall(square)) * _fall(square)


def welsch_dresidual_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Twice the cube of r / c times the exponential."""
    share, square, _ = _relative(residual, scale)
    return (2 * (share * share * share) * _fall(square)) * _fall(square)


def welsch_dscale_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""One far out: $1 - (1 + x^2 + 2x^4) e^{-x^2}$."""
    _, square, near = _relative(residual, scale)
    small = jnp.where(near, square, 0.0)
    inner = jnp.square(small) * (jnp.exp(-small) * (polynomial(_FACTORIALS, small) - 2))
    far = 1 - (1 + square + 2 * jnp.square(square)) * jnp.exp(-square)
    return jnp.where(near, inner, far)


_WELSCH_SECONDS = {
    ("residual", "residual"): welsch_dresidual_dresidual,
    ("residual", "scale"): welsch_dresidual_dscale,
    ("scale", "scale"): welsch_dscale_dscale,
}
welsch, _WELSCH = with_partials(
    _welsch, dict(residual=_welsch_dresidual, scale=_welsch_dscale), _WELSCH_SECONDS
)

WELSCH = Formula(
    fn=welsch,
    plain=_welsch,
    domain=dict(residual=REAL, scale=POSITIVE),
    partials=_WELSCH,
    seconds=_WELSCH_SECONDS,
    facts=(
        Even("residual"),
        Bounded("residual", 0.0),
        Lipschitz("residual", lambda residual, scale: math.exp(-0.5) / math.sqrt(2) * scale),
        Smooth("residual", 1.0),
        Increasing("scale"),
        Minimizer("residual", 0.0),
        Lipschitz("scale", lambda residual, scale: 0.4634 * jnp.abs(residual)),
        Smooth("scale", 1.0),
    ),
    tex=r"\ell_c(r) = \frac{c^2}{2} \bigl(1 - e^{-(r / c)^2}\bigr)",
    source=Source("holland1977robust"),
    topic="O8",
)


def _within(residual, scale):
    """The residual over the scale, 1 less its square (zero beyond), and whether it is within."""
    residual, scale = jnp.asarray(residual), jnp.asarray(scale)
    near = ~(jnp.abs(residual) > scale)  # NaN too
    inner = jnp.where(near, residual, 0.0)
    share = quotient(inner, scale)
    left = ((scale - jnp.abs(inner)) / scale) * (1 + jnp.abs(share))
    return inner, share, jnp.where(near, left, 0.0 * left), near


def _tukey_biweight(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""A sixth of the squared scale times $1 - (1 - (r / c)^2)^3$, constant beyond the scale.

    What lies beyond has no influence at all.
    """
    inner, share, _, near = _within(residual, scale)
    square, scale = jnp.square(share), jnp.asarray(scale)
    within = (inner * (1 - square * (1 - square / 3))) * (0.5 * inner)
    return jnp.where(near, within, scale * (scale / 6))


def _tukey_biweight_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""The residual times $(1 - (r / c)^2)^2$; zero beyond."""
    inner, _, left, _ = _within(residual, scale)
    return (inner * left) * left


def _tukey_biweight_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""The residual times $x^3 (1 - \frac23 x^2)$, x the residual over the scale; c / 3 beyond."""
    inner, share, _, near = _within(residual, scale)
    within = (share * (1 - jnp.square(share) * (2 / 3))) * (share * (share * inner))
    return jnp.where(near, within, jnp.asarray(scale) / 3)


def tukey_biweight_dresidual_dresidual(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """One at zero, zero beyond the scale."""
    _, share, left, _ = _within(residual, scale)
    return left * (1 - 5 * jnp.square(share))


def tukey_biweight_dresidual_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    """Four times the cube of r / c times one less its square, zero beyond."""
    _, share, left, _ = _within(residual, scale)
    return 4 * (left * (share * share * share))


def tukey_biweight_dscale_dscale(residual: Real, scale: Real = 1.0) -> Float[Array, "..."]:
    r"""Of $x = r / c$ it is $x^4 (\frac{10}{3} x^2 - 3)$; a third beyond."""
    _, share, _, near = _within(residual, scale)
    square = jnp.square(share)
    return jnp.where(near, jnp.square(square) * (square * (10 / 3) - 3), 1 / 3)


_TUKEY_SECONDS = {
    ("residual", "residual"): tukey_biweight_dresidual_dresidual,
    ("residual", "scale"): tukey_biweight_dresidual_dscale,
    ("scale", "scale"): tukey_biweight_dscale_dscale,
}
tukey_biweight, _TUKEY = with_partials(
    _tukey_biweight,
    dict(residual=_tukey_biweight_dresidual, scale=_tukey_biweight_dscale),
    _TUKEY_SECONDS,
)

TUKEY_BIWEIGHT = Formula(
    fn=tukey_biweight,
    plain=_tukey_biweight,
    domain=dict(residual=REAL, scale=POSITIVE),
    partials=_TUKEY,
    seconds=_TUKEY_SECONDS,
    facts=(
        Even("residual"),
        Bounded("residual", 0.0),
        Lipschitz("residual", lambda residual, scale: 16 / (25 * math.sqrt(5)) * scale),
        Smooth("residual", 1.0),
        Increasing("scale"),
        Minimizer("residual", 0.0),
        Lipschitz("scale", lambda residual, scale: 0.4 * 0.9**1.5 * jnp.abs(residual)),
        Smooth("scale", 0.36),
    ),
    tex=r"\ell_c(r) = \begin{cases} \frac{c^2}{6} \bigl(1 - (1 - (r / c)^2)^3\bigr) & |r| \le c \\"
    r" c^2 / 6 & |r| > c \end{cases}",
    source=Source("beaton1974fitting"),
    topic="O8",
)

ROBUST = (CAUCHY, GEMAN_MCCLURE, WELSCH, TUKEY_BIWEIGHT)
