"""A pre-LN GPT-2-style decoder: read-in, residual blocks of attention and MLP, final LayerNorm, read-out.

In attention's place its rivals can stand (`models.mixers`), the blocks' weights can be left as they were drawn, and the
read-out can point at positions (`models.pointer`).

Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3. Two departures. The read-out
is a matrix of its own unless it is `tied` (a model of vectors has no embedding to share, and a task's classes need not
be its vocabulary), without bias, as in GPT-2. Initial values scale with the width, where GPT-2's 0.02 suits width 768
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import nnx

from fields import pytree, static
from models import positions
from models.attention import SCALES
from models.blocks import Block, rematerialised
from models.kernels import PRECISIONS, product
from models.layers import ACTIVATIONS, Dense, LayerNorm, lookup
from models.mixers import MIXERS, WITH_HEADS
from models.pointer import Pointer, pointer_misfits
from models.registry import Architecture, Shapes, register
from models.taps import active, scope, tap


@register("transformer")
@pytree
class TransformerConfig(Architecture):
    """Shape and numerics of a `Transformer`."""

    width: int = static(64, low=1, high=2**16, doc="width of the residual stream")
    depth: int = static(2, low=1, high=1000, unit="layers", doc="number of residual blocks")
    mixer: str = static("attention", choices=tuple(MIXERS), doc="the layer of a block that mixes positions")
    heads: int = static(4, low=1, high=1024, doc="heads of attention or retnet; must divide the width")
    mlp_ratio: int = static(
        4, low=0, high=64, doc="width of the MLP's hidden layer over the width; 0: blocks have no MLP"
    )
    activation: str = static("gelu", choices=tuple(ACTIVATIONS), doc="the MLP's nonlinearity")
    position: str = static("learned", choices=positions.SCHEMES, doc="position scheme")
    shift: int = static(0, low=0, unit="positions", doc="largest random offset of learned positions in training")
    anywhere: bool = static(
        False,
        silent=True,
        doc="learned positions begin in training at any row of their table from which a sequence's last answer fits",
    )
    precision: str = static("float32", choices=PRECISIONS, doc="precision of matrix products; all else is float32")
    frozen: bool = static(
        False, doc="blocks keep their random weights: only embedding or read-in, positions, norms and read-out learn"
    )
    remat: bool = static(
        False,
        doc="make each block's activations again for its gradient, to hold one block's at a time; so where needed",
    )
    qk_norm: bool = static(False, silent=True, doc="attention normalises queries and keys, head by head")
    attention_scale: str = static(
        "none",
        choices=SCALES,
        silent=True,
        doc="attention's scores are multiplied by log n for the n positions seen, or by a learned a + b log n",
    )
    biases: bool = static(True, silent=True, doc="projections, MLPs and norms have biases")
    read_out: str = static(
        "linear", choices=("linear", "pointer"), silent=True, doc="pointer: attention that points at positions"
    )
    tied: bool = static(False, silent=True, doc="the read-out's matrix is the embedding")
    head_layers: int = static(
        0, low=0, high=100, unit="layers", silent=True, doc="ReLU layers between the last norm and the read-out"
    )

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> Transformer:
        """Returns a `Transformer` of this shape."""
        return Transformer(self, shapes, rngs=rngs)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built, as (key, one line)."""
        if self.position in ("rope", "alibi") and self.mixer != "attention":
            yield "position", f"{self.position} is a part of attention, got model.mixer = {self.mixer}"
        if self.mixer in WITH_HEADS:
            yield from self._head_problems()
        if self.mixer != "attention":
            for name, usual in (("qk_norm", False), ("attention_scale", "none"), ("biases", True)):
                if getattr(self, name) != usual:
                    yield name, f"only attention can have it other than {usual}, got model.mixer = {self.mixer}"
        if self.tied and self.read_out == "pointer":
            yield "tied", "a pointer has no matrix to share with the embedding, got model.read_out = pointer"
        if self.shift and self.position != "learned":
            yield (
                "shift",
                f"only learned positions can be shifted, got {self.shift} with model.position = {self.position}",
            )
        if self.anywhere and self.position != "learned":
            yield "anywhere", f"only learned positions have a table of rows, got model.position = {self.position}"

    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built for these shapes, as (key, one line)."""
        yield from pointer_misfits(self.read_out, shapes)
        if self.tied and shapes.vocabulary is None:
            yield "tied", "inputs must be tokens, whose embedding is shared; the task's are vectors"
        elif self.tied and shapes.vocabulary != shapes.outputs:
            yield "tied", f"outputs must be the vocabulary's {shapes.vocabulary} tokens, the task has {shapes.outputs}"

    def _head_problems(self) -> Iterator[tuple[str, str]]:
        if self.width % self.heads:
            yield "heads", f"must divide model.width = {self.width}, got {self.heads}"
        elif self.width // self.heads % 2 and (self.mixer == "retnet" or self.position == "rope"):
            key, turning = ("mixer", "retnet") if self.mixer == "retnet" else ("position", "rope")
            yield (
                key,
                f"{turning} needs an even width per head, got model.width / model.heads = {self.width // self.heads}",
            )


class Transformer(nnx.Module):
    """Decoder from int32[B, T] tokens or float32[B, T, width_in] vectors to float32[B, T, outputs]."""

    def __init__(self, config: TransformerConfig, shapes: Shapes, *, rngs: nnx.Rngs):
        length = shapes.length
        self.config, self.length = config, length
        std = config.width**-0.5
        if shapes.vocabulary is not None:
            self.embedding = nnx.Param(std * jax.random.normal(rngs.params(), (shapes.vocabulary, config.width)))
        else:
            assert shapes.width_in is not None
            self.read_in = Dense(shapes.width_in, config.width, precision=config.precision, rngs=rngs)
        if config.position == "learned":
            rows = length + config.shift
            self.positions = nnx.Param(std * jax.random.normal(rngs.params(), (rows, config.width)))
        self.blocks = nnx.List(Block(config, length=length, rngs=rngs) for _ in range(config.depth))
        self.norm = LayerNorm(config.width, bias=config.biases)
        if config.head_layers:
            layer: dict[str, Any] = {"scale": 2**0.5, "precision": config.precision, "bias": config.biases}
            sizes = [(config.width, config.width)] * config.head_layers
            self.head = nnx.List(Dense(*size, **layer, rngs=rngs) for size in sizes)
        if config.read_out == "pointer":
            self.pointer = Pointer(
                config.width, shapes.outputs, source=shapes.source, precision=config.precision, rngs=rngs
            )
        elif not config.tied:
            self.read_out = Dense(config.width, shapes.outputs, precision=config.precision, bias=False, rngs=rngs)

    def __call__(
        self,
        inputs: jax.Array,
        key: jax.Array | None = None,
        rows: tuple[jax.Array | int, int] | None = None,
        extent: jax.Array | None = None,
    ) -> jax.Array:
        """Returns outputs float32[B, T, outputs] at every position, each from the inputs up to it.

        With a `key` and `config.shift` > 0 each sequence starts at a random position in 0..shift. Where these are only
        some of a batch that `key` is for, `rows` are the index of the first of them in it, and its size. With
        `config.anywhere` the first positions of each sequence, `extent` int32[B] (by default all), stay in the table.
        """
        batch, time = inputs.shape[:2]
        if time > self.length:
            raise ValueError(f"the model was built for {self.length} positions, got {time}")
        x_NxD = self._embed(rearrange(inputs, "b t ... -> (b t) ..."))
        x_BxTxD = rearrange(x_NxD, "(b t) d -> b t d", b=batch) + self._positions(batch, time, key, rows, extent)
        x_NxD = rearrange(tap("embed", x_BxTxD), "b t d -> (b t) d")
        if self.config.remat and not active():
            x_NxD = rematerialised(self.blocks, x_NxD, batch)
        else:
            for number, block in enumerate(self.blocks):
                with scope("blocks", number):
                    x_NxD = block(x_NxD, batch)
        h_NxD = tap("norm", self._last(x_NxD), batch)
        if self.config.read_out == "pointer":
            return tap("read_out", self.pointer(rearrange(h_NxD, "(b t) d -> b t d", b=batch)))
        return tap("read_out", rearrange(self._logits(h_NxD), "(b t) c -> b t c", b=batch))

    def _last(self, x_NxD: jax.Array) -> jax.Array:
        """Returns the rows that are read out."""
        h_NxD = self.norm(x_NxD)
        for layer in self.head if self.config.head_layers else ():
            h_NxD = nnx.relu(layer(h_NxD))
        return h_NxD

    def _logits(self, h_NxD: jax.Array) -> jax.Array:
        """Returns the linear read-out of N rows, float32[N, outputs]."""
        if self.config.tied:
            return product(h_NxD, self.embedding[...].T, self.config.precision)
        return self.read_out(h_NxD)

    def init_cache(self, batch: int) -> list[Any]:
        """Returns the caches, one per block and a pointer's, with which `step` starts at the first position."""
        blocks = [block.init_cache(batch) for block in self.blocks]
        return [*blocks, self.pointer.init_cache(batch)] if self.config.read_out == "pointer" else blocks

    def step(self, inputs: jax.Array, t: jax.Array, cache: list[Any]) -> tuple[jax.Array, list[Any]]:
        """Returns outputs float32[B, outputs] at position `t` (traced int32), and the cache with `t` added.

        `inputs` are those at `t` (int32[B] or float32[B, width_in]), `cache` comes from the positions before it.
        """
        x_BxD = self._embed(inputs)
        if self.config.position == "learned":
            x_BxD += self.positions[...][t]
        elif self.config.position == "sinusoidal":
            x_BxD += jnp.asarray(positions.sinusoids(self.length, self.config.width))[t]
        after = []
        for block, past in zip(self.blocks, cache[: self.config.depth], strict=True):
            x_BxD, past = block.step(x_BxD, t, past)
            after.append(past)
        if self.config.read_out == "pointer":
            logits_BxS, keys = self.pointer.step(self._last(x_BxD), t, cache[-1])
            return logits_BxS, [*after, keys]
        return self._logits(self._last(x_BxD)), after

    def _embed(self, inputs: jax.Array) -> jax.Array:
        """Embeds tokens int32[N] or vectors float32[N, width_in]: float32[N, D]."""
        if inputs.ndim == 2:
            return self.read_in(inputs)
        x_NxD = lookup(self.embedding[...], inputs)
        # Vaswani et al. 2017, section 3.4: sinusoids have amplitude 1, and would drown what is much smaller.
        return x_NxD * self.config.width**0.5 if self.config.position == "sinusoidal" else x_NxD

    def _positions(
        self,
        batch: int,
        time: int,
        key: jax.Array | None,
        rows: tuple[jax.Array | int, int] | None,
        extent: jax.Array | None,
    ) -> jax.Array | float:
        """Returns the addition to the embedding for its position; broadcasts to float32[B, T, D]."""
        config = self.config
        if config.position == "sinusoidal":
            return jnp.asarray(positions.sinusoids(time, config.width))
        if config.position != "learned":
            return 0.0
        if key is None or (config.shift == 0 and not config.anywhere):
            return self.positions[...][:time]
        first, whole = rows or (0, batch)
        if config.anywhere:
            table = self.positions[...]
            share_B = jax.lax.dynamic_slice_in_dim(jax.random.uniform(key, (whole,)), first, batch)
            places_B = table.shape[0] + 1 - (jnp.full(batch, time) if extent is None else extent)
            offset_B = jnp.minimum((share_B * places_B).astype(jnp.int32), places_B - 1)
            index_BxT = jnp.minimum(offset_B[:, None] + jnp.arange(time), table.shape[0] - 1)
            return rearrange(lookup(table, index_BxT.reshape(-1)), "(b t) d -> b t d", b=batch)
        offset_B = jax.random.randint(key, (whole,), 0, config.shift + 1)
        if whole != batch:
            offset_B = jax.lax.dynamic_slice_in_dim(offset_B, first, batch)
        index_BxT = repeat(offset_B, "b -> b t", t=time) + jnp.arange(time)
        return rearrange(lookup(self.positions[...], index_BxT.reshape(-1)), "(b t) d -> b t d", b=batch)
