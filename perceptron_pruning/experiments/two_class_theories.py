"""What three theories predict of students on two classes of real embeddings, with the probe that pruned their pools.

- ``isotropic``: Gaussian inputs of equal variances, told θ, the ridge and the label noise.
- ``plane``: a measured plane and an elliptical bulk with its spectrum (`replica_theory.structured_risk`).
- ``whole_law``: leave-one-out on all rows (`replica_theory.risk_on_data`).

None is told anything of the students that it predicts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import SaddlePointError
from replica_theory.real_data.risk_on_data import risk_on_data
from replica_theory.real_data.structured_inputs import StructuredInputs
from replica_theory.real_data.structured_risk import structured_risk
from replica_theory.selection import KeepRandom, Selection

LOSS = "logistic"


@dataclass(frozen=True, kw_only=True)
class View:
    """What students and theories are given: rows to draw pools from, and the probe that ranks them.

    Attributes:
        inputs, labels: Rows (n, N) and ±1 (n,), those of the probe left out.
        test_inputs, test_labels: Rows that test; None where inputs are Gaussian and the angle to the teacher does.
        teacher: Unit vector (N,).
        probe: Unit vector (N,).
        probe_angle: θ between the two, radians.
        label_noise: η, share of test rows whose label the teacher misses.
    """

    inputs: np.ndarray
    labels: np.ndarray
    test_inputs: np.ndarray | None
    test_labels: np.ndarray | None
    teacher: np.ndarray
    probe: np.ndarray
    probe_angle: float
    label_noise: float

    @property
    def n_features(self) -> int:
        """N."""
        return self.inputs.shape[1]

    @cached_property
    def law(self) -> StructuredInputs:
        """The law of the inputs: measured, or the one that Gaussian rows were drawn from."""
        if self.test_inputs is None:
            return StructuredInputs.gaussian(np.ones(self.n_features), teacher=self.teacher, probe=self.probe)
        return StructuredInputs.measured(
            self.inputs, self.labels, probe=self.probe, test_inputs=self.test_inputs, test_labels=self.test_labels
        )

    def error_of(self, student: np.ndarray) -> float:
        """Test error of a student's direction."""
        if self.test_inputs is None or self.test_labels is None:
            return self._error_at(float(student @ self.teacher), float(np.linalg.norm(student)))
        return float(np.mean(np.where(self.test_inputs @ student > 0, 1.0, -1.0) != self.test_labels))

    def _error_at(self, overlap: float, norm: float) -> float:
        """Of Gaussian test rows, the angle to the teacher over π."""
        return math.acos(max(-1.0, min(1.0, overlap / norm))) / math.pi

    def mean_error(self, student: np.ndarray, covariance: np.ndarray, on_test: float | None) -> float:
        """Of students with this mean and covariance between training sets."""
        if on_test is not None:
            return on_test
        return self._error_at(float(student @ self.teacher), math.sqrt(float(student @ student + np.trace(covariance))))


Theory = Callable[..., np.ndarray]  # of a view, α (sizes,), selection and ridge: ε (sizes,)


def _refusable(theory: Callable[..., float]) -> Theory:
    """The theory at several α; NaN where it is refused."""

    def errors(view: View, alphas: np.ndarray, *, selection: Selection, ridge: float) -> np.ndarray:
        values = np.full(len(alphas), np.nan)
        for place, alpha in enumerate(alphas.tolist()):
            try:
                values[place] = theory(view, alpha, selection=selection, ridge=ridge)
            except SaddlePointError:
                continue
        return values

    return errors


def _isotropic(view: View, alpha: float, *, selection: Selection, ridge: float) -> float:
    solution = empirical_risk(
        alpha,
        loss=LOSS,
        ridge=ridge,
        selection=selection,
        probe_angle=view.probe_angle,
        label_noise=view.label_noise,
    )
    return solution.noisy_test_error


def _plane(view: View, alpha: float, *, selection: Selection, ridge: float) -> float:
    return structured_risk(alpha, inputs=view.law, selection=selection, loss=LOSS, ridge=ridge).noisy_test_error


def _whole_law(view: View, alpha: float, *, selection: Selection, ridge: float) -> float:
    n_kept = round(alpha * view.n_features)
    solution = risk_on_data(
        view.inputs,
        view.labels,
        keep_probability=_kept_of_all(view, selection, n_kept),
        n_kept=n_kept,
        loss=LOSS,
        ridge=ridge,
        test_inputs=view.test_inputs,
        test_labels=view.test_labels,
    )
    return view.mean_error(solution.mean_student, solution.student_covariance, solution.test_error)


def _kept_of_all(view: View, selection: Selection, at_least: int) -> np.ndarray:
    """What a rule keeps of all rows, whatever pool is drawn from them: 1 or 0, (n,)."""
    n = len(view.inputs)
    if isinstance(selection, KeepRandom):
        return np.ones(n)
    count, keeps = max(at_least, round(selection.keep_fraction * n)), np.zeros(n)
    field = view.inputs @ view.probe
    keeps[selection.choose(field, view.labels, count=count, rng=np.random.default_rng(0))] = 1.0
    return keeps


THEORIES: dict[str, Theory] = {
    "isotropic": _refusable(_isotropic),
    "plane": _refusable(_plane),
    "whole_law": _refusable(_whole_law),
}
