"""A student of the theory at given α, probe and labels, as a function of the rule."""

import math
from dataclasses import dataclass, replace

import numpy as np

from replica_theory._finite_size.density import StudentDensity
from replica_theory._finite_size.examples import COARSE, FINE, Resolution, seen_examples
from replica_theory._max_margin.continuation import solve_students
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import Selection

_COARSELY_NORMALISED, _NORMALISED = 1e-4, 1e-3  # |ln ∫ρ| that a coarse resolution and that any may have
_ANY_RIDGE = 1.0  # of a constraint, which any ridge leaves at the same student


@dataclass(frozen=True, kw_only=True)
class Setting:
    """All but the rule.

    Attributes:
        alpha: α.
        probe_angle: θ, radians.
        risk: What the student minimises; None for the max-margin student.
        label_noise: η.
    """

    alpha: float
    probe_angle: float
    risk: EmpiricalRisk | None
    label_noise: float

    def student(self, selection: Selection) -> np.ndarray:
        """(a₁, a₂, r) by the theory: along the probe, across it towards the teacher, outside their plane."""
        return self._student_and_scale(selection)[0]

    def density(self, selection: Selection) -> StudentDensity:
        """The density of students in N dimensions around the theory's, resolved until its integral is 1.

        Raises:
            SaddlePointError: It is not, to 1e-3; carries ln of the integral.
        """
        student, scale = self._student_and_scale(selection)
        density = self._resolved(selection, student, scale, COARSE)
        if not abs(density.normalisation) <= _COARSELY_NORMALISED:
            density = self._resolved(selection, student, scale, FINE)
        if not abs(density.normalisation) <= _NORMALISED:
            raise SaddlePointError(
                f"the density of students does not integrate to 1 at alpha_prune = {self.alpha}",
                residual=density.normalisation,
            )
        return density

    def _resolved(
        self, selection: Selection, student: np.ndarray, scale: float, resolution: Resolution
    ) -> StudentDensity:
        loss, ridge = self._loss_and_ridge(scale)
        law = selection.kept_distribution(self.probe_angle, self.label_noise)
        weight = self.risk.sample_weight if self.risk else None
        constrained = math.isinf(scale)
        examples = seen_examples(
            law, student, loss, 1.0 if constrained else scale, weight=weight, resolution=resolution
        )
        if constrained:  # the field is that of any V, and α(1 − E σ) = 1 − λV gives V
            scale = (1 - self.alpha * float(examples.share @ (1 - examples.slope))) / ridge
            examples = replace(examples, dual=examples.dual / scale)
        return StudentDensity(alpha=self.alpha, ridge=ridge, scale=scale, student=student, examples=examples)

    def _student_and_scale(self, selection: Selection) -> tuple[np.ndarray, float]:
        """The student and V, which is infinite where the loss has become a constraint."""
        if self.risk is None:
            law = selection.kept_distribution(self.probe_angle)
            limit = solve_students(law, np.array([self.alpha])).students
            k, length, turn = float(limit.k[0]), float(limit.length[0]), self.probe_angle - float(limit.angle[0])
            return np.array([length * math.cos(turn), length * math.sin(turn), 1.0]) / k, math.inf
        solution = empirical_risk(
            self.alpha,
            loss=self.risk.loss,
            ridge=self.risk.ridge,
            selection=selection,
            probe_angle=self.probe_angle,
            label_noise=self.label_noise,
            sample_weight=self.risk.sample_weight,
        )
        return solution.direction * solution.norm, float(solution.scale)

    def _loss_and_ridge(self, scale: float) -> tuple[Loss, float]:
        if self.risk is None:
            return HardMargin(), _ANY_RIDGE
        loss = as_loss(check_loss(self.risk.loss))
        if math.isinf(scale) and loss.ridgeless is not None:
            return loss.ridgeless, _ANY_RIDGE
        return loss, self.risk.ridge
