"""An encoder that reads a task's source as a whole, and a decoder that answers with cross-attention to it.

The source is the first positions of a sequence, as many as the task's spec says; the decoder has the others, and sees
those up to its own. At the source's positions outputs are 0. Blocks are pre-LN as in `models.transformer`.

Where inputs are vectors, the positions at the source's end whose vectors are zero are padding, which nothing reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import nnx

from fields import pytree, static
from models import positions
from models.blocks import MLP
from models.cross import CrossAttention, KeysValues
from models.kernels import PRECISIONS
from models.layers import ACTIVATIONS, Dense, LayerNorm, lookup
from models.mixers import MIXERS
from models.pointer import UNSEEN, Pointer, pointer_misfits
from models.registry import Architecture, Shapes, register
from models.taps import scope, tap


@register("encoder_decoder")
@pytree
class EncoderDecoderConfig(Architecture):
    """Shape and numerics of an `EncoderDecoder`."""

    width: int = static(64, low=1, high=2**16, doc="width of the residual streams")
    depth: int = static(2, low=1, high=1000, unit="layers", doc="number of blocks of the encoder, and of the decoder")
    mixer: str = static(
        "attention",
        choices=("attention", "lstm", "gru"),
        doc="the layer that mixes positions; an encoder's lstm or gru runs both ways",
    )
    heads: int = static(4, low=1, high=1024, doc="heads of attention; must divide the width")
    mlp_ratio: int = static(
        4, low=0, high=64, doc="width of the MLP's hidden layer over the width; 0: blocks have no MLP"
    )
    activation: str = static("gelu", choices=tuple(ACTIVATIONS), doc="the MLP's nonlinearity")
    position: str = static(
        "learned",
        choices=("learned", "sinusoidal", "answer", "none"),
        doc="positions that are added; answer: learned ones, of the answer alone, so that the source is a set",
    )
    read_out: str = static(
        "linear", choices=("linear", "pointer"), doc="pointer: attention that points at positions of the source"
    )
    precision: str = static("float32", choices=PRECISIONS, doc="precision of matrix products; all else is float32")

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> EncoderDecoder:
        """Returns an `EncoderDecoder` of this shape."""
        return EncoderDecoder(self, shapes, rngs=rngs)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built, as (key, one line)."""
        if self.width % self.heads:
            yield "heads", f"must divide model.width = {self.width}, got {self.heads}"

    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built for these shapes, as (key, one line)."""
        yield from pointer_misfits(self.read_out, shapes)
        if not shapes.source or shapes.source >= shapes.length:
            yield "name", "encoder_decoder needs a task with a source (see Spec.source) and positions after it"


class BothWays(nnx.Module):
    """Two recurrent layers, of which one reads the sequence from its end; their outputs are added.

    It follows Schuster and Paliwal 1997, "Bidirectional recurrent neural networks". Both read padding last.
    """

    def __init__(self, mixer: str, **layer: Any):
        self.forth, self.back = (MIXERS[mixer](**layer) for _ in range(2))

    def __call__(self, x_NxD: jax.Array, padding: jax.Array) -> jax.Array:
        """Mixes N = batch * time positions: float32[N, D] to float32[N, D]."""
        batch = padding.shape[0]
        return self.forth(x_NxD, batch) + _reversed(self.back(_reversed(x_NxD, padding), batch), padding)


def _reversed(x_NxD: jax.Array, padding: jax.Array) -> jax.Array:
    """Returns the positions before the padding in reverse, then the padding."""
    x_BxTxD = rearrange(x_NxD, "(b t) d -> b t d", b=padding.shape[0])
    before_BxT = padding[:, 0, 0] == 0
    order_BxT = jnp.where(before_BxT, before_BxT.sum(-1, keepdims=True) - 1 - jnp.arange(x_BxTxD.shape[1]), 0)
    x_BxTxD = jnp.where(before_BxT[..., None], jnp.take_along_axis(x_BxTxD, order_BxT[..., None], 1), x_BxTxD)
    return rearrange(x_BxTxD, "b t d -> (b t) d")


class EncoderBlock(nnx.Module):
    """A residual block whose positions see each other: a layer that mixes them, then an MLP."""

    def __init__(self, config: EncoderDecoderConfig, *, length: int, rngs: nnx.Rngs):
        layer = _layer(config, 2, length, rngs)
        self.mixer_norm = LayerNorm(config.width)
        self.mixer = CrossAttention(**layer) if config.mixer == "attention" else BothWays(config.mixer, **layer)
        self.mlp_norm, self.mlp = _mlp(config, 2, rngs)

    def __call__(self, x_NxD: jax.Array, batch: int, padding: jax.Array) -> jax.Array:
        """Returns the residual stream after this block, float32[N, D] with N = batch * time."""
        h_NxD = self.mixer_norm(x_NxD)
        with scope("mixer"):
            if isinstance(self.mixer, CrossAttention):
                y_NxD = self.mixer(h_NxD, self.mixer.keys_values(h_NxD, batch), padding, named=True)
            else:
                y_NxD = self.mixer(h_NxD, padding)
            x_NxD = x_NxD + tap("output", y_NxD, batch)
        return tap("residual", _after_mlp(x_NxD, self.mlp_norm, self.mlp, batch), batch)


class DecoderBlock(nnx.Module):
    """A residual block of a causal layer that mixes positions, cross-attention to the source, and an MLP."""

    def __init__(self, config: EncoderDecoderConfig, *, length: int, rngs: nnx.Rngs):
        layer = _layer(config, 3, length, rngs)
        self.mixer_norm, self.cross_norm = LayerNorm(config.width), LayerNorm(config.width)
        self.mixer, self.cross = MIXERS[config.mixer](**layer), CrossAttention(**layer)
        self.mlp_norm, self.mlp = _mlp(config, 3, rngs)

    def __call__(self, x_NxD: jax.Array, batch: int, source: KeysValues, padding: jax.Array) -> jax.Array:
        """Returns the residual stream after this block, float32[N, D] with N = batch * time."""
        with scope("mixer"):
            x_NxD = x_NxD + tap("output", self.mixer(self.mixer_norm(x_NxD), batch), batch)
        with scope("cross"):
            x_NxD = x_NxD + tap("output", self.cross(self.cross_norm(x_NxD), source, padding, named=True), batch)
        return tap("residual", _after_mlp(x_NxD, self.mlp_norm, self.mlp, batch), batch)

    def step(
        self, x_BxD: jax.Array, t: jax.Array, cache: Any, source: KeysValues, padding: jax.Array
    ) -> tuple[jax.Array, Any]:
        """Returns the block's output at the decoder's position `t` alone, and the cache after it."""
        y_BxD, cache = self.mixer.step(self.mixer_norm(x_BxD), t, cache)
        x_BxD = x_BxD + y_BxD
        x_BxD = x_BxD + self.cross(self.cross_norm(x_BxD), source, padding)
        return _after_mlp(x_BxD, self.mlp_norm, self.mlp), cache


def _layer(config: EncoderDecoderConfig, sublayers: int, length: int, rngs: nnx.Rngs) -> dict[str, Any]:
    """Returns the keywords of a layer that mixes positions, in a block of so many sublayers."""
    scale = (sublayers * config.depth) ** -0.5
    layer: dict[str, Any] = {"width": config.width, "heads": config.heads, "precision": config.precision}
    return layer | {"length": length, "position": "none", "residual_scale": scale, "rngs": rngs}


def _mlp(config: EncoderDecoderConfig, sublayers: int, rngs: nnx.Rngs) -> tuple[LayerNorm | None, MLP | None]:
    """Returns a block's MLP and the norm before it, None where there is none."""
    if not config.mlp_ratio:
        return None, None
    scale, hidden = (sublayers * config.depth) ** -0.5, config.mlp_ratio * config.width
    made: dict[str, Any] = {"precision": config.precision, "residual_scale": scale, "rngs": rngs}
    return LayerNorm(config.width), MLP(config.width, hidden, config.activation, **made)


def _after_mlp(x_NxD: jax.Array, norm: LayerNorm | None, mlp: MLP | None, batch: int | None = None) -> jax.Array:
    """Returns the residual stream after an MLP, if there is one; with a `batch` its activations have names."""
    if norm is None or mlp is None:
        return x_NxD
    if batch is None:
        return x_NxD + mlp(norm(x_NxD))
    with scope("mlp"):
        return x_NxD + tap("output", mlp(norm(x_NxD), batch), batch)


class EncoderDecoder(nnx.Module):
    """From int32[B, T] tokens or float32[B, T, width_in] vectors to float32[B, T, outputs].

    Vaswani et al. 2017, section 3.1, with norms before the layers. With `mixer` lstm or gru, a decoder's state begins
    at zero: all that it knows of the source comes by attention (Bahdanau et al. 2015, where it begins with the
    encoder's last state, and attention is additive).
    """

    def __init__(self, config: EncoderDecoderConfig, shapes: Shapes, *, rngs: nnx.Rngs):
        assert shapes.source is not None
        self.config, self.length, self.source, self.outputs = config, shapes.length, shapes.source, shapes.outputs
        std, answer = config.width**-0.5, shapes.length - shapes.source
        if shapes.vocabulary is not None:
            self.embedding = nnx.Param(std * jax.random.normal(rngs.params(), (shapes.vocabulary, config.width)))
        else:
            assert shapes.width_in is not None
            self.read_in = Dense(shapes.width_in, config.width, precision=config.precision, rngs=rngs)
        if config.position in ("learned", "answer"):
            rows = shapes.length if config.position == "learned" else answer
            self.positions = nnx.Param(std * jax.random.normal(rngs.params(), (rows, config.width)))
        blocks = range(config.depth)
        self.encoder = nnx.List(EncoderBlock(config, length=shapes.source, rngs=rngs) for _ in blocks)
        self.encoder_norm = LayerNorm(config.width)
        self.decoder = nnx.List(DecoderBlock(config, length=answer, rngs=rngs) for _ in blocks)
        self.norm = LayerNorm(config.width)
        made: dict[str, Any] = {"precision": config.precision, "rngs": rngs}
        if config.read_out == "pointer":
            self.pointer = Pointer(config.width, shapes.outputs, source=shapes.source, **made)
        else:
            self.read_out = Dense(config.width, shapes.outputs, bias=False, **made)

    def __call__(self, inputs: jax.Array, key: jax.Array | None = None, rows: Any = None) -> jax.Array:
        """Returns outputs float32[B, T, outputs]: zeros at the source, then each from the source and those up to it.

        Raises ValueError if there are no positions after the source, or more than the model was built for.
        """
        batch, time = inputs.shape[:2]
        if not self.source < time <= self.length:
            raise ValueError(f"the model was built for {self.source + 1} to {self.length} positions, got {time}")
        padding = self._padding(inputs)
        memory_NxD = self._encode(inputs, padding)
        x_NxD = tap("embed", self._embed(inputs[:, self.source :], self.source), batch)
        for number, block in enumerate(self.decoder):
            with scope("decoder", number):
                x_NxD = block(x_NxD, batch, block.cross.keys_values(memory_NxD, batch), padding)
        h_BxTxD = tap("norm", rearrange(self.norm(x_NxD), "(b t) d -> b t d", b=batch))
        if self.config.read_out == "pointer":
            logits = self._point(h_BxTxD, self._keys(memory_NxD, batch), padding)
        else:
            logits = rearrange(self.read_out(rearrange(h_BxTxD, "b t d -> (b t) d")), "(b t) c -> b t c", b=batch)
        return tap("read_out", jnp.pad(logits, ((0, 0), (self.source, 0), (0, 0))))

    def init_cache(self, batch: int) -> dict[str, Any]:
        """Returns a cache of no source and no positions; `read_source` fills in the source."""
        width, source = self.config.width, self.source
        return {
            "blocks": [block.mixer.init_cache(batch) for block in self.decoder],
            "source": [block.cross.nothing(batch, source) for block in self.decoder],
            "keys": jnp.zeros((batch, source, width)) if self.config.read_out == "pointer" else None,
            "padding": jnp.zeros((batch, 1, 1, source)),
        }

    def read_source(self, inputs: jax.Array, cache: dict[str, Any]) -> dict[str, Any]:
        """Returns the cache with the source read, which are the first positions of `inputs` [B, T, ...]."""
        batch, padding = inputs.shape[0], self._padding(inputs)
        memory_NxD = self._encode(inputs, padding)
        source = [block.cross.keys_values(memory_NxD, batch) for block in self.decoder]
        pointing = self.config.read_out == "pointer"
        keys = self._keys(memory_NxD, batch) if pointing else None
        return cache | {"source": source, "keys": keys, "padding": padding}

    def step(self, inputs: jax.Array, t: jax.Array, cache: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        """Returns outputs float32[B, outputs] at position `t` (traced int32), and the cache with `t` added.

        `inputs` are those at `t`. At the source's positions nothing happens, and outputs are 0.
        """
        answering, at = t >= self.source, jnp.maximum(t - self.source, 0)
        x_BxD = self._embed(inputs[:, None], self.source + at)
        padding = cache["padding"]
        after = []
        for block, past, source in zip(self.decoder, cache["blocks"], cache["source"], strict=True):
            x_BxD, new = block.step(x_BxD, at, past, source, padding)
            after.append(jax.tree.map(lambda a, b: jnp.where(answering, a, b), new, past))
        h_BxD = self.norm(x_BxD)
        if self.config.read_out == "pointer":
            logits = self._point(h_BxD[:, None], cache["keys"], padding)[:, 0]
        else:
            logits = self.read_out(h_BxD)
        return jnp.where(answering, logits, 0.0), cache | {"blocks": after}

    def _padding(self, inputs: jax.Array) -> jax.Array:
        """Returns what is added to scores of the source, float32[B, 1, 1, S]: `UNSEEN` at padding, else 0."""
        if inputs.ndim == 2:
            return jnp.zeros((inputs.shape[0], 1, 1, self.source))
        return jnp.where((inputs[:, : self.source] == 0).all(-1), UNSEEN, 0.0)[:, None, None]

    def _point(self, h_BxTxD: jax.Array, keys_BxSxD: jax.Array, padding: jax.Array) -> jax.Array:
        """Returns the pointer's logits, float32[B, T, S]; padding is ruled out."""
        return self.pointer.point(h_BxTxD, keys_BxSxD) + padding[:, 0]

    def _encode(self, inputs: jax.Array, padding: jax.Array) -> jax.Array:
        """Returns what the encoder makes of the source: float32[N, D], N = batch * source."""
        batch = inputs.shape[0]
        x_NxD = self._embed(inputs[:, : self.source], 0, source=True)
        for number, block in enumerate(self.encoder):
            with scope("encoder", number):
                x_NxD = block(x_NxD, batch, padding)
        return tap("memory", self.encoder_norm(x_NxD), batch)

    def _keys(self, memory_NxD: jax.Array, batch: int) -> jax.Array:
        return rearrange(self.pointer.key(memory_NxD), "(b s) d -> b s d", b=batch)

    def _embed(self, inputs: jax.Array, first: jax.Array | int, *, source: bool = False) -> jax.Array:
        """Embeds tokens int32[B, T] or vectors float32[B, T, width_in] at positions from `first` on: float32[N, D]."""
        position, (batch, time) = self.config.position, inputs.shape[:2]
        flat = rearrange(inputs, "b t ... -> (b t) ...")
        x_NxD = lookup(self.embedding[...], flat) if flat.ndim == 1 else self.read_in(flat)
        if position == "none" or (position == "answer" and source):
            return x_NxD
        if position == "sinusoidal":
            x_NxD = x_NxD * self.config.width**0.5 if flat.ndim == 1 else x_NxD  # as in `models.transformer`
            table = jnp.asarray(positions.sinusoids(self.length, self.config.width))
        else:
            table = self.positions[...]
        row = first - self.source if position == "answer" else first
        added_TxD = jax.lax.dynamic_slice_in_dim(table, row, time)
        return rearrange(rearrange(x_NxD, "(b t) d -> b t d", b=batch) + added_TxD, "b t d -> (b t) d")
