r"""What a positive answer of a medical test says, and how fast that changes with the prevalence.

Bayes' theorem gives $\mathrm{PPV} = s\pi / (s\pi + (1 - c)(1 - \pi))$ for sensitivity $s$,
specificity $c$ and prevalence $\pi$. Answers in a row multiply the odds, one after the other or all
at once.
"""

from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from pydantic import Field

from jaxmath import inference
from jaxmath.formula import Source
from jaxmath.runs import Axis, Claim, Fault, Line, Plot, Result

TOPICS = ("P3",)
ALTMAN = Source("altman1994predictive")
CASELLA = Source("casella2002inference", "section 1.3")
SLOPES = ("prevalence", "sensitivity", "specificity")


@dataclass(frozen=True)
class Config:
    """A test, and how many prevalences and positive answers to try."""

    sensitivity: Annotated[float, Field(gt=0, lt=1)] = 0.9
    specificity: Annotated[float, Field(gt=0, lt=1)] = 0.95
    points: Annotated[int, Field(ge=3)] = 99
    answers: Annotated[int, Field(ge=1)] = 5


def load(config: Config) -> np.ndarray:
    """The prevalences."""
    return np.linspace(0, 1, config.points + 2)[1:-1]


def measure(config: Config, data: np.ndarray, key) -> dict:
    """The predictive value, its slopes by hand and by JAX, and the odds after several answers."""
    del key
    s, c = jnp.asarray(config.sensitivity), jnp.asarray(config.specificity)
    at = (jnp.asarray(data), jnp.full_like(data, s), jnp.full_like(data, c))
    plain = inference.PPV.plain  # without the rule that the slopes by hand are
    assert plain is not None
    by_jax = jax.vmap(jax.grad(plain, (0, 1, 2)))(*at)
    prior = jnp.stack([at[0], 1 - at[0]], -1)
    likelihood = jnp.stack([s, 1 - c])[None]
    belief = prior
    for _ in range(config.answers):
        belief = inference.bayes(belief, likelihood)
    return dict(
        ppv=inference.ppv(*at),
        once=inference.bayes(prior, likelihood)[:, 0],
        by_hand=jnp.stack([inference.PPV.partials[name](*at) for name in SLOPES]),
        by_jax=jnp.stack(by_jax),
        sequential=belief[:, 0],
        batch=inference.bayes(prior, likelihood**config.answers)[:, 0],
    )


def _scaled(name: str):
    return lambda measured: {**measured, name: measured[name] * (1 + 1e-6)}


def judge(config: Config, data: np.ndarray, measured) -> Result:
    """Hold each way against the other."""

    def equal(name, statement, one, other, source=CASELLA):
        return Claim(
            name=name,
            statement=statement,
            measured=measured[one] / measured[other],
            relation="=",
            expected=1.0,
            tolerance=1e-11,
            source=source,
            breaks_if=Fault("off by one part in a million", _scaled(one)),
        )

    claims = (
        equal("ppv_is_bayes", "The predictive value is Bayes' theorem.", "ppv", "once", ALTMAN),
        equal("slopes_equal_autodiff", "Slopes by hand equal those of JAX.", "by_hand", "by_jax"),
        equal(
            "sequential_equals_batch",
            "Answers taken one by one lead where all at once lead.",
            "sequential",
            "batch",
        ),
    )
    return Result(claims, (), {"ppv": measured["ppv"], "prevalence": data})


def draw(result: Result) -> tuple[Plot, ...]:
    """The predictive value over the prevalence."""
    values = np.asarray(result.series["ppv"])
    prevalence = np.asarray(result.series["prevalence"])
    lanes = values.reshape(-1, values.shape[-1])
    return (
        Plot(
            name="ppv",
            title="A rare disease makes a positive answer worth little",
            alt="The positive predictive value over the prevalence: a steep rise from zero, then "
            "a flat approach to one.",
            x=Axis("prevalence", "probability", "linear"),
            y=Axis("positive predictive value", "probability", "linear"),
            lines=tuple(Line(f"test {i + 1}", prevalence, row) for i, row in enumerate(lanes)),
        ),
    )
