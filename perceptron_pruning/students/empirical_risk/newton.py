"""Newton's method for min Σ v ℓ(A w) + (μ/2)‖w‖² with a differentiable loss, in N × N normal equations.

Written once for NumPy and for JAX under ``jit``, as the max-margin student's interior point is.
A padding row of zeros moves nothing and needs no mask.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from perceptron_pruning.students.arrays import Arrays

TARGET = 1e-11  # relative error at which it stops; what is above 1e-9 does not pass
MAX_STEPS = 80
_SLOPE, _ROUNDING = 1e-4, 1e-13  # sufficient decrease, and what rounding makes of none
_SHORTEST = 1e-10
_GOOD = 0.25  # share of a step that the next by the same Hessian may have
_SHIFT = 1e-14  # of the curvature's mean, so that directions without any have a step

Jet = Callable[[Any, Any], tuple[Any, Any, Any]]


class Iterate(NamedTuple):
    """Weights w (N,), their margins A w (P,), what remains ahead relative to w, and the Hessians factored."""

    weights: Any
    margins: Any
    error: Any
    steps: Any


def newton(arrays: Arrays, jet: Jet, rows, importance, ridge, start, *, most=MAX_STEPS) -> Iterate:
    """Descends until the next step would be shorter than 1e-11 of w, or so many Hessians are factored.

    Near the minimum that step *is* the distance to it: quadratically for a smooth loss, and exactly
    for a piecewise quadratic one, which therefore ends after finitely many. Each Hessian serves as long as
    steps by it get shorter fast, since they cost two passes over the rows where it costs N.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        jet: (library, margins) ↦ ℓ, ℓ', ℓ'' at the margins.
        rows: A, labelled inputs y x, (P, N).
        importance: v > 0, (P,).
        ridge: μ ≥ 0.
        start: w to begin with, (N,).
        most: Hessians to factor at most.
    """
    xp = arrays.xp
    point = Iterate(start, rows @ start, xp.array(xp.inf), 0)
    return arrays.while_loop(
        lambda point: (point.error > TARGET) & (point.steps < most),
        lambda point: _step(arrays, jet, rows, importance, ridge, point),
        point,
    )


def _step(arrays: Arrays, jet: Jet, rows, importance, ridge, point: Iterate) -> Iterate:
    """One step with a line search, and those that its Hessian is good for."""
    xp = arrays.xp
    value, slope, curvature = jet(xp, point.margins)
    gradient = ridge * point.weights + (importance * slope) @ rows
    factor = arrays.cho_factor(_hessian(xp, rows, importance * curvature, ridge))
    direction = -arrays.cho_solve(factor, gradient)
    along, decrease = rows @ direction, gradient @ direction
    linear, quadratic = ridge * (point.weights @ direction), 0.5 * ridge * (direction @ direction)
    level = xp.abs(importance * value).sum() + 0.5 * ridge * (point.weights @ point.weights)

    def rises(length):
        """Whether a step of this length fails to decrease the objective sufficiently."""
        moved = jet(xp, point.margins + length * along)[0]
        change = importance @ (moved - value) + length * linear + length**2 * quadratic
        return (change > _SLOPE * length * decrease + _ROUNDING * level) & (length > _SHORTEST)

    def reached(weights, taken):
        """Where w is, what this Hessian sees ahead, and how that compares with the step taken."""
        margins = rows @ weights
        ahead = -arrays.cho_solve(factor, ridge * weights + (importance * jet(xp, margins)[1]) @ rows)
        left = xp.sqrt(ahead @ ahead)
        return weights, margins, ahead, left / xp.sqrt(weights @ weights), left / taken

    def again(state):
        *_, error, shrunk = state
        return (error > TARGET) & (shrunk < _GOOD)

    def further(state):
        moved = reached(state[0] + state[2], xp.sqrt(state[2] @ state[2]))
        return (
            tuple(xp.where(moved[4] < 1, new, old) for new, old in zip(moved[:4], state[:4], strict=True)) + moved[4:]
        )

    length = arrays.while_loop(rises, lambda length: 0.5 * length, xp.array(1.0))
    first = reached(point.weights + length * direction, length * xp.sqrt(direction @ direction))
    weights, margins, _, error, _ = arrays.while_loop(again, further, first)
    return Iterate(weights, margins, error, point.steps + 1)


def _hessian(xp, rows, curvature, ridge):
    scaled = rows * xp.sqrt(curvature)[:, None]
    hessian = scaled.T @ scaled
    shift = ridge + _SHIFT * xp.trace(hessian) / len(hessian)
    return hessian + shift * xp.eye(len(hessian), dtype=hessian.dtype)
