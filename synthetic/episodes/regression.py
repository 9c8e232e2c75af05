"""Linear regression in context, of a mixture of a continuous law of weights and a finite pool.

Kotha, Springer, Raghunathan, "Understanding catastrophic forgetting in language models via implicit inference"
(arXiv 2309.10105). A prompt is points and labels in turn, then one more point; a label is its point's product with the
prompt's weights, plus noise, in the first coordinate of its position. Weights are drawn from a normal law, or are one
of a pool that the data seed fixes. A condition's targets are without noise, so its error is the excess over the noise.

Two dimensions, three points (`.` marks no loss):

    inputs    x0  y0  x1  y1  x2
    targets   y0  .   y1  .   y2
    weights   1   0   1   0   1
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from fields import knob, pytree, static
from synthetic.draws import below, unit
from synthetic.episodes import linear
from synthetic.episodes.vectors import HELD_OUT, POOLED, TRAINED, UNLIMITED, vector, vectors
from synthetic.heads import Numbers
from synthetic.measures import Measure, Measured
from synthetic.task import Example, Spec, Task, register

_ERROR: dict[str, Any] = {"high": None, "better": "lower"}


@register("episode_regression")
@pytree
class RegressionEpisodes(Task):
    """Answer linear regression in context; weights are of a normal law, whose test vectors are new, or of a pool."""

    dimensions: int = static(20, low=1, high=1000, unit="numbers", doc="d, the numbers of a point")
    points: int = static(41, low=2, high=1000, unit="points", doc="points of a prompt; all but the last have a label")
    pool: int = static(64, low=1, high=4096, unit="vectors", doc="n, weight vectors in the finite pool")
    noise: float = knob(1.0, low=0.01, high=100.0, doc="standard deviation of the noise of labels")
    spread: float = knob(1.0, low=0.01, high=100.0, doc="standard deviation of weights, of the pool's too")
    pooled: float = knob(
        0.5, low=0.0, high=1.0, unit="share", doc="share of training prompts whose weights are of the pool"
    )
    tasks: int = knob(
        UNLIMITED,
        low=1,
        high=UNLIMITED,
        unit="vectors",
        doc="weight vectors of the normal law in training, and as many for tests",
    )
    first: int = knob(1, low=0, high=999, unit="examples", doc="fewest examples before the points that are early")
    last: int = knob(3, low=0, high=999, unit="examples", doc="most examples before the points that are early")
    factor: float = knob(1.0, low=0.01, high=100.0, doc="factor of a prompt's labels, and so of its answers")
    scale: float = knob(2.0, low=0.01, high=100.0, doc="factor of labels in the scaled conditions")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the pool and the vectors of the normal law")

    splits: ClassVar[tuple[str, ...]] = ("train", "pool", "continuous")
    held_out: ClassVar[tuple[str, ...]] = ("continuous",)
    headline: ClassVar[str] = "continuous"
    rates: ClassVar[Mapping[str, str]] = {"pooled": "pooled"}
    curve: ClassVar[bool] = True

    @property
    def spec(self) -> Spec:
        """Returns two positions a point but for the last, which has no label; the target is a number."""
        return Spec(length=2 * self.points - 1, head=Numbers(1), width_in=self.dimensions)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if not self.first <= self.last < self.points:
            yield (
                "last",
                f"must be at least task.first = {self.first} and below task.points = {self.points}, got {self.last}",
            )

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns both laws, with all points asked, with the early ones alone, and these with scaled labels."""
        variants = {
            "": self.replace(first=0, last=self.points - 1),
            "/early": self,
            "/scaled": self.replace(factor=self.factor * self.scale),
        }
        return {law + name: (task, law) for name, task in variants.items() for law in ("pool", "continuous")}

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples weights of the split's law, then points and the noise of their labels.

        Facts: `pooled`, whether the weights are of the pool; `factor`, that of the labels; the weights as numbers,
        `weight_0` and so on.
        """
        count, size = self.points, self.dimensions
        bits_key, normal_key = jax.random.split(key)
        bits = jax.random.bits(bits_key, (3,), jnp.uint32)
        pooled = {"pool": True, "continuous": False}.get(split, unit(bits[0]) < self.pooled)
        stream = jnp.where(pooled, POOLED, HELD_OUT if split == "continuous" else TRAINED)
        number = jnp.where(pooled, below(bits[1], self.pool), below(bits[2], self.tasks))
        weights = self.spread * vector(self.seed, stream, number, size)
        normal = jax.random.normal(normal_key, (count, size + 1))
        x, noise = normal[:, :size], self.noise * normal[:, size]
        clean = (x * weights).sum(-1)
        labels = self.factor * (clean + noise)
        targets = labels if split == "train" else self.factor * clean
        shown = jnp.where(jnp.arange(size) == 0, labels[:, None], 0.0)
        place = jnp.arange(count)
        weighted = jnp.ones(count) if split == "train" else (place >= self.first) & (place <= self.last)
        facts = {"pooled": jnp.asarray(pooled), "factor": jnp.float32(self.factor)} | {
            f"weight_{i}": weights[i] for i in range(size)
        }
        inputs = jnp.stack([x, shown], 1).reshape(2 * count, size)[:-1]
        return Example(inputs, _at_points(targets)[:, None], _at_points(weighted.astype(jnp.float32)), facts)

    def oracle(self, example: Example) -> list[list[float]]:
        """Returns the products of the points with the weights in the facts, summed in Python."""
        weights = [float(example.facts[f"weight_{i}"]) for i in range(self.dimensions)]
        points = np.asarray(example.inputs, np.float64)[np.asarray(example.weights) > 0].tolist()
        return [[self.factor * sum(w * x for w, x in zip(weights, point, strict=True))] for point in points]

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("(0.52 -1.1) 0.31; (2 0.4) ?", "0.29 1.7"): points with their labels, and the answers."""
        rows = np.asarray(example.inputs).tolist()
        labels = [f"{row[0]:.6g}" for row in rows[1::2]] + ["?"]
        points = [" ".join(f"{number:.6g}" for number in row) for row in rows[::2]]
        prompt = "; ".join(f"({point}) {label}" for point, label in zip(points, labels, strict=True))
        answers = np.asarray(example.targets)[np.asarray(example.weights) > 0, 0]
        return prompt, " ".join(f"{answer:.6g}" for answer in answers)

    def identities(self, example: Example) -> set[Hashable]:
        """Returns the weights, rounded."""
        return {tuple(round(float(example.facts[f"weight_{i}"]), 4) for i in range(self.dimensions))}

    def tiny(self) -> Task:
        """Returns a task of two dimensions, a pool of two vectors and four vectors of the normal law on each side."""
        return self.replace(dimensions=2, points=3, pool=2, tasks=4, first=0, last=2)

    def pool_vectors(self) -> jax.Array:
        """Returns the weights of the pool, float32[pool, dimensions]."""
        return self.spread * vectors(self.seed, POOLED, jnp.arange(self.pool), self.dimensions)

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns ridge, which is exact for the normal law, discrete, for the pool, and bayes, for training's mixture.

        They take labels as they stand, so that scaled ones are unlikely to them too.
        """

        def laws(example: Example) -> tuple[linear.Answers, linear.Answers]:
            x, y = _prompt(example)
            return linear.discrete(x, y, self.noise, self.pool_vectors()), linear.ridge(x, y, self.noise, self.spread)

        learners: dict[str, Callable[[Example], jax.Array]] = {
            "bayes": lambda example: linear.mixture(*laws(example), self.pooled),
            "discrete": lambda example: laws(example)[0].answer,
            "ridge": lambda example: laws(example)[1].answer,
        }
        return {name: _numbers(learner) for name, learner in learners.items()}

    def measures(self) -> tuple[Measured, ...]:
        """Returns errors of answers that are scaled back, and how much they are those of the pool's posterior.

        error: of answers over the labels' factor. shrunk_error: of these over `scale`, a control for scaled prompts.
        coefficient: that of the pool's posterior less ridge, by least squares, in the answers less ridge.
        """

        def answers(example: Example, outputs: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            """Returns answers, targets and weights at the points, without the labels' factor."""
            factor = example.facts["factor"]
            return outputs[::2, 0] / factor, example.targets[::2, 0] / factor, example.weights[::2]

        def error(example: Example, outputs: jax.Array, by: jax.Array | float = 1.0) -> jax.Array:
            answer, target, weight = answers(example, outputs)
            return ((answer / by - target) ** 2 * weight).sum() / weight.sum()

        def towards(example: Example, outputs: jax.Array) -> tuple[jax.Array, jax.Array]:
            answer, _, weight = answers(example, outputs)
            x, y = _prompt(example)
            y = y / example.facts["factor"]
            straight = linear.ridge(x, y, self.noise, self.spread).answer
            away = linear.discrete(x, y, self.noise, self.pool_vectors()).answer - straight
            return ((answer - straight) * away * weight).sum(), (away**2 * weight).sum()

        return (
            Measured(Measure("error", doc="mean square error of answers scaled back", **_ERROR), error),
            Measured(
                Measure("shrunk_error", doc="the same of answers that are shrunk by the scale, a control", **_ERROR),
                lambda example, outputs: error(example, outputs, self.scale),
            ),
            Measured(
                Measure("coefficient", low=None, high=None, doc="0: answers are ridge's; 1: those of the pool"),
                towards,
                lambda along, square: along.sum() / square.sum(),
            ),
        )


def _at_points(values: jax.Array) -> jax.Array:
    """Puts values [P] at the points' positions and zeros at the labels': [2P - 1]."""
    return jnp.stack([values, jnp.zeros_like(values)], 1).reshape(-1)[:-1]


def _prompt(example: Example) -> tuple[jax.Array, jax.Array]:
    """Returns points float32[P, D] and their labels float32[P], the last of which is 0 as no one knows it."""
    return example.inputs[::2], jnp.append(example.inputs[1::2, 0], 0.0)


def _numbers(learner: Callable[[Example], jax.Array]) -> Callable[[Example], jax.Array]:
    """Turns a learner with an answer at each point into one with an answer at each position."""
    return lambda example: _at_points(learner(example))[:, None]
