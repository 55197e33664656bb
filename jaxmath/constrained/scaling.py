r"""Nesterov-Todd scaling of a product of cones (Nesterov and Todd 1997).

W takes a slack s and a multiplier z of the interior to one point: $W^{-\top} s = W z = \lambda$. In
these coordinates cones look alike, and the conditions to be central are $\lambda \circ \lambda =
\mu e$.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxmath.constrained import second_order, semidefinite
from jaxmath.constrained.cones import Cones, blocks, joined, one_by_one, split


class Scaling(NamedTuple):
    """W, cone by cone."""

    cones: Cones
    parts: list[Any]

    def point(self):
        """Where slack and multiplier meet."""
        return self._each("point")

    def slack(self, scaled):
        """W' times it: the slack of a scaled one."""
        return self._each("slack", scaled)

    def multiplier(self, scaled):
        """Its product with the inverse of W: the multiplier of a scaled one."""
        return self._each("multiplier", scaled)

    def scaled_slack(self, slack):
        """Its product with the inverse of W': the scaled one of a slack."""
        return self._each("scaled_slack", slack)

    def quotient(self, u):
        """What the point times it is u."""
        return self._each("quotient", u)

    def shrinkage(self, u):
        """One over the step along u, from the point, at which the boundary is; zero if never."""
        parts = zip(blocks(self.cones), self.parts, split(self.cones, u), strict=True)
        found = [_apply(block, _kind(block).shrinkage, *pair) for block, *pair in parts]
        return jnp.max(jnp.concatenate([jnp.zeros(1, u.dtype), *found]))

    def _each(self, name, *vectors):
        parts = zip(*(split(self.cones, vector) for vector in vectors), strict=True)
        members = parts if vectors else [()] * len(self.parts)
        found = [
            jax.vmap(getattr(_kind(block), name))(own, *some)
            for block, own, some in zip(blocks(self.cones), self.parts, members, strict=True)
        ]
        return joined(self.cones, found)


def _kind(block):
    return semidefinite if block.rows else second_order


def _apply(block, function, *parts):
    """Of each member of a block."""
    return one_by_one(function, *parts) if block.rows else jax.vmap(function)(*parts)


def scaling(cones: Cones, s, z) -> Scaling:
    """The scaling of a slack and a multiplier of the interior."""
    parts = zip(blocks(cones), split(cones, s), split(cones, z), strict=True)
    return Scaling(cones, [_apply(block, _kind(block).scaling, *pair) for block, *pair in parts])


def product(cones: Cones, u, v):
    """Of the algebra of the cones: half the sum of both products of matrices, for one."""
    parts = zip(blocks(cones), split(cones, u), split(cones, v), strict=True)
    return joined(cones, [jax.vmap(_kind(block).product)(*pair) for block, *pair in parts])
