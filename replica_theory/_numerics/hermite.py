"""Cubic interpolation between nodes where values and slopes are known."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CubicHermite:
    """Piecewise cubic through (nodes, values) with these slopes; values may have trailing axes."""

    nodes: np.ndarray
    values: np.ndarray
    slopes: np.ndarray

    @classmethod
    def through(cls, nodes: np.ndarray, values: np.ndarray) -> "CubicHermite":
        """With slopes of second order, from neighbouring values."""
        return cls(nodes, values, np.gradient(values, nodes))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at x; beyond the outermost nodes the outermost cubics go on."""
        cell = np.clip(np.searchsorted(self.nodes, x, side="right") - 1, 0, len(self.nodes) - 2)
        trailing = (...,) + (None,) * (self.values.ndim - 1)
        step = (self.nodes[cell + 1] - self.nodes[cell])[trailing]
        s = (x - self.nodes[cell])[trailing] / step
        rise = self.values[cell + 1] - self.values[cell]
        left, right = step * self.slopes[cell] - rise, rise - step * self.slopes[cell + 1]
        return self.values[cell] + s * rise + s * (1 - s) * ((1 - s) * left + s * right)
