"""One model, with and without a teaching sequence (arXiv:2310.03016, section 4, Fig. 3): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are accuracy on the last
point of prompts of held-out functions, at the end of each run; a run that diverged scores 0.

- Effect: on prompts without a teaching sequence, accuracy of runs trained without any minus that of runs trained on
  both kinds, averaged over the classes and paired by seed.
- Reproduced: the effect's upper bound is at most 0.05, and with a teaching sequence the runs trained on both kinds have
  a lower bound of at least 0.95 in every class. Not reproduced: the effect's lower bound is above 0.05, or some class
  has an upper bound below 0.95.
- Inconclusive: anything else; and where there is one seed, a run is missing, or runs ended at different steps.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row, Verdict
from experiments.judging.criteria import Cells, cells, difference, diverged, obstacle
from experiments.judging.statistics import Interval
from experiments.studies.boolean.common import ARXIV, FAMILY, TITLE, optimum, spaced

KEYS = [FAMILY, "task.teaching_share"]
PREFIX, PLAIN = "unseen/prefix", "unseen/plain"
NEAR, PERFECT, CHANCE = 0.05, 0.95, 0.5


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of boolean/two_algorithms; RecordError where it is a table of something else."""
    prefix, plain = (cells(table, condition, KEYS) for condition in (PREFIX, PLAIN))
    rows = [
        Row(f"{spaced(s[0])}, {s[1]:g}", "", {"with sequence": prefix.mean(s), "without": plain.mean(s)}, len(of))
        for s, of in plain.scores.items()
    ]
    notes = diverged(table, "{0}, share {1}") + _at_chance(plain)
    mixed = [s for s in plain.scores if 0 < s[1] < 1]
    alone = [s for s in plain.scores if s[1] == 0]
    if not mixed or not alone:
        why = "There must be runs trained without teaching sequences and runs trained on both kinds."
        return Judgement("inconclusive", None, 0, why, tuple(rows), tuple(notes))
    effect, seeds = difference(plain.where(alone), plain.where(mixed)), min(len(plain.scores[s]) for s in mixed)
    bar = obstacle(table, plain, "{0}, share {1}")
    if bar or effect is None:
        return Judgement("inconclusive", effect, seeds, bar, tuple(rows), tuple(notes))
    taught = [prefix.mean(s) for s in mixed]
    verdict: Verdict = "inconclusive"
    if effect.upper <= NEAR and all(interval.lower >= PERFECT for interval in taught):
        verdict = "reproduced"
    elif effect.lower > NEAR or any(interval.upper < PERFECT for interval in taught):
        verdict = "not reproduced"
    said = "; ".join(f"{spaced(s[0])} {interval}" for s, interval in zip(mixed, taught, strict=True))
    sentence = f"Without a teaching sequence training on both costs {effect}; with one it reaches {said}."
    return Judgement(verdict, effect, seeds, sentence, tuple(rows), tuple(notes))


def _at_chance(plain: Cells) -> list[str]:
    """A note on the classes that no run learns without a sequence, so that nothing can be lost on them."""
    families = dict.fromkeys(s[0] for s in plain.scores)
    none = [f for f in families if all(_holds_chance(plain.mean(s)) for s in plain.scores if s[0] == f)]
    named = ", ".join(map(spaced, none))
    return [f"Without a sequence at chance in every arm, where nothing can be lost: {named} (not judged)."] * bool(none)


def _holds_chance(found: Interval) -> bool:
    return found.lower <= CHANCE <= found.upper


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw accuracy at the last point with and without a teaching sequence for every class and mixture."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    found = {"with a teaching sequence": cells(table, PREFIX, KEYS), "without": cells(table, PLAIN, KEYS)}
    found["without, optimum"] = optimum(table, KEYS, PLAIN)[0]
    settings = list(found["without"].scores)
    series = {
        label: ([of.mean(s) for s in settings], [list(of.scores[s].values()) for s in settings])
        for label, of in found.items()
    }
    figures.bars(panel, [f"{spaced(s[0])}, share {s[1]:g}" for s in settings], series)
    panel.set(xlabel="accuracy at the last point")
    figures.legend_beside(panel, "tested")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="boolean/two_algorithms",
    question="Can one transformer use a teaching sequence and do without one?",
    title=TITLE,
    arxiv=ARXIV,
    where="section 4, Fig. 3",
    text=(
        "Trained on prompts with and without a teaching sequence, one transformer uses the sequence where there is one "
        "and learns from random examples as well as one that saw nothing else."
    ),
    setting="class, share with sequence",
    effect="accuracy without a teaching sequence, trained without any minus trained on both kinds",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("With the prefix the mixed model does well, without it about at chance (presumably parity).", "reviews"),
    ),
)
