"""Exact max-margin student or a proof that there is none, by non-negative least squares.

Lawson & Hanson's least-distance form: the minimum of ‖Aᵀy‖² + (1ᵀy − 1)² over y ≥ 0 is zero exactly
when some convex combination of the labelled inputs vanishes, and then y certifies that no student
has a positive margin. Otherwise y is the dual solution up to scale. Slower than the interior
point, but finite: it takes what that leaves undecided.
"""

import numpy as np
from scipy.optimize import nnls

from perceptron_pruning.students.errors import InaccurateError, InfeasibleError

INFEASIBLE_MARGIN = 1e-7
_ITERATIONS = 30


def least_distance(rows: np.ndarray, *, problem: int) -> tuple[np.ndarray, np.ndarray]:
    """The support and its duals of min ½‖w‖² subject to rows @ w ≥ 1.

    Raises:
        InfeasibleError: No margin above 1e-7 of the inputs' length.
        InaccurateError: Not finished within 30 iterations a dimension.
    """
    examples, features = rows.shape
    system = np.vstack([rows.T, np.ones(examples)])
    try:
        combination, _ = nnls(system, np.append(np.zeros(features), 1.0), maxiter=_ITERATIONS * min(rows.shape))
    except RuntimeError as unfinished:  # its iteration limit
        raise InaccurateError(np.nan, np.nan, problem) from unfinished
    combination /= combination.sum()
    margin = float(np.linalg.norm(combination @ rows))  # of the whole problem: the hull's distance from 0
    if margin <= INFEASIBLE_MARGIN:
        raise InfeasibleError(combination, margin, problem)
    support = np.flatnonzero(combination)
    return support, _polished(rows[support], combination[support] / margin**2)


def _polished(active: np.ndarray, dual: np.ndarray) -> np.ndarray:
    """The solution on a support, if its duals are of the right sign."""
    polished, *_ = np.linalg.lstsq(active @ active.T, np.ones(len(active)))
    return polished if polished.min() > 0 else dual
