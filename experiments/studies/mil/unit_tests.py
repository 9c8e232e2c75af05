"""Which poolings keep to the assumption of multiple-instance learning, by three unit tests (arXiv:2310.17867)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.grid import Grid
from experiments.judging.measures import Measure
from experiments.judging.reading import FITTED, Fitted
from experiments.judging.rows import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEST = Axis(
    "mil/test",
    "test",
    ("cue", "cue_filled", "concepts", "frequency"),
    names={
        "cue": "one concept",
        "cue_filled": "one concept, equal sizes",
        "concepts": "two concepts",
        "frequency": "false frequency",
    },
)
POOLING = Axis(
    "mil/pooling",
    "pooling",
    ("max", "mean", "sum", "attention", "best", "pairs"),
    names={"best": "best instance", "pairs": "best pair"},
    order={name: place for place, name in enumerate(("max", "mean", "sum", "attention", "best", "pairs"))},
)
CUE, FILLED, CONCEPTS, FREQUENCY = (TEST.at(name) for name in TEST.tried)
POOLED = POOLING.at("max", "mean", "sum", "attention").named("poolings of encodings")
MAX, MEAN, SUM, ATTENTION, BEST, PAIRS = (POOLING.at(name) for name in POOLING.tried)

FRESH = Score("fresh", "accuracy on the training law")
FLIPPED = Score("flipped", "accuracy on the flipped law")
AREA = Score("flipped", "area under the curve on the flipped law", "auc", measure=Measure(lost=0.5))
FAILS, PASSES = 0.5, 0.9  # of the flipped law: chance or less, and as well as what is read must fit


def _ticks(panel: Axes, grid: Grid) -> None:
    panel.set_xticks([0, 0.5, 1])


def _verdicts(grid: Grid) -> list[str]:
    """Returns a note on which poolings pass, fail or do not fit each test, by accuracy and by area."""
    fresh, flipped, area = (grid.cells(score) for score in (FRESH, FLIPPED, AREA))
    notes = []
    run = {grid.value(TEST, s) for s in grid.settings}
    for test in (name for name in TEST.names if name in run):
        parts = []
        for setting in sorted(grid.where((TEST.at(test),)), key=lambda s: POOLING.rank(grid.value(POOLING, s))):
            accuracy = flipped.mean(setting)
            if fresh.estimate(setting) < FITTED:
                verdict = f"not fitted ({fresh.estimate(setting):.2f})"
            elif accuracy.lower >= PASSES:
                verdict = "passes"
            else:
                verdict = "fails" if accuracy.upper <= FAILS else "is between"
            areas = area.mean(setting)
            reversed_ = "below" if areas.upper < FAILS else "above" if areas.lower > FAILS else "about"
            parts.append(f"{POOLING.format_value(grid.value(POOLING, setting))} {verdict}, area {reversed_} a half")
        notes.append(f"{TEST.format_value(test).capitalize()}: {'; '.join(parts)}.")
    return notes


CLAIM = Claim(
    name="mil/unit_tests",
    question="Which poolings keep to the multiple-instance assumption?",
    title="Reproducibility in multiple instance learning: a case for algorithmic unit tests",
    arxiv="2310.17867",
    where="Algorithms 1 to 3 and their results",
    text=(
        "Poolings of encodings learn that a poison speaks against a positive bag, which the multiple-instance "
        "assumption forbids, and fail where it goes with the other label; a pooling of scores that respects the "
        "assumption passes."
    ),
    setting="test, pooling",
    reading=(
        "A pooling passes a test if it is right on at least 0.9 of new bags of the flipped law, with the whole "
        "interval over seeds, and fails if it is right on half or fewer. It is read where it is right on 0.9 of new "
        "bags of the training law. The area under the curve is read beside accuracy: where all bags get one label it "
        "can be above a half."
    ),
    looked="Sizes and bounds were chosen by looking at seeds 0 and 1, none of which is reported.",
    differs=(
        "Poolings of one small network in place of published models; a fifth of the bags and half of the width; no "
        "dropout. The paper's verdicts for each model could not be obtained."
    ),
    criterion=Criterion(
        axes=(TEST, POOLING),
        read=(Fitted(FRESH),),
        bounds=(
            FLIPPED.at(CUE, MAX).at_most(FAILS),
            FLIPPED.at(CUE, MEAN).at_most(FAILS),
            FLIPPED.at(CUE, SUM).at_most(FAILS),
            FLIPPED.at(CUE, ATTENTION).at_most(FAILS),
            AREA.at(CUE, POOLED).at_most(FAILS),
            FLIPPED.at(FILLED, POOLED).at_most(FAILS),
            FLIPPED.at(CONCEPTS, MAX).at_most(FAILS),
            FLIPPED.at(CONCEPTS, POOLED).at_most(0.6),
            FLIPPED.at(CUE, BEST).at_least(PASSES),
            AREA.at(CUE, BEST).at_least(PASSES),
        ),
    ),
    rows=Rows(
        {"fresh": FRESH, "flipped": FLIPPED, "area": AREA},
        "{}, {}",
        order=lambda test, pooling: (list(TEST.names).index(test), POOLING.rank(pooling)),
    ),
    notes=(_verdicts,),
    figure=Drawing(
        tuple(
            Bars(
                scores={"accuracy": FLIPPED, "area under the curve": AREA, "accuracy, training law": FRESH},
                title=TEST.names[test].replace(", ", ",\n"),
                mark=_ticks,
                picks=(TEST.at(test),),
                name=lambda grid, setting: POOLING.format_cell(grid.value(POOLING, setting)),
                order=lambda test, pooling: POOLING.rank(pooling),
                named=test == "cue",
                xlabel="score",
            )
            for test in TEST.names
        ),
        legend="flipped law",
        share=False,
    ),
    facts=(
        Fact("None of five prominent deep models respects the assumption; each fails a test.", "the abstract"),
        Fact("Failing models are positive until a negative counter-example is seen.", "the abstract"),
        Fact("The tables of scores could not be obtained.", "our notes on arXiv:2310.17867"),
    ),
)
