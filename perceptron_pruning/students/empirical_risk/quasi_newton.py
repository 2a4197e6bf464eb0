"""Limited-memory BFGS for a smooth risk of many examples, where a Hessian costs more than a whole minimisation.

A gradient takes two passes over P rows, a Hessian N of them. With P ≫ N the risk of random rows is well conditioned,
and every step takes an even share off the error. F is μ-strongly convex, so that no Hessian is needed to know how far
the minimum is::

    ‖w − w*‖ ≤ ‖∇F(w)‖/μ                                                                    (Q1)

References:
    Nocedal & Wright 2006, algorithms 7.4 and 7.5.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss
from perceptron_pruning.students.empirical_risk.problem import Problem

TARGET = 1e-10  # bound (Q1) relative to ‖w‖ at which it ends
_MEMORY = 20  # steps remembered
_LOOK_BACK = 8  # steps over which the rate of convergence is measured
_TWO_HESSIANS = 0.16  # their cost in steps, per dimension
_SUFFICIENT = 1e-4  # Armijo's share of the decrease that ∇F promises
_ROUNDING = 1e-12  # rise of F, relative to it, that counts as none
_HALVINGS = 30  # of a step, at most


@dataclass(frozen=True)
class Iterate:
    """w (N,), m = A w (P,), and there F and ∇F (N,)."""

    weights: np.ndarray
    margins: np.ndarray
    risk: float
    gradient: np.ndarray

    @classmethod
    def at(cls, problem: Problem, loss: DifferentiableLoss, weights: np.ndarray, margins: np.ndarray) -> "Iterate":
        gradient = (problem.importance * loss.derivative(margins)) @ problem.rows + problem.ridge * weights
        return cls(weights, margins, _risk(problem, loss, weights, margins), gradient)

    def error(self, ridge: float) -> float:
        """The bound (Q1), relative to ‖w‖."""
        return float(np.linalg.norm(self.gradient) / (ridge * np.linalg.norm(self.weights)))


class _Step(NamedTuple):
    """A step s, the change y of ∇F along it, and their product."""

    step: np.ndarray
    change: np.ndarray
    product: float


def quasi_newton(problem: Problem, loss: DifferentiableLoss) -> tuple[Iterate, float]:
    """Minimises F from w = 0, for as long as that promises to end before two Hessians would be made.

    Returns:
        The last point, and its bound (Q1) relative to ‖w‖: at most 1e-10 if it is the minimum.
    """
    examples, features = problem.rows.shape
    here = Iterate.at(problem, loss, np.zeros(features), np.zeros(examples))
    scale, memory, errors = _first_scale(problem, loss), deque[_Step](maxlen=_MEMORY), [np.inf]
    while errors[-1] > TARGET and _promising(errors, features):
        there = _line_search(problem, loss, here, -_inverse_hessian_times(memory, here.gradient, scale))
        if there is None:
            break
        step, change = there.weights - here.weights, there.gradient - here.gradient
        here, product = there, float(step @ change)
        errors.append(here.error(problem.ridge))
        if product > 0:
            memory.append(_Step(step, change, product))
            scale = product / float(change @ change)
    return here, errors[-1]


def _risk(problem: Problem, loss: DifferentiableLoss, weights: np.ndarray, margins: np.ndarray) -> float:
    return float(problem.importance @ loss.value(margins) + 0.5 * problem.ridge * (weights @ weights))


def _first_scale(problem: Problem, loss: DifferentiableLoss) -> float:
    """N/tr ∇²F at w = 0."""
    examples, features = problem.rows.shape
    curvature = problem.importance * loss.second_derivative(np.zeros(examples))
    return features / (float(curvature @ np.einsum("pn,pn->p", problem.rows, problem.rows)) + features * problem.ridge)


def _line_search(problem: Problem, loss: DifferentiableLoss, here: Iterate, direction: np.ndarray) -> Iterate | None:
    """The point at t = 1, ½, ¼, … times the direction d, the first with F lower by 10⁻⁴ t |∇F·d|."""
    slope, margins_change = float(here.gradient @ direction), problem.rows @ direction
    for length in 0.5 ** np.arange(_HALVINGS):
        weights, margins = here.weights + length * direction, here.margins + length * margins_change
        allowed = here.risk + _SUFFICIENT * length * slope + _ROUNDING * abs(here.risk)
        if _risk(problem, loss, weights, margins) <= allowed:
            return Iterate.at(problem, loss, weights, margins)
    return None


def _promising(errors: list[float], features: int) -> bool:
    """Whether at the rate of the last steps it ends before as many more as two Hessians cost."""
    if len(errors) < _LOOK_BACK + 2:
        return True
    rate = np.log(errors[-1] / errors[-1 - _LOOK_BACK]) / _LOOK_BACK
    return bool(rate < 0 and np.log(TARGET / errors[-1]) / rate < _LOOK_BACK + _TWO_HESSIANS * features)


def _inverse_hessian_times(memory: deque[_Step], vector: np.ndarray, scale: float) -> np.ndarray:
    """By the two loops over the remembered steps; ``scale`` times the unit matrix before the first."""
    shares = []
    for past in reversed(memory):
        shares.append(float(past.step @ vector) / past.product)
        vector = vector - shares[-1] * past.change
    vector = scale * vector
    for past, share in zip(memory, reversed(shares), strict=True):
        vector = vector + (share - float(past.change @ vector) / past.product) * past.step
    return vector
