"""Norms and other numbers that say what a run's weights and logits are doing: `train.monitor=true`.

They are measured at each evaluation on one batch of fresh training examples (with `train.order=epochs`: the first batch
of a pass, so the whole set if a batch holds it), and stand in every row of it:

- gradient_norm, parameter_norm: of all trained parameters, and of each part: gradient_norm_embedding,
  gradient_norm_blocks_0, gradient_norm_read_out ... as the model's parameters are named;
- alignment, and alignment_embedding ... of the parts: the cosine of the weights and the gradient downhill, which is 1
  where a step would only make the weights longer;
- attention_logit: the largest logit of attention, of a model that has any;
- log_z: the mean over answers of the log of the softmax's normaliser (of StableMax's, if that is the loss);
- absorbed: the share of answers in which the softmax's sum of the other classes is lost beside the top one, at the
  threshold `train.absorb`, by default float32's. Prieto et al. 2025, "Grokking at the edge of numerical stability",
  section 3: such an answer gives the top class no gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from experiments.engine.losses import absorbed, stable
from experiments.engine.share import Share, part
from models.taps import capturing
from models.variables import Frozen
from synthetic.heads import Head
from synthetic.measures import Measure
from synthetic.task import Example

if TYPE_CHECKING:
    from experiments.engine.training import Training

FLOAT32 = 2.0**-24  # half of the distance from 1 to the next number: up to here 1 + x is 1
_UNBOUNDED = ("attention_logit", "log_z")


def monitor(
    model: Any, params: Any, grads: Any, batch: Example, head: Head, train: Training, share: Share
) -> dict[str, jax.Array]:
    """Returns the numbers by name. batch: this device's share of a training batch; grads: that of the whole batch."""
    size, absorb = batch.weights.shape[0], FLOAT32 if train.absorb is None else train.absorb
    at_once = part(size, train.microbatch)

    def look(some: Example) -> dict[str, jax.Array]:
        with capturing("*.logits", strict=False) as seen:
            outputs = model(some.inputs)
        numbers = {"attention_logit": jnp.stack([logits.max() for logits in seen.values()]).max()} if seen else {}
        if head.discrete:
            logits = stable(outputs) if train.loss == "stablemax" else outputs
            log_z, lost = jax.nn.logsumexp(logits, -1), absorbed(logits, absorb)
            numbers |= {"log_z": (log_z * some.weights).sum(), "absorbed": (lost * some.weights).sum()}
        return numbers

    slices = jax.tree.map(lambda x: x.reshape(size // at_once, at_once, *x.shape[1:]), batch)
    looked = share.gather(jax.lax.map(look, slices))
    answers = share.total(batch.weights.sum())
    means = {name: looked[name].sum() / answers for name in ("log_z", "absorbed") if name in looked}
    most = {"attention_logit": looked["attention_logit"].max()} if "attention_logit" in looked else {}
    norms = _norms("gradient_norm", grads) | _norms("parameter_norm", params)
    return norms | _alignments(params, grads) | most | means


def _parts(tree: Any) -> dict[str, list[jax.Array]]:
    """Returns the trained leaves of a model's tree by the part that they are of."""
    parts: dict[str, list[jax.Array]] = {}
    variables = jax.tree.leaves_with_path(tree, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable))
    for path, variable in variables:
        if not isinstance(variable, Frozen):
            first, *rest = jax.tree_util.keystr(path, simple=True, separator=".").split(".")
            of_list = rest[:1] if rest and rest[0].isdigit() else []
            parts.setdefault("_".join((first, *of_list)), []).append(variable[...])
    return parts


def _norms(name: str, tree: Any) -> dict[str, jax.Array]:
    """Returns the norm of the trained leaves of a model's tree, and that of each part's."""
    norms = {
        f"{name}_{part}": jnp.sqrt(jnp.stack([jnp.square(leaf).sum() for leaf in leaves]).sum())
        for part, leaves in _parts(tree).items()
    }
    whole = jnp.sqrt(jnp.stack([jnp.square(norm) for norm in norms.values()]).sum())
    return {name: whole} | norms


def _alignments(params: Any, grads: Any) -> dict[str, jax.Array]:
    """Returns the cosine of the weights and minus the gradient, of all trained leaves and of each part's."""
    weights, slopes = _parts(params), _parts(grads)
    every = [[leaf for leaves in parts.values() for leaf in leaves] for parts in (weights, slopes)]
    by_part = {f"alignment_{part}": _cosine(leaves, slopes[part]) for part, leaves in weights.items()}
    return {"alignment": _cosine(*every)} | by_part


def _cosine(weights: list[jax.Array], slopes: list[jax.Array]) -> jax.Array:
    """Returns the cosine of weights and minus their gradient; 0 where one of the two is 0."""
    peak = jnp.maximum(jnp.stack([jnp.abs(slope).max() for slope in slopes]).max(), 1e-37)
    down = [-slope / peak for slope in slopes]  # so that squares of small gradients do not underflow
    along = jnp.stack([(a * b).sum() for a, b in zip(weights, down, strict=True)]).sum()
    lengths = optax.tree.norm(weights) * optax.tree.norm(down)
    return jnp.clip(along / jnp.maximum(lengths, 1e-30), -1.0, 1.0)


def declarations(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Returns what a record says of those of the named scores that are the monitor's, by name."""
    return {name: _declare(name).declaration() for name in names if _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name in (*_UNBOUNDED, "absorbed") or name.startswith(("gradient_norm", "parameter_norm", "alignment"))


def _declare(name: str) -> Measure:
    if name in _UNBOUNDED:
        return Measure(name, low=None, high=None, better="lower")
    if name.startswith("alignment"):
        return Measure(name, low=-1.0)
    return Measure(name, high=1.0 if name == "absorbed" else None, better="lower")
