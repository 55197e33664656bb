"""Margin, multiclass, soft-label, noise-corrected and ordinal losses, against sums and optax."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import optax
import pytest
from sklearn.metrics import hinge_loss

from jaxmath import losses, special

RNG = np.random.default_rng(3)
SCORES = np.concatenate([RNG.normal(size=40) * 3, [-1e3, -1.0, 0.0, 1.0, 1e3]])
LOGITS = RNG.normal(size=(50, 5)) * RNG.choice([0.1, 1.0, 30.0], (50, 1))
CLASSES = RNG.integers(0, 5, 50)
MARGINS = {
    "squared_hinge": lambda m: np.maximum(0, 1 - m) ** 2,
    "smoothed_hinge": lambda m: np.where(
        m < 0, 0.5 - m, np.where(m < 1, (1 - np.clip(m, 0, 1)) ** 2 / 2, 0)
    ),
    "modified_huber": lambda m: np.where(m < -1, -4 * m, np.maximum(0, 1 - m) ** 2),
    "exponential": lambda m: np.exp(-m),
    "perceptron": lambda m: np.maximum(0, -m),
    "logistic_margin": lambda m: np.logaddexp(0, -m),
}


@pytest.mark.parametrize("name", MARGINS)
def test_margin_losses(name):
    assert {formula.name for formula in losses.MARGIN} == set(MARGINS)
    fn = getattr(losses, name)
    with np.errstate(over="ignore"):
        for label in (-1.0, 1.0):
            expected = MARGINS[name](label * SCORES)
            np.testing.assert_allclose(fn(SCORES, label), expected, rtol=1e-14)
            inside = np.abs(SCORES) < 100
            ends = [MARGINS[name](label * np.clip(SCORES + h, -99, 99)) for h in (1e-6, -1e-6)]
            kinks = np.isin(np.abs(SCORES), (0.0, 1.0))
            slopes = jax.vmap(jax.grad(fn), (0, None))(SCORES, label)
            usual = inside & ~kinks
            np.testing.assert_allclose(
                slopes[usual], ((ends[0] - ends[1]) / 2e-6)[usual], rtol=1e-5, atol=1e-7
            )


def test_hinges_of_scikit_learn():
    labels = RNG.choice([-1, 1], 45)
    found = jnp.mean(losses.hinge(SCORES, labels))
    np.testing.assert_allclose(found, hinge_loss(labels, SCORES), rtol=1e-12)
    found = jnp.mean(jax.vmap(losses.crammer_singer)(LOGITS, CLASSES))
    np.testing.assert_allclose(found, hinge_loss(CLASSES, LOGITS, labels=range(5)), rtol=1e-12)


def test_slopes_at_the_kinks_of_margins():
    assert jax.grad(losses.perceptron)(0.0, 1) == 0
    assert jax.grad(losses.smoothed_hinge)(0.0, 1) == -1
    assert jax.grad(losses.modified_huber)(-1.0, 1) == -4
    assert jax.grad(losses.crammer_singer)(jnp.array([1.0, 0.0, -3.0]), 0).tolist() == [0, 0, 0]
    tied = jax.grad(losses.crammer_singer)(jnp.array([0.0, 2.0, 2.0]), 0)
    assert tied.tolist() == [-1, 0.5, 0.5]


def test_multiclass_against_optax():
    pairs = {
        losses.crammer_singer: optax.losses.multiclass_hinge_loss,
        losses.multiclass_perceptron: optax.losses.multiclass_perceptron_loss,
        losses.sparsemax_loss: optax.losses.multiclass_sparsemax_loss,
    }
    for ours, theirs in pairs.items():
        found = jax.vmap(ours)(LOGITS, CLASSES)
        expected = theirs(jnp.asarray(LOGITS), jnp.asarray(CLASSES))
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12, err_msg=str(ours))
        slopes = jax.vmap(jax.grad(ours))(LOGITS, CLASSES)
        total = jax.grad(lambda z, f=theirs: jnp.sum(f(z, jnp.asarray(CLASSES))))
        np.testing.assert_allclose(slopes, total(jnp.asarray(LOGITS)), atol=1e-12)


def test_weston_watkins_is_a_sum():
    for z, y in zip(LOGITS, CLASSES, strict=True):
        expected = sum(max(0, 1 + z[j] - z[y]) for j in range(5) if j != y)
        np.testing.assert_allclose(losses.weston_watkins(z, y), expected, rtol=1e-14)


def test_poly1_and_focal_against_optax():
    hot = np.eye(5)[CLASSES]
    expected = optax.losses.poly_loss_cross_entropy(LOGITS, hot, epsilon=2.0)
    found = jax.vmap(losses.poly1, (0, 0, None))(LOGITS, CLASSES, 2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    labels = (SCORES > 0).astype(float)
    near = np.abs(SCORES) < 20
    for gamma, alpha in ((2.0, 0.25), (0.5, 0.9), (0.0, 0.5)):
        found = losses.sigmoid_focal(SCORES, labels, gamma, alpha)
        expected = optax.losses.sigmoid_focal_loss(SCORES, labels, alpha=alpha, gamma=gamma)
        np.testing.assert_allclose(found[near], expected[near], rtol=1e-7)


def focal(odds, gamma):
    return mp.exp(-gamma * mp.log1p(mp.exp(odds))) * mp.log1p(mp.exp(-odds))


def test_focal_tails_with_fifty_digits():
    with mp.workdps(50):
        for odds in (-700.0, -30.0, -1e-8, 0.3, 40.0, 200.0):
            for gamma in (0.0, 0.5, 2.0):
                truth = focal(mp.mpf(odds), gamma)
                slope = mp.diff(lambda v, g=gamma: focal(v, g), mp.mpf(odds))
                for label, logit in ((1, odds), (0, -odds)):
                    sign = 1 if label else -1
                    value, found = jax.value_and_grad(losses.sigmoid_focal)(
                        logit, label, gamma, 0.5
                    )
                    assert abs(float(value) - truth / 2) <= 1e-13 * truth
                    assert abs(sign * float(found) - slope / 2) <= 1e-12 * abs(slope)
                two = jnp.array([odds, 0.0])
                np.testing.assert_allclose(
                    losses.softmax_focal(two, 0, gamma), float(truth), rtol=1e-13
                )


def test_focal_without_focus_is_the_cross_entropy():
    found = jax.vmap(jax.value_and_grad(losses.softmax_focal), (0, 0, None))(LOGITS, CLASSES, 0.0)
    expected = jax.vmap(jax.value_and_grad(losses.softmax_cross_entropy))(LOGITS, CLASSES)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-300)


def test_masked_logits_have_finite_slopes():
    masked = jnp.array([-jnp.inf, 0.3, 1.0])
    for fn in (
        losses.softmax_focal,
        losses.poly1,
        losses.sparsemax_loss,
        losses.crammer_singer,
        losses.weston_watkins,
    ):
        slope = jax.grad(fn)(masked, 1)
        assert jnp.all(jnp.isfinite(slope)), fn
        np.testing.assert_allclose(slope[1:], jax.grad(fn)(masked[1:], 0), rtol=1e-14)
        assert slope[0] == 0
        assert jnp.isnan(fn(masked, 3))
    weights = jnp.array([0.0, 0.25, 0.75])
    value, slope = jax.value_and_grad(losses.soft_cross_entropy)(masked, weights)
    small = jax.value_and_grad(losses.soft_cross_entropy)(masked[1:], weights[1:])
    np.testing.assert_allclose(value, small[0], rtol=1e-15)
    np.testing.assert_allclose(slope[1:], small[1], atol=1e-16)
    assert slope[0] == 0


def projected(z):
    """The simplex point next to z, by bisection for the threshold."""
    low, high = z.max() - 1, z.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(z - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(z - low, 0)


def test_sparsemax():
    for z in LOGITS:
        np.testing.assert_allclose(special.sparsemax(z), projected(z), atol=1e-12)
    for z, p in (
        ([1.0, 0.0, -3.0], [1, 0, 0]),
        ([2.0, 2.0, 2.0], [1 / 3] * 3),
        ([1e300, 0.0, -1e300], [1, 0, 0]),
        ([0.5, 0.5, -jnp.inf], [0.5, 0.5, 0]),
    ):
        np.testing.assert_allclose(special.sparsemax(jnp.array(z)), p, rtol=1e-15)
    # At the threshold an entry counts as below it.
    at_threshold = jax.jacobian(special.sparsemax)(jnp.array([1.0, 0.0]))
    np.testing.assert_array_equal(at_threshold, [[0, 0], [0, 0]])


def test_fenchel_young():
    weights = RNG.dirichlet(np.ones(5), 50)
    entropic = losses.fenchel_young(special.logsumexp)
    for z, q in zip(LOGITS, weights, strict=True):
        loss = optax.losses.make_fenchel_young_loss(jax.nn.logsumexp)  # pyright: ignore
        theirs = loss(jnp.asarray(z), q)
        np.testing.assert_allclose(entropic(z, q), theirs, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(entropic(z, q), losses.soft_cross_entropy(z, q), rtol=1e-11)

    def half_square(z):
        p = special.sparsemax(z)
        return jnp.sum(p * z) - jnp.sum(p * p) / 2

    sparse = losses.fenchel_young(half_square)
    for z, y in zip(LOGITS, CLASSES, strict=True):
        hot = jnp.eye(5)[y]
        found = losses.sparsemax_loss(z, y)
        np.testing.assert_allclose(sparse(z, hot) + 0.5, found, rtol=1e-9, atol=1e-11)


def test_soft_labels_against_optax():
    weights = RNG.dirichlet(np.ones(5), 50)
    found = jax.vmap(losses.soft_cross_entropy)(LOGITS, weights)
    np.testing.assert_allclose(
        found, optax.losses.softmax_cross_entropy(LOGITS, weights), rtol=1e-13
    )
    hot = np.eye(5)[CLASSES]
    smooth = jax.vmap(losses.smooth_labels, (0, None))(hot, 0.1)
    np.testing.assert_allclose(smooth, optax.losses.smooth_labels(jnp.asarray(hot), 0.1))
    many = RNG.integers(0, 2, (50, 5))
    found = jax.vmap(losses.multilabel_logistic)(LOGITS, many)
    expected = optax.losses.sigmoid_binary_cross_entropy(LOGITS, many).sum(-1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(ValueError, match="each of 5 logits"):
        losses.soft_cross_entropy(LOGITS[0], 2)


def test_kl_of_logarithms():
    p, q = RNG.dirichlet(np.ones(4), (2, 30))
    found = jax.vmap(losses.generalized_kl)(np.log(p), np.log(q))
    expected = jax.vmap(optax.losses.kl_divergence)(np.log(q), p)
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    same = special.log_softmax(LOGITS[0])
    assert losses.generalized_kl(same, same) == 0
    a = jnp.log(jnp.array([0.3, 0.7, 0.0]))
    b = jnp.log(jnp.array([0.4, 0.6, 0.0]))
    value, slopes = jax.value_and_grad(losses.generalized_kl, (0, 1))(a, b)
    small = jax.value_and_grad(losses.generalized_kl, (0, 1))(a[:2], b[:2])
    np.testing.assert_allclose(value, small[0], rtol=1e-15)
    for one, other in zip(slopes, small[1], strict=True):
        np.testing.assert_allclose(one[:2], other, rtol=1e-14)
        assert one[2] == 0
    # Close distributions: half the squared distance in the metric of Fisher, to nine digits.
    step = 1e-9 * np.array([1.0, -1.0])
    base = np.array([0.3, 0.7])
    found = losses.generalized_kl(np.log(base), np.log(base) + step)
    np.testing.assert_allclose(found, (base * step**2).sum() / 2, rtol=1e-7)


def test_noise_corrections():
    flips = np.array([[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.25, 0.05, 0.7]])
    clean = jax.vmap(losses.softmax_cross_entropy, (None, 0))
    for z in LOGITS[:, :3]:
        z = np.clip(z, -20, 20)
        p = np.exp(z) / np.exp(z).sum()
        for y in range(3):
            found, slope = jax.value_and_grad(losses.forward_corrected)(z, y, flips)
            np.testing.assert_allclose(found, -np.log(flips[:, y] @ p), rtol=1e-12)
            given = flips[:, y] * p / (flips[:, y] @ p)
            np.testing.assert_allclose(slope, p - given, rtol=1e-9, atol=1e-14)
        backward = jax.vmap(losses.backward_corrected, (None, 0, None))(z, np.arange(3), flips)
        # The mean over the flips of a label is the loss of the label itself.
        np.testing.assert_allclose(flips @ backward, clean(z, np.arange(3)), rtol=1e-10, atol=1e-12)
    sure = np.eye(3)
    for z in (np.array([800.0, 0, 0]), np.array([0.0, 800, 5])):
        for y in range(3):
            found = jax.value_and_grad(losses.forward_corrected)(z, y, sure)
            expected = jax.value_and_grad(losses.softmax_cross_entropy)(z, y)
            np.testing.assert_allclose(found[0], expected[0], rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(found[1], expected[1], atol=1e-12)


def test_ordinal_probabilities():
    thresholds = np.array([-1.0, 0.5, 0.500001, 4.0])
    with mp.workdps(40):
        for score in (-300.0, -2.0, 0.5, 3.0, 200.0):
            total = mp.mpf(0)
            for label in range(5):
                ends = [mp.mpf("-inf"), *map(mp.mpf, thresholds), mp.mpf("inf")]
                up, low = (1 / (1 + mp.exp(score - end)) for end in (ends[label + 1], ends[label]))
                if abs(score) < 50:
                    truth = -mp.log(up - low)
                    found = losses.ordinal_logistic(score, label, thresholds)
                    np.testing.assert_allclose(found, float(truth), rtol=1e-9)
                total += mp.exp(-float(losses.ordinal_logistic(score, label, thresholds)))
                slopes = jax.grad(losses.ordinal_logistic, (0, 2))(score, label, thresholds)
                assert all(jnp.all(jnp.isfinite(slope)) for slope in slopes)
            assert abs(total - 1) < 1e-12
    assert jnp.isnan(losses.ordinal_logistic(0.0, 5, thresholds))
    assert losses.ordinal_logistic(1.5, 1, np.zeros(1)) == pytest.approx(
        float(losses.logistic(1.5, 1)), rel=1e-15
    )
