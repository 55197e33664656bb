"""The same functions in other libraries, called as our formulas are: who else computes this.

Only libraries that import take part; nothing here is needed by anything but the comparison of
accuracy. A name that a version of a library lacks is left out.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jss
import jax.scipy.stats as jstats


def _jax() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    norm, bernoulli = jstats.norm, jstats.bernoulli
    return {
        "jax.nn": {
            "sigmoid": jax.nn.sigmoid,
            "relu": jax.nn.relu,
            "softplus": jax.nn.softplus,
            "gelu": functools.partial(jax.nn.gelu, approximate=False),
            "log_sigmoid": jax.nn.log_sigmoid,
            "softmax": jax.nn.softmax,
            "log_softmax": jax.nn.log_softmax,
            "logsumexp": jax.nn.logsumexp,
        },
        "jax.numpy": {
            "tanh": jnp.tanh,
            "log1p": jnp.log1p,
            "absolute_error": jnp.abs,
            "squared_error": jnp.square,
        },
        "jax.scipy": {
            "sigmoid": jss.expit,
            "logsumexp": jss.logsumexp,
            "ndtr": jss.ndtr,
            "log_ndtr": jss.log_ndtr,
            "ndtri": jss.ndtri,
            **({"erfcx": jss.erfcx} if hasattr(jss, "erfcx") else {}),
            "normal.log_prob": norm.logpdf,
            "normal.prob": norm.pdf,
            "normal.cdf": norm.cdf,
            "normal.log_cdf": norm.logcdf,
            "normal.sf": norm.sf,
            "normal.log_sf": norm.logsf,
            "normal.quantile": norm.ppf,
            "normal.isf": norm.isf,
            "bernoulli.log_prob": bernoulli.logpmf,
            "bernoulli.prob": bernoulli.pmf,
            "bernoulli.cdf": bernoulli.cdf,
        },
    }


def _optax():
    optax = importlib.import_module("optax")
    return {
        "optax": {
            "squared_error": optax.squared_error,
            "huber": lambda residual, delta: optax.huber_loss(residual, delta=delta),
            "log_cosh": optax.log_cosh,
            "logistic": optax.sigmoid_binary_cross_entropy,
            "softmax_cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
            "hinge": optax.hinge_loss,
        }
    }


def _numpyro():
    d = importlib.import_module("numpyro.distributions")
    return {"numpyro": _families(d.Normal, d.BernoulliProbs, quantile="icdf")}


def _distrax():
    d = importlib.import_module("distrax")
    bernoulli = lambda probability: d.Bernoulli(probs=probability)  # noqa: E731
    return {"distrax": _families(d.Normal, bernoulli, entropy="entropy", kl="kl_divergence")}


def _tensorflow_probability():
    d = importlib.import_module("tensorflow_probability.substrates.jax").distributions
    bernoulli = lambda probability: d.Bernoulli(probs=probability)  # noqa: E731
    names = dict(quantile="quantile", entropy="entropy", kl="kl_divergence")
    return {"TFP": _families(d.Normal, bernoulli, **names)}


def _families(normal, bernoulli, quantile="", entropy="", kl=""):
    """Methods of distribution objects as functions of their parameters."""
    methods = dict(log_prob="log_prob", prob="prob", cdf="cdf", log_cdf="log_cdf")
    methods |= {"sf": "survival_function", "log_sf": "log_survival_function"}
    methods |= {"quantile": quantile} if quantile else {}
    found: dict[str, Callable[..., Any]] = {}
    for name, method in methods.items():
        if hasattr(normal, method):
            found[f"normal.{name}"] = functools.partial(_normal_at, normal, method)
    if hasattr(normal, "log_prob"):
        found["bernoulli.log_prob"] = lambda x, probability: bernoulli(probability).log_prob(x)
    if entropy:
        found["normal.entropy"] = lambda loc, scale: getattr(normal(loc, scale), entropy)()
        found["bernoulli.entropy"] = lambda probability: getattr(bernoulli(probability), entropy)()
    if kl:
        found["normal.kl"] = lambda loc, scale, loc_q, scale_q: getattr(normal(loc, scale), kl)(
            normal(loc_q, scale_q)
        )
    return found


def _normal_at(normal, method, x, loc, scale):
    return getattr(normal(loc, scale), method)(x)


@functools.cache
def counterparts() -> dict[str, dict[str, Callable[..., Any]]]:
    """By the name of a formula, the same function in each library that is installed."""
    found: dict[str, dict[str, Callable[..., Any]]] = {}
    for libraries in (_jax, _optax, _numpyro, _distrax, _tensorflow_probability):
        try:
            tables = libraries()
        except ImportError:
            continue
        for library, functions in tables.items():
            for name, function in functions.items():
                found.setdefault(name, {})[library] = function
    return found
