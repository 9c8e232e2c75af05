"""Models that read a whole sequence as one vector: a multi-layer perceptron, and a linear map.

They give one answer, which stands at every position of the output. Tokens are read as one-hot vectors. The whole
sequence is read, so inputs that come after the answer must not tell it.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import jax
from einops import rearrange, repeat
from flax import nnx

from fields import pytree, static
from models.features import features, width
from models.kernels import PRECISIONS
from models.layers import ACTIVATIONS, Dense
from models.registry import Architecture, Shapes, register
from models.taps import tap

# The ways to draw weights, by the standard deviation of a weight times the root of the number of inputs. `uniform` is
# PyTorch's default, from -1 to 1 over that root, for biases too; `he` is He et al. 2015, section 2.2.
INITS = {"normal": 1.0, "he": 2**0.5, "uniform": 3**-0.5}


def _dense(width_in: int, width_out: int, init: str, *, bias: bool, precision: str, rngs: nnx.Rngs) -> Dense:
    """Returns a layer with its initial values drawn as `init` says."""
    scale = 0.0 if init == "zeros" else INITS[init]
    layer = Dense(width_in, width_out, precision=precision, scale=scale, bias=bias, rngs=rngs)
    if init == "uniform":
        limit = width_in**-0.5
        for param in (layer.kernel, *([layer.bias] if layer.bias is not None else [])):
            param[...] = jax.random.uniform(rngs.params(), param.shape, minval=-limit, maxval=limit)
    return layer


class Feedforward(nnx.Module):
    """Dense layers with a nonlinearity between, from a flattened sequence to one answer."""

    def __init__(self, sizes: list[int], activation: str, shapes: Shapes, **layer: Any):
        self.shapes, self.activation = shapes, activation
        sizes = [shapes.length * width(shapes), *sizes, shapes.outputs]
        self.layers = nnx.List(_dense(a, b, **layer) for a, b in itertools.pairwise(sizes))

    def __call__(self, inputs: jax.Array, key: jax.Array | None = None, rows: Any = None) -> jax.Array:
        """Returns the answer at every position: float32[B, T, outputs].

        Raises ValueError for another number of positions than the model was built for.
        """
        if inputs.shape[1] != self.shapes.length:
            raise ValueError(f"the model was built for {self.shapes.length} positions, got {inputs.shape[1]}")
        x_BxE = rearrange(features(inputs, self.shapes), "b t f -> b (t f)")
        for number, layer in enumerate(self.layers[:-1]):
            x_BxE = tap(f"layers.{number}", ACTIVATIONS[self.activation](layer(x_BxE)))
        return tap("read_out", repeat(self.layers[-1](x_BxE), "b c -> b t c", t=self.shapes.length))


@register("mlp")
@pytree
class MLPConfig(Architecture):
    """Shape and numerics of a multi-layer perceptron on whole sequences."""

    causal: ClassVar[bool] = False
    decodes: ClassVar[bool] = False

    width: int = static(128, low=1, high=2**16, doc="width of the hidden layers")
    depth: int = static(2, low=1, high=1000, unit="layers", doc="number of hidden layers")
    activation: str = static("relu", choices=tuple(ACTIVATIONS), doc="the nonlinearity behind each hidden layer")
    bias: bool = static(True, doc="layers have biases")
    init: str = static("normal", choices=tuple(INITS), doc="how initial weights are drawn; uniform is PyTorch's way")
    precision: str = static("float32", choices=PRECISIONS, doc="precision of matrix products; all else is float32")

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> Feedforward:
        """Returns a `Feedforward` of this shape."""
        sizes = [self.width] * self.depth
        layer: dict[str, Any] = {"init": self.init, "bias": self.bias, "precision": self.precision}
        return Feedforward(sizes, self.activation, shapes, **layer, rngs=rngs)


@register("linear")
@pytree
class LinearConfig(Architecture):
    """A linear map of the whole sequence: with softmax, logistic regression; from zeros, a perceptron's start."""

    causal: ClassVar[bool] = False
    decodes: ClassVar[bool] = False

    affine: bool = static(True, doc="outputs have a constant term")
    init: str = static("zeros", choices=("zeros", *INITS), doc="initial weights; zeros is where convex problems start")

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> Feedforward:
        """Returns a `Feedforward` without hidden layers."""
        return Feedforward([], "relu", shapes, init=self.init, bias=self.affine, precision="float32", rngs=rngs)
