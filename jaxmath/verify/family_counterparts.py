"""The functions of our families in other libraries: jax.scipy, SciPy, numpyro, TFP, distrax, torch.

A table says how each library is given our parameters; its methods have the same names for all
families. A library that does not import, and a method that a family lacks there, have no part in
it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from jaxmath import distributions
from jaxmath.distributions import Family
from jaxmath.distributions.contract import KINDS

Makers: TypeAlias = Mapping[str, Callable[..., Any]]


class Outside(NamedTuple):
    """A function that is not JAX's: of batches of arguments, and its slope in those at `places`."""

    value: Callable[..., np.ndarray]
    slopes: Callable[..., Sequence[np.ndarray]] | None = None


SCIPY: Mapping[str, tuple[str, Callable[..., tuple[Any, ...]]]] = {
    "bernoulli": ("bernoulli", lambda p: (p,)),
    "beta": ("beta", lambda a, b: (a, b)),
    "beta_binomial": ("betabinom", lambda n, a, b: (n, a, b)),
    "binomial": ("binom", lambda n, p: (n, p)),
    "cauchy": ("cauchy", lambda loc, scale: (loc, scale)),
    "chi2": ("chi2", lambda df: (df,)),
    "exponential": ("expon", lambda rate: (0.0, 1 / rate)),
    "f": ("f", lambda dfn, dfd: (dfn, dfd)),
    "gamma": ("gamma", lambda a, rate: (a, 0.0, 1 / rate)),
    "geometric": ("geom", lambda p: (p, -1)),
    "gumbel": ("gumbel_r", lambda loc, scale: (loc, scale)),
    "half_normal": ("halfnorm", lambda scale: (0.0, scale)),
    "inverse_gamma": ("invgamma", lambda a, scale: (a, 0.0, scale)),
    "laplace": ("laplace", lambda loc, scale: (loc, scale)),
    "log_normal": ("lognorm", lambda loc, scale: (scale, 0.0, np.exp(loc))),
    "logistic": ("logistic", lambda loc, scale: (loc, scale)),
    "negative_binomial": ("nbinom", lambda r, p: (r, p)),
    "normal": ("norm", lambda loc, scale: (loc, scale)),
    "pareto": ("pareto", lambda scale, a: (a, 0.0, scale)),
    "poisson": ("poisson", lambda rate: (rate,)),
    "student_t": ("t", lambda df, loc, scale: (df, loc, scale)),
    "uniform": ("uniform", lambda low, high: (low, high - low)),
    "von_mises": ("vonmises", lambda loc, k: (k, loc)),
    "weibull": ("weibull_min", lambda k, scale: (k, 0.0, scale)),
}
"""Of SciPy and jax.scipy.stats: the name there, and its arguments after x."""


def _numpyro() -> Makers:
    d = importlib.import_module("numpyro.distributions")
    return {
        "bernoulli": d.BernoulliProbs,
        "beta": d.Beta,
        "binomial": lambda n, p: d.BinomialProbs(p, n),
        "cauchy": d.Cauchy,
        "chi2": d.Chi2,
        "exponential": d.Exponential,
        "gamma": d.Gamma,
        "geometric": d.GeometricProbs,
        "gumbel": d.Gumbel,
        "half_normal": d.HalfNormal,
        "inverse_gamma": d.InverseGamma,
        "laplace": d.Laplace,
        "log_normal": d.LogNormal,
        "logistic": d.Logistic,
        "normal": d.Normal,
        "pareto": d.Pareto,
        "poisson": d.Poisson,
        "student_t": d.StudentT,
        "uniform": d.Uniform,
        "von_mises": d.VonMises,
        "weibull": lambda k, scale: d.Weibull(scale, k),
    }


def _tfp() -> Makers:
    d = importlib.import_module("tensorflow_probability.substrates.jax.distributions")
    return {
        "bernoulli": lambda p: d.Bernoulli(probs=p),
        "beta": d.Beta,
        "binomial": lambda n, p: d.Binomial(n, probs=p),
        "cauchy": d.Cauchy,
        "chi2": d.Chi2,
        "exponential": d.Exponential,
        "gamma": d.Gamma,
        "geometric": lambda p: d.Geometric(probs=p),
        "gumbel": d.Gumbel,
        "half_normal": d.HalfNormal,
        "inverse_gamma": d.InverseGamma,
        "laplace": d.Laplace,
        "log_normal": d.LogNormal,
        "logistic": d.Logistic,
        "normal": d.Normal,
        "pareto": lambda scale, a: d.Pareto(a, scale),
        "poisson": d.Poisson,
        "student_t": d.StudentT,
        "uniform": d.Uniform,
        "von_mises": d.VonMises,
        "weibull": d.Weibull,
    }


def _distrax() -> Makers:
    d = importlib.import_module("distrax")
    return {
        "bernoulli": lambda p: d.Bernoulli(probs=p),
        "beta": d.Beta,
        "gamma": d.Gamma,
        "gumbel": d.Gumbel,
        "laplace": d.Laplace,
        "logistic": d.Logistic,
        "normal": d.Normal,
        "uniform": d.Uniform,
        "von_mises": d.VonMises,
    }


def _torch() -> Makers:
    d = importlib.import_module("torch.distributions")
    return {
        "bernoulli": d.Bernoulli,
        "beta": d.Beta,
        "binomial": d.Binomial,
        "cauchy": d.Cauchy,
        "chi2": d.Chi2,
        "exponential": d.Exponential,
        "f": d.FisherSnedecor,
        "gamma": d.Gamma,
        "geometric": d.Geometric,
        "gumbel": d.Gumbel,
        "half_normal": d.HalfNormal,
        "inverse_gamma": d.InverseGamma,
        "laplace": d.Laplace,
        "log_normal": d.LogNormal,
        "normal": d.Normal,
        "pareto": d.Pareto,
        "poisson": d.Poisson,
        "student_t": d.StudentT,
        "uniform": d.Uniform,
        "von_mises": d.VonMises,
        "weibull": lambda k, scale, **kwargs: d.Weibull(scale, k, **kwargs),
    }


_STATS = dict(cdf="cdf", log_cdf="logcdf", sf="sf", log_sf="logsf", quantile="ppf", isf="isf")
_STATS |= dict(entropy="entropy", mean="mean", variance="var", std="std", median="median")
_TORCH = dict(log_prob="log_prob", cdf="cdf", quantile="icdf", entropy="entropy")
_TORCH |= dict(mean="mean", variance="variance")
_TFP = dict(log_prob="log_prob", prob="prob", cdf="cdf", log_cdf="log_cdf", quantile="quantile")
_TFP |= dict(sf="survival_function", log_sf="log_survival_function", kl="kl_divergence")
_TFP |= dict(entropy="entropy", mean="mean", variance="variance", std="stddev")
_OBJECTS = (
    ("numpyro", _numpyro, _TORCH),
    ("tfp", _tfp, _TFP),
    ("distrax", _distrax, {ours: name for ours, name in _TFP.items() if ours != "quantile"}),
    ("torch", _torch, _TORCH),
)


def _of_module(library: str, family: Family, function: str):
    """A function of `scipy.stats` or of its like; None where it has none."""
    there, order = SCIPY.get(family.name, ("", tuple))
    density = "pmf" if family.discrete else "pdf"
    name = {**_STATS, "log_prob": f"log{density}", "prob": density}.get(function, "")
    module = importlib.import_module(f"{library}.stats")
    method = getattr(getattr(module, there, None), name, None)
    count = 1 if KINDS[function].takes else 0
    return method and (lambda *args: method(*args[:count], *order(*args[count:])))


def _of_object(maker, family: Family, function: str, name: str):
    """A method, or a number, of an object that is made of the parameters."""
    takes, count = KINDS[function].takes, len(family.parameters)

    def called(*args):
        if takes == "q":
            return getattr(maker(*args[:count]), name)(maker(*args[count:]))
        before, params = (args[:1], args[1:]) if takes else ((), args)
        found = getattr(maker(*params), name)
        return found(*before) if callable(found) else found

    return called


def in_torch(function) -> Outside:
    """A function of tensors as one of arrays, its slopes by reverse mode."""
    torch = importlib.import_module("torch")

    def value(*args):
        with torch.no_grad():
            return function(*map(torch.as_tensor, args)).numpy()

    def slopes(places, *args):
        tensors = [torch.as_tensor(arg) for arg in args]
        moved = [tensors[place].requires_grad_() for place in places]
        answer = function(*tensors)
        found: Sequence[Any] = [None] * len(moved)
        if answer.requires_grad:
            found = torch.autograd.grad(answer.sum(), moved, allow_unused=True)
        return [np.zeros(answer.shape) if s is None else s.numpy() for s in found]

    return Outside(value, slopes)


def family_counterparts() -> dict[str, dict[str, Callable[..., Any] | Outside]]:
    """By name, such as "normal.cdf", the same function in each library, of all that we write."""
    found: dict[str, dict[str, Callable[..., Any] | Outside]] = {}
    functions = [
        (family, function, found.setdefault(f"{family.name}.{function}", {}))
        for family in distributions.FAMILIES
        for function in KINDS
        if family.origin(function) == "own"
    ]
    for library in ("jax.scipy", "scipy"):
        for family, function, others in functions:
            if (fn := _of_module(library, family, function)) is not None:
                others[library] = Outside(fn) if library == "scipy" else fn
    for library, makers, names in _OBJECTS:
        try:
            made = makers()
        except ImportError:
            continue
        for family, function, others in functions:
            if family.name in made and function in names:
                maker = made[family.name]
                if library == "torch":
                    maker = functools.partial(maker, validate_args=False)
                fn = _of_object(maker, family, function, names[function])
                others[library] = in_torch(fn) if library == "torch" else fn
    return {name: others for name, others in found.items() if others}
