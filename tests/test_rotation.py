"""Rounds of slow tests: the same name gives the same round, each runs what changed, and all tests have their turn."""

from __future__ import annotations

import pytest

from tests import rotation

CASES = [f"case_{k}" for k in range(30)]


def test_a_round_is_decided_by_its_name_and_its_subject():
    first = rotation.draw("abc", "a test", CASES, 4)
    assert len(set(first)) == 4
    assert first == rotation.draw("abc", "a test", CASES[::-1], 4)
    assert first != rotation.draw("abd", "a test", CASES, 4)
    assert first != rotation.draw("abc", "another test", CASES, 4)
    assert sorted(rotation.draw("abc", "a test", CASES[:3], 4)) == CASES[:3]


def test_every_case_has_its_turn_in_a_hundred_rounds():
    assert {case for k in range(100) for case in rotation.draw(str(k), "a test", CASES, 4)} == set(CASES)


class Item:
    """What a round reads of a collected test."""

    def __init__(self, name: str, *marks: pytest.Mark):
        self.nodeid, self.marks = name, marks

    def iter_markers(self, name):
        return (mark for mark in self.marks if mark.name == name)

    def get_closest_marker(self, name):
        return next(self.iter_markers(name), None)


def test_a_round_has_the_tests_of_changed_files_and_all_that_are_not_rotated():
    alike = [Item(f"tests/a.py::f[{k}]", pytest.mark.rotated(2, f"conf/{k}.yaml").mark) for k in range(10)]
    others = [Item("tests/a.py::g"), Item("tests/b.py::h", pytest.mark.slow.mark)]
    items = [others[0], *alike, others[1]]
    kept, left_out = rotation.split(items, "abc", ["README.md", "conf/7.yaml"])  # pyright: ignore[reportArgumentType]
    assert {*others, alike[7]} <= set(kept)
    assert 2 <= len(set(kept) - set(others)) <= 3
    assert sorted(map(items.index, kept + left_out)) == list(range(len(items)))
    assert kept == [item for item in items if item in kept]


def test_files_that_changed_since_a_commit_are_named(monkeypatch):
    monkeypatch.setenv("TERRARIUM_SINCE", "no such commit")
    assert rotation.changed_files() == []
