"""What is printed for a bug report runs, and prints what was answered."""

import contextlib
import dataclasses
import functools
import io
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath.losses import HUBER
from jaxmath.verify.given import as_formula
from jaxmath.verify.reproducer import _typed, literal, reproducer, written
from jaxmath.verify.verdict import Finding

jnp_alias = jnp


class Params(NamedTuple):
    w: jax.Array
    b: jax.Array


def trapped(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


def linear(params, x):
    return params["w"] @ x + params["b"]


def two_results(x, y):
    return {"sum": x + y, "products": jnp.array([x * y, x * x * y])}


def finding(argument, place, point, who="reverse mode", order=1, answer=math.nan):
    return Finding(
        kind="inaccurate", who=who, argument=argument, order=order, place=place, point=point,
        answer=answer, truth="[0.12500000000000000000 +/- 1e-30]", ulps=1.0, excess=1.0,
        proof="proven",
    )  # fmt: skip


def printed(text):
    out = io.StringIO()
    before = jax.config.read("jax_enable_x64")
    with contextlib.redirect_stdout(out):
        exec(text, {})
    jax.config.update("jax_enable_x64", before)
    return out.getvalue().strip()


def report(fn, found):
    return reproducer(found, fn if not callable(fn) else as_formula(fn, None, traced=False)[0])


def test_the_shape_of_a_bug_report():
    text = report(jax.nn.celu, finding("x", (0, 0), dict(x=np.float64(-38.0)), answer=0.0))
    lines = text.splitlines()
    assert lines[0] == "# inaccurate: the derivative of celu in x by reverse mode, float64"
    assert lines[1].startswith(f"# jax {jax.__version__}, jaxmath ")
    assert lines[2:] == [
        "import jax",
        "import jax.numpy as jnp",
        "from jax.nn import celu",
        "",
        'jax.config.update("jax_enable_x64", True)',
        "x = jnp.array(-38.0, jnp.float64)",
        "print(jax.grad(celu)(x))",
        "# answers 0.0",
        "# truth   0.12500000000000000000 +/- 1e-30 (proven)",
    ]
    assert printed(text) == "0.0"


CASES = {
    "a function of this module": (
        trapped, finding("x", (0, 0), dict(x=np.float64(0.0))), "nan",
    ),
    "a lambda": (
        lambda x: jnp.square(x) * x,
        finding("x", (0, 0), dict(x=np.float32(0.5)), who="forward mode"),
        "0.75",
    ),
    "the value": (
        jnp.hypot, finding("", (0,), dict(x1=np.float64(3), x2=np.float64(4)), order=0), "5.0",
    ),
    "the second argument": (
        two_results, finding("y", (1, 0), dict(x=np.float64(3), y=np.float64(5))), "9.0",
    ),
    "an entry of a pytree": (
        linear,
        finding("params", (0, 2), dict(params={"w": np.array([1.0, 2.0]), "b": np.float64(0)},
                                       x=np.array([7.0, 8.0]))),
        "8.0",
    ),
    "a closed form": (
        HUBER, finding("residual", (0, 0), dict(residual=np.float64(9), delta=np.float64(2)),
                       who="closed form"), "2.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_runs_and_prints_the_answer(name):
    fn, found, answer = CASES[name]
    if name == "the second argument":  # leaves in order: products (2), then sum
        assert "jax.jacrev(two_results, 1)(x, y)['products'][1]" in report(fn, found)
    assert printed(report(fn, found)) == answer


def test_what_cannot_be_pasted_is_said():
    around = 3.0
    name, lines = written(lambda x: x * around)
    assert name == "f"
    assert lines[0].startswith("f = ...  # <lambda>, the function examined, of ")
    assert lines[0].endswith("test_reproducer.py")
    assert written(lambda x: jnp_alias.sin(x))[1][0].startswith("f = ...")


def test_pytrees_are_typed_in_again():
    imports: set[str] = set()
    tree = dict(p=Params(np.array([1.0, math.inf]), np.float32(math.nan)), t=(np.int32(3),), l=[])
    text = literal(tree, imports)
    assert text == (
        "{'p': Params(w=jnp.array([1.0, jnp.inf], jnp.float64), "
        "b=jnp.array(jnp.nan, jnp.float32)), 't': (3,), 'l': []}"
    )
    assert imports == {f"from {__name__} import Params"}


def test_what_is_not_made_of_its_fields_is_told_by_its_leaves():
    """A layer of a library has a constructor of its own, and fields that are no arrays."""

    @functools.partial(jax.tree_util.register_dataclass, data_fields=["w"], meta_fields=[])
    @dataclasses.dataclass
    class Layer:
        w: Any
        rate: Any = dataclasses.field(init=False, default=None)

    line = _typed("layer", (Layer(np.float32(2)),), set())
    assert line == "layer = ...  # a tuple with the leaves jnp.array(2.0, jnp.float32)"


def test_a_derivative_that_is_not_offered():
    found = dataclasses.replace(
        finding("x", (0, 0), dict(x=np.float64(1.0)), who="all"),
        kind="not available", note="NotImplementedError: no rule",
    )  # fmt: skip
    text = report(trapped, found)
    assert "# answers an error: NotImplementedError: no rule" in text
    assert "print(jax.grad(trapped)(x))" in text
