"""The joint: a simulated cell held against the exact theory at the same parameters."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.finite_size import OF_ERRORS, FiniteSizeLaw, LocalCurve, Statistic, estimate
from perceptron_pruning.simulation import SimulationResult
from perceptron_pruning.students.training import Student
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

STEEP = 2.5  # |d ln q/d ln α| from which on trials differ so much in kind that their mean is not typical
_MAX_MARGIN = EmpiricalRisk("hinge", ridge=0.0)  # of separable labels


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A quantity of many trials against theory.

    Attributes:
        theory: The theory's value at the simulated α, for N → ∞.
        simulated: Mean over trials; next to a transition, where they differ in kind, their median.
        statistic: "mean" or "median": which of them.
        standard_error: Of ``simulated``, from the spread between trials.
        finite_size: Expected ``simulated`` − ``theory`` at the simulated N; see `compare`.
        finite_size_error: Uncertainty of ``finite_size``.
        slope: d ln theory/d ln α.
    """

    theory: float
    simulated: float
    statistic: Statistic
    standard_error: float
    finite_size: float
    finite_size_error: float
    slope: float

    @property
    def difference(self) -> float:
        """Simulated minus theory."""
        return self.simulated - self.theory

    @property
    def z_score(self) -> float:
        """(difference − finite_size) / √(standard_error² + finite_size_error²)."""
        return (self.difference - self.finite_size) / math.hypot(self.standard_error, self.finite_size_error)

    @property
    def agrees(self) -> bool:
        """|z_score| ≤ 5, the project's `LARGEST_Z`."""
        return abs(self.z_score) <= LARGEST_Z


@dataclass(frozen=True, kw_only=True)
class Comparison(Agreement):
    """Simulated error ε against theory: an `Agreement`, with the simulated cell."""

    simulation: SimulationResult


def compare(
    simulation: SimulationResult, *, teacher_overlap: float | None = None, probe_overlap: float | None = None
) -> Comparison:
    """Holds a simulated cell against the theory at its own α, rule, probe angle, student and label noise.

    The mean error in N dimensions differs from the limit by O(1/N). To that order a sample acts like the limit with
    ln α shifted by 1/N and scattered with variance 0.9/N (measured, see `finite_size`), so that the expected
    difference and its uncertainty, with ' = d/d ln α, are::

        finite_size = (ε' + 0.45 ε'') / N,   finite_size_error = 0.2 (ε + |ε'| + |ε''|) / N

    It is the sum of many small effects. Where few examples decide, as the handful of the probe's mistakes among the
    easiest that an imperfect probe keeps, the bias is larger (−2.2 ε/N at f = .4, θ = 20°, α = 4).

    Where |d ln ε/d ln α| > 2.5, next to a transition, trials are of two kinds and their mean is typical of neither.
    There the median is compared, which the scatter leaves where it is: finite_size = ε'/N.

    Args:
        simulation: From `simulate`, with at least 2 trials.
        teacher_overlap: Cosine of teacher and a third direction w_*, against which to test instead of the teacher;
            with ``probe_overlap``.
        probe_overlap: Cosine of probe and w_*.

    Returns:
        The comparison, with its allowance.

    Raises:
        ValueError: Fewer than 2 trials, which give no standard error; or no unit vector has these cosines.
        SaddlePointError: The theory has no verified solution there.
    """
    if simulation.n_trials < 2:
        raise ValueError(f"`simulation` must have n_trials >= 2 to give a standard error; got {simulation.n_trials}")
    target = _target(teacher_overlap, probe_overlap)
    found = agreement(
        simulation.error_against(**target) if target else simulation.generalization_error,
        lambda alphas: _theory(simulation, alphas, target),
        alpha_prune=simulation.alpha_prune,
        n_features=simulation.n_features,
    )
    return Comparison(simulation=simulation, **vars(found))


def agreement(
    simulated: np.ndarray,
    theory: Callable[[np.ndarray], np.ndarray],
    *,
    alpha_prune: float,
    n_features: int,
    law: FiniteSizeLaw = OF_ERRORS,
) -> Agreement:
    """Holds one value a trial, (n_trials ≥ 2,), against a positive quantity of the theory as a function of α.

    The finite-size term is that of `compare`, or by another ``law``.
    """
    curve = LocalCurve.of(theory, alpha_prune)
    statistic = "median" if abs(curve.slope) > STEEP else "mean"
    value, standard_error = estimate(simulated, statistic)
    expected, uncertainty = law.bias(curve, n_features, statistic)
    return Agreement(
        theory=curve.value,
        simulated=value,
        statistic=statistic,
        standard_error=standard_error,
        finite_size=expected,
        finite_size_error=uncertainty,
        slope=curve.slope,
    )


def _target(teacher_overlap: float | None, probe_overlap: float | None) -> dict[str, float]:
    if teacher_overlap is None and probe_overlap is None:
        return {}
    if teacher_overlap is None or probe_overlap is None:
        raise ValueError(
            "`teacher_overlap` and `probe_overlap` must be given together; "
            f"got teacher_overlap={teacher_overlap}, probe_overlap={probe_overlap}"
        )
    return {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}


def _theory(simulation: SimulationResult, alphas: np.ndarray, target: dict[str, float]) -> np.ndarray:
    return student_error(
        alphas,
        student=simulation.student,
        selection=simulation.selection,
        probe_angle=simulation.probe_angle,
        label_noise=simulation.label_noise,
        **target,
    )


def student_error(
    alpha_prune: np.ndarray,
    *,
    student: Student,
    selection: Selection,
    probe_angle: float,
    label_noise: float = 0.0,
    **target: float,
) -> np.ndarray:
    """ε of the theory for any student that `simulate` trains, at these α; ``target`` as in `compare`."""
    setting = {"selection": selection, "probe_angle": probe_angle}
    if student == "max_margin" and label_noise == 0 and not target:
        return max_margin(alpha_prune, **setting).generalization_error
    risk = _MAX_MARGIN if student == "max_margin" else student
    solution = empirical_risk(
        alpha_prune,
        loss=risk.loss,
        ridge=risk.ridge,
        sample_weight=risk.sample_weight,
        label_noise=label_noise,
        **setting,
    )
    return solution.error_against(**target) if target else solution.generalization_error
