"""Functions that are right, by rule: what `examine` says of them must hold before mpmath.

Every scalar function of jax.nn and jax.scipy.special is looked at on pieces of the real line where
mpmath says that value and slope are within 8 ulp at all of a number of points; a fault found there
is a false alarm unless mpmath confirms it at its own point. Kinks, ties and declared
stop_gradients are right by construction.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
from jax import lax
from mpmath.libmp import NoConvergence

from jaxmath.domains import Box, Interval

S = jax.scipy.special
ULPS = 8.0
CUTS = (-700.0, -100.0, -30.0, -8.0, -2.0, -0.5, -1e-3, 1e-3, 0.5, 2.0, 8.0, 30.0, 100.0, 700.0)
POINTS = 24


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def _ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


SELU = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")

MEANT: dict[str, Callable[[Any], Any]] = {
    "nn.celu": lambda x: x if x > 0 else mp.expm1(x),
    "nn.elu": lambda x: x if x > 0 else mp.expm1(x),
    "nn.gelu": lambda x: (
        x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))
    ),
    "nn.hard_sigmoid": lambda x: min(max(x + 3, 0), 6) / mp.mpf(6),
    "nn.hard_silu": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "nn.hard_swish": lambda x: x * min(max(x + 3, 0), 6) / 6,
    "nn.hard_tanh": lambda x: min(max(x, -1), 1),
    "nn.identity": lambda x: x,
    "nn.leaky_relu": lambda x: x if x >= 0 else mp.mpf(0.01) * x,
    "nn.log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "nn.log1mexp": lambda x: mp.log(-mp.expm1(-x)),
    "nn.mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    "nn.relu": lambda x: max(x, mp.mpf(0)),
    "nn.relu6": lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)),
    "nn.selu": lambda x: SELU[0] * (x if x > 0 else SELU[1] * mp.expm1(x)),
    "nn.sigmoid": _sigmoid,
    "nn.silu": lambda x: x * _sigmoid(x),
    "nn.swish": lambda x: x * _sigmoid(x),
    "nn.soft_sign": lambda x: x / (1 + abs(x)),
    "nn.softplus": lambda x: mp.log1p(mp.exp(x)),
    "nn.sparse_plus": lambda x: mp.mpf(0) if x <= -1 else (x if x >= 1 else (x + 1) ** 2 / 4),
    "nn.sparse_sigmoid": lambda x: min(max((x + 1) / 2, mp.mpf(0)), mp.mpf(1)),
    "nn.squareplus": lambda x: (x + mp.sqrt(x * x + 4)) / 2,
    "nn.tanh": mp.tanh,
    "sp.dawsn": lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
    "sp.digamma": lambda x: mp.digamma(x),
    "sp.entr": lambda x: -x * mp.log(x),
    "sp.erf": mp.erf,
    "sp.erfc": mp.erfc,
    "sp.erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "sp.erfinv": mp.erfinv,
    "sp.exp1": mp.e1,
    "sp.expit": _sigmoid,
    "sp.factorial": mp.factorial,
    "sp.gamma": mp.gamma,
    "sp.gammaln": lambda x: mp.re(mp.loggamma(x)),
    "sp.gammasgn": lambda x: mp.sign(mp.gamma(x)),
    "sp.loggamma": lambda x: mp.re(mp.loggamma(x)),
    "sp.i0": lambda x: mp.besseli(0, x),
    "sp.i0e": lambda x: mp.besseli(0, x) * mp.exp(-abs(x)),
    "sp.i1": lambda x: mp.besseli(1, x),
    "sp.i1e": lambda x: mp.besseli(1, x) * mp.exp(-abs(x)),
    "sp.log_ndtr": lambda x: mp.log(_ndtr(x)),
    "sp.logit": lambda x: mp.log(x / (1 - x)),
    "sp.ndtr": _ndtr,
    "sp.ndtri": lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1),
    "sp.spence": lambda x: mp.re(mp.polylog(2, 1 - x)),
}


def scalar_functions() -> dict[str, Callable[..., Any]]:
    """All functions of the two modules that take one float and return one, by name."""
    found = {}
    for short, module in (("nn", jax.nn), ("sp", S)):
        for name in sorted(vars(module)):
            function = getattr(module, name)
            if name.startswith("_") or not callable(function):
                continue
            try:
                value: Any = function(0.3)
            except Exception:  # it takes something else
                continue
            if (
                not isinstance(value, tuple)
                and jnp.shape(value) == ()
                and jnp.result_type(value) in (jnp.float32, jnp.float64)
            ):
                found[f"{short}.{name}"] = function
    return found


# Constant functions of one number: normalisations of vectors, and what reduces them; and expi,
# which never returns at minus eps (JAX 0.10.2, float64).
EXEMPT = {
    "sp.expi",
    "nn.glu", "nn.log_softmax", "nn.softmax", "nn.standardize", "nn.logmeanexp", "nn.logsumexp",
    "sp.log_softmax", "sp.softmax", "sp.logsumexp",
}  # fmt: skip


class Right(NamedTuple):
    """Whether an answer is within so many ulp before mpmath."""

    value: float
    slope: float

    @property
    def clean(self) -> bool:
        return max(self.value, self.slope) <= ULPS


def _ulps(answer, truth) -> float:
    if not mp.isfinite(truth) or mp.im(truth) or not math.isfinite(answer):
        return math.inf
    tiny = float(np.finfo(np.float64).tiny)
    return float(abs(mp.mpf(answer) - truth) / np.spacing(max(abs(float(truth)), tiny)))


def before_mpmath(name: str, x: float, answers) -> Right:
    """How far value and slope are from what the function means; at a kink the nearer side."""
    with mp.workdps(40):
        try:
            meant = MEANT[name]
            at = mp.mpf(x)
            value, step = meant(at), mp.mpf(10) ** -25 * max(abs(at), 1)
            with mp.workdps(360):  # the smallest normal slope beside a value of one
                slopes = [(meant(at + s * step) - meant(at)) / (s * step) for s in (1, -1)]
                slopes.append((meant(at + step) - meant(at - step)) / (2 * step))
            slope = min(max(_ulps(a, s) for a in answers[1:]) for s in slopes)
        except (ValueError, ArithmeticError, TypeError, NoConvergence):  # outside of its domain
            return Right(math.inf, math.inf)
        return Right(_ulps(answers[0], value), slope)


def asked(function):
    """Value, reverse and forward derivative at many numbers."""
    both = [function, jax.grad(function), jax.jacfwd(function)]
    programs = [jax.jit(jax.vmap(f)) for f in both]
    return lambda x: np.stack([np.asarray(p(x), np.float64) for p in programs], axis=1)


def clean_pieces(name: str, function) -> Iterator[Interval]:
    """The longest runs of pieces on which all points are within 8 ulp."""
    rng, answer = np.random.default_rng(0), asked(function)
    low = None
    for a, b in itertools.pairwise(CUTS):
        x = rng.uniform(a, b, POINTS)
        clean = all(
            before_mpmath(name, float(p), said).clean for p, said in zip(x, answer(x), strict=True)
        )
        if clean and low is None:
            low = a
        if not clean and low is not None:
            yield Interval(low, a)
            low = None
    if low is not None:
        yield Interval(low, CUTS[-1])


# Right by construction: name, function, domain, whether stop_gradient is declared.

REAL = Interval(-40.0, 40.0)
PAIR, ROW = Box((2,), REAL), Box((4,), REAL)

KINKED = {
    "relu": lambda x: jax.nn.relu(x),
    "abs": lambda x: jnp.abs(x),
    "clip": lambda x: jnp.clip(x, -1.0, 1.0),
    "maximum": lambda x: jnp.maximum(x, 0.5),
    "minimum": lambda x: jnp.minimum(x, -0.5),
    "leaky": lambda x: jax.nn.leaky_relu(x, 0.25),
    "dead zone": lambda x: jnp.maximum(jnp.abs(x) - 1.0, 0.0),
    "where": lambda x: jnp.where(x > 0, 2.0 * x, x),
}

INNER = {
    "x": lambda x: x,
    "2x": lambda x: 2.0 * x,
    "-x": lambda x: -x,
    "x + sin x": lambda x: x + jnp.sin(x),
    "x exp -x": lambda x: x * jnp.exp(-x / 8),
}

TIES = {
    "max of two": (lambda x, y: jnp.maximum(x, y), dict(x=REAL, y=REAL)),
    "min of two": (lambda x, y: jnp.minimum(x, y), dict(x=REAL, y=REAL)),
    "abs of a difference": (lambda x, y: jnp.abs(x - y), dict(x=REAL, y=REAL)),
    "max": (lambda x: jnp.max(x), dict(x=ROW)),
    "min": (lambda x: jnp.min(x), dict(x=ROW)),
    "sum of abs": (lambda x: jnp.abs(x).sum(), dict(x=ROW)),
    "sum of relu": (lambda x: jax.nn.relu(x).sum(), dict(x=ROW)),
    "largest two": (lambda x: lax.top_k(x, 2)[0].sum(), dict(x=ROW)),
    "sorted": (lambda x: jnp.sort(x), dict(x=PAIR)),
    "where of a tie": (lambda x, y: jnp.where(x > y, x, y), dict(x=REAL, y=REAL)),
}

STOPPED = {
    "straight through": lambda x: x + lax.stop_gradient(jnp.round(x) - x),
    "detached factor": lambda x: x * lax.stop_gradient(x),
    "detached sine": lambda x: jnp.sin(lax.stop_gradient(x)) + x,
    "detached scale": lambda x: x / lax.stop_gradient(1.0 + x * x),
    "detached sign": lambda x: x * lax.stop_gradient(jnp.sign(x)),
    "nothing left": lambda x: lax.stop_gradient(jnp.exp(x / 8)),
    "frozen target": lambda x: (x - lax.stop_gradient(jnp.cos(x))) ** 2,
    "detached max": lambda x: jnp.exp(x - lax.stop_gradient(jnp.maximum(x, 0.0))),
    "half": lambda x: 0.5 * x + 0.5 * lax.stop_gradient(x),
    "detached inside": lambda x: jnp.sin(x + lax.stop_gradient(x)),
}


class Made(NamedTuple):
    """A function that is right, and how it is to be examined."""

    fn: Callable[..., Any]
    domain: dict[str, Any]
    stopped: bool = False


def composed(outer, inner):
    """The outer function of the inner one."""
    return lambda x: outer(inner(x))


RIGHT: dict[str, Made] = {
    **{
        f"{k} of {i}": Made(composed(outer, inner), dict(x=REAL))
        for k, outer in KINKED.items()
        for i, inner in INNER.items()
    },
    **{name: Made(*made) for name, made in TIES.items()},
    **{name: Made(fn, dict(x=REAL), True) for name, fn in STOPPED.items()},
}
