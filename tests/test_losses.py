"""Losses and penalties against 50 digits, over the whole range of both dtypes."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxmath import losses
from tests.accuracy import points, routes, vectors, worst
from tests.truths import (
    complement,
    covariance,
    log_softmax,
    sech,
    sigmoid,
    sigmoid_dx,
    softmax,
    softplus,
)

DTYPES = (np.float32, np.float64)


def sign(x):
    return mp.mpf((x > 0) - (x < 0))


def log_cosh(r):
    # The hyperbolic sine of a large number takes its time, and is not needed there.
    return mp.log1p(2 * mp.sinh(r / 2) ** 2) if abs(r) < 1e3 else abs(r) - mp.log(2)


def huber(r, delta):
    return r**2 / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def beyond(r, delta):
    return mp.mpf(abs(r) > delta)


# Each truth by the arguments of differentiation, then the bars in ulp in the same order, on a CPU.
TRUTHS = {
    "squared_error": {
        (): lambda r: r**2,
        ("residual",): lambda r: 2 * r,
        ("residual", "residual"): lambda r: 2,
    },
    "absolute_error": {
        (): abs,
        ("residual",): sign,
        ("residual", "residual"): lambda r: 0,
    },
    "huber": {
        (): huber,
        ("residual",): lambda r, delta: max(-delta, min(r, delta)),
        ("delta",): lambda r, delta: max(abs(r) - delta, mp.mpf(0)),
        ("residual", "residual"): lambda r, delta: 1 - beyond(r, delta),
        ("residual", "delta"): lambda r, delta: sign(r) * beyond(r, delta),
        ("delta", "delta"): lambda r, delta: -beyond(r, delta),
    },
    "log_cosh": {
        (): log_cosh,
        ("residual",): mp.tanh,
        ("residual", "residual"): lambda r: sech(r) ** 2,
    },
    "pinball": {
        (): lambda r, q: q * r if r > 0 else (q - 1) * r,
        ("residual",): lambda r, q: q - (1 - sign(r)) / 2,
        ("quantile",): lambda r, q: r,
        ("residual", "residual"): lambda r, q: 0,
        ("residual", "quantile"): lambda r, q: 1,
        ("quantile", "quantile"): lambda r, q: 0,
    },
    "logistic": {
        (): lambda z, y: softplus(-z if y else z),
        ("logit",): lambda z, y: -sigmoid(-z) if y else sigmoid(z),
        ("logit", "logit"): lambda z, y: sigmoid_dx(z),
    },
    "hinge": {
        (): lambda s, y: max(0, 1 - y * s),
        ("score",): lambda s, y: -y * mp.mpf(y * s < 1),
        ("score", "score"): lambda s, y: 0,
    },
    "softmax_cross_entropy": {
        (): lambda z, y: -log_softmax(z)[int(y)],
        ("logits",): lambda z, y: [
            -complement(z)[i] if i == y else p for i, p in enumerate(softmax(z))
        ],
        ("logits", "logits"): lambda z, y: covariance(z),
    },
    "l1": {
        (): lambda w: mp.fsum(map(abs, w)),
        ("weights",): lambda w: [sign(entry) for entry in w],
        ("weights", "weights"): lambda w: [[0] * len(w)] * len(w),
    },
    "l2": {
        (): lambda w: mp.fsum(entry**2 for entry in w),
        ("weights",): lambda w: [2 * entry for entry in w],
        ("weights", "weights"): lambda w: [
            [2 * int(i == j) for j in range(len(w))] for i in range(len(w))
        ],
    },
}
BARS = {  # of the value, of the first derivatives, of the second
    "squared_error": (1, 0, 0),
    "absolute_error": (0, 0, 0),
    "huber": (2, 1, 0),
    "log_cosh": (3, 8, 6),  # the slope is XLA's tanh
    "pinball": (2, 1, 0),
    "logistic": (3, 2, 4),
    "hinge": (1, 0, 0),
    "softmax_cross_entropy": (2, 3, 4),
    "l1": (2, 0, 0),
    "l2": (3, 0, 0),
}
FORMULAS = {
    formula.name: formula
    for formula in (*losses.REGRESSION, *losses.CLASSIFICATION, *losses.PENALTIES)
}


def batch(name, dtype):
    """The arguments of a loss, points along the first axis, none on a break."""
    if name in ("l1", "l2"):
        return (vectors(dtype, size=3),)
    if name == "softmax_cross_entropy":
        z = vectors(dtype)
        return z, (np.arange(len(z)) % z.shape[1]).astype(np.int32)
    x = points(dtype)
    if name in ("squared_error", "log_cosh", "absolute_error"):
        return (x,)
    info = np.finfo(dtype)
    others = {
        "huber": [info.tiny, 1e-3, 1, 1.345, 1e10, info.max],
        "pinball": [info.tiny, 1e-5, 0.3, 0.5, 0.9, 1 - info.eps],
        "logistic": [0, 1],
        "hinge": [-1, 1],
    }[name]
    x, other = (part.ravel() for part in np.meshgrid(x, np.array(others, dtype)))
    smooth = {
        "huber": np.abs(x) != other,
        "pinball": x != 0,
        "logistic": np.full(x.shape, True),
        "hinge": x != other,
    }[name]
    x, other = x[smooth], other[smooth]
    every = max(1, len(x) // 300)
    return x[::every], other[::every]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TRUTHS)
def test_accuracy(name, dtype):
    args = batch(name, dtype)
    answers = routes(FORMULAS[name])(*args)
    assert answers.keys() == TRUTHS[name].keys()
    for order, truth in TRUTHS[name].items():
        vector = name == "softmax_cross_entropy"
        error, where = worst(answers[order], truth, args, conditioned=vector)
        assert error <= BARS[name][len(order)], (order, where)


def test_every_loss_is_tested():
    assert TRUTHS.keys() == FORMULAS.keys()


@pytest.mark.parametrize("name", ["huber", "log_cosh", "pinball", "logistic"])
def test_the_truths_are_derivatives_of_each_other(name):
    second = {"huber": 1.3, "pinball": 0.3, "logistic": 1.0}.get(name)
    for x in map(mp.mpf, (-2.5, -0.7, 0.4, 1.9)):
        args = (x,) if second is None else (x, mp.mpf(second))
        for order, truth in TRUTHS[name].items():
            if order:
                place = FORMULAS[name].arguments.index(order[-1])
                counts = tuple(int(i == place) for i in range(len(args)))
                slope = mp.diff(TRUTHS[name][order[:-1]], args, counts)
                assert mp.almosteq(slope, truth(*args), 1e-20, 1e-20), order


def test_slopes_on_the_breaks():
    """Conventions: zero, but for the check function, which takes the middle."""
    slope = jax.grad(losses.absolute_error)
    assert slope(0.0) == 0
    np.testing.assert_allclose(losses.pinball_dresidual(0.0, 0.3), 0.3 - 0.5, rtol=1e-15)
    np.testing.assert_allclose(jax.grad(losses.pinball)(0.0, 0.3), 0.3 - 0.5, rtol=1e-15)
    for label in (-1.0, 1, np.int8(-1)):
        assert losses.hinge(float(label), label) == 0
        assert jax.grad(losses.hinge)(float(label), label) == 0
        assert losses.hinge_dscore(float(label), label) == 0
    assert jax.grad(losses.l1)(jnp.array([-2.0, 0.0, 3.0])).tolist() == [-1, 0, 1]
    for residual in (1.5, -1.5):
        assert jax.grad(losses.huber)(residual, 1.5) == residual
        assert jax.grad(losses.huber, 1)(residual, 1.5) == 0


def test_neighbours_of_a_break_lie_on_their_own_side():
    """Also where their difference, or the value, is less than the least normal number."""
    delta = np.float32(1e-35)
    for residual, inside in ((np.nextafter(delta, 0), 1), (np.nextafter(delta, 1), 0)):
        for fn in (jax.grad(jax.grad(losses.huber)), losses.HUBER.seconds["residual", "residual"]):
            assert fn(residual, delta) == inside
        assert jax.grad(jax.grad(losses.huber, 1), 1)(residual, delta) == inside - 1
        assert jax.grad(jax.grad(losses.huber, 1), 0)(residual, delta) == 1 - inside
    tiny = np.finfo(np.float32).tiny
    for residual, slope in ((tiny, 0.25), (-tiny, -0.75)):
        assert jax.grad(losses.pinball)(residual, np.float32(0.25)) == slope


def test_one_delta_for_many_residuals():
    residuals = jnp.array([-3.0, 0.5, 2.0])
    total = jax.grad(lambda delta: jnp.sum(losses.huber(residuals, delta)))
    assert total(1.0) == 2 + 0 + 1
    assert jax.grad(total)(1.0) == -2


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_penalties_of_a_matrix(name):
    formula, w = FORMULAS[name], jnp.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0]])
    assert formula.fn(w) == (np.abs(w).sum() if name == "l1" else (np.asarray(w) ** 2).sum())
    np.testing.assert_array_equal(formula.partials["weights"](w), jax.grad(formula.fn)(w))
    second = formula.seconds["weights", "weights"](w)
    np.testing.assert_array_equal(second, jax.jit(jax.hessian(formula.fn))(w))


def test_logistic_takes_soft_labels():
    z, y = np.repeat(points(np.float64)[::5], 2), np.tile([0.1, 0.75], len(points(np.float64)[::5]))

    def value(z, y):
        return (1 - y) * softplus(z) + y * softplus(-z)

    def slope(z, y):
        return (1 - y) * sigmoid(z) - y * sigmoid(-z)

    answers = routes(losses.LOGISTIC)(z, y)
    for order, truth in ((), value), (("logit",), slope):
        error, where = worst(answers[order], truth, (z, y), conditioned=True)
        assert error <= 3, where


@pytest.mark.parametrize("kind", [jnp.int32, jnp.uint8, jnp.bool_, jnp.float32])
def test_labels_of_any_dtype(kind):
    labels = jnp.array([0, 1], kind)
    logits = jnp.array([2.0, -3.0])
    expected = np.logaddexp(0, [2.0, 3.0])
    np.testing.assert_allclose(losses.logistic(logits, labels), expected, rtol=1e-15)
    slopes = jax.vmap(jax.grad(losses.logistic))(logits, labels)
    np.testing.assert_allclose(slopes, [1 / (1 + np.exp(-2)), -1 / (1 + np.exp(-3))], rtol=1e-15)
    found = jax.vmap(losses.softmax_cross_entropy, (None, 0))(logits, labels)
    np.testing.assert_allclose(found, [np.log1p(np.exp(-5)), 5 + np.log1p(np.exp(-5))], rtol=1e-15)


def test_an_index_that_is_no_class_gives_nan():
    logits = jnp.array([0.0, 1.0, 2.0])
    for label in (-1, 3):
        assert jnp.isnan(losses.softmax_cross_entropy(logits, label))
        assert jnp.all(jnp.isnan(jax.grad(losses.softmax_cross_entropy)(logits, label)))


def test_infinite_arguments():
    inf = jnp.inf
    assert [losses.logistic(z, y).item() for z, y in [(inf, 1), (-inf, 0)]] == [0, 0]
    assert [losses.logistic(z, y).item() for z, y in [(inf, 0), (-inf, 1)]] == [inf, inf]
    assert [jax.grad(losses.logistic)(z, 1).item() for z in (inf, -inf)] == [0, -1]
    assert [losses.log_cosh(r).item() for r in (inf, -inf)] == [inf, inf]
    assert [losses.huber(r, 1.0).item() for r in (inf, -inf)] == [inf, inf]
    assert [jax.grad(losses.huber)(r, 1.0).item() for r in (inf, -inf)] == [1, -1]
    masked = jnp.array([-inf, 0.0, 0.0])
    assert losses.softmax_cross_entropy(masked, 0) == inf
    assert losses.softmax_cross_entropy(masked, 1) == pytest.approx(np.log(2), rel=1e-15)
    assert jax.grad(losses.softmax_cross_entropy)(masked, 1).tolist() == [0, -0.5, 0.5]


@pytest.mark.parametrize("name", TRUTHS)
def test_nan_gives_nan(name):
    fn = FORMULAS[name].fn
    args = [np.asarray(arg)[0] for arg in batch(name, np.float64)]
    args[0] = np.full_like(args[0], np.nan)
    value, slope = jax.value_and_grad(fn)(*args)
    assert jnp.isnan(value)
    if name != "pinball":
        assert jnp.all(jnp.isnan(slope))
