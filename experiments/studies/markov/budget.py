"""Rules against examples per rule in Markov rewriting (Only-IF, arXiv:2410.04717, section 2.3.1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from experiments.judging.axes import Axis
from experiments.judging.claim import PILOTS, Fact, Row
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing, Own
from experiments.judging.grid import Grid
from experiments.judging.reached import Spread
from experiments.studies.markov.family import RULES, TRAIN, UNSEEN, claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY_RULES = RULES.tried_at(*(round(20 * 2 ** (n / 2)) for n in range(15)))
PER_RULE = Axis("task.examples_per_rule", "examples per rule", (8, 64, 512))
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
MOVES = Spread(UNSEEN, MANY_RULES, PER_RULE, TRAIN)


def _rows(grid: Grid) -> tuple[Row, ...]:
    """Returns a row for each number of examples per rule: the threshold in rules, and the fit on either side of it."""
    return tuple(
        Row(
            PER_RULE.format_cell(value),
            "300-1,000",
            {"rules": MOVES.threshold(grid, column), "train": MOVES.fitted(grid, column)},
            len(column),
        )
        for value, column in MOVES.columns(grid).items()
    )


def _search(grid: Grid) -> list[str]:
    """Returns notes on the cost of the search, and on the threshold's move if the number of all examples counted."""
    columns = MOVES.columns(grid)
    crossings = [one for column in columns.values() for one in column.values()]
    width, more = max(one.width for one in crossings), math.log2(max(columns) / min(columns))
    return [
        f"{grid.table['run'].n_unique()} runs place {len(crossings)} thresholds, each to within {width:.2f} octaves.",
        f"Were it the number of examples in all that counted, the threshold would move by {more:.1f} octaves.",
    ]


def _runs(grid: Grid) -> list[tuple[float, int, int, float]]:
    """Returns examples per rule, rules, place of the seed and unseen exact match of every run."""
    scores = grid.cells(UNSEEN).scores
    seeds = sorted({seed for by_seed in scores.values() for seed in by_seed})
    return sorted(
        (s[1], s[0], seeds.index(seed), score) for s, by_seed in scores.items() for seed, score in by_seed.items()
    )


def _number_axes(panel: Axes, runs: list[tuple[float, int, int, float]], *names: str) -> None:
    rules = [rules for _, rules, *_ in runs]
    for name in names:
        getattr(panel, f"set_{name}ticks")([tick for tick in TICKS if min(rules) <= tick <= max(rules)])
    for axis in (panel.xaxis, panel.yaxis)[: 1 if names == ("x",) else 2]:
        axis.set_major_formatter("{x:,.0f}")
        axis.set_minor_formatter("")


def _plane(panel: Axes, grid: Grid) -> None:
    """Draws every run in the plane of rules and examples per rule, with the threshold."""
    from experiments.judging import figures

    columns, runs = MOVES.columns(grid), _runs(grid)
    low, high = (end(rules for _, rules, *_ in runs) for end in (min, max))
    panel.set(xscale="log", yscale="log", ylim=(low / 2**0.5, high * 2**1.5))
    aside = [per_rule * 1.1 ** (turn - 1) for per_rule, _, turn, _ in runs]
    scores = [score for *_, score in runs]
    dots = panel.scatter(aside, [rules for _, rules, *_ in runs], c=scores, vmin=0, vmax=1, s=16, zorder=3)
    figures.stand_for(dots, [per_rule for per_rule, *_ in runs])
    panel.figure.colorbar(dots, ax=panel, label="exact match on unseen rules")
    thresholds = [MOVES.threshold(grid, column) for column in columns.values()]
    middle = [one.estimate for one in thresholds]
    bars = [[one.estimate - one.lower for one in thresholds], [one.upper - one.estimate for one in thresholds]]
    panel.errorbar(list(columns), middle, yerr=bars, color="black", marker="_", ms=12, capsize=3, label="threshold")
    equal = [middle[0] * min(columns) / per_rule for per_rule in columns]
    panel.plot(list(columns), equal, color="0.5", ls=":", label="as many examples in all")
    panel.set_xticks(list(columns))
    panel.legend(loc="upper right")
    _number_axes(panel, runs, "y")


def _rise(panel: Axes, grid: Grid) -> None:
    """Draws unseen exact match of every run against rules."""
    from experiments.judging import figures

    runs = _runs(grid)
    for place, value in enumerate(sorted({per_rule for per_rule, *_ in runs})):
        style = figures.STYLES[place % len(figures.STYLES)]
        x, y = zip(*((rules, score) for per_rule, rules, _, score in runs if per_rule == value), strict=True)
        panel.plot(x, y, style["marker"], color=style["color"], ms=4, mfc="white", label=PER_RULE.format_cell(value))
    panel.set(xscale="log")
    panel.legend(title="examples per rule", loc="lower right")
    _number_axes(panel, runs, "x")


CLAIM = claim(
    name="markov/budget",
    question="Does the number of rules decide, or that of examples per rule?",
    where="section 2.3.1",
    text=(
        "Whether unseen rules are applied is decided by the number of training rules, not by the examples per rule: "
        "the threshold stays within a factor of 4 in rules while the examples per rule vary by 10 and more."
    ),
    setting="examples",
    reading=(
        "Were it the total number of examples that mattered, and not the number of rules, the effect would be as large "
        "as the range of examples per rule, 3.3 octaves (powers of two) or more."
    ),
    looked=PILOTS,
    differs=(
        "The original draws the plane on a full grid; here each column's threshold is found by bisection, "
        "which assumes that the score crosses the target once along the column. Training does not pass over a "
        "finite set in epochs but draws from it."
    ),
    criterion=Criterion(axes=(MANY_RULES, PER_RULE), read=(MOVES,), bounds=(MOVES.at_most(2),)),
    rows=_rows,
    notes=(_search,),
    figure=Drawing(
        (
            Own(drawn=_plane, xlabel="examples per rule", ylabel="number of rules"),
            Own(drawn=_rise, xlabel="number of rules", ylabel="exact match on unseen rules"),
        ),
        widths=(3, 2),
        marks="bars: 95 % intervals; dots: single runs",
        share=False,
    ),
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
