"""Reproduces a study: runs its unfinished jobs, judges its claim, draws its figure, compares with the record."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from experiments import settings, summary
from experiments.engine import config as configs
from experiments.engine import devices
from experiments.engine.bisection import Bisection, bisection_of
from experiments.engine.fit import objective
from experiments.engine.job import Job
from experiments.engine.launch import Settings, launch, settings_of
from experiments.engine.progress import Progress
from experiments.engine.results import check_addable, table
from experiments.engine.stop import Stopped
from experiments.engine.train import value
from experiments.errors import ConfigError
from experiments.judging import results
from experiments.judging.axes import BEST
from experiments.judging.claim import Claim, Judgement
from experiments.judging.comparison import compare
from experiments.judging.frame import MODEL
from experiments.printing import show, show_comparison, show_left_out, show_summary
from experiments.streams import console
from experiments.studies import claim_for, faults


def run(name: str | None, scale: str, overrides: Sequence[str], *, record: bool) -> int:
    """Reproduces the study `name`, or every study of a scale; returns the exit code.

    Raises ConfigError, ClaimError and RecordError.
    """
    devices.use_all_cores()  # before anything asks JAX, as the checks of some tasks do
    devices.check_platform()
    try:
        return _one(name, overrides, record=record) if name else _all(scale, overrides, record=record)
    except Stopped as stopped:
        again = shlex.join(["python", "-m", "experiments.reproduce", *sys.argv[1:]])
        print(f"stopped by {stopped}; every run is on disk, to go on: {again}", file=sys.stderr)
        return 130


@dataclass(frozen=True)
class _Study:
    """A study to reproduce: its claim, its jobs (the whole grid, of which bisection chooses), and how they are run."""

    name: str
    claim: Claim
    grid: list[list[str]]
    settings: Settings
    bisection: Bisection | None

    @classmethod
    def read(cls, name: str, overrides: Sequence[str]) -> _Study:
        """Returns the study with all its jobs checked. Raises ConfigError, ClaimError.

        A key that the study does not sweep may have one value only: the criterion would take several for one setting.
        """
        swept = settings.read_study(name)["sweep"]
        if unknown := [key for key in configs.swept_keys(overrides) if key not in swept]:
            raise ConfigError(
                f"{unknown[0]}: {name} does not sweep it, so its criterion cannot tell the values apart; give "
                "one value, or sweep it by experiments.run -m and look with experiments.plot"
            )
        claim, grid = claim_for(name), configs.sweep([f"study={name}", *overrides])
        if not configs.jobs(grid):
            raise ConfigError("hydra/sweeper: a study is reproduced with the sweeper basic or bisect")
        chosen = configs.compose([f"study={name}", *(o for o in overrides if o.startswith("hydra"))])
        return cls(name, claim, grid, settings_of(chosen), bisection_of(chosen))

    def check_addable(self, overrides: Sequence[str]) -> None:
        """Raises RecordError if the results of the study cannot be added to its record."""
        check_addable(self.name, configs.jobs(self.grid), overrides, all_run=self.bisection is None)

    def run(self, progress: Progress) -> list[Job]:
        """Runs the unfinished jobs; returns the jobs that belong to the study."""
        if self.bisection:
            better = objective(configs.jobs(self.grid[:1])[0].run).better
            chosen = self.bisection.search(self.grid, lambda some: self._scores(some, progress), better=better)
            return configs.jobs(chosen)
        jobs = configs.jobs(self.grid)
        launch(jobs, self.settings, progress)
        return jobs

    def _scores(self, some: Sequence[Sequence[str]], progress: Progress) -> list[float]:
        jobs = configs.jobs(some)
        return [value(job, end) for job, end in zip(jobs, launch(jobs, self.settings, progress), strict=True)]

    def judge(self, jobs: Sequence[Job], *, record: bool) -> tuple[pl.DataFrame, Judgement, Path]:
        """Returns the results table, its judgement, and the path of the figure, without suffix.

        record: whether the results are added to the record, and the figure drawn beside it.
        """
        scores, path = table(jobs, criterion=self.claim.criterion.hash()), results.path_for(self.name)
        if record:
            if self.name in results.recorded():
                scores = results.added(results.read(path), scores)
            results.write(scores, path)
            scores = results.read(path)
        judgement = self.claim.judge(scores)
        figure = path.with_suffix("") if record else Path(jobs[0].folder.parent) / "figure"
        self.claim.draw(scores, judgement, figure)
        return scores, judgement, figure


def _one(name: str, overrides: Sequence[str], *, record: bool) -> int:
    study = _Study.read(name, overrides)
    if record:
        study.check_addable(overrides)
    with Progress() as progress:
        jobs = study.run(progress)
    scores, judgement, figure = study.judge(jobs, record=record)
    screen, recorded = console(), results.path_for(name)
    show(study.claim, judgement, scores, screen)
    if changed := [word for word in overrides if not word.startswith(settings.SAME_STUDY)]:
        print(f"not the study's own settings: {' '.join(changed)}")
    if recorded.exists() and not record:
        before_scores, before_judgement = summary.read(study.claim, recorded)
        show_comparison(_compared(study.claim, scores, before_scores), screen)
        print(_format_effects(judgement, before_judgement))
    print(f"figure: {figure}.png" + (f"  record: {recorded}" if record else f"  runs: {jobs[0].folder.parent}"))
    return 0


def _all(scale: str, overrides: Sequence[str], *, record: bool) -> int:
    """Trains the unfinished jobs of every study, side by side if they share a program; then judges each and sums up."""
    wrong = faults()
    names = [name for name in settings.studies() if name.endswith(f"/{scale}") and name.rpartition("/")[0] not in wrong]
    studies = [_Study.read(name, overrides) for name in names]
    for study in studies if record else ():
        study.check_addable(overrides)
    together = [study for study in studies if not study.bisection]
    judgements: dict[str, tuple[pl.DataFrame, Judgement]] = {}
    failed: dict[str, str] = {}
    with Progress() as progress:
        launch([job for study in together for job in configs.jobs(study.grid)], together[0].settings, progress)
        for study in studies:
            try:
                jobs = study.run(progress) if study.bisection else configs.jobs(study.grid)
                judgements[study.claim.name] = study.judge(jobs, record=record)[:2]
            except (ConfigError, results.RecordError) as e:  # no end of a run: the others are judged all the same
                failed[study.name] = str(e).splitlines()[0]
    show_summary(summary.judged(judgements, scale), console())
    for name, why in failed.items():
        print(f"failed: {name}: {why}", file=sys.stderr)
    left_out = show_left_out(wrong)
    return 1 if failed or left_out else 0


def _compared(claim: Claim, fresh: pl.DataFrame, record: pl.DataFrame) -> pl.DataFrame:
    """Returns `compare` for the model's scores that the claim's criterion reads."""
    grid = claim.criterion.grid(fresh)
    scores = [score for score in claim.criterion.scores() if score.learner in (MODEL, BEST) and not score.of_examples]
    return compare(fresh, record, list(dict.fromkeys((*score.where(grid), score.score) for score in scores)))


def _format_effects(fresh: Judgement, record: Judgement) -> str:
    """Formats whether the fresh effect lies in the interval of the recorded one."""
    if not fresh.effect or not record.effect:
        return f"effect: {fresh.effect or 'not measured'}, recorded {record.effect or 'not measured'}"
    inside = record.effect.lower <= fresh.effect.estimate <= record.effect.upper
    return f"effect: {fresh.effect.estimate:.3f}, {'inside' if inside else 'outside'} the recorded {record.effect}"
