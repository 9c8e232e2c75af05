"""The settings of training that are one run's, whatever its task, model and optimiser: the section `train`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from experiments.engine.losses import LOSSES
from fields import knob, pytree, static


@pytree
class Training:
    """Settings of training: its length, its breadth, and the measurements on the way."""

    steps: int = knob(
        1000, low=1, high=2**31 - 1, unit="steps", doc="optimiser steps; a run ends by steps, never by seconds"
    )
    batch_size: int = static(128, low=1, high=10**6, unit="examples", doc="examples a step")
    eval_every: int = static(
        500, low=1, high=2**31 - 1, unit="steps", doc="steps between evaluations; the last step is always evaluated"
    )
    eval_examples: int = static(512, low=1, high=10**7, unit="examples", doc="examples scored per condition")
    decoding: str = static(
        "none",
        choices=("none", "greedy", "sampled", "both"),
        doc="also score answers decoded from the prompt, with a KV cache; both: sampled ones beside, as sampled_answer",
    )
    eval_spacing: str = static(
        "even",
        choices=("even", "log"),
        silent=True,
        doc="log: evaluations ten to each tenfold of steps, the first after eval_every",
    )
    eval_start: bool = static(False, silent=True, doc="also evaluate before the first step")
    monitor: bool = static(
        False,
        silent=True,
        doc="also record norms of gradients and parameters and their alignment, the largest attention logit, lost sums",
    )
    objective: str = static("exact_match", doc="the measure that sweepers are given and the display shows")
    microbatch: int = static(
        0,
        low=0,
        unit="examples",
        doc="examples a pass of a step, on each device; 0 is all at once, or as many as memory holds",
    )
    loss: str = static(
        "auto",
        choices=("auto", *LOSSES),
        silent=True,
        doc="auto: the task's own objective, or the first that its head allows; squared is a mean over the outputs",
    )
    label_smoothing: float | None = knob(
        None, low=0.0, high=1.0, silent=True, doc="share of a target that is spread evenly over all classes"
    )
    z_loss: float | None = knob(
        None, low=0.0, high=1e3, silent=True, doc="weight of the squared log of the softmax's normaliser"
    )
    absorb: float | None = knob(
        None,
        low=0.0,
        high=1.0,
        silent=True,
        doc="sum of the other classes over the top one that softmax loses: 2^-24 as float32, 2^-11 as float16, 0 none; "
        "null is float32 as computed, in which large logits lose more",
    )
    order: str = static(
        "drawn",
        choices=("drawn", "epochs", "whole"),
        silent=True,
        doc="drawn: any examples at each step; epochs: all of a finite set in each pass, whose last batch may be "
        "short; whole: all of it at each step, in one order, which costs less than to shuffle it",
    )
    mean_over: str = static(
        "positions",
        choices=("positions", "mistakes"),
        silent=True,
        doc="mistakes: the loss and its gradient are divided by the sum of the probabilities of wrong answers (for the "
        "perceptron, by the number of mistakes), not by the number of positions",
    )
    eval_items: bool = static(
        False,
        silent=True,
        doc="conditions of the split train are scored on the first eval_examples items of a finite set, not on drawn "
        "ones; on all of them, if there are as many",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields what cannot be trained, as (key, one line)."""
        if self.microbatch and self.batch_size % self.microbatch:
            yield "microbatch", f"must divide train.batch_size = {self.batch_size}, got {self.microbatch}"

    def next_evaluation(self, step: int) -> int:
        """Returns the first step after `step` (-1: from the start) at which to evaluate, were the run without end."""
        if step < 0 and self.eval_start:
            return 0
        step = max(step, 0)
        if self.eval_spacing == "even":
            return (step // self.eval_every + 1) * self.eval_every
        place = max(int(10 * math.log10(max(step / self.eval_every, 1))) - 1, 0)
        steps = (round(self.eval_every * 10 ** (n / 10)) for n in itertools.count(place))
        return next(at for at in steps if at > step)

    def evaluations(self, until: int) -> Iterator[int]:
        """Yields the steps up to `until` at which to evaluate, without the last step's evaluation."""
        step = self.next_evaluation(-1)
        while step <= until:
            yield step
            step = self.next_evaluation(step)
