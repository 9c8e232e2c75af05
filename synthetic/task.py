"""What a task is, and the registry that finds it by name.

A task is one file with one class:

    @register("markov")
    @pytree
    class Markov(Task):
        ...

From that follow `task=markov` on the command line with every declared field as a typed override, the preview,
the export and the contract tests. Packages outside this one add theirs through the entry-point group
`terrarium.tasks`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import ClassVar, NamedTuple, TypeVar

import jax

from fields import replace

T = TypeVar("T", bound="type[Task]")


class Example(NamedTuple):
    """One example of fixed shape; batches are made by `vmap`.

    inputs: int32[T] tokens or float32[T, D] vectors, what the model reads.
    targets: int32[T], what it should say at each position.
    weights: float32[T], 1 where loss and score look, 0 on prompt and padding.
    facts: name to scalar, what scores may be grouped by (length, rule index, whether it is a no-op ...).
    """

    inputs: jax.Array
    targets: jax.Array
    weights: jax.Array
    facts: dict[str, jax.Array]


@dataclass(frozen=True)
class Spec:
    """The shapes of a task's examples: positions, classes of the targets, tokens or width of the vectors."""

    length: int
    classes: int
    vocabulary: int | None = None
    width_in: int | None = None


class Task:
    """A generator of examples. Subclasses are `fields.pytree`s whose static fields alone decide `spec`."""

    splits: ClassVar[tuple[str, ...]] = ("train", "unseen")
    # The splits whose examples share no identity with those of the other splits; empty if nothing is held
    # out.
    held_out: ClassVar[tuple[str, ...]] = ("unseen",)
    # The splits with few distinct examples, of which different keys often give the same.
    few: ClassVar[tuple[str, ...]] = ()
    # Fact to knob, for each knob that is the share of training examples of which the fact holds.
    rates: ClassVar[Mapping[str, str]] = {}
    # The condition that says most, shown while training and returned to sweepers; the last one if empty.
    headline: ClassVar[str] = ""
    # True where each weighted position is a question of its own (in-context tasks): scores are read as a curve over
    # them, and an exact match is a right answer to the last.
    curve: ClassVar[bool] = False

    @property
    def spec(self) -> Spec:
        """Shapes of one example; a function of static fields only."""
        raise NotImplementedError

    def problems(self) -> Iterator[tuple[str, str]]:
        """(key, message) for each fault that relates several fields; `fields` keeps the bounds of each."""
        return iter(())

    def materialise(self) -> Task:
        """This task with the finite sets that `sample` indexes, where it makes them on the host beforehand.

        For generators too irregular for the device. The sets are a pure function of the knobs, and a leaf of the
        pytree: a field without a declaration, None until then. `replace` keeps them, so that the conditions of a
        materialised task read the sets that it has; to have those of other knobs, materialise again.
        """
        return self

    def sample(self, key: jax.Array, split: str) -> Example:
        """Draw one example of `split` (static). Pure and traceable: the same key gives the same example."""
        raise NotImplementedError

    def conditions(self) -> Mapping[str, tuple[Task, str]]:
        """What evaluation measures: name to (this task with other knobs, split)."""
        raise NotImplementedError

    def oracle(self, example: Example) -> list[int]:
        """The right targets at the weighted positions, in order, by an independent plain-Python program."""
        raise NotImplementedError

    def render(self, example: Example) -> tuple[str, str]:
        """The whole example as readable text: (prompt, answer)."""
        raise NotImplementedError

    @property
    def names(self) -> Sequence[str]:
        """The text of each token, for display; its number where a task says nothing else."""
        return [str(token) for token in range(max(self.spec.classes, self.spec.vocabulary or 0))]

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Learners that are not trained, scored beside the model on the same examples: name to what each says.

        Each is traceable and reads one example (a prompt's true labels too, as far as its own rules allow a learner)
        and gives int32[T], the class it would say at each position; off the weighted positions that is not read.
        """
        return {}

    @property
    def end(self) -> int | None:
        """The token that ends an answer, at which decoding may stop; None where answers have one length."""
        return None

    def judge(self, example: Example, said: jax.Array) -> Mapping[str, jax.Array]:
        """Further scores of a decoded answer, name to number in 0..1, for answers that may be right in part or by luck.

        Traceable. `said` int32[T] is what was decoded from the prompt, where `targets` has what was wanted; past the
        first `end` it means nothing.
        """
        return {}

    def identities(self, example: Example) -> Set[Hashable]:
        """What of the example is held out or not, such as {("x", x), ("y", y)}, by inputs or facts."""
        raise NotImplementedError

    def tiny(self) -> Task:
        """This task on a space so small that each split meets nearly all of it: luck keeps nothing apart."""
        raise NotImplementedError

    replace = replace


_REGISTRY: dict[str, type[Task]] = {}


def register(name: str) -> Callable[[T], T]:
    """Class decorator that adds a task under `name`. Raises ValueError where the name is taken."""

    def add(cls: T) -> T:
        if name in _REGISTRY and _REGISTRY[name] is not cls:
            raise ValueError(f"task {name} is registered twice: {_REGISTRY[name].__qualname__} and {cls.__qualname__}")
        _REGISTRY[name] = cls
        return cls

    return add


# Entries of packages that were tried in vain.
_BROKEN: set[tuple[str, str]] = set()


def registry() -> dict[str, type[Task]]:
    """Returns all tasks by name: those of this package and those of installed packages (group `terrarium.tasks`).

    A package whose entry cannot be loaded is named once, in one line on standard error; the others work. Raises
    ValueError where two tasks have one name.
    """
    for entry in entry_points(group="terrarium.tasks"):
        if (entry.name, entry.value) in _BROKEN:
            continue
        try:
            cls = entry.load()
            if not (isinstance(cls, type) and issubclass(cls, Task)):
                raise TypeError(f"{entry.value} is no class of a task")
        except (Exception, SystemExit) as e:  # it is another's code, of which anything may come
            _BROKEN.add((entry.name, entry.value))
            whose = f"the package {entry.dist.name}" if entry.dist else "a package"
            why = (str(e).splitlines() or [""])[0]
            said = f"ignored: {whose}, whose entry {entry.name} = {entry.value} of terrarium.tasks cannot be loaded"
            print(f"{said}: {type(e).__name__}{': ' * bool(why)}{why}", file=sys.stderr)
        else:
            register(entry.name)(cls)
    return dict(sorted(_REGISTRY.items()))
