"""`python -m experiments.run`: does one run, or with -m a sweep. It is ordinary Hydra, but for its errors.

python -m experiments.run task=markov task.num_rules=300
python -m experiments.run -m task.num_rules=30,300 seeds=2       # seeds=N is seed=1,2,...,N
python -m experiments.run -m study=markov/threshold/cpu
python -m experiments.run study=                       # lists the studies; study=markov/threshold lists its scales

The same command again runs only the jobs that have not ended.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import Any, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from experiments import settings
from experiments.engine import compose, devices
from experiments.engine import config as configs
from experiments.engine.bisection import bisection_of
from experiments.engine.job import Job, check_output
from experiments.engine.launch import LAUNCHED, Settings, launch, settings_of
from experiments.engine.overrides import swept_keys
from experiments.engine.records import read_end
from experiments.engine.stop import Stopped
from experiments.engine.train import value
from experiments.errors import ConfigError, command

# Options of Hydra of which one at a time can be given.
_ONE_OF = ("multirun", "run", "cfg", "info", "shell_completion")
_NAMED = 20  # of the jobs that failed, how many a command's end names


# Not empty in the process of the command itself, empty in those of launchers.
_HERE: list[bool] = []


class _Refused(BaseException):
    """Carries a ConfigError through Hydra, which would add a line of its own to an Exception."""

    def __init__(self, error: ConfigError):
        self.error = error


@hydra.main(config_path=str(settings.CONF), config_name="config", version_base="1.3")
def _job(config: DictConfig) -> float:
    """Runs one job, as Hydra calls it: directly, or from a launcher that runs one job per process."""
    devices.use_all_cores()  # nothing new here, but in a launcher's process it is
    whole: Any = OmegaConf.create({**config, "hydra": HydraConfig.get()}, flags={"allow_objects": True})
    job = configs.job(whole, list(HydraConfig.get().overrides.task))
    try:
        end = launch([job], Settings())[0]
    except ConfigError as e:
        raise (_Refused(e) if _HERE else e) from None
    print(job.folder)
    return value(job, end)


def main() -> int:
    """Checks every job before Hydra makes a folder or JAX compiles; then lets Hydra run."""
    devices.use_all_cores()
    compose.register()
    sys.argv[1:] = [_spell_seeds(word) for word in sys.argv[1:]]  # Hydra reads them again
    parser = get_args_parser()
    parser.error = _refuse
    args = parser.parse_args()
    for option in ("config_name", "config_path", "experimental_rerun"):
        if getattr(args, option, None):
            name = option.replace("_", "-")
            raise ConfigError(f"--{name}: not used by this project; files of your own are found with --config-dir")
    compose.use_config_dir(args.config_dir)
    options = [f"--{name.replace('_', '-')}" for name in _ONE_OF if getattr(args, name)]
    if len(options) > 1:
        why = "; it shows one run, whose keys have one value each" if options[:2] == ["--multirun", "--cfg"] else ""
        raise ConfigError(f"{options[1]}: not beside {options[0]}{why}")
    if args.resolve and not args.cfg:
        raise ConfigError("--resolve: only with --cfg")
    if listed := _format_list(args.overrides):
        from experiments import studies
        from experiments.printing import show_left_out

        print("\n".join(listed))
        show_left_out(studies.faults())
        return 0
    if args.help and not (args.cfg or args.hydra_help or args.info or args.shell_completion):
        from experiments.help import format_help

        print(format_help())
        return 0
    asks = args.cfg or args.help or args.hydra_help or args.info or args.shell_completion
    jobs: list[Job] = []
    if args.cfg or args.info:
        compose.compose(args.overrides)  # Hydra shows some wrong words as they are, and others by a traceback
    if not asks:
        devices.check_platform()
        if args.multirun:
            jobs = configs.jobs(configs.sweep(args.overrides))
            chosen = compose.parts([o for o in args.overrides if o.startswith(("study=", "hydra"))]).hydra
            settings_of(chosen)
            check_output(jobs)
            if bisection_of(chosen):
                jobs = []  # not all of them will be launched
        else:
            _refuse_forgotten_multirun(args.overrides)
            jobs = configs.jobs([args.overrides])
            check_output(jobs)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises what it would print over many lines
    _HERE.append(True)
    try:
        _job()
    except _Refused as refused:
        raise refused.error from None
    except Stopped as stopped:
        again = shlex.join(["python", "-m", "experiments.run", *sys.argv[1:]])
        print(f"stopped by {stopped}; every run is on disk, to go on: {again}", file=sys.stderr)
        return 130
    return _report(jobs or LAUNCHED)


def _refuse(message: str) -> NoReturn:
    """Refuses an option or its value in one line, without the options that there are."""
    raise ConfigError(f"{message}; --help and --hydra-help say what is allowed")


def _format_list(overrides: list[str]) -> list[str]:
    """Formats a list of studies for `study=`, or of scales for a family or study without a scale; empty otherwise."""
    wanted = [word.removeprefix("study=").strip("/") for word in overrides if word.startswith("study=")]
    if not wanted or wanted[0].count("/") > 1:
        return []
    from experiments import studies  # not at the top: claims take a third of a second that a run need not wait for

    questions = {claim.name: claim.question for claim in studies.every()}
    families = settings.settings_files()
    every = [f"{family}/{study}" for family, files in families.items() for study in files]
    names = [name for name in every if f"{name}/".startswith(f"{wanted[0]}/") or not wanted[0]]
    if "/" not in wanted[0]:
        width = max((len(name) for name in names), default=0)
        lines = [f"study={name:<{width}}  {questions.get(name, '')}".rstrip() for name in names]
        return [*lines, f"Each has a scale after its name, as in study={names[0]}/cpu."] if lines else []
    lines = []
    for name in names:
        lines += [f"study={name}: {questions.get(name, '')}".rstrip()]
        for scale in (scale for scale in settings.SCALES if f"{name}/{scale}" in settings.studies()):
            sweep = settings.read_study(f"{name}/{scale}")["sweep"]
            grid = "; ".join(f"{key}: {values}" for key, values in sweep.items())
            lines.append(f"  study={name}/{scale} sweeps {grid}")
    return lines


def _spell_seeds(word: str) -> str:
    """Returns the override that `seeds=N` stands for, which is seed=1,2,...,N; other words are returned unchanged."""
    key, _, number = word.partition("=")
    if key != "seeds":
        return word
    if not number.isdecimal() or not 1 <= int(number) <= 10_000:
        raise ConfigError(f"seeds: expected an integer from 1 to 10000, the number of seeds, got {number!r}")
    return f"seed={','.join(str(seed) for seed in range(1, int(number) + 1))}"


def _refuse_forgotten_multirun(overrides: list[str]) -> None:
    params = compose.compose(overrides).hydra.sweeper.get("params")
    if params:
        again = shlex.join(["python", "-m", "experiments.run", "-m", *overrides])
        raise ConfigError(f"-m is missing: this study sweeps {', '.join(params)}; type: {again}")


def _report(jobs: list[Job]) -> int:
    """Prints which jobs did not finish, and the command that runs only those; returns exit code 1 if there are any."""
    ends = [(job, read_end(job.folder)) for job in jobs]
    failed = [(job, end) for job, end in ends if end is None or end["status"] != "finished"]
    if len(jobs) > 1:
        folder = jobs[0].folder.parent
        print(f"{len(jobs) - len(failed)} of {len(jobs)} runs finished; records in {folder}")
        if len(failed) < len(jobs):
            from experiments.results import show_sweep

            show_sweep(jobs, swept_keys(get_args_parser().parse_args().overrides))
        if not jobs[0].study:
            print(f"every condition, and a file: python -m experiments.results {shlex.quote(str(folder))} [out=FILE]")
            print(f"a figure: python -m experiments.plot {shlex.quote(str(folder))} x=KEY [by=KEY]")
    for job, end in failed[:_NAMED]:
        print(f"failed: {job.folder}: {end['reason'] if end else 'it has not ended'}", file=sys.stderr)
    if len(failed) > _NAMED:
        print(f"failed: {len(failed) - _NAMED} more", file=sys.stderr)
    if failed:
        words = [word for word in sys.argv[1:] if not word.startswith("retry=")]
        print(
            f"only these again: {shlex.join(['python', '-m', 'experiments.run', *words, 'retry=true'])}",
            file=sys.stderr,
        )
    return 1 if failed else 0


if __name__ == "__main__":
    command(main, trains=True)()
