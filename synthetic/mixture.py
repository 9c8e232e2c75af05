"""Mixtures: any tasks of one vocabulary together in training, each with its own held-out sets and conditions.

    task=mixture task.parts={rare:{name:markov,num_rules:30},free:{name:markov_families}} task.weights={rare:0.3,free:1}

A part is a task under a name of the user's, with its own fields; all share `task.seed`. A field of a part that is to be
swept (`task.parts.rare.num_rules=10,30`) has to be among those given. Its splits and conditions are those that it has
alone, under `part/split` and `part/condition`, and so are its facts; the split `train` mixes all. Training of a part
never meets what that part holds out, nor what parts of its kind with the same shapes do; a part of another kind may
meet it. A part whose examples are shorter than the longest is padded behind its end with positions of no weight:

    inputs    g c a b f a g c p g c e = f a a b p g c 0 0
    weights   0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 0 0
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

import fields
from fields import declared, knob, pytree
from synthetic.draws import unit
from synthetic.heads import Classes
from synthetic.task import Example, Judged, Spec, Task, register, registry

# The parts by default.
_REWRITING = {"alphabet": 16, "input_length": 8, "search_length": 2, "replace_length": 2}
_SHOWN: dict[str, dict[str, Any]] = {
    "apply": {"name": "markov", "num_rules": 30} | _REWRITING,
    "copy": {"name": "markov", "noop_rate": 1.0} | _REWRITING,
}
_PART = 0x50415254  # a stream of an example's key


@register("mixture")
@pytree
class Mixture(Task):
    """Examples of several tasks, each as often as its weight says; what each holds out stays unseen."""

    parts: dict = knob(None, doc="tasks by names of yours, {a: {name: markov, num_rules: 30}, b: ...}")
    weights: dict = knob(None, doc="how often each part is sampled in training, in any unit; null is equally often")
    seed: int = knob(0, low=0, unit="seed", doc="data seed of all parts")

    splits: ClassVar[Any] = property(lambda self: self._splits("splits", "train"))
    held_out: ClassVar[Any] = property(lambda self: self._splits("held_out"))
    few: ClassVar[Any] = property(lambda self: self._splits("few"))
    headline: ClassVar[Any] = property(lambda self: self._headline)
    curve: ClassVar[Any] = property(lambda self: self._ordered[0][1].curve)
    from_model: ClassVar[Any] = property(lambda self: any(part.from_model for _, part in self._ordered))

    def __post_init__(self) -> None:
        if self.parts is None:
            object.__setattr__(
                self, "parts", {name: _read_part(values, self.seed, name)[0] for name, values in _SHOWN.items()}
            )
        if self.weights is None:
            object.__setattr__(self, "weights", dict.fromkeys(self.parts, 1.0))

    @classmethod
    def read_values(cls, values: Mapping[str, Any], prefix: str) -> tuple[Mixture | None, list[str]]:
        """Builds a mixture of plain values, as `fields.check` does for tasks without parts."""
        known = declared(cls)
        errors = [f"{prefix}.{key}: {fields.unknown(key, known)}" for key in values if key not in known]
        seed: Any = fields.convert(values.get("seed", 0), known["seed"])
        if isinstance(seed, fields.Wrong):
            errors, seed = [*errors, f"{prefix}.seed: {seed.why}"], 0
        plain, weights = values.get("parts") or _SHOWN, values.get("weights")
        if not isinstance(plain, Mapping):
            return None, [
                *errors,
                f"{prefix}.parts: expected tasks by name, {{a: {{name: markov}}, ...}}, got {plain!r}",
            ]
        parts = {}
        for part, of_part in plain.items():
            if not isinstance(part, str) or not part.isidentifier():
                return None, [*errors, f"{prefix}.parts: expected names of letters, digits and _, got {part!r}"]
            task, wrong = _read_part(of_part, seed, f"{prefix}.parts.{part}")
            parts[part], errors = task, errors + wrong
        weights = dict.fromkeys(parts, 1.0) if weights is None else weights
        if not isinstance(weights, Mapping) or weights.keys() != parts.keys():
            errors.append(f"{prefix}.weights: expected a number for each of {', '.join(parts)}, got {weights!r}")
        elif not all(_is_weight(weight) for weight in weights.values()) or not any(weights.values()):
            errors.append(f"{prefix}.weights: expected numbers, at least 0 and not all of them, got {dict(weights)!r}")
        if errors:
            return None, errors
        mixture = cls(parts=parts, weights={name: float(weight) for name, weight in weights.items()}, seed=seed)
        errors = [f"{prefix}.{key}: {message}" for key, message in mixture.problems()]
        return (None, errors) if errors else (mixture, [])

    def plain_values(self) -> dict[str, Any]:
        """Returns the plain values of all fields, of which `read_values` makes the same mixture."""
        names = {cls: name for name, cls in registry().items()}
        parts = {
            name: {"name": names[type(part)]}
            | {key: getattr(part, key) for key in declared(type(part)) if key != "seed"}
            for name, part in self.parts.items()
        }
        return {"parts": parts, "weights": dict(self.weights), "seed": self.seed}

    @property
    def _ordered(self) -> list[tuple[str, Task]]:
        """Returns the parts by name, in an order that does not depend on how they were written."""
        return sorted(self.parts.items())

    def _splits(self, kind: str, *own: str) -> tuple[str, ...]:
        return (*own, *(f"{name}/{split}" for name, part in self._ordered for split in getattr(part, kind)))

    @property
    def _headline(self) -> str:
        name, part = self._ordered[0]
        return f"{name}/{part.headline or list(part.conditions())[-1]}"

    @property
    def spec(self) -> Spec:
        """Returns the shapes of the longest part."""
        specs = [part.spec for _, part in self._ordered]
        head = max((spec.head for spec in specs), key=lambda head: head.number if isinstance(head, Classes) else 0)
        tokens = [spec.vocabulary for spec in specs if spec.vocabulary is not None]
        first = specs[0]
        return Spec(max(s.length for s in specs), head, max(tokens, default=None), first.width_in, first.source)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields the parts that do not fit the first one, and those that have what no mixture keeps."""
        (first, one), *others = self._ordered
        for name, part in self._ordered:
            if type(part).objective is not Task.objective or part.measures():
                yield f"parts.{name}", "has an objective or measures of its own, which a mixture would not keep"
        for name, part in others:
            for what, ours, theirs in (
                ("tokens", one.spec.vocabulary, part.spec.vocabulary),
                ("numbers a vector", one.spec.width_in, part.spec.width_in),
                ("head", one.spec.head, part.spec.head),
                ("source", one.spec.source, part.spec.source),
                ("curve", one.curve, part.curve),
            ):
                if ours != theirs:
                    yield f"parts.{name}", f"must have the {what} of part {first}, {ours}, got {theirs}"
                    break

    def replace(self, **changes: Any) -> Mixture:
        """Returns a mixture with other values; a `seed` is that of all parts."""
        if "seed" in changes:
            parts = changes.get("parts", self.parts)
            seeded = {
                n: p.replace(seed=changes["seed"]) if "seed" in declared(type(p)) else p for n, p in parts.items()
            }
            changes = changes | {"parts": seeded}
        return fields.replace(self, **changes)

    def materialise(self, before: Callable[[jax.Array], jax.Array] | None = None) -> Task:
        """Returns the mixture of the parts with their finite sets."""
        made = {
            name: part.materialise(before) if part.from_model else part.materialise()
            for name, part in self.parts.items()
        }
        return self.replace(parts=made)

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns each part's conditions, as `part/condition`."""
        return {
            f"{name}/{condition}": (self.replace(parts=self.parts | {name: variant}), f"{name}/{split}")
            for name, part in self._ordered
            for condition, (variant, split) in part.conditions().items()
        }

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples an example of one part's split, or in `train` of any part with the chance of its weight.

        Facts: `part`, its place in the alphabetical order of names, and those of each part as `part/fact`, which are 0
        in examples of other parts.
        """
        places = {name: place for place, (name, _) in enumerate(self._ordered)}
        if split != "train":
            name, _, own = split.partition("/")
            return self._whole(places[name], self.parts[name].sample(key, own))
        ends = jnp.cumsum(jnp.stack([jnp.float32(self.weights[name]) for name in places]))
        chosen = (unit(jax.random.bits(jax.random.fold_in(key, _PART))) >= ends[:-1] / ends[-1]).sum()
        each = [self._whole(place, self.parts[name].sample(key, "train")) for name, place in places.items()]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves)[chosen], *each)

    def _whole(self, place: int, example: Example) -> Example:
        """Returns an example of the part at a place as one of the mixture: padded, with the facts of all parts."""
        room = self.spec.length - example.weights.shape[0]
        inputs, targets, weights = (
            jnp.pad(x, ((0, room), *((0, 0),) * (x.ndim - 1)))
            for x in (example.inputs, example.targets, example.weights)
        )
        facts = {"part": jnp.int32(place)}
        for other, (name, part) in enumerate(self._ordered):
            facts |= self._facts(name, part, example.facts if other == place else None)
        return Example(inputs, targets, weights, facts)

    def _facts(self, name: str, part: Task, facts: Mapping[str, jax.Array] | None) -> dict[str, jax.Array]:
        if facts is None:
            shapes = jax.eval_shape(lambda key: part.sample(key, part.splits[0]), jax.random.key(0)).facts
            facts = {fact: jnp.zeros(shape.shape, shape.dtype) for fact, shape in shapes.items()}
        return {f"{name}/{fact}": value for fact, value in facts.items()}

    def _own(self, example: Example) -> tuple[Task, Example]:
        """Returns the part that an example on the host is of, and the example as that part made it."""
        name, part = self._ordered[int(example.facts["part"])]
        return part, self._as_of(name, example)

    def _as_of(self, name: str, example: Example) -> Example:
        """Returns an example of a part as that part made it."""
        facts = {fact.partition("/")[2]: v for fact, v in example.facts.items() if fact.startswith(f"{name}/")}
        length = self.parts[name].spec.length
        inputs, targets, weights = (x[:length] for x in (example.inputs, example.targets, example.weights))
        return Example(inputs, targets, weights, facts)

    def oracle(self, example: Example) -> Sequence[Any]:
        """Returns the answer of the part's own oracle."""
        part, own = self._own(example)
        return part.oracle(own)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns the text of the part's own."""
        part, own = self._own(example)
        return part.render(own)

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the part's identities with its kind: two parts of one kind hold out the same."""
        part, own = self._own(example)
        return {(type(part).__name__, identity) for identity in part.identities(own)}

    @property
    def names(self) -> Sequence[str]:
        """Returns the text of each token, from the part with the most tokens."""
        return max((part.names for _, part in self._ordered), key=len)

    @property
    def end(self) -> int | None:
        """Returns the token that ends an answer if all parts have the same."""
        ends = {part.end for _, part in self._ordered}
        return ends.pop() if len(ends) == 1 else None

    def judge(self, example: Example, decoded: jax.Array) -> Mapping[str, Judged]:
        """Returns those scores of a decoded answer that the judges of all parts give."""
        each = [part.judge(self._as_of(name, example), decoded[: part.spec.length]) for name, part in self._ordered]
        names = [name for name in each[0] if all(name in scores for scores in each)]
        own = [{name: scores[name] for name in names} for scores in each]
        return jax.tree.map(lambda *values: jnp.stack(values)[example.facts["part"]], *own)

    def tiny(self) -> Task:
        """Returns the mixture of tiny parts."""
        return self.replace(parts={name: part.tiny() for name, part in self.parts.items()})


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < np.inf


def _seeded(name: str, seed: Any) -> dict[str, Any]:
    return {"seed": seed} if "seed" in declared(registry()[name]) else {}


def _read_part(values: Any, seed: Any, prefix: str) -> tuple[Task | None, list[str]]:
    """Builds a part of plain values: returns (task, []) or (None, errors)."""
    name = values.get("name") if isinstance(values, Mapping) else None
    known = {name: cls for name, cls in registry().items() if cls is not Mixture}
    if not isinstance(name, str) or name not in known:
        return None, [f"{prefix}.name: unknown task {name!r}; allowed: {', '.join(known)}"]
    if "seed" in values:
        return None, [f"{prefix}.seed: all parts share task.seed, so that none trains on what another holds out"]
    own = {key: value for key, value in values.items() if key != "name"}
    return fields.check(own | _seeded(name, seed), known[name], prefix)
