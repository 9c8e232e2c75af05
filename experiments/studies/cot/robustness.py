"""Traces with wrong numbers, or without a line (arXiv:2305.15408)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.cot.family import DIFFERS, UNSEEN, claim

_NAMES = {"clean": "clean traces", "wrong_50": "half with a wrong number", "skipped_50": "half without a line"}
TRACES = Axis("cot/traces", "traces", tried=("clean", "wrong_50", "skipped_50"), names=_NAMES)
CLEAN = TRACES.at("clean")

CLAIM = claim(
    name="cot/robustness",
    question="Is a chain of thought learnt from traces of which half are faulty?",
    where="recalled from an appendix, not checked",
    text="Trained on traces of which half have a wrong number, or lack a line, a model answers nearly as often right.",
    setting="traces",
    reading="A wrong number stays alone: the lines after it are right, as with static noise in TInt.",
    differs=DIFFERS,
    criterion=Criterion(
        axes=(TRACES,),
        read=(Fitted(UNSEEN, instead=(CLEAN,)),),
        bounds=((UNSEEN.at(CLEAN) - UNSEEN.at(TRACES.but("clean"))).at_most(0.1),),
    ),
    rows=Rows({"right": UNSEEN}),
    figure=Drawing((Bars(scores={"right answers": UNSEEN}),)),
    facts=(Fact("Accuracies with faulty traces could not be obtained.", "our notes on arXiv:2305.15408"),),
)
