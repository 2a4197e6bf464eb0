"""The conditions of optimality, checked on all rows: what a solution must pass to be one."""

from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.errors import TOLERANCE


class Candidate(NamedTuple):
    """w = Σ λ a of some rows with λ > 0, and how far it is from solving min ½‖w‖² subject to A w ≥ 1."""

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
    """A student, by default the one that the duals make, with its residuals over all rows::

    violation = max (1 − A w)        gap = (½‖w‖² − Σ λ + ½‖Aᵀλ‖²) / ½‖w‖²
    """
    index, dual = index[dual > 0], dual[dual > 0]
    combined = dual @ rows[index]
    weights = combined if weights is None else weights
    square = weights @ weights
    gap = 1 + float((combined @ combined - 2 * dual.sum()) / square) if square > 0 else np.inf
    mismatch = float(np.linalg.norm(weights - combined) / np.sqrt(square)) if square > 0 else np.inf
    return Candidate(weights, index, dual, 1 - float((rows @ weights).min()), gap, mismatch)
