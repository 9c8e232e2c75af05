"""The base class of tasks, and the registry that finds a task by name.

A task is one file with one class:

    @register("markov")
    @pytree
    class Markov(Task):
        ...

From that follow `task=markov` on the command line with every declared field as a typed override, the preview, the
export and the contract tests. Packages outside this one add theirs through the entry-point group `terrarium.tasks`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax

from fields import Registry, replace
from synthetic.heads import Head
from synthetic.measures import Measured

T = TypeVar("T", bound="type[Task]")
Judged = jax.Array | tuple[jax.Array, jax.Array]  # see `Task.judge`


class Example(NamedTuple):
    """One example, which has a fixed shape; batches are made by `vmap`.

    inputs: int32[T] tokens or float32[T, D] vectors, which the model reads.
    targets: the right answer at each position, as the task's head has it: int32[T] classes or places, float32[T, N]
        numbers.
    weights: float32[T], 1 where loss and score look, 0 on prompt and padding.
    facts: name to scalar, by which scores may be grouped (length, rule index, whether it is a no-op ...).
    """

    inputs: jax.Array
    targets: jax.Array
    weights: jax.Array
    facts: dict[str, jax.Array]


@dataclass(frozen=True)
class Spec:
    """The shapes of a task's examples: positions, the head of the targets, tokens or width of the vectors.

    source: how many of the first positions are only read, never answered, if it is one number for all examples. Models
    with an encoder read these as a whole, and places (see `heads.Places`) are among them.
    """

    length: int
    head: Head
    vocabulary: int | None = None
    width_in: int | None = None
    source: int | None = None

    @property
    def outputs(self) -> int:
        """Returns the width of a model's output at a position."""
        return self.head.outputs(self.source or self.length)


class Task:
    """A generator of examples. Subclasses are `fields.pytree`s whose static fields alone decide `spec`."""

    splits: ClassVar[tuple[str, ...]] = ("train", "unseen")
    # The splits whose examples share no identity with those of other splits; empty if nothing is held out.
    held_out: ClassVar[tuple[str, ...]] = ("unseen",)
    # The splits with few distinct examples: different keys often give the same one.
    few: ClassVar[tuple[str, ...]] = ()
    # Fact to knob, for each knob that is the share of training examples for which the fact holds.
    rates: ClassVar[Mapping[str, str]] = {}
    # The most telling condition, shown while training and returned to sweepers; the last one if empty.
    headline: ClassVar[str] = ""
    # True if each weighted position is a question of its own (in-context tasks). Scores are then a curve over these
    # positions, and an exact match is a right answer to the last.
    curve: ClassVar[bool] = False
    # True if `materialise` makes the sets by a trained model, that of the run before (`start_from`).
    from_model: ClassVar[bool] = False

    @property
    def spec(self) -> Spec:
        """Returns the shapes of one example, a function of static fields only."""
        raise NotImplementedError

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields (key, message) for each fault that relates several fields; `fields` checks the bounds of each."""
        return iter(())

    def materialise(self, before: Callable[[jax.Array], jax.Array] | None = None) -> Task:
        """Returns this task with the finite sets that `sample` indexes, if it makes them on the host beforehand.

        Where the task is `from_model`, `before` is the trained model of the run before, a pure function from a batch of
        inputs [B, T] to outputs float32[B, T, outputs]; its sets may be made by that. Without one, as where only shapes
        matter, sets are of the same shapes and any content.

        This is for generators too irregular for the device. The sets are a pure function of the knobs. They are a leaf
        of the pytree: a field without a declaration, None until then. `replace` keeps them, so that the conditions of a
        materialised task read the sets that it has. Materialise again to get the sets of other knobs.
        """
        return self

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples one example of `split` (static). It is pure and traceable: the same key gives the same example."""
        raise NotImplementedError

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of items in the training set; 0, the default, if it is not finite as the knobs are."""
        return 0

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns item `index` of a finite training set, of which `sample` draws; `split` is "train" or alike.

        `key` decides what is drawn anew each time, where an item is not a whole example: the points at which a function
        of a pool is shown.
        """
        raise NotImplementedError

    def conditions(self) -> Mapping[str, tuple[Task, str]]:
        """Returns what evaluation measures: name to (this task with other knobs, split)."""
        raise NotImplementedError

    def oracle(self, example: Example) -> Sequence[Any]:
        """Returns the right targets at the weighted positions, in order, by an independent plain-Python program.

        They are integers; where targets are numbers, a sequence of these for each position.
        """
        raise NotImplementedError

    def render(self, example: Example) -> tuple[str, str]:
        """Returns the whole example as readable text: (prompt, answer)."""
        raise NotImplementedError

    @property
    def names(self) -> Sequence[str]:
        """Returns the text of each token, for display. By default it is the token's number."""
        return [str(token) for token in range(max(self.spec.outputs, self.spec.vocabulary or 0))]

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns learners that are not trained and are scored beside the model on the same examples, by name.

        Each is traceable and reads one example (a prompt's true labels too, as far as its own rules allow a learner).
        It returns what targets are, its answer for each position; values off the weighted positions are not read.
        """
        return {}

    @property
    def end(self) -> int | None:
        """Returns the token that ends an answer, at which decoding may stop; None if all answers have one length."""
        return None

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, Judged]:
        """Returns further scores of a decoded answer, name to number in 0..1, for answers right in part or by luck.

        It is traceable. `decoded` int32[T] was decoded from the prompt; `targets` has the right tokens. Past the first
        `end` its values mean nothing. A score may be a pair (number, whether it counts): its mean is over those that
        count, and 0 if none does.
        """
        return {}

    def objective(self, model: Callable[[jax.Array], jax.Array], batch: Example, keys: jax.Array) -> jax.Array:
        """Returns the training loss of each example, float32[B], where no head's loss says what is to be learnt.

        A task that overrides it trains by it unless `train.loss` names another. It is pure and traceable. `model` maps
        inputs of as many examples to outputs float32[B, T, outputs]. `batch` has a leading axis of examples, `keys` a
        key for each. The sum is divided by the total of the batch's weights.
        """
        raise NotImplementedError

    def measures(self) -> tuple[Measured, ...]:
        """Returns measures of this task's own, beside those of its head; their names depend on static fields only."""
        return ()

    def identities(self, example: Example) -> Set[Hashable]:
        """Returns the parts of the example that are held out or not, such as {("x", x), ("y", y)}.

        They are read from inputs or facts.
        """
        raise NotImplementedError

    def tiny(self) -> Task:
        """Returns this task on a space so small that each split meets nearly all of it: luck keeps nothing apart."""
        raise NotImplementedError

    replace = replace


TASKS: Registry[Task] = Registry("task", Task)


def register(name: str) -> Callable[[T], T]:
    """Returns a class decorator that adds a task under `name`. It raises ValueError if the name is taken."""
    return TASKS.register(name)


def registry() -> dict[str, type[Task]]:
    """Returns all tasks by name: those of this package and those of installed packages (group `terrarium.tasks`)."""
    return TASKS.all()
