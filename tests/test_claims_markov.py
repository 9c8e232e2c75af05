"""Criteria of the claims on rewriting, on made-up tables for every verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.criteria import Cells
from experiments.judging.results import RecordError
from experiments.judging.statistics import Interval
from experiments.studies.markov.common import Part
from experiments.studies.markov.effective import effective_rules, rules_with_share, shares
from experiments.studies.markov.occurrences import PAPER
from tests.criteria import assert_drawn_and_printed, passes_by_chance
from tests.tables import EXAMPLES, made_up

HIGH, MIDDLE, LOW, SPREAD = (0.95, 0.93, 0.96), (0.6, 0.55, 0.62), (0.01, 0.0, 0.02), (0.0, 0.5, 0.99)
FIT = (0.99, 0.98, 1.0)
Scores = Sequence[float]


def long_tail_of(few: Scores, many: Scores, fit: Scores = FIT) -> pl.DataFrame:
    """Scores at the most peaked shape, with few rules and with many."""
    settings = {
        (rules, shape): {"train": fit if shape < 1 else FIT, "unseen/applied": HIGH if shape == 1.0 else peaked}
        for rules, peaked in ((1000, few), (10000, many))
        for shape in (1.0, 0.5, 0.1)
    }
    return made_up("markov/long_tail/cpu", ["task.num_rules", "task.rule_power"], settings)


def noop_of(few: Scores, rare: Scores, common: Scores, fit: Scores = FIT) -> pl.DataFrame:
    """Scores with few rules, and with many at the smallest and the largest share of no-op inputs."""
    settings = {
        (share, rules): {
            "train": fit if rules == 1000 else FIT,
            "unseen/applied": few if rules == 100 else rare if share == 0.1 else common,
            "unseen/noop": HIGH,
        }
        for share in (0.1, 0.5)
        for rules in (100, 1000)
    }
    return made_up("markov/noop/cpu", ["task.noop_rate", "task.num_rules"], settings)


def occurrences_of(varied: Scores, fixed: Scores, few: Scores = LOW, fit: Scores = FIT) -> pl.DataFrame:
    """Scores with many rules trained on mixed and on fixed occurrences, and with few rules on mixed."""
    settings = {
        (f"markov_occurs_{law}", rules): {
            "train": fit if law == "mixed" else FIT,
            "unseen/mixed": (few if rules == 200 else varied) if law == "mixed" else LOW if rules == 200 else fixed,
        }
        for law in ("1", "10", "mixed")
        for rules in (200, 500, 1000)
    }
    return made_up("markov/occurrences/cpu", ["task", "task.num_rules"], settings)


def robustness_of(long: Scores, short: Scores = HIGH, fit: Scores = FIT) -> pl.DataFrame:
    """Scores of the longest and of shorter inputs, with many rules."""
    settings = {
        (f"markov_{n}_{p}", rules): {
            "train": fit if n > 5 else FIT,
            "unseen/applied": LOW if rules == 100 else long if n == 20 else short,
        }
        for n, p in ((5, 2), (10, 4), (20, 8))
        for rules in (100, 1000)
    }
    return made_up("markov/robustness/cpu", ["task", "task.num_rules"], settings)


def families_of(three: Scores, fewer: Scores, few: Scores = LOW, fit: Scores = FIT) -> pl.DataFrame:
    """Scores of three families and of fewer with many rules, and of three with few."""
    mixtures = ("repeated", "mirrored", "repeated_mirrored", "three_families")
    settings = {
        (f"markov_{kinds}", 6, rules): {
            "train": fit if kinds == "three_families" else FIT,
            "unseen/applied": HIGH,
            "unseen/plain": (few if rules == 200 else three)
            if kinds == "three_families"
            else (LOW if rules == 200 else fewer),
        }
        for kinds in mixtures
        for rules in (200, 2000)
    }
    return made_up("markov/families/cpu", ["task", "task.max_k", "task.num_rules"], settings)


# Claim -> (how its tables are made, scores that reproduce it, that do not, that leave it open)
CASES: dict[str, tuple[Callable[..., pl.DataFrame], tuple, tuple, tuple]] = {
    "markov/long_tail": (long_tail_of, (LOW, HIGH), (HIGH, HIGH), (SPREAD, HIGH)),
    "markov/noop": (noop_of, (LOW, HIGH, HIGH), (HIGH, HIGH, HIGH), (LOW, HIGH, SPREAD)),
    "markov/occurrences": (occurrences_of, (HIGH, MIDDLE), (HIGH, HIGH), (SPREAD, MIDDLE)),
    "markov/robustness": (robustness_of, (HIGH,), (LOW,), (SPREAD,)),
    "markov/families": (families_of, (MIDDLE, LOW), (LOW, LOW), (SPREAD, LOW)),
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


@pytest.mark.parametrize(
    ("claim", "scores", "why"),
    [
        ("markov/long_tail", (LOW, LOW), "with 10,000 rules"),
        ("markov/noop", (LOW, HIGH, MIDDLE), "a no-op share of 0.5 minus 0.1"),
        ("markov/noop", (LOW, MIDDLE, HIGH), "a no-op share of 0.5 minus 0.1"),
        ("markov/occurrences", (HIGH, MIDDLE, HIGH), "1,000 rules minus 200"),
        ("markov/families", (HIGH, MIDDLE, HIGH), "three families, 2,000 rules minus 200"),
    ],
)
def test_one_part_that_fails_is_enough_and_is_named(claim: str, scores: tuple, why: str):
    judgement = judged(claim, *scores)
    assert judgement.verdict == "not reproduced"
    assert why in judgement.sentence
    assert ";" not in judgement.sentence


@pytest.mark.parametrize("claim", CASES)
def test_nothing_is_concluded_where_training_is_not_fitted(claim: str):
    judgement = judged(claim, *CASES[claim][1], fit=MIDDLE)
    assert judgement.verdict == "not fitted"
    assert "0.9" in judgement.sentence


def test_a_law_of_occurrences_that_is_not_fitted_is_left_out_and_named():
    table = occurrences_of(HIGH, MIDDLE)
    once = (pl.col("task") == "markov_occurs_1") & (pl.col("condition") == "train")
    table = table.with_columns(pl.when(once).then(0.5).otherwise("exact_match").alias("exact_match"))
    judgement = claims.claim_for("markov/occurrences").criterion(table)
    assert judgement.verdict == "reproduced"
    assert judgement.notes[0].endswith("0.500 at markov_occurs_1, 500 rules; 0.500 at markov_occurs_1, 1,000 rules.")


def test_two_sizes_that_are_fitted_are_enough():
    table = robustness_of(LOW)
    longest = (pl.col("task") == "markov_20_8") & (pl.col("condition") == "train")
    table = table.with_columns(pl.when(longest).then(0.5).otherwise("exact_match").alias("exact_match"))
    assert claims.claim_for("markov/robustness").criterion(table).verdict == "reproduced"


def test_the_effect_of_robustness_is_that_of_the_weakest_size():
    judgement = judged("markov/robustness", MIDDLE)
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(np.mean(MIDDLE) - np.mean(LOW))


def test_a_part_is_judged_by_its_whole_interval():
    cells = Cells({}, EXAMPLES)
    two_sided = Part("", cells, cells, least=-0.25, most=0.25)
    intervals = [(-0.2, 0.2), (-0.3, 0.0), (0.0, 0.3), (0.26, 0.3), (-0.4, -0.26)]
    found = [two_sided.verdict(Interval(0.0, *bounds)) for bounds in intervals]
    assert found == ["reproduced", "inconclusive", "inconclusive", "not reproduced", "not reproduced"]


@pytest.mark.parametrize("claim", CASES)
def test_one_seed_or_a_missing_run_bars_a_verdict(claim: str):
    make, good, _, _ = CASES[claim]
    table = make(*good)
    criterion = claims.claim_for(claim).criterion
    assert criterion(table.filter(seed=0)).verdict == "inconclusive"
    run = table["run"][-1]
    assert f"seed {table.filter(run=run)['seed'][0]}" in criterion(table.filter(pl.col("run") != run)).sentence


@pytest.mark.parametrize("claim", CASES)
def test_a_single_number_of_rules_bars_a_verdict(claim: str):
    table = CASES[claim][0](*CASES[claim][1])
    fewest = table.filter(pl.col("task.num_rules") == pl.col("task.num_rules").min())
    judgement = claims.claim_for(claim).criterion(fewest)
    assert judgement.verdict == "inconclusive"
    assert "two numbers of rules" in judgement.sentence


@pytest.mark.parametrize("claim", CASES)
def test_a_table_of_another_study_is_refused(claim: str):
    other = "markov/noop" if claim != "markov/noop" else "markov/long_tail"
    with pytest.raises(RecordError):
        claims.claim_for(claim).criterion(CASES[other][0](*CASES[other][1]))


# Worlds in which a claim is false by the least, in one of its parts: mean scores as its table's arguments.
NULLS: dict[str, list[tuple[float, ...]]] = {
    "markov/long_tail": [(0.7, 0.93), (0.4, 0.69)],
    "markov/noop": [(0.3, 0.95, 0.7), (0.45, 0.95, 0.95)],
    "markov/occurrences": [(0.7, 0.6), (0.7, 0.4, 0.2)],
    "markov/robustness": [(0.51,)],
    "markov/families": [(0.4, 0.3), (0.4, 0.1, 0.3)],
}


@pytest.mark.parametrize(("claim", "means"), [(claim, means) for claim in NULLS for means in NULLS[claim]])
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(claim: str, means: Sequence[float]):
    assert passes_by_chance(claim, CASES[claim][0], means) <= 0.05


@pytest.mark.parametrize("claim", CASES)
def test_a_figure_and_a_table_are_made(claim: str, tmp_path: Path):
    assert_drawn_and_printed(claim, CASES[claim][0](*CASES[claim][1]), tmp_path)


def test_the_rows_of_families_go_from_one_to_three():
    rows = judged("markov/families", HIGH, LOW).rows
    assert [row.setting.split(",")[0] for row in rows[::2]] == [
        "mirrored",
        "repeated",
        "repeated + mirrored",
        "all three",
    ]
    assert [row.paper for row in rows] == ["does not"] * 7 + ["reaches k < 3"]


def test_unseen_rules_of_k_2_are_noted_where_training_has_larger_k_alone():
    table = families_of(HIGH, LOW)
    lower = table.filter(condition="unseen/plain").with_columns(condition=pl.lit("unseen/repeated/k_2"))
    found = [
        note for note in claims.claim_for("markov/families").criterion(pl.concat([table, lower])).notes if "k =" in note
    ]
    assert found == [
        "Unseen rules of k = 2 at 2,000 rules: 0.010 of one family, 0.010 of two families, 0.947 of three families "
        "(not judged)."
    ]
    trained = pl.concat([table, lower]).with_columns(pl.lit(2).alias("task.max_k"))
    assert not any("k =" in note for note in claims.claim_for("markov/families").criterion(trained).notes)


def test_the_papers_table_would_reproduce_its_claim():
    """Means of arXiv 2402.10891, Table 1, as they are known, with a spread between seeds of 0.02."""
    settings = {
        (f"markov_occurs_{law or 'mixed'}", rules): {
            "train": FIT,
            "unseen/mixed": [min(max(score + d, 0.0), 1.0) for d in (-0.02, 0.0, 0.02)],
        }
        for law, of in PAPER.items()
        for rules, score in of.items()
    }
    table = made_up("markov/occurrences/paper", ["task", "task.num_rules"], settings)
    assert claims.claim_for("markov/occurrences").criterion(table).verdict == "reproduced"


def test_effective_rules_are_those_of_the_power_law():
    assert effective_rules(1.0, 1000) == pytest.approx(1000)
    assert rules_with_share(1.0, 1000) == 1000
    assert shares(0.1, 1000)[0] == pytest.approx(0.5012, abs=1e-4)
    # Half of the examples to one rule of two, by u^(1/a) < 1/2: entropy ln 2 only at shape 1.
    assert effective_rules(0.5, 2) < effective_rules(1.0, 2) == pytest.approx(2)
    assert [round(effective_rules(a, 1000)) for a in (0.5, 0.2, 0.1)] == [743, 167, 35]
    assert [rules_with_share(a, 1000) for a in (0.5, 0.2, 0.1)] == [250, 134, 77]


def test_the_long_tails_rows_say_the_effective_number_of_rules():
    rows = judged("markov/long_tail", LOW, HIGH).rows
    assert [row.setting for row in rows][:3] == [
        "1,000, shape 0.1 (35)",
        "1,000, shape 0.5 (743)",
        "1,000, shape 1 (1,000)",
    ]
