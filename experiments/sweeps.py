"""Reads one's own sweep from its folder of runs: the keys that were varied, and scores at the end by setting."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from experiments.engine.job import NOT_IDENTITY, build
from experiments.engine.records import read_end, read_metrics
from experiments.errors import ConfigError
from experiments.judging.measures import SHARE, STANDARD, Measure, parse
from experiments.judging.statistics import Interval, mean_score

Setting = tuple[Any, ...]  # values of the varied keys, in their order


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended: its flat configuration, its seed, and its scores by condition at the end."""

    folder: Path
    config: Mapping[str, Any]
    seed: int
    scores: Mapping[str, Mapping[str, Any]]
    diverged: bool
    measures: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """The runs of a folder that have ended, and the number of those that have not."""

    folder: Path
    runs: Sequence[EndedRun]
    unfinished: int

    def varied(self) -> list[str]:
        """Returns the keys that differ between runs, in the order of the configuration; seeds do not count."""
        keys = dict.fromkeys(key for run in self.runs for key in run.config)
        values = {key: {repr(run.config.get(key)) for run in self.runs} for key in keys}
        return [key for key, different in values.items() if len(different) > 1]

    def where(self, values: Mapping[str, str]) -> Sweep:
        """Returns the runs with these values alone. Raises ConfigError for a key or a value that no run has."""
        runs = list(self.runs)
        for key, wanted in values.items():
            known = dict.fromkeys(_spell(run.config[key]) for run in runs if key in run.config)
            if not known:
                raise ConfigError(f"{key}: no run has this key; the runs vary {', '.join(self.varied()) or 'nothing'}")
            if wanted not in known:
                raise ConfigError(f"{key}: no run has {wanted}; allowed: {', '.join(known)}")
            runs = [run for run in runs if key in run.config and _spell(run.config[key]) == wanted]
        return Sweep(self.folder, runs, self.unfinished)

    def conditions(self) -> list[str]:
        """Returns the conditions that every finished run was scored on, in their order."""
        finished = [run for run in self.runs if not run.diverged] or self.runs
        return [name for name in finished[0].scores if all(name in run.scores for run in finished)]

    def headline(self) -> str:
        """Returns the headline condition of the first run's task."""
        config = yaml.safe_load((self.runs[0].folder / "config.yaml").read_text())
        task = build(config).task
        return task.headline or list(task.conditions())[-1]

    def scores(self, keys: Sequence[str], condition: str, score: str) -> dict[Setting, dict[int, float]]:
        """Returns the score on a condition by setting of `keys` and seed, settings sorted.

        A diverged run gets what the measure says, of a share 0. Raises ConfigError where two runs have one setting and
        seed, and where a run lacks the condition or the score.
        """
        scores: dict[Setting, dict[int, float]] = {}
        for run in self.runs:
            setting = tuple(run.config.get(key) for key in keys)
            seeds = scores.setdefault(setting, {})
            if run.seed in seeds:
                others = ", ".join(key for key in self.varied() if key not in keys)
                raise ConfigError(
                    f"by: several runs have the same {', '.join(keys)} and seed {run.seed}; they differ in {others}: "
                    f"name it in by=, or choose one as in {others.split(', ')[0]}=VALUE"
                )
            if run.diverged:
                seeds[run.seed] = self.measure(score).lost
                continue
            if condition not in run.scores:
                raise ConfigError(f"condition: there is no {condition}; allowed: {', '.join(self.conditions())}")
            numbers = run.scores[condition]
            if not isinstance(numbers.get(score), int | float):
                allowed = [name for name, value in numbers.items() if isinstance(value, float) and name != "train_loss"]
                raise ConfigError(f"score: there is no {score}; allowed: {', '.join(allowed)}")
            seeds[run.seed] = float(numbers[score])
        return dict(sorted(scores.items(), key=lambda item: tuple(map(_order, item[0]))))

    def examples(self, condition: str) -> int:
        """Returns the least number of examples that a run was scored on under a condition."""
        counts = [int(run.scores[condition]["examples"]) for run in self.runs if condition in run.scores]
        return min(counts, default=1)

    def means(self, keys: Sequence[str], condition: str, score: str) -> dict[Setting, Interval]:
        """Returns the mean over seeds with its 95 % interval, by setting of `keys`. Raises as `scores` does."""
        examples = self.examples(condition)
        scores = self.scores(keys, condition, score)
        measure = self.measure(score)
        return {
            setting: mean_score(list(seeds.values()), examples, measure=measure) for setting, seeds in scores.items()
        }

    def measure(self, score: str) -> Measure:
        """Returns the measure of a score, as the first run declares it that does."""
        declared = (run.measures[score] for run in self.runs if score in run.measures)
        return next(declared, STANDARD.get(score, SHARE))

    def objective(self) -> str:
        """Returns the measure that the first run names as its objective."""
        return self.runs[0].config.get("train.objective", "exact_match")


def read_words(command: str, doc: str, example: str, *own: str) -> tuple[Sweep, dict[str, str | None]]:
    """Reads the words of a command on a folder of runs: the runs that its filters keep, and the values of its own keys.

    example: a word that an error can show. A key in `own` that is not given has None. Raises ConfigError for a word
    that is no KEY=VALUE, and as `read_sweep` does.
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{command}", description=doc.split("\n")[0])
    parser.add_argument("folder", metavar="FOLDER", help="a folder of runs")
    keys = ", ".join(f"{key}=" for key in own)
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help=f"{keys}, or a filter")
    arguments = parser.parse_args()
    words: dict[str, str] = {}
    for word in arguments.words:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise ConfigError(f"{word}: expected KEY=VALUE, such as {example}")
        words[key] = value
    values = {key: words.pop(key, None) for key in own}
    return read_sweep(arguments.folder).where(words), values


def read_sweep(folder: str | Path) -> Sweep:
    """Reads all runs below a folder. Raises ConfigError if it is no folder, or none of its runs has ended."""
    top = Path(folder)
    if not top.is_dir():
        raise ConfigError(f"FOLDER: {folder} is not a folder of runs")
    runs, unfinished = [], 0
    for path in sorted(top.rglob("config.yaml")):
        end = read_end(path.parent)
        if end is None:
            unfinished += 1
            continue
        runs.append(read_run(path, end))
    if not runs:
        more = f"; {unfinished} have not ended" if unfinished else ""
        raise ConfigError(f"FOLDER: no run below {folder} has ended{more}")
    return Sweep(top, runs, unfinished)


def read_run(path: Path, end: Mapping[str, Any]) -> EndedRun:
    """Returns a run that has ended, from its configuration file and its end. Raises ConfigError for another file."""
    try:
        config: dict[str, Any] = yaml.safe_load(path.read_text())
        seed = config["seed"]
    except (yaml.YAMLError, TypeError, KeyError) as e:
        raise ConfigError(f"{path}: not the configuration of a run: {str(e).splitlines()[0]}") from None
    rows = [row for row in read_metrics(path.parent) if row["learner"] == "model"]
    last = max((row["step"] for row in rows), default=0)
    scores = {row["condition"]: row for row in rows if row["step"] == last}
    task = config.get("task") or {}
    flat = _flatten({key: value for key, value in config.items() if key not in (*NOT_IDENTITY, "seed")})
    if task.get("seed") == seed:  # as conf/config.yaml has it: the data seed follows the run's
        flat.pop("task.seed", None)
    measures = parse(json.dumps(end.get("measures", {})))
    return EndedRun(path.parent, flat, seed, scores, end["status"] == "diverged", measures)


def _flatten(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{above}{key}.")
        else:
            flat[above + key] = value
    return flat


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(value: Any) -> tuple[bool, Any]:
    """Returns a sort key that puts numbers before texts, each in their own order."""
    number = isinstance(value, int | float)
    return not number, value if number else str(value)
