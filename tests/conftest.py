"""What every test runs under: two virtual CPU devices, a compilation cache, annotations checked, memory bounded."""

import ctypes
import gc
import os
import typing
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

# All of this is read when jax is imported, here and in the processes that tests start.
os.environ["JAX_PLATFORMS"] = "cpu"
_flags = [*os.environ.get("XLA_FLAGS", "").split(), "--xla_force_host_platform_device_count=2"]
if "--xla_backend_optimization_level=0" in _flags and version("jaxlib").startswith("0.10."):
    # Where programs are not optimised the older code generator compiles them in a third of the time; jaxlib 0.12, which
    # no longer has it, refuses the flag.
    _flags.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys(_flags))
_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terrarium" / "tests"
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(_cache)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"

import jax  # noqa: E402
import jaxtyping  # noqa: E402
import pytest  # noqa: E402
from beartype.roar import BeartypeDecorHintPep612Exception  # noqa: E402
from hypothesis import settings  # noqa: E402

import fields  # noqa: E402
from tests import rotation  # noqa: E402

# No annotation here names a shape: where it can, beartype checks alone, a tenth of the time of jaxtyping's own check.
_jaxtyped = jaxtyping.jaxtyped


def _checked(*, typechecker: Any) -> Callable[[Any], Any]:
    def check(one: Any) -> Any:
        if not isinstance(one, type):
            with suppress(BeartypeDecorHintPep612Exception):
                return typechecker(one)
        return _jaxtyped(typechecker=typechecker)(one)

    return check


jaxtyping.jaxtyped = _checked  # type: ignore[assignment]
jaxtyping.install_import_hook(["synthetic", "models"], "beartype.beartype")

# JAX builds pytrees with tracers, batches and placeholders for leaves: their constructors are left unchecked.
_pytree = fields.pytree


def _unchecked(cls: type) -> type:
    cls = _pytree(cls)
    typing.no_type_check(cls.__init__)
    return cls


fields.pytree = _unchecked

# The first example of a property compiles: no deadline holds for it.
settings.register_profile("terrarium", settings.default, deadline=None)
settings.load_profile("terrarium")


_MOST_BYTES = 1_500_000_000  # that a worker keeps from one file of tests to the next


def _resident_bytes() -> int:
    """Returns the memory that this process holds now, 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@pytest.fixture(autouse=True, scope="module")
def _compiled_programs_released() -> Iterator[None]:
    """Drops the programs that a file of tests compiled, where they have become many: the next file has its own."""
    yield
    if _resident_bytes() > _MOST_BYTES:
        jax.clear_caches()
        gc.collect()
        with suppress(AttributeError, OSError):  # only glibc keeps what was freed, and can be asked to return it
            ctypes.CDLL(None).malloc_trim(0)


def pytest_report_header() -> str | None:
    """Returns the line that says which round of slow tests this is, and how to have it again."""
    name = rotation.rotation()
    return f"slow tests: the round of TERRARIUM_ROTATION={name}; all of them where it is not set" if name else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the slow tests that are not of this round."""
    if rotation.rotation():
        kept, left_out = rotation.split(items, rotation.rotation(), rotation.changed_files())
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
