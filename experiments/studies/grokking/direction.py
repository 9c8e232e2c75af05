"""The gradient turns along the weights once training is fitted (arXiv:2501.04697, section 4.2, Fig. 5)."""

from __future__ import annotations

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing
from experiments.judging.measures import Measure
from experiments.judging.reading import Fitted
from experiments.judging.rows import Rows
from experiments.studies.grokking.family import TRAIN, Lines, claim

STEPS = Axis("train.steps", "steps", (50, 1000))
COSINE = Measure(low=-1.0, lost=-1.0)
ALIGNED = Score("train", "cosine of a step downhill and the last layer's weights", "alignment_layers_2", measure=COSINE)
_LAYERS = {
    "first layer": Score("train", "cosine in the first layer", "alignment_layers_0", measure=COSINE),
    "second layer": Score("train", "cosine in the second layer", "alignment_layers_1", measure=COSINE),
    "last layer": ALIGNED,
}

CLAIM = claim(
    name="grokking/direction",
    question="Does the gradient turn along the weights once training is fitted?",
    where="section 4.2, Fig. 5",
    text=(
        "From when all training pairs are right, a step downhill in the last layer turns along its weights, so that it "
        "does little but make them longer."
    ),
    setting="steps",
    reading=(
        "The cosine is that of the weights and minus the gradient of the loss on the whole training set, without "
        "regularisation and with a loss that loses nothing to rounding. The fewest steps are about those in which "
        "training is fitted. In the first steps of all the cosine is high too, as the figure shows."
    ),
    looked=PILOTS,
    differs="Modulus 47 and width 128 in place of 113 and 200; half of the pairs in place of 40 %.",
    criterion=Criterion(
        axes=(STEPS,),
        read=(Fitted(TRAIN, 0.99),),
        bounds=(
            (ALIGNED.at(STEPS.most) - ALIGNED.at(STEPS.fewest)).at_least(0.2),
            ALIGNED.at(STEPS.most).at_least(0.8),
        ),
        apart=STEPS,
    ),
    rows=Rows({"last layer": ALIGNED, "first layer": _LAYERS["first layer"]}),
    figure=Drawing(
        (
            Lines(
                lines={name: (score, (STEPS.most,)) for name, score in _LAYERS.items()},
                ylabel="cosine of a step downhill and the weights",
                legend="",
                corner="lower right",
            ),
            Lines(lines={"training pairs": (TRAIN, (STEPS.most,))}, ylabel="accuracy on training pairs"),
        ),
        widths=(1.4, 1.0),
        marks="thick: mean of the seeds; thin: single seeds",
        share=False,
    ),
    facts=(
        Fact(
            "Once training accuracy is 100 %, the cosine of update and weights rises, up to 0.9 in the last layer.",
            "arXiv:2501.04697, Fig. 5",
        ),
    ),
)
