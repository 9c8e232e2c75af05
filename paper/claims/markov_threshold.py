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
from pathlib import Path

import numpy as np
import polars as pl

from paper.claims.claim import Claim, Fact, Judgement, Row, Verdict
from paper.results import RecordError, final_scores, swept
from paper.statistics import Interval, mean_score, over_seeds, paired_difference

SWEPT = "task.num_rules"
SEEN, UNSEEN = "seen/applied", "unseen/applied"
FITTED = 0.9
RISE = 0.5
NEAR_ZERO = 0.1
HALF = 0.5
MOST = 0.8
PAPER_BAND = (300, 1000)

Scores = dict[int, dict[int, float]]  # number of rules -> seed -> exact match


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/threshold; RecordError where it is a table of something else."""
    (seen, examples), (unseen, _) = _scores(table, SEEN), _scores(table, UNSEEN)
    rows = []
    for rules, scores in unseen.items():
        both = {"unseen": scores, "seen": seen[rules]}
        intervals = {name: mean_score(list(of_seed.values()), examples) for name, of_seed in both.items()}
        rows.append(Row(f"{rules:,}", _paper_says(rules), intervals, len(scores)))
    few, many = unseen[min(unseen)], unseen[max(unseen)]
    seeds = sorted(few.keys() & many.keys())
    effect = None
    if len(unseen) > 1 and seeds:
        effect = paired_difference([many[seed] for seed in seeds], [few[seed] for seed in seeds], examples)
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


def _scores(table: pl.DataFrame, condition: str) -> tuple[Scores, int]:
    """Exact match at the end by number of rules (ascending) and seed; the examples behind each score."""
    if swept(table) != [SWEPT]:
        raise RecordError(f"sweeps {', '.join(swept(table)) or 'nothing'}, where {SWEPT} alone is wanted")
    found = final_scores(table, condition)
    scores: Scores = {}
    for rules, seed, score in found.select(SWEPT, "seed", "exact_match").iter_rows():
        scores.setdefault(rules, {})[seed] = score
    return scores, int(found["examples"].to_numpy().min())


def _cannot_judge(table: pl.DataFrame, unseen: Scores) -> str:
    """Why this table cannot be judged; empty where it can."""
    seeds = sorted({seed for scores in unseen.values() for seed in scores})
    missing = [f"{rules:,} rules, seed {seed}" for rules in unseen for seed in seeds if seed not in unseen[rules]]
    steps = sorted(table.filter(pl.col("final"), status="finished")["step"].unique())
    if len(unseen) < 2:
        return f"There is one number of rules only ({min(unseen):,}), so no rise can be measured."
    if len(seeds) < 2:
        return "There is one seed only, so nothing is known of the spread between seeds."
    if missing:
        return f"Runs are missing: {'; '.join(missing)}."
    if len(steps) > 1:
        return f"The runs ended at different steps, which bars a comparison: {', '.join(map(str, steps))}."
    return ""


def _notes(table: pl.DataFrame, unseen: Scores) -> list[str]:
    notes = []
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
    diverged = table.filter(status="diverged").select(SWEPT, "seed").unique().sort(SWEPT, "seed")
    if len(diverged):
        named = "; ".join(f"{rules:,} rules, seed {seed}" for rules, seed in diverged.iter_rows())
        notes.append(f"Diverged, and counted as scores of 0: {named}.")
    return notes


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
    from paper import figures  # matplotlib takes a second to import, and most commands draw nothing

    figure, (left, right) = figures.canvas((3, 2))
    (seen, _), (unseen, _) = _scores(table, SEEN), _scores(table, UNSEEN)
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
    right.legend(title="rules", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.suptitle(f"{table['study'][0]}: {judgement.verdict} (bars: 95 % intervals; hollow: single seeds)")
    return figures.save(figure, path)


CLAIM = Claim(
    name="markov/threshold",
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
