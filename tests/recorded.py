"""One made-up record in place of all, for what the readers of records are tested on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from experiments import settings
from experiments.judging import results
from paper import page
from paper.article import words as words_of_article
from paper.article.settings import Setting
from paper.command import command
from tests.tables import made_up

RULES = (100, 300, 1000, 3000)  # and seeds 27 to 32: the whole grid of the study, as first looked at
STUDY = "markov/threshold/cpu"


@contextmanager
def one_record(folder: Path) -> Iterator[Path]:
    """A record of one study alone, made up, in place of the recorded ones, and every claim's study in conf/."""
    scores = {
        (rules,): {"unseen/applied": (0.0, 0.01 + rules / 6000, 0.02) * 2, "seen/applied": (1.0, 0.98, 0.99) * 2}
        for rules in RULES
    }
    with pytest.MonkeyPatch.context() as patch:
        shutil.copytree(settings.CONF / "study", folder / "conf" / "study")
        patch.setattr(settings, "CONF", folder / "conf")
        patch.setattr(results, "RESULTS", folder / "results")
        for reader in (page, words_of_article):
            patch.setattr(reader, "setting", lambda study: Setting(f"the setting of {study}", (100_000,), 24, 6, False))
        table = made_up(STUDY, ["task.num_rules"], scores).with_columns(pl.col("seed") + 27)
        results.write(table, results.path_for(STUDY))
        for kind in ("svg", "png"):
            results.path_for(STUDY).with_suffix(f".{kind}").touch()
        yield results.path_for(STUDY)


def exit_of(main, monkeypatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["report", *words])
    with pytest.raises(SystemExit) as ended:
        command(main)
    return int(ended.value.code or 0)
