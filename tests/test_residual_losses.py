"""Losses of a residual beside Huber's, against 40 digits, optax and scikit-learn."""

import mpmath as mp
import numpy as np
import optax
import pytest
from sklearn.metrics import mean_pinball_loss

from jaxmath import losses

RESIDUALS = np.array([-1e200, -30.0, -1.0, -0.25, -1e-9, 0.0, 1e-200, 0.1, 0.5, 3.0, 1e9])


def exact(fn, *args):
    with mp.workdps(40):
        return [float(fn(mp.mpf(float(r)), *map(mp.mpf, args))) for r in RESIDUALS]


def weight(r, level):
    return level if r > 0 else 1 - level


def huber(r, delta):
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


TRUTHS = {
    "expectile": (lambda r, t: weight(r, t) * r * r, (0.75,)),
    "quantile_huber": (lambda r, t, d: weight(r, t) * huber(r, d), (0.25, 0.5)),
    "epsilon_insensitive": (lambda r, e: max(0, abs(r) - e), (0.25,)),
    "squared_epsilon_insensitive": (lambda r, e: max(0, abs(r) - e) ** 2, (0.25,)),
    "smooth_l1": (lambda r, b: huber(r, b) / b, (0.5,)),
    "pseudo_huber": (lambda r, d: d**2 * (mp.sqrt(1 + (r / d) ** 2) - 1), (2.0,)),
}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.filterwarnings("ignore:overflow")
def test_values_to_the_last_digits(name):
    fn, args = TRUTHS[name]
    found = getattr(losses, name)(RESIDUALS, *args)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, exact(fn, *args), 4e-16)


def test_relations_between_them():
    r = RESIDUALS[1:]
    np.testing.assert_allclose(losses.smooth_l1(r, 2.0), optax.huber_loss(r, delta=2.0) / 2, 1e-14)
    narrow = losses.quantile_huber(r, 0.3, 1e-12) / 1e-12
    np.testing.assert_allclose(narrow, losses.pinball(r, 0.3), 1e-3, 1e-9)
    mean = np.mean(losses.pinball(r, 0.3))
    np.testing.assert_allclose(mean, mean_pinball_loss(r, 0 * r, alpha=0.3), 1e-14)


def test_the_expectile_is_where_weighted_residuals_balance():
    x = np.random.default_rng(0).exponential(size=400)
    low, high = x.min(), x.max()
    for _ in range(200):  # the root of the risk's slope, by bisection
        middle = (low + high) / 2
        balance = np.sum(np.where(x > middle, 0.9, 0.1) * (x - middle))
        low, high = (middle, high) if balance > 0 else (low, middle)
    near = np.linspace(low - 1e-3, low + 1e-3, 201)
    risks = [float(np.mean(losses.expectile(x - c, 0.9))) for c in near]
    assert abs(near[int(np.argmin(risks))] - low) <= 1e-5
