"""What every test runs under: two virtual CPU devices, a compilation cache, annotations checked on call."""

import os
import typing
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

# All of this is read when jax is imported, here and in the processes that tests start.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2".lstrip()
_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terrarium" / "tests"
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(_cache)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"

import jaxtyping  # noqa: E402
from beartype.roar import BeartypeDecorHintPep612Exception  # noqa: E402
from hypothesis import settings  # noqa: E402

import fields  # noqa: E402

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
