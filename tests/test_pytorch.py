"""Models equal PyTorch's own layers with the same weights: LSTM, GRU, and GPT-2's shape with its gradients."""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

import models
from fields import replace
from models.transformer import TransformerConfig

torch: Any = pytest.importorskip("torch")

SMALL = TransformerConfig(width=32, depth=1, heads=4)
BATCH, LENGTH, LETTERS = 3, 11, 7


@functools.cache
def parameters(config: TransformerConfig) -> tuple[Any, Any]:
    """A model's graph and its parameters, none left at zero or one, so that each counts."""

    def build():
        return config.build(models.Shapes(LENGTH, LETTERS, LETTERS), rngs=nnx.Rngs(0))

    @jax.jit
    def params():
        leaves, structure = jax.tree.flatten(nnx.split(build())[1])
        keys = jax.random.split(jax.random.key(9), len(leaves))
        noisy = [x + 0.2 * jax.random.normal(key, x.shape) for x, key in zip(leaves, keys, strict=True)]
        return jax.tree.unflatten(structure, noisy)

    return nnx.split(nnx.eval_shape(build))[0], params()


def tensors(tree: Any) -> Any:
    return jax.tree.map(lambda x: torch.tensor(np.array(x)), tree)


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-4, rtol=1e-4)


def gates(kernel: Any, order: list[int]) -> Any:
    """A kernel's or a bias's gates in PyTorch's order, and transposed as PyTorch has them."""
    parts = torch.chunk(kernel.T if kernel.ndim == 2 else kernel, len(order))
    return torch.cat([parts[i] for i in order])


@pytest.mark.parametrize(("mixer", "layer", "order"), [("lstm", "LSTM", [0, 1, 2, 3]), ("gru", "GRU", [0, 1, 2])])
def test_a_recurrent_layer_equals_that_of_pytorch_with_the_same_weights(mixer, layer, order):
    """Ours has the gates of an LSTM in the order forget, write, show, new; PyTorch's is write, forget, new, show."""
    order = [1, 0, 3, 2] if mixer == "lstm" else order
    ours = nnx.merge(*parameters(replace(SMALL, mixer=mixer))).blocks[0].mixer
    x = jax.random.normal(jax.random.key(2), (BATCH, LENGTH, 32))
    p = tensors(nnx.to_pure_dict(nnx.state(ours)))
    theirs = getattr(torch.nn, layer)(32, 32, batch_first=True)
    recurrent = p["recurrent"]
    theirs.load_state_dict(
        {
            "weight_ih_l0": gates(p["gates"]["kernel"], order),
            "bias_ih_l0": gates(p["gates"]["bias"], order),
            "weight_hh_l0": gates(recurrent["kernel"], order),
            "bias_hh_l0": gates(recurrent.get("bias", torch.zeros(32 * len(order))), order),
        }
    )
    states, _ = theirs(torch.tensor(np.array(x)))
    close(
        jax.jit(lambda x: ours(x, BATCH))(x.reshape(-1, 32)).reshape(x.shape),
        states @ p["out"]["kernel"] + p["out"]["bias"],
    )


def encoder_layer(block: Any, config: TransformerConfig) -> Any:
    """PyTorch's pre-LN layer with the weights of one of our blocks."""
    theirs = torch.nn.TransformerEncoderLayer(
        *(config.width, config.heads, config.mlp_ratio * config.width),
        dropout=0.0,
        activation=functools.partial(torch.nn.functional.gelu, approximate="tanh"),
        norm_first=True,
        batch_first=True,
    )
    ours = {
        "self_attn.in_proj_": block["mixer"]["qkv"],
        "self_attn.out_proj.": block["mixer"]["out"],
        "linear1.": block["mlp"]["inner"],
        "linear2.": block["mlp"]["outer"],
    }
    state = {f"{name}weight": dense["kernel"].T for name, dense in ours.items()}
    state |= {f"{name}bias": dense["bias"] for name, dense in ours.items()}
    for name, norm in (("norm1", "mixer_norm"), ("norm2", "mlp_norm")):
        state |= {f"{name}.weight": block[norm]["scale"], f"{name}.bias": block[norm]["bias"]}
    theirs.load_state_dict(state)
    return theirs


def test_gpt_2s_shape_equals_pytorch_with_the_same_weights_in_logits_and_gradients():
    config = replace(SMALL, depth=2, activation="gelu", position="learned")
    graph, params = parameters(config)
    x = jax.random.randint(jax.random.key(1), (BATCH, LENGTH), 0, LETTERS)
    direction = np.random.default_rng(0).normal(size=(BATCH, LENGTH, LETTERS)).astype(np.float32)

    @jax.jit
    def ours(params):
        def loss(params):
            logits = nnx.merge(graph, params)(x)
            return (logits * direction).sum(), logits

        return jax.grad(loss, has_aux=True)(params)

    grads, logits = ours(params)
    p = tensors(nnx.to_pure_dict(params))
    table, positions, read_out = p["embedding"], p["positions"], p["read_out"]["kernel"]
    for leaf in (table, positions, read_out):
        leaf.requires_grad_()
    blocks = [encoder_layer(block, config) for block in p["blocks"].values()]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(LENGTH)
    stream = table[torch.tensor(np.array(x)).long()] + positions
    for block in blocks:
        stream = block(stream, src_mask=mask, is_causal=True)
    y = torch.nn.functional.layer_norm(stream, (config.width,), p["norm"]["scale"], p["norm"]["bias"]) @ read_out
    close(logits, y)
    (y * torch.tensor(direction)).sum().backward()
    g = nnx.to_pure_dict(grads)
    for mine, theirs in ((g["embedding"], table), (g["positions"], positions), (g["read_out"]["kernel"], read_out)):
        close(mine, theirs.grad)
    for number, block in enumerate(blocks):
        mine = g["blocks"][number]
        close(mine["mixer"]["qkv"]["kernel"].T, block.self_attn.in_proj_weight.grad)
        close(mine["mlp"]["inner"]["kernel"].T, block.linear1.weight.grad)
        close(mine["mixer_norm"]["scale"], block.norm1.weight.grad)
