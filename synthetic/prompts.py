"""The base of tasks that write a prompt and its answer, one example a row, and hold prompts out.

Token 0, END, closes an answer and fills the row behind it. Loss is on the answer and END.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.markov.sides import with_checksum
from synthetic.task import Example, Spec, Task

END = 0
SHARE = 8  # one prompt in so many is held out
_SIDES = 0x53494445  # the stream of the data seed that tells training's prompts from the test's
_Drawn = TypeVar("_Drawn")


class Text(NamedTuple):
    """Holds a prompt with its answer: the first `length` of `tokens`; the first `prompt` are not the answer."""

    tokens: jax.Array  # int32, as many as the longest text has
    prompt: jax.Array | int
    length: jax.Array | int  # END included
    facts: dict[str, jax.Array]


class PromptTask(Task):
    """A task whose examples are a prompt and an answer. Subclasses write the text; this class lays it out."""

    splits: ClassVar[tuple[str, ...]] = ("train", "unseen")
    held_out: ClassVar[tuple[str, ...]] = ("unseen",)

    @property
    def longest(self) -> int:
        """Returns the number of tokens of the longest text."""
        raise NotImplementedError

    def write(self, key: jax.Array, split: str) -> Text:
        """Writes an example of the split."""
        raise NotImplementedError

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the weighted tokens after a prompt by plain Python.

        Where several answers are right, the example may be read to know which of them is wanted.
        """
        raise NotImplementedError

    @property
    def spec(self) -> Spec:
        """Returns as many positions as predict the longest text, each from those before it."""
        return Spec(length=self.longest - 1, head=Classes(len(self.names)), vocabulary=len(self.names))

    @property
    def end(self) -> int | None:
        """Returns END."""
        return END

    def sample(self, key: jax.Array, split: str) -> Example:
        """Writes a text and fills the row behind it with END."""
        text = self.write(key, split)
        place = jnp.arange(self.longest)
        tokens = jnp.where(place < text.length, text.tokens[: self.longest], END).astype(jnp.int32)
        answered = (place >= text.prompt) & (place < text.length)
        return Example(tokens[:-1], tokens[1:], answered[1:].astype(jnp.float32), text.facts)

    def prompt(self, example: Example) -> list[int]:
        """Returns the tokens of the prompt of an example on the host."""
        return np.asarray(example.inputs)[: int(np.argmax(np.asarray(example.weights) > 0)) + 1].tolist()

    def oracle(self, example: Example) -> list[int]:
        """Returns the answer to the prompt by plain Python."""
        return self.answer(self.prompt(example), example)

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the prompt."""
        return {tuple(self.prompt(example))}

    def render(self, example: Example) -> tuple[str, str]:
        """Returns (prompt, answer), token by token."""
        answer = np.asarray(example.targets)[np.asarray(example.weights) > 0].tolist()
        return self.format(self.prompt(example)), self.format(answer)

    def format(self, tokens: list[int]) -> str:
        """Returns the names of tokens with spaces between."""
        names = self.names
        return " ".join([names[token] for token in tokens])


def side_key(seed: Any) -> jax.Array:
    """Returns the key that decides which prompts are held out, by the data seed alone."""
    return jax.random.fold_in(jax.random.key(seed), _SIDES)


def held_values(values: int) -> int:
    """Returns how many of a checksum's values are held out: one in `SHARE`, at least one."""
    return max(1, values // SHARE)


def on_side(bits: jax.Array, free: jax.Array, values: int, seed: Any, *, held_out: bool) -> jax.Array:
    """Returns the string `free` plus the letter that puts it on its side: int32[len(free) + 1], letters below `values`.

    A keyed checksum of the string tells the sides apart. Its value, which `bits` (a uint32) draw among those of the
    side, decides the last letter; so no side is ever empty, and nothing is drawn twice.
    """
    held = held_values(values)
    value = below(bits, held) if held_out else held + below(bits, values - held)
    keyed = jax.random.bits(side_key(seed), (free.shape[0] + 1,), jnp.uint32)
    return with_checksum(keyed, free, value, values)


def is_held(tokens: Any, keyed: Any) -> Any:
    """Returns whether a prompt int32[T], padded with zeros, is held out, by a hash keyed by uint32[T + 1] bits.

    It takes NumPy's arrays and JAX's. Every bit of every token reaches the decision; one prompt in `SHARE` is held out.
    """
    kind = keyed.dtype.type
    terms = (tokens.astype(keyed.dtype) + kind(1)) * (keyed[1:] | kind(1))
    mixed = (_mixed(terms ^ (terms >> kind(15)), kind)).sum(-1, dtype=keyed.dtype) + keyed[0]
    return _mixed(mixed ^ (mixed >> kind(16)), kind) >> kind(29) == kind(0)


def _mixed(x: Any, kind: Any) -> Any:
    x = x * kind(0x85EBCA6B)
    x = (x ^ (x >> kind(13))) * kind(0xC2B2AE35)
    return x ^ (x >> kind(16))


def redrawn(key: jax.Array, draw: Callable[[jax.Array], _Drawn], fits: Callable[[_Drawn], jax.Array]) -> _Drawn:
    """Returns the first of `draw(key_0), draw(key_1) ...` that fits. There must be one, or it never ends."""
    shapes = jax.eval_shape(draw, key)
    nothing = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def again(state: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        return state[0] + 1, draw(jax.random.fold_in(key, state[0]))

    def unfit(state: tuple[jax.Array, Any]) -> jax.Array:
        return (state[0] == 0) | ~fits(state[1])

    return jax.lax.while_loop(unfit, again, (jnp.int32(0), nothing))[1]


def last_part(tokens: jax.Array, weights: jax.Array, mark: int) -> tuple[jax.Array, jax.Array]:
    """Returns the answer behind its last `mark`, filled with END, and whether END closes it: (int32[T], bool).

    An answer begins at the first weighted position and goes to the first END.
    """
    place, size = jnp.arange(tokens.shape[0]), tokens.shape[0]
    begin = jnp.argmax(weights > 0)
    end = jnp.where((tokens == END) & (place >= begin), place, size).min()
    start = jnp.where((tokens == mark) & (place >= begin) & (place < end), place + 1, begin).max()
    inside = place < end - start
    return jnp.where(inside, tokens[jnp.minimum(start + place, size - 1)], END), end < size


def same_answer(example: Example, decoded: jax.Array) -> jax.Array:
    """Returns 1.0 if a decoded answer is that of the example at every weighted position, else 0.0."""
    return ((decoded == example.targets) | (example.weights == 0)).all().astype(jnp.float32)


def same_last_part(example: Example, decoded: jax.Array, mark: int) -> jax.Array:
    """Returns 1.0 if a decoded answer ends, and what is behind its last `mark` is as in the example, else 0.0."""
    ours, ended = last_part(decoded, example.weights, mark)
    theirs, _ = last_part(example.targets, example.weights, mark)
    return (ended & (ours == theirs).all()).astype(jnp.float32)
