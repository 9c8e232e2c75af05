"""Reproduces a study: runs its unfinished jobs, judges its claim, draws its figure, compares with the record."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from experiments import settings, summary
from experiments.engine import compose, devices
from experiments.engine import config as configs
from experiments.engine.bisection import Bisection, bisection_of
from experiments.engine.fit import objective
from experiments.engine.job import Job
from experiments.engine.launch import Settings, launch, settings_of
from experiments.engine.overrides import swept_keys
from experiments.engine.progress import Progress
from experiments.engine.results import check_addable, check_declared, table
from experiments.engine.stop import Stopped
from experiments.engine.train import value
from experiments.errors import ConfigError
from experiments.judging import looks, results
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
    """A study to reproduce: its claim, its jobs (the whole grid, of which bisection chooses), and how they are run.

    later: the grid of the second look, empty if there is none or if the command chooses seeds of its own.
    """

    name: str
    claim: Claim
    grid: list[list[str]]
    settings: Settings
    bisection: Bisection | None
    later: list[list[str]]

    @classmethod
    def read(cls, name: str, overrides: Sequence[str]) -> _Study:
        """Returns the study with all its jobs checked. Raises ConfigError, ClaimError.

        A key that the study does not sweep may have one value only: the criterion would take several for one setting.
        """
        swept = settings.read_study(name)["sweep"]
        if unknown := [key for key in swept_keys(overrides) if key not in swept]:
            raise ConfigError(
                f"{unknown[0]}: {name} does not sweep it, so its criterion cannot tell the values apart; give "
                "one value, or sweep it by experiments.run -m and look with experiments.plot"
            )
        claim, words = claim_for(name), [f"study={name}", *overrides]
        grid, seeds = configs.sweep(words), settings.later_seeds(name)
        own_seeds = any(word.startswith("seed=") for word in overrides)
        later = configs.sweep([*words, f"seed={','.join(map(str, seeds))}"]) if seeds and not own_seeds else []
        if not configs.jobs(grid):
            raise ConfigError("hydra/sweeper: a study is reproduced with the sweeper basic or bisect")
        chosen = compose.parts([f"study={name}", *(o for o in overrides if o.startswith("hydra"))]).hydra
        return cls(name, claim, grid, settings_of(chosen), bisection_of(chosen), later)

    def check_addable(self, overrides: Sequence[str]) -> None:
        """Raises RecordError if the results of the study cannot be added to its record."""
        jobs = configs.jobs(self.grid)
        check_declared(self.name, {job.run.seed for job in jobs})
        check_addable(self.name, jobs, overrides, all_run=self.bisection is None)

    def run(self, progress: Progress) -> list[Job]:
        """Runs the unfinished jobs; returns the jobs that belong to the study."""
        if self.bisection:
            better = objective(configs.jobs(self.grid[:1])[0].run).better
            chosen = self.bisection.search(self.grid, lambda some: self._scores(some, progress), better=better)
            return configs.jobs(chosen)
        jobs = configs.jobs(self.grid)
        launch(jobs, self.settings, progress)
        return jobs

    def second_look(self, judgement: Judgement, scores: pl.DataFrame) -> _Study | None:
        """Returns the study with the seeds of its second look; None if none is asked for, or it is in the scores."""
        if {*settings.later_seeds(self.name)} <= {*scores["seed"]} or not looks.is_undecided(judgement):
            return None
        return replace(self, grid=self.later, later=[]) if self.later else None

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
        judgement = self.claim.judge(scores, looks.level_for(self.name))
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
    more = study.second_look(judgement, scores)
    if more and record:
        with Progress() as progress:
            jobs = more.run(progress)
        scores, judgement, figure = more.judge(jobs, record=True)
    screen, recorded = console(), results.path_for(name)
    show(study.claim, judgement, scores, screen)
    if more and not record:
        seeds = ", ".join(map(str, settings.later_seeds(name)))
        print(f"undecided with its first seeds: --record would look once more, with seeds {seeds}")
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
    judgements: dict[str, tuple[pl.DataFrame, Judgement]] = {}
    failed: dict[str, str] = {}

    def judge(some: Sequence[_Study], progress: Progress) -> None:
        """Trains the unfinished jobs of some studies, those that are not bisected at once, and judges each study."""
        jobs = [job for study in some if not study.bisection for job in configs.jobs(study.grid)]
        if jobs:
            launch(jobs, some[0].settings, progress)
        for study in some:
            try:
                own = study.run(progress) if study.bisection else configs.jobs(study.grid)
                judgements[study.claim.name] = study.judge(own, record=record)[:2]
            except (ConfigError, results.RecordError) as e:  # no end of a run: the others are judged all the same
                failed[study.name] = str(e).splitlines()[0]

    with Progress() as progress:
        judge(studies, progress)
        known = [(study, *judgements[study.claim.name]) for study in studies if study.claim.name in judgements]
        undecided = [more for study, scores, first in known if (more := study.second_look(first, scores))]
        if undecided and record:
            judge(undecided, progress)
    show_summary(summary.judged(judgements, scale), console())
    for name, why in failed.items():
        print(f"failed: {name}: {why}", file=sys.stderr)
    left_out = show_left_out(wrong)
    return 1 if failed or left_out else 0


def _compared(claim: Claim, fresh: pl.DataFrame, record: pl.DataFrame) -> pl.DataFrame:
    """Returns `compare` for the model's scores that the claim's criterion reads, of the tables that it judges."""
    grid, recorded = claim.criterion.grid(fresh), claim.criterion.grid(record)
    scores = [score for score in claim.criterion.scores() if score.learner in (MODEL, BEST) and not score.of_examples]
    return compare(
        grid.table, recorded.table, list(dict.fromkeys((*score.where(grid), score.score) for score in scores))
    )


def _format_effects(fresh: Judgement, record: Judgement) -> str:
    """Formats whether the fresh effect lies in the interval of the recorded one."""
    if not fresh.effect or not record.effect:
        return f"effect: {fresh.effect or 'not measured'}, recorded {record.effect or 'not measured'}"
    inside = record.effect.lower <= fresh.effect.estimate <= record.effect.upper
    estimate = f"{fresh.effect.estimate:.{record.effect.digits}f}"
    return f"effect: {estimate}, {'inside' if inside else 'outside'} the recorded {record.effect}"
