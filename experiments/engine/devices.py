"""The devices that JAX computes on, set before it starts, their memory, and a cache of compiled programs."""

from __future__ import annotations

import os
from pathlib import Path

import jax


def use_all_cores() -> None:
    """Sets one virtual CPU device per core, so that lanes use all of them, and the persistent compilation cache.

    The cache is in $JAX_COMPILATION_CACHE_DIR, or ~/.cache/terrarium/jax. Call before anything is computed.
    """
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terrarium" / "jax"
        jax.config.update("jax_compilation_cache_dir", str(cache))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def memory() -> int:
    """Returns the bytes that one device's programs may take: its memory, or on a CPU an equal share of what is free."""
    device = jax.local_devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit")
    if limit:
        return limit
    return _free_memory() // jax.local_device_count()


def _free_memory() -> int:
    """Returns the bytes of main memory that Linux calls available, within the limit of our control group."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        free = min(free, int(most) - int(used.read_text()))
    return free
