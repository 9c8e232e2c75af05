"""Boolean functions in context: points and labels of one hidden function; the next point's label is asked.

The tasks are those of "Understanding in-context learning in transformers and LLMs by learning to learn discrete
functions" (arXiv 2310.03016). A prompt of m points in n dimensions is 2m vectors of width n: a point of -1 and 1, then
its label in the first coordinate, with zeros after it. The label is asked at the point, so it is to be answered from
the examples before it. For n = 3, m = 4 and the conjunction "x1 and not x3":

    inputs    [+ - -] [+ 0 0] [- + -] [- 0 0] [+ + -] [+ 0 0] [+ + +] [- 0 0]
    targets      1       .       0       .       1       .       0       .
    weights      1       0       1       0       1       0       1       0

The laws of functions, inputs and labels are those of the code published with the paper; each is stated at its family.
With label noise the flipped label is both the target and the label that later points see; only training has it. Two
choices are ours. An eighth of the functions, or a quarter of the small families, is held out
(`synthetic.boolean.family` states how), where the paper's test functions are fresh draws. With a pool only functions
repeat: inputs are always fresh, as they are in the paper for some families alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.boolean import bayes, forms, learners, linear, neighbours, parities, terms
from synthetic.boolean.family import LARGEST, PRIME, Counted, Family, Learner
from synthetic.boolean.packed import pack, unpack
from synthetic.draws import below, unit
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task, register

FAMILIES: dict[str, type[Family]] = {
    "conjunction": terms.Conjunction,
    "monotone_conjunction": terms.MonotoneConjunction,
    "disjunction": terms.Disjunction,
    "sparse_disjunction": terms.SparseDisjunction,
    "cnf": forms.CNF,
    "dnf": forms.DNF,
    "monotone_dnf": forms.MonotoneDNF,
    "majority": linear.Majority,
    "threshold": linear.Threshold,
    "halfspace": linear.HalfSpace,
    "parity": parities.Parity,
    "sparse_parity": parities.SparseParity,
    "nearest_neighbour": neighbours.NearestNeighbour,
}

_OWN = -1.0  # value of `planted` that stands for the share in the family's law
_DATA = 0x424F4F4C  # keeps the data seed's stream apart from a run's if both seeds are the same number
_WHOLE = 12  # up to this many variables a function is identified by all its values


@register("boolean")
@pytree
class Boolean(Task):
    """Learn a Boolean function in context; test functions are of the same family and never met in training."""

    family: str = static("conjunction", choices=tuple(FAMILIES), doc="class of functions, with its law of inputs")
    dimensions: int = static(28, low=1, high=64, unit="variables", doc="n, the variables of a function")
    points: int = static(70, low=1, high=1000, unit="points", doc="m, the points of a prompt")
    relevant: int = static(
        0, low=0, high=64, unit="variables", doc="relevant variables in a sparse family; 0 is the paper's 4 or 2"
    )
    start: int = static(
        20, low=2, high=1000, unit="points", doc="first points of nearest_neighbour, whose labels are random"
    )
    teaching: bool = static(False, doc="whether prompts can begin with a teaching sequence")
    network: bool = static(False, doc="whether the baselines have the net trained on each prompt, which is slow")
    noise_rate: float = knob(0.0, low=0.0, high=1.0, unit="share", doc="share of labels that are flipped in training")
    pool: int = knob(0, low=0, high=LARGEST, unit="functions", doc="functions in the training set; 0 is unlimited")
    literal_density: float = knob(
        0.0, low=0.0, high=0.9, unit="share", doc="share of variables in a function, term or clause; 0 is the paper's"
    )
    planted: float = knob(
        _OWN, low=_OWN, high=1.0, unit="share", doc="share of points that are overwritten; -1 is the paper's"
    )
    teaching_share: float = knob(
        1.0, low=0.0, high=1.0, unit="share", doc="share of prompts that begin with a teaching sequence"
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes what is held out and the pool")

    splits: ClassVar[tuple[str, ...]] = ("train", "seen", "unseen")
    headline: ClassVar[str] = "unseen"
    curve: ClassVar[bool] = True

    @property
    def spec(self) -> Spec:
        """Returns two positions a point; the classes are false and true."""
        return Spec(length=2 * self.points, head=Classes(2), width_in=self.dimensions)

    @property
    def _functions(self) -> Family:
        return FAMILIES[self.family](self.dimensions, self.relevant, self.start)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        family = self._functions
        if self.dimensions < family.least:
            yield "dimensions", f"at least {family.least} with task.family = {self.family}, got {self.dimensions}"
            return
        yield from self._misfits(family)
        if family.relevant > self.dimensions:
            yield "relevant", f"at most task.dimensions = {self.dimensions}, got {family.relevant}"
            return
        if family.size < 4:
            yield "relevant", f"the {family.size} functions of {self.dimensions} variables are too few to hold any out"
            return
        if isinstance(family, Counted) and family.size > LARGEST:
            key = "dimensions" if family.sparse is None else "relevant"
            yield key, f"at most 2^31-1 functions can be numbered, got {family.size} with task.family = {self.family}"
        elif self.pool > family.training_size():
            yield (
                "pool",
                f"training has at most {family.training_size()} functions with task.family = {self.family} and "
                f"task.dimensions = {self.dimensions}, got {self.pool}",
            )
        if family.first_asked >= self.points:
            yield "start", f"less than task.points = {self.points}, got {self.start}"
        if self.teaching and family.taught:
            needed = family.longest_teaching(float(self._density))
            if self.points < needed:
                yield (
                    "points",
                    f"at least {needed}, the length of teaching sequences with task.dimensions = {self.dimensions}, "
                    f"got {self.points}",
                )

    def _misfits(self, family: Family) -> Iterator[tuple[str, str]]:
        """Yields faults of fields that mean nothing for this family, or nothing at all."""
        given_family = f"with task.family = {self.family}"
        if self.relevant and family.sparse is None:
            yield "relevant", f"is for sparse families, got {self.relevant} {given_family}"
        if self.literal_density and family.density is None:
            yield "literal_density", f"must be 0 {given_family}, got {self.literal_density}"
        elif 0 < self.literal_density < 0.01:
            yield "literal_density", f"must be 0 or at least 0.01, got {self.literal_density}"
        if self.planted not in (0, _OWN) and family.planted is None:
            yield "planted", f"must be -1 or 0 {given_family}, because its points are uniform, got {self.planted}"
        elif _OWN < self.planted < 0:
            yield "planted", f"must be -1 or at least 0, got {self.planted}"
        if self.teaching and not family.taught:
            taught = ", ".join(name for name, other in FAMILIES.items() if other.taught)
            yield "teaching", f"there are teaching sequences for {taught}, got task.family = {self.family}"
        if self.teaching_share != 1 and not self.teaching:
            yield "teaching_share", f"must be 1 without task.teaching, got {self.teaching_share}"

    @property
    def _density(self) -> jax.Array:
        """Returns the share of literals: the knob, or the family's."""
        return jnp.where(self.literal_density > 0, self.literal_density, self._functions.density or 0.0)

    def _planted(self, prefixed: jax.Array | bool) -> jax.Array:
        """Returns the share of planted points: the knob, or the family's, which may differ in prompts with a prefix."""
        plain, taught = self._functions.planted or (0.0, 0.0)
        return jnp.where(self.planted >= 0, self.planted, jnp.where(prefixed, taught, plain))

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's functions and held-out ones, all without noise.

        With `teaching`, held-out functions come with and without a teaching sequence, too.
        """
        conditions: dict[str, tuple[Task, str]] = {"seen": (self, "seen"), "unseen": (self, "unseen")}
        if self.teaching:
            conditions["unseen/prefix"] = (self.replace(teaching_share=1.0), "unseen")
            conditions["unseen/plain"] = (self.replace(teaching_share=0.0), "unseen")
        return conditions

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a function of its side, then its points by the family's law.

        Facts: `prefix`, the points of the teaching sequence (0 without one), `flips`, the labels that are flipped, and
        the function's digits as numbers `function_0`, `function_1` and so on.
        """
        return self._sample(key, split, None)

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of functions in the pool."""
        return self.pool

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns a function of the pool at points drawn from `key`."""
        return self._sample(key, split, index)

    def _sample(self, key: jax.Array, split: str, member: jax.Array | None) -> Example:
        family, m, n = self._functions, self.points, self.dimensions
        function_key, point_key = jax.random.split(key)
        data = jax.random.fold_in(jax.random.key(self.seed), _DATA)
        held_out, density = split == "unseen", self._density
        law = {"pool": self.pool, "density": density, "held_out": held_out}
        function = family.function(data, function_key, **law, member=member)
        words = -(-n // 32)
        bits = jax.random.bits(point_key, (2 + m * (2 + words),), jnp.uint32)
        of_points = bits[2:].reshape(2 + words, m)
        prefixed = unit(bits[0]) < self.teaching_share if self.teaching else jnp.bool(False)
        planted = unit(of_points[0]) < self._planted(prefixed)
        uniform = of_points[2:].T & pack(jnp.ones(n, bool))
        x = family.plant(function, uniform, planted, below(bits[1], family.choices))
        prefix = jnp.int32(0)
        if self.teaching:
            taught, length = family.teach(function, m)
            prefix = jnp.where(prefixed, jnp.minimum(length, m), 0).astype(jnp.int32)
            x = jnp.where((jnp.arange(m) < prefix)[:, None], taught, x)
        flip = unit(of_points[1]) < self.noise_rate if split == "train" else jnp.zeros(m, bool)
        y = family.label(function, x) ^ flip
        facts = {"prefix": prefix, "flips": flip.sum().astype(jnp.int32)}
        facts |= {f"function_{i}": number for i, number in enumerate(_pack(function, family.radices))}
        label = jnp.where(jnp.arange(n) == 0, jnp.where(y, 1.0, -1.0)[:, None], 0.0)
        inputs = jnp.stack([unpack(x, n), label], 1).reshape(2 * m, n)
        scored = (jnp.arange(m) >= family.first_asked).astype(jnp.float32)
        return Example(inputs, _at_points(y), _at_points(scored), facts)

    def oracle(self, example: Example) -> list[int]:
        """Returns the labels by the function in the facts, with `all`, `any` and `sum` on lists."""
        points, labels = self._prompt(example)
        return [int(label) for label in self._functions.answers(self._digits(example), points, labels)]

    def _prompt(self, example: Example) -> tuple[list[list[int]], list[bool]]:
        inputs = np.asarray(example.inputs)
        return inputs[::2].astype(int).tolist(), (inputs[1::2, 0] > 0).tolist()

    def _digits(self, example: Example) -> list[int]:
        numbers = [int(example.facts[name]) for name in example.facts if name.startswith("function_")]
        return _unpack(numbers, self._functions.radices)

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the function independently of its digits.

        These are all its values, or for many variables its value at eight points.
        """
        family, digits = self._functions, self._digits(example)
        if self.family == "nearest_neighbour":
            return {tuple(digits)}
        if self.dimensions <= _WHOLE:
            every = (np.arange(2**self.dimensions)[:, None] >> np.arange(self.dimensions) & 1) * 2 - 1
            return {tuple(family.says(digits, x) for x in every.tolist())}
        if isinstance(family, Counted):
            return {tuple(digits)}
        points = np.random.default_rng(0).integers(2, PRIME - 1, (8, self.dimensions)).astype(np.uint32)
        value = functools.partial(family.value, jnp.array(digits, jnp.int32))
        return {tuple(jax.vmap(value)(jnp.asarray(points)).tolist())}

    def tiny(self) -> Task:
        """Returns a task of so few variables that functions are few; 16 of the 48 half-spaces are in training."""
        least = {"sparse_disjunction": 5, "sparse_parity": 5, "parity": 4}.get(self.family, self._functions.least)
        sparse = 2 if self._functions.sparse else 0
        small = self.replace(dimensions=least, points=12, relevant=sparse, start=2, noise_rate=0.0)
        return small.replace(pool=16 * (self.family == "halfspace"), literal_density=0.0, planted=_OWN)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns ("1010:1 0011:0 ...", the labels that are asked), points and their labels as bits."""
        points, labels = self._prompt(example)
        prompt = " ".join(
            f"{''.join('1' if v > 0 else '0' for v in x)}:{int(y)}" for x, y in zip(points, labels, strict=True)
        )
        answers = np.asarray(example.targets)[np.asarray(example.weights) > 0]
        return prompt, "".join(map(str, answers.tolist()))

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns the paper's learners (null, averaging, nearest neighbours) and the best one known for the family.

        Conjunctions and disjunctions: elimination, bayes. Linear families: perceptron, max_margin. Parities:
        gaussian_elimination. monotone_dnf: closure. nearest_neighbour: most_similar, which is exact. If a family has no
        more than 8192 functions, bayes is exact, by enumeration.
        """
        family, density, planted = self._functions, self._density, self._planted(False)
        rivals: dict[str, Learner] = {
            "null": learners.null,
            "averaging": learners.averaging,
            "nearest_neighbours": functools.partial(learners.nearest_neighbours, k=family.neighbours),
            **family.learners(density, planted),
        }
        if family.functions() is not None:
            rivals["bayes"] = functools.partial(bayes.by_enumeration, family, density=density, planted=planted)
        if self.network:
            rivals["network"] = learners.network
        return {name: _of_example(learner) for name, learner in rivals.items()}


def _of_example(learner: Learner) -> Callable[[Example], jax.Array]:
    """Turns a learner of points and labels into one of examples."""
    return lambda example: _at_points(learner(example.inputs[::2], example.inputs[1::2, 0] > 0))


def _at_points(values: jax.Array) -> jax.Array:
    """Puts values [M] at the points' positions and zeros at the labels': [2M]; bool becomes int32."""
    values = values.astype(jnp.int32) if values.dtype == bool else values
    return jnp.stack([values, jnp.zeros_like(values)], 1).reshape(-1)


def _places(radices: list[int]) -> list[list[int]]:
    """Returns the place values of digits, number by number, each number below 2^31."""
    numbers, place = [[]], 1
    for radix in radices:
        if place * radix > LARGEST:
            numbers.append([])
            place = 1
        numbers[-1].append(place)
        place *= radix
    return numbers


def _pack(digits: jax.Array, radices: list[int]) -> list[jax.Array]:
    """Returns digits as the fewest int32 numbers."""
    numbers = _places(radices)
    cuts = np.cumsum([len(places) for places in numbers])[:-1].tolist()
    return [(d * jnp.array(p, jnp.int32)).sum() for d, p in zip(jnp.split(digits, cuts), numbers, strict=True)]


def _unpack(numbers: list[int], radices: list[int]) -> list[int]:
    places = _places(radices)
    pairs = [(number, place) for number, row in zip(numbers, places, strict=True) for place in row]
    return [number // place % radix for (number, place), radix in zip(pairs, radices, strict=True)]
