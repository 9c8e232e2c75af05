"""Parameters that training treats unlike others."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx


class Rates(nnx.Param):
    """A parameter from which a recurrence's rates are made. Weight decay leaves it alone.

    Decay would pull the rates of all channels towards one value. The authors' code of S4D and that of Mamba exempt them
    too.
    """


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that keeps its initial value: no gradient flows to it, and the optimiser leaves it as it is."""

    def get_value(self, **given: Any) -> Any:
        """Returns the value, which is constant in every derivative."""
        return jax.lax.stop_gradient(super().get_value(**given))


def freeze(module: nnx.Module) -> None:
    """Makes every parameter in `module` a `Frozen` one, in place."""
    for _, inner in nnx.iter_modules(module):
        for name, value in list(vars(inner).items()):
            if isinstance(value, nnx.Param):
                setattr(inner, name, Frozen(value.get_raw_value()))
