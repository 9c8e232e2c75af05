"""The gallery shows every task as it is, and can tell when it does not."""

import re
import sys

import jax.numpy as jnp
import pytest

from experiments import gallery
from synthetic import Example, registry
from synthetic.markov import Markov
from synthetic.rasp.counting import Count
from synthetic.task import TASKS
from tests.toys import HalfSpace, Sum

PAGE = gallery.PAGE.read_text()


def test_every_registered_task_is_on_the_page():
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == set(registry())
    assert set(re.findall(r"^- \[(\w+)\]\(#\1\): \w", PAGE, re.MULTILINE)) == set(registry())


def test_a_section_of_the_gallery_equals_the_output_of_its_task():
    assert gallery.section("rasp_count", Count) in PAGE


def test_links_of_the_gallery_lead_to_files():
    paths = re.findall(r"\]\((?!https|#)([^)]+)\)", PAGE)
    assert len(paths) > len(registry())
    assert [path for path in paths if not (gallery.PAGE.parent / path).is_file()] == []


def test_columns_of_a_folded_example_in_the_gallery_are_its_positions(monkeypatch):
    task = Sum(letters=100)
    example = Example(jnp.array([7, 83, 0]), jnp.array([0, 0, 90]), jnp.array([0, 0, 1]), {})
    monkeypatch.setattr(gallery, "WIDTH", 4)
    folds = gallery.aligned(task, example).split("\n\n")
    assert len(folds) > 1
    for name in ("inputs", "targets", "weights"):
        cells = [cell for fold in folds for line in fold.splitlines() if line.startswith(name) for cell in line.split()]
        assert [float(cell) for cell in cells if cell != name] == getattr(example, name).tolist()


def test_positions_after_the_last_that_counts_are_left_out():
    example = Example(jnp.array([7, 8, 9]), jnp.array([0, 5, 0]), jnp.array([0, 1, 0]), {})
    assert gallery.aligned(Sum(), example).splitlines() == ["inputs    7 8", "targets   0 5", "weights   0 1"]


def test_vectors_are_shown_by_their_signs_or_numbers():
    task, one = HalfSpace(width=2, points=1), jnp.array([0, 1])
    signs = Example(jnp.array([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]), one, one, {})
    assert gallery.aligned(task, signs).splitlines()[0] == "inputs    [+ - 0] [0 0 +]"
    numbers = signs._replace(inputs=signs.inputs / 2)
    assert gallery.aligned(task, numbers).splitlines()[0] == "inputs    [0.5 -0.5 0] [0 0 0.5]"


def test_the_gallery_shows_how_conditions_differ_and_joins_numbered_ones_in_a_row():
    assert list(gallery.conditions(Count(max_length=12, test_every=4, train_length=8))) == [
        ("`within`", "test", ""),
        ("`beyond` (headline)", "test", "`min_length` 9, `train_length` 12"),
        ("`length_4` … `length_12` (3)", "test", "`min_length` 4 … 12, `train_length` 4 … 12"),
    ]
    assert ("`seen/noop`", "seen", "`noop_rate` 1") in list(gallery.conditions(Markov()))


def test_a_task_of_another_package_is_not_in_the_gallery(monkeypatch):
    monkeypatch.setattr(TASKS, "_known", {"sum": Sum, "markov": Markov})
    assert list(gallery.ours()) == ["markov"]


@pytest.mark.parametrize(("left", "code"), [("the page\n", 0), ("an older page\n", 1), (None, 1)])
def test_check_reports_in_one_line_that_the_gallery_is_not_current(left, code, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gallery, "page", lambda: "the page\n")
    monkeypatch.setattr(gallery, "PAGE", tmp_path / "tasks.md")
    monkeypatch.setattr(sys, "argv", ["gallery", "--check"])
    if left is not None:
        gallery.PAGE.write_text(left)
    assert gallery.main() == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == code
    assert gallery.PAGE.exists() == (left is not None)
    monkeypatch.setattr(sys, "argv", ["gallery"])
    assert gallery.main() == 0
    assert gallery.PAGE.read_text() == "the page\n"
