"""Recorded results: two CSVs a study and scale, in paper/results/<study>/, read as one table (see `frame`).

`cpu.runs.csv` has a row for each run: study, run, seed, the swept keys, the step of its last evaluation, status,
device, versions, commit, date, the hashes of the settings and of the criterion that it was recorded by (empty if they
were not kept), the measures that it declares as JSON, if any run does (see `measures`), and the typed values of the
study's arms, as dotted keys.

`cpu.csv` has the scores: run, step, learner, condition, position, exact_match, token_accuracy, nll (of classes), any
further scores and measures, examples. All rows that an evaluation gives are kept, with six significant digits:

- the model's scores at every evaluation, of every condition: figures draw them against steps, and criteria on TInt read
  how much answers rose over the last quarter of training, and the label shares of a run that diverged;
- each baseline's scores at a run's end, and there the scores at each position, which the criteria and figures on
  Boolean functions read. At one position a score is of one token: token accuracy equals exact match, and is left out.

A record can be added to (`added`): each run keeps the facts that it was recorded with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from experiments import outside
from experiments.files import whole
from experiments.judging.frame import (
    BEFORE,
    HASHES,
    MODEL,
    PROVENANCE,
    ROW,
    SCORES,
    RecordError,
    arms,
    check,
    check_runs,
    check_scores,
    scores,
    swept,
)
from experiments.judging.measures import DECLARED, measure_of
from experiments.judging.recorded_text import END, FACTS, TWICE, join, parse_runs, parse_scores, read_text

Asked = tuple[str, int | None, str]  # condition, position, score

RESULTS = Path(__file__).parents[2] / "paper" / "results"
_RUNS = ".runs.csv"
_DIGITS = 6


def path_for(study: str) -> Path:
    """Returns where the scores of `study` are recorded, as paper/results/markov/threshold/cpu.csv.

    Those of another package's study are in the folder results/ beside its settings. RecordError for a malformed name.
    """
    if not re.fullmatch(r"[\w-]+/[\w-]+/[\w-]+", study):
        raise RecordError(f"study '{study}' is not of the form <paper>/<claim>/<scale>")
    return folder_for(study) / f"{study}.csv"


def folder_for(study: str) -> Path:
    """Returns the folder of the records of `study`, named with its scale or without."""
    other = outside.studies().get("/".join(study.split("/")[:2]))
    return other.results if other else RESULTS


def runs_beside(path: str | Path) -> Path:
    """Returns where the runs are recorded whose scores are in `path`: cpu.runs.csv beside cpu.csv."""
    return Path(path).with_suffix(_RUNS)


def recorded() -> list[str]:
    """Returns the studies with a record or half of one, as markov/threshold/cpu, in order."""
    names = {path.relative_to(RESULTS).as_posix() for path in RESULTS.glob("*/*/*.csv")}
    for name, study in outside.studies().items():
        names |= {path.relative_to(study.results).as_posix() for path in study.results.glob(f"{name}/*.csv")}
    return sorted({name.removesuffix(".csv").removesuffix(".runs") for name in names})


def read(path: str | Path) -> pl.DataFrame:
    """Returns the results table whose scores are in the file `path` and whose runs are beside it, checked.

    In paper/results/ it must also be of the study that the path names. RecordError names the file that is wrong.
    """
    path = Path(path)
    beside = runs_beside(path)
    if path.exists() and not beside.exists():
        raise RecordError(f"{beside}: no such file, which the scores in {path.name} need")
    with _naming(path):
        of_scores = parse_scores(read_text(path))
    with _naming(beside):
        runs = parse_runs(read_text(beside))
    with _naming(path):
        frame = join(of_scores, runs)
    with _naming(beside):
        check_runs(frame)
        _check_place(frame["study"][0], path)
    with _naming(path):
        check_scores(frame)
    return frame


def write(frame: pl.DataFrame, path: str | Path) -> None:
    """Checks `frame` and writes its runs and scores: sorted, six digits, what is missing left empty.

    The two files are both made before the first takes its place; the reader refuses two that do not belong together.
    """
    frame = check(frame)
    keys = swept(frame)
    rounded = frame.with_columns(pl.col(pl.Float64).round_sig_figs(_DIGITS))
    rows = rounded.sort(*keys, "seed", "learner", "condition", "position", "step")
    last_step = pl.col("step").max().over("run").alias(END)
    facts = [*FACTS, *([DECLARED] if _declares(frame) else ()), *arms(frame)]
    runs = rows.select(*BEFORE, *keys, last_step, *facts).unique(maintain_order=True)
    if {*scores(frame)} >= TWICE:
        told = pl.col("position").is_not_null() & (pl.col("token_accuracy") == pl.col("exact_match"))
        rows = rows.with_columns(pl.when(~told.fill_null(False)).then("token_accuracy"))  # else null
    of_scores = rows.select(*ROW, *scores(frame), "examples")
    with whole(runs_beside(path)) as runs_file, whole(path) as scores_file:
        runs.write_csv(runs_file, line_terminator="\n")
        of_scores.write_csv(scores_file, line_terminator="\n")


def _declares(frame: pl.DataFrame) -> bool:
    """Returns whether a run of a table declares measures: only then its record has a column for them."""
    return DECLARED in frame.columns and frame[DECLARED].null_count() < len(frame)


def added(record: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """Returns the runs of `record` and the `fresh` ones, each with its own facts.

    A fresh run takes the place of the recorded one of the same setting and seed. If it was not trained anew it keeps
    the hashes that it was recorded with first, so that a criterion changed since is not taken for the one it was
    recorded by. RecordError if the two sweep different keys.
    """
    fresh = check(fresh)
    kept = staying(record, fresh.select(*swept(fresh), "seed"))
    frame = pl.concat([_with_first_hashes(fresh, record), kept], how="diagonal_relaxed")
    either = dict.fromkeys([*scores(fresh), *scores(kept)])
    ordered = sorted(either, key=lambda name: SCORES.index(name) if name in SCORES else len(SCORES))
    values = dict.fromkeys([*arms(fresh), *arms(kept)])
    place, facts = fresh.columns.index("position") + 1, fresh.columns.index("examples")
    after = [name for name in fresh.columns[facts:] if name not in (DECLARED, *arms(fresh))]
    declared = [DECLARED] if DECLARED in frame.columns else []
    return frame.select(*fresh.columns[:place], *ordered, *after, *declared, *values)


def _with_first_hashes(fresh: pl.DataFrame, record: pl.DataFrame) -> pl.DataFrame:
    """Returns `fresh` with the recorded hashes of those runs that are recorded with the same provenance."""
    same, old = ["run", *PROVENANCE], {name: f"{name} of the record" for name in HASHES}
    first = record.select(*same, *HASHES, recorded=True).unique().rename(old)
    joined = fresh.join(first, on=same, how="left", maintain_order="left")
    hashes = (pl.when("recorded").then(old[name]).otherwise(name).alias(name) for name in HASHES)
    return joined.with_columns(*hashes).select(fresh.columns)


def staying(record: pl.DataFrame, settings: pl.DataFrame) -> pl.DataFrame:
    """Returns the rows of `record` whose swept keys and seed are no row of `settings`, which has these columns alone.

    RecordError if it has others.
    """
    keys = [*swept(record), "seed"]
    if {*keys} != {*settings.columns}:
        raise RecordError(f"sweeps {', '.join(keys[:-1])}, which is not what the fresh runs sweep")
    values = pl.concat([record.select(keys), settings.select(keys)], how="vertical_relaxed")
    values = values.with_columns(pl.col(pl.Float64).round_sig_figs(_DIGITS))
    again = values.tail(len(settings)).unique().with_columns(pl.lit(True).alias("again"))
    anew = values.head(len(record)).join(again, on=keys, how="left", maintain_order="left")["again"]
    return record.filter(anew.is_null())


def _check_place(study: str, path: Path) -> None:
    """Raises RecordError if `path` is the place of another study's record."""
    folders = (RESULTS, *(other.results for other in outside.studies().values()))
    if any(path.is_relative_to(folder) for folder in folders) and path != path_for(study):
        raise RecordError(f"is a record of {study}, whose place is {path_for(study)}")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Puts the file's name before what is wrong with it."""
    try:
        yield
    except RecordError as error:
        raise RecordError(f"{path}: {error}") from None


def final_scores(
    frame: pl.DataFrame,
    condition: str,
    *,
    learner: str = MODEL,
    position: int | None = None,
    score: str = "exact_match",
) -> pl.DataFrame:
    """Returns exact match, or another `score`, of every run on `condition` at its end.

    Columns: swept keys, seed, score, examples. The score is the model's or a baseline's, over all positions or (if the
    score is a curve) at one. Runs whose task lacks the condition or the measure are left out. A run that diverged gets
    what its measure says, of a share 0, whatever it scored before. Raises RecordError if no run has the score.
    """
    keys = [*swept(frame), "seed"]
    on_condition = frame.filter(condition=condition, learner=learner)
    if on_condition.is_empty():
        known = ", ".join(sorted(frame.filter(learner=learner)["condition"].unique()))
        raise RecordError(
            f"the results have no condition {condition} of the {learner}, only {known or 'nothing of it'}"
        )
    at = pl.col("position").is_null() if position is None else pl.col("position") == position
    scored = on_condition.filter(at | (pl.col("status") == "diverged"))["run"].unique()
    if scored.is_empty():
        raise RecordError(f"the results have no position {position} of {condition} of the {learner}")
    frame = frame.filter(pl.col("run").is_in(scored.implode()))
    if score not in frame.columns:
        raise RecordError(f"the results have no score {score}, only {', '.join(scores(frame))}")
    frame = frame.filter(_measured(frame, score))
    rows = on_condition.filter(pl.col("final"), at).select("run", score, "examples")
    value = pl.when(pl.col("status") == "diverged").then(measure_of(frame, score).lost).otherwise(pl.col(score))
    return (
        frame.select("run", *keys, "status")
        .unique()
        .join(rows, on="run", how="left")
        .with_columns(value.alias(score), pl.col("examples").fill_null(pl.col("examples").min()))
        .sort(keys)
        .select(*keys, score, "examples")
    )


def _measured(frame: pl.DataFrame, score: str) -> pl.Expr:
    """Returns which rows are of runs whose task has a score: those that declare it, if any run does."""
    if DECLARED not in frame.columns:
        return pl.lit(True)
    declares = pl.col(DECLARED).fill_null("").str.contains(f'"{score}":', literal=True)
    return declares if frame.select(declares.any()).item() else pl.lit(True)
