"""Mehrotra's predictor–corrector for min Σ v (1 − A w)₊ + (μ/2)‖w‖², in N × N normal equations.

An example is short of margin 1 by ξ ≥ 0 or exceeds it by s ≥ 0; its dual β is between 0 and v:

    A w = 1 + s − ξ,     μ w = Aᵀβ,     β s = 0,     (v − β) ξ = 0.

Steps keep the first equation and the box exactly. A padding row of zeros with v = 1 moves nothing.

References:
    Mehrotra 1992; Ferris & Munson 2002.
"""

from typing import Any, NamedTuple

from perceptron_pruning.students.arrays import Arrays

MAX_STEPS = 60
_TO_BOUNDARY = 0.995
_EXACT_ROWS = 3  # rows per feature
_TINY = 1e-300


class Iterate(NamedTuple):
    """A point of the interior, how far it is from optimal, and the steps taken."""

    weights: Any  # w (N,)
    excess: Any  # s > 0 (P,)
    shortfall: Any  # ξ > 0 (P,)
    dual: Any  # β > 0 (P,)
    room: Any  # v − β > 0 (P,)
    error: Any
    steps: Any


def start(arrays: Arrays, rows, importance, ridge, gram) -> Iterate:
    """Least squares towards margin 1, with duals in the middle of the box."""
    xp = arrays.xp
    level = importance.mean()
    shift = ridge + 1e-3 * level * xp.trace(gram) / len(gram) + _TINY
    factor = arrays.cho_factor(level * gram + shift * xp.eye(len(gram), dtype=rows.dtype))
    weights = arrays.cho_solve(factor, importance @ rows)
    beyond = rows @ weights - 1
    slack = xp.sqrt(xp.mean(beyond**2)) + 1e-3
    excess, shortfall = xp.maximum(beyond, 0.0) + slack, xp.maximum(-beyond, 0.0) + slack
    return Iterate(weights, excess, shortfall, 0.5 * importance, 0.5 * importance, xp.array(xp.inf), 0)


def interior_point(arrays: Arrays, rows, ridge, point: Iterate, *, tolerance, gram=None) -> Iterate:
    """Iterates until the duality gap is below a tolerance, relative to the objective.

    Stops early at the last finite point, where the normal equations lose all digits.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        rows: A, labelled inputs y x, (P, N).
        ridge: μ > 0.
        point: From ``start``, or where an earlier call ended.
        tolerance: Of the gap.
        gram: AᵀA, with which the normal equations of P ≫ N rows are approximate: cheaper steps, but more.
    """
    return arrays.while_loop(
        lambda point: (point.error > tolerance) & (point.steps < MAX_STEPS),
        lambda point: _step(arrays, rows, ridge, point, gram),
        point._replace(steps=0),
    )


def _step(arrays: Arrays, rows, ridge, point: Iterate, gram) -> Iterate:
    xp, (weights, excess, shortfall, dual, room, _, steps) = arrays.xp, point
    stiffness = 1 / (excess / dual + shortfall / room)
    normal = _normal_matrix(arrays, rows, stiffness, gram)
    factor = arrays.cho_factor(normal + ridge * xp.eye(len(normal), dtype=rows.dtype))
    dual_residual = ridge * weights - dual @ rows

    def direction(pull, push):
        """Newton's direction towards β s = ``pull`` + β s and (v − β) ξ = ``push`` + (v − β) ξ."""
        ahead = pull / dual - push / room
        d_weights = arrays.cho_solve(factor, (stiffness * ahead) @ rows - dual_residual)
        d_dual = stiffness * (ahead - rows @ d_weights)
        return d_weights, (pull - excess * d_dual) / dual, (push + shortfall * d_dual) / room, d_dual

    complementarity = excess @ dual + shortfall @ room
    _, d_excess, d_shortfall, d_dual = direction(-excess * dual, -shortfall * room)
    primal, dual_length = _lengths(xp, point, d_excess, d_shortfall, d_dual)
    predicted = (excess + primal * d_excess) @ (dual + dual_length * d_dual)
    predicted = predicted + (shortfall + primal * d_shortfall) @ (room - dual_length * d_dual)
    centring = (predicted / complementarity) ** 3 * complementarity / (2 * len(dual))
    d_weights, d_excess, d_shortfall, d_dual = direction(
        centring - d_excess * d_dual - excess * dual, centring + d_shortfall * d_dual - shortfall * room
    )
    primal, dual_length = (_TO_BOUNDARY * length for length in _lengths(xp, point, d_excess, d_shortfall, d_dual))
    moved = _measured(
        xp,
        rows,
        ridge,
        weights + primal * d_weights,
        excess + primal * d_excess,
        shortfall + primal * d_shortfall,
        dual + dual_length * d_dual,
        room - dual_length * d_dual,
        steps + 1,
    )
    stopped = point._replace(steps=steps + MAX_STEPS)
    good = xp.isfinite(moved.error)
    return Iterate(*(xp.where(good, new, old) for new, old in zip(moved, stopped, strict=True)))


def _normal_matrix(arrays: Arrays, rows, stiffness, gram):
    """Aᵀ D A: of the stiffest rows exactly, of the others, where there are many, at their mean stiffness."""
    xp, exact = arrays.xp, _EXACT_ROWS * rows.shape[1]
    if gram is None or len(rows) <= 2 * exact:
        scaled = rows * xp.sqrt(stiffness)[:, None]
        return scaled.T @ scaled
    stiffest = arrays.largest(stiffness, exact)
    mean = (stiffness.sum() - stiffness[stiffest].sum()) / (len(rows) - exact)
    scaled = rows[stiffest] * xp.sqrt(xp.maximum(stiffness[stiffest] - mean, 0))[:, None]
    return scaled.T @ scaled + mean * gram


def _measured(xp, rows, ridge, weights, excess, shortfall, dual, room, steps) -> Iterate:
    """The gap of w and β is the complementarity and the square of μ w − Aᵀβ."""
    mismatch = ridge * weights - dual @ rows
    gap = excess @ dual + shortfall @ room + (mismatch @ mismatch) / (2 * ridge)
    objective = (dual + room) @ shortfall + 0.5 * ridge * (weights @ weights)
    return Iterate(weights, excess, shortfall, dual, room, gap / (objective + _TINY), steps)


def _lengths(xp, point: Iterate, d_excess, d_shortfall, d_dual):
    primal = xp.maximum((-d_excess / point.excess).max(), (-d_shortfall / point.shortfall).max())
    dual = xp.maximum((-d_dual / point.dual).max(), (d_dual / point.room).max())
    return 1 / xp.maximum(_TO_BOUNDARY, primal), 1 / xp.maximum(_TO_BOUNDARY, dual)
