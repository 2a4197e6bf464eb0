"""From a guess of the support to a verified solution, or to the proof that there is none."""

import numpy as np

from perceptron_pruning.students.errors import InaccurateError, InfeasibleError
from perceptron_pruning.students.max_margin.dual_active_set import settle
from perceptron_pruning.students.max_margin.exchange import NoStudentError
from perceptron_pruning.students.max_margin.least_distance import INFEASIBLE_MARGIN, least_distance
from perceptron_pruning.students.max_margin.optimality import Candidate, candidate
from perceptron_pruning.students.max_margin.support_guess import precise_guess

_ENTRIES, _MORE_ENTRIES = 200, 5000  # that a guess is worth, and half or tenfold a dimension more


def exact(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, *, problem: int) -> Candidate:
    """Solves min ½‖w‖² subject to rows @ w ≥ 1, by the quickest method that passes the conditions of optimality.

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
        found = _settled(rows, (index, dual), _ENTRIES + features // 2, problem)
        if found is None:
            found = _settled(rows, precise_guess(rows), _MORE_ENTRIES + 10 * features, problem)
        if found is None:
            found = candidate(rows, *least_distance(rows, problem=problem))
    if not found.verified:
        raise InaccurateError(found.violation, found.gap, problem)
    return found


def _settled(rows: np.ndarray, guess: tuple[np.ndarray, np.ndarray], entries: int, problem: int) -> Candidate | None:
    """What a guess or the active set that begins with it makes of the problem, if it passes."""
    guessed = candidate(rows, *guess)
    if guessed.verified:
        return guessed
    try:
        exchanged = settle(rows, guessed.support, guessed.dual, limit=1 / INFEASIBLE_MARGIN, entries=entries)
    except NoStudentError as refusal:
        _raise_if_proven(rows, refusal.dual, problem)
        return None
    settled = candidate(rows, *exchanged)
    return settled if settled.verified else None


def _raise_if_proven(rows: np.ndarray, dual: np.ndarray, problem: int) -> None:
    certificate = dual / dual.sum()
    norm = float(np.linalg.norm(certificate @ rows))
    if norm <= INFEASIBLE_MARGIN:
        raise InfeasibleError(certificate, norm, problem)
