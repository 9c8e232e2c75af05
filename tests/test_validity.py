"""The page that answers the review of the studies names every study, with the seeds of its record."""

from __future__ import annotations

from pathlib import Path

from experiments import studies
from experiments.judging import results

PAGE = Path(__file__).parents[1] / "docs" / "validity.md"
LINES = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
ROWS = {study.strip(" `"): (answer.strip(), seeds.strip()) for study, _, answer, _, seeds in LINES}
REVIEWED = ("markov", "rasp", "boolean", "tint")  # the families that there were
LATER = ("rasp/rerun", "rasp/rate", "rasp/addition_reach", "boolean/mixing")  # their studies since the review
PILOTS = 20  # seeds below were looked at while settings were chosen


def test_every_reviewed_study_has_a_line_and_no_line_is_of_anything_else():
    names = [claim.name for claim in studies.own() if claim.name not in LATER]
    assert sorted(ROWS) == sorted(name for name in names if name.split("/")[0] in REVIEWED)


def test_the_seeds_of_a_line_are_those_of_the_record_and_only_fresh_ones_are_called_done():
    for study, (answer, seeds) in ROWS.items():
        recorded = sorted({*results.read(results.path_for(f"{study}/cpu"))["seed"]})
        assert seeds == f"{recorded[0]} to {recorded[-1]}", study
        assert answer.startswith("done") == (recorded[0] > PILOTS), study
