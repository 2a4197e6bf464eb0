"""The order parameters of a trained learner: first guess, Newton's method, and a path of falling ridges if it fails."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from replica_theory._trained_probe.constraints import Linear
from replica_theory._trained_probe.newton import Training, newton
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.square_loss import hebb_student, square_student
from replica_theory.errors import SaddlePointError
from replica_theory.losses.named import Square, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin

COARSE, FINE = 6, 8  # Gauss–Legendre nodes in a panel: errors of 1e-8 and 1e-12 as a rule
TOLERANCE = 1e-12  # residual at which Newton's method ends
_ROUGH = 1e-6  # residual at which it goes from coarse to fine panels
_ROUNDING = 1e-9  # residual that is taken where rounding keeps it from falling further
_START_RIDGE = 1e-2  # least ridge of the square student that starts another
_SOFT_RIDGE = 1e-2  # of the squared hinge's student that starts a hard margin's
_SOFTEST_RIDGE = 1e-5  # of the squared hinge's student from which a path of ridges jumps to a hard margin's
_CRUDE = 1e-3  # residual of a student that only starts another
_FASTEST, _SLOWEST = 0.1, 0.95  # ratios of a ridge to the last on a path of falling ridges
_LEAST = 1e-9  # ridge of the path from which it jumps to 0
_FARTHEST = 2.0  # extrapolation along a curve, in units of the last two points' distance
_NEAREST = 2.0  # ratio of α to the last point's up to which a curve is extrapolated


@dataclass
class Curve:
    """Order parameters found at growing α, from which the next ones are extrapolated in ln α."""

    points: list[tuple[float, OrderParameters]] = field(default_factory=list)

    def ahead(self, alpha: float) -> OrderParameters | None:
        """Extrapolation to α; none if there is no point near."""
        if not self.points or not 1 <= alpha / self.points[-1][0] <= _NEAREST:
            return None
        (before, first), (last, student) = self.points[max(len(self.points) - 2, 0)], self.points[-1]
        covered = math.log(last / before)
        share = math.log(alpha / last) / covered if covered else 0.0
        return student.beyond(first, share) if 0 < share <= _FARTHEST else student

    def add(self, alpha: float, student: OrderParameters) -> None:
        self.points.append((alpha, student))


def minimiser(training: Training, start: OrderParameters | None = None, *, order: int = FINE) -> OrderParameters:
    """The solution of (S1)–(S5).

    Args:
        training: The setting.
        start: Order parameters near it, if any are known.
        order: Gauss–Legendre nodes in a panel.

    Raises:
        SaddlePointError: Newton's method does not arrive.
    """
    for guess in [] if start is None else [start]:
        student = _polished(training, guess, order)
        if student.residual < _ROUNDING:
            return student
    student = _polished(training, first_guess(training), order)
    if student.residual < _ROUNDING:
        return student
    student = _by_falling_ridges(training, order)
    if student.residual < _ROUNDING:
        return student
    raise SaddlePointError(
        f"no student found at alpha_total = {training.alpha}, ridge = {training.ridge}", residual=student.residual
    )


def _polished(training: Training, guess: OrderParameters, order: int) -> OrderParameters:
    near = newton(training, guess, order=COARSE, tolerance=_ROUGH)
    return newton(training, near, order=order, tolerance=TOLERANCE) if near.residual < 1 else near


def first_guess(training: Training) -> OrderParameters:
    """The square loss's student at the same ridge; of the hard margin, the squared hinge's at a small one."""
    if isinstance(training.loss, Linear):
        return _closed(training, hebb_student, training.ridge)
    if not isinstance(training.loss, HardMargin):
        return _square(training, max(training.ridge, _START_RIDGE))
    soft = replace(training, loss=SquaredHinge(), ridge=_SOFT_RIDGE)
    student = newton(soft, _square(training, _SOFT_RIDGE), order=COARSE, tolerance=_CRUDE)
    return replace(student, scale=student.scale * _SOFT_RIDGE / training.ridge)


def _square(training: Training, ridge: float) -> OrderParameters:
    return _closed(training, square_student, ridge)


def _closed(training: Training, student: Callable[..., OrderParameters], ridge: float) -> OrderParameters:
    learners = training.learners
    fields = training.pool.fields(OrderParameters.outside_all(learners), Square(), COARSE)
    return student(fields, learners, alpha=training.alpha, ridge=ridge, label_noise=training.label_noise)


def _by_falling_ridges(training: Training, order: int) -> OrderParameters:
    """The end of a path that starts where the ridge outweighs the data, each student the start of the next."""
    hard = isinstance(training.loss, HardMargin)
    path = replace(training, loss=SquaredHinge()) if hard else training
    goal = _SOFTEST_RIDGE if hard else training.ridge
    ridge, ratio = 10 * (1 + training.alpha + goal), _FASTEST
    student = _at_ridge(path, _square(training, ridge), ridge)
    before = (ridge, student)
    while ridge > goal and ratio < _SLOWEST and student.residual < _CRUDE:
        following = _next_ridge(ridge, ratio, goal)
        trial = _at_ridge(path, _ahead(before, (ridge, student), following), following)
        if trial.residual < _CRUDE:
            before, ridge, student, ratio = (ridge, student), following, trial, max(_FASTEST, ratio**1.5)
        else:
            ratio = math.sqrt(ratio)
    if ridge > goal:
        return replace(student, residual=math.inf)
    return _polished(
        training, replace(student, scale=student.scale * ridge / training.ridge) if hard else student, order
    )


def _next_ridge(ridge: float, ratio: float, goal: float) -> float:
    following = max(goal, ratio * ridge)
    return goal if following < _LEAST else following


def _ahead(before: tuple[float, OrderParameters], last: tuple[float, OrderParameters], ridge: float) -> OrderParameters:
    """Where a path of ridges leads, in ln λ; its last student where there is no path yet."""
    covered = math.log(last[0] / before[0])
    share = math.log(ridge / last[0]) / covered if covered and ridge else 0.0
    return last[1].beyond(before[1], share) if 0 < share <= _FARTHEST else last[1]


def _at_ridge(training: Training, start: OrderParameters, ridge: float) -> OrderParameters:
    return newton(replace(training, ridge=ridge), start, order=COARSE, tolerance=_CRUDE / 10)
