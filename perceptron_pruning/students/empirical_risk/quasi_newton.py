"""Limited-memory BFGS for a smooth risk of many examples, where a Hessian costs more than a whole minimisation.

A gradient takes two passes over P rows, a Hessian N of them. With P ≫ N the risk of random rows is well conditioned,
and every step takes an even share off the error. F is μ-strongly convex, so that no Hessian is needed to know how far
the minimum is::

    ‖w − w*‖ ≤ ‖∇F(w)‖/μ                                                                    (Q1)

Weights are in units of 1/√(∂²F/∂w²) at w = 0, so that features may differ in length.
"""

import math

import numpy as np

from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss
from perceptron_pruning.students.empirical_risk.problem import Problem
from perceptron_pruning.students.lbfgs import DOUBLE, minimise

TARGET = 1e-10  # bound (Q1) relative to ‖w‖ at which it ends
_LOOK_BACK = 8  # steps over which the rate of convergence is measured
_TWO_HESSIANS = 0.16  # their cost in steps, per dimension
_STEPS = 500  # at most


def quasi_newton(problem: Problem, loss: DifferentiableLoss) -> tuple[np.ndarray, float]:
    """Minimises F from w = 0, for as long as that promises to end before two Hessians would be made.

    Returns:
        The last weights, (N,), and their bound (Q1) relative to ‖w‖: at most 1e-10 if they are the minimum.
    """
    features, unit, errors = problem.rows.shape[1], _units(problem, loss), [math.inf]

    def risk(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        weights = unit * scaled
        margins = problem.rows @ weights
        gradient = (problem.importance * loss.derivative(margins)) @ problem.rows + problem.ridge * weights
        value = problem.importance @ loss.value(margins) + 0.5 * problem.ridge * (weights @ weights)
        return float(value), unit * gradient

    def is_done(scaled: np.ndarray, gradient: np.ndarray) -> bool:
        if scaled.any():
            errors.append(float(np.linalg.norm(gradient / unit) / (problem.ridge * np.linalg.norm(unit * scaled))))
        return errors[-1] <= TARGET or not _promising(errors, features)

    end = minimise(risk, np.zeros(features), is_done=is_done, iterations=_STEPS, rounding=DOUBLE, first_length=math.inf)
    return unit * end.parameters, errors[-1]


def _units(problem: Problem, loss: DifferentiableLoss) -> np.ndarray:
    """1/√(∂²F/∂w²) at w = 0, (N,)."""
    curvature = problem.importance * loss.second_derivative(np.zeros(len(problem.rows)))
    return 1 / np.sqrt(np.einsum("p,pn,pn->n", curvature, problem.rows, problem.rows) + problem.ridge)


def _promising(errors: list[float], features: int) -> bool:
    """Whether at the rate of the last steps it ends before as many more as two Hessians cost."""
    if len(errors) < _LOOK_BACK + 2:
        return True
    rate = math.log(errors[-1] / errors[-1 - _LOOK_BACK]) / _LOOK_BACK
    return rate < 0 and math.log(TARGET / errors[-1]) / rate < _LOOK_BACK + _TWO_HESSIANS * features
