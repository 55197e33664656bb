r"""Scores of an ensemble of forecasts against what came true; less is better.

Both are the mean distance from the target less half of that between members: what is far from the
target costs, and so does an ensemble that is narrower than what it does not know. Members that are
drawn from a distribution state it only roughly; the *fair* scores, with $m (m - 1)$ pairs in place
of $m^2$, are proper for the distribution itself.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmath.domains import Box, Interval
from jaxmath.formula import Break, Convex, Formula, Lipschitz, Source, with_rule
from jaxmath.special.norm import direction, norm
from jaxmath.typing import Real

Members = Float[ArrayLike, " m"]
Vectors = Float[ArrayLike, "m d"]
_PLACE = Interval(-100.0, 100.0, closed=(True, True))


def _members(members, rank):
    x = jnp.asarray(members)
    if x.ndim != rank or x.shape[0] < 2:
        raise ValueError(f"Expected at least two members along the first axis, got {x.shape}.")
    return x


def _side(x, y):
    """The sign of x - y, which may be too small to be told from zero; NaN stays."""
    gap = x - y
    return jnp.where(x > y, 1.0, jnp.where(x < y, -1.0, 0.0 * gap)).astype(gap.dtype)


def _crps(members, target, others):
    """The sum of the slopes times the distances from the target: of terms none of which cancel."""
    x = _members(members, 1)
    return jnp.sum(_crps_dmembers(x, target, others) * (x - target))


def _crps_dmembers(members, target, others):
    """From whole numbers, given how many members each of m is paired with."""
    x = _members(members, 1)
    m = x.shape[0]
    sides = jnp.sum(_side(x[:, None], x[None, :]), axis=1)
    return (others(m) * _side(x, target) - sides) / (m * others(m))


def _crps_ensemble(members: Members, target: Real) -> Float[Array, ""]:
    """The continuous ranked probability score of the members' own distribution."""
    return _crps(members, target, lambda m: m)


def crps_ensemble_dmembers(members: Members, target: Real) -> Float[Array, " m"]:
    """The side of the target on which each lies, less the mean side of the others on which."""
    return _crps_dmembers(members, target, lambda m: m)


def crps_ensemble_dtarget(members: Members, target: Real) -> Float[Array, ""]:
    """The share of members below the target less the share above."""
    return -jnp.mean(_side(_members(members, 1), target))


def _fair_crps_ensemble(members: Members, target: Real) -> Float[Array, ""]:
    """The same, fair to the distribution that the members are drawn from; may be negative."""
    return _crps(members, target, lambda m: m - 1)


def fair_crps_ensemble_dmembers(members: Members, target: Real) -> Float[Array, " m"]:
    """As of `crps_ensemble`, the others weighing more."""
    return _crps_dmembers(members, target, lambda m: m - 1)


_CRPS = dict(members=crps_ensemble_dmembers, target=crps_ensemble_dtarget)
_FAIR = dict(members=fair_crps_ensemble_dmembers, target=crps_ensemble_dtarget)
crps_ensemble = with_rule(_crps_ensemble, **_CRPS)
fair_crps_ensemble = with_rule(_fair_crps_ensemble, **_FAIR)


def _pairs(members, target):
    """The distances between members, at whose zeros the slope jumps."""
    x = jnp.asarray(members)
    return x[:, None] - x[None, :] + jnp.eye(x.shape[0], dtype=x.dtype)


_BREAKS = (Break(lambda members, target: members - target, order=1), Break(_pairs, order=1))
_DOMAIN = dict(members=Box((3,), _PLACE), target=_PLACE)
_FLAT = {
    ("members", "members"): lambda members, target: jnp.zeros((members.size,) * 2, members.dtype),
    ("members", "target"): lambda members, target: jnp.zeros_like(members),
    ("target", "target"): lambda members, target: jnp.zeros_like(target),
}

CRPS_ENSEMBLE = Formula(
    fn=crps_ensemble,
    plain=_crps_ensemble,
    domain=_DOMAIN,
    partials=_CRPS,
    seconds=_FLAT,
    breaks=_BREAKS,
    facts=(
        Lipschitz("target", 1.0),
        Convex("target"),
        Lipschitz("members", lambda members, target: 2 / members.size**0.5),
    ),
    tex=r"\ell(x, y) = \frac1m \sum_i |x_i - y| - \frac{1}{2 m^2} \sum_{i,j} |x_i - x_j|",
    source=Source("gneiting2007strictly", "section 4.2"),
    topic="P18",
)

FAIR_CRPS_ENSEMBLE = Formula(
    fn=fair_crps_ensemble,
    plain=_fair_crps_ensemble,
    domain=_DOMAIN,
    partials=_FAIR,
    seconds=_FLAT,
    breaks=_BREAKS,
    facts=(Lipschitz("members", lambda members, target: 2 / members.size**0.5),),
    tex=r"\ell(x, y) = \frac1m \sum_i |x_i - y| - \frac{1}{2 m (m - 1)} \sum_{i,j} |x_i - x_j|",
    source=Source("ferro2014fair"),
    topic="P18",
)


def energy_score(members: Vectors, target: Float[ArrayLike, " d"]) -> Float[Array, ""]:
    """The score of vectors, with Euclidean distances; that of numbers is `crps_ensemble`."""
    x = _members(members, 2)
    far = jnp.mean(jax.vmap(norm)(x - jnp.asarray(target)[None]))
    return far - jnp.sum(_each(norm, _gaps(x))) / (2 * x.shape[0] ** 2)


def _gaps(x):
    return x[:, None, :] - x[None, :, :]


def _each(fn, gaps):
    return jax.vmap(jax.vmap(fn))(gaps)


def energy_score_dmembers(members: Vectors, target: Float[ArrayLike, " d"]) -> Float[Array, "m d"]:
    """The direction from the target to each, less the mean direction from the others."""
    x = _members(members, 2)
    others = jnp.sum(_each(direction, _gaps(x)), axis=1)
    return (jax.vmap(direction)(x - jnp.asarray(target)[None]) - others / x.shape[0]) / x.shape[0]


def energy_score_dtarget(members: Vectors, target: Float[ArrayLike, " d"]) -> Float[Array, " d"]:
    """Minus the mean direction from the target to the members."""
    x = _members(members, 2)
    return -jnp.mean(jax.vmap(direction)(x - jnp.asarray(target)[None]), axis=0)


def _apart(members, target):
    """Where neither the target nor two members lie close together."""
    x = jnp.concatenate([members, jnp.asarray(target)[None]])
    gaps = _each(norm, _gaps(x)) + jnp.eye(x.shape[0], dtype=x.dtype)
    return jnp.min(gaps) > 1e-2


ENERGY_SCORE = Formula(
    fn=energy_score,
    domain=dict(
        members=Box((2, 2), Interval(-100.0, 100.0)), target=Box((2,), Interval(-100.0, 100.0))
    ),
    where=_apart,
    partials=dict(members=energy_score_dmembers, target=energy_score_dtarget),
    facts=(
        Lipschitz("target", 1.0),
        Convex("target"),
        Lipschitz("members", lambda members, target: 2 / members.shape[0] ** 0.5),
    ),
    exceptions=dict.fromkeys(
        ("first_derivatives", "second_derivatives", "hessian_symmetric", "finite"),
        "directions that cancel, right to a rounding of one of them",
    ),
    tex=r"\ell(x, y) = \frac1m \sum_i \lVert x_i - y \rVert"
    r" - \frac{1}{2 m^2} \sum_{i,j} \lVert x_i - x_j \rVert",
    source=Source("gneiting2007strictly", "section 4.3"),
    topic="P18",
)

ENSEMBLE_SCORES = (CRPS_ENSEMBLE, FAIR_CRPS_ENSEMBLE, ENERGY_SCORE)
