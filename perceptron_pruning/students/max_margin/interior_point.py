"""Mehrotra's predictor–corrector for min ½‖w‖² subject to A w ≥ b, in N × N normal equations.

Rows of A are labelled inputs y x; b is 1 for an example and −1 for a padding row of zeros, which is
then satisfied with slack to spare and needs no mask.

References:
    Mehrotra 1992; for fewer rows in the normal equations Jung, O'Leary & Tits 2012.
"""

from typing import Any, NamedTuple

from perceptron_pruning.students.arrays import Arrays

MAX_ITERATIONS = 60
_TO_BOUNDARY = 0.995
_RIDGE = 1e-3
_TINY = 1e-30


class Iterate(NamedTuple):
    """A point of the interior, how far it is from optimal, and the number of steps taken."""

    weights: Any  # w (N,)
    slack: Any  # s > 0 (P,)
    dual: Any  # λ > 0 (P,)
    primal_residual: Any  # A w − s − b (P,)
    dual_residual: Any  # w − Aᵀλ (N,)
    error: Any
    steps: Any


def least_squares(arrays: Arrays, gram, total):
    """Ridge least squares from the Gram matrix AᵀA and the sum of rows: the direction to start from."""
    xp = arrays.xp
    ridge = _RIDGE * xp.trace(gram) / len(gram) + _TINY
    return arrays.cho_solve(arrays.cho_factor(gram + ridge * xp.eye(len(gram), dtype=gram.dtype)), total)


def interior_point(arrays: Arrays, rows, point: Iterate, *, tolerance, gram=None, exact_rows=None) -> Iterate:
    """Iterates until complementarity and shortfall are below a tolerance: enough to show the support.

    Stops early, at the last finite point, where the normal equations lose all digits or duals
    diverge (as they do on an infeasible problem). The caller finishes and verifies.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        rows: A, (P, N), of root-mean-square length about 1, in single or double precision.
        point: From ``start`` or ``restricted``.
        tolerance: Of the gap relative to ‖w‖², and of violation relative to the margin 1.
        gram: AᵀA, (N, N); with ``exact_rows``.
        exact_rows: How many of the stiffest rows enter the normal equations exactly; the others
            enter at their mean stiffness, as a multiple of ``gram``. All when None.
    """

    def normal_matrix(stiffness):
        xp = arrays.xp
        if exact_rows is None or exact_rows >= len(rows):
            scaled = rows * xp.sqrt(stiffness)[:, None]
            return scaled.T @ scaled
        stiffest = arrays.largest(stiffness, exact_rows)
        mean = (stiffness.sum() - stiffness[stiffest].sum()) / (len(rows) - exact_rows)
        scaled = rows[stiffest] * xp.sqrt(xp.maximum(stiffness[stiffest] - mean, 0))[:, None]
        return scaled.T @ scaled + mean * gram

    return arrays.while_loop(
        lambda point: (point.error > tolerance) & (point.steps < MAX_ITERATIONS),
        lambda point: _step(arrays, rows, normal_matrix, point),
        point,
    )


def start(arrays: Arrays, rows, target, direction) -> Iterate:
    """The direction scaled to a mean margin of 4, and duals of equal complementarity."""
    xp = arrays.xp
    margins = rows @ direction
    scale = 4 * len(rows) / xp.maximum(xp.abs(margins.sum()), _TINY)
    weights, margins = scale * direction, scale * margins
    slack = xp.maximum(margins - target, 1.0)
    pull = (1 / slack) @ rows
    level = xp.abs(weights @ pull) / xp.maximum(pull @ pull, _TINY)
    return _measured(xp, rows, weights, slack, xp.maximum(level, 1e-8) / slack, margins - slack - target, 0)


def restricted(arrays: Arrays, rows, point: Iterate, index) -> Iterate:
    """The point on some of the rows, with its steps so far."""
    slack, dual, primal_residual = (part[index] for part in (point.slack, point.dual, point.primal_residual))
    return _measured(arrays.xp, rows, point.weights, slack, dual, primal_residual, point.steps)


def _measured(xp, rows, weights, slack, dual, primal_residual, steps) -> Iterate:
    dual_residual = weights - dual @ rows
    error = xp.maximum(slack @ dual / (_TINY + weights @ weights), xp.abs(primal_residual).max())
    return Iterate(weights, slack, dual, primal_residual, dual_residual, error, steps)


def _step(arrays: Arrays, rows, normal_matrix, point: Iterate) -> Iterate:
    xp, (weights, slack, dual, primal_residual, dual_residual, _, steps) = arrays.xp, point
    stiffness = dual / slack
    factor = arrays.cho_factor(xp.eye(rows.shape[1], dtype=rows.dtype) + normal_matrix(stiffness))
    stiff_residual = stiffness * primal_residual

    def direction(pull):
        """Newton's direction towards λ s = s · pull + s λ."""
        d_weights = arrays.cho_solve(factor, (pull - stiff_residual) @ rows - dual_residual)
        d_slack = rows @ d_weights + primal_residual
        return d_weights, d_slack, pull - stiffness * d_slack

    mean = slack @ dual / len(slack)
    _, affine_slack, affine_dual = direction(-dual)
    primal, dual_length = _longest(xp, slack, affine_slack), _longest(xp, dual, affine_dual)
    predicted = (slack + primal * affine_slack) @ (dual + dual_length * affine_dual) / len(slack)
    centring = (predicted / mean) ** 3 * mean
    d_weights, d_slack, d_dual = direction((centring - affine_slack * affine_dual) / slack - dual)
    primal, dual_length = (_TO_BOUNDARY * _longest(xp, *pair) for pair in ((slack, d_slack), (dual, d_dual)))
    moved = _measured(
        xp,
        rows,
        weights + primal * d_weights,
        slack + primal * d_slack,
        dual + dual_length * d_dual,
        (1 - primal) * primal_residual,
        steps + 1,
    )
    stopped = point._replace(steps=steps + MAX_ITERATIONS)
    good = xp.isfinite(moved.error) & (moved.dual.max() < 1e18)
    return Iterate(*(xp.where(good, new, old) for new, old in zip(moved, stopped, strict=True)))


def _longest(xp, position, direction):
    """Longest step, at most 1 / 0.995, that keeps every entry non-negative."""
    return 1 / xp.maximum(_TO_BOUNDARY, (-direction / position).max())
