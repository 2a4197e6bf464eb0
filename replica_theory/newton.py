"""Newton's method on the equations of the max-margin student, for many students at once."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory.kept_law import KeptLaw
from replica_theory.stationarity import stationarity
from replica_theory.student import Student

TOLERANCE = 1e-13
_ROUNDING = 1e-10  # below it, a residual that stops falling has met the rounding of its terms
_LONGEST = 0.7  # step, in any coordinate
_HOPELESS = 1e3
_ITERATIONS = 12


@dataclass(frozen=True)
class Polished:
    """What Newton's method made of some students.

    Attributes:
        students: The students.
        residual: Largest residual of each; NaN where the iteration failed.
        first_residual: That of the start.
        tangents: (students, 4), unit tangents of their curves towards larger α, in the coordinates of
            `Student.stepped`, slack in units of ``unit``.
        unit: The slack that doubles M or so.
    """

    students: Student
    residual: np.ndarray
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
    count = students.k.size
    if direction is None:
        direction = np.broadcast_to([1.0, 0.0, 0.0, 0.0], (count, 4))
    first = size = np.full(count, math.inf)
    for iteration in range(_ITERATIONS):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            here = stationarity(law, students)
        previous, size = size, np.abs(here.residual).max(-1)
        first = size if iteration == 0 else first
        stalled = (size < _ROUNDING) & (size > 0.1 * previous)
        lost = ~(size < _HOPELESS) | ((size > 0.8 * previous) & (iteration > 1))
        # where the margin is small, an anchor is rough only within its margin
        close = size < np.maximum(TOLERANCE, tolerance * np.minimum(1.0, students.k.astype(float) / here.unit))
        active = ~(close | stalled | lost)
        if not active.any():
            break
        steps = _solved(
            np.concatenate([here.jacobian, direction[:, None]], 1), np.pad(-here.residual, ((0, 0), (0, 1)))
        )
        longest = np.maximum(np.abs(steps).max(-1), -here.unit * steps[:, 1] / students.k.astype(float))
        steps = np.where(active, steps.T * np.minimum(1.0, _LONGEST / np.maximum(longest, _LONGEST)), 0.0)
        students = students.stepped(steps[0], here.unit * steps[1], *steps[2:])
    found = size < max(tolerance, _ROUNDING)
    return Polished(students, np.where(found, size, math.nan), first, _tangents(here.jacobian), here.unit)


def _tangents(jacobian: np.ndarray) -> np.ndarray:
    """Unit null vectors of the Jacobians, towards larger α."""
    tangents = np.insert(_solved(jacobian[..., 1:], -jacobian[..., 0]), 0, 1.0, axis=-1)
    return tangents / np.linalg.norm(tangents, axis=-1, keepdims=True)


def _solved(matrices: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Solutions of many small systems; NaN where one is singular or not finite, which leads nowhere."""
    solutions = np.full(sides.shape, math.nan)
    usable = np.isfinite(matrices).all((-2, -1))
    usable[usable] = np.linalg.det(matrices[usable]) != 0
    solutions[usable] = np.linalg.solve(matrices[usable], sides[usable][..., None])[..., 0]
    return solutions
