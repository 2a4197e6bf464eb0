"""Newton's method on the equations (S1)–(S3) of the max-margin student, for many students at once.

The unknowns are the steps (ln α, δk/k_unit, ln scale, δψ) of `OrderParameters.stepped`: four for three equations. At
fixed α the first is zero; along a curve of students the step is orthogonal to a given direction instead.
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._max_margin.order_parameters import OrderParameters, PerStudent
from replica_theory._max_margin.saddle_point import SaddlePointEquations, saddle_point_equations
from replica_theory.selection.kept_distribution import KeptDistribution

TOLERANCE = 1e-13  # residual of a solution
_LAST_STEP = 2e-9  # residual from which one more step ends at a solution, if
_QUADRATIC = 1e-4  # it is at most this share of the last one
_ROUNDING = 1e-9  # residual below which one that stops falling has met the rounding of its terms
_STALLED = 0.1  # share of the last residual above which a residual below _ROUNDING has stopped falling
_SLOW = 0.8  # share of the last residual above which the method is given up
_DIVERGED = 1e3  # residual at which the method is given up
_LARGEST_STEP = 0.7  # in any coordinate
_ITERATIONS = 12  # steps at most


@dataclass(frozen=True)
class NewtonResult(PerStudent):
    """Students to which Newton's method led; numbers for one student, or arrays.

    Attributes:
        students: The students.
        residual: Largest residual of each, before the last step if that is known to suffice, (students,).
        converged: Whether it is as small as was asked, or as rounding allows, (students,).
        first_residual: Largest residual at the start, (students,).
        tangents: Unit tangents of the students' curves towards larger α, in the four coordinates of a step,
            (students, 4).
        k_unit: 2M/M_k, the scale in which k is stepped, (students,).
    """

    students: OrderParameters
    residual: np.ndarray
    converged: np.ndarray
    first_residual: np.ndarray
    tangents: np.ndarray
    k_unit: np.ndarray

    @property
    def scaling_exponent(self) -> np.ndarray:
        """d ln ε/d ln α, along the curve."""
        return (self.students.log_error_gradient() * self.tangents).sum(-1) / self.tangents[:, 0]


def newton(
    kept: KeptDistribution,
    students: OrderParameters,
    *,
    direction: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
    equations: SaddlePointEquations | None = None,
) -> NewtonResult:
    """Solves (S1)–(S3) from near-by students, or of one, whose parameters are numbers: it is faster.

    Args:
        kept: Distribution of the kept examples.
        students: Where to start.
        direction: (students, 4), to which each step is orthogonal; None steps at fixed α.
        tolerance: Largest residual of a solution.
        equations: (S1)–(S3) at the start, if known.
    """
    iterate = _Iterate.at(kept, students, direction, equations)
    first = iterate.residual
    previous = math.inf
    for iteration in range(_ITERATIONS):
        falling = (iterate.residual < _SLOW * previous) | (iteration < 2)
        active = iterate.unfinished(previous, tolerance) & falling
        if not active.any():
            break
        previous = iterate.residual
        if active.all():
            iterate = _Iterate.at(kept, iterate.next_students(), direction)
        else:
            some = None if direction is None else direction[active]
            iterate = iterate.replaced(active, _Iterate.at(kept, iterate[active].next_students(), some))
    converged = iterate.residual < max(tolerance, _LAST_STEP)
    students = iterate.next_students() if iterate.residual.max() < _LAST_STEP else iterate.students
    return NewtonResult(students, iterate.residual, converged, first, iterate.tangents, iterate.equations.k_unit)


@dataclass(frozen=True)
class _Iterate(PerStudent):
    """Students, their equations and largest residual, Newton's next steps, and unit tangents, (students, 4) each."""

    students: OrderParameters
    equations: SaddlePointEquations
    residual: np.ndarray
    steps: np.ndarray
    tangents: np.ndarray

    @classmethod
    def at(
        cls,
        kept: KeptDistribution,
        students: OrderParameters,
        direction: np.ndarray | None,
        equations: SaddlePointEquations | None = None,
    ) -> "_Iterate":
        equations = equations or saddle_point_equations(kept, students)
        return cls(students, equations, equations.largest_residual, *_steps_and_tangents(equations, direction))

    def unfinished(self, previous: np.ndarray | float, tolerance: float) -> np.ndarray:
        """Which students to step on: neither solved, nor one step from it, nor at the rounding of their terms."""
        quadratic = (self.residual < _QUADRATIC * previous) & (previous < math.inf)
        solved = (self.residual < TOLERANCE) | (quadratic & (self.residual < _LAST_STEP))
        if tolerance > TOLERANCE:
            # relative to k/k_unit where the margin is small, so that its relative error is as small
            relative_k = self.students.k.astype(float) / self.equations.k_unit
            solved |= self.residual < tolerance * np.minimum(1.0, relative_k)
        stalled = (self.residual < _ROUNDING) & (self.residual > _STALLED * previous)
        return ~solved & ~stalled & (self.residual < _DIVERGED) & np.isfinite(self.steps).all(-1)

    def next_students(self) -> OrderParameters:
        """Students after Newton's steps, shortened to `_LARGEST_STEP`; k falls by a factor e^0.7 at most."""
        delta_k = self.equations.k_unit * self.steps[..., 1]
        largest = np.maximum(np.abs(self.steps).max(-1), -delta_k / self.students.k)
        share = _LARGEST_STEP / np.maximum(largest, _LARGEST_STEP).astype(float)
        log_alpha, _, log_scale, delta_angle = self.steps.T * share
        return self.students.stepped(log_alpha, delta_k * share, log_scale, delta_angle)


def _steps_and_tangents(equations: SaddlePointEquations, direction: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Newton's steps at fixed α, or orthogonal to ``direction``, and unit tangents towards larger α."""
    shape = equations.residual.shape[:-1]
    sides = np.empty((*shape, 3, 2))
    sides[..., 0], sides[..., 1] = equations.residual, equations.jacobian[..., 0]
    solutions = _solved(equations.jacobian[..., 1:], sides)
    steps, tangents = np.zeros((*shape, 4)), np.ones((*shape, 4))
    np.negative(solutions[..., 0], out=steps[..., 1:])
    np.negative(solutions[..., 1], out=tangents[..., 1:])
    if direction is not None:
        along_tangent = (steps * direction).sum(-1) / (tangents * direction).sum(-1)
        steps -= along_tangent[..., None] * tangents
    tangents /= np.sqrt((tangents * tangents).sum(-1))[..., None]
    return steps, tangents


def _solved(matrices: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Solutions of many linear systems; NaN where a matrix is singular or not finite."""
    try:
        return np.linalg.solve(matrices, sides)
    except np.linalg.LinAlgError:
        solutions = np.full(sides.shape, math.nan)
        if matrices.ndim == 2:
            return solutions
        usable = np.flatnonzero(np.isfinite(matrices).all((-2, -1)))
        usable = usable[np.linalg.det(matrices[usable]) != 0]
        solutions[usable] = np.linalg.solve(matrices[usable], sides[usable])
        return solutions
