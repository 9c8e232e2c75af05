"""Classes in context: items of normal classes with their labels, then one item more, whose label is asked.

Reddy, "The mechanistic basis of data dependence and abrupt learning in an in-context classification task" (arXiv
2312.03002), and Chan et al., "Data distributional properties drive emergent in-context learning in transformers"
(arXiv 2205.05055), with normal classes in place of images. A class is a centre, and an item is its centre with noise.
In a bursty context `ways` classes have `copies` items each and one of them is asked; what is left is drawn as in a
context that is not bursty, of which each item is drawn by itself, the one that is asked too. The first paper's layout
fills the context with copies (`ways=0`), the second's has 3 copies of 2 classes and 2 items more.

Two pairs (x item, l label; `.` marks no loss):

    inputs    x0  l0  x1  l1  x
    targets   .   .   .   .   l
    weights   0   0   0   0   1
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.episodes import answers, neighbours
from synthetic.episodes.ranks import Ranks, ranks
from synthetic.episodes.vectors import FRESH, HELD_OUT, LABELS, TRAINED, UNLIMITED, content, vectors
from synthetic.heads import Classes
from synthetic.measures import Measured
from synthetic.task import Example, Spec, Task, register


class _Drawn(NamedTuple):
    """The classes of a context by its slots, int32[N], and of the item that is asked; their labels likewise."""

    stream: jax.Array
    slots: jax.Array
    labels: jax.Array
    query: jax.Array
    answer: jax.Array
    part: jax.Array  # which of its class's labels is asked


@register("episode_classes")
@pytree
class ClassEpisodes(Task):
    """Say the label of an item: of its class by heart, or by the items and labels in context; test classes are new."""

    pairs: int = static(8, low=1, high=500, unit="pairs", doc="N, items with a label in the context")
    dimensions: int = static(32, low=2, high=1000, unit="numbers", doc="D, the numbers of an item and of a label")
    labels: int = static(32, low=2, high=20_000, unit="labels", doc="L, labels in all")
    multiplicity: int = static(
        1, low=1, high=100, unit="labels", doc="labels of a class, one of which is drawn for a context"
    )
    one_hot: bool = static(False, doc="whether a label is shown as a one-hot vector behind an item's numbers")
    room: int = static(2048, low=2, high=20_000, unit="classes", doc="most classes that training can have")
    attention: bool = static(False, doc="whether the attention of an induction head is measured, too")
    classes: int = knob(1024, low=2, unit="classes", doc="K, classes in training; class k has label k modulo L")
    copies: int = knob(4, low=1, unit="items", doc="B, items of each class in a bursty context")
    ways: int = knob(0, low=0, unit="classes", doc="classes with copies in a bursty context; 0: as many as fill it")
    bursty: float = knob(1.0, low=0.0, high=1.0, unit="share", doc="share of training contexts that are bursty")
    fresh: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of training contexts of new classes, all bursty"
    )
    fresh_classes: int = knob(
        UNLIMITED,
        low=1,
        high=UNLIMITED,
        unit="classes",
        doc="new classes for training, and as many held-out ones for tests",
    )
    noise: float = knob(0.1, low=0.0, high=100.0, doc="noise of an item over the spread of centres")
    rank_exponent: float = knob(0.0, low=0.0, high=10.0, doc="class k is drawn with weight (k + 1) to minus this")
    common: int = knob(10, low=1, unit="classes", doc="the most frequent classes, which are scored apart")
    absent: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of contexts, if not bursty, that lack the label that is asked"
    )
    asked_from: int = knob(0, low=0, unit="rank", doc="first class that is asked where a context is not bursty")
    asked_to: int = knob(
        UNLIMITED, low=1, high=UNLIMITED, unit="rank", doc="the class behind the last one that is asked there"
    )
    moved: int = knob(0, low=0, high=20_000, unit="labels", doc="how far on all labels of trained classes are moved")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes centres and labels")

    splits: ClassVar[tuple[str, ...]] = ("train", "new")
    held_out: ClassVar[tuple[str, ...]] = ("new",)
    headline: ClassVar[str] = "new"
    rates: ClassVar[Mapping[str, str]] = {"bursty": "bursty", "fresh": "fresh"}

    @property
    def spec(self) -> Spec:
        """Returns two positions a pair and one for the item that is asked."""
        width = self.dimensions + self.labels * self.one_hot
        return Spec(length=2 * self.pairs + 1, head=Classes(self.labels), width_in=width)

    @property
    def _groups(self) -> int:
        """Returns the number of groups of labels; a class has the labels of one group."""
        return self.labels // self.multiplicity

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.labels % self.multiplicity:
            yield "multiplicity", f"must divide task.labels = {self.labels}, got {self.multiplicity}"
        elif self._groups < self.pairs:
            each = f" with task.multiplicity = {self.multiplicity}" * (self.multiplicity > 1)
            yield "labels", f"at least task.pairs = {self.pairs} that differ are needed{each}, got {self._groups}"
        if not self.pairs <= self.classes <= self.room:
            yield (
                "classes",
                f"must be from task.pairs = {self.pairs} to task.room = {self.room}, got {self.classes}",
            )
        if max(self.ways, 1) * self.copies > self.pairs or (not self.ways and self.pairs % self.copies):
            wanted = f"a divisor of task.pairs = {self.pairs}" if not self.ways else f"at most {self.pairs} / task.ways"
            yield "copies", f"must be {wanted}, got {self.copies}"
        if self.fresh_classes < self.pairs:
            yield "fresh_classes", f"must be at least task.pairs = {self.pairs}, got {self.fresh_classes}"
        if self.common >= self.classes:
            yield "common", f"must be below task.classes = {self.classes}, got {self.common}"
        if not self.asked_from < min(self.asked_to, self.classes):
            yield (
                "asked_from",
                f"must be below task.asked_to = {self.asked_to} and task.classes = {self.classes}, "
                f"got {self.asked_from}",
            )

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's law, new classes, trained classes with moved labels, and items that memory alone knows.

        new: held-out classes whose labels are in the context, of as few classes as training's bursty contexts have.
        moved: trained classes, all of whose labels in context and answer are the next ones. memory: trained classes
        whose label is not in the context; common and rare: those of the most frequent classes, and of the others.
        """
        filled = self.ways == 0
        copies = filled * self.copies + (1 - filled) * (self.pairs // (self.ways + filled))
        few = self.replace(copies=copies)
        alone = self.replace(bursty=0.0, fresh=0.0, absent=1.0)
        return {
            "trained": (self, "train"),
            "new": (few, "new"),
            "moved": (few.replace(bursty=1.0, fresh=0.0, moved=1), "train"),
            "memory": (alone, "train"),
            "common": (alone.replace(asked_from=0, asked_to=self.common), "train"),
            "rare": (alone.replace(asked_from=self.common, asked_to=UNLIMITED), "train"),
        }

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples classes and their labels, then items.

        Facts: `bursty` and `fresh`, of the context; `part`, which of its labels the class that is asked has; `stream`,
        which is that of trained, new or held-out classes; the classes by number, `class_0` and so on, and their labels,
        `label_0` and so on. The last ones are those of the item that is asked.
        """
        count, size = self.pairs, self.dimensions
        bits_key, normal_key = jax.random.split(key)
        bits = jax.random.bits(bits_key, (7 + 4 * count + self._groups,), jnp.uint32)
        single, bits = bits[:7], bits[7:]
        fresh = jnp.bool(True) if split == "new" else unit(single[0]) < self.fresh
        bursty = fresh | (unit(single[1]) < self.bursty)
        drawn = self._draw(single[2:], bits[count:], split, fresh, bursty)
        order = jnp.argsort(bits[:count])
        ways = self._ways
        slot = jnp.arange(count)
        within = slot < ways * self.copies
        slot = jnp.where(bursty, jnp.where(within, slot // self.copies, ways + slot - ways * self.copies), slot)[order]
        classes = jnp.append(drawn.slots[slot], drawn.query)
        labels = (jnp.append(drawn.labels[slot], drawn.answer) + jnp.where(fresh, 0, self.moved)) % self.labels
        centres = vectors(self.seed, drawn.stream, classes, size)
        noise = self.noise * jax.random.normal(normal_key, (count + 1, size))
        items = (centres + noise) / jnp.sqrt(size * (1 + self.noise**2))
        facts = {"bursty": bursty, "fresh": fresh, "part": drawn.part, "stream": drawn.stream}
        facts |= {f"class_{i}": number for i, number in enumerate(classes)}
        facts |= {f"label_{i}": label for i, label in enumerate(labels)}
        last = jnp.arange(2 * count + 1) == 2 * count
        return Example(
            self._inputs(items, labels[:-1]),
            jnp.where(last, labels[-1], 0).astype(jnp.int32),
            last.astype(jnp.float32),
            facts,
        )

    @property
    def _ways(self) -> jax.Array:
        """Returns the number of classes with copies."""
        return jnp.where(self.ways > 0, self.ways, self.pairs // self.copies)

    def _inputs(self, items: jax.Array, labels: jax.Array) -> jax.Array:
        """Returns items and labels in turn, float32[2N + 1, width]."""
        if self.one_hot:
            items = jnp.pad(items, ((0, 0), (0, self.labels)))
            shown = jnp.pad(jax.nn.one_hot(labels, self.labels), ((0, 0), (self.dimensions, 0)))
        else:
            # All labels are made once for a batch, which is less than those of each example.
            table = vectors(self.seed, LABELS, jnp.arange(self.labels), self.dimensions)
            shown = table[labels] / self.dimensions**0.5
        pairs = jnp.stack([items[:-1], shown], 1).reshape(-1, items.shape[1])
        return jnp.concatenate([pairs, items[-1:]])

    def _ranks(self) -> Ranks:
        return ranks(self.classes, self.rank_exponent, room=self.room, groups=self._groups)

    def _draw(self, single: jax.Array, bits: jax.Array, split: str, fresh: jax.Array, bursty: jax.Array) -> _Drawn:
        """Draws the classes of all slots and of the item that is asked, with their labels."""
        count, groups, law = self.pairs, self._groups, self._ranks()
        of_own, of_each, of_part, of_groups = jnp.split(bits, (count, 2 * count, 3 * count))
        # Groups that differ: the largest of log-weights plus Gumbel noise are drawn one after the other by weight.
        gumbel = -jnp.log(-jnp.log(jnp.maximum(unit(of_groups), 2.0**-25)))
        chosen = jax.lax.top_k(gumbel + jnp.where(fresh, 0.0, jnp.log(law.of_group)), count)[1].astype(jnp.int32)
        alone = law.by_rank(unit(single[0]), self.asked_from, jnp.minimum(self.asked_to, self.classes))
        query_group = alone % groups
        own = law.in_group(unit(of_own), chosen)
        without = jnp.where(~bursty & (unit(single[4]) < self.absent), query_group, -1)
        each = law.without_group(unit(of_each), without)
        slot = jnp.arange(count)
        start, left = below(single[1], self.fresh_classes), self.fresh_classes - slot
        new = jnp.where(start < left, start + slot, start - left)  # modulo their number, without overflow
        copied = bursty & (slot < self._ways)
        trained = jnp.where(copied, own, each)
        part = below(of_part, self.multiplicity)
        labels = jnp.where(fresh, chosen, trained % groups) + groups * part
        place = below(single[2], self._ways)
        slots = jnp.where(fresh, new, trained)
        own_part = jnp.where(bursty, part[place], below(single[3], self.multiplicity))
        query = jnp.where(bursty, slots[place], alone)
        answer = jnp.where(bursty, labels[place], query_group + groups * own_part)
        stream = jnp.where(fresh, HELD_OUT if split == "new" else FRESH, TRAINED)
        return _Drawn(stream.astype(jnp.int32), slots, labels, query, answer, own_part)

    def _numbers(self, example: Example, name: str) -> list[int]:
        return [int(example.facts[f"{name}_{i}"]) for i in range(self.pairs + 1)]

    def oracle(self, example: Example) -> list[int]:
        """Returns the class's own label by arithmetic, or a new class's, which stands behind its items in context."""
        *context, query = self._numbers(example, "class")
        if example.facts["fresh"]:
            return [self._shown(example)[context.index(query)]]
        own = query % self._groups + self._groups * int(example.facts["part"])
        return [(own + int(self.moved)) % self.labels]

    def _shown(self, example: Example) -> list[int]:
        """Returns the labels that are shown, read from their vectors on the host."""
        rows = np.asarray(example.inputs)[1::2]
        if self.one_hot:
            return rows[:, self.dimensions :].argmax(1).tolist()
        table = np.array([content(int(self.seed), LABELS, label, self.dimensions) for label in range(self.labels)])
        return (rows @ table.T - (table**2).sum(1) / 2 / self.dimensions**0.5).argmax(1).tolist()

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("(0.5 -0.1) 0.2 0.3; (0.2 0.4) ?", "3"): items with labels' vectors, and the answer."""
        rows = [" ".join(f"{number:.6g}" for number in row) for row in np.asarray(example.inputs).tolist()]
        pairs = [f"({item}) {label}" for item, label in zip(rows[:-1:2], rows[1::2], strict=True)]
        answers = np.asarray(example.targets)[np.asarray(example.weights) > 0]
        return "; ".join([*pairs, f"({rows[-1]}) ?"]), " ".join(map(str, answers.tolist()))

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the centres of the classes, rounded."""
        stream = int(example.facts["stream"])
        return {content(int(self.seed), stream, number, self.dimensions) for number in self._numbers(example, "class")}

    def tiny(self) -> Task:
        """Returns a task of two pairs with four classes for each of training, new contexts and tests."""
        small = self.replace(pairs=2, dimensions=2, labels=4, multiplicity=1, room=8, classes=4, copies=1, ways=0)
        return small.replace(fresh=0.5, fresh_classes=4, common=1)

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns learners in context, and the memory of trained centres.

        copying: the posterior that knows that the class is in the context. nearest_item, nearest_mean: of the context.
        random_label: that of the first pair, which is any. memory: the label of the nearest trained centre.
        """

        def in_context(learner: Callable[..., jax.Array]) -> Callable[[Example], jax.Array]:
            def answer(example: Example) -> jax.Array:
                items = example.inputs[::2, : self.dimensions]
                labels = jax.nn.one_hot(answers.context(example, self.pairs), self.labels)
                return jnp.argmax(learner(items[-1:], items[:-1], labels)[0])

            return answer

        def copying(query: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
            return neighbours.same_class(query, x, y, self.noise)

        def memory(example: Example) -> jax.Array:
            numbers = jnp.arange(self.room)
            centres = vectors(self.seed, TRAINED, numbers, self.dimensions) / self.dimensions**0.5
            item = example.inputs[-1, : self.dimensions] * jnp.sqrt(1 + self.noise**2)
            near = (centres @ item) - 0.5 * (centres**2).sum(-1)
            return jnp.argmax(jnp.where(numbers < self.classes, near, -jnp.inf)) % self._groups

        learners: dict[str, Callable[[Example], jax.Array]] = {
            "copying": in_context(copying),
            "nearest_item": in_context(neighbours.nearest_item),
            "nearest_mean": in_context(neighbours.nearest_mean),
            "random_label": lambda example: answers.context(example, self.pairs)[0],
            "memory": memory,
        }
        return {name: self._at_end(learner) for name, learner in learners.items()}

    def _at_end(self, learner: Callable[[Example], jax.Array]) -> Callable[[Example], jax.Array]:
        """Turns a learner with one answer into one with an answer at each position."""
        return lambda example: jnp.full(2 * self.pairs + 1, learner(example), jnp.int32)

    def measures(self) -> tuple[Measured, ...]:
        """Returns where answers come from, and with `attention` what they attend to."""
        own = answers.sources(self.pairs, self.labels, self._groups)
        return own + answers.attention(self.pairs) if self.attention else own
