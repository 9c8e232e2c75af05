"""What testing many claims costs: p values from criteria, and Holm's correction."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import t as student

from experiments import studies as claims
from experiments import summary
from experiments.judging import results
from experiments.judging.axes import Axis
from experiments.judging.claim import Fact, Judgement, LeftOut
from experiments.judging.criterion import Judged
from experiments.judging.grid import Grid
from experiments.judging.statistics import Interval, over_seeds
from experiments.printing import format_interval, format_source, show_summary
from tests.tables import made_up, threshold_of


def claim_that(least: float):
    """A claim whose plain effect, the mean over seeds, is at least `least`."""

    def judge(grid: Grid) -> Judgement:
        effect = over_seeds(results.final_scores(grid.table, "unseen")["exact_match"].to_list(), level=grid.level)
        return Judgement("reproduced" if effect.lower >= least else "inconclusive", effect, 3, "")

    criterion = Judged((Axis("task.num_rules", "rules"),), judge, (), ("At least.",), "the mean")
    return replace(claims.every()[0], criterion=criterion, rows=lambda grid: (), notes=())


def table_of(scores):
    return made_up("markov/threshold/gpu", ["task.num_rules"], {(5,): {"unseen": scores}})


@pytest.mark.parametrize("scores", [(0.7, 0.8, 0.9), (0.5, 0.6, 0.9), (0.1, 0.2, 0.3)])
def test_the_p_value_of_a_plain_mean_is_that_of_students_one_sided_test(scores):
    statistic = (np.mean(scores) - 0.4) / (np.std(scores, ddof=1) / np.sqrt(3))
    expected = float(student.sf(statistic, 2))
    found = summary.p_value(claim_that(0.4), table_of(scores))
    assert found == pytest.approx(expected, rel=0.06) if expected < 0.5 else found == 1


def test_a_verdict_is_reproduced_where_its_p_value_is_below_the_side_of_its_interval():
    for scores in ((0.7, 0.8, 0.9), (0.55, 0.7, 0.9), (0.45, 0.6, 0.9)):
        claim, table = claim_that(0.4), table_of(scores)
        verdict = claim.judge(table).verdict
        assert (verdict == "reproduced") == (summary.p_value(claim, table) <= summary.ALPHA)


def test_holms_adjusted_p_values_equal_those_computed_by_hand():
    found = summary.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})
    assert summary.holm({"a": 0.9, "b": 0.8}) == {"b": 1.0, "a": 1.0}


def test_holm_keeps_the_chance_of_any_false_pass_below_alpha():
    rng = np.random.default_rng(0)
    wrong = [
        min(summary.holm({str(i): p for i, p in enumerate(rng.uniform(size=20))}).values()) <= 0.05 for _ in range(2000)
    ]
    assert np.mean(wrong) < 0.065


def test_an_interval_of_a_higher_level_is_wider():
    wide = over_seeds([0.1, 0.2, 0.4], level=0.99)
    assert wide.lower < over_seeds([0.1, 0.2, 0.4]).lower
    with pytest.raises(ValueError, match="between 0 and 1"):
        over_seeds([0.1, 0.2], level=1.0)


def test_claims_without_a_record_are_listed_as_not_run(monkeypatch, tmp_path):
    monkeypatch.setattr(summary, "path_for", lambda study: tmp_path / f"{study}.csv")
    found = summary.entries("cpu")
    assert [entry.claim for entry in found] == list(claims.every())
    assert {entry.verdict for entry in found} == {"not run"}
    assert summary.format_tested(found) == "Nothing was run at scale cpu."


def test_p_values_are_adjusted_within_each_paper():
    values = {"markov/a": 0.01, "markov/b": 0.02, "rasp/a": 0.01, "tint/a": 0.03, "tint/b": 0.02, "tint/c": 0.5}
    adjusted = summary.within_papers(values)
    assert adjusted == pytest.approx(
        {"markov/a": 0.02, "markov/b": 0.02, "rasp/a": 0.01, "tint/b": 0.06, "tint/a": 0.06, "tint/c": 0.5}
    )
    assert all(adjusted[name] <= whole for name, whole in summary.holm(values).items())


def test_a_verdict_on_seeds_in_two_camps_is_marked_where_verdicts_are_listed_and_says_so_itself():
    claim, scores = claims.claim_for("markov/threshold"), {10: (0.0, 0.01, 0.02), 1000: (0.95, 0.97, 0.02)}
    table = threshold_of(scores)
    judgement = claim.judge(table)
    assert judgement.camps == ("exact match on unseen rules at 1,000 rules",)
    assert judgement.caution == (
        "It rests on seeds in two camps, for which no interval of a mean holds: exact match on unseen rules at 1,000 "
        "rules."
    )
    printed = io.StringIO()
    show_summary([summary.Entry(claim, "cpu", table, judgement, 0.5, 0.5)], Console(file=printed, width=80))
    assert "inconclusive* " in printed.getvalue()
    assert "* rests on seeds in two camps" in printed.getvalue()


def test_the_sentence_on_tested_claims_counts_those_that_chance_would_let_pass():
    claim = claims.every()[0]
    table = table_of((0.7, 0.8, 0.9))
    judgement = Judgement("reproduced", over_seeds([0.7, 0.8, 0.9]), 3, "")
    some = [summary.Entry(claim, "cpu", table, judgement, 0.001, 0.001), summary.Entry(claims.every()[1], "cpu")]
    assert summary.format_tested(some) == (
        "1 claim tested at scale cpu, of 2 there are: 1 of them was reproduced, 1 also after Holm's correction within "
        f"each paper (at {summary.ALPHA:g}, one side). If all were false and the seeds of each setting scattered about "
        "one value, about 0.0 would be expected to pass; where seeds fall into two camps more do, and none of those "
        "reproduced rest on such seeds."
    )


def test_a_formatted_interval_has_no_negative_zero_and_a_missing_one_reads_not_measured():
    assert format_interval(Interval(-0.001, -0.0004, 0.2), 2) == "0.00 [0.00, 0.20]"
    assert format_interval(Interval(-0.0126, -0.0004, 0.2)) == "-0.013 [0.000, 0.200]"
    assert format_interval(None) == "not measured"


def test_settings_left_out_are_listed_by_reason_and_not_among_the_notes():
    left = (LeftOut("3 rules", "training is weak", "0.5"), LeftOut("4 rules", "still rising", ""))
    judgement = Judgement(
        "reproduced", None, 3, "", notes=("By pair: b.",), left_out=(*left, replace(left[0], score="0.6"))
    )
    assert judgement.left() == [
        "Left out, as training is weak: 0.5 at 3 rules; 0.6 at 3 rules.",
        "Left out, as still rising: 4 rules.",
    ]


def test_a_fact_without_a_source_is_formatted_as_no_source_found():
    assert format_source(Fact("Not found.", "none")) == "no source found"
    assert format_source(Fact("Found.", "Fig. 1")) == "Fig. 1"
