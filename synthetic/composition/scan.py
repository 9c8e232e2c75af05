"""SCAN: commands as actions, with a primitive, or some, that training has alone (arXiv 2311.04420).

The grammar has any number of primitives. Training has a finite number of distinct commands of all but one of them, or
all but some, and those by themselves; the test composes them. The other primitives may be said by themselves too, so
that a command of one word is nothing special: in the original they are. In the small grammar, with p0 held out:

    inputs    p2 left twice and p1 :  L  a2 L  a2 a1
    targets   left twice and p1 : L  a2 L  a2 a1 .
    weights   0    0     0   0  0 1  1  1  1  1  1
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic.composition.grammar import ACT, GRAMMARS, LEFT, Grammar, interpret
from synthetic.draws import below, unit
from synthetic.permutation import shuffled
from synthetic.prompts import END, PromptTask, Text, redrawn
from synthetic.rasp.samples import splice
from synthetic.task import Example, Task, register

_COMMANDS = 0x5343414E  # the stream of the data seed that orders commands
_MOST = 2**30  # commands that can be put in order


@register("scan")
@pytree
class Scan(PromptTask):
    """Say the actions of a command; the test composes a primitive that training has by itself alone."""

    grammar: str = static(
        "small", choices=tuple(GRAMMARS), doc="forms of phrases: all of SCAN's, or left, right, twice"
    )
    most_primitives: int = static(40, low=2, high=10**4, unit="words", doc="primitives that the vocabulary has")
    primitives: int = knob(4, low=2, high=10**4, unit="words", doc="primitives in use, the held-out one among them")
    distinct: int = knob(800, low=1, high=_MOST, unit="commands", doc="distinct training commands")
    bare_share: float = knob(
        0.1, low=0.0, high=1.0, unit="share", doc="share of training examples that are the held-out primitive by itself"
    )
    alone_share: float = knob(
        0.0,
        low=0.0,
        high=1.0,
        unit="share",
        silent=True,
        doc="share of training examples that are another primitive by itself, beside the distinct commands",
    )
    bare_primitives: int = static(
        1, low=1, high=10**4, unit="words", silent=True, doc="held-out primitives: those that training has alone"
    )
    one_phrase: float | None = knob(
        None,
        low=0.0,
        high=1.0,
        unit="share",
        silent=True,
        doc="share of the distinct commands that have one phrase, the others two; null: what share there is of them",
    )
    min_phrases: int = knob(1, low=1, high=2, unit="phrases", doc="fewest phrases of a training command")
    max_phrases: int = knob(2, low=1, high=2, unit="phrases", doc="most phrases of a training command")
    test_phrases: int = knob(
        2, low=1, high=2, unit="phrases", doc="most phrases of a command with the held-out primitive"
    )
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the training commands")

    splits: ClassVar[tuple[str, ...]] = ("train", "fresh", "composed")
    held_out: ClassVar[tuple[str, ...]] = ("fresh", "composed")
    headline: ClassVar[str] = "composed"
    rates: ClassVar[Mapping[str, str]] = {"bare": "bare_share", "alone": "alone_share"}

    @property
    def _grammar(self) -> Grammar:
        return GRAMMARS[self.grammar]

    @property
    def _free(self) -> Any:
        """Returns the number of primitives that training composes."""
        return self.primitives - self.bare_primitives

    @property
    def names(self) -> list[str]:
        """Returns the marks, the words of the grammar, the primitives p0 .., turns L and R, and actions a0 .. ."""
        numbers = range(self.most_primitives)
        return [".", ":", *self._grammar.words, *(f"p{i}" for i in numbers), "L", "R", *(f"a{i}" for i in numbers)]

    @property
    def longest(self) -> int:
        """Counts two phrases, what joins them, the colon, their actions and END."""
        return 2 * self._grammar.most_words + 2 + 2 * self._grammar.most_actions + 1

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if self.primitives > self.most_primitives:
            yield "primitives", f"at most task.most_primitives = {self.most_primitives}, got {self.primitives}"
        elif self.bare_primitives >= self.primitives:
            yield "bare_primitives", f"below task.primitives = {self.primitives}, got {self.bare_primitives}"
        elif self.min_phrases > self.max_phrases:
            yield "min_phrases", f"at most task.max_phrases = {self.max_phrases}, got {self.min_phrases}"
        elif self.one_phrase is not None and (self.min_phrases, self.max_phrases) != (1, 2):
            yield "one_phrase", f"needs commands of 1 to 2 phrases, got {self.min_phrases} to {self.max_phrases}"
        elif self.one_phrase is not None and (most := self._grammar.phrases(self._free)) <= (
            needed := round(self.one_phrase * self.distinct) + self._free * (self.alone_share > 0)
        ):
            yield "one_phrase", f"so few that fresh commands of one phrase are left of {most}, got {needed}"
        elif (every := self._commands()[1]) > _MOST:
            yield "primitives", f"so few that there are {_MOST} commands or fewer, got {self.primitives} ({every})"
        elif self.bare_share + self.alone_share > 1:
            yield "alone_share", f"at most 1 - task.bare_share = {1 - self.bare_share:g}, got {self.alone_share}"
        elif self.distinct >= (left := every - self._free * (self.alone_share > 0)):
            yield (
                "distinct",
                f"below {left}, the number of such commands, so that fresh ones are left, got {self.distinct}",
            )

    def _commands(self) -> tuple[int, int]:
        """Returns the first number of a training command, and how many there are: one phrase first, then two."""
        phrases = self._grammar.phrases(self._free)
        first = (self.min_phrases - 1) * phrases
        return first, (phrases if self.max_phrases == 1 else phrases + 2 * phrases * phrases) - first

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns training's commands, fresh ones of the same kind, and those that compose the held-out primitive.

        Where it is said how many commands have one phrase, fresh ones of that kind are apart under `fresh_one_phrase`.
        """
        conditions: dict[str, tuple[Task, str]] = {split: (self, split) for split in self.splits}
        if self.one_phrase is not None:
            one = self.replace(distinct=jnp.round(self.one_phrase * self.distinct).astype(jnp.int32), one_phrase=1.0)
            conditions["fresh_one_phrase"] = one, "fresh"
        return conditions

    def write(self, key: jax.Array, split: str) -> Text:
        """Samples a command and writes it with its actions.

        Facts: phrases, whether it is the held-out primitive `bare`, and whether it is another one put there `alone`.
        """
        bits = jax.random.bits(key, (8,), jnp.uint32)
        bare = alone = jnp.bool_(False)
        # Joined is 0 for one phrase, 1 for `and`, 2 for `after`.
        if split == "composed":
            joined, phrases = self._composed(bits)
        elif split == "fresh":
            joined, phrases = redrawn(key, self._fresh, self._is_unsaid)
        else:
            joined, phrases = self._known(bits[:2], fresh=False)
            bare, alone = unit(bits[2]) < self.bare_share, unit(bits[2]) >= 1 - jnp.asarray(self.alone_share)
            joined = jnp.where(bare | alone, 0, joined)
            held = 0 if self.bare_primitives == 1 else below(bits[4], self.bare_primitives)
            other = self.bare_primitives + below(bits[3], jnp.asarray(self.primitives) - self.bare_primitives)
            phrases = jnp.where(bare | alone, jnp.stack([jnp.where(bare, held, other), 0, 0]), phrases)
        return self._written(joined, phrases, {"bare": bare, "alone": alone})

    def _fresh(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        return self._known(jax.random.bits(key, (2,), jnp.uint32), fresh=True)

    def _is_unsaid(self, command: tuple[jax.Array, jax.Array]) -> jax.Array:
        """Returns whether a command is none of those that `alone_share` puts into training."""
        joined, phrases = command
        primitive, form, repeat = phrases[0]
        alone = (joined == 0) & (primitive >= 0) & (form == 0) & (repeat == 0)
        return ~alone | (jnp.asarray(self.alone_share) == 0)

    def _known(self, bits: jax.Array, *, fresh: bool) -> tuple[jax.Array, jax.Array]:
        """Returns a training command, or a fresh one, as what joins its phrases and both as int32[2, 3].

        A phrase is its primitive, form and repetition; -1 is `turn`. Training has the first commands in an order that
        the data seed decides, fresh ones are the others.
        """
        of_index, of_kind = bits
        grammar, free = self._grammar, jnp.asarray(self.primitives) - self.bare_primitives
        phrases = len(grammar.repeats) * (len(grammar.forms) * free + len(grammar.forms) - 1)
        one = jnp.where(self.max_phrases == 1, phrases, phrases + 2 * phrases * phrases)
        first = (jnp.asarray(self.min_phrases) - 1) * phrases
        distinct = jnp.asarray(self.distinct)
        order = jax.random.fold_in(jax.random.key(self.seed), _COMMANDS)

        def picked(distinct: jax.Array, every: jax.Array) -> jax.Array:
            index = distinct + below(of_index, every - distinct) if fresh else below(of_index, distinct)
            return shuffled(order, index, every)

        if self.one_phrase is None:
            number = first + picked(distinct, one - first)
        else:
            # Each kind has its own number of commands, and is as frequent as its share of them.
            singles = jnp.round(jnp.asarray(self.one_phrase) * distinct).astype(jnp.int32)
            single = picked(jnp.maximum(singles, 1), phrases)
            pair = picked(jnp.maximum(distinct - singles, 1), 2 * phrases * phrases)
            number = jnp.where(unit(of_kind) * distinct < singles, single, phrases + pair)
        pair = jnp.maximum(number - phrases, 0)
        pair_of_phrases = jnp.stack([jnp.where(number < phrases, number, pair % phrases), (pair // phrases) % phrases])
        return jnp.where(number < phrases, 0, 1 + pair // (phrases * phrases)), self._phrase(
            pair_of_phrases, free, self.bare_primitives
        )

    def _phrase(self, number: jax.Array, primitives: jax.Array, first: int) -> jax.Array:
        """Returns phrases by their number, as primitive (from `first` on), form and repetition: int32[..., 3]."""
        repeats, forms = len(self._grammar.repeats), len(self._grammar.forms)
        unit_number, repeat = number // repeats, number % repeats
        turned = unit_number >= forms * primitives
        primitive = jnp.where(turned, -1, first + unit_number // forms)
        form = jnp.where(turned, 1 + unit_number - forms * primitives, unit_number % forms)
        return jnp.stack([primitive, form, repeat], -1)

    def _composed(self, bits: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Returns a command in which some phrase has a held-out primitive, as `_known` does: all are as likely.

        With V phrases, H of them with one of K such primitives, there are H - K commands of one phrase, as training has
        K of them, and 2 (V V - (V - H)^2) of two; of these, V H have it in the first phrase and (V - H) H in the second
        alone.
        """
        grammar = self._grammar
        primitives = jnp.asarray(self.primitives)
        each = len(grammar.repeats) * len(grammar.forms)
        held = each * self.bare_primitives
        every = len(grammar.repeats) * (len(grammar.forms) * primitives + len(grammar.forms) - 1)
        single, two = held - self.bare_primitives, jnp.float32(2 * held) * (jnp.asarray(self.test_phrases) == 2)
        first, second = two * every, two * (every - held)
        kind = unit(bits[0]) * (single + first + second)
        of_one = 1 + below(bits[1], single)
        if self.bare_primitives > 1:  # the first of a primitive's phrases is the primitive by itself, which is no test
            of_one += (of_one - 1) // (each - 1)
        of_held = of_one, below(bits[1], held)
        ours = self._phrase(jnp.where(kind < single, *of_held), primitives, 0)
        other = self._phrase(below(bits[2], every), primitives, 0)
        # Phrases without the primitive are those behind it in number.
        unlike = self._phrase(held + below(bits[2], every - held), primitives, 0)
        pair_of_phrases = jnp.where(kind < single + first, jnp.stack([ours, other]), jnp.stack([unlike, ours]))
        return jnp.where(kind < single, 0, 1 + below(bits[3], 2)), pair_of_phrases

    def _written(self, joined: jax.Array, phrases: jax.Array, facts: dict[str, jax.Array]) -> Text:
        names = self.names
        words, actions, lengths = jax.vmap(self._say)(phrases)
        two = (joined > 0).astype(jnp.int32)
        joint = jnp.where(joined == 2, names.index("after"), names.index("and"))
        turned = (joined == 2).astype(jnp.int32)
        tokens, length = splice(
            (words[0], lengths[0, 0]),
            (joint, two),
            (words[1], lengths[1, 0] * two),
            (names.index(":"), 1),
            (actions[turned], lengths[turned, 1]),
            (actions[1 - turned], lengths[1 - turned, 1] * two),
            (END, 1),
        )
        prompt = lengths[0, 0] + two * (1 + lengths[1, 0]) + 1
        return Text(tokens, prompt, length, {"phrases": 1 + two, **facts})

    def _say(self, phrase: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns a phrase's words, its actions, and how many there are of both, int32[2]."""
        names, grammar = self.names, self._grammar
        primitive, form, repeat = phrase
        turned = primitive < 0
        word = jnp.where(turned, names.index("turn"), names.index("p0") + primitive)
        manners, sides = (
            jnp.array([names.index(form[i]) if form[i] else 0 for form in grammar.forms])[form] for i in (0, 1)
        )
        times = jnp.array([0, *(names.index(name) for name in ("twice", "thrice")[: len(grammar.repeats) - 1])])[repeat]
        parts = jnp.stack([word, manners, sides, times])
        words, count = splice(*((part, part > 0) for part in parts))
        tables = [jnp.stack([jnp.asarray(table[i]) for table in map(self._table, (False, True))]) for i in (0, 1)]
        length, kinds = tables[0][turned.astype(int), form], tables[1][turned.astype(int), form]
        times_said = jnp.array(grammar.repeats)[repeat]
        slot = jnp.arange(grammar.most_actions) % jnp.maximum(length, 1)
        kind = kinds[slot]
        act = names.index("a0") + primitive
        actions = jnp.where(kind == ACT, act, jnp.where(kind == LEFT, names.index("L"), names.index("R")))
        return words, actions, jnp.stack([count, length * times_said])

    def _table(self, turn: bool) -> tuple:
        return self._grammar.actions(turn=turn)

    def answer(self, prompt: list[int], example: Example) -> list[int]:
        """Returns the actions by an interpreter that rewrites the command's text."""
        names = self.names
        acts = {f"p{i}": f"a{i}" for i in range(self.most_primitives)}
        actions = interpret(self.format(prompt[:-1]), acts).replace("TURN_LEFT", "L").replace("TURN_RIGHT", "R")
        return [*map(names.index, actions.split()), END]

    def tiny(self) -> Task:
        """Returns commands of one phrase of three primitives: 12 of 16 are training's, and 5 compose the third."""
        return self.replace(
            grammar="small", most_primitives=3, primitives=3, distinct=12, min_phrases=1, max_phrases=1, test_phrases=1
        )
