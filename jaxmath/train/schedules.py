"""How the learning rate changes over a run: factors of it, as functions of progress in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.typing import Real


def constant(progress: Real) -> Float[Array, "..."]:
    """One throughout."""
    return jnp.ones_like(progress)


def linear(progress: Real, final: Real = 0.0) -> Float[Array, "..."]:
    """A straight line from one to `final`."""
    return 1 + (jnp.asarray(final) - 1) * progress


def cosine(progress: Real, final: Real = 0.0) -> Float[Array, "..."]:
    """Half a cosine wave from one to `final` (Loshchilov and Hutter 2017, eq. 5)."""
    final = jnp.asarray(final)
    return final + (1 - final) * (1 + jnp.cos(jnp.pi * jnp.asarray(progress))) / 2


def exponential(progress: Real, final: Real = 0.01) -> Float[Array, "..."]:
    """A constant ratio from step to step, from one to `final` > 0."""
    return jnp.asarray(final) ** progress


def inverse_time(progress: Real, decay: Real = 9.0) -> Float[Array, "..."]:
    """1 / (1 + decay * progress), the rate of Robbins and Monro's conditions."""
    return 1 / (1 + jnp.asarray(decay) * progress)


def warmup_cosine(progress: Real, warmup: Real = 0.1, final: Real = 0.0) -> Float[Array, "..."]:
    """A straight line from zero during the first `warmup` in (0, 1), then a cosine to `final`."""
    progress, warmup = jnp.asarray(progress), jnp.asarray(warmup)
    rest = jnp.clip((progress - warmup) / (1 - warmup), 0.0, 1.0)
    return jnp.where(progress < warmup, progress / warmup, cosine(rest, final))


SCHEDULES = (constant, linear, cosine, exponential, inverse_time, warmup_cosine)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Schedule:
    """A callable pytree `step -> factor`: a function of progress, spread over `steps` steps.

    The first step has progress zero; from `steps` on, progress is one.
    """

    function: Callable[..., Any] = field(metadata={"static": True})
    steps: Any
    args: dict[str, Any] = field(default_factory=dict)

    def __call__(self, step) -> Float[Array, ""]:
        """The factor of the learning rate at one step."""
        progress = jnp.minimum(jnp.asarray(step) / jnp.maximum(self.steps, 1), 1.0)
        return self.function(progress, **self.args)
