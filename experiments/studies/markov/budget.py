"""Rules against examples per rule in Markov rewriting (Only-IF, arXiv:2410.04717, section 2.3.1): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. A column of the plane is a number
of examples per rule. Its threshold is the number of rules at which exact match on unseen rules comes up to 0.5 at the
end of training, found by bisection for each seed: the geometric middle of the largest number of rules that is below and
the smallest that is not. A run that diverged scores 0.

- A column is fitted where exact match on the training set, averaged over the runs on either side of the threshold and
  over seeds, is 0.9 or more. One that is not is left out and named. Not fitted: what is left does not span a factor of
  10 in examples per rule.
- Effect: by how much the threshold moves while the examples per rule vary, in octaves (powers of two): the largest of a
  seed's thresholds over its smallest. Were it the total number of examples that mattered, and not the number of rules,
  this would be as large as the range of examples per rule, 3.3 octaves or more.
- Reproduced: the effect's upper bound is at most 2 octaves, a factor of 4.
- Not reproduced: the effect's lower bound is above that.
- Inconclusive: anything else; and where there is one seed, a column that a seed lacks, finished runs that ended at
  different steps, or a threshold that is known to a factor of 2 or worse.

A column that never comes up to 0.5, or is never below, counts as the end of its grid, which makes the effect a lower
bound: then the verdict is not reproduced or inconclusive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement, Row, Verdict
from experiments.judging.criteria import FITTED, Cells, cells, diverged, obstacle, spelt
from experiments.judging.statistics import Interval, mean_score, over_seeds

RULES, PER_RULE = "task.num_rules", "task.examples_per_rule"
KEYS = [RULES, PER_RULE]
UNSEEN, TRAIN = "unseen/applied", "train"
HALF = 0.5
WIDE = 10  # range of examples per rule that a verdict needs
NARROW = 2.0  # octaves in which the thresholds must lie
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SURE = 1.0  # octaves to which a threshold must be known


@dataclass(frozen=True)
class Crossing:
    """Where a seed's unseen exact match comes up to HALF in a column: log2 of the rules on either side, and their fit.

    An end is None where no run of the column is on that side.
    """

    low: float | None
    high: float | None
    fit: float

    @property
    def place(self) -> float:
        """The threshold, as log2 of the number of rules; the end that there is, where one is missing."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return sum(ends) / len(ends)

    @property
    def bound(self) -> bool:
        """Whether both sides were found."""
        return self.low is not None and self.high is not None

    @property
    def width(self) -> float:
        """Octaves between the two sides; 0 where one is missing."""
        return self.high - self.low if self.low is not None and self.high is not None else 0.0


Column = Mapping[int, Crossing]  # by seed


def crossings(table: pl.DataFrame) -> Mapping[Any, Column]:
    """Examples per rule to the crossing of each seed."""
    unseen, trained = (cells(table, condition, KEYS).scores for condition in (UNSEEN, TRAIN))
    found: dict[Any, dict[int, Crossing]] = {}
    for column in sorted({per_rule for _, per_rule in unseen}):
        rules = [rules for rules, per_rule in unseen if per_rule == column]
        for seed in sorted({seed for of in rules for seed in unseen[of, column]}):
            there = [of for of in rules if seed in unseen[of, column]]
            low = max((of for of in there if unseen[of, column][seed] < HALF), default=None)
            high = min((of for of in there if unseen[of, column][seed] >= HALF), default=None)
            sides = [of for of in (low, high) if of is not None]
            fit = sum(trained[of, column][seed] for of in sides) / len(sides)
            low, high = (None if of is None else math.log2(of) for of in (low, high))
            found.setdefault(column, {})[seed] = Crossing(low, high, fit)
    return found


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of markov/budget; RecordError where it is a table of something else."""
    columns = crossings(table)
    examples = cells(table, UNSEEN, KEYS).examples
    fits = {name: mean_score([c.fit for c in of.values()], examples) for name, of in columns.items()}
    rows = tuple(
        Row(spelt(name), "300-1,000", {"rules": threshold(of), "train": fits[name]}, len(of))
        for name, of in columns.items()
    )
    weak = "; ".join(f"{fits[name].estimate:.3f} at {spelt(name)}" for name in columns if fits[name].estimate < FITTED)
    fitted = {name: of for name, of in columns.items() if fits[name].estimate >= FITTED}
    notes = [*diverged(table, "{} rules with {} examples each"), *_notes(table, columns)]
    if not fitted or max(fitted) < WIDE * min(fitted):
        why = f"Exact match on the training set is below {FITTED}, by examples per rule: {weak}."
        if not weak:
            why = f"The examples per rule do not span a factor of {WIDE}."
        return Judgement("not fitted", None, 0, why, rows, tuple(notes))
    if weak:
        notes.insert(0, f"Left out, as exact match on the training set is below {FITTED}: {weak} examples per rule.")
    seeds = sorted(set.intersection(*(set(of) for of in fitted.values())))
    spreads = [max(places) - min(places) for seed in seeds if (places := [of[seed].place for of in fitted.values()])]
    effect = over_seeds(spreads, 0.0) if spreads else None
    verdict, sentence = _verdict(table, fitted, effect)
    return Judgement(verdict, effect, len(seeds), sentence, rows, tuple(notes))


def _verdict(table: pl.DataFrame, fitted: Mapping[Any, Column], effect: Interval | None) -> tuple[Verdict, str]:
    places = {(name,): {seed: c.place for seed, c in of.items()} for name, of in fitted.items()}
    bar = obstacle(table, Cells(places, 1), "{} examples per rule")
    vague = [spelt(name) for name, of in fitted.items() if any(c.width >= SURE for c in of.values())]
    if not bar and vague:
        bar = f"Runs are missing: the threshold is known to a factor of 2 or worse at {', '.join(vague)}."
    if bar or effect is None:
        return "inconclusive", bar
    least, most = spelt(min(fitted)), spelt(max(fitted))
    says = f"from {least} to {most} examples per rule the threshold moves by {effect} octaves"
    ends = [spelt(name) for name, of in fitted.items() if not all(c.bound for c in of.values())]
    if effect.lower > NARROW:
        return "not reproduced", f"More than {NARROW:g}: {says}."
    if ends:
        return "inconclusive", f"Within the grid no threshold was found at {', '.join(ends)} examples per rule: {says}."
    if effect.upper <= NARROW:
        return "reproduced", f"At most {NARROW:g}, a factor of {2**NARROW:g}: {says}."
    return "inconclusive", f"The interval holds {NARROW:g}: {says}."


def threshold(column: Column) -> Interval:
    """A column's threshold in rules, as a geometric mean over seeds; the interval is that of the seeds."""
    found = over_seeds([crossing.place for crossing in column.values()])
    return Interval(2.0**found.estimate, 2.0**found.lower, 2.0**found.upper if found.upper < 100 else math.inf)


def _notes(table: pl.DataFrame, columns: Mapping[Any, Column]) -> list[str]:
    runs = table["run"].n_unique()
    found = [c for of in columns.values() for c in of.values()]
    width = max(c.width for c in found)
    more = math.log2(max(columns) / min(columns)) if min(columns) > 0 else math.inf
    return [
        f"{runs} runs place {len(found)} thresholds, each to within {width:.2f} octaves.",
        f"Were it the number of examples in all that counted, the threshold would move by {more:.1f} octaves.",
    ]


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw every run in the plane with the threshold, and exact match against rules, to `path`.png and `path`.svg."""
    from experiments.judging import figures  # matplotlib takes a second to import, and most commands draw nothing

    figure, (plane, rise) = figures.canvas((3, 2), share=False)
    columns, runs = crossings(table), sorted(_runs(table))
    lowest, highest = (math.log2(end([rules for _, rules, *_ in runs])) for end in (min, max))
    plane.set(xscale="log", yscale="log", ylim=(2 ** (lowest - 0.5), 2 ** (highest + 1.5)))
    aside = [per_rule * 1.1 ** (turn - 1) for per_rule, _, turn, _ in runs]
    scores = [score for *_, score in runs]
    dots = plane.scatter(aside, [rules for _, rules, *_ in runs], c=scores, vmin=0, vmax=1, s=16, zorder=3)
    figures.stand_for(dots, [per_rule for per_rule, *_ in runs])
    figure.colorbar(dots, ax=plane, label="exact match on unseen rules")
    found = [threshold(of) for of in columns.values()]
    bars = [[t.estimate - t.lower for t in found], [t.upper - t.estimate for t in found]]
    estimates = [t.estimate for t in found]
    plane.errorbar(list(columns), estimates, yerr=bars, color="black", marker="_", ms=12, capsize=3, label="threshold")
    equal = [found[0].estimate * min(columns) / per_rule for per_rule in columns]
    plane.plot(list(columns), equal, color="0.5", ls=":", label="as many examples in all")
    plane.set(xlabel="examples per rule", ylabel="number of rules")
    plane.set_xticks(list(columns))
    plane.legend(loc="upper right")
    for place, name in enumerate(columns):
        style = figures.STYLES[place % len(figures.STYLES)]
        points = sorted((rules, score) for per_rule, rules, _, score in runs if per_rule == name)
        x, y = zip(*points, strict=True)
        rise.plot(x, y, style["marker"], color=style["color"], ms=4, mfc="white", label=spelt(name))
    rise.set(xscale="log", xlabel="number of rules", ylabel="exact match on unseen rules")
    rise.legend(title="examples per rule", loc="lower right")
    ticks = [tick for tick in TICKS if 2**lowest <= tick <= 2**highest]
    plane.set_yticks(ticks)
    rise.set_xticks(ticks)
    for axis in (plane.xaxis, plane.yaxis, rise.xaxis):
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter("")
    figures.title(figure, table, judgement, "bars: 95 % intervals; dots: single runs")
    return figures.save(figure, path)


def _runs(table: pl.DataFrame) -> list[tuple[float, int, int, float]]:
    """Examples per rule, rules, place of the seed and unseen exact match of every run."""
    unseen = cells(table, UNSEEN, KEYS).scores
    seeds = sorted({seed for of in unseen.values() for seed in of})
    return [
        (per_rule, rules, seeds.index(seed), score)
        for (rules, per_rule), of in unseen.items()
        for seed, score in of.items()
    ]


CLAIM = Claim(
    name="markov/budget",
    question="Does the number of rules decide, or that of examples per rule?",
    title="Only-IF: Revealing the Decisive Effect of Instruction Diversity on Generalization",
    arxiv="2410.04717",
    where="section 2.3.1",
    text=(
        "Whether unseen rules are applied is decided by the number of training rules, not by the examples per rule: "
        "the threshold stays within a factor of 4 in rules while the examples per rule vary by 10 and more."
    ),
    setting="examples",
    effect="octaves by which the threshold in rules moves while the examples per rule vary",
    looked=SIZES,
    criterion=criterion,
    figure=draw,
    facts=(
        Fact(
            "Fewer than 300 rules never generalise, whatever the examples per rule; 1,000 or more always do, even with "
            "a handful of examples each.",
            "arXiv:2402.10891, section 4.1",
        ),
        Fact("The step lies between 300 and 1,000 rules.", "arXiv:2410.04717, section 2.3.1"),
        Fact("The examples per rule of Fig. 2a run from about 10 to 100,000.", "arXiv:2410.04717, Fig. 2a"),
        Fact("The accuracies behind Fig. 2a are given as a curve only, without numbers.", "arXiv:2410.04717, Fig. 2a"),
    ),
)
