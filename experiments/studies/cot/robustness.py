"""Traces with wrong numbers, or without a line (arXiv:2305.15408), as TInt has them (arXiv:2402.04004)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.cot.family import DIFFERS, UNSEEN, claim

_NAMES = {"clean": "clean traces", "wrong_30": "30 % with a wrong number", "skipped_30": "30 % without a line"}
TRACES = Axis("cot/traces", "traces", tried=("clean", "wrong_30", "skipped_30"), names=_NAMES)
CLEAN = TRACES.at("clean")

CLAIM = claim(
    name="cot/robustness",
    question="Is a chain of thought learnt from traces of which three in ten are faulty?",
    where="recalled from an appendix, not checked",
    text=(
        "Trained on traces of which 30 % have a wrong number, or of which 30 % lack a line, a model answers nearly as "
        "often right."
    ),
    setting="traces",
    reading=(
        "A wrong number stays alone: the lines after it are right, as with static noise in TInt (arXiv:2402.04004). A "
        "line is missing as with its line noise. Tests have right traces."
    ),
    looked=(
        "Sizes were chosen by looking at seeds 0 to 4 and 21 to 26, none of which is among those reported. A first "
        "record (commit e83e078), on seeds 21 to 26, decided nothing: losses of 0.109 with wrong numbers and 0.198 "
        "without a line (at most 0.1 is asked) rested on seeds in two camps, as training was too short for some seeds "
        "with clean traces as well. It is longer now, with the paper's positions. The criterion is the same."
    ),
    differs=DIFFERS,
    criterion=Criterion(
        axes=(TRACES,),
        read=(Fitted(UNSEEN, instead=(CLEAN,)),),
        bounds=(
            (UNSEEN.at(CLEAN) - UNSEEN.at(TRACES.at("wrong_30"))).at_most(0.1),
            (UNSEEN.at(CLEAN) - UNSEEN.at(TRACES.at("skipped_30"))).at_most(0.1),
        ),
    ),
    rows=Rows({"right": UNSEEN}),
    figure=Drawing((Bars(scores={"right answers": UNSEEN}, xlabel="right answers"),)),
    facts=(Fact("Accuracies with faulty traces could not be obtained.", "our notes on arXiv:2305.15408"),),
)
