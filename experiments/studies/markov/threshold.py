"""The diversity threshold of Markov rewriting (Only-IF, arXiv:2410.04717, Fig. 2a): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores are exact match
where the rule applies (no no-op inputs) at the last evaluation of each run; a run that diverged scores 0.

- Not fitted: at some number of rules the mean over seeds on seen rules is below 0.9.
- Effect: exact match on unseen rules at the most rules minus at the fewest, paired by seed.
- Reproduced: the effect's lower bound is at least 0.5, and the upper bound of the mean at the fewest rules is
  at most 0.1, and the lower bound of the mean at the most rules is at least 0.5.
- Not reproduced: the effect's upper bound is below 0.5, or the lower bound at the fewest rules is above 0.1,
  or the upper bound at the most rules is below 0.5.
- Inconclusive: anything else; and where there is one seed, one number of rules, a run missing from the grid
  of seeds and numbers of rules, or finished runs that ended at different steps.

Measured but not judged: the number of rules at which unseen exact match crosses 0.5, as our sizes differ from
the paper's, and over how many steps of the grid the rise is spread.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row, Verdict
from experiments.judging.criteria import FITTED, Cells, cells, difference, diverged, obstacle
from experiments.judging.statistics import Interval, over_seeds

SWEPT = "task.num_rules"
SEEN, UNSEEN = "seen/applied", "unseen/applied"
RISE = 0.5
NEAR_ZERO = 0.1
HALF = 0.5
MOST = 0.8
PAPER_BAND = (300, 1000)

Scores = Mapping[int, Mapping[int, float]]  # number of rules -> seed -> exact match


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/threshold; RecordError where it is a table of something else."""
    seen, unseen = (cells(table, condition, [SWEPT]) for condition in (SEEN, UNSEEN))
    rows = [
        Row(f"{rules:,}", _paper_says(rules), {"unseen": unseen.mean((rules,)), "seen": seen.mean((rules,))}, len(of))
        for (rules,), of in unseen.scores.items()
    ]
    fewest, most = min(unseen.scores), max(unseen.scores)
    effect = difference(unseen.where([most]), unseen.where([fewest])) if most != fewest else None
    seeds = unseen.where([fewest, most]).by_seed()
    verdict, sentence = _verdict(rows, effect, _cannot_judge(table, unseen))
    return Judgement(verdict, effect, len(seeds), sentence, tuple(rows), tuple(_notes(table, unseen)))


def _verdict(rows: list[Row], effect: Interval | None, obstacle: str) -> tuple[Verdict, str]:
    unfitted = [row for row in rows if row.scores["seen"].estimate < FITTED]
    if unfitted:
        where = ", ".join(f"{row.scores['seen'].estimate:.3f} at {row.setting} rules" for row in unfitted)
        return "not fitted", f"Exact match on seen rules is below {FITTED}: {where}."
    if obstacle or effect is None:
        return "inconclusive", obstacle
    low, high = rows[0].scores["unseen"], rows[-1].scores["unseen"]
    ends = f"exact match on unseen rules is {low} at {rows[0].setting} rules, {high} at {rows[-1].setting}."
    if effect.lower >= RISE and low.upper <= NEAR_ZERO and high.lower >= HALF:
        return "reproduced", f"From near zero to a majority: {ends}"
    if effect.upper < RISE:
        return "not reproduced", f"The rise is less than {RISE}: {ends}"
    if low.lower > NEAR_ZERO:
        return "not reproduced", f"The fewest rules already generalise: {ends}"
    if high.upper < HALF:
        return "not reproduced", f"The most rules do not generalise: {ends}"
    return "inconclusive", f"The intervals are too wide to tell: {ends}"


def _cannot_judge(table: pl.DataFrame, unseen: Cells) -> str:
    """Why this table cannot be judged; empty where it can."""
    if len(unseen.scores) < 2:
        ((rules,),) = unseen.scores
        return f"There is one number of rules only ({rules:,}), so no rise can be measured."
    return obstacle(table, unseen, "{} rules")


def _notes(table: pl.DataFrame, found: Cells) -> list[str]:
    notes, unseen = [], _by_rules(found)
    crossing = threshold(unseen)
    seeds = {seed for scores in unseen.values() for seed in scores}
    crossed = sum(_crossing(unseen, seed) is not None for seed in seeds)
    if crossing:
        place = f"{crossing.estimate:,.0f} rules"
        if len(seeds) > 1:
            place += f" [{crossing.lower:,.0f}, {crossing.upper:,.0f}]"
        notes.append(f"Unseen rules reach {HALF} at {place} (not judged; the paper, at its size: near 400).")
    elif len(unseen) > 1:
        notes.append(f"Unseen rules cross {HALF} in the grid in {crossed} of {len(seeds)} seeds (not judged).")
    means = [(rules, float(np.mean(list(scores.values())))) for rules, scores in unseen.items()]
    total = means[-1][1] - means[0][1]
    if total > NEAR_ZERO:
        start, end = _steepest(means, MOST * total)
        share = (means[end][1] - means[start][1]) / total
        notes.append(
            f"{share:.0%} of the rise lies between {means[start][0]:,} and {means[end][0]:,} rules, "
            f"{end - start} of {len(means) - 1} steps of the grid (not judged)."
        )
    return notes + diverged(table, "{} rules")


def _by_rules(found: Cells) -> Scores:
    return {rules: of for (rules,), of in found.scores.items()}


def _crossing(unseen: Scores, seed: int) -> float | None:
    """Logarithm of the number of rules where this seed's score first comes up to HALF, by interpolation."""
    points = [(math.log(rules), scores[seed]) for rules, scores in unseen.items() if seed in scores]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if y0 < HALF <= y1:
            return x0 + (x1 - x0) * (HALF - y0) / (y1 - y0)
    return None


def threshold(unseen: Scores) -> Interval | None:
    """Where unseen exact match crosses 0.5, as a geometric mean; None unless every seed crosses in the grid.

    Interpolated on the logarithm of the number of rules. The interval covers the seeds, not the coarseness of
    the grid.
    """
    seeds = sorted({seed for scores in unseen.values() for seed in scores})
    found = [_crossing(unseen, seed) for seed in seeds]
    crossings = [x for x in found if x is not None]
    if not crossings or len(crossings) < len(found):
        return None
    interval = over_seeds(crossings)
    with np.errstate(over="ignore"):
        return Interval(*(float(np.exp(x)) for x in (interval.estimate, interval.lower, interval.upper)))


def _steepest(means: list[tuple[int, float]], rise: float) -> tuple[int, int]:
    """The fewest neighbouring steps of the grid that carry `rise`: indices of their two ends."""
    spans = [
        (end - start, means[start][1] - means[end][1], start, end)
        for start in range(len(means))
        for end in range(start + 1, len(means))
        if means[end][1] - means[start][1] >= rise
    ]
    return min(spans)[2:]


def _paper_says(rules: int) -> str:
    if rules < PAPER_BAND[0]:
        return "0 (never)"
    return "transition" if rules < PAPER_BAND[1] else "~1 (always)"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw exact match against the number of rules, and against steps, to `path`.png and `path`.svg."""
    from experiments.judging import figures  # matplotlib takes a second to import, and most commands draw nothing

    figure, (left, right) = figures.canvas((3, 2))
    seen, unseen = (_by_rules(cells(table, condition, [SWEPT])) for condition in (SEEN, UNSEEN))
    left.axvspan(*PAPER_BAND, color="0.9", lw=0)
    middle = math.sqrt(math.prod(PAPER_BAND))
    left.text(middle, 1.03, "paper's step,\nat its size", ha="center", va="bottom", color="0.35")
    for place, (name, scores) in enumerate({"unseen": unseen, "seen": seen}.items()):
        intervals = [row.scores[name] for row in judgement.rows]
        points = [list(scores[rules].values()) for rules in unseen]
        figures.scores_with_seeds(left, list(unseen), intervals, points, f"{name} rules", place)
    left.set(xlabel="number of rules", ylabel="exact match")
    left.legend()
    figures.scores_against_steps(right, table, UNSEEN, SWEPT)
    right.set(xlabel="training steps", title="unseen rules, while training")
    figures.legend_beside(right, "rules")
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/threshold",
    question="How many rules must be seen before an unseen one is applied?",
    title="Only-IF: Revealing the Decisive Effect of Instruction Diversity on Generalization",
    arxiv="2410.04717",
    where="Fig. 2a, section 2.3.1",
    text=(
        "At a fixed number of training examples, exact match on unseen rules goes in a step from near zero "
        "to near one as the number of training rules grows: below a threshold no number of examples per rule "
        "generalises, above it a handful does."
    ),
    setting="rules",
    effect="exact match on unseen rules, most rules minus fewest",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Fewer than 300 rules never generalise, whatever the examples per rule.",
            "arXiv:2402.10891, section 4.1",
        ),
        Fact(
            "1,000 rules or more always generalise; the transition is sharp, near 400.",
            "arXiv:2402.10891, section 4.1",
        ),
        Fact("The step lies between 300 and 1,000 rules.", "arXiv:2410.04717, section 2.3.1"),
        Fact(
            "Input of 50 letters, pattern of 20, 10^6 training examples.",
            "arXiv:2410.04717, App. B.2, section 2.3.1",
        ),
        Fact("GPT-2 of 6 layers, 4 heads, width 256, from scratch.", "arXiv:2410.04717, App. B.1"),
        Fact(
            "The accuracies behind Fig. 2a are given as a curve only, without numbers.",
            "arXiv:2410.04717, Fig. 2a",
        ),
    ),
)
