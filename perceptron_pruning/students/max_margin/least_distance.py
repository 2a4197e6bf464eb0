"""The max-margin student (M1) or a proof that there is none, by non-negative least squares.

Lawson & Hanson's least-distance form: the minimum of ‖Aᵀy‖² + (1ᵀy − 1)² over y ≥ 0 is zero exactly
when some convex combination of the labelled inputs vanishes, and then y certifies that no student
has a positive margin. Otherwise y is the dual λ up to scale. Slower than the interior
point, but finite: it takes what that leaves undecided.

References:
    Lawson & Hanson 1974, ch. 23.
"""

import numpy as np

from perceptron_pruning.students.errors import InaccurateError, InfeasibleError

INFEASIBLE_MARGIN = 1e-7  # relative to the inputs' root-mean-square length; no student has less
_ITERATIONS = 30  # iterations of the non-negative least squares at most, times min(P, N)


def least_distance(rows: np.ndarray, *, problem: int) -> tuple[np.ndarray, np.ndarray]:
    """The support and its duals λ in (M3).

    Args:
        rows: A, (P, N), of root-mean-square length 1.
        problem: Index in the batch, for errors.

    Raises:
        InfeasibleError: No margin above 1e-7 of the inputs' length.
        InaccurateError: Not finished within 30 min(P, N) iterations.
    """
    from scipy.optimize import nnls  # rarely needed, and slow to load

    examples, features = rows.shape
    system = np.vstack([rows.T, np.ones(examples)])
    try:
        combination, _ = nnls(system, np.append(np.zeros(features), 1.0), maxiter=_ITERATIONS * min(rows.shape))
    except RuntimeError as unfinished:  # its iteration limit
        raise InaccurateError(np.nan, np.nan, problem) from unfinished
    combination /= combination.sum()
    margin = float(np.linalg.norm(combination @ rows))  # distance of the rows' convex hull from 0
    if margin <= INFEASIBLE_MARGIN:
        raise InfeasibleError(combination, margin, problem)
    support = np.flatnonzero(combination)
    return support, _refined(rows[support], combination[support] / margin**2)


def _refined(active: np.ndarray, dual: np.ndarray) -> np.ndarray:
    """λ_J by (M4), if all of it is positive."""
    refined, *_ = np.linalg.lstsq(active @ active.T, np.ones(len(active)))
    return refined if refined.min() > 0 else dual
