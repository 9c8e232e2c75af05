"""What is true of encrypted rewriting: the cipher touches what is put in alone, and keys are as they are said to be."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare

from fields import check
from synthetic.markov import Markov, MarkovEncrypted
from synthetic.task import Example

COUNT = 512
LETTERS = "abcdefghijklmnop"


@partial(jax.jit, static_argnums=1, compiler_options={"xla_backend_optimization_level": 0})
def _draw(task, split, seed):
    return jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(seed), COUNT), split)


def draw(task, split="train", seed=0):
    """Examples as NumPy arrays with a leading axis."""
    numeric = jax.tree.map(lambda x: np.float32(x) if isinstance(x, float) else np.int32(x), task)
    return jax.tree.map(np.asarray, _draw(numeric, split, seed))


def encrypted(**changes):
    shape = {"alphabet": 16, "input_length": 6, "search_length": 2, "replace_length": 3}
    return MarkovEncrypted(**shape, noop_rate=0.4, **changes)


def parts(task, batch):
    """(x, y, key, z, answer) of each example as text."""
    cuts = np.cumsum([task.search_length, task.replace_length, 1, task.input_length])
    for row, targets, weights in zip(batch.inputs, batch.targets, batch.weights, strict=True):
        answer = targets[weights > 0][:-1]  # the end token
        yield tuple("".join(LETTERS[t] for t in part) for part in (*np.split(row, cuts)[:4], answer))


@pytest.mark.parametrize("split", ["train", "unseen"])
def test_deciphering_the_place_of_x_gives_back_the_rules_y(split):
    task = encrypted()
    batch = draw(task, split)
    assert 0.3 < batch.facts["noop"].mean() < 0.5
    for (x, y, key, z, answer), noop in zip(parts(task, batch), batch.facts["noop"], strict=True):
        if noop:
            assert x not in z
            assert answer == z
            continue
        at = z.index(x)
        before, put, after = answer[:at], answer[at : at + 3], answer[at + 3 :]
        assert (before, after) == (z[:at], z[at + 2 :])
        assert "".join(LETTERS[LETTERS.index(c) - LETTERS.index(key)] for c in put) == y


@pytest.mark.parametrize(("num_keys", "keys"), [(0, range(16)), (1, [1]), (3, [1, 2, 3]), (16, range(16))])
def test_keys_are_uniform_among_those_in_use_also_where_nothing_is_enciphered(num_keys, keys):
    batch = draw(encrypted(num_keys=num_keys))
    for noop in (False, True):
        count = np.bincount(batch.facts["key"][batch.facts["noop"] == noop], minlength=16)
        assert set(np.flatnonzero(count)) == set(keys)
        assert len(keys) == 1 or chisquare(count[list(keys)]).pvalue > 0.001


def test_rules_and_inputs_are_those_of_plain_rewriting():
    plain = Markov(alphabet=16, input_length=6, search_length=2, replace_length=3, noop_rate=0.4)
    with_key, without = draw(encrypted()).inputs, draw(plain).inputs
    assert np.array_equal(np.delete(with_key, 5, axis=1)[:, :12], without[:, :12])


def test_the_aligned_example_is_answered_and_rendered():
    task = MarkovEncrypted(alphabet=16, input_length=8, search_length=2, replace_length=2)
    inputs = jnp.array([16 if c == "=" else LETTERS.index(c) for c in "gcabdfagcpgce=fadepgc"])
    targets = jnp.append(inputs[1:], LETTERS.index("e"))
    example = Example(inputs, targets, jnp.repeat(jnp.array([0.0, 1.0]), jnp.array([13, 8])), {})
    assert inputs.shape == (task.spec.length,)
    assert task.render(example) == ("gc -> ab + d : fagcpgce", "fadepgce")
    assert task.oracle(example) == targets[13:].tolist()


@pytest.mark.parametrize(("y", "num_keys", "put"), [([0, 15], 1, [1, 0]), ([3, 14], 0, [4, 15])])
def test_a_shift_goes_round_the_alphabet(y, num_keys, put):
    key, found = encrypted(num_keys=num_keys).put(jnp.array(y), jnp.zeros(1, jnp.uint32))
    assert (key.tolist(), found.tolist()) == ([1], put)


def test_more_keys_than_letters_is_one_line():
    _, errors = check({"alphabet": 16, "num_keys": 17}, MarkovEncrypted, "task")
    assert errors == ["task.num_keys: at most task.alphabet = 16, got 17"]
