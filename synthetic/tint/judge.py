"""Scores of a decoded trace, beyond exact match: a right answer, an answer that follows, and recovery from an error."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from synthetic.tint.language import COMPACT, NONE, operations
from synthetic.tint.text import END, FIRST_MARK, MARKS, NEWLINE, vocabulary


def judge(targets: jax.Array, weights: jax.Array, operation: jax.Array, decoded: jax.Array, *, style: str) -> dict:
    """Judges the response in `decoded` int32[T] against the right one in `targets`; each score is 0 or 1, float32.

    A response begins at the first weighted position and goes to the first end token. Its answer is the text after its
    last newline. Without an end token it has no answer.

    answer: the answer is that of `targets`.
    astray: the response differs from `targets`.
    recovered: the response is astray, yet its answer is right.
    follows: the answer is the result in the trace, which is the last line of the operation's result variable, or
    the digits of several lines if only those have it (`Operation`); of a list it is the last item. 0 if there are no
    such lines.
    """
    begin = jnp.argmax(weights > 0)
    place = jnp.arange(decoded.shape[0])
    ours, theirs = (_Response(tokens, begin, place) for tokens in (decoded, targets))
    answer = ours.ended & (ours.length == theirs.length) & (ours.answer == theirs.answer).all()
    astray = ((decoded != targets) & (place >= begin) & (place <= jnp.maximum(ours.end, theirs.end))).any()
    facts = {"answer": answer, "astray": astray, "recovered": astray & answer}
    if style != NONE:
        facts["follows"] = ours.ended & ours.follows(operation, style)
    return {name: fact.astype(jnp.float32) for name, fact in facts.items()}


class _Response:
    """Finds the parts of a response."""

    def __init__(self, tokens: jax.Array, begin: jax.Array, place: jax.Array):
        self.tokens, self.begin, self.place = tokens, begin, place
        last = place.shape[0]
        self.end = jnp.where((tokens == END) & (place >= begin), place, last).min()
        self.ended = self.end < last
        inside = (place >= begin) & (place < self.end)
        self.at = jnp.where(inside & (tokens == NEWLINE), place + 1, begin).max()  # where the answer begins
        self.length = self.end - self.at
        self.answer = jnp.where(place < self.length, tokens[jnp.minimum(self.at + place, last - 1)], END)
        self.traced = inside & (place < self.at)

    def follows(self, operation: jax.Array, style: str) -> jax.Array:
        """Returns whether the answer's last number is the trace's result; `operation` is its number among all."""
        ids = {name: i for i, name in enumerate(vocabulary(style))}
        declared = list(operations(style).values())
        result = self._last_value(jnp.array([ids[o.names[o.result]] for o in declared])[operation])
        if style == COMPACT:
            units, carry = (
                jnp.array([ids[o.names[name]] if name else -1 for o, name in named])[operation]
                for named in ([(o, o.units) for o in declared], [(o, o.carry) for o in declared])
            )
            result = jnp.where(units < 0, result, self._from_units(units, carry))
        last = jnp.where((self.tokens < 10) & (self.place >= self.at) & (self.place < self.end), self.place, -1).max()
        return (last >= 0) & (result == self._digits_before(last + 1)).all()

    def _names(self) -> jax.Array:
        """Returns at each position the variable whose line it stands in.

        The name is the last token that is no digit nor equals sign.
        """
        head = (self.tokens >= 10) & (self.tokens != FIRST_MARK + MARKS.index("="))
        return self.tokens[jax.lax.cummax(jnp.where(head, self.place, 0))]

    def _digits_before(self, end: jax.Array) -> jax.Array:
        """Returns the digits of the number that stops before `end`, the lowest first, and zeros: int32[T]."""
        digit = (self.tokens < 10) & (self.place < end) & (self.place >= self.begin)
        start = jnp.where(~digit & (self.place < end), self.place + 1, 0).max()
        at = end - 1 - self.place
        return jnp.where(at >= start, self.tokens[jnp.maximum(at, 0)], 0)

    def _ends(self, name: jax.Array) -> jax.Array:
        """Returns the places of the last digits of a variable's lines, bool[T]."""
        digit = self.tokens < 10
        last = digit & ~jnp.append(digit[1:], False)
        return last & self.traced & (self._names() == name)

    def _last_value(self, name: jax.Array) -> jax.Array:
        """Returns the value of a variable's last line as digits, the lowest first."""
        return self._digits_before(jnp.where(self._ends(name), self.place, -1).max() + 1)

    def _from_units(self, units: jax.Array, carry: jax.Array) -> jax.Array:
        """Returns the number whose digits end the lines of `units`, with the last `carry` in front, lowest first."""
        ends, carries = self._ends(units), self._ends(carry)
        rank = jnp.where(ends, jnp.cumsum(ends) - 1, self.place.shape[0])
        number = jnp.zeros_like(self.tokens).at[rank].set(self.tokens, mode="drop")
        last = jnp.where(carries, self.place, -1).max()
        top = jnp.where(last >= 0, self.tokens[jnp.maximum(last, 0)], 0)
        return number.at[ends.sum()].set(top, mode="drop")
