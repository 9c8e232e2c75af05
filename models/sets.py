"""Models of sets (bags): each instance is encoded by itself, and what all encodings say is pooled.

The instances are the positions of the task's source, or all positions if it has none. A vector of zeros is no instance.
The pooled answer stands at every position of the output.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import nnx

from fields import pytree, static
from models.features import features, width
from models.kernels import PRECISIONS
from models.layers import ACTIVATIONS, Dense
from models.registry import Architecture, Shapes, register
from models.taps import tap

ABSENT = -1e9  # what a maximum or a softmax sees of an instance that is not there
POOLINGS = ("max", "mean", "sum", "attention", "constrained")


@register("set")
@pytree
class SetConfig(Architecture):
    """Shape and numerics of a `SetModel`."""

    causal: ClassVar[bool] = False
    decodes: ClassVar[bool] = False

    width: int = static(64, low=1, high=2**16, doc="width of an instance's encoding")
    depth: int = static(2, low=1, high=1000, unit="layers", doc="layers of the MLP that encodes an instance")
    activation: str = static("relu", choices=tuple(ACTIVATIONS), doc="the nonlinearity behind each layer")
    pooling: str = static(
        "max",
        choices=POOLINGS,
        doc="max, mean, sum or attention of encodings; constrained: an instance more never makes a yes less likely",
    )
    concepts: int = static(1, low=1, high=1000, doc="constrained: kinds of instances that a yes needs together")
    groups: int = static(1, low=1, high=1000, doc="constrained: sets of concepts, of which a yes needs one")
    precision: str = static("float32", choices=PRECISIONS, doc="precision of matrix products; all else is float32")

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> SetModel:
        """Returns a `SetModel` of this shape."""
        return SetModel(self, shapes, rngs=rngs)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built, as (key, one line)."""
        for name in ("concepts", "groups"):
            if self.pooling != "constrained" and getattr(self, name) != 1:
                yield name, f"only constrained pooling has {name}, got model.pooling = {self.pooling}"

    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built for these shapes, as (key, one line)."""
        if self.pooling == "constrained" and shapes.outputs > 2:
            yield "pooling", f"constrained says yes or no: the task must have 1 or 2 outputs, it has {shapes.outputs}"


class SetModel(nnx.Module):
    """A network of instances and a pooling.

    max, mean, sum: of the encodings, coordinate by coordinate, then a linear map (Zaheer et al. 2017, "Deep sets";
        with max the MI-Net of Wang et al. 2018, "Revisiting multiple instance neural networks").
    attention: the encodings' mean, weighted by softmax(w . tanh(V h)), then a linear map (Ilse et al. 2018,
        "Attention-based deep multiple instance learning", section 2.4, without gates).
    constrained: encodings are mapped to scores of `groups` times `concepts`. The bag's score is the largest, over
        groups, of the smallest, over concepts, of the largest, over instances. It never falls when an instance is
        added: the multiple-instance assumption. With one concept and one group it is the mi-Net of Wang et al. A task
        of two classes gets the logits 0 and that score.
    """

    def __init__(self, config: SetConfig, shapes: Shapes, *, rngs: nnx.Rngs):
        self.config, self.shapes = config, shapes
        sizes = [width(shapes), *[config.width] * config.depth]
        made: dict[str, Any] = {"precision": config.precision, "rngs": rngs}
        self.encoder = nnx.List(Dense(a, b, scale=2**0.5, **made) for a, b in itertools.pairwise(sizes))
        if config.pooling == "attention":
            self.inner = Dense(config.width, config.width, **made)
            self.weight = Dense(config.width, 1, bias=False, **made)
        pieces = config.groups * config.concepts
        self.read_out = Dense(config.width, pieces if config.pooling == "constrained" else shapes.outputs, **made)

    def __call__(self, inputs: jax.Array, key: jax.Array | None = None, rows: Any = None) -> jax.Array:
        """Returns the answer of each set at every position: float32[B, T, outputs]."""
        batch, time = inputs.shape[:2]
        x_BxIxF = features(inputs[:, : self.shapes.source or time], self.shapes)
        there_BxIx1 = (x_BxIxF != 0).any(-1, keepdims=True)
        h_NxD = rearrange(x_BxIxF, "b i f -> (b i) f")
        for number, layer in enumerate(self.encoder):
            h_NxD = tap(f"encoder.{number}", ACTIVATIONS[self.config.activation](layer(h_NxD)), batch)
        if self.config.pooling == "constrained":
            answer_BxC = self._constrained(h_NxD, there_BxIx1)
        else:
            h_BxIxD = rearrange(h_NxD, "(b i) d -> b i d", b=batch)
            answer_BxC = self.read_out(tap("pooled", self._pooled(h_BxIxD, there_BxIx1)))
        return tap("read_out", repeat(answer_BxC, "b c -> b t c", t=time))

    def _pooled(self, h_BxIxD: jax.Array, there_BxIx1: jax.Array) -> jax.Array:
        """Returns what is left of the encodings of each set's instances, float32[B, D]; zeros of an empty set."""
        batch, pooling = h_BxIxD.shape[0], self.config.pooling
        if pooling == "max":
            return jnp.where(there_BxIx1.any(1), jnp.where(there_BxIx1, h_BxIxD, ABSENT).max(1), 0.0)
        if pooling == "attention":
            h_NxD = rearrange(h_BxIxD, "b i d -> (b i) d")
            logit_BxIx1 = rearrange(self.weight(jnp.tanh(self.inner(h_NxD))), "(b i) 1 -> b i 1", b=batch)
            weight_BxIx1 = jax.nn.softmax(jnp.where(there_BxIx1, logit_BxIx1, ABSENT), axis=1)
            h_BxIxD = h_BxIxD * tap("weights", weight_BxIx1)
        sum_BxD = h_BxIxD.sum(1, where=there_BxIx1)
        return sum_BxD / jnp.maximum(there_BxIx1.sum(1), 1) if pooling == "mean" else sum_BxD

    def _constrained(self, h_NxD: jax.Array, there_BxIx1: jax.Array) -> jax.Array:
        """Returns the logits of each set, float32[B, outputs]; an empty set's score is very low."""
        config, instances = self.config, there_BxIx1.shape[1]
        score_BxIxK = tap("scores", rearrange(self.read_out(h_NxD), "(b i) k -> b i k", i=instances))
        best_BxK = jnp.where(there_BxIx1, score_BxIxK, ABSENT).max(1)
        score_Bx1 = rearrange(best_BxK, "b (g c) -> b g c", g=config.groups).min(2).max(1, keepdims=True)
        return score_Bx1 if self.shapes.outputs == 1 else jnp.concatenate([jnp.zeros_like(score_Bx1), score_Bx1], -1)
