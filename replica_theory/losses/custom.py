"""A loss of the user's own, of which only value and proximal operator are known."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import brentq

from replica_theory._numerics.quadrature import gauss_legendre
from replica_theory.losses.base import Loss, Proximal

_STEP = 1e-5
_SHORT_STEP = 1e-7  # a corner within it of a node is missed
_ORDER = 12
_COARSE_ENDS = np.concatenate([-np.geomspace(2000.0, 2.0, 12), [-1.0, 0.0, 1.0], np.geomspace(2.0, 2000.0, 12)])


@dataclass(frozen=True, eq=False)
class OwnLoss(Loss):
    """Finds what the theory needs beside value and proximal operator by evaluating them.

    Where p = prox_{1ℓ}(ω), the slope of ℓ at p is ω − p, whatever its corners; the panels on which prox is a
    polynomial at V = 1 give the fields and slopes between which the loss is smooth.
    """

    own: Proximal

    name = "own"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]
    smoothness = np.inf  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]

    def value(self, field: np.ndarray) -> np.ndarray:
        return np.asarray(self.own.value(field), dtype=float)

    def proximal(self, omega: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
        field = np.asarray(self.own.proximal(omega, scale), dtype=float)
        shape = np.broadcast_shapes(np.shape(omega), np.shape(scale))
        if field.shape != shape or not np.all(np.isfinite(field)):
            raise ValueError(f"`loss.proximal` must return finite fields of shape {shape}; got shape {field.shape}")
        return field

    def derivative(self, field: np.ndarray) -> np.ndarray:
        return (self.value(field) - self.value(np.asarray(field) - _STEP)) / _STEP

    def second_derivative(self, field: np.ndarray) -> np.ndarray:
        field = np.asarray(field)
        return (self.value(field) - 2 * self.value(field - _STEP) + self.value(field - 2 * _STEP)) / _STEP**2

    def proximal_and_slope(self, omega: np.ndarray, scale: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        step = _SHORT_STEP * np.sqrt(np.mean(np.square(omega)))
        rise = self.proximal(omega + step, scale) - self.proximal(omega - step, scale)
        return self.proximal(omega, scale), np.clip(rise / (2 * step), 0.0, 1.0)

    @cached_property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:  # pyright: ignore[reportIncompatibleMethodOverride]
        ends = np.append(self._resolved_ends(), self._centre())
        fields = self.proximal(ends, 1.0)
        return fields, ends - fields

    def _resolved_ends(self) -> np.ndarray:
        """Ends of the panels on which prox at V = 1 is a polynomial: its corners first, then what is left."""
        _, corners = self._split(_COARSE_ENDS, resolved=1e-14, narrowest=1e-13)
        ends, _ = self._split(np.unique(np.concatenate([_COARSE_ENDS, corners])), resolved=1e-11, narrowest=1e-3)
        return ends

    def _split(self, ends: np.ndarray, *, resolved: float, narrowest: float) -> tuple[np.ndarray, np.ndarray]:
        """Halves panels until each is resolved; returns the ends, and where panels stayed rough to the last."""
        nodes, _ = gauss_legendre(_ORDER)
        tail = np.linalg.inv(np.polynomial.legendre.legvander(2 * nodes - 1, _ORDER - 1))[-2:]
        left, right = ends[:-1], ends[1:]
        while True:
            values = self.proximal(left[:, None] + (right - left)[:, None] * nodes, 1.0)
            size = 1 + np.maximum(np.abs(values).max(1), np.abs(right))
            rough = np.abs(values @ tail.T).max(1) > resolved * size
            left, right, size = left[rough], right[rough], size[rough]
            middle, narrow = (left + right) / 2, right - left <= narrowest * size
            if narrow.all():
                return ends, middle
            ends = np.union1d(ends, middle[~narrow])
            left, right = np.concatenate([left, middle]), np.concatenate([middle, right])

    def _centre(self) -> float:
        """ω at which prox vanishes, so that training errors are counted to the edge; 0 if it never does."""
        ends = [float(self.proximal(np.array(end), 1.0)) for end in (-2000.0, 2000.0)]
        if not ends[0] < 0 < ends[1]:
            return 0.0
        root: Any = brentq(lambda omega: float(self.proximal(np.array(omega), 1.0)), -2000.0, 2000.0, xtol=1e-14)
        return float(root)


def as_loss(loss: Loss | Proximal) -> Loss:
    """The loss itself if it is a named one."""
    return loss if isinstance(loss, Loss) else OwnLoss(loss)
