"""Losses that stand for a limit."""

import numpy as np

from replica_theory.losses.base import Loss
from replica_theory.losses.ridgeless import HardMargin


class Linear(Loss):
    """−u: what any loss becomes at an infinite ridge. Its student at ridge 1 is Hebb's, (1/N) Σ_kept a."""

    name, smoothness = "linear", 0.0

    def value(self, field: np.ndarray) -> np.ndarray:
        return -np.asarray(field, dtype=float)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return -np.ones_like(field, dtype=float)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.zeros_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.asarray(omega) + scale

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([0.0]), np.array([-1.0])


class Misclassified(HardMargin):
    """0 at u ≥ 0 and infinite below."""

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.zeros_like(scale))

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(1), np.zeros(1)
