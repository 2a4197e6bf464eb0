"""Students of differentiable losses: square, logistic, squared hinge."""

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.max_margin_limit import max_margin_limit
from perceptron_pruning.students.empirical_risk.newton import MAX_STEPS, Jet, newton
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, relative_gap

_INSIDE = 1 - 1e-6  # of the max-margin student, so that its support is short of margin 1
_PATIENCE = 25  # Hessians, where another start may need fewer


def logistic(xp, margins):
    """ℓ, ℓ', ℓ'' of ℓ(m) = ln(1 + e⁻ᵐ), from one exponential."""
    small = xp.exp(-xp.abs(margins))
    wrong = xp.where(margins > 0, small, 1.0) / (1 + small)
    return xp.maximum(-margins, 0.0) + xp.log1p(small), -wrong, small / (1 + small) ** 2


def squared_hinge(xp, margins):
    """ℓ, ℓ', ℓ'' of ℓ(m) = ½ (1 − m)₊²."""
    shortfall = xp.maximum(1 - margins, 0.0)
    return 0.5 * shortfall**2, -shortfall, xp.where(shortfall > 0, 1.0, 0.0)


def square(xp, margins):
    """ℓ, ℓ', ℓ'' of ℓ(m) = ½ (1 − m)²."""
    return 0.5 * (1 - margins) ** 2, margins - 1, xp.ones_like(margins)


def fit_logistic(problem: Problem, start: np.ndarray | None = None) -> Solution:
    """Newton's method; without a ridge, separable examples are refused, whose loss has no minimum."""
    if problem.ridge == 0 and max_margin_limit(problem) is not None:
        raise ValueError(
            "`ridge` must be > 0 for separable examples, whose logistic loss has no minimum; got 0 "
            "(as the ridge vanishes, w points ever more along that of fit_max_margin)"
        )
    return _descended(problem, logistic, start)


def fit_squared_hinge(problem: Problem, start: np.ndarray | None = None) -> Solution:
    """Newton's method, which is finite; from the max-margin student where a small ridge makes it long.

    As μ → 0 on separable examples the student becomes that of max margin, and before that its
    examples short of margin 1 are those of the max-margin student's support.
    """
    if problem.ridge > 0:
        plain = _descended(problem, squared_hinge, start, most=_PATIENCE)
        if plain.verified:
            return plain
        start = plain.weights
    separating = max_margin_limit(problem)
    if problem.ridge == 0 and separating is not None:
        return separating
    return _descended(problem, squared_hinge, start if separating is None else _INSIDE * separating.weights)


def fit_square(problem: Problem, start: np.ndarray | None = None) -> Solution:
    """The normal equations, refined; where they lose too many digits, orthogonal transformations."""
    normal = _descended(problem, square, start)
    return normal if normal.verified else _least_squares(problem)


def _least_squares(problem: Problem) -> Solution:
    """Least squares of √v A and √μ I by the singular value decomposition, of least norm.

    The residual is ‖gradient‖/(‖√v A‖ ‖√v (1 − A w)‖ + μ ‖w‖), which is that of nearby data solved exactly.
    """
    root, features = np.sqrt(problem.importance), problem.rows.shape[1]
    scaled = problem.rows * root[:, None]
    stacked = np.vstack([scaled, np.sqrt(problem.ridge) * np.eye(features)])
    weights, *_ = np.linalg.lstsq(stacked, np.concatenate([root, np.zeros(features)]))
    short = root - scaled @ weights
    gradient = problem.ridge * weights - short @ scaled
    size = np.linalg.norm(scaled) * np.linalg.norm(root) + problem.ridge * np.linalg.norm(weights)
    return _solution(problem, square, weights, problem.rows @ weights, residual=float(np.linalg.norm(gradient) / size))


def _descended(problem: Problem, jet: Jet, start: np.ndarray | None, *, most: int = MAX_STEPS) -> Solution:
    rows = problem.rows
    start = np.zeros(rows.shape[1]) if start is None else start
    with np.errstate(all="ignore"):  # what overflows does not pass
        point = newton(NUMPY, jet, rows, problem.importance, problem.ridge, start, most=most)
    return _solution(problem, jet, point.weights, point.margins, residual=float(point.error))


def _solution(problem: Problem, jet: Jet, weights: np.ndarray, margins: np.ndarray, *, residual: float) -> Solution:
    dual = -problem.importance * jet(np, margins)[1]
    gap = relative_gap(problem, lambda field: jet(np, field)[0], weights, margins, dual, 0.0)
    return Solution(weights, margins, dual, residual, gap)
