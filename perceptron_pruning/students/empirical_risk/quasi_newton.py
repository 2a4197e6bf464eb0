"""A smooth risk of many examples without a Hessian, which costs more than a whole minimisation.

A gradient takes two passes over P rows, a Hessian N of them. With P ≫ N the risk of random rows is well conditioned,
and every step takes an even share off the error. Limited-memory BFGS goes down as far as single precision can, and
Newton's method the rest of the way: its gradients are in double precision, and its steps by conjugate gradients on::

    ∇²F p = Aᵀ(v ℓ''(m) (A p)) + μ p                                                        (Q2)

whose products are in single precision, of half the bytes, since a step need only be right to a few digits. F is
μ-strongly convex, so that no Hessian is needed to know how far the minimum is::

    ‖w − w*‖ ≤ ‖∇F(w)‖/μ                                                                    (Q1)

Weights are in units of about 1/√(∂²F/∂w²) at w = 0, so that features may differ in length.

References:
    Nocedal & Wright 2006, ch. 7 (inexact Newton).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss
from perceptron_pruning.students.empirical_risk.problem import Problem
from perceptron_pruning.students.lbfgs import minimise

TARGET = 1e-10  # bound (Q1) relative to ‖w‖ at which it ends
_COARSE = 1e-3  # ‖∇F‖, relative to that at w = 0, down to which single precision leads
_LOOK_BACK = 8  # steps over which the rate of convergence is measured
_TWO_HESSIANS = 0.16  # their cost in steps, per dimension
_STEPS = 500  # at most
_LEAST_GAIN = 0.5  # of the error by a Newton step, at least
_FINEST = 2e-6  # residual of (Q2), relative to the gradient, that single precision reaches
_SAFETY = 0.1  # of the residual that would just do
_SAMPLED_ROWS = 2  # rows per feature from which units are estimated


class Descended(NamedTuple):
    """Weights w (N,), their margins m = A w (P,), and the bound (Q1) relative to ‖w‖, ≤ 1e-10 at the minimum."""

    weights: np.ndarray
    margins: np.ndarray
    error: float


def quasi_newton(problem: Problem, loss: DifferentiableLoss) -> Descended:
    """Minimises F from w = 0, for as long as that promises to end before two Hessians would be made."""
    with np.errstate(all="ignore"):  # what overflows in single precision is not the minimum
        descent = _Descent(problem, loss)
        return descent.by_newton(*descent.by_bfgs())


class _Descent:
    """F in weights w/u, with rows A u in single precision."""

    def __init__(self, problem: Problem, loss: DifferentiableLoss):
        self._problem, self._loss = problem, loss
        self._unit = _units(problem, loss)
        self._rows = np.multiply(problem.rows, self._unit, dtype=np.float32, casting="same_kind")
        self._importance = problem.importance.astype(np.float32)
        self._ridge = problem.ridge * self._unit**2
        self._errors = [math.inf]  # (Q1) relative to ‖w‖, after each step

    def by_bfgs(self) -> tuple[np.ndarray, bool]:
        """Weights in their units, of which single precision is the limit; and whether they promise to become the least.

        A last step by (Q2) is from where ‖∇F‖ is 1e-3 of that at 0, and about as much nearer.
        """
        first = math.nan
        promising = True

        def risk(scaled: np.ndarray) -> tuple[float, np.ndarray]:
            margins = self._rows @ scaled.astype(np.float32)
            force = (self._importance * self._loss.derivative(margins)).astype(np.float32) @ self._rows
            losses = float(self._importance @ self._loss.value(margins))
            return losses + 0.5 * float(self._ridge @ scaled**2), force + self._ridge * scaled

        def is_done(scaled: np.ndarray, gradient: np.ndarray) -> bool:
            nonlocal first, promising
            steepness = math.sqrt(gradient @ gradient)
            if not scaled.any():
                first = steepness
                return first == 0
            if steepness <= _COARSE * first:
                return True
            self._errors.append(self._error(scaled, gradient))
            promising = _promising(self._errors, scaled.size)
            return not promising

        start = np.zeros(self._unit.size)
        end = minimise(risk, start, is_done=is_done, iterations=_STEPS, first_length=math.inf)
        if not promising:
            return end.parameters, False
        step, _ = self._newton_step(self._rows @ end.parameters.astype(np.float32), end.gradient, _COARSE)
        return end.parameters + step, True

    def by_newton(self, scaled: np.ndarray, promising: bool) -> Descended:
        """The minimum, unless the steps do not lead there; one that was not promising is only measured."""
        last = math.inf if promising else 0.0
        while True:
            weights = self._unit * scaled
            margins = self._problem.rows @ weights
            force = (self._problem.importance * self._loss.derivative(margins)) @ self._problem.rows
            gradient = self._unit * (force + self._problem.ridge * weights)
            error = self._error(scaled, gradient)
            if not TARGET < error < _LEAST_GAIN * last:
                return Descended(weights, margins, error)
            last = error
            step, solved = self._newton_step(margins, gradient, max(_FINEST, _SAFETY * TARGET / error))
            if not solved:
                return Descended(weights, margins, error)
            scaled = scaled + step

    def _error(self, scaled: np.ndarray, gradient: np.ndarray) -> float:
        slope, weights = gradient / self._unit, self._unit * scaled
        return math.sqrt((slope @ slope) / max(weights @ weights, 1e-300)) / self._problem.ridge

    def _newton_step(self, margins: np.ndarray, gradient: np.ndarray, tolerance: float) -> tuple[np.ndarray, bool]:
        """−(∇²F)⁻¹ ∇F, and whether that was solved within the time of two Hessians."""
        curvature = (self._problem.importance * self._loss.second_derivative(margins)).astype(np.float32)

        def curved(direction: np.ndarray) -> np.ndarray:
            return (curvature * (self._rows @ direction.astype(np.float32))) @ self._rows + self._ridge * direction

        return _conjugate_gradients(curved, -gradient, tolerance, _LOOK_BACK + round(_TWO_HESSIANS * gradient.size))


def _conjugate_gradients(
    curved: Callable[[np.ndarray], np.ndarray], right: np.ndarray, tolerance: float, most: int
) -> tuple[np.ndarray, bool]:
    """H⁻¹ b to a residual relative to b, and whether so many steps sufficed."""
    solution, residual = np.zeros(right.size), right
    search, power = right, right @ right
    target = tolerance**2 * power
    for _ in range(most):
        product = curved(search)
        length = power / (search @ product)
        solution, residual = solution + length * search, residual - length * product
        power, previous = residual @ residual, power
        if not power > target:
            return solution, bool(power <= target)
        search = residual + power / previous * search
    return solution, False


def _units(problem: Problem, loss: DifferentiableLoss) -> np.ndarray:
    """1/√(∂²F/∂w²) at w = 0, (N,), from a sample of the rows."""
    examples, features = problem.rows.shape
    sample = slice(None, None, max(1, examples // (_SAMPLED_ROWS * features)))
    rows, importance = problem.rows[sample], problem.importance[sample]
    curvature = importance * loss.second_derivative(np.zeros(len(rows)))
    return 1 / np.sqrt(curvature @ rows**2 * (examples / len(rows)) + problem.ridge)


def _promising(errors: list[float], features: int) -> bool:
    """Whether at the rate of the last steps it ends before as many more as two Hessians cost."""
    if not 0 < errors[-1] < math.inf:
        return False
    if len(errors) < _LOOK_BACK + 2:
        return True
    rate = math.log(errors[-1] / errors[-1 - _LOOK_BACK]) / _LOOK_BACK
    return rate < 0 and math.log(TARGET / errors[-1]) / rate < _LOOK_BACK + _TWO_HESSIANS * features
