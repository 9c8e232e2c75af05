"""What criteria share: scores of a results table by setting, what bars a judgement, the verdict on an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from experiments.judging.claim import Judgement, Row, Verdict
from experiments.judging.frame import MODEL, RecordError, final_scores, swept
from experiments.judging.statistics import Interval, mean_score, paired_difference

FITTED = 0.9  # exact match within the training distribution, from which on scores outside it are read

Setting = tuple[Any, ...]  # values of the swept keys


@dataclass(frozen=True)
class Cells:
    """Scores at the end by setting and seed, each from `examples` examples or more; settings in order."""

    scores: Mapping[Setting, Mapping[int, float]]
    examples: int

    def mean(self, setting: Setting) -> Interval:
        """Interval of the mean over all seeds at one setting."""
        return mean_score(list(self.scores[setting].values()), self.examples)

    def where(self, settings: Sequence[Setting]) -> Cells:
        """These settings alone."""
        return Cells({setting: self.scores[setting] for setting in settings}, self.examples)

    def by_seed(self) -> dict[int, float]:
        """For each seed that every setting has, the mean over the settings."""
        seeds = set.intersection(*(set(of) for of in self.scores.values())) if self.scores else set()
        return {seed: float(np.mean([of[seed] for of in self.scores.values()])) for seed in sorted(seeds)}


def cells(
    table: pl.DataFrame,
    condition: str,
    keys: Sequence[str],
    *,
    learner: str = MODEL,
    position: int | None = None,
    score: str = "exact_match",
) -> Cells:
    """Scores on `condition` by setting of `keys`, which must be what the table sweeps; RecordError otherwise."""
    if swept(table) != list(keys):
        wanted = f"{', '.join(keys)} alone is" if len(keys) == 1 else f"{', '.join(keys)} are"
        raise RecordError(f"sweeps {', '.join(swept(table)) or 'nothing'}, where {wanted} wanted")
    found = final_scores(table, condition, learner=learner, position=position, score=score)
    scores: dict[Setting, dict[int, float]] = {}
    for *setting, seed, reached in found.select(*keys, "seed", score).iter_rows():
        scores.setdefault(tuple(setting), {})[seed] = reached
    return Cells(scores, int(found["examples"].to_numpy().min()))


def difference(more: Cells, less: Cells) -> Interval | None:
    """Mean over seeds of `more` minus `less`, each averaged over its settings; None where no seed is in both."""
    a, b = more.by_seed(), less.by_seed()
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        return None
    return paired_difference([a[s] for s in seeds], [b[s] for s in seeds], min(more.examples, less.examples))


def obstacle(table: pl.DataFrame, found: Cells, name: str, apart: str = "") -> str:
    """Why no verdict can rest on this table; empty where one can. `name` says a setting in words, as "{} rules".

    Settings that are compared must have ended at one step: all, or those with one value of the swept key `apart`.
    """
    seeds = sorted({seed for of in found.scores.values() for seed in of})
    missing = [
        f"{name.format(*map(spelt, setting))}, seed {seed}"
        for setting, of in found.scores.items()
        for seed in seeds
        if seed not in of
    ]
    ends = table.filter(pl.col("final"), status="finished")
    groups = ends.partition_by(apart) if apart else [ends]
    steps = next((of for group in groups if len(of := sorted(group["step"].unique())) > 1), [])
    if len(seeds) < 2:
        return "There is one seed only, so nothing is known of the spread between seeds."
    if missing:
        return f"Runs are missing: {'; '.join(missing)}."
    if steps:
        return f"The runs ended at different steps, which bars a comparison: {', '.join(map(str, steps))}."
    return ""


def reaches(effect: Interval, least: float) -> Verdict:
    """Whether an effect is at least `least`: reproduced, not reproduced, or the interval holds both answers."""
    if effect.lower >= least:
        return "reproduced"
    return "not reproduced" if effect.upper < least else "inconclusive"


def medians(found: Cells, name: str) -> str:
    """A note with the median over seeds and its quartiles at every setting."""
    parts = []
    for setting, of in found.scores.items():
        low, middle, high = np.quantile(list(of.values()), [0.25, 0.5, 0.75])
        parts.append(f"{middle:.3f} [{low:.3f}, {high:.3f}] at {name.format(*map(spelt, setting))}")
    return f"Median over seeds [quartiles]: {'; '.join(parts)}."


def diverged(table: pl.DataFrame, name: str) -> list[str]:
    """A note on the runs that diverged, if any did."""
    keys = swept(table)
    lost = table.filter(status="diverged").select(*keys, "seed").unique().sort(*keys, "seed")
    named = [f"{name.format(*map(spelt, setting))}, seed {seed}" for *setting, seed in lost.iter_rows()]
    return [f"Diverged, and counted as scores of 0: {'; '.join(named)}."] if named else []


def spelt(value: Any) -> str:
    """A swept value in words: numbers with thousands apart, true and false as in a configuration."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def contrast(
    table: pl.DataFrame,
    better: Cells,
    worse: Cells,
    within: Cells | None,
    *,
    least: float,
    name: str,
    rows: Sequence[Row],
    what: str,
) -> Judgement:
    """Judge that `better` scores at least `least` more than `worse`, each averaged over its settings, paired by seed.

    A setting counts where it is fitted: its mean score in `within`, the training distribution, is at least FITTED. One
    that is not is left out and named; where a side has none left the verdict is not fitted. Where no score could be 1,
    as in context before enough examples, `within` is None and every setting counts. `what` says the difference in
    words, `name` a setting.
    """
    both = list(dict.fromkeys([*better.scores, *worse.scores]))
    fit = {setting: within.estimate(setting) if within else 1.0 for setting in both}
    weak = "; ".join(f"{fit[s]:.3f} at {name.format(*map(spelt, s))}" for s in both if fit[s] < FITTED)
    more, less = (side.where([s for s in side.scores if fit[s] >= FITTED]) for side in (better, worse))
    notes = [*diverged(table, name), *(medians(side, name) for side in (better, worse))]
    if not more.scores or not less.scores:
        why = f"Exact match within the training distribution is below {FITTED}: {weak}."
        return Judgement("not fitted", None, 0, why, tuple(rows), tuple(notes))
    effect = difference(more, less)
    seeds = len(more.by_seed().keys() & less.by_seed().keys())
    if weak:
        notes.insert(0, f"Left out, as exact match within the training distribution is below {FITTED}: {weak}.")
    bar = obstacle(table, Cells(dict(more.scores) | dict(less.scores), more.examples), name)
    if bar or effect is None:
        return Judgement("inconclusive", effect, seeds, bar, tuple(rows), tuple(notes))
    verdict = reaches(effect, least)
    says = {
        "reproduced": f"{what} is {effect}, at least {least}.",
        "not reproduced": f"{what} is {effect}, less than {least}.",
        "inconclusive": f"{what} is {effect}; the interval holds {least}, so that it cannot be told.",
    }[verdict]
    return Judgement(verdict, effect, seeds, says, tuple(rows), tuple(notes))
