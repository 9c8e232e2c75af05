"""Makes one results table of a study's run folders, and checks that it can be added to the study's record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from experiments import settings
from experiments.engine import config as configs
from experiments.engine.job import Job
from experiments.engine.records import Record, read_end, read_metrics
from experiments.errors import ConfigError
from experiments.judging.frame import HASHES, PROVENANCE, SCORES, RecordError
from experiments.judging.measures import DECLARED, format_declarations, parse
from experiments.judging.results import path_for, read, recorded, staying

# The entries of a row of metrics that are no scores; nor are curves.
_OTHER = ("step", "learner", "condition", "examples", "train_loss")
_CURVE = "curve"  # of right answers by position; other scores have one under their name with `_curve`
_ANEW = "delete the record, both files, to begin it anew"


def table(jobs: Sequence[Job], criterion: str | None = None) -> pl.DataFrame:
    """Returns the results of a study's jobs, which must all have ended: the columns of `experiments.judging.frame`.

    After the columns of provenance come the hash of the study's settings, the hash of the `criterion`, the measures
    that runs declare (if any does), and a column for each key that the study's arms set. A run has null in the column
    of a key that it lacks.

    A diverged run has a last row per condition at the step it reached, without scores. A score that is a curve has, at
    a run's end, also a row for each position with its value there. Raises ConfigError if a job has not ended, or if its
    records disagree with each other.
    """
    rows: list[dict[str, Any]] = []
    named = {name: None for job in jobs for row in read_metrics(job.folder)[:1] for name in row}
    named |= {name: None for job in jobs for name in (read_end(job.folder) or {}).get("measures", {})}
    named = [name for name in named if name not in _OTHER and not name.endswith(_CURVE)] or SCORES
    of_scores = [*(name for name in SCORES if name in named), *(name for name in named if name not in SCORES)]
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
            lost = {"examples": job.run.train.eval_examples, "learner": "model"}
            metrics = [row for row in metrics if row["step"] < end["step"]]
            metrics += [{"step": end["step"], "condition": name, **lost} for name in job.run.task.conditions()]
        last, declared = max(row["step"] for row in metrics), parse(json.dumps(end.get("measures", {})))
        for row in metrics:
            final = row["step"] == last
            for scores in [row, *(_positions(row) if final else [])]:
                rows.append(
                    {"study": job.study, "run": job.id, "seed": job.run.seed, **job.swept}
                    | {"step": row["step"], "final": final, "learner": row["learner"], "condition": row["condition"]}
                    | {"position": scores.get("position")}
                    | {name: scores.get(name) for name in (*of_scores, "examples")}
                    | {"status": end["status"]}
                    | {name: end[name] for name in PROVENANCE}
                    | {"settings": hashes.get(job.study or ""), "criterion": criterion}
                    | {DECLARED: format_declarations(declared)}
                    | {key: _value(job.config, key) for key in keys}
                )
    for key in keys:
        kinds = {type(row[key]) for row in rows} - {type(None)}
        if len(kinds) > 1 and not kinds <= {int, float}:  # one task's switch is another's choice
            rows = [row | {key: _format_word(row[key])} for row in rows]
    frame = pl.DataFrame(rows, schema_overrides=HASHES | {DECLARED: pl.String}, infer_schema_length=None)
    return frame if any(row[DECLARED] for row in rows) else frame.drop(DECLARED)


def check_addable(study: str, jobs: Sequence[Job], overrides: Sequence[str], *, all_run: bool) -> None:
    """Raises RecordError if the results of `jobs` cannot be added to the study's record; nothing is trained before.

    A recorded run stays if it names the hash of the study's present settings, or has the id that they give for its
    seed. A fresh run may take its place instead; that is known if `all_run` of the jobs are. overrides: those of the
    command, without the study.
    """
    if study not in recorded():
        return
    path, record = path_for(study), read(path_for(study))
    fresh = pl.DataFrame([{**job.swept, "seed": job.run.seed} for job in jobs], infer_schema_length=None)
    try:
        kept = staying(record, fresh if all_run else fresh.clear())
    except RecordError as error:
        raise RecordError(f"{path}: {error}; {_ANEW}") from None
    present = (pl.col("settings") == settings.settings_hash(study)).fill_null(False)
    others = kept.filter(~present)
    if others.is_empty():
        return
    seeds = ",".join(map(str, others["seed"].unique().sort()))
    same = [f"study={study}", *(o for o in overrides if not o.startswith("seed=")), f"seed={seeds}"]
    ids = {job.id for job in configs.jobs(configs.sweep(same))}
    runs = [run for run in others["run"].unique(maintain_order=True) if run not in ids]
    if runs:
        are = f"{len(runs)} of its runs, as {runs[0]}, are" if len(runs) > 1 else f"its run {runs[0]} is"
        raise RecordError(f"{path}: {are} of other settings than the study's present ones; {_ANEW}")


def check_declared(study: str, seeds: set[int]) -> None:
    """Raises RecordError if a study that may be looked at twice is to be recorded with seeds of neither look."""
    later = settings.later_seeds(study)
    declared = {*later, *(job.run.seed for job in configs.jobs(configs.sweep([f"study={study}"])))} if later else seeds
    if others := sorted(seeds - declared):
        allowed = ", ".join(map(str, sorted(declared)))
        raise RecordError(f"seed={others[0]}: {study} is recorded with the seeds of its two looks alone: {allowed}")


def _value(config: dict[str, Any], key: str) -> Any:
    """Returns the value of a configuration at a dotted key, None if it has no such key."""
    inside: Any = config
    for name in key.split("."):
        inside = inside.get(name) if isinstance(inside, dict) else None
    return inside


def _format_word(value: Any) -> str | None:
    """Formats a value as an override writes it."""
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _positions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns rows of the curves in a row of metrics, none without any; the n-th weighted position is number n."""
    curves = {name.removesuffix(f"_{_CURVE}"): row[name] for name in row if name.endswith(_CURVE)}
    by_score = {name: [value for value in values if value is not None] for name, values in curves.items()}
    right = by_score.pop(_CURVE, [])
    more = [{name: values[n] for name, values in by_score.items()} for n in range(len(right))]
    examples = {"examples": row["examples"]}
    return [
        examples | {"position": n, "exact_match": share, "token_accuracy": share} | more[n]
        for n, share in enumerate(right)
    ]
