"""`python -m experiments.reproduce STUDY`: run what is missing of a study, judge its claim, draw its figure.

    python -m experiments.reproduce markov/threshold/cpu            run, judge, compare with the record
    python -m experiments.reproduce markov/threshold/cpu --record   and write paper/results/markov/threshold/cpu.csv
    python -m experiments.reproduce markov/threshold/cpu --check    judge from that record alone, without training

Further words are Hydra overrides for every run of the study (out=FOLDER, wandb.mode=offline, seed=1,2,3,4,5).
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from experiments import config as configs
from experiments import devices
from experiments.bisection import bisection_of
from experiments.errors import ConfigError, command
from experiments.launch import launch, settings_of
from experiments.results import table
from experiments.stop import Stopped
from experiments.train import value
from paper import claims, results
from paper.table import show, show_comparison

_RECORDED_WITH = ("seed=", "out=", "wandb.", "retry=", "hydra.launcher.", "hydra/launcher=")


def main() -> int:
    """The command; see the module's docstring."""
    devices.use_all_cores()  # before anything asks JAX, as the checks of some tasks do
    parser = argparse.ArgumentParser(prog="python -m experiments.reproduce", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("study", metavar="STUDY", help="paper/claim/scale, for example markov/threshold/cpu")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides for every run")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--record", action="store_true", help="write the results and the figure to paper/results/")
    how.add_argument("--check", action="store_true", help="judge from the record alone, without training")
    asked = parser.parse_intermixed_args()  # so that overrides may come after an option
    if asked.check and asked.overrides:
        raise ConfigError(f"{asked.overrides[0]}: not with --check, which reads the record and runs nothing")
    if asked.study not in configs.studies():
        configs.compose([f"study={asked.study}"])
    try:
        return _check(asked.study) if asked.check else _reproduce(asked.study, asked.overrides, record=asked.record)
    except (claims.ClaimError, results.RecordError) as e:
        raise ConfigError(str(e)) from None


def _reproduce(study: str, overrides: Sequence[str], *, record: bool) -> int:
    claim = claims.claim_for(study)
    if record and (other := [o for o in overrides if not o.startswith(_RECORDED_WITH)]):
        raise ConfigError(f"{other[0]}: not with --record, which writes down the study as its file has it")
    grid = configs.sweep([f"study={study}", *overrides])
    jobs = configs.jobs(grid)
    if not jobs:
        raise ConfigError("hydra/sweeper: a study is reproduced with the sweeper basic or bisect")
    chosen = configs.compose([f"study={study}", *(o for o in overrides if o.startswith("hydra"))])
    settings, bisection = settings_of(chosen), bisection_of(chosen)

    def scores(some: Sequence[Sequence[str]]) -> list[float]:
        jobs = configs.jobs(some)
        return [value(job, end) for job, end in zip(jobs, launch(jobs, settings), strict=True)]

    try:
        if bisection:
            jobs = configs.jobs(bisection.search(grid, scores))
        else:
            launch(jobs, settings)
    except Stopped as stopped:
        again = shlex.join(["python", "-m", "experiments.reproduce", *sys.argv[1:]])
        print(f"stopped by {stopped}; every run is on disk, to go on: {again}", file=sys.stderr)
        return 130
    found = table(jobs)
    recorded = results.path_for(study)
    if record:
        results.write(found, recorded)
        found = results.read(recorded)
    judgement = claim.criterion(found)
    console = Console()
    show(claim, judgement, found, console)
    if recorded.exists() and not record:
        show_comparison(results.compare(found, results.read(recorded)), console)
    figure = recorded.with_suffix("") if record else Path(jobs[0].folder.parent) / "figure"
    claim.figure(found, judgement, figure)
    print(f"figure: {figure}.png" + (f"  record: {recorded}" if record else f"  runs: {jobs[0].folder.parent}"))
    return 0


def _check(study: str) -> int:
    claim = claims.claim_for(study)
    recorded = results.read(results.path_for(study))
    show(claim, claim.criterion(recorded), recorded, Console())
    return 0


if __name__ == "__main__":
    command(main)()
