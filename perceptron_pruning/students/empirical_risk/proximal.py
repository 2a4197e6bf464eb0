"""Students of any convex loss with a proximal operator, by an augmented Lagrangian.

The margins m become variables of their own, tied to A w by multipliers β and a penalty of weight 1/τ::

    L(w, m; β) = Σ v ℓ(m) + (μ/2) ‖w‖² + β·(m − A w) + ‖m − A w‖²/(2τ)                      (A1)

Its minimum over m is at p = prox_{τ v ℓ}(ω) with ω = A w − τ β. That leaves the Moreau envelope of the loss,

    L(w; β) = Σ [v ℓ(p) + (p − ω)²/(2τ)] + (μ/2) ‖w‖²  (+ const.),      β⁺ = (p − ω)/τ      (A2)
    ∇L = μ w − Aᵀβ⁺,     ∇²L = μ I + Aᵀ diag[(1 − ∂p/∂ω)/τ] A                               (A3)

which Newton's method minimises over w; then β ← β⁺, a step that is the closer to exact the smaller τ. At a fixed
point m = p = A w and β ∈ −v ∂ℓ(m), which is (R2).

References:
    Li, Sun & Toh 2018 (semismooth Newton augmented Lagrangian).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, relative_gap
from perceptron_pruning.students.normal_equations import weighted_gram
from replica_theory.losses.base import Loss, Proximal

_UPDATES = 40  # updates of the multipliers at most
_NEWTON_STEPS = 60  # Newton steps of one minimisation over w at most
_GRADIENT = 1e-12  # ‖∇L‖ relative to its terms, at which a minimisation ends
_SETTLED = 1e-11  # residual of (R2) at which all ends
_LARGEST_TAUS = 30.0, 1000.0  # τ at first, at most; the second where the first student does not pass
_TAU_WITHOUT_RIDGE = 1.0  # τ at first where μ = 0
_SHRINK = 0.2  # factor of τ after each update of the multipliers
_LEAST_TAU = 1e-3  # least τ, relative to the first
_DIFFERENCE = 1e-6  # half the difference of ω from which ∂p/∂ω is taken, relative to 1 + |ω|
_SUFFICIENT = 1e-4  # Armijo's share of the decrease that ∇L promises
_ROUNDING = 1e-13  # rise of L, relative to its terms, that counts as none
_SHORTEST = 1e-10  # damping of a Newton step, at least
_SHIFT = 1e-14  # added to ∇²L in units of its mean eigenvalue


class _Point(NamedTuple):
    """w (N,), and there ω, p and β⁺ (P,) and the Moreau envelope Σ [v ℓ(p) + (p − ω)²/(2τ)]."""

    weights: np.ndarray
    omega: np.ndarray
    proximal: np.ndarray
    dual: np.ndarray
    envelope: float


@dataclass(frozen=True, kw_only=True)
class _AugmentedLagrangian:
    """L(w; β) of (A2), with its derivatives (A3)."""

    problem: Problem
    loss: Loss | Proximal
    multipliers: np.ndarray  # β
    tau: float

    def at(self, weights: np.ndarray) -> _Point:
        omega = self.problem.rows @ weights - self.tau * self.multipliers
        proximal = self.loss.proximal(omega, self.tau * self.problem.importance)
        dual = (proximal - omega) / self.tau
        envelope = self.problem.importance @ self.loss.value(proximal) + 0.5 * self.tau * (dual @ dual)
        return _Point(weights, omega, proximal, dual, float(envelope))

    def gradient(self, point: _Point) -> np.ndarray:
        return self.problem.ridge * point.weights - point.dual @ self.problem.rows

    def hessian(self, point: _Point) -> np.ndarray:
        """∇²L, with ∂p/∂ω from a central difference."""
        scale, step = self.tau * self.problem.importance, _DIFFERENCE * (1 + np.abs(point.omega))
        rise = self.loss.proximal(point.omega + step, scale) - self.loss.proximal(point.omega - step, scale)
        curvature = (1 - np.clip(rise / (2 * step), 0.0, 1.0)) / self.tau
        hessian = np.asarray(weighted_gram(NUMPY, self.problem.rows, curvature))
        hessian[np.diag_indices(len(hessian))] += self.problem.ridge + _SHIFT * np.trace(hessian) / len(hessian)
        return hessian

    def change(self, here: _Point, there: _Point) -> float:
        """L there minus L here."""
        squares = float(there.weights @ there.weights - here.weights @ here.weights)
        return there.envelope - here.envelope + 0.5 * self.problem.ridge * squares


def fit_proximal(problem: Problem, loss: Loss | Proximal) -> Solution:
    """The first verified student from a τ on the scale of an example's response to its own multiplier, ‖a‖²/μ.

    Where that is large, a smaller τ has better conditioned steps, and mostly serves; else the last student.
    """
    square = np.einsum("pn,pn->", problem.rows, problem.rows) / len(problem.rows)
    students = (
        _from_tau(problem, loss, min(largest, square / problem.ridge) if problem.ridge > 0 else _TAU_WITHOUT_RIDGE)
        for largest in _LARGEST_TAUS
    )
    first = next(students)
    return first if first.verified else next(students)


def _from_tau(problem: Problem, loss: Loss | Proximal, first: float) -> Solution:
    """Minimises over w, updates the multipliers and shrinks τ, until (R2) holds to 1e-11 or 40 times."""
    weights, dual, tau = np.zeros(problem.rows.shape[1]), np.zeros(len(problem.rows)), first
    best = Solution(weights=weights, margins=dual, dual=dual, residual=np.inf, gap=np.inf)
    with np.errstate(all="ignore"):  # what overflows does not pass
        for _ in range(_UPDATES):
            lagrangian = _AugmentedLagrangian(problem=problem, loss=loss, multipliers=dual, tau=tau)
            point = _minimised(lagrangian, weights)
            weights, dual = point.weights, point.dual
            solution = _checked(replace(lagrangian, multipliers=dual), weights)
            best = min(best, solution, key=lambda candidate: candidate.residual)
            if best.residual <= _SETTLED:
                break
            tau = max(_SHRINK * tau, _LEAST_TAU * first)
    return best


def _minimised(lagrangian: _AugmentedLagrangian, weights: np.ndarray) -> _Point:
    """argmin_w L(w; β) by Newton's method, each step halved until it decreases L sufficiently (Armijo)."""
    problem, here = lagrangian.problem, lagrangian.at(weights)
    for _ in range(_NEWTON_STEPS):
        gradient = lagrangian.gradient(here)
        if np.linalg.norm(gradient) <= _GRADIENT * problem.force_scale(here.dual):
            break
        direction = -NUMPY.cho_solve(NUMPY.cho_factor(lagrangian.hessian(here)), gradient)
        here, length = _damped(lagrangian, here, direction, slope=float(gradient @ direction))
        if length <= _SHORTEST:
            break
    return here


def _damped(
    lagrangian: _AugmentedLagrangian, here: _Point, direction: np.ndarray, *, slope: float
) -> tuple[_Point, float]:
    """The point at w + t d and its t = 1, ½, ¼, …, the first with L lower by 10⁻⁴ t |∇L·d|."""
    terms = abs(here.envelope) + 0.5 * lagrangian.problem.ridge * (here.weights @ here.weights)
    length = 1.0
    while True:
        there = lagrangian.at(here.weights + length * direction)
        sufficient = lagrangian.change(here, there) <= _SUFFICIENT * length * slope + _ROUNDING * terms
        if sufficient or length <= _SHORTEST:
            return there, length
        length *= 0.5


def _checked(lagrangian: _AugmentedLagrangian, weights: np.ndarray) -> Solution:
    """The student with dual β⁺, and the residual ‖A w − p‖/‖A w‖ or ‖μ w − Aᵀβ⁺‖ over its terms, the larger."""
    problem, point = lagrangian.problem, lagrangian.at(weights)
    margins = problem.rows @ weights
    apart = margins - point.proximal
    residual = max(
        float(np.linalg.norm(apart) / np.linalg.norm(margins)),
        float(np.linalg.norm(lagrangian.gradient(point))) / problem.force_scale(point.dual),
    )
    value = lagrangian.loss.value
    fenchel_gap = float(problem.importance @ (value(margins) - value(point.proximal)) + point.dual @ apart)
    gap = relative_gap(problem, value, weights, margins, point.dual, fenchel_gap)
    return Solution(weights=weights, margins=margins, dual=point.dual, residual=residual, gap=gap)
