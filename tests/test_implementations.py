"""Implementations of attention: each gives what the plain one gives, and a CPU takes no other."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import PartitionSpec

import models
from fields import replace
from models import implementations, positions
from models.transformer import TransformerConfig

SMALL = TransformerConfig(width=32, depth=2, heads=2)
LENGTH, LETTERS = 21, 5


def split_model(config):
    rngs = nnx.Rngs(params=jax.random.key(0))
    return nnx.split(config.build(models.Shapes(LENGTH, LETTERS, LETTERS), rngs=rngs))


def logits_and_gradients(config):
    """Logits of a few random sequences, and the gradients of a weighted sum of them."""
    graph, params = split_model(config)
    tokens = jax.random.randint(jax.random.key(1), (3, LENGTH), 0, LETTERS)
    direction = jax.random.normal(jax.random.key(2), (3, LENGTH, LETTERS))

    def loss(params):
        logits = nnx.merge(graph, params)(tokens)
        return (logits * direction).mean(), logits

    (_, logits), grads = jax.value_and_grad(loss, has_aux=True)(params)
    return logits, grads


@pytest.mark.slow
@pytest.mark.parametrize("position", positions.SCHEMES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_chunked_attention_equals_plain_for_each_scheme(position, precision, monkeypatch):
    config = replace(SMALL, position=position, precision=precision)
    plain = logits_and_gradients(config)
    monkeypatch.setattr(implementations, "CHUNK", 8)  # a length that it does not divide
    monkeypatch.setenv("TERRARIUM_ATTENTION", "chunked")
    tolerance = 2e-5 if precision == "float32" else 2e-3
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=tolerance), logits_and_gradients(config), plain)


@pytest.mark.slow
@pytest.mark.parametrize("position", positions.SCHEMES)
def test_fused_attention_equals_plain_within_bfloat16_for_each_scheme_it_takes(position, monkeypatch):
    """On a CPU the kernel is XLA's; its layout, length, mask and scale are those that cuDNN is given."""
    config = replace(SMALL, position=position, precision="bfloat16")
    plain = logits_and_gradients(config)
    exact = logits_and_gradients(replace(config, precision="float32"))
    calls = []
    kernel = implementations._kernel
    monkeypatch.setattr(implementations, "_kernel", lambda q, k, v: calls.append(q.shape) or kernel(q, k, v))
    monkeypatch.setenv("TERRARIUM_ATTENTION", "fused")
    fused = logits_and_gradients(config)
    assert calls == ([] if position == "alibi" else [(3, LENGTH + 1, 2, 16)] * 2)

    def errors(found):
        pairs = zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True)
        return np.array([float(jnp.abs(a - b).max()) for a, b in pairs])

    # Where a gradient is zero but for rounding, as that of a key's bias, only the absolute error says something.
    assert (errors(fused) <= 2 * errors(plain) + 1e-3).all()


def test_attention_is_plain_by_default_and_chunked_for_long_sequences_on_accelerators(monkeypatch):
    long = {"time": 4096, "position": "rope", "precision": "bfloat16"}
    assert implementations.choose(**long) == "plain"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert implementations.choose(**long) == "chunked"
    assert implementations.choose(**{**long, "time": 100}) == "plain"


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_fused_attention_is_taken_if_it_is_asked_for_and_fits(device, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: device)
    monkeypatch.setenv("TERRARIUM_ATTENTION", "fused")
    layer = {"time": 100, "position": "rope", "precision": "bfloat16"}
    assert implementations.choose(**layer) == "fused"
    assert implementations.choose(**{**layer, "precision": "float32"}) == "plain"
    assert implementations.choose(**{**layer, "position": "alibi"}) == "plain"


def test_an_unknown_implementation_is_named_with_those_there_are(monkeypatch):
    monkeypatch.setenv("TERRARIUM_ATTENTION", "flash")
    with pytest.raises(
        ValueError, match="TERRARIUM_ATTENTION: expected one of auto, plain, chunked, fused, got 'flash'"
    ):
        implementations.wanted()


@pytest.mark.parametrize("lanes_at_a_time", [None, 2])
def test_fused_attention_lowers_for_cuda_over_lanes_and_shards(lanes_at_a_time, monkeypatch):
    """What cannot run here can be lowered: the kernel's calls, forwards and backwards, in each layer, for all lanes."""
    monkeypatch.setattr("jax._src.cudnn.fused_attention_stablehlo.check_cudnn_version", lambda: 91900)
    with_cudnn = lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation="cudnn")  # noqa: E731
    monkeypatch.setattr(implementations, "_kernel", with_cudnn)
    monkeypatch.setenv("TERRARIUM_ATTENTION", "fused")
    graph, params = split_model(replace(SMALL, position="rope", precision="bfloat16"))

    def gradients(lane):
        return jax.grad(lambda params, tokens: nnx.merge(graph, params)(tokens).sum())(*lane)

    def on_device(params, tokens):
        return jax.lax.map(gradients, (params, tokens), batch_size=lanes_at_a_time)

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]).reshape(1, 2), ("lanes", "batch"))
    lanes, examples = PartitionSpec("lanes"), PartitionSpec("lanes", "batch")
    program = jax.shard_map(on_device, mesh=mesh, in_specs=(lanes, examples), out_specs=lanes, check_vma=False)
    stacked = jax.tree.map(lambda x: jax.ShapeDtypeStruct((2, *x.shape), x.dtype), params)
    tokens = jax.ShapeDtypeStruct((2, 6, LENGTH), jnp.int32)
    text = jax.jit(program).trace(stacked, tokens).lower(lowering_platforms=("cuda",)).as_text()
    rows = 3 * (lanes_at_a_time or 1)
    assert re.findall(r"@__cudnn\$(\w+)\(", text).count("fmhaSoftmax") == 2
    assert text.count(f"tensor<{rows}x{LENGTH + 1}x2x16xbf16>") >= 4
