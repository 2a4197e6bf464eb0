"""Newton's method on the equations of the max-margin student, for many students at once."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory.kept_law import KeptLaw
from replica_theory.stationarity import Stationarity, stationarity
from replica_theory.student import Student

TOLERANCE = 1e-13
_ROUNDING = 1e-9  # below it, a residual that stops falling has met the rounding of its terms
_LONGEST = 0.7  # step, in any coordinate
_HOPELESS = 1e3
_ITERATIONS = 12


@dataclass(frozen=True)
class Polished:
    """What Newton's method made of some students.

    Attributes:
        students: The students.
        residual: Largest residual of each.
        found: Whether it is as small as was asked, or as rounding allows.
        first_residual: That of the start.
        tangents: (students, 4), unit tangents of their curves towards larger α, in the coordinates of
            `Student.stepped`, slack in units of ``unit``.
        unit: The slack that doubles M or so.
    """

    students: Student
    residual: np.ndarray
    found: np.ndarray
    first_residual: np.ndarray
    tangents: np.ndarray
    unit: np.ndarray

    @property
    def scaling_exponent(self) -> np.ndarray:
        """d ln ε/d ln α, along the curve."""
        return (self.students.log_error_slopes() * self.tangents).sum(-1) / self.tangents[:, 0]


def newton(
    law: KeptLaw, students: Student, *, direction: np.ndarray | None = None, tolerance: float = TOLERANCE
) -> Polished:
    """Solves for students from near-by ones, at fixed α or in the plane across ``direction``."""
    if direction is None:
        direction = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (students.k.size, 4))
    here = _equations(law, students)
    first = size = np.abs(here.residual).max(-1)
    previous = np.full_like(size, math.inf)
    for iteration in range(_ITERATIONS):
        active = _unfinished(students, here, size, previous, tolerance) & ((size < 0.8 * previous) | (iteration < 2))
        if not active.any():
            break
        students = _stepped(students, here, direction, active)
        here = _equations(law, students)
        previous, size = size, np.abs(here.residual).max(-1)
    found = size < max(tolerance, _ROUNDING)
    return Polished(students, size, found, first, _tangents(here.jacobian), here.unit)


def _equations(law: KeptLaw, students: Student) -> Stationarity:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where a student is lost
        return stationarity(law, students)


def _unfinished(
    students: Student, here: Stationarity, size: np.ndarray, previous: np.ndarray, tolerance: float
) -> np.ndarray:
    """Which students to step on: neither close enough, nor at the rounding of their terms, nor hopeless."""
    # where the margin is small, an anchor is rough only within its margin
    close = size < np.maximum(TOLERANCE, tolerance * np.minimum(1.0, students.k.astype(float) / here.unit))
    stalled = (size < _ROUNDING) & (size > 0.1 * previous)
    return ~close & ~stalled & (size < _HOPELESS)


def _stepped(students: Student, here: Stationarity, direction: np.ndarray, active: np.ndarray) -> Student:
    """Newton's steps of the active ones, no longer than allowed; k at most falls by a factor of a few."""
    matrices = np.concatenate([here.jacobian, direction[:, None]], 1)
    steps = _solved(matrices, np.pad(-here.residual, ((0, 0), (0, 1))))
    longest = np.maximum(np.abs(steps).max(-1), -here.unit * steps[:, 1] / students.k.astype(float))
    steps = np.where(active, steps.T * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST)), 0.0)
    return students.stepped(steps[0], here.unit * steps[1], *steps[2:])


def _tangents(jacobian: np.ndarray) -> np.ndarray:
    """Unit null vectors of the Jacobians, towards larger α."""
    tangents = np.insert(_solved(jacobian[..., 1:], -jacobian[..., 0]), 0, 1.0, axis=-1)
    return tangents / np.linalg.norm(tangents, axis=-1, keepdims=True)


def _solved(matrices: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Solutions of many small systems; NaN where one is singular or not finite, which leads nowhere."""
    solutions = np.full(sides.shape, math.nan)
    usable = np.flatnonzero(np.isfinite(matrices).all((-2, -1)))
    usable = usable[np.linalg.det(matrices[usable]) != 0]
    solutions[usable] = np.linalg.solve(matrices[usable], sides[usable][..., None])[..., 0]
    return solutions
