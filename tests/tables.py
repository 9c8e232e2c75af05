"""Results tables made up for tests of criteria and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

EXAMPLES = 512
STEPS = (600, 1200)

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
    for number, (setting, scores) in enumerate(settings.items()):
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
                            "run": f"{number}-{seed}",
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
