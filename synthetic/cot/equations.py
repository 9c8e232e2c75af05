"""Linear equations modulo a prime, solved at once or by elimination written down (arXiv 2305.15408).

A prompt is as many equations as unknowns, with one solution. Its chain of thought is Gauss-Jordan elimination, as in
the code released with the paper: for each unknown in turn the first row with a coefficient is swapped up and divided,
and the unknown is taken out of the other rows; then all rows are written, without zeros and ones of solved unknowns.
Two unknowns modulo 5 (`|` separates the blocks); loss is on all after the first:

    2 a + 1 b = 3 , 4 a + 4 b = 1 |  a + 3 b = 4 , 2 b = 0 | a = 4 , b = 0 .
    2 a + 1 b = 3 , 4 a + 4 b = 1 |  a = 4 , b = 0 .

A prompt is held out by a keyed checksum of all its numbers, which decides the last one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.cot.reductions import inverses
from synthetic.draws import below
from synthetic.prompts import END, PromptTask, Text, on_side, redrawn, same_last_part
from synthetic.task import Example, Task, register

BLOCK, PLUS, EQUALS, COMMA = range(1, 5)
_MARKS = (".", "|", "+", "=", ",")
_UNKNOWNS = "abcdefghijklmnop"


@register("equations")
@pytree
class Equations(PromptTask):
    """Solve linear equations modulo a prime, at once or after each step of the elimination."""

    modulus: int = static(7, low=2, high=97, unit="numbers", doc="a prime, modulo which is computed")
    unknowns: int = static(2, low=2, high=len(_UNKNOWNS), unit="unknowns", doc="unknowns, and equations")
    answer_as: str = static("trace", choices=("trace", "direct"), doc="the elimination too, or the solution alone")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which prompts are held out")

    headline: ClassVar[str] = "unseen"

    @property
    def names(self) -> list[str]:
        """Returns marks, unknowns, numbers."""
        return [*_MARKS, *_UNKNOWNS[: self.unknowns], *map(str, range(self.modulus))]

    @property
    def longest(self) -> int:
        """Counts the blocks; all texts have one length."""
        return len(self._layout())

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if any(self.modulus % factor == 0 for factor in range(2, self.modulus)):
            yield "modulus", f"must be a prime, got {self.modulus}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's prompts and held-out ones."""
        return {split: (self, split) for split in self.splits}

    def _layout(self) -> list[int | tuple[int, int, int]]:
        """Returns the text as tokens and as places of numbers: block, row and column."""
        n = self.unknowns
        blocks = [0, *range(1, n + 1)] if self.answer_as == "trace" else [0, n]
        layout: list[int | tuple[int, int, int]] = []
        for block in blocks:
            for row in range(n):
                terms: list[list[int | tuple[int, int, int]]] = [[len(_MARKS) + row]] if row < block else []
                terms += [[(block, row, column), len(_MARKS) + column] for column in range(block, n)]
                for place, term in enumerate(terms):
                    layout += [PLUS] * (place > 0) + term
                layout += [EQUALS, (block, row, n), COMMA]
            layout[-1] = END if block == n else BLOCK
        return layout

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples equations with one solution, not yet solved, and eliminates."""
        n, p = self.unknowns, self.modulus
        of_side, *of_sides = jnp.split(jax.random.bits(key, (n,), jnp.uint32), n)

        def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            left = below(jax.random.bits(key, (n, n), jnp.uint32), p)
            return left, self._eliminated(jnp.concatenate([left, jnp.zeros((n, 1), jnp.int32)], 1))[-1]

        def fits(drawn: tuple[jax.Array, jax.Array]) -> jax.Array:
            unit_matrix = jnp.eye(n, dtype=jnp.int32)
            return (drawn[1][:, :n] == unit_matrix).all() & (drawn[0] != unit_matrix).any()

        left, _ = redrawn(key, draw, fits)
        right = [below(bits, p) for bits in of_sides]
        free = jnp.concatenate([left.reshape(-1), *right])
        known = on_side(of_side[0], free, p, self.seed, held_out=split == "unseen")
        states = self._eliminated(jnp.concatenate([left, known[n * n :][:, None]], 1))
        marks = len(_MARKS) + n
        tokens = jnp.stack([item if isinstance(item, int) else marks + states[item] for item in self._layout()])
        prompt = self._layout().index(BLOCK) + 1
        return Text(tokens, prompt, len(self._layout()), {"unknowns": jnp.int32(n)})

    def _eliminated(self, matrix: jax.Array) -> jax.Array:
        """Returns the matrix int32[n, n + 1] before and after each unknown is eliminated: int32[n + 1, n, n + 1].

        A singular one is left with a column that is not a unit's.
        """
        n, p = self.unknowns, self.modulus
        inverse = jnp.asarray(inverses(p))
        states = [matrix]
        for column in range(n):
            rows = jnp.arange(n)
            pivot = jnp.argmax((rows >= column) & (matrix[:, column] != 0))
            pivot = jnp.where(pivot < column, column, pivot)
            swapped = jnp.where(rows == column, pivot, jnp.where(rows == pivot, column, rows))
            matrix = matrix[swapped]
            row = matrix[column] * inverse[matrix[column, column]] % p
            cleared = (matrix - matrix[:, column, None] * row) % p
            matrix = jnp.where((rows == column)[:, None], row, cleared)
            states.append(matrix)
        return jnp.stack(states)

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the elimination and solution by plain Python, which puts the solution into the equations."""
        n, p = self.unknowns, self.modulus
        names = self.names
        equations = [row.split() for row in self.format(prompt[:-1]).split(" , ")]
        matrix = [[int(word) for word in row if word.isdigit()] for row in equations]
        rows, blocks = [list(row) for row in matrix], []
        for column in range(n):
            pivot = next(row for row in range(column, n) if rows[row][column])
            rows[column], rows[pivot] = rows[pivot], rows[column]
            inverse = pow(rows[column][column], -1, p)
            rows[column] = [value * inverse % p for value in rows[column]]
            for row in set(range(n)) - {column}:
                factor = rows[row][column]
                rows[row] = [(a - factor * b) % p for a, b in zip(rows[row], rows[column], strict=True)]
            blocks.append(" , ".join(self._equation(row, column) for row in rows))
        solution = [row[-1] for row in rows]
        if any(sum(map(int.__mul__, row[:-1], solution)) % p != row[-1] for row in matrix):
            raise ValueError("the solution does not solve the equations")
        text = " | ".join(blocks if self.answer_as == "trace" else blocks[-1:]) + " ."
        return [names.index(word) for word in text.split()]

    def _equation(self, row: list[int], solved: int) -> str:
        """Returns an equation in words; of unknowns up to `solved` zeros are left out, and the ones before them."""
        terms = []
        for column, value in enumerate(row[:-1]):
            if column > solved:
                terms.append(f"{value} {_UNKNOWNS[column]}")
            elif value:
                terms.append(_UNKNOWNS[column])
        return " + ".join(terms) + f" = {row[-1]}"

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, jax.Array]:
        """Judges what was decoded: `answer`, whether its last block is right."""
        return {"answer": same_last_part(example, decoded, BLOCK)}

    def tiny(self) -> Task:
        """Returns two equations modulo 2, of which there are 20 pairs."""
        return self.replace(modulus=2, unknowns=2)
