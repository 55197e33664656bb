"""Reported cases: functions of JAX and optax whose value or slope is wrong at some input.

`data/derivative_cases.json` holds the code, the domain that a user would name, the truth and the
public reports; what is a matter of convention is left out.
"""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

from jaxmath import domains
from jaxmath.domains import Box, Choices, Interval
from jaxmath.verify import Verdict, examine

CASES = json.loads((Path(__file__).parent / "data" / "derivative_cases.json").read_text())
NAMED = {name: getattr(domains, name.upper()) for name in
         ("real", "positive", "nonnegative", "unit", "open_unit")}  # fmt: skip


def domain_of(words):
    """`real|inf^2`, `positive`, `(1,inf)`, `{0,1}^2`."""
    name, _, size = words.partition("^")
    name, *extra = name.split("|")
    if name in NAMED:
        found = NAMED[name]
    elif name.startswith("{"):
        found = Choices(tuple(map(float, name.strip("{}").split(","))))
    else:
        found = Interval(*map(float, name.strip("()").split(",")))
    if extra:
        found = dataclasses.replace(found, extra=tuple(map(float, extra)))
    return Box(tuple(map(int, size.split("x"))), found) if size else found


def function_of(case):
    names = ", ".join(case["domain"])
    code = eval(f"lambda {names}: {case['code']}", dict(jax=jax, jnp=jnp, optax=optax))
    return jax.grad(code) if case["order"] == 2 else code


def examined(case) -> Verdict:
    """One run with the default budget, from the function and its domain alone."""
    with jax.numpy_rank_promotion("allow"):  # as the reporters had it
        return examine(
            function_of(case),
            domain={name: domain_of(words) for name, words in case["domain"].items()},
            wrt=tuple(case["wrt"]),
            dtype=case["dtype"],
        )
