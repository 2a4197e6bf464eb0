"""Students of the hinge loss: an interior point shows the partition of the examples, exact algebra does the rest.

At P ≤ N the partition with all examples on the margin is tried first, which exchanges mostly lead to the student.

By (R2) an example has margin 1 and 0 ≤ β ≤ v (it is in J), or is short of it with β = v, or exceeds it with β = 0.
On the right partition::

    A_J w = 1,     μ w = A_Jᵀ β_J + Σ_short v a                                             (H3)

is one linear system. An example whose β leaves [0, v], or whose margin lies on the wrong side of 1,
changes its part.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.arrays import NUMPY, Array
from perceptron_pruning.students.empirical_risk.hinge_interior_point import Iterate, in_double, interior_point, start
from perceptron_pruning.students.empirical_risk.max_margin_limit import max_margin_limit
from perceptron_pruning.students.empirical_risk.problem import Problem, Solution, relative_gap

_GAPS = (1e-4, 1e-8, 1e-13)  # relative duality gaps at which the interior point is asked for the partition
_EARLY_GAP, _FEW_ROWS = 0.2, 2  # and before these, with at most so many rows per feature
_EXCHANGES = 12  # rounds of exchanges at most
_SETTLED = 1e-11  # violation of a margin's side of 1, or of β's interval relative to v, that counts as none
_REFINEMENTS = 3  # solves of (H3) by one factor, at most
_REFINED = 1e-14  # |1 − A_J w| at which they end
_SMALL_RIDGES = 1e-5, 1e-6, 1e-7, 1e-8, 1e-9  # μ relative to the mean curvature tr(AᵀA)/N, for μ → 0
_LENGTH_ERROR = 1e-5  # of the square of a small ridge's student, relative
_NEARLY = 1e-6, 1e-5, 1e-4, 1e-3, 1e-2  # |1 − m| of an example on the margin, of a student that is near
_INSIDE = 1e-6  # β/v of an example that no other minimiser has beside margin 1, at least, and 1 − β/v
_ROUNDING = 1e-15  # relative


class Partition(NamedTuple):
    """Which examples have margin 1, and which are short of it, (P,) each."""

    on: Array
    short: Array


def fit_hinge(problem: Problem) -> Solution:
    """The first verified student: from ever closer interior points, or the last of these points itself.

    Without a ridge: the max-margin student if there is one, else the minimiser to which a small ridge leads.
    """
    if problem.ridge > 0:
        return _with_ridge(problem)
    counted = (problem.rows != 0).any(axis=1)
    if counted.all():
        return max_margin_limit(problem) or _without_ridge(problem)
    return _with_zero_rows(problem, counted)


def _with_zero_rows(problem: Problem, counted: np.ndarray) -> Solution:
    """The student of the other rows: those of zeros are short of the margin whatever w is, with β = v."""
    if not counted.any():
        return _checked(problem, np.zeros(problem.rows.shape[1]), problem.importance)
    rest = fit_hinge(replace(problem, rows=problem.rows[counted], importance=problem.importance[counted]))
    margins, dual = np.zeros(len(counted)), problem.importance.copy()
    margins[counted], dual[counted] = rest.margins, rest.dual
    return replace(rest, margins=margins, dual=dual)


def _with_ridge(problem: Problem) -> Solution:
    """By partitions from its interior point."""
    with np.errstate(all="ignore"):  # what overflows does not pass
        examples, features = problem.rows.shape
        if examples <= features:
            everywhere = np.ones(examples, dtype=bool)
            solution = solve_partition(problem, Partition(everywhere, ~everywhere))
            if solution.verified:
                return solution
        gaps = (_EARLY_GAP, *_GAPS) if examples <= _FEW_ROWS * features else _GAPS
        point = _coarse_point(problem, gaps[0])
        for gap in gaps:
            if gap < gaps[0]:
                point = interior_point(NUMPY, problem.rows, problem.ridge, point, tolerance=gap)
            guess = partition(point)
            solution = _max_margin_student(problem) if not guess.short.any() else None
            solution = solution or solve_partition(problem, guess)
            if solution.verified:
                return solution
        # the rows of J depend on each other: the last point itself, or as near as margins of 1 are
        last = _checked(problem, np.asarray(point.weights), np.asarray(point.dual)[: len(problem.rows)])
        if last.verified or not np.isfinite(last.gap):
            return last
        settled = _on_the_margin(problem, last)
        return settled if settled.verified else last


def _coarse_point(problem: Problem, gap: float) -> Iterate:
    """The first point, in half the time by single precision; in double where that overflows.

    For rows of root mean square 1, A/u, the student is u w, of ridge μ/u².
    """
    unit = float(np.sqrt((problem.rows**2).mean()))
    for kind in ("float32", "float64"):
        rows, importance = (problem.rows / unit).astype(kind), problem.importance.astype(kind)
        scaled, gram = np.array(problem.ridge / unit**2, kind), rows.T @ rows
        point = start(NUMPY, rows, importance, scaled, gram)
        point = interior_point(NUMPY, rows, scaled, point, tolerance=gap, gram=gram)
        if np.isfinite(point.error):
            break
    return in_double(problem.rows, problem.importance, np.asarray(point.weights, float) / unit, point)


def _max_margin_student(problem: Problem) -> Solution | None:
    """The max-margin student where its β ≤ v, so that it minimises the hinge risk as well."""
    solution = max_margin_limit(problem)
    return solution if solution is not None and np.all(solution.dual <= problem.importance) else None


def _without_ridge(problem: Problem) -> Solution:
    """A linear programme: of its solutions the least one, which is the student of every small enough ridge.

    A student of a small ridge that minimises the risk alone, too, is that: no other minimiser is shorter.
    """
    curvature = float(np.einsum("pn,pn->", problem.rows, problem.rows)) / problem.rows.shape[1]
    for ridge in _SMALL_RIDGES:
        with_ridge = replace(problem, ridge=ridge * curvature)
        student = _with_ridge(with_ridge)
        solution = _only_vertex(problem, student)
        if not solution.verified and _length_is_known(with_ridge, student):
            solution = _on_the_margin(problem, student)
            if np.linalg.norm(solution.weights) > (1 + _LENGTH_ERROR) * np.linalg.norm(student.weights):
                continue  # it was moved too far
        if solution.verified:
            return solution
    return _failed(problem)


def _only_vertex(problem: Problem, student: Solution) -> Solution:
    """The vertex to which exchanges lead from a student: the only minimiser, if as many β as features are inside."""
    on = np.abs(student.margins - 1) < _NEARLY[0]
    vertex = solve_partition(problem, Partition(on, ~on & (student.margins < 1)))
    share = vertex.dual / problem.importance
    inside = (share > _INSIDE) & (share < 1 - _INSIDE)
    return vertex if np.count_nonzero(inside) == problem.rows.shape[1] else _failed(problem)


def _length_is_known(problem: Problem, student: Solution) -> bool:
    """Whether the duality gap is little beside the part that the ridge has in the objective."""
    ridge_part = 0.5 * problem.ridge * float(student.weights @ student.weights)
    objective = float(problem.importance @ np.maximum(1 - student.margins, 0)) + ridge_part
    return abs(student.gap) * objective <= _LENGTH_ERROR * ridge_part


def _on_the_margin(problem: Problem, near: Solution) -> Solution:
    """A student from one that is near: its margins are 1 where they nearly are, and β there balances the others'."""
    from scipy.optimize import lsq_linear  # a fifth of a second, which most students need not wait for

    for width in _NEARLY:
        on = np.abs(near.margins - 1) < width
        rows, weights = problem.rows[on], near.weights
        dual = np.where(~on & (near.margins < 1), problem.importance, 0.0)
        if len(rows):
            weights = weights + np.linalg.lstsq(rows, 1 - rows @ weights)[0]
            missing = problem.ridge * weights - dual @ problem.rows
            dual[on] = lsq_linear(rows.T, missing, (0.0, problem.importance[on]), method="bvls", tol=_ROUNDING).x
        solution = _checked(problem, weights, dual)
        if solution.verified:
            return solution
    return _failed(problem)


def partition(point: Iterate) -> Partition:
    """Short are the examples with v − β ≤ ξ, on margin 1 those of the others with β > s."""
    examples = len(point.slack) // 2
    short = point.dual[examples:] <= point.slack[examples:]
    return Partition((point.dual > point.slack)[:examples] & ~short, short)


def solve_partition(problem: Problem, guess: Partition) -> Solution:
    """Solves (H3) and exchanges single examples, until none is in the wrong part or for 12 rounds."""
    on, short = np.asarray(guess.on), np.asarray(guess.short)
    for _ in range(_EXCHANGES):
        if np.count_nonzero(on) > problem.rows.shape[1]:
            break
        try:
            weights, dual = _on_partition(problem, on, short)
        except np.linalg.LinAlgError:
            break
        excess = problem.rows @ weights - 1
        below, above = dual < -_SETTLED * problem.importance, dual > (1 + _SETTLED) * problem.importance
        entering = ~on & np.where(short, excess > _SETTLED, excess < -_SETTLED)
        if not (below | above | entering).any():
            return _checked(problem, weights, np.clip(dual, 0, problem.importance))
        on, short = on & ~below & ~above | entering, short & ~entering | above
    return _failed(problem)


def _failed(problem: Problem) -> Solution:
    """A solution that is never verified."""
    examples, features = problem.rows.shape
    nothing = np.zeros(examples)
    return Solution(weights=np.zeros(features), margins=nothing, dual=nothing, residual=np.inf, gap=np.inf)


def _on_partition(problem: Problem, on: np.ndarray, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """w (N,) and β (P,) of (H3), with β_J of any size.

    With fewer than N rows in J, w = (Σ_short v a)/μ + A_Jᵀ c and β_J = μ c, where A_J A_Jᵀ c = 1 − A_J (Σ_short v a)/μ.
    """
    rows, dual = problem.rows[on], np.where(short, problem.importance, 0.0)
    short_force = dual @ problem.rows  # Σ_short v a
    examples, features = problem.rows.shape
    if len(rows) == features and (examples > features or problem.ridge == 0):  # a vertex, which no ridge moves
        weights = np.linalg.solve(rows, np.ones(len(rows)))
        dual[on] = np.linalg.solve(rows.T, problem.ridge * weights - short_force)
        return weights, dual
    if problem.ridge == 0:
        return np.full(rows.shape[1], np.nan), dual
    weights, on_dual = short_force / problem.ridge, np.zeros(len(rows))
    if len(rows):
        factor = NUMPY.cho_factor(rows @ rows.T)
        for _ in range(_REFINEMENTS):
            shortfall = 1 - rows @ weights
            if np.abs(shortfall).max() < _REFINED:
                break
            correction = NUMPY.cho_solve(factor, shortfall)
            weights, on_dual = weights + correction @ rows, on_dual + problem.ridge * correction
    dual[on] = on_dual
    return weights, dual


def _checked(problem: Problem, weights: np.ndarray, dual: np.ndarray) -> Solution:
    """With the residual: the larger of β (m − 1)₊/v + (v − β)(1 − m)₊/v, and ‖μ w − Aᵀβ‖ relative to its terms."""
    margins = problem.rows @ weights
    excess = margins - 1
    products = np.where(excess > 0, dual, problem.importance - dual) * np.abs(excess)
    force = problem.ridge * weights - dual @ problem.rows
    size = float(np.linalg.norm(force))
    unbalanced = size / np.float64(problem.force_scale(dual)) if size else 0.0
    gap = relative_gap(problem, lambda field: np.maximum(1 - field, 0.0), weights, margins, dual, float(products.sum()))
    residual = max(float((products / problem.importance).max()), float(unbalanced))
    return Solution(weights=weights, margins=margins, dual=dual, residual=residual, gap=gap)
