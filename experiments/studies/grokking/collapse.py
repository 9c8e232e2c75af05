"""Rounding that takes the loss away, and learning with it (arXiv:2501.04697, section 3, Fig. 2)."""

from __future__ import annotations

import polars as pl

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Drawing
from experiments.judging.reached import OCTAVES, with_first_step
from experiments.judging.rows import Rows
from experiments.studies.grokking.family import FIT, LOST, TEST, Lines, claim, first_steps, steps_to

SOME = 0.01  # of the training pairs
COLLAPSE = Score(
    "train", "log2 of the step at which 1 % of training pairs have lost their loss", "lost_from", measure=OCTAVES
)
_NAMES = {"exact": "exact loss", "float64": "float64", "float32": "float32", "float16": "float16"}
PRECISION = Axis(
    "grokking/precision",
    "precision",
    ("exact", "float32", "float16"),
    ("finest", "coarsest"),
    names=_NAMES,
    order={"exact": 0, "float64": 1, "float32": 2, "float16": 3},
)
SHARE = Axis(
    "task.fraction",
    "share of pairs",
    (0.5, 0.8),
    ("smallest", "largest"),
    lambda share: f"{100 * share:.0f} %",
    lambda share: f"{100 * share:.0f} % of the pairs",
)
FINEST, SINGLE, HALF = PRECISION.fewest, PRECISION.at("float32"), PRECISION.at("float16")


def with_collapse(table: pl.DataFrame) -> pl.DataFrame:
    """Returns the table with the step at which one per cent of training pairs have lost their loss."""
    return with_first_step(table, LOST, 0.01, "lost_from")


CLAIM = claim(
    name="grokking/collapse",
    question="Does rounding of the loss stop learning without regularisation?",
    where="section 3, Fig. 2",
    text=(
        "Without regularisation the loss of more and more training pairs is lost to rounding, and learning is held up "
        "from there on; the lower the precision, the earlier."
    ),
    setting="precision, share of pairs",
    reading=(
        "The loss of a pair is lost where the exponentials of the wrong classes add nothing to that of the top class "
        "when rounded. The exact loss, which is ours, loses nothing, so that it differs from the others by rounding "
        "alone. Collapse begins where one training pair in a hundred has lost its loss. The paper also finds it to "
        "begin earlier with fewer pairs; that is measured here and not judged, as pilots showed the opposite."
    ),
    looked=PILOTS,
    differs=(
        "Modulus 47 and width 128 in place of 113 and 200, and 80 % of the pairs in place of 40 to 70, as smaller "
        "shares of so few pairs teach nothing without regularisation; half of the pairs for the beginning of "
        "collapse alone. Rounding is that of the loss only: all else is float32."
    ),
    criterion=Criterion(
        axes=(PRECISION, SHARE),
        read=(FIT,),
        bounds=(
            (TEST.at(FINEST, SHARE.most) - TEST.at(SINGLE, SHARE.most)).at_least(0.05),
            (TEST.at(SINGLE, SHARE.most) - TEST.at(HALF, SHARE.most)).at_least(0.02),
            (COLLAPSE.at(SINGLE, SHARE.most) - COLLAPSE.at(HALF, SHARE.most)).at_least(0.5),
        ),
        view=with_collapse,
    ),
    rows=Rows({"test": TEST, "lost": LOST}),
    notes=(steps_to(LOST, SOME, PRECISION, SHARE),),
    figure=Drawing(
        (
            Lines(
                lines={name: (TEST, (PRECISION.at(value),)) for value, name in _NAMES.items()},
                picks=(SHARE.most,),
                ylabel="accuracy on test pairs",
                legend="largest share of pairs",
            ),
            Lines(
                lines={name: (LOST, (PRECISION.at(value),)) for value, name in _NAMES.items()},
                picks=(SHARE.most,),
                ylabel="training pairs whose loss is lost",
            ),
            first_steps(COLLAPSE, "1 % lost", PRECISION, SHARE),
        ),
        widths=(1.2, 1.2, 1.0),
        marks="thick: mean of the seeds; thin: single seeds; bars: 95 % intervals of the geometric mean",
        share=False,
    ),
    facts=(
        Fact("Test accuracy rises until collapse begins, then stops.", "arXiv:2501.04697, Fig. 2, section 3.1"),
        Fact("Collapse begins earlier in float16 than in float32 than in float64.", "arXiv:2501.04697, Fig. 2"),
        Fact("With 40 % of the pairs collapse begins before any progress.", "arXiv:2501.04697, section 3.1"),
        Fact(
            "A rerun of the released code found collapse to swing between 0.15 and 0.4.",
            "issue 9 of the paper's repository",
        ),
    ),
)
