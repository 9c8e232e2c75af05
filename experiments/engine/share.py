"""A device's share of a run's examples, where the devices along the mesh's axis `batch` work on one run together."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

LANES, BATCH = "lanes", "batch"  # the axes of the mesh


class Share(NamedTuple):
    """One of `parts` equal parts of examples; which of them is this device's place along the axis `batch`.

    Examples are drawn by index, so that what is drawn does not depend on the number of parts. A count that cannot be
    divided is every device's own, whole.
    """

    parts: int = 1

    def of(self, count: int) -> Share:
        """Returns this share where `count` examples can be divided by it, and all of them on each device where not."""
        return self if count % self.parts == 0 else WHOLE

    def first(self, count: int) -> jax.Array | int:
        """Returns the index of the first example of this share of `count`."""
        return 0 if self.parts == 1 else jax.lax.axis_index(BATCH) * (count // self.parts)

    def indices(self, count: int) -> jax.Array:
        """Returns the indices of this share, int32[count / parts]."""
        indices = jnp.arange(count // self.parts)
        return indices if self.parts == 1 else self.first(count) + indices

    def total(self, tree: Any) -> Any:
        """Returns the sum over all shares of every leaf."""
        return tree if self.parts == 1 else jax.lax.psum(tree, BATCH)

    def gather(self, tree: Any) -> Any:
        """Returns every leaf of all shares, one share after another along its first axis."""
        return tree if self.parts == 1 else jax.lax.all_gather(tree, BATCH, tiled=True)


WHOLE = Share()


def part(count: int, largest: int) -> int:
    """Returns the largest divisor of `count` that is `largest` or smaller; `count` itself where `largest` is 0."""
    return next(size for size in range(min(largest or count, count), 0, -1) if count % size == 0)
