"""The operations of TInt, as traced functions: `synthetic.tint.language` defines what such a function may do.

They are ours, after section 3 of arXiv 2402.04004: most variables have the names that they have there. The essential
variables, those of compact traces, are our choice too. `synthetic.tint.authors` has the steps of the released code.
"""

from __future__ import annotations

import difflib

from synthetic.tint import authors as _authors  # noqa: F401 registers the operations of the style `lines`
from synthetic.tint.language import (
    CALL,
    COMPACT,
    SHOWN,
    Operation,
    digit,
    join,
    length,
    operations,
    put,
    traced,
    without,
)


@traced(
    "{x} + {y}",
    essential="digx digy total carry",
    hidden="place",
    shown_as={"total": "ds"},
    units="total",
    carry="carry",
)
def add(x, y):
    """Returns the sum, digit by digit from the right."""
    res = 0
    carry = 0
    place = 0
    while x > 0 or y > 0:
        digx = x % 10
        digy = y % 10
        x = x // 10
        y = y // 10
        ds = digx + digy
        total = ds + carry
        res = put(total % 10, res, place)
        carry = total // 10
        place = place + 1
    if carry > 0:
        res = put(carry, res, place)
    return res


@traced("{x} - {y}", essential="digx digy ds borrow", hidden="place", units="ds", larger_first=True)
def subtract(x, y):
    """Returns the difference of a number and one that is no larger, digit by digit; each digit is lent ten."""
    res = 0
    borrow = 0
    place = 0
    while x > 0 or y > 0:
        digx = x % 10
        digy = y % 10
        x = x // 10
        y = y // 10
        ds = digx + 10 - digy - borrow
        res = put(ds % 10, res, place)
        borrow = 1 - ds // 10
        place = place + 1
    return res


@traced(
    "{x} * {y}",
    essential="fac term total carry row out_res",
    hidden="long short rest place",
    shown_as={"total": "dm", "row": "in_res"},
    inside={"add": CALL},
    widens=2,
)
def multiply(x, y):
    """Returns the product: the longer number times each digit of the shorter one."""
    long = x
    short = y
    if x < y:
        long = y
        short = x
    out_res = 0
    mag = 0
    while short > 0:
        fac = short % 10
        short = short // 10
        in_res = 0
        carry = 0
        rest = long
        place = mag
        while rest > 0:
            term = rest % 10
            rest = rest // 10
            dm = fac * term
            total = add(dm, carry)
            in_res = put(total % 10, in_res, place)
            carry = total // 10
            place = place + 1
        row = put(carry, in_res, place)
        out_res = add(out_res, row)
        mag = mag + 1
    return out_res


@traced("{x} // {y}", essential="rem res", hidden="place", larger_first=True, divisor=True)
def divide(x, y):
    """Returns the quotient, by long division with repeated subtraction."""
    res = 0
    rem = 0
    place = length(x)
    while place > 0:
        place = place - 1
        rem = join(rem, digit(x, place))
        dig = 0
        while rem >= y:
            rem = rem - y
            dig = dig + 1
        res = join(res, dig)
    return res


@traced("{x} % {y}", essential="rem", hidden="place", larger_first=True, divisor=True)
def modulo(x, y):
    """Returns the remainder of a long division."""
    rem = 0
    place = length(x)
    while place > 0:
        place = place - 1
        rem = join(rem, digit(x, place))
        while rem >= y:
            rem = rem - y
    return rem


@traced("gcd( {x} , {y} )", essential="x res", inside={"modulo": SHOWN})
def gcd(x, y):
    """Returns the greatest common divisor, by Euclid's algorithm."""
    while y > 0:
        rem = modulo(x, y)
        x = y
        y = rem
    res = x
    return res


@traced("sort_ints( {l} )", essential="min_item", result="min_item", lists="l")
def sort(l):  # noqa: E741 the name in the traces
    """Returns the numbers from the smallest on, by selection."""
    sorted_l = []
    while len(l) > 0:
        min_item = l[0]
        min_index = 0
        for i in range(len(l)):
            candidate = l[i]
            if candidate < min_item:
                min_item = candidate
                min_index = i
        l = without(l, min_index)  # noqa: E741
        sorted_l.append(min_item)
    return sorted_l


@traced(
    "median( {nums} )",
    essential="left_mid right_mid sum_mid res",
    inside={"sort": SHOWN, "add": CALL, "divide": CALL},
    lists="nums",
)
def median(nums):
    """Returns the middle number, or the mean of the two in the middle, rounded down."""
    nums_sorted = sort(nums)
    n = len(nums)
    if n % 2 == 1:
        res = nums_sorted[n // 2]
    else:
        left_mid = nums_sorted[n // 2 - 1]
        right_mid = nums_sorted[n // 2]
        sum_mid = add(left_mid, right_mid)
        res = divide(sum_mid, 2)
    return res


def mixture(text: str, style: str = COMPACT) -> list[tuple[Operation, float]]:
    """Returns the operations of "add", "add+median" or "add+2*median" with their shares, which add up to 1.

    They are those of a style: `lines` has its own.

    Raises ValueError, one line, for an operation that does not exist or is named twice, and a weight that is not above
    0.
    """
    declared, weights = operations(style), dict[str, float]()
    for part in text.replace(" ", "").split("+"):
        weight, times, name = part.rpartition("*")
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise ValueError(f"unknown operation {name or 'without a name'}{meant}; allowed: {', '.join(declared)}")
        if name in weights:
            raise ValueError(f"{name} stands twice in {text}")
        weights[name] = _weight(weight, text) if times else 1.0
    total = sum(weights.values())
    return [(declared[name], weight / total) for name, weight in weights.items()]


def _weight(word: str, text: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"expected a weight above 0 before each *, got {word or 'none'} in {text}")
    return value
