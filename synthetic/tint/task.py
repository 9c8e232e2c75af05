"""TInt: arithmetic with a chain of thought that may be noised.

The task is that of "Understanding the effect of noise in LLM training data with algorithmic chains of thought" (arXiv
2402.04004). A prompt asks for an operation; the response is its trace and, on a line of its own, the answer. In the
four styles (`|` is a newline, `.` the end token; loss is on all after the prompt):

    lines     9 + 1 | x = 9 , y = 1 | res = 0 | carry = 0 | digx = 9 | ... | res = 0 | carry = 1 | res = 1 0 | 1 0 .
    steps     9 + 1 | x = 9 , y = 1 | res = 0 | carry = 0 | digx = 9 | ... | carry = 1 | res = 1 0 | 1 0 .
    compact   9 + 1 | digx 9 digy 1 ds 1 0 carry 1 | 1 0 .
    none      9 + 1 | 1 0 .

`lines` has the steps and lines of the code released with the paper, in which a number is the text of its digits and may
begin with zeros (`synthetic.tint.authors`). `steps` is ours, line by line, on whole numbers; `compact` has those of its
variables that each operation needs most, for small models; `none` has no trace.

The training set is finite and made on the host (`materialise`). Evaluation has fresh examples with the same noise, and
clean ones whose operands are in no training example.

Departures from the released code, on purpose. In every style: contamination gates each kind of noise, where theirs
gates static noise alone; numbers have 18 digits or fewer; loops end, where noise can make theirs run for ever; no trace
is cut at 300 lines with an answer of 0, but operands are drawn anew if the clean trace does not fit; no operands of a
test are in training; a sort or a remainder can be asked for by itself. Calls are shown as in its configurations for
fine-tuning: those inside products, quotients and medians, but none inside remainders. In `lines` dynamic noise meets
what it meets there if `hidden` is 1: every number that a step makes, with digits redrawn in 0..8; and character noise
spares numbers before a comma or bracket. In the other styles character noise meets every digit of the response; digits
are redrawn in 0..9; numbers read from a list and results of calls are new, and so meet dynamic noise; in `none` the
numbers that meet it as `hidden` states are those that a compact trace would not print.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task, register
from synthetic.tint import operands as operands_of
from synthetic.tint import plain
from synthetic.tint.generate import SPLITS, Form, generate, needed
from synthetic.tint.judge import judge
from synthetic.tint.language import COMPACT, LINES, NONE, STEPS
from synthetic.tint.limits import DIGITS
from synthetic.tint.noise import CLEAN, Noise
from synthetic.tint.operands import Laws
from synthetic.tint.operations import mixture
from synthetic.tint.text import END, NEWLINE, format_tokens, vocabulary


@register("tint")
@pytree
class TInt(Task):
    """Compute with a chain of thought; training traces may be noised, test operands are never met in training."""

    operations: str = static("add", doc="operations: add, subtract ... or a mixture such as add+2*median")
    style: str = static(COMPACT, choices=(LINES, STEPS, COMPACT, NONE), doc="format of the chain of thought")
    max_digits: int = static(5, low=1, high=DIGITS - 1, unit="digits", doc="digits of the largest operands")
    max_items: int = static(5, low=1, high=99, unit="numbers", doc="numbers of the longest list")
    examples: int = static(20000, low=1, high=10**7, unit="examples", doc="size of the training set")
    test_examples: int = static(1200, low=1, high=10**7, unit="examples", doc="size of each evaluation set")
    length: int = static(
        0,
        low=0,
        high=10**5,
        unit="tokens",
        doc="prompt, trace, answer and end; 0 is as many as clean traces need; lines beyond are cut",
    )
    min_digits: int = knob(1, low=1, high=DIGITS - 1, unit="digits", doc="digits of the smallest operands")
    min_items: int = knob(1, low=1, high=99, unit="numbers", doc="numbers of the shortest list")
    magnitude: float = knob(
        0.0,
        low=0.0,
        high=1.0,
        unit="share",
        doc="share of examples with uniform operands; the others are uniform in length",
    )
    contamination: float = knob(1.0, low=0.0, high=1.0, unit="share", doc="share of examples that noise can touch")
    characters: float = knob(0.0, low=0.0, high=1.0, unit="rate", doc="share of the response's digits that are redrawn")
    deletion: float = knob(0.0, low=0.0, high=1.0, unit="rate", doc="share of the trace's lines that are deleted")
    insertion: float = knob(0.0, low=0.0, high=1.0, unit="rate", doc="share of lines followed by a copy of some line")
    swap: float = knob(0.0, low=0.0, high=1.0, unit="rate", doc="share of lines that change places with the next one")
    dynamic: float = knob(
        0.0, low=0.0, high=1.0, unit="rate", doc="share of the digits of new numbers that are redrawn"
    )
    hidden: float = knob(
        0.0,
        low=0.0,
        high=1.0,
        unit="share",
        doc="rate of dynamic noise on numbers that are not printed, as a share of task.dynamic",
    )
    operator_errors: float = knob(
        0.0, low=0.0, high=1.0, unit="rate", doc="share of steps + - * that are computed as another of them"
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the sets and what is held out")
    tables: Any = None

    splits: ClassVar[tuple[str, ...]] = SPLITS
    held_out: ClassVar[tuple[str, ...]] = ("test",)
    headline: ClassVar[str] = "test"
    rates: ClassVar[Mapping[str, str]] = {"contaminated": "contamination"}

    @property
    def _form(self) -> Form:
        return Form(self.operations, self.style, self.max_digits, self.max_items)

    @property
    def _least(self) -> int:
        return needed(self._form).tokens

    @property
    def _tokens(self) -> int:
        return self.length or self._least

    @property
    def _laws(self) -> Laws:
        return Laws(int(self.min_digits), self.max_digits, int(self.min_items), self.max_items, float(self.magnitude))

    @property
    def _noise(self) -> Noise:
        names = ("contamination", "characters", "deletion", "insertion", "swap", "dynamic", "hidden", "operator_errors")
        return Noise(**{name: float(getattr(self, name)) for name in names})

    @property
    def spec(self) -> Spec:
        """Returns the shapes; tokens are of all declared operations, so that every mixture has the same."""
        names = len(vocabulary(self.style))
        return Spec(length=self._tokens - 1, head=Classes(names), vocabulary=names)

    @property
    def end(self) -> int:
        """Returns the token after the answer."""
        return END

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        try:
            parts = [operation for operation, _ in mixture(self.operations, self.style)]
        except ValueError as e:
            yield "operations", str(e)
            return
        for operation in parts:
            most = DIGITS // operation.widens - (operation.widens == 1)
            if self.max_digits > most:
                yield (
                    "max_digits",
                    f"at most {most} with task.operations = {self.operations}, because answers have {DIGITS} digits or "
                    f"fewer, got {self.max_digits}",
                )
                return
        if self.min_digits > self.max_digits:
            yield "min_digits", f"at most task.max_digits = {self.max_digits}, got {self.min_digits}"
        if self.min_items > self.max_items:
            yield "min_items", f"at most task.max_items = {self.max_items}, got {self.min_items}"
        if self.min_digits > self.max_digits or self.min_items > self.max_items:
            return  # there are no operands
        if self.style == NONE and max(self.deletion, self.insertion, self.swap) > 0:
            name = next(name for name in ("deletion", "insertion", "swap") if getattr(self, name) > 0)
            yield name, f"must be 0 with task.style = {NONE}, which has no lines, got {getattr(self, name)}"
        for operation in parts:
            if side := operands_of.side_missing(operation, self._laws, int(self.seed)):
                few = f"{operation.name} has so few operands with task.max_digits = {self.max_digits} that"
                yield "seed", f"{few} none are left for {side}: take another or larger operands, got {self.seed}"
        if 0 < self.length < self._least:
            yield (
                "length",
                f"at least {self._least}, which traces of task.operations = {self.operations} need with task.style = "
                f"{self.style}, task.max_digits = {self.max_digits} and task.max_items = {self.max_items}, got "
                f"{self.length}",
            )

    def materialise(self, before: Any = None) -> Task:
        """Returns this task with its three sets of examples, as NumPy arrays of small integers."""
        sizes = {"train": self.examples, "noised": self.test_examples, "test": self.test_examples}
        common = self._form, self._tokens, self._laws
        made = {
            split: generate(*common, self._noise_of(split), int(self.seed), split, np.arange(n))
            for split, n in sizes.items()
        }
        return self.replace(tables=made)

    def _noise_of(self, split: str) -> Noise:
        return CLEAN if split == "test" else self._noise

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples an example of the split's set, any with the same chance. Raises ValueError before `materialise`.

        Facts: `right`, whether the answer given is true; `changed`, the tokens that differ from the clean example
        (`synthetic.tint.noise.changed`), of the `longer` of the two responses; `contaminated`; `operation`, its number
        in the order of declaration; `digits` of the longest operand; `index` in the set, and `split`, its number.
        """
        if self.tables is None:
            raise ValueError("the sets of tint are made by materialise(), before sample()")
        table = self.tables[split]
        return self.item(below(jax.random.bits(key, (), jnp.uint32), table["tokens"].shape[0]), key, split)

    @property
    def size(self) -> int:
        """Returns the number of training examples."""
        return self.examples

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns example `index` of the split's set; see `sample`."""
        table = self.tables[split]
        row = {name: jnp.asarray(values)[index].astype(jnp.int32) for name, values in table.items()}
        place = jnp.arange(self._tokens - 1)
        scored = (place >= row["begin"] - 1) & (place < row["end"])
        facts = {name: row[name] for name in ("changed", "longer", "operation", "digits")}
        facts |= {name: row[name] > 0 for name in ("right", "contaminated")}
        facts |= {"index": index, "split": jnp.int32(SPLITS.index(split))}
        return Example(row["tokens"][:-1], row["tokens"][1:], scored.astype(jnp.float32), facts)

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the training set; fresh operands with the same noise; held-out operands, clean."""
        return {split: (self, split) for split in SPLITS}

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges a decoded response: answer, astray, recovered, follows; see `synthetic.tint.judge`.

        Two scores are of the example itself, so that noises can be compared at a matched rate: label, whether the
        answer that it gives is true; kept, the share of its tokens, or of the clean example's if it is longer, that are
        in both.
        """
        scores = judge(example.targets, example.weights, example.facts["operation"], decoded, style=self.style)
        kept = 1 - example.facts["changed"] / example.facts["longer"]
        return scores | {"label": example.facts["right"].astype(jnp.float32), "kept": kept}

    def oracle(self, example: Example) -> list[int]:
        """Returns the response by Python itself, which runs the operation on the operands that the prompt has."""
        fuel, split = needed(self._form).fuel, int(example.facts["split"])
        noise, where = self._noise_of(SPLITS[split]), (int(self.seed), split, int(example.facts["index"]))
        return plain.response(self._prompt(example), self.style, self._tokens, fuel, noise, *where)

    def _prompt(self, example: Example) -> list[int]:
        inputs = np.asarray(example.inputs).tolist()
        return inputs[: inputs.index(NEWLINE) + 1]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the operands, in whatever order."""
        return {plain.numbers(plain.parsed(self._prompt(example), self.style)[1])}

    def tiny(self) -> Task:
        """Returns sets of 16, of the hundred pairs or so of numbers of one digit."""
        items = 2 if any(operation.takes_list for operation, _ in mixture(self.operations, self.style)) else 1
        small = self.replace(max_digits=1, max_items=items, length=0, examples=16, test_examples=16)
        return small.replace(min_digits=1, min_items=items, contamination=0.0)

    @property
    def names(self) -> list[str]:
        """Returns digits, marks (a newline is |) and words."""
        return ["|" if name == "\n" else name for name in vocabulary(self.style)]

    def render(self, example: Example) -> tuple[str, str]:
        """Returns (prompt, response) as text."""
        names, targets = vocabulary(self.style), np.asarray(example.targets)
        response = targets[np.asarray(example.weights) > 0].tolist()
        return format_tokens(self._prompt(example), names).strip(), format_tokens(response, names)
