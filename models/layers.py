"""Layers that act on each position by itself.

All take flattened positions, float32[N, D] with N = batch * time. With three-dimensional activations XLA makes a copy,
in one thread on a CPU, for the gradients of the weights; with flat ones it does not.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from models.kernels import normalize, product

ACTIVATIONS = {"gelu": nnx.gelu, "relu": nnx.relu, "silu": nnx.silu}
# Up to this many rows a table is read by a product with one-hot rows. The gradient of a gather is a scatter, which a
# GPU sums in no fixed order, so a run would not repeat to the bit. On a CPU the two are about equally fast.
ONE_HOT_UP_TO = 512


def lookup(table_VxD: jax.Array, index_N: jax.Array) -> jax.Array:
    """Returns rows of a table, float32[N, D].

    An index outside the table gives zeros (small tables) or the nearest row.
    """
    rows = table_VxD.shape[0]
    if rows > ONE_HOT_UP_TO:
        return table_VxD.at[index_N].get(mode="clip")
    return product(jax.nn.one_hot(index_N, rows), table_VxD, "float32")


class Dense(nnx.Module):
    """Maps N rows affinely. Initial weights are normal with standard deviation `scale / sqrt(width_in)`."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        precision: str,
        rngs: nnx.Rngs,
        scale: float = 1.0,
        bias: bool = True,
    ):
        std = scale * width_in**-0.5
        self.kernel = nnx.Param(std * jax.random.normal(rngs.params(), (width_in, width_out)))
        self.bias = nnx.Param(jnp.zeros(width_out)) if bias else None
        self.precision = precision

    def __call__(self, x_NxD: jax.Array) -> jax.Array:
        """Maps float32[N, width_in] to float32[N, width_out]."""
        y_NxE = product(x_NxD, self.kernel[...], self.precision)
        return y_NxE if self.bias is None else y_NxE + self.bias[...]


class LayerNorm(nnx.Module):
    """Normalises each of N rows, in float32. Ba et al. 2016, "Layer normalization"."""

    def __init__(self, width: int, *, bias: bool = True):
        self.scale = nnx.Param(jnp.ones(width))
        self.bias = nnx.Param(jnp.zeros(width)) if bias else None

    def __call__(self, x_NxD: jax.Array) -> jax.Array:
        """Maps float32[N, width] to the same shape: each row's mean and variance become those of `bias` and `scale`."""
        bias_D = jnp.zeros_like(self.scale[...]) if self.bias is None else self.bias[...]
        return normalize(x_NxD, self.scale[...], bias_D)
