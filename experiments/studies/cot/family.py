"""The studies of chains of thought share a paper, axes and scores, which are of decoded answers."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import PILOTS, Claim

TITLE = "Towards Revealing the Mystery behind Chain of Thought: A Theoretical Perspective"
ARXIV = "2305.15408"
PROBLEMS = {
    f"cot_{name}_{size}": f"{words} {size}"
    for name, words, sizes in (
        ("expressions", "expressions", (2, 3, 4, 5, 6)),
        ("equations", "equations", (3, 4, 5)),
        ("lis", "subsequence", (6, 20, 50, 80, 100)),
        ("edit", "edits", (2, 3, 12, 16, 20)),
    )
    for size in sizes
}
ANSWERS = {
    "trace": "step by step",
    "direct": "direct",
    "direct_4_layers": "direct, 4 layers",
    "direct_5_layers": "direct, 5 layers",
}
ANSWER = Axis("cot/answer", "answer", tried=("trace", "direct"), names=ANSWERS)
TRACE, DIRECT = ANSWER.at("trace"), ANSWER.at("direct")
UNSEEN = Score("unseen", "right answers to held-out prompts", "answer")
TRAIN = Score("train", "right answers to training prompts", "answer")
TABLE = Score("train_size_1", "right answers to single operations", "answer")
SMALLER = "Modulo 5 in place of 11, up to 3 operators in place of 6, the leftmost first, 2 layers of width 64"
DIFFERS = f"{SMALLER}, fresh examples; prompts are held out, where the original holds out whole traces."

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV, looked=PILOTS)
