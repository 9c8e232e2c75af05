"""Every architecture keeps the contract of models, and each check of the contract can fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import fields
from fields import pytree
from models import Architecture, Shapes, contract, registry
from models.encoder_decoder import EncoderDecoderConfig
from models.features import features, width
from models.feedforward import LinearConfig, MLPConfig
from models.induction import InductionConfig
from models.mixers import MIXERS
from models.registry import MODELS
from models.sets import POOLINGS, SetConfig
from models.transformer import TransformerConfig
from models.variables import Frozen

TINY: Any = {"width": 8, "depth": 1, "heads": 2, "mlp_ratio": 1}
VARIANTS = [
    TransformerConfig(**TINY, qk_norm=True, attention_scale="learned", biases=False, tied=True, shift=2),
    TransformerConfig(**TINY, frozen=True, read_out="pointer"),
    TransformerConfig(**TINY | {"mlp_ratio": 0}, attention_scale="log", position="rope", head_layers=2),
    EncoderDecoderConfig(**TINY),
    MLPConfig(width=8),
    LinearConfig(),
    *(TransformerConfig(**TINY, mixer=mixer) for mixer in MIXERS),
    EncoderDecoderConfig(**TINY, mixer="lstm", read_out="pointer"),
    EncoderDecoderConfig(**TINY | {"mlp_ratio": 0}, mixer="gru", position="answer"),
    EncoderDecoderConfig(**TINY, position="sinusoidal"),
    EncoderDecoderConfig(**TINY, position="none"),
    MLPConfig(width=8, bias=False, init="uniform"),
    *(SetConfig(width=8, pooling=pooling) for pooling in POOLINGS),
    SetConfig(width=8, pooling="constrained", concepts=2, groups=2),
    InductionConfig(start=2.0, gain=1.0),
]


def test_the_smallest_architecture_keeps_the_contract():
    for check in contract.CHECKS:
        check(LinearConfig())


def test_every_registered_architecture_is_held_to_the_contract():
    assert {type(config) for config in VARIANTS} == set(registry().values())


@pytest.mark.slow
@pytest.mark.rotated(8, "models/")
@pytest.mark.parametrize("config", VARIANTS, ids=str)
def test_every_variant_of_an_architecture_keeps_the_contract(config):
    for check in contract.CHECKS:
        check(config)


@pytest.fixture
def few_shapes(monkeypatch):
    """Two of the shapes, for checks that are to fail."""
    few = ("tokens", "vectors with a source")
    monkeypatch.setattr(contract, "SHAPES", {name: contract.SHAPES[name] for name in few})


class Running(nnx.Module):
    """The mean of what was read so far, behind a layer that never learns."""

    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        self.shapes = shapes
        self.read_in = nnx.Param(jax.random.normal(rngs.params(), (width(shapes), 4)))
        self.fixed = Frozen(jax.random.normal(rngs.params(), (4, 4)))
        self.read_out = nnx.Param(jax.random.normal(rngs.params(), (4, shapes.outputs)))

    def embed(self, inputs: jax.Array) -> jax.Array:
        return features(inputs, self.shapes) @ self.read_in[...] @ self.fixed[...]

    def __call__(self, inputs: jax.Array, key: Any = None, rows: Any = None) -> jax.Array:
        counts = jnp.arange(1, inputs.shape[1] + 1)[:, None]
        return (self.embed(inputs).cumsum(1) / counts) @ self.read_out[...]

    def init_cache(self, batch: int) -> jax.Array:
        return jnp.zeros((batch, 4))

    def step(self, inputs: jax.Array, t: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        cache = cache + self.embed(inputs)
        return (cache / (t + 1)) @ self.read_out[...], cache


@pytree
class Sound(Architecture):
    """Keeps the contract."""

    module: ClassVar[type[Running]] = Running

    def build(self, shapes: Shapes, *, rngs: nnx.Rngs) -> nnx.Module:
        return type(self).module(shapes, rngs)


def test_an_architecture_of_another_kind_fits_the_contract(few_shapes):
    for check in contract.CHECKS:
        check(Sound())


BROKEN = []


def broken(check, message):
    """Class decorator: `check` must fail on the architecture, or that of the module, with a line that holds this."""

    def add(cls):
        config = type(cls.__name__, (Sound,), {"module": cls}) if issubclass(cls, nnx.Module) else cls
        BROKEN.append(pytest.param(check, pytree(config), message, id=f"{check.__name__}-{cls.__name__}"))
        return cls

    return add


@broken(contract.misfits_are_said, "misfits says nothing against vectors with a source, and there ")
class OnlyTokens(Running):
    def embed(self, inputs: jax.Array) -> jax.Array:
        return self.read_in[...][inputs] @ self.fixed[...]


@broken(contract.misfits_are_said, "a misfit names size, which is no field, for tokens")
class StrangeKey(Sound):
    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        yield "size", "too large"


@broken(contract.misfits_are_said, "a misfit should be one line, for tokens")
class TwoLines(Sound):
    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        yield "name", "too large\nand too small"


@broken(contract.misfits_are_said, "a misfit should be (key, line) and is 'no', for tokens")
class NoPair(Sound):
    def misfits(self, shapes: Shapes) -> Iterator[Any]:
        yield "no"


@broken(contract.misfits_are_said, "fits none of the shapes: tokens, ")
class FitsNothing(Sound):
    def misfits(self, shapes: Shapes) -> Iterator[tuple[str, str]]:
        yield "name", "nothing is good enough"


@broken(contract.misfits_are_said, "fields that are no static ones: 1")
class WithAKnob(Sound):
    rate: float = fields.knob(0.5)


@broken(contract.shapes_and_dtypes, "outputs should be float32[3, 7, 5] and are bfloat16[3, 7, 5], for tokens")
class Halved(Running):
    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        return super().__call__(*given, **more).astype(jnp.bfloat16)


@broken(contract.shapes_and_dtypes, "outputs should be float32[3, 7, 5] and are float32[3, 5], for tokens")
class Pooled(Running):
    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        return super().__call__(*given, **more)[:, -1]


@broken(contract.shapes_and_dtypes, "outputs are not finite, for tokens")
class Endless(Running):
    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        return super().__call__(*given, **more) / 0.0


@broken(contract.shapes_and_dtypes, "an example's outputs depend on its batch")
class BatchNormed(Running):
    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        outputs = super().__call__(*given, **more)
        return outputs - outputs.mean(0)


@broken(contract.later_inputs_are_unseen, "outputs before position 1 see its input, for tokens")
class Peeks(Running):
    def __call__(self, inputs: jax.Array, *given: Any, **more: Any) -> jax.Array:
        return super().__call__(inputs, *given, **more) + self.embed(inputs).mean()


@broken(contract.later_inputs_are_unseen, "no output sees a later input: it is causal, and should say so")
class Modest(Sound):
    causal: ClassVar[bool] = False


@broken(contract.steps_equal_the_whole, "steps differ from the whole by")
class Forgets(Running):
    def step(self, inputs: jax.Array, t: jax.Array, cache: jax.Array) -> tuple[jax.Array, jax.Array]:
        return super().step(inputs, t, 0.9 * cache)


@broken(contract.steps_equal_the_whole, "decodes, but has no init_cache and no step")
class Still(Running):
    init_cache: Any = property()
    step: Any = property()


@jax.custom_batching.custom_vmap
def _ones_alone(x: jax.Array) -> jax.Array:
    return jnp.ones_like(x)


@_ones_alone.def_vmap
def _twos_in_lanes(size: int, batched: Any, x: jax.Array) -> tuple[jax.Array, bool]:
    return 2 * jnp.ones_like(x), batched[0]


@broken(contract.lanes_are_alone, "lane 0 of 2 differs from a run alone by")
class KnowsItsNeighbours(Running):
    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        outputs = super().__call__(*given, **more)
        return outputs * jax.lax.stop_gradient(_ones_alone(jax.lax.stop_gradient(outputs)))


class Thawed(Frozen):
    def get_value(self, **given: Any) -> Any:
        return nnx.Variable.get_value(self, **given)


@broken(contract.parameters_learn_unless_frozen, "a step changes the frozen ['fixed'].value, for tokens")
class Thaws(Running):
    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        super().__init__(shapes, rngs)
        self.fixed = Thawed(self.fixed.get_raw_value())


@broken(contract.parameters_learn_unless_frozen, "no gradient reaches ['unused'].value, for tokens")
class HasAnUnusedPart(Running):
    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        super().__init__(shapes, rngs)
        self.unused = nnx.Param(jnp.ones(3))


@broken(contract.parameters_learn_unless_frozen, "no finite gradient of ['root'].value, for tokens")
class HasASteepRoot(Running):
    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        super().__init__(shapes, rngs)
        self.root = nnx.Param(jnp.ones(()))

    def __call__(self, *given: Any, **more: Any) -> jax.Array:
        return super().__call__(*given, **more) + jnp.sqrt(self.root[...] - self.root[...])


@broken(contract.parameters_are_drawn_under_vmap, "parameters cannot be drawn under vmap, for tokens: ")
class DrawnOnTheHost(Running):
    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        super().__init__(shapes, rngs)
        seed = int(jax.random.bits(rngs.params()))
        self.fixed = Frozen(jnp.asarray(np.random.default_rng(seed).normal(size=(4, 4)), jnp.float32))


_count = itertools.count()


@broken(contract.parameters_are_drawn_under_vmap, "drawn under vmap and alone differ: ['fixed'].value, for tokens")
class CountsItsCopies(Running):
    def __init__(self, shapes: Shapes, rngs: nnx.Rngs):
        super().__init__(shapes, rngs)
        self.fixed = Frozen(jnp.full((4, 4), 1.0 + next(_count)))


@pytest.mark.parametrize(("check", "cls", "message"), BROKEN)
def test_a_broken_architecture_fails_its_check_in_one_line(check, cls, message, few_shapes):
    with pytest.raises(AssertionError) as failure:
        check(cls())
    line = str(failure.value)
    assert line.startswith(cls.__name__ + ": ")
    assert message in line
    assert "\n" not in line


def test_every_check_is_shown_to_fail():
    assert {param.values[0] for param in BROKEN} == set(contract.CHECKS)


def test_an_architecture_of_another_package_is_found_by_its_entry_point(monkeypatch):
    class Entry:
        name, value = "sound", "toys:Sound"

        def load(self):
            return Sound

    monkeypatch.setattr(MODELS, "_known", dict(MODELS._known))
    monkeypatch.setattr(fields, "entry_points", lambda group: [Entry()] if group == "terrarium.models" else [])
    assert registry()["sound"] is Sound
