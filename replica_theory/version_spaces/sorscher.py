"""The paper's form of the version space, in which student and teacher are taken to be alike: R = q.

Sorscher et al. 2022 identify the overlap q of two students with the overlap R of a student and the
teacher. That holds for random data (Nishimori's condition) and not for pruned data, whose rule the
student does not know: `version_space` has q ≠ R. With γ = √(R/(1−R)) the entropy becomes::

    S(R) = ½ ln(1−R) + R/2 + α (2/f) ∫Dt W(t) ln Φ(γ t)

with W(t) = Φ((g − √R t)/√(1−R)) − Φ(−γ t) when the hardest u < g are kept.
"""

import math
from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._numerics.one_variable import root
from replica_theory._version_space.averages import KeptTeacherField
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory._version_space.residual import force_in_students_field
from replica_theory.errors import FloatOrArray, SaddlePointError, check_alpha, shaped_like
from replica_theory.selection import Selection, check_selection
from replica_theory.version_spaces.version_space import VersionSpaceSolution, as_solution

_SCAN_STEP = 0.125  # spacing in ln γ of the grid on which maxima of S(R) are looked for
_SCAN_MARGIN = 2.0, 5.0  # distances in ln γ of its ends above ln(1 + α/f) at the largest α, below ln √α at the least
_ROOT_TOLERANCE = 1e-14  # error of ln γ, absolute and relative


@overload
def paper_information_gain(overlap: float, *, selection: Selection) -> float: ...
@overload
def paper_information_gain(overlap: np.ndarray | Sequence[float], *, selection: Selection) -> np.ndarray: ...
def paper_information_gain(overlap: ArrayLike, *, selection: Selection) -> FloatOrArray:
    """Information gain per example at a given R = q, the paper's formula.

    For the hardest examples, u < g = Φ⁻¹((1+f)/2)::

        I = −(2/f) ∫Dt [H(√(R/(1−R)) t) − H((g + √R t)/√(1−R))] ln H(√(R/(1−R)) t)

    and the same average of −ln Φ for any other rule. It tends to 1 nat where R → 1 and f/√(1−R) → 0,
    and to ln 2 where R → 0. R is the caller's: of `version_space`, or of any other student.

    Args:
        overlap: R, in (0, 1); scalar or 1-D.
        selection: Which examples are kept, as a function of the teacher's field.

    Returns:
        I, nats per example, shaped like ``overlap``.

    Raises:
        ValueError: A parameter is out of range.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, App. A.

    Example:
        >>> from replica_theory import KeepHardest, KeepRandom, paper_information_gain
        >>> [f"{float(paper_information_gain(0.9, selection=rule)):.5f}" for rule in (KeepHardest(0.1), KeepRandom())]
        ['0.82299', '0.22704']
    """
    overlaps = check_alpha(overlap, "overlap")
    if np.any(overlaps >= 1):
        raise ValueError(f"`overlap` must be in (0, 1); got {overlaps.max()}")
    teacher_field = KeptTeacherField(check_selection(selection).kept_distribution(0.0))
    gains = [teacher_field.information_gain(R / math.sqrt(1 - R), math.sqrt(R)) for R in np.atleast_1d(overlaps)]
    return shaped_like(overlaps, np.array(gains))


@overload
def paper_version_space(alpha_prune: float, *, selection: Selection) -> VersionSpaceSolution[float]: ...
@overload
def paper_version_space(
    alpha_prune: np.ndarray | Sequence[float], *, selection: Selection
) -> VersionSpaceSolution[np.ndarray]: ...
def paper_version_space(alpha_prune: ArrayLike, *, selection: Selection) -> VersionSpaceSolution[FloatOrArray]:
    """Version space of pruned data with R = q, as the paper takes it.

    R is where S(R) is stationary::

        R/(1−R) = 2 α ∂/∂R E_kept ∫Dt ln Φ((R u + √(R(1−R)) t)/√(1−R)),

    at its maximum nearest to R = 1, found on a grid of 1/8 in ln γ and then exactly. On random data
    this is `version_space`. On pruned data it is an approximation, and there may be no such R: among
    the hardest examples below f ≈ 0.6, E u < ½ √(2/π), S(R) falls from R = 0, and has a maximum only
    beyond some α (2.69 at f = 0.4, 3.06 as f → 0).

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept, as a function of the teacher's field.

    Returns:
        The version spaces, with ``self_overlap`` equal to ``overlap``.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: S(R) has no maximum inside (0, 1) at some α, or only a shallow one between
            grid points; carries how far, relatively, the two sides above stay apart.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, App. A.

    Example:
        >>> from replica_theory import KeepHardest, paper_version_space
        >>> f"{paper_version_space(4.0, selection=KeepHardest(0.4)).overlap:.5f}"
        '0.98071'
    """
    alphas = check_alpha(alpha_prune)
    teacher_field = KeptTeacherField(check_selection(selection).kept_distribution(0.0))
    points = _saddle_points(teacher_field, np.atleast_1d(alphas))
    residuals = [_residual(teacher_field, point) for point in points]
    return as_solution(teacher_field, points, residuals, selection=selection, alphas=alphas)


def _saddle_points(teacher_field: KeptTeacherField, alphas: np.ndarray) -> list[OrderParameters]:
    above, below = _SCAN_MARGIN
    top = math.log(1 + float(alphas.max()) / teacher_field.kept.keep_fraction) + above
    bottom = min(0.0, math.log(alphas.min()) / 2) - below
    log_gammas = np.linspace(bottom, top, math.ceil((top - bottom) / _SCAN_STEP))
    slopes = np.array([_slope(teacher_field, log_gamma) for log_gamma in log_gammas])
    return [_saddle_point(teacher_field, alpha, log_gammas, slopes) for alpha in alphas.tolist()]


def _saddle_point(
    teacher_field: KeptTeacherField, alpha: float, log_gammas: np.ndarray, slopes: np.ndarray
) -> OrderParameters:
    """The maximum of S(R) at the largest R, between the last grid point where it rises and the next."""
    rising = np.flatnonzero(alpha * slopes > 1)
    if not rising.size or rising[-1] == log_gammas.size - 1:
        raise SaddlePointError(
            f"S restricted to R = q has no maximum at alpha_prune = {alpha}; version_space has q ≠ R",
            residual=abs(1 - alpha * float(slopes.max())),
        )
    lower, upper = log_gammas[rising[-1] : rising[-1] + 2].tolist()
    log_gamma = root(
        lambda x: alpha * _slope(teacher_field, x) - 1, lower, upper, xtol=_ROOT_TOLERANCE, rtol=_ROOT_TOLERANCE
    )
    along, across = _components(log_gamma)
    return OrderParameters(alpha=alpha, along=along, across=across)


def _components(log_gamma: float) -> tuple[float, float]:
    """a = R/√(1−R) and b = √R, at R = γ²/(1 + γ²)."""
    gamma = math.exp(log_gamma)
    across = gamma / math.hypot(1.0, gamma)
    return gamma * across, across


def _slope(teacher_field: KeptTeacherField, log_gamma: float) -> float:
    """2 (1−R)/R ∂/∂R E ln Φ: S(R) rises where α times it exceeds 1."""
    average = teacher_field.force(*_components(log_gamma))
    return _slope_from_averages(math.exp(2 * log_gamma), average.u_force, average.curvature)


def _slope_from_averages(squared_gamma: float, u_force: float, curvature: float) -> float:
    """[(2 + γ²) √(1 + γ²) E u h' + E h'']/γ², from ∂a/∂R = ½ (2−R) (1−R)^{−3/2} and ∂b²/∂R = 1."""
    return (u_force * (2 + squared_gamma) * math.sqrt(1 + squared_gamma) + curvature) / squared_gamma


def _residual(teacher_field: KeptTeacherField, point: OrderParameters) -> float:
    """|right side / left side − 1| of S'(R) = 0, with averages in the students' own field."""
    u_force, _, curvature = force_in_students_field(teacher_field.kept, point)
    return abs(point.alpha * _slope_from_averages(point.squared_norm, u_force, curvature) - 1)
