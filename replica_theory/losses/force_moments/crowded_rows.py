"""Moments of logistic forces whose fields or scales range so widely that nodes in common would be too many."""

from dataclasses import dataclass

import numpy as np

from replica_theory.losses.force_moments.panels import PanelMoments
from replica_theory.losses.force_moments.spaced_rows import Cover, Spacing
from replica_theory.losses.named import Logistic


@dataclass(frozen=True, eq=False)
class CrowdedRows:
    """Rows that have panels of their own, as many nodes on each as a rule of Gauss and Hermite would have.

    Attributes:
        loss: The logistic loss.
        spacing: Of the nodes that would be too many.
    """

    loss: Logistic
    spacing: Spacing

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether nodes in common would still be too many."""
        return Cover.of(np.stack([mean, deviation, scale]), self.spacing).crowded

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """``ForceMoments``, (5, rows)."""
        return np.stack(PanelMoments(self.loss, self.spacing.order)(mean, deviation, scale))
