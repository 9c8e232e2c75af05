"""What the studies of hints and recursion compare, and that only that differs."""

from typing import Any

import pytest

from experiments import studies
from experiments.engine import config
from experiments.judging import results
from experiments.judging.grid import Grid
from experiments.studies.recursion.family import shortcuts
from tests.tables import made_up


def jobs(study) -> list[Any]:
    return config.jobs(config.sweep([f"study={study}"]))


@pytest.mark.parametrize("study", ["recursion/edges", "recursion/order"])
@pytest.mark.parametrize("scale", ["smoke", "cpu", "gpu", "paper"])
def test_the_deep_carries_of_a_study_are_of_a_length_in_training_and_held_out(study, scale):
    for job in jobs(f"{study}/{scale}"):
        task = job.run.task
        deep, split = task.conditions()["deep"]
        assert task.test_length // 2 - 1 <= deep.min_edge <= deep.max_edge < task.test_length - 2
        assert (deep.min_length, deep.train_length, split) == (task.test_length, task.test_length, "unseen")
        assert task.train_length >= task.test_length


def test_all_hints_have_the_same_share_and_no_positions():
    runs = [job.run for job in jobs("hints/sorting/cpu")]
    assert {(run.task.hint_share, run.model.position) for run in runs} == {(1 / 3, "none")}


@pytest.mark.parametrize("study", ["hints/sorting", "hints/temperature"])
@pytest.mark.parametrize("scale", ["smoke", "cpu", "gpu", "paper"])
def test_a_training_row_has_room_for_the_training_lengths_alone_and_the_length_that_is_judged_is_tested(study, scale):
    for job in jobs(f"{study}/{scale}"):
        task = job.run.task
        assert task.train_context == task.tokens_at(task.train_length)[1] - 1
        assert {f"length_{task.train_length}", f"length_{3 * task.train_length}"} <= set(task.conditions())


def test_runs_of_the_study_of_temperature_sort_in_every_example():
    assert {job.run.task.hint_share for job in jobs("hints/temperature/cpu")} == {0.0}


def test_notes_name_the_programs_that_predict_which_inputs_fail_and_how():
    depths = {
        "depth_0": [1.0, 1.0],
        "depth_8": [1.0, 1.0],
        "depth_12": [0.0, 0.5],
        "depth_19": [0.0, 0.0],
        "deep": [0.0, 0.5],
    }
    judged = {"greedy_match": [0.0, 0.5], "stops_8": [0.75, 0.25], "stops_6": [0.1, 0.1], "window_8": [0.0, 0.0]}
    more = {f"{condition}#{name}": score for condition in depths for name, score in judged.items()}
    scores = {"within": [0.99, 0.99], **depths, **more}
    table = made_up("recursion/order/cpu", ["task.test_length", "task.order"], {(20, "most"): scores})
    axes = studies.claim_for("recursion/order/cpu").criterion.axes
    which, letter = shortcuts(Grid(results.check(table), axes))
    assert "(8, 8 by seed) says of 0.94 of the inputs whether they fail" in which
    assert "if it looked at all, of 0.56" in which
    assert "the best program (whose carry stops after 8 bits) writes 0.67" in letter
