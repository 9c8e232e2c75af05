"""The registry of architectures, and the shapes for which a model is built.

An architecture is a declared configuration (see `fields`) that builds its module:

    @register("mlp")
    @pytree
    class MLPConfig(Architecture):
        width: int = static(64, low=1, high=2**16, doc="width of the hidden layers")

        def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> nnx.Module: ...

From that follow `model=mlp` with every field as a typed override. Packages add theirs through the entry-point group
`terrarium.models`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from flax import nnx

from fields import Registry

A = TypeVar("A", bound="type[Architecture]")


@dataclass(frozen=True)
class Shapes:
    """The shapes of what a model reads and puts out.

    length: the most positions. outputs: the width of the output at a position. Exactly one of `vocabulary` (inputs are
    int32[B, T] tokens) and `width_in` (float32[B, T, width_in] vectors) is given. places: whether outputs are logits
    over positions of the inputs. source: how many of the first positions are only read, if that is one number. Raises
    ValueError unless the inputs are of one kind.
    """

    length: int
    outputs: int
    vocabulary: int | None = None
    width_in: int | None = None
    places: bool = False
    source: int | None = None

    def __post_init__(self) -> None:
        if (self.vocabulary is None) == (self.width_in is None):
            raise ValueError(f"give one of vocabulary and width_in, got {self.vocabulary} and {self.width_in}")


class Architecture:
    """The base of configurations of models. Subclasses are `fields.pytree`s with static fields alone.

    `models.contract` checks what is promised here.
    """

    # True if an output depends on no input after its position. A model that is not causal reads answers too, where a
    # task's inputs have them: it suits tasks whose inputs tell no answer.
    causal: ClassVar[bool] = True
    # True if the module has `init_cache` and `step`, which give its outputs one position at a time.
    decodes: ClassVar[bool] = True

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> nnx.Module:
        """Returns the module for these shapes, with initial parameters from `rngs`."""
        raise NotImplementedError

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built, as (key, one line)."""
        return iter(())

    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        """Yields the reasons why no model can be built for these shapes, as (key, one line)."""
        return iter(())


MODELS: Registry[Architecture] = Registry("model", Architecture)


def register(name: str) -> Callable[[A], A]:
    """Returns a class decorator that adds an architecture under `name`. It raises ValueError if the name is taken."""
    return MODELS.register(name)


def registry() -> dict[str, type[Architecture]]:
    """Returns all architectures by name: those of this package and those of installed packages."""
    return MODELS.all()
