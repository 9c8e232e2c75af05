"""The base of the tasks of length generalisation: samples as tokens, rows made of samples, and lengths in a range.

A sample is one problem with its answer, `START prompt SEP answer END`. A test row is one sample from position 0. A
training row is a stretch of many samples written back to back, cut at a random place, so that every position sees every
part of a sample (arXiv 2310.16028; the authors' way of cutting is not published). For sorting, in 16 positions:

    inputs    2 7 . > 7 2 5 : 2 5 7 . > 9 3 :
    targets   7 . > 7 2 5 : 2 5 7 . > 9 3 : 3
    weights   0 0 0 0 0 0 0 1 1 1 1 0 0 0 0 1

Loss is on answers and END. A sample whose beginning is cut off has none, because its prompt may be gone. A sample cut
at the row's end keeps the loss of the part that is there. After the last sample of a row comes END without loss.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task


class Sample(NamedTuple):
    """Holds one problem with its answer: the first `length` of `tokens`; the first `prompt` are not the answer."""

    tokens: jax.Array  # int32[size]
    prompt: jax.Array  # int32
    length: jax.Array  # int32
    facts: dict[str, jax.Array]


@pytree
class SampleTask(Task):
    """A task whose rows are made of samples. Subclasses make a sample; this class lays samples out."""

    context: int = static(
        0, low=0, high=2**16, unit="positions", doc="positions of a row; 0 is as many as the longest sample needs"
    )
    packing: bool = static(
        True, doc="true: a training row is a stretch of many samples; false: one sample from its start"
    )
    train_context: int = static(
        0,
        low=0,
        high=2**16,
        unit="positions",
        silent=True,
        doc="positions of a training row, if fewer than those of a test row; 0 is as many",
    )

    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    held_out: ClassVar[tuple[str, ...]] = ()  # samples are drawn online: lengths are unseen, not problems

    @property
    def tokens(self) -> Any:
        """Returns the ids of the tokens that are not symbols: a NamedTuple with at least `start` and `end`."""
        raise NotImplementedError

    @property
    def names(self) -> list[str]:
        """Returns the text of each token of the vocabulary."""
        raise NotImplementedError

    @property
    def extent(self) -> tuple[int, int]:
        """Returns the numbers of tokens of the shortest and of the longest sample."""
        raise NotImplementedError

    @property
    def words(self) -> int:
        """Returns the number of random uint32s that a sample is made of."""
        raise NotImplementedError

    def sample_from(self, bits: jax.Array, split: str) -> Sample:
        """Makes the sample of `split` from `bits` uint32[words]."""
        raise NotImplementedError

    def prompt_length(self, tokens: list[int]) -> int | None:
        """Returns how many tokens after START are the prompt, its separator included; None if the prompt is cut."""
        return tokens.index(self.tokens.sep) + 1 if self.tokens.sep in tokens else None

    def answer(self, prompt: list[int]) -> list[int]:
        """Returns the answer and END, by plain Python, to a prompt without START."""
        raise NotImplementedError

    @property
    def spec(self) -> Spec:
        """Returns `context` positions, or as many as predict the longest sample, each from those before it."""
        return Spec(
            length=self.context or self.extent[1] - 1, head=Classes(len(self.names)), vocabulary=len(self.names)
        )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        needed = self.extent[1] - 1
        if 0 < self.context < needed:
            yield "context", f"must be 0 or at least {needed}, which the longest test sample needs, got {self.context}"
        if self.train_context > self.spec.length:
            yield (
                "train_context",
                f"must be 0 or at most {self.spec.length}, the positions of a test row, got {self.train_context}",
            )

    @property
    def trained_positions(self) -> int:
        """Returns the positions of a training row."""
        return self.train_context or self.spec.length

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a row: one sample, or in packed training a cut from many samples.

        There are enough samples to fill the row even if all are of the shortest kind. A row's facts are those of its
        first whole sample.
        """
        packed = self.packing and split == "train"
        length = self.trained_positions if split == "train" else self.spec.length
        count = 1 + -(-length // self.extent[0]) if packed else 1
        bits = jax.random.bits(key, (1 + count * self.words,), jnp.uint32)
        samples = jax.vmap(lambda b: self.sample_from(b, split))(bits[1:].reshape(count, self.words))
        cut = below(bits[0], samples.length[0]) if packed else jnp.int32(0)
        run, place = runs(samples.length, length + 1, cut)
        inside, run = run < count, jnp.minimum(run, count - 1)
        text = samples.tokens[run, jnp.minimum(place, samples.tokens.shape[1] - 1)]
        text = jnp.where(inside, text, self.tokens.end)
        answered = inside & (place >= samples.prompt[run]) & ((run > 0) | (cut == 0))
        facts = {name: fact[jnp.minimum(cut, 1)] for name, fact in samples.facts.items()}
        return Example(text[:-1], text[1:], answered[1:].astype(jnp.float32), facts)

    def _prompts(self, example: Example) -> Iterator[tuple[list[int], int]]:
        """Yields the whole prompts in a row, without START.

        With each comes the number of tokens from its end to the next START.
        """
        text = [*np.asarray(example.inputs).tolist(), int(example.targets[-1])]
        starts = [i for i, token in enumerate(text) if token == self.tokens.start]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            tokens = text[start + 1 : end]
            prompt_length = self.prompt_length(tokens)
            if prompt_length is not None:
                yield tokens[:prompt_length], len(tokens) - prompt_length

    def oracle(self, example: Example) -> list[int]:
        """Returns the answers to all whole prompts of the row, the last one as far as the row goes."""
        return [token for prompt, room in self._prompts(example) for token in self.answer(prompt)[:room]]

    def render(self, example: Example) -> tuple[str, str]:
        """Returns (prompts, answers) in the row's order, with `|` between samples.

        The rest of a sample that is cut off comes first.
        """
        inputs, targets = np.asarray(example.inputs), np.asarray(example.targets)
        weighted = np.asarray(example.weights) > 0
        edges = np.flatnonzero(np.diff(weighted, prepend=False, append=False))
        prompts, answers, begin = [], [], 0
        for first, end in edges.reshape(-1, 2).tolist():
            prompts.append(self._format(inputs[begin : first + 1]))
            answers.append(self._format(targets[first:end]))
            begin = end + 1  # the input at `end` is the answer's last token
        rest = inputs[begin:]
        if (rest != self.tokens.end).any():
            prompts.append(self._format(rest))
        return " | ".join(prompts), " | ".join(answers)

    def _format(self, tokens: np.ndarray) -> str:
        names = self.names
        return " ".join([names[token] for token in tokens.tolist()])

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the empty set, because nothing is held out."""
        return set()

    def tiny(self) -> Task:
        """Returns the task itself, because nothing is held out."""
        return self


@pytree
class LengthTask(SampleTask):
    """Problems of any length in a range: trained on up to `train_length`, tested on up to `max_length`.

    Lengths are uniform in both. Subclasses make the sample of a given length.
    """

    max_length: int = static(40, low=1, high=1000, unit="length", doc="length of the longest problem ever tested")
    test_every: int = static(5, low=1, high=1000, unit="length", doc="the multiples of this are tested one by one")
    bins: int = static(
        0,
        low=0,
        high=1000,
        unit="length",
        silent=True,
        doc="also test bins of so many lengths, the first of them from min_length on; 0 is none",
    )
    min_length: int = knob(1, low=1, high=1000, unit="length", doc="length of the shortest training problem")
    train_length: int = knob(20, low=1, high=1000, unit="length", doc="length of the longest training problem")

    headline: ClassVar[str] = "beyond"

    @property
    def sample_words(self) -> int:
        """Returns the number of random uint32s that a sample of given length is made of."""
        raise NotImplementedError

    def tokens_at(self, n: int) -> tuple[int, int]:
        """Returns the least and the largest number of tokens of a sample of length n."""
        raise NotImplementedError

    def sample_of(self, bits: jax.Array, n: jax.Array, split: str) -> Sample:
        """Makes the sample of length n from `bits` uint32[sample_words]; its facts need no length."""
        raise NotImplementedError

    @property
    def extent(self) -> tuple[int, int]:
        """Returns the extent from length 1 to `max_length`."""
        return self.tokens_at(1)[0], self.tokens_at(self.max_length)[1]

    @property
    def words(self) -> int:
        """Adds one for the length."""
        return 1 + self.sample_words

    def sample_from(self, bits: jax.Array, split: str) -> Sample:
        """Samples a problem of a length uniform in min_length .. train_length."""
        n = self.min_length + below(bits[0], self.train_length - self.min_length + 1)
        sample = self.sample_of(bits[1:], n, split)
        return sample._replace(facts={"length": n, **sample.facts})

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.train_length > self.max_length:
            yield "train_length", f"at most task.max_length = {self.max_length}, got {self.train_length}"
        if self.min_length > self.train_length:
            yield "min_length", f"at most task.train_length = {self.train_length}, got {self.min_length}"
        if self.test_every > self.max_length:
            yield "test_every", f"at most task.max_length = {self.max_length}, got {self.test_every}"
        if self.bins > self.max_length:
            yield "bins", f"at most task.max_length = {self.max_length}, got {self.bins}"
        elif 0 < self.bins < self.min_length:
            yield "bins", f"0 or at least task.min_length = {self.min_length}, got {self.bins}"
        needed = self.tokens_at(self.train_length)[1] - 1
        if not self.packing and 0 < self.train_context < needed:
            yield (
                "train_context",
                (f"must be 0 or at least {needed}, which the longest training sample needs, got {self.train_context}"),
            )

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns fresh samples of the training lengths; of all greater lengths to the largest; of single lengths."""
        longer = self.train_length + (self.train_length < self.max_length)
        return {
            "within": (self, "test"),
            "beyond": (self.replace(min_length=longer, train_length=self.max_length), "test"),
            **self.at_lengths("length_", "test"),
            **self.in_bins("lengths_", "test"),
        }

    def at_lengths(self, prefix: str, split: str) -> dict[str, tuple[Task, str]]:
        """Returns a condition for each tested length."""
        lengths = range(self.test_every, self.max_length + 1, self.test_every)
        return {f"{prefix}{n}": (self.replace(min_length=n, train_length=n), split) for n in lengths}

    def in_bins(self, prefix: str, split: str) -> dict[str, tuple[Task, str]]:
        """Returns a condition for each whole bin, as lengths_1_50, lengths_51_100; lengths are uniform in each."""
        ends = range(self.bins, self.max_length + 1, self.bins) if self.bins else ()
        conditions: dict[str, tuple[Task, str]] = {}
        for end in ends:
            first = end - self.bins + 1
            low = first if conditions else self.min_length
            conditions[f"{prefix}{first}_{end}"] = self.replace(min_length=low, train_length=end), split
        return conditions


def runs(counts: jax.Array, size: int, skip: jax.Array | int = 0) -> tuple[jax.Array, jax.Array]:
    """Returns (run, place within it) of each of `size` positions, if runs of `counts` int32[K] items lie back to back.

    Position 0 is `skip` items after the beginning of run 0. Positions after the last run get run K.
    """
    at, ends = jnp.arange(size) + skip, jnp.cumsum(counts)
    run = jnp.searchsorted(ends, at, side="right", method="compare_all").astype(jnp.int32)
    return run, at - jnp.append(0, ends)[run]


def splice(*parts: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    """Joins the first `count` tokens of each (tokens int32[size], count): (int32[sum of sizes], sum of counts).

    Values after the joined tokens are arbitrary. A single token may be given as a scalar.
    """
    buffers = [jnp.atleast_1d(jnp.asarray(buffer, jnp.int32)) for buffer, _ in parts]
    counts = jnp.stack([jnp.asarray(count, jnp.int32) for _, count in parts])
    bases = np.cumsum([0, *(buffer.shape[0] for buffer in buffers)])
    run, place = runs(counts, int(bases[-1]))
    index = jnp.asarray(bases, jnp.int32)[run] + place
    return jnp.concatenate(buffers)[jnp.minimum(index, bases[-1] - 1)], counts.sum()


def ordered(bits: jax.Array) -> jax.Array:
    """Returns a uniformly random permutation of 0 .. n-1, int32[n], from uint32 bits; even up to n^3 parts in 2^32.

    The lowest bits are replaced by the index and sorted along: on a CPU that takes a third of the time of `argsort`.
    """
    n = bits.shape[0]
    mask = jnp.uint32((1 << (n - 1).bit_length()) - 1)
    return (jnp.sort((bits & ~mask) | jnp.arange(n, dtype=jnp.uint32)) & mask).astype(jnp.int32)


def chosen(bits: jax.Array, n: jax.Array, count: jax.Array) -> jax.Array:
    """Returns whether each place is among `count` of the first n, which are uniformly random: bool[size of `bits`]."""
    size = bits.shape[0]
    mask = jnp.uint32((1 << (size - 1).bit_length()) - 1)
    place = jnp.arange(size, dtype=jnp.uint32)
    keys = jnp.where(place < n, (bits & ~mask) >> 1, jnp.uint32(1 << 31) & ~mask) | place
    last = jnp.sort(keys)[jnp.maximum(count - 1, 0)]
    return (keys <= last) & (count > 0)
