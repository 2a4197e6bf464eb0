"""A simulated cell held against the exact theory at the same parameters."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.finite_size import FiniteSizeTerm, Statistic, estimate, value_and_slope
from perceptron_pruning.simulation import SimulationResult
from perceptron_pruning.students.training import Student
from replica_theory.empirical_risk import empirical_risk
from replica_theory.finite_size import FiniteSize, Quantity, finite_size
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

LARGEST_Z = 4.0  # |z_score| up to which simulation and theory agree
STEEP = 2.5  # |d ln q/d ln α| above which trials differ so much in kind that their mean is not typical
_MAX_MARGIN = EmpiricalRisk("hinge", ridge=0.0)  # the max-margin student wherever labels are separable


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A quantity of many trials against theory.

    Attributes:
        theory: The theory's value at the simulated α, for N → ∞.
        simulated: Mean over trials; next to a transition, where they differ in kind, their median.
        statistic: Which of the two ``simulated`` is, "mean" or "median".
        standard_error: Standard error of ``simulated``, from the spread between trials.
        finite_size: Expected ``simulated`` − ``theory`` at the simulated N; see `compare`.
        finite_size_error: Standard uncertainty of ``finite_size``.
        slope: d ln theory/d ln α.
        largest_z: |z_score| up to which they agree.
    """

    theory: float
    simulated: float
    statistic: Statistic
    standard_error: float
    finite_size: float
    finite_size_error: float
    slope: float
    largest_z: float = LARGEST_Z

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
        """|z_score| ≤ largest_z."""
        return abs(self.z_score) <= self.largest_z

    @property
    def allowance(self) -> str:
        """The finite-size term in words: its size, its error, and where they come from."""
        return str(FiniteSizeTerm(value=self.finite_size, error=self.finite_size_error))


@dataclass(frozen=True, kw_only=True)
class Comparison(Agreement):
    """Simulated error ε against theory: an `Agreement`, with the simulated cell."""

    simulation: SimulationResult


def compare(
    simulation: SimulationResult,
    *,
    teacher_overlap: float | None = None,
    probe_overlap: float | None = None,
    largest_z: float = LARGEST_Z,
) -> Comparison:
    """Holds a simulated cell against the theory at its own α, rule, probe angle, student and label noise.

    The mean error in N dimensions differs from the limit by O(1/N). That term is derived, not fitted
    (`replica_theory.finite_size`): it has the exact density of students in N dimensions, the fluctuating thresholds of
    a rule that ranks a finite pool, and the whole number of the probe's mistakes among the kept, on which all hangs
    where few are expected. What is left is the next order. Its size alone is measured, on random settings at N = 20::

        finite_size = E ε − ε + O(1/N²),      finite_size_error = 2 finite_size²/ε

    For several windows, `Calibrated` and `Verified` the pool's part is not known, and 0.3 ε/N is added to the error in
    quadrature. The term is that of a probe that knows nothing of the pool; of a trained one it is an assumption.

    Where |d ln ε/d ln α| > 2.5, next to a transition, trials are of two kinds and their mean is typical of neither.
    There the median is compared, whose term has the skewness of the density in it.

    Args:
        simulation: From `simulate`, with at least 2 trials.
        teacher_overlap: Cosine of teacher and a third direction w_*, against which to test instead of the teacher;
            with ``probe_overlap``.
        probe_overlap: Cosine of probe and w_*.
        largest_z: |z_score| up to which they agree.

    Returns:
        The comparison, with its allowance.

    Raises:
        ValueError: Fewer than 2 trials, which give no standard error; or no unit vector has these cosines.
        SaddlePointError: The theory has no verified solution there.
    """
    if simulation.n_trials < 2:
        raise ValueError(f"`simulation` must have n_trials >= 2 to give a standard error; got {simulation.n_trials}")
    target = _target(teacher_overlap, probe_overlap)
    setting = {
        "student": simulation.student,
        "selection": simulation.selection,
        "probe_angle": simulation.probe_angle,
        "label_noise": simulation.label_noise,
        **target,
    }
    alpha, n_features = simulation.alpha_prune, simulation.n_features
    result = agreement(
        simulation.error_against(**target) if target else simulation.generalization_error,
        lambda alphas: student_error(alphas, **setting),
        alpha_prune=alpha,
        in_n_dimensions=student_finite_size(alpha, n_features=n_features, **setting),
        largest_z=largest_z,
    )
    return Comparison(simulation=simulation, **vars(result))


def agreement(
    simulated: np.ndarray,
    theory: Callable[[np.ndarray], np.ndarray],
    *,
    alpha_prune: float,
    in_n_dimensions: FiniteSize,
    largest_z: float = LARGEST_Z,
) -> Agreement:
    """Holds one value a trial, (n_trials ≥ 2,), against a positive quantity of the theory as a function of α.

    ``in_n_dimensions`` is what N dimensions make of that quantity, from `student_finite_size` or
    `replica_theory.finite_size`.
    """
    limit, slope = value_and_slope(theory, alpha_prune)
    statistic = "median" if abs(slope) > STEEP else "mean"
    value, standard_error = estimate(simulated, statistic)
    term = FiniteSizeTerm.of(in_n_dimensions, statistic)
    return Agreement(
        theory=limit,
        simulated=value,
        statistic=statistic,
        standard_error=standard_error,
        finite_size=term.value,
        finite_size_error=term.error,
        slope=slope,
        largest_z=largest_z,
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
        return np.asarray(max_margin(alpha_prune, **setting).generalization_error)
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


def student_finite_size(
    alpha_prune: float,
    *,
    n_features: int,
    student: Student,
    selection: Selection,
    probe_angle: float,
    label_noise: float = 0.0,
    quantity: Quantity = "error",
    **target: float,
) -> FiniteSize:
    """ε, or another quantity, in N dimensions, for any student that `simulate` trains; ``target`` as in `compare`."""
    risk = (_MAX_MARGIN if label_noise else None) if student == "max_margin" else student
    return finite_size(
        alpha_prune,
        n_features=n_features,
        selection=selection,
        probe_angle=probe_angle,
        risk=risk,
        label_noise=label_noise,
        quantity=quantity,
        **target,
    )
