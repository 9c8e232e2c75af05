"""What the studies of hints and recursion compare, and that only that differs."""

import pytest

from experiments.engine import config


def jobs(study):
    return config.jobs(config.sweep([f"study={study}"]))


@pytest.mark.parametrize("study", ["recursion/edges", "recursion/order"])
@pytest.mark.parametrize("scale", ["smoke", "cpu", "gpu", "paper"])
def test_the_deep_carry_of_a_study_is_one_that_its_task_tests(study, scale):
    for job in jobs(f"{study}/{scale}"):
        task = job.run.task
        assert f"depth_{round(0.6 * task.test_length)}" in task.conditions()
        assert task.train_length >= task.test_length


def test_all_hints_have_the_same_share_and_no_positions():
    runs = [job.run for job in jobs("hints/sorting/cpu")]
    assert {(run.task.hint_share, run.model.position) for run in runs} == {(1 / 3, "none")}
