"""The version space of pruned data: its entropy, and the students drawn from it.

Every student that classifies all kept examples correctly is equally likely. The log volume of these
students per dimension is S; the examples were pruned by the teacher's field itself (θ = 0), and the
student does not know the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._version_space.averages import KeptTeacherField
from replica_theory._version_space.continuation import solve_saddle_points
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory._version_space.residual import saddle_point_residual
from replica_theory.errors import ArrayFields, FloatOrArray, SaddlePointError, Values, check_alpha, shaped_like
from replica_theory.selection import Selection, check_selection

RESIDUAL_TOLERANCE = 1e-10


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VersionSpaceSolution(ArrayFields, Generic[Values]):
    """Version spaces, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        entropy: S, log volume of the version space as a fraction of all students, nats per dimension.
        information_gain: I = −dS/dα where S is extremal, the loss of log volume per example, nats.
        overlap: R = cos of the angle between a Gibbs student and the teacher.
        self_overlap: q, overlap of two Gibbs students.
        gibbs_error: arccos(R)/π, test error of a student drawn at random.
        center_of_mass_error: arccos(R/√q)/π, test error of the students' mean, and of their vote.
        residual: Largest relative residual of the equations for R and q, evaluated independently of the solver.
    """

    alpha_prune: Values
    selection: Selection
    entropy: Values
    information_gain: Values
    overlap: Values
    self_overlap: Values
    gibbs_error: Values
    center_of_mass_error: Values
    residual: Values


@overload
def version_space(alpha_prune: float, *, selection: Selection) -> VersionSpaceSolution[float]: ...
@overload
def version_space(
    alpha_prune: np.ndarray | Sequence[float], *, selection: Selection
) -> VersionSpaceSolution[np.ndarray]: ...
def version_space(alpha_prune: ArrayLike, *, selection: Selection) -> VersionSpaceSolution[FloatOrArray]:
    """Version space of data pruned by a perfect probe, in the limit N → ∞ at fixed P/N.

    The replica-symmetric entropy, for a student that is ignorant of the rule (q ≠ R)::

        S = extr_{q,R} ½ ln(1−q) + (q−R²)/(2(1−q)) + α E_kept ∫Dt ln Φ(y),   y = (R u + √(q−R²) t)/√(1−q)

    over kept teacher fields u > 0. It is solved in a = R/√(1−q) and b = √(q−R²)/√(1−q), where nothing cancels as
    q, R → 1, and stationary where, with h = ln Φ::

        (V1)  a/(1 + a² + b²) = α E[u h'(y)]
        (V2)  b² = α E[h'(y)²]

    At θ = 0 label-aware and label-agnostic rules are the same.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept, as a function of the teacher's field.

    Returns:
        The version spaces, each checked by a second formulation.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to a residual of 1e-10; carries the residual.

    References:
        Györgyi & Tishby 1990; Seung, Opper & Sompolinsky 1992; Sorscher et al. 2022, arXiv:2206.14486, App. A.

    Example:
        >>> from replica_theory import KeepHardest, version_space
        >>> space = version_space(2.0, selection=KeepHardest(0.4))
        >>> f"{space.self_overlap:.6f} {space.overlap:.6f}"
        '0.895942 0.848686'
    """
    alphas = check_alpha(alpha_prune)
    teacher_field = KeptTeacherField(check_selection(selection).kept_distribution(0.0))
    points = solve_saddle_points(teacher_field, np.atleast_1d(alphas))
    residuals = [saddle_point_residual(teacher_field.kept, point) for point in points]
    return as_solution(teacher_field, points, residuals, selection=selection, alphas=alphas)


def as_solution(
    teacher_field: KeptTeacherField,
    points: list[OrderParameters],
    residuals: list[float],
    *,
    selection: Selection,
    alphas: np.ndarray,
) -> VersionSpaceSolution[FloatOrArray]:
    """Saddle points as columns shaped like α; raises unless the residuals confirm every one."""
    for residual, point in zip(residuals, points, strict=True):
        if not residual <= RESIDUAL_TOLERANCE:
            raise SaddlePointError(
                f"a second formulation does not confirm the version space at alpha_prune = {point.alpha}",
                residual=residual,
            )
    gains = [teacher_field.information_gain(point.along, point.across) for point in points]
    entropies = [point.entropy(gain) for point, gain in zip(points, gains, strict=True)]

    def shaped(values: list[float]) -> FloatOrArray:
        return shaped_like(alphas, np.array(values))

    return VersionSpaceSolution(
        alpha_prune=shaped([point.alpha for point in points]),
        selection=selection,
        entropy=shaped(entropies),
        information_gain=shaped(gains),
        overlap=shaped([point.overlap for point in points]),
        self_overlap=shaped([point.self_overlap for point in points]),
        gibbs_error=shaped([point.gibbs_error for point in points]),
        center_of_mass_error=shaped([point.center_of_mass_error for point in points]),
        residual=shaped(residuals),
    )
