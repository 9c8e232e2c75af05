"""What the studies of chains of thought and composition compare, and that only that differs."""

import pytest

from experiments.engine import config
from experiments.studies.cot.sizes import LOGS


def jobs(study):
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
def test_the_control_of_direct_answers_has_three_times_the_examples(scale):
    sizes = {job.swept["cot/answer"]: job.run.train.batch_size for job in jobs(f"cot/sizes/{scale}")}
    (more,) = (name for name in sizes if name.startswith("direct_3x"))
    assert sizes[more] == 3 * sizes["direct"]


def test_arms_of_composition_differ_in_what_the_study_asks_alone():
    kept = {job.run.task.replace(primitives=0) for job in jobs("composition/diversity/cpu") if job.run.seed == 21}
    assert len({(task.distinct, task.bare_share, task.grammar) for task in kept}) == 1
