"""The max-margin problem, its conditions of optimality, and how far a solution is from meeting them.

With labelled inputs a = y x as the rows of A (P, N), the student and its dual solve::

    min ½‖w‖²   subject to   A w ≥ 1                                                        (M1)
    max Σ λ − ½‖Aᵀλ‖²   subject to   λ ≥ 0                                                  (M2)

and are optimal exactly when (Karush, Kuhn, Tucker)::

    A w ≥ 1,     λ ≥ 0,     w = Aᵀλ,     λ (A w − 1) = 0                                    (M3)

The support J is where λ > 0. Its rows, if independent, determine both::

    A_J A_Jᵀ λ_J = 1,     w = A_Jᵀ λ_J                                                      (M4)
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from perceptron_pruning.students.arrays import Array
from perceptron_pruning.students.errors import TOLERANCE


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """w and the λ > 0 of some rows, with the residuals of (M3).

    Attributes:
        weights: w, (N,).
        support: Rows with λ > 0, (|J|,).
        dual: Their λ, (|J|,).
        violation: max(1 − A w) over all rows.
        gap: (½‖w‖² − Σ λ + ½‖Aᵀλ‖²) / ½‖w‖².
        mismatch: ‖w − Aᵀλ‖/‖w‖.
    """

    weights: np.ndarray
    support: np.ndarray
    dual: np.ndarray
    violation: float
    gap: float
    mismatch: float

    @property
    def verified(self) -> bool:
        """Whether all residuals are at most 1e-9; False where they are NaN."""
        return self.violation <= TOLERANCE and abs(self.gap) <= TOLERANCE and self.mismatch <= TOLERANCE


def candidate(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, weights: np.ndarray | None = None) -> Candidate:
    """The student w, or by default Aᵀλ, with its residuals.

    Args:
        rows: A, (P, N).
        index: Rows to which the duals belong; all others have λ = 0.
        dual: λ of these rows; those ≤ 0 are left out.
        weights: w.
    """
    positive = dual > 0
    if np.count_nonzero(positive) < dual.size:
        index, dual = index[positive], dual[positive]
    combined = _combined(rows, index, dual)
    weights = combined if weights is None else weights
    gap, mismatch = gap_and_mismatch(np, weights, combined, dual.sum()) if weights @ weights > 0 else (np.inf, np.inf)
    return Candidate(
        weights=weights,
        support=index,
        dual=dual,
        violation=1 - float((rows @ weights).min()),
        gap=float(gap),
        mismatch=float(mismatch),
    )


def _combined(rows: np.ndarray, index: np.ndarray, dual: np.ndarray) -> np.ndarray:
    """Aᵀλ (N,); of most rows, all are read, which is quicker than to collect those."""
    if 2 * index.size < len(rows):
        return dual @ rows[index]
    spread = np.zeros(len(rows))
    spread[index] = dual
    return spread @ rows


def gap_and_mismatch(xp: ModuleType, weights: Array, combined: Array, total_dual: Array) -> tuple[Array, Array]:
    """(½‖w‖² − Σ λ + ½‖Aᵀλ‖²)/½‖w‖² and ‖w − Aᵀλ‖/‖w‖ for w ≠ 0, given Aᵀλ (N,) and Σ λ, in either array library."""
    square = weights @ weights
    if weights is combined:
        return 2 - 2 * total_dual / square, 0 * square
    gap = 1 + (combined @ combined - 2 * total_dual) / square
    return gap, xp.linalg.norm(weights - combined) / xp.sqrt(square)
