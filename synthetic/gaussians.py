"""Vectors from one normal law a class: the model of naive Bayes, and a law that is not.

The laws are those of the code published with "Revisiting discriminative vs. generative classifiers" (arXiv 2302.02334),
but for `factor`, which is ours. Class k of K has the mean m_k (1, ..., 1): m_0 = -1, then 1, 2, 4, 8 and so on.
Classes share one covariance:

    law      covariance
    naive    D, diagonal: n for the first half of the n coordinates, 1 for the rest; naive Bayes' model holds
    factor   D^1/2 (I + F F') D^1/2, with F n x `rank`, normal times `amplitude` / root of `rank`: it does not hold

With more than two classes x is read as x / 2^(K-3) - 1, as in that code. The classes of a training set are equally
many. Two examples of four coordinates:

    inputs    [-2.9 1.7 -0.4 -1.8]    [3.1 -0.2 0.9 1.6]
    targets            0                       1
    weights            1                       1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtr

from fields import knob, pytree, static
from synthetic.draws import below
from synthetic.heads import Classes
from synthetic.task import Example, Spec, Task, register

_DATA = 0x474155  # keeps the data seed's stream apart from a run's if both seeds are the same number
FLOOR = 1e-9  # added to variances that naive Bayes estimates, as in the published code


@register("gaussians")
@pytree
class Gaussians(Task):
    """Say from which of a few normal laws a vector is; the training set is finite, and may be small."""

    dimensions: int = static(100, low=2, high=10**5, unit="coordinates", doc="n, the coordinates of a vector")
    classes: int = static(2, low=2, high=10, unit="classes", doc="K, the classes")
    law: str = static("naive", choices=("naive", "factor"), doc="whether coordinates are independent within a class")
    rank: int = static(5, low=1, high=1000, unit="factors", doc="factor: columns of F")
    most: int = static(1024, low=2, high=10**6, unit="vectors", doc="the largest training set of runs in one program")
    examples: int = knob(128, low=2, high=10**6, unit="vectors", doc="m, the vectors in the training set")
    amplitude: float = knob(2.0, low=0.0, high=100.0, doc="factor: size of F")
    seed: int = knob(0, low=0, unit="seed", doc="data seed: fixes the training set and F")

    splits: ClassVar[tuple[str, ...]] = ("train", "fresh")
    held_out: ClassVar[tuple[str, ...]] = ()
    few: ClassVar[tuple[str, ...]] = ("train",)
    headline: ClassVar[str] = "fresh"

    @property
    def spec(self) -> Spec:
        """Returns one position, at which a vector is read and its class asked."""
        return Spec(length=1, head=Classes(self.classes), width_in=self.dimensions)

    @property
    def size(self) -> jax.Array | int:
        """Returns the number of vectors in the training set."""
        return self.examples

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yields faults that relate fields to one another."""
        if not self.classes <= self.examples <= self.most:
            allowed = f"from task.classes = {self.classes} to task.most = {self.most}"
            yield "examples", f"must be {allowed}, got {self.examples}"

    def conditions(self) -> dict[str, tuple[Task, str]]:
        """Returns the training set, and new vectors."""
        return {"train": (self, "train"), "fresh": (self, "fresh")}

    @property
    def _means(self) -> list[float]:
        """Returns the number m_k of each class."""
        return [-1.0, *(2.0**k for k in range(self.classes - 1))]

    @property
    def _deviations(self) -> np.ndarray:
        """Returns the root of D, float32[n]."""
        n = self.dimensions
        return np.where(np.arange(n) < n // 2, np.sqrt(n), 1.0).astype(np.float32)

    def _loadings(self) -> jax.Array:
        """Returns F, float32[n, rank]."""
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), _DATA), 1)
        return jax.random.normal(key, (self.dimensions, self.rank)) * self.amplitude / np.sqrt(self.rank)

    def sample(self, key: jax.Array, split: str) -> Example:
        """Samples a vector of the training set, or a new one."""
        if split == "train":
            return self.item(below(jax.random.bits(key), self.examples), key, split)
        return self._vector(key, below(jax.random.bits(jax.random.fold_in(key, 1)), self.classes))

    def item(self, index: jax.Array, key: jax.Array, split: str) -> Example:
        """Returns a vector of the training set, in which classes take turns."""
        own = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), _DATA), 2)
        return self._vector(jax.random.fold_in(own, index), index % self.classes)

    def _vector(self, key: jax.Array, label: jax.Array) -> Example:
        """Returns a vector of a class."""
        hidden = self.rank if self.law == "factor" else 0
        normal = jax.random.normal(key, (self.dimensions + hidden,))
        noise = normal[: self.dimensions]
        if hidden:
            noise += self._loadings() @ normal[self.dimensions :]
        x = jnp.array(self._means)[label] + self._deviations * noise
        if self.classes > 2:
            x = x / 2.0 ** (self.classes - 3) - 1.0
        return Example(x[None], label[None].astype(jnp.int32), jnp.ones(1), {"label": label.astype(jnp.int32)})

    def baselines(self) -> Mapping[str, Callable[[Example], jax.Array]]:
        """Returns naive Bayes, fitted to the training set."""
        index = jnp.arange(self.most)
        batch = jax.vmap(self.item, (0, None, None))(index, jax.random.key(0), "train")
        weights, constant = naive_bayes(batch.inputs[:, 0], batch.targets[:, 0], index < self.examples, self.classes)

        def classify(example: Example) -> jax.Array:
            return jnp.argmax(example.inputs @ weights.T + constant, -1).astype(jnp.int32)

        return {"naive_bayes": classify}

    def best_error(self) -> float:
        """Returns the error of the best classifier of two classes of the naive law.

        Raises ValueError for another law, or more classes.
        """
        if self.law != "naive" or self.classes != 2:
            raise ValueError("the best error is known for two classes of the naive law")
        return float(ndtr(-np.sqrt((self._deviations.astype(np.float64) ** -2).sum())))

    def oracle(self, example: Example) -> list[int]:
        """Returns the class from which the vector was drawn; no vector tells it for sure."""
        return [int(example.facts["label"])]

    def tiny(self) -> Task:
        """Returns a small set of short vectors."""
        return self.replace(dimensions=4, examples=16, most=16)

    def render(self, example: Example) -> tuple[str, str]:
        """Returns such as ("[0.5 -1]", "0")."""
        coordinates = " ".join(f"{value:.6g}" for value in np.asarray(example.inputs)[0].tolist())
        return f"[{coordinates}]", str(int(np.asarray(example.targets)[0]))


def naive_bayes(x_MxN: jax.Array, class_M: jax.Array, there_M: jax.Array, classes: int) -> tuple[jax.Array, jax.Array]:
    """Returns weights float32[K, N] and constants float32[K] of the classifier that naive Bayes fits.

    Normal laws with a mean for each class and a variance for each coordinate that all classes share: the mean square
    within classes. So it is linear. Priors are shares. `there` says which rows count.
    """
    member_KxM = jax.nn.one_hot(class_M, classes, axis=0) * there_M
    count_K = member_KxM.sum(1)
    mean_KxN = member_KxM @ x_MxN / jnp.maximum(count_K, 1)[:, None]
    within_MxN = (x_MxN - mean_KxN[class_M]) ** 2 * there_M[:, None]
    variance_N = within_MxN.sum(0) / there_M.sum() + FLOOR
    weights = mean_KxN / variance_N
    return weights, jnp.log(count_K / there_M.sum()) - (weights * mean_KxN).sum(1) / 2
