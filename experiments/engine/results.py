"""A study's run folders as one tidy table: a row for each run, evaluation step, learner and condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from experiments.engine.job import Job
from experiments.engine.records import Record, read_end, read_metrics
from experiments.errors import ConfigError

_SCORES = ("exact_match", "token_accuracy", "nll", "examples")
# What else is in a row of metrics; all that is in neither is a further score, of decoded answers.
_OTHER = ("step", "learner", "condition", "curve", "train_loss")
_PROVENANCE = ("device", "versions", "commit", "date")


def table(jobs: Sequence[Job]) -> pl.DataFrame:
    """The results of a study's jobs, which must all have ended: the columns of `experiments.judging.results`.

    A run that diverged has a last row per condition at the step it reached, without scores. At a run's end scores that
    are a curve have a row for each position too, with the share of right answers there. Raises ConfigError where a job
    has not ended, or its records disagree with each other.
    """
    rows: list[dict[str, Any]] = []
    named = [name for job in jobs for row in read_metrics(job.folder)[:1] for name in row]
    more = [name for name in dict.fromkeys(named) if name not in (*_SCORES, *_OTHER)]
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
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _positions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The curve of a row of metrics, if it has one, as rows of its own; the n-th weighted position is number n."""
    right = [share for share in row.get("curve", []) if share is not None]
    both = {"examples": row["examples"]}
    return [both | {"position": n, "exact_match": share, "token_accuracy": share} for n, share in enumerate(right)]
