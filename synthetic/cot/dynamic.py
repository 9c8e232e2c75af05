"""Shares what the tasks of dynamic programs have: a table as chain of thought, then `|` and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax

from fields import knob, pytree, static
from synthetic.prompts import PromptTask, same_answer, same_last_part
from synthetic.task import Example, Task

MARK = 1  # the token `|`


@pytree
class DynamicProgram(PromptTask):
    """A task whose answer is the end of a dynamic program, after its table or at once."""

    answer_as: str = static("trace", choices=("trace", "direct"), doc="the program's table too, or the answer alone")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which prompts are held out")

    headline: ClassVar[str] = "unseen"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's prompts and held-out ones."""
        return {split: (self, split) for split in self.splits}

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges what was decoded: `answer`, whether it is right, or what follows the table."""
        direct = self.answer_as == "direct"
        return {"answer": same_answer(example, decoded) if direct else same_last_part(example, decoded, MARK)}
