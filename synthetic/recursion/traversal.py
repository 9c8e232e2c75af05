"""Traversals of binary trees: their result, the steps to it, or one step (arXiv 2401.12947).

A tree is `-` or `( label left right )`. `t` calls the traversal, and the leftmost call is unfolded first:

    in order     t -  is nothing      t ( v l r )  is  t l v t r
    pre-order    t -  is nothing      t ( v l r )  is  v t l t r

A call on `-` is never written, as it is nothing. The paper's text could not be read: the layout is ours. In order, the
result of a tree of two labels, its steps, and its second step:

    t ( 4 ( 7 - - ) - ) =  7 4 .
    t ( 4 ( 7 - - ) - ) =  t ( 7 - - ) 4 = 7 4 .
    t ( 7 - - ) 4 =  7 4 .

In order, a label waits until its left side is done: the longer the left spine, the more labels wait. Labels are drawn
with repetition. A prompt is held out by the sum of its labels, which no step alters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.prompts import END, PromptTask, Text, held_values, side_key
from synthetic.rasp.samples import runs
from synthetic.task import Example, Task, register

EQUALS, CALL, OPEN, CLOSE, NOTHING = range(1, 6)
LABELS = 6  # the token of the label 0
_NAMES = (".", "=", "t", "(", ")", "-")


@register("traversal")
@pytree
class Traversal(PromptTask):
    """Say the labels of a binary tree in order or in pre-order: at once, step by step, or a single step."""

    labels: int = static(32, low=2, high=10**4, unit="labels", doc="how many labels there are")
    max_nodes: int = static(8, low=1, high=64, unit="nodes", doc="nodes of the largest tree ever tested")
    order: str = static("inorder", choices=("preorder", "inorder"), doc="which traversal")
    answer_as: str = static("value", choices=("value", "steps", "step"), doc="the result, all steps to it, or one step")
    min_nodes: int = knob(1, low=1, high=64, unit="nodes", doc="nodes of the smallest training tree")
    train_nodes: int = knob(6, low=1, high=64, unit="nodes", doc="nodes of the largest training tree")
    edge_share: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of edge cases: trees that are a left spine"
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes which sums of labels are held out")

    headline: ClassVar[str] = "larger"
    rates: ClassVar[Mapping[str, str]] = {"edge": "edge_share"}

    @property
    def names(self) -> list[str]:
        """Returns marks, where - is the empty tree, then labels."""
        return [*_NAMES, *map(str, range(self.labels))]

    @property
    def _line(self) -> int:
        """Returns the number of tokens of the longest line, a call of the whole tree."""
        return 4 * self.max_nodes + 2

    @property
    def longest(self) -> int:
        """Counts the first line and the result, or all lines, or two lines, each with what closes it."""
        lines = {"value": 1, "steps": self.max_nodes, "step": 2}[self.answer_as]
        return lines * (self._line + 1) + (self.max_nodes + 1) * (self.answer_as != "step")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.train_nodes > self.max_nodes:
            yield "train_nodes", f"at most task.max_nodes = {self.max_nodes}, got {self.train_nodes}"
        if self.min_nodes > self.train_nodes:
            yield "min_nodes", f"at most task.train_nodes = {self.train_nodes}, got {self.min_nodes}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns held-out trees as in training; the largest of training, any and left spines; the largest of all."""
        plain = self.replace(edge_share=0.0)
        largest = self.replace(min_nodes=self.train_nodes)
        larger = plain.replace(min_nodes=self.max_nodes, train_nodes=self.max_nodes)
        return {
            "within": (plain, "unseen"),
            "largest": (largest.replace(edge_share=0.0), "unseen"),
            "spine": (largest.replace(edge_share=1.0), "unseen"),
            "larger": (larger, "unseen"),
        }

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples a tree's shape, by even splits of its nodes between both sides, and its labels.

        Facts: nodes, `waiting` (the most labels that wait at once in order, the longest way down to the left), whether
        it was drawn as an edge case, and which `step` is asked.
        """
        size = self.max_nodes
        bits = jax.random.bits(key, (4 + 2 * size,), jnp.uint32)
        n = self.min_nodes + below(bits[0], self.train_nodes - self.min_nodes + 1)
        edge = unit(bits[1]) < self.edge_share
        labels = self._labels(bits[3], bits[4 : 4 + size], n, held_out=split == "unseen")
        sizes, lefts, starts, firsts, waits = self._shape(bits[4 + size :], n, edge)
        text = self._tree(labels, sizes, starts, n)
        line_of = jax.vmap(lambda step: self._after(step, text, labels, sizes, lefts, starts, firsts, n))
        step = below(bits[2], n)
        steps = {
            "value": jnp.stack([jnp.int32(0), n]),
            "steps": jnp.minimum(jnp.arange(size + 1), n),
            "step": jnp.stack([step, step + 1]),
        }[self.answer_as]
        lines, lengths = line_of(steps)
        shown = jnp.arange(len(steps)) <= n if self.answer_as == "steps" else jnp.ones(len(steps), bool)
        counts = jnp.where(shown, lengths + 1, 0)
        run, at = runs(counts, self.longest)
        run = jnp.minimum(run, len(steps) - 1)
        total = counts.sum()
        tokens = jnp.where(at < lengths[run], lines[run, jnp.minimum(at, self._line - 1)], EQUALS)
        tokens = jnp.where(jnp.arange(self.longest) == total - 1, END, tokens)
        step = step if self.answer_as == "step" else jnp.int32(0)
        return Text(tokens, counts[0], total, {"nodes": n, "waiting": waits, "edge": edge, "step": step})

    def _labels(self, of_side: jax.Array, bits: jax.Array, n: jax.Array, *, held_out: bool) -> jax.Array:
        """Returns labels whose sum is on the side, by the choice of the first."""
        held = held_values(self.labels)
        value = below(of_side, held) if held_out else held + below(of_side, self.labels - held)
        bias = below(jax.random.bits(side_key(self.seed), (), jnp.uint32), self.labels)
        place = jnp.arange(self.max_nodes)
        labels = jnp.where((place > 0) & (place < n), below(bits, self.labels), 0)
        return labels.at[0].set((value - bias - labels.sum()) % self.labels)

    def _shape(self, bits: jax.Array, n: jax.Array, edge: jax.Array) -> tuple[jax.Array, ...]:
        """Returns four facts of each node, in pre-order, and the longest way down to the left.

        They are: the nodes beneath it with itself, those on its left, where its text starts, and its first place in
        order.
        """
        size = self.max_nodes

        def split(state: tuple[jax.Array, ...], i: jax.Array) -> tuple[tuple[jax.Array, ...], None]:
            sizes, lefts, starts, firsts, depths = state
            own = sizes[i]
            left = jnp.where(edge, own - 1, below(bits[i], jnp.maximum(own, 1)))
            right = own - 1 - left
            lower, right_at = jnp.where(left > 0, i + 1, size), jnp.where(right > 0, i + 1 + left, size)
            beneath = starts[i] + 2, starts[i] + 2 + 4 * left + 1
            sizes = sizes.at[lower].set(left, mode="drop").at[right_at].set(right, mode="drop")
            starts = starts.at[lower].set(beneath[0], mode="drop").at[right_at].set(beneath[1], mode="drop")
            firsts = firsts.at[lower].set(firsts[i], mode="drop").at[right_at].set(firsts[i] + left + 1, mode="drop")
            depths = depths.at[lower].set(depths[i] + 1, mode="drop").at[right_at].set(depths[i], mode="drop")
            return (sizes, lefts.at[i].set(left), starts, firsts, depths), None

        zeros = jnp.zeros(size, jnp.int32)
        state = zeros.at[0].set(n), zeros, zeros, zeros, zeros
        sizes, lefts, starts, firsts, depths = jax.lax.scan(split, state, jnp.arange(size))[0]
        return sizes, lefts, starts, firsts, depths.max()

    def _tree(self, labels: jax.Array, sizes: jax.Array, starts: jax.Array, n: jax.Array) -> jax.Array:
        """Returns the text of the whole tree."""
        inside = jnp.arange(self.max_nodes) < n
        text = jnp.full(4 * self.max_nodes + 1, NOTHING)
        for token, place in ((OPEN, starts), (LABELS + labels, starts + 1), (CLOSE, starts + 4 * sizes)):
            text = text.at[jnp.where(inside, place, text.shape[0])].set(token, mode="drop")
        return text

    def _after(self, step: jax.Array, text, labels, sizes, lefts, starts, firsts, n) -> tuple[jax.Array, jax.Array]:
        """Returns the line after so many steps, and its length. Nodes are unfolded in pre-order."""
        size = self.max_nodes
        node = jnp.arange(size)
        done = (node < step) & (node < n)
        pending = (node >= step) & (node < n)
        # In pre-order the nodes from `step` on are trees that lie back to back. Their roots are called.
        ends = jnp.where(pending, node + sizes, 0)
        inside = jnp.append(0, jax.lax.cummax(ends)[:-1]) > node
        called = pending & ~inside
        place = firsts + lefts if self.order == "inorder" else node
        first = firsts if self.order == "inorder" else node
        rank = jnp.where(done, place, jnp.where(called, first, size))
        item = jnp.zeros(size, jnp.int32).at[rank].set(node, mode="drop")
        width = jnp.where(done, 1, jnp.where(called, 4 * sizes + 2, 0))
        widths = jnp.zeros(size, jnp.int32).at[rank].set(width, mode="drop")
        run, at = runs(widths, self._line)
        which = item[jnp.minimum(run, size - 1)]
        inner = text[jnp.clip(starts[which] + at - 1, 0, text.shape[0] - 1)]
        tokens = jnp.where(done[which], LABELS + labels[which], jnp.where(at == 0, CALL, inner))
        return tokens, widths.sum()

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the result with an explicit stack, or lines by rewriting the leftmost call."""
        line = prompt[:-1]
        if self.answer_as == "value":
            return [*self._with_stack(line[1:]), END]
        lines: list[int] = []
        while CALL in line:
            line = self._rewritten(line)
            lines += [*line, EQUALS]
            if self.answer_as == "step":
                break
        return [*lines[:-1], END]

    def _with_stack(self, tree: list[int]) -> list[int]:
        """Returns the labels of a tree's text in the wanted order; what is on the stack is still to be said or read."""
        visited: list[int] = []
        stack: list[int | tuple[int, int]] = [(0, len(tree))]
        while stack:
            top = stack.pop()
            if isinstance(top, int):
                visited.append(top)
            elif top[1] - top[0] > 1:
                label, start = tree[top[0] + 1], top[0] + 2
                middle = start + _extent(tree, start)
                left, right = (start, middle), (middle, top[1] - 1)
                stack += [right, left, label] if self.order == "preorder" else [right, label, left]
        return visited

    def _rewritten(self, line: list[int]) -> list[int]:
        """Returns the line after its leftmost call, by the equations at the head of this file."""
        at = line.index(CALL)
        end = at + 1 + _extent(line, at + 1)
        label, start = line[at + 2], at + 3
        middle = start + _extent(line, start)
        left, right = ([CALL, *part] * (part != [NOTHING]) for part in (line[start:middle], line[middle : end - 1]))
        unfolded = [label, *left, *right] if self.order == "preorder" else [*left, label, *right]
        return [*line[:at], *unfolded, *line[end:]]

    def tiny(self) -> Task:
        """Returns trees of one node or two with few labels."""
        return self.replace(labels=3, max_nodes=2, min_nodes=1, train_nodes=2)


def _extent(text: list[int], start: int) -> int:
    """Returns the number of tokens of the tree that begins at a place of a text."""
    depth = 0
    for place, token in enumerate(text[start:], 1):
        depth += (token == OPEN) - (token == CLOSE)
        if depth == 0:
            return place
    raise ValueError("a bracket is not closed")
