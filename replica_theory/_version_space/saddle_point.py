"""The saddle point of the version space: the mean of a Gibbs student, in units of its spread."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._version_space.averages import KeptTeacherField
from replica_theory.errors import SaddlePointError

_FIRST_ALPHA = 0.05
_LONGEST_STEP = 1.5  # of ln a and ln b, from one point of the path to the next
_SHORTEST_STEP = 1e-9
_QUADRATIC = 1e-6  # a residual after which one more Newton step reaches rounding
_ROUGH = 1e-2  # likewise, where the point is only passed on the way
_PATIENCE = 8


@dataclass(frozen=True, kw_only=True)
class GibbsOrderParameters:
    """A student drawn at random from the version space.

    Attributes:
        alpha: α, kept examples per dimension.
        along: a = R/√(1−q), its mean along the teacher in units of its spread.
        across: b = √(q−R²)/√(1−q), its mean across the teacher, likewise.
    """

    alpha: float
    along: float
    across: float

    @property
    def squared_length(self) -> float:
        """c² = a² + b² = q/(1 − q)."""
        return self.along**2 + self.across**2

    @property
    def overlap(self) -> float:
        """R, with the teacher."""
        return self.along / math.sqrt(1 + self.squared_length)

    @property
    def self_overlap(self) -> float:
        """q, of two students drawn independently."""
        return self.squared_length / (1 + self.squared_length)

    @property
    def gibbs_error(self) -> float:
        """arccos(R)/π, from components."""
        return math.atan2(math.hypot(1.0, self.across), self.along) / math.pi

    @property
    def center_of_mass_error(self) -> float:
        """arccos(R/√q)/π, from components."""
        return math.atan2(self.across, self.along) / math.pi

    def entropy(self, information_gain: float) -> float:
        """S = −½ ln(1 + c²) + ½ b² − α I."""
        return 0.5 * (self.across**2 - math.log1p(self.squared_length)) - self.alpha * information_gain


@dataclass(frozen=True)
class _PathPoint:
    """ln a and ln b at ln α, with their slope in it."""

    log_alpha: float
    state: np.ndarray
    slope: np.ndarray

    def student(self, alpha: float) -> GibbsOrderParameters:
        a, b = np.exp(self.state)
        return GibbsOrderParameters(alpha=alpha, along=float(a), across=float(b))

    def ahead(self, log_alpha: float) -> np.ndarray:
        return self.state + (log_alpha - self.log_alpha) * self.slope


def solve_saddle_points(teacher_field: KeptTeacherField, alphas: np.ndarray) -> list[GibbsOrderParameters]:
    """The students at these α, in ascending order, each from its neighbour."""
    students: dict[int, GibbsOrderParameters] = {}
    point: _PathPoint | None = None
    for index in np.argsort(alphas, kind="stable"):
        log_alpha = math.log(alphas[index])
        point = _follow(teacher_field, point, log_alpha) if point else _cold_point(teacher_field, log_alpha)
        students[int(index)] = point.student(float(alphas[index]))
    return [students[index] for index in range(alphas.size)]


def _cold_point(teacher_field: KeptTeacherField, log_alpha: float) -> _PathPoint:
    """From a limit where it is close enough; otherwise on the path that leaves from α → 0.

    The saddle point is unique in every case tried, so that it does not matter whence it is reached.
    """
    alpha = math.exp(log_alpha)
    if teacher_field.density_ratio > 0:
        guess = _many_examples_guess(alpha * teacher_field.density_ratio)
        point, _ = _newton(teacher_field, log_alpha, guess)
        if point:
            return point
    point, _ = _newton(teacher_field, log_alpha, _few_examples_guess(teacher_field, alpha))
    if point:
        return point
    first = min(_FIRST_ALPHA, alpha / 2)
    point, residual = _newton(teacher_field, math.log(first), _few_examples_guess(teacher_field, first))
    if not point:
        raise SaddlePointError(f"no version space found at alpha_prune = {first}", residual=residual)
    return _follow(teacher_field, point, log_alpha)


def _few_examples_guess(teacher_field: KeptTeacherField, alpha: float) -> np.ndarray:
    """The limit α → 0: a = α √(2/π) E u, b² = 2 α/π."""
    return np.log([alpha * math.sqrt(2 / math.pi) * teacher_field.mean, math.sqrt(2 * alpha / math.pi)])


def _many_examples_guess(alpha: float) -> np.ndarray:
    """Random data, where a = R/√(1−R), b = √R, and a/α grows from 2/π to 0.7207; α counts examples near u = 0."""
    a = alpha * (0.637 + 0.7207 * alpha) / (1 + alpha)
    return np.array([math.log(a), 0.5 * math.log(2 / (1 + math.sqrt(1 + 4 / a**2)))])


def _follow(teacher_field: KeptTeacherField, point: _PathPoint, target: float) -> _PathPoint:
    """Steps along the tangent to the target, no further than the state changes by a factor of a few."""
    longest = _LONGEST_STEP
    while point.log_alpha < target:
        stride = longest / max(1.0, float(np.max(np.abs(point.slope))))
        log_alpha = min(point.log_alpha + stride, target)
        tolerance = _QUADRATIC if log_alpha == target else _ROUGH
        ahead, residual = _newton(teacher_field, log_alpha, point.ahead(log_alpha), tolerance=tolerance)
        if ahead is not None:
            point, longest = ahead, min(_LONGEST_STEP, 1.4 * longest)
            continue
        longest /= 4
        if longest < _SHORTEST_STEP:
            raise SaddlePointError(
                f"no version space found beyond alpha_prune = {math.exp(point.log_alpha)}", residual=residual
            )
    return point


def _newton(
    teacher_field: KeptTeacherField, log_alpha: float, state: np.ndarray, *, tolerance: float = _QUADRATIC
) -> tuple[_PathPoint | None, float]:
    """The point and its residual before the last step; no point when the iteration leaves its basin."""
    size = math.inf
    for _ in range(_PATIENCE):
        residual, jacobian = _stationarity(teacher_field, log_alpha, state)
        size = float(np.max(np.abs(residual)))
        if not size < 3:
            break
        try:
            step, slope = np.linalg.solve(jacobian, np.stack([-residual, [-1.0, -1.0]], axis=1)).T
        except np.linalg.LinAlgError:
            break
        if not np.max(np.abs(step)) < 3:
            break
        state = state + step
        if size < tolerance and np.max(np.abs(step)) < tolerance:
            return _PathPoint(log_alpha, state, slope), size
    return None, size


def _stationarity(
    teacher_field: KeptTeacherField, log_alpha: float, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of right side over left side, with their Jacobian in (ln a, ln b)::

    a / (1 + c²) = α E u h'(y),      b² = α E h'(y)²
    """
    a, b = (float(value) for value in np.exp(state))
    average, norm = teacher_field.force(a, b), 1 + a * a + b * b
    with np.errstate(divide="ignore", invalid="ignore"):  # where a far guess makes them underflow
        residual = log_alpha + np.log([average.pull * norm / a, average.square / (b * b)])
        pull, square = np.array(average.pull_slope) / average.pull, np.array(average.square_slope) / average.square
    jacobian = np.array([pull + np.array([a, b]) * 2 / norm, square]) * [a, b]
    return residual, jacobian - np.diag([1.0, 2.0])
