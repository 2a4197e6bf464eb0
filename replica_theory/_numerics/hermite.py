"""Cubic interpolation between nodes where values and slopes are known."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CubicHermite:
    """Piecewise cubic polynomial.

    Attributes:
        nodes: Ascending, (nodes,).
        values: At the nodes, (nodes, ...).
        slopes: At the nodes, shaped like ``values``.
    """

    nodes: np.ndarray
    values: np.ndarray
    slopes: np.ndarray

    @classmethod
    def through(cls, nodes: np.ndarray, values: np.ndarray) -> "CubicHermite":
        """The interpolant of values alone: slopes are second-order differences."""
        return cls(nodes, values, np.gradient(values, nodes))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values at x, (x, ...); beyond the outermost nodes the outermost cubics are continued."""
        left = np.clip(np.searchsorted(self.nodes, x, side="right") - 1, 0, len(self.nodes) - 2)
        right = left + 1
        trailing = (...,) + (None,) * (self.values.ndim - 1)
        width = (self.nodes[right] - self.nodes[left])[trailing]
        s = (x - self.nodes[left])[trailing] / width
        rise = self.values[right] - self.values[left]
        at_left, at_right = width * self.slopes[left] - rise, rise - width * self.slopes[right]
        return self.values[left] + s * rise + s * (1 - s) * ((1 - s) * at_left + s * at_right)
