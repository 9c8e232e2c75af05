"""The sizes at which training is measured, and the floating-point operations of their models.

A model of depth L and width D on sequences of T tokens with V classes takes 6 (12 L D^2 + V D) + 12 L T D operations
per token of training: two for each weight of a product forward and four backward, and the two products of attention
with all positions, not only those before. Chowdhery et al. 2022, "PaLM", appendix B. Embedding, norms, optimiser and
generation of examples are not counted, so utilisation is that of the model alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.engine.rules import AdamW
from models.transformer import TransformerConfig
from synthetic.markov import Markov

OPTIMIZER = AdamW(lr=1e-3, weight_decay=0.1, b2=0.98, clip=1.0)


@dataclass(frozen=True)
class Size:
    """A model, its examples and the number of them in a batch."""

    depth: int
    width: int
    heads: int
    batch: int
    task: Markov

    @property
    def name(self) -> str:
        """Formats depth and width."""
        return f"{self.depth} x {self.width}"

    @property
    def tokens(self) -> int:
        """Tokens of a training step."""
        return self.batch * self.task.spec.length

    @property
    def flops(self) -> float:
        """Returns the floating-point operations per token of training."""
        spec = self.task.spec
        products = 12 * self.depth * self.width**2 + spec.outputs * self.width
        return 6 * products + 12 * self.depth * spec.length * self.width

    def model(self, precision: str = "bfloat16") -> TransformerConfig:
        """Returns the model in this precision."""
        return TransformerConfig(
            width=self.width, depth=self.depth, heads=self.heads, activation="gelu", precision=precision
        )


def _task(input_length: int, pattern: int) -> Markov:
    return Markov(alphabet=16, input_length=input_length, search_length=pattern, replace_length=pattern)


# Sequences of 20, 50 and 128 tokens: those of markov/threshold on a CPU and on a GPU, and longer ones.
SMALL = Size(2, 64, 4, 128, _task(8, 2))
MIDDLE = Size(6, 256, 4, 256, _task(20, 5))
LARGE = Size(12, 512, 8, 128, _task(60, 4))
TOY = Size(1, 16, 2, 16, _task(4, 1))
