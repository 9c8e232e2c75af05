"""What is true of TInt's noise: each kind does what it says, at its rate, and nothing else."""

import itertools
import math

import jax
import numpy as np
import pytest
from scipy.stats import chisquare

from synthetic.tint import TInt
from synthetic.tint.generate import Form, generate, needed
from synthetic.tint.noise import Noise, changed
from synthetic.tint.operands import Laws
from synthetic.tint.plain import parsed, response
from synthetic.tint.text import END, NEWLINE, vocabulary

COUNT = 600
NOISES = {
    "dynamic": Noise(dynamic=0.2),
    "hidden": Noise(dynamic=0.2, hidden=0.5),
    "operators": Noise(operator_errors=0.1),
    "characters": Noise(characters=0.3),
    "lines": Noise(deletion=0.3, insertion=0.3, swap=0.5),
    "all": Noise(0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 1.0, 0.05),
}


def made(noise=Noise(), *, operations="add", style="steps", digits=4, items=4, count=COUNT, magnitude=0.3):  # noqa: B008
    """Training examples, all of the largest size."""
    form = Form(operations, style, digits, items)
    laws = Laws(digits, digits, items, items, magnitude)
    return generate(form, needed(form).tokens, laws, noise, 5, "train", np.arange(count))


def responses(table):
    """What follows the prompt, as lists of tokens."""
    for tokens, begin, end in zip(table["tokens"].tolist(), table["begin"], table["end"], strict=True):
        yield tokens[begin : end + 1]


def lines(said):
    """The lines of a response, the answer's among them."""
    found, line = [], []
    for token in said:
        line.append(token)
        if token in (NEWLINE, END):
            found.append(tuple(line))
            line = []
    return found


def near(share, expected, count):
    """Whether a share of `count` independent draws is within four standard errors of its probability."""
    return abs(share - expected) <= 4 * math.sqrt(expected * (1 - expected) / count)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("name", ["add", "multiply", "divide", "gcd", "sort", "median"])
def test_noised_responses_equal_those_of_plain_python_given_the_same_random_words(name, noise):
    for style in ("lines", "steps", "compact", "none"):
        if style == "none" and noise.of_lines:
            continue
        form = Form(name, style, 2, 4)
        size = needed(form)
        table = generate(form, size.tokens, Laws(1, 2, 1, 4, 0.3), noise, 5, "noised", np.arange(20, 26))
        for i, said in enumerate(responses(table)):
            prompt = table["tokens"][i, : table["begin"][i]].tolist()
            assert said == response(prompt, style, size.tokens, size.fuel, noise, 5, 1, 20 + i)


def test_character_noise_redraws_digits_alone_and_spares_the_prompt():
    rate = 0.5
    clean, noised = made(), made(Noise(characters=rate))
    place = np.arange(clean["tokens"].shape[1])
    eligible = (place >= clean["begin"][:, None]) & (place < clean["end"][:, None]) & (clean["tokens"] < 10)
    assert (clean["tokens"] == noised["tokens"])[~eligible].all()
    was, now = clean["tokens"][eligible], noised["tokens"][eligible]
    # The digit drawn may be the one that was there.
    assert near((was == now).mean(), 1 - 0.9 * rate, was.size)
    counts = np.bincount(now[was != now], minlength=10) / (10 - np.bincount(was, minlength=10) * 10 / was.size)
    assert counts.min() > 0.9 * counts.mean()
    firsts = eligible.argmax(1)
    assert near((clean["tokens"] == noised["tokens"])[np.arange(COUNT), firsts].mean(), 1 - 0.9 * rate, COUNT)


def test_character_noise_spares_numbers_beside_a_comma_or_bracket_in_the_papers_lines():
    names = vocabulary("lines")
    beside = {names.index(mark) for mark in (",", "]", ")")}
    for operation in ("multiply", "median"):
        clean, noised = (made(Noise(characters=c), operations=operation, style="lines", count=20) for c in (0.0, 1.0))
        for was, now in zip(responses(clean), responses(noised), strict=True):
            after = [next(token for token in was[i:] if token >= 10) for i in range(len(was))]
            assert all(a == b for a, b, next_mark in zip(was, now, after, strict=True) if next_mark in beside)
            open_to_noise = [a == b for a, b, c in zip(was, now, after, strict=True) if a < 10 and c not in beside]
            assert sum(open_to_noise) < len(open_to_noise) / 2


def test_sums_under_dynamic_noise_of_all_numbers_are_right_as_often_as_in_the_papers_code():
    form, laws, noise = Form("add", "lines", 10, 1), Laws(1, 10, 1, 1, 0.0), Noise(dynamic=0.05, hidden=1.0)
    table = generate(form, needed(form).tokens, laws, noise, 5, "train", np.arange(COUNT))
    # Of 400 examples of the released code 17 were right.
    assert abs(table["right"].mean() - 17 / 400) < 4 * math.sqrt(17 / 400 * (1 / 400 + 1 / COUNT))


def test_labels_under_character_noise_are_right_as_often_as_their_digits():
    for rate in (0.1, 0.5, 1.0):
        table = made(Noise(characters=rate), style="none", count=3000)
        length = table["end"] - table["begin"]
        assert near(table["right"].mean(), ((1 - 0.9 * rate) ** length).mean(), 3000)


def test_deletion_takes_lines_of_the_trace_and_never_the_answer():
    clean, noised = made(), made(Noise(deletion=0.4))
    assert noised["right"].all()
    total = left = 0
    facts = noised["changed"], noised["longer"]
    for was, now, differ, longest in zip(responses(clean), responses(noised), *facts, strict=True):
        was, now = lines(was), lines(now)
        assert now[-1] == was[-1]
        rest = iter(was)
        assert all(line in rest for line in now)  # in the same order
        assert differ == sum(map(len, was)) - sum(map(len, now))
        # so that 1 - changed / longer is the share of the clean response that is left
        assert longest == sum(map(len, was))
        total, left = total + len(was) - 1, left + len(now) - 1
    assert near(left / total, 0.6, total)


def test_without_a_trace_left_the_answer_stands_alone():
    for said in responses(made(Noise(deletion=1.0), style="compact", count=20)):
        assert said[0] == NEWLINE
        assert max(said[1:-1]) < 10


def test_insertion_adds_copies_of_lines():
    clean = made(style="steps", digits=2, count=100)
    form = Form("add", "steps", 2, 4)
    noised = generate(
        form, 2 * needed(form).tokens, Laws(2, 2, 4, 4, 0.3), Noise(insertion=0.3), 5, "train", np.arange(100)
    )
    total = more = 0
    for was, now in zip(responses(clean), responses(noised), strict=True):
        was, now = lines(was), lines(now)
        assert set(now) == set(was)
        total, more = total + len(was) - 1, more + len(now) - len(was)
        rest = iter(now)
        assert all(line in rest for line in was)
    assert near(more / total, 0.3, total)


def test_swaps_exchange_neighbours():
    clean, noised = made(), made(Noise(swap=1.0))
    for was, now in zip(responses(clean), responses(noised), strict=True):
        was, now = lines(was), lines(now)
        pairs = (len(was) - 1) // 2
        expected = [line for k in range(pairs) for line in (was[2 * k + 1], was[2 * k])]
        assert now == [*expected, *was[2 * pairs :]]


def test_contamination_gates_every_kind():
    clean = made()
    for noise in NOISES.values():
        some = Noise(**(vars(noise) | {"contamination": 0.3}))
        noised = made(some)
        touched = noised["contaminated"] == 1
        assert near(touched.mean(), 0.3, COUNT)
        assert (noised["tokens"] == clean["tokens"])[~touched].all()
        assert (noised["changed"][~touched] == 0).all()
        assert noised["right"][~touched].all()
        assert noised["changed"][touched].mean() > 1


def test_facts_of_a_noised_example_record_whether_its_answer_is_true():
    for noise in NOISES.values():
        table = made(noise, style="compact", count=200)
        for i, said in enumerate(responses(table)):
            x, y = parsed(table["tokens"][i, : table["begin"][i]].tolist())[1]
            answer = "".join(map(str, said[len(said) - said[::-1].index(NEWLINE) : -1]))
            assert (answer == str(x + y)) == bool(table["right"][i])


def test_dynamic_noise_redraws_new_numbers_at_its_rate():
    rate = 0.3
    table = made(Noise(dynamic=rate), style="compact", digits=3, count=3000)
    names = vocabulary()
    first = []
    for i, said in enumerate(responses(table)):
        x, _ = parsed(table["tokens"][i, : table["begin"][i]].tolist())[1]
        assert names[said[0]] == "digx"
        if x % 10:
            first.append(said[1] == x % 10)
        else:
            assert said[1] == 0  # the digits before the first that is not 0 stay
    assert near(np.mean(first), 1 - 0.9 * rate, len(first))


def test_the_papers_lines_redraw_digits_below_nine():
    tables = (made(Noise(dynamic=d, hidden=1.0), style="lines", digits=3, count=3000) for d in (0.0, 1.0))
    names = vocabulary("lines")
    first = [
        [next(line for line in lines(said) if names[line[0]] == "digx")[2] for said in responses(t)] for t in tables
    ]
    redrawn = [now for was, now in zip(*first, strict=True) if was]
    assert set(redrawn) == set(range(9))


def test_digits_are_redrawn_uniformly():
    clean, noised = (made(Noise(dynamic=rate), style="compact", digits=3, count=5000) for rate in (0.0, 1.0))
    pairs = [(was[1], now[1]) for was, now in zip(responses(clean), responses(noised), strict=True)]
    assert chisquare(np.bincount([now for was, now in pairs if was], minlength=10)).pvalue > 0.001


@pytest.mark.parametrize("style", ["steps", "compact"])
def test_noise_on_printed_numbers_alone_keeps_a_trace_consistent(style):
    task = TInt(style=style, max_digits=3, examples=300, test_examples=1)

    @jax.jit
    def follows(task):
        examples = jax.vmap(task.sample, (0, None))(jax.random.split(jax.random.key(0), 300), "train")
        return jax.vmap(task.judge)(examples, examples.targets)["follows"].mean()

    shares = {
        name: follows(task.replace(**rates).materialise())
        for name, rates in {
            "printed": {"dynamic": 0.3},
            "hidden": {"dynamic": 0.3, "hidden": 1.0},
            "characters": {"characters": 0.3},
        }.items()
    }
    # In lines a few noised traces are longer than the buffer, and what is cut is their end.
    assert shares["printed"] >= (1.0 if style == "compact" else 0.97)
    assert max(shares["hidden"], shares["characters"]) < 0.8


def test_an_odd_medians_trace_is_noised_too():
    clean, noised = (made(noise, operations="median", items=5, count=50) for noise in (Noise(), Noise(dynamic=0.2)))
    names = vocabulary()
    wrong = 0
    for was, now in zip(responses(clean), responses(noised), strict=True):
        candidates = [[line for line in lines(said) if names[line[0]] == "candidate"] for said in (was, now)]
        wrong += candidates[0] != candidates[1]
    assert wrong > 45


@pytest.mark.parametrize("noise", [Noise(dynamic=0.5, hidden=1.0, operator_errors=0.5), Noise(dynamic=1.0, hidden=1.0)])
@pytest.mark.parametrize("name", ["median", "gcd"])
def test_every_noised_computation_ends_with_an_answer(name, noise):
    table = made(noise, operations=name, style="compact", digits=2, items=4, count=50)
    for said in responses(table):
        answer = said[len(said) - said[::-1].index(NEWLINE) : -1]
        assert answer
        assert max(answer) < 10
    assert (table["end"] < table["tokens"].shape[1]).all()


def test_operator_errors_replace_an_operation_by_another():
    table = made(Noise(operator_errors=1.0), digits=2, count=300)
    names = vocabulary()
    found = set()
    for i, said in enumerate(responses(table)):
        x, y = parsed(table["tokens"][i, : table["begin"][i]].tolist())[1]
        line = next(line for line in lines(said) if names[line[0]] == "ds")
        value, (a, b) = int("".join(map(str, line[2:-1]))), (x % 10, y % 10)
        assert value in (abs(a - b), a * b)
        found.add(value == a * b)
    assert found == {True, False}


def longest_common(a, b):
    """Length of a longest common subsequence, by the usual table."""
    best = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, best[j] = best[j], diagonal + 1 if x == y else max(best[j], best[j - 1])
    return best[-1]


def test_changed_counts_tokens_outside_a_longest_common_subsequence():
    rng = np.random.default_rng(0)
    width, batch = 150, 12
    clean, noised = rng.integers(0, 4, (2, batch, width)).astype(np.uint8)
    noised[: batch // 2] = np.where(rng.random((batch // 2, width)) < 0.1, noised[: batch // 2], clean[: batch // 2])
    lengths = rng.integers(1, width + 1, (2, batch))
    found = changed(clean, lengths[0], noised, lengths[1])
    for i, (m, n) in enumerate(lengths.T.tolist()):
        assert found[i] == max(m, n) - longest_common(clean[i, :m].tolist(), noised[i, :n].tolist())


def test_levels_of_noise_are_ordered():
    for name in ("characters", "deletion", "dynamic", "operator_errors"):
        shares = [made(Noise(**{name: rate}), count=300)["changed"].mean() for rate in (0.0, 0.1, 0.3)]
        assert shares[0] == 0
        assert all(a < b for a, b in itertools.pairwise(shares))
