"""Small tasks for tests, none registered: of tokens and of vectors, whose targets are classes, numbers or places."""

from typing import ClassVar

import jax
import jax.numpy as jnp

from fields import knob, pytree, static
from synthetic import Classes, Example, Numbers, Places, Spec, Task


@pytree
class Sum(Task):
    """Say a + b modulo the number of letters, or now and then a lie; a quarter of all a is held out."""

    letters: int = static(64, low=4)
    lie_rate: float = knob(0.0, low=0.0, high=1.0)
    seed: int = knob(0, low=0)

    rates: ClassVar = {"lie": "lie_rate"}

    @property
    def spec(self):
        return Spec(length=3, head=Classes(self.letters), vocabulary=self.letters)

    def sample(self, key, split):
        u = jax.random.uniform(key, (4,))
        side = 0 if split == "unseen" else 1 + (3 * u[0]).astype(jnp.int32)
        a = (4 * (u[1] * (self.letters // 4)).astype(jnp.int32) + side + self.seed) % self.letters
        b = (u[2] * self.letters).astype(jnp.int32)
        lie = u[3] < self.lie_rate
        answer = (a + b + lie) % self.letters
        inputs, targets = jnp.stack([a, b, 0]), jnp.stack([0, 0, answer])
        return Example(inputs, targets, jnp.array([0.0, 0.0, 1.0]), {"lie": lie})

    def conditions(self):
        honest = self.replace(lie_rate=0.0)
        return {"seen": (honest, "train"), "unseen": (honest, "unseen")}

    def oracle(self, example):
        return [int(example.inputs[0] + example.inputs[1]) % self.letters]

    def identities(self, example):
        return {int(example.inputs[0])}

    def tiny(self):
        return self.replace(letters=8)

    def render(self, example):
        return f"{example.inputs[0]} + {example.inputs[1]}", str(example.targets[2])


@pytree
class HalfSpace(Task):
    """In context: points of {-1, 1}^width and, one position later, on which side of a hidden plane they lie.

    inputs  float32[2 points, width + 1]: x_1, y_1, x_2, y_2 ...; y in the last column; weighted are the x.
    Half-spaces are divided by the sign of their first coefficient: training's or the test's, as the seed
    says.
    """

    width: int = static(5, low=1)
    points: int = static(6, low=1)
    noise_rate: float = knob(0.0, low=0.0, high=1.0)
    seed: int = knob(0, low=0)

    curve: ClassVar = True

    @property
    def spec(self):
        return Spec(length=2 * self.points, head=Classes(2), width_in=self.width + 1)

    def sample(self, key, split):
        point_key, plane_key = jax.random.split(key)
        u = jax.random.uniform(point_key, (self.points, self.width + 1))
        x, noise = jnp.where(u[:, 1:] < 0.5, -1.0, 1.0), u[:, 0] < self.noise_rate
        plane = 2 * (6 * jax.random.uniform(plane_key, (self.width,))).astype(jnp.int32) - 5
        sign = 1 - 2 * ((self.seed + (split == "unseen")) % 2)
        plane = plane.at[0].set(sign * jnp.abs(plane[0]))
        y = (x @ plane > 0) ^ noise
        inputs = jnp.zeros((self.points, 2, self.width + 1)).at[:, 0, :-1].set(x).at[:, 1, -1].set(2.0 * y - 1)
        targets = jnp.stack([y, jnp.zeros_like(y)], 1).reshape(-1).astype(jnp.int32)
        weights = jnp.tile(jnp.array([1.0, 0.0]), self.points)
        facts = {f"plane_{i}": c for i, c in enumerate(plane)}
        return Example(inputs.reshape(2 * self.points, -1), targets, weights, facts)

    def conditions(self):
        return {"seen": (self, "train"), "unseen": (self.replace(noise_rate=0.0), "unseen")}

    def oracle(self, example):
        plane = [int(example.facts[f"plane_{i}"]) for i in range(self.width)]
        return [int(sum(c * v for c, v in zip(plane, x, strict=False)) > 0) for x in example.inputs[::2].tolist()]

    def baselines(self):
        def knows(example):
            plane = jnp.stack([example.facts[f"plane_{i}"] for i in range(self.width)])
            return (example.inputs[:, :-1] @ plane.astype(jnp.float32) > 0).astype(jnp.int32)

        return {"knows": knows, "says yes": lambda example: jnp.ones_like(example.targets)}

    def identities(self, example):
        return {tuple(int(fact) for fact in example.facts.values())}

    def tiny(self):
        return self.replace(width=2)

    def render(self, example):
        points = ["".join("+" if v > 0 else "-" for v in x[:-1]) for x in example.inputs[::2]]
        return " ".join(points), "".join(map(str, example.targets[::2]))


@pytree
class Line(Task):
    """In context: x of -1 or 1 and, one position later, y = slope x; the number y is asked at each x.

    inputs  float32[2 points, 2]: x_1, y_1, x_2, y_2 ...; y in the last column. Nothing tells y_1.
    """

    points: int = static(3, low=2)
    steepest: float = knob(1.0, low=0.0, high=10.0)

    splits: ClassVar = ("train",)
    held_out: ClassVar = ()
    curve: ClassVar = True

    @property
    def spec(self):
        return Spec(length=2 * self.points, head=Numbers(1, tolerance=0.2), width_in=2)

    def sample(self, key, split):
        u = jax.random.uniform(key, (1 + self.points,))
        slope, x = self.steepest * (2 * u[0] - 1), jnp.where(u[1:] < 0.5, -1.0, 1.0)
        inputs = jnp.zeros((self.points, 2, 2)).at[:, 0, 0].set(x).at[:, 1, 1].set(slope * x)
        targets = jnp.stack([slope * x, jnp.zeros_like(x)], 1).reshape(-1, 1)
        return Example(inputs.reshape(-1, 2), targets, jnp.tile(jnp.array([1.0, 0.0]), self.points), {"slope": slope})

    def conditions(self):
        return {"steep": (self, "train"), "flat": (self.replace(steepest=0.1), "train")}

    def oracle(self, example):
        return [[float(example.facts["slope"]) * x] for x in example.inputs[::2, 0].tolist()]

    def baselines(self):
        def last_point(example):
            """Returns x times the slope of the point before."""
            x, y = example.inputs[::2, 0], example.inputs[1::2, 1]
            slope = jnp.concatenate([jnp.zeros(1), y[:-1] * x[:-1]])
            return jnp.stack([slope * x, slope], 1).reshape(-1, 1)

        return {"last point": last_point, "zero": lambda example: jnp.zeros_like(example.targets)}

    def render(self, example):
        xs = " ".join(f"{x:+.0f}" for x in example.inputs[::2, 0])
        return xs, " ".join(f"{y:.4f}" for y in example.targets[::2, 0])


@pytree
class Sort(Task):
    """Point at the letters in rising order; the input after each answer is the letter that it points at.

    inputs   c a d .  a c        targets  - - - 1 0 2
    """

    letters: int = static(8, low=2)
    number: int = static(3, low=2)

    splits: ClassVar = ("train",)
    held_out: ClassVar = ()

    @property
    def spec(self):
        n = self.number
        return Spec(length=2 * n, head=Places(), vocabulary=self.letters + 1, source=n)

    def sample(self, key, split):
        n = self.number
        letters = jax.random.permutation(key, self.letters)[:n].astype(jnp.int32)
        order = jnp.argsort(letters).astype(jnp.int32)
        inputs = jnp.concatenate([letters, jnp.array([self.letters], jnp.int32), letters[order][:-1]])
        weights = jnp.arange(2 * n) >= n
        return Example(inputs, jnp.concatenate([jnp.zeros_like(order), order]), weights.astype(jnp.float32), {})

    def conditions(self):
        return {"seen": (self, "train")}

    def oracle(self, example):
        letters = example.inputs[: self.number].tolist()
        return [letters.index(letter) for letter in sorted(letters)]

    def render(self, example):
        return " ".join(map(str, example.inputs[: self.number])), " ".join(map(str, example.targets[self.number :]))
