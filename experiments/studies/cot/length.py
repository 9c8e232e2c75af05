"""Expressions of more operators than in training (arXiv:2305.15408)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Number, Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.cot.family import DIFFERS, UNSEEN, claim

TRAINED = Axis("task.train_operators", "operators", (3,), ("fewest", "most"), single=True)
_NAMES = {"alibi": "linear biases", "sinusoidal": "sinusoidal"}
POSITION = Axis("model.position", "positions", tried=("alibi", "sinusoidal"), names=_NAMES)
LONGER = Score("size_{}", "right answers at {}", "answer", number=Number(TRAINED, plus=1, said="{:,} operators"))

CLAIM = claim(
    name="cot/length",
    question="Does a chain of thought reach expressions longer than those in training?",
    where="the experiments on length",
    text="Step by step, half of the expressions of one operator more than in training are solved.",
    setting="positions",
    reading="Linear biases stand for positions, as in the original; on a GPU sinusoidal ones stand beside them.",
    differs=DIFFERS,
    criterion=Criterion(
        axes=(TRAINED, POSITION),
        read=(Fitted(UNSEEN),),
        bounds=(LONGER.at(POSITION.at("alibi")).at_least(0.5),),
        whole=True,
    ),
    rows=Rows({"{} operators": LONGER, "trained": UNSEEN}),
    figure=Drawing(
        (Bars(scores={"{} operators": LONGER, "most in training": UNSEEN}, xlabel="right answers", legend=""),)
    ),
    facts=(Fact("Trained on up to 15 operators, tested on 16, 17 and 18.", "the authors' code; accuracies not found"),),
)
