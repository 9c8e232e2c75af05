"""Addition: order of digits, index hints, carries (RASP-L, arXiv:2310.16028, sections 3 and 5)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.notes import also
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import FIT, TRAINED, WITHIN, claim, longer

ORDER = Axis("task.order", "order of digits", ("forward", "reverse"))
HINTS = Axis("task.hints", "index hints", (False, True), names={True: "hints", False: "no hints"})
CARRIES = Axis("task.carries", "carries", (0.0, 1.0), names={1.0: "balanced", 0.0: "standard"})
FORWARD, REVERSE, HINTED = ORDER.at("forward"), ORDER.at("reverse"), HINTS.at(True)
HARD, RANDOM = longer(1.5, hard=True), longer(1.5)

CLAIM = claim(
    name="rasp/addition",
    question="Do reversed answers and index hints let addition generalise to longer sums?",
    where="sections 3 and 5",
    text=(
        "Addition that answers in reverse with index hints generalises to longer sums, also where one carry runs "
        "through all digits; addition that answers forward does not."
    ),
    setting="setting",
    reading=(
        "Hard carries are sums of one carry chain through all digits; 1.5 times the longest training length, rounded, "
        "is the ratio for which the paper's result is cited. Forward counts with hints and without."
    ),
    looked="Sizes were chosen by looking at seed 0. With those reported four digits, and fewer steps, were not fitted.",
    differs=(
        "Three digits in place of forty: longer sums were not fitted. The original reports the median of many "
        "seeds; here all seeds and their mean are judged, and their medians noted."
    ),
    criterion=Criterion(
        axes=(TRAINED, ORDER, HINTS, CARRIES),
        read=(FIT,),
        bounds=((HARD.at(REVERSE, HINTED) - HARD.at(FORWARD)).at_least(0.5),),
    ),
    rows=Rows(
        {"hard, {} digits": HARD, "within": WITHIN},
        paper={(REVERSE, HINTED): "generalises", (FORWARD, HINTS.at(False)): "does not"},
    ),
    notes=(also(HARD.at(REVERSE, HINTED, CARRIES.at(1.0)) - HARD.at(REVERSE, HINTED, CARRIES.at(0.0))),),
    figure=Drawing(
        (Bars(scores={"one carry chain, {} digits": HARD, "random carries, {} digits": RANDOM, "within": WITHIN}),),
        legend="sums",
    ),
    facts=(
        Fact(
            "Reversed with hints reaches 50 digits on hard carries; forward does not generalise.", "a survey citing it"
        ),
        Fact("It extends to 1.5 times the training length.", "Zhou Y. et al. 2024, Fig. 1, citing it"),
        Fact("Balanced carries are credited with unlocking generalisation in some settings.", "a re-implementation"),
    ),
)
