"""A pointer on more points than in training (arXiv:1506.03134, Table 1)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import SIZES, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import ByLength, Drawing
from experiments.judging.rows import Rows
from experiments.studies.pointer.family import AT_MOST, BY_POINTS, FIT, POINTS, at, claim

POSITION = Axis("model.position", "positions", ("none", "learned"), names={"none": "none", "learned": "learned"})
SET = POSITION.at("none").named("a set of points")
PLACED = POSITION.at("learned").named("points with learned positions")
TWICE = at(2)
COVERED = at(2, "covered", "area covered by simple polygons")
SIMPLE = at(2, "simple", "simple polygons")

CLAIM = claim(
    name="pointer/longer",
    question="Does a pointer find the hulls of more points than it was trained on?",
    where="Table 1, section 4.2",
    text=(
        "On twice as many points as in training a pointer finds fewer of the exact hulls, though some, and its answers "
        "still cover nearly all of their area."
    ),
    setting="positions",
    reading=(
        "A hull is found if the decoded answer is the right polygon, from any vertex and in either direction. The area "
        "is a mean over the answers that are simple polygons, whose share is bounded too."
    ),
    looked=SIZES,
    scatter=0.02,
    differs=(
        "Attention that reads points as a set, in place of LSTMs; fewer points; a hull begins at its leftmost vertex, "
        "and is decoded greedily. The share of simple polygons is bounded, where the original leaves out a model "
        "that says too few."
    ),
    criterion=Criterion(
        axes=(POINTS, POSITION),
        read=(replace(FIT, exempt=(PLACED,)),),
        bounds=(
            (AT_MOST.at(SET) - TWICE.at(SET)).at_least(0.1),
            TWICE.at(SET).at_least(0.3),
            COVERED.at(SET).at_least(0.95),
            SIMPLE.at(SET).at_least(0.9),
        ),
        whole=True,
    ),
    rows=Rows(
        {"hulls of {}": AT_MOST, "of {}": TWICE},
        paper={(SET,): "0.70, 0.50"},
    ),
    figure=Drawing(
        (
            ByLength(
                scores={
                    "hulls found": BY_POINTS,
                    "area covered": Score("points_{}", "area covered", "covered"),
                    "simple polygons": Score("points_{}", "simple polygons", "simple"),
                },
                trained=POINTS,
                picks=(SET,),
                title="points as a set",
                xlabel="points",
                ylabel="share",
                legend="",
            ),
            ByLength(
                scores={"": BY_POINTS},
                by=POSITION,
                trained=POINTS,
                title="with learned positions and without",
                xlabel="points",
                ylabel="hulls found",
                legend="positions",
            ),
        ),
    ),
    facts=(
        Fact(
            "Trained on 5 to 50 points, it finds 69.6 % of the hulls of 50 points, 50.3 % of 100, 22.1 % of 200 and "
            "1.3 % of 500; the area covered is 99.9 %, of 500 points 99.2 %.",
            "arXiv:1506.03134, Table 1, as quoted by others",
        ),
    ),
)
