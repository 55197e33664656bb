"""Branches that are not taken and spoil the gradient, and the double where that cures them."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxmath.domains import NONNEGATIVE, REAL, Box
from jaxmath.verify.answers import Asked
from jaxmath.verify.branches import Branches
from jaxmath.verify.choosing import Points
from jaxmath.verify.flat import layout
from jaxmath.verify.given import as_formula
from jaxmath.verify.traps import traps


def trapped(x):
    return jnp.where(x > 0, jnp.sqrt(x), 0.0)


def with_names(x):
    mask = x > 0
    y = jnp.log(x)
    return jnp.where(mask, x * y, 0.0)


def at_one_point(x):
    return jnp.where(x == 2.3, 4.6, (x * x - 2.3 * 2.3) / (x - 2.3))


def too_large(x):
    return jnp.where(x < 100, jnp.exp(x), x)


def selected(x):
    return lax.select(x > 0, jnp.log(x), x)


def bounded_below(x):
    return jnp.maximum(jnp.sqrt(x), 0.5)


def clipped(x):
    return jnp.clip(jnp.log(x), -1.0, 1.0)


def length(p):
    squares = jnp.sum(p["w"] ** 2)
    return jnp.where(
        squares > 0,
        jnp.sqrt(squares),
        0.0,
    )


def in_a_loop(x):
    def body(total, _):
        return jnp.where(total > 0, jnp.sqrt(total), 0.0) - 0.5, None

    return lax.scan(body, x, length=2)[0]


def in_a_cond(x):
    def near(x):
        return jnp.where(x > 0, jnp.sqrt(x), 0.0)

    return lax.cond(x < 4, near, lambda x: x - 2, x)


def largest(x):
    return jnp.max(jnp.sqrt(x))


def cured(x):
    safe = jnp.where(x > 0, x, 1.0)
    return jnp.where(x > 0, jnp.sqrt(safe), 0.0)


@jax.custom_vjp
def root(x):
    return jnp.sqrt(x)


def root_bwd(x, g):
    return (jnp.where(x > 0, g * 0.5 / jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0),)


root.defvjp(lambda x: (jnp.sqrt(x), x), root_bwd)


def met(fn, **domain):
    formula, _ = as_formula(fn, domain)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        lay = layout(formula)
        branches, rng = Branches(formula, lay), np.random.default_rng(0)
        asked = Asked(formula, lay, 1)
        points = Points(formula, lay, asked, np.dtype(np.float64), None, 0, rng, branches)
        return traps(branches, points)


SAFE = "safe_x = jnp.where(x > 0, x, 1.0)"
TRAPPED = {
    trapped: (dict(x=REAL), "where", [SAFE, "jnp.where(x > 0, jnp.sqrt(safe_x), 0.0)"]),
    with_names: (
        dict(x=REAL), "where",
        ["safe_x = jnp.where(mask, x, 1.0)", "jnp.where(mask, safe_x * jnp.log(safe_x), 0.0)"],
    ),
    at_one_point: (
        dict(x=REAL), "where",
        ["safe_x = jnp.where(x == 2.3, 1.0, x)",
         "jnp.where(x == 2.3, 4.6, (safe_x * safe_x - 2.3 * 2.3) / (safe_x - 2.3))"],
    ),
    too_large: (
        dict(x=REAL), "where",
        ["safe_x = jnp.where(x < 100, x, 1.0)", "jnp.where(x < 100, jnp.exp(safe_x), x)"],
    ),
    selected: (dict(x=REAL), "select", [SAFE, "lax.select(x > 0, jnp.log(safe_x), x)"]),
    bounded_below: (
        dict(x=NONNEGATIVE), "maximum",
        ["safe_x = jnp.where(x > 0.0, x, 1.0)",
         "jnp.where(x > 0.0, jnp.maximum(jnp.sqrt(safe_x), 0.5), 0.5)"],
    ),
    clipped: (
        dict(x=REAL), "clip",
        ["safe_x = jnp.where(x > 0.0, x, 1.0)",
         "jnp.where(x > 0.0, jnp.clip(jnp.log(safe_x), -1.0, 1.0), -1.0)"],
    ),
    length: (
        dict(p=dict(w=Box((2,)))), "where",
        ["safe_squares = jnp.where(squares > 0, squares, 1.0)",
         "jnp.where(squares > 0, jnp.sqrt(safe_squares), 0.0)"],
    ),
    in_a_loop: (
        dict(x=REAL), "where",
        ["safe_total = jnp.where(total > 0, total, 1.0)",
         "jnp.where(total > 0, jnp.sqrt(safe_total), 0.0)"],
    ),
    in_a_cond: (dict(x=REAL), "where", [SAFE, "jnp.where(x > 0, jnp.sqrt(safe_x), 0.0)"]),
    largest: (dict(x=Box((2,), NONNEGATIVE)), "max", None),
}  # fmt: skip
QUICK = (trapped, at_one_point, clipped)
FULL = [pytest.param(fn, marks=() if fn in QUICK else pytest.mark.full) for fn in TRAPPED]


@pytest.mark.parametrize("fn", FULL)
def test_a_trap_is_told_with_its_line_and_its_cure(fn):
    domain, name, cure = TRAPPED[fn]
    (trap,) = met(fn, **domain)
    assert trap.name == name
    assert trap.line.function.split(".")[0] == fn.__name__
    assert trap.line.text.partition("jnp.")[2] or name == "select"
    with jax.enable_x64(True):
        point = jax.tree.map(jnp.asarray, tuple(trap.point.values()))
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fn(*point)))
        gradient = jax.tree.leaves(jax.grad(fn)(*point))
    assert not all(np.isfinite(leaf).all() for leaf in gradient)
    assert trap.cure.splitlines() == cure if cure else "second where" in trap.cure


@pytest.mark.parametrize("fn", [f for f in TRAPPED if f not in (length, in_a_loop, largest)])
def test_the_cure_keeps_the_value_and_mends_the_gradient(fn):
    # What a user does: the lines take the place of the selection in the source.
    cure = TRAPPED[fn][2]
    lines = [*(["mask = x > 0"] if fn is with_names else []), *cure]
    source = "def mended(x):\n    " + "\n    ".join([*lines[:-1], f"return {lines[-1]}"])
    module = types.SimpleNamespace()
    exec(source, dict(jnp=jnp, lax=lax), vars(module))
    x = np.array([0.0, 0.3, 2.0, 2.3, 3.7] + [2000.0] * (fn is not in_a_cond))
    with jax.enable_x64(True):
        np.testing.assert_allclose(jax.vmap(module.mended)(x), jax.vmap(fn)(x), rtol=1e-14)
        assert np.isfinite(jax.vmap(jax.grad(module.mended))(x)).all()
        assert not np.isfinite(jax.vmap(jax.grad(fn))(x)).all()


@pytest.mark.parametrize(
    ("fn", "domain"),
    [
        (cured, dict(x=REAL)),
        (lambda x: jnp.where(x > 0, root(x), 0.0), dict(x=NONNEGATIVE)),
        (lambda x: jnp.where(x > 0, x, -1.0 / jnp.inf), dict(x=REAL)),
        (lambda x: jnp.where(jnp.abs(x) < 1, x**2, 2 * jnp.abs(x) - 1), dict(x=REAL)),
        pytest.param(jax.nn.elu, dict(x=REAL), marks=pytest.mark.full),
        pytest.param(jnp.sinc, dict(x=REAL), marks=pytest.mark.full),
        pytest.param(jax.nn.log_softmax, dict(x=Box((3,))), marks=pytest.mark.full),
        pytest.param(jax.nn.relu6, dict(x=REAL), marks=pytest.mark.full),
    ],
)
def test_what_is_no_trap_raises_no_alarm(fn, domain):
    assert met(fn, **domain) == ()


def test_the_edge_of_a_comparison_is_found_wherever_it_lies():
    (trap,) = met(at_one_point, x=REAL)
    assert float(trap.point["x"]) == 2.3
