"""Students of the hinge loss: an interior point shows the partition of examples, exact algebra does the rest.

On the right partition, into examples on margin 1 (J), short of it (β = v) and beyond it (β = 0),

    A_J w = 1,     μ w = A_Jᵀ β_J + Σ_short v a,

is one linear system. An example whose β leaves [0, v], or whose margin lies on the wrong side of 1,
changes its part.
"""

from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.empirical_risk.hinge_interior_point import Iterate, interior_point, start
from perceptron_pruning.students.empirical_risk.max_margin_limit import max_margin_limit
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, relative_gap

_GAPS = (1e-4, 1e-8, 1e-13)  # at which the interior point is asked for the partition
_ROUNDS = 12
_SETTLED = 1e-11
_REFINEMENTS = 3
_SMALL = 1e-5, 1e-8, 1e-11  # ridges, relative to the mean curvature, by which the limit of none is found


class Partition(NamedTuple):
    """Which examples have margin 1, and which are short of it, (P,) each."""

    on: np.ndarray
    short: np.ndarray


def fit_hinge(problem: Problem, guess: Partition | None = None) -> Solution:
    """The first verified student: of the guess, of ever closer interior points, the last of these points itself.

    Without a ridge: the max-margin student if there is one, else the vertex to which a small ridge leads.
    """
    if problem.ridge == 0:
        return max_margin_limit(problem) or _without_ridge(problem)
    if guess is not None and (solution := _settled(problem, guess)).verified:
        return solution
    return _with_ridge(problem, problem.ridge)


def _with_ridge(problem: Problem, ridge: float) -> Solution:
    """The problem's student, by partitions found at this ridge; where none is short, that of max margin."""
    gram = problem.rows.T @ problem.rows
    with np.errstate(all="ignore"):  # what overflows does not pass
        point = start(NUMPY, problem.rows, problem.importance, ridge, gram)
        for gap, approximate in ((_GAPS[0], gram), *((gap, None) for gap in _GAPS[1:])):
            point = interior_point(NUMPY, problem.rows, ridge, point, tolerance=gap, gram=approximate)
            guess = partition(point)
            solution = _settled(problem, guess) if guess.short.any() else _hard(problem) or _settled(problem, guess)
            if solution.verified:
                return solution
        return _checked(problem, point.weights, point.dual)  # where rows on margin 1 depend on each other


def _hard(problem: Problem) -> Solution | None:
    """The max-margin student where it is the hinge's as well."""
    solution = max_margin_limit(problem)
    return solution if solution is not None and np.all(solution.dual <= problem.importance) else None


def _without_ridge(problem: Problem) -> Solution:
    """A linear programme: its vertex of least norm is the student of every small enough ridge."""
    curvature = float(np.einsum("pn,pn->", problem.rows, problem.rows)) / problem.rows.shape[1]
    attempts = (_with_ridge(problem, share * curvature) for share in _SMALL)
    return next((solution for solution in attempts if solution.verified), _failed(problem))


def partition(point: Iterate) -> Partition:
    """On margin 1 are the examples whose β is further from both its ends than the margin is from 1."""
    short = point.room <= point.shortfall
    return Partition((point.dual > point.excess) & ~short, short)


def _settled(problem: Problem, guess: Partition) -> Solution:
    """Exchanges single examples until none is on the wrong side, or a round too many."""
    on, short = guess
    for _ in range(_ROUNDS):
        if np.count_nonzero(on) > problem.rows.shape[1]:
            break
        try:
            weights, dual = _on_partition(problem, on, short)
        except np.linalg.LinAlgError:
            break
        beyond = problem.rows @ weights - 1
        leaving_down, leaving_up = dual < -_SETTLED * problem.importance, dual > (1 + _SETTLED) * problem.importance
        entering = ~on & np.where(short, beyond > _SETTLED, beyond < -_SETTLED)
        if not (leaving_down | leaving_up | entering).any():
            return _checked(problem, weights, np.clip(dual, 0, problem.importance))
        on, short = on & ~leaving_down & ~leaving_up | entering, short & ~entering | leaving_up
    return _failed(problem)


def _failed(problem: Problem) -> Solution:
    examples, features = problem.rows.shape
    return Solution(np.zeros(features), np.zeros(examples), np.zeros(examples), np.inf, np.inf)


def _on_partition(problem: Problem, on: np.ndarray, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w (N,) and β (P,) of a partition, unbounded on J."""
    rows, dual = problem.rows[on], np.where(short, problem.importance, 0.0)
    pull = dual @ problem.rows
    if len(rows) == rows.shape[1]:  # a vertex, which the ridge does not move
        weights = np.linalg.solve(rows, np.ones(len(rows)))
        dual[on] = np.linalg.solve(rows.T, problem.ridge * weights - pull)
        return weights, dual
    if problem.ridge == 0:
        return np.full(rows.shape[1], np.nan), dual
    factor = NUMPY.cho_factor(rows @ rows.T) if len(rows) else None
    weights, on_dual = pull / problem.ridge, np.zeros(len(rows))
    for _ in range(_REFINEMENTS if len(rows) else 0):
        correction = NUMPY.cho_solve(factor, 1 - rows @ weights)
        weights, on_dual = weights + correction @ rows, on_dual + problem.ridge * correction
    dual[on] = on_dual
    return weights, dual


def _checked(problem: Problem, weights: np.ndarray, dual: np.ndarray) -> Solution:
    """With the residual max(β (m − 1)₊/v, (v − β)(1 − m)₊/v) and ‖μ w − Aᵀβ‖, relative to the terms' norms."""
    margins = problem.rows @ weights
    beyond = margins - 1
    wrong = np.where(beyond > 0, dual, problem.importance - dual) * np.abs(beyond)
    force = problem.ridge * weights - dual @ problem.rows
    terms = np.sqrt(dual**2 @ np.einsum("pn,pn->p", problem.rows, problem.rows))
    unbalanced = float(np.linalg.norm(force) / terms)
    gap = relative_gap(problem, lambda field: np.maximum(1 - field, 0.0), weights, margins, dual, float(wrong.sum()))
    return Solution(weights, margins, dual, max(float((wrong / problem.importance).max()), unbalanced), gap)
