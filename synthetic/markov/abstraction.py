"""Rewriting with abstraction: an identity with variables rewrites the one sub-tree of an expression that it matches.

The task is that of "Only-IF" (arXiv 2410.04717, section 3), made there for a pre-trained model. A random expression
tree of some depth has, in place of a random leaf, the left side of an identity with random trees for its variables. The
answer is the expression with the right side in that place. a^2 - b^2 = (a + b)(a - b) is such an identity.

In prefix notation, an aligned example (4 operators, expressions of depth 1, groundings of depth 0; `.` marks no loss
and, in the prompt, fills each side of the rule up to seven tokens):

    inputs    - * A A * B B = * + A B - A B : + d - * c c * f f > + d * + c f - c f
    targets   . . . . . . . . . . . . . . . . . . . . . . . . . + d * + c f - c f .
    weights   0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1

The paper gives neither rules nor templates. These are ours. Operators are binary. A rule's sides have two or three
operators each, all its variables stand on the left, and rules are numbered (`identities`). No other sub-tree is
matched; trees are drawn so that this holds. The end token closes the answer. Training shows specialised rules in
expressions of `min_depth` to `depth`, mixed with rules of diversification in expressions up to `diverse_depth`.
Specialised rules are then tested at `test_depth`.
"""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Hashable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.heads import Classes
from synthetic.markov import terms, trees
from synthetic.markov.identities import identity, sides
from synthetic.task import Example, Spec, Task, register

_INPUTS = {"train": 0, "seen": 1, "unseen": 2}  # streams of the data seed, by split
_RULES = 3
_UNLIMITED = 2**31 - 1  # inputs of a rule
_OPERATORS = "+-*/^&|%@#$!?~;_"


@register("markov_abstraction")
@pytree
class MarkovAbstraction(Task):
    """Rewrite by an identity with variables the one sub-tree of an expression that it matches."""

    operators: int = static(4, low=2, high=16, unit="operators", doc="number of binary operators")
    letters: int = static(8, low=2, high=26, unit="letters", doc="number of letters for the leaves of expressions")
    variables: int = static(3, low=1, high=3, unit="variables", doc="variables of each rule")
    max_depth: int = static(2, low=0, high=8, unit="levels", doc="depth of the deepest expression that fits")
    max_ground_depth: int = static(0, low=0, high=4, unit="levels", doc="depth of the deepest grounding that fits")
    min_depth: int = knob(0, low=0, high=8, unit="levels", doc="least depth of a training expression")
    depth: int = knob(1, low=0, high=8, unit="levels", doc="depth of the deepest training expression")
    test_depth: int = knob(2, low=0, high=8, unit="levels", doc="depth of the expressions of the deeper tests")
    ground_depth: int = knob(0, low=0, high=4, unit="levels", doc="depth of the trees put in for variables")
    num_rules: int = knob(1000, low=1, high=2**23, unit="rules", doc="rules in the training set; the specialised ones")
    diverse_rules: int = knob(100, low=0, high=2**23, unit="rules", doc="rules of diversification; 0 is none")
    diverse_share: float = knob(
        0.0, low=0.0, high=1.0, unit="share", doc="share of examples with a rule of diversification"
    )
    diverse_depth: int = knob(2, low=0, high=8, unit="levels", doc="depth of the deepest expression with such a rule")
    examples: int = knob(0, low=0, high=2 * 10**9, unit="examples", doc="training examples in all; 0 is unlimited")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the rules, what is held out and the finite set")

    splits: ClassVar[tuple[str, ...]] = ("train", "seen", "unseen")
    headline: ClassVar[str] = "unseen"
    rates: ClassVar[Mapping[str, str]] = {"diverse": "diverse_share"}

    @property
    def spec(self) -> Spec:
        """Returns the shapes; tokens are letters, operators, variables, then `=`, `:`, `>` and `.`, the end."""
        vocabulary = self._special + 4
        return Spec(
            length=self._length(self.max_depth, self.max_ground_depth), head=Classes(vocabulary), vocabulary=vocabulary
        )

    @property
    def _special(self) -> int:
        """Returns the first token that is neither letter, operator nor variable."""
        return self.letters + self.operators + self.variables

    @staticmethod
    def _length(depth: int, ground_depth: int) -> int:
        """Returns the positions of the longest example.

        They are a rule, two expressions and four tokens, the last of which is no input.
        """
        expression = trees.size(depth) - 1 + 3 + 4 * trees.size(ground_depth)
        return 2 * trees.SLOTS + 2 * expression + 3

    def rules_that_exist(self, *, held_out: bool = False) -> int:
        """Returns the number of distinct rules to train with, or that are held out."""
        return math.prod(sides(self.operators, self.variables, held_out=held_out))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        deep, ground = self.max_depth, self.max_ground_depth
        for name in ("depth", "test_depth", "diverse_depth"):
            if (depth := getattr(self, name)) > deep:
                needs = f"which gives {self._length(deep, ground)} positions; it needs "
                yield name, f"at most task.max_depth = {deep}, {needs}{self._length(depth, ground)}, got {depth}"
        if (depth := self.ground_depth) > ground:
            needs = f"which gives {self._length(deep, ground)} positions; it needs "
            yield (
                "ground_depth",
                f"at most task.max_ground_depth = {ground}, {needs}{self._length(deep, depth)}, got {depth}",
            )
        if self.min_depth > self.depth:
            yield "min_depth", f"at most task.depth = {self.depth}, got {self.min_depth}"
        if self.test_depth < self.depth <= deep:
            yield "test_depth", f"at least task.depth = {self.depth}, got {self.test_depth}"
        if self.diverse_rules > 0 and self.min_depth > self.diverse_depth:
            yield "min_depth", f"at most task.diverse_depth = {self.diverse_depth}, got {self.min_depth}"
        if self.num_rules + self.diverse_rules > self.rules_that_exist():
            yield (
                "num_rules",
                f"at most {self.rules_that_exist()}, with task.diverse_rules, exist for task.operators = "
                f"{self.operators} and task.variables = {self.variables} (not counting those held out for testing), "
                f"got {self.num_rules} and {self.diverse_rules}",
            )

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the training set, specialised rules on fresh inputs, and unseen rules.

        Expressions are as deep as in training, or deeper.
        """
        special = self.replace(diverse_share=0.0)
        deeper = special.replace(min_depth=self.test_depth, depth=self.test_depth)
        return {
            "train": (self, "train"),
            "seen": (special, "seen"),
            "seen/deeper": (deeper, "seen"),
            "unseen/deeper": (deeper, "unseen"),
            "unseen": (special, "unseen"),
        }

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a rule and one of its inputs: see `example`.

        The rule is one of diversification with the share `diverse_share`.
        """
        bits = jax.random.bits(key, (3,), jnp.uint32)
        if split == "unseen":
            rule = below(bits[0], min(self.rules_that_exist(held_out=True), _UNLIMITED))
            return self.example(split, rule, below(bits[1], _UNLIMITED))
        diverse = unit(bits[2]) < self._diverse_share
        rules = jnp.where(diverse, self.diverse_rules, self.num_rules)
        rule = below(bits[0], rules) + jnp.where(diverse, self.num_rules, 0)
        copies = jnp.int32(_UNLIMITED)
        if split == "train":
            copies = jnp.where(self.examples > 0, self._copies(diverse, rules), copies)
        return self.example(split, rule, below(bits[1], copies))

    @property
    def _diverse_share(self) -> jax.Array:
        return jnp.where(self.diverse_rules > 0, self.diverse_share, 0.0)

    def _copies(self, diverse: jax.Array | bool, rules: jax.Array | int) -> jax.Array:
        """Returns the size of the finite set of one rule, of diversification or not, of which there are `rules`."""
        share = jnp.where(diverse, self._diverse_share, 1 - self._diverse_share)
        return jnp.maximum(jnp.round(self.examples * share / rules), 1).astype(jnp.int32)

    @property
    def _copies_of_each(self) -> tuple[jax.Array, jax.Array]:
        """Returns the inputs of each specialised rule, and of each rule of diversification; 0 if none is drawn."""
        special = self._copies(False, self.num_rules) * (self._diverse_share < 1)
        return special, self._copies(True, jnp.maximum(self.diverse_rules, 1)) * (self._diverse_share > 0)

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of training examples, near `examples`."""
        special, diverse = self._copies_of_each
        return (self.num_rules * special + self.diverse_rules * diverse) * (self.examples > 0)

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns an input of a rule: rules by turns, each with all its inputs, those of diversification last."""
        special, diverse = self._copies_of_each
        beyond = index - self.num_rules * special
        copies = jnp.maximum(jnp.where(beyond < 0, special, diverse), 1)
        place = jnp.where(beyond < 0, index, beyond)
        rule = place // copies + jnp.where(beyond < 0, 0, self.num_rules)
        return self.example(split, rule, place % copies)

    def example(self, split: str, rule: jax.Array, copy: jax.Array) -> Example:
        """Returns input number `copy` of rule number `rule`, a pure function of (data seed, split, rule, copy).

        Training rules from number `num_rules` on are those of diversification.
        """
        data = jax.random.key(self.seed)
        held_out = split == "unseen"
        rules = jax.random.fold_in(data, _RULES)
        left, right = identity(rules, rule, self.operators, self.variables, held_out=held_out)
        key = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(data, _INPUTS[split]), rule), copy)
        outer, inner = trees.words(self.max_depth), trees.words(self.max_ground_depth)
        bits = jax.random.bits(key, (2 + outer + self.variables * inner,), jnp.uint32)
        diverse = (rule >= self.num_rules) & (not held_out)
        deepest = jnp.where(diverse, self.diverse_depth, self.depth)
        depth = self.min_depth + below(bits[0], deepest - self.min_depth + 1)
        ways = left.edge, self.operators, self.letters
        context = trees.tree(bits[2 : 2 + outer], depth, self.max_depth, *ways)
        ground = jax.vmap(lambda b: trees.tree(b, self.ground_depth, self.max_ground_depth, *ways))(
            bits[2 + outer :].reshape(self.variables, inner)
        )
        leaves = jnp.cumsum(context.leaf)
        hole = jnp.argmax(leaves > below(bits[1], leaves[-1]))
        text, prompt, length = self._text(left, right, context, hole, ground)
        place = jnp.arange(self.spec.length)
        answered = (place >= prompt - 1) & (place < prompt - 1 + length)
        facts = {"rule": rule, "depth": depth, "diverse": diverse, "tokens": length - 1}
        return Example(text[:-1], text[1:], answered.astype(jnp.float32), facts)

    def _text(
        self, left: trees.Pattern, right: trees.Pattern, context: trees.Tree, hole: jax.Array, ground: trees.Tree
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns the example's tokens, int32[length + 1], the length of its prompt and that of its answer with END."""
        equals, colon, arrow, end = (jnp.full((1,), self._special + i) for i in range(4))
        always, place = jnp.ones((1,), bool), jnp.arange(context.tokens.shape[0])

        def side(pattern: trees.Pattern) -> list[tuple[jax.Array, jax.Array]]:
            numbers, present = trees.slots(pattern)
            leaf = np.array([slot not in (0, 1, 4) for slot in range(trees.SLOTS)])
            tokens = numbers + self.letters + self.operators * leaf
            return [(tokens, present), (jnp.repeat(end, 2), jnp.repeat(pattern.shape != trees.BOTH, 2))]

        def whole(pattern: trees.Pattern) -> list[tuple[jax.Array, jax.Array]]:
            return [
                (context.tokens, context.present & (place < hole)),
                trees.grounded(pattern, ground, self.letters),
                (context.tokens, context.present & (place > hole)),
            ]

        rule = [*side(left), (equals, always), *side(right), (colon, always)]
        prompt, answer = [*rule, *whole(left), (arrow, always)], [*whole(right), (end, always)]
        tokens, present = (jnp.concatenate(parts) for parts in zip(*prompt, *answer, strict=True))
        prompt_length = jnp.concatenate([p for _, p in prompt]).sum()
        return (
            trees.compact(tokens, present, self.spec.length + 1, self._special + 3),
            prompt_length,
            present.sum() - prompt_length,
        )

    @property
    def names(self) -> list[str]:
        """Returns letters and operators, the variables of rules, and marks."""
        known = [*string.ascii_lowercase[: self.letters], *_OPERATORS[: self.operators]]
        return [*known, *string.ascii_uppercase[: self.variables], "=", ":", ">", "."]

    def _parts(self, example: Example) -> list[list[str]]:
        """Returns the rule's two sides and the expression, each in tokens, without the filling of the sides."""
        names = self.names
        tokens = [names[token] for token in np.asarray(example.inputs).tolist()]
        cuts = [-1, *(tokens.index(mark) for mark in "=:>")]
        return [[t for t in tokens[a + 1 : b] if t != "."] for a, b in itertools.pairwise(cuts)]

    def oracle(self, example: Example) -> list[int]:
        """Parses the expression into nested tuples, rewrites its first match in prefix order, and formats it again."""
        names = self.names
        left, right, expression = (terms.parse(part, _OPERATORS[: self.operators]) for part in self._parts(example))
        answer = terms.rewrite(expression, left, right, string.ascii_uppercase[: self.variables])
        return [names.index(token) for token in [*terms.format_term(answer), "."]]

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the rule's two sides: neither of a test rule is met in training."""
        left, right, _ = self._parts(example)
        return {("left", tuple(left)), ("right", tuple(right))}

    def tiny(self) -> Task:
        """Returns a task with all 60 training rules of two operators and one variable.

        4 rules have both sides held out.
        """
        return self.replace(operators=2, variables=1, num_rules=60, diverse_rules=0)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns (rule and expression, answer), in prefix notation with spaces."""
        inputs, targets = np.asarray(example.inputs), np.asarray(example.targets)
        answered = np.flatnonzero(np.asarray(example.weights) > 0)
        names = self.names
        parts = [[names[t] for t in part.tolist()] for part in (inputs[: answered[0] + 1], targets[answered])]
        return " ".join(parts[0]), " ".join(parts[1])
