"""Means to fit a run into a device's memory: passes of fewer examples, and blocks made again for their gradients.

The compiler's count says whether a lane fits. Where it does not, a formula for what the gradient keeps says which means
are worth compiling; it is also what a plan can be checked against, for a CPU's compiler counts otherwise than a GPU's
(it keeps copies in other layouts, and knows no fused attention).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
from flax import nnx

from experiments.engine.lane import Run
from experiments.engine.share import part
from fields import replace
from models import implementations

# Fewer positions a pass leave an accelerator idle; blocks made again cost a third more time.
POSITIONS_A_PASS = 2**14


def like(run: Run, other: Run) -> Run:
    """Returns the run, fitted into memory by the means of another."""
    train = replace(run.train, microbatch=other.train.microbatch)
    return replace(run, train=train, model=other.model)


def means(run: Run) -> dict[str, Any]:
    """Returns what a record says of the means: examples a pass (0 is all) and whether blocks are made again."""
    return {"microbatch": run.train.microbatch, "remat": getattr(run.model, "remat", False)}


def words(run: Run, parts: int) -> str:
    """Returns the means in words, to follow a plan; nothing where there are none."""
    size, phrases = run.train.batch_size // parts, []
    if parts > 1:
        phrases.append(f"batches of {run.train.batch_size} over {parts} devices")
    if run.train.microbatch and part(size, run.train.microbatch) < size:
        phrases.append(f"{part(size, run.train.microbatch)} of {size} examples a pass")
    if getattr(run.model, "remat", False):
        phrases.append("blocks made again for their gradients")
    return "".join(f", {one}" for one in phrases)


def lighter(run: Run, needed: int, available: int, parts: int = 1) -> Iterator[Run]:
    """Yields the run with ever stronger means, from the weakest that may fit to the strongest; none where it fits.

    `needed` is the compiler's count for the run as it is, on a device that has one of `parts` shares of each batch, and
    `available` the bytes that it has. First come fewer examples a pass, as long as a pass keeps a device busy, then
    blocks made again, then both.
    """
    if needed <= available:
        return
    fixed = min(state_bytes(run), needed)
    scale = (needed - fixed) / max(gradient_bytes(run, parts), 1)
    choices = list(_choices(run, parts))
    for i, choice in enumerate(choices):
        if fixed + scale * gradient_bytes(choice, parts) <= available or i == len(choices) - 1:
            yield choice


def _choices(run: Run, parts: int) -> Iterator[Run]:
    size, length = run.train.batch_size // parts, run.task.spec.length
    sizes = [n for n in range(size, 0, -1) if size % n == 0]
    whole = part(size, run.train.microbatch)
    own = getattr(run.model, "remat", None)  # not every architecture has it
    again = [False, True] if own is False else [own]
    pairs = [(n, remat) for remat in again for n in sizes if n <= whole]
    busy = [(n, remat) for n, remat in pairs if n * length >= POSITIONS_A_PASS]
    # Where even the last choice is to be the strongest, passes of one example come after all that keep a device busy.
    for n, remat in [*busy, *(pair for pair in pairs if pair not in busy and pair[1] == again[-1])]:
        if (n, remat) != (whole, again[0]):
            model = run.model if remat is None else replace(run.model, remat=remat)
            yield replace(run, model=model, train=replace(run.train, microbatch=n))


def state_bytes(run: Run) -> int:
    """Returns the bytes of parameters, gradient and the optimiser's two means, in float32."""
    shapes = nnx.eval_shape(lambda: run.build(jax.random.key(0)))
    return 4 * 4 * sum(leaf.size for leaf in jax.tree.leaves(nnx.state(shapes)))


def gradient_bytes(run: Run, parts: int = 1) -> int:
    """Returns the bytes that a pass keeps for its gradient, by formula: a transformer's, with attention in its blocks.

    A block keeps ten rows of the width for every position (normalised ones, queries, keys, values, sums ...) and four
    of the MLP's hidden layer (two for its nonlinearity's gradient), in float32; attention that is not fused or chunked
    keeps a weight for each position and head too. Made again, a block keeps its input alone, and one block's share is
    held at a time.

    For other architectures it only compares shares of a batch, to which all that they keep is in proportion.
    """
    model: Any = run.model
    spec = run.task.spec
    width, depth, ratio = (getattr(model, name, 1) for name in ("width", "depth", "mlp_ratio"))
    heads, length = getattr(model, "heads", 1), spec.length
    numerics = {name: getattr(model, name, "") for name in ("position", "precision")}
    plain = getattr(model, "mixer", "") == "attention" and implementations.choose(time=length, **numerics) == "plain"
    block = 4 * ((10 + 4 * ratio) * width + heads * length * plain)
    kept = depth * 4 * width + block if getattr(model, "remat", False) else depth * block
    size = part(run.train.batch_size // parts, run.train.microbatch)
    return size * length * (kept + 3 * 4 * spec.outputs)
