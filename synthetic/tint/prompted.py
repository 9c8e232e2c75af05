"""TInt prompted: pick up an operation from worked examples, which may be noised.

It is our small counterpart of the few-shot prompting of arXiv 2402.04004: a document has worked examples of one
operation and then a question, and no prompt tells which operation it is. With one worked example (`|` is a newline, `.`
the end token):

    ?( 5 7 , 6 8 ) | digx 7 digy 8 ds 1 5 carry 1 digx 5 digy 6 ds 1 2 carry 1 | 1 2 5 . ?( 4 , 2 ) | digx 4 ... | 6 .

In training the loss is on every response, and any may be noised. Evaluation asks for the last one. All its operands are
held out, and only the worked examples are noised, at the levels of the paper's prompts.

With `shifts` above 1 the worked examples carry a rule in their digits, which no prompt tells: a document writes all
digits of its responses higher by a number of its own, modulo 10. Shifted by 3 the document above is

    ?( 5 7 , 6 8 ) | digx 0 digy 1 ds 4 8 carry 4 digx 8 digy 9 ds 4 5 carry 4 | 4 5 8 . ?( 4 , 2 ) | digx 7 ... | 9 .
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.task import Example, Task, register
from synthetic.tint import plain
from synthetic.tint.documents import documents
from synthetic.tint.generate import SPLITS, Form, needed
from synthetic.tint.judge import judge
from synthetic.tint.language import COMPACT, LINES, STEPS, operations
from synthetic.tint.noise import CLEAN, Noise
from synthetic.tint.task import TInt
from synthetic.tint.text import END, NEWLINE, format_tokens, vocabulary

# The noise of the worked examples of the test sets, by the name of the condition.
LEVELS: dict[str, dict[str, float]] = {
    "clean": {},
    **{f"characters/{rate}": {"characters": rate} for rate in (0.3, 0.6, 0.9)},
    **{f"deletion/{rate}": {"deletion": rate} for rate in (0.3, 0.6, 0.9)},
    **{f"dynamic/{rate}": {"dynamic": rate} for rate in (0.2, 0.4)},
}


@register("tint_prompted")
@pytree
class TIntPrompted(TInt):
    """Compute as the worked examples before the question do; noise can be in training and in these examples."""

    operations: str = static(
        "add+subtract+multiply+divide+modulo+gcd", doc="operations: a mixture, one of which is in each document"
    )
    style: str = static(COMPACT, choices=(LINES, STEPS, COMPACT), doc="format of the chain of thought")
    max_digits: int = static(2, low=1, high=9, unit="digits", doc="digits of the largest operands")
    examples: int = static(2000, low=1, high=10**7, unit="documents", doc="size of the training set")
    test_examples: int = static(200, low=1, high=10**7, unit="documents", doc="size of each evaluation set")
    shots: int = static(
        4, low=1, high=100, unit="examples", doc="worked examples before the question, as far as they fit"
    )
    length: int = static(
        0,
        low=0,
        high=10**5,
        unit="tokens",
        doc="length of a document, which leaves out examples; 0 is as many as the longest need",
    )
    shifts: int = static(
        1,
        low=1,
        high=10,
        unit="shifts",
        silent=True,
        doc="documents write the digits of their responses higher by a hidden number below this, modulo 10",
    )
    level: int = knob(
        0, low=0, high=len(LEVELS) - 1, unit="condition", doc="noise in the test set, by its place in the conditions"
    )

    splits: ClassVar[tuple[str, ...]] = ("train", "test")
    held_out: ClassVar[tuple[str, ...]] = ("test",)
    headline: ClassVar[str] = "clean"
    rates: ClassVar[Mapping[str, str]] = {}

    @property
    def _form(self) -> Form:
        return Form(self.operations, self.style, self.max_digits, self.max_items, named=False)

    @property
    def _hidden(self) -> tuple[str, ...]:
        return ("shift",) if self.shifts > 1 else ()

    @property
    def _least(self) -> int:
        return 2 * needed(self._form).tokens

    @property
    def _tokens(self) -> int:
        return self.length or (self.shots + 1) * needed(self._form).tokens

    def materialise(self, before: Any = None) -> Task:
        """Returns this task with its training set, and its test set at each level of noise."""
        common = self._form, self._tokens, self._laws
        made = functools.partial(documents, *common, seed=int(self.seed), shots=self.shots, shifts=self.shifts)
        train = made((self._noise, self._noise), split="train", count=self.examples, all_asked=True)
        levels = [
            made((noise, CLEAN), split="test", count=self.test_examples, all_asked=False)
            for noise in (Noise(**rates, hidden=float(self.hidden)) for rates in LEVELS.values())
        ]
        return self.replace(tables={"train": train, "test": {n: np.stack([t[n] for t in levels]) for n in train}})

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a document of the split's set, any with the same chance. Raises ValueError before `materialise`.

        Facts: `operation`, its number in the order of declaration; `shots`, the number of worked examples; `label`, the
        share of these whose answer is true, and `kept`, the share of their tokens that noise has left; `index` in the
        set, and `split`; with `shifts` also `shift`, by how much digits are written higher.
        """
        if self.tables is None:
            raise ValueError("the sets of tint_prompted are made by materialise(), before sample()")
        return self.item(
            below(jax.random.bits(key, (), jnp.uint32), self.tables[split]["tokens"].shape[-2]), key, split
        )

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns document `index` of the split's set; see `sample`."""
        table = self.tables[split]
        if split == "test":
            table = {name: jnp.asarray(values)[self.level] for name, values in table.items()}
        row = {name: jnp.asarray(values)[index] for name, values in table.items()}
        tokens = row["tokens"].astype(jnp.int32)
        facts = {name: row[name].astype(jnp.int32) for name in ("operation", "shots", *self._hidden)}
        facts |= {name: row[name].astype(jnp.float32) for name in ("label", "kept")}
        facts |= {"index": index, "split": jnp.int32(SPLITS.index(split))}
        return Example(tokens[:-1], tokens[1:], row["scored"][:-1].astype(jnp.float32), facts)

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the training set; then held-out questions with worked examples at each level of noise."""
        levels = {name: (self.replace(level=i), "test") for i, name in enumerate(LEVELS)}
        return {"train": (self, "train"), **levels}

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges a decoded response as TInt does, by unshifted digits; label and kept are of the worked examples."""
        targets = example.targets
        for fact in self._hidden:
            targets, decoded = (_written(tokens, -example.facts[fact]) for tokens in (targets, decoded))
        scores = judge(targets, example.weights, example.facts["operation"], decoded, style=self.style)
        return scores | {name: example.facts[name] for name in ("label", "kept")}

    def oracle(self, example: Example) -> list[int]:
        """Returns each response that is asked for, by Python itself."""
        split, index = int(example.facts["split"]), int(example.facts["index"])
        noise = self._noise if SPLITS[split] == "train" else CLEAN
        operation = list(operations(self.style).values())[int(example.facts["operation"])]
        prompts, size = self._prompts(example), needed(self._form)
        first = (index + 1) * (self.shots + 1) - len(prompts)
        responses = [
            plain.response(
                prompt, self.style, size.tokens, size.fuel, noise, int(self.seed), split, first + k, operation=operation
            )
            for k, prompt in enumerate(prompts)
        ]
        shift = sum(int(example.facts[fact]) for fact in self._hidden)
        if SPLITS[split] != "train":
            responses = responses[-1:]
        return [(token + shift) % 10 if token < 10 else token for response in responses for token in response]

    def _prompts(self, example: Example) -> list[list[int]]:
        """Returns the prompts of all examples of a document."""
        tokens = [*np.asarray(example.inputs).tolist(), END]
        last, prompts, at = int(np.flatnonzero(np.asarray(example.weights))[-1]), [], 0
        while at <= last:
            prompts.append(tokens[at : tokens.index(NEWLINE, at) + 1])
            at = tokens.index(END, at) + 1
        return prompts

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the operands of each example, in whatever order."""
        return {plain.numbers(plain.parsed(prompt, self.style)[1]) for prompt in self._prompts(example)}

    def tiny(self) -> Task:
        """Returns sets of 16 documents with one worked example each."""
        return super().tiny().replace(shots=1)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns (all up to the question, the responses that are asked for) as text."""
        names, inputs, targets = vocabulary(self.style), np.asarray(example.inputs), np.asarray(example.targets)
        scored = np.asarray(example.weights) > 0
        begin = int(np.flatnonzero(scored & ~np.append(False, scored[:-1]))[-1])
        prompt, answer = inputs[: begin + 1].tolist(), targets[scored].tolist()
        return format_tokens(prompt, names).strip(), format_tokens(answer, names)


def _written(tokens: jax.Array, shift: jax.Array) -> jax.Array:
    """Returns the tokens with digits written higher by `shift`, modulo 10."""
    return jnp.where(tokens < 10, (tokens + shift) % 10, tokens)
