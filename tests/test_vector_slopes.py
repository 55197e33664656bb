"""Slopes of families of vectors: at ordinary places, and where large common parts swallow them."""

import jax
import mpmath as mp
import numpy as np
import pytest

from jaxmath import distributions as d
from jaxmath import verify
from tests.marks import long_but


def _factors(rng, *shape):
    """Lower triangles whose diagonal is not small."""
    return np.tril(0.3 * rng.normal(size=(*shape, 2, 2)), -1) + np.eye(2) * rng.uniform(
        0.5, 2.0, size=(*shape, 1, 2)
    )


def _moderate(name, rng, n=24):
    """Arguments of ordinary size, n of each."""
    if name.startswith("multivariate_t"):
        return dict(
            x=rng.normal(size=(n, 2)),
            df=rng.uniform(1.0, 30.0, n),
            loc=rng.normal(size=(n, 2)),
            factor=_factors(rng, n),
        )
    if name.startswith("gaussian_mixture"):
        return dict(
            x=0.5 * rng.normal(size=(n, 2)),
            weights=rng.dirichlet([2.0, 3.0], n),
            locs=0.5 * rng.normal(size=(n, 2, 2)),
            factors=_factors(rng, n, 2),
        )
    logits = dict(logits=rng.normal(size=(n, 3)))
    if name.endswith("mean"):
        return logits
    logits["logits_q"] = rng.normal(size=(n, 3))
    counts = dict(count=np.full(n, 12), count_q=np.full(n, 12)) if "multinomial" in name else {}
    return logits | counts


@pytest.mark.parametrize(
    "name",
    long_but(
        ("categorical.mean", "categorical.cross_entropy"),
        (
            *("multivariate_t.log_prob", "gaussian_mixture.log_prob", "categorical.mean"),
            *("categorical.kl", "categorical.cross_entropy", "multinomial.kl"),
        ),
    ),
)
def test_second_derivatives_where_no_ends_are(name):
    """At the ends of the dtype the laws except them."""
    formula = next(formula for formula in verify.FORMULAS if formula.name == name)
    report = verify.derivatives(formula, points=_moderate(name, np.random.default_rng(3)))
    assert len(report.rows) > 2 or name.endswith("mean")
    assert all(row.verdict == "agree" for row in report.rows), str(report)


def test_what_large_logits_have_in_common_changes_no_slope():
    """Logits of 1e24 alike beside ordinary ones: their differences, not their sizes."""
    ours, large = np.array([0.5, -1.0, 2.0]), np.full(3, 1e24)
    p = np.exp(ours) / np.exp(ours).sum()
    for name in ("kl", "cross_entropy"):
        slope = jax.grad(getattr(d.categorical, name), 1)
        np.testing.assert_allclose(slope(ours, large), 1 / 3 - p, rtol=1e-14)
        np.testing.assert_allclose(slope(large, ours), p - 1 / 3, rtol=1e-14)
    np.testing.assert_allclose(jax.grad(d.categorical.cross_entropy)(ours, large), 0.0)


def test_posteriors_far_from_every_component():
    """The density's logarithm is -1e15 and has no decimals: shares still add up to one."""
    weights, locs = np.array([0.4, 0.6]), np.array([[0.0, 0.0], [0.0, 1e3]])
    factors, x = np.stack([np.eye(2) / 64] * 2), np.array([0.0, 1048576.0])
    np.testing.assert_array_equal(
        d.gaussian_mixture.responsibilities(x, weights, locs, factors), [0.0, 1.0]
    )
    slope = jax.grad(d.gaussian_mixture.log_prob)(x, weights, locs, factors)
    np.testing.assert_allclose(slope[1], -(64**2) * (x[1] - 1e3), rtol=1e-12)


def test_the_slope_in_the_degrees_of_freedom_far_out():
    with mp.workdps(40):
        df, q = mp.mpf(3), mp.mpf(2) * mp.mpf(1e12)

        def log_prob(df):
            return (
                mp.loggamma(df / 2 + 1)
                - mp.loggamma(df / 2)
                - mp.log(df)
                - (df / 2 + 1) * mp.log1p(q / df)
            )

        truth = float(mp.diff(log_prob, df))
    slope = jax.grad(d.multivariate_t.log_prob, 1)(np.full(2, 1e6), 3.0, np.zeros(2), np.eye(2))
    np.testing.assert_allclose(slope, truth, rtol=1e-14)
