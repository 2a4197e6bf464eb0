"""Angles between a student and directions that were or were not in its training.

A student's direction is (a₁, a₂, b), a unit vector: along the probe, across it towards the teacher,
and b ≥ 0 outside their plane, where it is random. A target is (c₁, c₂, o) likewise, its part outside the plane
orthogonal to the student's.
"""

import math

import numpy as np

_ROUNDING = 1e-12  # excess of a unit vector's squared components over 1 that rounding excuses


def angle_to(direction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Angle between student(s), (..., 3), and a target (3, ...), radians; exact to rounding near 0 too.

    It is arctan2(perpendicular, parallel) of the student's parts::

        parallel = a₁c₁ + a₂c₂,   perpendicular² = (a₁c₂ − a₂c₁)² + b² + (a₁² + a₂²) o²
    """
    a1, a2, b = np.moveaxis(direction, -1, 0)
    c1, c2, outside = target
    perpendicular = np.hypot(np.hypot(a1 * c2 - a2 * c1, b), np.hypot(a1, a2) * outside)
    return np.arctan2(perpendicular, a1 * c1 + a2 * c2)


def in_plane(angle: float | np.ndarray) -> np.ndarray:
    """The direction at this angle to the probe, radians, towards the teacher, (3, ...)."""
    return np.array([np.cos(angle), np.sin(angle), np.zeros_like(angle)])


def target_direction(probe_angle: float, *, teacher_overlap: float, probe_overlap: float) -> np.ndarray:
    """The target with these cosines to teacher and probe, (3,).

    Args:
        probe_angle: θ between probe and teacher, radians.
        teacher_overlap: Cosine of the target's angle to the teacher.
        probe_overlap: Cosine of its angle to the probe.

    Raises:
        ValueError: No unit vector has these cosines.
    """
    c, s = math.cos(probe_angle), math.sin(probe_angle)
    across = (teacher_overlap - c * probe_overlap) / s if s else 0.0
    outside = 1 - probe_overlap**2 - across**2
    if not outside >= -_ROUNDING or (s == 0 and not math.isclose(teacher_overlap, probe_overlap, abs_tol=_ROUNDING)):
        raise ValueError(
            "`teacher_overlap` and `probe_overlap` must be cosines of one unit vector with teacher and probe "
            f"at {probe_angle:.6g} radians; got {teacher_overlap}, {probe_overlap}"
        )
    return np.array([probe_overlap, across, math.sqrt(outside) if outside > _ROUNDING else 0.0])
