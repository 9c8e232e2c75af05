"""Encrypted rewriting (arXiv:2402.10891, section 5; arXiv:2405.19787)."""

from __future__ import annotations

from experiments.judging.axes import Score
from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.drawing import Curves, Drawing
from experiments.judging.rows import Rows
from experiments.studies.markov.family import FIT, RULES, claim

APPLIED = Score("unseen/applied", "exact match on unseen rules that apply")
NOOP = Score("unseen/noop", "exact match on no-op inputs of unseen rules")
FEW, MANY = RULES.fewest, RULES.most

CLAIM = claim(
    name="markov/encrypted",
    question="Is it the same where the result must also be enciphered?",
    title="Instruction Diversity Drives Generalization To Unseen Tasks",
    arxiv="2402.10891",
    where="section 5",
    text=(
        "Where what is put in must also be enciphered, a model trained on few rules solves only the inputs that are to "
        "be copied; trained on more rules it also replaces and enciphers by rules that it has not seen."
    ),
    setting="rules",
    reading="The bounds say that unseen rules are applied and enciphered; that few rules solve only no-op inputs; and "
    "that many rules still solve those.",
    looked=(
        "Sizes were chosen by looking at seeds below 20. Seeds 21 to 26 were reported first (commit 8ed2929): with "
        "learned positions training on 1,000 rules was right on 0.889, where 0.9 is asked, and nothing was read. "
        "The criterion is the same; positions are sinusoidal now, which were tried on seed 11 alone. None of these "
        "seeds is reported."
    ),
    differs=(
        "The original tunes a pretrained model of billions of parameters and does not state its cipher. Ours "
        "shifts the letters of what is put in by a key in the prompt, and the model starts from scratch."
    ),
    criterion=Criterion(
        axes=(RULES,),
        read=(FIT,),
        bounds=(
            (APPLIED.at(MANY) - APPLIED.at(FEW)).at_least(0.3),
            (NOOP.at(FEW) - APPLIED.at(FEW)).at_least(0.5),
            (NOOP.at(MANY) - NOOP.at(FEW)).at_least(-0.25),
        ),
    ),
    rows=Rows({"applied": APPLIED, "no-op": NOOP}, paper={(FEW,): "no-op only", (MANY,): "both"}),
    figure=Drawing(
        tuple(
            Curves(
                x=RULES,
                scores={
                    "applied and\nenciphered": Score(f"{rules}/applied"),
                    "no-op": Score(f"{rules}/noop"),
                },
                xlabel="number of rules",
                title=f"{rules} rules",
            )
            for rules in ("unseen", "seen")
        ),
        legend="inputs",
        ylabel="exact match",
    ),
    facts=(
        Fact("Few rules: only no-op cases are solved. More rules: both.", "notes on arXiv:2405.19787"),
        Fact("40,000 training sequences, 5,000 for testing, 40 % of them no-op.", "arXiv:2402.10891, section 5"),
        Fact(
            "The model is Llama-2-7B, fine-tuned by LoRA; ours is trained from scratch.", "arXiv:2402.10891, section 5"
        ),
        Fact("Cipher, rule counts and accuracies could not be found; the cipher is ours.", "none"),
    ),
)
