"""Students that are retrained from scratch on what is kept: each has one recipe, the same for all selection rules."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.linalg import solve

from perceptron_pruning.embeddings.metrics.softmax_head import fit_softmax
from perceptron_pruning.experiments.students.resnet import ResNet
from perceptron_pruning.experiments.students.two_layer import TwoLayer
from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk

Logits = Callable[[np.ndarray], np.ndarray]


class Student(Protocol):
    """A recipe. Its repr says all that decides what it learns.

    Attributes:
        needs_images: Whether its inputs are pixels (n, h, w[, channels]), not embeddings (n, d).

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.experiments import STUDENTS, Student
        >>> recipe: Student = STUDENTS["ridge"]
        >>> logits = recipe.fit(np.array([[-1.0, 0.0], [1.0, 0.5]]), np.array([0, 1]), seed=0)
        >>> logits(np.array([[-2.0, 0.0], [2.0, 0.0]])).argmax(axis=1)
        array([0, 1])
    """

    needs_images: ClassVar[bool]

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
        """Trains on inputs (n, …) and labels (n,) in 0..C−1, every class present, C ≥ 2; gives inputs → (n, C)."""
        ...

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        """Rough time of `fit` on one core, which orders the work."""
        ...


@dataclass(frozen=True, kw_only=True)
class SoftmaxStudent:
    """Multinomial logistic regression to convergence: mean cross-entropy + (ridge/2) ‖W‖²."""

    needs_images: ClassVar[bool] = False

    ridge: float = 1e-2

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
        return fit_softmax(inputs, labels, n_classes=int(labels.max()) + 1, ridge=self.ridge).logits

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        return 0.02 + 2e-7 * n_rows * n_features * n_classes


@dataclass(frozen=True, kw_only=True)
class RidgeStudent:
    """One-hot regression in closed form: mean ‖y − b − Wᵀx‖² + ridge ‖W‖², with a free bias."""

    needs_images: ClassVar[bool] = False

    ridge: float = 1e-2

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
        mean, targets = inputs.mean(axis=0), np.eye(int(labels.max()) + 1)[labels]
        centred = inputs - mean
        gram = centred.T @ centred + self.ridge * len(inputs) * np.eye(inputs.shape[1])
        weights, bias = solve(gram, centred.T @ targets, assume_a="pos"), targets.mean(axis=0)
        return lambda rows: (rows - mean) @ weights + bias

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        return 0.01 + 1e-10 * n_features**2 * (n_rows + n_features)


@dataclass(frozen=True, kw_only=True)
class HingeStudent:
    """One hyperplane for each class against the rest, exact: (1/N) Σ (1 − y w·x)₊ + (ridge/2) ‖w‖².

    The inputs carry one coordinate more, equal to 1, for a bias; N counts it. A ridge of 0 stands for the limit
    ridge → 0: of the least hinge loss, the least norm. Where a class can be separated from the rest that is its
    max-margin hyperplane, and where it cannot, the loss stays positive and ``train_error`` of the experiment shows it.
    Two classes share one hyperplane.
    """

    needs_images: ClassVar[bool] = False

    ridge: float = 0.0

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Logits:
        classes = range(int(labels.max()) + 1)
        rows = _with_one(inputs)
        if len(classes) == 2:
            weights = self._hyperplane(rows, labels == 1)
            planes = np.column_stack([-weights, weights])
        else:
            planes = np.column_stack([self._hyperplane(rows, labels == label) for label in classes])
        return lambda values: _with_one(values) @ planes

    def _hyperplane(self, rows: np.ndarray, own: np.ndarray) -> np.ndarray:
        return fit_empirical_risk(rows, np.where(own, 1.0, -1.0), loss="hinge", ridge=self.ridge).weights

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        return 0.1 + 6e-7 * n_rows * n_features * n_classes


STUDENTS: dict[str, Student] = {
    "softmax": SoftmaxStudent(),
    "ridge": RidgeStudent(),
    "max_margin": HingeStudent(),
    "soft_margin": HingeStudent(ridge=0.1),
    "two_layer": TwoLayer(),
    "resnet": ResNet(),
    "resnet_quick": ResNet(steps=150),
    "resnet_large": ResNet(widths=(64, 128, 256), blocks=2, steps=4000, batch=128),
}


def student_named(name: str) -> Student:
    """The recipe behind a name.

    Raises:
        ValueError: There is none.
    """
    if name not in STUDENTS:
        raise ValueError(f"`students` must be among {', '.join(STUDENTS)}; got {name}")
    return STUDENTS[name]


def fit_present(student: Student, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Callable:
    """Trains on the classes that are there, and gives inputs → classes: one that is missing is never predicted."""
    present, numbers = np.unique(labels, return_inverse=True)
    if present.size == 1:
        return lambda rows: np.full(len(rows), present[0])
    logits = student.fit(inputs, numbers, seed)
    return lambda rows: present[logits(rows).argmax(axis=1)]


def _with_one(inputs: np.ndarray) -> np.ndarray:
    return np.column_stack([inputs, np.ones(len(inputs))])
