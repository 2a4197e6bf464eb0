"""Saddle points at many α: each by Newton's method from its neighbour, the first from a limit."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._version_space.averages import KeptTeacherField
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory._version_space.saddle_point import (
    few_examples_limit,
    many_examples_limit,
    saddle_point_equations,
)
from replica_theory.errors import SaddlePointError

_FIRST_ALPHA = 0.05  # α at which a path begins where no limit is near
_LONGEST_STEP = 1.5  # largest change of ln a, ln b and ln α from one point of the path to the next
_SHORTEST_STEP = 1e-9  # that change at which the path is given up
_STEP_GROWTH, _STEP_CUT = 1.4, 4.0  # factors by which it grows after Newton's method converged, and falls otherwise
_QUADRATIC = 1e-6  # largest residual and step before the last Newton step, which then reaches rounding
_ROUGH = 1e-2  # the same for points on the way to another
_MOST_STEPS = 8  # Newton steps at most
_LARGEST = 3.0  # residual or Newton step, of logarithms, at which the iteration has left the basin of the root


@dataclass(frozen=True)
class _PathPoint:
    """(ln a, ln b) at ln α, with their derivative by it."""

    log_alpha: float
    log_parameters: np.ndarray
    slope: np.ndarray

    def order_parameters(self, alpha: float) -> OrderParameters:
        a, b = np.exp(self.log_parameters).tolist()
        return OrderParameters(alpha=alpha, along=a, across=b)

    def extrapolated(self, log_alpha: float) -> np.ndarray:
        return self.log_parameters + (log_alpha - self.log_alpha) * self.slope


def solve_saddle_points(teacher_field: KeptTeacherField, alphas: np.ndarray) -> list[OrderParameters]:
    """The saddle points at these α, in their order; found in ascending order, each from its neighbour."""
    solved: dict[int, OrderParameters] = {}
    point: _PathPoint | None = None
    for index in np.argsort(alphas, kind="stable").tolist():
        log_alpha = math.log(alphas[index])
        point = _followed(teacher_field, point, log_alpha) if point else _first_point(teacher_field, log_alpha)
        solved[index] = point.order_parameters(float(alphas[index]))
    return [solved[index] for index in range(alphas.size)]


def _first_point(teacher_field: KeptTeacherField, log_alpha: float) -> _PathPoint:
    """From a limit where it is close enough; otherwise on the path that leaves from α → 0.

    The saddle point is unique in every case tried, so that it does not matter whence it is reached.
    """
    alpha = math.exp(log_alpha)
    if teacher_field.density_ratio > 0:
        point, _ = _newton(teacher_field, log_alpha, many_examples_limit(alpha * teacher_field.density_ratio))
        if point:
            return point
    point, _ = _newton(teacher_field, log_alpha, few_examples_limit(teacher_field, alpha))
    if point:
        return point
    first = min(_FIRST_ALPHA, alpha / 2)
    point, residual = _newton(teacher_field, math.log(first), few_examples_limit(teacher_field, first))
    if not point:
        raise SaddlePointError(f"no version space found at alpha_prune = {first}", residual=residual)
    return _followed(teacher_field, point, log_alpha)


def _followed(teacher_field: KeptTeacherField, point: _PathPoint, target: float) -> _PathPoint:
    """Steps along the tangent to the target ln α, shorter after a failure of Newton's method."""
    longest = _LONGEST_STEP
    while point.log_alpha < target:
        step = longest / max(1.0, float(np.max(np.abs(point.slope))))
        log_alpha = min(point.log_alpha + step, target)
        tolerance = _QUADRATIC if log_alpha == target else _ROUGH
        ahead, residual = _newton(teacher_field, log_alpha, point.extrapolated(log_alpha), tolerance=tolerance)
        if ahead:
            point, longest = ahead, min(_LONGEST_STEP, _STEP_GROWTH * longest)
            continue
        longest /= _STEP_CUT
        if longest < _SHORTEST_STEP:
            raise SaddlePointError(
                f"no version space found beyond alpha_prune = {math.exp(point.log_alpha)}", residual=residual
            )
    return point


def _newton(
    teacher_field: KeptTeacherField, log_alpha: float, log_parameters: np.ndarray, *, tolerance: float = _QUADRATIC
) -> tuple[_PathPoint | None, float]:
    """The point and its residual before the last step; no point where the iteration leaves its basin."""
    size = math.inf
    for _ in range(_MOST_STEPS):
        residual, jacobian = saddle_point_equations(teacher_field, log_alpha, log_parameters)
        size = float(np.max(np.abs(residual)))
        if not size < _LARGEST:
            break
        try:  # the step, and the slope in ln α
            step, slope = np.linalg.solve(jacobian, np.stack([-residual, [-1.0, -1.0]], axis=1)).T
        except np.linalg.LinAlgError:
            break
        if not np.max(np.abs(step)) < _LARGEST:
            break
        log_parameters = log_parameters + step
        if size < tolerance and np.max(np.abs(step)) < tolerance:
            return _PathPoint(log_alpha, log_parameters, slope), size
    return None, size
