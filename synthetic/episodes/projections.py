"""Projected classification: learn in context to tell classes apart behind a random projection of their points.

Kirsch et al., "General-purpose in-context learning by meta-learning transformers" (arXiv 2212.04458), with normal
clusters in place of images. A task is a random matrix A and a permutation of the labels. An example is points of one
base set, which the data seed fixes, each seen as A x; beside each point stands the label of the point before, so that
every position is a question. Tasks are numbered and never stored.

Two classes, three points (x is projected, labels one-hot; nothing stands beside the first point):

    inputs    x0 -   x1 y0   x2 y1
    targets   y0     y1      y2
    weights   1      1       1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.episodes import neighbours
from synthetic.episodes.vectors import (
    BASE,
    HELD_OUT,
    ORDERS,
    OTHER_BASE,
    TRAINED,
    UNLIMITED,
    before,
    content,
    key,
    vector,
    vectors,
)
from synthetic.heads import Classes
from synthetic.measures import Measure, Measured
from synthetic.task import Example, Spec, Task, register


@register("episode_projections")
@pytree
class ProjectionEpisodes(Task):
    """Classify points behind a random projection with labels permuted, in context; test projections are new."""

    classes: int = static(4, low=2, high=10, unit="classes", doc="C, clusters of the base set, and labels")
    dimensions: int = static(8, low=1, high=1000, unit="numbers", doc="numbers of a point, and of its projection")
    points: int = static(24, low=2, high=1000, unit="points", doc="points of an example")
    enumerated: bool = static(
        False, doc="whether the baselines have the posterior over the pool, whose time grows with the pool"
    )
    tasks: int = knob(
        0,
        low=0,
        high=UNLIMITED,
        unit="tasks",
        doc="projections with their permutations in the training set; 0 is unlimited",
    )
    unseen_tasks: int = knob(UNLIMITED, low=1, high=UNLIMITED, unit="tasks", doc="held-out tasks")
    biased: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of training examples whose labels are not permuted"
    )
    base: int = knob(0, low=0, high=1, doc="the base set: 0, normal clusters; 1, others, with even noise")
    spread: float = knob(1.0, low=0.0, high=100.0, doc="standard deviation of the clusters' centres")
    noise: float = knob(0.3, low=0.01, high=100.0, doc="standard deviation of points about their centre")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the base sets and all tasks")

    splits: ClassVar[tuple[str, ...]] = ("train", "unseen")
    headline: ClassVar[str] = "unseen"
    rates: ClassVar[Mapping[str, str]] = {"biased": "biased"}
    curve: ClassVar[bool] = True

    @property
    def spec(self) -> Spec:
        """Returns a position a point: its projection, then the one-hot label of the point before."""
        return Spec(length=self.points, head=Classes(self.classes), width_in=self.dimensions + self.classes)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields a pool that is too large to be gone through."""
        if self.enumerated and not self.tasks:
            yield "tasks", "must be a number of tasks with task.enumerated, got 0, which is unlimited"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's tasks, held-out ones, and held-out ones on the other base set."""
        seen, other = self.replace(biased=0.0), self.replace(base=1 - self.base)
        return {"seen": (seen, "train"), "unseen": (self, "unseen"), "other": (other, "unseen")}

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a task of the split, then points of the base set.

        Facts: `biased`, whether labels are not permuted for that reason; `stream` and `number` of the task; `order`,
        the number of its permutation in lexicographic order; `final`, the class of the last point.
        """
        count, size, classes = self.points, self.dimensions, self.classes
        bits_key, normal_key = jax.random.split(key)
        bits = jax.random.bits(bits_key, (2 + count,), jnp.uint32)
        held_out = split == "unseen"
        limit = self.unseen_tasks if held_out else jnp.where(self.tasks > 0, self.tasks, UNLIMITED)
        stream, number = (HELD_OUT if held_out else TRAINED), below(bits[0], limit)
        matrix, order = self._task(stream, number)
        biased = jnp.bool(False) if held_out else unit(bits[1]) < self.biased
        order = jnp.where(biased, 0, order)
        drawn = below(bits[2:], classes)
        normal = jax.random.normal(normal_key, (count, size))
        # Even noise has the same variance.
        noise = jnp.where(self.base == 1, 3**0.5 * jax.lax.erf(normal / 2**0.5), normal)
        x = self._centres()[drawn] + self.noise * noise
        seen = (x / self._scale) @ matrix.T
        labels = _permutation(order, classes)[drawn]
        earlier = jnp.pad(jax.nn.one_hot(labels[:-1], classes), ((1, 0), (0, 0)))
        facts = {"biased": biased, "stream": jnp.int32(stream), "number": number, "order": order, "final": drawn[-1]}
        return Example(jnp.concatenate([seen, earlier], 1), labels, jnp.ones(count), facts)

    @property
    def _scale(self) -> jax.Array:
        """Returns the standard deviation of a base point's number, by which it is divided."""
        return jnp.sqrt(jnp.float32(self.spread) ** 2 + jnp.float32(self.noise) ** 2)

    def _task(self, stream: jax.Array | int, number: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns the matrix float32[D, D] of a task, and the number of its permutation."""
        size = self.dimensions
        matrix = vector(self.seed, stream, number, size * size).reshape(size, size) / size**0.5
        bits = jax.random.bits(jax.random.fold_in(key(self.seed, stream, number), ORDERS))
        return matrix, below(bits, math.factorial(self.classes))

    def _centres(self) -> jax.Array:
        stream = jnp.where(self.base == 1, OTHER_BASE, BASE)
        return self.spread * vectors(self.seed, stream, jnp.arange(self.classes), self.dimensions)

    def oracle(self, example: Example) -> list[int]:
        """Returns the labels that stand beside the next points, and the last by its permutation in the facts."""
        shown = np.asarray(example.inputs)[1:, self.dimensions :]
        labels = [row.index(1.0) for row in shown.tolist()]
        return [*labels, _nth(int(example.facts["order"]), self.classes)[int(example.facts["final"])]]

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("(0.5 -1.1); (2 0.4) after 1", "1 0"): points with the label before, and the answers."""
        rows = []
        for row in np.asarray(example.inputs).tolist():
            point = " ".join(f"{number:.6g}" for number in row[: self.dimensions])
            label = row[self.dimensions :]
            rows.append(f"({point})" + (f" after {label.index(1.0)}" if 1.0 in label else ""))
        return "; ".join(rows), " ".join(map(str, np.asarray(example.targets).tolist()))

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the projection by its first numbers, rounded, whatever the permutation."""
        stream, number = int(example.facts["stream"]), int(example.facts["number"])
        return {content(int(self.seed), stream, number, self.dimensions**2)}

    def tiny(self) -> Task:
        """Returns a task of two classes with four tasks on each side."""
        return self.replace(classes=2, dimensions=2, points=3, tasks=4, unseen_tasks=4, enumerated=False)

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns learners in context: nearest_mean, nearest_item, ridge on one-hot labels.

        With `enumerated` there are the posterior over the pool (bayes), and over the pool by the points alone, which
        no label has taught (identified).
        """
        learners = {
            "nearest_mean": lambda x, y: neighbours.nearest_mean(x, x, y),
            "nearest_item": lambda x, y: neighbours.nearest_item(x, x, y),
            "ridge": neighbours.ridge,
        }
        if self.enumerated:
            learners |= {
                "bayes": lambda x, y: self._posterior(x, y, labels=True),
                "identified": lambda x, y: self._posterior(x, y, labels=False),
            }
        return {name: self._of_example(learner) for name, learner in learners.items()}

    def _of_example(self, learner: Callable[[jax.Array, jax.Array], jax.Array]) -> Callable[[Example], jax.Array]:
        """Turns a learner that scores the labels of points [P, D] with one-hot labels [P, C] into one of examples."""

        def answer(example: Example) -> jax.Array:
            x, shifted = example.inputs[:, : self.dimensions], example.inputs[:, self.dimensions :]
            return jnp.argmax(learner(x, jnp.roll(shifted, -1, 0)), -1).astype(jnp.int32)

        return answer

    def _posterior(self, x: jax.Array, y: jax.Array, *, labels: bool) -> jax.Array:
        """Returns the log-probabilities [P, C] of each point's label and of all that is seen up to it, over the pool.

        labels: whether the labels before a point are seen too, and not only the points.
        """
        centres, noise = self._centres() / self._scale, self.noise / self._scale

        def joint(number: jax.Array) -> jax.Array:
            matrix, order = self._task(TRAINED, number)
            base = jnp.linalg.solve(matrix, x.T).T
            of_class = -0.5 * ((base[:, None] - centres) ** 2).sum(-1) / noise**2
            own = of_class[:, jnp.argsort(_permutation(order, self.classes))]
            own -= jnp.linalg.slogdet(matrix)[1]
            seen = (own * y).sum(-1) if labels else jax.nn.logsumexp(own, -1)
            return own + before(seen)[:, None]

        def add(number: jax.Array, total: jax.Array) -> jax.Array:
            return jnp.logaddexp(total, joint(number))

        start = jnp.full((self.points, self.classes), -jnp.inf)
        return jax.lax.fori_loop(0, self.tasks, add, start)

    def measures(self) -> tuple[Measured, ...]:
        """Returns the accuracy at the first point, which no label has taught, and how much the last is above it."""

        def right(example: Example, outputs: jax.Array) -> jax.Array:
            return (jnp.argmax(outputs, -1) == example.targets).astype(jnp.float32)

        def rise(example: Example, outputs: jax.Array) -> jax.Array:
            return right(example, outputs)[-1] - right(example, outputs)[0]

        return (
            Measured(
                Measure("first", doc="share of right answers at the first point"),
                lambda example, outputs: right(example, outputs)[0],
            ),
            Measured(Measure("rise", low=-1.0, doc="share of right answers at the last point less the first"), rise),
        )


def _permutation(order: jax.Array, size: int) -> jax.Array:
    """Returns a permutation of 0 .. size-1 by its number in lexicographic order, int32[size]."""
    left, chosen = jnp.arange(size), []
    for position in range(size):
        place, order = jnp.divmod(order, math.factorial(size - 1 - position))
        chosen.append(left[place])
        rest = jnp.arange(size - 1 - position)
        left = left[rest + (rest >= place)]
    return jnp.stack(chosen).astype(jnp.int32)


def _nth(order: int, size: int) -> list[int]:
    """Returns the same permutation by counting through the digits on the host."""
    left, chosen = list(range(size)), []
    for position in range(size):
        place, order = divmod(order, math.factorial(size - 1 - position))
        chosen.append(left.pop(place))
    return chosen
