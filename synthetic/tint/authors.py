"""The operations of the style `lines`: steps, variables and lines of the code released with arXiv 2402.04004.

They are traced functions on strings of digits (`synthetic.tint.strings`), written here to show what the released code
shows. They are read, never called: `+ - // %` and `len` are Python's, on places in lists; the steps on numbers are the
functions of `synthetic.tint.strings`. Sums and differences inside products and quotients are shown as calls, inside
remainders not at all, as in the fine-tuning configurations of the released code.
"""
# pyright: reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import functools

from synthetic.tint.language import CALL, HIDDEN, SHOWN, traced, without
from synthetic.tint.strings import concat, fresh, index, minus, pad, plus, shift, size, times

_strings = functools.partial(traced, essential="", strings=True)


@_strings("{x} + {y}")
def add(x, y):
    """Returns the sum, put together digit by digit from the right."""
    res = ""
    carry = 0
    while x != 0 or y != 0:
        digx = index(x, 0)
        digy = index(y, 0)
        x = shift(x, 1)
        y = shift(y, 1)
        ds = plus(digx, digy)
        ds = plus(ds, carry)
        res = concat(index(ds, 0), res)
        carry = 0 if size(ds) <= 1 else 1
    if carry > 0:
        res = concat(carry, res)
    return res


@_strings("{x} - {y}", larger_first=True)
def subtract(x, y):
    """Returns the difference of a number and one that is no larger; ten is borrowed where a digit is too small."""
    res = ""
    borrow = 0
    while y != 0:
        digx = index(x, 0)
        digy = index(y, 0)
        x = shift(x, 1)
        y = shift(y, 1)
        if borrow > 0:
            if digx > 0:
                digx = minus(digx, 1)
                borrow = 0
            else:
                digx = concat(1, 0)
                digx = minus(digx, 1)
        if digx < digy:
            digx = concat(1, digx)
            borrow = 1
        dd = minus(digx, digy)
        res = concat(dd, res)
    dd = minus(x, 1) if borrow != 0 else x
    if dd > 0:
        res = concat(dd, res)
    return res


@_strings("{x} * {y}", inside={"add": CALL}, widens=2)
def multiply(x, y):
    """Returns the product: the longer number times each digit of the shorter one, rows added up."""
    if size(x) < size(y):
        t = x
        x = y
        y = t
    if size(x) <= 1 and size(y) <= 1:
        out_res = times(x, y)
    else:
        out_res = ""
        carry = 0
        mag = ""
        while y != 0:
            fac = index(y, 0)
            y = shift(y, 1)
            x_c = x
            in_res = ""
            while x_c != 0:
                term = index(x_c, 0)
                x_c = shift(x_c, 1)
                dm = times(fac, term)
                dm = add(dm, carry)
                in_res = concat(index(dm, 0), in_res)
                carry = 0 if size(dm) <= 1 else index(dm, 1)
            in_res = concat(carry, in_res)
            carry = 0
            in_res = concat(in_res, mag)
            mag = pad(mag, 1)
            out_res = add(out_res, in_res)
    return out_res


@_strings("{x} / {y}", inside={"add": CALL, "subtract": CALL}, larger_first=True, divisor=True)
def divide(x, y):
    """Returns the quotient by long division; each digit is guessed upwards from 1."""
    res = 0
    while x >= y:
        len_x = size(x)
        len_y = size(y)
        factor_mag = subtract(len_x, len_y)
        if pad(y, factor_mag) > x:
            factor_mag = subtract(factor_mag, 1)
        dig = 1
        sum_div = y
        sub_x = shift(x, factor_mag)
        while sum_div <= sub_x:
            dig = add(dig, 1)
            sum_div = add(sum_div, y)
        if sum_div > sub_x:
            dig = subtract(dig, 1)
            sum_div = subtract(sum_div, y)
        factor = pad(dig, factor_mag)
        res = add(res, factor)
        remove = pad(sum_div, factor_mag)
        x = subtract(x, remove)
    return res


@_strings("{x} % {y}", inside={"add": HIDDEN, "subtract": HIDDEN}, result="x", larger_first=True, divisor=True)
def modulo(x, y):
    """Returns what a long division leaves."""
    while x >= y:
        len_x = size(x)
        len_y = size(y)
        factor_mag = subtract(len_x, len_y)
        if pad(y, factor_mag) > x:
            factor_mag = subtract(factor_mag, 1)
        sum_div = y
        sub_x = shift(x, factor_mag)
        while sum_div <= sub_x:
            sum_div = add(sum_div, y)
        if sum_div > sub_x:
            sum_div = subtract(sum_div, y)
        remove = pad(sum_div, factor_mag)
        x = subtract(x, remove)
    return x


@_strings("gcd( {x} , {y} )", inside={"modulo": SHOWN})
def gcd(x, y):
    """Returns the greatest common divisor, by Euclid's algorithm."""
    while y != 0:
        t = y
        y = modulo(x, y)
        x = t
    return x


@_strings("sort( {l} )", call="sort_ints( {l} )", result="min_item", lists="l")
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
        sorted_l.append(min_item)
        l = without(l, min_index)  # noqa: E741
    return sorted_l


@_strings("median( {nums} )", inside={"sort": SHOWN, "add": CALL}, lists="nums")
def median(nums):
    """Returns the middle number, or the mean of the two in the middle, rounded down."""
    nums_sorted = sort(nums)
    n = len(nums_sorted)
    if n % 2 == 0:
        left_mid = nums_sorted[n // 2 - 1]
        right_mid = nums_sorted[n // 2]
        sum_mid = add(left_mid, right_mid)
        res = divide(sum_mid, fresh(2))
    else:
        res = nums_sorted[n // 2]
    return res
