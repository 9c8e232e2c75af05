"""A threshold is found where a made-up score steps, in few runs, and as a whole command; what is concluded from it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from experiments.engine import compose
from experiments.engine import config as configs
from experiments.engine.bisection import Bisection, bisection_of
from experiments.errors import ConfigError
from tests.commands import call

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
    assert bisection_of(compose.compose(words).hydra) is None


def test_the_end_of_a_bisection_says_between_which_values_each_column_crosses_the_target(capsys):
    bisected(dict(zip(COLUMNS, (2**3, 2**31, 1), strict=True)))
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "the score reaches 0.5 between 4 and 8 of task.num_rules (seed=1,task.noop_rate=0.1)",
        f"the score reaches 0.5 nowhere up to {2**30} of task.num_rules (seed=2,task.noop_rate=0.1)",
        "the score reaches 0.5 at 1 or below of task.num_rules (seed=1,task.noop_rate=0.2)",
    ]
