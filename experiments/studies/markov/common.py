"""What the claims on rewriting share: differences with bounds, judged together where training is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from experiments.judging.claim import Judgement, Row, Verdict
from experiments.judging.criteria import FITTED, Cells, Setting, difference, diverged, medians, obstacle, spelt
from experiments.judging.statistics import Interval

TITLE = "Only-IF: Revealing the Decisive Effect of Instruction Diversity on Generalization"
ARXIV = "2410.04717"
RULES = "task.num_rules"
TRAIN, SEEN, UNSEEN, MIXED = "train", "seen/applied", "unseen/applied", "unseen/mixed"


@dataclass(frozen=True)
class Part:
    """One difference that a claim bounds: `better` minus `worse`, each averaged over its settings, paired by seed.

    It must be `least` or more, or `most` or less, or both. `what` says it in words.
    """

    what: str
    better: Cells
    worse: Cells
    least: float = -1.0
    most: float = 1.0

    def fitted(self, within: Cells) -> Part | None:
        """This part over the settings that are fitted in `within` alone; None where a side has none left."""
        better, worse = (
            side.where([s for s in side.scores if within.mean(s).estimate >= FITTED])
            for side in (self.better, self.worse)
        )
        return Part(self.what, better, worse, self.least, self.most) if better.scores and worse.scores else None

    def effect(self) -> Interval | None:
        """The difference with its interval; None where no seed is on both sides."""
        return difference(self.better, self.worse)

    def verdict(self, effect: Interval) -> Verdict:
        """Whether `effect` lies within the bounds: its whole interval, none of it, or some."""
        if self.least <= effect.lower and effect.upper <= self.most:
            return "reproduced"
        return "not reproduced" if effect.upper < self.least or effect.lower > self.most else "inconclusive"

    def wanted(self) -> str:
        """The bounds in words."""
        if self.most == 1.0:
            return f"at least {self.least} is wanted"
        return f"at most {self.most} is wanted" if self.least == -1.0 else f"{self.least} to {self.most} is wanted"


def judge(
    table: pl.DataFrame,
    parts: Sequence[Part],
    within: Cells,
    *,
    name: str,
    rows: Sequence[Row],
    notes: Sequence[str] = (),
    need: int | None = None,
) -> Judgement:
    """Judge that every part of a claim holds; the effect is the first part's, `name` says a setting.

    A setting counts where it is fitted: its mean score in `within`, the training distribution, is at least FITTED;
    others are left out and named. The verdict is not fitted where fewer than `need` parts (by default: any) keep a
    setting on both sides; not reproduced where one part is not; inconclusive where one cannot be told, and where
    `obstacle` finds that nothing can.
    """
    used = list(dict.fromkeys(s for part in parts for side in (part.better, part.worse) for s in side.scores))
    fit = {s: within.mean(s).estimate for s in used}
    weak = "; ".join(f"{fit[s]:.3f} at {_says(name, s)}" for s in used if fit[s] < FITTED)
    kept = [part for whole in parts if (part := whole.fitted(within))]
    also = [f"Left out, as exact match on the training distribution is below {FITTED}: {weak}."] if weak else []
    also += [*notes, *diverged(table, name)]
    if not kept or len(kept) < (len(parts) if need is None else need):
        why = f"Exact match on the training distribution is below {FITTED}: {weak}."
        return Judgement("not fitted", None, 0, why, tuple(rows), tuple(also))
    sides = [side for part in kept for side in (part.better, part.worse)]
    every = Cells({s: of for side in sides for s, of in side.scores.items()}, sides[0].examples)
    also.append(medians(every, name))
    effects, seeds = [part.effect() for part in kept], len(every.by_seed())
    if bar := obstacle(table, every, name):
        return Judgement("inconclusive", effects[0], seeds, bar, tuple(rows), tuple(also))
    found = [(part, effect, part.verdict(effect)) for part, effect in zip(kept, effects, strict=True) if effect]
    ranks: tuple[Verdict, ...] = ("not reproduced", "inconclusive", "reproduced")
    verdict: Verdict = next(rank for rank in ranks if any(of == rank for _, _, of in found))
    # The parts that decide: those that failed or cannot be told, or where none did all of them.
    said = [f"{part.what} is {effect} ({part.wanted()})" for part, effect, of in found if of == verdict]
    return Judgement(verdict, effects[0], seeds, f"{'; '.join(said)}.", tuple(rows), tuple(also))


def _says(name: str, setting: Setting) -> str:
    return name.format(*map(spelt, setting))
