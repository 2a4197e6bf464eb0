"""From a guess of the support to a verified solution, or to the proof that there is none."""

import numpy as np

from perceptron_pruning.solver.dual_active_set import settle
from perceptron_pruning.solver.errors import InaccurateError, InfeasibleError
from perceptron_pruning.solver.exchange import NoStudentError
from perceptron_pruning.solver.least_distance import INFEASIBLE_MARGIN, least_distance
from perceptron_pruning.solver.optimality import Candidate, candidate


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
        guessed = candidate(rows, index, dual)
        if guessed.verified:
            return guessed
        try:
            settled = candidate(rows, *settle(rows, guessed.support, guessed.dual, limit=1 / INFEASIBLE_MARGIN))
        except NoStudentError as refusal:
            _raise_if_proven(rows, refusal.dual, problem)
        else:
            if settled.verified:
                return settled
        slow = candidate(rows, *least_distance(rows, problem=problem))
    if not slow.verified:
        raise InaccurateError(slow.violation, slow.gap, problem)
    return slow


def _raise_if_proven(rows: np.ndarray, dual: np.ndarray, problem: int) -> None:
    certificate = dual / dual.sum()
    norm = float(np.linalg.norm(certificate @ rows))
    if norm <= INFEASIBLE_MARGIN:
        raise InfeasibleError(certificate, norm, problem)
