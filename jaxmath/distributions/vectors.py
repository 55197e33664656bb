r"""What families of vectors and matrices share: batches, and the functions that they cannot have.

Each function is written for one example, a value and its parameters as vectors and matrices, and
lifted to batches of them whose leading axes broadcast against each other. A record states its
domains for one small size; the functions take any.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

from jaxmath.distributions.shapes import batched, float_dtype
from jaxmath.typing import Real

if TYPE_CHECKING:
    Given: TypeAlias = Array
else:
    Given = Real
"""An argument of a function that is `lifted`: any real numbers, of which that makes an array."""

NO_ORDER = "values of several entries have no order."
NO_SUM = "no closed form for an integral over vectors is recorded."
NO_ORTHANT = "the probability that no entry exceeds its own has no closed form."
ONE_VARIABLE = "a number of one variable; vectors have a tensor in its place."

WITHOUT_ORDER: dict[str, str] = {
    **dict.fromkeys(("quantile", "isf", "sf", "log_sf", "median"), NO_ORDER),
    **dict.fromkeys(("cdf", "log_cdf"), NO_ORTHANT),
    **dict.fromkeys(("skewness", "kurtosis"), ONE_VARIABLE),
    **dict.fromkeys(("jensen_shannon", "squared_wasserstein"), NO_SUM),
}
"""What a family of vectors doesn't have, unless it has it."""

UNRECORDED: dict[str, str] = dict.fromkeys(
    ("mean", "mode", "median", "variance", "std"),
    "an array, compared with its definition and in batches by tests of its own",
) | {"prob": "the exponential of `log_prob`, which is compared"}
"""Functions that are arrays, of which there is no formula; and the density."""


def lifted(*ranks: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Lift a function of one example, whose arguments have these ranks, to batches of them.

    The result drops a leading underscore of the name. It raises a ValueError for an argument with
    fewer axes than one example of it has.
    """

    def lift(fn):
        many = jax.jit(batched(fn, ranks))
        signature = inspect.signature(fn)
        name = fn.__name__.lstrip("_")

        @functools.wraps(fn)
        def function(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            given = [jnp.asarray(arg) for arg in bound.args]
            dtype = jnp.result_type(*given)
            if not jnp.issubdtype(dtype, jnp.floating):
                dtype = jnp.result_type(float)
            given = [arg.astype(dtype) for arg in given]
            for arg, rank in zip(given, ranks, strict=True):
                if arg.ndim < rank:
                    raise ValueError(
                        f"{name} needs an argument of {rank} axes, got the shape {arg.shape}."
                    )
            if all(arg.ndim == rank for arg, rank in zip(given, ranks, strict=True)):
                return fn(*given)
            return many(*given)

        function.__name__ = function.__qualname__ = name
        return cast(Any, function)

    return lift


def batch_of(shape: tuple[int, ...], params, ranks) -> tuple[Any, ...]:
    """Parameters for `shape` draws of each, broadcast to their common batch shape after that."""
    params = [jnp.asarray(param) for param in params]
    pairs = list(zip(params, ranks, strict=True))
    batch = jnp.broadcast_shapes(*(param.shape[: param.ndim - rank] for param, rank in pairs))
    dtype = float_dtype(*params)
    full = ((*shape, *batch, *param.shape[param.ndim - rank :]) for param, rank in pairs)
    return tuple(
        jnp.broadcast_to(param, size).astype(dtype)
        for param, size in zip(params, full, strict=True)
    )


def jacobian(score: Callable[..., Any]) -> Callable[..., Any]:
    """The derivatives of a score of one example in all parameters, as a matrix over all entries."""

    def hessian(x, *params):
        flat, unravel = ravel_pytree(tuple(params))
        return jax.jacfwd(lambda flat: ravel_pytree(score(x, *unravel(flat)))[0])(flat)

    return hessian


def exponential(log_prob: Callable[..., Any]) -> Callable[..., Any]:
    """The function `prob` of the same arguments as `log_prob`."""

    @functools.wraps(log_prob)
    def prob(*args, **kwargs):
        return jnp.exp(log_prob(*args, **kwargs))

    prob.__name__ = prob.__qualname__ = "prob"
    prob.__doc__ = "The density, or the probability of a value of a discrete family."
    return prob
