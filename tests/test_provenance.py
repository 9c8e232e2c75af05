"""A result says which commit of our own tree made it, or that there is none."""

from __future__ import annotations

import subprocess

import pytest

from experiments.engine import provenance


def git(folder, *words):
    name = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path):
    """A repository with a tree like ours, all committed."""
    root = tmp_path / "ours"
    for name in ("models/a.py", "paper/results/cpu.csv", ".gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("runs/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "First")
    return root


def test_an_unchanged_tree_is_its_commit(tree):
    (tree / "runs").mkdir()
    (tree / "runs/notes").write_text("ignored")
    (tree / "paper/results/cpu.csv").write_text("a new record")
    (tree / "notes.txt").write_text("of nobody's concern")
    said = provenance.commit(tree)
    assert len(said) == 12
    assert int(said, 16)


@pytest.mark.parametrize("name", ["models/a.py", "models/new.py", "conf/study/new.yaml"])
def test_changed_and_new_code_is_marked(tree, name):
    clean = provenance.commit(tree)
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text("changed")
    assert provenance.commit(tree) == clean + "+"


def test_a_copy_unpacked_inside_another_repository_has_no_commit(tree):
    copy = tree / "unpacked"
    (copy / "models").mkdir(parents=True)
    assert provenance.commit(copy) == "unknown"
    git(tree, "add", ".")
    assert provenance.commit(copy) == "unknown"


def test_the_repository_that_git_s_environment_names_is_not_ours(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tree / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert provenance.commit(tmp_path) == "unknown"
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "none"))
    assert provenance.commit(tree) != "unknown"


def test_without_git_or_a_repository_there_is_none(tree, tmp_path, monkeypatch):
    assert provenance.commit(tmp_path) == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit(tree) == "unknown"
