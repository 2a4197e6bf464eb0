"""What a loss becomes at the ends of the ridge's range.

As λ → 0, where all kept examples can have the least loss, it is a constraint: of all students that meet it the ridge
then chooses the one of least norm, whatever its own size. As λ → ∞ it is its tangent at margin 0.
"""

import math

import numpy as np

from replica_theory.losses.base import Loss
from replica_theory.losses.breakpoints import Breakpoints


class HardMargin(Loss):
    """0 at u ≥ 1 and infinite below, the limit of both hinges: w of least norm and margin 1, the max-margin student."""

    breakpoints = Breakpoints(fields=np.array([1.0]), slopes=np.array([0.0]))

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) >= 1, 0.0, math.inf)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.ones_like(scale))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        field = self.proximal(omega, scale)
        return field, np.where(field > 1, 1.0, 0.0)


class Interpolation(Loss):
    """0 at u = 1 and infinite elsewhere, the limit of the square loss: w of least norm that fits every label."""

    breakpoints = Breakpoints(fields=np.empty(0), slopes=np.empty(0))

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) == 1, 0.0, math.inf)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.ones(np.broadcast_shapes(np.shape(omega), np.shape(scale)))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        field = self.proximal(omega, scale)
        return field, np.zeros_like(field)


class Linear(Loss):
    """−u: what any loss becomes at an infinite ridge. Its student at ridge 1 is Hebb's, (1/N) Σ_kept y x."""

    breakpoints = Breakpoints(fields=np.array([0.0]), slopes=np.array([-1.0]))

    def value(self, field: np.ndarray) -> np.ndarray:
        return -np.asarray(field, dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.asarray(omega) + scale

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        return self.proximal(omega, scale), np.ones_like(omega, dtype=float)
