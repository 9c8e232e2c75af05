"""Position schemes: the ways in which a model learns where in the sequence a token stands.

A scheme adds a vector to the embedding (learned, sinusoidal), turns queries and keys (RoPE), biases attention (ALiBi),
or does nothing.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

SCHEMES = ("learned", "sinusoidal", "rope", "alibi", "none")


def sinusoids(length: int, width: int) -> np.ndarray:
    """Returns fixed position vectors, float32[length, width]: sines in the even columns, cosines in the odd ones.

    Vaswani et al. 2017, "Attention is all you need", section 3.5.
    """
    column = np.arange(width)
    angle = np.arange(length)[:, None] / 10_000 ** (2 * (column // 2) / width)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


def rotation(length: int, head_width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cosine and sine, each float32[length, head_width], by which `rotate` turns a query or key.

    Su et al. 2021, "RoFormer", section 3.2, with column i paired with column i + head_width / 2.
    """
    frequency = 10_000 ** (-np.arange(0, head_width, 2) / head_width)
    angle = np.tile(np.arange(length)[:, None] * frequency, (1, 2))
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def rotate(x: jax.Array, cos: jax.Array | np.ndarray, sin: jax.Array | np.ndarray) -> jax.Array:
    """Turns each pair of columns of `x` (..., head_width) by its angle; `cos` and `sin` broadcast against `x`."""
    first, second = jnp.split(x, 2, axis=-1)
    return x * cos + jnp.concatenate([-second, first], axis=-1) * sin


def alibi_slopes(heads: int) -> np.ndarray:
    """Returns how fast each head's attention falls with distance, float32[heads].

    The slopes are 2^(-8/heads), 2^(-16/heads), ..., 2^-8. Press et al. 2022, "Train short, test long", section 3. One
    geometric sequence serves any number of heads.
    """
    return (2.0 ** (-8 * np.arange(1, heads + 1) / heads)).astype(np.float32)
