"""Angles between a student and directions that were or were not in its training.

A student's direction is (a₁, a₂, b), a unit vector: along the probe, across it towards the teacher,
and b ≥ 0 outside their plane, where it is random. A target is (c₁, c₂, o) likewise, its part outside the plane
orthogonal to the student's.
"""

import math

import numpy as np

_ROUNDING = 1e-12


def angle_to(direction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Angle between student(s), (..., 3), and a target (3, ...), from components, so that none is lost near 0."""
    a1, a2, b = np.moveaxis(direction, -1, 0)
    c1, c2, outside = target
    beside = np.hypot(a1 * c2 - a2 * c1, b)
    return np.arctan2(np.hypot(beside, np.hypot(a1, a2) * outside), a1 * c1 + a2 * c2)


def in_plane(angle: float | np.ndarray) -> np.ndarray:
    """The direction at this angle to the probe, towards the teacher, (3, ...)."""
    return np.array([np.cos(angle), np.sin(angle), np.zeros_like(angle)])


def target_direction(probe_angle: float, *, teacher_overlap: float, probe_overlap: float) -> np.ndarray:
    """The target with these cosines to teacher and probe.

    Raises:
        ValueError: No unit vector has them.
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
