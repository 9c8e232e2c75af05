"""The harm of dynamic noise and the operation's complexity (arXiv:2402.04004): claim and criterion.

The criterion was fixed before the results that it judges, and holds at every scale. Scores, and what makes a setting
fitted and settled, are those of `tint.common`; the clean counterpart is the same operation without noise. The
complexity of an operation is the number of tokens of its longest clean example in the compact style.

- An operation whose clean training has a mean below 0.9 is left out and named, as is one that is not settled under
  noise. Not fitted: some are below, and fewer than two operations are left.
- Effect: harm (right answers after clean training minus after dynamic noise) of the most complex operation left minus
  that of the least complex, paired by seed.
- Reproduced: the effect's lower bound is at least 0.1. Not reproduced: its upper bound is below 0.1.
- Inconclusive: anything else; and where fewer than two operations are left though all are fitted, there is one seed, a
  run is missing, or runs ended at different steps.

Measured but not judged: the harm of each operation.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from experiments.judging.claim import SIZES, Claim, Fact, Judgement
from experiments.judging.criteria import Setting, difference
from experiments.judging.statistics import Interval
from experiments.studies.tint.common import (
    ARXIV,
    CLEAN,
    DYNAMIC,
    NOISE,
    TITLE,
    Measured,
    conclude,
    kind,
    level,
    measured,
    rows,
    shared,
    sound,
    worded,
)

KEYS = ["tint/operation", NOISE]
ITEMS = 5  # numbers of the longest list
LEAST = 0.1


def criterion(table: pl.DataFrame) -> Judgement:
    """Judge a results table of tint/operations; RecordError where it is a table of something else."""
    found = measured(table, KEYS)
    left = sound(found)
    noised = sorted(_noised(found, left.settings), key=lambda s: complexity(s[0]))
    harm = {s[0]: difference(*(found.answer.where([one]) for one in ((s[0], CLEAN), s))) for s in noised}
    each = "; ".join(f"{spelt(name)} ({complexity(name)} tokens) {of}" for name, of in harm.items())
    notes = [f"Harm: {each} (not judged)."] if each else []
    effect, seeds = None, 0
    if len(noised) > 1:
        least, most = noised[0], noised[-1]
        # The difference of two differences is twice that of two means.
        more, less = found.answer.where([(most[0], CLEAN), least]), found.answer.where([most, (least[0], CLEAN)])
        half, seeds = difference(more, less), shared(more, less)
        effect = half and Interval(2 * half.estimate, 2 * half.lower, 2 * half.upper)
    ends = f"{spelt(noised[-1][0])} minus {spelt(noised[0][0])}" if len(noised) > 1 else ""
    return conclude(
        found,
        left,
        effect,
        seeds,
        what=f"Harm of dynamic noise, {ends},",
        rows=rows(found),
        missing="Two operations must be there to be read, with and without dynamic noise.",
        least=LEAST,
        notes=notes,
    )


def _noised(found: Measured, settings: Sequence[Setting]) -> list[Setting]:
    """Of each operation the setting of the strongest dynamic noise, if that can be read."""
    chosen = []
    for name in dict.fromkeys(s[0] for s in found.answer.scores):
        some = [s for s in found.answer.scores if s[0] == name and kind(s[1]) == DYNAMIC]
        strongest = max(some, key=lambda s: level(s[1]), default=None)
        chosen += [strongest] if strongest in settings else []
    return chosen


@functools.cache
def complexity(name: str) -> int:
    """Tokens of the longest clean compact example of an operation with digits, as multiply_2."""
    from synthetic.tint.generate import COMPACT, Form, needed  # only where a table is judged

    operation, _, digits = name.rpartition("_")
    return needed(Form(operation, COMPACT, int(digits), ITEMS)).tokens


def spelt(name: str) -> str:
    """An operation with digits in words, as "multiply of 2 digits"."""
    operation, _, digits = name.rpartition("_")
    return f"{operation} of {digits} digit{'s' * (digits != '1')}"


def draw(table: pl.DataFrame, judgement: Judgement, path: Path) -> list[Path]:
    """Draw right answers against the complexity of operations, with and without dynamic noise."""
    from experiments.judging import figures

    figure, (panel,) = figures.canvas((1,))
    found = measured(table, KEYS)
    for place, noise in enumerate(dict.fromkeys(s[1] for s in sorted(found.answer.scores))):
        order = sorted((s for s in found.answer.scores if s[1] == noise), key=lambda s: complexity(s[0]))
        means, points = [found.answer.mean(s) for s in order], [list(found.answer.scores[s].values()) for s in order]
        x = list(range(len(order)))  # by rank: the lengths of some are too near to one another to be told apart
        figures.scores_with_seeds(panel, x, means, points, worded(noise), place, log=False)
        panel.set_xticks(x, [f"{complexity(s[0])}\n{spelt(s[0])}" for s in order])
    panel.set(
        xlabel="tokens of the longest clean example, of each operation", ylabel="right answers to clean questions"
    )
    panel.legend()
    figures.title(figure, table, judgement)
    return figures.save(figure, path)


CLAIM = Claim(
    name="tint/operations",
    question="Does dynamic noise harm complex operations more?",
    title=TITLE,
    arxiv=ARXIV,
    where="operations compared",
    text="The longer the computation that a trace writes down, the more dynamic noise in it costs.",
    setting="operation, noise",
    effect="harm of dynamic noise, most complex operation minus least",
    looked=f"{SIZES} But at cpu scale sums of 2 digits took the place of sums of 3 after a run of the same seeds, to "
    "save time; the criterion stayed.",
    criterion=criterion,
    figure=draw,
    facts=(
        Fact("The harm of dynamic noise is worst for complex operations, and for prompting.", "a summary of the paper"),
    ),
)
