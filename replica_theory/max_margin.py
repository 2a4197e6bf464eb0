"""Max-margin student on pruned data, in the limit of many dimensions: one convex problem.

The student is p in the plane of teacher and probe plus a unit vector at random outside it. Its
margin is the largest k / √(1 + p²) at which the mean squared shortfall is affordable:

    maximise k² / (1 + p²)   subject to   α M(p, k) = 1.

M is convex, so the solution is unique. p is kept as a length and an angle ψ to the teacher, and
errors follow from arctan of the perpendicular over the parallel part: nothing is lost as R → 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from replica_theory.errors import SaddlePointError, check_alpha, check_probe_angle
from replica_theory.kept_law import KeptLaw
from replica_theory.newton import solve_student
from replica_theory.paper_equations import largest_residual
from replica_theory.selection import Selection, check_selection
from replica_theory.student import Student

RESIDUAL_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class MaxMarginSolution:
    """Max-margin students, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        probe_angle: θ, radians.
        generalization_error: ε = angle(student, teacher)/π, in [0, 1].
        overlap: R = cos of the angle to the teacher.
        probe_overlap: ρ = cos of the angle to the probe.
        margin: κ, least y J·x over kept examples for the unit-norm student J.
        residual: Largest relative residual of the paper's equations (1)–(3), evaluated
            independently of the solver.
    """

    alpha_prune: Any
    selection: Selection
    probe_angle: float
    generalization_error: Any
    overlap: Any
    probe_overlap: Any
    margin: Any
    residual: Any


def max_margin(alpha_prune: ArrayLike, *, selection: Selection, probe_angle: float = 0.0) -> MaxMarginSolution:
    """Max-margin student trained on pruned data, in the limit N → ∞ at fixed P/N.

    Solves, for the student's in-plane part p, its margin k and Q(x) = E (x + g)₊²::

        α M = 1,   k p ∂M/∂k + (1 + p²) ∂M/∂p = 0,   M(p, k) = E_kept Q(k − y p·s)

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept, as a function of probe field and label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].

    Returns:
        The students, each checked against the paper's own equations.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-9; carries the residual.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, App. A.2; Gardner 1988; Gordon 1988.
    """
    alphas = check_alpha(alpha_prune)
    law = check_selection(selection).kept_law(check_probe_angle(probe_angle))
    students = _continue_in_alpha(law, np.atleast_1d(alphas))
    residuals = [largest_residual(law, student) for student in students]
    _reject_large(residuals, students)

    def shaped(values):
        column = np.array(values, dtype=float)
        return float(column[0]) if alphas.ndim == 0 else column

    return MaxMarginSolution(
        alpha_prune=shaped([student.alpha for student in students]),
        selection=selection,
        probe_angle=law.probe_angle,
        generalization_error=shaped([student.generalization_error for student in students]),
        overlap=shaped([student.overlap for student in students]),
        probe_overlap=shaped([student.probe_overlap(law.probe_angle) for student in students]),
        margin=shaped([student.margin for student in students]),
        residual=shaped(residuals),
    )


def _continue_in_alpha(law: KeptLaw, alphas: np.ndarray) -> list[Student]:
    """Solves in ascending α, each student from its neighbour."""
    students: dict[int, Student] = {}
    previous: Student | None = None
    for index in np.argsort(alphas, kind="stable"):
        previous = students[int(index)] = solve_student(law, float(alphas[index]), neighbour=previous)
    return [students[index] for index in range(alphas.size)]


def _reject_large(residuals: list[float], students: list[Student]) -> None:
    for residual, student in zip(residuals, students, strict=True):
        if not residual <= RESIDUAL_TOLERANCE:
            raise SaddlePointError(
                f"the paper's equations do not confirm the student at alpha_prune = {student.alpha}",
                residual=residual,
            )
