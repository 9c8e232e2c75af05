"""A scratchpad that makes the program harder hurts (RASP-L, arXiv:2310.16028, section 5)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.notes import also
from experiments.judging.rows import Rows
from experiments.studies.rasp.family import FIT, SCRATCHPAD, TRAINED, WITHIN, claim, curves, longer

ORDERS = {"by_count": "in order of counts", "by_appearance": "in order of appearance"}
PADS = replace(
    SCRATCHPAD,
    tried=("none", *ORDERS),
    names={"none": "no scratchpad"},
    value=lambda kind: ORDERS.get(kind, kind),
    said="a scratchpad {}",
)
NONE, COUNTS = PADS.at("none"), PADS.at("by_count")
OTHER = PADS.at("by_appearance").named("the other scratchpad, in order of first appearance")
LONGER = longer(1.25)

CLAIM = claim(
    name="rasp/mode_scratchpad",
    question="Can a scratchpad hurt?",
    where="section 5",
    text="Mode generalises to longer words worse with a scratchpad of counts in order, a harder program, than without.",
    setting="scratchpad",
    reading="Exact match is of the whole answer, scratchpad and all.",
    looked=PILOTS,
    differs="Fewer symbols and shorter words, few of which have counts that no word of training has.",
    criterion=Criterion(
        axes=(TRAINED, PADS),
        read=(FIT,),
        bounds=((LONGER.at(NONE) - LONGER.at(COUNTS)).at_least(0.2),),
    ),
    rows=Rows({"length {}": LONGER, "within": WITHIN}, paper={(NONE,): "generalises", (COUNTS,): "worse"}),
    notes=(also(LONGER.at(OTHER)),),
    figure=curves(PADS, "mode"),
    facts=(Fact("With a poor scratchpad mode scores low.", "a summary of arXiv:2310.16028, Fig. 1a"),),
)
