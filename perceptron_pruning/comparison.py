"""The joint: a simulated cell held against the exact theory at the same parameters."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.simulation import SimulationResult
from perceptron_pruning.students.training import Student
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.selection import Selection

LARGEST_Z = 4.0
FINITE_SIZE_COEFFICIENT = 0.5
_STEP = 0.01
_MAX_MARGIN = EmpiricalRisk("hinge", ridge=0.0)  # of separable labels


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A mean over trials against theory.

    Attributes:
        theory: The theory's value at the simulated α.
        difference: Simulated mean minus theory.
        standard_error: Of the simulated mean, from the spread between trials.
        finite_size: Declared size of the bias at N < ∞; see `compare`.
        slope: d ln theory/d ln α.
        z_score: difference / √(standard_error² + finite_size²).
        agrees: |z_score| ≤ 4.
    """

    theory: float
    difference: float
    standard_error: float
    finite_size: float
    slope: float

    @property
    def z_score(self) -> float:
        return self.difference / math.hypot(self.standard_error, self.finite_size)

    @property
    def agrees(self) -> bool:
        return abs(self.z_score) <= LARGEST_Z


@dataclass(frozen=True, kw_only=True)
class Comparison(Agreement):
    """Simulated mean error ε against theory: an `Agreement`, with the simulated cell."""

    simulation: SimulationResult


def compare(
    simulation: SimulationResult, *, teacher_overlap: float | None = None, probe_overlap: float | None = None
) -> Comparison:
    """Holds a simulated cell against the theory at its own α, rule, probe angle, student and label noise.

    The mean error at N dimensions differs from the limit by O(1/N), more where the error depends
    steeply on α. The declared term is the typical size of that bias::

        finite_size = 0.5 (1 + |d ln ε / d ln α|) ε / N

    Its coefficient is the measured root-mean-square of bias · N / (ε (1 + |slope|)) over 105 cells
    (θ = 0, 10, 20°; f = .2, .5, 1; hard, easy; α = .5 … 6), which is .47 at N = 25 (4000 trials) and
    .53 at N = 50 (2000 trials); the largest, next to a transition, was 1.5. Students of other losses, whose
    root-mean-square is .36 at N = 25 (1600 trials) and .32 at N = 50 (800) over 96 cells (square, logistic and both
    hinge losses; λ = .02, .5; six rules, label-aware ones too; θ = 0, 20°; η = 0, .1, .2; α = 1, 4), with .87 the
    largest, are allowed as much.

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
    simulated: np.ndarray, theory: Callable[[np.ndarray], np.ndarray], *, alpha_prune: float, n_features: int
) -> Agreement:
    """Holds one value a trial, (n_trials ≥ 2,), against a positive quantity of the theory as a function of α.

    The declared finite-size term is that of `compare`.
    """
    values = theory(alpha_prune * np.exp([-_STEP, 0.0, _STEP]))
    slope = math.log(values[2] / values[0]) / (2 * _STEP)
    return Agreement(
        theory=float(values[1]),
        difference=float(simulated.mean() - values[1]),
        standard_error=float(simulated.std(ddof=1) / math.sqrt(simulated.size)),
        finite_size=FINITE_SIZE_COEFFICIENT * (1 + abs(slope)) * float(values[1]) / n_features,
        slope=slope,
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
