"""Optimisers: what all rules share, from the gradient to new parameters. The rules themselves are in `rules`.

Every number reaches optax as a traced argument, never through a closure, so sweeping one compiles nothing anew.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from experiments.engine import gradients
from fields import knob, pytree, static
from models.variables import Frozen, Rates

Params = Any
SCHEDULES = ("constant", "linear", "cosine")


@pytree
class Optimizer:
    """The base of optimisers: learning rate with warm-up and decay, weight decay, changes of the gradient before."""

    # Whether weight decay is a step of its own, as in AdamW, and no part of the gradient (L2).
    decoupled: ClassVar[bool] = True

    schedule: str = static("constant", choices=SCHEDULES, doc="the learning rate after warm-up")
    lr: float = knob(1e-3, low=0.0, high=1000.0, doc="peak learning rate")
    weight_decay: float = knob(0.0, low=0.0, high=100.0, doc="decay of the weight matrices, per unit of learning rate")
    clip: float = knob(0.0, low=0.0, unit="norm", doc="largest global norm of the gradient; 0 is no limit")
    warmup: int = knob(
        0, low=0, unit="steps", doc="steps of linear warm-up; it begins at lr / warmup, one step earlier than is usual"
    )
    final: float = knob(0.0, low=0.0, high=1.0, unit="share of lr", doc="where linear and cosine schedules end")
    horizon: int | None = knob(
        None,
        low=1,
        unit="steps",
        silent=True,
        doc="steps after which linear and cosine schedules end, if a run is stopped before; null is train.steps",
    )
    project: str = static(
        "none",
        choices=("none", "perpendicular"),
        silent=True,
        doc="perpendicular takes out the gradient's part along the weights, for each tensor, and keeps its norm",
    )
    normalise: str = static(
        "none",
        choices=("none", "global", "tensor"),
        silent=True,
        doc="divides the gradient by its norm, or each tensor's by its own",
    )
    scale: float | None = knob(
        None,
        low=1e-30,
        high=1e30,
        silent=True,
        doc="factor of the gradient that the rule sees; large, it keeps the squares of small gradients from underflow",
    )

    def transformation(self) -> optax.GradientTransformation:
        """Returns the rule, which turns gradients into updates at learning rate 1, to be subtracted."""
        raise NotImplementedError

    def rate(self, step: jax.Array, steps: jax.Array | int) -> jax.Array:
        """Returns the learning rate at `step` of `steps`: it rises in the warm-up, then falls towards `final * lr`.

        The warm-up's first step has the rate lr / warmup and its last the whole lr. Usual schedules begin at 0, which
        wastes a step, and so reach lr one step later.
        """
        step = jnp.asarray(step, jnp.float32)
        steps = steps if self.horizon is None else self.horizon
        done = jnp.clip((step - self.warmup) / jnp.maximum(steps - self.warmup, 1), 0.0, 1.0)
        shape = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + jnp.cos(jnp.pi * done))}[self.schedule]
        floor = 1.0 if self.schedule == "constant" else self.final
        rising = jnp.minimum((step + 1) / jnp.maximum(self.warmup, 1), 1.0)
        return self.lr * rising * (floor + (1 - floor) * shape)

    def init(self, params: Params) -> Any:
        """Returns the optimiser's state before the first step."""
        return self.transformation().init(params)

    def update(self, grads: Params, state: Any, params: Params, step: jax.Array, steps: jax.Array | int):
        """Takes one step. Returns (new params, new state, norm of the gradient as it came)."""
        decay = optax.add_decayed_weights(self.weight_decay, mask=_matrices)
        norm = length = optax.tree.norm(grads)
        if self.project == "perpendicular":
            grads = jax.tree.map(gradients.perpendicular, grads, params)
        if self.normalise != "none":
            grads = gradients.normalise(grads, by_tensor=self.normalise == "tensor")
            length = optax.tree.norm(grads)
        limit = jnp.where(self.clip > 0, self.clip, jnp.inf)
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, limit / jnp.maximum(length, 1e-12)), grads)
        if not self.decoupled:
            grads, _ = decay.update(grads, decay.init(params), params)
        if self.scale is not None:
            grads = jax.tree.map(lambda g: g * self.scale, grads)
        updates, state = self.transformation().update(grads, state, params)
        if self.decoupled:
            updates, _ = decay.update(updates, decay.init(params), params)
        rate = self.rate(step, steps)
        return jax.tree.map(lambda p, u: p - rate * u, params, updates), state, norm


def _matrices(params: Params) -> Params:
    """Returns which leaves decay: matrices, not biases or gains (as usual for GPT-2), nor rates, nor frozen ones."""
    return jax.tree.map(_decays, params, is_leaf=lambda p: isinstance(p, nnx.Variable))


def _decays(param: Any) -> bool:
    return param.ndim > 1 and not isinstance(param, Frozen | Rates)
