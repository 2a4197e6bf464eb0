"""Exact max-margin student or a proof that there is none, by non-negative least squares.

Lawson & Hanson's least-distance form: the minimum of ‖Aᵀy‖² + (1ᵀy − 1)² over y ≥ 0 is zero exactly
when some convex combination of the labelled inputs vanishes, and then y certifies that no student
has a positive margin. Otherwise y is the dual solution up to scale. Slower than the interior
point, but finite: it takes what that leaves undecided.
"""

import numpy as np
from scipy.optimize import nnls

from perceptron_pruning.solver.errors import InaccurateError, InfeasibleError

INFEASIBLE_MARGIN = 1e-7


def least_distance(rows: np.ndarray, *, problem: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and duals of min ½‖w‖² subject to rows @ w ≥ 1.

    Raises:
        InfeasibleError: No margin above 1e-7 of the inputs' length.
        InaccurateError: Not finished within 30 iterations an example.
    """
    examples, features = rows.shape
    system = np.vstack([rows.T, np.ones(examples)])
    try:
        combination, _ = nnls(system, np.append(np.zeros(features), 1.0), maxiter=30 * examples)
    except RuntimeError as unfinished:  # its iteration limit
        raise InaccurateError(np.nan, np.nan, problem) from unfinished
    combination /= combination.sum()
    shortest = rows.T @ combination
    margin = float(np.linalg.norm(shortest))  # of the whole problem: the hull's distance from 0
    if margin <= INFEASIBLE_MARGIN:
        raise InfeasibleError(combination, margin, problem)
    return _polished(rows, np.flatnonzero(combination)) or (shortest / margin**2, combination / margin**2)


def _polished(rows: np.ndarray, support: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The solution on a support, if its duals are of the right sign."""
    dual, *_ = np.linalg.lstsq(rows[support] @ rows[support].T, np.ones(support.size))
    if dual.min() < 0:
        return None
    full = np.zeros(len(rows))
    full[support] = dual
    return rows[support].T @ dual, full
