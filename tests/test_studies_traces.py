"""What the studies of chains of thought and composition compare, and that only that differs."""

from typing import Any

import pytest

from experiments.engine import config
from experiments.studies.cot.sizes import LARGEST, LOGS


def jobs(study: str) -> list[Any]:
    return config.jobs(config.sweep([f"study={study}"]))


def test_the_gpu_scale_of_chains_of_thought_has_every_cell_of_the_authors_table():
    swept = {(job.swept["task"], job.swept["cot/answer"]): job.run for job in jobs("cot/sizes/gpu")}
    answers = {"direct": 3, "direct_4_layers": 4, "direct_5_layers": 5, "trace": 3}
    for problem in LOGS:
        for answer, layers in answers.items():
            run = swept[problem, answer]
            assert (run.model.depth, run.model.width) == (layers, 256)
            assert run.task.answer_as == answer.partition("_")[0]
            assert run.train.batch_size == 512


@pytest.mark.parametrize("scale", ["cpu", "gpu"])
def test_the_largest_problems_are_answered_at_once_after_three_times_the_steps_too(scale):
    runs = [job for job in jobs(f"cot/sizes/{scale}") if job.swept["cot/answer"] == "direct"]
    steps = sorted({job.run.train.steps for job in runs})
    assert steps[1] == 3 * steps[0]
    longer = {job.swept["task"] for job in runs if job.run.train.steps == steps[1]}
    assert longer == (set(LARGEST) if scale == "cpu" else set(LOGS))


def test_arms_of_composition_differ_in_what_the_study_asks_alone():
    kept = {job.run.task.replace(primitives=0) for job in jobs("composition/diversity/cpu") if job.run.seed == 21}
    assert len({(task.distinct, task.bare_share, task.alone_share, task.grammar) for task in kept}) == 1


def test_simple_and_hard_commands_are_as_many_and_have_the_same_tests():
    arms = [job.run.task for job in jobs("composition/difficulty/cpu") if job.run.seed == 41]
    assert sorted(float(task.one_phrase) for task in arms) == [0.1, 0.9]
    assert len({(task.distinct, task.primitives, task.test_phrases, task.bare_share) for task in arms}) == 1


def test_traces_with_faults_are_tested_on_right_ones():
    for job in jobs("cot/robustness/cpu"):
        assert all(not task.wrong and not task.skipped for task, _ in job.run.task.conditions().values())
