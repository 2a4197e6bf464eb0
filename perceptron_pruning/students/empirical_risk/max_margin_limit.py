"""The limit λ → 0 of both hinges on separable examples: the max-margin student."""

import numpy as np

from perceptron_pruning.students.empirical_risk.problem import Problem, Solution
from perceptron_pruning.students.errors import InfeasibleError
from perceptron_pruning.students.max_margin.fit import fit_max_margin


def max_margin_limit(problem: Problem) -> Solution | None:
    """The max-margin student, whose hinge losses vanish; None where examples are not separable.

    Its duals λ, with w = Aᵀλ, give β = μ λ: where β ≤ v, it is the hinge student of this ridge too.
    """
    try:
        fit = fit_max_margin(problem.rows, np.ones(len(problem.rows)))
    except InfeasibleError:
        return None
    return Solution(
        weights=fit.weights,
        margins=problem.rows @ fit.weights,
        dual=problem.ridge * fit.dual,
        residual=float(fit.violation),
        gap=float(fit.gap),
    )
