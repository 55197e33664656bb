r"""What the answer of a medical test is worth: predictive values and likelihood ratios.

Prevalence, sensitivity and specificity are probabilities in (0, 1). Both predictive values are one
function, the share $h u / (h u + m v)$ of right answers among equal ones, for a group u that gives
this answer at the rate h, and the other group v = 1 - u that gives it at the rate m.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import OPEN_UNIT
from jaxmath.formula import Decreasing, Formula, Increasing, Source, with_rule
from jaxmath.typing import Real

ALTMAN = Source("altman1994predictive")


def _answers(u, v, h, m):
    """The share of the people who give this answer."""
    return h * u + m * v


def _share(u, v, h, m):
    return h * (u / _answers(u, v, h, m))


def _share_du(u, v, h, m):
    """By u, where v = 1 - u."""
    once = 1 / _answers(u, v, h, m)  # of (h / d) (m / d) XLA makes h m / (d d), which underflows
    return (h * once) * (m * once)


def _parts(factor, u, v, d):
    """The factor times u v / d^2; the larger part first, since the other might underflow."""
    return (factor * (jnp.maximum(u, v) / d)) * (jnp.minimum(u, v) / d)


def _share_dh(u, v, h, m):
    return _parts(m, u, v, _answers(u, v, h, m))


def _share_dm(u, v, h, m):
    return -_parts(h, u, v, _answers(u, v, h, m))


def _share_du_du(u, v, h, m):
    return -2 * _share_du(u, v, h, m) * ((h - m) / _answers(u, v, h, m))


def _balance(u, v, h, m):
    """Wrong less right answers, as a share of all."""
    return (m * v - h * u) / _answers(u, v, h, m)


def _share_du_dh(u, v, h, m):
    once = 1 / _answers(u, v, h, m)
    return (m * once) * (_balance(u, v, h, m) * once)


def _share_du_dm(u, v, h, m):
    once = 1 / _answers(u, v, h, m)
    return -(h * once) * (_balance(u, v, h, m) * once)


def _share_dh_dh(u, v, h, m):
    return -2 * _share_dh(u, v, h, m) * (u / _answers(u, v, h, m))


def _share_dh_dm(u, v, h, m):
    d = _answers(u, v, h, m)
    return -(u / d) * (v / d) * _balance(u, v, h, m)


def _share_dm_dm(u, v, h, m):
    return -2 * _share_dm(u, v, h, m) * (v / _answers(u, v, h, m))


def _positive(fn, sign=1):
    """The same of those with the disease among positive answers."""
    return lambda prevalence, sensitivity, specificity: (
        sign * fn(prevalence, 1 - prevalence, sensitivity, 1 - specificity)
    )


def _negative(fn, sign=1):
    """The same of those without the disease among negative answers."""
    return lambda prevalence, sensitivity, specificity: (
        sign * fn(1 - prevalence, prevalence, specificity, 1 - sensitivity)
    )


def _ruled(fn, name, seconds):
    """A slope by its own slopes: plain differentiation cancels where a test hardly errs."""
    slopes = {
        other: seconds[(name, other) if (name, other) in seconds else (other, name)]
        for other in ("prevalence", "sensitivity", "specificity")
    }
    return with_rule(fn, **slopes)


def _ppv(prevalence: Real, sensitivity: Real, specificity: Real) -> Float[Array, "..."]:
    """The positive predictive value: the probability of the disease after a positive answer."""
    p, s, c = (jnp.asarray(x) for x in (prevalence, sensitivity, specificity))
    return _share(p, 1 - p, s, 1 - c)


def _npv(prevalence: Real, sensitivity: Real, specificity: Real) -> Float[Array, "..."]:
    """The negative predictive value: the probability of no disease after a negative answer."""
    p, s, c = (jnp.asarray(x) for x in (prevalence, sensitivity, specificity))
    return _share(1 - p, p, c, 1 - s)


_TEST = dict(prevalence=OPEN_UNIT, sensitivity=OPEN_UNIT, specificity=OPEN_UNIT)

_PPV_SECONDS = {
    ("prevalence", "prevalence"): _positive(_share_du_du),
    ("prevalence", "sensitivity"): _positive(_share_du_dh),
    ("prevalence", "specificity"): _positive(_share_du_dm, -1),
    ("sensitivity", "sensitivity"): _positive(_share_dh_dh),
    ("sensitivity", "specificity"): _positive(_share_dh_dm, -1),
    ("specificity", "specificity"): _positive(_share_dm_dm),
}
_PPV = dict(
    prevalence=_ruled(_positive(_share_du), "prevalence", _PPV_SECONDS),
    sensitivity=_ruled(_positive(_share_dh), "sensitivity", _PPV_SECONDS),
    specificity=_ruled(_positive(_share_dm, -1), "specificity", _PPV_SECONDS),
)
ppv = with_rule(_ppv, **_PPV)

PPV = Formula(
    fn=ppv,
    plain=_ppv,
    domain=_TEST,
    partials=_PPV,
    seconds=_PPV_SECONDS,
    facts=(Increasing("prevalence"), Increasing("sensitivity"), Increasing("specificity")),
    tex=r"\mathrm{PPV} = \frac{s \pi}{s \pi + (1 - c)(1 - \pi)}",
    source=ALTMAN,
    topic="P3",
)

_NPV_SECONDS = {
    ("prevalence", "prevalence"): _negative(_share_du_du),
    ("prevalence", "sensitivity"): _negative(_share_du_dm),
    ("prevalence", "specificity"): _negative(_share_du_dh, -1),
    ("sensitivity", "sensitivity"): _negative(_share_dm_dm),
    ("sensitivity", "specificity"): _negative(_share_dh_dm, -1),
    ("specificity", "specificity"): _negative(_share_dh_dh),
}
_NPV = dict(
    prevalence=_ruled(_negative(_share_du, -1), "prevalence", _NPV_SECONDS),
    sensitivity=_ruled(_negative(_share_dm, -1), "sensitivity", _NPV_SECONDS),
    specificity=_ruled(_negative(_share_dh), "specificity", _NPV_SECONDS),
)
npv = with_rule(_npv, **_NPV)

NPV = Formula(
    fn=npv,
    plain=_npv,
    domain=_TEST,
    partials=_NPV,
    seconds=_NPV_SECONDS,
    facts=(Decreasing("prevalence"), Increasing("sensitivity"), Increasing("specificity")),
    tex=r"\mathrm{NPV} = \frac{c (1 - \pi)}{c (1 - \pi) + (1 - s) \pi}",
    source=ALTMAN,
    topic="P3",
)

MEDICAL_TEST = (PPV, NPV)
