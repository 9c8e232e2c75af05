"""Whole Markov algorithms and the number of rule lists seen (ours, after arXiv:2410.04717)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import ByLength, Curves, Drawing, lengths
from experiments.judging.grid import Grid
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.markov.family import claim

LISTS = Axis("task.lists", "lists", (10, 1000))
SEEN = Score("seen", "exact match on fresh inputs to training's own lists")
UNSEEN = Score("unseen/applied", "exact match of the whole trace on unseen lists")
STEPS = {f"{lists} lists": Score(f"{lists}/steps_{{}}") for lists in ("unseen", "seen")}


def _kept(grid: Grid) -> list[str]:
    """Returns notes on the fall of exact match from step to step at the most lists."""
    notes = []
    (most,) = grid.where((LISTS.most,))
    for name, score in STEPS.items():
        means = {k: cells.estimate(most) for k, cells in lengths(grid, score).items()}
        if means:
            falls = ", ".join(f"{mean:.3f} at {k}" for k, mean in means.items())
            first, last, steps = means[min(means)], means[max(means)], max(means) - min(means)
            kept = f", {(last / first) ** (1 / steps):.3f} a step" if steps and first else ""
            training = LISTS.format_cell(grid.value(LISTS, most))
            notes.append(f"First k steps on {name}, {training} in training: {falls}{kept} (not judged).")
    return notes


CLAIM = claim(
    name="markov/algorithms",
    question="How many rule lists must be seen before an unseen Markov algorithm is run, step by step?",
    where="motivated in section 2.1 and App. A; the question is ours",
    text=(
        "A model that has seen many rule lists runs an unseen one to its end, writing down each step; one "
        "that has seen few fits them as well and does not."
    ),
    ours=True,
    setting="lists",
    reading=(
        "Scores are exact match of the whole trace, up to the end of the algorithm, on inputs to which a rule applies; "
        "an unseen list is one of rules whose sides are all unseen."
    ),
    looked=PILOTS,
    differs="Ours: the original applies one rule once and takes whole algorithms as its motivation.",
    criterion=Criterion(
        axes=(LISTS,),
        read=(Fitted(SEEN),),
        bounds=((UNSEEN.at(LISTS.most) - UNSEEN.at(LISTS.fewest)).at_least(0.5),),
    ),
    rows=Rows({"unseen": UNSEEN, "seen": SEEN}, paper=lambda lists: "not studied"),
    notes=(_kept,),
    figure=Drawing(
        (
            Curves(
                x=LISTS,
                scores={"unseen lists": UNSEEN, "seen lists": SEEN},
                xlabel="rule lists in training",
                ylabel="exact match",
                legend="",
            ),
            ByLength(scores=STEPS, picks=(LISTS.most,), xlabel="steps", title="first steps of long runs, most lists"),
        ),
        widths=(3, 2),
    ),
    facts=(
        Fact(
            "Markov algorithms, ordered lists of rules applied leftmost first until none applies or a stopping rule "
            "fires, are the motivation; the experiments apply one rule once.",
            "arXiv:2410.04717, section 2.1 and App. A",
        ),
        Fact("No experiment of the papers rewrites in several steps.", "our reading of arXiv:2410.04717"),
    ),
)
