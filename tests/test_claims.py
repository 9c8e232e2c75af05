"""Criteria on made-up tables, the records that they read, and what is printed and drawn of them."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from paper import claims, results
from paper.claims.markov_threshold import criterion, threshold
from paper.results import RecordError
from paper.table import show, show_comparison

EXAMPLES = 512
STEP = {10: (0.0, 0.0, 0.002), 100: (0.15, 0.2, 0.16), 1000: (0.98, 0.97, 0.99)}


def made_up(
    unseen: Mapping[int, Sequence[float]],
    seen: Mapping[int, Sequence[float]] | None = None,
    diverged: Sequence[tuple[int, int]] = (),
) -> pl.DataFrame:
    """A table of markov/threshold: exact match by number of rules and seed (0, 1, ...), half of it before."""
    rows = []
    for rules, scores in unseen.items():
        for seed, score in enumerate(scores):
            lost = (rules, seed) in diverged
            on_seen = seen[rules][seed] if seen else 0.99
            for step, share in ((600, 0.5), (1200, 1.0)):
                for condition, value in (("seen/applied", on_seen), ("unseen/applied", score)):
                    found = None if lost and step == 1200 else share * value
                    rows.append(
                        {"study": "markov/threshold/cpu", "run": f"{rules}-{seed}", "seed": seed}
                        | {
                            "task.num_rules": rules,
                            "step": step,
                            "final": step == 1200,
                            "learner": "model",
                            "condition": condition,
                            "position": None,
                        }
                        | {
                            "exact_match": found,
                            "token_accuracy": found,
                            "nll": None if found is None else 0.1,
                        }
                        | {"examples": EXAMPLES, "status": "diverged" if lost else "finished"}
                        | {
                            "device": "2 cores",
                            "versions": "jax 0.10.2",
                            "commit": "abc+",
                            "date": "2025-01-01",
                        }
                    )
    return pl.DataFrame(rows, schema_overrides={"position": pl.Int64})


def scores_around(rng: np.random.Generator, mean: float, spread: float, seeds: int) -> list[float]:
    true = np.clip(rng.normal(mean, spread, seeds), 0, 1)
    return list(rng.binomial(EXAMPLES, true) / EXAMPLES)


# --- verdicts


def test_a_step_is_reproduced():
    judgement = criterion(made_up(STEP))
    assert judgement.verdict == "reproduced"
    assert judgement.seeds == 3
    assert judgement.effect is not None
    assert judgement.effect.estimate == pytest.approx(0.98 - 0.002 / 3)
    assert judgement.effect.lower > 0.9


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ({10: (0.0, 0.0, 0.0), 1000: (0.2, 0.25, 0.22)}, "The rise is less than 0.5"),
        ({10: (0.0, 0.0, 0.0), 1000: (0.0, 0.0, 0.0)}, "The rise is less than 0.5"),
        ({10: (0.98, 0.99, 0.97), 1000: (0.1, 0.0, 0.0)}, "The rise is less than 0.5"),
        ({10: (0.3, 0.31, 0.29), 1000: (0.99, 0.99, 0.99)}, "The fewest rules already generalise"),
    ],
)
def test_what_is_no_step_is_not_reproduced(unseen: dict[int, tuple[float, ...]], why: str):
    judgement = criterion(made_up(unseen))
    assert judgement.verdict == "not reproduced"
    assert judgement.sentence.startswith(why)


@pytest.mark.parametrize(
    ("unseen", "why"),
    [
        ({10: (0.0, 0.0, 0.0), 1000: (0.2, 0.9, 0.99)}, "The intervals are too wide"),
        ({10: (0.0, 0.2, 0.05), 1000: (0.99, 0.99, 0.98)}, "The intervals are too wide"),
        ({10: (0.0,), 1000: (0.98,)}, "There is one seed only"),
        ({1000: (0.98, 0.99, 0.98)}, "There is one number of rules only"),
        ({10: (0.0, 0.0, 0.0), 1000: (0.98, 0.99)}, "Runs are missing: 1,000 rules, seed 2"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(unseen: dict[int, tuple[float, ...]], why: str):
    judgement = criterion(made_up(unseen))
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence.startswith(why)


def test_runs_of_different_length_are_not_compared():
    longer = pl.col("final") & (pl.col("task.num_rules") == 10)
    table = made_up(STEP).with_columns(step=pl.when(longer).then(1500).otherwise("step"))
    judgement = criterion(table)
    assert judgement.verdict == "inconclusive"
    assert judgement.sentence == "The runs ended at different steps, which bars a comparison: 1200, 1500."


def test_nothing_is_concluded_where_the_training_rules_are_not_learnt():
    seen = {10: (0.99, 0.99, 0.99), 100: (0.95, 0.89, 0.85), 1000: (0.99, 0.99, 0.99)}
    judgement = criterion(made_up(STEP, seen))
    assert judgement.verdict == "not fitted"
    assert judgement.sentence.endswith("0.897 at 100 rules.")


def test_fitted_means_nine_in_ten_on_average_and_no_less():
    assert criterion(made_up(STEP, dict.fromkeys(STEP, (0.9,) * 3))).verdict == "reproduced"
    assert criterion(made_up(STEP, dict.fromkeys(STEP, (0.899,) * 3))).verdict == "not fitted"


def test_a_run_that_diverged_scores_zero_and_is_named():
    judgement = criterion(made_up(STEP, diverged=[(1000, 1)]))
    assert judgement.verdict == "not fitted"
    assert "0.660 at 1,000 rules" in judgement.sentence
    assert judgement.rows[-1].scores["unseen"].estimate == pytest.approx((0.98 + 0.99) / 3)
    assert judgement.notes[-1] == "Diverged, and counted as scores of 0: 1,000 rules, seed 1."


# Five seeds that agree, so that only the test set's error is left and the bounds are known.
@pytest.mark.parametrize(
    ("unseen", "verdict"),
    [
        ({10: (0.0,) * 5, 1000: (0.54,) * 5}, "inconclusive"),  # lower bound of the rise just below 0.5
        ({10: (0.0,) * 5, 1000: (0.55,) * 5}, "reproduced"),
        ({10: (0.0,) * 5, 1000: (0.45,) * 5}, "not reproduced"),
        ({10: (0.0,) * 5, 1000: (0.46,) * 5}, "inconclusive"),  # upper bound of the rise just above 0.5
        ({10: (0.07,) * 5, 1000: (0.99,) * 5}, "reproduced"),
        (
            {10: (0.08,) * 5, 1000: (0.99,) * 5},
            "inconclusive",
        ),  # upper bound at the fewest rules just above 0.1
        ({10: (0.12,) * 5, 1000: (0.99,) * 5}, "inconclusive"),
        ({10: (0.13,) * 5, 1000: (0.99,) * 5}, "not reproduced"),
    ],
)
def test_verdicts_turn_where_the_bounds_cross_the_criterion(unseen: dict[int, tuple[float, ...]], verdict: str):
    assert criterion(made_up(unseen)).verdict == verdict


def test_a_table_of_something_else_is_refused():
    with pytest.raises(RecordError, match=r"sweeps nothing, where task.num_rules alone is wanted"):
        criterion(made_up(STEP).drop("task.num_rules"))
    with pytest.raises(RecordError, match="no condition unseen/applied of the model, only seen/applied"):
        criterion(made_up(STEP).filter(condition="seen/applied"))


# --- how often chance passes

# Worlds in which the claim is false: unseen exact match (mean, spread) at the fewest and at the most rules.
NULLS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "nothing generalises": ((0.01, 0.01), (0.01, 0.01)),
    "everything generalises": ((0.9, 0.1), (0.9, 0.1)),
    "everything half, seeds scatter": ((0.5, 0.3), (0.5, 0.3)),
    "a rise of exactly 0.5": ((0.02, 0.01), (0.52, 0.05)),
    "the fewest rules at exactly 0.1": ((0.1, 0.03), (0.95, 0.02)),
}


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("world", NULLS)
def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty(world: str, seeds: int):
    fewest, most = NULLS[world]
    rng, repeats = np.random.default_rng(seeds), 100
    tables = (
        made_up({10: scores_around(rng, *fewest, seeds), 1000: scores_around(rng, *most, seeds)})
        for _ in range(repeats)
    )
    passed = sum(criterion(table).verdict == "reproduced" for table in tables)
    assert passed / repeats <= 0.05


@pytest.mark.parametrize("seeds", [3, 5])
def test_seeds_in_two_camps_seldom_make_a_step(seeds: int):
    """Seeds that score 0 or 1 by chance, whatever the rules; with two seeds one table in 16 would pass."""
    rng, repeats = np.random.default_rng(seeds), 100
    tables = (made_up({rules: list(rng.integers(0, 2, seeds) / 1) for rules in (10, 1000)}) for _ in range(repeats))
    assert sum(criterion(table).verdict == "reproduced" for table in tables) <= 0.05 * repeats


def test_the_finding_is_found_where_it_is():
    """The criterion is no formality: three seeds with the scatter of pilot runs nearly always pass."""
    rng, repeats = np.random.default_rng(0), 100
    tables = (
        made_up({10: scores_around(rng, 0.003, 0.002, 3), 1000: scores_around(rng, 0.97, 0.02, 3)})
        for _ in range(repeats)
    )
    assert sum(criterion(table).verdict == "reproduced" for table in tables) >= 0.95 * repeats


# --- what is measured but not judged


def test_the_threshold_is_interpolated_on_the_logarithm():
    crossing = threshold({10: {0: 0.0, 1: 0.0}, 1000: {0: 1.0, 1: 1.0}})
    assert crossing is not None
    assert crossing.estimate == pytest.approx(100)
    assert threshold({10: {0: 0.0, 1: 0.0}, 1000: {0: 1.0, 1: 0.4}}) is None


def test_threshold_and_shape_are_reported():
    notes = criterion(made_up({**STEP, 30: (0.0, 0.0, 0.0)})).notes
    assert notes[0].startswith("Unseen rules reach 0.5 at 2")
    assert notes[1] == "83% of the rise lies between 100 and 1,000 rules, 1 of 3 steps of the grid (not judged)."


# --- claims


def test_a_study_finds_its_claim_at_every_scale():
    for study in ("markov/threshold/cpu", "markov/threshold/paper", "markov/threshold"):
        assert claims.claim_for(study).name == "markov/threshold"


def test_a_study_without_a_claim_names_those_there_are():
    with pytest.raises(claims.ClaimError, match=r"^no claim belongs to the study 'tea/cups/cpu': .* markov/threshold,"):
        claims.claim_for("tea/cups/cpu")


def test_nothing_here_knows_of_training():
    code = "import sys, paper.claims, paper.table; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jax", "experiments", "models", "synthetic"} & set(found.stdout.split())


# --- records


def test_a_record_is_read_as_it_was_written(tmp_path: Path):
    table, path = made_up(STEP, diverged=[(100, 2)]), tmp_path / "deep" / "cpu.csv"
    results.write(table.sample(fraction=1, shuffle=True, seed=0), path)
    first = path.read_bytes()
    again = results.read(path)
    assert again.schema == table.schema
    order = ["task.num_rules", "seed", "learner", "condition", "position", "step"]
    assert again.equals(table.sort(order).with_columns(pl.col(pl.Float64).round_sig_figs(6)))
    results.write(again, path)
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["cpu.csv"]


def test_swept_keys_come_back_in_their_own_types(tmp_path: Path):
    table = made_up({10: (0.0, 0.1)})
    place = table.columns.index("step")
    for name, value in (("task.flag", True), ("model", "tiny"), ("optim.lr", 0.5)):
        table.insert_column(place, pl.Series(name, [value] * len(table)))
    results.write(table, tmp_path / "r.csv")
    again = results.read(tmp_path / "r.csv")
    assert results.swept(again) == ["task.num_rules", "optim.lr", "model", "task.flag"]
    assert again.schema == table.schema


def test_a_write_that_fails_leaves_the_old_record(tmp_path: Path):
    path = tmp_path / "cpu.csv"
    results.write(made_up(STEP), path)
    before = path.read_bytes()
    with pytest.raises(RecordError, match="has no rows"):
        results.write(made_up(STEP).clear(), path)
    assert path.read_bytes() == before


def test_scores_that_are_not_numbers_belong_to_diverged_runs_only():
    table = made_up(STEP, diverged=[(100, 2)]).with_columns(pl.col("exact_match").fill_null(float("nan")))
    assert not results.check(table)["exact_match"].is_nan().any()
    with pytest.raises(RecordError, match="run 100-2 finished but has no exact_match at step 1200"):
        results.check(table.with_columns(status=pl.lit("finished")))


Damage = Callable[[str], str]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: "", "not readable as CSV"),
        (lambda text: text.splitlines()[0] + "\n", "has no rows"),
        (lambda text: text[: len(text) // 2], "column"),  # cut off in the middle of a line
        (lambda text: text.replace("exact_match", "accuracy", 1), "lacks the column exact_match"),
        (lambda text: text.replace("seed,", "spoon,seed,", 1), "where study, run, seed, <swept keys>, step"),
        (
            lambda text: text.replace("0.98", "lots"),
            "line 29: column exact_match has 'lots' where a number is wanted",
        ),
        (lambda text: text.replace("0.98", "9.8"), "column exact_match has 9.8, which is out of range"),
        (lambda text: text.replace("0.98", ""), "run 1000-0 finished but has no exact_match at step 1200"),
        (lambda text: text.replace("finished", "asleep", 1), "column status has 'asleep'"),
        (lambda text: text.replace("cpu", "gpu", 1), "mixes the studies"),
        (lambda text: text.replace(",512,", ",0,", 1), "column examples has a number below 1"),
        (
            lambda text: text.replace("10-1,1", "10-0,0"),
            "run 10-0 has the condition seen/applied twice at step",
        ),
        (lambda text: text.replace("10-1,1", "10-0,1"), "run 10-0 mixes two settings|twice"),
        (lambda text: text.replace("10-1,1", "10-1,0"), "runs 10-0 and 10-1 are of one seed and setting"),
        (
            lambda text: text.replace("true", "false", 1),
            "run 10-0: `final` must be true on its last evaluation",
        ),
        (lambda text: text.replace("seen/applied", "seen/noop", 2), "has no last evaluation of"),
    ],
)
def test_a_damaged_record_is_named_in_one_line(tmp_path: Path, damage: Damage, why: str):
    path = tmp_path / "cpu.csv"
    results.write(made_up(STEP), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(RecordError, match=why) as error:
        results.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_or_unreadable_record_is_named_in_one_line(tmp_path: Path):
    with pytest.raises(RecordError, match=r"none\.csv: no such record$"):
        results.read(tmp_path / "none.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    for path in (tmp_path / "noise.csv", tmp_path):
        with pytest.raises(RecordError) as error:
            results.read(path)
        assert "\n" not in str(error.value)


def test_records_have_their_place():
    assert results.path_for("markov/threshold/cpu").parts[-5:] == (
        "paper",
        "results",
        "markov",
        "threshold",
        "cpu.csv",
    )
    for name in ("markov/threshold", "../../x", "a/b/c/d"):
        with pytest.raises(RecordError, match="is not of the form"):
            results.path_for(name)


# --- a fresh run beside the record


def test_a_fresh_run_is_inside_or_outside_the_record():
    record = made_up(STEP)
    assert results.compare(record, record)["inside"].all()
    fresh = made_up({10: (0.0, 0.0), 100: (0.9, 0.9), 3000: (1.0, 1.0)})
    found = results.compare(fresh, record).filter(condition="unseen/applied")
    assert found["task.num_rules"].to_list() == [10, 100, 3000]
    assert found["inside"].to_list() == [True, False, None]


def test_a_comparison_prints_what_is_outside():
    fresh = made_up({10: (0.0, 0.0), 100: (0.9, 0.9), 3000: (1.0, 1.0)})
    lines = printed(lambda console: show_comparison(results.compare(fresh, made_up(STEP)), console))
    assert lines[0] == "against the record: 3 of 4 means inside its 95 % intervals, 2 not recorded"
    assert lines[1].startswith("  outside: unseen/applied at task.num_rules=100: 0.900, recorded 0.170 [")


# --- print and figure


def printed(action: Callable[[Console], None]) -> list[str]:
    file = io.StringIO()
    action(Console(file=file, width=80))
    return file.getvalue().splitlines()


def test_the_table_fits_80_columns_and_a_file():
    table = made_up({**STEP, 1_000_000: (1.0, 1.0, 1.0)})
    judgement = criterion(table)
    lines = printed(lambda console: show(claims.claim_for("markov/threshold"), judgement, table, console))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    assert "…" not in text
    for wanted in ("0 (never)", "~1 (always)", "0.170 [", "reproduced: ", "3 seeds", "jax 0.10.2", "abc+"):
        assert wanted in text


@pytest.mark.parametrize(
    "table",
    [made_up(STEP), made_up({10: (0.1,)}), made_up(STEP, diverged=[(10, 0), (10, 1), (10, 2)])],
    ids=["step", "one run", "diverged"],
)
def test_the_figure_is_drawn_the_same_each_time(table: pl.DataFrame, tmp_path: Path):
    claim = claims.claim_for("markov/threshold")
    first, second = (claim.figure(table, criterion(table), tmp_path / name) for name in ("a.b", "c"))
    assert [path.name for path in first] == ["a.b.png", "a.b.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()
