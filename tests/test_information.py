"""Information of tables against SciPy, exact logarithms and published examples."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import entropy as scipy_entropy

from jaxmath import inference

P = np.array([0.2, 0.5, 0.0, 0.3])
Q = np.array([0.25, 0.25, 0.2, 0.3])
# Cover and Thomas 2006, example 2.2.1.
JOINT = np.array(
    [[1 / 8, 1 / 16, 1 / 32, 1 / 32], [1 / 16, 1 / 8, 1 / 32, 1 / 32], [1 / 16] * 4,
     [1 / 4, 0, 0, 0]]
)  # fmt: skip


def test_of_one_table_and_of_two():
    assert np.isclose(inference.entropy(P), scipy_entropy(P), rtol=1e-15)
    assert np.isclose(inference.kl(P, Q), scipy_entropy(P, Q), rtol=1e-14)
    assert np.isclose(
        inference.cross_entropy(P, Q), scipy_entropy(P) + rel_entr(P, Q).sum(), rtol=1e-14
    )
    assert np.isclose(inference.jensen_shannon(P, Q), jensenshannon(P, Q) ** 2, rtol=1e-14)
    assert np.isclose(inference.total_variation(P, Q), 0.25, rtol=1e-14)
    assert np.isclose(inference.chi2(P, Q), 0.05**2 / 0.25 + 0.25 + 0.2, rtol=1e-14)
    assert inference.kl(Q, P) == np.inf
    assert inference.chi2(Q, P) == np.inf
    assert inference.cross_entropy(Q, P) == np.inf
    assert np.isclose(inference.jensen_shannon(np.eye(2)[0], np.eye(2)[1]), np.log(2), rtol=1e-15)


def test_batches_lie_along_the_first_axes():
    tables = np.stack([P, Q])
    assert np.allclose(inference.entropy(tables), [scipy_entropy(P), scipy_entropy(Q)])
    assert inference.mutual_information(np.stack([JOINT, JOINT.T])).shape == (2,)


def test_the_example_of_cover_and_thomas():
    """In bits H(X | Y) = 11/8, H(Y | X) = 13/8 and I(X; Y) = 3/8; the rows are those of Y."""
    assert np.isclose(inference.conditional_entropy(JOINT) / np.log(2), 11 / 8, rtol=1e-14)
    assert np.isclose(inference.conditional_entropy(JOINT.T) / np.log(2), 13 / 8, rtol=1e-14)
    assert np.isclose(inference.mutual_information(JOINT) / np.log(2), 3 / 8, rtol=1e-14)
    assert np.isclose(inference.mutual_information(JOINT.T) / np.log(2), 3 / 8, rtol=1e-14)


@pytest.mark.parametrize("away", [1e-3, 1e-6, 1e-9])
def test_nearly_equal_tables_keep_their_digits(away):
    with mp.workdps(60):
        p = np.array([0.25, 0.25, 0.5])
        q = p + away * np.array([1.0, -0.5, -0.5])
        total = sum(mp.mpf(float(x)) for x in q)
        q[2] += float(1 - total)  # to a sum of one but for rounding
        a, b = ([mp.mpf(float(x)) for x in table] for table in (p, q))
        truth = sum(x * mp.log(x / y) - x + y for x, y in zip(a, b, strict=True))
        assert np.isclose(float(inference.kl(p, q)), float(truth), rtol=1e-12, atol=0)
        joint = np.array([[1 + away, 1 - away], [1 - away, 1 + away]]) / 4
        cells = [[mp.mpf(x) for x in row] for row in joint.tolist()]
        whole = sum(sum(row) for row in cells)
        sums = [sum(column) for column in zip(*cells, strict=True)]
        information = sum(
            x * mp.log(x * whole / sum(row) / y)
            for row in cells
            for x, y in zip(row, sums, strict=True)
        )
        # A rounding of the quotients of the table moves the logarithms by `away` times as much.
        value, slack = float(inference.mutual_information(joint)), 4 * 2.2e-16 / away
        assert np.isclose(value, float(information), rtol=slack, atol=0)


GENERATORS = {
    "kl": (lambda t: jnp.where(t == 0, 0.0, t * jnp.log(jnp.where(t == 0, 1.0, t))), jnp.inf),
    "total_variation": (lambda t: jnp.abs(t - 1) / 2, 0.5),
    "chi2": (lambda t: (t - 1) ** 2, jnp.inf),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_each_is_the_divergence_of_its_generator(name):
    generator, slope = GENERATORS[name]
    named = getattr(inference, name)
    for p, q in [(P, Q), (Q, P), (P, P[::-1].copy())]:
        value = inference.f_divergence(generator, p, q, slope)
        assert np.isclose(value, named(p, q), rtol=1e-13), (p, q)


def hellinger(t):
    return (jnp.sqrt(t) - 1) ** 2 / 2


def test_a_generator_of_ones_own():
    value = inference.f_divergence(hellinger, Q, P, 0.5)
    assert np.isclose(value, 1 - np.sum(np.sqrt(P * Q)), rtol=1e-13)


def tables(theta):
    """Tables with cells that are zero whatever theta is."""
    zero = 0.0 * theta
    return jnp.stack([theta, 1 - theta, zero]), jnp.stack([1 - theta, theta, zero])


def test_slopes_stay_finite_where_the_truth_is():
    t = 0.3
    log_odds, gap, w = np.log(t / (1 - t)), 2 * t - 1, t * (1 - t)
    truths = {
        "entropy": -log_odds,
        "cross_entropy": log_odds + t / (1 - t) - (1 - t) / t,
        "kl": 2 * log_odds + gap / w,
        "jensen_shannon": log_odds,
        "total_variation": -2.0,
        "chi2": 4 * gap / w + gap**3 / w**2,
    }
    for name, truth in truths.items():
        count = 1 if name == "entropy" else 2
        fn = lambda x: getattr(inference, name)(*tables(x)[:count])  # noqa: B023, E731
        assert np.isclose(float(jax.grad(fn)(t)), truth, rtol=1e-13), name


def test_slopes_of_joint_tables_with_empty_cells():
    def joint(x):
        zero = 0.0 * x
        return jnp.stack([jnp.stack([x, zero, zero]), jnp.stack([zero, 0.25 + zero, 0.75 - x])])

    for fn in (inference.mutual_information, inference.conditional_entropy):
        answer = float(jax.grad(lambda x, fn=fn: fn(joint(x)))(0.3))
        central = float(fn(joint(0.3 + 1e-5)) - fn(joint(0.3 - 1e-5))) / 2e-5
        assert np.isclose(answer, central, rtol=1e-8)
    empty = np.array([[0.5, 0.5], [0.0, 0.0]])
    assert float(inference.mutual_information(empty)) == 0.0
    assert np.isfinite(jax.grad(inference.mutual_information)(empty)).all()


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.2), (1e-9, 0.7), (0.25, 0.25 + 1e-9), (0.9, 1e-9)])
def test_mixed_second_derivatives(p, q):
    """Of one cell, to 60 digits; cells do not mix."""
    terms = {
        "table.kl": lambda x, y: x * mp.log(x / y) - x + y,
        "table.jensen_shannon": lambda x, y: (
            x * mp.log(2 * x / (x + y)) + y * mp.log(2 * y / (x + y))
        ) / 2,
    }  # fmt: skip
    formulas = {formula.name: formula for formula in inference.INFORMATION}
    for name, term in terms.items():
        with mp.workdps(60):
            truth = float(mp.diff(term, (mp.mpf(p), mp.mpf(q)), (1, 1), h=mp.mpf(10) ** -22))
        at = np.array([p]), np.array([q])
        closed = formulas[name].seconds[("p", "q")](*at)
        auto = jax.jacfwd(jax.grad(formulas[name].fn), 1)(*at)
        assert np.allclose([closed[0, 0], auto[0, 0]], truth, rtol=1e-14, atol=0), name
