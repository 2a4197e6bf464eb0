"""Max-margin student on pruned data, in the limit of many dimensions: one convex problem.

The student is p in the plane of teacher and probe plus a unit vector at random outside it. Its margin is the largest
k/√(1 + p²) at which the mean squared shortfall M is affordable:

    maximise k²/(1 + p²)   subject to   α M(p, k) = 1.

M is convex, so the solution is unique. p is kept as a length and an angle ψ to the teacher, and errors follow from the
arctan of the perpendicular over the parallel part: nothing is lost as R → 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._max_margin.continuation import solve_student, solve_students
from replica_theory._max_margin.newton import NewtonResult
from replica_theory._max_margin.remembered_laws import Law, RememberedLaws
from replica_theory._max_margin.residual import largest_residual
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.student import StudentCurve
from replica_theory.errors import (
    ArrayFields,
    FloatOrArray,
    SaddlePointError,
    Values,
    check_alpha,
    check_probe_angle,
    shaped_like,
)
from replica_theory.selection import Selection, TrainedProbe, check_probe, check_selection

RESIDUAL_TOLERANCE = 1e-9
"""Largest relative residual of the paper's equations with which a student is returned."""

_LAWS = RememberedLaws()


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MaxMarginSolution(ArrayFields, Generic[Values]):
    """Max-margin students, each value shaped like ``alpha_prune``: a float, or an array (points,).

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        probe_angle: θ, radians, a float; of a trained probe the one that training reaches, shaped like ``alpha_prune``.
        probe: The probe, if it was trained on the pool.
        generalization_error: ε = angle(student, teacher)/π, in [0, 1].
        overlap: R = cos of the angle to the teacher.
        probe_overlap: ρ = cos of the angle to the probe.
        margin: κ, least y J·x over kept examples for the unit-norm student J.
        scaling_exponent: d ln ε/d ln α, which is constant where the error falls by a power law.
        residual: Largest relative residual of the paper's equations (1)–(3), or with a trained probe of the triangular
            equations (T4)–(T8), evaluated independently of the solver.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepHardest, max_margin
        >>> students = max_margin([1.0, 2.0, 4.0], selection=KeepHardest(0.5), probe_angle=0.2)
        >>> students.generalization_error.round(5)
        array([0.32541, 0.15072, 0.06266])
        >>> students.margin.round(5)
        array([0.58856, 0.25987, 0.12532])
        >>> bool(np.all(students.residual < 1e-9))
        True
    """

    alpha_prune: Values
    selection: Selection
    probe_angle: FloatOrArray
    probe: TrainedProbe | None
    generalization_error: Values
    overlap: Values
    probe_overlap: Values
    margin: Values
    scaling_exponent: Values
    residual: Values

    @property
    def decay_rate(self) -> Values:
        """d ln ε/dα, which is constant where the error falls exponentially."""
        return self.scaling_exponent / self.alpha_prune  # pyright: ignore[reportReturnType]


@overload
def max_margin(
    alpha_prune: float, *, selection: Selection, probe_angle: float = 0.0, probe: TrainedProbe | None = None
) -> MaxMarginSolution[float]: ...
@overload
def max_margin(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
) -> MaxMarginSolution[np.ndarray]: ...
def max_margin(
    alpha_prune: ArrayLike, *, selection: Selection, probe_angle: float = 0.0, probe: TrainedProbe | None = None
) -> MaxMarginSolution[FloatOrArray]:
    """Max-margin student trained on pruned data, in the limit N → ∞ at fixed P/N.

    Solves, for the student's in-plane part p, its margin k and Q(x) = E (x + g)₊²::

        α M = 1,   k p ∂M/∂k + (1 + p²) ∂M/∂p = 0,   M(p, k) = E_kept Q(k − y p·s)

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept, as a function of probe field and label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        probe: A probe that is trained on the pool, of which α_prune are kept; instead of ``probe_angle``.

    Returns:
        The students, each checked against the paper's own equations, or with a trained probe by a second evaluation.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-9; carries the residual.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, App. A.2; Gardner 1988; Gordon 1988.

    Example:
        >>> from replica_theory import KeepHardest, TrainedProbe, max_margin
        >>> round(max_margin(2.0, selection=KeepHardest(0.4), probe_angle=0.3).generalization_error, 6)
        0.197322
        >>> round(max_margin(2.0, selection=KeepHardest(0.4), probe=TrainedProbe(ridge=0.01)).generalization_error, 6)
        0.094008
    """
    if (probe := check_probe(probe, probe_angle)) is not None:
        return _by_trained_probe(check_alpha(alpha_prune), check_selection(selection), probe)
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    law = _LAWS.of(check_selection(selection).kept_distribution(angle))
    result, residual = _solved(law, alphas) if alphas.ndim else _solved_one(law, float(alphas))
    students = result.students

    def shaped(values: FloatOrArray) -> FloatOrArray:
        return shaped_like(alphas, values)

    return MaxMarginSolution(
        alpha_prune=shaped(students.alpha),
        selection=selection,
        probe_angle=angle,
        probe=None,
        generalization_error=shaped(students.generalization_error),
        overlap=shaped(students.overlap),
        probe_overlap=shaped(students.probe_overlap(angle)),
        margin=shaped(students.margin),
        scaling_exponent=shaped(result.scaling_exponent),
        residual=shaped(residual),
    )


def _by_trained_probe(alphas: np.ndarray, selection: Selection, probe: TrainedProbe) -> MaxMarginSolution[FloatOrArray]:
    """Students on what a probe keeps of the pool that it was trained on."""
    points = np.atleast_1d(alphas)
    students = StudentCurve.of_max_margin(Pruning.by(probe, selection, label_noise=0.0)).at(points)

    def shaped(name: str) -> FloatOrArray:
        return shaped_like(alphas, np.array([getattr(student, name) for student in students]))

    return MaxMarginSolution(
        alpha_prune=shaped_like(alphas, points),
        selection=selection,
        probe_angle=shaped("probe_angle"),
        probe=probe,
        generalization_error=shaped("generalization_error"),
        overlap=shaped("overlap"),
        probe_overlap=shaped("probe_overlap"),
        margin=1 / shaped("norm"),
        scaling_exponent=shaped("scaling_exponent"),
        residual=shaped("residual"),
    )


def _solved(law: Law, alphas: np.ndarray) -> tuple[NewtonResult, np.ndarray]:
    """Students on their curve, and their residuals."""
    if alphas.size == 1:
        result, residual = _solved_one(law, float(alphas[0]))
        return result.as_arrays, np.array([residual])
    result = solve_students(law.kept, alphas)
    residual = largest_residual(law.kept, result.students)
    worst = int(np.argmax(np.where(residual <= RESIDUAL_TOLERANCE, 0.0, residual)))
    _refuse_unconfirmed(result[worst], residual[worst])
    law.last = result[-1], float(residual[-1])
    return result, residual


def _solved_one(law: Law, alpha: float) -> tuple[NewtonResult, float]:
    """The student and its residual. One that was guessed and is not confirmed is found along the curve instead."""
    if remembered := law.at(alpha):
        return remembered
    result = solve_student(law.kept, alpha, near=law.near(alpha))
    residual = largest_residual(law.kept, result.students)
    if not residual <= RESIDUAL_TOLERANCE:
        result = solve_student(law.kept, alpha, guess=False)
        residual = largest_residual(law.kept, result.students)
    _refuse_unconfirmed(result, residual)
    law.last = result, residual
    return result, residual


def _refuse_unconfirmed(result: NewtonResult, residual: float) -> None:
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError(
            f"the paper's equations do not confirm the student at alpha_prune = {result.students.alpha}",
            residual=float(residual),
        )
