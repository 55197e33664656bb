"""Conjugates and proximal maps against numerical optima, and new losses against sums."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from jaxmath import losses
from jaxmath.formula import Conjugate, Prox
from jaxmath.losses.duality import omega

PLACES = {
    "squared_error": (),
    "absolute_error": (),
    "huber": (0.7,),
    "log_cosh": (),
    "pinball": (0.3,),
    "expectile": (0.3,),
    "quantile_huber": (0.3, 0.7),
    "epsilon_insensitive": (0.4,),
    "squared_epsilon_insensitive": (0.4,),
    "smooth_l1": (0.7,),
    "pseudo_huber": (0.7,),
    "hinge": (-1.0,),
    "squared_hinge": (-1.0,),
    "smoothed_hinge": (1.0,),
    "modified_huber": (1.0,),
    "exponential": (1.0,),
    "perceptron": (-1.0,),
    "logistic": (1.0,),
    "poisson_nll": (3,),
}
"""Other arguments, of losses whose first one is a number on the line."""
SLOPES = (-0.9, -0.5, -0.2, 0.1, 0.6)
BY_NAME = {f.name: f for f in (*losses.LOSSES, *losses.OBJECTIVES)}


def facts(name, kind):
    formula = BY_NAME[name]
    first = formula.arguments[0]
    return [f for f in formula.facts if isinstance(f, kind) and f.argument == first]


@pytest.mark.parametrize("name", PLACES)
def test_conjugates_are_the_greatest_of_slope_times_argument_less_the_loss(name):
    (fact,) = facts(name, Conjugate)
    x = np.linspace(-60, 60, 600001)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        values = np.asarray(BY_NAME[name].fn(x, *PLACES[name]), np.float64)
        for slope in SLOPES:
            found = float(fact.fn(jnp.asarray(slope), *PLACES[name]))
            greatest = np.max(slope * x - values)
            if np.isinf(found):
                half = np.abs(x) < 30
                assert greatest > 1.5 * np.max((slope * x - values)[half])  # without bound
            else:
                np.testing.assert_allclose(found, greatest, atol=2e-4)


@pytest.mark.parametrize("name", [n for n in PLACES if facts(n, Prox)])
def test_proximal_maps_are_minima(name):
    (fact,) = facts(name, Prox)
    with jax.enable_x64(True):
        loss = jax.jit(lambda u: BY_NAME[name].fn(u, *PLACES[name]))
        for step, x in ((0.3, 1.7), (2.0, -1.1), (1.0, 0.2)):

            def total(u, step=step, x=x):
                return float(loss(u)) + (u - x) ** 2 / (2 * step)

            found = float(fact.fn(step, jnp.asarray(x), *PLACES[name]))
            best = minimize_scalar(total, bounds=(-20, 20), method="bounded")
            assert total(found) <= best.fun + 1e-12
            np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_omega_solves_its_equation():
    x = np.array([-700.0, -30.0, -1.0, 0.0, 1.0, 9.99, 10.01, 50.0, 1e6, 1e300])
    with jax.enable_x64(True):
        found = np.asarray(omega(x))
    for place, w in zip(x, found, strict=True):
        w = mp.mpf(float(w))
        assert abs(w + mp.log(w) - mp.mpf(float(place))) <= 1e-13 * max(abs(place), 1.0)


def test_lambdarank_is_the_sum_over_pairs():
    rng = np.random.default_rng(1)
    scores, relevance = rng.normal(size=6), np.array([0, 2, 1, 0, 2, 1])
    place = np.empty(6, int)
    place[np.argsort(-scores)] = np.arange(1, 7)
    gain, discount = 2.0**relevance - 1, 1 / np.log2(1 + place)
    best = np.sum(np.sort(gain)[::-1] / np.log2(1 + np.arange(1, 7)))
    total = 0.0
    for i in range(6):
        for j in range(6):
            if relevance[i] > relevance[j]:
                weight = abs((gain[i] - gain[j]) * (discount[i] - discount[j])) / best
                total += weight * np.log1p(np.exp(scores[j] - scores[i]))
    with jax.enable_x64(True):
        np.testing.assert_allclose(losses.lambdarank(scores, relevance), total, rtol=1e-13)
        slopes = jax.grad(losses.lambdarank)(scores, relevance)
        np.testing.assert_allclose(
            slopes, losses.lambdarank_dscores(scores, relevance), rtol=1e-12, atol=1e-14
        )


def test_distillation_against_forty_digits():
    rng = np.random.default_rng(2)
    with mp.workdps(40), jax.enable_x64(True):
        for close in (1.0, 1e-3, 1e-9):
            teacher = rng.normal(size=4) * 3
            logits = teacher + close * rng.normal(size=4)
            for temperature in (1.0, 4.0):
                z, t = ([mp.mpf(x) / temperature for x in v.tolist()] for v in (logits, teacher))
                lz, lt = (mp.log(mp.fsum(map(mp.exp, v))) for v in (z, t))
                truth = temperature**2 * mp.fsum(
                    mp.exp(b - lt) * ((b - lt) - (a - lz)) for a, b in zip(z, t, strict=True)
                )
                found = losses.distillation(logits, teacher, temperature)
                np.testing.assert_allclose(found, float(truth), rtol=1e-12 + 1e-15 / close)


def test_slopes_of_distillation_where_one_class_alone_differs():
    """The others have nearly the same probabilities, whose difference keeps its digits."""
    at = (-9.98, 0.0, 0.0), (-8.57, 0.0, 0.0), 1.6
    with mp.workdps(40), jax.enable_x64(True):

        def shares(logits):
            powers = [mp.exp(mp.mpf(z) / mp.mpf(at[2])) for z in logits]
            return [power / mp.fsum(powers) for power in powers]

        truth = [mp.mpf(at[2]) * (p - q) for p, q in zip(*map(shares, at[:2]), strict=True)]
        found = jax.grad(losses.distillation)(*map(np.array, at))
    np.testing.assert_allclose(found, np.array(truth, float), 2e-15)


def test_segmentation_embedding_and_label_losses_are_their_formulas():
    rng = np.random.default_rng(4)
    p, y = rng.uniform(size=9), rng.integers(0, 2, 9).astype(float)
    hits, alarms, misses = np.sum(p * y), np.sum(p * (1 - y)), np.sum((1 - p) * y)
    x, v = rng.normal(size=(2, 4))
    cosine = x @ v / np.linalg.norm(x) / np.linalg.norm(v)
    logits, labels = rng.normal(size=5), np.array([1.0, 0, 0, 1, 0])
    violations = [
        max(0.0, 1 - logits[j] + logits[k])
        for j in range(5)
        for k in range(5)
        if labels[j] and not labels[k]
    ]
    shares = np.exp(logits) / np.exp(logits).sum()
    with jax.enable_x64(True):
        pairs = [
            (losses.tversky(p, y, 0.3, 0.7), 1 - hits / (hits + 0.3 * alarms + 0.7 * misses)),
            (losses.tversky(p, y), losses.dice(p, y)),
            (losses.cosine_embedding(x, v, 1), 1 - cosine),
            (losses.cosine_embedding(x, v, -1, -0.9), max(0.0, cosine + 0.9)),
            (losses.multilabel_margin(logits, labels), sum(violations)),
            (losses.log_loss(0.3, 1), -np.log(0.3)),
            (losses.log_loss(1e-12, 0), 1e-12),
            (losses.all_action_policy_gradient(logits, labels), -shares @ labels),
        ]
    for found, truth in pairs:
        np.testing.assert_allclose(found, truth, rtol=1e-12)
