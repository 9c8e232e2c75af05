"""The studies of chains of thought share a paper, axes and scores, which are of decoded answers."""

from __future__ import annotations

import functools

from experiments.judging.axes import Axis, Score
from experiments.judging.claim import Claim

TITLE = "Towards Revealing the Mystery behind Chain of Thought: A Theoretical Perspective"
ARXIV = "2305.15408"
PROBLEMS = {
    f"cot_{name}_{size}": f"{words} {size}"
    for name, words, sizes in (
        ("expressions", "expressions", (2, 3, 4, 5, 6)),
        ("equations", "equations", (3, 4, 5)),
        ("lis", "subsequence", (50, 80, 100)),
        ("edit", "edit distance", (12, 16, 20)),
    )
    for size in sizes
}
PROBLEM = Axis(
    "task",
    "problem",
    tried=("cot_expressions_2", "cot_expressions_3"),
    names=PROBLEMS,
    order={name: place for place, name in enumerate(PROBLEMS)},
)
ANSWERS = {
    "trace": "chain of thought",
    "direct": "direct",
    "direct_3x_of_128": "direct, 3 times the examples",
    "direct_3x_of_512": "direct, 3 times the examples",
    "direct_4_layers": "direct, 4 layers",
    "direct_5_layers": "direct, 5 layers",
}
ANSWER = Axis("cot/answer", "answer", tried=("trace", "direct", "direct_3x_of_128"), names=ANSWERS)
TRACE, DIRECT = ANSWER.at("trace"), ANSWER.at("direct")
MORE = ANSWER.at("direct_3x_of_128", "direct_3x_of_512")
UNSEEN = Score("unseen", "right answers to held-out prompts", "answer")
TRAIN = Score("train", "right answers to training prompts", "answer")
TABLE = Score("train_size_1", "right answers to single operations of training", "answer")
DIFFERS = (
    "Modulo 7 in place of 11, up to 3 operators in place of 6, 2 layers of width 64, fresh examples; prompts are held "
    "out, where the original holds out whole traces."
)

claim = functools.partial(Claim, title=TITLE, arxiv=ARXIV)
