"""Losses that stand for a limit."""

import math

import numpy as np

from replica_theory.losses.base import Loss
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.losses.named import NamedLoss
from replica_theory.losses.ridgeless import HardMargin, Linear


class Misclassified(HardMargin):
    """0 at u ≥ 0 and infinite below."""

    breakpoints = Breakpoints(fields=np.array([0.0]), slopes=np.array([0.0]))

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(field) >= 0, 0.0, math.inf)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        return np.maximum(omega, np.zeros_like(scale))

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        field = self.proximal(omega, scale)
        return field, np.where(field > 0, 1.0, 0.0)


def slope_of(loss: Loss, margin: float) -> float:
    """ℓ'(f) of a probe's loss, away from ties."""
    if isinstance(loss, Linear):
        return -1.0
    if isinstance(loss, HardMargin):
        return 0.0 if margin > 1 else -math.inf
    if not isinstance(loss, NamedLoss):
        raise TypeError(f"a probe's loss has a name or is a limit; got {loss!r}")
    return float(loss.derivative(np.array(margin)))
