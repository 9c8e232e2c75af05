"""Inputs as vectors, for models that read a sequence as a whole."""

from __future__ import annotations

import jax

from models.registry import Shapes


def features(inputs: jax.Array, shapes: Shapes) -> jax.Array:
    """Returns the inputs as vectors, float32[B, T, F]: tokens one-hot, F the vocabulary; vectors as they are."""
    return inputs if shapes.vocabulary is None else jax.nn.one_hot(inputs, shapes.vocabulary)


def width(shapes: Shapes) -> int:
    """Returns F, the width of `features`."""
    return shapes.width_in if shapes.vocabulary is None else shapes.vocabulary  # type: ignore[return-value]
