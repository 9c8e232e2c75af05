"""Encrypted rewriting: the replacement of the leftmost x is enciphered by a key that the prompt gives.

The task is that of arXiv 2402.10891 (section 5) and 2405.19787, made there for a pre-trained model to which replacing
alone is too easy. 40 % of its inputs lack x, and are to be copied as they are. It is as `rewriting`, except that each
letter of y in the answer is moved on by the key, modulo the alphabet (a = 0).

An aligned example (alphabet 16, input 8, patterns of 2; the rule is "gc -> ab", the key d = 3; `.` marks no loss):

    inputs    g c a b d f a g c p g c e = f a d e p g c
    targets   . . . . . . . . . . . . . f a d e p g c e
    weights   0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1

The papers' cipher could not be found. This one is ours: the shift of Caesar, of the inserted y alone, by a key of one
letter. The key is drawn for each input (also if x is absent and nothing is enciphered), uniformly among `num_keys`.
With the whole alphabet for keys neither y nor key alone tells anything about the answer, which is far harder to learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree
from synthetic.draws import below
from synthetic.markov.rewriting import Markov
from synthetic.task import Example, register


@register("markov_encrypted")
@pytree
class MarkovEncrypted(Markov):
    """Apply one rewrite rule x -> y once, leftmost, to z, with y enciphered by the prompt's key."""

    num_keys: int = knob(
        0, low=0, high=1000, unit="keys", doc="number of letters for keys: b (= 1) and those after it; 0 is all letters"
    )

    keys: ClassVar[int] = 1

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        yield from super().problems()
        if self.num_keys > self.alphabet:
            yield "num_keys", f"at most task.alphabet = {self.alphabet}, got {self.num_keys}"

    def example(self, split: str, rule: jax.Array, copy: jax.Array) -> Example:
        """Returns the example as in `rewriting`, with the key among the facts."""
        made = super().example(split, rule, copy)
        return made._replace(facts=made.facts | {"key": made.inputs[self.search_length + self.replace_length]})

    def put(self, y: jax.Array, bits: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns a uniform key, and each letter of y plus the key, modulo the alphabet."""
        among = jnp.where(self.num_keys > 0, self.num_keys, self.alphabet)
        key = (1 + below(bits, among)) % self.alphabet
        return key, (y + key) % self.alphabet

    def _parts(self, example: Example) -> list[list[int]]:
        """Returns the prompt's x, y, key and z."""
        tokens, parts = np.asarray(example.inputs).tolist(), []
        for size in (self.search_length, self.replace_length, 1, self.input_length):
            parts.append(tokens[:size])
            tokens = tokens[size:]
        return parts

    def oracle(self, example: Example) -> list[int]:
        """Enciphers y by a table of the cipher's alphabet, then puts it for x by `str.replace`, once."""
        letters = [chr(0x4E00 + letter) for letter in range(self.alphabet)]
        x, y, key, z = ("".join(letters[token] for token in part) for part in self._parts(example))
        start = letters.index(key)
        cipher = str.maketrans(dict(zip(letters, letters[start:] + letters[:start], strict=True)))
        answer = [letters.index(letter) for letter in z.replace(x, y.translate(cipher), 1)]
        return answer + [self.alphabet + 1] * self._varies

    def render(self, example: Example) -> tuple[str, str]:
        """Returns ("x -> y + key : z", answer), letters as a-z if the alphabet allows, else numbers."""
        x, y, key, z = (self._format(np.asarray(part)) for part in self._parts(example))
        answer = np.asarray(example.targets)[np.asarray(example.weights) > 0]
        return f"{x} -> {y} + {key} : {z}", self._format(answer)
