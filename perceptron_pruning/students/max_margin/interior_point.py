"""Interior point for the max-margin problem (M1) of `optimality`, in N × N normal equations.

Rows of A are labelled inputs y x; the target b is 1 for an example and −1 for a padding row of zeros, which is
then satisfied with slack to spare and needs no mask. With slacks s the conditions of optimality are::

    A w − s = b,     w = Aᵀλ,     s λ = 0,     s, λ ≥ 0                                     (I1)

and Newton's equations towards s λ = τ, with the residuals r_p = A w − s − b and r_d = w − Aᵀλ and D = λ/s::

    (I + Aᵀ D A) Δw = Aᵀ(τ/s − λ − D r_p) − r_d,     Δs = A Δw + r_p,     Δλ = τ/s − λ − D Δs      (I2)

References:
    Mehrotra 1992; for fewer rows in the normal equations Jung, O'Leary & Tits 2012.
"""

from functools import partial
from types import ModuleType
from typing import NamedTuple

from perceptron_pruning.students.arrays import Array, Arrays
from perceptron_pruning.students.normal_equations import weighted_gram
from perceptron_pruning.students.predictor_corrector import Direction, iterate, predictor_corrector, unless_lost

_MEAN_MARGIN = 4.0  # mean of A w at the start
_LEAST_SLACK = 1.0  # slack at the start, at least
_LEAST_PRODUCT = 1e-8  # s λ at the start, at least
_LARGEST_DUAL = 1e18  # largest λ of an iterate; where it grows further, there is no student
_RIDGE = 1e-3  # ridge of the least squares, relative to the mean eigenvalue of AᵀA
_TINY = 1e-30  # keeps quotients finite


class Iterate(NamedTuple):
    """A point of the interior, its relative error, and the number of steps taken."""

    weights: Array  # w (N,)
    slack: Array  # s > 0 (P,)
    dual: Array  # λ > 0 (P,)
    primal_residual: Array  # r_p = A w − s − b (P,)
    error: Array  # larger of s·λ/‖w‖² and max |r_p|
    steps: Array | int


def least_squares(arrays: Arrays, gram: Array, total: Array) -> Array:
    """(AᵀA + ridge)⁻¹ Aᵀb (N,), the direction to start from, given AᵀA and Aᵀb."""
    xp = arrays.xp
    ridge = _RIDGE * xp.trace(gram) / len(gram) + _TINY
    return arrays.cho_solve(arrays.cho_factor(arrays.plus_diagonal(1.0 * gram, ridge)), total)


def interior_point(
    arrays: Arrays,
    rows: Array,
    point: Iterate,
    *,
    tolerance: float,
    gram: Array | None = None,
    exact_rows: int | None = None,
) -> Iterate:
    """Iterates until the relative error is below a tolerance: enough to show the support.

    Stops early, at the last finite point, where the normal equations lose all digits or duals
    diverge (as they do on an infeasible problem). The caller finishes and verifies.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        rows: A, (P, N), of root-mean-square length about 1, in single or double precision.
        point: From `start` or `restricted`.
        tolerance: Largest gap s·λ relative to ‖w‖², and largest |r_p| relative to the margin 1.
        gram: AᵀA, (N, N); with ``exact_rows``.
        exact_rows: How many of the rows of largest D enter the normal equations exactly; the others
            enter at their mean D, as a multiple of ``gram``. All when None.
    """
    if exact_rows is None or exact_rows >= len(rows):
        gram, exact_rows = None, 0
    return iterate(arrays, partial(_step, arrays, rows, gram, exact_rows), point, tolerance=tolerance)


def start(arrays: Arrays, rows: Array, target: Array, direction: Array) -> Iterate:
    """The direction scaled to a mean margin of 4, slacks of at least 1, and duals with one product s λ for all.

    That product is the μ of the best fit of w by Aᵀ(μ/s).
    """
    xp = arrays.xp
    margins = rows @ direction
    scale = _MEAN_MARGIN * len(rows) / xp.maximum(xp.abs(margins.sum()), _TINY)
    weights, margins = scale * direction, scale * margins
    slack = xp.maximum(margins - target, _LEAST_SLACK)
    barrier_force = (1 / slack) @ rows  # Aᵀ(1/s)
    product = xp.abs(weights @ barrier_force) / xp.maximum(barrier_force @ barrier_force, _TINY)
    return _measured(xp, weights, slack, xp.maximum(product, _LEAST_PRODUCT) / slack, margins - slack - target, 0)


def restricted(arrays: Arrays, point: Iterate, index: Array) -> Iterate:
    """The point on some of the rows, with its steps so far."""
    slack, dual, primal_residual = (part[index] for part in (point.slack, point.dual, point.primal_residual))
    return _measured(arrays.xp, point.weights, slack, dual, primal_residual, point.steps)


def _measured(
    xp: ModuleType, weights: Array, slack: Array, dual: Array, primal_residual: Array, steps: Array | int
) -> Iterate:
    error = xp.maximum(slack @ dual / (_TINY + weights @ weights), xp.abs(primal_residual).max())
    return Iterate(weights, slack, dual, primal_residual, error, steps)


def _step(arrays: Arrays, rows: Array, gram: Array | None, exact_rows: int, point: Iterate) -> Iterate:
    """One predictor–corrector step by (I2); the primal residual shrinks by 1 − t."""
    xp, (weights, slack, dual, primal_residual, _, steps) = arrays.xp, point
    scaling = dual / slack  # D
    normal_matrix = weighted_gram(arrays, rows, scaling, gram=gram, exact_rows=exact_rows)
    factor = arrays.cho_factor(arrays.plus_diagonal(normal_matrix, 1.0))
    scaled_residual, dual_residual = scaling * primal_residual, weights - dual @ rows  # D r_p, r_d

    def newton(target: Array | float) -> Direction:
        dual_excess = target / slack - dual  # τ/s − λ
        d_weights = arrays.cho_solve(factor, (dual_excess - scaled_residual) @ rows - dual_residual)
        d_slack = rows @ d_weights + primal_residual
        return Direction(d_weights, d_slack, dual_excess - scaling * d_slack)

    step = predictor_corrector(xp, slack, dual, newton)
    primal_residual_left = (1 - step.primal_length) * primal_residual
    moved = _measured(xp, weights + step.weights_change, step.slack, step.dual, primal_residual_left, steps + 1)
    return unless_lost(arrays, xp.isfinite(moved.error) & (moved.dual.max() < _LARGEST_DUAL), moved, point)
