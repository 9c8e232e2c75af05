"""The studies of composition share a paper, scores and the rule of reading."""

from __future__ import annotations

import functools

from experiments.judging.axes import Score
from experiments.judging.claim import PILOTS, Claim
from experiments.judging.reading import Fitted

TITLE = "Data Factors for Better Compositional Generalization"
ARXIV = "2311.04420"
TRAIN = Score("train", "exact match on training's commands")
FRESH = Score("fresh", "exact match on fresh commands of other words")
COMPOSED = Score("composed", "exact match on commands that compose the held-out word")
COMPOSED_ANY = Score("composed", "exact match on commands that compose a held-out word")
FIT = Fitted(TRAIN)
DIFFERS = (
    "A small grammar, and a decoder alone where the original has an encoder as well; the last step is scored, where "
    "the original's is chosen on a tenth of the test."
)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV, looked=PILOTS)
