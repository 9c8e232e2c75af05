"""Criteria of the claims on TInt, on made-up tables for every verdict."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies.tint import common as tint
from experiments.studies.tint import why as tint_why
from tests.criteria import assert_drawn_and_printed, passes_by_chance
from tests.tables import made_up

HIGH, MIDDLE, LOW, SPREAD = (0.95, 0.93, 0.96), (0.6, 0.55, 0.62), (0.01, 0.0, 0.02), (0.1, 0.6, 0.99)
FIT = (0.99, 0.98, 1.0)
LABELS = {"characters_25": 0.52, "characters_50": 0.22, "dynamic_10": 0.51, "dynamic_20": 0.26, "dynamic_40": 0.06}
Scores = Sequence[float]


def scores(answer: Scores, label: float = 1.0) -> dict[str, Scores]:
    """One setting's scores: those of the answers, and how many training answers are right."""
    facts: dict[str, Scores] = {f"noised#{name}": (label,) * 3 for name in ("label", "kept")}
    return {"test": answer, "test#answer": answer, "noised": (0.5,) * 3, **facts}


def contrast_of(static: Scores, dynamic: Scores, fit: Scores = FIT, *, study: str = "static_vs_dynamic"):
    settings = {
        (noise,): scores(static if noise.startswith("characters") else dynamic, label)
        for noise, label in LABELS.items()
    }
    return made_up(f"tint/{study}/cpu", ["tint/noise"], {("clean",): scores(fit), **settings}, before=1.0)


def contamination_of(all_noised: Scores, fit: Scores = FIT):
    settings = {
        (noise, share): scores(fit if share == 0 else all_noised, 1 - 0.7 * share)
        for noise in ("characters_50", "dynamic_20")
        for share in (0.0, 0.5, 1.0)
    }
    return made_up("tint/contamination/cpu", ["tint/noise", "task.contamination"], settings, before=1.0)


def cot_of(mild: Scores, none: Scores, fit: Scores = FIT):
    names = {"no_trace": none, "clean": fit, "characters_25": mild, "dynamic_5": mild, "dynamic_20": none}
    settings = {(name,): scores(answer) for name, answer in names.items()}
    return made_up("tint/cot_or_not/cpu", ["tint/noise"], settings, before=1.0)


def operations_of(simple: Scores, complex_: Scores, fit: Scores = FIT):
    """Answers under noise of the simplest operation and of all others."""
    settings = {
        (name, noise): scores(fit if noise == "clean" else simple if name == "add_1" else complex_)
        for name in ("multiply_1", "add_1", "median_1")
        for noise in ("clean", "dynamic_20")
    }
    return made_up("tint/operations/cpu", ["tint/operation", "tint/noise"], settings, before=1.0)


def lines_of(worst: Scores, fit: Scores = FIT):
    names = {"clean": fit, "deletion_25": FIT, "deletion_50": worst, "swap_25": LOW}
    return made_up("tint/line_noise/cpu", ["tint/noise"], {(n,): scores(s) for n, s in names.items()}, before=1.0)


def why_of(hidden: Scores, plain: Scores, fit: Scores = FIT):
    """Answers under dynamic noise with hidden noise, and without; static noise does no harm."""
    settings = {
        (name, noise): scores({"clean": fit, "dynamic_10": plain, "hidden_4": hidden}.get(noise, HIGH), label)
        for name in ("plain", "few")
        for noise, label in (("clean", 1.0), ("characters_25", 0.5), ("dynamic_10", 0.45), ("hidden_4", 0.42))
    }
    return made_up("tint/why/cpu", ["tint/why", "tint/noise"], settings, before=1.0)


def prompted_of(static: Scores, dynamic: Scores, fit: Scores = FIT):
    conditions = {"clean": (fit, 1.0), "characters/0.6": (static, 0.28), "dynamic/0.2": (dynamic, 0.37)}
    conditions |= {"deletion/0.9": (LOW, 1.0), "train": (FIT, 1.0)}
    named = {
        name + {"test": "", "test#answer": "#answer"}.get(score, score.removeprefix("noised")): of
        for name, (answer, label) in conditions.items()
        for score, of in scores(answer, label).items()
        if score != "noised"
    }
    return made_up("tint/prompted/cpu", ["task.shots"], {(3,): named}, before=1.0)


# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Callable[..., pl.DataFrame], tuple, tuple, tuple]] = {
    "tint/static_vs_dynamic": (contrast_of, (HIGH, MIDDLE), (HIGH, HIGH), (SPREAD, MIDDLE)),
    "tint/contamination": (contamination_of, (HIGH,), (MIDDLE,), (SPREAD,)),
    "tint/cot_or_not": (cot_of, (HIGH, MIDDLE), (MIDDLE, MIDDLE), (SPREAD, MIDDLE)),
    "tint/operations": (operations_of, (HIGH, MIDDLE), (HIGH, HIGH), (HIGH, SPREAD)),
    "tint/line_noise": (lines_of, (HIGH,), (MIDDLE,), (SPREAD,)),
    "tint/prompted": (prompted_of, (HIGH, MIDDLE), (HIGH, HIGH), (HIGH, SPREAD)),
    "tint/finetune": (
        functools.partial(contrast_of, study="finetune"),
        (HIGH, MIDDLE),
        (HIGH, HIGH),
        (SPREAD, MIDDLE),
    ),
    "tint/why": (why_of, (MIDDLE, HIGH), (HIGH, HIGH), (SPREAD, HIGH)),
}
# Worlds in which a claim is false by the least: mean scores in the order of its table's arguments.
NULLS: dict[str, tuple[float, ...]] = {
    "tint/static_vs_dynamic": (0.7, 0.51),
    "tint/contamination": (0.88,),
    "tint/cot_or_not": (0.7, 0.61),
    "tint/operations": (0.7, 0.61),
    "tint/line_noise": (0.88,),
    "tint/prompted": (0.7, 0.61),
    "tint/finetune": (0.7, 0.51),
    "tint/why": (0.76, 0.95),
}
# The kind of noise without which a claim has nothing to judge.
NEEDED = dict.fromkeys(CASES, tint.STATIC) | {
    "tint/operations": tint.DYNAMIC,
    "tint/why": f"{tint.DYNAMIC}|{tint.HIDDEN}",
    "tint/line_noise": "deletion",
    "tint/cot_or_not": "no_trace",
}


def judged(claim: str, *arguments: Scores, **more: Scores):
    return claims.claim_for(claim).criterion(results.check(CASES[claim][0](*arguments, **more)))


def still_learning(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The table with a kind of noise at 0.6 of its final answers where the last quarter begins."""
    of_kind = pl.col(tint.NOISE if tint.NOISE in table.columns else "condition").str.contains(f"^({kind})")
    early = ~pl.col("final") & of_kind
    return table.with_columns(pl.when(early).then(0.6 * pl.col("answer")).otherwise("answer").alias("answer"))


@pytest.mark.parametrize("claim", CASES)
def test_each_verdict_is_given_where_it_is_due(claim: str):
    _, good, bad, unclear = CASES[claim]
    assert judged(claim, *good).verdict == "reproduced"
    assert judged(claim, *bad).verdict == "not reproduced"
    assert judged(claim, *unclear).verdict == "inconclusive"
    assert judged(claim, *good).seeds == 3


@pytest.mark.parametrize("claim", CASES)
def test_nothing_is_concluded_where_clean_training_is_not_fitted(claim: str):
    judgement = judged(claim, *CASES[claim][1], fit=MIDDLE)
    assert judgement.verdict == "not fitted"
    assert "0.9" in judgement.sentence


@pytest.mark.parametrize("claim", CASES)
def test_nothing_is_concluded_from_noise_under_which_the_model_is_still_learning(claim: str):
    make, good, _, _ = CASES[claim]
    table = still_learning(make(*(MIDDLE for _ in good)), NEEDED[claim])
    judgement = claims.claim_for(claim).criterion(table)
    assert judgement.verdict == "inconclusive"
    assert any("still rising by more than 0.1" in note for note in judgement.notes)
    assert any("unsettled" in row.setting for row in judgement.rows)


def test_what_rose_late_but_is_learnt_counts():
    table = still_learning(contrast_of(HIGH, LOW), tint.STATIC)
    assert claims.claim_for("tint/static_vs_dynamic").criterion(table).verdict == "reproduced"


@pytest.mark.parametrize("claim", CASES)
def test_one_seed_or_a_missing_run_bars_a_verdict(claim: str):
    make, good, _, _ = CASES[claim]
    table = make(*good)
    criterion = claims.claim_for(claim).criterion
    assert criterion(table.filter(seed=0)).verdict == "inconclusive"
    run = table["run"][-1]
    if table["run"].n_unique() > 3:  # else each run is all that there is of its seed
        assert f"seed {table.filter(run=run)['seed'][0]}" in criterion(table.filter(pl.col("run") != run)).sentence


@pytest.mark.parametrize("claim", CASES)
def test_noise_without_clean_runs_beside_it_bars_a_verdict(claim: str):
    table = CASES[claim][0](*CASES[claim][1])
    clean = pl.col("condition" if claim == "tint/prompted" else tint.NOISE) == tint.CLEAN
    if claim == "tint/contamination":
        clean = pl.col("task.contamination") == 0
    judgement = claims.claim_for(claim).criterion(table.filter(~clean))
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence == "There must be clean runs beside the noised ones."


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(made_up("tint/x/cpu", ["task.num_rules"], {(1,): scores(FIT)}))


@pytest.mark.parametrize("claim", CASES)
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str):
    assert passes_by_chance(claim, CASES[claim][0], NULLS[claim]) <= 0.05


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    assert_drawn_and_printed(claim, CASES[claim][0](*CASES[claim][1]), tmp_path)


def test_noises_are_paired_by_the_share_of_right_answers():
    found = tint.measured(contrast_of(HIGH, LOW), ["tint/noise"])
    pairs = tint.matched(found, list(found.answer.scores))
    assert [(static, dynamic) for (static,), (dynamic,) in pairs] == [
        ("characters_25", "dynamic_10"),
        ("characters_50", "dynamic_20"),
    ], "none is within 0.1 of dynamic_40"


def test_a_run_that_diverged_keeps_the_label_share_of_its_examples():
    table = contrast_of(HIGH, LOW)
    lost = pl.col("run") == table.filter(pl.col("tint/noise") == "dynamic_10")["run"][0]
    empty = [pl.when(lost & pl.col("final")).then(None).otherwise(n).alias(n) for n in ("answer", "label", "kept")]
    table = table.with_columns(*empty, pl.when(lost).then(pl.lit("diverged")).otherwise("status").alias("status"))
    found = tint.measured(table, ["tint/noise"])
    assert found.label[("dynamic_10",)].estimate == pytest.approx(0.51)
    assert found.answer.scores[("dynamic_10",)][0] == 0


def test_the_harm_of_an_operation_is_measured_from_its_own_clean_training():
    judgement = judged("tint/operations", HIGH, MIDDLE)
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(np.mean(HIGH) - np.mean(MIDDLE))
    assert "median of 1 digit minus add of 1 digit" in judgement.sentence


def test_the_worst_level_of_deletion_counts_though_it_is_still_learning():
    table = lines_of(MIDDLE)
    early = ~pl.col("final") & (pl.col("tint/noise") == "deletion_50")
    table = table.with_columns(pl.when(early).then(0.1).otherwise("answer").alias("answer"))
    judgement = claims.claim_for("tint/line_noise").criterion(table)
    assert judgement.verdict == "inconclusive", "not judged by the milder level, which does no harm"


def test_from_which_level_on_a_trace_is_no_longer_better_than_none():
    judgement = judged("tint/cot_or_not", HIGH, MIDDLE)
    assert any("no longer better (lower bound at most 0) from 20 % dynamic on" in note for note in judgement.notes)


def test_of_several_departures_the_intervals_are_wider():
    few, many = why_of(MIDDLE, HIGH).filter(pl.col("tint/why") == "plain"), why_of(MIDDLE, HIGH)
    narrow, wide = (claims.claim_for("tint/why").criterion(table).effect for table in (few, many))
    assert narrow is not None
    assert wide is not None
    assert wide.lower < narrow.lower < narrow.estimate == wide.estimate


def test_one_contrast_that_may_be_large_bars_that_there_is_none():
    assert judged("tint/why", SPREAD, HIGH).verdict == "inconclusive"
    assert "hidden too" in judged("tint/why", MIDDLE, HIGH).sentence


def test_departures_may_differ_in_steps_but_runs_of_one_may_not():
    table = why_of(MIDDLE, HIGH)
    shorter = pl.when(pl.col("tint/why") == "few").then(pl.col("step") - 1).otherwise("step").alias("step")
    assert claims.claim_for("tint/why").criterion(table.with_columns(shorter)).verdict == "reproduced"
    uneven = pl.when(pl.col("tint/noise") == "hidden_4").then(pl.col("step") - 1).otherwise("step").alias("step")
    assert "different steps" in claims.claim_for("tint/why").criterion(table.with_columns(uneven)).sentence


def test_a_departure_without_a_pair_is_named():
    lost = pl.when(pl.col("tint/noise") == "hidden_4", pl.col("label").is_not_null()).then(0.1).otherwise("label")
    judgement = claims.claim_for("tint/why").criterion(why_of(MIDDLE, HIGH).with_columns(lost.alias("label")))
    (note,) = (note for note in judgement.notes if note.startswith("No contrast could be read"))
    assert "no departure, hidden too" in note
    assert "few examples, hidden too" in note


def test_noises_of_label_shares_that_differ_by_a_factor_are_no_pair():
    few = pl.when(pl.col("tint/noise") == "dynamic_20", pl.col("label").is_not_null()).then(0.01).otherwise("label")
    low = pl.when(pl.col("tint/noise") == "characters_50", pl.col("label").is_not_null()).then(0.05).otherwise(few)
    table = contrast_of(HIGH, MIDDLE).with_columns(low.alias("label"))
    (note,) = (n for n in claims.claim_for("tint/static_vs_dynamic").criterion(table).notes if n.startswith("By pair"))
    assert "10 % dynamic" in note
    assert "20 % dynamic" not in note


def test_sampled_answers_beside_greedy_ones_are_a_departure_of_their_own():
    beside = why_of(HIGH, HIGH).with_columns(
        pl.when(pl.col("tint/why") == "plain").then(pl.col("answer") / 2).alias("sampled_answer")
    )
    found = tint_why.with_sampled(beside).filter(pl.col("tint/why") == "sampled")
    plain = beside.filter(pl.col("tint/why") == "plain")
    assert found["answer"].to_list() == plain["sampled_answer"].to_list()
    assert found["run"].n_unique() == plain["run"].n_unique()
    assert tint_why.with_sampled(why_of(HIGH, HIGH)).equals(why_of(HIGH, HIGH))
