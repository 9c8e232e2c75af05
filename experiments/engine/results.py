"""A study's run folders as one tidy table: a row for each run, evaluation step, learner and condition."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from experiments import settings
from experiments.engine.job import Job
from experiments.engine.records import Record, read_end, read_metrics
from experiments.errors import ConfigError

_SCORES = ("exact_match", "token_accuracy", "nll", "examples")
# What else is in a row of metrics; all that is in neither is a further score, of decoded answers.
_OTHER = ("step", "learner", "condition", "curve", "train_loss")
_PROVENANCE = ("device", "versions", "commit", "date")


def table(jobs: Sequence[Job]) -> pl.DataFrame:
    """Returns the results of a study's jobs, which must all have ended: the columns of `experiments.judging.results`.

    After those of provenance come the hash of the study's settings, that of the criterion (null here), and the values
    that the runs have for the keys which the study's arms set, null where a run has no such key.

    A run that diverged has a last row per condition at the step it reached, without scores. At a run's end scores that
    are a curve have a row for each position too, with the share of right answers there. Raises ConfigError where a job
    has not ended, or its records disagree with each other.
    """
    rows: list[dict[str, Any]] = []
    named = [name for job in jobs for row in read_metrics(job.folder)[:1] for name in row]
    more = [name for name in dict.fromkeys(named) if name not in (*_SCORES, *_OTHER)]
    studies = {job.study: settings.arm_keys(job.study) for job in jobs if job.study}
    hashes = {study: settings.settings_hash(study) for study in studies}
    keys = dict.fromkeys(key for keys in studies.values() for key in keys if key not in jobs[0].swept)
    for job in jobs:
        end = read_end(job.folder)
        if end is None:
            raise ConfigError(f"{job.folder}: this run has not ended")
        Record(job).check()
        metrics = read_metrics(job.folder)
        if end["status"] == "diverged":
            lost = dict.fromkeys(_SCORES[:3]) | {"examples": job.run.train.eval_examples}
            metrics = [row for row in metrics if row["step"] < end["step"]]
            lost["learner"] = "model"
            metrics += [{"step": end["step"], "condition": name, **lost} for name in job.run.task.conditions()]
        last = max(row["step"] for row in metrics)
        for row in metrics:
            final = row["step"] == last
            for scores in [row, *(_positions(row) if final else [])]:
                rows.append(
                    {"study": job.study, "run": job.id, "seed": job.run.seed, **job.swept}
                    | {"step": row["step"], "final": final, "learner": row["learner"], "condition": row["condition"]}
                    | {"position": scores.get("position")}
                    | {name: scores.get(name) for name in (*_SCORES[:3], *more, "examples")}
                    | {"status": end["status"]}
                    | {name: end[name] for name in _PROVENANCE}
                    | {"settings": hashes.get(job.study or ""), "criterion": None}
                    | {key: _value(job.config, key) for key in keys}
                )
    for key in keys:
        kinds = {type(row[key]) for row in rows} - {type(None)}
        if len(kinds) > 1 and not kinds <= {int, float}:  # one task's switch is another's choice
            rows = [row | {key: _word(row[key])} for row in rows]
    hashed = {"settings": pl.String, "criterion": pl.String}
    return pl.DataFrame(rows, schema_overrides=hashed, infer_schema_length=None)


def _value(config: dict[str, Any], key: str) -> Any:
    """The value of a configuration at a dotted key, None where it has no such key."""
    inside: Any = config
    for name in key.split("."):
        inside = inside.get(name) if isinstance(inside, dict) else None
    return inside


def _word(value: Any) -> str | None:
    """A value as an override spells it."""
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _positions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The curve of a row of metrics, if it has one, as rows of its own; the n-th weighted position is number n."""
    right = [share for share in row.get("curve", []) if share is not None]
    both = {"examples": row["examples"]}
    return [both | {"position": n, "exact_match": share, "token_accuracy": share} for n, share in enumerate(right)]
