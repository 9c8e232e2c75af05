"""A pointer against a softmax over places (arXiv:1506.03134, Table 1)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import ByLength, Drawing
from experiments.judging.rows import Rows
from experiments.studies.pointer.family import AT_MOST, BY_POINTS, FIT, POINTS, WITHIN, claim

READ_OUT = Axis(
    "model.read_out", "read-out", ("linear", "pointer"), names={"linear": "softmax over places", "pointer": "pointer"}
)
SOFTMAX, POINTER = READ_OUT.at("linear"), READ_OUT.at("pointer")

CLAIM = claim(
    name="pointer/heads",
    question="Does a read-out that points at its inputs find convex hulls better than a softmax over places?",
    where="Table 1, section 4.2",
    text=(
        "Trained for as many steps on the same body, a pointer finds more convex hulls than a softmax over places, of "
        "as many points as in training."
    ),
    setting="read-out",
    reading=(
        "A hull is found if the decoded answer is the right polygon, from any vertex and in either direction. Both "
        "models know the place of each point, without which a softmax could name none."
    ),
    looked="",
    differs="",
    criterion=Criterion(
        axes=(POINTS, READ_OUT),
        read=(replace(FIT, exempt=(SOFTMAX,)),),
        bounds=((WITHIN.at(POINTER) - WITHIN.at(SOFTMAX)).at_least(0.1),),
    ),
    rows=Rows(
        {"within": WITHIN, "hulls of {}": AT_MOST},
        paper={(POINTER,): "0.73", (SOFTMAX,): "0.39; 0.02 without attention"},
    ),
    figure=Drawing(
        (
            ByLength(
                scores={"": BY_POINTS},
                by=READ_OUT,
                trained=POINTS,
                xlabel="points",
                ylabel="hulls found",
            ),
        ),
        legend="read-out",
    ),
    facts=(
        Fact(
            "Of 50 points a pointer finds 72.6 % of the hulls, a softmax over places 38.9 % with attention and 1.9 % "
            "without.",
            "arXiv:1506.03134, Table 1, as quoted by others",
        ),
    ),
)
