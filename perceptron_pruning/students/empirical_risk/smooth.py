"""Students of the logistic loss and the squared hinge, by Newton's method."""

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.max_margin_limit import max_margin_limit
from perceptron_pruning.students.empirical_risk.newton import MAX_HESSIANS, DifferentiableLoss, newton
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, differentiable_solution
from perceptron_pruning.students.empirical_risk.quasi_newton import TARGET as QUASI_NEWTON_TARGET
from perceptron_pruning.students.empirical_risk.quasi_newton import quasi_newton
from replica_theory.losses.named import Logistic, SquaredHinge

LOGISTIC, SQUARED_HINGE = Logistic(), SquaredHinge()

_INSIDE = 1 - 1e-6  # scale of the max-margin student, at which its support is short of margin 1
_MANY_ROWS = 5  # rows per feature from which Hessians are made in single precision first
_QUASI_NEWTON_ROWS = 15  # rows per feature from which a minimisation without Hessians is tried first
_WIDE = 125  # features from which Hessians are dear,
_QUASI_NEWTON_ROWS_OF_WIDE = {Logistic: 1, SquaredHinge: 2}  # and it is tried from so many rows per feature
_PATIENCE = 25  # Hessians at most, where another start may need fewer


def fit_logistic(problem: Problem) -> Solution:
    """Newton's method; without a ridge, separable examples are refused, whose loss has no minimum."""
    if problem.ridge == 0 and max_margin_limit(problem) is not None:
        raise ValueError(
            "`ridge` must be > 0 for separable examples, whose logistic loss has no minimum; got 0 "
            "(as the ridge vanishes, w points ever more along that of fit_max_margin)"
        )
    return _by_newton(problem, LOGISTIC, None)


def fit_squared_hinge(problem: Problem) -> Solution:
    """Newton's method, which is finite; from the max-margin student where a small ridge makes it long.

    As μ → 0 on separable examples the student becomes that of max margin, and before that its
    examples short of margin 1 are those of the max-margin student's support.
    """
    start = None
    if problem.ridge > 0:
        plain = _by_newton(problem, SQUARED_HINGE, start, most=_PATIENCE)
        if plain.verified:
            return plain
        start = plain.weights
    separating = max_margin_limit(problem)
    if problem.ridge == 0 and separating is not None:
        return separating
    return _by_newton(problem, SQUARED_HINGE, start if separating is None else _INSIDE * separating.weights)


def _by_newton(
    problem: Problem, loss: DifferentiableLoss, start: np.ndarray | None, *, most: int = MAX_HESSIANS
) -> Solution:
    """The point at which `newton` ends, from ``start`` or from 0, with ‖next step‖/‖w‖ as its residual.

    With many rows `quasi_newton` may need no Hessian, and has a bound on that distance as its residual. If it does not
    end, Hessians are made in single precision, and again in double if that does not lead to a minimum.
    """
    examples, features = problem.rows.shape
    if start is None and problem.ridge > 0 and _many_rows(loss, examples, features):
        start, margins, error = quasi_newton(problem, loss)
        if error <= QUASI_NEWTON_TARGET:
            return differentiable_solution(problem, loss, start, margins, residual=error)
    start = np.zeros(features) if start is None else start
    if examples >= _MANY_ROWS * features:
        quick = _newton_solution(problem, loss, start, most=most, single=True)
        if quick.verified:
            return quick
    return _newton_solution(problem, loss, start, most=most, single=False)


def _many_rows(loss: DifferentiableLoss, examples: int, features: int) -> bool:
    """Whether a minimisation without Hessians mostly takes less time."""
    rows = _QUASI_NEWTON_ROWS_OF_WIDE[type(loss)] if features >= _WIDE else _QUASI_NEWTON_ROWS
    return examples >= rows * features


def _newton_solution(
    problem: Problem, loss: DifferentiableLoss, start: np.ndarray, *, most: int, single: bool
) -> Solution:
    with np.errstate(all="ignore"):  # what overflows does not pass
        point = newton(NUMPY, loss, problem.rows, problem.importance, problem.ridge, start, most=most, single=single)
    weights, margins = np.asarray(point.weights), np.asarray(point.margins)
    return differentiable_solution(problem, loss, weights, margins, residual=float(point.error))
