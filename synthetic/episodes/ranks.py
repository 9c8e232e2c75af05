"""The law of classes by rank: class k of K is drawn with weight (k + 1) to minus an exponent.

Classes are also in groups, class k in group k modulo G, so that classes can be drawn inside a group, or without one.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Ranks(NamedTuple):
    """Cumulated weights of classes: in order of rank, and group by group, by rank inside each.

    ranked: float32[R G]. grouped: float32[R G], group g from R g on. of_group: float32[G].
    """

    ranked: jax.Array
    grouped: jax.Array
    of_group: jax.Array

    def by_rank(self, u: jax.Array, first: jax.Array | int, end: jax.Array | int) -> jax.Array:
        """Returns classes from `first` on and before `end`, for uniform `u`; int32."""
        low, high = jnp.where(first > 0, self.ranked[jnp.maximum(first - 1, 0)], 0.0), self.ranked[end - 1]
        return _find(self.ranked, low + u * (high - low), high)

    def in_group(self, u: jax.Array, group: jax.Array) -> jax.Array:
        """Returns a class of each group for uniform `u`; int32, the shape of both."""
        low, high = self._edges(group)
        return self._class(_find(self.grouped, low + u * (high - low), high))

    def without_group(self, u: jax.Array, group: jax.Array) -> jax.Array:
        """Returns classes that are not of a group, for uniform `u`; of any, where the group is -1."""
        low, high = self._edges(jnp.maximum(group, 0))
        high = jnp.where(group < 0, low, high)
        total = self.grouped[-1]
        place = u * (total - (high - low))
        place = jnp.where(place >= low, place + (high - low), place)
        return self._class(_find(self.grouped, place, total))

    def _edges(self, group: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the cumulated weights at which groups begin and end."""
        rows = self.grouped.shape[0] // self.of_group.shape[0]
        ends = self.grouped[rows - 1 :: rows]
        return jnp.where(group > 0, ends[jnp.maximum(group - 1, 0)], 0.0), ends[group]

    def _class(self, place: jax.Array) -> jax.Array:
        """Returns the class at a place of `grouped`."""
        groups = self.of_group.shape[0]
        rows = self.grouped.shape[0] // groups
        return place % rows * groups + place // rows


def ranks(classes: jax.Array | int, exponent: jax.Array | float, *, room: int, groups: int) -> Ranks:
    """Returns the law of `classes` classes, at most `room`, in `groups` groups."""
    rows = -(-room // groups)
    number = jnp.arange(rows * groups)
    weights = jnp.where(number < classes, (number + 1.0) ** -exponent, 0.0)
    weights = weights / weights.sum()
    grouped = weights.reshape(rows, groups).T
    return Ranks(jnp.cumsum(weights), jnp.cumsum(grouped.reshape(-1)), grouped.sum(1))


def _find(cumulated: jax.Array, place: jax.Array, end: jax.Array | float) -> jax.Array:
    """Returns the first index whose cumulated weight is above `place`, which is kept below `end`."""
    inside = jnp.minimum(place, jnp.nextafter(jnp.asarray(end, jnp.float32), jnp.float32(0)))
    return jnp.searchsorted(cumulated, inside, side="right").astype(jnp.int32)
