"""Connectionist temporal classification, against a sum over all alignments, and optax."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxmath import losses
from jaxmath.losses.ctc import _ctc as plain_ctc

RNG = np.random.default_rng(6)


def collapsed(alignment, blank):
    """Repeats merged, then blanks removed."""
    merged = [label for label, _ in itertools.groupby(alignment)]
    return tuple(label for label in merged if label != blank)


def by_enumeration(logits, labels, blank):
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    frames, classes = logits.shape
    return sum(
        np.prod([chances[t, label] for t, label in enumerate(alignment)])
        for alignment in itertools.product(range(classes), repeat=frames)
        if collapsed(alignment, blank) == tuple(labels)
    )


CASES = [((1, 2), 0), ((1, 1), 0), ((2,), 0), ((), 0), ((0, 1, 0), 2), ((1, 2, 1), 0)]


@pytest.mark.parametrize(("labels", "blank"), CASES)
def test_it_is_the_sum_over_all_alignments(labels, blank):
    logits = RNG.normal(size=(5, 3)) * 2
    found, slope = jax.value_and_grad(losses.ctc)(
        jnp.asarray(logits), np.array(labels, int), blank=blank
    )
    truth = by_enumeration(logits, labels, blank)
    np.testing.assert_allclose(found, -np.log(truth), rtol=1e-12)
    for t, k in ((0, 0), (2, 1), (4, 2)):
        moved = [logits.copy() for _ in range(2)]
        moved[0][t, k] += 1e-6
        moved[1][t, k] -= 1e-6
        ends = [-np.log(by_enumeration(m, labels, blank)) for m in moved]
        np.testing.assert_allclose(slope[t, k], (ends[0] - ends[1]) / 2e-6, atol=1e-8)


@pytest.mark.full
def test_padding_and_optax():
    logits, labels = RNG.normal(size=(4, 9, 6)) * 3, RNG.integers(1, 6, (4, 3))
    frames, counts = np.array([9, 7, 5, 9]), np.array([3, 2, 1, 0])
    found, slopes = jax.vmap(jax.value_and_grad(losses.ctc))(logits, labels, frames, counts)
    padding = (np.arange(9) >= frames[:, None]).astype(float)
    missing = (np.arange(3) >= counts[:, None]).astype(float)
    theirs = optax.losses.ctc_loss(jnp.asarray(logits), padding, jnp.asarray(labels), missing)
    np.testing.assert_allclose(found, theirs, rtol=1e-6)  # their log of zero is -1e5
    for i in range(4):
        alone = losses.ctc(logits[i, : frames[i]], labels[i, : counts[i]])
        np.testing.assert_allclose(found[i], alone, rtol=1e-13)
    assert np.all(np.asarray(slopes)[padding == 1] == 0)
    np.testing.assert_allclose(np.sum(slopes, axis=2), 0, atol=1e-13)
    plain = jax.vmap(jax.grad(plain_ctc))(logits, labels, frames, counts)
    np.testing.assert_allclose(slopes, plain, atol=1e-12)


@pytest.mark.full
def test_slopes_are_finite_where_something_is_impossible():
    logits = jnp.array([[0.0, 1.0, -jnp.inf], [2.0, 0.5, -jnp.inf], [0.0, 0.0, 1e4]])
    for labels in ((1,), (2,), (1, 2), (1, 1)):
        for fn in (losses.ctc, plain_ctc):
            assert jnp.all(jnp.isfinite(jax.grad(fn)(logits, np.array(labels))))
    impossible, slope = jax.value_and_grad(losses.ctc)(logits[:2], np.array([1, 1]))
    assert impossible == jnp.inf
    assert jnp.all(slope == 0)
