"""Markov algorithms on the device: rules in order, the leftmost occurrence, again and again; `vmap` over many of them.

A Markov algorithm is an ordered list of rules x -> y over strings. A step takes the first rule of the list whose x
occurs in the string and puts y in the place of its leftmost occurrence. The run ends if no rule applies, or after a
step by a stopping rule. An empty x occurs at the beginning of every string.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Algorithm(NamedTuple):
    """An ordered list of rules, in R slots; the first `used` count.

    search int32[R, n] and replace int32[R, m] hold letters; the first search_length and replace_length int32[R] are the
    rule's. stops bool[R] is true for stopping rules. used is int32.
    """

    search: jax.Array
    search_length: jax.Array
    replace: jax.Array
    replace_length: jax.Array
    stops: jax.Array
    used: jax.Array


class Run(NamedTuple):
    """The results of S steps, a row each: strings int32[S, B] after the step, their lengths int32[S], fired int32[S].

    fired is the number of the rule that was applied, from 0. It is -1 from the step at which the algorithm had come to
    its end; the string is then the last one.
    """

    strings: jax.Array
    lengths: jax.Array
    fired: jax.Array


def step(algorithm: Algorithm, string: jax.Array, length: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Takes one step on the first `length` letters of int32[B]: (string, length, number of the rule applied or -1).

    Letters beyond place B are lost at the end, which `length` does not show.
    """
    rules, most = algorithm.search.shape
    buffer = string.shape[0]
    ahead = jnp.pad(string, (0, most))
    windows_PxN = jnp.stack([ahead[j : j + buffer + 1] for j in range(most)], -1)
    open_RxN = jnp.arange(most) >= algorithm.search_length[:, None]
    alike_RxP = ((windows_PxN == algorithm.search[:, None]) | open_RxN[:, None]).all(-1)
    inside_RxP = jnp.arange(buffer + 1) + algorithm.search_length[:, None] <= length
    found_RxP = alike_RxP & inside_RxP & (jnp.arange(rules) < algorithm.used)[:, None]
    applies_R = found_RxP.any(-1)
    rule = jnp.argmax(applies_R)
    at = jnp.argmax(found_RxP[rule])
    put = algorithm.replace_length[rule]
    grows = put - algorithm.search_length[rule]
    place = jnp.arange(buffer)
    rest = string[jnp.clip(jnp.where(place < at, place, place - grows), 0, buffer - 1)]
    new = algorithm.replace[rule][jnp.clip(place - at, 0, algorithm.replace.shape[1] - 1)]
    after = jnp.where((place >= at) & (place < at + put), new, rest)
    applied = applies_R.any()
    return jnp.where(applied, after, string), length + jnp.where(applied, grows, 0), jnp.where(applied, rule, -1)


def run(algorithm: Algorithm, string: jax.Array, length: jax.Array, steps: int) -> Run:
    """Runs `algorithm` for `steps` steps, or to its end, on the first `length` letters of int32[B]."""

    def one(carry, _):
        string, length, going = carry
        after, longer, fired = step(algorithm, string, length)
        string, length = jnp.where(going, after, string), jnp.where(going, longer, length)
        fired = jnp.where(going, fired, -1)
        going = (fired >= 0) & ~algorithm.stops[fired]
        return (string, length, going), (string, length, fired)

    start = (string, jnp.asarray(length, jnp.int32), jnp.bool(True))
    return Run(*jax.lax.scan(one, start, length=steps)[1])
