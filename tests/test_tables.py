"""Functions of counts that are looked up, against themselves taken for each count."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmath import distributions as d
from jaxmath.distributions.steps import guessed
from jaxmath.distributions.table import LONG, SIZE, tabled
from tests.marks import long_but

NUMBERS = {
    "poisson": (7.5,),
    "binomial": (40, 0.3),
    "negative_binomial": (4.5, 0.3),
    "beta_binomial": (40, 2.5, 4.0),
}
FUNCTIONS = ("log_prob", "prob", "cdf", "sf", "log_cdf", "log_sf")
PAIRS = list(itertools.product(NUMBERS, FUNCTIONS))
QUICK = [("poisson", "log_prob"), ("poisson", "cdf")]
COUNTS = np.concatenate(
    [np.arange(-1, 60), [-7.0, -1.5, -0.5, 0.5, 3.25, 1e4, 1e12, np.inf, -np.inf, np.nan]]
)


def one_by_one(fn, params):
    return jax.jit(jax.vmap(lambda x: fn(x, *params)))


@pytest.mark.parametrize("dtype", long_but([np.float64], [np.float64, np.float32]))
@pytest.mark.parametrize("pair", long_but(QUICK, PAIRS), ids=".".join)
def test_a_long_array_has_what_each_entry_has(pair, dtype):
    name, function = pair
    fn = getattr(getattr(d, name), function)
    params = [p if isinstance(p, int) else jnp.asarray(p, dtype) for p in NUMBERS[name]]
    truth = one_by_one(fn, params)(COUNTS.astype(dtype))
    pick = np.random.default_rng(0).integers(0, len(COUNTS), LONG + 3)
    found = jax.jit(fn)(COUNTS.astype(dtype)[pick], *params)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, truth[pick], 16 * np.finfo(dtype).eps, 1e-35)
    few = np.random.default_rng(1).integers(0, 40, LONG)
    truth = one_by_one(fn, params)(np.arange(40))
    found = jax.jit(fn)(few, *params)
    np.testing.assert_allclose(found, truth[few], 16 * np.finfo(dtype).eps, 1e-35)


@pytest.mark.parametrize("pair", long_but(QUICK[:1], PAIRS), ids=".".join)
def test_slopes_of_both_orders_in_every_parameter(pair):
    name, function = pair
    fn, numbers = getattr(getattr(d, name), function), NUMBERS[name]
    wrt = tuple(k for k, p in enumerate(numbers) if isinstance(p, float))
    x = np.resize(np.arange(25.0), LONG)

    def looked_up(*params):
        return jnp.sum(fn(x, *params))

    def one_at_a_time(*params):
        return jnp.sum(jax.vmap(lambda k: fn(k, *params))(x))

    for order in (jax.grad, jax.hessian):
        found, truth = (
            np.array(jax.jit(order(total, wrt))(*numbers)) for total in (looked_up, one_at_a_time)
        )
        np.testing.assert_allclose(found, truth, 1e-11)


def test_counts_far_from_zero_have_a_table_of_their_own():
    x = np.random.default_rng(1).poisson(1e6, LONG).astype(float)
    x = np.clip(x, 1e6 - 400, 1e6 + 400)
    truth = one_by_one(d.poisson.log_prob, (1e6,))(x)
    np.testing.assert_allclose(d.poisson.log_prob(x, 1e6), truth, 1e-14)


def test_the_function_is_taken_for_the_table_alone():
    """Unless a count lies beyond it: then for all."""
    seen = []

    def square(x, scale):
        jax.debug.callback(lambda x: seen.append(x.size), x)
        return scale * x**2

    look_up = jax.jit(tabled(square))
    x = np.arange(LONG) % SIZE + 5.0
    np.testing.assert_array_equal(look_up(x, 2.0), 2 * x**2)
    jax.effects_barrier()
    assert seen == [SIZE]
    x[0] = 1e5
    np.testing.assert_array_equal(look_up(x, 2.0), 2 * x**2)
    jax.effects_barrier()
    assert seen == [SIZE, SIZE, LONG]
    rows = np.ones(LONG)
    np.testing.assert_array_equal(tabled(square)(x, rows), x**2)
    assert SIZE not in seen[3:]


PARAMETERS = {
    "poisson": [(7.5,), (1e-3,), (1e7,)],
    "binomial": [(40, 0.3), (10**9, 0.4), (7, 1.0), (0, 0.5)],
    "negative_binomial": [(4.5, 0.3), (1e-2, 0.5), (1e3, 1e-4)],
}
QUANTILES = list(itertools.product(PARAMETERS, ("quantile", "isf")))


@pytest.mark.parametrize("pair", long_but([("poisson", "quantile")], QUANTILES), ids=".".join)
def test_quantiles_of_many_are_those_of_few(pair):
    """Looked up within a table, beside it where it is too short, and at the ends."""
    name, function = pair
    p = np.linspace(0.0, 1.0, LONG)
    p[100:105] = 1e-300, 1e-12, 1 - 1e-15, -0.5, np.nan
    fn = jax.jit(getattr(getattr(d, name), function))
    for params in PARAMETERS[name]:
        parts = [fn(part, *params) for part in np.split(p, 8)]
        np.testing.assert_array_equal(fn(p, *params), np.concatenate(parts), str(params))


def test_a_table_leaves_little_to_be_guessed():
    """Of numbers for parameters one guess is made for all that the table has, and none for each."""
    sizes = []

    def near(p):
        jax.debug.callback(sizes.append, jnp.size(p))
        return jnp.ceil(10 * p)

    p = jnp.linspace(0.25, 0.75, LONG)
    found = guessed(near, lambda k: k / 10, p, rising=True)
    jax.effects_barrier()
    np.testing.assert_array_equal(found, np.ceil(10 * np.asarray(p)))
    assert [int(size) for size in sizes] == [1]
