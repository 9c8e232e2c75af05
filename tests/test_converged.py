"""A second budget: an arm with twice the steps at one level tells whether training has converged."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pytest

from experiments import claim_contract
from experiments.judging import contract, results
from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim, Judgement
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Converged, Fitted
from experiments.judging.rows import Rows

ARMS = {
    "clean": {"task.characters": 0.0},
    "quarter": {"task.characters": 0.25},
    "half": {"task.characters": 0.5},
    "half_twice": {"task.characters": 0.5, "train.steps": 2400},
}
NOISE = Axis("toy/noise", "noise", ARMS)
LEVEL = NOISE.through("task.characters", noun="noise")
SCORE = Score("test", "right answers")
RULE = Converged(SCORE, once=(NOISE.at("half"),), twice=(NOISE.at("half_twice"),), rise=0.05)
CLAIM = Claim(
    name="toy/noise",
    question="Does noise harm?",
    title="A toy",
    arxiv="",
    where="",
    text="Noise harms.",
    setting="noise",
    criterion=Criterion(
        axes=(NOISE,),
        read=(Fitted(SCORE, instead=(NOISE.at("clean"),)), RULE),
        bounds=((SCORE.at(LEVEL.at(0.25)) - SCORE.at(LEVEL.at(0.5))).at_least(0.1),),
    ),
    rows=Rows({"answer": SCORE}),
    figure=Drawing((Bars(scores={"answer": SCORE}),)),
)


def judged(means: Mapping[str, float], steps: int = 2400) -> Judgement:
    """Judges three seeds around means by arm, of which that of twice the steps ended at `steps`."""
    cells = {(SCORE, (arm,)): [mean - 0.01, mean, mean + 0.01] for arm, mean in means.items()}
    table = contract.table("toy/noise/cpu", (NOISE,), cells)
    own = (pl.col(NOISE.column) == "half_twice") & pl.col("final")
    return CLAIM.judge(results.check(table.with_columns(step=pl.when(own).then(steps).otherwise("step"))))


def test_a_level_to_which_twice_the_steps_add_nothing_is_read_and_the_longer_arm_is_not():
    judgement = judged({"clean": 0.97, "quarter": 0.9, "half": 0.6, "half_twice": 0.62})
    assert judgement.verdict == "reproduced"
    assert judgement.effect
    assert judgement.effect.estimate == pytest.approx(0.3), "of the study's own budget alone"
    assert judgement.notes[0].startswith("Twice the steps add 0.020 [")
    assert judgement.left() == ["Left out, as it is read only to see whether training has converged: half twice."]


def test_nothing_is_read_where_twice_the_steps_add_to_the_score():
    judgement = judged({"clean": 0.97, "quarter": 0.9, "half": 0.6, "half_twice": 0.8})
    assert (judgement.verdict, judgement.cause, judgement.effect) == ("inconclusive", "not settled", None)
    assert "twice the steps add 0.200 at half" in judgement.sentence


def test_nothing_is_read_where_the_longer_arm_was_not_run():
    judgement = judged({"clean": 0.97, "quarter": 0.9, "half": 0.6})
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "arm missing")
    assert judgement.sentence == "Twice the steps at half was not run."


def test_the_longer_arm_may_end_at_any_step_and_other_arms_may_not():
    assert judged({"clean": 0.97, "quarter": 0.9, "half": 0.6, "half_twice": 0.6}, steps=9999).cause == ""
    cells = {(SCORE, (arm,)): [0.5, 0.6] for arm in ARMS}
    table = contract.table("toy/noise/cpu", (NOISE,), cells)
    longer = (pl.col(NOISE.column) == "quarter") & pl.col("final")
    table = table.with_columns(
        step=pl.when(longer).then(1500).otherwise("step"),
        exact_match=pl.when(pl.col(NOISE.column) == "clean").then(0.95).otherwise("exact_match"),
    )
    assert CLAIM.judge(results.check(table)).cause == "steps differ"


@pytest.mark.parametrize("check", claim_contract.CHECKS, ids=lambda check: check.__name__)
def test_a_claim_with_a_second_budget_keeps_the_contract(check):
    check(CLAIM)
