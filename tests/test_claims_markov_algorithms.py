"""The criterion of the claim on whole Markov algorithms, on made-up tables for every verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from experiments import studies as claims
from experiments.judging import results
from experiments.judging.results import RecordError
from experiments.studies.markov.algorithms import KEYS
from tests.criteria import passes_by_chance
from tests.tables import Scores, made_up

CLAIM = claims.claim_for("markov/algorithms")
FIT, HIGH, MIDDLE, LOW, SPREAD = (
    (0.99, 0.98, 1.0),
    (0.9, 0.88, 0.93),
    (0.3, 0.35, 0.3),
    (0.1, 0.2, 0.1),
    (0.1, 0.9, 0.9),
)


def table_of(most: Sequence[float], fewest: Sequence[float], fit: Sequence[float] = FIT) -> pl.DataFrame:
    """Few, some and many lists; of the first k steps a seventh is lost at each."""
    settings: dict[tuple[int], Scores] = {}
    for lists, unseen in ((10, fewest), (100, MIDDLE), (10**6, most)):
        scores: dict[str, Sequence[float]] = {"seen": fit if lists == 10 else FIT, "unseen/applied": unseen}
        scores |= {
            f"{side}/steps_{k}": [0.7 * (6 / 7) ** (k - 1)] * 3 for side in ("seen", "unseen") for k in (1, 2, 3)
        }
        settings[lists,] = scores
    return made_up("markov/algorithms/cpu", KEYS, settings)


def test_each_verdict_is_given_where_it_is_due():
    for most, verdict in ((HIGH, "reproduced"), (MIDDLE, "not reproduced"), (SPREAD, "inconclusive")):
        judgement = CLAIM.criterion(results.check(table_of(most, LOW)))
        assert judgement.verdict == verdict
        assert judgement.seeds == 3


def test_the_fall_with_the_steps_is_noted():
    notes = CLAIM.criterion(table_of(HIGH, LOW)).notes
    said = "First k steps on unseen lists, 1,000,000 in training: 0.700 at 1, 0.600 at 2, 0.514 at 3, 0.857 a step"
    assert any(note.startswith(said) for note in notes)


def test_nothing_is_concluded_where_training_is_not_fitted():
    judgement = CLAIM.criterion(table_of(HIGH, LOW, fit=MIDDLE))
    assert judgement.verdict == "not fitted"
    assert "0.317 at 10 lists" in judgement.sentence


def test_one_seed_or_a_missing_run_bars_a_verdict():
    table = table_of(HIGH, LOW)
    assert CLAIM.criterion(table.filter(seed=0)).verdict == "inconclusive"
    assert "10 lists, seed 0" in CLAIM.criterion(table.filter(pl.col("run") != table["run"][0])).sentence


def test_a_table_of_another_study_is_refused():
    with pytest.raises(RecordError):
        CLAIM.criterion(made_up("markov/threshold/cpu", ["task.num_rules"], {(30,): {"unseen/applied": [0.1, 0.2]}}))


def test_chance_is_taken_for_the_finding_at_most_one_time_in_twenty():
    """The effect is 0.48 in truth."""
    assert passes_by_chance(CLAIM.name, table_of, (0.6, 0.12)) <= 0.05


def test_a_figure_is_drawn(tmp_path: Path):
    table = table_of(HIGH, LOW)
    files = CLAIM.figure(table, CLAIM.criterion(table), tmp_path / "figure")
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"<?xm"]
