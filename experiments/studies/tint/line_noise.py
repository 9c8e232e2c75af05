"""Lines of the trace that are deleted, inserted or swapped (arXiv:2402.04004)."""

from __future__ import annotations

from dataclasses import replace

from experiments.judging.claim import Fact
from experiments.judging.criterion import Criterion
from experiments.judging.grid import Grid
from experiments.studies.tint import kinds
from experiments.studies.tint.family import (
    ANSWER,
    CLEAN,
    KEPT,
    LEVEL,
    NOISE,
    NOISES,
    claim,
    kind,
    minus,
    read,
    readable,
    recovery,
    rows,
)

DELETION = NOISE.through("task.deletion", noun="deletion of lines", **LEVEL)
LINES = replace(
    NOISES,
    tried={"clean": {}, "deletion_25": {"task.deletion": 0.25}, "deletion_50": {"task.deletion": 0.5}},
)


def _each(grid: Grid) -> list[str]:
    """Returns a note on clean traces minus each noise."""
    some = readable(grid)
    clean = grid.where((CLEAN,), some)
    effects = {s: minus(grid, clean, [s]) for s in some if s not in clean} if clean else {}
    each = "; ".join(f"{grid.format_setting(setting)} {effect}" for setting, effect in effects.items())
    return [f"Clean minus noised: {each} (not judged)."] if each else []


CLAIM = claim(
    name="tint/line_noise",
    question="Do lines of a trace that are missing, doubled or swapped matter?",
    where="line noise",
    text="A model trained on traces with many lines deleted answers clean questions as well as one trained on all.",
    setting="noise",
    reading=(
        "Every training example is noised, and its answer is right. The level of deletion that counts is the one with "
        "the fewest right answers, though it be still learning: a milder one would flatter. Insertion and swap are "
        "ours."
    ),
    looked=(
        "Sizes and steps were chosen by looking at seeds 0 to 3 and 11 to 13, none of which is reported: after 1,200 "
        "steps, traces with half of their lines deleted were still being learnt. Nine lines in ten, where the authors' "
        "grid begins, were not tried."
    ),
    differs="From scratch; insertion and swap of lines are ours.",
    criterion=Criterion(
        axes=(LINES,),
        read=read(),
        bounds=((ANSWER.at(CLEAN) - ANSWER.at(DELETION.lowest(ANSWER))).at_most(0.1),),
        whole=True,
    ),
    rows=rows(lambda noise: "robust" if kind(*noise)[0] == "deletion" else ""),
    notes=(_each, recovery),
    figure=kinds.bars(KEPT),
    facts=(
        Fact("Static noise, of which line noise is a kind, is tolerated at all levels.", "the abstract"),
        Fact("The fine-tuning grid deletes nine lines in ten and more.", "the authors' code"),
    ),
)
