"""Ranking, embedding, contrastive, segmentation and reinforcement-learning losses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.metrics.pairwise import cosine_distances

from jaxmath import losses, special

RNG = np.random.default_rng(4)


def test_listmle_is_the_plackett_luce_likelihood():
    for _ in range(20):
        scores, relevance = RNG.normal(size=6) * 3, RNG.integers(0, 3, 6)
        order = sorted(range(6), key=lambda k: -relevance[k])
        chance = 1.0
        for place, chosen in enumerate(order):
            left = np.exp(scores[order[place:]])
            chance *= np.exp(scores[chosen]) / left.sum()
        np.testing.assert_allclose(losses.listmle(scores, relevance), -np.log(chance), rtol=1e-12)


def test_a_list_with_a_mask():
    """Things not in the list have scores of minus infinity and the least relevance."""
    scores, relevance = jnp.array([0.5, -1.0, 2.0]), jnp.array([2, 0, 1])
    longer = jnp.concatenate([scores, jnp.array([-jnp.inf])])
    chances = special.softmax(jnp.array([2.0, 0.0, 1.0]))
    padded = jnp.concatenate([chances, jnp.zeros(1)])
    expected = optax.losses.ranking_softmax_loss(scores, chances, reduce_fn=None)
    np.testing.assert_allclose(losses.soft_cross_entropy(longer, padded), expected, rtol=1e-12)
    slope = jax.grad(losses.listmle)(longer, jnp.concatenate([relevance, jnp.array([-1])]))
    np.testing.assert_allclose(slope[:3], jax.grad(losses.listmle)(scores, relevance), rtol=1e-14)


def test_pairs():
    np.testing.assert_allclose(
        losses.pairwise_logistic(2.0, -1.0), np.log1p(np.exp(-3)), rtol=1e-15
    )
    assert losses.margin_ranking(2.0, 1.5, 1, 1.0) == 0.5
    assert losses.margin_ranking(2.0, 1.5, -1, 1.0) == 1.5
    assert losses.margin_ranking(2.0, 1.0, 1, 1.0) == 0
    assert jax.grad(losses.margin_ranking)(2.0, 1.0, 1, 1.0) == 0
    assert losses.hinge_embedding(0.25, -1, 1.0) == 0.75
    assert losses.hinge_embedding(0.25, 1, 1.0) == 0.25


def test_cosines():
    x, y = RNG.normal(size=(2, 20, 7))
    found = jax.vmap(losses.cosine_distance)(x, y)
    np.testing.assert_allclose(found, np.diag(cosine_distances(x, y)), rtol=1e-12)
    np.testing.assert_allclose(
        jax.vmap(losses.cosine_similarity)(x, y),
        optax.losses.cosine_similarity(x, y),
        rtol=1e-12,
    )
    assert losses.cosine_distance(1e200 * x[0], 1e-200 * x[0]) < 1e-30
    nothing = jnp.zeros(7)
    assert losses.cosine_similarity(nothing, x[0]) == 0
    assert losses.cosine_distance(nothing, x[0]) == 1
    assert jnp.all(jax.grad(losses.cosine_distance)(nothing, x[0]) == 0)


def test_norm():
    for x in (np.array([3e200, 4e200]), np.array([3e-200, 4e-200]), np.array([0.3, 0.4, 0.0])):
        size = np.abs(x).max() / (0.4 / 0.5)
        np.testing.assert_allclose(special.norm(x), size, rtol=1e-14)
        np.testing.assert_allclose(jax.grad(special.norm)(x), x / size, rtol=1e-14)
    assert jax.grad(special.norm)(jnp.zeros(3)).tolist() == [0, 0, 0]
    assert jnp.all(jnp.isfinite(jax.hessian(special.norm)(jnp.zeros(3))))


def test_triplets_of_optax():
    a, p, n = RNG.normal(size=(3, 20, 4))
    a[0] = p[0]  # where the distance is zero and has no slope

    def ours(a, p, n):
        return losses.triplet_margin(special.norm(a - p), special.norm(a - n), 0.7)

    expected = optax.losses.triplet_margin_loss(a, p, n, margin=0.7, eps=0.0)
    np.testing.assert_allclose(jax.vmap(ours)(a, p, n), expected, rtol=1e-12)
    assert jnp.all(jnp.isfinite(jax.vmap(jax.grad(ours))(a, p, n)))


def test_nt_xent_of_optax():
    """Pairs of rows have one label; optax takes the mean over all of them."""
    rows, labels = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2])
    each = []
    for k in range(6):
        other = (k + 3) % 6
        negatives = np.delete(rows, [k, other], axis=0)
        each.append(losses.nt_xent(rows[k], rows[other], negatives, 0.3))
    theirs = optax.losses.ntxent(jnp.asarray(rows), jnp.asarray(labels), 0.3)
    np.testing.assert_allclose(np.mean(each), theirs, rtol=1e-6)  # their norms have an epsilon


def test_supervised_contrastive():
    s, positives = RNG.normal(size=5), np.array([0, 1, 0, 1, 1])
    logs = s / 0.2 - np.log(np.exp(s / 0.2).sum())
    found = losses.supervised_contrastive(s, positives, 0.2)
    np.testing.assert_allclose(found, -logs[positives == 1].mean(), rtol=1e-13)
    own = np.append(s, -np.inf)  # the anchor itself is masked
    again, slope = jax.value_and_grad(losses.supervised_contrastive)(
        own, np.append(positives, 0), 0.2
    )
    np.testing.assert_allclose(again, found, rtol=1e-14)
    assert jnp.all(jnp.isfinite(slope))
    assert losses.supervised_contrastive(s, np.zeros(5, int), 0.2) == 0


def test_dice():
    p, y = RNG.uniform(size=(4, 5)), RNG.integers(0, 2, (4, 5))
    expected = 1 - 2 * (p * y).sum() / (p.sum() + y.sum())
    np.testing.assert_allclose(losses.dice(p, y), expected, rtol=1e-14)
    nothing = jnp.zeros((2, 2))
    assert losses.dice(nothing, nothing) == 0
    assert jnp.all(jax.grad(losses.dice)(nothing, nothing) == 0)
    assert losses.dice(jnp.array([1e-300, 0.0]), jnp.array([0, 0])) == 1


def test_policy_gradient_is_the_score_times_the_advantage():
    z = RNG.normal(size=4)
    score = jax.grad(lambda z: jax.nn.log_softmax(z)[2])(z)
    np.testing.assert_allclose(
        jax.grad(losses.policy_gradient)(z, 2, 1.7), -1.7 * score, rtol=1e-12
    )
    assert jax.grad(losses.policy_gradient, 2)(z, 2, 1.7) == 0
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(losses.softmax_entropy(z), -(p * np.log(p)).sum(), rtol=1e-14)
    masked = jnp.array([0.3, -jnp.inf, 1.0])
    value, slope = jax.value_and_grad(losses.softmax_entropy)(masked)
    small = jax.value_and_grad(losses.softmax_entropy)(masked[jnp.array([0, 2])])
    np.testing.assert_allclose(value, small[0], rtol=1e-15)
    np.testing.assert_allclose(slope, [small[1][0], 0, small[1][1]], rtol=1e-14)
    assert jax.grad(losses.dpg)(jnp.ones(2), jnp.array([3.0, -1.0])).tolist() == [-3, 1]


@pytest.mark.parametrize("ratio", [0.1, 0.79, 0.9, 1.1, 1.21, 5.0])
@pytest.mark.parametrize("advantage", [-2.0, 3.0])
def test_clipped_surrogate(ratio, advantage):
    expected = -min(ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage)
    value, slope = jax.value_and_grad(losses.clipped_surrogate)(ratio, advantage, 0.2)
    np.testing.assert_allclose(value, expected, rtol=1e-15)
    h = 1e-6
    above, below = (
        -min(r * advantage, np.clip(r, 0.8, 1.2) * advantage) for r in (ratio + h, ratio - h)
    )
    np.testing.assert_allclose(slope, (above - below) / (2 * h), atol=1e-8)


def test_temporal_differences():
    q, following = jnp.array([1.0, 2.0, 4.0]), jnp.array([0.5, 3.0, -1.0])
    policy, selector = jnp.array([0.25, 0.25, 0.5]), jnp.array([9.0, 1.0, 2.0])
    targets = {
        losses.sarsa: (2, -1.0),
        losses.expected_sarsa: (policy, 0.25 * 0.5 + 0.25 * 3 - 0.5),
        losses.double_q_learning: (selector, 0.5),
    }
    for fn, (last, next_value) in targets.items():
        value, slope = jax.value_and_grad(fn)(q, 1, 0.7, 0.9, following, last)
        surprise = 2.0 - (0.7 + 0.9 * next_value)
        np.testing.assert_allclose(value, surprise**2 / 2, rtol=1e-14)
        np.testing.assert_allclose(slope, [0, surprise, 0], rtol=1e-14)
        assert jnp.all(jax.grad(fn, 4)(q, 1, 0.7, 0.9, following, last) == 0)
    np.testing.assert_allclose(
        losses.q_learning(q, 0, 0.7, 0.9, following), (0.7 + 2.7 - 1) ** 2 / 2, rtol=1e-14
    )
    np.testing.assert_allclose(losses.td(1.0, 0.7, 0.9, 2.0), 1.5**2 / 2, rtol=1e-14)
    assert jax.grad(losses.td, 3)(1.0, 0.7, 0.9, 2.0) == 0
    assert jnp.isnan(losses.sarsa(q, 3, 0.7, 0.9, following, 0))
