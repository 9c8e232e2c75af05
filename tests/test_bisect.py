"""A threshold is found where a made-up score steps, in few runs, and as a whole command; what is concluded from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from experiments import studies as claims
from experiments.engine import config as configs
from experiments.engine.bisection import Bisection, bisection_of
from experiments.errors import ConfigError
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies.markov import budget as markov_budget
from tests.commands import call
from tests.tables import made_up

GRID = [f"task.num_rules={2**n}" for n in range(31)]
COLUMNS = [("seed=1", "task.noop_rate=0.1"), ("seed=2", "task.noop_rate=0.1"), ("seed=1", "task.noop_rate=0.2")]


def bisected(steps: Mapping[tuple[str, ...], float], below: float = 0.0) -> tuple[dict, list[int]]:
    """Each column's points that were run, with scores, and the runs of each round; `steps`: where scores become 1."""
    jobs = [[column[0], rules, column[1]] for column in steps for rules in reversed(GRID)]
    scores: dict[tuple[str, ...], dict[int, float]] = {column: {} for column in steps}
    rounds = []

    def run(asked):
        rounds.append(len(asked))
        for seed, rules, noop in asked:
            column, point = (seed, noop), int(rules.split("=")[1])
            assert point not in scores[column], "run twice"
            scores[column][point] = 1.0 if point >= steps[column] else below
        return [scores[job[0], job[2]][int(job[1].split("=")[1])] for job in asked]

    done = Bisection("task.num_rules").search(jobs, run)
    assert sorted(map(str, done)) == sorted(str([s, f"task.num_rules={p}", n]) for s, n in scores for p in scores[s, n])
    return scores, rounds


@pytest.mark.parametrize("place", range(32))
def test_the_cell_of_a_step_is_found_in_the_logarithm_of_the_points(place: int):
    step = 2**place  # 2^31 lies beyond the grid
    scores, _ = bisected({("seed=1", "noop"): step})
    found = scores["seed=1", "noop"]
    assert len(found) == 5 <= len(GRID) / 4
    below, above = [p for p, s in found.items() if s < 0.5], [p for p, s in found.items() if s >= 0.5]
    assert max(below, default=2**-1) == step / 2
    assert min(above, default=2**31) == step


def test_columns_are_searched_side_by_side_and_each_for_itself():
    steps = dict(zip(COLUMNS, (2**3, 2**20, 2**29), strict=True))
    scores, rounds = bisected(steps)
    assert rounds == [3] * 5
    for column, step in steps.items():
        assert {step // 2, step} <= set(scores[column])


def test_a_run_that_diverged_is_below_the_target():
    scores, _ = bisected({("seed=1", "noop"): 2**9}, below=math.nan)
    assert {2**8, 2**9} <= set(scores["seed=1", "noop"])


@pytest.mark.parametrize("axis", ["", "task.num_rule", "model"])
def test_an_axis_that_is_not_swept_over_numbers_is_refused_before_any_run(axis: str):
    grid = [["model=tiny", rules] for rules in GRID]
    with pytest.raises(ConfigError, match=r"hydra.sweeper.axis: expected a key that is swept over numbers, got"):
        Bisection(axis).search(grid, lambda jobs: pytest.fail("ran"))


def test_a_target_that_is_no_number_is_refused():
    with pytest.raises(ConfigError, match=r"hydra.sweeper.target: expected a number, got 'half'"):
        Bisection("task.num_rules", "half")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("scale", ["cpu", "gpu", "paper"])
def test_a_study_runs_at_least_four_times_fewer_than_its_grid(scale: str):
    grid = configs.sweep([f"study=markov/budget/{scale}"])
    done = Bisection("task.num_rules").search(grid, lambda jobs: [0.0] * len(jobs))
    assert 4 * len(done) <= len(grid)


@pytest.mark.slow
def test_the_smoke_study_is_judged_and_then_found_done_by_hydras_own_command(tmp_path):
    whole = call("reproduce", "markov/budget/smoke", f"out={tmp_path}")
    assert whole.returncode == 0, whole.stderr
    assert "round 3 of 3, 4 of 28 jobs" in whole.stdout
    folder = tmp_path / "markov/budget/smoke"
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.glob("*/result.json"))) == 12
    again = call("run", "-m", "study=markov/budget/smoke", f"out={tmp_path}")
    assert again.returncode == 0, again.stderr
    assert "12 of 12 runs finished" in again.stdout
    assert "training" not in again.stderr


def test_the_command_refuses_an_axis_that_is_not_swept(tmp_path):
    words = ["hydra/sweeper=bisect", "hydra.sweeper.axis=task.alphabet", "seed=1,2", "hydra/launcher=vmap"]
    done = call("run", "-m", *words, f"out={tmp_path / 'runs'}")
    assert done.returncode == 2
    assert done.stderr.startswith("error: hydra.sweeper.axis: expected a key that is swept over numbers, got 'task.al")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_the_same_study_runs_its_whole_grid_under_the_basic_sweeper():
    words = ["study=markov/budget/cpu", "hydra/sweeper=basic"]
    assert len(configs.jobs(configs.sweep(words))) == 279
    assert bisection_of(configs.compose(words)) is None


RULES = [round(20 * 2 ** (i / 4)) for i in range(31)]
CLAIM = claims.claim_for("markov/budget")


def plane(places: Mapping[int, Sequence[int]], weak: int | None = None) -> pl.DataFrame:
    """A bisected table: examples per rule -> for each seed the place in RULES of the first that generalises."""
    parts = []
    for seed in range(len(next(iter(places.values())))):
        settings = {}
        for per_rule, of_seeds in places.items():
            low, high = -1, len(RULES)
            while high - low > 1:
                middle = (low + high) // 2
                score = 0.9 if middle >= of_seeds[seed] else 0.1
                trained = 0.5 if per_rule == weak else 0.99
                settings[RULES[middle], per_rule] = {"unseen/applied": [score], "train": [trained]}
                low, high = (low, middle) if score > 0.5 else (middle, high)
        table = made_up("markov/budget/cpu", markov_budget.KEYS, settings)
        run = pl.col("run") + f"-{seed}"
        parts.append(table.with_columns(pl.lit(seed, pl.Int64).alias("seed"), run.alias("run")))
    return pl.concat(parts)


def test_thresholds_are_the_middle_of_their_cells_and_the_effect_is_how_far_they_move():
    table = plane({10: (12, 12, 12), 100: (10, 9, 10), 1000: (8, 8, 8)})
    found = markov_budget.crossings(results.check(table))
    assert [found[10][0].low, found[10][0].high] == [math.log2(RULES[11]), math.log2(RULES[12])]
    assert len(table["run"].unique()) == 9 * 5
    judgement = CLAIM.criterion(table)
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(1.0, abs=0.02)
    assert markov_budget.threshold(found[1000]).estimate == pytest.approx(math.sqrt(RULES[7] * RULES[8]))


NEAR, FAR, UNCLEAR = (8, 9, 8), (22, 21, 22), (8, 9, 24)


def test_each_verdict_is_given_where_it_is_due():
    near, far, unclear = (CLAIM.criterion(plane({10: at, 1000: NEAR})) for at in ((11, 12, 12), FAR, UNCLEAR))
    assert [judgement.verdict for judgement in (near, far, unclear)] == ["reproduced", "not reproduced", "inconclusive"]
    assert near.seeds == 3


def test_a_threshold_outside_the_grid_never_reproduces():
    beyond = (31, 31, 31)
    assert CLAIM.criterion(plane({10: beyond, 1000: NEAR})).verdict == "not reproduced"
    judgement = CLAIM.criterion(plane({10: beyond, 1000: (30, 29, 30)}))
    assert judgement.verdict == "inconclusive"
    assert "no threshold was found at 10 examples per rule" in judgement.sentence


def test_a_column_that_is_not_fitted_is_left_out_and_named():
    places = {10: NEAR, 100: NEAR, 1000: FAR}
    judgement = CLAIM.criterion(plane(places, weak=1000))
    assert judgement.verdict == "reproduced"
    assert "0.500 at 1,000 examples per rule" in judgement.notes[0]
    assert CLAIM.criterion(plane({10: NEAR, 1000: NEAR}, weak=10)).verdict == "not fitted"
    assert CLAIM.criterion(plane({10: NEAR, 50: NEAR})).verdict == "not fitted"  # less than a factor of 10


def test_one_seed_or_missing_runs_bar_a_verdict():
    table = plane({10: NEAR, 1000: NEAR})
    assert CLAIM.criterion(table.filter(seed=0)).verdict == "inconclusive"
    lacks = CLAIM.criterion(table.filter((pl.col("seed") > 0) | (pl.col("task.examples_per_rule") > 10)))
    assert "10 examples per rule, seed 0" in lacks.sentence
    wide = table.filter(pl.col("task.num_rules").is_in([RULES[0], RULES[7], RULES[15], RULES[30]]))
    assert "known to a factor of 2 or worse" in CLAIM.criterion(wide).sentence


def test_a_table_of_another_study_is_refused():
    with pytest.raises(RecordError):
        CLAIM.criterion(made_up("markov/threshold/cpu", ["task.num_rules"], {(30,): {"unseen/applied": [0.1, 0.2]}}))


def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty():
    """Thresholds that lie 2.25 octaves apart, each seed's moved by a quarter octave or so."""
    rng, repeats, passed = np.random.default_rng(0), 20, 0
    for _ in range(repeats):
        moved = {
            per_rule: np.rint(rng.normal(at, 1.0, 3)).astype(int).tolist() for per_rule, at in ((10, 17), (999, 8))
        }
        passed += CLAIM.criterion(plane(moved)).verdict == "reproduced"
    assert passed <= 0.05 * repeats


def test_a_figure_is_drawn(tmp_path: Path):
    table = plane({10: NEAR, 1000: (7, 7, 8)})
    files = CLAIM.figure(table, CLAIM.criterion(table), tmp_path / "figure")
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"<?xm"]
