"""Kinds of patterns of one length: their letters, numbers and checksums. A kind is a family with its constraint k.

Everything here is a table made once for an alphabet and a pattern length n, with a row for each kind.
"""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np

FAMILIES = ("repeated", "periodic", "mirrored", "plain")
PLAIN = FAMILIES.index("plain")
_INT32 = 2**31
_TRIES, _ROUNDS = 256, 40


class Kinds(NamedTuple):
    """The kinds of patterns of length n, by row; m = n / k is the number of free letters of a kind.

    family int32[K]: place in FAMILIES. k int32[K]. sizes: number of rules of each kind on one side of the checksum;
    both patterns of such a rule are of the kind. letters int32[K, n]: the free letter at each place. sums int32[K, n]:
    coefficient of each free letter in the checksum, 0 from m on. last, inverse int32[K]: the free letter that a wanted
    checksum decides, and the inverse of its coefficient. digits int32[K, n]: the digit of a pattern's number that is
    each free letter, 0 for the last. radices, places int32[K, 2n]: of the digits of a rule's number, a checksum's value
    and m - 1 letters for each of x and y; a missing digit has radix 1 and place 0, as does one beyond int32.
    """

    family: np.ndarray
    k: np.ndarray
    sizes: list[int]
    letters: np.ndarray
    sums: np.ndarray
    last: np.ndarray
    inverse: np.ndarray
    digits: np.ndarray
    radices: np.ndarray
    places: np.ndarray


def divisors(n: int) -> list[int]:
    """Returns the constraints that patterns of length n may have, ascending."""
    return [k for k in range(1, n + 1) if n % k == 0]


@functools.lru_cache(maxsize=64)
def kinds(alphabet: int, n: int, values: int) -> Kinds:
    """Returns all kinds of patterns of length n; the checksum has `values` values on this side."""
    every = [(family, k) for family in range(PLAIN) for k in divisors(n)] + [(PLAIN, 1)]
    family, k = np.array(every, np.int32).T
    letters = np.stack([_letters(*kind, n) for kind in every])
    sums, last = _checksum(alphabet, n, letters)
    free = n // k
    place = np.arange(n)
    digits = np.where(place < last[:, None], place + 1, place)
    digits = np.where((place == last[:, None]) | (place >= free[:, None]), 0, digits)
    radices = np.where(place < free[:, None], alphabet, 1)
    radices[:, 0] = values
    radices = np.tile(radices, 2)
    units = sums[np.arange(len(every)), last]
    return Kinds(
        family=family,
        k=k,
        sizes=[(values * alphabet ** (int(m) - 1)) ** 2 for m in free],
        letters=letters.astype(np.int32),
        sums=sums.astype(np.int32),
        last=last.astype(np.int32),
        inverse=np.array([pow(int(unit), -1, alphabet) for unit in units], np.int32),
        digits=digits.astype(np.int32),
        radices=radices.astype(np.int32),
        places=np.array([_places(row) for row in radices.tolist()], np.int32),
    )


def _letters(family: int, k: int, n: int) -> np.ndarray:
    """Returns the free letter of a kind at each of n places."""
    place, free = np.arange(n), n // k
    if FAMILIES[family] == "repeated":
        return place // k
    copy, within = np.divmod(place, free)
    return np.where(copy % 2 == 1, free - 1 - within, within) if FAMILIES[family] == "mirrored" else within


def _places(radices: list[int]) -> list[int]:
    """Returns the place value of each mixed-radix digit, least significant first; 0 for radix 1 and beyond int32."""
    counts = itertools.accumulate(radices[:-1], int.__mul__, initial=1)
    return [count if radix > 1 and count < _INT32 else 0 for count, radix in zip(counts, radices, strict=True)]


@functools.lru_cache(maxsize=64)
def _coefficients(alphabet: int, n: int) -> np.ndarray:
    """Returns coefficients int64[n] of a checksum over n letters that give some free letter of each kind a unit.

    So the checksum, modulo the alphabet, of a pattern of any kind can be made any value. The search tries 256 random
    sets at a time and takes the one in which most free letters have units. Failing all, a checksum of the first letter
    alone does it.
    """
    kind_letters = [_letters(family, k, n) for family in range(PLAIN) for k in divisors(n)]
    member = [np.eye(letters.max() + 1, dtype=np.float64)[letters] for letters in kind_letters]  # [n, m] of 0 and 1
    starts = np.cumsum([0] + [matrix.shape[1] for matrix in member[:-1]])
    member = np.concatenate(member, 1)
    rng = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        tried = rng.integers(0, alphabet, (_TRIES, n))
        unit = np.gcd((tried @ member).astype(np.int64) % alphabet, alphabet) == 1
        fine = np.logical_or.reduceat(unit, starts, axis=1).all(1)
        if fine.any():
            return tried[np.argmax(np.where(fine, unit.sum(1), -1))]
    return np.eye(1, n, dtype=np.int64)[0]


def _checksum(alphabet: int, n: int, letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the checksum's coefficients by kind and free letter, int64[K, n].

    The second result is each kind's first free letter with a unit.
    """
    sums = np.zeros(letters.shape, np.int64)
    for row, kind_letters in zip(sums, letters, strict=True):
        np.add.at(row, kind_letters, _coefficients(alphabet, n))
    sums %= alphabet
    return sums, np.argmax(np.gcd(sums, alphabet) == 1, 1)
