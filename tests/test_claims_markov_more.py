"""Criteria of the claims on encrypted and abstract rewriting, on made-up tables for every verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from tests.criteria import assert_drawn_and_printed, passes_by_chance
from tests.tables import made_up

HIGH, LOW, SPREAD = (0.95, 0.93, 0.96), (0.01, 0.0, 0.02), (0.0, 0.5, 0.99)
FIT, WEAK = (0.99, 0.98, 1.0), (0.6, 0.55, 0.62)
Scores = Sequence[float]


def encrypted_of(many: Scores, few: Scores = LOW, noop: Scores = HIGH, fit: Scores = FIT) -> pl.DataFrame:
    """Scores where the rule applies, with many rules and with few, and of the no-op cases with many."""
    settings = {
        (rules,): {
            "train": fit if rules == 1000 else FIT,
            "unseen/applied": few if rules == 100 else many,
            "unseen/noop": HIGH if rules == 100 else noop,
            "seen/applied": HIGH,
            "seen/noop": HIGH,
        }
        for rules in (100, 300, 1000)
    }
    return made_up("markov/encrypted/cpu", ["task.num_rules"], settings)


def abstraction_of(many: Scores, deeper: Scores, fit: Scores = FIT) -> pl.DataFrame:
    """Scores on unseen rules with many rules, and of few rules in deeper expressions with most diversification."""
    settings = {
        (rules, diverse): {
            "train": fit if (rules, diverse) == (30, 10) else FIT,
            "unseen": many if rules == 1000 else LOW if diverse == 10 else HIGH,
            "seen/deeper": deeper if (rules, diverse) == (30, 1000) else LOW,
            "unseen/deeper": LOW,
        }
        for rules in (30, 1000)
        for diverse in (10, 1000)
    }
    return made_up("markov/abstraction/cpu", ["task.num_rules", "task.diverse_rules"], settings)


# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Callable[..., pl.DataFrame], tuple, tuple, tuple]] = {
    "markov/encrypted": (encrypted_of, (HIGH,), (LOW,), (SPREAD,)),
    "markov/abstraction": (abstraction_of, (HIGH, HIGH), (LOW, HIGH), (SPREAD, HIGH)),
}


def judged(claim: str, *scores: Scores, **more: Scores):
    return claims.claim_for(claim).criterion(results.check(CASES[claim][0](*scores, **more)))


@pytest.mark.parametrize("claim", CASES)
def test_each_verdict_is_given_where_it_is_due(claim: str):
    _, good, bad, unclear = CASES[claim]
    assert judged(claim, *good).verdict == "reproduced"
    assert judged(claim, *bad).verdict == "not reproduced"
    assert judged(claim, *unclear).verdict == "inconclusive"
    assert judged(claim, *good).seeds == 3


@pytest.mark.parametrize("claim", CASES)
def test_nothing_is_concluded_where_training_is_not_fitted(claim: str):
    judgement = judged(claim, *CASES[claim][1], fit=WEAK)
    assert judgement.verdict == "not fitted"
    assert "0.9" in judgement.sentence


@pytest.mark.parametrize(
    ("claim", "scores", "why"),
    [
        ("markov/encrypted", (FIT, (0.6, 0.61, 0.6)), "no-op minus applied"),
        ("markov/encrypted", (HIGH, LOW, WEAK), "in no-op cases"),
        ("markov/abstraction", (LOW, HIGH), "1,000 rules minus 30"),
        ("markov/abstraction", (HIGH, LOW), "30 rules in deeper expressions"),
    ],
)
def test_one_part_that_fails_is_enough_and_is_named(claim: str, scores: tuple, why: str):
    judgement = judged(claim, *scores)
    assert judgement.verdict == "not reproduced"
    assert why in judgement.sentence
    assert ";" not in judgement.sentence


def test_abstraction_is_not_judged_on_one_number_of_rules_of_diversification():
    table = abstraction_of(HIGH, HIGH).filter(pl.col("task.diverse_rules") == 10)
    judgement = claims.claim_for("markov/abstraction").criterion(table)
    assert judgement.verdict == "inconclusive"
    assert "two of rules of diversification" in judgement.sentence


@pytest.mark.parametrize("claim", CASES)
def test_one_seed_one_setting_or_a_missing_run_bars_a_verdict(claim: str):
    make, good, _, _ = CASES[claim]
    table = make(*good)
    criterion = claims.claim_for(claim).criterion
    assert criterion(table.filter(seed=0)).verdict == "inconclusive"
    assert criterion(table.filter(pl.col("task.num_rules") == table["task.num_rules"][0])).verdict == "inconclusive"
    run = table["run"][0]
    assert f"seed {table.filter(run=run)['seed'][0]}" in criterion(table.filter(pl.col("run") != run)).sentence


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(made_up("other/cpu", ["task.noop_rate"], {(0.1,): {"train": HIGH}}))


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    assert_drawn_and_printed(claim, CASES[claim][0](*CASES[claim][1]), tmp_path)


# Worlds in which a claim is false by the least, in one of its parts: mean scores as its table's arguments.
NULLS: dict[str, list[tuple[float, ...]]] = {
    "markov/encrypted": [(0.31, 0.01), (0.95, 0.45), (0.95, 0.02, 0.69)],
    "markov/abstraction": [(0.31, 0.95), (0.95, 0.31)],
}


@pytest.mark.parametrize(("claim", "means"), [(claim, means) for claim in NULLS for means in NULLS[claim]])
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str, means: Sequence[float]):
    assert passes_by_chance(claim, CASES[claim][0], means) <= 0.05
