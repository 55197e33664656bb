"""The same functions in other libraries, called as our formulas are: who else computes this.

Only libraries that import take part; nothing here is needed by anything but the comparison of
accuracy. Distrax and TensorFlow Probability are missing since they do not import with the versions
of JAX that jaxmath needs.
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
    normal, bernoulli = d.Normal, d.BernoulliProbs
    return {
        "numpyro": {
            "normal.log_prob": lambda x, loc, scale: normal(loc, scale).log_prob(x),
            "normal.cdf": lambda x, loc, scale: normal(loc, scale).cdf(x),
            "normal.log_cdf": lambda x, loc, scale: normal(loc, scale).log_cdf(x),
            "normal.quantile": lambda p, loc, scale: normal(loc, scale).icdf(p),
            "normal.entropy": lambda loc, scale: normal(loc, scale).entropy(),
            "bernoulli.log_prob": lambda x, probability: bernoulli(probability).log_prob(x),
            "bernoulli.entropy": lambda probability: bernoulli(probability).entropy(),
        }
    }


@functools.cache
def counterparts() -> dict[str, dict[str, Callable[..., Any]]]:
    """By the name of a formula, the same function in each library that is installed."""
    found: dict[str, dict[str, Callable[..., Any]]] = {}
    for libraries in (_jax, _optax, _numpyro):
        try:
            tables = libraries()
        except ImportError:
            continue
        for library, functions in tables.items():
            for name, function in functions.items():
                found.setdefault(name, {})[library] = function
    return found
