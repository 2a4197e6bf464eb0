"""The conditions of optimality, checked on all rows: what a solution must pass to be one."""

from typing import NamedTuple

import numpy as np

from perceptron_pruning.solver.errors import TOLERANCE


class Candidate(NamedTuple):
    """w = Σ λ a of some rows with λ > 0, and how far it is from solving min ½‖w‖² subject to A w ≥ 1."""

    weights: np.ndarray
    index: np.ndarray
    dual: np.ndarray
    violation: float
    gap: float

    @property
    def verified(self) -> bool:
        """Whether violation and relative gap are at most 1e-9; False where they are NaN."""
        return self.violation <= TOLERANCE and abs(self.gap) <= TOLERANCE


def candidate(rows: np.ndarray, index: np.ndarray, dual: np.ndarray) -> Candidate:
    """The student that duals make, with its largest violation over all rows and its relative gap."""
    index, dual = index[dual > 0], dual[dual > 0]
    weights = dual @ rows[index]
    square = weights @ weights
    violation = 1 - float((rows @ weights).min())
    gap = 2 * (1 - float(dual.sum() / square)) if square > 0 else np.inf
    return Candidate(weights, index, dual, violation, gap)
