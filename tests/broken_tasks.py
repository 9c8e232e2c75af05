"""Tasks that are broken in one way each, with the check of the contract that must fail on it and what that says."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fields import pytree
from synthetic import Classes, Measure, Measured, Numbers, Spec, Task, contract
from tests.toys import Line, Sort, Sum

BROKEN = []


def broken(check, message):
    """Class decorator: `check` must fail on the task, with a line that holds `message`."""

    def add(cls):
        BROKEN.append(pytest.param(check, pytree(cls), message, id=f"{check.__name__}-{cls.__name__}"))
        return cls

    return add


def changed(**changes):
    """A `sample` that changes fields of a sound example, each by a function of the example."""

    def sample(self, key, split):
        example = Sum.sample(self, key, split)
        return example._replace(**{field: change(example) for field, change in changes.items()})

    return sample


@broken(contract.oracle_agrees, "oracle says")
class Subtracts(Sum):
    def oracle(self, example):
        return [int(example.inputs[0] - example.inputs[1]) % self.letters]


@broken(contract.oracle_agrees, "oracle says")
class SteeperThanItSays(Line):
    def oracle(self, example):
        return [[1.01 * y for y in answer] for answer in Line.oracle(self, example)]


@broken(contract.shapes_match_spec, "targets should be float32[6, 2]")
class NarrowNumbers(Line):
    @property
    def spec(self):
        return Spec(length=2 * self.points, head=Numbers(2), width_in=2)


@broken(contract.shapes_match_spec, "targets run from 0 to 3, allowed: 0 to 2")
class PointsPastItsSource(Sort):
    def sample(self, key, split):
        example = Sort.sample(self, key, split)
        return example._replace(targets=example.targets.at[-1].set(3))


@broken(contract.scores_fit, "baseline zero should return float32[6, 1] and returns float32[6]")
class FlatBaseline(Line):
    def baselines(self) -> Any:
        return {"zero": lambda example: jnp.zeros(6)}


@broken(contract.scores_fit, "measure spread should be a scalar")
class MeasuresEveryPosition(Line):
    def measures(self):
        return (Measured(Measure("spread"), lambda example, outputs: outputs, lambda outputs: outputs.std(0)),)


@broken(contract.scores_fit, "the measure nll is there twice")
class MeasuresWhatIsMeasured(Sum):
    def measures(self):
        return (Measured(Measure("nll"), lambda example, outputs: outputs.sum()),)


@broken(contract.scores_fit, "the measure examples has a name that records use")
class MeasuresUnderAReservedName(Sum):
    def measures(self):
        return (Measured(Measure("examples"), lambda example, outputs: outputs.sum()),)


@broken(contract.scores_fit, "objective should give a number an example and gives []")
class ObjectiveOfAll(Line):
    def objective(self, model, batch, keys):
        return jnp.square(model(batch.inputs) - batch.targets).mean()


class FourItems(Sum):
    @property
    def size(self):
        return 4

    def item(self, index, key, split):
        return Sum.sample(self, jax.random.key(index), split)


@broken(contract.items_are_drawn, "training draws examples that are none of its 4 items")
class DrawsMoreThanItsItems(FourItems):
    pass


@broken(contract.items_are_drawn, "its 4 items are all the same")
class HasOneItem(FourItems):
    def item(self, index, key, split):
        return FourItems.item(self, jnp.int32(0), key, split)

    def sample(self, key, split):
        return self.item(jnp.int32(0), key, split)


@broken(contract.shapes_match_spec, "inputs should be int32[3]")
class FloatTokens(Sum):
    sample = changed(inputs=lambda e: e.inputs.astype(jnp.float32))


@broken(contract.shapes_match_spec, "targets should be int32[3]")
class LongTargets(Sum):
    sample = changed(targets=lambda e: jnp.append(e.targets, 0))


@broken(contract.shapes_match_spec, "weights should be float32[3]")
class BooleanWeights(Sum):
    sample = changed(weights=lambda e: e.weights > 0)


@broken(contract.shapes_match_spec, "weights other than 0 and 1")
class HalfWeights(Sum):
    sample = changed(weights=lambda e: e.weights / 2)


@broken(contract.shapes_match_spec, "inputs run from 0 to 64, allowed: 0 to 63")
class StrangeToken(Sum):
    sample = changed(inputs=lambda e: e.inputs.at[2].set(64))


@broken(contract.shapes_match_spec, "targets run from")
class StrangeClass(Sum):
    sample = changed(targets=lambda e: e.targets.at[0].set(-1))


@broken(contract.shapes_match_spec, "facts that are no scalars")
class WideFacts(Sum):
    sample = changed(facts=lambda e: {"inputs": e.inputs})


@broken(contract.shapes_match_spec, "facts differ between conditions")
class UnevenFacts(Sum):
    def sample(self, key, split):
        example = Sum.sample(self, key, split)
        return example._replace(facts={split: example.facts["lie"]})


@broken(contract.shapes_match_spec, "both or neither")
class NeitherKind(Sum):
    @property
    def spec(self):
        return Spec(length=3, head=Classes(self.letters))


@broken(contract.conditions_are_scored, "no conditions")
class Unmeasured(Sum):
    def conditions(self):
        return {}


@broken(contract.conditions_are_scored, "of split test")
class UnknownSplit(Sum):
    def conditions(self) -> Any:
        return {"unseen": (self, "test")}


@broken(contract.conditions_are_scored, "another treedef")
class LargerTest(Sum):
    def conditions(self) -> Any:
        return {"seen": (self, "train"), "larger": (self.replace(letters=128), "unseen")}


@broken(contract.conditions_are_scored, "headline unsene is not among the conditions seen, unseen")
class MisspeltHeadline(Sum):
    headline: ClassVar = "unsene"


@broken(contract.conditions_are_scored, "conditions cannot be traced: the knob lie_rate is used as a Python value in ")
class ConditionsByKnob(Sum):
    def conditions(self):
        return Sum.conditions(self) if self.lie_rate < 0.5 else {}


@broken(contract.conditions_are_scored, "have no weighted target")
class SometimesSilent(Sum):
    sample = changed(weights=lambda e: e.weights * (e.inputs[0] > 8))


@broken(contract.knobs_are_traced, "split train cannot be traced: the knob lie_rate is used as a Python value in ")
class LooksAtKnob(Sum):
    def sample(self, key, split):
        return Sum.sample(self if self.lie_rate > 0 else self.replace(seed=0), key, split)


@broken(contract.knobs_are_traced, "the knobs lie_rate, seed are used as Python values in broken_tasks.py:")
class CountsWithKnobs(Sum):
    def sample(self, key, split):
        return Sum.sample(self.replace(lie_rate=float(self.lie_rate) / range(9)[self.seed + 1]), key, split)


@broken(contract.keys_decide, "split train cannot be traced: see the check knobs_are_traced")
class LooksAtKnobToo(LooksAtKnob):
    pass


@broken(contract.knobs_are_traced, "spec cannot be traced: the knob seed is used as a Python value in ")
class SpecByKnob(Sum):
    @property
    def spec(self):
        return Spec(length=3, head=Classes(64 if self.seed >= 0 else 32), vocabulary=64)


class FixedKnob(Sum):
    """Its knobs are declared, but live in the treedef: what `jax.tree_util.register_static` would do."""


jax.tree_util.register_static(FixedKnob)
BROKEN.append(pytest.param(contract.knobs_are_traced, FixedKnob, "another lie_rate compiles split train anew"))


@broken(contract.keys_decide, "1 distinct examples")
class IgnoresKey(Sum):
    def sample(self, key, split):
        return Sum.sample(self, jax.random.key(self.seed), split)


@broken(contract.keys_decide, "8 distinct examples")
class SaysTheSameForManyKeys(Sum):
    def sample(self, key, split):
        few = jax.random.key(jax.random.bits(key) % 8)
        return Sum.sample(self, jax.random.fold_in(few, self.seed), split)


@broken(contract.keys_decide, "the same key gives two examples")
class Impure(Sum):
    def sample(self, key, split):
        return Sum.sample(self, jax.random.fold_in(key, np.random.default_rng().integers(2**30)), split)


@broken(contract.held_out_is_disjoint, "held-out identities occur in training")
class HeldOutByLuck(Sum):
    def sample(self, key, split):
        return Sum.sample(self, key, "train")


@broken(contract.held_out_is_disjoint, "held-out identities occur in training")
class SeedMovesOneSide(Sum):
    def sample(self, key, split):
        return Sum.sample(self if split == "train" else self.replace(seed=0), key, split)


@broken(contract.held_out_is_disjoint, "held-out identities occur in training, such as 0, with lie_rate=1")
class LeaksWhereItLies(Sum):
    def sample(self, key, split):
        example = Sum.sample(self, key, split)
        leaks = (self.lie_rate > 0.75) & (split == "train")
        return example._replace(inputs=example.inputs.at[0].add(-leaks.astype(int)) % self.letters)


@broken(contract.held_out_is_disjoint, "occur in training, such as 0, with lie_rate=0.5")
class LeaksBetweenTheEnds(Sum):
    def sample(self, key, split):
        example = Sum.sample(self, key, split)
        leaks = (self.lie_rate > 0.25) & (self.lie_rate < 0.75) & (split == "train")
        return example._replace(inputs=example.inputs.at[0].add(-leaks.astype(int)) % self.letters)


@broken(contract.held_out_is_disjoint, "tiny() is not tiny")
class LargeTiny(Sum):
    def tiny(self):
        return self.replace(letters=4096)


@broken(contract.held_out_is_disjoint, "not among splits")
class HoldsOutUnknown(Sum):
    held_out: ClassVar = ("test",)


@broken(contract.held_out_is_disjoint, "no knob seed")
class Seedless(Task):
    pass


@broken(contract.rates_hold, "lie_rate=0.3 gives lie in")
class LiesMore(Sum):
    def sample(self, key, split):
        return Sum.sample(self.replace(lie_rate=self.lie_rate**0.75), key, split)


@broken(contract.rates_hold, "rates name lie_rates, which is no field of the task")
class MisspeltRate(Sum):
    rates: ClassVar = {"lie": "lie_rates"}


@broken(contract.rates_hold, "rates name lies, which is no fact of its examples")
class MisspeltFact(Sum):
    rates: ClassVar = {"lies": "lie_rate"}


@broken(contract.keys_decide, "few ('unsene',) is not among splits ('train', 'unseen')")
class MisspeltSplit(Sum):
    few: ClassVar = ("unsene",)


@broken(contract.rates_hold, "lie_rate=0.0 gives lie in 1")
class LiesAnyway(Sum):
    def sample(self, key, split):
        return Sum.sample(self.replace(lie_rate=jnp.maximum(self.lie_rate, 0.005)), key, split)


@broken(contract.render_is_whole, "does not show inputs at position 1")
class HidesInput(Sum):
    def render(self, example):
        return str(example.inputs[0]), str(example.targets[2])


@broken(contract.render_is_whole, "does not show targets at position 2")
class HidesAnswer(Sum):
    def render(self, example):
        return f"{example.inputs[0]} + {example.inputs[1]}", str(self.oracle(example)[0])


@broken(contract.render_is_whole, "not (prompt, answer)")
class RendersOneText(Sum):
    def render(self, example) -> Any:
        return str(example)
