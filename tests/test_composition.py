"""What is true of SCAN: its grammar, its interpreter, and what training never has."""

from collections import Counter

import pytest
from scipy.stats import chisquare

from fields import check
from synthetic.composition import Scan
from synthetic.composition.grammar import GRAMMARS, interpret
from tests.generated import drawn, each

ACTIONS = {"walk": "WALK", "jump": "JUMP", "run": "RUN", "look": "LOOK"}


def commands(task, split, count=4096):
    return [tuple(task.prompt(example)) for example in each(drawn(task, split, count))]


@pytest.mark.parametrize(
    ("grammar", "primitives", "number"), [("full", 4, 20910), ("full", 8, 69378), ("small", 40, 119316)]
)
def test_the_grammar_has_as_many_commands_as_the_original(grammar, primitives, number):
    phrases = GRAMMARS[grammar].phrases(primitives)
    assert phrases + 2 * phrases**2 == number


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        ("jump", "JUMP"),
        ("jump left", "TURN_LEFT JUMP"),
        ("jump around right", "TURN_RIGHT JUMP " * 4),
        ("turn left twice", "TURN_LEFT TURN_LEFT"),
        ("jump thrice", "JUMP JUMP JUMP"),
        ("jump opposite left and walk thrice", "TURN_LEFT TURN_LEFT JUMP WALK WALK WALK"),
        ("jump opposite left after walk around left", "TURN_LEFT WALK " * 4 + "TURN_LEFT TURN_LEFT JUMP"),
        ("turn around right after look", "LOOK TURN_RIGHT TURN_RIGHT TURN_RIGHT TURN_RIGHT"),
    ],
)
def test_the_interpreter_says_what_the_original_says(command, actions):
    assert interpret(command, ACTIONS).split() == actions.split()


def test_training_has_as_many_distinct_commands_as_it_should_and_the_held_out_word_alone():
    task = Scan(distinct=300)
    train = Counter(commands(task, "train", 8192))
    bare = [command for command in train if task.names.index("p0") in command]
    assert [task.format(list(command)) for command in bare] == ["p0 :"]
    assert len(train) == 301
    assert train[bare[0]] / 8192 == pytest.approx(0.1, abs=0.015)
    assert not train.keys() & set(commands(task, "fresh"))


def test_words_that_are_said_alone_in_training_are_in_no_fresh_command():
    task = Scan(primitives=4, distinct=20, max_phrases=1, test_phrases=1, alone_share=0.5)
    assert check({"primitives": 4, "distinct": 20, "max_phrases": 1, "alone_share": 0.5}, Scan, "task")[1] == [
        "task.distinct: below 19, the number of such commands, so that fresh ones are left, got 20"
    ]
    task = task.replace(distinct=18)
    alone = {(task.names.index(f"p{i}"), task.names.index(":")) for i in (1, 2, 3)}
    train, fresh = Counter(commands(task, "train")), set(commands(task, "fresh"))
    assert all(train[command] > 4096 / 8 for command in alone)
    assert fresh
    assert not fresh & (alone | train.keys())


def test_a_share_of_the_distinct_commands_has_one_phrase():
    task = Scan(distinct=40, one_phrase=0.25, bare_share=0.0)
    joints = {task.names.index("and"), task.names.index("after")}
    train, fresh = Counter(commands(task, "train")), set(commands(task, "fresh"))
    single = [command for command in train if not joints & set(command)]
    assert (len(single), len(train)) == (10, 40)
    assert sum(train[command] for command in single) / 4096 == pytest.approx(0.25, abs=0.03)
    fresh_single = {command for command in fresh if not joints & set(command)}
    assert len(fresh_single) == 22 - 10
    assert set(commands(*task.conditions()["fresh_one_phrase"])) == fresh_single
    assert not fresh & train.keys()
    _, errors = check({"distinct": 100, "one_phrase": 0.5}, Scan, "task")
    assert errors == ["task.one_phrase: so few that fresh commands of one phrase are left of 22, got 50"]


def test_all_commands_that_compose_the_held_out_word_are_as_likely():
    task = Scan(primitives=2, distinct=20)
    count = Counter(commands(task, "composed", 8192))
    # 16 phrases, of which 6 have the word.
    assert len(count) == 5 + 2 * (16**2 - 10**2)
    assert chisquare(list(count.values())).pvalue > 1e-3
    assert all(task.names.index("p0") in command for command in count)


def test_several_primitives_can_be_held_out():
    task = Scan(primitives=4, bare_primitives=2, distinct=20, bare_share=0.5)
    held = {task.names.index("p0"), task.names.index("p1")}
    train, count = Counter(commands(task, "train")), Counter(commands(task, "composed", 16384))
    bare = [command for command in train if held & set(command)]
    assert sorted(task.format(list(command)) for command in bare) == ["p0 :", "p1 :"]
    assert all(train[command] / 4096 == pytest.approx(0.25, abs=0.03) for command in bare)
    assert len(train) == 22
    assert not any(held & set(command) for command in commands(task, "fresh"))
    # 28 phrases, of which 12 have one of the two words.
    assert len(count) == 2 * 5 + 2 * (28**2 - 16**2)
    assert chisquare(list(count.values())).pvalue > 1e-3
    assert all(held & set(command) for command in count)
    assert not count.keys() & train.keys()
    _, errors = check({"primitives": 4, "bare_primitives": 4}, Scan, "task")
    assert errors == ["task.bare_primitives: below task.primitives = 4, got 4"]


def test_more_training_commands_than_leave_a_fresh_one_are_refused():
    assert check({"distinct": 989}, Scan, "task")[1] == []
    _, errors = check({"distinct": 990}, Scan, "task")
    assert errors == ["task.distinct: below 990, the number of such commands, so that fresh ones are left, got 990"]
