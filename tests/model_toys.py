"""Small problems that a model of a kind must be able to learn, and a loop of plain optax that trains on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from models import Architecture, Shapes

Batch = tuple[jax.Array, jax.Array]  # inputs, and int32[B, T] or float32[B, T, N] targets


class Toy(NamedTuple):
    """A problem: the shapes of its examples, the first answered position, and how a batch of so many is sampled."""

    shapes: Shapes
    first: int
    sample: Callable[[jax.Array, int], Batch]


def trained(
    architecture: Architecture, toy: Toy, *, steps: int = 300, lr: float = 1e-2, batch: int = 64, seed: int = 0
) -> Callable[[jax.Array], jax.Array]:
    """Returns a function from inputs to outputs: the model after `steps` of Adam on fresh examples."""
    assert not list(architecture.misfits(toy.shapes))

    def build(key):
        return architecture.build(toy.shapes, rngs=nnx.Rngs(params=key))

    graph = nnx.split(nnx.eval_shape(lambda: build(jax.random.key(0))))[0]
    adam = optax.adam(optax.cosine_decay_schedule(lr, steps))

    def loss(params, key):
        x, y = toy.sample(key, batch)
        outputs = nnx.merge(graph, params)(x)[:, toy.first :]
        if jnp.issubdtype(y.dtype, jnp.floating):
            return jnp.square(outputs - y[:, toy.first :]).mean()
        return optax.softmax_cross_entropy_with_integer_labels(outputs, y[:, toy.first :]).mean()

    def step(carry, key):
        params, state = carry
        updates, state = adam.update(jax.grad(loss)(params, key), state)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def train(key):
        params = nnx.split(build(key))[1]
        return jax.lax.scan(step, (params, adam.init(params)), jax.random.split(key, steps))[0][0]

    params = train(jax.random.key(seed))
    return jax.jit(lambda x: nnx.merge(graph, params)(x))


def accuracy(model: Any, toy: Toy, sample: Callable[[jax.Array, int], Batch] | None = None) -> float:
    """Returns the share of right answers on 1,000 new examples, of `sample` if it is given."""
    x, y = (sample or toy.sample)(jax.random.key(99), 1000)
    return float((model(x).argmax(-1) == y)[:, toy.first :].mean())


def error(model: Any, toy: Toy) -> float:
    """Returns the mean squared error on 1,000 new examples, as a share of the targets' variance."""
    x, y = toy.sample(jax.random.key(99), 1000)
    return float(jnp.square(model(x) - y).mean() / y.var())


def _running_mean(key, count):
    x = jax.random.normal(key, (count, 8, 2))
    return x, x.cumsum(1) / jnp.arange(1, 9)[:, None]


def _reversed(key, count):
    source = jax.random.randint(key, (count, 4), 0, 6)
    answer = source[:, ::-1]
    start = jnp.zeros((count, 1), jnp.int32)
    inputs = jnp.concatenate([source, start, answer[:, :-1]], axis=1)
    return inputs, jnp.concatenate([jnp.zeros_like(source), answer], axis=1)


def _largest(key, count):
    x = jax.random.uniform(key, (count, 6, 1))
    place = x[..., 0].argmax(1)
    flag = jnp.broadcast_to(jnp.eye(7)[:, 6:], (count, 7, 1))
    inputs = jnp.concatenate([jnp.pad(x, ((0, 0), (0, 1), (0, 0))), flag], axis=-1)
    return inputs, jnp.broadcast_to(place[:, None], (count, 7))


def _exclusive_or(key, count):
    bits = jax.random.bernoulli(key, 0.5, (count, 2)).astype(jnp.int32)
    return bits, jnp.broadcast_to(bits.sum(1, keepdims=True) % 2, (count, 2))


RUNNING_MEAN = Toy(Shapes(8, 2, width_in=2), 0, _running_mean)
REVERSED = Toy(Shapes(8, 6, vocabulary=6, source=4), 4, _reversed)
LARGEST = Toy(Shapes(7, 6, width_in=2, places=True, source=6), 6, _largest)
EXCLUSIVE_OR = Toy(Shapes(2, 2, vocabulary=2), 0, _exclusive_or)


def bags(*, flipped: bool) -> Callable[[jax.Array, int], Batch]:
    """Returns a sampler of the first test of multiple-instance learning, with half the coordinates and shorter bags.

    A bag is positive if it has a cue. Poison is in all negative bags, or `flipped`, in all positive ones (Raff and Holt
    2023, "Reproducibility in multiple instance learning").
    """

    def sample(key, count):
        one, two, three = jax.random.split(key, 3)
        label = jax.random.bernoulli(one, 0.5, (count,))
        x = jax.random.normal(two, (count, 6, 8))
        present = jnp.arange(6) < jax.random.randint(three, (count, 1), 3, 7)
        poisoned = label if flipped else ~label
        x = x.at[:, 0].set(jnp.where(label[:, None], 4 * x[:, 0], x[:, 0]))
        x = x.at[:, 1].set(jnp.where(poisoned[:, None], x[:, 1] / 10 - 10, x[:, 1]))
        x = jnp.where(present[..., None], x / 4, 0.0)
        return x, jnp.broadcast_to(label[:, None], (count, 6)).astype(jnp.int32)

    return sample


BAGS = Toy(Shapes(6, 2, width_in=8), 0, bags(flipped=False))


def _how_many(key, count):
    number = jax.random.randint(key, (count, 1, 1), 1, 5)
    x = jnp.where(jnp.arange(5)[:, None] < number, 1.0, 0.0)
    return x, jnp.broadcast_to(number.astype(jnp.float32), (count, 5, 1))


HOW_MANY = Toy(Shapes(5, 1, width_in=1), 0, _how_many)
