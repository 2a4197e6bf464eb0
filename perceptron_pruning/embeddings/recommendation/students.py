"""The students that a recommendation is for. Each has a few settings, which are part of every candidate.

A rule that looks good because it regularises an ill-tuned student is no good rule: random pruning and all rows are
given the same choice of settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from perceptron_pruning.embeddings.recommendation.head_batch import FEWEST_IN_BATCH, batches, fit_heads
from perceptron_pruning.embeddings.recommendation.heads import RACED, Stop, fit_head

Predictor = Callable[[np.ndarray], np.ndarray]
"""Inputs (n, d) → a score for every class, (n, C); the largest is predicted, −∞ is a class without rows."""
RIDGES = (1e-2, 1e-3)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a student is trained on.

    Attributes:
        inputs: (n, d) float32.
        classes: (n,), in 0..C−1, not all of them there.
        n_classes: C.
        start: Parameters of a head on similar rows, or None.
        seed: Of what the student draws.
    """

    inputs: np.ndarray
    classes: np.ndarray
    n_classes: int
    start: np.ndarray | None
    seed: int


class Student(Protocol):
    """A recipe with settings.

    Attributes:
        name: In the answer.
        settings: What each setting is called in the table.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> tuple[str, ...]: ...

    def train(self, task: Task, settings: Sequence[int] | None = None) -> list[Predictor]:
        """One trained predictor for each of the settings, given by their numbers; all of them by default."""
        ...

    def train_all(self, tasks: Sequence[Task], settings: Sequence[Sequence[int]]) -> list[list[Predictor]]:
        """The predictors of every task, at each of its settings, which are equally many."""
        ...

    def batches(self, sizes: Sequence[int], n_features: int, n_classes: int) -> list[list[int]]:
        """Numbers of the training sets, of so many rows each, that are trained in less time together."""
        ...


def _chosen(settings: Sequence[Any], numbers: Sequence[int] | None) -> Sequence[Any]:
    return settings if numbers is None else [settings[number] for number in numbers]


class _OneByOne:
    """A student that gains nothing from training on many sets together."""

    def train_all(self: Student, tasks: Sequence[Task], settings: Sequence[Sequence[int]]) -> list[list[Predictor]]:
        return [self.train(task, numbers) for task, numbers in zip(tasks, settings, strict=True)]

    def batches(self, sizes: Sequence[int], n_features: int, n_classes: int) -> list[list[int]]:
        return [[number] for number in range(len(sizes))]


@dataclass(frozen=True, kw_only=True)
class SoftmaxStudent:
    """Multinomial logistic regression with a ridge."""

    ridges: tuple[float, ...] = RIDGES
    stop: Stop = RACED
    name: str = "a softmax head"

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(f"ridge {ridge:g}" for ridge in self.ridges)

    def train(self, task: Task, settings: Sequence[int] | None = None) -> list[Predictor]:
        start, predictors = task.start, []
        for ridge in _chosen(self.ridges, settings):  # each starts where the one before it ended
            head = fit_head(
                task.inputs, task.classes, n_classes=task.n_classes, ridge=ridge, start=start, stop=self.stop
            )
            start = head.parameters
            predictors.append(head.logits)
        return predictors

    def train_all(self, tasks: Sequence[Task], settings: Sequence[Sequence[int]]) -> list[list[Predictor]]:
        if len(tasks) < FEWEST_IN_BATCH:
            return [self.train(task, numbers) for task, numbers in zip(tasks, settings, strict=True)]
        inputs, classes = [task.inputs for task in tasks], [task.classes for task in tasks]
        starts, predictors = [task.start for task in tasks], [[] for _ in tasks]
        for numbers in zip(*settings, strict=True):
            heads = fit_heads(
                inputs,
                classes,
                n_classes=tasks[0].n_classes,
                ridges=[self.ridges[number] for number in numbers],
                starts=starts,
                stop=self.stop,
            )
            starts = [head.parameters for head in heads]
            for listed, head in zip(predictors, heads, strict=True):
                listed.append(head.logits)
        return predictors

    def batches(self, sizes: Sequence[int], n_features: int, n_classes: int) -> list[list[int]]:
        return batches(sizes, n_features, n_classes)


@dataclass(frozen=True, kw_only=True)
class NeighboursStudent(_OneByOne):
    """Majority of the k nearest rows; of equally frequent classes the one whose nearest row is nearer."""

    neighbours: tuple[int, ...] = (1, 5)
    name: str = "nearest neighbours"

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(f"k = {k}" for k in self.neighbours)

    def train(self, task: Task, settings: Sequence[int] | None = None) -> list[Predictor]:
        return [self._predictor(task, min(k, len(task.inputs))) for k in _chosen(self.neighbours, settings)]

    @staticmethod
    def _predictor(task: Task, k: int) -> Predictor:
        squares = np.einsum("ij,ij->i", task.inputs, task.inputs)

        def predict(rows: np.ndarray) -> np.ndarray:
            parts = np.array_split(rows, max(1, len(rows) // 500))
            return np.concatenate([vote(squares - 2 * part @ task.inputs.T) for part in parts])

        def vote(distances: np.ndarray) -> np.ndarray:
            nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
            order = np.take_along_axis(distances, nearest, axis=1).argsort(axis=1)
            labels = task.classes[np.take_along_axis(nearest, order, axis=1)]
            votes = np.zeros((len(labels), task.n_classes))
            for place in range(k):  # a vote, and a little more the nearer it is
                votes[np.arange(len(labels)), labels[:, place]] += 1 + 2.0 ** -(place + k)
            return votes

        return predict


@dataclass(frozen=True, kw_only=True)
class OwnStudent(_OneByOne):
    """A student of the caller's: an object with ``fit(inputs, labels, seed)`` → function of inputs to (n, C) logits.

    Attributes:
        recipe: The object, such as those of `perceptron_pruning.experiments`.
        name: In the answer.
    """

    recipe: object
    name: str
    settings: tuple[str, ...] = ("",)

    def train(self, task: Task, settings: Sequence[int] | None = None) -> list[Predictor]:
        present, numbers = np.unique(task.classes, return_inverse=True)
        if present.size == 1:
            return [lambda rows: _spread(np.zeros((len(rows), 1)), present, task.n_classes)]
        logits = self.recipe.fit(task.inputs, numbers, task.seed)  # pyright: ignore[reportAttributeAccessIssue]
        return [lambda rows: _spread(np.asarray(logits(rows)), present, task.n_classes)]


def _spread(scores: np.ndarray, present: np.ndarray, n_classes: int) -> np.ndarray:
    """Scores of the classes that are present, (n, P), among all, (n, C); −∞ for the others."""
    spread = np.full((len(scores), n_classes), -np.inf)
    spread[:, present] = scores
    return spread
