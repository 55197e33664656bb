r"""Information of probability tables, in nats: entropies, and how far one table is from another.

Tables lie along the last axis, joint tables of two variables along the last two. A cell of
probability zero adds what its limit says, and is taken for one that cannot occur: where its own
slope would be infinite it is zero, so that the gradient in whatever the other cells rest on stays
finite.
"""

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmath.domains import Box, Interval
from jaxmath.formula import Bounded, Break, Concave, Convex, Formula, Source
from jaxmath.special.entropy import divergence, entr, kl_div, xlogy
from jaxmath.special.logarithm import log1p
from jaxmath.special.partials import with_partials
from jaxmath.special.ratio import log_ratio, relative_excess
from jaxmath.typing import Real

BISHOP = Source("bishop2006prml", "section 1.6")
ALI = Source("ali1966general")
LIN = Source("lin1991divergence")


def _some(x: Real, nothing) -> Float[Array, "..."]:
    """The entries themselves, one where there is nothing."""
    return jnp.where(nothing, 1.0, x)


def entropy(p: Real) -> Float[Array, "..."]:
    """How much an outcome of the table p tells, on average."""
    p = jnp.asarray(p)
    return jnp.sum(jnp.where(p == 0, 0.0, entr(_some(p, p == 0))), -1)


def entropy_dp(p: Real) -> Float[Array, "... n"]:
    """Minus one and the logarithm; zero where p is."""
    p = jnp.asarray(p)
    return jnp.where(p == 0, 0.0, -jnp.log(_some(p, p == 0)) - 1)


def cross_entropy(p: Real, q: Real) -> Float[Array, "..."]:
    """What an outcome of the table p costs in a code that is made for q, on average."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    nothing = (p == 0) & (q == 0)
    return -jnp.sum(jnp.where(nothing, 0.0, xlogy(_some(p, nothing), _some(q, nothing))), -1)


def kl(p: Real, q: Real) -> Float[Array, "..."]:
    r"""The Kullback-Leibler divergence of the table q from p.

    As $\sum p \log(p / q) - p + q$: never negative, and to all digits where both are close.
    Infinite where q excludes what p allows.
    """
    p, q = jnp.asarray(p), jnp.asarray(q)
    return jnp.sum(jnp.where(p == 0, q, kl_div(_some(p, p == 0), _some(q, p == 0))), -1)


def kl_dp(p: Real, q: Real) -> Float[Array, "... n"]:
    """The logarithm of the ratio; zero where p is."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    return jnp.where(p == 0, 0.0, log_ratio(_some(p, p == 0), _some(q, p == 0)))


def kl_dq(p: Real, q: Real) -> Float[Array, "... n"]:
    """One minus the ratio."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    return jnp.where(p == 0, 1.0, -relative_excess(_some(p, p == 0), _some(q, p == 0)))


def _middle(p, q):
    """The middle, how far each lies from it, and the share of that in it."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    m, half = (p + q) / 2, (p - q) / 2
    return m, half, half / m


def _middle_term(p: Real, q: Real) -> Float[Array, "..."]:
    m, half, share = _middle(p, q)
    return (divergence(p, m, half, share) + divergence(q, m, -half, -share)) / 2


def _middle_dp(p, q):
    """Half the logarithm of the ratio to the middle."""
    m, _, share = _middle(p, q)
    close = jnp.abs(share) < 0.5
    return jnp.where(close, log1p(jnp.where(close, share, 0.0)), log_ratio(p, m)) / 2


def _middle_dp_dp(p, q):
    return q / (p + q) / p / 2


def _middle_dp_dq(p, q):
    return -0.5 / (jnp.asarray(p) + jnp.asarray(q))


middle_term, _MIDDLE = with_partials(
    _middle_term,
    dict(p=_middle_dp, q=lambda p, q: _middle_dp(q, p)),
    {
        ("p", "p"): _middle_dp_dp,
        ("p", "q"): _middle_dp_dq,
        ("q", "q"): lambda p, q: _middle_dp_dp(q, p),
    },
)


def jensen_shannon(p: Real, q: Real) -> Float[Array, "..."]:
    """The mean divergence of the middle of both tables from each; at most log 2."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    both = (p != 0) & (q != 0)
    alone = (p + q) * (math.log(2) / 2)  # where one of them is zero
    return jnp.sum(jnp.where(both, middle_term(_some(p, ~both), _some(q, ~both)), alone), -1)


def total_variation(p: Real, q: Real) -> Float[Array, "..."]:
    """The largest difference of the two probabilities of any event."""
    return jnp.sum(jnp.abs(jnp.asarray(p) - jnp.asarray(q)), -1) / 2


def total_variation_dp(p: Real, q: Real) -> Float[Array, "... n"]:
    """Half the sign of the difference."""
    return jnp.sign(jnp.asarray(p) - jnp.asarray(q)) / 2


def _squared_term(p: Real, q: Real) -> Float[Array, "..."]:
    gap = jnp.asarray(p) - jnp.asarray(q)
    return gap * (gap / q)


def _squared_dp(p, q):
    """Twice the relative difference."""
    return 2 * relative_excess(p, q)


def _squared_dq(p, q):
    """One minus the squared ratio."""
    excess = relative_excess(p, q)
    return -excess * (2 + excess)


squared_term, _SQUARED = with_partials(
    _squared_term,
    dict(p=_squared_dp, q=_squared_dq),
    {
        ("p", "p"): lambda p, q: 2 / jnp.asarray(q) + 0.0 * p,
        ("p", "q"): lambda p, q: -2 * (p / q) / q,
        ("q", "q"): lambda p, q: 2 * (p / q) * (p / q) / q,
    },
)


def chi2(p: Real, q: Real) -> Float[Array, "..."]:
    """Pearson's divergence: the squared differences, each over q; infinite where q excludes p."""
    p, q = jnp.asarray(p), jnp.asarray(q)
    both = q != 0
    alone = jnp.where(p == 0, 0.0, jnp.inf)
    return jnp.sum(jnp.where(both, squared_term(p, _some(q, ~both)), alone), -1)


def f_divergence(
    generator: Callable[[Any], Array], p: Real, q: Real, slope: Real = jnp.inf
) -> Float[Array, "..."]:
    r"""The divergence $\sum q f(p / q)$ of a convex generator f with f(1) = 0.

    `slope` is that of the generator far out, by which p counts where q is zero. The generator takes
    ratios entry by entry, zero included.
    """
    p, q = jnp.asarray(p), jnp.asarray(q)
    nothing, excluded = (p == 0) & (q == 0), (q == 0) & (p != 0)
    inside = q * generator(p / _some(q, q == 0))
    beyond = jnp.where(excluded, p, 1.0) * slope
    return jnp.sum(jnp.where(nothing, 0.0, jnp.where(excluded, beyond, inside)), -1)


def _rows(joint: Real):
    """The joint table, the first variable's probabilities, and the second's table given each."""
    joint = jnp.asarray(joint)
    first = jnp.sum(joint, -1, keepdims=True)
    return joint, first, joint / _some(first, first == 0)


def conditional_entropy(joint: Real) -> Float[Array, "..."]:
    """What the second variable (last axis) still tells when the first is known, on average."""
    _, first, given = _rows(joint)
    return jnp.sum(first[..., 0] * entropy(given), -1)


def mutual_information(joint: Real) -> Float[Array, "..."]:
    """How much either variable tells of the other: zero if they are independent.

    The divergence of the second's table from what it is given the first, on average
    (Cover and Thomas 2006, section 2.3); a joint table that does not sum to one counts by its sum.
    """
    joint, first, given = _rows(joint)
    second = jnp.sum(joint, -2, keepdims=True) / jnp.sum(first, -2, keepdims=True)
    return jnp.sum(first[..., 0] * kl(given, jnp.broadcast_to(second, given.shape)), -1)


_CELL = Interval(1e-9, 1.0)  # whose cube is a normal number in every dtype
_TABLE = Box((3,), _CELL)
_PAIR = dict(p=_TABLE, q=_TABLE)


def _diagonal(fn):
    """Cells do not mix."""
    return lambda *tables: jnp.diag(fn(*tables))


_KL_SECONDS = {
    ("p", "p"): _diagonal(lambda p, q: 1 / p + 0.0 * q),
    ("p", "q"): _diagonal(lambda p, q: -1 / q + 0.0 * p),
    ("q", "q"): _diagonal(lambda p, q: p / q / q),
}

INFORMATION = (
    Formula(
        fn=entropy,
        label="table.entropy",
        domain=dict(p=_TABLE),
        partials=dict(p=entropy_dp),
        seconds={("p", "p"): _diagonal(lambda p: -1 / p)},
        facts=(Concave("p"),),
        tex=r"H(p) = -\sum_k p_k \log p_k",
        source=BISHOP,
        topic="P19",
    ),
    Formula(
        fn=cross_entropy,
        label="table.cross_entropy",
        domain=_PAIR,
        partials=dict(p=lambda p, q: -jnp.log(q) + 0.0 * p, q=lambda p, q: -p / q),
        seconds=_KL_SECONDS | {("p", "p"): _diagonal(lambda p, q: 0.0 * (p + q))},
        facts=(Convex("q"),),
        tex=r"H(p, q) = -\sum_k p_k \log q_k",
        source=BISHOP,
        topic="P19",
    ),
    Formula(
        fn=kl,
        label="table.kl",
        domain=_PAIR,
        partials=dict(p=kl_dp, q=kl_dq),
        seconds=_KL_SECONDS,
        facts=(Convex("p"), Convex("q"), Bounded("p", low=0.0)),
        tex=r"\operatorname{KL}(p \,\|\, q) = \sum_k p_k \log \frac{p_k}{q_k} - p_k + q_k",
        source=BISHOP,
        topic="P19",
    ),
    Formula(
        fn=jensen_shannon,
        label="table.jensen_shannon",
        domain=_PAIR,
        partials=_MIDDLE,
        seconds={
            ("p", "p"): _diagonal(_middle_dp_dp),
            ("p", "q"): _diagonal(_middle_dp_dq),
            ("q", "q"): _diagonal(lambda p, q: _middle_dp_dp(q, p)),
        },
        facts=(Convex("p"), Convex("q"), Bounded("p", low=0.0)),
        tex=r"\tfrac12 \operatorname{KL}(p \,\|\, m) + \tfrac12 \operatorname{KL}(q \,\|\, m),"
        r" \quad m = \tfrac12 (p + q)",
        source=LIN,
        topic="P19",
    ),
    Formula(
        fn=total_variation,
        label="table.total_variation",
        domain=_PAIR,
        partials=dict(p=total_variation_dp, q=lambda p, q: -total_variation_dp(p, q)),
        breaks=(Break(lambda p, q: p - q, order=1),),
        facts=(Convex("p"), Convex("q"), Bounded("p", low=0.0)),
        tex=r"\tfrac12 \sum_k |p_k - q_k|",
        exceptions={
            "breaks_follow_convention": "a cell next to its kink is taken for one at it where "
            "another cell is at its own"
        },
        source=ALI,
        topic="P19",
    ),
    Formula(
        fn=chi2,
        label="table.chi2",
        domain=_PAIR,
        partials=_SQUARED,
        seconds={
            ("p", "p"): _diagonal(lambda p, q: 2 / q + 0.0 * p),
            ("p", "q"): _diagonal(lambda p, q: -2 * (p / q) / q),
            ("q", "q"): _diagonal(lambda p, q: 2 * (p / q) * (p / q) / q),
        },
        facts=(Convex("p"), Convex("q"), Bounded("p", low=0.0)),
        tex=r"\chi^2(p \,\|\, q) = \sum_k \frac{(p_k - q_k)^2}{q_k}",
        source=ALI,
        topic="P19",
    ),
)
"""The divergences that are sums over cells; what is made of several of them is no formula."""
