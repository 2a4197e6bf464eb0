"""What a loss becomes as the ridge vanishes, where its least value can be attained: a constraint."""

import math

import numpy as np

from replica_theory.losses.base import Loss


class HardMargin(Loss):
    """0 at u ≥ 1 and infinite below: with a ridge, the least w of margin 1, which is the max-margin student."""

    name, smoothness = "hard_margin", math.inf

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) >= 1, 0.0, math.inf)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) <= 1, -math.inf, 0.0)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.zeros_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.ones_like(scale))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        field = self.proximal(omega, scale)
        return field, np.where(field > 1, 1.0, 0.0)

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([1.0]), np.array([0.0])


class Interpolation(Loss):
    """0 at u = 1 and infinite elsewhere: with a ridge, the least w that fits every label exactly."""

    name, smoothness = "interpolation", math.inf

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) == 1, 0.0, math.inf)

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) <= 1, -math.inf, math.inf)

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        return np.zeros_like(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.ones(np.broadcast_shapes(np.shape(omega), np.shape(scale)))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        field = self.proximal(omega, scale)
        return field, np.zeros_like(field)

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.empty(0), np.empty(0)
