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
    differs=(
        "Modulo 5 in place of 11, up to 2 operators in place of 6, 1 and 3 layers of width 64 in place of 3 to 5 of "
        "width 256, fresh examples; prompts are held out, where the original holds out whole traces."
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
