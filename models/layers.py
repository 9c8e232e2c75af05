"""Layers that act on each position by itself. All take flattened positions, float32[N, D] with N = batch * time:
on a CPU, XLA copies three-dimensional activations in one thread to make the weight gradients, and flat ones not."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

ACTIVATIONS = {"gelu": nnx.gelu, "relu": nnx.relu, "silu": nnx.silu}
PRECISIONS = ("float32", "tensorfloat32", "bfloat16")
ONE_HOT_BELOW = (
    512  # vocabulary up to which a product with one-hot rows beats a gather, whose gradient is a scatter
)


def matmul(subscripts: str, a: jax.Array, b: jax.Array, precision: str) -> jax.Array:
    """`jnp.einsum` of two arrays in one of PRECISIONS, its result in float32."""
    if precision == "bfloat16":
        a, b = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
        return jnp.einsum(subscripts, a, b, preferred_element_type=jnp.float32)
    return jnp.einsum(subscripts, a, b, precision=precision)


def lookup(table_VxD: jax.Array, index_N: jax.Array) -> jax.Array:
    """Rows of a table, float32[N, D]. An index outside the table gives zeros (small tables) or the nearest row."""
    rows = table_VxD.shape[0]
    if rows > ONE_HOT_BELOW:
        return table_VxD.at[index_N].get(mode="clip")
    return matmul("nv,vd->nd", jax.nn.one_hot(index_N, rows), table_VxD, "float32")


class Dense(nnx.Module):
    """Affine map of N rows, normally initialised with standard deviation `scale / sqrt(width_in)`."""

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
        y_NxE = matmul("nd,de->ne", x_NxD, self.kernel[...], self.precision)
        return y_NxE if self.bias is None else y_NxE + self.bias[...]


class LayerNorm(nnx.Module):
    """Layer normalisation of N rows, in float32. Ba et al. 2016, "Layer normalization"."""

    def __init__(self, width: int):
        self.scale = nnx.Param(jnp.ones(width))
        self.bias = nnx.Param(jnp.zeros(width))

    def __call__(self, x_NxD: jax.Array) -> jax.Array:
        x_NxD = x_NxD - x_NxD.mean(-1, keepdims=True)
        inverse_Nx1 = jax.lax.rsqrt(jnp.square(x_NxD).mean(-1, keepdims=True) + 1e-5)
        return x_NxD * inverse_Nx1 * self.scale[...] + self.bias[...]
