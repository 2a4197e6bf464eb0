"""Exact max-margin student or a proof that there is none, by non-negative least squares.

Lawson & Hanson's least-distance form: the minimum of ‖Aᵀy‖² + (1ᵀy − 1)² over y ≥ 0 is zero exactly
when some convex combination of the labelled inputs vanishes, and then y certifies that no student
has a positive margin. Otherwise y is the dual solution up to scale. Slower than the interior
point, but finite: it takes what that leaves undecided.
"""

import numpy as np
from scipy.optimize import nnls

INFEASIBLE_MARGIN = 1e-7


class InfeasibleError(ValueError):
    """No student classifies the examples: a convex combination of labelled inputs is (nearly) zero.

    Attributes:
        certificate: y ≥ 0 with Σ y = 1, shape (P,), such that ‖Σ y_i label_i input_i‖ is ``norm``.
        norm: That length, relative to the inputs' root-mean-square length; no margin exceeds it.
        problem: Index of the problem in the batch.
    """

    def __init__(self, certificate: np.ndarray, norm: float, problem: int):
        super().__init__(certificate, norm, problem)
        self.certificate, self.norm, self.problem = certificate, norm, problem

    def __str__(self) -> str:
        return (
            f"`inputs` of problem {self.problem} are not linearly separable by `labels`: a convex combination of "
            f"{np.count_nonzero(self.certificate)} labelled inputs has length {self.norm:.2g} of their typical one, "
            "so no margin exceeds that; see `certificate`"
        )


def least_distance(rows: np.ndarray, *, problem: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and duals of min ½‖w‖² subject to rows @ w ≥ 1.

    Raises:
        InfeasibleError: No margin above 1e-7 of the inputs' length.
    """
    examples, features = rows.shape
    system = np.vstack([rows.T, np.ones(examples)])
    combination, _ = nnls(system, np.append(np.zeros(features), 1.0), maxiter=30 * examples)
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
