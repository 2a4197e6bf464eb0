"""Training of either kind of student: of max margin, or of an empirical risk."""

from typing import Literal, NamedTuple

import numpy as np

from perceptron_pruning.students.batches import PerProblem
from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk
from perceptron_pruning.students.max_margin.fit import fit_max_margin
from replica_theory.losses.risk import EmpiricalRisk

Student = Literal["max_margin"] | EmpiricalRisk


class Trained(NamedTuple):
    """Weights (..., N) and the mean weighted loss of the examples (...), 0 for max-margin students."""

    weights: np.ndarray
    training_loss: PerProblem


def check_student(student: object) -> None:
    """Raises a `ValueError` unless it is "max_margin" or an `EmpiricalRisk`."""
    if not isinstance(student, EmpiricalRisk) and student != "max_margin":
        raise ValueError(f"`student` must be 'max_margin' or an EmpiricalRisk(loss, ridge); got {student!r}")


def train(student: Student, inputs: np.ndarray, labels: np.ndarray, probe: np.ndarray) -> Trained:
    """Trains a student; a leading batch axis is that of independent problems.

    Args:
        student: "max_margin" or an `EmpiricalRisk`.
        inputs: x, (..., P, N).
        labels: y, (..., P), each −1 or +1.
        probe: The probe's weights, (..., N); an `EmpiricalRisk` may weigh examples by their margin y x·probe.

    Raises:
        ValueError: The problem has no student: examples are not separable, or the loss has no minimum.
        InaccurateError: The student could not be verified.
    """
    if student == "max_margin":
        weights = fit_max_margin(inputs, labels).weights
        return Trained(weights, np.zeros(weights.shape[:-1]))
    importance = None
    if student.sample_weight is not None:
        importance = student.sample_weight(labels * (inputs @ probe[..., None])[..., 0])
    fit = fit_empirical_risk(inputs, labels, loss=student.loss, ridge=student.ridge, sample_weight=importance)
    return Trained(fit.weights, fit.training_loss)
