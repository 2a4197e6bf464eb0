"""Newton's method on the equations (S1)–(S3) of the max-margin student, for one or for many at once.

The unknowns are the steps (ln α, δk/k_unit, ln scale, δψ) of `OrderParameters.stepped`: four for three equations. At
fixed α the first is zero; along a curve of students the step is orthogonal to a given direction instead.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from replica_theory._max_margin.order_parameters import OrderParameters, PerStudent
from replica_theory._max_margin.saddle_point import SaddlePointEquations, saddle_point_equations
from replica_theory._numerics.elementary import functions_of, largest, ratio
from replica_theory.selection.kept_distribution import KeptDistribution

Vector = tuple[Any, Any, Any]
Step = tuple[Any, Any, Any, Any]  # in ln α, k/k_unit, ln scale and ψ

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
    """Students to which Newton's method led; numbers for one student, or arrays (students,).

    Attributes:
        students: The students.
        residual: Largest residual of each, before the last step if that is known to suffice.
        converged: Whether it is as small as was asked, or as rounding allows.
        first_residual: Largest residual at the start.
        tangent: Unit tangent of the students' curve towards larger α, in the four coordinates of a step.
        k_unit: 2M/M_k, the scale in which k is stepped.
    """

    students: OrderParameters
    residual: Any
    converged: Any
    first_residual: Any
    tangent: Step
    k_unit: Any

    @property
    def scaling_exponent(self) -> Any:
        """d ln ε/d ln α, along the curve."""
        by_scale, by_angle = self.students.log_error_gradient()
        log_alpha, _, log_scale, angle = self.tangent
        return (by_scale * log_scale + by_angle * angle) / log_alpha


def newton(kept: KeptDistribution, students: OrderParameters) -> NewtonResult:
    """Solves (S1)–(S3) at fixed α from many near-by students.

    Args:
        kept: Distribution of the kept examples.
        students: Where to start.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        iterate = _Iterate.at(saddle_point_equations(kept, students), students)
        first, previous = iterate.residual, np.full_like(iterate.residual, math.inf)
        for iteration in range(_ITERATIONS):
            active = iterate.unfinished(previous) & ((iterate.residual < _SLOW * previous) | (iteration < 2))
            if not active.any():
                break
            previous, ahead = iterate.residual, iterate[active].next_students()
            iterate = iterate.replaced(active, _Iterate.at(saddle_point_equations(kept, ahead), ahead))
        students = iterate.next_students() if iterate.residual.max() < _LAST_STEP else iterate.students
    return iterate.result(students, iterate.residual < _LAST_STEP, first)


def newton_of_one(
    kept: KeptDistribution,
    student: OrderParameters,
    equations: SaddlePointEquations | None = None,
    *,
    direction: Step | None = None,
    tolerance: float = TOLERANCE,
) -> NewtonResult:
    """Solves (S1)–(S3) from a near-by student, in plain numbers: arrays of one student take twice as long.

    Args:
        kept: Distribution of the kept examples.
        student: Where to start.
        equations: (S1)–(S3) there, if known.
        direction: To which each step is orthogonal; None steps at fixed α.
        tolerance: Largest residual of a solution.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        student = student.in_sufficient_precision(kept.narrowest_scale)
        iterate = _Iterate.at(equations or saddle_point_equations(kept, student), student, direction)
        first, previous = iterate.residual, math.inf
        for iteration in range(_ITERATIONS):
            falling = iteration < 2 or iterate.residual < _SLOW * previous
            if not (falling and iterate.unfinished(previous) and not iterate.suffices(tolerance)):
                break
            previous, student = iterate.residual, iterate.next_students()
            student = student.in_sufficient_precision(kept.narrowest_scale)
            iterate = _Iterate.at(saddle_point_equations(kept, student), student, direction)
        student = iterate.next_students() if iterate.residual < _LAST_STEP else iterate.students
    return iterate.result(student, bool(iterate.residual < max(tolerance, _LAST_STEP)), first)


@dataclass(frozen=True)
class _Iterate(PerStudent):
    """Students, their equations and largest residual, Newton's next step, and unit tangents."""

    students: OrderParameters
    equations: SaddlePointEquations
    residual: Any
    step: Step
    tangent: Step

    @classmethod
    def at(
        cls, equations: SaddlePointEquations, students: OrderParameters, direction: Step | None = None
    ) -> "_Iterate":
        return cls(students, equations, equations.largest_residual, *_step_and_tangent(equations, direction))

    def result(self, students: OrderParameters, converged: Any, first_residual: Any) -> NewtonResult:
        return NewtonResult(students, self.residual, converged, first_residual, self.tangent, self.equations.k_unit)

    def unfinished(self, previous: Any) -> Any:
        """Which students to step on: neither solved, nor one step from it, nor at the rounding of their terms."""
        residual = self.residual
        quadratic = (residual < _QUADRATIC * previous) & (previous < math.inf)
        far = (residual >= TOLERANCE) & ((residual >= _LAST_STEP) | (quadratic ^ True))
        moving = (residual >= _ROUNDING) | (residual <= _STALLED * previous)
        total = sum(self.step)
        return far & moving & (residual < _DIVERGED) & functions_of(total).isfinite(total)

    def suffices(self, tolerance: float) -> bool:
        """Whether one student is solved to this, relative to k/k_unit where its margin is small."""
        return bool(self.residual < tolerance * min(1.0, float(self.students.k) / self.equations.k_unit))

    def next_students(self) -> OrderParameters:
        """Students after Newton's step, shortened to `_LARGEST_STEP`; k falls by a factor e^0.7 at most."""
        log_alpha, relative_k, log_scale, angle = self.step
        delta_k = self.equations.k_unit * relative_k
        share = _LARGEST_STEP / largest(*map(abs, self.step), -delta_k / self.students.k, _LARGEST_STEP)
        return self.students.stepped(share * log_alpha, share * delta_k, share * log_scale, share * angle)


def _step_and_tangent(equations: SaddlePointEquations, direction: Step | None) -> tuple[Step, Step]:
    """Newton's step at fixed α, or orthogonal to ``direction``, and the unit tangent towards larger α."""
    by_k, by_scale, by_angle = equations.jacobian
    # Cramer's rule: the columns of the inverse matrix are the normals over the determinant
    normals = _cross(by_scale, by_angle), _cross(by_angle, by_k), _cross(by_k, by_scale)
    determinant = _dot(by_k, normals[0])
    inverse = ratio(-1.0, determinant)
    step = 0.0 * determinant, *(inverse * _dot(equations.residual, normal) for normal in normals)
    tangent = 1.0 + step[0], *(inverse * normal[0] for normal in normals)
    if direction is not None:
        along = _dot(step[1:], direction[1:]) / (direction[0] + _dot(tangent[1:], direction[1:]))
        step = tuple(part - along * towards for part, towards in zip(step, tangent, strict=True))
    per_length = (1.0 + _dot(tangent[1:], tangent[1:])) ** -0.5
    return step, tuple(part * per_length for part in tangent)


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Vector, b: Vector) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
