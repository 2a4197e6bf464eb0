"""Max-margin planes, one class against the rest."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class MaxMarginRecipe:
    """The hyperplane of least hinge loss and, of those, least norm, for each class; two classes share one.

    The inputs carry one coordinate more, equal to 1, for a bias.
    """

    ridge: float = 0.0

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        """Inputs (n, d) and labels (n,) in 0..C−1, all there, C ≥ 2 → function of inputs to (n, C)."""
        from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk

        rows, n_classes = _with_one(inputs), int(labels.max()) + 1
        planes = [
            fit_empirical_risk(rows, np.where(labels == label, 1.0, -1.0), loss="hinge", ridge=self.ridge).weights
            for label in range(1 if n_classes == 2 else 0, n_classes)
        ]
        weights = np.column_stack([-planes[0], planes[0]] if n_classes == 2 else planes)
        return lambda values: _with_one(values) @ weights


def _with_one(inputs: np.ndarray) -> np.ndarray:
    return np.column_stack([np.asarray(inputs, dtype=float), np.ones(len(inputs))])
