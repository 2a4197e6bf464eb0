"""From a guess of the support to a verified solution of (M1), or to the proof that there is none."""

import numpy as np

from perceptron_pruning.students.errors import InaccurateError, InfeasibleError
from perceptron_pruning.students.max_margin.dual_active_set import NoStudentError, settle
from perceptron_pruning.students.max_margin.least_distance import INFEASIBLE_MARGIN, least_distance
from perceptron_pruning.students.max_margin.optimality import Candidate, candidate
from perceptron_pruning.students.max_margin.support_guess import precise_guess


def exact(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, *, problem: int) -> Candidate:
    """Solves (M1) by the quickest method whose solution meets (M3).

    Args:
        rows: A, (P, N), of root-mean-square length 1.
        index: Guess of the support.
        dual: Guess of λ > 0 on it.
        problem: Index in the batch, for errors.

    Raises:
        InfeasibleError: No margin exceeds 1e-7.
        InaccurateError: No method passed; carries the residuals of the last.
    """
    with np.errstate(all="ignore"):  # what overflows does not pass
        features = rows.shape[1]
        solution = _settled(rows, index, dual, entries=200 + features // 2, problem=problem)
        if solution is None:
            index, dual = precise_guess(rows)
            solution = _verified(rows, index, dual)
            solution = solution or _settled(rows, index, dual, entries=5000 + 10 * features, problem=problem)
        solution = solution or candidate(rows, *least_distance(rows, problem=problem))
    if not solution.verified:
        raise InaccurateError(solution.violation, solution.gap, problem)
    return solution


def _settled(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, *, entries: int, problem: int) -> Candidate | None:
    """What the dual active set makes of a guess with so many entering rows, or None if that does not pass."""
    try:
        exchanged = settle(rows, index, dual, limit=1 / INFEASIBLE_MARGIN, entries=entries)
    except NoStudentError as refusal:
        _raise_if_proven(rows, refusal.dual, problem)
        return None
    return _verified(rows, *exchanged)


def _verified(
    rows: np.ndarray, index: np.ndarray, dual: np.ndarray, weights: np.ndarray | None = None
) -> Candidate | None:
    solution = candidate(rows, index, dual, weights)
    return solution if solution.verified else None


def _raise_if_proven(rows: np.ndarray, dual: np.ndarray, problem: int) -> None:
    """Raises an `InfeasibleError` if the normalised duals are a combination of rows shorter than 1e-7."""
    certificate = dual / dual.sum()
    norm = float(np.linalg.norm(certificate @ rows))
    if norm <= INFEASIBLE_MARGIN:
        raise InfeasibleError(certificate, norm, problem)
