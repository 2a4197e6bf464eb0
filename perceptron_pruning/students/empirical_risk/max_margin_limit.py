"""Where students of small ridge go when examples are separable."""

import numpy as np

from perceptron_pruning.students.empirical_risk.problem import Problem, Solution
from perceptron_pruning.students.errors import InfeasibleError
from perceptron_pruning.students.max_margin.fit import fit_max_margin


def max_margin_limit(problem: Problem) -> Solution | None:
    """The max-margin student, which has no hinge loss; None where examples are not separable.

    Its duals λ give β = μ λ: where those are within their weights, it is the hinge student of a ridge too.
    """
    try:
        fit = fit_max_margin(problem.rows, np.ones(len(problem.rows)))
    except InfeasibleError:
        return None
    margins, dual = problem.rows @ fit.weights, problem.ridge * fit.dual
    return Solution(fit.weights, margins, dual, float(fit.violation), float(fit.gap))
