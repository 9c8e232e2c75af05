"""Transformers learn in context where recurrent networks of the same data do not (arXiv:2205.05055, Fig. 7)."""

from __future__ import annotations

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Bars, Drawing
from experiments.judging.rows import Rows
from experiments.studies.icl.data_dependence import NAMES
from experiments.studies.icl.family import DATA, NEW, WEIGHTS

KIND = Axis("icl/data", "data", ("weights", "context"), names=NAMES, order={name: i for i, name in enumerate(NAMES)})
_LAYERS = {"attention": "attention", "lstm": "LSTM", "gru": "GRU", "s4d": "S4D", "mamba": "Mamba"}
MIXER = Axis(
    "icl/layer",
    "layer",
    ("attention", "lstm", "gru"),
    names=_LAYERS,
    order={name: i for i, name in enumerate(_LAYERS)},
)
BY_HEART, IN_CONTEXT, ATTENTION = KIND.at("weights"), KIND.at("context"), MIXER.at("attention")
RECURRENT = MIXER.at("lstm"), MIXER.at("gru")


def _place(data: str, layer: str) -> tuple[int, int]:
    """Returns the place of a setting in the table and the figure."""
    return KIND.rank(data), MIXER.rank(layer)


CLAIM = DATA(
    name="icl/architectures",
    question="Do recurrent networks and state spaces learn in context, too?",
    where="Fig. 7 and 8",
    text=(
        "Within the same steps a transformer learns in context on data on which recurrent networks do not, though they "
        "learn by heart what can be learnt so."
    ),
    setting="data, layer",
    reading=(
        "The rivals were trained if each has learnt the classes of the other data by heart, which is asked, too. "
        "Widths make up for the weights of the layers: at cpu scale all networks have the same number within 10 %."
    ),
    differs=(
        "Two layers without MLPs, normal classes, one rate of learning for all; S4D and Mamba, which are shown and not "
        "judged."
    ),
    criterion=Criterion(
        axes=(KIND, MIXER),
        bounds=(
            *((NEW.at(IN_CONTEXT, ATTENTION) - NEW.at(IN_CONTEXT, layer)).at_least(0.2) for layer in RECURRENT),
            *(WEIGHTS.at(BY_HEART, layer).at_least(0.8) for layer in (ATTENTION, *RECURRENT)),
        ),
    ),
    rows=Rows({"new": NEW, "weights": WEIGHTS}, order=_place),
    figure=Drawing(
        (
            Bars(
                scores={"": NEW},
                name="{1}",
                order=_place,
                picks=(IN_CONTEXT,),
                title="in context",
                xlabel="accuracy",
            ),
            Bars(
                scores={"": WEIGHTS},
                name="{1}",
                order=_place,
                named=False,
                picks=(BY_HEART,),
                title="in weights",
                xlabel="accuracy",
            ),
        ),
        share=False,
    ),
    facts=(Fact("LSTM and RNN of the same size never leave chance in context.", "a summary of Fig. 7"),),
)
