"""Numbered identities between patterns of expressions: a key shuffles the bijection from number to rule."""

from __future__ import annotations

import itertools
import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from synthetic.markov.trees import BOTH, Pattern
from synthetic.permutation import digits, permute

# Streams of the key.
_PAIRS = {False: 0, True: 1}  # by whether held out
_SIDES = (2, 3)


@cache
def _namings(leaves: int, variables: int) -> np.ndarray:
    """Returns all ways to name `leaves` leaves with exactly `variables` variables, named in order of appearance."""
    namings = []
    for names in itertools.product(range(variables), repeat=leaves):
        if list(dict.fromkeys(names)) == list(range(variables)):
            namings.append(names)
    return np.array(namings, np.int32)


def _radices(operators: int, variables: int) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """Returns the radices of the digits of a left side and of a right side, each in two halves."""
    three, four = (len(_namings(leaves, variables)) for leaves in (3, 4))
    left = [operators, operators - 1], [2 * three + (operators - 1) * four]
    right = [operators, operators, variables], [variables, variables, 2 + operators * variables]
    return left, right


def sides(operators: int, variables: int, *, held_out: bool) -> tuple[int, int]:
    """Returns the numbers of left sides and of right sides to train with, or held out: a quarter of each."""
    counts = [math.prod(a + b) for a, b in _radices(operators, variables)]
    held = [max(1, count // 4) for count in counts]
    left, right = held if held_out else (count - h for count, h in zip(counts, held, strict=True))
    return left, right


def identity(
    key: jax.Array, index: jax.Array, operators: int, variables: int, *, held_out: bool
) -> tuple[Pattern, Pattern]:
    """Returns rule number `index` of those to train with, or of those held out: its left side and its right side.

    Other indices are other rules, and no rule to train with has a held-out side: `key` shuffles all left sides, and all
    right sides, and the last quarter of each is held out. A left side has exactly `variables` variables, named in
    order. No operator beneath its root is the root's, so no two matches of it overlap. A right side has any operators.
    """
    counts = sides(operators, variables, held_out=held_out)
    first, second = digits(index, list(counts))
    pair = permute(jax.random.fold_in(key, _PAIRS[held_out]), first[None], second[None], ([counts[0]], [counts[1]]))
    before = sides(operators, variables, held_out=False) if held_out else (0, 0)
    shuffled_digits = []
    for number, start, stream, radices in zip(pair, before, _SIDES, _radices(operators, variables), strict=True):
        halves = digits(number[0] + start, radices[0] + radices[1])
        cut = len(radices[0])
        shuffled = permute(jax.random.fold_in(key, stream), halves[:cut], halves[cut:], radices)
        shuffled_digits.append(jnp.concatenate(shuffled))
    return _left(shuffled_digits[0], operators, variables), _right(shuffled_digits[1], operators)


def _left(shuffled_digits: jax.Array, operators: int, variables: int) -> Pattern:
    root, first, rest = shuffled_digits
    three, four = (_namings(leaves, variables) for leaves in (3, 4))
    two_beneath = rest >= 2 * len(three)
    more = jnp.maximum(rest - 2 * len(three), 0)
    # The operators beneath are numbered without the root's.
    beneath = jnp.stack([first, more % (operators - 1)])
    beneath = beneath + (beneath >= root)
    of_three = jnp.append(jnp.asarray(three)[jnp.minimum(rest // 2, len(three) - 1)], 0)
    of_four = jnp.asarray(four)[more // (operators - 1)] if len(four) else of_three
    names = jnp.where(two_beneath, of_four, of_three)
    return Pattern(jnp.where(two_beneath, BOTH, rest % 2), jnp.append(root, beneath), names)


def _right(shuffled_digits: jax.Array, operators: int) -> Pattern:
    root, first, a, b, c, rest = shuffled_digits
    two_beneath = rest >= 2
    more = jnp.maximum(rest - 2, 0)
    names = jnp.stack([a, b, c, more // operators])
    return Pattern(jnp.where(two_beneath, BOTH, rest), jnp.stack([root, first, more % operators]), names)
