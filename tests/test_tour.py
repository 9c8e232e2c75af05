"""The notebook docs/tour.ipynb: it runs as it stands, and its committed outputs are of a machine that is not named."""

from __future__ import annotations

import re
import resource

import pytest

from tests import notebook
from tests.commands import ROOT

PATH = ROOT / "docs" / "tour.ipynb"
TOUR = notebook.read(PATH)


def printed(cell) -> str:
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def test_the_tours_outputs_are_committed_small_and_without_paths_of_a_machine():
    cells = notebook.code_cells(TOUR)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells[1:])
    assert PATH.stat().st_size < 500_000
    assert not re.search(r"/(tmp|home|root|work|usr|Users)/", PATH.read_text())
    assert all(
        set(output) <= {"output_type", "name", "text", "data", "metadata"} for c in cells for output in c["outputs"]
    )
    assert len({cell["id"] for cell in TOUR["cells"]}) == len(TOUR["cells"])


def test_the_tour_links_to_pages_that_are_there():
    pages = re.findall(r"\]\((\w+\.md)\)", PATH.read_text())
    assert len(pages) >= 5
    assert all((PATH.parent / page).is_file() for page in pages)


@pytest.mark.slow
def test_the_tour_trains_eight_lanes_in_two_minutes_and_finds_what_it_says(monkeypatch):
    """By time on the processor, of which two cores have four minutes in two."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    tour = notebook.read(PATH)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    names = notebook.run(tour)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 240
    _, preview, sweep, plot, attention, study = notebook.code_cells(tour)
    assert printed(preview).count("=>") == 3
    assert "8 of 8 runs finished" in printed(sweep)
    rows = dict(re.findall(r"^ +(\d) +.*?\].*?(\d\.\d+) \[", printed(plot), re.MULTILINE))
    assert float(rows["8"]) > 0.9 > 0.1 > float(rows["4"])
    assert max(names["shares"], key=names["shares"].get)[0] == 1
    assert max(names["shares"].values()) > 0.5
    assert "\nreproduced: " in printed(study)
    assert [len(cell["outputs"]) for cell in (plot, attention, study)] == [2, 1, 2]
