"""The optimiser: Adam or AdamW behind gradient clipping and a schedule, all of its numbers knobs.

Every number reaches optax as a traced argument, never through a closure, so sweeping one compiles nothing anew.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from fields import knob, pytree, static
from models.variables import Frozen, Rates

Params = Any


@pytree
class Optimizer:
    """Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019) with warm-up and decay of the learning rate."""

    rule: str = static("adamw", choices=("adamw", "adam"), doc="adam adds weight decay to the gradient (L2)")
    schedule: str = static("cosine", choices=("constant", "linear", "cosine"), doc="the learning rate after warm-up")
    lr: float = knob(1e-3, low=0.0, high=10.0, doc="peak learning rate")
    weight_decay: float = knob(0.0, low=0.0, high=100.0, doc="decay of the weight matrices, per unit of learning rate")
    b1: float = knob(0.9, low=0.0, high=0.9999, doc="decay of the gradient's running mean")
    b2: float = knob(0.999, low=0.0, high=0.99999, doc="decay of the running mean of its square")
    eps: float = knob(1e-8, low=1e-15, high=1.0, doc="added to the root of the second moment")
    clip: float = knob(0.0, low=0.0, unit="norm", doc="largest global norm of the gradient; 0 is no limit")
    warmup: int = knob(0, low=0, unit="steps", doc="steps of linear warm-up")
    final: float = knob(0.0, low=0.0, high=1.0, unit="share of lr", doc="where linear and cosine schedules end")

    def rate(self, step: jax.Array, steps: jax.Array | int) -> jax.Array:
        """Returns the learning rate at `step` of `steps`: it rises in the warm-up, then falls towards `final * lr`."""
        step = jnp.asarray(step, jnp.float32)
        done = jnp.clip((step - self.warmup) / jnp.maximum(steps - self.warmup, 1), 0.0, 1.0)
        shape = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + jnp.cos(jnp.pi * done))}[self.schedule]
        floor = 1.0 if self.schedule == "constant" else self.final
        rising = jnp.minimum((step + 1) / jnp.maximum(self.warmup, 1), 1.0)
        return self.lr * rising * (floor + (1 - floor) * shape)

    def init(self, params: Params) -> Any:
        """Returns the optimiser's state before the first step: its two running means and a count."""
        return optax.scale_by_adam().init(params)

    def update(self, grads: Params, state: Any, params: Params, step: jax.Array, steps: jax.Array | int):
        """Takes one step. Returns (new params, new state, norm of the gradient before clipping)."""
        decay = optax.add_decayed_weights(self.weight_decay, mask=_matrices)
        adam = optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps)
        norm = optax.tree.norm(grads)
        limit = jnp.where(self.clip > 0, self.clip, jnp.inf)
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, limit / jnp.maximum(norm, 1e-12)), grads)
        if self.rule == "adam":
            grads, _ = decay.update(grads, decay.init(params), params)
        updates, state = adam.update(grads, state, params)
        if self.rule == "adamw":
            updates, _ = decay.update(updates, decay.init(params), params)
        rate = self.rate(step, steps)
        return jax.tree.map(lambda p, u: p - rate * u, params, updates), state, norm


def _matrices(params: Params) -> Params:
    """Returns which leaves decay: matrices, not biases or gains (as usual for GPT-2), nor rates, nor frozen ones."""
    return jax.tree.map(_decays, params, is_leaf=lambda p: isinstance(p, nnx.Variable))


def _decays(param: Any) -> bool:
    return param.ndim > 1 and not isinstance(param, Frozen | Rates)
