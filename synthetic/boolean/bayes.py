"""The Bayes learner: it answers the likelier label, given the examples before a point and the law of prompts.

Both learners know the law of functions and of plain inputs, planting included: a planted point shows which variables
are relevant even before its label is known. They do not know which functions are held out, nor expect a teaching
sequence. The likelihood of a prompt under f is, up to a constant, the product over its points of 1 - planted + planted
* tilt(f, x) if all labels are f's, and 0 otherwise.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln, logsumexp

from synthetic.boolean.family import Family
from synthetic.boolean.packed import pack

PARTICLES = 64
_CONTRADICTION = 1e4  # nats; so that in prompts with noise the functions with the fewest contradictions win


def by_enumeration(
    family: Family, x_MxN: jax.Array, y_M: jax.Array, *, density: jax.Array, planted: jax.Array
) -> jax.Array:
    """Returns the likelier labels int32[M] by the exact posterior over all functions of a small family.

    The posterior is over the part that is planted, too.
    """
    every = jnp.asarray(family.functions())
    choices = jnp.arange(family.choices)
    log_prior = jax.vmap(lambda f: family.log_prior(f, density))(every)

    def step(log_weight_CxH: jax.Array, example: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, y = example
        label_H = jax.vmap(lambda f: family.label(f, x)[0])(every)
        tilt = jax.vmap(lambda c: jax.vmap(lambda f: family.tilt(f, x, c)[0])(every))(choices)
        log_weight_CxH += jnp.log(1 - planted + planted * tilt)
        ones, zeros = (logsumexp(jnp.where(label_H == s, log_weight_CxH, -jnp.inf)) for s in (True, False))
        return log_weight_CxH - _CONTRADICTION * (label_H != y), (ones > zeros).astype(jnp.int32)

    start = jnp.broadcast_to(log_prior, (family.choices, len(every)))
    return jax.lax.scan(step, start, (pack(x_MxN > 0)[:, None], y_M))[1]


def of_terms(x_MxN: jax.Array, y_M: jax.Array, log_prior: jax.Array, planted: jax.Array, *, negated: bool) -> jax.Array:
    """Returns the likelier labels int32[M] by the posterior over conjunctions, exact except for one factor.

    `log_prior` float32[n + 1] is that of one conjunction of k literals, up to a constant. Given the positive examples
    only, the posterior depends on k alone, among conjunctions of literals that no positive refutes: it is summed and
    sampled exactly. The one factor is the share of it that the negatives do not rule out, estimated by a mean over
    `PARTICLES` samples.
    """
    count, n = x_MxN.shape
    size = jnp.arange(n + 1)
    u_size, u_sign, u_order = jnp.split(jax.random.uniform(jax.random.key(0), (PARTICLES, 1 + 2 * n)), [1, 1 + n], 1)
    sign_SxN = jnp.where(u_sign < 0.5, -1.0, 1.0) if negated else jnp.ones((PARTICLES, n))
    ahead_SxNxN = (u_order[:, :, None] > u_order[:, None, :]).astype(jnp.float32)
    # The density of one positive point over that of a negative point.
    planted = jnp.minimum(planted, 1 - 1e-6)
    log_positive = jnp.log(1 - planted + planted * 2.0**size) - jnp.log1p(-planted)

    def mass(left_N: jax.Array, literal_N: jax.Array, positives: jax.Array, negative_M: jax.Array) -> jax.Array:
        """Returns the log weight of the conjunctions of literals that are left and that no negative has all true."""
        variables = left_N.sum()
        inside = size <= variables
        ways = gammaln(variables + 1.0) - gammaln(size + 1.0) - gammaln(jnp.where(inside, variables - size, 0) + 1.0)
        either = size * jnp.log(2.0) if negated else 0.0  # before the first positive a literal has either sign
        either = jnp.where(positives == 0, either, 0.0)
        log_size = jnp.where(inside, ways + log_prior + either + positives * log_positive, -jnp.inf)
        total = logsumexp(log_size)
        # If log_prior is -inf everywhere inside, nothing is left and no sample counts.
        law = jnp.cumsum(jnp.exp(log_size - jnp.where(jnp.isfinite(total), total, 0.0)))
        size_Sx1 = (u_size >= law[None]).sum(-1, keepdims=True)
        rank_SxN = ahead_SxNxN @ left_N.astype(jnp.float32)
        chosen_SxN = left_N & (rank_SxN < size_Sx1)
        term_SxN = chosen_SxN * jnp.where(positives == 0, sign_SxN, literal_N)
        ruled_out = (term_SxN @ x_MxN.T == chosen_SxN.sum(-1, keepdims=True)) & negative_M
        kept = (~ruled_out.any(-1)).mean()
        return total + jnp.log(jnp.maximum(kept, 0.5 / PARTICLES))

    def step(state: tuple[jax.Array, jax.Array], i: jax.Array) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        refuted_2xN, positives = state  # literals and negated ones
        x = x_MxN[i]
        before, here = jnp.arange(count) < i, jnp.arange(count) == i
        after_2xN = refuted_2xN | jnp.stack([x < 0, (x > 0) | (not negated)])
        negatives = before & ~y_M
        literal_N = jnp.where(refuted_2xN[0], -1.0, 1.0)
        one = mass(~after_2xN.all(0), jnp.where(after_2xN[0], -1.0, 1.0), positives + 1, negatives)
        zero = mass(~refuted_2xN.all(0), literal_N, positives, negatives | here)
        state = (jnp.where(y_M[i], after_2xN, refuted_2xN), positives + y_M[i])
        return state, (one > zero).astype(jnp.int32)

    start = (jnp.stack([jnp.zeros(n, bool), jnp.full(n, not negated)]), jnp.int32(0))
    return jax.lax.scan(step, start, jnp.arange(count))[1]
