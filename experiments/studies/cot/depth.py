"""Direct answers by more layers (arXiv:2305.15408)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.cot.family import TABLE, UNSEEN, claim

DEPTH = Axis("model.depth", "layers", tried=(1, 3))

CLAIM = claim(
    name="cot/depth",
    question="Do direct answers get better with more layers?",
    where="the main figure",
    text="The more layers a model has, the more expressions it solves at once.",
    setting="layers",
    reading="Read where single operations, which one layer can hold as a table, are learnt.",
    looked=(
        "Sizes were chosen by looking at seeds 0 to 2 and 21 to 32, none of which is among those reported. A first "
        "record, on seeds 21 to 32 (commit 2f43b54), had a difference of 0.120 [0.034, 0.205] where at least 0.1 is "
        "asked, and decided nothing: three layers were right on 0.99 of training's prompts, which they had learnt by "
        "heart, and on 0.55 to 0.87 of the held-out ones. Ten times the weight decay and twice the steps were then "
        "chosen on seeds 1 and 2. The criterion is the same."
    ),
    differs=(
        "Modulo 5 in place of 11, up to 2 operators in place of 6, 1 and 3 layers of width 64 in place of 3 to 5 of "
        "width 256, fresh examples of few expressions, and a weight decay of 1 in place of 0.01; prompts are held "
        "out, where the original holds out whole traces."
    ),
    criterion=Criterion(
        axes=(DEPTH,),
        read=(Fitted(TABLE),),
        bounds=((UNSEEN.at(DEPTH.most) - UNSEEN.at(DEPTH.fewest)).at_least(0.1),),
    ),
    rows=Rows({"right": UNSEEN, "operations": TABLE}),
    figure=Drawing(
        (
            Curves(
                x=DEPTH, scores={"largest": UNSEEN, "one operation": TABLE}, xlabel="layers", ylabel="right", legend=""
            ),
        )
    ),
    facts=(Fact("Direct, 4 operators: .729, .914 and .968 with 3, 4 and 5 layers.", "the logs of the authors' code"),),
)
