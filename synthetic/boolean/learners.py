"""Learners that are not trained: each answers every point of a prompt from the examples before it.

Each is a function of points x float32[M, n] of -1 and 1 and of labels y bool[M], traceable and to be batched by `vmap`.
It returns int32[M], 0 or 1, or -1 if it has no answer, which is never right. Item i depends on x_i and on the examples
before it alone.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

EPOCHS = 8  # of half-spaces at each point, over the examples so far
HIDDEN, STEPS, RATE = 100, 100, 5e-3  # of the net, as in the code published with arXiv 2310.03016


def null(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Returns 0 for every point."""
    return jnp.zeros_like(y_M, jnp.int32)


def averaging(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Returns the side of the mean of y x that a point is on, with y of -1 and 1; 0 on neither side.

    In the code published with arXiv 2310.03016 neither side is an answer of its own, which is never right; here it is
    right where the label is 0.
    """
    direction = _before(jnp.cumsum(_signs(y_M)[:, None] * x_MxN, 0))
    return ((x_MxN * direction).sum(-1) > 0).astype(jnp.int32)


def nearest_neighbours(x_MxN: jax.Array, y_M: jax.Array, k: int) -> jax.Array:
    """Returns the majority label of the `k` nearest earlier points; -1 on a tie.

    If two points are equally near, the earlier one comes first.
    """
    count = y_M.shape[0]
    place, earlier = jnp.arange(count), jnp.tri(count, k=-1, dtype=bool)
    # Nearer first, then earlier: similarities are integers from -n to n.
    rank = jnp.where(earlier, (x_MxN @ x_MxN.T) * count - place, -jnp.inf)
    top, which = jax.lax.top_k(rank, min(k, count))
    votes = jnp.where(jnp.isfinite(top), _signs(y_M)[which], 0).sum(-1)
    return jnp.where(votes == 0, -1, votes > 0).astype(jnp.int32)


def most_similar(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Returns the label of the most similar earlier point, the first of several: exact for the family of that rule."""
    return jnp.where(jnp.arange(y_M.shape[0]) == 0, -1, y_M[nearest(x_MxN)])


def eliminate(x_MxN: jax.Array, y_M: jax.Array, *, negated: bool) -> jax.Array:
    """Returns the labels by the conjunction of all literals that no positive example has refuted (Valiant 1984).

    A point is positive if each literal that it falsifies, of variable v, is refuted: some positive has the same x_v. It
    is never wrong on negatives.
    """
    ones, others = (_before(jnp.cumsum(y_M[:, None] & (x_MxN == s), 0)) > 0 for s in (1, -1))
    return jnp.where(x_MxN > 0, ones | (not negated), others).all(-1).astype(jnp.int32)


def closure(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Returns 1 if all variables that are 1 in some positive example are 1 in the point.

    For a monotone function the positives imply exactly that.
    """
    missing = (x_MxN < 0).astype(jnp.float32) @ (x_MxN > 0).astype(jnp.float32).T
    return (jnp.tri(y_M.shape[0], k=-1, dtype=bool) & (missing == 0) & y_M).any(-1).astype(jnp.int32)


def gaussian_elimination(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Solves the earlier examples as equations over GF(2); returns 0 for a point outside their span.

    Row p of the reduced echelon form is the equation whose pivot is variable p, or zeros.
    """
    n = x_MxN.shape[1]
    rows = jnp.concatenate([x_MxN > 0, y_M[:, None]], 1).astype(jnp.int32)

    def solve(form: jax.Array, row: jax.Array) -> tuple[jax.Array, jax.Array]:
        rest = (row + (row[:n, None] * form).sum(0)) % 2
        predicted = (row[:n] * form[:, n]).sum() % 2
        spanned = ~rest[:n].any()
        # A new equation: its first variable becomes a pivot, and is cleared from the others.
        pivot = jnp.argmax(rest[:n])
        cleared = ((form + form[:, pivot, None] * rest) % 2).at[pivot].set(rest)
        return jnp.where(spanned, form, cleared), jnp.where(spanned, predicted, 0)

    return jax.lax.scan(solve, jnp.zeros((n, n + 1), jnp.int32), rows)[1]


def perceptron(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Finds a half-space with all earlier examples on their sides, so it solves the linear programme they state.

    The perceptron finds one if `EPOCHS` suffice. It goes on from point to point with the weights it has.
    """
    return _half_spaces(x_MxN, y_M, lambda dual, margin: dual + (margin <= 0))


def max_margin(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Finds the half-space farthest from all earlier examples, by coordinate ascent of its dual (Hildreth 1957)."""
    squared = x_MxN.shape[1] + 1
    return _half_spaces(x_MxN, y_M, lambda dual, margin: jnp.maximum(dual + (1 - margin) / squared, 0))


def _half_spaces(x_MxN: jax.Array, y_M: jax.Array, update: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
    """Returns the labels of half-spaces whose weights are sums of y x times dual variables.

    Each point takes `EPOCHS` passes over the examples. `update` returns an example's new dual variable, from the old
    one and from its y w x.
    """
    count = y_M.shape[0]
    signed_MxD = _signs(y_M)[:, None] * jnp.pad(x_MxN, ((0, 0), (0, 1)), constant_values=1.0)

    def visit(state: tuple[jax.Array, jax.Array], j: jax.Array, i: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights, dual = state
        new = jnp.where(j <= i, update(dual[j], (weights * signed_MxD[j]).sum()), dual[j])
        return weights + (new - dual[j]) * signed_MxD[j], dual.at[j].set(new)

    def at(state: tuple[jax.Array, jax.Array], i: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        positive = (state[0] * signed_MxD[i]).sum() * _signs(y_M)[i] > 0
        order = jnp.tile(jnp.arange(count), EPOCHS)
        state, _ = jax.lax.scan(lambda s, j: (visit(s, j, i), None), state, order)
        return state, positive.astype(jnp.int32)

    start = (jnp.zeros(signed_MxD.shape[1]), jnp.zeros(count))
    return jax.lax.scan(at, start, jnp.arange(count))[1]


def network(x_MxN: jax.Array, y_M: jax.Array) -> jax.Array:
    """Trains a net with two hidden layers anew for each point on all examples before it.

    It is slow: M nets a prompt.
    """
    count, n = x_MxN.shape
    optimiser = optax.adam(RATE)
    keys = jax.random.split(jax.random.key(0), 3)
    widths = (n, HIDDEN, HIDDEN, 1)
    start = [
        (jax.random.normal(key, (fan_in, out)) * (2 / fan_in) ** 0.5, jnp.zeros(out))
        for key, fan_in, out in zip(keys, widths[:-1], widths[1:], strict=True)
    ]

    def logits(layers: list[tuple[jax.Array, jax.Array]], x: jax.Array) -> jax.Array:
        for weights, bias in layers[:-1]:
            x = jax.nn.relu(x @ weights + bias)
        return (x @ layers[-1][0] + layers[-1][1])[..., 0]

    def at(i: jax.Array) -> jax.Array:
        told = jnp.arange(count) < i

        def loss(layers: list[tuple[jax.Array, jax.Array]]) -> jax.Array:
            losses = optax.sigmoid_binary_cross_entropy(logits(layers, x_MxN), y_M.astype(jnp.float32))
            return (losses * told).sum() / jnp.maximum(i, 1)

        def step(_: jax.Array, state):
            layers, memory = state
            updates, memory = optimiser.update(jax.grad(loss)(layers), memory)
            return optax.apply_updates(layers, updates), memory

        layers, _ = jax.lax.fori_loop(0, STEPS, step, (start, optimiser.init(start)))
        return (logits(layers, x_MxN[i]) > 0).astype(jnp.int32)

    return jax.lax.map(at, jnp.arange(count))


def nearest(x_MxN: jax.Array) -> jax.Array:
    """Returns the first of the earlier points most similar to each, int32[M]; 0 if there is none."""
    similar = jnp.where(jnp.tri(x_MxN.shape[0], k=-1, dtype=bool), x_MxN @ x_MxN.T, -jnp.inf)
    return jnp.argmax(similar, -1).astype(jnp.int32)


def _signs(y_M: jax.Array) -> jax.Array:
    return jnp.where(y_M, 1.0, -1.0)


def _before(running: jax.Array) -> jax.Array:
    """Returns a running total up to the row before each."""
    return jnp.concatenate([jnp.zeros_like(running[:1]), running[:-1]])
