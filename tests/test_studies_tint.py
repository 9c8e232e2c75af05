"""What is special to the studies of TInt: matched noises, settings that are still learning, the map of contrasts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from experiments import studies
from experiments.judging import contract, results
from experiments.judging.claim import Claim, Judgement
from experiments.judging.frame import RecordError
from experiments.judging.grid import Grid
from experiments.studies.tint import cot_or_not, line_noise, operations, prompted, static_vs_dynamic, why
from experiments.studies.tint.family import ANSWER, KEPT, LABEL, NOISE
from synthetic.tint.generate import COMPACT, Form, needed

TINT = [claim for claim in studies.every() if claim.name.startswith("tint/")]
HIGH, MIDDLE, LOW, SPREAD = [0.95, 0.93, 0.96], [0.6, 0.55, 0.62], [0.01, 0.0, 0.02], [0.1, 0.6, 0.99]
LABELS = {
    "clean": 1.0,
    "characters_25": 0.52,
    "characters_50": 0.22,
    "dynamic_10": 0.51,
    "dynamic_20": 0.26,
    "dynamic_45": 0.05,
}
PAIRS = static_vs_dynamic.PAIRS


def made(claim: Claim, answers: Mapping, labels: Mapping[str, float] | None = None) -> pl.DataFrame:
    """The study's table with these answers by setting or by noise alone; all else is answered HIGH."""
    axes = claim.criterion.axes
    place = [axis.column for axis in axes].index(NOISE.column)
    cells = {}
    for setting in contract.settings(axes):
        cells[ANSWER, setting] = answers.get(setting, answers.get(setting[place], HIGH))
        share = (labels or {}).get(setting[place], 0.5)
        cells[LABEL, setting] = [share] * 3
        cells[KEPT, setting] = [share] * 3
    return contract.made(claim, cells)


def judged(claim: Claim, answers: Mapping, labels: Mapping[str, float] | None = None) -> Judgement:
    return claim.judge(results.check(made(claim, answers, labels)))


def contrast(static: list[float], dynamic: list[float], labels: Mapping[str, float] = LABELS) -> pl.DataFrame:
    answers = {name: static for name in LABELS if name.startswith("char")}
    answers |= {name: dynamic for name in LABELS if name.startswith("dyn")}
    return made(static_vs_dynamic.CLAIM, answers, labels)


def learning(table: pl.DataFrame, settings: pl.Expr, share: float = 0.6) -> pl.DataFrame:
    """The table with some settings at a share of their final answers where the last quarter begins."""
    early = ~pl.col("final") & settings
    return table.with_columns(pl.when(early).then(share * pl.col("answer")).otherwise("answer").alias("answer"))


@pytest.mark.parametrize("claim", [c for c in TINT if c is not cot_or_not.CLAIM], ids=lambda claim: claim.name)
def test_nothing_is_concluded_from_noise_under_which_the_model_is_still_learning(claim: Claim):
    clean = "clean" if claim.name != "tint/contamination" else None
    answers = dict.fromkeys({name for setting in contract.settings(claim.criterion.axes) for name in setting}, MIDDLE)
    answers |= {setting: HIGH for setting in contract.settings(claim.criterion.axes) if 0.0 in setting}
    table = made(claim, answers | ({clean: HIGH} if clean else {}))
    judgement = claim.judge(learning(table, pl.col(NOISE.column) != "clean"))
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "not settled"), judgement.sentence
    assert any(left.cause == "not settled" for left in judgement.left_out)
    assert any("unsettled" in row.setting for row in judgement.rows)


def test_nothing_is_concluded_from_answers_without_traces_which_twice_the_steps_raise():
    rising = {"no_trace": MIDDLE, ("no_trace", 4800): HIGH}
    judgement = judged(cot_or_not.CLAIM, rising)
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "not settled"), judgement.sentence
    assert judged(cot_or_not.CLAIM, {"no_trace": MIDDLE}).verdict == "reproduced"


def test_a_score_that_rose_late_but_is_learnt_is_read():
    table = learning(contrast(HIGH, LOW), pl.col(NOISE.column).str.starts_with("characters"))
    assert static_vs_dynamic.CLAIM.judge(table).verdict == "reproduced"


def test_noises_are_paired_by_the_share_of_right_answers():
    grid = static_vs_dynamic.CLAIM.criterion.grid(contrast(HIGH, LOW))
    assert PAIRS.pairs(grid, grid.settings) == [
        (("characters_25",), ("dynamic_10",)),
        (("characters_50",), ("dynamic_20",)),
    ]
    far = LABELS | {"dynamic_20": 0.06}  # within 0.2 of none
    grid = static_vs_dynamic.CLAIM.criterion.grid(contrast(HIGH, LOW, far))
    assert [less for _, less in PAIRS.pairs(grid, grid.settings)] == [("dynamic_10",)]


def test_noises_of_label_shares_that_differ_by_a_factor_are_no_pair():
    judgement = static_vs_dynamic.CLAIM.judge(
        contrast(HIGH, MIDDLE, LABELS | {"characters_50": 0.05, "dynamic_20": 0.01})
    )
    (note,) = (note for note in judgement.notes if note.startswith("By pair"))
    assert "10 % dynamic" in note
    assert "20 % dynamic" not in note


def test_a_run_that_diverged_keeps_the_label_share_of_its_examples():
    table = contrast(HIGH, LOW)
    lost = pl.col("run") == "dynamic_10-1"
    empty = [pl.when(lost & pl.col("final")).then(None).otherwise(n).alias(n) for n in ("answer", "label", "kept")]
    table = table.with_columns(*empty, pl.when(lost).then(pl.lit("diverged")).otherwise("status").alias("status"))
    grid = static_vs_dynamic.CLAIM.criterion.grid(table)
    assert grid.cells(LABEL).estimate(("dynamic_10",)) == pytest.approx(0.51)
    assert grid.cells(ANSWER).scores[("dynamic_10",)][1] == 0


def test_the_harm_of_an_operation_is_measured_from_its_own_clean_training():
    claim = operations.CLAIM
    hard, easy = (
        max(operations.TOKENS.items(), key=lambda of: of[1] if of[0][1] <= 3 and of[0][0] == "add" else 0),
        "add_1",
    )
    judgement = judged(claim, {(f"{hard[0][0]}_{hard[0][1]}", "dynamic_20"): MIDDLE, (easy, "dynamic_20"): HIGH})
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(np.mean(HIGH) - np.mean(MIDDLE))
    assert "add of 3 digits minus add of 1 digit" in judgement.sentence


def test_the_complexity_of_operations_is_the_length_that_the_generator_writes():
    for (name, digits), tokens in operations.TOKENS.items():
        assert needed(Form(name, COMPACT, digits, 5)).tokens == tokens, name


def test_the_worst_level_of_deletion_counts_though_it_is_still_learning():
    table = made(line_noise.CLAIM, {"deletion_50": MIDDLE})
    judgement = line_noise.CLAIM.judge(learning(table, pl.col(NOISE.column) == "deletion_50", 0.1))
    assert judgement.verdict == "inconclusive", "not judged by the milder level, which does no harm"


def test_the_level_from_which_a_noised_trace_is_no_better_than_none_is_noted():
    judgement = judged(cot_or_not.CLAIM, {"no_trace": MIDDLE, "dynamic_20": MIDDLE})
    assert any("no longer better (lower bound at most 0) from 20 % dynamic on" in note for note in judgement.notes)


def test_of_several_departures_the_intervals_are_wider():
    table = made(why.CLAIM, {"hidden_4": MIDDLE})
    few = table.filter(pl.col("tint/why") == "plain")
    narrow, wide = (why.CLAIM.judge(of).effect for of in (few, table))
    assert narrow is not None
    assert wide is not None
    assert wide.lower < narrow.lower < narrow.estimate == wide.estimate


def test_one_contrast_that_may_be_large_bars_the_verdict_that_none_is():
    assert judged(why.CLAIM, {"hidden_4": SPREAD}).verdict == "inconclusive"
    judgement = judged(why.CLAIM, {"hidden_4": MIDDLE})
    assert judgement.verdict == "reproduced"
    assert "hidden too" in judgement.sentence
    assert judged(why.CLAIM, {}).verdict == "not reproduced"


def test_departures_may_differ_in_steps_but_runs_of_one_may_not():
    table = made(why.CLAIM, {"hidden_4": MIDDLE})
    shorter = pl.when(pl.col("tint/why") == "few").then(pl.col("step") - 1).otherwise("step").alias("step")
    assert why.CLAIM.judge(table.with_columns(shorter)).verdict == "reproduced"
    uneven = pl.when(pl.col(NOISE.column) == "hidden_4").then(pl.col("step") - 1).otherwise("step").alias("step")
    assert why.CLAIM.judge(table.with_columns(uneven)).cause == "steps differ"


def test_a_departure_without_a_pair_is_named():
    judgement = judged(why.CLAIM, {}, {"hidden_4": 0.1})
    (note,) = (note for note in judgement.notes if note.startswith("No contrast could be read"))
    assert note == "No contrast could be read: few examples, hidden too; no departure, hidden too."


def test_sampled_answers_beside_greedy_ones_are_a_departure_of_their_own():
    table = made(why.CLAIM, {})
    half = pl.when(pl.col("tint/why") == "plain").then(pl.col("answer") / 2).alias("sampled_answer")
    beside = why.with_sampled(table.with_columns(half))
    plain = table.filter(pl.col("tint/why") == "plain")
    sampled = beside.filter(pl.col("tint/why") == "sampled")
    assert sampled["answer"].to_list() == (plain["answer"] / 2).to_list()
    assert sampled["run"].n_unique() == plain["run"].n_unique()
    assert why.with_sampled(table).equals(table)


def test_noised_worked_examples_are_read_from_their_conditions():
    record = results.read(results.path_for("tint/prompted/cpu"))
    table = prompted.by_noise(record)
    grid = Grid(table, prompted.CLAIM.criterion.axes)
    assert [grid.format_setting(setting) for setting in grid.settings][:3] == [
        "30 % characters",
        "60 % characters",
        "90 % characters",
    ]
    assert prompted.by_noise(table).equals(table)
    with pytest.raises(RecordError, match=r"^sweeps no task.shots, or has no noised worked examples$"):
        prompted.by_noise(record.filter(condition="train"))
