"""The same functions in other libraries, called as our formulas are: who else computes this.

Only libraries that import take part; nothing here is needed by anything but the comparison of
accuracy. TensorFlow Probability takes part as its nightly package: the stable one doesn't import
with the versions of JAX that jaxmath needs, nor does distrax with it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.special as jss

from jaxmath.verify.family_counterparts import Outside, family_counterparts, in_torch


def _jax() -> Mapping[str, Mapping[str, Callable[..., Any]]]:
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
            "trigamma": functools.partial(jss.polygamma, 1),
            **{name: fn for name in SPECIAL if (fn := getattr(jss, name, None)) is not None},
        },
    }


SPECIAL = (
    *("ndtr", "log_ndtr", "ndtri", "erf", "erfc", "erfcx", "owens_t"),
    *("entr", "rel_entr", "kl_div", "xlogy", "xlog1py"),
    *("gammaln", "digamma", "polygamma", "betaln", "gammainc", "gammaincc", "betainc"),
    *("gammaincinv", "gammainccinv", "betaincc", "betaincinv", "betainccinv"),
)
"""Functions whose names are ours in several libraries."""


def _scipy():
    sc = importlib.import_module("scipy.special")
    functions = {name: fn for name in SPECIAL if (fn := getattr(sc, name, None)) is not None}
    functions |= {"sigmoid": sc.expit, "log_sigmoid": sc.log_expit}
    functions |= {"trigamma": functools.partial(sc.polygamma, 1)}
    functions |= {"lambertw": lambda x: sc.lambertw(x).real}
    return {"scipy": {name: Outside(fn) for name, fn in functions.items()}}


def _torch():
    torch = importlib.import_module("torch")
    sp, nn = torch.special, torch.nn.functional
    functions = {name: fn for name in SPECIAL if (fn := getattr(sp, name, None)) is not None}
    functions |= {"sigmoid": sp.expit, "log_sigmoid": nn.logsigmoid, "softplus": nn.softplus}
    functions |= {"tanh": torch.tanh, "relu": nn.relu, "gelu": nn.gelu, "log1p": torch.log1p}
    functions |= {"trigamma": functools.partial(sp.polygamma, 1)}
    return {"torch": {name: in_torch(fn) for name, fn in functions.items()}}


def _tfp():
    tm = importlib.import_module("tensorflow_probability.substrates.jax.math")
    return {
        "tfp": {
            "betaln": tm.lbeta,
            "betainc": tm.betainc,
            "betaincinv": tm.betaincinv,
            "erfcx": tm.erfcx,
            "gammaincinv": tm.igammainv,
            "gammainccinv": tm.igammacinv,
            "lambertw": tm.lambertw,
            "log1mexp": tm.log1mexp,
            "owens_t": tm.owens_t,
        }
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
            "soft_cross_entropy": optax.softmax_cross_entropy,
            "hinge": optax.losses.hinge_loss,
            "perceptron": optax.losses.perceptron_loss,
            "poly1": lambda z, label, epsilon: optax.losses.poly_loss_cross_entropy(
                z, jax.nn.one_hot(label, z.shape[-1], dtype=z.dtype), epsilon
            ),
            "crammer_singer": optax.losses.multiclass_hinge_loss,
            "multiclass_perceptron": optax.losses.multiclass_perceptron_loss,
            "sparsemax_loss": lambda logits, label: optax.losses.multiclass_sparsemax_loss(
                logits[None], label[None]
            )[0],
            "cosine_similarity": optax.cosine_similarity,
            "cosine_distance": optax.cosine_distance,
            "ctc": lambda logits, labels: optax.ctc_loss(
                logits[None],
                jnp.zeros((1, logits.shape[0]), logits.dtype),
                labels[None],
                jnp.zeros((1, labels.shape[0]), logits.dtype),
            )[0],
        }
    }


@functools.cache
def counterparts() -> dict[str, dict[str, Callable[..., Any] | Outside]]:
    """By the name of a formula, the same function in each library that is installed."""
    found = family_counterparts()
    for libraries in (_jax, _optax, _scipy, _torch, _tfp):
        try:
            tables = libraries()
        except ImportError:
            continue
        for library, functions in tables.items():
            for name, function in functions.items():
                found.setdefault(name, {})[library] = function
    return found
