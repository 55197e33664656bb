r"""Connectionist temporal classification: the likelihood of a sequence without its alignment.

Labels are interleaved with blanks, $l' = (\epsilon, l_1, \epsilon, l_2, \dots, \epsilon)$, and
$\alpha_t(s)$ is the log-probability of all alignments of the first t frames that end in $l'_s$: it
comes from s, s - 1, or, where a label differs from the one before it, from s - 2. All sums are
`logsumexp` of three numbers, whose slopes are finite where all are minus infinity.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, ArrayLike, Bool, Float, Integer

from jaxmath.domains import Box, Integers, Interval
from jaxmath.formula import Bounded, Formula, Source, with_rule
from jaxmath.special import log_softmax, logsumexp, softmax

Frames = Float[ArrayLike, "t k"]
Labels = Integer[ArrayLike, " n"]
Count = Integer[ArrayLike, ""]


_LOGIT = Interval(-2.0, 2.0, closed=(True, True))


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


def _ctc(
    logits: Frames, labels: Labels, frame_count: Count | None = None,
    label_count: Count | None = None, blank: Count | int = 0,
) -> Float[Array, ""]:  # fmt: skip
    """Minus the log-probability, in nats, of a sequence of labels, summed over its alignments.

    The logits of each frame are those of all labels and of the blank. Frames and labels beyond the
    counts are padding. Infinite if there are too few frames for the labels, with slopes of zero.
    """
    lattice = _lattice(logits, labels, frame_count, label_count, blank)
    return -logsumexp(jnp.where(lattice.ends, _forward(lattice)[-1], -jnp.inf))


def ctc_dlogits(
    logits: Frames, labels: Labels, frame_count: Count | None = None,
    label_count: Count | None = None, blank: Count | int = 0,
) -> Float[Array, "t k"]:  # fmt: skip
    """The probabilities minus how probable each label is at each frame given the sequence."""
    lattice = _lattice(logits, labels, frame_count, label_count, blank)
    both = _forward(lattice) + _backward(lattice)
    possible = jnp.max(both, axis=1, keepdims=True) != -jnp.inf
    given = jax.vmap(softmax)(jnp.where(possible, both, 0.0))
    given = jnp.zeros_like(lattice.log_probs).at[:, lattice.path].add(given)
    counts = possible & (jnp.arange(given.shape[0])[:, None] < lattice.frames)
    return jnp.where(counts, jax.vmap(softmax)(jnp.asarray(logits)) - given, 0.0)


ctc = with_rule(_ctc, logits=ctc_dlogits)

CTC = Formula(
    fn=ctc,
    plain=_ctc,
    domain=dict(logits=Box((2, 2), _LOGIT), labels=Box((1,), Integers(1, 1))),
    partials=dict(logits=ctc_dlogits),
    facts=(Bounded("logits", low=0.0),),
    exceptions=dict.fromkeys(
        ("first_derivatives", "second_derivatives", "hessian_symmetric"),
        "where a sequence is nearly sure its slopes are small differences of probabilities",
    ),
    tex=r"\ell(z, l) = -\log \sum_{\pi : B(\pi) = l} \prod_t \operatorname{softmax}(z_t)_{\pi_t}",
    source=Source("graves2006connectionist", "section 4"),
    topic="M8",
)
