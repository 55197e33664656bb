r"""A location-scale family made of its standard member, as functions of $z = (x - \mu) / \sigma$.

Every function of the family and every derivative to second order follows from a few functions of z:
the density's logarithm g and the distribution function. With the root $e^{g/2}$ of the standard
density, $h = 1 + z g'$ and $k = (z h)'$ the density $p = e^g / \sigma$ has

$$p_x = g'\,p/\sigma, \quad p_\sigma = -h\,p/\sigma, \quad p_{xx} = (g'' + g'^2)\,p/\sigma^2, \quad
p_{x\sigma} = -(h' + g' h)\,p/\sigma^2, \quad p_{\sigma\sigma} = (k + h^2)\,p/\sigma^2.$$

Products are formed from two factors with half of the density and one over the scale in each, so
that neither is out of range before the product is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxmath.distributions.family import Family
from jaxmath.distributions.fitting import Fit, observations, with_errors
from jaxmath.distributions.generic_fit import likeliest
from jaxmath.distributions.location_scale import positive, standardize, within
from jaxmath.distributions.shapes import float_dtype, sample_shape, two_by_two
from jaxmath.domains import POSITIVE, REAL
from jaxmath.formula import Concave, Increasing, with_rule
from jaxmath.special.partials import minus
from jaxmath.special.ratio import balanced_product

Curve: TypeAlias = Callable[[Array], Array]


class Params(NamedTuple):
    """Location and scale; also the shape of what belongs to each, such as the score."""

    loc: Any
    scale: Any


class Slopes(NamedTuple):
    """Of a standard density's logarithm g: g', g'', h = 1 + z g', h', and k = h + z h'."""

    slope: Array
    bend: Array
    stretch: Array
    stretch_slope: Array
    stretch_bend: Array


@dataclass(frozen=True)
class Standard:
    """The member of a location-scale family with location zero and scale one.

    Attributes:
        log_density, root: g(z), and the exponential of half of it.
        slopes: the derivatives of g, at any finite z.
        cdf, sf, log_cdf, log_sf: accurate in both tails.
        below: at z <= 0 the slope m of log_cdf, and m' / m.
        above: at z >= 0 minus the slope m of log_sf, and m' / m.
        quantile, isf: value, slope, and the slope of the slope's logarithm, as functions of p.
        draw: a function of a key, a shape and a dtype.
        information: the Fisher information of location, of both, and of the scale.
        mean, variance, skewness, kurtosis, median, mode, entropy: None where it doesn't exist.
        reach: the z between which the density isn't zero in every dtype.
    """

    log_density: Curve
    root: Curve
    slopes: Callable[[Array], Slopes]
    cdf: Curve
    log_cdf: Curve
    below: Callable[[Array], tuple[Array, Array]]
    quantile: tuple[Curve, Curve, Curve]
    draw: Callable[[Any, tuple[int, ...], Any], Array]
    information: tuple[float, float, float]
    entropy: float
    sf: Curve
    log_sf: Curve
    above: Callable[[Array], tuple[Array, Array]]
    isf: tuple[Curve, Curve, Curve]
    median: float = 0.0
    mode: float = 0.0
    mean: float | None = 0.0
    variance: float | None = None
    skewness: float | None = 0.0
    kurtosis: float | None = None
    reach: tuple[float, float] = (-1500.0, 1500.0)


def symmetric(
    cdf: Curve,
    log_cdf: Curve,
    below: Callable[[Array], tuple[Array, Array]],
    quantile: tuple[Curve, Curve, Curve],
    **known: Any,
) -> Standard:
    """The standard member of a family that is symmetric about its location."""

    def above(z):
        m, growth = below(-z)
        return m, -growth

    return Standard(
        cdf=cdf,
        sf=lambda z: cdf(-z),
        log_cdf=log_cdf,
        log_sf=lambda z: log_cdf(-z),
        below=below,
        above=above,
        quantile=quantile,
        isf=(lambda p: -quantile[0](p), lambda p: -quantile[1](p), quantile[2]),
        **known,
    )


class Differentiable(NamedTuple):
    """A function with its rule, the same without, and its derivatives in closed form."""

    fn: Callable[..., Array]
    plain: Callable[..., Array]
    partials: dict[str, Callable[..., Array]]
    seconds: dict[tuple[str, str], Callable[..., Array]]


def of_x(plain, dx, dscale, dx_dx, dx_dscale, dscale_dscale) -> Differentiable:
    """A function of x, loc and scale that depends on x - loc, from its derivatives."""
    first = with_rule(dx, x=dx_dx, loc=minus(dx_dx), scale=dx_dscale)
    other = with_rule(dscale, x=dx_dscale, loc=minus(dx_dscale), scale=dscale_dscale)
    partials = dict(x=first, loc=minus(first), scale=other)
    seconds = {
        ("x", "x"): dx_dx,
        ("x", "loc"): minus(dx_dx),
        ("x", "scale"): dx_dscale,
        ("loc", "loc"): dx_dx,
        ("loc", "scale"): minus(dx_dscale),
        ("scale", "scale"): dscale_dscale,
    }
    return Differentiable(with_rule(plain, **partials), plain, partials, seconds)


def rate_of(scale):
    """One over the scale: XLA joins two divisions into one, whose divisor may be out of range."""
    return 1 / positive(scale)


def finite_place(x, loc, scale):
    """The standardised x, where a number stands for an infinity, and its sign outlives underflow.

    Zero times such a number is zero. NaN stays.
    """
    z, x, loc = standardize(x, loc, scale), jnp.asarray(x), jnp.asarray(loc)
    info = jnp.finfo(z.dtype)
    side = jnp.where(x > loc, info.tiny, jnp.where(x < loc, -info.tiny, 0.0)).astype(z.dtype)
    return jnp.where(z == 0, side, jnp.clip(z, -info.max, info.max))


def _zero(*args):
    """Zero in the shape of all arguments, NaN for NaN and where the last, a scale, is none."""
    *rest, scale = args
    zero = 0 * positive(scale)
    for arg in rest:
        zero = zero + 0 * jnp.asarray(arg)
    return zero


def _log_prob(standard: Standard) -> Differentiable:
    def slopes(x, loc, scale):
        return standard.slopes(finite_place(x, loc, scale)), rate_of(scale)

    def entry(name, sign, order):
        def derivative(x, loc, scale):
            of_z, rate = slopes(x, loc, scale)
            value = sign * getattr(of_z, name) * rate
            return value if order == 1 else value * rate

        return derivative

    def _log_prob(x, loc, scale):
        """The logarithm of the density, in nats."""
        return standard.log_density(standardize(x, loc, scale)) - jnp.log(positive(scale))

    return of_x(
        _log_prob,
        entry("slope", 1, 1),
        entry("stretch", -1, 1),
        entry("bend", 1, 2),
        entry("stretch_slope", -1, 2),
        entry("stretch_bend", 1, 2),
    )


def _prob(standard: Standard) -> Differentiable:
    def times(factor, order):
        def product(x, loc, scale):
            x, loc, scale = within(x, loc, scale, *standard.reach)
            z, rate = finite_place(x, loc, scale), rate_of(scale)
            root = standard.root(z)
            narrow = root * rate
            value = root if order == 0 else narrow
            value = (value * factor(z, standard.slopes(z))) * narrow
            return value * rate if order == 2 else value

        return product

    def _prob(x, loc, scale):
        """The density; its unit is one over that of x."""
        return times(lambda z, s: jnp.ones_like(z), 0)(x, loc, scale)

    return of_x(
        _prob,
        times(lambda z, s: s.slope, 1),
        times(lambda z, s: -s.stretch, 1),
        times(lambda z, s: s.bend + jnp.square(s.slope), 2),
        times(lambda z, s: -(s.stretch_slope + s.slope * s.stretch), 2),
        times(lambda z, s: s.stretch_bend + jnp.square(s.stretch), 2),
    )


def _below_and_above(standard: Standard, prob: Differentiable) -> dict[str, Differentiable]:
    """The distribution function and the survival function, whose slopes are the density."""

    def z_prob(x, loc, scale, stretched):
        x, loc, scale = within(x, loc, scale, *standard.reach)
        z, root = standardize(x, loc, scale), standard.root(standardize(x, loc, scale))
        if not stretched:
            return (root * z) * (root * rate_of(scale))
        stretch = standard.slopes(z).stretch
        return ((root * rate_of(scale)) * z) * ((root * rate_of(scale)) * (1 + stretch))

    def _cdf(x, loc, scale):
        """The probability of at most x."""
        return standard.cdf(standardize(x, loc, scale))

    def _sf(x, loc, scale):
        """The probability of more than x, accurate where it is tiny."""
        return standard.sf(standardize(x, loc, scale))

    derivatives = (
        prob.fn,
        lambda x, loc, scale: -z_prob(x, loc, scale, False),
        prob.partials["x"],
        prob.partials["scale"],
        lambda x, loc, scale: z_prob(x, loc, scale, True),
    )
    return dict(cdf=of_x(_cdf, *derivatives), sf=of_x(_sf, *map(minus, derivatives)))


def _log_tail(standard: Standard, upper: bool) -> Differentiable:
    """The logarithm of either tail: one formula on its own side, the density over it elsewhere."""
    own = standard.above if upper else standard.below
    tail = standard.sf if upper else standard.cdf
    log_tail = standard.log_sf if upper else standard.log_cdf
    sign = -1 if upper else 1

    def parts(x, loc, scale):
        """The slope in z as two factors, its logarithm's slope, z, and one over the scale."""
        z = finite_place(x, loc, scale)
        near = z > 0 if upper else z < 0
        low, high = standard.reach
        other = within(x, loc, scale, *((low, 0.0) if upper else (0.0, high)))
        far = finite_place(*other)
        root = standard.root(far)
        rest = root / tail(far)
        growth = standard.slopes(far).slope - sign * root * rest
        inner = jnp.maximum(z, 0.0) if upper else jnp.minimum(z, 0.0)
        m, inner_growth = own(inner)
        return (
            jnp.where(near, m, root),
            jnp.where(near, 1.0, rest),
            jnp.where(near, inner_growth, growth),
            jnp.where(near, inner, far),
            jnp.where(near, rate_of(scale), rate_of(other[-1])),
        )

    def derivative(factor, order):
        def product(x, loc, scale):
            one, two, growth, z, rate = parts(x, loc, scale)
            if order == 1:
                return balanced_product(one, two * rate, sign * factor(z, growth))
            return (sign * one * factor(z, growth) * rate) * (two * rate)

        return product

    def _log(x, loc, scale):
        return log_tail(standardize(x, loc, scale))

    _log.__name__ = _log.__qualname__ = "_log_sf" if upper else "_log_cdf"
    _log.__doc__ = f"The logarithm of `{'sf' if upper else 'cdf'}`, accurate in both tails."
    return of_x(
        _log,
        derivative(lambda z, growth: 1.0, 1),
        derivative(lambda z, growth: -z, 1),
        derivative(lambda z, growth: growth, 2),
        derivative(lambda z, growth: -(1 + z * growth), 2),
        derivative(lambda z, growth: z * (2 + z * growth), 2),
    )


def _inverse(curves: tuple[Curve, Curve, Curve], upper: bool) -> Differentiable:
    value, slope, growth = curves

    def _quantile(p, loc, scale):
        return jnp.asarray(loc) + positive(scale) * value(jnp.asarray(p))

    _quantile.__name__ = _quantile.__qualname__ = "_isf" if upper else "_quantile"
    side = "above" if upper else "below"
    _quantile.__doc__ = f"The x {side} which lies probability p; NaN for p outside [0, 1]."

    def dp_dp(p, loc, scale):
        return dp(p, loc, scale) * growth(jnp.asarray(p))

    def dp_dscale(p, loc, scale):
        return slope(jnp.asarray(p)) + _zero(loc, scale)

    dp = with_rule(
        lambda p, loc, scale: positive(scale) * slope(jnp.asarray(p)) + _zero(loc, scale),
        p=dp_dp,
        scale=dp_dscale,
    )
    dscale = with_rule(lambda p, loc, scale: value(jnp.asarray(p)) + _zero(loc, scale), p=dp_dscale)
    one = lambda p, loc, scale: 1 + _zero(p, loc, scale)  # noqa: E731
    partials = dict(p=dp, loc=one, scale=dscale)
    seconds = {("p", "p"): dp_dp, ("p", "scale"): dp_dscale}
    return Differentiable(with_rule(_quantile, **partials), _quantile, partials, seconds)


def _affine(name: str, constant: float, doc: str) -> Differentiable:
    """The location plus so many scales."""

    def moment(loc, scale):
        return loc + constant * positive(scale)

    moment.__name__, moment.__doc__ = name, doc
    partials = dict(
        loc=lambda loc, scale: 1 + _zero(loc, scale),
        scale=lambda loc, scale: constant + _zero(loc, scale),
    )
    return Differentiable(moment, moment, partials, {})


def _power(name: str, constant: float, power: int, doc: str) -> Differentiable:
    """A constant times a power of the scale."""

    def raised(scale, power):
        return positive(scale) ** power if power > 0 else 1 + 0 * positive(scale)

    def moment(loc, scale):
        return constant * raised(scale, power) + _zero(loc, scale)

    moment.__name__, moment.__doc__ = name, doc
    partials = dict(
        loc=_zero,
        scale=lambda loc, scale: power * constant * raised(scale, power - 1) + _zero(loc, scale),
    )
    return Differentiable(moment, moment, partials, {})


def _entropy(constant: float) -> Differentiable:
    def entropy(loc, scale):
        """The expected value of minus `log_prob`, in nats; negative for a small scale."""
        return jnp.log(positive(scale)) + constant + _zero(loc, scale)

    partials = dict(
        loc=_zero,
        scale=lambda loc, scale: rate_of(scale) + _zero(loc, scale),
    )
    return Differentiable(entropy, entropy, partials, {})


def _moments(standard: Standard) -> dict[str, Differentiable]:
    """Those that exist."""
    found = dict(
        median=_affine("median", standard.median, "The quantile of one half."),
        mode=_affine("mode", standard.mode, "The value of the highest density."),
        entropy=_entropy(standard.entropy),
    )
    if standard.mean is not None:
        found["mean"] = _affine("mean", standard.mean, "The expected value.")
    if standard.variance is not None:
        std = math.sqrt(standard.variance)
        words = "The expected squared distance from the mean."
        found["variance"] = _power("variance", standard.variance, 2, words)
        found["std"] = _power("std", std, 1, "The square root of the variance.")
    for name, constant in (("skewness", standard.skewness), ("kurtosis", standard.kurtosis)):
        if constant is not None:
            words = (
                "A constant: "
                + {
                    "skewness": "the third moment of the standardised variable.",
                    "kurtosis": "the excess of its fourth moment over the normal's 3.",
                }[name]
            )
            found[name] = _power(name, constant, 0, words)
    return found


def _others(standard: Standard, log_prob: Differentiable) -> list[Callable[..., Any]]:
    """The functions whose values are draws, vectors or matrices."""

    def sample(key, loc, scale, shape=()):
        """Draw `shape` times the common shape of the parameters, differentiable in them."""
        size = sample_shape(shape, loc, scale)
        draws = standard.draw(key, size, float_dtype(loc, scale))
        return jnp.broadcast_to(loc, size) + jnp.broadcast_to(positive(scale), size) * draws

    def score(x, loc, scale):
        """The slope of `log_prob` in each parameter."""
        return Params(*(log_prob.partials[name](x, loc, scale) for name in Params._fields))

    def hessian(x, loc, scale):
        """The second derivatives of `log_prob` in location and scale, as a matrix."""
        pairs = ("loc", "loc"), ("loc", "scale"), ("scale", "scale")
        return two_by_two(*(log_prob.seconds[pair](x, loc, scale) for pair in pairs))

    def fisher_information(loc, scale):
        """The variance of the score: constants over the squared scale, as a matrix."""
        square = jnp.square(rate_of(scale)) + _zero(loc, scale)
        return two_by_two(*(entry * square for entry in standard.information))

    functions = [sample, score, hessian, fisher_information]
    mean, variance = standard.mean, standard.variance
    if mean is not None and variance is not None:

        def squared_wasserstein(loc, scale, loc_q, scale_q):
            """The squared distance of the means, and that of the standard deviations."""
            wider = positive(scale) - positive(scale_q)
            return jnp.square(loc - loc_q + mean * wider) + variance * jnp.square(wider)

        functions.append(squared_wasserstein)
    return functions


def quartiles(x, share):
    """The weighted median, and half the distance of the quartiles; positive."""
    order = jnp.argsort(jnp.where(share > 0, x, jnp.inf))
    reached = jnp.cumsum(share[order])
    slack = 64 * jnp.finfo(share.dtype).eps
    low, centre, high = (x[order[jnp.argmax(reached >= p - slack)]] for p in (0.25, 0.5, 0.75))
    width = (high - low) / 2
    return centre, jnp.where(width > 0, width, jnp.maximum(jnp.abs(centre), 1.0))


def location_scale_family(
    name: str,
    standard: Standard,
    *own: Differentiable | Callable[..., Any],
    **record: Any,
) -> Family:
    """The family of x = loc + scale z for z from the standard member.

    `own` are further functions, such as divergences and a closed-form fit, which take the place of
    those derived here; `record` is what else the family's record says.
    """
    prob = _prob(standard)
    derived = dict(
        log_prob=_log_prob(standard),
        prob=prob,
        **_below_and_above(standard, prob),
        log_cdf=_log_tail(standard, upper=False),
        log_sf=_log_tail(standard, upper=True),
        quantile=_inverse(standard.quantile, upper=False),
        isf=_inverse(standard.isf, upper=True),
        **_moments(standard),
    )
    derived |= {one.fn.__name__: one for one in own if isinstance(one, Differentiable)}

    def fit(x, weights=None) -> Fit:
        """The likeliest location and scale of the observations, shape (n,), by Newton's method."""
        return _fit(x, weights)

    @jax.jit
    def _fit(x, weights):
        x, share, total = observations(x, weights)
        centre, width = quartiles(x, share)
        found = likeliest(family, (x - centre) / width, share)
        estimate = Params(centre + width * found.loc, width * found.scale)
        return with_errors(family, estimate, x, share, total)

    others = {fn.__name__: fn for fn in (*_others(standard, derived["log_prob"]), fit)}
    others |= {fn.__name__: fn for fn in own if not isinstance(fn, Differentiable)}
    functions = (*(one.fn for one in derived.values()), *others.values())
    for fn in functions:
        fn.__module__ = f"jaxmath.distributions.{name}"
    stated: dict[str, Any] = dict(
        partials={key: one.partials for key, one in derived.items()},
        seconds={key: one.seconds for key, one in derived.items()},
        plain={key: one.plain for key, one in derived.items() if one.plain is not one.fn},
        facts=dict(entropy=(Concave("scale"), Increasing("scale"))),
    )
    for key, value in record.items():
        stated[key] = stated[key] | value if key in stated else value
    family = Family(
        name=name,
        parameters=Params(loc=REAL, scale=POSITIVE),
        support=REAL,
        functions=functions,
        **stated,
    )
    return family
