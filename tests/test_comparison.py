"""A fresh run beside the record: which means are inside its intervals, and which scores are compared."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console

from experiments import studies as claims
from experiments.judging import contract, results
from experiments.judging.comparison import compare
from experiments.printing import show_comparison
from experiments.reproduction import _compared, _format_effects
from tests.tables import STEP, threshold_of

FRESH = threshold_of({10: (0.0, 0.0), 100: (0.9, 0.9), 3000: (1.0, 1.0)})


def test_a_fresh_run_is_inside_or_outside_the_record():
    claim, record = claims.claim_for("markov/threshold"), threshold_of(STEP)
    assert _compared(claim, record, record)["inside"].all()
    found = _compared(claim, FRESH, record).filter(condition="unseen/applied")
    assert found["task.num_rules"].to_list() == [10, 100, 3000]
    assert found["inside"].to_list() == [True, False, None]


def test_a_comparison_prints_what_is_outside():
    file = io.StringIO()
    found = _compared(claims.claim_for("markov/threshold"), FRESH, threshold_of(STEP))
    show_comparison(found, Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    assert lines[0] == "against the record: 3 of 4 means inside its 95 % intervals, 2 not recorded"
    assert lines[1].startswith("  outside: unseen/applied at task.num_rules=100: 0.900, recorded 0.170 [")


def test_the_point_of_a_curve_is_compared_that_the_claim_judges():
    claim = claims.claim_for("boolean/teaching")
    true = contract.seeds_of(contract.world(claim.criterion))  # pyright: ignore[reportArgumentType]
    lower = {(score, setting): [0.6] * 3 if setting[-1] else seeds for (score, setting), seeds in true.items()}
    record, fresh = contract.made(claim, true), contract.made(claim, lower)
    found = _compared(claim, fresh, record)
    (condition,) = set(found["condition"])
    assert condition.startswith("unseen at position ")
    assert found.filter(~pl.col("inside"))["task.teaching"].to_list() == [True, True]
    recorded = claim.judge(record)
    assert _format_effects(recorded, recorded).endswith(f", inside the recorded {recorded.effect}")
    assert _format_effects(claim.judge(fresh), recorded).endswith(f", outside the recorded {recorded.effect}")


def test_decoded_answers_are_compared_where_answers_are_judged():
    claim = claims.claim_for("tint/static_vs_dynamic")
    recorded = results.read(results.path_for("tint/static_vs_dynamic/cpu"))
    assert _compared(claim, recorded, recorded)["inside"].all()
    found = _compared(claim, recorded.with_columns(answer=pl.lit(0.0)), recorded)
    assert set(found["condition"]) == {"test answer"}
    assert not found["inside"].any()


def test_a_score_that_the_record_lacks_is_not_compared():
    table = threshold_of(STEP)
    assert compare(table, table, [("unseen/applied", None, "exact_match")])["inside"].all()
    fresh = table.insert_column(table.columns.index("examples"), pl.lit(0.5).alias("answer"))
    found = compare(fresh, threshold_of(STEP), [("unseen/applied", None, "answer")])
    assert found["inside"].to_list() == [None] * 3


def test_runs_that_lack_a_score_are_left_out_of_its_mean():
    table = threshold_of({10: (0.2, 0.2), 100: (0.9, 0.7)})
    hole = pl.when(pl.col("seed") == table["seed"].max(), pl.col("task.num_rules") == 100).then(None)
    some = table.with_columns(hole.otherwise(pl.col("exact_match")).alias("exact_match"))
    found = compare(some, table, [("unseen/applied", None, "exact_match")])
    assert found["fresh"].to_list() == [0.2, 0.9]
    none = table.with_columns(
        pl.when(pl.col("task.num_rules") == 100).then(None).otherwise(pl.col("exact_match")).alias("exact_match")
    )
    assert compare(table, none, [("unseen/applied", None, "exact_match")])["inside"].to_list() == [True, None]


@pytest.mark.parametrize("claim", claims.every(), ids=lambda claim: claim.name)
def test_every_record_compared_with_itself_is_inside(claim):
    table = results.read(results.path_for(f"{claim.name}/cpu"))
    compared = _compared(claim, table, table)
    assert len(compared) >= 2
    assert compared["inside"].all()


def test_an_effect_that_was_not_measured_is_formatted_as_not_measured():
    claim = claims.claim_for("markov/threshold")
    none = claim.judge(threshold_of({10: (0.1,)}))
    assert _format_effects(claim.judge(FRESH), none).endswith("recorded not measured")
