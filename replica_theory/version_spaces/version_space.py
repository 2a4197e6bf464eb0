"""The version space of pruned data: its entropy, and the students drawn from it.

Every student that classifies all kept examples correctly is equally likely. The log volume of these
students per dimension is S; the student does not know the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._version_space.averages import KeptTeacherField
from replica_theory._version_space.continuation import solve_saddle_points
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory._version_space.plane import PlaneVersionSpaces
from replica_theory._version_space.residual import saddle_point_residual
from replica_theory.errors import (
    ArrayFields,
    FloatOrArray,
    SaddlePointError,
    Values,
    check_alpha,
    check_probe_angle,
    shaped_like,
)
from replica_theory.selection import Selection, check_selection
from replica_theory.selection.kept_distribution import KeptDistribution
from replica_theory.selection.label_noise import Noise, check_label_noise
from replica_theory.separability import separability_threshold

RESIDUAL_TOLERANCE = 1e-10
PLANE_TOLERANCE = 1e-9  # of an imperfect probe or wrong labels


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VersionSpaceSolution(ArrayFields, Generic[Values]):
    """Version spaces, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        selection: The rule by which they were kept.
        probe_angle: θ between probe and teacher, radians.
        label_noise: η, or a `LabelNoise`.
        entropy: S, log volume of the version space as a fraction of all students, nats per dimension.
        information_gain: I = −dS/dα where S is extremal, the loss of log volume per example, nats.
        overlap: R = cos of the angle between a Gibbs student and the teacher.
        probe_overlap: ρ, with the probe.
        self_overlap: q, overlap of two Gibbs students.
        gibbs_error: arccos(R)/π, test error of a student drawn at random.
        center_of_mass_error: arccos(R/√q)/π, test error of the students' mean, and of their vote.
        residual: Largest relative residual of the equations for R and q, evaluated independently of the solver.

    Example:
        >>> from replica_theory import KeepHardest, version_space
        >>> space = version_space(2.0, selection=KeepHardest(0.5))
        >>> f"{space.information_gain:.5f} nats, {space.gibbs_error:.5f} → {space.center_of_mass_error:.5f}"
        '0.59699 nats, 0.18769 → 0.14940'
    """

    alpha_prune: Values
    selection: Selection
    probe_angle: float
    label_noise: Noise
    entropy: Values
    information_gain: Values
    overlap: Values
    probe_overlap: Values
    self_overlap: Values
    gibbs_error: Values
    center_of_mass_error: Values
    residual: Values


@overload
def version_space(
    alpha_prune: float, *, selection: Selection, probe_angle: float = 0.0, label_noise: Noise = 0.0
) -> VersionSpaceSolution[float]: ...
@overload
def version_space(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    label_noise: Noise = 0.0,
) -> VersionSpaceSolution[np.ndarray]: ...
def version_space(
    alpha_prune: ArrayLike, *, selection: Selection, probe_angle: float = 0.0, label_noise: Noise = 0.0
) -> VersionSpaceSolution[FloatOrArray]:
    """Version space of pruned data, in the limit N → ∞ at fixed P/N.

    The replica-symmetric entropy, for a student that is ignorant of the rule (q ≠ R)::

        S = extr_{q,R} ½ ln(1−q) + (q−R²)/(2(1−q)) + α E_kept ∫Dt ln Φ(y),   y = (R u + √(q−R²) t)/√(1−q)

    over kept teacher fields u > 0. It is solved in a = R/√(1−q) and b = √(q−R²)/√(1−q), where nothing cancels as
    q, R → 1, and stationary where, with h = ln Φ::

        (V1)  a/(1 + a² + b²) = α E[u h'(y)]
        (V2)  b² = α E[h'(y)²]

    At θ > 0 or with wrong labels the students' mean has a component across the probe too, and there are three such
    equations (`replica_theory._version_space.plane`). Wrong labels leave no version space from `separability_threshold`
    on; short of it replica symmetry is an assumption.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.

    Returns:
        The version spaces, each checked by a second formulation.

    Raises:
        ValueError: A parameter is out of range, or no student agrees with all wrong labels.
        SaddlePointError: No solution to a residual of 1e-10, or 1e-9 at θ > 0 or with noise; carries the residual.

    References:
        Györgyi & Tishby 1990; Seung, Opper & Sompolinsky 1992; Sorscher et al. 2022, arXiv:2206.14486, App. A.

    Example:
        >>> from replica_theory import KeepHardest, version_space
        >>> space = version_space(2.0, selection=KeepHardest(0.4))
        >>> f"{space.self_overlap:.6f} {space.overlap:.6f}"
        '0.895942 0.848686'
        >>> f"{version_space(2.0, selection=KeepHardest(0.4), probe_angle=0.3).gibbs_error:.6f}"
        '0.252186'
    """
    alphas, angle, noise = check_alpha(alpha_prune), check_probe_angle(probe_angle), check_label_noise(label_noise)
    kept = check_selection(selection).kept_distribution(angle, noise)
    if angle or noise:
        return _in_the_plane(kept, selection, alphas)
    teacher_field = KeptTeacherField(kept)
    points = solve_saddle_points(teacher_field, np.atleast_1d(alphas))
    residuals = [saddle_point_residual(teacher_field.kept, point) for point in points]
    return as_solution(teacher_field, points, residuals, selection=selection, alphas=alphas)


def _in_the_plane(
    kept: KeptDistribution, selection: Selection, alphas: np.ndarray
) -> VersionSpaceSolution[FloatOrArray]:
    """Of an imperfect probe, or of wrong labels."""
    most = separability_threshold(selection=selection, probe_angle=kept.probe_angle, label_noise=kept.label_noise)
    if not np.all(alphas < most):
        raise ValueError(
            f"`alpha_prune` must be below {most:g}, from which no student agrees with all labels; got {alphas.max():g}"
        )
    points = PlaneVersionSpaces(kept).at(np.atleast_1d(alphas))
    for point in points:
        if not point.residual <= PLANE_TOLERANCE:
            raise SaddlePointError(
                f"a second evaluation does not confirm the version space at alpha_prune = {point.alpha}",
                residual=point.residual,
            )

    def shaped(name: str) -> FloatOrArray:
        return shaped_like(alphas, np.array([getattr(point, name) for point in points]))

    return VersionSpaceSolution(
        alpha_prune=shaped("alpha"),
        selection=selection,
        probe_angle=kept.probe_angle,
        label_noise=kept.label_noise,
        entropy=shaped("entropy"),
        information_gain=shaped("information_gain"),
        overlap=shaped("overlap"),
        probe_overlap=shaped("probe_overlap"),
        self_overlap=shaped("self_overlap"),
        gibbs_error=shaped("gibbs_error"),
        center_of_mass_error=shaped("center_of_mass_error"),
        residual=shaped("residual"),
    )


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
        probe_angle=0.0,
        label_noise=0.0,
        entropy=shaped(entropies),
        information_gain=shaped(gains),
        overlap=shaped([point.overlap for point in points]),
        probe_overlap=shaped([point.overlap for point in points]),
        self_overlap=shaped([point.self_overlap for point in points]),
        gibbs_error=shaped([point.gibbs_error for point in points]),
        center_of_mass_error=shaped([point.center_of_mass_error for point in points]),
        residual=shaped(residuals),
    )
