"""Students of the square loss, by the normal equations::

    (Aᵀ V A + μ I) w = Aᵀ v                                                                 (L1)

The matrix costs N passes over the rows. From a few rows per feature on it is made in single precision, at half of that,
and its factor refines w by residuals in double precision, at two passes each: every refinement adds about six digits
if the problem is well conditioned. Otherwise it is made in double precision; and where that loses too many digits, the
singular value decomposition takes its place.
"""

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, differentiable_solution
from perceptron_pruning.students.examples import norm
from replica_theory.losses.named import Square

SQUARE = Square()

_MANY_ROWS = 2  # rows per feature from which the matrix is made in single precision first
_TARGET = 1e-11  # ‖next refinement‖/‖w‖ at which it ends
_CONTRACTION = 0.25  # of a refinement to the one before, above which the matrix is too inaccurate
_SMALL, _LARGE = 1e-5, 1e5  # of entries, between which their squares are well within single precision's range
_SHIFT = 1e-14  # added to the matrix in units of its mean eigenvalue, so that directions without curvature have a step


def fit_square(problem: Problem) -> Solution:
    """The normal equations in single or double precision, or the singular value decomposition."""
    examples, features = problem.rows.shape
    for precision in (np.float32, np.float64) if examples >= _MANY_ROWS * features else (np.float64,):
        with np.errstate(all="ignore"):  # what overflows does not pass
            solution = _normal_equations(problem, precision)
        if solution.verified:
            return solution
    return _least_squares(problem)


def _normal_equations(problem: Problem, precision: type[np.floating]) -> Solution:
    """(L1), with ‖next refinement‖/‖w‖ as its residual."""
    rows, importance = problem.rows, problem.importance
    weighted, unit = _weighted_rows(problem, precision)
    factor = NUMPY.cho_factor(_matrix(weighted, unit, problem.ridge))
    weights = NUMPY.cho_solve(factor, unit * (np.sqrt(importance).astype(precision) @ weighted).astype(np.float64))
    residual = np.inf
    while True:
        margins = rows @ weights
        gradient = problem.ridge * weights - (importance * (1 - margins)) @ rows
        refinement = -NUMPY.cho_solve(factor, gradient)
        last, residual = residual, float(np.sqrt((refinement @ refinement) / (weights @ weights)))
        if not _TARGET < residual < _CONTRACTION * last:
            return differentiable_solution(problem, SQUARE, weights, margins, residual=residual, gradient=gradient)
        weights = weights + refinement


def _weighted_rows(problem: Problem, precision: type[np.floating]) -> tuple[np.ndarray, float]:
    """√v A in a unit that keeps squares within the precision's range, (P, N), and the unit."""
    rows = problem.rows
    if not (problem.importance == 1).all():
        rows = rows * np.sqrt(problem.importance)[:, None]
    unit = norm(rows) / rows.size**0.5
    if _SMALL < unit < _LARGE:
        return rows.astype(precision, copy=False), 1.0
    return (rows / unit).astype(precision), unit


def _matrix(weighted: np.ndarray, unit: float, ridge: float) -> np.ndarray:
    """Aᵀ V A + μ I in double precision."""
    matrix = unit**2 * (weighted.T @ weighted).astype(np.float64)
    matrix.ravel()[:: len(matrix) + 1] += ridge + _SHIFT * np.trace(matrix) / len(matrix)
    return matrix


def _least_squares(problem: Problem) -> Solution:
    """Least squares of √v A w ≈ √v and √μ w ≈ 0 by the singular value decomposition, of least norm.

    The residual is ‖∇F‖/(‖√v A‖ ‖√v‖ + μ ‖w‖), the relative size of a change of the data that w would solve exactly.
    """
    root, features = np.sqrt(problem.importance), problem.rows.shape[1]
    scaled = problem.rows * root[:, None]
    stacked = np.vstack([scaled, np.sqrt(problem.ridge) * np.eye(features)])
    weights, *_ = np.linalg.lstsq(stacked, np.concatenate([root, np.zeros(features)]))
    shortfall = root - scaled @ weights
    gradient = problem.ridge * weights - shortfall @ scaled
    size = np.linalg.norm(scaled) * np.linalg.norm(root) + problem.ridge * np.linalg.norm(weights)
    residual = float(np.linalg.norm(gradient) / size)
    return differentiable_solution(problem, SQUARE, weights, problem.rows @ weights, residual=residual)
