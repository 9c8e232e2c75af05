"""Changes of a gradient before an optimiser's rule sees it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax


def perpendicular(grad: jax.Array, weights: jax.Array) -> jax.Array:
    """Returns a tensor's gradient without its part along the weights, as long as it was.

    Prieto et al. 2025, "Grokking at the edge of numerical stability", section 5; their code, not their text, keeps the
    norm. A gradient along the weights alone, as of a single number, becomes 0.
    """
    peak = jnp.maximum(jnp.abs(grad).max(), 1e-37)  # so that squares of small gradients do not underflow
    unit = grad / peak
    across = unit - weights * (weights * unit).sum() / jnp.maximum((weights * weights).sum(), 1e-30)
    old, new = jnp.sqrt((unit * unit).sum()), jnp.sqrt((across * across).sum())
    return peak * across * jnp.where(new > 1e-6 * old, old / jnp.maximum(new, 1e-30), 0.0)


def normalise(grads: Any, *, by_tensor: bool) -> Any:
    """Returns the gradient divided by its norm, or each tensor by its own; norms below 1e-12 count as that."""
    whole = optax.tree.norm(grads)
    return jax.tree.map(lambda g: g / jnp.maximum(jnp.sqrt((g * g).sum()) if by_tensor else whole, 1e-12), grads)
