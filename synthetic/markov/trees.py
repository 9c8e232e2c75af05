"""Expression trees on the device: random ones, small patterns with variables, and their prefix notation.

A tree of bounded depth is kept as the nodes of the complete binary tree, each present or not, listed in prefix order.
Dropping the absent nodes leaves prefix notation (an operator, then its two arguments).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.draws import below

SLOTS = 7  # nodes of a pattern: root, left child and its children, right child and its children
LEFT, RIGHT, BOTH = range(3)  # which children of a pattern's root are operators


class Tree(NamedTuple):
    """Holds all N places of a tree in prefix order.

    They are int32[N] tokens, bool[N] whether present, bool[N] whether a leaf.
    """

    tokens: jax.Array
    present: jax.Array
    leaf: jax.Array


class Edge(NamedTuple):
    """Names an operator directly beneath another: both as numbers of operators, and its side, 0 or 1."""

    parent: jax.Array
    side: jax.Array
    child: jax.Array


class Pattern(NamedTuple):
    """A root operator with one or two operators beneath it and variables beneath those.

    shape: LEFT, RIGHT or BOTH. operators: int32[3], the root's, then those beneath it from the left; the last means
    nothing unless the shape is BOTH. variables: int32[4], from the left; the last means nothing unless it is BOTH.
    """

    shape: jax.Array
    operators: jax.Array
    variables: jax.Array

    @property
    def edge(self) -> Edge:
        """Returns the edge from the root to the first operator beneath it."""
        return Edge(self.operators[0], (self.shape == RIGHT).astype(jnp.int32), self.operators[1])


def size(depth: int) -> int:
    """Returns the number of nodes of the complete tree of a depth; a single node has depth 0."""
    return 2 ** (depth + 1) - 1


def words(depth: int) -> int:
    """Returns the number of random uint32s that a tree of up to `depth` is made of."""
    return 1 + 2 * size(depth)


def tree(bits: jax.Array, depth: jax.Array | int, deepest: int, avoid: Edge, operators: int, letters: int) -> Tree:
    """Draws a random tree of exactly `depth` <= `deepest` without the edge `avoid`, from `bits` uint32[words(deepest)].

    One random path goes down to `depth`; every other node above that depth is an operator with probability 1/2.
    Operators are uniform over those that do not complete the edge; they are tokens from `letters` on.
    """
    path = below(bits[0], 2**deepest)
    grow_bits, symbol_bits = bits[1:].reshape(2, -1)
    here, edge_side = jnp.array([True]), jnp.array([False])
    levels: list[tuple[jax.Array, jax.Array, jax.Array]] = []
    for level in range(deepest + 1):
        nodes = slice(size(level) // 2, size(level))
        on_path = jnp.arange(2**level) == path >> (deepest - level)
        operator = here & (level < depth) & (on_path | (grow_bits[nodes] >> 31 == 0))
        drawn = below(symbol_bits[nodes], jnp.where(operator, operators - edge_side.astype(jnp.int32), letters))
        drawn += operator & edge_side & (drawn >= avoid.child)
        levels.append((drawn + letters * operator, here, ~operator))
        here = jnp.repeat(operator, 2)
        edge_side = jnp.repeat(drawn == avoid.parent, 2) & (jnp.arange(2 ** (level + 1)) % 2 == avoid.side)
    tokens, present, leaf = (jnp.concatenate(parts)[_prefix_order(deepest)] for parts in zip(*levels, strict=True))
    return Tree(tokens, present, present & leaf)


@cache
def _prefix_order(depth: int) -> np.ndarray:
    """Returns the nodes of the complete tree, numbered level by level, in prefix order."""

    def below_(node: int) -> list[int]:
        return [node, *below_(2 * node + 1), *below_(2 * node + 2)] if node < size(depth) else []

    return np.array(below_(0))


def slots(pattern: Pattern) -> tuple[jax.Array, jax.Array]:
    """Returns a pattern's nodes in prefix order.

    They are int32[SLOTS] numbers of operators or variables, and bool[SLOTS] whether present.
    """
    left, right, always = pattern.shape != RIGHT, pattern.shape != LEFT, jnp.bool(True)
    second = jnp.where(left, pattern.operators[2], pattern.operators[1])
    place = jnp.cumsum(jnp.stack([always, left, always, right])) - 1
    a, b, c, d = pattern.variables[place]
    numbers = jnp.stack([pattern.operators[0], pattern.operators[1], a, b, second, c, d])
    return numbers, jnp.stack([always, left, always, left, right, always, right])


def grounded(pattern: Pattern, ground: Tree, letters: int) -> tuple[jax.Array, jax.Array]:
    """Puts the trees of `ground` [V, N] for a pattern's variables, in prefix order: tokens and whether present."""
    numbers, present = slots(pattern)
    tokens, kept = [], []
    for slot in range(SLOTS):
        if slot in (0, 1, 4):
            tokens.append(numbers[slot, None] + letters)
            kept.append(present[slot, None])
        else:
            tokens.append(ground.tokens[numbers[slot]])
            kept.append(ground.present[numbers[slot]] & present[slot])
    return jnp.concatenate(tokens), jnp.concatenate(kept)


def compact(tokens: jax.Array, present: jax.Array, length: int, fill: int) -> jax.Array:
    """Returns the tokens that are present, in order: int32[length], and `fill` after the last."""
    ends = jnp.cumsum(present)
    # The place of the token with number `i` among those present.
    place = (ends[None, :] <= jnp.arange(length)[:, None]).sum(1)
    return jnp.where(place < tokens.shape[0], tokens[jnp.minimum(place, tokens.shape[0] - 1)], fill)
