"""What is special to the studies of grokking: the step at which a score first comes up to a level, and their notes."""

from __future__ import annotations

import math

import polars as pl
import pytest

from experiments.judging import contract, results
from experiments.judging.grid import Grid
from experiments.judging.reached import OCTAVES, first_step, with_first_step
from experiments.studies.grokking import collapse, perpendicular
from experiments.studies.grokking.family import FIRST, TEST, format_steps


def table_of(early: float, late: float) -> pl.DataFrame:
    """A record of three seeds with each gradient: test accuracy at the first evaluation and at the last."""
    claim = perpendicular.CLAIM
    cells = {(TEST, s): [late] * 3 for s in contract.settings(claim.criterion.axes)}
    table = contract.table(claim.name + "/cpu", claim.criterion.axes, cells, before=early / late)
    return results.check(table)


@pytest.mark.parametrize(
    ("points", "step"),
    [
        ([(10.0, 0.2), (20.0, 0.9), (30.0, 1.0)], 25.0),
        ([(10.0, 0.96), (20.0, 0.2)], 10.0),
        ([(10.0, 0.2), (20.0, 0.99), (30.0, 0.1)], 10.0 + 10.0 * 75 / 79),
        ([(10.0, 0.2), (20.0, 0.94)], None),
        ([], None),
    ],
)
def test_the_first_step_at_a_level_is_interpolated_and_a_later_fall_changes_nothing(points, step):
    assert first_step(points, 0.95) == (None if step is None else pytest.approx(step))


def test_a_table_with_first_steps_declares_them_and_a_run_that_never_comes_there_has_its_last_step():
    for late, step in ((1.0, 600 + 600 * 0.45 / 0.5), (0.9, 1200)):
        viewed = with_first_step(table_of(0.5, late), TEST, 0.95, "first_95")
        grid = Grid(results.check(viewed), perpendicular.CLAIM.criterion.axes)
        assert grid.measure(FIRST) == OCTAVES
        for seeds in grid.cells(FIRST).scores.values():
            assert [*seeds.values()] == pytest.approx([math.log2(step)] * 3)
        assert with_first_step(viewed, TEST, 0.95, "first_95") is viewed


def test_views_leave_a_table_without_their_score_alone():
    bare = table_of(0.5, 1.0)
    assert collapse.with_collapse(bare) is bare


def test_steps_are_said_with_the_seeds_that_never_come_there():
    grid = perpendicular.CLAIM.criterion.grid(table_of(0.5, 1.0))
    pick = (perpendicular.ACROSS,)
    assert format_steps(grid, TEST, 0.95, pick) == "1,140 (1,140 to 1,140)"
    late = (pl.col("seed") > 1) & (pl.col("step") == 1200)
    slow = grid.table.with_columns(exact_match=pl.when(late).then(0.9).otherwise("exact_match"))
    some = Grid(slow, perpendicular.CLAIM.criterion.axes)
    assert format_steps(some, TEST, 0.95, pick) == "beyond 1,200 (1,140 to 1,140; never in 2 of 3)"
    none = Grid(slow.filter(pl.col("seed") > 1), perpendicular.CLAIM.criterion.axes)
    assert format_steps(none, TEST, 0.95, pick) == "never, in 2 of 2 seeds"
