"""An induction head of three scalars: the minimal model of classes in context, and its loss in closed form.

Reddy, "The mechanistic basis of data dependence and abrupt learning in an in-context classification task" (arXiv
2312.03002), reduces a transformer that copies a label from its context to a few scalars that are trained. The paper's
own formulas could not be read; these are ours, of the same parts. The first layer attends to the position before with
one logit, so that a label's position knows the item before it. The second compares that with the item that is asked,
and the label that it attends to is the answer. Inputs are items with one-hot labels behind (`task.one_hot`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from fields import pytree, static
from models.registry import Architecture, Shapes, register
from models.taps import scope, tap


@register("induction_head")
@pytree
class InductionConfig(Architecture):
    """Start of an `InductionHead`."""

    start: float = static(0.1, low=0.0, high=100.0, doc="standard deviation of the three scalars' initial values")
    gain: float = static(
        10.0,
        low=0.01,
        high=1000.0,
        doc="each scalar over the number that is trained, so that a transformer's rate suits",
    )

    decodes: ClassVar[bool] = False

    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no head can be built for these shapes, as (key, one line)."""
        if shapes.width_in is None or shapes.places or shapes.width_in <= shapes.outputs:
            yield (
                "name",
                "induction_head reads vectors whose last numbers are one-hot labels, as task.one_hot shows them",
            )

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> InductionHead:
        """Returns a head for these shapes."""
        return InductionHead(self, shapes, rngs=rngs)


class InductionHead(nnx.Module):
    """Map from float32[B, T, items + labels] to logits float32[B, T, labels], with three scalars.

    previous: the logit of the position before, in the first layer. match: the second layer's logit of two equal items.
    read_out: the logit of a label that has all attention. Each is `gain` times the number that is trained.
    """

    def __init__(self, config: InductionConfig, shapes: Shapes, *, rngs: nnx.Rngs):
        self.labels, self.gain = shapes.outputs, config.gain
        self.previous, self.match, self.read_out = (
            nnx.Param(config.start / config.gain * jax.random.normal(rngs.params(), ())) for _ in range(3)
        )

    def __call__(self, inputs: jax.Array, key: jax.Array | None = None, rows: Any = None) -> jax.Array:
        """Returns logits at every position, from the inputs up to it."""
        items, labels = inputs[..., : -self.labels], inputs[..., -self.labels :]
        time = inputs.shape[1]
        seen = jnp.tri(time, dtype=bool)
        before = jnp.tri(time, k=-1) - jnp.tri(time, k=-2)
        with scope("blocks", 0), scope("mixer"):
            first = _softmax(self.gain * self.previous[...] * before, seen)
            first = tap("weights", jnp.broadcast_to(first, (len(inputs), 1, time, time)))[:, 0]
        copied = jnp.einsum("btu,bud->btd", first, items)
        with scope("blocks", 1), scope("mixer"):
            second = _softmax(self.gain * self.match[...] * jnp.einsum("btd,bud->btu", items, copied), seen)
            second = tap("weights", second[:, None])[:, 0]
        return tap("read_out", self.gain * self.read_out[...] * jnp.einsum("btu,bul->btl", second, labels))


def _softmax(logits: jax.Array, seen: jax.Array) -> jax.Array:
    return jax.nn.softmax(jnp.where(seen, logits, -jnp.inf), -1)


def closed_loss(
    previous: jax.Array | float, match: jax.Array | float, read_out: jax.Array | float, *, pairs: int, labels: int
) -> jax.Array:
    """Returns the head's mean loss in nats where items are orthonormal, and `pairs` classes have one item each.

    It is a softmax of a softmax of a softmax of the three scalars: nothing is left of the data but their numbers.
    """
    place = jnp.arange(pairs)
    at_label, at_item, at_query = 2 * place + 1, 2 * place, 2 * pairs
    strength = jnp.exp(previous)

    def other(position: jax.Array | int) -> jax.Array:
        """Returns the first layer's weight of any position but the one before; all at the first position."""
        return 1 / jnp.where(jnp.asarray(position) > 0, strength + position, 1.0)

    def of_place(query: jax.Array) -> jax.Array:
        """Returns the loss where the item at pair `query` is the one that is asked."""
        of_labels = jnp.where(place == query, strength, jnp.where(query < place, 1.0, 0.0)) * other(at_label)
        of_items = jnp.where(query <= place, other(at_item), 0.0)
        scores = match * jnp.concatenate([of_labels, of_items, 2 * other(at_query)[None]])
        attention = jax.nn.softmax(scores)[:pairs]
        logits = jnp.pad(read_out * attention, (0, labels - pairs))
        return jax.nn.logsumexp(logits) - logits[query]

    return jax.vmap(of_place)(place).mean()
