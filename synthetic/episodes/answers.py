"""Measures of classes in context: where answers come from, and what a transformer attends to.

An example has pairs of item and label, then the item that is asked; its facts have the labels, `label_0` and so on, and
the classes, `class_0` and so on, of which the last are those of that item.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from synthetic.episodes.vectors import TRAINED
from synthetic.measures import Measure, Measured
from synthetic.task import Example


def context(example: Example, pairs: int) -> jax.Array:
    """Returns the labels of the context, int32[N]."""
    return jnp.stack([example.facts[f"label_{i}"] for i in range(pairs)])


def sources(pairs: int, labels: int, groups: int) -> tuple[Measured, ...]:
    """Returns shares of answers that are of the context, of memory, and right among those of the context."""

    def from_context(example: Example, outputs: jax.Array) -> jax.Array:
        return (jnp.argmax(outputs[-1]) == context(example, pairs)).any().astype(jnp.float32)

    def from_memory(example: Example, outputs: jax.Array) -> jax.Array:
        same = jnp.argmax(outputs[-1]) % groups == example.facts[f"class_{pairs}"] % groups
        return (same & (example.facts["stream"] == TRAINED)).astype(jnp.float32)

    def closed(example: Example, outputs: jax.Array) -> jax.Array:
        shown = (jnp.arange(labels)[:, None] == context(example, pairs)).any(1)
        return (jnp.argmax(jnp.where(shown, outputs[-1], -jnp.inf)) == example.targets[-1]).astype(jnp.float32)

    return (
        _share("from_context", "share of answers that are a label of the context", from_context),
        _share("from_memory", "share of answers that are the class's own in training", from_memory),
        _share("closed", "share right, of the labels in the context", closed),
    )


def _share(name: str, doc: str, read: Callable[..., jax.Array]) -> Measured:
    return Measured(Measure(name, share=True, doc=doc), read)


def attention(pairs: int) -> tuple[Measured, ...]:
    """Returns the attention of an induction head's two parts, of the head that has most, and 0 where there is none.

    previous: of a label to its item, in the first block. induction: of the item that is asked to the labels of its
    class, in the second. to_labels: of that item to all labels.
    """

    def previous(example: Example, outputs: jax.Array, weights: jax.Array | None = None) -> jax.Array:
        return _none() if weights is None else weights[:, 1::2, ::2][:, jnp.arange(pairs), jnp.arange(pairs)].mean(-1)

    def to_labels(example: Example, outputs: jax.Array, weights: jax.Array | None = None) -> jax.Array:
        return _none() if weights is None else weights[:, -1, 1::2].sum(-1)

    def induction(example: Example, outputs: jax.Array, weights: jax.Array | None = None) -> jax.Array:
        right = context(example, pairs) == example.targets[-1]
        return _none() if weights is None else (weights[:, -1, 1::2] * right).sum(-1)

    return (
        _attention("previous", "attention of labels to their items in the first block", 0, previous),
        _attention("to_labels", "attention of the item that is asked to labels in the second block", 1, to_labels),
        _attention("induction", "attention of the item that is asked to its labels in the second block", 1, induction),
    )


def _none() -> jax.Array:
    return jnp.zeros(1)


def _attention(name: str, doc: str, block: int, read: Callable[..., jax.Array]) -> Measured:
    captures = (f"blocks.{block}.mixer.weights",)
    return Measured(Measure(name, doc=doc), read, lambda of_heads: of_heads.mean(0).max(), captures)
