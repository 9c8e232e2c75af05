"""`python -m experiments.reproduce STUDY`: run what is missing of a study, judge its claim, draw its figure.

    python -m experiments.reproduce markov/threshold/cpu            run, judge, compare with the record
    python -m experiments.reproduce markov/threshold/cpu --record   and write paper/results/markov/threshold/cpu.csv
    python -m experiments.reproduce markov/threshold/cpu --check    judge from that record alone, without training
    python -m experiments.reproduce --all --scale cpu               every study of a scale; --record, --check too

Further words are Hydra overrides for every run (out=FOLDER, wandb.mode=offline, seed=1,2,3,4,5).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from experiments import completeness, settings, summary
from experiments import recorded as studies
from experiments import studies as claims
from experiments.engine import config as configs
from experiments.engine import devices
from experiments.engine.bisection import Bisection, bisection_of
from experiments.engine.job import Job
from experiments.engine.launch import Settings, launch, settings_of
from experiments.engine.progress import Progress
from experiments.engine.results import table
from experiments.engine.stop import Stopped
from experiments.engine.train import value
from experiments.errors import ConfigError, command
from experiments.judging import results
from experiments.judging.claim import Judgement
from experiments.printing import show, show_comparison, show_summary
from experiments.streams import console
from experiments.studies import Claim

_RECORDED_WITH = ("seed=", "out=", "wandb.", "retry=", "hydra.launcher.", "hydra/launcher=")


def main() -> int:
    """The command; see the module's docstring."""
    devices.use_all_cores()  # before anything asks JAX, as the checks of some tasks do
    scales = sorted({name.split("/")[2] for name in settings.studies()})
    parser = argparse.ArgumentParser(prog="python -m experiments.reproduce", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="STUDY [KEY=VALUE ...]", help="as markov/threshold/cpu; overrides")
    parser.add_argument("--all", action="store_true", help="all studies of a scale in place of one")
    parser.add_argument("--scale", choices=scales, default="cpu", help="the scale of --all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--record", action="store_true", help="write the results and the figure to paper/results/")
    how.add_argument("--check", action="store_true", help="judge from the record alone, without training")
    asked = parser.parse_intermixed_args()  # so that overrides may come after an option
    named = [word for word in asked.words if "=" not in word]
    overrides = [word for word in asked.words if "=" in word]
    if asked.all == bool(named) or len(named) > 1:
        raise ConfigError(f"STUDY: name one study, as markov/threshold/cpu, or ask for --all; got {named or 'none'}")
    if asked.check and overrides:
        raise ConfigError(f"{overrides[0]}: not with --check, which reads the record and runs nothing")
    if asked.record and (other := [o for o in overrides if not o.startswith(_RECORDED_WITH)]):
        raise ConfigError(f"{other[0]}: not with --record, which writes down the study as its file has it")
    if named:
        settings.read_study(named[0])
    if not asked.check:
        devices.check_platform()
    try:
        if asked.all:
            return _check_all(asked.scale) if asked.check else _all(asked.scale, overrides, record=asked.record)
        return _check(named[0]) if asked.check else _one(named[0], overrides, record=asked.record)
    except (claims.ClaimError, results.RecordError) as e:
        raise ConfigError(str(e)) from None
    except Stopped as stopped:
        again = shlex.join(["python", "-m", "experiments.reproduce", *sys.argv[1:]])
        print(f"stopped by {stopped}; every run is on disk, to go on: {again}", file=sys.stderr)
        return 130


@dataclass(frozen=True)
class _Study:
    """A study to reproduce: its claim, its jobs (all, where they are chosen by bisection), and how they are run."""

    name: str
    claim: Claim
    grid: list[list[str]]
    settings: Settings
    bisection: Bisection | None

    @classmethod
    def read(cls, name: str, overrides: Sequence[str]) -> _Study:
        """Check the study and all its jobs. Raises ConfigError, ClaimError."""
        claim, grid = claims.claim_for(name), configs.sweep([f"study={name}", *overrides])
        if not configs.jobs(grid):
            raise ConfigError("hydra/sweeper: a study is reproduced with the sweeper basic or bisect")
        chosen = configs.compose([f"study={name}", *(o for o in overrides if o.startswith("hydra"))])
        return cls(name, claim, grid, settings_of(chosen), bisection_of(chosen))

    def run(self, progress: Progress) -> list[Job]:
        """Do what is missing, and return the jobs that belong to the study."""
        if self.bisection:
            return configs.jobs(self.bisection.search(self.grid, lambda some: self._scores(some, progress)))
        jobs = configs.jobs(self.grid)
        launch(jobs, self.settings, progress)
        return jobs

    def _scores(self, some: Sequence[Sequence[str]], progress: Progress) -> list[float]:
        jobs = configs.jobs(some)
        return [value(job, end) for job, end in zip(jobs, launch(jobs, self.settings, progress), strict=True)]

    def judge(self, jobs: Sequence[Job], *, record: bool) -> tuple[pl.DataFrame, Judgement, Path]:
        """The results table, written down if asked; what the claim says of it; and its figure, without suffix."""
        found, recorded = table(jobs), results.path_for(self.name)
        if record:
            results.write(found, recorded)
            found = results.read(recorded)
        judgement = self.claim.criterion(found)
        figure = recorded.with_suffix("") if record else Path(jobs[0].folder.parent) / "figure"
        self.claim.figure(found, judgement, figure)
        return found, judgement, figure


def _one(name: str, overrides: Sequence[str], *, record: bool) -> int:
    study = _Study.read(name, overrides)
    with Progress() as progress:
        jobs = study.run(progress)
    found, judgement, figure = study.judge(jobs, record=record)
    screen, recorded = console(), results.path_for(name)
    show(study.claim, judgement, found, screen)
    if recorded.exists() and not record:
        before, said = _recorded(study.claim, recorded)
        show_comparison(_compared(study.claim, found, before), screen)
        print(_effects(judgement, said))
    print(f"figure: {figure}.png" + (f"  record: {recorded}" if record else f"  runs: {jobs[0].folder.parent}"))
    return 0


def _all(scale: str, overrides: Sequence[str], *, record: bool) -> int:
    """Train what is missing of every study, those that share a program side by side; then judge each and sum up."""
    studies = [_Study.read(name, overrides) for name in settings.studies() if name.endswith(f"/{scale}")]
    together = [study for study in studies if not study.bisection]
    found: dict[str, tuple[pl.DataFrame, Judgement]] = {}
    failed: dict[str, str] = {}
    with Progress() as progress:
        launch([job for study in together for job in configs.jobs(study.grid)], together[0].settings, progress)
        for study in studies:
            try:
                jobs = study.run(progress) if study.bisection else configs.jobs(study.grid)
                found[study.claim.name] = study.judge(jobs, record=record)[:2]
            except (ConfigError, results.RecordError) as e:  # no end of a run: the others are judged all the same
                failed[study.name] = str(e).splitlines()[0]
    show_summary(summary.judged(found, scale), console())
    for name, why in failed.items():
        print(f"failed: {name}: {why}", file=sys.stderr)
    return 1 if failed else 0


def _check(name: str) -> int:
    claim = claims.claim_for(name)
    recorded, judgement = _recorded(claim, results.path_for(name))
    show(claim, judgement, recorded, console())
    return 0


def _recorded(claim: Claim, path: Path) -> tuple[pl.DataFrame, Judgement]:
    """The record in `path` and what the claim says of it; RecordError names the file."""
    table = results.read(path)
    try:
        judgement = claim.criterion(table)
        completeness.check(table["study"][0], table)
        return table, judgement
    except results.RecordError as e:
        raise results.RecordError(f"{path}: {e}") from None


def _compared(claim: Claim, fresh: pl.DataFrame, record: pl.DataFrame) -> pl.DataFrame:
    """`results.compare` for the scores that the claim's criterion reads."""
    with results.read_by_criterion() as asked:
        claim.criterion(fresh)
    return results.compare(fresh, record, asked)


def _effects(fresh: Judgement, record: Judgement) -> str:
    """In words: whether the fresh effect lies in the interval of the recorded one."""
    if not fresh.effect or not record.effect:
        return f"effect: {fresh.effect or 'not measured'}, recorded {record.effect or 'not measured'}"
    inside = record.effect.lower <= fresh.effect.estimate <= record.effect.upper
    return f"effect: {fresh.effect.estimate:.3f}, {'inside' if inside else 'outside'} the recorded {record.effect}"


def _check_all(scale: str) -> int:
    studies.check()
    show_summary(summary.entries(scale), console())
    return 0


if __name__ == "__main__":
    command(main, trains=True)()
