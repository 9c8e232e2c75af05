"""The devices that JAX computes on, their memory, a cache of compiled programs, and pinned options of JAX."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import jax

from experiments.errors import ConfigError
from experiments.files import check_writable

# Options of JAX that its environment variables set, JAX_RANDOM_SEED_OFFSET and so on, and the values that a run's
# identity stands for: its data, its arithmetic, and that one lane's NaN stops no other lane. (XLA_FLAGS may change the
# last bits too; they are recorded with a result.)
PINNED: dict[str, Any] = {
    "jax_threefry_partitionable": True,
    "jax_default_prng_impl": "threefry2x32",
    "jax_random_seed_offset": 0,
    "jax_enable_custom_prng": False,
    "jax_legacy_prng_key": "allow",
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_default_matmul_precision": None,
    "jax_allow_f16_reductions": True,
    "jax_softmax_custom_jvp": False,
    "jax_use_direct_linearize": True,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_disable_jit": False,
    "jax_no_tracing": False,
    "jax_no_execution": False,
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_debug_key_reuse": False,
    "jax_check_tracer_leaks": False,
    "jax_enable_checks": False,
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_transfer_guard_host_to_device": None,
    "jax_transfer_guard_device_to_device": None,
    "jax_transfer_guard_device_to_host": None,
    "jax_transfer_guard": None,
    "jax_raise_persistent_cache_errors": False,
}


def use_all_cores() -> None:
    """Sets one virtual CPU device per core, so that lanes use all of them, and the persistent compilation cache.

    The cache is in $JAX_COMPILATION_CACHE_DIR, or ~/.cache/terrarium/jax where there is a home to write to. Options
    that results depend on are pinned. Call before anything is computed.
    """
    pin()
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR") and (cache := _cache()):
        jax.config.update("jax_compilation_cache_dir", str(cache))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    _forget_damaged_programs()


def check_platform() -> None:
    """Raises ConfigError, one line, if JAX_PLATFORMS names no device that is here. Starts JAX if it is set."""
    if platforms := os.environ.get("JAX_PLATFORMS"):
        try:
            jax.devices()
        except (RuntimeError, AssertionError) as e:
            why = f": {str(e).splitlines()[0]}" if str(e) else ""
            raise ConfigError(f"JAX_PLATFORMS: JAX finds no device of the platform {platforms} here{why}") from None


def _cache() -> Path | None:
    """Returns the folder of compiled programs; None if it cannot be written, as in containers without a home."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terrarium" / "jax"
        check_writable(cache / "program")
    except (RuntimeError, OSError):
        return None
    return cache


def _forget_damaged_programs() -> None:
    """Lets JAX replace an entry of its cache that cannot be read, and go without one that cannot be written.

    By itself it would keep a damaged entry, compile anew at every start, and warn of it each time.
    """
    try:
        from jax._src import compilation_cache  # there is no public way (jax 0.10)

        read, write = compilation_cache.get_executable_and_time, compilation_cache.put_executable_and_time
    except (ImportError, AttributeError):
        return
    if getattr(read, "forgets", False):
        return

    def read_or_forget(key: str, *rest: Any) -> Any:
        try:
            return read(key, *rest)
        except Exception:
            with contextlib.suppress(OSError, TypeError):
                (Path(jax.config.values["jax_compilation_cache_dir"]) / f"{key}-cache").unlink()
            return None, None

    def write_or_not(key: str, *rest: Any) -> None:
        with contextlib.suppress(OSError):  # a full disk is no reason for a warning: the program is there
            write(key, *rest)

    read_or_forget.forgets = True  # type: ignore[attr-defined]
    compilation_cache.get_executable_and_time = read_or_forget
    compilation_cache.put_executable_and_time = write_or_not


def pin() -> None:
    """Gives JAX the options that results depend on. One line names what is ignored of the environment."""
    ignored = []
    for name, value in PINNED.items():
        if jax.config.values.get(name, value) != value:
            jax.config.update(name, value)
            ignored.append(f"{name.upper()}={os.environ.get(name.upper(), '')}")
    if ignored:
        print(f"ignored, for results depend on it: {', '.join(ignored)}", file=sys.stderr)


def flags() -> str:
    """Returns the options of XLA that the environment sets, less the number of CPU devices."""
    words = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(word for word in words if "xla_force_host_platform_device_count" not in word)


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
