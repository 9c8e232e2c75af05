"""The optimisers' rules, of optax: adamw, adam, sgd, lbfgs, lion, muon; and the registry that finds one by name.

An optimiser is a declared configuration (see `fields`) that gives a transformation of optax:

    @register("lion")
    @pytree
    class Lion(Optimizer):
        b1: float = knob(0.9, low=0.0, high=0.9999, doc="...")

        def transformation(self) -> optax.GradientTransformation: ...

From that follow `optim=lion` with every field as a typed override. A field's default is its value where the optimiser
is chosen, so that nothing stays of another one. Packages add theirs through the entry-point group
`terrarium.optimisers`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import jax
import optax
from flax import nnx
from optax.contrib import MuonDimensionNumbers, muon

from experiments.engine.optim import SCHEDULES, Optimizer, Params
from fields import Registry, knob, pytree, static
from models.variables import Frozen, Rates

# Parts of the names of matrices whose rows or columns stand for single tokens, classes or positions.
_ENDS = ("embedding", "positions", "read_in", "read_out")

C = TypeVar("C", bound="type[Optimizer]")
OPTIMISERS: Registry[Optimizer] = Registry("optimiser", Optimizer)


def register(name: str) -> Callable[[C], C]:
    """Returns a class decorator that adds an optimiser under `name`. It raises ValueError if the name is taken."""
    return OPTIMISERS.register(name)


def registry() -> dict[str, type[Optimizer]]:
    """Returns all optimisers by name: those of this project and those of installed packages."""
    return OPTIMISERS.all()


@register("adam")
@pytree
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015). Weight decay is added to the gradient (L2)."""

    decoupled: ClassVar = False

    b1: float = knob(0.9, low=0.0, high=0.9999, doc="decay of the gradient's running mean")
    b2: float = knob(0.999, low=0.0, high=0.99999, doc="decay of the running mean of its square")
    eps: float = knob(1e-8, low=1e-30, high=1.0, doc="added to the root of the second moment")

    def transformation(self) -> optax.GradientTransformation:
        """Returns Adam's rule."""
        return optax.scale_by_adam(b1=self.b1, b2=self.b2, eps=self.eps)


@register("adamw")
@pytree
class AdamW(Adam):
    """AdamW (Loshchilov and Hutter 2019): Adam whose weight decay is a step of its own."""

    decoupled: ClassVar = True

    schedule: str = static("cosine", choices=SCHEDULES, doc="the learning rate after warm-up")
    weight_decay: float = knob(0.1, low=0.0, high=100.0, doc="decay of the weight matrices, per unit of learning rate")
    clip: float = knob(1.0, low=0.0, unit="norm", doc="largest global norm of the gradient; 0 is no limit")


@register("sgd")
@pytree
class SGD(Optimizer):
    """Gradient descent with momentum (Polyak 1964, Nesterov 1983). Weight decay is added to the gradient (L2)."""

    decoupled: ClassVar = False

    lr: float = knob(0.1, low=0.0, high=1000.0, doc="peak learning rate")
    momentum: float = knob(0.0, low=0.0, high=0.9999, doc="share of the last update that is added to the gradient")
    nesterov: bool = static(False, doc="looks ahead along the momentum")

    def transformation(self) -> optax.GradientTransformation:
        """Returns the rule of momentum."""
        return optax.trace(decay=self.momentum, nesterov=self.nesterov)


@register("lbfgs")
@pytree
class LBFGS(Optimizer):
    """L-BFGS (Liu and Nocedal 1989) without a line search, for convex losses of whole sets. Decay is L2.

    The first steps are short, so that the curvature is known before a step is whole.
    """

    decoupled: ClassVar = False

    lr: float = knob(1.0, low=0.0, high=1000.0, doc="peak learning rate")
    warmup: int = knob(20, low=0, unit="steps", doc="steps of linear warm-up; it begins at lr / warmup")
    memory: int = static(10, low=1, high=1000, unit="steps", doc="steps of which the changes are remembered")

    def transformation(self) -> optax.GradientTransformation:
        """Returns the gradient times the inverse curvature that the last steps showed."""
        return optax.scale_by_lbfgs(memory_size=self.memory)


@register("lion")
@pytree
class Lion(Optimizer):
    """Lion (Chen et al. 2023): the sign of a running mean. Its learning rates are about a tenth of AdamW's."""

    lr: float = knob(1e-4, low=0.0, high=1000.0, doc="peak learning rate")
    b1: float = knob(0.9, low=0.0, high=0.9999, doc="weight of the running mean in the update")
    b2: float = knob(0.99, low=0.0, high=0.99999, doc="decay of the running mean")

    def transformation(self) -> optax.GradientTransformation:
        """Returns Lion's rule."""
        return optax.scale_by_lion(b1=self.b1, b2=self.b2)


@register("muon")
@pytree
class Muon(Optimizer):
    """Muon (Jordan et al. 2024): matrices move by their orthogonalised momentum, all else by Adam.

    As its authors advise, Adam also moves the matrices at the ends of a model: embeddings, positions, read-out. Both
    look ahead, as optax's do.
    """

    lr: float = knob(0.02, low=0.0, high=1000.0, doc="peak learning rate")
    momentum: float = knob(0.95, low=0.0, high=0.9999, doc="decay of the matrices' running mean")
    adam_share: float = knob(
        0.1, low=0.0, high=1000.0, unit="share of lr", doc="learning rate of what Adam moves, which bears less"
    )
    orthogonal_steps: int = static(5, low=1, high=20, doc="Newton-Schulz steps of the orthogonalisation")
    b1: float = knob(0.9, low=0.0, high=0.9999, doc="decay of the running mean of all other gradients")
    b2: float = knob(0.999, low=0.0, high=0.99999, doc="decay of the running mean of their squares")
    eps: float = knob(1e-8, low=1e-30, high=1.0, doc="added to the root of the second moment, and to matrices' norms")

    def transformation(self) -> optax.GradientTransformation:
        """Returns Muon's rule for the matrices within a model, and Adam's for the rest."""
        return muon(
            -1.0,  # optax's is to be added, ours subtracted
            ns_steps=self.orthogonal_steps,
            beta=self.momentum,
            eps=self.eps,
            adam_learning_rate=-self.adam_share,
            adam_b1=self.b1,
            adam_b2=self.b2,
            muon_weight_dimension_numbers=inner_matrices,
        )


def inner_matrices(params: Params) -> Params:
    """Returns, for each parameter, the axes of a matrix that Muon moves, or None."""
    return jax.tree.map_with_path(_axes, params, is_leaf=lambda p: isinstance(p, nnx.Variable))


def _axes(path: Any, param: Any) -> MuonDimensionNumbers | None:
    at_an_end = any(end in jax.tree_util.keystr(path) for end in _ENDS)
    matrix = getattr(param, "ndim", 0) == 2  # optax masks what others move: that has no shape
    return MuonDimensionNumbers() if matrix and not at_an_end and not isinstance(param, Frozen | Rates) else None
