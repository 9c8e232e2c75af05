"""Random words that are a function of their place, in NumPy, for whole arrays of places at once.

`fold(key, n)` is output n of splitmix64 started at `key`: a stream of words, or of keys of further streams. An
example's key is that of (seed, split, index). Each random thing about an example has a stream of its own, and a counter
of the example's own numbers the draws of the traced functions. So an example is the same in any batch.
"""

from __future__ import annotations

import numpy as np

_GOLDEN, _WORD = 0x9E3779B97F4A7C15, 2**64 - 1
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_ROOT = np.uint64(0x54496E74)  # keeps the data seed's streams apart from other users of the same number

# Streams of an example.
OPERATION, OPERANDS, CONTAMINATED, DYNAMIC, OPERATORS, CHARACTERS, SWAP, INSERTION, COPIED, DELETION = range(10)
SHIFT = 10  # of a document
# A stream of the data seed, beside those of the splits.
SIDES = 1000

Words = np.ndarray  # of uint64


def fold(key: Words, n: np.ndarray | int) -> Words:
    """Returns word or key number `n` >= 0 of the stream `key`, elementwise."""
    if isinstance(n, int):  # NumPy would warn of the overflow, as it does not for arrays
        x = key + np.uint64((n + 1) * _GOLDEN & _WORD)
    else:
        x = key + (n.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    return x ^ (x >> np.uint64(31))


def root(seed: int, stream: int) -> Words:
    """Returns the key uint64[1] of a split (or another stream) of the data seed."""
    return fold(fold(np.array([_ROOT]), seed), stream)


def threshold(rate: float) -> int:
    """Returns the number that `happens` compares with, for an event of probability `rate`: exact to 2^-24."""
    return round(rate * 2**24)


def happens(words: Words, rate: float) -> np.ndarray:
    """Returns whether an event of probability `rate` happens, bool, by the upper 24 bits of each word."""
    return (words >> np.uint64(40)) < np.uint64(threshold(rate))


def digit(words: Words, n: int = 10) -> np.ndarray:
    """Returns uniform int64 in 0 .. n-1 by the lower 32 bits of each word, which `happens` does not use."""
    return (((words & np.uint64(0xFFFFFFFF)) * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


def below(words: Words, n: np.ndarray | int) -> np.ndarray:
    """Returns uniform int64 in 0 .. n-1, elementwise, for 1 <= n <= 10^18; even up to n parts in 2^64."""
    return (words % np.asarray(n).astype(np.uint64)).astype(np.int64)
