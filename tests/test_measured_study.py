"""A study of numbers, in another package: its score is an error without an upper bound, from training to its figure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from scipy import stats

from experiments import claim_contract, plot, reproduce
from experiments.judging import contract, results
from experiments.judging.claim import Claim
from experiments.judging.measures import ERROR, Measure, parse
from experiments.judging.results import RecordError
from experiments.judging.statistics import Interval, difference, mean_score, over_seeds, paired_difference
from synthetic.task import TASKS
from tests.test_outside import install  # noqa: F401  (a fixture)
from tests.toys import Line

CODE = """
from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import AgainstSteps, Bars, ByPosition, Curves, Drawing
from experiments.judging.measures import ERROR
from experiments.judging.rows import Rows

RATE = Axis("optim.lr", "learning rate", tried=(0.0, 0.01), value="{:g}")
STEEP = Score("steep", "squared error", "squared_error", measure=ERROR)
CLAIM = Claim(
    name="zoo/lines",
    question="Is the slope of a line read from its points?",
    title="Lines in context",
    arxiv="",
    where="",
    text="A model that learns reads the slope; one that does not learn cannot.",
    setting="learning rate",
    criterion=Criterion(
        axes=(RATE,),
        bounds=((STEEP.at(RATE.most) - STEEP.at(RATE.fewest)).at_most(-0.1), STEEP.at(RATE.most).at_most(0.2)),
    ),
    rows=Rows({"error": STEEP}),
    figure=Drawing(
        (
            Curves(x=RATE, scores={"steep": STEEP}, log=False, ylabel="squared error"),
            AgainstSteps(score=STEEP, by=RATE),
            ByPosition(score=STEEP, learners={"model": "model", "best": "best"}, picks=(RATE.most,)),
        )
    ),
)
BARS = Drawing((Bars(scores={"steep": STEEP}),))
"""
SETTINGS = """
# Lines, of no paper.
choose: {task: line, model: tiny, optim: adamw}
smoke:
  model: {width: 16, heads: 2}
  optim: {warmup: 20}
  train: {steps: 200, batch_size: 64, eval_every: 50, eval_examples: 128, objective: squared_error}
  sweep: {optim.lr: [0.0, 0.01], seed: [1, 2, 3, 4, 5]}
"""
NAMES: dict[str, Any] = {}
exec(CODE, NAMES)
CLAIM: Claim = NAMES["CLAIM"]


@pytest.mark.parametrize("check", claim_contract.CHECKS, ids=lambda check: check.__name__)
def test_a_claim_on_an_error_keeps_the_contract(check):
    check(CLAIM)


def table_of(learnt=(0.12, 0.11, 0.13), untaught=(0.4, 0.5, 0.45), **lost) -> pl.DataFrame:
    """A record's table of three seeds with and without learning; `lost` are columns to replace."""
    (score,) = {score for score in CLAIM.criterion.scores()}
    table = contract.made(CLAIM, {(score, (0.0,)): untaught, (score, (0.01,)): learnt})
    return results.check(table.with_columns(**lost))


def near(interval: Interval, estimate, ends) -> bool:
    """Whether an interval has this estimate and these ends."""
    return (interval.estimate, interval.lower, interval.upper) == pytest.approx((float(estimate), *map(float, ends)))


def test_intervals_follow_the_measure_of_a_score():
    a, b = [0.1, 0.4, 0.2, 0.3], [2.0, 2.5, 2.2, 2.6]
    student = stats.t.interval(0.95, 3, np.mean(b), stats.sem(b))
    assert near(mean_score(b, 512, measure=ERROR), np.mean(b), student)
    assert mean_score([0.0, 0.4, 0.1], 512, measure=ERROR).lower == 0
    paired = stats.ttest_rel(a, b).confidence_interval()
    assert near(paired_difference(a, b, 512, measure=ERROR), np.mean(a) - np.mean(b), (paired.low, paired.high))
    welch, apart = stats.ttest_ind(a, b, equal_var=False).confidence_interval(), difference(a, b, 512, measure=ERROR)
    assert apart.upper - apart.lower == pytest.approx(welch.high - welch.low, rel=0.2)
    arcsine = over_seeds(a, 0.0, 1.0)
    assert near(mean_score(a, 512, measure=Measure()), 0.25, (arcsine.lower, arcsine.upper))
    assert mean_score(a, 512).lower < arcsine.lower, "only shares have Wilson's part"
    tenfold = mean_score([10 * one for one in a], 512, measure=Measure(high=10.0))
    assert near(tenfold, 2.5, (10 * arcsine.lower, 10 * arcsine.upper))


def test_an_error_is_judged_by_its_interval_and_shown_with_the_digits_that_it_has():
    judgement = CLAIM.judge(table_of())
    assert judgement.verdict == "reproduced"
    assert judgement.rows[1].scores["error"] == mean_score([0.12, 0.11, 0.13], 512, measure=ERROR)
    assert str(judgement.rows[1].spread["error"]) == "0.120 (0.110-0.130)"
    small = CLAIM.judge(table_of(learnt=(12e-6, 11e-6, 13e-6)))
    assert str(small.rows[1].scores["error"]) == "0.0000120 [0.0000095, 0.0000145]"
    assert CLAIM.judge(table_of(learnt=(0.4, 0.5, 0.6))).verdict == "not reproduced"


def test_a_run_without_a_number_leaves_the_mean_unknown():
    table = table_of()
    lost = (pl.col("optim.lr") == 0.01) & (pl.col("seed") == 2)
    table = table.with_columns(status=pl.when(lost).then(pl.lit("diverged")).otherwise("status"))
    judgement = CLAIM.judge(results.check(table))
    assert judgement.verdict == "inconclusive"
    assert judgement.effect == Interval(math.inf, -math.inf, math.inf)
    assert "Diverged, and counted as scores worse than any: 0.01 learning rate, seed 2." in judgement.notes


def test_a_record_says_what_its_measures_are_and_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "cpu.csv"
    results.write(table_of(), path)
    files = path.read_bytes(), results.runs_beside(path).read_bytes()
    runs = pl.read_csv(results.runs_beside(path))
    assert runs.columns[-3:] == ["settings", "criterion", "measures"]
    declared = {"low": 0.0, "high": None, "better": "lower", "lost": None, "share": False}
    assert json.loads(runs["measures"][0]) == {"squared_error": declared}
    assert parse(runs["measures"][0]) == {"squared_error": ERROR}
    again = results.read(path)
    results.write(results.added(again, again), path)
    assert (path.read_bytes(), results.runs_beside(path).read_bytes()) == files


def test_scores_of_classes_are_no_columns_that_a_record_must_have(tmp_path):
    table = table_of().drop("exact_match", "token_accuracy", "nll")
    results.write(table, tmp_path / "cpu.csv")
    assert CLAIM.judge(results.read(tmp_path / "cpu.csv")).verdict == "reproduced"


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"squared_error": -pl.col("squared_error")}, r"column squared_error has -0\.\d+, which is out of range"),
        ({"squared_error": pl.lit(math.inf)}, "column squared_error has inf, which is out of range"),
        ({"squared_error": pl.lit(None, pl.Float64)}, r"run \S+ finished but has no squared_error at step "),
        ({"measures": pl.lit("{")}, "column measures: Expecting "),
        ({"measures": pl.lit('{"squared_error":{"low":0}}')}, "column measures: squared_error lacks better, high, "),
        ({"measures": pl.col("measures").str.replace("squared", "other")}, "column measures declares other_error, "),
        ({"measures": pl.when(seed=2).then(pl.col("measures").str.replace("lower", "higher")).otherwise("measures")},
         "column measures: runs declare squared_error in two ways"),
    ],
)  # fmt: skip
def test_faults_of_measures_are_named_in_one_line(columns, why):
    with pytest.raises(RecordError, match=f"^{why}"):
        table_of(**columns)


def test_a_claim_of_another_measure_than_the_record_is_refused():
    other = table_of(measures=pl.col("measures").str.replace('"high":null', '"high":9.0'))
    with pytest.raises(RecordError, match="declares squared_error otherwise than the claim does"):
        CLAIM.judge(other)


def test_the_axes_of_a_figure_are_those_of_its_scores():
    table = table_of(untaught=(40.0, 50.0, 45.0))
    grid = CLAIM.criterion.grid(table)
    panels = replace(CLAIM.figure, panels=CLAIM.figure.panels[:2]).figure(grid, CLAIM.judge(table)).axes
    assert all(panel.get_ylim()[1] > 40 and len(panel.get_yticks()) > 2 for panel in panels)
    (bars,) = NAMES["BARS"].figure(grid, CLAIM.judge(table)).axes
    assert bars.get_xlim()[1] > 40
    assert bars.get_xlabel() == "squared error"
    plt.close("all")


@pytest.mark.slow
def test_a_study_of_numbers_is_trained_recorded_judged_drawn_and_plotted(install, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setitem(TASKS._known, "line", Line)
    monkeypatch.chdir(tmp_path)
    folder = install("zoo/lines", "lines_study", code=CODE, text=SETTINGS)
    monkeypatch.setattr("sys.argv", ["reproduce", "zoo/lines/smoke", "--record"])
    assert reproduce.main() == 0
    printed = capsys.readouterr().out
    assert "\nreproduced: Squared error, 0.01 learning rate minus 0 learning rate, is -" in printed
    place = folder / "results" / "zoo" / "lines"
    assert sorted(path.name for path in place.iterdir()) == ["smoke.csv", "smoke.png", "smoke.runs.csv", "smoke.svg"]
    table = results.read(place / "smoke.csv")
    positions = table.filter(pl.col("position").is_not_null(), learner="model", condition="steep")
    last = positions.filter(pl.col("optim.lr") == 0.01).group_by("position").agg(pl.col("squared_error").mean())
    errors = [error for _, error in last.sort("position").iter_rows()]
    assert errors[0] > 0.2 > 0.1 > max(errors[1:]), "nothing tells the first number"
    known = table.filter(learner="last point", condition="steep", position=2)["squared_error"]
    assert known.max() == 0
    monkeypatch.setattr("sys.argv", ["reproduce", "zoo/lines/smoke", "--check"])
    assert reproduce.main() == 0
    assert "\nreproduced: " in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["plot", "runs/zoo/lines", "x=optim.lr"])
    assert plot.main() == 0
    printed = capsys.readouterr().out
    assert re.search(r"steep squared_error \[95 %\]|flat squared_error \[95 %\]", printed)
