"""Students of any convex loss with a proximal operator, by an augmented Lagrangian.

With margins m of their own, tied to A w by multipliers β, and p = prox_{τ v ℓ}(A w − τ β), minimising over m gives
the Moreau envelope of the loss, whose derivatives are (ω − p)/τ and (1 − ∂p/∂ω)/τ at ω = A w − τ β. Newton's method
minimises over w; then β ← (p − ω)/τ, a step that is the closer to exact the smaller τ.

References:
    Li, Sun & Toh 2018 (semismooth Newton augmented Lagrangian).
"""

from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, relative_gap
from replica_theory.losses.named import Loss, Proximal

_OUTER, _INNER = 40, 60
_TARGET, _SETTLED = 1e-12, 1e-11  # of a minimisation over w; of all
_SCALES = 30.0, 1000.0  # of τ at first, at most
_SHRINK, _LEAST = 0.2, 1e-3  # of τ after each update of the multipliers; of τ at all, relative to the first
_DIFFERENCE = 1e-6
_SLOPE, _ROUNDING, _SHORTEST = 1e-4, 1e-13, 1e-10
_SHIFT = 1e-14


class _Envelope(NamedTuple):
    """At A w − τ β: the proximal points p, the new multipliers, and the envelope's value."""

    points: np.ndarray
    dual: np.ndarray
    value: float


def fit_proximal(problem: Problem, loss: Loss | Proximal) -> Solution:
    """The first verified student from a τ on the scale of an example's response to its own multiplier, ‖a‖²/μ.

    Where that is large, a smaller τ has better conditioned steps, and mostly serves; else the last student found.
    """
    square = np.einsum("pn,pn->", problem.rows, problem.rows) / len(problem.rows)
    solutions = (
        _from_scale(problem, loss, min(most, square / problem.ridge) if problem.ridge > 0 else 1.0) for most in _SCALES
    )
    first = next(solutions)
    return first if first.verified else next(solutions)


def _from_scale(problem: Problem, loss: Loss | Proximal, first: float) -> Solution:
    """Minimises, shrinks τ, and updates multipliers until β and A w agree to 1e-11, or 40 times."""
    weights, dual, scale = np.zeros(problem.rows.shape[1]), np.zeros(len(problem.rows)), first
    best = Solution(weights, dual, dual, np.inf, np.inf)
    with np.errstate(all="ignore"):  # what overflows does not pass
        for _ in range(_OUTER):
            weights = _minimised(problem, loss, weights, dual, scale)
            dual = _envelope(problem, loss, problem.rows @ weights, dual, scale).dual
            solution = _checked(problem, loss, weights, dual, scale)
            best = min(best, solution, key=lambda candidate: candidate.residual)
            if best.residual <= _SETTLED:
                break
            scale = max(_SHRINK * scale, _LEAST * first)
    return best


def _minimised(problem: Problem, loss, weights: np.ndarray, dual: np.ndarray, scale: float) -> np.ndarray:
    """argmin_w of the envelope at A w − τ β plus (μ/2)‖w‖², by Newton's method with a line search."""
    rows, ridge = problem.rows, problem.ridge
    here = _envelope(problem, loss, rows @ weights, dual, scale)
    for _ in range(_INNER):
        gradient = ridge * weights - here.dual @ rows
        if np.linalg.norm(gradient) <= _TARGET * _terms(problem, here.dual):
            break
        curvature = (1 - _proximal_slope(problem, loss, rows @ weights - scale * dual, scale)) / scale
        factor = NUMPY.cho_factor(_hessian(rows, curvature, ridge))
        direction = -NUMPY.cho_solve(factor, gradient)
        decrease, length = float(gradient @ direction), 1.0
        level = abs(here.value) + 0.5 * ridge * (weights @ weights)
        while True:
            moved = weights + length * direction
            there = _envelope(problem, loss, rows @ moved, dual, scale)
            change = there.value - here.value + 0.5 * ridge * (moved @ moved - weights @ weights)
            if change <= _SLOPE * length * decrease + _ROUNDING * level or not length > _SHORTEST:
                break
            length *= 0.5
        weights, here = moved, there
        if not length > _SHORTEST:
            break
    return weights


def _terms(problem: Problem, dual: np.ndarray) -> float:
    """Norm of all β a, whose sum is μ w: what rounding is relative to."""
    return float(np.sqrt(dual**2 @ np.einsum("pn,pn->p", problem.rows, problem.rows)))


def _envelope(problem: Problem, loss, margins: np.ndarray, dual: np.ndarray, scale: float) -> _Envelope:
    omega, scales = margins - scale * dual, scale * problem.importance
    points = loss.proximal(omega, scales)
    pull = (points - omega) / scale
    value = problem.importance @ loss.value(points) + 0.5 * scale * (pull @ pull)
    return _Envelope(points, pull, float(value))


def _proximal_slope(problem: Problem, loss, omega: np.ndarray, scale: float) -> np.ndarray:
    """∂prox/∂ω: the loss's own, or a central difference."""
    scales = scale * problem.importance
    if hasattr(loss, "proximal_slope"):
        return loss.proximal_slope(omega, scales)
    step = _DIFFERENCE * (1 + np.abs(omega))
    rise = loss.proximal(omega + step, scales) - loss.proximal(omega - step, scales)
    return np.clip(rise / (2 * step), 0.0, 1.0)


def _hessian(rows: np.ndarray, curvature: np.ndarray, ridge: float) -> np.ndarray:
    scaled = rows * np.sqrt(curvature)[:, None]
    hessian = scaled.T @ scaled
    hessian[np.diag_indices(len(hessian))] += ridge + _SHIFT * np.trace(hessian) / len(hessian)
    return hessian


def _checked(problem: Problem, loss, weights: np.ndarray, dual: np.ndarray, scale: float) -> Solution:
    """With the residual |m − prox(m − τ β)| relative to the margins, and that of μ w = Aᵀβ to its terms' norms."""
    margins = problem.rows @ weights
    near = _envelope(problem, loss, margins, dual, scale)
    apart = margins - near.points
    force = problem.ridge * weights - near.dual @ problem.rows
    residual = max(
        float(np.linalg.norm(apart) / np.linalg.norm(margins)),
        float(np.linalg.norm(force)) / _terms(problem, near.dual),
    )
    slack = problem.importance @ (loss.value(margins) - loss.value(near.points)) + near.dual @ apart
    gap = relative_gap(problem, loss.value, weights, margins, near.dual, float(slack))
    return Solution(weights, margins, near.dual, residual, gap)
