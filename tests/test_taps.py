"""Activations by name: what is seen is what the model uses, what is put in its place takes effect, and nothing else."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from fields import replace
from models import attention, implementations, retention, taps, transformer
from models.decode import decode
from models.encoder_decoder import EncoderDecoderConfig
from models.feedforward import MLPConfig
from models.mixers import MIXERS
from models.sets import SetConfig
from models.taps import capturing, patching
from models.transformer import TransformerConfig

SMALL = TransformerConfig(width=16, depth=2, heads=2)
LENGTH, LETTERS = 7, 5
SHAPES = models.Shapes(LENGTH, LETTERS, LETTERS)


def abstract(config: TransformerConfig) -> Any:
    """A model's graph, and the shapes of its parameters."""
    return nnx.split(nnx.eval_shape(lambda: config.build(SHAPES, rngs=nnx.Rngs(0))))


@functools.cache
def built(config: TransformerConfig = SMALL) -> Any:
    params = jax.jit(lambda: nnx.split(config.build(SHAPES, rngs=nnx.Rngs(0)))[1])
    return nnx.merge(abstract(config)[0], params())


def shapes(config: TransformerConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model's activations, in order."""
    graph, params = abstract(config)
    seen = taps.names_of(lambda params, x: nnx.merge(graph, params)(x), params, tokens())
    return {name: x.shape for name, x in seen.items()}


def tokens(seed=1, batch=3):
    return jax.random.randint(jax.random.key(seed), (batch, LENGTH), 0, LETTERS)


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@functools.cache
def everything(config: TransformerConfig = SMALL, seed: int = 1):
    """Output and all activations of a small model, compiled."""
    model = built(config)

    @jax.jit
    def run(x):
        with capturing("*") as seen:
            y = model(x)
        return y, seen

    return run(tokens(seed))


def test_all_activations_of_a_transformer_are_seen_in_their_shapes_and_in_order():
    blocks = [
        (f"blocks.{i}.{name}", shape)
        for i in range(2)
        for name, shape in (
            ("mixer.logits", (3, 2, 7, 7)),
            ("mixer.weights", (3, 2, 7, 7)),
            ("mixer.heads", (3, 2, 7, 8)),
            ("mixer.output", (3, 7, 16)),
            ("mlp.hidden", (3, 7, 64)),
            ("mlp.output", (3, 7, 16)),
            ("residual", (3, 7, 16)),
        )
    ]
    names = [("embed", (3, 7, 16)), *blocks, ("norm", (3, 7, 16)), ("read_out", (3, 7, LETTERS))]
    assert list(shapes(SMALL).items()) == names


def test_what_is_seen_adds_up_to_what_the_model_computes():
    y, seen = everything()
    close(y, built()(tokens()))
    np.testing.assert_array_equal(y, seen["read_out"])
    stream = seen["embed"]
    for i in range(2):
        stream = stream + seen[f"blocks.{i}.mixer.output"] + seen[f"blocks.{i}.mlp.output"]
        close(stream, seen[f"blocks.{i}.residual"])
        weights = seen[f"blocks.{i}.mixer.weights"]
        close(weights, jax.nn.softmax(seen[f"blocks.{i}.mixer.logits"]))
        assert (weights[..., ~np.tri(LENGTH, dtype=bool)] == 0).all()
    close(seen["norm"] @ built().read_out.kernel[...], y)


@pytest.mark.parametrize("name", ["chunked", "fused"])
def test_weights_are_seen_whatever_implementation_attention_has(name, monkeypatch):
    config = replace(SMALL, precision="bfloat16")
    plain = everything(config)[1]["blocks.1.mixer.weights"]
    monkeypatch.setenv("TERRARIUM_ATTENTION", name)
    monkeypatch.setattr(implementations, "CHUNK", 4)
    with capturing("blocks.1.mixer.weights") as seen:
        built(config)(tokens())
    close(
        seen["blocks.1.mixer.weights"], plain, 0.02
    )  # in bfloat16, of which the other layer's kernel rounds its own way
    assert list(seen) == ["blocks.1.mixer.weights"]


@pytest.mark.parametrize("mixer", [name for name in MIXERS if name != "attention"])
def test_each_rival_shows_its_output_and_retention_its_weights(mixer):
    names = set(shapes(replace(SMALL, mixer=mixer, depth=1)))
    weights = {"blocks.0.mixer.weights"} if mixer == "retnet" else set()
    blocks = {f"blocks.0.{name}" for name in ("mixer.output", "mlp.hidden", "mlp.output", "residual")}
    assert names == {"embed", "norm", "read_out"} | blocks | weights


@pytest.mark.parametrize(
    ("config", "names"),
    [
        (
            EncoderDecoderConfig(width=16, depth=1, heads=2),
            {"embed", "memory", "norm", "read_out", "encoder.0.residual", "decoder.0.residual"}
            | {f"encoder.0.mlp.{name}" for name in ("hidden", "output")}
            | {f"decoder.0.mlp.{name}" for name in ("hidden", "output")}
            | {
                f"{layer}.{name}"
                for layer in ("encoder.0.mixer", "decoder.0.mixer", "decoder.0.cross")
                for name in ("logits", "weights", "heads", "output")
            },
        ),
        (SetConfig(width=16, depth=1, pooling="attention"), {"encoder.0", "weights", "pooled", "read_out"}),
        (SetConfig(width=16, depth=1, pooling="constrained"), {"encoder.0", "scores", "read_out"}),
        (MLPConfig(width=16, depth=2), {"layers.0", "layers.1", "read_out"}),
    ],
)  # fmt: skip
def test_other_architectures_show_their_activations_and_name_none_while_they_decode(config, names):
    shapes = models.Shapes(LENGTH, 2, LETTERS, source=3)
    graph, params = nnx.split(nnx.eval_shape(lambda: config.build(shapes, rngs=nnx.Rngs(0))))
    seen = taps.names_of(lambda params, x: nnx.merge(graph, params)(x), params, tokens())
    assert set(seen) == names
    if config.decodes:
        free = jnp.arange(LENGTH)[None] >= jnp.zeros((3, 1))
        reading = {name for name in names if name.startswith(("encoder", "memory"))}
        assert set(taps.names_of(lambda p, x: decode(nnx.merge(graph, p), x, free), params, tokens())) == reading


def test_blocks_that_make_their_activations_again_show_them_too():
    _, seen = everything(replace(SMALL, remat=True))
    jax.tree.map(close, seen, everything()[1])


def test_without_its_blocks_a_model_reads_out_its_embedding():
    with patching({"blocks.*.output": jnp.zeros_like}), capturing("embed") as seen:
        y = built()(tokens())
    model = built()
    close(y[0], model.read_out(model.norm(seen["embed"][0])))


def test_a_head_that_is_taken_out_adds_nothing():
    model = nnx.clone(built())
    kernel = model.blocks[0].mixer.out.kernel
    kernel[...] = kernel[...].at[8:].set(0)  # the rows that read the second of two heads
    with patching({"blocks.0.mixer.heads": lambda z_BxHxTxW: z_BxHxTxW.at[:, 1].set(0)}):
        close(built()(tokens()), model(tokens()))


def test_the_residual_stream_of_another_input_brings_its_output_along():
    y, seen = everything(seed=2)
    with patching({"blocks.0.residual": lambda x: seen["blocks.0.residual"]}):
        close(built()(tokens()), y)


def test_a_patch_of_attention_reaches_what_comes_after_and_is_seen_as_used():
    def first(weights):
        return jnp.zeros_like(weights).at[..., 0].set(1)

    with capturing("blocks.0.*") as seen, patching({"blocks.0.mixer.weights": first}):
        built()(tokens())
    np.testing.assert_array_equal(seen["blocks.0.mixer.weights"], first(seen["blocks.0.mixer.weights"]))
    heads = seen["blocks.0.mixer.heads"]
    close(heads, jnp.broadcast_to(heads[:, :, :1], heads.shape))
    assert abs(seen["blocks.0.residual"] - everything()[1]["blocks.0.residual"]).max() > 1e-3


def test_lanes_are_patched_and_seen_each_for_itself():
    graph, params = nnx.split(built())
    lanes = jax.tree.map(lambda x: jnp.stack([x, 0.5 * x]), params)

    @jax.jit
    @jax.vmap
    def run(params, scale):
        with patching({"blocks.0.mlp.output": lambda x: scale * x}), capturing("blocks.0.residual") as seen:
            nnx.merge(graph, params)(tokens())
        return seen["blocks.0.residual"]

    both = run(lanes, jnp.array([1.0, 0.0]))
    close(both[0], everything()[1]["blocks.0.residual"])
    with capturing("blocks.0.mixer.output", "embed") as seen:
        nnx.merge(graph, jax.tree.map(lambda x: 0.5 * x, params))(tokens())
    close(both[1], seen["embed"] + seen["blocks.0.mixer.output"])


def test_a_name_that_the_model_lacks_is_named_with_the_nearest_there_is():
    near = r"^blocks.0.mixer.weight: no such activation \(did you mean blocks.0.mixer.weights\?\); there are: embed, "
    with pytest.raises(ValueError, match=near), capturing("blocks.0.mixer.weight"):
        built()(tokens())
    none = r"^mlp.\*: no such activation; there are: embed, blocks.0.mixer.logits, "
    with pytest.raises(ValueError, match=none), patching({"mlp.*": jnp.zeros_like}):
        built()(tokens())


def test_a_patch_of_another_shape_is_refused():
    other = r"^embed: expected float32\[3, 7, 16\] in its place, got float32\[7, 16\]"
    with pytest.raises(ValueError, match=other), patching({"embed": lambda x: x[0]}):
        built()(tokens())


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, mixer="retnet"), replace(SMALL, remat=True)])
def test_the_program_of_a_training_step_has_no_trace_of_names(config, monkeypatch):
    """Lowered text, which is what the compiler is given, with and without them."""
    graph, params = abstract(config)

    def lowered():
        def loss(params, x):
            return jnp.square(nnx.merge(graph, params)(x)).mean()

        return jax.jit(jax.grad(loss)).lower(params, tokens()).as_text()

    named = lowered()
    for module in (transformer, attention, implementations, retention):
        monkeypatch.setattr(module, "tap", lambda name, value, batch=None: value)
    assert lowered() == named
