"""Results tables made up for tests of criteria and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from experiments import studies
from experiments.judging import contract, results
from experiments.judging.claim import Judgement
from experiments.judging.sides import Cell

EXAMPLES = 512
STEPS = (600, 1200)
SCORES = ("exact_match", "token_accuracy", "nll")

Scores = Mapping[
    str, Sequence[float]
]  # condition, learner:condition, condition@position or condition#score -> score by seed (0, 1, ...)


def made_up(
    study: str, keys: Sequence[str], settings: Mapping[tuple[Any, ...], Scores], *, before: float = 0.5
) -> pl.DataFrame:
    """A table of `study`: for each setting of the swept `keys` its scores at the end; at the step before `before` them.

    Learners other than the model, and single positions, have rows at the end alone. Further scores, as in test#answer,
    stand in the rows of their condition, which must be given too.
    """
    rows = []
    more = dict.fromkeys(name.partition("#")[2] for scores in settings.values() for name in scores if "#" in name)
    for setting, scores in settings.items():
        for name, of_seeds in scores.items():
            if "#" in name:
                continue
            learner, _, condition = name.rpartition(":")
            condition, _, position = condition.partition("@")
            alone = bool(learner or position)
            for seed, score in enumerate(of_seeds):
                for step in STEPS[1:] if alone else STEPS:
                    share = 1.0 if step == STEPS[-1] else before
                    found = share * score
                    further = {one: scores.get(f"{name}#{one}") for one in more}
                    rows.append(
                        {
                            "study": study,
                            "run": "-".join(map(str, (*setting, seed))),
                            "seed": seed,
                            **dict(zip(keys, setting, strict=True)),
                        }
                        | {"step": step, "final": step == STEPS[-1], "learner": learner or "model"}
                        | {"condition": condition, "position": int(position) if position else None}
                        | {"exact_match": found, "token_accuracy": found, "nll": None if alone else 0.1}
                        | {one: None if of is None else share * of[seed] for one, of in further.items()}
                        | {"examples": EXAMPLES, "status": "finished"}
                        | {"device": "2 cores", "versions": "jax 0.10.2", "commit": "abc+", "date": "2025-01-01"}
                    )
    return pl.DataFrame(rows, schema_overrides={"position": pl.Int64, "nll": pl.Float64}, infer_schema_length=None)


STEP = {10: (0.0, 0.0, 0.002), 100: (0.15, 0.2, 0.16), 1000: (0.98, 0.97, 0.99)}


def threshold_of(
    unseen: Mapping[int, Sequence[float]],
    seen: Mapping[int, Sequence[float]] | None = None,
    diverged: Sequence[tuple[int, int]] = (),
) -> pl.DataFrame:
    """A table of markov/threshold: exact match by number of rules and seed (0, 1, ...); `diverged` lack the end."""
    settings: dict[tuple[Any, ...], Scores] = {
        (rules,): {"seen/applied": seen[rules] if seen else (0.99,) * len(scores), "unseen/applied": scores}
        for rules, scores in unseen.items()
    }
    lost = pl.col("run").is_in([f"{rules}-{seed}" for rules, seed in diverged])
    end = [pl.when(lost & pl.col("final")).then(None).otherwise(name).alias(name) for name in SCORES]
    status = pl.when(lost).then(pl.lit("diverged")).otherwise("status").alias("status")
    return made_up("markov/threshold/cpu", ["task.num_rules"], settings).with_columns(*end, status)


def recorded_by(table: pl.DataFrame, settings: str | None, criterion: str | None, **values: object) -> pl.DataFrame:
    """Returns the table with these hashes in every row, and behind them the values of arms."""
    hashes = (
        pl.lit(value, pl.String).alias(name) for name, value in (("settings", settings), ("criterion", criterion))
    )
    return table.with_columns(*hashes).with_columns(pl.lit(value).alias(key) for key, value in values.items())


def table_of(name: str, other: Mapping[Cell, Sequence[float]] | None = None, false: int | None = None) -> pl.DataFrame:
    """The contract's table on which a claim holds, or all but one bound, with `other` scores in some cells."""
    claim = studies.claim_for(name)
    cells = contract.seeds_of(contract.world(claim.criterion, false, far=false is not None))  # pyright: ignore[reportArgumentType]
    return contract.made(claim, cells | dict(other or {}))


def judged(name: str, other: Mapping[Cell, Sequence[float]] | None = None, false: int | None = None) -> Judgement:
    """What a claim says of that table."""
    return studies.claim_for(name).judge(results.check(table_of(name, other, false)))
