"""Agreement with a published table: what a cell's verdict rests on, and what follows for the claim."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl
import pytest

from experiments import claim_contract
from experiments.judging import contract, nulls, results
from experiments.judging.agreement import Agreement, Published
from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing
from experiments.judging.measures import SHARE
from experiments.judging.published import CellBars, CellRows
from experiments.judging.reading import Fitted
from experiments.judging.sides import Cell
from experiments.judging.statistics import Interval, mean_score
from experiments.judging.stopping import NAME, STOPPED, STOPPED_NAME, AtStop

TASK = Axis("task", "task", ("sort", "copy", "mode", "parity"))
WITHIN, FAR = Score("within", "exact match within"), Score("far", "exact match at three times the length")
NEAR = Score("near", "exact match at twice the length")
TABLE = {"sort": (0.99, 0.97, 1.0), "copy": (0.98, 0.95, 1.0), "mode": (0.96, None, None), "parity": (0.6, 0.55, 0.67)}
CELLS = tuple(
    Published(f"{task}, {name}", score.at(TASK.at(task)), *TABLE[task], runs="of 5")
    for task in TABLE
    for score, name in ((NEAR, "twice"), (FAR, "three times"))
)
AGREEMENT = Agreement(CELLS, tolerance=0.05, few=4, what="the toy table")
SHARE_WANTED = 0.75
CRITERION = Criterion(axes=(TASK,), read=(Fitted(WITHIN),), bounds=(AGREEMENT.at_least(SHARE_WANTED),))
CLAIM = Claim(
    name="toy/table",
    question="Do our runs agree with the table?",
    title="Toys",
    arxiv="",
    where="",
    text="The table can be measured again.",
    setting="cell",
    criterion=CRITERION,
    rows=CellRows(AGREEMENT, {"within": {NEAR: WITHIN, FAR: WITHIN}}),
    figure=Drawing((CellBars(rows=CellRows(AGREEMENT)),)),
    scatter=0.02,
)
SPREAD = (-0.004, 0.0, 0.004)


@pytest.mark.parametrize("check", claim_contract.CHECKS, ids=lambda check: check.__name__)
def test_a_claim_of_agreement_keeps_the_contract_of_criteria(check):
    check(CLAIM)


def seeds(mean: float, spread: tuple[float, ...] = SPREAD) -> list[float]:
    return [min(max(mean + one, 0.0), 1.0) for one in spread]


def table(**means: float | list[float]) -> pl.DataFrame:
    """A record in which all tasks are fitted and score what is published, but for `means` (as copy_near=.5)."""
    cells: dict[Cell, list[float]] = {}
    for task, (value, *_) in TABLE.items():
        for score, name in ((NEAR, "near"), (FAR, "far"), (WITHIN, "within")):
            mean = means.get(f"{task}_{name}", 1.0 if score == WITHIN else value)
            cells[score, (task,)] = mean if isinstance(mean, list) else seeds(mean)
    return results.check(contract.table("toy/table/cpu", (TASK,), cells))


def verdicts(of: pl.DataFrame) -> dict[str, str]:
    return {cell.name: cell.verdict for cell in CLAIM.judge(of).cells}


def test_all_cells_agree_where_ours_are_the_published_means():
    judgement = CLAIM.judge(table())
    assert {cell.verdict for cell in judgement.cells} == {"inside"}
    assert (judgement.verdict, judgement.effect) == ("reproduced", Interval(1.0, 1.0, 1.0))


def test_a_cell_is_outside_where_our_whole_interval_is_beyond_its_widened_range():
    assert verdicts(table(parity_near=0.8))["parity, twice"] == "outside"  # beyond .67 + .05
    assert verdicts(table(parity_near=0.4))["parity, twice"] == "outside"
    assert verdicts(table(mode_near=0.88))["mode, twice"] == "outside"  # no range is published: .96 - .05


def test_a_wide_interval_of_ours_is_no_agreement_though_it_holds_the_published_mean():
    wide = table(parity_near=[0.4, 0.6, 0.8])
    assert verdicts(wide)["parity, twice"] == "not to be told"
    ours = CLAIM.judge(wide).cells[6].ours
    assert ours is not None
    assert ours.lower < TABLE["parity"][0] < ours.upper


def test_an_end_of_a_range_beyond_all_scores_is_no_bound():
    bound = CELLS[0].bound(0.05)
    assert (bound.least, bound.most) == (pytest.approx(0.92), math.inf)
    with pytest.raises(ValueError, match="no score can be outside"):
        Agreement(CELLS, tolerance=1.0)
    with pytest.raises(ValueError, match=r"the published mean 0\.5 is not within 0\.6 to 0\.7"):
        Published("x", NEAR.at(), 0.5, 0.6, 0.7)


def test_the_claim_follows_from_how_many_cells_agree():
    """Eight cells of which six must agree: two may not, three that are outside refute it, and else it is open."""
    two = table(parity_near=0.3, parity_far=0.3)
    assert CLAIM.judge(two).verdict == "reproduced"
    assert CLAIM.judge(two).effect == Interval(0.75, 0.75, 0.75)
    open_ = table(parity_near=0.3, parity_far=0.3, mode_near=[0.7, 0.95, 1.0])
    assert CLAIM.judge(open_).verdict == "inconclusive"
    three = CLAIM.judge(table(parity_near=0.3, parity_far=0.3, mode_near=0.5))
    assert three.verdict == "not reproduced"
    assert "(outside: mode, twice; parity, twice; parity, three times) is 0.625 [0.625, 0.625]" in three.sentence


def test_a_cell_is_judged_at_the_level_of_as_many_cells_as_could_pass_by_chance():
    (cell, *_) = CLAIM.judge(table()).cells
    assert cell.ours == mean_score(seeds(TABLE["sort"][0]), contract.EXAMPLES, 1 - 0.05 / 3)


def test_cells_whose_training_is_not_fitted_are_not_to_be_told_and_may_leave_too_few():
    one = table(parity_within=0.6)
    assert CLAIM.judge(one).verdict == "reproduced"
    assert verdicts(one)["parity, twice"] == "not to be told"
    two = CLAIM.judge(table(parity_within=0.6, mode_within=0.6))
    assert (two.verdict, two.effect) == ("not fitted", None)


def test_settings_that_were_not_run_have_no_cells_but_a_few_must_have_been():
    four = CLAIM.judge(table().filter(pl.col("task").is_in(["sort", "copy"])))
    assert (four.verdict, len(four.cells)) == ("reproduced", 4)
    two = CLAIM.judge(table().filter(task="sort"))
    assert (two.verdict, two.cause) == ("inconclusive", "arm missing")
    assert "4 cells of the toy table" in two.sentence


def test_a_row_of_the_table_shows_theirs_beside_ours_with_the_cells_verdict():
    rows = {row.setting: row for row in CLAIM.judge(table(parity_far=0.3)).rows}
    assert rows["sort, twice"].theirs == "0.99 (0.97-1) of 5; inside"
    assert rows["mode, twice"].theirs == "0.96 of 5; inside"
    assert rows["parity, three times"].theirs.endswith("; outside")
    assert list(rows["sort, twice"].scores) == ["ours", "within"]
    assert rows["sort, twice"].scores["ours"] == mean_score(seeds(0.99), contract.EXAMPLES)


def test_the_power_says_in_how_many_cells_agreement_could_have_been_told():
    assert (
        CLAIM.judge(table())
        .power[0]
        .endswith("in 8 of 8 cells a true mean equal to the published one would be told to agree with probability 0.8")
    )
    assert ": in 6 of 8 cells" in CLAIM.judge(table(parity_near=[0.4, 0.6, 0.8], parity_far=[0.4, 0.6, 0.8])).power[0]


def test_a_table_in_which_one_cell_too_few_agrees_passes_by_chance_as_seldom_as_one_bound():
    ((words, false),) = contract.worlds(CRITERION)
    assert words == "bound 1 at 0.75"
    tables = 150
    passed = nulls.false_positives(CRITERION, false, tables, nulls.about_one_value(0.02), (5,))
    assert passed / tables <= 0.065  # 2.5 % is meant, and this is 3 standard deviations of the simulation away


def test_the_hash_of_a_criterion_has_its_table_and_tolerance_and_not_its_words():
    of = CRITERION.hash()
    other = replace(AGREEMENT, tolerance=0.04).at_least(SHARE_WANTED)
    assert replace(CRITERION, bounds=(other,)).hash() != of
    changed = replace(AGREEMENT, cells=(replace(CELLS[0], least=0.96), *CELLS[1:])).at_least(SHARE_WANTED)
    assert replace(CRITERION, bounds=(changed,)).hash() != of
    named = replace(AGREEMENT, cells=(replace(CELLS[0], name="other", runs=""), *CELLS[1:])).at_least(SHARE_WANTED)
    assert replace(CRITERION, bounds=(named,)).hash() == of


def test_the_figure_has_a_line_for_each_cell_with_ours_and_the_published_range():
    of = table()
    figure = CLAIM.figure.figure(CRITERION.grid(of), CLAIM.judge(of))
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == [cell.name for cell in CELLS]
    assert [c.get_label() for c in panel.containers] == ["ours", "published: mean and range of runs"]


def stopping(*within: float, test: tuple[float, ...]) -> pl.DataFrame:
    """A record of one run, evaluated at steps 1, 2, ... within training and beyond it."""
    whole = contract.table("toy/table/cpu", (TASK,), {(WITHIN, ("sort",)): [1.0], (NEAR, ("sort",)): [1.0]})
    last, rows = whole.filter("final"), []
    for step, (inside, beyond) in enumerate(zip(within, test, strict=True), 1):
        score = pl.when(condition="within").then(inside).otherwise(beyond)
        rows.append(last.with_columns(step=pl.lit(step), final=pl.lit(step == len(within)), exact_match=score))
    return pl.concat(rows)


def test_a_run_is_read_at_its_first_evaluation_at_which_training_is_fitted_exactly():
    view = AtStop()(stopping(0.9, 1.0, 0.99, test=(0.2, 0.6, 0.7)))
    end = view.filter("final").sort("condition")
    assert end.select("condition", "exact_match", NAME, STOPPED_NAME).rows() == [
        ("near", 0.7, 0.6, 1.0),
        ("within", 0.99, 1.0, 1.0),
    ]
    assert view.filter(~pl.col("final"))[NAME].null_count() == 4
    assert AtStop()(view) is view


def test_a_run_that_is_never_fitted_exactly_has_no_score_at_a_stop():
    never = AtStop()(stopping(0.9, 0.99, test=(0.2, 0.6)))
    assert never.filter("final")[STOPPED_NAME].to_list() == [0.0, 0.0]
    criterion = replace(CRITERION, bounds=(Score("near", score=NAME, measure=SHARE).at().at_least(0.5),), read=())
    assert criterion.grid(never).cells(Score("near", score=NAME, measure=SHARE)).scores == {}
    stopped = Score("near", score=STOPPED_NAME, measure=STOPPED)
    assert criterion.grid(never).cells(stopped).scores == {("sort",): {1: 0.0}}
