"""The engine: runs whose treedefs are equal, trained side by side as lanes of one compiled program.

The work of one lane is in `lane`. Runs of one treedef are stacked leaf by leaf; axis 0, the lanes, is sharded over the
mesh's axis `lanes`. Where lanes are fewer than devices, the mesh's other axis, `batch`, can be longer than one: the
devices along it hold the same lanes, and each works on its share of every batch (`share`). A chunk of steps is one call
of one program, with the examples generated inside; the number of steps is an argument, so a chunk can be of any length
and results do not depend on how training was cut into chunks. A lane's step is its own: a lane that is ahead, finished
or diverged waits while the others go on.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from experiments.engine import lane, processes
from experiments.engine.lane import Lane, Run, treedef
from experiments.engine.share import BATCH, LANES, Share
from fields import replace
from synthetic.task import Task


class Engine:
    """Trains and scores a group of runs of equal treedef. States are `Lane`s whose leaves have a leading lane axis."""

    def __init__(
        self,
        runs: Sequence[Run],
        *,
        lanes_per_device: int = 0,
        shard_batch: bool | None = None,
        devices: Sequence[Any] | None = None,
        tasks: Sequence[Task] = (),
    ):
        """Stacks the runs over `devices` (all by default), `lanes_per_device` of them vectorised at a time on each.

        0 chooses: one on a CPU, where vectorised lanes are no faster, and all on an accelerator, which small models
        leave idle. One at a time, a lane's result is the same to the bit whatever lanes are beside it: all devices
        run the program even for a single lane. `tasks` are the runs' own, materialised, where a trained model makes
        them. With `shard_batch` devices that would have no lane share the batches of
        others, which changes results by rounding; None does so on accelerators alone. Raises ValueError where treedefs
        differ.
        """
        if any(treedef(run) != treedef(runs[0]) for run in runs):
            raise ValueError("lanes of one program need runs of equal treedef")
        self.size = len(runs)
        devices = list(devices or jax.devices())
        # On an H200, 4 lanes of 6 x 256 lose 1 % of one's tokens/s, 16 of 2 x 64 gain 4.4 times: benchmarks/gpu.json.
        lanes_per_device = lanes_per_device or (1 if devices[0].platform == "cpu" else self.size)
        rows, parts = layout(self.size, len(devices), runs[0].train.batch_size, wanted(shard_batch, devices))
        self._mesh = jax.sharding.Mesh(np.array(devices).reshape(rows, parts), (LANES, BATCH))
        self._sharding = NamedSharding(self._mesh, PartitionSpec(LANES))
        self._padded = -(-self.size // rows) * rows
        tasks = tasks or [run.task.materialise() for run in runs]
        stacked = _numeric(self._pad(_stack([replace(run, task=task) for run, task in zip(runs, tasks, strict=True)])))
        # Lanes that fill up the last row have no steps to do.
        steps = np.where(np.arange(self._padded) < self.size, stacked.train.steps, 0).astype(np.int32)
        self.runs = self._put(replace(stacked, train=replace(stacked.train, steps=steps)))
        self.conditions = list(runs[0].task.conditions())
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), self.runs)
        leaves, structure = jax.tree.flatten(shapes)
        self.programs = _compile(self._mesh, lanes_per_device, tuple(leaves), structure)

    def _pad(self, tree: Any) -> Any:
        """Returns the tree with its lane axis made a multiple of the rows, by repeating the last lane."""
        extra = self._padded - self.size
        return jax.tree.map(lambda x: np.concatenate([x, np.repeat(x[-1:], extra, 0)]), tree)

    def _put(self, tree: Any) -> Any:
        return processes.put(tree, self._sharding)

    def _host(self, tree: Any) -> Any:
        """Returns a tree of stacked arrays on the host, without the lanes that only fill up."""
        return jax.tree.map(lambda x: x[: self.size], processes.gather(tree))

    @property
    def parts(self) -> int:
        """Returns how many devices share each batch."""
        return self._mesh.shape[BATCH]

    @property
    def lane_bytes(self) -> int:
        """Returns the peak memory of a device over its lanes, by the compiler's count; 0 where it has none."""
        return self.programs.device_bytes * self._mesh.shape[LANES] // self._padded

    def start(self) -> Lane:
        """Returns the lanes before their first step."""
        return self.programs.start(self.runs)

    def advance(self, lanes: Lane, until: int) -> Lane:
        """Trains every lane to step `until` (or to its own end). The given state is consumed."""
        return self.programs.advance(lanes, self.runs, np.int32(until))

    def evaluate(self, lanes: Lane) -> dict[str, dict[str, np.ndarray]]:
        """Returns scores by condition and name, each with a leading lane axis."""
        scores = self._host(self.programs.evaluate(lanes.params, self.runs))
        return {name: scores[name] for name in self.conditions}

    def baselines(self) -> dict[str, dict[str, dict[str, np.ndarray]]]:
        """Returns scores of the task's baselines by baseline, condition and name, with a leading lane axis."""
        return self._host(self.programs.baselines(self.runs))

    def fetch(self, lanes: Lane) -> Lane:
        """Returns the lanes on the host, as NumPy arrays."""
        return self._host(lanes)

    def load(self, lanes: Sequence[Lane]) -> Lane:
        """Puts single lanes, from `fetch` or from disk, back on the devices."""
        return self._put(self._pad(_stack(lanes)))


def wanted(shard_batch: bool | None, devices: Sequence[Any]) -> bool:
    """Returns whether to share batches: as asked for, else on accelerators alone, so that CPUs keep their bits."""
    return devices[0].platform != "cpu" if shard_batch is None else shard_batch


def layout(lanes: int, devices: int, batch_size: int, share: bool) -> tuple[int, int]:
    """Returns the mesh's shape: rows of devices that have different lanes, and the devices of a row.

    One device a row, unless the devices can `share` batches and lanes are fewer. Then the shape that takes the least
    time, if a device's time is its share of its lanes' examples; of equal ones that with the fewest devices a row.
    """
    if not share or lanes >= devices:
        return devices, 1
    shapes = [(devices // n, n) for n in range(1, devices + 1) if devices % n == batch_size % n == 0]
    return min(shapes, key=lambda shape: -(-lanes // shape[0]) / shape[1])


class Programs(NamedTuple):
    """The compiled programs for lanes of one shape, and the bytes that the largest takes on a device."""

    start: Any
    advance: Any
    evaluate: Any
    baselines: Any
    device_bytes: int


@functools.lru_cache(maxsize=8)  # a second pack of the same shapes compiles nothing
def _compile(mesh: jax.sharding.Mesh, at_a_time: int, leaves: tuple[Any, ...], structure: Any) -> Programs:
    runs, everywhere = jax.tree.unflatten(structure, leaves), NamedSharding(mesh, PartitionSpec(LANES))
    batch_size, share = at_a_time if at_a_time > 1 else None, Share(mesh.shape[BATCH])

    def over_lanes(f: Any, stacked: int) -> Any:
        """Makes `f` of one lane a function of all: sharded over devices, then in vectorised batches one after another.

        The first `stacked` arguments have a lane axis; any others are the same for all lanes.
        """

        def on_device(*args):
            lanes, shared = args[:stacked], args[stacked:]
            return jax.lax.map(lambda one: f(*one, *shared), lanes, batch_size=batch_size)

        def on_all(*args):
            specs = tuple(PartitionSpec(LANES) if i < stacked else PartitionSpec() for i in range(len(args)))
            out = PartitionSpec(LANES)
            return jax.shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)(*args)

        return on_all

    def shaped(tree: Any) -> Any:
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=everywhere), tree)

    start = over_lanes(lane.start, 1)
    lanes = shaped(jax.eval_shape(start, runs))
    lowered = [
        jax.jit(over_lanes(functools.partial(lane.advance, share=share), 2), donate_argnums=0).lower(
            lanes, runs, np.int32(0)
        ),
        jax.jit(over_lanes(functools.partial(lane.evaluate, share=share), 2)).lower(lanes.params, runs),
        jax.jit(start).lower(runs),
    ]
    if _has_baselines(runs):
        lowered.append(jax.jit(over_lanes(functools.partial(lane.baselines, share=share), 1)).lower(runs))
    # A GPU's kernels may sum in any order, attention's gradient among them: a resumed run would not repeat to the bit.
    on_gpu = mesh.devices.flat[0].platform == "gpu"
    options: dict[str, str | bool] = {"xla_gpu_exclude_nondeterministic_ops": True} if on_gpu else {}
    advance, evaluate, start, *rest = compiled = [program.compile(options) for program in lowered]
    baselines = rest[0] if rest else lambda runs: {}
    return Programs(start, advance, evaluate, baselines, device_bytes=max(_bytes(program) for program in compiled))


def count_bytes(run: Run, device: Any) -> int:
    """Returns the memory that training and scoring a single lane take on a device, by its compiler's own count.

    Nothing is put on the device.
    """
    mesh = jax.sharding.Mesh(np.array([[device]]), (LANES, BATCH))
    sharding = NamedSharding(mesh, PartitionSpec(LANES))
    stacked = _numeric(_stack([replace(run, task=run.task.materialise())]))
    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), stacked)
    leaves, structure = jax.tree.flatten(shapes)
    return _compile(mesh, 1, tuple(leaves), structure).device_bytes


def _bytes(program: Any) -> int:
    """Returns the memory of a device that a compiled program takes, by the compiler's count; 0 where it has none."""
    m = program.memory_analysis()
    if m is None:
        return 0
    return m.argument_size_in_bytes + m.output_size_in_bytes - m.alias_size_in_bytes + m.temp_size_in_bytes


def _numeric(run: Run) -> Run:
    """Returns the run with leaves in float32 or int32, whatever numbers they were; small integers stay small."""
    small = (np.uint8, np.int8, np.uint16, np.int16)

    def number(x: Any) -> Any:
        return x if x.dtype in small else x.astype(np.float32 if x.dtype.kind == "f" else np.int32)

    return jax.tree.map(number, run)


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _has_baselines(runs: Run) -> bool:
    """Returns whether the task of these stacked runs names baselines; in a trace, for they may use its knobs."""
    counts: list[int] = []

    def ask(run: Run) -> jax.Array:
        counts.append(len(run.task.baselines()))
        return jnp.int32(0)

    jax.eval_shape(jax.vmap(ask), runs)
    return counts[0] > 0
