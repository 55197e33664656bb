"""What functions of ours mean that rest on a fit, a truncated series or a rule of integration.

They live here, by module and name, so that those rooms know nothing of python-flint.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from jaxmath.exact import (
    bessel,
    gamma,
    incomplete,
    integrals,
    inverse,
    lambert,
    normal,
    truncated_normal,
)
from jaxmath.exact import functions as fn
from jaxmath.exact import gamma_kin as kin
from jaxmath.exact.ball import arb
from jaxmath.exact.meanings import Twin


def _log_shares(a, b, x, y):
    return fn.log(incomplete.incomplete_beta_shares(a, b, x, y))


def _turned(function):
    """What a function of both shapes and both shares is, seen from the other end."""
    return lambda a, b, x, y: function(b, a, y, x)


def _dirichlet(x, concentration):
    """By the gamma functions themselves: what cancels in a slope leaves nothing, as series do."""
    powers = sum((a - 1) * fn.log(one) for one, a in zip(x, concentration, strict=True))
    return powers - sum(map(gamma.lgamma, concentration)) + gamma.lgamma(sum(concentration))


OUTPUTS = {"betaincinv_shares": 2, "betainccinv_shares": 2}
"""Of the calls that have several results."""

WHOLE = {_dirichlet}
"""The meanings that take arrays, not elements."""

MEANINGS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "jaxmath.special.normal_tail": {
        "density": normal.density,
        "erfcx": normal.erfcx,
        "first_moment": normal.first_moment,
        "inverse_mills": normal.inverse_mills,
        "inverse_mills_dz": normal.inverse_mills_dz,
        "log_ndtr": normal.log_ndtr,
        "mills_ratio": normal.mills_ratio,
        "ndtr": normal.ndtr,
        "ndtri": normal.ndtri,
        "ndtri_dp": normal.ndtri_dp,
        "second_moment": normal.second_moment,
    },
    "jaxmath.special.bessel": {
        "bessel_ratio": bessel.ratio,
        "bessel_ratio_complement": bessel.complement,
        "bessel_ratio_dx": bessel.ratio_dx,
        "bessel_ratio_dx_dx": bessel.ratio_dx_dx,
        "bessel_ratio_inverse": bessel.ratio_inverse,
        "bessel_ratio_inverse_dr": bessel.ratio_inverse_dr,
        "i0e": bessel.i0e,
        "log_i0": bessel.log_i0,
        "log_i0e": bessel.log_i0e,
        "ratio_times": lambda factor, x: factor * bessel.ratio(x),
        "slope_times": lambda factor, x: factor * bessel.ratio_dx(x),
    },
    "jaxmath.special.bessel_divergence": {
        "bessel_ratio_difference": bessel.ratio_difference,
        "log_i0_divergence": bessel.log_i0_divergence,
        "log_i0_divergence_da": lambda a, b: (a - b) * bessel.ratio_dx(a),
    },
    "jaxmath.distributions.dirichlet": {"log_prob": _dirichlet},
    "jaxmath.distributions.truncated_normal": {
        "log_prob_plain": truncated_normal.log_prob,
        "prob_plain": truncated_normal.prob,
    },
    "jaxmath.special.error_function": {
        "erf": fn.erf,
        "erf_dx": lambda x: fn.exp(-x * x) * (2 / arb.pi().sqrt()),
        "erfc": fn.erfc,
        "log_erfc": normal.log_erfc,
    },
    "jaxmath.special.lambert": {
        "lambertw": lambert.principal,
        "lambertw_dx": lambert.principal_dx,
        "lambertw_minus1": lambert.lower,
        "lambertw_minus1_dx": lambert.lower_dx,
        "lower_rest": lambda x: 1 + lambert.lower(x),
        "principal_rest": lambda x: 1 + lambert.principal(x),
    },
    "jaxmath.special.owen": {"owens_t": integrals.owens_t},
    "jaxmath.special.polygamma": {"polygamma": gamma.polygamma},
    "jaxmath.special.rectified": {"gelu": normal.gelu, "gelu_dx": normal.gelu_dx},
    "jaxmath.special.hyperbolic": {"tanh": fn.tanh},
    "jaxmath.special.logarithm": {"log1p": fn.log1p, "log1p_gap": lambda x: x - fn.log1p(x)},
    "jaxmath.special.gamma": {
        "betaln": kin.betaln,
        "betaln_da": kin.betaln_da,
        "betaln_da_da": kin.betaln_da_da,
        "digamma": gamma.digamma,
        "digamma_difference": kin.along_step(gamma.digamma),
        "gammaln": gamma.lgamma,
        "gammaln_difference": kin.along_step(gamma.lgamma),
        "stirling_error": kin.stirling_error,
        "stirling_error_dx": kin.stirling_error_dx,
        "stirling_error_gap": kin.stirling_error_gap,
        "stirling_error_gap_dx": kin.stirling_error_gap_dx,
        "stirling_error_gap_dy": kin.stirling_error_gap_dy,
        "trigamma": kin.trigamma,
        "trigamma_difference": kin.along_step(kin.trigamma),
        "trigamma_dx": kin.trigamma_dx,
    },
    "jaxmath.special.gamma_twice": {
        "digamma_twice": kin.twice(gamma.digamma),
        "gammaln_twice": kin.twice(gamma.lgamma),
        "trigamma_twice": kin.twice(kin.trigamma),
    },
    "jaxmath.special.gamma_half_step": {
        "log_half_step": lambda h: gamma.lgamma(h + 0.5) - gamma.lgamma(h) - fn.log(h) / 2,
        "log_half_step_dh": lambda h: gamma.digamma(h + 0.5) - gamma.digamma(h) - 1 / (2 * h),
    },
    "jaxmath.special.incomplete_gamma": {
        "gammainc": incomplete.igamma,
        "gammaincc": incomplete.igammac,
        "gammainc_dx": kin.gammainc_dx,
        "gammainc_dx_da": kin.gammainc_dx_da,
        "gammainc_dx_dx": kin.gammainc_dx_dx,
        "log_gammainc": lambda a, x: fn.log(incomplete.igamma(a, x)),
        "log_gammaincc": lambda a, x: fn.log(incomplete.igammac(a, x)),
    },
    "jaxmath.special.incomplete_beta": {
        "betainc": incomplete.incomplete_beta,
        "betainc_shares": incomplete.incomplete_beta_shares,
        "betaincc": incomplete.incomplete_beta_complement,
        "betaincc_shares": _turned(incomplete.incomplete_beta_shares),
        "betainc_dx": kin.betainc_dx,
        "betainc_dx_da": kin.betainc_dx_da,
        "betainc_dx_db": lambda a, b, x: kin.betainc_dx_da(b, a, 1 - x),
        "betainc_dx_dx": kin.betainc_dx_dx,
        "log_betainc": lambda a, b, x: fn.log(incomplete.incomplete_beta(a, b, x)),
        "log_betainc_shares": _log_shares,
        "log_betaincc": lambda a, b, x: fn.log(incomplete.incomplete_beta_complement(a, b, x)),
        "log_betaincc_shares": _turned(_log_shares),
    },
    "jaxmath.special.inverse_gamma": {
        "gammaincinv": inverse.gammaincinv,
        "gammainccinv": inverse.gammainccinv,
    },
    "jaxmath.special.inverse_beta": {
        "betaincinv": inverse.betaincinv,
        "betainccinv": inverse.betainccinv,
        "betaincinv_shares": inverse.betaincinv_shares,
        "betainccinv_shares": inverse.betainccinv_shares,
    },
}


def meaning_of(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The meaning of a function of this library on elements; None where the program is it."""
    inner = getattr(function, "__wrapped__", function)
    names = MEANINGS.get(getattr(inner, "__module__", ""), {})
    return names.get(getattr(inner, "__name__", "").lstrip("_"))


def _twins() -> tuple[Twin, ...]:
    found = []
    for module, names in MEANINGS.items():
        place = module.replace(".", "/") + ".py"
        for name, meaning in names.items():
            arity = len(inspect.signature(meaning).parameters)
            outputs = OUTPUTS.get(name, 1)
            found.append(
                Twin(
                    *(name, meaning, arity, place, meaning in WHOLE),
                    order_matters=arity > 1,
                    outputs=outputs,
                )
            )
    return tuple(found)


def stale() -> list[str]:
    """Names in the table that the library no longer has."""
    return [
        f"{module}.{name}"
        for module, names in MEANINGS.items()
        for name in names
        if not {name, f"_{name}"} & set(vars(importlib.import_module(module)))
    ]


TWINS = _twins()
