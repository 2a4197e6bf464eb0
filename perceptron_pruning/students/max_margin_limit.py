"""Where students of small ridge go when examples are separable."""

import numpy as np

from perceptron_pruning.solver.errors import InfeasibleError
from perceptron_pruning.solver.max_margin_fit import fit_max_margin
from perceptron_pruning.students.problem import Problem, Solution


def max_margin_limit(problem: Problem) -> Solution | None:
    """The max-margin student, which has no loss and no dual; None where examples are not separable."""
    try:
        fit = fit_max_margin(problem.rows, np.ones(len(problem.rows)))
    except InfeasibleError:
        return None
    return Solution(fit.weights, np.zeros(len(problem.rows)), float(fit.violation), float(fit.gap))
