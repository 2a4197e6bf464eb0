"""Mehrotra's predictor–corrector for min Σ v (1 − A w)₊ + (μ/2)‖w‖², in N × N normal equations.

An example is short of margin 1 by ξ ≥ 0 or exceeds it by s ≥ 0; its dual β is between 0 and v:

    A w = 1 + s − ξ,     μ w = Aᵀβ,     β s = 0,     (v − β) ξ = 0.

Steps keep the first equation and the box exactly. A padding row of zeros with v = 1 moves nothing.

References:
    Mehrotra 1992; Ferris & Munson 2002.
"""

from typing import Any, NamedTuple

from perceptron_pruning.solver.arrays import Arrays

MAX_STEPS = 60
_TO_BOUNDARY = 0.995
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


def start(arrays: Arrays, rows, importance, ridge) -> Iterate:
    """Least squares towards margin 1, with duals in the middle of the box."""
    xp = arrays.xp
    weighted = rows * importance[:, None]
    normal = rows.T @ weighted
    shift = ridge + 1e-3 * xp.trace(normal) / len(normal) + _TINY
    weights = arrays.cho_solve(
        arrays.cho_factor(normal + shift * xp.eye(len(normal), dtype=rows.dtype)), weighted.sum(0)
    )
    beyond = rows @ weights - 1
    level = xp.sqrt(xp.mean(beyond**2)) + 1e-3
    excess, shortfall = xp.maximum(beyond, 0.0) + level, xp.maximum(-beyond, 0.0) + level
    return Iterate(weights, excess, shortfall, 0.5 * importance, 0.5 * importance, xp.array(xp.inf), 0)


def interior_point(arrays: Arrays, rows, ridge, point: Iterate, *, tolerance) -> Iterate:
    """Iterates until the duality gap is below a tolerance, relative to the objective; stops early at
    the last finite point where the normal equations lose all digits."""
    return arrays.while_loop(
        lambda point: (point.error > tolerance) & (point.steps < MAX_STEPS),
        lambda point: _step(arrays, rows, ridge, point),
        point._replace(steps=0),
    )


def _step(arrays: Arrays, rows, ridge, point: Iterate) -> Iterate:
    xp, (weights, excess, shortfall, dual, room, _, steps) = arrays.xp, point
    stiffness = 1 / (excess / dual + shortfall / room)
    scaled = rows * xp.sqrt(stiffness)[:, None]
    factor = arrays.cho_factor(scaled.T @ scaled + ridge * xp.eye(rows.shape[1], dtype=rows.dtype))
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
