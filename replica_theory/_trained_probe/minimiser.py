"""The order parameters of a trained learner: first guess, Newton's method, and a path of falling ridges if it fails."""

import math
from collections.abc import Callable
from dataclasses import replace

from replica_theory._trained_probe.curve import Curve
from replica_theory._trained_probe.newton import Training, newton
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.square_loss import hebb_student, square_student
from replica_theory.errors import SaddlePointError
from replica_theory.losses.named import Square, SquaredHinge
from replica_theory.losses.ridgeless import HardMargin, Linear

CRUDE, COARSE, FINE = 4, 6, 9  # Gauss–Legendre nodes in a panel: errors of 1e-4, 1e-7 and 1e-11 as a rule
QUADRATIC = 1e-5  # residual that one step more turns into one of 1e-10
_TOLERANCE = 1e-12  # residual at which Newton's method ends
_FOUND = 1e-6  # residual of a solution, however near rounding lets Newton's method come
_START_RIDGE = 1e-2  # least ridge of the square student that starts another
_SOFT_RIDGE = 1e-2  # of the squared hinge's student that starts a hard margin's
_SOFTEST_RIDGE = 1e-5  # of the squared hinge's student from which a path of ridges jumps to a hard margin's
_START = 1e-3  # residual of a student that only starts another
_PATIENCE = 25  # evaluations after which a start is given up
_FASTEST, _SLOWEST = 0.1, 0.95  # ratios of a ridge to the last on a path of falling ridges
_LEAST = 1e-9  # ridge of the path from which it jumps to 0


def minimiser(
    training: Training,
    start: OrderParameters | None = None,
    *,
    resort: OrderParameters | None = None,
    order: int = FINE,
    trusted: float = QUADRATIC,
) -> OrderParameters:
    """The solution of (S1)–(S5), as far as rounding and quadrature allow; its residual says how far.

    Args:
        training: The setting.
        start: Order parameters near it, if any are known.
        resort: Order parameters to start from if neither these nor a first guess lead to it.
        order: Gauss–Legendre nodes in a panel.
        trusted: Residual from which Newton's next step is the last and remains unconfirmed, for a solution that other
            means will confirm; 0 to confirm every step.

    Raises:
        SaddlePointError: Newton's method does not arrive.
    """
    residual, tolerance = math.inf, trusted or _TOLERANCE
    guesses = [lambda: first_guess(training), lambda: resort, lambda: _by_falling_ridges(training)]
    for guess in guesses if start is None else [lambda: start, *guesses]:
        near = guess()
        if near is None:
            continue
        student = newton(training, near, order=order, tolerance=tolerance, most=_PATIENCE, last_step=trusted > 0)
        if student.residual < _FOUND:
            return student
        residual = min(residual, student.residual)
    raise SaddlePointError(
        f"no student found at alpha_total = {training.alpha}, ridge = {training.ridge}", residual=residual
    )


def first_guess(training: Training) -> OrderParameters:
    """The square loss's student at the same ridge; of the hard margin, the squared hinge's at a small one."""
    if isinstance(training.loss, Linear):
        return _closed(training, hebb_student, training.ridge)
    if not isinstance(training.loss, HardMargin):
        return _square(training, max(training.ridge, _START_RIDGE))
    soft = replace(training, loss=SquaredHinge(), ridge=_SOFT_RIDGE)
    student = newton(soft, _square(training, _SOFT_RIDGE), order=CRUDE, tolerance=_START, most=_PATIENCE)
    return replace(student, scale=student.scale * _SOFT_RIDGE / training.ridge)


def _square(training: Training, ridge: float) -> OrderParameters:
    return _closed(training, square_student, ridge)


def _closed(training: Training, student: Callable[..., OrderParameters], ridge: float) -> OrderParameters:
    learners = training.learners
    fields = training.pool.fields(OrderParameters.outside_all(learners), Square(), COARSE)
    return student(fields, learners, alpha=training.alpha, ridge=ridge, label_noise=training.label_noise)


def _by_falling_ridges(training: Training) -> OrderParameters:
    """The end of a path that starts where the ridge outweighs the data, each student the start of the next."""
    hard = isinstance(training.loss, HardMargin)
    path = replace(training, loss=SquaredHinge()) if hard else training
    goal = _SOFTEST_RIDGE if hard else training.ridge
    ridge, ratio = 10 * (1 + training.alpha + goal), _FASTEST
    student, curve = _at_ridge(path, _square(training, ridge), ridge), Curve(farthest=math.inf)
    curve.add(-math.log(ridge), student)
    while ridge > goal and ratio < _SLOWEST and student.residual < _START:
        following = _next_ridge(ridge, ratio, goal)
        guess = curve.ahead(-math.log(following)) if following else student
        trial = _at_ridge(path, guess or student, following)
        if trial.residual < _START:
            ridge, student, ratio = following, trial, max(_FASTEST, ratio**1.5)
            curve.add(-math.log(ridge) if ridge else math.inf, student)
        else:
            ratio = math.sqrt(ratio)
    return replace(student, scale=student.scale * ridge / training.ridge) if hard else student


def _next_ridge(ridge: float, ratio: float, goal: float) -> float:
    following = max(goal, ratio * ridge)
    return goal if following < _LEAST else following


def _at_ridge(training: Training, start: OrderParameters, ridge: float) -> OrderParameters:
    return newton(replace(training, ridge=ridge), start, order=CRUDE, tolerance=_START / 10, most=_PATIENCE)
