"""RASP-L programs for next tokens, after arXiv 2310.16028, and the loop that lets them write.

A program is a function (tokens of a sequence so far, ids of marks) -> at every position the token that comes next. It
is right at every position of an answer; before that its output is arbitrary. The formats are those of the tasks:

    program                   reads and writes (h is a hint, d a digit, b a bit)
    count                     START a b a a+1 .. b END
    mode                      START word SEP symbol END, where one symbol is more frequent than any other
    copy_unique               START word SEP word END, no symbol twice in a word
    sort                      START word SEP sorted END, likewise
    reverse_addition          START h d .. h d PLUS h d .. h d EQUALS h d .. h d END, the answer's lowest digit first
    forward_addition          the same, its highest digit first
    parity                    START h b .. h b SEP EVEN h EVEN|ODD .. h EVEN|ODD END, one pair for each 1
    boolean_and               START bits SEP bit END

Numbers, digits and bits are themselves. All ids are 0 or more. Hints go up one by one along the highest-first digits of
the operands (which are equally long and begin with a 0), or along the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from synthetic.rasp import library as lib
from synthetic.rasp.core import (
    Seq,
    aggr_max,
    aggr_min,
    choose,
    equals,
    full,
    gt,
    indices,
    kqv,
    operations,
    select,
    seq_map,
    tok_map,
)

_NONE = -1  # stands for no token


class Marks(NamedTuple):
    """Holds the ids of all marks that programs read.

    A task's own `tokens`, with the marks of its format, will do as well.
    """

    start: int
    sep: int
    end: int
    plus: int
    equals: int
    even: int
    odd: int


Program: TypeAlias = Callable[[Seq, Any], Seq]


def count(x: Seq, marks: Any) -> Seq:
    """Writes the first number after two numbers; then the next number each, up to the second."""
    start, before = lib.shift_right(x, 2, _NONE), lib.shift_right(x, 1, _NONE)
    last = kqv(start, full(x, marks.start), x, equals, _NONE, "max")
    up = seq_map(x, last, lambda t, b: choose(t == b, marks.end, t + 1))
    return _either(seq_map(start, before, lambda s, a: choose(s == marks.start, a, _NONE)), up)


def mode(x: Seq, marks: Any) -> Seq:
    """Applies the library's mode, in which marks do not count."""
    occurred = seq_map(lib.num_prev(x, x), x, lambda n, t: n * (t != marks.start) * (t != marks.sep))
    most = lib.index_select(x, lib.argmax(occurred))
    return seq_map(x, most, lambda t, m: choose(t == marks.sep, m, marks.end))


def copy_unique(x: Seq, marks: Any) -> Seq:
    """Applies induction: it writes the token that followed the token here in the prompt.

    The word follows START, and END stands for SEP.
    """
    here = tok_map(x, lambda t: choose(t == marks.sep, marks.start, t))
    after = kqv(lib.shift_right(x, 1, _NONE), here, x, equals, reduction="max")
    return tok_map(after, lambda t: choose(t == marks.sep, marks.end, t))


def sort(x: Seq, marks: Any) -> Seq:
    """Writes the smallest symbol that is larger than the one here."""
    symbols = tok_map(x, lambda t: choose((t == marks.start) | (t == marks.sep), _NONE, t))
    return kqv(symbols, symbols, symbols, gt, marks.end, "min")


def reverse_addition(x: Seq, marks: Any) -> Seq:
    """Adds from the lowest digit. A carry shows in the pair before.

    Its sum is above 9, or is 9 and the digit just written is 0.
    """
    before, hint = lib.shift_right(x, 1, _NONE), lib.shift_right(x, 2, _NONE)
    total = _pair_sum(select(before, x, equals), x)
    carry = seq_map(lib.shift_right(total, 2), before, lambda s, d: (s > 9) | ((s == 9) & (d == 0)))
    digit = seq_map(total, carry, lambda s, c: (s + c) % 10)
    highest = kqv(before, full(x, marks.start), x, equals, _NONE, "max")
    # After EQUALS comes the operands' last hint, after a digit the hint below its own.
    lowest = seq_map(x, hint, lambda t, h: choose(t == marks.equals, h, _NONE))
    down = seq_map(before, highest, lambda h, top: choose(h == top, marks.end, h - 1))
    return _either(lowest, _either(_after_digits(x, down), digit))


def forward_addition(x: Seq, marks: Any) -> Seq:
    """Adds from the highest digit, so that each carry has to be searched for.

    A carry comes from the first lower pair whose sum is not 9, if that sum is above 9.
    """
    before, place = lib.shift_right(x, 1, _NONE), indices(x)
    plus, equal = full(x, marks.plus), full(x, marks.equals)
    # The sums of pairs stand at the second operand's digits.
    total = _pair_sum(select(before, before, equals), x)
    second = seq_map(lib.has_seen(x, plus), lib.has_seen(x, equal), gt)
    second = seq_map(second, x, lambda inside, t: inside * (t < 10))
    here = kqv(lib.mask(before, second, _NONE), x, place, equals, _NONE, "max")
    decides = seq_map(total, second, lambda s, inside: inside * (s != 9))
    lower = lib.mask(place, decides, _NONE)
    decider = kqv(lower, here, lower, gt, _NONE, "min")
    carry = tok_map(lib.index_select(total, decider), lambda s: s > 9)
    digit = seq_map(lib.index_select(total, here), carry, lambda s, c: (s + c) % 10)
    highest = kqv(before, full(x, marks.start), x, equals, _NONE, "max")
    highest = seq_map(x, highest, lambda t, h: choose(t == marks.equals, h, _NONE))
    lowest = kqv(x, equal, lib.shift_right(x, 2, _NONE), equals, _NONE, "max")
    up = seq_map(before, lowest, lambda h, last: choose(h == last, marks.end, h + 1))
    return _either(highest, _either(_after_digits(x, up), digit))


def _pair_sum(pair: Any, x: Seq) -> Seq:
    """Returns the sum of the two digits of x that are selected."""
    digits = tok_map(x, lambda t: t * (t < 10))
    return seq_map(aggr_max(pair, digits), aggr_min(pair, digits), lambda a, b: a + b)


def _after_digits(x: Seq, hint: Seq) -> Seq:
    return seq_map(x, hint, lambda t, h: choose(t < 10, h, _NONE))


def _either(this: Seq, that: Seq) -> Seq:
    """Returns the tokens of `this` where there is one, else those of `that`."""
    return seq_map(this, that, lambda t, u: choose(t == _NONE, u, t))


def parity(x: Seq, marks: Any) -> Seq:
    """Writes after a parity the hint of the next 1, after a hint the other parity than before."""
    before = lib.shift_right(x, 1, _NONE)
    ones = seq_map(x, before, lambda t, h: choose(t == 1, h, _NONE))
    done = tok_map(before, lambda h: choose(h == marks.sep, _NONE, h))
    hint = kqv(ones, done, ones, gt, marks.end, "min")
    other = tok_map(before, lambda p: marks.even + marks.odd - p)
    hint = seq_map(x, hint, lambda t, h: choose((t == marks.even) | (t == marks.odd), h, _NONE))
    even = tok_map(x, lambda t: choose(t == marks.sep, marks.even, _NONE))
    return _either(even, _either(hint, other))


def boolean_and(x: Seq, marks: Any) -> Seq:
    """Writes 0 if there is a 0, else 1."""
    bit = kqv(x, full(x, 0), x, equals, 1, "max")
    return seq_map(x, bit, lambda t, f: choose(t == marks.sep, f, marks.end))


PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (count, mode, copy_unique, sort, reverse_addition, forward_addition, parity, boolean_and)
}


def length(program: Program) -> int:
    """Returns the number of operations that a program is made of: see `core.operations`."""
    return len(operations(lambda x: program(x, Marks(*range(len(Marks._fields))))))


@partial(jax.jit, static_argnames=("program", "marks", "most"))
def run(program: Program, marks: Any, prompt_BxP: jax.Array, length_B: jax.Array, most: int) -> jax.Array:
    """Lets the program write on, token after token, until END or `most` tokens: returns its tokens, [B, most].

    The prompts are the first `length_B` tokens of the rows, START and the separator included. Answers are filled up
    with END. The batch goes on until each of its rows has ended.
    """
    batch = prompt_BxP.shape[0]
    row, end = jnp.arange(batch), jnp.asarray(marks.end, prompt_BxP.dtype)
    text_BxT = jnp.pad(prompt_BxP, ((0, 0), (0, most)))  # the padding after the text is never read
    answer_BxN = jnp.full((batch, most), end)

    def writes(state: tuple[jax.Array, ...]) -> jax.Array:
        n, _, _, ended_B = state
        return (n < most) & ~ended_B.all()

    def write(state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        n, text_BxT, answer_BxN, ended_B = state
        token_B = jax.vmap(lambda x: program(x, marks))(text_BxT)[row, length_B + n - 1]
        token_B = jnp.where(ended_B, end, token_B)
        return n + 1, text_BxT.at[row, length_B + n].set(token_B), answer_BxN.at[:, n].set(token_B), token_B == end

    state = jnp.int32(0), text_BxT, answer_BxN, jnp.zeros((batch,), bool)
    return jax.lax.while_loop(writes, write, state)[2]
