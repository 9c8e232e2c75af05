"""What is special to the studies of rewriting: what they note, their rows, the bounds of the threshold, the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from experiments import studies
from experiments.judging import contract, results
from experiments.judging.grid import Grid
from experiments.judging.reached import crossing, reached
from experiments.studies.markov import budget, families, occurrences, robustness
from experiments.studies.markov.coverage import share_met
from experiments.studies.markov.effective import effective_rules, rules_with_share, shares
from experiments.studies.markov.family import RULES, TRAIN, UNSEEN
from synthetic.markov.rewriting import Markov
from tests.tables import EXAMPLES, STEP, judged, made_up, table_of, threshold_of

THRESHOLD = studies.claim_for("markov/threshold")


# --- the threshold


@pytest.mark.parametrize("rules", [100, 3000])
def test_the_share_of_search_strings_that_is_shown_is_that_of_the_rules_that_are_drawn(rules: int):
    task = Markov(alphabet=16, input_length=6, search_length=3, replace_length=3, num_rules=rules)
    found, _ = jax.vmap(lambda index: task.rule(index, held_out=False))(jnp.arange(rules))
    met = len({tuple(x) for x in np.asarray(found).tolist()}) / (12 * 16**2)
    assert share_met(rules, 16, 3) == pytest.approx(met, abs=0.03)


def scores_around(rng: np.random.Generator, mean: float, spread: float, seeds: int) -> list[float]:
    true = np.clip(rng.normal(mean, spread, seeds), 0, 1)
    return list(rng.binomial(EXAMPLES, true) / EXAMPLES)


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ({10: (0.0, 0.0, 0.0), 1000: (0.2, 0.25, 0.22)}, "1,000 rules minus 10 rules"),
        ({10: (0.98, 0.99, 0.97), 1000: (0.1, 0.0, 0.0)}, "1,000 rules minus 10 rules"),
        ({10: (0.3, 0.31, 0.29), 1000: (0.99, 0.99, 0.99)}, "with 10 rules is 0.300"),
    ],
)
def test_a_curve_without_a_step_is_not_reproduced_and_the_failing_bound_is_named(unseen: dict, why: str):
    judgement = THRESHOLD.judge(threshold_of(unseen))
    assert judgement.verdict == "not reproduced"
    assert why in judgement.sentence


def test_one_number_of_rules_gives_no_verdict():
    judgement = THRESHOLD.judge(threshold_of({1000: (0.98, 0.99, 0.98)}))
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "arm missing")
    assert judgement.sentence == "There are no runs of a second value beside 1,000 rules."


def test_fitted_means_nine_in_ten_on_average_and_no_less():
    assert THRESHOLD.judge(threshold_of(STEP, dict.fromkeys(STEP, (0.9,) * 3))).verdict == "reproduced"
    judgement = THRESHOLD.judge(threshold_of(STEP, dict.fromkeys(STEP, (0.899,) * 3)))
    assert judgement.verdict == "not fitted"
    assert judgement.sentence.startswith("Exact match on seen rules is below 0.9: 0.899 at 10 rules; ")


def test_a_run_that_diverged_scores_zero_and_is_named():
    judgement = THRESHOLD.judge(threshold_of(STEP, diverged=[(1000, 1)]))
    assert judgement.verdict == "not fitted"
    assert "0.660 at 1,000 rules" in judgement.sentence
    assert judgement.rows[-1].interval("unseen").estimate == pytest.approx((0.98 + 0.99) / 3)
    assert "Diverged, and counted as scores of 0: 1,000 rules, seed 1." in judgement.notes


# Five seeds that agree, so that only the error of their test sets is left and the bounds are known.
@pytest.mark.parametrize(
    ("fewest", "most", "verdict"),
    [
        (0.0, 0.51, "inconclusive"),  # lower bound of the rise just below 0.5
        (0.0, 0.53, "reproduced"),
        (0.0, 0.47, "not reproduced"),
        (0.0, 0.49, "inconclusive"),  # upper bound of the rise just above 0.5
        (0.08, 0.99, "reproduced"),
        (0.09, 0.99, "inconclusive"),  # upper bound at the fewest rules just above 0.1
        (0.11, 0.99, "inconclusive"),
        (0.12, 0.99, "not reproduced"),
    ],
)
def test_verdicts_turn_where_the_bounds_cross_the_criterion(fewest: float, most: float, verdict: str):
    assert THRESHOLD.judge(threshold_of({10: (fewest,) * 5, 1000: (most,) * 5})).verdict == verdict


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_seeds_in_two_camps_by_chance_seldom_make_a_step(seeds: int):
    """Seeds that score 0 or 1 by chance, whatever the rules; with two seeds one table in 16 would pass."""
    rng, repeats = np.random.default_rng(seeds), 100
    camps = ({rules: list(rng.integers(0, 2, seeds) / 1) for rules in (10, 1000)} for _ in range(repeats))
    passed = sum(THRESHOLD.judge(table).verdict == "reproduced" for table in map(threshold_of, camps))
    assert passed <= 0.05 * repeats


def test_a_threshold_that_is_in_the_data_is_reproduced_nearly_always():
    """The criterion is no formality: three seeds with the scatter of pilot runs nearly always pass."""
    rng, repeats = np.random.default_rng(0), 100
    tables = (
        threshold_of({10: scores_around(rng, 0.003, 0.002, 3), 1000: scores_around(rng, 0.97, 0.02, 3)})
        for _ in range(repeats)
    )
    assert sum(THRESHOLD.judge(table).verdict == "reproduced" for table in tables) >= 0.95 * repeats


def test_a_threshold_is_interpolated_on_the_logarithm():
    points = [(math.log(10), 0.0), (math.log(1000), 1.0)]
    found = reached({0: points, 1: points})
    assert found is not None
    assert found.estimate == pytest.approx(100)
    assert reached({0: points, 1: [(math.log(10), 0.0), (math.log(1000), 0.4)]}) is None
    assert crossing([(0.0, 0.2), (1.0, 0.4)], 0.5) is None


def test_the_notes_of_the_threshold_study_name_its_place_and_its_shape():
    notes = THRESHOLD.judge(threshold_of({**STEP, 30: (0.0, 0.0, 0.0)})).notes
    assert any(note.startswith("Unseen rules reach 0.5 at 2") for note in notes)
    assert "83% of the rise lies between 100 and 1,000 rules, 1 of 3 steps of the grid (not judged)." in notes


# --- sizes, families, occurrences, the long tail


def test_robustness_needs_two_sizes_that_are_fitted():
    weak = {(TRAIN, (task, rules)): [0.5] * 3 for task in ("markov_40_10", "markov_20_8") for rules in (100, 1000)}
    two = {cell: scores for cell, scores in weak.items() if cell[1][0] == "markov_40_10"}
    judgement = judged("markov/robustness", two)
    assert judgement.verdict == "reproduced"
    assert judgement.left() == [
        "Left out, as exact match on the training set is below 0.9: 0.500 at (40, 10), 100 rules; 0.500 at (40, 10), "
        "1,000 rules."
    ]
    assert judged("markov/robustness", weak).verdict == "not fitted"
    one = table_of("markov/robustness").filter(pl.col("task") == "markov_40_10")
    judgement = robustness.CLAIM.judge(one)
    assert judgement.sentence == "There are no runs of two values of size with all that is compared."


def test_the_effect_of_robustness_is_that_of_the_weakest_size():
    middle = {(UNSEEN, ("markov_20_8", 1000)): [0.6, 0.55, 0.62]}
    judgement = judged("markov/robustness", middle)
    assert judgement.effect is not None
    low = contract.world(robustness.CLAIM.criterion)[UNSEEN, ("markov_20_8", 100)]  # pyright: ignore[reportArgumentType]
    assert judgement.effect.estimate == pytest.approx(np.mean([0.6, 0.55, 0.62]) - low, abs=0.01)
    assert "(20, 8)" in judgement.sentence


def test_a_setting_that_is_not_fitted_is_left_out_and_the_others_are_judged():
    weak = {(TRAIN, ("markov_occurs_1", rules)): [0.5] * 3 for rules in (100, 1000)}
    lower = {(occurrences.UNSEEN, ("markov_occurs_10", 1000)): [0.3] * 3}
    judgement = judged("markov/occurrences", weak | lower)
    assert judgement.verdict == "reproduced"
    assert [left.setting for left in judgement.left_out] == ["1 occurrences, 1,000 rules"]


def test_the_rows_of_families_go_from_one_to_three():
    rows = judged("markov/families").rows
    names = ["mirrored", "repeated", "repeated + mirrored", "all three"]
    assert [row.setting.split(",")[0] for row in rows[::2]] == names
    assert [row.paper for row in rows] == ["does not"] * 7 + ["reaches k < 3"]


def test_unseen_rules_of_k_2_are_noted_where_training_has_larger_k_alone():
    table = table_of("markov/families", {(families.FREE, ("markov_three_families", 4, 1000)): [0.9] * 3})
    lower = table.filter(condition="unseen/plain").with_columns(condition=pl.lit("unseen/repeated/k_2"))
    both = results.check(pl.concat([table, lower]))
    (note,) = (note for note in families.CLAIM.judge(both).notes if "k =" in note)
    assert note.startswith("Unseen rules of k = 2 at 1,000 rules: ")
    assert note.endswith("0.900 of three families (not judged).")
    small = both.with_columns(pl.lit(2).alias("task.max_k"))
    assert not any("k =" in note for note in families.CLAIM.judge(small).notes)


def test_the_papers_own_table_of_occurrences_reproduces_its_claim():
    """Means of arXiv 2402.10891, Table 1, as they are known, with a spread between seeds of 0.02."""
    arms = {f"markov_occurs_{law or 'mixed'}": (law or 1, law or 20) for law in occurrences.PAPER}
    tried = {name: {"task.min_occurrences": low, "task.max_occurrences": high} for name, (low, high) in arms.items()}
    axes = (replace(occurrences.OCCURRENCES, tried=tried), RULES.tried_at(*occurrences.PAPER[0]))
    cells = {}
    for law, of in occurrences.PAPER.items():
        for rules, score in of.items():
            setting = (f"markov_occurs_{law or 'mixed'}", rules)
            cells[TRAIN, setting] = [0.99] * 3
            cells[occurrences.UNSEEN, setting] = [min(max(score + d, 0.0), 1.0) for d in (-0.02, 0.0, 0.02)]
    table = contract.table("markov/occurrences/paper", axes, cells)
    assert occurrences.CLAIM.judge(results.check(table)).verdict == "reproduced"


def test_effective_rules_are_those_of_the_power_law():
    assert effective_rules(1.0, 1000) == pytest.approx(1000)
    assert rules_with_share(1.0, 1000) == 1000
    assert shares(0.1, 1000)[0] == pytest.approx(0.5012, abs=1e-4)
    # Half of the examples to one rule of two, by u^(1/a) < 1/2: entropy ln 2 only at shape 1.
    assert effective_rules(0.5, 2) < effective_rules(1.0, 2) == pytest.approx(2)
    assert [round(effective_rules(a, 1000)) for a in (0.5, 0.2, 0.1)] == [743, 167, 35]
    assert [rules_with_share(a, 1000) for a in (0.5, 0.2, 0.1)] == [250, 134, 77]


def test_rows_of_the_long_tail_show_the_effective_number_of_rules():
    rows = judged("markov/long_tail").rows
    assert [row.setting for row in rows][2:] == ["1,000, shape 0.1 (35)", "1,000, shape 1 (1,000)"]


def test_the_fall_of_whole_algorithms_with_their_steps_is_noted():
    scores = {f"{side}/steps_{k}": [0.7 * (6 / 7) ** (k - 1)] * 3 for side in ("seen", "unseen") for k in (1, 2, 3)}
    settings = {
        (lists,): {"seen": (0.99, 0.98, 1.0), "unseen/applied": unseen, **scores}
        for lists, unseen in ((10, (0.1, 0.2, 0.1)), (10**6, (0.9, 0.88, 0.93)))
    }
    table = made_up("markov/algorithms/cpu", ["task.lists"], settings)
    notes = studies.claim_for("markov/algorithms").judge(table).notes
    wanted = "First k steps on unseen lists, 1,000,000 in training: 0.700 at 1, 0.600 at 2, 0.514 at 3, 0.857 a step"
    assert any(note.startswith(wanted) for note in notes)


# --- the budget

GRID = [round(20 * 2 ** (i / 4)) for i in range(31)]
NEAR, FAR, UNCLEAR = (8, 9, 8), (22, 21, 22), (8, 9, 24)


def plane(places: Mapping[int, Sequence[int]], weak: int | None = None) -> pl.DataFrame:
    """A bisected table: examples per rule -> for each seed the place in GRID of the first that generalises."""
    parts = []
    for seed in range(len(next(iter(places.values())))):
        settings = {}
        for per_rule, of_seeds in places.items():
            low, high = -1, len(GRID)
            while high - low > 1:
                middle = (low + high) // 2
                score = 0.9 if middle >= of_seeds[seed] else 0.1
                trained = 0.5 if per_rule == weak else 0.99
                settings[GRID[middle], per_rule] = {"unseen/applied": [score], "train": [trained]}
                low, high = (low, middle) if score > 0.5 else (middle, high)
        table = made_up("markov/budget/cpu", ["task.num_rules", "task.examples_per_rule"], settings)
        run = pl.col("run") + f"-{seed}"
        parts.append(table.with_columns(pl.lit(seed, pl.Int64).alias("seed"), run.alias("run")))
    return pl.concat(parts)


def test_thresholds_are_the_middle_of_their_cells_and_the_effect_is_how_far_they_move():
    table = plane({10: (12, 12, 12), 100: (10, 9, 10), 1000: (8, 8, 8)})
    grid = Grid(results.check(table), budget.CLAIM.criterion.axes)
    columns = budget.MOVES.columns(grid)
    assert [columns[10][0].low, columns[10][0].high] == [math.log2(GRID[11]), math.log2(GRID[12])]
    assert len(table["run"].unique()) == 9 * 5
    judgement = budget.CLAIM.judge(table)
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(1.0, abs=0.02)
    assert budget.MOVES.threshold(grid, columns[1000]).estimate == pytest.approx(math.sqrt(GRID[7] * GRID[8]))


def test_the_budget_study_gives_each_verdict_on_tables_made_for_it():
    near, far, unclear = (budget.CLAIM.judge(plane({10: at, 1000: NEAR})) for at in ((11, 12, 12), FAR, UNCLEAR))
    assert [judgement.verdict for judgement in (near, far, unclear)] == ["reproduced", "not reproduced", "inconclusive"]
    assert near.seeds == 3


def test_a_budget_threshold_outside_the_grid_is_never_reproduced():
    beyond = (31, 31, 31)
    assert budget.CLAIM.judge(plane({10: beyond, 1000: NEAR})).verdict == "not reproduced"
    judgement = budget.CLAIM.judge(plane({10: beyond, 1000: (30, 29, 30)}))
    assert judgement.verdict == "inconclusive"
    assert "within the grid some seed has no threshold" in judgement.sentence


def test_a_column_that_is_not_fitted_is_left_out_and_named():
    places = {10: NEAR, 100: NEAR, 1000: FAR}
    judgement = budget.CLAIM.judge(plane(places, weak=1000))
    assert judgement.verdict == "reproduced"
    assert judgement.left() == [
        "Left out, as exact match on the training set is below 0.9: 0.500 at 1,000 examples per rule."
    ]
    assert budget.CLAIM.judge(plane({10: NEAR, 1000: NEAR}, weak=10)).verdict == "not fitted"
    narrow = budget.CLAIM.judge(plane({10: NEAR, 50: NEAR}))
    assert (narrow.verdict, narrow.cause) == ("inconclusive", "arm missing")
    assert "span a factor of 10" in narrow.sentence


def test_one_seed_or_missing_runs_bar_a_verdict_on_the_budget():
    table = plane({10: NEAR, 1000: NEAR})
    assert budget.CLAIM.judge(table.filter(seed=0)).verdict == "inconclusive"
    lacks = budget.CLAIM.judge(table.filter((pl.col("seed") > 0) | (pl.col("task.examples_per_rule") > 10)))
    assert "10 examples per rule, seed 0" in lacks.sentence
    wide = table.filter(pl.col("task.num_rules").is_in([GRID[0], GRID[7], GRID[15], GRID[30]]))
    assert "known to a factor of 2 or worse" in budget.CLAIM.judge(wide).sentence
