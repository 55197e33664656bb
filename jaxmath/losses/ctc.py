r"""Connectionist temporal classification: the likelihood of a sequence without its alignment.

Labels are interleaved with blanks, $l' = (\epsilon, l_1, \epsilon, l_2, \dots, \epsilon)$, and
$\alpha_t(s)$ is the log-probability of all alignments of the first t frames that end in $l'_s$: it
comes from s, s - 1, or, where a label differs from the one before it, from s - 2. All sums are
`logsumexp` of three numbers, whose slopes are finite where all are minus infinity.

Where the sequence is nearly sure, the loss is what it lacks to that: every frame is one symbol, so
the alignments of other sequences leave the path at some frame, or stop before its end, and their
probabilities are summed directly.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Integer

from jaxmath.domains import REAL, Box, Integers
from jaxmath.formula import Bounded, Formula, Lipschitz, Smooth, Source, with_rule
from jaxmath.special import log_softmax, logsumexp, softmax, softmax_vjp
from jaxmath.special.logarithm import log1p

Frames = Float[ArrayLike, "t k"]
Labels = Integer[ArrayLike, " n"]
Count = Integer[ArrayLike, ""]


class _Lattice(NamedTuple):
    """The log-probabilities of frames, and the path of labels that they are aligned with."""

    log_probs: Float[Array, "t k"]
    path: Integer[Array, " m"]  # labels with blanks between and around
    skips: Bool[Array, " m"]  # where a label may follow the one before without a blank
    ends: Bool[Array, " m"]  # where the path may end: the last label, or the blank behind it
    frames: Integer[Array, ""]  # how many count


def _lattice(logits, labels, frame_count, label_count, blank) -> _Lattice:
    log_probs, labels = jax.vmap(log_softmax)(jnp.asarray(logits)), jnp.asarray(labels)
    path = jnp.full(2 * labels.size + 1, blank).at[1::2].set(labels)
    before = jnp.concatenate([jnp.full(min(2, path.size), blank), path[:-2]])[: path.size]
    last = 2 * jnp.asarray(labels.size if label_count is None else label_count)
    place = jnp.arange(path.size)
    frames = jnp.asarray(log_probs.shape[0] if frame_count is None else frame_count)
    ends = (place == last) | (place == last - 1)
    return _Lattice(log_probs, path, (path != blank) & (path != before), ends, frames)


def _ways(score: Float[Array, " m"], skips: Bool[Array, " m"]) -> Float[Array, " m"]:
    """The log of the sum over the places from which each can be reached."""
    here = [
        jnp.concatenate([jnp.full(k, -jnp.inf, score.dtype), score])[: score.size]
        for k in (0, 1, 2)
    ]
    here[2] = jnp.where(skips, here[2], -jnp.inf)
    return jax.vmap(logsumexp)(jnp.stack(here, axis=1))


def _forward(lattice: _Lattice) -> Float[Array, "t m"]:
    """The log-probabilities of all beginnings; frames that do not count repeat the last."""
    log_probs, path = lattice.log_probs, lattice.path
    start = jnp.where(jnp.arange(path.size) < 2, log_probs[0, path], -jnp.inf)

    def step(alpha, frame):
        probs, t = frame
        following = _ways(alpha, lattice.skips) + probs[path]
        following = jnp.where(t < lattice.frames, following, alpha)
        return following, following

    _, rest = lax.scan(step, start, (log_probs[1:], jnp.arange(1, log_probs.shape[0])))
    return jnp.concatenate([start[None], rest])


def _backward(lattice: _Lattice) -> Float[Array, "t m"]:
    """The log-probabilities of all that can still come after each place and frame."""
    log_probs, path = lattice.log_probs, lattice.path
    end = jnp.where(lattice.ends, 0.0, -jnp.inf).astype(log_probs.dtype)
    leaves = jnp.concatenate([lattice.skips[2:], jnp.zeros(min(2, path.size), bool)])

    def step(beta, frame):
        probs, t = frame
        previous = _ways((beta + probs[path])[::-1], leaves[::-1])[::-1]
        previous = jnp.where(t < lattice.frames, previous, beta)
        return previous, previous

    times = jnp.arange(1, log_probs.shape[0])
    _, rest = lax.scan(step, end, (log_probs[1:], times), reverse=True)
    return jnp.concatenate([rest, end[None]])


class _Others(NamedTuple):
    """The alignments of all other sequences: those that leave the path, or stop before its end.

    Of a frame: the probability of being at each place after it, and of having left before it.
    """

    total: Float[Array, ""]
    less: Bool[Array, ""]  # whether the sequence is the likelier
    kept: Float[Array, "t m"]
    left: Float[Array, " t"]
    leaves: Float[Array, "m k"]  # one for the symbols that leave the path from a place
    begins: Float[Array, " k"]  # one for those that it cannot begin with


def _shifted(rows, places: int):
    """The rows so many places on, or back where negative; zero comes in at the end."""
    width = [(max(-places, 0), max(places, 0))] + [(0, 0)] * (rows.ndim - 1)
    return jnp.pad(rows, width)[max(places, 0) :][: len(rows)]


def _others(lattice: _Lattice, forward: Float[Array, "t m"]) -> _Others:
    probs, kept = jnp.exp(lattice.log_probs), jnp.exp(forward)
    hits = jax.nn.one_hot(lattice.path, probs.shape[1], dtype=bool)
    over = _shifted(hits & lattice.skips[:, None], 2)
    leaves = (~(hits | _shifted(hits, 1) | over)).astype(probs.dtype)
    begins = (~jnp.any(hits[:2], axis=0)).astype(probs.dtype)
    counts = jnp.arange(1, len(kept)) < lattice.frames
    leaving = jnp.where(counts, jnp.sum(kept[:-1] * (probs[1:] @ leaves.T), axis=1), 0.0)
    left = jnp.cumsum(
        jnp.concatenate([jnp.stack([jnp.zeros_like(begins[0]), probs[0] @ begins]), leaving])
    )
    total = left[-1] + jnp.sum(jnp.where(lattice.ends, 0.0, kept[-1]))
    return _Others(total, total < 0.5, kept, left[:-1], leaves, begins)


def _others_given(lattice: _Lattice, others: _Others) -> Float[Array, "t k"]:
    """The probability of all other sequences, given each symbol at each frame."""
    probs, path, kept = jnp.exp(lattice.log_probs), lattice.path, others.kept

    def step(fails, frame):
        """The probability of failing from each place on, one frame earlier."""
        probs, t = frame
        on = probs[path] * fails
        before = on + _shifted(on, 1) + _shifted(jnp.where(lattice.skips, on, 0.0), 2)
        before = jnp.where(t < lattice.frames, before + others.leaves @ probs, fails)
        return before, before

    end = jnp.where(lattice.ends, 0.0, 1.0).astype(probs.dtype)
    times = jnp.arange(1, len(kept))
    _, rest = lax.scan(step, end, (probs[1:], times), reverse=True)
    fails = jnp.concatenate([rest, end[None]])

    start = jnp.where(jnp.arange(path.size) < 2, 1.0, 0.0)[None]
    comes = jax.vmap(
        lambda row: row + _shifted(row, -1) + jnp.where(lattice.skips, _shifted(row, -2), 0.0)
    )(kept[:-1])
    fails = jnp.concatenate([start, comes]) * fails
    leaves = jnp.concatenate([others.begins[None], kept[:-1] @ others.leaves])
    return (others.left[:, None] + leaves).at[:, path].add(fails)


def _ctc(
    logits: Frames, labels: Labels, frame_count: Count | None = None,
    label_count: Count | None = None, blank: Count | int = 0,
) -> Float[Array, ""]:  # fmt: skip
    """Minus the log-probability, in nats, of a sequence of labels, summed over its alignments.

    The logits of each frame are those of all labels and of the blank. Frames and labels beyond the
    counts are padding. Infinite if there are too few frames for the labels, with slopes of zero.
    """
    lattice = _lattice(logits, labels, frame_count, label_count, blank)
    forward = _forward(lattice)
    others = _others(lattice, forward)
    sure = -log1p(-jnp.where(others.less, others.total, 0.0))
    return jnp.where(others.less, sure, -logsumexp(jnp.where(lattice.ends, forward[-1], -jnp.inf)))


def ctc_dlogits(
    logits: Frames, labels: Labels, frame_count: Count | None = None,
    label_count: Count | None = None, blank: Count | int = 0,
) -> Float[Array, "t k"]:  # fmt: skip
    """The probabilities minus how probable each label is at each frame given the sequence.

    Where the sequence is nearly sure, from how probable the others are given each label.
    """
    logits = jnp.asarray(logits)
    lattice = _lattice(logits, labels, frame_count, label_count, blank)
    forward = _forward(lattice)
    both = forward + _backward(lattice)
    possible = jnp.max(both, axis=1, keepdims=True) != -jnp.inf
    given = jax.vmap(softmax)(jnp.where(possible, both, 0.0))
    given = jnp.zeros_like(lattice.log_probs).at[:, lattice.path].add(given)
    slopes = jax.vmap(softmax)(logits) - given
    others = _others(lattice, forward)
    (near,) = jax.vmap(softmax_vjp)(logits, _others_given(lattice, others))
    slopes = jnp.where(others.less, near / jnp.where(others.less, 1 - others.total, 1.0), slopes)
    counts = possible & (jnp.arange(len(given))[:, None] < lattice.frames)
    return jnp.where(counts, slopes, 0.0)


ctc = with_rule(_ctc, logits=ctc_dlogits)

CTC = Formula(
    fn=ctc,
    plain=_ctc,
    domain=dict(logits=Box((2, 2), REAL), labels=Box((1,), Integers(1, 1))),
    partials=dict(logits=ctc_dlogits),
    facts=(
        Bounded("logits", low=0.0),
        Lipschitz("logits", lambda logits, labels: (2 * logits.shape[0]) ** 0.5),
        Smooth("logits", lambda logits, labels: 0.5 * logits.shape[0]),
    ),
    exceptions=dict.fromkeys(
        ("second_derivatives", "hessian_symmetric"),
        "in float32 those of a nearly sure sequence are small differences, right to six digits",
    ),
    tex=r"\ell(z, l) = -\log \sum_{\pi : B(\pi) = l} \prod_t \operatorname{softmax}(z_t)_{\pi_t}",
    source=Source("graves2006connectionist", "section 4"),
    topic="M8",
)
