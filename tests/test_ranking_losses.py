"""Ranking, embedding, contrastive, segmentation and reinforcement-learning losses."""

import jax
import jax.numpy as jnp
import mpmath as mp
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


def ndcg(z, y):
    """One less the smooth gain of a list at temperature one."""
    gains = [mp.mpf(2) ** k - 1 for k in y]
    best = mp.fsum(g / mp.log(k + 2, 2) for k, g in enumerate(sorted(gains, reverse=True)))
    ranks = [
        1 + mp.fsum(1 / (1 + mp.exp(a - b)) for j, b in enumerate(z) if j != i)
        for i, a in enumerate(z)
    ]
    return 1 - mp.fsum(g / mp.log(1 + r, 2) for g, r in zip(gains, ranks, strict=True)) / best


def cosine_distance(x, y):
    return 1 - mp.fsum(a * b for a, b in zip(x, y, strict=True)) / mp.norm(x) / mp.norm(y)


def listnet(z, y):
    total = mp.fsum(map(mp.exp, y))
    nats = mp.log(mp.fsum(map(mp.exp, z)))
    return mp.fsum(mp.exp(b) / total * (nats - a) for a, b in zip(z, y, strict=True))


def categorical_td(z, atoms, reward, discount, masses):
    """Of two atoms."""
    up = [(reward + discount * a - atoms[0]) / (atoms[1] - atoms[0]) for a in atoms]
    up = [min(max(u, 0), 1) for u in up]
    right = mp.fsum(m * u for m, u in zip(masses, up, strict=True))
    nats = mp.log(mp.fsum(map(mp.exp, z)))
    return (1 - right) * (nats - z[0]) + right * (nats - z[1])


CLOSE = {
    "cosine_distance": (cosine_distance, ([0.75, 1e-80], [7.25, 1e-90]), 0),
    "cosine_distance of many": (cosine_distance, ([1.5, 0.75, 2.0], [3.0, 1.5 + 2e-15, 4.0]), 0),
    "listnet": (listnet, ([3e-17, 1e-17, -2e-17], [1, 1, 1]), 3),
    "approx_ndcg": (ndcg, ([3e-17, 1e-17, -2e-17], [1, 1, 1]), 3),
    "approx_ndcg without loss": (ndcg, ([40.0, 1.0, -38.0], [2, 1, 1]), 0),
    "categorical_td": (
        categorical_td,
        ([1.0, 0.25], [-10.0, -9.998], 1e-3, 0.9999, [0.25, 0.75]),
        0,
    ),
}


def exact(part):
    return [mp.mpf(z) for z in part] if isinstance(part, list) else mp.mpf(part)


@pytest.mark.parametrize("name", CLOSE)
def test_small_differences_keep_their_digits(name):
    truth, args, slopes = CLOSE[name]
    fn = getattr(losses, name.split()[0])
    first, *rest = (jnp.asarray(part) for part in args)
    with mp.workdps(300):
        at, *others = (exact(part) for part in args)
        np.testing.assert_allclose(fn(first, *rest), float(truth(at, *others)), 2e-15)
        step = mp.mpf(10) ** -100
        for k in range(slopes):
            ends = ([z + s * (j == k) for j, z in enumerate(at)] for s in (step, -step))
            above, below = (truth(end, *others) for end in ends)
            found = jax.grad(fn)(first, *rest)[k]
            np.testing.assert_allclose(found, float((above - below) / (2 * step)), 2e-15)


def test_near_scores_in_single_precision_many_lists_at_once():
    """A compiler may round the 1 + x of a logarithm in two ways."""
    ulp = 2.0**-23
    scores = jnp.asarray([[-ulp, ulp, ulp]] * 5, jnp.float32)
    found = jax.jit(jax.vmap(jax.grad(lambda z: losses.approx_ndcg(z, jnp.array([1, 1, 1])))))(
        scores
    )
    with mp.workdps(60):
        at, step = exact([-ulp, ulp, ulp]), mp.mpf(10) ** -20
        ends = [[at[0], at[1] + s, at[2]] for s in (step, -step)]
        slope = (ndcg(ends[0], [1, 1, 1]) - ndcg(ends[1], [1, 1, 1])) / (2 * step)
    np.testing.assert_allclose(found[:, 1], float(slope), 1e-6)


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


def test_tilted_losses():
    values, weights = RNG.normal(size=6) * 2, RNG.uniform(size=6)
    weights[2] = 0.0
    for tilt in (-3.0, -1e-3, 1e-3, 0.7, 20.0):
        shares = weights / weights.sum()
        expected = np.log(shares @ np.exp(tilt * values)) / tilt
        found = losses.tilted(values, tilt, weights)
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    mean, slope = jax.value_and_grad(losses.tilted)(values, 0.0, weights)
    np.testing.assert_allclose(mean, np.average(values, weights=weights), rtol=1e-14)
    np.testing.assert_allclose(slope, weights / weights.sum(), rtol=1e-14)
    np.testing.assert_allclose(losses.tilted(values, 1e4), values.max(), atol=1e-3)
    masked = jnp.array([1.0, jnp.inf, 3.0])
    value, slope = jax.value_and_grad(losses.tilted)(masked, 2.0, jnp.array([1, 0, 1]))
    np.testing.assert_allclose(value, losses.tilted(masked[::2], 2.0), rtol=1e-15)
    assert jnp.all(jnp.isfinite(slope))


def test_the_mean_of_the_worst_share_is_the_least_over_thresholds():
    values, weights = RNG.normal(size=7), RNG.uniform(size=7)
    for share in (0.1, 0.3, 0.5, 1.0):
        for given in (None, weights):
            shares = np.full(7, 1 / 7) if given is None else given / given.sum()
            bounds = [t + shares @ np.maximum(0, values - t) / share for t in values]
            found = losses.top_share_mean(values, share, given)
            np.testing.assert_allclose(found, min(bounds), rtol=1e-12)
    value, slope = jax.value_and_grad(losses.top_share_mean)(
        jnp.array([jnp.inf, 2.0, 1.0]), 0.5, jnp.array([0, 1, 1])
    )
    assert value == 2
    assert slope.tolist() == [0, 1, 0]


def test_categorical_projection_keeps_mass_and_mean():
    atoms, points = np.array([-1.0, 0.0, 0.5, 2.0]), np.array([-0.3, 0.5, 1.9, 0.0])
    masses = np.array([0.1, 0.2, 0.3, 0.4])
    moved = losses.categorical_projection(atoms, masses, points)
    np.testing.assert_allclose(moved.sum(), 1, rtol=1e-15)
    np.testing.assert_allclose(moved @ atoms, masses @ points, rtol=1e-14)
    np.testing.assert_allclose(moved, [0.03, 0.07 + 0.4, 0.2 + 0.02, 0.28], rtol=1e-12)
    outer = losses.categorical_projection(atoms, masses, np.array([-9.0, -1.0, 2.0, 9.0]))
    np.testing.assert_allclose(outer, [0.3, 0, 0, 0.7], rtol=1e-15)
    z = RNG.normal(size=4)
    value, slope = jax.value_and_grad(losses.categorical_td)(z, atoms, 0.5, 0.5, masses)
    target = losses.categorical_projection(atoms, masses, 0.5 + 0.5 * atoms)
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(value, -(target * np.log(p)).sum(), rtol=1e-13)
    np.testing.assert_allclose(slope, p - target, atol=1e-14)


def test_quantile_td_is_the_sum_of_the_paper():
    quantiles, targets = RNG.normal(size=3), RNG.normal(size=4) * 3
    for delta in (0.5, 1.0):
        expected = 0.0
        for i, quantile in enumerate(quantiles):
            for target in targets:
                u = target - quantile
                near = u**2 / 2 if abs(u) <= delta else delta * (abs(u) - delta / 2)
                expected += abs((i + 0.5) / 3 - (u < 0)) * near / delta / 4
        found = losses.quantile_td(quantiles, targets, delta)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    slope = jax.grad(losses.quantile_td)(jnp.asarray(quantiles), targets, 1.0)
    np.testing.assert_allclose(losses.quantile_td_dquantiles(quantiles, targets, 1.0), slope)


def test_targets_along_a_trajectory():
    v, following, r = RNG.normal(size=(3, 5))
    gamma, ratio = RNG.uniform(0.5, 1, 5), RNG.uniform(0.2, 2.5, 5)
    gamma[3] = 0.0
    rho, c = np.minimum(ratio, 1.5), 0.9 * np.minimum(ratio, 1.0)
    errors = r + gamma * following - v
    found = losses.vtrace(v, following, r, gamma, ratio, 0.9, 1.5)
    again = losses.retrace(v, following, r, gamma, ratio, 0.9)
    for t in range(5):
        total = v[t] + sum(np.prod(gamma[t:k] * c[t:k]) * rho[k] * errors[k] for k in range(t, 5))
        np.testing.assert_allclose(found[t], total, rtol=1e-13)
        total = v[t] + sum(np.prod(gamma[t:k] * c[t + 1 : k + 1]) * errors[k] for k in range(t, 5))
        np.testing.assert_allclose(again[t], total, rtol=1e-13)
    # On its own policy with values one step apart, V-trace is the return.
    ones = np.ones(4)
    v = RNG.normal(size=5)
    found = losses.vtrace(v[:4], v[1:], r[:4], 0.9 * ones, ones)
    expected = sum(0.9**k * r[k] for k in range(4)) + 0.9**4 * v[4]
    np.testing.assert_allclose(found[0], expected, rtol=1e-13)


def slope_of(fn, x):
    """By central differences, for a number."""
    h = 1e-6 * max(abs(x), 1.0)
    return (float(fn(x + h)) - float(fn(x - h))) / (2 * h)


def test_slopes_in_what_is_usually_given():
    """Temperatures, tilts, weights and transition matrices may be learned as well."""
    s, weights = RNG.normal(size=4), RNG.uniform(0.1, 1, 4)

    def nce(temperature):
        return losses.info_nce(s, 2, temperature)

    np.testing.assert_allclose(jax.grad(nce)(0.3), slope_of(nce, 0.3), rtol=1e-7)
    masked = jnp.append(jnp.asarray(s), -jnp.inf)
    assert jnp.isfinite(jax.grad(losses.info_nce, 2)(masked, 2, 0.3))
    for tilt in (-2.0, 0.0, 1e-3, 5.0):

        def tilted(tilt):
            return losses.tilted(s, tilt, weights)

        np.testing.assert_allclose(jax.grad(tilted)(tilt), slope_of(tilted, tilt), rtol=1e-6)

        def weighed(weight, tilt=tilt):
            return losses.tilted(s, tilt, jnp.asarray(weights).at[1].set(weight))

        np.testing.assert_allclose(
            jax.grad(weighed)(weights[1]), slope_of(weighed, weights[1]), rtol=1e-6
        )

    def flipped(chance):
        return losses.forward_corrected(s[:2], 1, jnp.array([[0.8, chance], [0.3, 0.7]]))

    np.testing.assert_allclose(jax.grad(flipped)(0.2), slope_of(flipped, 0.2), rtol=1e-7)

    def quantile(delta):
        return losses.quantile_td(s, s[:3] + 0.4, delta)

    np.testing.assert_allclose(jax.grad(quantile)(0.7), slope_of(quantile, 0.7), rtol=1e-6)
