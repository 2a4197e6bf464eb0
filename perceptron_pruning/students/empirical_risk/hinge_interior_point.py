"""Interior point for the hinge risk, min Σ v (1 − A w)₊ + (μ/2)‖w‖², in N × N normal equations.

An example is short of margin 1 by ξ ≥ 0 or exceeds it by s ≥ 0; the dual of s ≥ 0 is β, that of ξ ≥ 0 is v − β.
The conditions of optimality are::

    A w = 1 + s − ξ,     μ w = Aᵀβ,     s β = 0,     ξ (v − β) = 0,     s, ξ ≥ 0,   0 ≤ β ≤ v      (H1)

The first holds at every iterate. Newton's equations towards s β = τ and ξ (v − β) = τ', with the residuals
p = (τ − s β)/β, q = (τ' − ξ (v − β))/(v − β) and D = 1/(s/β + ξ/(v − β)), are::

    (μ I + Aᵀ D A) Δw = Aᵀ D (p − q) − (μ w − Aᵀβ),     Δβ = D (p − q − A Δw)
    Δs = p − s Δβ/β,     Δξ = q + ξ Δβ/(v − β)                                              (H2)

The pairs (s, β) and (ξ, v − β) are stacked to one of slacks and duals, (2P,). A padding row of zeros with v = 1
moves nothing.

References:
    Mehrotra 1992; Ferris & Munson 2002.
"""

from functools import partial
from types import ModuleType
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.arrays import Array, Arrays
from perceptron_pruning.students.normal_equations import weighted_gram
from perceptron_pruning.students.predictor_corrector import Direction, iterate, predictor_corrector, unless_lost

_EXACT_ROWS = 3  # rows per feature that enter approximate normal equations with their own D
_RIDGE = 1e-3  # ridge of the least squares at the start, beside μ, relative to the mean eigenvalue of v̄ AᵀA
_LEAST_SLACK = 1e-3  # s and ξ at the start, at least
_TINY = 1e-300  # keeps quotients finite


class Iterate(NamedTuple):
    """A point of the interior, its relative duality gap, and the steps taken."""

    weights: Array  # w (N,)
    slack: Array  # s > 0 and ξ > 0 (2P,)
    dual: Array  # β > 0 and v − β > 0 (2P,)
    error: Array
    steps: Array | int


def start(arrays: Arrays, rows: Array, importance: Array, ridge: Array | float, gram: Array) -> Iterate:
    """Least squares towards margin 1, with duals in the middle of the box."""
    xp = arrays.xp
    level = importance.mean()
    shift = ridge + _RIDGE * level * xp.trace(gram) / len(gram) + _TINY
    factor = arrays.cho_factor(arrays.plus_diagonal(level * gram, shift))
    weights = arrays.cho_solve(factor, importance @ rows)
    excess = rows @ weights - 1
    slack = xp.maximum(xp.concatenate([excess, -excess]), 0.0) + (xp.sqrt(xp.mean(excess**2)) + _LEAST_SLACK)
    return Iterate(weights, slack, 0.5 * xp.concatenate([importance, importance]), xp.array(xp.inf), 0)


def in_double(rows: np.ndarray, importance: np.ndarray, weights: np.ndarray, point: Iterate) -> Iterate:
    """The point in double precision, with the first of (H1) and β + (v − β) = v made exact again."""
    slack, dual = (np.asarray(part, dtype=float).reshape(2, -1) for part in (point.slack, point.dual))
    missing = rows @ weights - 1 - (slack[0] - slack[1])
    slack = slack + np.maximum([missing, -missing], 0.0)
    smaller = np.minimum(*dual)
    dual = np.where(dual[0] <= dual[1], [smaller, importance - smaller], [importance - smaller, smaller])
    return Iterate(weights, slack.ravel(), dual.ravel(), np.asarray(point.error, dtype=float), 0)


def interior_point(
    arrays: Arrays, rows: Array, ridge: Array | float, point: Iterate, *, tolerance: float, gram: Array | None = None
) -> Iterate:
    """Iterates until the duality gap is below a tolerance, relative to the objective.

    Stops early at the last finite point, where the normal equations lose all digits.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        rows: A, labelled inputs y x, (P, N).
        ridge: μ > 0.
        point: From `start`, or where an earlier call ended.
        tolerance: Largest relative gap.
        gram: AᵀA, with which the normal equations of P ≫ N rows are approximate: cheaper steps, but more.
    """
    if len(rows) <= 2 * _EXACT_ROWS * rows.shape[1]:
        gram = None
    step = partial(_step, arrays, rows, ridge, gram)
    return iterate(arrays, step, point._replace(steps=0), tolerance=tolerance)


def _step(arrays: Arrays, rows: Array, ridge: Array | float, gram: Array | None, point: Iterate) -> Iterate:
    """One predictor–corrector step by (H2)."""
    xp, examples = arrays.xp, len(rows)
    weights, slack, dual, _, steps = point
    ratio = slack / dual
    scaling = 1 / (ratio[:examples] + ratio[examples:])  # D
    normal_matrix = weighted_gram(arrays, rows, scaling, gram=gram, exact_rows=_EXACT_ROWS * rows.shape[1])
    factor = arrays.cho_factor(arrays.plus_diagonal(normal_matrix, ridge))
    dual_residual = ridge * weights - dual[:examples] @ rows  # μ w − Aᵀβ

    def newton(target: Array | float) -> Direction:
        residual = target / dual - slack  # p and q
        margin_residual = residual[:examples] - residual[examples:]
        d_weights = arrays.cho_solve(factor, (scaling * margin_residual) @ rows - dual_residual)
        d_beta = scaling * (margin_residual - rows @ d_weights)
        d_dual = xp.concatenate([d_beta, -d_beta])
        return Direction(d_weights, residual - ratio * d_dual, d_dual)

    step = predictor_corrector(xp, slack, dual, newton)
    moved = _measured(xp, rows, ridge, weights + step.weights_change, step.slack, step.dual, steps + 1)
    return unless_lost(arrays, xp.isfinite(moved.error), moved, point)


def _measured(
    xp: ModuleType, rows: Array, ridge: Array | float, weights: Array, slack: Array, dual: Array, steps: Array | int
) -> Iterate:
    """With the gap s·β + ξ·(v − β) + ‖μ w − Aᵀβ‖²/(2μ), relative to the objective v·ξ + (μ/2)‖w‖²."""
    examples = len(rows)
    mismatch = ridge * weights - dual[:examples] @ rows
    gap = slack @ dual + (mismatch @ mismatch) / (2 * ridge)
    objective = (dual[:examples] + dual[examples:]) @ slack[examples:] + 0.5 * ridge * (weights @ weights)
    return Iterate(weights, slack, dual, gap / (objective + _TINY), steps)
