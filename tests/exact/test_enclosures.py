"""Must show 4: at random points over 100 functions every enclosure overlaps mpmath's interval.

mpmath works with twice the digits that are compared; its interval is its answer with a radius of
the digits that two runs of different precision share.
"""

import zlib

import jax
import jax.numpy as jnp
import jax.scipy.special as jss
import jax.scipy.stats as jst
import mpmath as mp
import numpy as np
import pytest

from jaxmath import exact

pytest.importorskip("flint")

DIGITS = 50
half, one, two = mp.mpf(1) / 2, mp.mpf(1), mp.mpf(2)


# What JAX writes into its programs are these floats, which is what they are evaluated with.
PI, PER_LOG_TWO, ROOT = mp.mpf(np.pi), mp.mpf(1 / np.log(2)), mp.mpf(0.5 * np.sqrt(2))


def ncdf(x):
    return mp.erfc(-x * ROOT) / 2


def log_ncdf(x):
    tail = mp.erfc(abs(x) / mp.sqrt(2)) / 2
    return mp.log1p(-tail) if x > 0 else mp.log(tail)


def log_npdf(x):
    return -(x * x + mp.log(2 * PI)) / 2


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


def xlog(x):
    return x * mp.log(x)


def spread(x):
    return mp.exp(-x * x)


# name: (JAX, mpmath, intervals of the arguments); "log" before an interval for points by decades.
UNIT, REAL, WIDE, POS = (0.01, 0.99), (-4.0, 4.0), (-30.0, 30.0), ("log", 1e-6, 1e6)
SOME = (0.2, 6.0)
FUNCTIONS = {
    "exp": (jnp.exp, mp.exp, WIDE),
    "exp2": (jnp.exp2, lambda x: two**x, WIDE),
    "expm1": (jnp.expm1, mp.expm1, WIDE),
    "log": (jnp.log, mp.log, POS),
    "log2": (jnp.log2, None, POS),
    "log10": (jnp.log10, None, POS),
    "log1p": (jnp.log1p, mp.log1p, POS),
    "sin": (jnp.sin, mp.sin, WIDE),
    "cos": (jnp.cos, mp.cos, WIDE),
    "tan": (jnp.tan, mp.tan, WIDE),
    "arcsin": (jnp.arcsin, mp.asin, UNIT),
    "arccos": (jnp.arccos, mp.acos, UNIT),
    "arctan": (jnp.arctan, mp.atan, WIDE),
    "sinh": (jnp.sinh, mp.sinh, WIDE),
    "cosh": (jnp.cosh, mp.cosh, WIDE),
    "tanh": (jnp.tanh, mp.tanh, WIDE),
    "arcsinh": (jnp.arcsinh, mp.asinh, WIDE),
    "arccosh": (jnp.arccosh, mp.acosh, (1.01, 50.0)),
    "arctanh": (jnp.arctanh, mp.atanh, (-0.99, 0.99)),
    "sqrt": (jnp.sqrt, mp.sqrt, POS),
    "cbrt": (jnp.cbrt, mp.cbrt, POS),
    "rsqrt": (jax.lax.rsqrt, lambda x: 1 / mp.sqrt(x), POS),
    "square": (jnp.square, lambda x: x * x, WIDE),
    "reciprocal": (jnp.reciprocal, lambda x: 1 / x, POS),
    "power": (jnp.power, lambda x, y: x**y, SOME, REAL),
    "hypot": (jnp.hypot, mp.hypot, SOME, SOME),
    "arctan2": (jnp.arctan2, mp.atan2, SOME, REAL),
    "logaddexp": (jnp.logaddexp, lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), WIDE, WIDE),
    "logaddexp2": (jnp.logaddexp2, None, REAL, REAL),
    "sinc": (jnp.sinc, lambda x: mp.sin(PI * x) / (PI * x), SOME),
    "fmod": (jnp.fmod, lambda x, y: x - y * mp.floor(x / y), SOME, SOME),
    "i0": (jnp.i0, lambda x: mp.besseli(0, x), WIDE),
    "abs": (jnp.abs, abs, WIDE),
    "maximum": (jnp.maximum, max, REAL, REAL),
    "deg2rad": (lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 3, None, WIDE),
    "sigmoid": (jax.nn.sigmoid, sigmoid, WIDE),
    "log_sigmoid": (jax.nn.log_sigmoid, lambda x: -softplus(-x), WIDE),
    "softplus": (jax.nn.softplus, softplus, WIDE),
    "silu": (jax.nn.silu, lambda x: x * sigmoid(x), WIDE),
    "gelu": (lambda x: jax.nn.gelu(x, approximate=False), lambda x: x * ncdf(x), WIDE),
    "elu": (jax.nn.elu, lambda x: x if x > 0 else mp.expm1(x), WIDE),
    "celu": (jax.nn.celu, lambda x: x if x > 0 else mp.expm1(x), WIDE),
    "soft_sign": (jax.nn.soft_sign, lambda x: x / (1 + abs(x)), WIDE),
    "relu": (jax.nn.relu, lambda x: max(x, mp.mpf(0)), WIDE),
    "relu6": (jax.nn.relu6, lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)), WIDE),
    "squareplus": (jax.nn.squareplus, lambda x: (x + mp.sqrt(x * x + 4)) / 2, WIDE),
    "mish": (jax.nn.mish, lambda x: x * mp.tanh(softplus(x)), WIDE),
    "logsumexp": (lambda x, y: jax.nn.logsumexp(jnp.stack([x, y])), None, WIDE, WIDE),
    "log cosh": (lambda x: jnp.logaddexp(x, -x), lambda x: mp.log(2 * mp.cosh(x)), WIDE),
    "gaussian": (lambda x: jnp.exp(-x * x), spread, REAL),
    "erf": (jss.erf, mp.erf, REAL),
    "erfc": (jss.erfc, mp.erfc, REAL),
    "erfinv": (jss.erfinv, mp.erfinv, UNIT),
    "erfcx": (jss.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), REAL),
    "dawsn": (jss.dawsn, lambda x: mp.sqrt(mp.pi) / 2 * spread(x) * mp.erfi(x), REAL),
    "gammaln": (jss.gammaln, lambda x: mp.log(mp.gamma(x)), POS),
    "gamma": (jss.gamma, mp.gamma, SOME),
    "digamma": (jss.digamma, mp.digamma, SOME),
    "trigamma": (lambda x: jss.polygamma(1, x), lambda x: mp.polygamma(1, x), SOME),
    "zeta": (jss.zeta, mp.zeta, (1.2, 9.0), SOME),
    "beta": (jss.beta, mp.beta, SOME, SOME),
    "betaln": (jss.betaln, lambda a, b: mp.log(mp.beta(a, b)), SOME, SOME),
    "gammainc": (jss.gammainc, lambda a, x: mp.gammainc(a, 0, x, True), SOME, SOME),
    "gammaincc": (jss.gammaincc, lambda a, x: mp.gammainc(a, x, mp.inf, True), SOME, SOME),
    "betainc": (jss.betainc, lambda a, b, x: mp.betainc(a, b, 0, x, True), SOME, SOME, UNIT),
    "ndtr": (jss.ndtr, ncdf, WIDE),
    "log_ndtr": (jss.log_ndtr, log_ncdf, WIDE),
    "ndtri": (jss.ndtri, lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), UNIT),
    "expit": (jss.expit, sigmoid, WIDE),
    "logit": (jss.logit, lambda p: mp.log(p) - mp.log1p(-p), UNIT),
    "entr": (jss.entr, lambda p: -xlog(p), UNIT),
    "rel_entr": (jss.rel_entr, lambda p, q: p * mp.log(p / q), UNIT, UNIT),
    "kl_div": (jss.kl_div, lambda p, q: p * mp.log(p / q) - p + q, UNIT, UNIT),
    "xlogy": (jss.xlogy, lambda x, y: x * mp.log(y), SOME, SOME),
    "xlog1py": (jss.xlog1py, lambda x, y: x * mp.log1p(y), SOME, SOME),
    "i0e": (jss.i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), WIDE),
    "i1": (jss.i1, lambda x: mp.besseli(1, x), REAL),
    "i1e": (jss.i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), WIDE),
    "exp1": (jss.exp1, mp.e1, SOME),
    "expi": (jss.expi, mp.ei, SOME),
    "expn": (lambda x: jss.expn(3, x), lambda x: mp.expint(3, x), SOME),
    "spence": (jss.spence, lambda x: mp.polylog(2, 1 - x), (0.1, 1.9)),
    "sici": (lambda x: jss.sici(x)[0], mp.si, REAL),
    "cosine integral": (lambda x: jss.sici(x)[1], mp.ci, SOME),
    "fresnel": (lambda x: jss.fresnel(x)[0], mp.fresnels, REAL),
    "fresnel c": (lambda x: jss.fresnel(x)[1], mp.fresnelc, REAL),
    "hyp1f1": (jss.hyp1f1, mp.hyp1f1, SOME, SOME, REAL),
    "hyp2f1": (jss.hyp2f1, mp.hyp2f1, SOME, SOME, SOME, (-0.9, 0.9)),
    "poch": (jss.poch, mp.rf, SOME, SOME),
    "multigammaln": (
        lambda a: jss.multigammaln(a, 2),
        lambda a: mp.log(PI) / 2 + mp.loggamma(a) + mp.loggamma(a - half),
        (1.0, 9.0),
    ),
    "norm.pdf": (jst.norm.pdf, lambda x: mp.exp(log_npdf(x)), REAL),
    "norm.logpdf": (jst.norm.logpdf, log_npdf, WIDE),
    "norm.sf": (jst.norm.sf, lambda x: ncdf(-x), WIDE),
    "t.logpdf": (
        jst.t.logpdf,
        lambda x, v: (
            mp.loggamma((v + 1) / 2)
            - mp.loggamma(v / 2)
            - mp.log(v * PI) / 2
            - (v + 1) / 2 * mp.log1p(x * x / v)
        ),
        REAL,
        SOME,
    ),
    "gamma.logpdf": (
        jst.gamma.logpdf,
        lambda x, a: (a - 1) * mp.log(x) - x - mp.loggamma(a),
        SOME,
        SOME,
    ),
    "beta.logpdf": (
        jst.beta.logpdf,
        lambda x, a, b: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - mp.log(mp.beta(a, b)),
        UNIT,
        SOME,
        SOME,
    ),
    "expon.logcdf": (jst.expon.cdf, lambda x: -mp.expm1(-x), SOME),
    "cauchy.logpdf": (jst.cauchy.logpdf, lambda x: -mp.log(PI) - mp.log1p(x * x), WIDE),
    "laplace.cdf": (
        jst.laplace.cdf,
        lambda x: mp.exp(x) / 2 if x < 0 else 1 - mp.exp(-x) / 2,
        REAL,
    ),
    "logistic.logpdf": (
        jst.logistic.logpdf,
        lambda x: -x - 2 * mp.log1p(mp.exp(-x)),
        WIDE,
    ),
    "gumbel": (lambda x: jnp.exp(-x - jnp.exp(-x)), lambda x: mp.exp(-x - mp.exp(-x)), REAL),
    "cubic": (lambda x: jnp.polyval(jnp.array([1.0, -3.0, 0.5, 2.0]), x), None, WIDE),
}
PLAIN = {
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) * mp.mpf(0.4342944819032518),
    "logaddexp2": lambda x, y: max(x, y) + mp.log1p(two ** -abs(x - y)) * PER_LOG_TWO,
    "deg2rad": lambda x: mp.sin(x) ** 2 + mp.cos(x) ** 3,
    "logsumexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "cubic": lambda x: ((x - 3) * x + half) * x + 2,
}


def point(rng, interval):
    if interval[0] == "log":
        low, high = np.log(interval[1:])
        return float(np.exp(rng.uniform(low, high)))
    return float(rng.uniform(*interval))


def reference(truth, args):
    """mpmath's answer and how far it may be off, from two precisions."""
    with mp.workdps(2 * DIGITS):
        fine = mp.mpf(truth(*(mp.mpf(a) for a in args)))
    with mp.workdps(DIGITS):
        coarse = mp.mpf(truth(*(mp.mpf(a) for a in args)))
    with mp.workdps(2 * DIGITS):
        return fine, abs(fine - coarse) * mp.mpf(10) ** -10 + abs(fine) * mp.mpf(10) ** (1 - DIGITS)


def checked(name, count):
    """Compare at some points; how many enclosures were proven."""
    fn, truth, *intervals = FUNCTIONS[name]
    truth = truth or PLAIN[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    program, proven = exact.trace(fn, *([1.0] * len(intervals))), 0
    for _ in range(count):
        args = tuple(point(rng, interval) for interval in intervals)
        number = exact.evaluate(program, args).flat[0]
        with mp.workdps(2 * DIGITS):
            middle = mp.mpf(number.value.mid().str(2 * DIGITS, radius=False))
            true, off = reference(truth, args)
            assert abs(middle - true) <= mp.mpf(number.radius) * (1 + mp.mpf(2) ** -50) + off, (
                name,
                args,
                middle,
                true,
            )
        proven += number.proof == "proven"
    return proven


def test_the_table_has_a_hundred_functions():
    assert len(FUNCTIONS) >= 100


@pytest.mark.parametrize("name", sorted(FUNCTIONS)[::3])
def test_enclosures_overlap_the_reference(name):
    assert checked(name, 1) == 1


def test_an_enclosure_that_is_off_by_little_is_noticed(monkeypatch):
    fn, truth, interval = FUNCTIONS["erf"]
    monkeypatch.setitem(
        FUNCTIONS, "erf", (fn, lambda x: truth(x) * (1 + mp.mpf(10) ** -18), interval)
    )
    with pytest.raises(AssertionError):
        checked("erf", 5)


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_thousand_points_over_a_hundred_functions(name):
    assert checked(name, 10) == 10
