"""Reported cases: each is flagged by one run, from the function and its domain alone.

`data/derivative_cases.json` holds functions of JAX and optax whose value or slope is wrong at some
input (convention aside), the domain that a user would name, the truth and the public reports.
"""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import optax
import pytest

from jaxmath import domains
from jaxmath.domains import Box, Choices, Interval
from jaxmath.verify import examine

pytest.importorskip("flint")

CASES = json.loads((Path(__file__).parent / "data" / "derivative_cases.json").read_text())
NAMED = {name: getattr(domains, name.upper()) for name in
         ("real", "positive", "nonnegative", "unit", "open_unit")}  # fmt: skip
QUICK = {"exp2_1024"}


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


def marks(case):
    return [] if case["id"] in QUICK else [pytest.mark.full]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [pytest.param(c, id=c["id"], marks=marks(c)) for c in CASES])
def test_a_reported_case_is_flagged(case):
    with jax.numpy_rank_promotion("allow"):  # as the reporters had it
        verdict = examine(
            function_of(case),
            domain={name: domain_of(words) for name, words in case["domain"].items()},
            wrt=tuple(case["wrt"]),
            dtype=case["dtype"],
        )
    assert verdict.faults, f"{case['maths']}\n{verdict}"
