"""Several processes that train one pack together, on one node or many: how they find each other, and how they agree.

All run the same program on the mesh of all their devices. One may measure or read (time, signals, files) other
things than another; where that decides what is run next, all take the decision of process 0.
Process 0 alone writes records. With one process every function here is a plain one.
"""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils


def connect() -> None:
    """Joins this task of a Slurm job to the others, if there are any. Call before anything is computed.

    A task computes on all GPUs that it sees; where several tasks of a node see the same ones, on its own among them.
    """
    count = int(os.environ.get("SLURM_NTASKS", "1"))
    if count == 1 or "SLURM_PROCID" not in os.environ:
        return
    from submitit import JobEnvironment

    task = JobEnvironment()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    shared = task.num_tasks > task.num_nodes and len(visible) > 1
    # Stops are `stop.Stop`'s, which has every lane on disk first.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        # Any port that other jobs of these nodes are unlikely to use; Slurm's numbers run on.
        coordinator_address=os.environ.get(
            "JAX_COORDINATOR_ADDRESS", f"{task.hostnames[0]}:{61440 + int(os.environ['SLURM_JOB_ID']) % 4096}"
        ),
        num_processes=count,
        process_id=task.global_rank,
        local_device_ids=[task.local_rank] if shared else None,
        cluster_detection_method="deactivate",
    )


def writes() -> bool:
    """Returns whether this process is the one that writes records."""
    return jax.process_index() == 0


def agree(value: Any) -> np.ndarray:
    """Returns the value, a number or an array of equal shape in all processes, that process 0 has."""
    return np.asarray(multihost_utils.broadcast_one_to_all(np.asarray(value)) if jax.process_count() > 1 else value)


def any_of(value: bool) -> bool:
    """Returns whether it holds in any process."""
    return bool(np.any(multihost_utils.process_allgather(np.asarray(value)))) if jax.process_count() > 1 else value


def least(value: int) -> int:
    """Returns the least of all processes' values."""
    if jax.process_count() == 1:
        return value
    return int(np.min(multihost_utils.process_allgather(np.asarray(value, np.float64))))


def wait() -> None:
    """Returns when every process has called it: what process 0 wrote before is then on disk for all."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("terrarium")


def put(tree: Any, sharding: jax.sharding.Sharding) -> Any:
    """Returns the arrays of a tree, equal in all processes, on the devices of all of them."""
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)
    return jax.tree.map(lambda x: jax.make_array_from_callback(x.shape, sharding, lambda part, x=x: x[part]), tree)


def gather(tree: Any) -> Any:
    """Returns the arrays of a tree whole, as NumPy arrays, in every process."""
    return jax.tree.map(
        np.asarray, multihost_utils.process_allgather(tree, tiled=True) if jax.process_count() > 1 else tree
    )
