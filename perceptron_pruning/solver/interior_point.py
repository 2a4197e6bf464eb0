"""Mehrotra's predictor–corrector for min ½‖w‖² subject to A w ≥ b, in N × N normal equations.

Rows of A are labelled inputs y x; b is 1 for an example and −1 for a padding row of zeros, which is
then satisfied with slack to spare and needs no mask.
"""

from typing import Any, NamedTuple

from perceptron_pruning.solver.arrays import Arrays

MAX_ITERATIONS = 60
_TOLERANCE = 1e-6
_TO_BOUNDARY = 0.995
_TINY = 1e-30


class Iterate(NamedTuple):
    """Primal w (N,), slacks s = A w − b (P,), duals λ (P,), and the number of steps taken."""

    weights: Any
    slack: Any
    dual: Any
    steps: Any


def interior_point(arrays: Arrays, rows, target) -> Iterate:
    """Iterates until complementarity and residuals are below 1e-6: enough to show the support.

    Stops early, at the last finite point, where the normal equations lose all digits or duals
    diverge (as they do on an infeasible problem). The caller finishes and verifies.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        rows: A, (P, N), of root-mean-square length about 1.
        target: b, (P,).
    """
    return arrays.while_loop(
        lambda point: _unfinished(arrays, rows, target, point),
        lambda point: _step(arrays, rows, target, point),
        _start(arrays, rows, target),
    )


def _start(arrays: Arrays, rows, target) -> Iterate:
    """Ridge least squares, scaled to a mean margin of 4; duals of equal complementarity."""
    xp, (examples, features) = arrays.xp, rows.shape
    gram = rows.T @ rows
    ridge = 1e-3 * xp.trace(gram) / features + _TINY
    weights = arrays.cho_solve(arrays.cho_factor(gram + ridge * xp.eye(features)), rows.T @ target)
    weights = weights * 4 * examples / xp.maximum(xp.abs((rows @ weights).sum()), _TINY)
    slack = xp.maximum(rows @ weights - target, 1.0)
    pull = rows.T @ (1 / slack)
    level = xp.abs(weights @ pull) / xp.maximum(pull @ pull, _TINY)
    return Iterate(weights, slack, xp.maximum(level, 1e-8) / slack, xp.zeros(()))


def _residuals(rows, target, point: Iterate):
    dual_residual = point.weights - rows.T @ point.dual
    primal_residual = rows @ point.weights - point.slack - target
    return dual_residual, primal_residual


def _unfinished(arrays: Arrays, rows, target, point: Iterate):
    xp = arrays.xp
    dual_residual, primal_residual = _residuals(rows, target, point)
    size = _TINY + point.weights @ point.weights
    gap = point.slack @ point.dual / size
    far = xp.maximum(gap, xp.maximum(xp.abs(primal_residual).max(), (dual_residual @ dual_residual / size) ** 0.5))
    return (point.dual.max() < 1e18) & (far > _TOLERANCE) & (point.steps < MAX_ITERATIONS)


def _step(arrays: Arrays, rows, target, point: Iterate) -> Iterate:
    xp, (weights, slack, dual, steps) = arrays.xp, point
    dual_residual, primal_residual = _residuals(rows, target, point)
    stiffness = dual / slack
    factor = arrays.cho_factor(xp.eye(rows.shape[1]) + (rows * stiffness[:, None]).T @ rows)

    def direction(complementarity):
        right = rows.T @ (complementarity / slack - stiffness * primal_residual) - dual_residual
        d_weights = arrays.cho_solve(factor, right)
        d_slack = rows @ d_weights + primal_residual
        return d_weights, d_slack, complementarity / slack - stiffness * d_slack

    mean = slack @ dual / slack.size
    _, affine_slack, affine_dual = direction(-slack * dual)
    primal, dual_length = _longest(xp, slack, affine_slack), _longest(xp, dual, affine_dual)
    predicted = (slack + primal * affine_slack) @ (dual + dual_length * affine_dual) / slack.size
    centring = (predicted / mean) ** 3 * mean
    d_weights, d_slack, d_dual = direction(centring - slack * dual - affine_slack * affine_dual)
    primal, dual_length = (_TO_BOUNDARY * _longest(xp, *pair) for pair in ((slack, d_slack), (dual, d_dual)))
    moved = Iterate(weights + primal * d_weights, slack + primal * d_slack, dual + dual_length * d_dual, steps + 1)
    finite = xp.isfinite(moved.weights).all() & xp.isfinite(moved.dual).all()
    stopped = point._replace(steps=steps + MAX_ITERATIONS)
    return Iterate(*(xp.where(finite, new, old) for new, old in zip(moved, stopped, strict=True)))


def _longest(xp, position, direction):
    """Longest step, at most 1 / 0.995, that keeps every entry non-negative."""
    falling = xp.where(direction < 0, -direction, 0.0)
    return 1 / xp.maximum(_TO_BOUNDARY, (falling / position).max())
