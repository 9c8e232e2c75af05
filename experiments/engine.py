"""The engine: runs whose treedefs are equal, trained side by side as lanes of one compiled program.

A run is a pytree: task and optimiser with their knobs as leaves, and in its treedef everything that fixes shapes.
Runs of one treedef are stacked leaf by leaf; axis 0, the lanes, is sharded over all devices. A chunk of steps is one
call of one program, with the examples generated inside; the number of steps is an argument, so a chunk can be of any
length and results do not depend on how training was cut into chunks. A lane's step is its own: a lane that is ahead,
finished or diverged waits while the others go on.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

import models
from experiments.optim import Optimizer
from experiments.scores import score, score_learner, token_losses
from fields import knob, pytree, replace, static
from synthetic.task import Example, Task

# Streams of a run's seed, apart from those of a task's data seed, which may be the same number.
_RUN = 0x52554E
_INIT, _BATCH, _EVALUATE, _DECODE = 0, 1, 2, 4  # 3 is that of `experiments.examples`


@pytree
class Training:
    """How long and how broadly to train, and what to measure on the way."""

    steps: int = knob(
        1000, low=1, high=2**31 - 1, unit="steps", doc="optimiser steps; a run ends by steps, never by seconds"
    )
    batch_size: int = static(128, low=1, high=10**6, unit="examples", doc="examples a step")
    eval_every: int = static(
        500, low=1, high=2**31 - 1, unit="steps", doc="steps between evaluations; the last step is always evaluated"
    )
    eval_examples: int = static(512, low=1, high=10**7, unit="examples", doc="examples scored per condition")
    decoding: str = static(
        "none", choices=("none", "greedy", "sampled"), doc="also score answers decoded from the prompt, with a KV cache"
    )


@pytree
class Run:
    """One run as the engine sees it. Equal treedefs share a program; the leaves are what may differ between lanes."""

    task: Task
    model: Any
    optim: Optimizer
    train: Training
    seed: int

    def key(self, stream: int) -> jax.Array:
        """The key of one stream of the run's seed."""
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), _RUN), stream)

    def build(self, key: jax.Array) -> nnx.Module:
        """The model for this task's shapes, with initial parameters from `key`."""
        s = self.task.spec
        return models.build(
            self.model,
            vocabulary=s.vocabulary,
            width_in=s.width_in,
            length=s.length,
            classes=s.classes,
            rngs=nnx.Rngs(params=key),
        )


class Lane(NamedTuple):
    """The state of one run between steps: all that is needed to go on exactly as if never stopped."""

    params: Any
    opt: Any
    step: jax.Array  # int32, steps done
    diverged: jax.Array  # bool, the step after `step` gave a loss or gradient that is not finite
    loss_sum: jax.Array  # float32, training loss summed since the last evaluation
    loss_steps: jax.Array  # int32, over this many steps


def treedef(run: Run) -> Any:
    """What must be equal for two runs to be lanes of one program."""
    return jax.tree.structure(run)


class Engine:
    """Trains and scores a group of runs of equal treedef. States are `Lane`s whose leaves have a leading lane axis."""

    def __init__(self, runs: Sequence[Run], *, lanes_per_device: int = 0, devices: Sequence[Any] | None = None):
        """Stack the runs over `devices` (all by default), `lanes_per_device` of them vectorised at a time on each.

        0 chooses: one on a CPU, where vectorised lanes are no faster, and all on an accelerator, which small models
        leave idle. One at a time, a lane's result is the same to the bit whatever lanes are beside it: all devices
        run the program even for a single lane. Raises ValueError where treedefs differ.
        """
        if any(treedef(run) != treedef(runs[0]) for run in runs):
            raise ValueError("lanes of one program need runs of equal treedef")
        self.size = len(runs)
        devices = list(devices or jax.devices())
        lanes_per_device = lanes_per_device or (1 if devices[0].platform == "cpu" else self.size)
        self._mesh = jax.sharding.Mesh(np.array(devices), ("lanes",))
        self._sharding = NamedSharding(self._mesh, PartitionSpec("lanes"))
        self._padded = -(-self.size // len(devices)) * len(devices)
        stacked = _numeric(self._pad(_stack([replace(run, task=run.task.materialise()) for run in runs])))
        # What fills up the last device has no steps to do.
        steps = np.where(np.arange(self._padded) < self.size, stacked.train.steps, 0).astype(np.int32)
        self.runs = self._put(replace(stacked, train=replace(stacked.train, steps=steps)))
        self.conditions = list(runs[0].task.conditions())
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), self.runs)
        leaves, structure = jax.tree.flatten(shapes)
        self.programs = _compile(self._mesh, lanes_per_device, tuple(leaves), structure)

    def _pad(self, tree: Any) -> Any:
        """The lane axis made a multiple of the devices, by repeating the last lane."""
        extra = self._padded - self.size
        return jax.tree.map(lambda x: np.concatenate([x, np.repeat(x[-1:], extra, 0)]), tree)

    def _put(self, tree: Any) -> Any:
        return jax.device_put(tree, self._sharding)

    @property
    def lane_bytes(self) -> int:
        """Peak memory of a device over its lanes, by the compiler's own count; 0 where it does not say."""
        return self.programs.device_bytes * self._mesh.size // self._padded

    def start(self) -> Lane:
        """The lanes before their first step."""
        return self.programs.start(self.runs)

    def advance(self, lanes: Lane, until: int) -> Lane:
        """Train every lane to step `until` (or to its own end). The given state is consumed."""
        return self.programs.advance(lanes, self.runs, np.int32(until))

    def evaluate(self, lanes: Lane) -> dict[str, dict[str, np.ndarray]]:
        """Scores by condition and name, each with a leading lane axis."""
        scores = jax.tree.map(lambda x: np.asarray(x)[: self.size], self.programs.evaluate(lanes.params, self.runs))
        return {name: scores[name] for name in self.conditions}

    def baselines(self) -> dict[str, dict[str, dict[str, np.ndarray]]]:
        """Scores of the task's baselines by baseline, condition and name, each with a leading lane axis."""
        return jax.tree.map(lambda x: np.asarray(x)[: self.size], self.programs.baselines(self.runs))

    def fetch(self, lanes: Lane) -> Lane:
        """The lanes on the host, as NumPy arrays."""
        return jax.tree.map(lambda x: np.asarray(x)[: self.size], lanes)

    def load(self, lanes: Sequence[Lane]) -> Lane:
        """Single lanes, from `fetch` or from disk, back on the devices."""
        return self._put(self._pad(_stack(lanes)))


class Programs(NamedTuple):
    """What is compiled for lanes of one shape, and the bytes that the largest takes on a device."""

    start: Any
    advance: Any
    evaluate: Any
    baselines: Any
    device_bytes: int


@functools.lru_cache(maxsize=8)  # a second pack of the same shapes compiles nothing
def _compile(mesh: jax.sharding.Mesh, at_a_time: int, leaves: tuple[Any, ...], structure: Any) -> Programs:
    runs, everywhere = jax.tree.unflatten(structure, leaves), NamedSharding(mesh, PartitionSpec("lanes"))
    batch_size = at_a_time if at_a_time > 1 else None

    def over_lanes(f: Any, stacked: int) -> Any:
        """`f` of one lane as a function of all: sharded over devices, then in vectorised batches one after another.

        The first `stacked` arguments have a lane axis; any others are the same for all lanes.
        """

        def on_device(*args):
            lanes, shared = args[:stacked], args[stacked:]
            return jax.lax.map(lambda lane: f(*lane, *shared), lanes, batch_size=batch_size)

        def on_all(*args):
            specs = tuple(PartitionSpec("lanes") if i < stacked else PartitionSpec() for i in range(len(args)))
            out = PartitionSpec("lanes")
            return jax.shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)(*args)

        return on_all

    def shaped(tree: Any) -> Any:
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere), tree)

    start = over_lanes(_start, 1)
    lanes = shaped(jax.eval_shape(start, runs))
    lowered = [
        jax.jit(over_lanes(_advance, 2), donate_argnums=0).lower(lanes, runs, np.int32(0)),
        jax.jit(over_lanes(_evaluate, 2)).lower(lanes.params, runs),
        jax.jit(start).lower(runs),
    ]
    if _has_baselines(runs):
        lowered.append(jax.jit(over_lanes(_baselines, 1)).lower(runs))
    advance, evaluate, start, *rest = compiled = [program.compile() for program in lowered]
    baselines = rest[0] if rest else lambda runs: {}
    return Programs(start, advance, evaluate, baselines, device_bytes=max(_bytes(program) for program in compiled))


def _bytes(program: Any) -> int:
    """Memory of one device that a compiled program takes, by the compiler's own count; 0 where it does not say."""
    m = program.memory_analysis()
    if m is None:
        return 0
    return m.argument_size_in_bytes + m.output_size_in_bytes - m.alias_size_in_bytes + m.temp_size_in_bytes


def _numeric(run: Run) -> Run:
    """The run's leaves as float32 or int32, whatever Python numbers they were made of; small integers stay small."""
    small = (np.uint8, np.int8, np.uint16, np.int16)

    def number(x: Any) -> Any:
        return x if x.dtype in small else x.astype(np.float32 if x.dtype.kind == "f" else np.int32)

    return jax.tree.map(number, run)


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _start(run: Run) -> Lane:
    params = nnx.split(run.build(run.key(_INIT)))[1]
    zero = jnp.int32(0)
    return Lane(params, run.optim.init(params), zero, jnp.bool(False), jnp.float32(0), zero)


def _graph(run: Run) -> Any:
    """The model without its parameters; abstract, so it costs nothing."""
    return nnx.split(nnx.eval_shape(lambda: run.build(jax.random.key(0))))[0]


def _examples(task: Task, split: str, key: jax.Array, count: int) -> Example:
    """`count` examples, each from the key of its own index."""
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(count))
    return jax.vmap(task.sample, (0, None))(keys, split)


def _advance(lane: Lane, run: Run, until: jax.Array) -> Lane:
    graph, end = _graph(run), jnp.minimum(until, run.train.steps)

    def loss(params: Any, batch: Example, key: jax.Array) -> jax.Array:
        losses = token_losses(nnx.merge(graph, params)(batch.inputs, key), batch.targets)
        return (losses * batch.weights).sum() / batch.weights.sum()

    def step(lane: Lane) -> Lane:
        example_key, model_key = jax.random.split(jax.random.fold_in(run.key(_BATCH), lane.step))
        batch = _examples(run.task, "train", example_key, run.train.batch_size)
        value, grads = jax.value_and_grad(loss)(lane.params, batch, model_key)
        params, opt, norm = run.optim.update(grads, lane.opt, lane.params, lane.step, run.train.steps)
        fine = jnp.isfinite(value) & jnp.isfinite(norm)
        new = Lane(params, opt, lane.step + 1, lane.diverged, lane.loss_sum + value, lane.loss_steps + 1)
        stay = lane._replace(diverged=jnp.bool(True))
        return jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, stay)

    return jax.lax.while_loop(lambda lane: (lane.step < end) & ~lane.diverged, step, lane)


def _evaluation(run: Run) -> tuple[Mapping[str, tuple[Task, str]], Example]:
    """The conditions, and their examples with a leading axis of conditions, each from keys of its own."""
    conditions = run.task.conditions()
    drawn: dict[str, Example] = {}
    # A split's sampler is compiled once, for all conditions that use it.
    for split in dict.fromkeys(split for _, split in conditions.values()):
        names = [name for name, (_, which) in conditions.items() if which == split]
        keys = jnp.stack([jax.random.fold_in(run.key(_EVALUATE), list(conditions).index(name)) for name in names])
        tasks = jax.tree.map(lambda *x: jnp.stack(x), *[conditions[name][0] for name in names])
        found = jax.vmap(lambda task, key, split=split: _examples(task, split, key, run.train.eval_examples))(
            tasks, keys
        )
        drawn |= {name: jax.tree.map(lambda x, i=i: x[i], found) for i, name in enumerate(names)}
    return conditions, jax.tree.map(lambda *x: jnp.stack(x), *[drawn[name] for name in conditions])


def _evaluate(params: Any, run: Run) -> dict[str, dict[str, jax.Array]]:
    conditions, examples = _evaluation(run)
    model = nnx.merge(_graph(run), params)
    how = {"batch_size": run.train.batch_size, "decoding": run.train.decoding, "key": run.key(_DECODE)}
    found = jax.lax.map(functools.partial(score, model, run.task, **how), examples)
    return {name: jax.tree.map(lambda x, i=i: x[i], found) for i, name in enumerate(conditions)}


def _has_baselines(runs: Run) -> bool:
    """Whether the task of these stacked runs names any baseline; asked in a trace, for a baseline may use its knobs."""
    found: list[int] = []

    def ask(run: Run) -> jax.Array:
        found.append(len(run.task.baselines()))
        return jnp.int32(0)

    jax.eval_shape(jax.vmap(ask), runs)
    return found[0] > 0


def _baselines(run: Run) -> dict[str, dict[str, dict[str, jax.Array]]]:
    """Scores of the task's baselines, by baseline and condition, on the examples that the model is scored on."""
    conditions, examples = _evaluation(run)
    tasks = jax.tree.map(lambda *x: jnp.stack(x), *[task for task, _ in conditions.values()])

    def scores(both: tuple[Task, Example]) -> dict[str, dict[str, jax.Array]]:
        task, some = both
        return {
            name: score_learner(learner, some, batch_size=run.train.batch_size, curve=run.task.curve)
            for name, learner in task.baselines().items()
        }

    found = jax.lax.map(scores, (tasks, examples))
    return {
        learner: {name: jax.tree.map(lambda x, i=i: x[i], of) for i, name in enumerate(conditions)}
        for learner, of in found.items()
    }
