"""Criteria of the claims on TInt, on made-up tables for every verdict."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from paper import claims, results
from paper.claims import tint
from paper.results import RecordError
from paper.table import show
from tests.tables import EXAMPLES, made_up

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


# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Callable[..., pl.DataFrame], tuple, tuple, tuple]] = {
    "tint/static_vs_dynamic": (contrast_of, (HIGH, MIDDLE), (HIGH, HIGH), (SPREAD, MIDDLE)),
}
# Worlds in which a claim is false by the least: mean scores in the order of its table's arguments.
NULLS: dict[str, tuple[float, ...]] = {"tint/static_vs_dynamic": (0.7, 0.51)}
# The noise without which a claim has nothing to judge.
NEEDED = dict.fromkeys(CASES, tint.STATIC)


def judged(claim: str, *arguments: Scores, **more: Scores):
    return claims.claim_for(claim).criterion(results.check(CASES[claim][0](*arguments, **more)))


def still_learning(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The table with a kind of noise at 0.6 of its final answers where the last quarter begins."""
    early = ~pl.col("final") & pl.col(tint.NOISE).str.starts_with(kind)
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
    table = still_learning(CASES[claim][0](*(MIDDLE,) * len(CASES[claim][1])), NEEDED[claim])
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
    assert f"seed {table.filter(run=run)['seed'][0]}" in criterion(table.filter(pl.col("run") != run)).sentence


@pytest.mark.parametrize("claim", CASES)
def test_noise_without_clean_runs_beside_it_bars_a_verdict(claim: str):
    table = CASES[claim][0](*CASES[claim][1])
    judgement = claims.claim_for(claim).criterion(table.filter(~is_clean(table)))
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence == "There must be clean runs beside the noised ones."


def is_clean(table: pl.DataFrame) -> pl.Series:
    return table.select(pl.col(tint.NOISE) == tint.CLEAN).to_series()


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(made_up("tint/x/cpu", ["task.num_rules"], {(1,): scores(FIT)}))


@pytest.mark.parametrize("claim", CASES)
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str):
    rng, repeats, passed = np.random.default_rng(0), 40, 0
    for _ in range(repeats):
        seeds = [np.clip(rng.normal(mean, 0.05, 3), 0, 1) for mean in NULLS[claim]]
        found = [list(rng.binomial(EXAMPLES, true) / EXAMPLES) for true in seeds]
        passed += claims.claim_for(claim).criterion(CASES[claim][0](*found)).verdict == "reproduced"
    assert passed <= 0.05 * repeats


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    found = claims.claim_for(claim)
    table = results.check(CASES[claim][0](*CASES[claim][1]))
    files = found.figure(table, found.criterion(table), tmp_path / "figure")
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"<?xm"]
    printed = io.StringIO()
    show(found, found.criterion(table), table, Console(file=printed, width=80))
    assert max(map(len, printed.getvalue().splitlines())) <= 80
    assert all(word in printed.getvalue() for word in ("reproduced: ", " seeds", "3 seeds", "jax"))


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
