"""The simplest point of a fault, as `examine` tells it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("flint")

from jaxmath.domains import NEGATIVE, REAL, Box
from jaxmath.verify import examine


def softplus(x):
    return jnp.log(1 + jnp.exp(x))


def loose(x):
    return jnp.sum(jnp.log(1 + jnp.exp(x)))


def fixed(x):
    return loose(x.reshape(3))


def first_fault(fn, domain, **options):
    return examine(fn, domain=domain, budget=24, **options).faults[0]


@pytest.mark.full
def test_a_fault_is_told_with_all_that_is_needed_to_see_it():
    fault = first_fault(softplus, dict(x=NEGATIVE))
    assert fault.kind == "vanished"
    assert float(fault.simplest.point["x"]) == -40
    assert fault.simplest.answer == 0
    assert fault.simplest.truth.startswith("[4.24835425529158")
    assert fault.cause.endswith("return jnp.log(1 + jnp.exp(x)): `add` gives 1.0, exactly "
                                "1.0000000000000000042")  # fmt: skip
    assert "x = jnp.array(-40.0, jnp.float64)\nprint(softplus(x))\n# answers 0.0" in (
        fault.reproducer
    )
    assert "cause: " in str(fault.explanation)


@pytest.mark.full
def test_arrays_become_short_where_the_function_takes_them():
    fault = first_fault(loose, dict(x=Box((5,), NEGATIVE)))
    assert np.shape(fault.point["x"]) == (5,)
    assert np.shape(fault.simplest.point["x"]) == (2,)
    fault = first_fault(fixed, dict(x=Box((3,), NEGATIVE)))
    assert np.shape((fault.simplest or fault).point["x"]) == (3,)


@pytest.mark.full
def test_one_seed_gives_one_simplest_point():
    one, two = (examine(softplus, domain=dict(x=REAL), budget=24) for _ in range(2))
    assert one.to_dict() == two.to_dict()


def test_what_is_right_has_nothing_to_explain():
    verdict = examine(lambda x: jnp.sin(x), domain=dict(x=REAL), budget=12)
    assert verdict.ok
    assert verdict.explanations() == []
    assert verdict.reproducer() == ""
    assert verdict.traps == ()
    assert jax.tree.leaves(verdict.to_dict()["traps"]) == []
