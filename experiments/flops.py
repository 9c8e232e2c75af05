"""Counts a run's floating-point operations by formula, from its configuration: nothing is trained or compiled.

A product of N rows with a matrix takes two operations for each row and entry. To these come, for each position and
layer, those by which positions are mixed (`MIXING`): for attention two products with all positions, not only those
before (Chowdhery et al. 2022, "PaLM", appendix B). A step of training takes three times the operations of the model
alone, and four times where blocks are made again for their gradients. Embedding, norms, nonlinearities, optimiser and
the making of examples are not counted. If an architecture has no `mixer`, each of its layers counts as one of
attention, and each matrix as one that every position meets.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
from flax import nnx

from experiments.engine import memory
from experiments.engine.lane import Run, shapes_of
from models.hyena import Filter
from models.layers import Dense
from models.registry import Architecture, Shapes
from models.statespace import MAMBA_STATES

Mixing = Callable[[int, int], float]  # of positions and width


def _attention(time: int, width: int) -> float:
    return 4 * time * width


def _convolutions(number: int) -> Mixing:
    def mixing(time: int, width: int) -> float:
        # Two transforms of twice the length for each, 2.5 n log2 n operations each; the filter's is shared.
        return number * 2 * 2.5 * 2 * math.log2(2 * time) * width

    return mixing


def _selective(time: int, width: int) -> float:
    return 9 * MAMBA_STATES * width  # a state is scaled, added to and read, by numbers that are made for it


# Operations a position and layer, beside those of the layer's own matrices.
MIXING: dict[str, Mixing] = {
    "attention": _attention,
    "retnet": _attention,
    "lstm": lambda time, width: 0.0,
    "gru": lambda time, width: 0.0,
    "s4d": _convolutions(1),
    "hyena": _convolutions(2),
    "mamba": _selective,
}


@dataclass(frozen=True)
class Cost:
    """Holds what one run takes: parameters, tokens, operations of training and evaluation, and bytes of its state."""

    parameters: int
    tokens: float
    training: float
    evaluation: float
    memory: float

    @property
    def flops(self) -> float:
        """Returns all operations."""
        return self.training + self.evaluation


def cost(run: Run) -> Cost:
    """Returns the cost of a run. An evaluation reads every example once, and decodes it once more if asked to."""
    train, length = run.train, run.task.spec.length
    parameters, forward = of_model(run.model, shapes_of(run.task.spec))
    trained = getattr(run.task, "trained_positions", length)
    tokens = float(train.steps) * train.batch_size * trained
    evaluations = math.ceil(int(train.steps) / train.eval_every)
    examples = evaluations * train.eval_examples * len(run.task.conditions())
    passes = 1 + {"none": 0, "both": 2}.get(train.decoding, 1)
    return Cost(
        parameters,
        tokens,
        tokens * forward * (4 if getattr(run.model, "remat", False) else 3),
        float(examples) * length * forward * passes,
        4.0 * 4 * parameters
        + memory.gradient_bytes(run),  # with the gradient and the optimiser's two means, in float32
    )


def forward(run: Run) -> float:
    """Returns the operations of the model for one token."""
    return of_model(run.model, shapes_of(run.task.spec))[1]


@functools.lru_cache(maxsize=512)
def of_model(model: Architecture, shapes: Shapes) -> tuple[int, float]:
    """Returns the parameters of a model, and its operations for one token."""
    built = nnx.eval_shape(lambda: model.build(shapes, rngs=nnx.Rngs(params=jax.random.key(0))))
    parameters = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(built)))
    shared = {
        id(part) for _, one in nnx.iter_graph(built) if isinstance(one, Filter) for _, part in nnx.iter_graph(one)
    }
    dense = [one for _, one in nnx.iter_graph(built) if isinstance(one, Dense) and id(one) not in shared]
    products = sum(2 * one.kernel.size for one in dense)
    width, depth = (int(getattr(model, name, 0)) for name in ("width", "depth"))
    mixing = MIXING.get(str(getattr(model, "mixer", "attention")), _attention)
    return parameters, products + depth * mixing(shapes.length, width)
